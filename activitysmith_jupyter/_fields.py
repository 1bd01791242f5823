"""Checks for single payload fields: what a value means in JSON, and whether the contract takes it.

A *check* is a function of a value and the field's path; it returns the plain JSON value or
raises `PayloadError`. Values that mean a plain number, text or boolean (numpy and pandas
scalars, zero-dimensional arrays and tensors, `Decimal`, `Fraction`, enum members) become one;
nothing here imports the libraries they come from. Missing values (None, NaN, NaT, NA) are
refused: JSON has no word for them and the service accepts no null.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from numbers import Rational
from typing import Any, Final, Literal

from .exceptions import PayloadError, brief

__all__ = [
    "UNSET",
    "Check",
    "Unset",
    "boolean",
    "channels",
    "choice",
    "identifier",
    "integer",
    "iso_timestamp",
    "json_object",
    "metadata",
    "missing_member",
    "number",
    "number_or_text",
    "seconds",
    "tags",
    "text",
    "unknown_member",
    "within",
]

Check = Callable[[Any, str], Any]

MAX_TAGS: Final = 20
MAX_METADATA_ENTRIES: Final = 50
MAX_METADATA_BYTES: Final = 16_384
_MAX_DEPTH: Final = 32
_TAG_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


class Unset(Enum):
    """The type of `UNSET`: a field that was not given, which differs from any value."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET


@contextmanager
def within(prefix: str) -> Iterator[None]:
    """Put `prefix` before the field path of any `PayloadError` raised inside."""
    try:
        yield
    except PayloadError as error:
        joint = "" if error.field.startswith("[") else "."
        field = f"{prefix}{joint}{error.field}"
        raise PayloadError(field, error.value, error.rule, error.hint) from None


def missing_member(field: str, rule: str = "is required", hint: str = "") -> PayloadError:
    """Make the error for a field that should have been given."""
    return PayloadError(field, UNSET, rule, hint)


def unknown_member(name: object, value: Any, known: Collection[str], where: str) -> PayloadError:
    """Make the error for a field that `where` does not have, naming the nearest one it has."""
    word = name if isinstance(name, str) else brief(name)
    near = difflib.get_close_matches(word, sorted(known), n=1)
    hint = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(sorted(known))}"
    return PayloadError(word, value, f"is no field of {where}", hint)


def text(
    *, minimum: int = 0, maximum: int | None = None, pattern: re.Pattern[str] | None = None
) -> Check:
    """Make a check for text of `minimum` to `maximum` characters; dates become ISO 8601."""

    def check(value: Any, field: str) -> str:
        plain = _plain(value, field)
        if isinstance(plain, date):
            return _iso_text(plain)
        if not isinstance(plain, str):
            kind = type(plain).__name__
            raise PayloadError(field, value, f"must be text, not {kind}", "Format it with str()")
        _check_encodable(plain, value, field)
        if len(plain) < minimum:
            rule = "must not be empty" if minimum == 1 else f"must have {minimum} characters"
            raise PayloadError(field, value, rule)
        if maximum is not None and len(plain) > maximum:
            rule = f"must have at most {maximum} characters, has {len(plain)}"
            raise PayloadError(field, value, rule, "Shorten it; nothing is cut off for you")
        if pattern is not None and not pattern.fullmatch(plain):
            raise PayloadError(field, value, f"must match {pattern.pattern}")
        return plain

    return check


def number(
    *, minimum: float | None = None, maximum: float | None = None, above: float | None = None
) -> Check:
    """Make a check for a finite number within inclusive bounds, or strictly `above` one."""

    def check(value: Any, field: str) -> float:
        plain = _finite(value, field)
        _check_bounds(plain, minimum, maximum, value, field)
        if above is not None and plain <= above:
            raise PayloadError(field, value, f"must be greater than {above}")
        return plain

    return check


def integer(*, minimum: int | None = None, maximum: int | None = None) -> Check:
    """Make a check for a whole number within inclusive bounds; 3.0 counts as 3."""

    def check(value: Any, field: str) -> int:
        plain = _finite(value, field)
        if plain != int(plain):
            raise PayloadError(field, value, "must be a whole number", "Round it first")
        _check_bounds(plain, minimum, maximum, value, field)
        return int(plain)

    return check


def seconds(value: Any, field: str) -> float:
    """Check a duration greater than zero: a number of seconds, or a `timedelta`."""
    plain = _plain(value, field)
    if isinstance(plain, timedelta):
        total = plain.total_seconds()
        plain = int(total) if total.is_integer() else total
    checked: float = number(above=0)(plain, field)
    return checked


def boolean(value: Any, field: str) -> bool:
    """Check True or False; numpy booleans count, 0 and 1 do not."""
    plain = _plain(value, field)
    if not isinstance(plain, bool):
        raise PayloadError(field, value, "must be True or False")
    return plain


def choice(options: Collection[str]) -> Check:
    """Make a check for one of a few words."""

    def check(value: Any, field: str) -> str:
        plain = _plain(value, field)
        if not isinstance(plain, str) or plain not in options:
            word = plain.lower() if isinstance(plain, str) else ""
            near = difflib.get_close_matches(word, options, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else ""
            raise PayloadError(field, value, f"must be one of {', '.join(options)}", hint)
        return str.__str__(plain)

    return check


def number_or_text(as_number: Check, as_text: Check) -> Check:
    """Make a check that takes a number or text, each under its own rule."""

    def check(value: Any, field: str) -> float | str:
        plain = _plain(value, field)
        if isinstance(plain, str | date):
            return as_text(plain, field)  # type: ignore[no-any-return]
        return as_number(plain, field)  # type: ignore[no-any-return]

    return check


# Ids go into URLs, and no part of one is as long.
identifier: Final = text(minimum=1, maximum=1024)


def iso_timestamp(value: Any, field: str) -> str:
    """Check a moment and write it as ISO 8601 in UTC.

    A `datetime` without a zone is local time, as everywhere in Python. Text must be a date
    with a time in ISO 8601 and is passed on with the same reading.
    """
    plain = _plain(value, field)
    if isinstance(plain, str):
        try:
            if len(plain) <= len("2026-01-31"):
                raise ValueError(plain)  # noqa: TRY301  one message for all that is no moment
            plain = datetime.fromisoformat(plain)
        except ValueError:
            hint = "For example 2026-01-31T14:32:00Z, or pass a datetime"
            raise PayloadError(field, value, "must be an ISO 8601 date and time", hint) from None
    if not isinstance(plain, datetime):
        raise PayloadError(field, value, "must be a datetime or ISO 8601 text")
    try:
        return _iso_text(plain.astimezone(UTC))
    except (OverflowError, OSError, ValueError):
        raise PayloadError(field, value, "must be a moment that UTC can express") from None


def json_object(value: Any, field: str) -> dict[str, Any]:
    """Check a free JSON object and copy it, so that later changes to it do not reach us."""
    if not isinstance(value, Mapping):
        raise PayloadError(field, value, "must be an object (a dict)")
    copy: dict[str, Any] = _json_value(value, field, depth=0)
    return copy


def tags(value: Any, field: str) -> tuple[str, ...]:
    """Check tags; repeated ones count once, the order stays."""
    unique = dict.fromkeys(
        _tag(item, f"{field}[{index}]") for index, item in enumerate(_items(value, field))
    )
    if len(unique) > MAX_TAGS:
        raise PayloadError(field, value, f"must have at most {MAX_TAGS} different tags")
    return tuple(unique)


def channels(value: Any, field: str) -> tuple[str, ...]:
    """Check channel slugs: a list, or text with commas; blanks are dropped."""
    plain = _plain(value, field)
    items = plain.split(",") if isinstance(plain, str) else _items(plain, field)
    slugs = (text()(item, f"{field}[{index}]").strip() for index, item in enumerate(items))
    return tuple(slug for slug in slugs if slug)


def metadata(value: Any, field: str) -> dict[str, str | float | bool]:
    """Check metadata: flat, at most 50 entries and 16 384 bytes as UTF-8 JSON."""
    if not isinstance(value, Mapping):
        raise PayloadError(field, value, "must be an object (a dict)")
    if len(value) > MAX_METADATA_ENTRIES:
        rule = f"must have at most {MAX_METADATA_ENTRIES} entries, has {len(value)}"
        raise PayloadError(field, value, rule)
    checked = {
        _metadata_key(key, field): _metadata_value(item, f"{field}.{key}")
        for key, item in value.items()
    }
    size = len(json.dumps(checked, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_METADATA_BYTES:
        rule = f"must have at most {MAX_METADATA_BYTES} bytes as JSON, has {size}"
        raise PayloadError(field, value, rule)
    return checked


def _tag(value: Any, field: str) -> str:
    plain: str = text()(value, field)
    if not _TAG_PATTERN.fullmatch(plain):
        rule = "must be 1 to 64 letters, digits, '.', '_', ':' or '-', the first a letter or digit"
        raise PayloadError(field, value, rule)
    return plain


def _metadata_key(value: Any, field: str) -> str:
    key: str = text(minimum=1, maximum=100)(value, f"{field} key")
    if not key.strip() or key == "__proto__":
        raise PayloadError(f"{field} key", value, "must be neither blank nor __proto__")
    return key


def _metadata_value(value: Any, field: str) -> str | float | bool:
    plain = _plain(value, field)
    if isinstance(plain, bool):
        return plain
    if isinstance(plain, Mapping | list | tuple):
        hint = "Flatten it, or leave it out"
        raise PayloadError(field, value, "must be text, a number or a boolean", hint)
    checked: str | float = number_or_text(number(), text(maximum=4000))(plain, field)
    return checked


def _items(value: Any, field: str) -> list[Any] | tuple[Any, ...]:
    if isinstance(value, list | tuple):
        return value
    hint = f"Write [{value!r}]" if isinstance(value, str) else "Pass a list"
    raise PayloadError(field, value, "must be a list", hint)


def _json_value(value: Any, field: str, *, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        hint = "Does it contain itself?"
        raise PayloadError(field, "…", f"must not nest deeper than {_MAX_DEPTH} levels", hint)
    if value is None:  # inside a free object null is a value like any other
        return None
    if isinstance(value, Mapping):
        return {
            text()(key, f"{field} key"): _json_value(item, f"{field}.{key}", depth=depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [
            _json_value(item, f"{field}[{index}]", depth=depth + 1)
            for index, item in enumerate(value)
        ]
    plain = _plain(value, field)
    if isinstance(plain, bool):
        return plain
    return number_or_text(number(), text())(plain, field)


def _plain(value: Any, field: str) -> Any:
    """Turn a scalar of any library into Python's own; refuse what is missing."""
    if isinstance(value, Enum):
        value = value.value if value is not UNSET else None
    if value is None:
        hint = "Leave the field out instead"
        raise PayloadError(field, value, "must not be None: null is not accepted", hint)
    if type(value).__name__ in {"NAType", "NaTType"}:
        raise PayloadError(field, value, "must not be a missing value")
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    scalar = getattr(value, "shape", None) == () and callable(getattr(value, "item", None))
    if scalar and kind in {"M", "m"}:
        # in nanoseconds, .item() would be a bare integer
        name = "datetime64" if kind == "M" else "timedelta64"
        moment = value.astype(f"{name}[us]").item()
        if moment is None:
            raise PayloadError(field, value, "must not be a missing value")
        return moment
    if scalar:
        value = value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Decimal | Rational) or (scalar and kind == "f"):
        return _plain_number(value, field)
    return value


def _plain_number(value: Any, field: str) -> float:
    try:
        rough = float(value)
    except (OverflowError, ValueError):
        raise PayloadError(field, value, "must be a finite number") from None
    exact = isinstance(value, Decimal | Rational) and math.isfinite(rough)
    return int(value) if exact and value == int(value) else rough


def _finite(value: Any, field: str) -> float:
    plain = _plain(value, field)
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        if isinstance(plain, bool):
            rule, hint = "must be a number, not a boolean", "Write 0 or 1 if that is meant"
        elif isinstance(plain, str):
            rule, hint = "must be a number, not text", "Convert it with float()"
        else:
            rule = f"must be a number, not {type(plain).__name__}"
            hint = "Take one number out of it" if hasattr(plain, "shape") else ""
        raise PayloadError(field, value, rule, hint)
    if not math.isfinite(plain):
        raise PayloadError(field, value, "must be a finite number", "Leave NaN and infinity out")
    return float(plain) if isinstance(plain, float) else int(plain)


def _check_bounds(
    plain: float, minimum: float | None, maximum: float | None, value: Any, field: str
) -> None:
    if minimum is not None and maximum is not None and not minimum <= plain <= maximum:
        raise PayloadError(field, value, f"must be between {minimum} and {maximum}")
    if minimum is not None and plain < minimum:
        raise PayloadError(field, value, f"must be at least {minimum}")


def _check_encodable(plain: str, value: Any, field: str) -> None:
    try:
        plain.encode()
    except UnicodeEncodeError:
        hint = "Decode it with the right codec, or drop them"
        raise PayloadError(field, value, "must not contain lone surrogates", hint) from None


def _iso_text(moment: date) -> str:
    if not isinstance(moment, datetime):
        return moment.isoformat()
    # rebuilt, for subclasses write more digits than ISO 8601 readers take
    own = datetime.combine(moment.date(), moment.timetz())
    if own.tzinfo is None:
        return own.isoformat()
    return own.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
