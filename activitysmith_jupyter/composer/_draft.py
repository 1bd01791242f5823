"""A draft: what was typed, and the request it makes or the reasons why it makes none. Pure.

Everything in a draft is as somebody typed it: text, choices, rows of text. `read` turns it into
the body of a request through the same builders that every other surface uses, and says beside
which field a rule was broken.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from activitysmith_jupyter._fields import UNSET
from activitysmith_jupyter._operations import parse_state
from activitysmith_jupyter._requests import push_body, replace_body, stream_body, stream_end_body
from activitysmith_jupyter._streams import check_stream_key
from activitysmith_jupyter.composer._catalogue import PUSH, fields_of
from activitysmith_jupyter.composer._places import fill_in, place_of, put, take_out
from activitysmith_jupyter.composer._values import Unreadable, value_of
from activitysmith_jupyter.exceptions import PayloadError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STREAM_KEY", "Operation", "Problem", "Reading", "read"]

Operation = Literal["push", "replace", "start", "update", "end"]

STREAM_KEY: Final = "stream_key"
_LEFT_OUT: Final[dict[str, frozenset[str]]] = {
    "replace": frozenset({"channels", "sound", "interruption_level"}),
    "end": frozenset({"channels"}),
}
_DISMISSAL: Final = frozenset({"auto_dismiss_seconds", "auto_dismiss_minutes"})
_MOST_PROBLEMS: Final = 40


@attrs.frozen
class Problem:
    """Why a field cannot be sent: the words, and whether it is only not filled in yet."""

    words: str
    is_missing: bool = False


@attrs.frozen
class Reading:
    """What a draft comes to.

    Attributes
    ----------
    body : dict
        The request's body; where there are problems, what is left without the fields that have
        them, good enough for a picture.
    problems : dict of str to Problem
        By place: a field's name, or ``metrics[2].value`` for a part of a row.
    """

    body: dict[str, Any]
    problems: dict[str, Problem]


def read(
    kind: str, values: Mapping[str, Any], *, operation: Operation, stream_key: str | None = None
) -> Reading:
    """Make a request's body of what was typed.

    Parameters
    ----------
    kind : str
        ``push`` or a type of Live Activity.
    values : mapping
        What was typed, by field name; fields of other kinds are not looked at.
    operation : {"push", "replace", "start", "update", "end"}
        What is to be sent: a start needs all that the type requires.
    stream_key : str, optional
        Checked, too, when given.
    """
    problems: dict[str, Problem] = {}
    if stream_key is not None:
        problems.update(_key_problem(stream_key))
    body = _typed_body(kind, values, operation, problems)
    probe = deepcopy(body)
    for _ in range(_MOST_PROBLEMS):
        try:
            built = _built(kind, probe, operation)
        except PayloadError as error:
            problems.setdefault(place_of(error.field, kind), _problem(error))
            # What is missing is made up, and what is wrong is left out, to see what comes next.
            if error.value is UNSET:
                goes_on = fill_in(probe, error.field)
            else:
                goes_on = take_out(probe, error.field)
                take_out(body, error.field)
            if not goes_on:
                break
        else:
            return Reading(body if problems else built, problems)
    return Reading(body, problems)


def _typed_body(
    kind: str, values: Mapping[str, Any], operation: Operation, problems: dict[str, Problem]
) -> dict[str, Any]:
    body: dict[str, Any] = {} if kind == PUSH else {"content_state": {"type": kind}}
    for field in fields_of(kind):
        if field.name in _LEFT_OUT.get(operation, ()):
            continue
        try:
            value = value_of(field, values.get(field.name))
        except Unreadable as unreadable:
            problems.update({place: Problem(words) for place, words in unreadable.places.items()})
            value = unreadable.rest
        if value is not UNSET:
            put(body, field.path, value)
    return body


def _built(kind: str, body: dict[str, Any], operation: Operation) -> dict[str, Any]:
    if kind == PUSH:
        return replace_body(body) if operation == "replace" else push_body(body)
    if operation == "end":
        return stream_end_body(body)
    if operation == "start":
        state = body["content_state"]
        whole = {name: value for name, value in state.items() if name not in _DISMISSAL}
        parse_state(whole, operation="start")
    return stream_body(body)


def _key_problem(stream_key: str) -> dict[str, Problem]:
    if not stream_key:
        return {STREAM_KEY: Problem("Needed", is_missing=True)}
    try:
        check_stream_key(stream_key)
    except PayloadError as error:
        return {STREAM_KEY: _problem(error)}
    return {}


def _problem(error: PayloadError) -> Problem:
    words = f"{error.rule}. {error.hint}" if error.hint else error.rule
    if error.value is UNSET:
        # That a field is required says the form itself; an alternative is worth its words.
        other = ", or " in error.rule or error.hint.startswith("Or ")
        return Problem(words if other else "Needed", is_missing=True)
    return Problem(words)
