"""Stream keys: what the service accepts, and stable defaults from a notebook and a label."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath
from typing import Any, Final

from ._fields import text
from .exceptions import PayloadError

__all__ = ["MAX_DEFAULT_KEY", "check_metric_key", "check_stream_key", "stream_key"]

MAX_DEFAULT_KEY: Final = 64
_MAX_KEY: Final = 255
_STREAM_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_METRIC_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_NOT_SLUG: Final = re.compile(r"[^a-z0-9]+")
# Marks that only part words: labels which differ in nothing else share a key. Signs such as
# + # % < > carry meaning ("C" and "C++"), so losing one of those makes the hash differ.
_PARTING: Final = re.compile(r"[\s\-_.,:;=/\\|()\[\]{}'\"!?]+")
_HASH_LENGTH: Final = 8


def check_stream_key(key: Any, field: str = "stream_key") -> str:
    """Return `key` if the service accepts it as a stream key.

    Parameters
    ----------
    key : str
        1 to 255 letters (A to Z), digits, ``_`` and ``-``.
    field : str, default "stream_key"
        What an error calls it.

    Raises
    ------
    PayloadError
        With a repaired key to copy.
    """
    plain: str = text()(key, field)
    if not _STREAM_KEY.fullmatch(plain):
        repaired = re.sub(r"[^A-Za-z0-9_-]+", "-", _ascii(plain)).strip("-")[:_MAX_KEY]
        rule = f"must be 1 to {_MAX_KEY} letters, digits, '_' and '-'"
        raise PayloadError(field, key, rule, f"For example {repaired or stream_key(plain)!r}")
    return plain


def check_metric_key(key: Any, field: str = "key") -> str:
    """Return `key` if the service accepts it as the key of a widget metric.

    Parameters
    ----------
    key : str
        1 to 64 of a to z, digits, ``_``, ``.`` and ``-``, the first a letter or digit.
    field : str, default "key"
        What an error calls it.

    Raises
    ------
    PayloadError
        With a repaired key to copy, where there is one.
    """
    plain: str = text()(key, field)
    if not _METRIC_KEY.fullmatch(plain):
        repaired = re.sub(r"[^a-z0-9_.-]+", "-", _ascii(plain).lower()).strip("-_.")[:64]
        rule = "must be 1 to 64 of a-z, 0-9, '_', '.' and '-', the first a letter or digit"
        raise PayloadError(field, key, rule, f"For example {repaired!r}" if repaired else "")
    return plain


def stream_key(label: str, *, notebook: str | None = None) -> str:
    """Make the stable default key of a label, inside a notebook.

    Parameters
    ----------
    label : str
        What the activity is about, such as a bar's description; any text.
    notebook : str, optional
        The notebook's path or name; its stem goes first.

    Returns
    -------
    str
        1 to 64 of ``a-z``, digits and ``-``. The same arguments always give the same key.

    Notes
    -----
    Labels that differ only in case, spaces and the marks that part words share a key. Where
    more is lost on the way to ASCII (accents, other scripts, signs) or to 64 characters, a
    hash of the whole follows, so distinct labels keep distinct keys. The notebook's part ends
    in a double hyphen, which no slug contains: ``a-b`` and ``c`` never meet ``a`` and ``b-c``.

    Examples
    --------
    >>> stream_key("Training", notebook="work/Churn model.ipynb")
    'churn-model--training'
    """
    parts = [label] if notebook is None else [_stem(notebook), label]
    slugs = [slug for part in parts if (slug := _slug(part))]
    key = "--".join(slugs) or "activity"
    if len(key) > MAX_DEFAULT_KEY:
        room = MAX_DEFAULT_KEY - _HASH_LENGTH - 1
        return f"{key[:room].rstrip('-')}-{_hash(key)}"
    return key


def _slug(words: str) -> str:
    parted = _PARTING.sub(" ", _folded(words)).strip()
    slug = _NOT_SLUG.sub("-", _ascii(parted).lower()).strip("-")
    if slug == parted.replace(" ", "-"):
        return slug
    return f"{slug}-{_hash(parted)}" if slug else _hash(parted)


def _stem(notebook: str) -> str:
    name = PurePosixPath(notebook.replace("\\", "/")).name
    return name.removesuffix(".ipynb")


def _folded(words: str) -> str:
    return unicodedata.normalize("NFKC", words).casefold()


def _ascii(words: str) -> str:
    return unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()


def _hash(words: str) -> str:
    digest = hashlib.blake2s(words.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:_HASH_LENGTH]
