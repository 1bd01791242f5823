"""The keyword fields of the client's methods, for type checkers and editors.

Which field belongs to which endpoint is checked by `_requests`; here stands only what an editor
should offer. Sources: the service's request schemas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from ._payloads import Action, Badge, Icon, Metric
    from ._states import ContentState

__all__ = [
    "EndFields",
    "LiveFields",
    "PushFields",
    "ReplaceFields",
    "StartFields",
    "StreamEndFields",
    "StreamFields",
    "UpdateFields",
]

Json = Mapping[str, Any]


class LiveFields(TypedDict, total=False):
    """What every Live Activity request may carry: a content state, whole or field by field."""

    content_state: ContentState | Json
    title: str
    type: str
    subtitle: str
    message: str
    icon: Icon | Json
    badge: Badge | Json
    metrics: Sequence[Metric | Json]
    number_of_steps: int
    current_step: int
    percentage: float
    value: float | str
    upper_limit: float
    duration_seconds: float
    counts_down: bool
    is_running: bool
    color: str
    step_color: str
    step_colors: Sequence[str]
    action: Action | Json
    secondary_action: Action | Json
    tags: Sequence[str]
    metadata: Mapping[str, str | float | bool]


class StartFields(LiveFields, total=False):
    """A manual start."""

    alert: Json
    channels: Sequence[str] | str
    target: Json


class StreamFields(StartFields, total=False):
    """A stream's first or later state."""

    auto_dismiss_seconds: int
    auto_dismiss_minutes: int


class StreamEndFields(LiveFields, total=False):
    """A stream's last state."""

    alert: Json
    auto_dismiss_seconds: int
    auto_dismiss_minutes: int


class UpdateFields(LiveFields, total=False):
    """A manual update."""

    activity_id: str


class EndFields(UpdateFields, total=False):
    """A manual end."""

    auto_dismiss_minutes: int


class ReplaceFields(TypedDict, total=False):
    """What is visible of a push, and what is stored with it."""

    title: str
    message: str
    subtitle: str
    icon: str
    media: str
    redirection: str
    actions: Sequence[Action | Json]
    payload: Json
    badge: int
    tags: Sequence[str]
    metadata: Mapping[str, str | float | bool]


class PushFields(ReplaceFields, total=False):
    """A whole push."""

    sound: str
    interruption_level: str
    channels: Sequence[str] | str
    target: Json
