"""The request bodies of the nine endpoints, from the fields a caller has at hand.

Each function takes an optional `request` (a mapping as the API spells it, or one of our
payload objects) and keyword fields that go over it, checks everything, and returns a
JSON-ready dict. `UNSET` means not given, None is refused. Nothing is sent from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from . import _fields, _links
from ._fields import UNSET, Check, missing_member, unknown_member, within
from ._operations import (
    ALL_STATE_FIELDS,
    STATE_FIELDS,
    WHERE,
    Operation,
    mapping_of,
    parse_state,
    without_unset,
)
from ._parts import Action, AlertText, Record, field_names, record
from ._payloads import Push, State
from ._states import ContentState
from ._streams import check_metric_key
from .exceptions import PayloadError

__all__ = [
    "badge_body",
    "check_activity_id",
    "check_notification_id",
    "end_body",
    "metric_body",
    "push_body",
    "replace_body",
    "start_body",
    "stream_body",
    "stream_end_body",
    "update_body",
]

MAX_BADGE: Final = 2_147_483_647

_RECIPIENTS: Final = frozenset({"channels", "target"})
_TWO_BUTTON_TYPES: Final = ("segmented_progress", "progress", "alert", "value")
_BUTTONS: Final = ("action", "secondary_action")
_MEMBERS: Final[Mapping[Operation, tuple[str, ...]]] = {
    "start": (*_BUTTONS, "alert", "channels", "target", "tags", "metadata"),
    "stream": (*_BUTTONS, "alert", "channels", "target", "tags", "metadata"),
    "stream_end": (*_BUTTONS, "alert", "tags", "metadata"),
    "update": ("activity_id", *_BUTTONS, "tags", "metadata"),
    "end": ("activity_id", *_BUTTONS, "tags", "metadata"),
}
_LIVE_MEMBERS: Final = frozenset().union(*_MEMBERS.values())
_PUSH_FIELDS: Final = (*field_names(Push), "target")
_REPLACE_FIELDS: Final = tuple(
    name for name in _PUSH_FIELDS if name not in {"sound", "interruption_level", *_RECIPIENTS}
)


def stream_body(
    request: Mapping[str, Any] | State | None = None, /, **fields: Any
) -> dict[str, Any]:
    """Make the body of a stream's PUT, the first or a later one.

    Parameters
    ----------
    request : mapping or content state, optional
        A whole body, or a content state alone.
    **fields
        `content_state`, any field of a content state, `action`, `secondary_action`, `alert`,
        `channels` or `target`, `tags`, `metadata`.

    Raises
    ------
    PayloadError
        A field is unknown, missing, or breaks a rule.
    """
    return _live_body("stream", request, fields)


def stream_end_body(
    request: Mapping[str, Any] | State | None = None, /, **fields: Any
) -> dict[str, Any]:
    """Make the body of a stream's DELETE; empty when nothing is given, then send none.

    Takes the fields of `stream_body` without `channels` and `target`.
    """
    return _live_body("stream_end", request, fields)


def start_body(
    request: Mapping[str, Any] | State | None = None, /, **fields: Any
) -> dict[str, Any]:
    """Make the body that starts an activity; the fields are those of `stream_body`.

    The type and all it requires must be there, and no ``auto_dismiss_*``.
    """
    return _live_body("start", request, fields)


def update_body(
    request: Mapping[str, Any] | State | None = None, /, **fields: Any
) -> dict[str, Any]:
    """Make the body that updates the activity `activity_id`.

    Takes `activity_id` and the fields of `stream_body` without `alert`, `channels`, `target`
    and ``auto_dismiss_*``.
    """
    return _live_body("update", request, fields)


def end_body(request: Mapping[str, Any] | State | None = None, /, **fields: Any) -> dict[str, Any]:
    """Make the body that ends the activity `activity_id`.

    Takes the fields of `update_body` and `auto_dismiss_minutes`.
    """
    return _live_body("end", request, fields)


def push_body(request: Mapping[str, Any] | Push | None = None, /, **fields: Any) -> dict[str, Any]:
    """Make the body of a push.

    Parameters
    ----------
    request : mapping or Push, optional
        A whole push.
    **fields
        The fields of `Push`; `target` may stand for `channels`.

    Raises
    ------
    PayloadError
        A field is unknown, missing, or breaks a rule.
    """
    return _push(_merged(request, fields), _PUSH_FIELDS, "a push")


def replace_body(
    request: Mapping[str, Any] | Push | None = None, /, **fields: Any
) -> dict[str, Any]:
    """Make the body that replaces a sent push.

    Takes the fields of `push_body` without `channels`, `target`, `sound` and
    `interruption_level`: a replacement goes silently to the recipients of the original.
    """
    return _push(_merged(request, fields), _REPLACE_FIELDS, "replacing a push")


def metric_body(key: str, value: Any, timestamp: Any = UNSET) -> dict[str, Any]:
    """Make the body that sets the widget metric `key`.

    Parameters
    ----------
    key : str
        Checked here, sent in the path.
    value : float or str or mapping
        A finite number of either sign, text of 1 to 64 characters, or a whole body with `value`
        and `timestamp`.
    timestamp : datetime or str, optional
        When it was measured; without a zone, local time. The service takes the time of
        receipt when it is left out.
    """
    check_metric_key(key)
    given = dict(value) if isinstance(value, Mapping) else {"value": value}
    if timestamp is not UNSET:
        given["timestamp"] = timestamp
    as_text = _fields.text(minimum=1, maximum=64)
    checks = {
        "value": _fields.number_or_text(_fields.number(), as_text),
        "timestamp": _fields.iso_timestamp,
    }
    return _checked(given, checks, "a metric's value", required="value")


def badge_body(badge: Any, *, channels: Any = UNSET, target: Any = UNSET) -> dict[str, Any]:
    """Make the body that sets the number on the app's icon.

    Parameters
    ----------
    badge : int or mapping
        0 to 2147483647, where 0 clears it, or a whole body with `badge` and `target`.
    channels, target : optional
        Whose icon: channel slugs, or a mapping with them.
    """
    given = dict(badge) if isinstance(badge, Mapping) else {"badge": badge}
    given = _over(given, without_unset({"channels": channels, "target": target}))
    recipients = _recipients(given)
    checks = {"badge": _fields.integer(minimum=0, maximum=MAX_BADGE)}
    body = _checked(given, checks, "a badge count", required="badge")
    return {**body, **recipients}


def check_activity_id(value: Any) -> str:
    """Return `value` if it can be the id of an activity: text, not empty."""
    checked: str = _fields.identifier(value, "activity_id")
    return checked


def check_notification_id(value: Any) -> str:
    """Return `value` if it can be the id of a push: text, not empty."""
    checked: str = _fields.identifier(value, "notification_id")
    return checked


def _live_body(operation: Operation, request: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    given = _live_request(request)
    named = without_unset(fields)
    states = [
        mapping_of(source.pop("content_state"), "content_state")
        for source in (given, named)
        if "content_state" in source
    ]
    flat = {name: named.pop(name) for name in tuple(named) if name in ALL_STATE_FIELDS}
    if flat:
        states.append(flat)
    merged = {name: value for state in states for name, value in state.items()}
    return _live_payload(operation, _over(given, named), merged if states else None)


def _live_request(request: Any) -> dict[str, Any]:
    if request is None:
        return {}
    if isinstance(request, ContentState):
        return {"content_state": request}
    given = mapping_of(request, "request")
    for name, value in given.items():
        if name in ALL_STATE_FIELDS:
            raise PayloadError(name, value, "belongs inside content_state")
    return given


def _live_payload(
    operation: Operation, given: dict[str, Any], state: Mapping[str, Any] | None
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _MEMBERS[operation]:
            raise _no_member(name, value, operation)
    if "activity_id" in _MEMBERS[operation] and "activity_id" not in given:
        raise missing_member("activity_id")
    kind: Any = UNSET
    if state is not None:
        parsed = parse_state(state, operation=operation)
        kind = parsed.type
        body["content_state"] = parsed.to_payload()
    elif operation != "stream_end":
        raise missing_member("content_state", hint="Give at least a title and the current data")
    if "secondary_action" in given and isinstance(kind, str) and kind not in _TWO_BUTTON_TYPES:
        rule = f"is not supported by type {kind}; {', '.join(_TWO_BUTTON_TYPES)} support it"
        raise PayloadError("secondary_action", given["secondary_action"], rule)
    recipients = _recipients(given)
    return {**body, **_checked(given, _LIVE_CHECKS, WHERE[operation]), **recipients}


def _live_action(value: Any, field: str) -> Any:
    action = record(Action)(value, field)
    if action.type == "open_url":
        _links.web_link(action.url, f"{field}.url")
    return action


_LIVE_CHECKS: Final[Mapping[str, Check]] = {
    "activity_id": _fields.identifier,
    "action": _live_action,
    "secondary_action": _live_action,
    "alert": record(AlertText),
    "tags": _fields.tags,
    "metadata": _fields.metadata,
}


def _push(given: dict[str, Any], known: tuple[str, ...], where: str) -> dict[str, Any]:
    for name, value in given.items():
        if name in known:
            continue
        if name in _PUSH_FIELDS:
            hint = "It goes silently to the recipients of the original"
            raise PayloadError(name, value, f"cannot be set when {where}", hint)
        raise unknown_member(name, value, known, where)
    if "title" not in given:
        raise missing_member("title")
    recipients = _recipients(given)
    return {**Push(**given).to_payload(), **recipients}


def _recipients(given: dict[str, Any]) -> dict[str, Any]:
    """Take `channels` and `target` out of `given` and return the one `target` they mean."""
    slugs: tuple[str, ...] = ()
    if "channels" in given:
        slugs = _fields.channels(given.pop("channels"), "channels")
    if "target" not in given:
        return {"target": {"channels": list(slugs)}} if slugs else {}
    raw = mapping_of(given.pop("target"), "target")
    checks = {"channels": _target_channels}
    with within("target"):
        target = _checked(raw, checks, "a target", required="channels")
    if slugs and set(slugs) != set(target["channels"]):
        rule = f"differs from target.channels={target['channels']}"
        raise PayloadError("channels", list(slugs), rule, "Give only one of the two")
    return {"target": target}


def _target_channels(value: Any, field: str) -> tuple[str, ...]:
    slugs = _fields.channels(value, field)
    if not slugs:
        raise PayloadError(field, value, "must have at least one channel", "Or leave target out")
    return slugs


def _checked(
    given: Mapping[str, Any], checks: Mapping[str, Check], where: str, *, required: str = ""
) -> dict[str, Any]:
    for name, value in given.items():
        if name not in checks:
            raise unknown_member(name, value, checks, where)
    if required and required not in given:
        raise missing_member(required)
    return {name: _plain_payload(checks[name](value, name)) for name, value in given.items()}


def _plain_payload(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_payload()
    return list(value) if isinstance(value, tuple) else value


def _merged(request: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    given = {} if request is None else mapping_of(request, "request")
    return _over(given, without_unset(fields))


def _over(given: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Put keyword fields over a request's; recipients come from one of the two, never both."""
    if named.keys() & _RECIPIENTS:
        given = {name: value for name, value in given.items() if name not in _RECIPIENTS}
    return {**given, **named}


def _no_member(name: str, value: Any, operation: Operation) -> PayloadError:
    if name in _LIVE_MEMBERS:
        hint = "The recipients are fixed at the start" if name in _RECIPIENTS else ""
        return PayloadError(name, value, f"is not accepted by {WHERE[operation]}", hint)
    known = (*_MEMBERS[operation], "content_state", *STATE_FIELDS[operation])
    return unknown_member(name, value, known, WHERE[operation])
