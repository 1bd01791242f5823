"""Paths in a request's body: where an error belongs in the form, and its value. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from activitysmith_jupyter.composer._catalogue import PUSH, fields_of

__all__ = ["fill_in", "place_of", "put", "take_out"]

_PART: Final = re.compile(r"[^.\[\]]+|\[\d+\]")
# What stands in for a value that is missing, so that the rules after it can be checked, too.
_STAND_INS: Final[dict[str, Any]] = {
    "title": "…",
    "label": "…",
    "message": "…",
    "symbol": "…",
    "url": "https://example.org",
    "value": 0,
    "percentage": 0,
    "current_step": 0,
    "number_of_steps": 10**6,
    "duration_seconds": 1,
    "metrics": [{"label": "…", "value": 0}],
}


def put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set a value deep inside."""
    *outer, last = path
    for name in outer:
        body = body.setdefault(name, {})
    body[last] = value


def place_of(path: str, kind: str) -> str:
    """Return the form's name for a path of the request.

    Examples
    --------
    >>> place_of("content_state.metrics[2].value", "stats")
    'metrics[2].value'
    >>> place_of("content_state.icon.symbol", "progress")
    'icon_of_symbol'
    """
    names = {".".join(field.path): field for field in fields_of(kind)}
    path = path.removesuffix(" key")
    if kind != PUSH and path.startswith("channels"):
        path = f"target.{path}"
    parts = _PART.findall(path)
    for length in range(len(parts), 0, -1):
        start = _joined(parts[:length])
        for candidate in (start, f"{start}.symbol", f"{start}.title"):
            field = names.get(candidate)
            if field is not None:
                has_rows = field.look in {"metrics", "actions", "action"}
                return field.name + (path[len(start) :] if has_rows else "")
    return path


def take_out(body: dict[str, Any], path: str) -> bool:
    """Take the value at a path out of a body, or the nearest thing that holds it.

    Returns
    -------
    bool
        False when there is no such thing.
    """
    holder, last = _nearest(body, path)
    if last is None:
        return False
    del holder[last]
    return True


def fill_in(body: dict[str, Any], path: str) -> bool:
    """Put something plausible where a value is missing; False when nothing is known."""
    *_, last = _PART.findall(path)
    if last not in _STAND_INS:
        return False
    holder: Any = body
    for part in _PART.findall(path)[:-1]:
        holder = holder[int(part[1:-1])] if part.startswith("[") else holder.setdefault(part, {})
    if not isinstance(holder, dict) or last in holder:
        return False
    holder[last] = _STAND_INS[last]
    return True


def _nearest(body: Any, path: str) -> tuple[Any, Any]:
    """Find what holds the value at `path`, and its name there: as deep as the body goes."""
    found: tuple[Any, Any] = (body, None)
    for part in _PART.findall(path.removesuffix(" key")):
        step: Any = int(part[1:-1]) if part.startswith("[") else part
        holder = found[0] if found[1] is None else found[0][found[1]]
        inside = (
            0 <= step < len(holder)
            if isinstance(holder, list) and isinstance(step, int)
            else isinstance(holder, dict) and step in holder
        )
        if not inside:
            break
        found = (holder, step)
    return found


def _joined(parts: list[str]) -> str:
    return "".join(part if part.startswith("[") else f".{part}" for part in parts).lstrip(".")
