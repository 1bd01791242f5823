"""Read a content state, whole or partial, into what a card shows.

The HTML and the plain-text card are drawn from the same `CardView`, so they never disagree. Reading
forgives everything: a field that is missing or of the wrong kind is simply not shown, because the
payload builders and the service, not the picture, are there to refuse it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from activitysmith_jupyter.card._palette import accent

__all__ = [
    "Button",
    "CardView",
    "Measure",
    "Pill",
    "Steps",
    "Ticker",
    "clock_digits",
    "clock_time",
    "read_button",
    "read_card",
    "shown",
]

TYPES: Final = ("stats", "metrics", "segmented_progress", "progress", "alert", "timer", "value")
MOST_MEASURES: Final = 8  # the service's own limit of items
MOST_SEGMENTS: Final = 24  # more would be thinner than the gaps between them
PERCENT_UNITS: Final = frozenset({"%", "percent", "pct"})


@attrs.frozen
class Pill:
    """A coloured word or symbol: the badge (its title) or the icon (its symbol name)."""

    label: str
    color: str


@attrs.frozen
class Measure:
    """One item of ``metrics``; `fraction` (0 to 1) is known for percentages only."""

    label: str
    value: str
    unit: str
    color: str | None
    fraction: float | None


@attrs.frozen
class Steps:
    """Where a segmented bar stands; `colors` has one entry per segment, None for those to come.

    `colors` is empty where the steps are too many to be drawn one by one.
    """

    current: int
    total: int
    colors: tuple[str | None, ...]

    @property
    def fraction(self) -> float:
        """How far, 0 to 1."""
        return self.current / self.total


@attrs.frozen
class Ticker:
    """A timer at one moment.

    Attributes
    ----------
    counts_down : bool
        Whether the digits run towards zero.
    shown_seconds : float
        What the digits say now, at least 0.
    limit_seconds : float or None
        The timer's whole length; None for an open-ended one.
    is_running : bool
        False while paused and after the end.
    """

    counts_down: bool
    shown_seconds: float
    limit_seconds: float | None
    is_running: bool

    @property
    def digits(self) -> str:
        """The digits as a clock shows them."""
        whole = math.ceil if self.counts_down else math.floor
        return clock_digits(whole(self.shown_seconds))


@attrs.frozen
class Button:
    """A button: `kind` is ``open_url`` or ``webhook``."""

    title: str
    kind: str
    url: str
    method: str


@attrs.frozen
class CardView:
    """Everything a card shows, with nothing left to decide but the drawing."""

    type: str
    title: str
    subtitle: str
    color: str
    icon: Pill | None
    badge: Pill | None
    measures: tuple[Measure, ...]
    headline: str
    fraction: float | None
    steps: Steps | None
    message: str
    ticker: Ticker | None
    buttons: tuple[Button, ...]
    is_ended: bool
    notes: tuple[str, ...]

    @property
    def spoken_name(self) -> str:
        """What a screen reader calls the card."""
        kind = self.type.replace("_", " ")
        ended = ", ended" if self.is_ended else ""
        return f"Live Activity, {kind}{ended}: {self.title[:120]}"


def read_card(  # noqa: PLR0913  one parameter per part of a card
    content_state: Mapping[str, Any],
    *,
    action: Mapping[str, Any] | None,
    secondary_action: Mapping[str, Any] | None,
    status: str,
    timer: Mapping[str, Any] | None,
    notes: Iterable[str],
) -> CardView:
    """Read a content state and what stands beside it; see `card_html` for the parameters."""
    state = _mapping(content_state)
    kind = _kind(state)
    color = accent(state.get("color"))
    fraction = _fraction(state) if kind == "progress" else None
    buttons = (read_button(candidate) for candidate in (action, secondary_action))
    return CardView(
        type=kind,
        title=shown(state.get("title")) or "Untitled",
        subtitle=shown(state.get("subtitle")),
        color=color,
        icon=_pill(state.get("icon"), "symbol", color),
        badge=_pill(state.get("badge"), "title", color),
        measures=_measures(state) if kind in {"stats", "metrics"} else (),
        headline=_headline(kind, state, fraction),
        fraction=fraction,
        steps=_steps(state, color) if kind == "segmented_progress" else None,
        message=shown(state.get("message")) if kind == "alert" else "",
        ticker=_ticker(state, _mapping(timer), status) if kind == "timer" else None,
        buttons=tuple(button for button in buttons if button is not None),
        is_ended=status != "active",
        notes=tuple(shown(note) for note in notes),
    )


def shown(value: object) -> str:
    """Write a value the way the card does: text as it is, numbers without a trailing ``.0``."""
    if value is None:
        return ""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.10g}"
    if isinstance(value, int) and not isinstance(value, bool):
        # Python refuses to print integers of several thousand digits, and nobody can read them.
        return str(value) if value.bit_length() < 100 else "∞" if value > 0 else "-∞"  # noqa: PLR2004  about 30 digits
    return str(value)


def clock_digits(seconds: int) -> str:
    """Write whole seconds as ``mm:ss``, and from an hour on as ``h:mm:ss``."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"


def clock_time(moment: float) -> str:
    """Write a UNIX time in seconds as a clock time, ``14:32 UTC``; empty beyond the calendar."""
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return ""


def read_button(candidate: object) -> Button | None:
    """Read an action object; None where there is none."""
    button = _mapping(candidate)
    if not button:
        return None
    kind = "webhook" if button.get("type") == "webhook" else "open_url"
    return Button(
        title=shown(button.get("title")) or "Untitled",
        kind=kind,
        url=shown(button.get("url")),
        method=shown(button.get("method")) or "POST",
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    """Read a finite number, at most what a float holds; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _kind(state: Mapping[str, Any]) -> str:
    """Tell the type, from the fields where an update left it out as it may."""
    kind = state.get("type")
    if kind in TYPES:
        return str(kind)
    signs = (
        ("number_of_steps", "segmented_progress"),
        ("current_step", "segmented_progress"),
        ("percentage", "progress"),
        ("upper_limit", "progress"),
        ("metrics", "metrics"),
        ("message", "alert"),
        ("duration_seconds", "timer"),
        ("value", "value"),
    )
    return next((kind for field, kind in signs if state.get(field) is not None), "activity")


def _pill(candidate: object, field: str, color: str) -> Pill | None:
    parts = _mapping(candidate)
    label = shown(parts.get(field))
    return Pill(label, accent(parts.get("color"), color)) if label else None


def _measures(state: Mapping[str, Any]) -> tuple[Measure, ...]:
    items = state.get("metrics")
    if not isinstance(items, list | tuple):
        return ()
    return tuple(_measure(_mapping(item), state) for item in items[:MOST_MEASURES])


def _measure(item: Mapping[str, Any], state: Mapping[str, Any]) -> Measure:
    own = item.get("color", state.get("color"))
    unit = shown(item.get("unit"))
    number = _number(item.get("value"))
    is_share = number is not None and unit.strip().lower() in PERCENT_UNITS
    return Measure(
        label=shown(item.get("label")),
        value=shown(item.get("value")),
        unit=unit,
        color=accent(own) if own is not None else None,
        # Without a percent unit the scale is unknown, and a bar would be made up.
        fraction=_within(number / 100) if number is not None and is_share else None,
    )


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))


def _fraction(state: Mapping[str, Any]) -> float | None:
    percentage = _number(state.get("percentage"))
    if percentage is not None:  # the service lets it win where both forms are sent
        return _within(percentage / 100)
    value, limit = _number(state.get("value")), _number(state.get("upper_limit"))
    return _within(value / limit) if value is not None and limit is not None and limit > 0 else None


def _headline(kind: str, state: Mapping[str, Any], fraction: float | None) -> str:
    if kind == "value":
        return shown(state.get("value"))
    if kind != "progress":
        return ""
    if state.get("percentage") is None and state.get("upper_limit") is not None:
        return f"{shown(state.get('value'))} / {shown(state['upper_limit'])}"
    # Rounded down: "100 %" is not shown before it is true.
    return "" if fraction is None else f"{math.floor(fraction * 100 + 1e-9)}%"


def _steps(state: Mapping[str, Any], color: str) -> Steps | None:
    count = _number(state.get("number_of_steps"))
    if count is None or count < 1:
        return None
    total = int(count)
    current = min(total, max(0, int(_number(state.get("current_step")) or 0)))
    if total > MOST_SEGMENTS:
        return Steps(current, total, ())
    given = state.get("step_colors")
    own = list(given) if isinstance(given, list | tuple) else []
    colors: list[str | None] = [
        accent(own[i] if i < len(own) else None, color) for i in range(current)
    ]
    if current:
        colors[-1] = accent(state.get("step_color"), colors[-1] or color)
    return Steps(current, total, (*colors, *([None] * (total - current))))


def _ticker(state: Mapping[str, Any], timer: Mapping[str, Any], status: str) -> Ticker:
    limit = _number(timer.get("duration_seconds", state.get("duration_seconds")))
    limit = limit if limit is not None and limit > 0 else None
    # A countdown needs a length; without one only counting up is possible.
    counts_down = timer.get("counts_down", state.get("counts_down")) is not False
    counts_down = counts_down and limit is not None
    elapsed = max(0.0, _number(timer.get("elapsed_seconds")) or 0.0)
    if limit is not None:
        elapsed = min(elapsed, limit)
    is_running = timer.get("is_running", state.get("is_running")) is not False
    return Ticker(
        counts_down=counts_down,
        shown_seconds=limit - elapsed if counts_down and limit is not None else elapsed,
        limit_seconds=limit,
        is_running=is_running and status == "active",
    )
