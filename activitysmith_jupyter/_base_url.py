"""Where requests may go: https anywhere, plain http to this machine only."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from .exceptions import ConfigurationError

__all__ = ["DEFAULT_BASE_URL", "as_base_url", "is_loopback"]

DEFAULT_BASE_URL: Final = "https://activitysmith.com/api"
# Printable ASCII without quotes, backslash and the like; in brackets, an IPv6 address.
_PLAIN_URL: Final = re.compile(
    r"https?://(\[[0-9a-f:.]+\]|[\w.-]+)(:\d*)?(/[\w.~%!$&'()*+,;=:@/-]*)?(\?.*)?(#.*)?",
    re.ASCII | re.IGNORECASE,
)


def as_base_url(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(
            f"base_url={value!r}: must be a URL such as {DEFAULT_BASE_URL} "
            "(ACTIVITYSMITH_BASE_URL, configure(base_url=...) or base_url=)"
        )
    text = value.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"base_url={value!r}: {error}") from None
    if "@" in parts.netloc:
        raise ConfigurationError("base_url must not carry a user name or password")
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(
            f"base_url={value!r}: must start with https:// (or http:// on this machine)"
        )
    if not _PLAIN_URL.fullmatch(text):
        # Readers of URLs differ in what they make of the others, and so in where the key goes.
        raise ConfigurationError(
            f"base_url={value!r}: has characters that no URL has (write an international host "
            "name in its xn-- form)"
        )
    if "?" in text or "#" in text:  # urlsplit does not tell an empty one from none
        raise ConfigurationError(f"base_url={value!r}: must not carry a query or fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"base_url={value!r}: plain http would show the API key to the network; "
            "use https (http only works for this machine, as the emulator does)"
        )
    return text


def is_loopback(host: str) -> bool:
    """Tell whether `host`, a name or address, can only be this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
