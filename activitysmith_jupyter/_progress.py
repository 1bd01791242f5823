"""From bars to what the phone says: the content state of a progress card.

The card says how far, the numbers beside the bar, and when it will be done, as a clock time: that
stays true between two updates, "12 min left" does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ._shares import (
    BarView,
    ProgressTracker,
    count,
    fraction,
    known_total,
    to_unit,
    tree,
)
from ._smalltext import (
    BYTE_UNITS,
    clean,
    cut,
    display_width,
    finish_text,
    rate_text,
    round_finish,
    small_number,
    small_value,
)

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "MOST_STEPS",
    "BarView",
    "ProgressTracker",
    "SteadyFinish",
    "Style",
    "fraction",
    "joined",
    "numbers",
    "percentage",
    "progress_fields",
]

Style = Literal["progress", "steps", "timer"]

MOST_STEPS = 24  # segments that can still be told apart across a phone
_TITLE_WIDTH = 32
_SUBTITLE_WIDTH = 48
_NAME_WIDTH = 12
_VALUE_WIDTH = 14
_MOST_POSTFIX = 8

_SEPARATOR = " · "
_READY_POSTFIX = re.compile(r"\s*([^=,]+)=([^=,]*)(?:,|$)")

_DRIFT_SHARE = 0.1
_DRIFT_SECONDS = 60.0


class SteadyFinish:
    """The finish time on show, which changes only when the prediction has moved meaningfully.

    A prediction wanders by a few percent from look to look; a clock time that changed with it
    would look unsure of itself. The time on show stays while the prediction is within a tenth of
    the time to come, or a minute, of it.
    """

    __slots__ = ("_shown",)

    def __init__(self) -> None:
        self._shown: datetime | None = None

    def update(self, seconds_left: float | None, now_wall: datetime) -> datetime | None:
        """Return the finish to show, rounded the coarser the further away it is.

        Parameters
        ----------
        seconds_left : float or None
            The prediction, in seconds from now; None when there is none.
        now_wall : datetime
            The user's clock; naive or aware, but always the same kind.
        """
        if seconds_left is None or not math.isfinite(seconds_left):
            self._shown = None
        elif self._shown is None or self._has_drifted(self._shown, seconds_left, now_wall):
            self._shown = round_finish(now_wall, seconds_left)
        return self._shown

    @staticmethod
    def _has_drifted(shown: datetime, seconds_left: float, now_wall: datetime) -> bool:
        if shown < now_wall:
            return True
        drift = (shown - now_wall).total_seconds() - seconds_left
        return abs(drift) > max(_DRIFT_SECONDS, _DRIFT_SHARE * seconds_left)


def percentage(share: float) -> float:
    """Return a done share (0-1) as a percentage (0-100) with one decimal, never rounded up."""
    # 0.29 * 1000 is a hair below 290: nine more decimals than shown forgive that much.
    return math.floor(round(min(max(share, 0.0), 1.0) * 1000, 9)) / 10


def progress_fields(  # noqa: PLR0913  what a card needs to know; all but the first by name
    views: Sequence[BarView],
    *,
    share: float | None,
    now_wall: datetime,
    finish_wall: datetime | None = None,
    seconds_left: float | None = None,
    style: Style = "progress",
    title: str = "",
    color: str | None = None,
    failed_steps: Collection[int] = (),
    width: int = _SUBTITLE_WIDTH,
) -> dict[str, Any]:
    """Return the content state of a progress card as a plain dict.

    Parameters
    ----------
    views : sequence of BarView
        The bars, outer before inner.
    share : float or None
        Done share as the tracker says it, 0-1. None makes the card a count-up timer.
    now_wall : datetime
        The user's clock.
    finish_wall : datetime, optional
        The finish to show; left out, none is shown.
    seconds_left : float, optional
        For the style "timer": set the countdown to this many seconds; left out, the phone's
        countdown goes on as it is.
    style : {"progress", "steps", "timer"}
        A bar, one segment per item of the outer bar (at most 24), or a countdown.
    title : str, default ""
        The card's title; left empty, the outer bar's description.
    color : str, optional
        Accent colour.
    failed_steps : collection of int
        Items of the outer bar, counted from 0, that failed: their segments are red.
    width : int, default 48
        Columns of the subtitle: about what the Lock Screen shows on one line.

    Returns
    -------
    dict
        A flat content state, ``type`` and ``title`` included; never raises for odd bars.
    """
    roots, children = tree(views)
    root = roots[0] if roots else None
    fields: dict[str, Any] = {"title": _title(title, root)}
    parts = _Parts()
    if root is not None:
        chain = _innermost(root, children)
        _describe(parts, roots, chain, title=fields["title"], known=share is not None)
    if share is not None and finish_wall is not None and share < 1:
        parts.add(1, 3, finish_text(finish_wall, now_wall))
    subtitle = parts.fit(width)
    if subtitle:
        fields["subtitle"] = subtitle
    fields |= _gauge(root, share, style, seconds_left, failed_steps, color)
    if color is not None:
        fields["color"] = color
    return fields


def _gauge(  # noqa: PLR0913, PLR0917  private half of progress_fields
    root: BarView | None,
    share: float | None,
    style: Style,
    seconds_left: float | None,
    failed_steps: Collection[int],
    color: str | None,
) -> dict[str, Any]:
    """Return the type and its own fields."""
    if share is None:
        return {"type": "timer", "counts_down": False}
    steps = int(count(root.total)) if root is not None else 0
    if style == "steps" and root is not None and steps:
        return _segments(min(int(count(root.n)), steps), steps, failed_steps, color)
    if style == "timer":
        if seconds_left is None or not math.isfinite(seconds_left):
            return {"type": "timer"}
        duration = max(1, round(seconds_left))
        return {"type": "timer", "counts_down": True, "duration_seconds": duration}
    return {"type": "progress", "percentage": percentage(share)}


def _segments(
    done: int, steps: int, failed_steps: Collection[int], color: str | None
) -> dict[str, Any]:
    shown = min(steps, MOST_STEPS)
    current = done * shown // steps
    fields: dict[str, Any] = {
        "type": "segmented_progress",
        "number_of_steps": shown,
        "current_step": current,
    }
    failed = {step * shown // steps for step in failed_steps if 0 <= step < done}
    if failed:
        fields["step_colors"] = [
            "red" if step in failed else color or "blue" for step in range(current)
        ]
    return fields


def _title(title: str, root: BarView | None) -> str:
    text = clean(title)
    if not text and root is not None:
        text = clean(root.desc or "").removesuffix(":").rstrip()
    return cut(text or "Progress", _TITLE_WIDTH)


def _innermost(view: BarView, children: Mapping[Any, Sequence[BarView]]) -> list[BarView]:
    """Return a bar and the open bars within it, outer before inner."""
    chain = [view]
    while inner := [child for child in children.get(chain[-1].key, ()) if not child.finished]:
        chain.append(inner[-1])
    return chain


class _Parts:
    """Parts of a line, of which the most useful that fit are shown."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, int, int, str]] = []

    def add(self, priority: int, place: int, text: str) -> None:
        """Add a part: the lower the priority the sooner it is kept; places go left to right."""
        if text:
            self._parts.append((priority, place, len(self._parts), text))

    def fit(self, width: int) -> str:
        """Return the line, at most `width` columns."""
        kept: list[tuple[int, int, str]] = []
        used = 0
        for _, place, number, text in sorted(self._parts):
            needed = display_width(text) + (len(_SEPARATOR) if kept else 0)
            if not kept or used + needed <= width:
                kept.append((place, number, text))
                used += needed
        return cut(_SEPARATOR.join(text for _, _, text in sorted(kept)), width)


def _describe(
    parts: _Parts,
    roots: Sequence[BarView],
    chain: Sequence[BarView],
    *,
    title: str,
    known: bool,
) -> None:
    """Add what the bars say: position, inner position, numbers, rate."""
    root, inner = chain[0], chain[-1]
    if len(roots) > 1:
        finished = sum(view.bars for view in roots if view.finished)
        parts.add(0, 0, f"{finished}/{sum(view.bars for view in roots)} done")
    else:
        parts.add(0, 0, _position(root, title))
    if inner is not root:
        name = cut(clean(inner.desc or "").removesuffix(":").rstrip(), _NAME_WIDTH)
        parts.add(3, 1, f"{name} {_position(inner, name)}".lstrip())
    for text in numbers(reversed(chain)):
        parts.add(2, 2, text)
    parts.add(4 if known else 1, 4, _rate(inner))


def _position(view: BarView, named: str) -> str:
    """Return where a bar is: ``3/10 files``, ``1.2G/3.4GB``, or ``1234 it`` without a total.

    What the name beside it says already, ``Epoch`` for epochs, is not said again.
    """
    unit = clean(to_unit(view)) or "it"
    total = known_total(view)
    scale = _scale(view)
    shown = _count_text(count(view.n) * scale, view)
    if total is not None:
        shown = f"{shown}/{_count_text(total * scale, view)}"
        if unit == "it" or unit.casefold() in named.casefold():
            return shown
    return f"{shown}{unit}" if unit in BYTE_UNITS else f"{shown} {cut(unit, _NAME_WIDTH)}"


def _count_text(number: float, view: BarView) -> str:
    whole = number.is_integer() and not (view.unit_scale is True and number >= 1000)  # noqa: PLR2004  where unit_scale starts to shorten
    return small_number(int(number) if whole else number)


def _scale(view: BarView) -> float:
    return count(view.unit_scale) or 1.0


def _rate(view: BarView) -> str:
    elapsed = count(view.elapsed_seconds)
    if not elapsed:
        return ""
    gained = count(view.n) - count(view.initial)
    return rate_text(gained * _scale(view) / elapsed, to_unit(view))


def joined(texts: Sequence[str], width: int = _SUBTITLE_WIDTH) -> str:
    """Return texts as one line, the first ones first, as many as fit into `width` columns."""
    parts = _Parts()
    for place, text in enumerate(texts):
        parts.add(place, place, text)
    return parts.fit(width)


def numbers(views: Iterable[BarView]) -> list[str]:
    """Return the numbers beside the bars as short texts, each name once.

    Parameters
    ----------
    views : iterable of BarView
        The first one that has a name says its number.

    Examples
    --------
    >>> numbers([BarView(key=1, postfix={"loss": 0.0311964}), BarView(key=0, postfix="loss=1")])
    ['loss 0.0312']
    """
    texts: dict[str, str] = {}
    for view in views:
        for name, value in _pairs(view.postfix):
            texts.setdefault(name or value, f"{name} {value}".strip())
    return list(texts.values())[:_MOST_POSTFIX]


def _pairs(postfix: Any) -> list[tuple[str, str]]:
    """Return the names and values of a postfix, cleaned and cut."""
    try:
        if not postfix:
            return []
        if isinstance(postfix, Mapping):
            found = [(clean(name), value) for name, value in postfix.items()]
        else:
            text = clean(postfix)
            found = [(m[1], m[2]) for m in _READY_POSTFIX.finditer(text)]
            if not found or "".join(f"{n}={v}" for n, v in found) != text.replace(", ", ""):
                return [("", cut(text, _SUBTITLE_WIDTH // 2))]
        return [
            (cut(name.strip(), _NAME_WIDTH), _value_text(value))
            for name, value in found[:_MOST_POSTFIX]
        ]
    except Exception:  # noqa: BLE001  a user's mapping that fails shows nothing
        return []


def _value_text(value: Any) -> str:
    return cut(small_value(value), _VALUE_WIDTH)
