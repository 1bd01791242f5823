"""Numbers, words and times for a line of a phone's Lock Screen.

Nothing here raises, whatever a user's object does when it is asked for its text or its number.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any

__all__ = [
    "BYTE_UNITS",
    "clean",
    "cut",
    "display_width",
    "duration_text",
    "finish_text",
    "rate_text",
    "round_finish",
    "small_number",
    "small_value",
    "to_number",
]

BYTE_UNITS = frozenset({"B", "b"})  # written without a space: 1.2GB

_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_PLAIN_INTEGERS_BELOW = 100_000
_PLAIN_FLOATS_BELOW = 10_000
_SCIENTIFIC_BELOW = 1e-4
_SCIENTIFIC_FROM = 1e15

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_MOST_TEXT = 2000  # no line needs more; a user's object may be the text of a whole table

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS_IN_WEEK = 7

_MINUTE = 60.0
_HOUR = 3600.0
# Up to so many seconds ahead, a finish is rounded to so many minutes.
_ROUNDING = ((_HOUR, 1), (4 * _HOUR, 5), (24 * _HOUR, 15), (math.inf, 60))


def to_number(value: object) -> float | None:
    """Return `value` as a float, or None when it is no number.

    Scalars of numpy, torch, jax and the like are read by their ``item()``. NaN and infinity are
    numbers here; booleans are not.
    """
    try:
        if not isinstance(value, (int, float)):
            if isinstance(value, (str, bytes, type(None))):
                return None
            item = getattr(value, "item", None)
            value = item() if callable(item) else float(value)  # type: ignore[arg-type]
        if isinstance(value, bool):
            return None
        return float(value)
    except OverflowError:
        return math.inf
    except Exception:  # noqa: BLE001  the objects are the user's; one that fails is no number
        return None


def _is_integer(value: object) -> bool:
    try:
        item = getattr(value, "item", None)
        plain = item() if callable(item) else value
    except Exception:  # noqa: BLE001  as in to_number
        return False
    return isinstance(plain, int)


def _short(number: float, digits: int = 3, *, plain_below: float = _PLAIN_FLOATS_BELOW) -> str:
    """Return a finite number in so many significant digits."""
    number += 0.0  # no minus before a zero
    size = abs(number)
    if size and not _SCIENTIFIC_BELOW <= size < _SCIENTIFIC_FROM:
        mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
        return f"{_without_zeros(mantissa)}e{int(exponent)}"
    suffix = ""
    if size >= plain_below:
        number = float(f"{number:.{digits}g}")  # 999960 is 1M, not 1000k
        size = abs(number)
        factor, suffix = next(pair for pair in _SUFFIXES if size >= pair[0])
        number /= factor
    text = f"{number:#.{digits}g}"
    return (str(round(number)) if "e" in text else _without_zeros(text)) + suffix


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def small_number(value: Any) -> str:
    """Return a number in three significant digits.

    Whole numbers stay whole up to 99999. Large ones end in k, M, G or T, tiny ones read ``1e-5``;
    NaN and infinity are said as such. What is no number comes back as its text.
    """
    number = to_number(value)
    if number is None:
        return clean(value)
    if not math.isfinite(number):
        return str(number)
    if abs(number) < _PLAIN_INTEGERS_BELOW and _is_integer(value):
        return str(int(number))
    return _short(number)


def small_value(value: Any) -> str:
    """Return a number small, a text that is a number likewise, any other text cleaned."""
    if isinstance(value, str):
        try:
            return small_number(int(value))
        except ValueError:
            pass
        try:
            return small_number(float(value))
        except ValueError:
            return clean(value)
    return small_number(value)


def clean(value: object) -> str:
    """Return the text of any object on one line, without escapes, fit for UTF-8."""
    try:
        text = str(value)
    except Exception:  # noqa: BLE001  a user's broken __str__ must not break the card
        text = f"<{type(value).__name__}>"
    text = _ESCAPES.sub("", text[:_MOST_TEXT]).encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def display_width(text: str) -> int:
    """Return how many columns a text takes; wide characters and most emoji take two."""
    return sum(map(_width, text))


def cut(text: str, width: int) -> str:
    """Return `text` cut to at most `width` columns (>= 1), the cut marked by an ellipsis."""
    if display_width(text) <= width:
        return text
    kept, used = [], 1
    for character in text:
        used += _width(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def rate_text(per_second: float | None, unit: str = "it") -> str:
    """Return a rate as ``1.2k it/s``, or ``3.4 s/it`` when slower than one a second."""
    if per_second is None or not math.isfinite(per_second) or per_second <= 0:
        return ""
    unit = clean(unit) or "it"
    if per_second >= 1:
        rate = _short(per_second, 2, plain_below=1e3)
        return f"{rate}{unit}/s" if unit in BYTE_UNITS else f"{rate} {unit}/s"
    seconds = 1 / per_second
    if seconds < _MINUTE:
        return f"{_short(seconds, 2)} s/{unit}"
    return f"{duration_text(seconds)}/{unit}"


def duration_text(seconds: float) -> str:
    """Return a length of time in its two largest units: ``45 s``, ``3 min``, ``1 h 20 min``."""
    if not math.isfinite(seconds) or seconds < 0:
        return ""
    if seconds < _MINUTE:
        return f"{int(seconds)} s"
    minutes = int(seconds // _MINUTE)
    if minutes < _HOUR / _MINUTE:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:  # noqa: PLR2004  hours in a day
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def round_finish(now: datetime, seconds: float) -> datetime | None:
    """Return the clock time `seconds` after `now`, the coarser the further away.

    To the minute within an hour, to 5 within four, to 15 within a day, else to the hour; never
    before `now`. None when there is no such date.
    """
    try:
        finish = now + timedelta(seconds=max(0.0, seconds))
        minutes = next(step for limit, step in _ROUNDING if seconds <= limit)
        midnight = finish.replace(hour=0, minute=0, second=0, microsecond=0)
        steps = round((finish - midnight).total_seconds() / (minutes * _MINUTE))
        rounded = midnight + timedelta(minutes=minutes * steps)
        return rounded if rounded >= now else rounded + timedelta(minutes=minutes)
    except (OverflowError, ValueError, StopIteration):
        return None


def finish_text(finish: datetime, now: datetime) -> str:
    """Return a finish as clock time: ``done about 14:32``, with the day when it is another."""
    days = (finish.date() - now.date()).days
    clock = f"{finish.hour:02}:{finish.minute:02}"
    if days <= 0:
        return f"done about {clock}"
    if days == 1:
        return f"done about tomorrow {clock}"
    if days < _DAYS_IN_WEEK:
        return f"done about {_WEEKDAYS[finish.weekday()]} {clock}"
    year = f" {finish.year}" if finish.year != now.year else ""
    return f"done about {finish.day} {_MONTHS[finish.month - 1]}{year}"
