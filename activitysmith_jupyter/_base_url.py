"""Where requests may go: https anywhere, plain http to this machine only."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from .exceptions import ConfigurationError, brief

__all__ = ["DEFAULT_BASE_URL", "as_base_url", "is_loopback"]

DEFAULT_BASE_URL: Final = "https://activitysmith.com/api"
_LONGEST_URL: Final = 2048
_LONGEST_SHOWN: Final = 120
_ANY_LENGTH: Final = 1 << 60
# Printable ASCII without quotes, backslash and the like; in brackets, an IPv6 address.
_PLAIN_URL: Final = re.compile(
    r"https?://(\[[0-9a-f:.]+\]|[\w.-]+)(:\d*)?(/[\w.~%!$&'()*+,;=:@/-]*)?(\?.*)?(#.*)?",
    re.ASCII | re.IGNORECASE,
)
# What may be a password, a token, or an API key that was put in the wrong place.
_SECRETS: Final = (
    (re.compile(r"^.*@", re.DOTALL), "[hidden]@"),
    (re.compile(r"([?#]).*", re.DOTALL), r"\1[hidden]"),
    (re.compile(r"(?<![A-Za-z0-9])ask_.*", re.DOTALL), "[hidden]"),
)


def as_base_url(value: object) -> str:
    """Return the URL without a slash at its end and with its scheme in small letters.

    Raises
    ------
    ConfigurationError
        It is none, or could take the key to somebody else; what may be a secret is not shown.
    """
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(
            f"{_shown(value)}: must be a URL such as {DEFAULT_BASE_URL} "
            "(ACTIVITYSMITH_BASE_URL, configure(base_url=...) or base_url=)"
        )
    text = value.strip().rstrip("/")
    if len(text) > _LONGEST_URL:
        raise ConfigurationError(f"{_shown(value)}: has more than {_LONGEST_URL} characters")
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:  # its words quote what they cannot read
        raise ConfigurationError(
            f"{_shown(value)}: cannot be read as a URL; check host and port"
        ) from None
    if "@" in parts.netloc:
        raise ConfigurationError("base_url must not carry a user name or password")
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(
            f"{_shown(value)}: must start with https:// (or http:// on this machine)"
        )
    if not _PLAIN_URL.fullmatch(text):
        # Readers of URLs differ in what they make of the others, and so in where the key goes.
        raise ConfigurationError(
            f"{_shown(value)}: has characters that no URL has (write an international host "
            "name in its xn-- form)"
        )
    if "?" in text or "#" in text:  # urlsplit does not tell an empty one from none
        raise ConfigurationError(f"{_shown(value)}: must not carry a query or fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"{_shown(value)}: plain http would show the API key to the network; "
            "use https (http only works for this machine, as the emulator does)"
        )
    # Who sends over plain http looks at the scheme, to keep it from passing a proxy.
    return parts.scheme + text[len(parts.scheme) :]


def _shown(value: object) -> str:
    text = brief(value, _ANY_LENGTH)  # cut below, when no secret is in it any more
    for secret, cover in _SECRETS:
        text = secret.sub(cover, text)
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[: _LONGEST_SHOWN - 1]}…"
    return f"base_url={text}"


def is_loopback(host: str) -> bool:
    """Tell whether `host`, a name or address, can only be this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
