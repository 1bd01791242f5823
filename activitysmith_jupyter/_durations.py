"""Durations as people write them."""

from __future__ import annotations

import math
import re
from typing import Final

__all__ = ["parse_seconds"]

_UNITS: Final = {
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "min": 60.0,
    "s": 1.0,
    "sec": 1.0,
    "ms": 0.001,
    "": 1.0,
}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|min|sec|[dhms]?)\s*")
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2})")
_RULE: Final = "must be a duration of 0 or more such as 30s, 5m, 1h30m or 90 (seconds)"


def parse_seconds(value: object) -> float:
    """Return a duration in seconds.

    Parameters
    ----------
    value : float or str
        Seconds; or text: ``30s``, ``5m``, ``1h 30m``, ``1.5h``, ``2d``, ``500ms``, ``10:00``.

    Raises
    ------
    ValueError
        It is no duration, negative, or not finite.

    Examples
    --------
    >>> parse_seconds("1h30m")
    5400.0
    """
    try:
        seconds = _read(value)
    except (OverflowError, ValueError):  # of more digits than a number can have
        seconds = None
    if seconds is None or not 0 <= seconds < math.inf:
        raise ValueError(_RULE)
    return seconds


def _read(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return 3600.0 * hours + 60.0 * minutes + seconds
    parts = list(_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    if len(parts) > 1 and any(not part[2] for part in parts):
        return None
    return sum(float(part[1]) * _UNITS[part[2]] for part in parts)
