"""The service's answers as frozen records that tolerate what they do not know.

Every member may be absent and new ones may appear: what an answer lacks is None, what this version
does not know stays in ``raw``, and an operation is any text (source: the service's response
schemas; an independent client passes unknown values through).
"""

from __future__ import annotations

import typing
from collections.abc import Mapping  # noqa: TC003  get_type_hints evaluates it
from typing import Any, Self

import attrs

__all__ = [
    "BadgeResult",
    "EndResult",
    "MetricResult",
    "PushResult",
    "ReplaceResult",
    "Result",
    "StartResult",
    "StreamEndResult",
    "StreamResult",
    "UpdateResult",
]


@attrs.frozen(kw_only=True)
class Result:
    """What all answers share.

    Attributes
    ----------
    success : bool
        The service took the request (and, for a push, Apple took it for at least one device). It
        never means that the phone showed it.
    timestamp : str or None
        ISO 8601, UTC.
    message : str or None
        The service's own words.
    warning : str or None
        For example that this activity is updated more often than iOS likes.
    raw : mapping
        The whole answer.
    """

    success: bool = False
    timestamp: str | None = None
    message: str | None = None
    warning: str | None = None
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Build the record from a decoded answer; a member of the wrong type counts as absent."""
        hints = typing.get_type_hints(cls)
        known = {
            field.name: answer[field.name]
            for field in attrs.fields(cls)
            if field.name != "raw"
            and field.name in answer
            and _fits(answer[field.name], hints[field.name])
        }
        return cls(raw=dict(answer), **known)

    @property
    def recipients(self) -> int | None:
        """How many devices were reached, where the answer says so."""
        return None


@attrs.frozen(kw_only=True)
class _Delivered(Result):
    devices_notified: int | None = None
    users_notified: int | None = None
    effective_channel_slugs: list[str] | None = None
    tags: list[str] | None = None

    @property
    def recipients(self) -> int | None:
        """How many devices were reached, where the answer says so."""
        return self.devices_notified


@attrs.frozen(kw_only=True)
class PushResult(_Delivered):
    """Answer to a push. ``notification_id`` is what `replace` takes."""

    notification_id: str | None = None
    devices_targeted: int | None = None
    devices_deactivated: int | None = None
    devices_unregistered: int | None = None
    credential_test: bool | None = None


@attrs.frozen(kw_only=True)
class ReplaceResult(_Delivered):
    """Answer to replacing a push; ``notification_id`` stays the same."""

    notification_id: str | None = None


@attrs.frozen(kw_only=True)
class _LiveActivityResult(_Delivered):
    activity_id: str | None = None
    errors: list[str] | None = None


@attrs.frozen(kw_only=True)
class StreamResult(_LiveActivityResult):
    """Answer to a stream's PUT.

    ``operation`` is started, updated, rotated, noop or paused, or whatever newer servers say.
    ``devices_queued`` counts devices whose token is not registered yet: the update waits there.
    """

    operation: str | None = None
    stream_key: str | None = None
    previous_activity_id: str | None = None
    devices_queued: int | None = None
    ignored: bool | None = None
    remote_push_sent: bool | None = None


@attrs.frozen(kw_only=True)
class StreamEndResult(_LiveActivityResult):
    """Answer to a stream's DELETE.

    ``forced_completion``: marked as done without Apple's confirmation.
    """

    operation: str | None = None
    stream_key: str | None = None
    devices_queued: int | None = None
    ignored: bool | None = None
    forced_completion: bool | None = None


@attrs.frozen(kw_only=True)
class StartResult(_LiveActivityResult):
    """Answer to a manual start. ``ended_activity_id``: an older one that had to make room."""

    ended_activity_id: str | None = None


@attrs.frozen(kw_only=True)
class UpdateResult(_LiveActivityResult):
    """Answer to a manual update."""

    operation: str | None = None
    stream_key: str | None = None
    previous_activity_id: str | None = None
    devices_queued: int | None = None


@attrs.frozen(kw_only=True)
class EndResult(_LiveActivityResult):
    """Answer to a manual end. ``ignored``: it had ended already."""

    devices_queued: int | None = None
    ignored: bool | None = None
    end_reason: str | None = None
    forced_completion: bool | None = None


@attrs.frozen(kw_only=True)
class MetricResult(Result):
    """Answer to a widget metric's new value."""


@attrs.frozen(kw_only=True)
class BadgeResult(_Delivered):
    """Answer to a new badge count. Older servers fill ``devices_notified`` instead."""

    badge: int | None = None
    devices_updated: int | None = None
    users_updated: int | None = None
    devices_targeted: int | None = None
    devices_deactivated: int | None = None
    devices_unregistered: int | None = None

    @property
    def recipients(self) -> int | None:
        """How many devices show the new count, by the new name or by the older one."""
        return self.devices_notified if self.devices_updated is None else self.devices_updated


def notices(result: Result) -> list[str]:
    """Return what the caller should hear about an answer that is a success, as sentences."""
    said = [f"ActivitySmith says: {result.warning}"] if result.warning else []
    queued = getattr(result, "devices_queued", None)
    if result.recipients == 0 and not queued and not getattr(result, "ignored", None):
        said.append(
            "ActivitySmith took it, but no device was notified: pair an iPhone in the app, or "
            "check the channels"
        )
    return said


def _fits(value: object, hint: Any) -> bool:
    """Tell whether a decoded value has the type that the field declares."""
    options = typing.get_args(hint) or (hint,)
    for option in options:
        if option is type(None):
            if value is None:
                return True
        elif typing.get_origin(option) is list:
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                return True
        elif option is int:
            if isinstance(value, int) and not isinstance(value, bool):
                return True
        elif isinstance(value, option):
            return True
    return False
