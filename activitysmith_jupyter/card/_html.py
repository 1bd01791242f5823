"""Build HTML from parts so that text cannot turn into markup.

`Html` is a type of its own: the type checker refuses a plain string where markup is expected, and
`text` is the only way from the one to the other.
"""

from __future__ import annotations

import html
import re
from typing import Final, NewType
from urllib.parse import urlsplit

__all__ = ["Html", "cleaned", "element", "isolated", "joined", "link_target", "text"]

Html = NewType("Html", str)

VOID: Final = frozenset({"path", "rect", "img"})  # without content, written self-closed

# What HTML cannot hold or what would spoil the encoding: control characters and lone surrogates.
UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def cleaned(value: str) -> str:
    """Replace characters that no document may hold by U+FFFD; CRLF becomes LF."""
    return UNPRINTABLE.sub("\ufffd", value.replace("\r\n", "\n").replace("\r", "\n"))


def text(value: str) -> Html:
    """Turn plain text into markup that shows it."""
    return Html(html.escape(cleaned(value)))


def joined(*parts: Html) -> Html:
    """Put markup one after the other."""
    return Html("".join(parts))


def element(name: str, attributes: dict[str, str | None], *children: Html) -> Html:
    """Write one element; an attribute with the value None is left out."""
    written = "".join(
        f' {key}="{text(value)}"' for key, value in attributes.items() if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{written}/>")
    return Html(f"<{name}{written}>{''.join(children)}</{name}>")


def isolated(class_name: str, value: str, tag: str = "div") -> Html:
    """Show text from outside in a box of its own, so that its direction stays inside."""
    return element(tag, {"class": class_name}, element("bdi", {}, text(value)))


def link_target(url: object) -> str | None:
    """Give `url` back if a browser may follow it: web addresses only, never ``javascript:``."""
    if not isinstance(url, str) or cleaned(url) != url or any(c.isspace() for c in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc else None
