"""The values that travel: content states, their parts, and pushes.

Every class is frozen, checks itself at construction against the service's contract and raises
`PayloadError` with the field's path, the rule and a remedy. Fields that are not given are
`UNSET` and stay out of `to_payload()`, which is ready for JSON. This module is the front: the
states live in `_states`, what they are made of in `_parts`, what an operation asks of them in
`_operations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs

from . import _fields, _links
from ._fields import UNSET, Unset
from ._operations import Operation, parse_state
from ._parts import (
    COLORS,
    Action,
    AlertText,
    Badge,
    Icon,
    LiveActivityColor,
    Metric,
    Pictured,
    any_text,
    list_of,
    record,
)
from ._states import (
    MAX_METRICS,
    STATE_CLASSES,
    STATE_TYPES,
    AlertState,
    MetricsState,
    PartialState,
    ProgressState,
    SegmentedProgressState,
    State,
    StatsState,
    TimerState,
    ValueState,
)
from .exceptions import PayloadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "COLORS",
    "INTERRUPTION_LEVELS",
    "MAX_ACTIONS",
    "MAX_METRICS",
    "STATE_CLASSES",
    "STATE_TYPES",
    "UNSET",
    "Action",
    "AlertState",
    "AlertText",
    "Badge",
    "Icon",
    "LiveActivityColor",
    "Metric",
    "MetricsState",
    "Operation",
    "PartialState",
    "ProgressState",
    "Push",
    "PushInterruptionLevel",
    "SegmentedProgressState",
    "State",
    "StatsState",
    "TimerState",
    "Unset",
    "ValueState",
    "parse_state",
]

INTERRUPTION_LEVELS: Final = ("passive", "active", "time-sensitive")
MAX_ACTIONS: Final = 4


class PushInterruptionLevel:
    """How loudly iOS presents a push, as constants."""

    PASSIVE = "passive"
    ACTIVE = "active"
    TIME_SENSITIVE = "time-sensitive"


@attrs.frozen(repr=False)
class Push(Pictured):
    """A push notification.

    Parameters
    ----------
    title : str
        The first line.
    message, subtitle : str, optional
        Text below it; iOS may hide the subtitle when `icon` is set.
    icon : str, optional
        ``https://`` URL of a public image, without credentials.
    media : str, optional
        ``https://`` URL of an image, a sound or a video; not together with `actions`.
    redirection : str, optional
        What a tap opens, at most 2048 characters: http, https,
        ``shortcuts://run-shortcut?name=...`` or the link of an installed app.
    actions : sequence of Action or mapping, optional
        Up to 4 buttons.
    payload : mapping, optional
        Free JSON object.
    badge : int, optional
        Number on the app's icon.
    sound : str, optional
        Name of a sound.
    interruption_level : str, optional
        ``passive``, ``active`` or ``time-sensitive``; see `PushInterruptionLevel`.
    channels : sequence of str or str, optional
        Channel slugs, as a list or separated by commas. Without, the API key decides.
    tags : sequence of str, optional
        Up to 20, each of 1 to 64 letters, digits, ``.``, ``_``, ``:`` and ``-``.
    metadata : mapping, optional
        Up to 50 entries of text, numbers and booleans; not shown on the phone.
    """

    _checks: ClassVar = {
        "title": any_text,
        "message": any_text,
        "subtitle": any_text,
        "icon": _links.public_https_url,
        "media": _links.https_url,
        "redirection": _links.redirection,
        "actions": list_of(record(Action), maximum=MAX_ACTIONS),
        "payload": _fields.json_object,
        "badge": _fields.integer(),
        "sound": any_text,
        "interruption_level": _fields.choice(INTERRUPTION_LEVELS),
        "channels": _fields.channels,
        "tags": _fields.tags,
        "metadata": _fields.metadata,
    }

    title: str
    message: str | Unset = UNSET
    subtitle: str | Unset = attrs.field(default=UNSET, kw_only=True)
    icon: str | Unset = attrs.field(default=UNSET, kw_only=True)
    media: str | Unset = attrs.field(default=UNSET, kw_only=True)
    redirection: str | Unset = attrs.field(default=UNSET, kw_only=True)
    actions: Sequence[Action] | Unset = attrs.field(default=UNSET, kw_only=True)
    payload: Mapping[str, Any] | Unset = attrs.field(default=UNSET, kw_only=True)
    badge: int | Unset = attrs.field(default=UNSET, kw_only=True)
    sound: str | Unset = attrs.field(default=UNSET, kw_only=True)
    interruption_level: str | Unset = attrs.field(default=UNSET, kw_only=True)
    channels: Sequence[str] | str | Unset = attrs.field(default=UNSET, kw_only=True)
    tags: Sequence[str] | Unset = attrs.field(default=UNSET, kw_only=True)
    metadata: Mapping[str, str | float | bool] | Unset = attrs.field(default=UNSET, kw_only=True)

    def _check_together(self) -> None:
        if self.media is not UNSET and self.actions:
            hint = "Send the link in the message, or drop the buttons"
            raise PayloadError("media", self.media, "cannot be combined with actions", hint)

    def to_payload(self) -> dict[str, Any]:
        """Return the JSON-ready push; channels stand in `target`, as the service wants them."""
        payload = super().to_payload()
        slugs = payload.pop("channels", None)
        return {**payload, "target": {"channels": slugs}} if slugs else payload

    def _shown_body(self) -> dict[str, Any]:
        return self.to_payload()
