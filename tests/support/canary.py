"""A key that is looked for everywhere, in every spelling that a file, a page or a log may have."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# With characters that URLs, JSON, HTML and Python spell differently.
CANARY: Final = "ask_W0nderful/5ecret+that=nobody-may~see&'<\"\\>"


def spellings(key: str) -> dict[str, bytes]:
    """Return the forms of a key by name; of Base64 the part that is the same in any text."""
    in_json = json.dumps(key)[1:-1]
    forms = {
        "plain": key,
        "json": in_json,
        "json in json": json.dumps(in_json)[1:-1],
        "json with escaped slashes": in_json.replace("/", "\\/"),
        "url": quote(key, safe=""),
        "url path": quote(key),
        "url form": quote_plus(key),
        "html": html.escape(key),
        "html text": html.escape(key, quote=False),
        "repr": repr(key)[1:-1],
        "ascii bytes": repr(key.encode())[2:-1],
    }
    for shift in range(3):
        data = b"\0" * shift + key.encode()
        first, after = -(-shift * 8 // 6), len(data) * 8 // 6
        for name, encode in (
            ("base64", base64.b64encode),
            ("base64 for URLs", base64.urlsafe_b64encode),
        ):
            forms[f"{name} +{shift}"] = encode(data).decode()[first:after]
    return {name: form.encode() for name, form in forms.items()}


def found(content: bytes | str, key: str = CANARY) -> list[str]:
    """Return in which spellings a content has the key."""
    there = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    return [name for name, form in spellings(key).items() if form in there]


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every regular file at or below a path."""
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        if file.is_file() and not file.is_symlink():
            yield str(file), file.read_bytes()


def assert_no_key(*places: Path | str | bytes, key: str = CANARY) -> None:
    """Find the key neither in texts nor in files, nor in any file below a folder.

    Parameters
    ----------
    *places : Path, str or bytes
        Folders and files, or contents.
    key : str
        What must not be there.
    """
    leaks = {}
    for number, place in enumerate(places):
        contents = (
            [(f"text {number}", place)] if isinstance(place, str | bytes) else _contents(place)
        )
        for name, content in contents:
            if forms := found(content, key):
                leaks[name] = forms
    assert leaks == {}, f"the key is in {leaks}"
