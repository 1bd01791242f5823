"""Which content state each operation takes: the rules that depend on the moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from ._fields import UNSET, missing_member, unknown_member, within
from ._parts import Record, field_names, required_fields
from ._states import STATE_CLASSES, PartialState, State
from .exceptions import PayloadError

__all__ = [
    "ALL_STATE_FIELDS",
    "STATE_FIELDS",
    "WHERE",
    "Operation",
    "mapping_of",
    "parse_state",
    "without_unset",
]

Operation = Literal["start", "stream", "stream_end", "update", "end"]

ALL_STATE_FIELDS: Final = tuple(field_names(PartialState))
_DISMISSAL: Final[Mapping[Operation, frozenset[str]]] = {
    "start": frozenset(),
    "stream": frozenset({"auto_dismiss_seconds", "auto_dismiss_minutes"}),
    "stream_end": frozenset({"auto_dismiss_seconds", "auto_dismiss_minutes"}),
    "update": frozenset(),
    "end": frozenset({"auto_dismiss_minutes"}),
}
STATE_FIELDS: Final[Mapping[Operation, tuple[str, ...]]] = {
    operation: tuple(
        name
        for name in ALL_STATE_FIELDS
        if not name.startswith("auto_dismiss_") or name in dismissal
    )
    for operation, dismissal in _DISMISSAL.items()
}
WHERE: Final[Mapping[str, str]] = {
    "start": "starting an activity",
    "stream": "a stream update",
    "stream_end": "the end of a stream",
    "update": "updating an activity by its id",
    "end": "ending an activity by its id",
}
# These two may stay away from a later update, and a stream update cannot know whether it is
# the first: the service refuses a first one that lacks them.
_KEPT_LATER: Final = frozenset({"number_of_steps", "duration_seconds"})
_OTHER_WAY: Final[Mapping[str, str]] = {
    "percentage": "Or give value with upper_limit",
    "duration_seconds": "Or set counts_down=False to count up without end",
}


def parse_state(raw: Mapping[str, Any] | State, *, operation: Operation) -> State:
    """Check a content state for one operation.

    Parameters
    ----------
    raw : mapping or content state
        Fields as the API spells them, or one of the state classes.
    operation : {"start", "stream", "stream_end", "update", "end"}
        ``start`` needs the type and all that the type requires. ``stream`` needs, when a type
        is given, the type's current data, but neither `number_of_steps` nor
        `duration_seconds`, which a later update may leave out. The others need a title.

    Returns
    -------
    State
        The type's own class when the state is whole, else a `PartialState`.

    Raises
    ------
    PayloadError
        With the path below ``content_state``.
    """
    given = mapping_of(raw, "content_state")
    with within("content_state"):
        for name, value in given.items():
            if name not in STATE_FIELDS[operation]:
                raise _no_state_field(name, value, operation)
        if "title" not in given:
            raise missing_member("title", hint="A content state always carries its title")
        if operation == "start" and "type" not in given:
            raise missing_member("type", f"is required to start: {', '.join(STATE_CLASSES)}")
        partial = PartialState(**given)
        lacking = _lacking(partial)
        for name in lacking:
            late = operation == "stream" and name not in _KEPT_LATER
            if operation == "start" or late:
                raise missing_member(
                    name, f"is required for type {partial.type}", _OTHER_WAY.get(name, "")
                )
    if not isinstance(partial.type, str) or set(lacking) - {"duration_seconds"}:
        return partial
    fields = {name: getattr(partial, name) for name in given if name != "type"}
    return STATE_CLASSES[partial.type](**fields)


def mapping_of(raw: Any, field: str) -> dict[str, Any]:
    """Copy a mapping, or the payload of one of our objects, without what is not set."""
    if isinstance(raw, Record):
        raw = raw.to_payload()
    if not isinstance(raw, Mapping):
        raise PayloadError(field, raw, "must be an object (a dict) or one of our payload classes")
    return without_unset(raw)


def without_unset(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Copy `fields` without those that are `UNSET`."""
    return {name: value for name, value in fields.items() if value is not UNSET}


def _lacking(state: PartialState) -> list[str]:
    """Name the fields that the state's type requires and that are not there."""
    if not isinstance(state.type, str):
        return []
    if state.type == "progress":
        return [] if state.percentage is not UNSET or state.value is not UNSET else ["percentage"]
    if state.type == "timer":
        open_ended = state.counts_down is False
        return [] if open_ended or state.duration_seconds is not UNSET else ["duration_seconds"]
    required = required_fields(STATE_CLASSES[state.type])
    return [name for name in required if getattr(state, name) is UNSET]


def _no_state_field(name: str, value: Any, operation: Operation) -> PayloadError:
    if name in ALL_STATE_FIELDS:
        other = _DISMISSAL[operation]
        hint = f"Use {', '.join(other)}" if other else "Give it when the activity ends"
        return PayloadError(name, value, f"is not accepted by {WHERE[operation]}", hint)
    return unknown_member(name, value, STATE_FIELDS[operation], "a content state")
