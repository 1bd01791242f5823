"""Which URLs a tap, a button or the service may open, place by place."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from ._fields import text
from .exceptions import PayloadError

__all__ = [
    "BLOCKED_SCHEMES",
    "app_link",
    "https_url",
    "public_https_url",
    "redirection",
    "web_link",
]

# The service blocks internal and executable schemes without publishing its list. These are
# the ones that browsers treat as such, and the app's own; the service may block more.
BLOCKED_SCHEMES: Final = frozenset(
    {
        "about",
        "activitysmith",
        "blob",
        "chrome",
        "data",
        "file",
        "filesystem",
        "jar",
        "javascript",
        "resource",
        "vbscript",
        "view-source",
    }
)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_BAD_CHARACTER: Final = re.compile(r"[\x00-\x20\x7f]")
_SHORTCUT_FORM: Final = "shortcuts://run-shortcut?name=..."


def https_url(value: Any, field: str) -> str:
    """Check an ``https://`` URL with a host."""
    url, _ = _https(value, field)
    return url


def public_https_url(value: Any, field: str) -> str:
    """Check an ``https://`` URL with a host and without a user name or password."""
    url, parts = _https(value, field)
    if "@" in parts.netloc:
        raise PayloadError(field, "https://…@…", "must not contain credentials")
    return url


def web_link(value: Any, field: str) -> str:
    """Check what a Live Activity button may open: http, https, or a named Shortcut."""
    url, scheme = _link(value, field)
    if scheme not in {"http", "https", "shortcuts"}:
        rule = f"must be an http or https URL or {_SHORTCUT_FORM}"
        raise PayloadError(field, value, rule, "App links work in push notifications only")
    return url


def app_link(value: Any, field: str) -> str:
    """Check what a push may open: a web page, a named Shortcut, or an installed app."""
    return _link(value, field)[0]


def redirection(value: Any, field: str) -> str:
    """Check what tapping a push may open: as `app_link`, at most 2048 characters."""
    return app_link(text(maximum=2048)(value, field), field)


def _https(value: Any, field: str) -> tuple[str, SplitResult]:
    url = _clean(value, field)
    if not url.startswith("https://"):
        raise PayloadError(field, value, "must start with https://")
    return url, _with_host(url, field)


def _link(value: Any, field: str) -> tuple[str, str]:
    url = _clean(value, field)
    match = _SCHEME.fullmatch(url)
    if match is None:
        hint = f"Did you mean https://{url}?" if url else ""
        raise PayloadError(field, value, "must be a URL with its scheme", hint)
    scheme, rest = match[1].lower(), match[2]
    if scheme in BLOCKED_SCHEMES:
        raise PayloadError(field, value, f"must not use the blocked scheme {scheme}:")
    if scheme in {"http", "https"}:
        _with_host(url, field)
    elif scheme == "shortcuts":
        _check_shortcut(url, field)
    elif not rest:
        raise PayloadError(field, value, "must name more than a scheme", f"For example {url}//")
    return url, scheme


def _clean(value: Any, field: str) -> str:
    url: str = text(minimum=1)(value, field)
    if _BAD_CHARACTER.search(url):
        repaired = _BAD_CHARACTER.sub(lambda found: quote(found[0]), url.strip())
        hint = f"Percent-encode them: {repaired}"
        raise PayloadError(field, value, "must not contain spaces or control characters", hint)
    return url


def _with_host(url: str, field: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and url[len(parts.scheme) :].startswith("://")
        _ = parts.port  # reading it is what checks it
    except ValueError:
        usable = False
    if not usable:
        raise PayloadError(field, url, "must be a URL with a valid host")
    return parts


def _check_shortcut(url: str, field: str) -> None:
    parts = urlsplit(url)
    names = parse_qs(parts.query).get("name", [])
    if parts.netloc != "run-shortcut" or parts.path not in {"", "/"} or not any(names):
        raise PayloadError(field, url, f"must have the form {_SHORTCUT_FORM}")
