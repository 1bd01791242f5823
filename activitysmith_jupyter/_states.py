"""The content states: one class per type of Live Activity, and one for what is not whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs

from . import _fields
from ._fields import UNSET, Check, Unset, missing_member
from ._parts import (
    Badge,
    Icon,
    Metric,
    Pictured,
    any_text,
    color_name,
    field_names,
    list_of,
    record,
    some_text,
)
from .exceptions import PayloadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

__all__ = [
    "MAX_METRICS",
    "STATE_CLASSES",
    "STATE_TYPES",
    "AlertState",
    "ContentState",
    "MetricsState",
    "PartialState",
    "ProgressState",
    "SegmentedProgressState",
    "State",
    "StatsState",
    "TimerState",
    "ValueState",
    "types_with",
]

STATE_TYPES: Final = (
    "segmented_progress",
    "progress",
    "metrics",
    "stats",
    "alert",
    "timer",
    "value",
)
MAX_METRICS: Final = 8

_STATE_CHECKS: Final[Mapping[str, Check]] = {
    "title": any_text,
    "type": _fields.choice(STATE_TYPES),
    "subtitle": any_text,
    "metrics": list_of(record(Metric), minimum=1, maximum=MAX_METRICS),
    "number_of_steps": _fields.integer(minimum=1),
    "current_step": _fields.integer(minimum=0),
    "percentage": _fields.number(minimum=0, maximum=100),
    "value": _fields.number_or_text(_fields.number(), any_text),
    "upper_limit": _fields.number(above=0),
    "message": some_text,
    "duration_seconds": _fields.seconds,
    "counts_down": _fields.boolean,
    "is_running": _fields.boolean,
    "color": color_name,
    "step_color": color_name,
    "step_colors": list_of(color_name),
    "icon": record(Icon),
    "badge": record(Badge),
    "auto_dismiss_seconds": _fields.integer(minimum=0),
    "auto_dismiss_minutes": _fields.integer(minimum=0),
}


@attrs.frozen(repr=False)
class ContentState(Pictured):
    """What all content states have: texts, an icon, and when they leave after their end.

    `auto_dismiss_seconds` and `auto_dismiss_minutes` are whole numbers, at least 0 (0: at
    once; seconds win when both are given). Streams take both, the end of an activity by its
    id takes minutes, starting and updating one takes neither.
    """

    _checks: ClassVar = _STATE_CHECKS

    title: str
    subtitle: str | Unset = attrs.field(default=UNSET, kw_only=True)
    icon: Icon | Unset = attrs.field(default=UNSET, kw_only=True)
    auto_dismiss_seconds: int | Unset = attrs.field(default=UNSET, kw_only=True)
    auto_dismiss_minutes: int | Unset = attrs.field(default=UNSET, kw_only=True)

    def _check_together(self) -> None:
        _check_steps(self)
        _check_amount(self)

    def to_payload(self) -> dict[str, Any]:
        """Return the JSON-ready content state, with its `type` where it has one."""
        payload = super().to_payload()
        kind = getattr(self, "type", UNSET)
        return payload if kind is UNSET else {"type": kind, **payload}

    def _shown_body(self) -> dict[str, Any]:
        return {"content_state": self.to_payload()}


@attrs.frozen(repr=False)
class StatsState(ContentState):
    """Up to eight labelled values, side by side.

    Parameters
    ----------
    title : str
        The headline.
    metrics : sequence of Metric or mapping
        1 to 8 items; colours go on the items.
    subtitle, icon, auto_dismiss_seconds, auto_dismiss_minutes
        As on every content state: text, an `Icon`, whole numbers from 0.
    """

    type: ClassVar[str] = "stats"

    metrics: Sequence[Metric] = attrs.field(kw_only=True)


@attrs.frozen(repr=False)
class MetricsState(ContentState):
    """Labelled values with bars, such as loss and accuracy in percent.

    Parameters
    ----------
    title : str
        The headline.
    metrics : sequence of Metric or mapping
        1 to 8 items.
    color : str, optional
        Accent, one of `COLORS`.
    subtitle, icon, auto_dismiss_seconds, auto_dismiss_minutes
        As on every content state.
    """

    type: ClassVar[str] = "metrics"

    metrics: Sequence[Metric] = attrs.field(kw_only=True)
    color: str | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen(repr=False)
class SegmentedProgressState(ContentState):
    """Progress through a known number of steps.

    Parameters
    ----------
    title : str
        The headline.
    number_of_steps : int
        At least 1.
    current_step : int
        Completed steps, 0 to `number_of_steps`.
    color, step_color : str, optional
        Accent, and the colour of the current step; of `COLORS`.
    step_colors : sequence of str, optional
        One colour per completed step: as many as `current_step`.
    badge : Badge or mapping, optional
        A pill of text.
    subtitle, icon, auto_dismiss_seconds, auto_dismiss_minutes
        As on every content state.
    """

    type: ClassVar[str] = "segmented_progress"

    number_of_steps: int = attrs.field(kw_only=True)
    current_step: int = attrs.field(kw_only=True)
    color: str | Unset = attrs.field(default=UNSET, kw_only=True)
    step_color: str | Unset = attrs.field(default=UNSET, kw_only=True)
    step_colors: Sequence[str] | Unset = attrs.field(default=UNSET, kw_only=True)
    badge: Badge | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen(repr=False)
class ProgressState(ContentState):
    """Continuous progress, as a percentage or as a value with its upper limit.

    Parameters
    ----------
    title : str
        The headline.
    percentage : float, optional
        0 to 100. Wins over the pair when both are given.
    value, upper_limit : float, optional
        The pair: any number, and a number greater than 0. Each needs the other.
    color : str, optional
        Accent, one of `COLORS`.
    badge : Badge or mapping, optional
        A pill of text.
    subtitle, icon, auto_dismiss_seconds, auto_dismiss_minutes
        As on every content state.
    """

    type: ClassVar[str] = "progress"

    percentage: float | Unset = attrs.field(default=UNSET, kw_only=True)
    value: float | Unset = attrs.field(default=UNSET, kw_only=True)
    upper_limit: float | Unset = attrs.field(default=UNSET, kw_only=True)
    color: str | Unset = attrs.field(default=UNSET, kw_only=True)
    badge: Badge | Unset = attrs.field(default=UNSET, kw_only=True)

    def _check_together(self) -> None:
        super()._check_together()
        if self.percentage is UNSET and self.value is UNSET:
            raise missing_member("percentage", "is required, or value with upper_limit")


@attrs.frozen(repr=False)
class AlertState(ContentState):
    """A message.

    Parameters
    ----------
    title : str
        The headline.
    message : str
        At least one character.
    color : str, optional
        Tint of the buttons, one of `COLORS`.
    badge : Badge or mapping, optional
        A pill of text.
    subtitle, icon, auto_dismiss_seconds, auto_dismiss_minutes
        As on every content state.
    """

    type: ClassVar[str] = "alert"

    message: str = attrs.field(kw_only=True)
    color: str | Unset = attrs.field(default=UNSET, kw_only=True)
    badge: Badge | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen(repr=False)
class TimerState(ContentState):
    """A clock that ticks on the phone by itself.

    Parameters
    ----------
    title : str
        The headline.
    duration_seconds : float or timedelta, optional
        Greater than 0. A countdown needs it to start. Sent later it restarts the clock from
        then; left out later, the clock goes on.
    counts_down : bool, optional
        False counts up: to `duration_seconds`, or without end when that is left out. The
        service takes True when it is left out.
    is_running : bool, optional
        False freezes the clock, True lets it go on.
    color : str, optional
        Accent, one of `COLORS`.
    subtitle, icon, auto_dismiss_seconds, auto_dismiss_minutes
        As on every content state.
    """

    type: ClassVar[str] = "timer"

    duration_seconds: float | timedelta | Unset = attrs.field(default=UNSET, kw_only=True)
    counts_down: bool | Unset = attrs.field(default=UNSET, kw_only=True)
    is_running: bool | Unset = attrs.field(default=UNSET, kw_only=True)
    color: str | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen(repr=False)
class ValueState(ContentState):
    """One large value.

    Parameters
    ----------
    title : str
        The headline.
    value : float or str
        Any number, or text that is shown exactly as it is.
    color : str, optional
        Accent, one of `COLORS`.
    badge : Badge or mapping, optional
        A pill of text.
    subtitle, icon, auto_dismiss_seconds, auto_dismiss_minutes
        As on every content state.
    """

    type: ClassVar[str] = "value"

    value: float | str = attrs.field(kw_only=True)
    color: str | Unset = attrs.field(default=UNSET, kw_only=True)
    badge: Badge | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen(repr=False)
class PartialState(ContentState):
    """A content state that need not be whole: for later updates and ends.

    Only `title` is required. Without a `type` the service takes the activity's own; with one,
    only that type's fields are accepted. Without one, the fields must still fit together in
    at least one type. Each field is described with the type that has it.
    """

    type: str | Unset = attrs.field(default=UNSET, kw_only=True)
    metrics: Sequence[Metric] | Unset = attrs.field(default=UNSET, kw_only=True)
    number_of_steps: int | Unset = attrs.field(default=UNSET, kw_only=True)
    current_step: int | Unset = attrs.field(default=UNSET, kw_only=True)
    percentage: float | Unset = attrs.field(default=UNSET, kw_only=True)
    value: float | str | Unset = attrs.field(default=UNSET, kw_only=True)
    upper_limit: float | Unset = attrs.field(default=UNSET, kw_only=True)
    message: str | Unset = attrs.field(default=UNSET, kw_only=True)
    duration_seconds: float | timedelta | Unset = attrs.field(default=UNSET, kw_only=True)
    counts_down: bool | Unset = attrs.field(default=UNSET, kw_only=True)
    is_running: bool | Unset = attrs.field(default=UNSET, kw_only=True)
    color: str | Unset = attrs.field(default=UNSET, kw_only=True)
    step_color: str | Unset = attrs.field(default=UNSET, kw_only=True)
    step_colors: Sequence[str] | Unset = attrs.field(default=UNSET, kw_only=True)
    badge: Badge | Unset = attrs.field(default=UNSET, kw_only=True)

    def _check_together(self) -> None:
        _check_fields_fit(self.type, self._given())
        super()._check_together()


WholeState = (
    StatsState
    | MetricsState
    | SegmentedProgressState
    | ProgressState
    | AlertState
    | TimerState
    | ValueState
)
State = WholeState | PartialState

STATE_CLASSES: Final[Mapping[str, type[WholeState]]] = {
    cls.type: cls
    for cls in (
        StatsState,
        MetricsState,
        SegmentedProgressState,
        ProgressState,
        AlertState,
        TimerState,
        ValueState,
    )
}
_STATE_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(field_names(cls)) | {"type"} for name, cls in STATE_CLASSES.items()
}


def types_with(field: str) -> tuple[str, ...]:
    """Return the names of the activity types that have the content state field `field`."""
    return tuple(name for name in STATE_TYPES if field in _STATE_FIELDS[name])


def _check_fields_fit(kind: str | Unset, given: Mapping[str, Any]) -> None:
    if isinstance(kind, str):
        for name in given:
            if name in _STATE_FIELDS[kind]:
                continue
            rule = f"is no field of type {kind}; {', '.join(types_with(name))} have it"
            coloring = kind == "stats" and name == "color"
            hint = "Color the metrics instead" if coloring else "Leave it out or change the type"
            raise PayloadError(name, given[name], rule, hint)
    elif not any(given.keys() <= fields for fields in _STATE_FIELDS.values()):
        names = ", ".join(sorted(given))
        raise PayloadError("type", UNSET, f"no type has all of {names}", "Say which type is meant")


def _check_steps(state: ContentState) -> None:
    steps = getattr(state, "number_of_steps", UNSET)
    current = getattr(state, "current_step", UNSET)
    colors = getattr(state, "step_colors", UNSET)
    if current is UNSET:
        return
    if steps is not UNSET and current > steps:
        raise PayloadError("current_step", current, f"must be at most number_of_steps ({steps})")
    if colors is not UNSET and len(colors) != current:
        rule = f"must have one color per completed step: {current}, has {len(colors)}"
        raise PayloadError("step_colors", colors, rule)


def _check_amount(state: ContentState) -> None:
    value = getattr(state, "value", UNSET)
    limit = getattr(state, "upper_limit", UNSET)
    progress = getattr(state, "type", UNSET) == "progress" or limit is not UNSET
    if not progress:
        return
    if isinstance(value, str):
        raise PayloadError("value", value, "must be a number in a progress activity")
    if (value is UNSET) != (limit is UNSET):
        lonely, other = ("upper_limit", "value") if value is UNSET else ("value", "upper_limit")
        raise PayloadError(lonely, getattr(state, lonely), f"needs {other} beside it")
