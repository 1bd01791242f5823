"""What the form asks for: its fields, their limits in words, and which kind has which. Pure."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from activitysmith_jupyter._payloads import (
    INTERRUPTION_LEVELS,
    MAX_ACTIONS,
    MAX_METRICS,
    STATE_TYPES,
)
from activitysmith_jupyter._states import types_with

__all__ = ["EXAMPLES", "FIELDS", "KINDS", "KIND_NAMES", "SECTIONS", "Field", "Look", "fields_of"]

Look = Literal[
    "line",
    "area",
    "number",
    "whole",
    "scalar",
    "choice",
    "color",
    "symbol",
    "words",
    "json",
    "metrics",
    "actions",
    "action",
]

PUSH: Final = "push"
KINDS: Final = (
    PUSH,
    "progress",
    "segmented_progress",
    "stats",
    "metrics",
    "timer",
    "value",
    "alert",
)
KIND_NAMES: Final = {
    PUSH: "Push",
    "progress": "Progress",
    "segmented_progress": "Steps",
    "stats": "Stats",
    "metrics": "Metrics",
    "timer": "Timer",
    "value": "Value",
    "alert": "Alert",
}
# In this order; the first is always open.
SECTIONS: Final = ("Content", "Icon and badge", "Buttons", "Recipients and labels", "More")
_LIVE: Final = frozenset(STATE_TYPES)
_TWO_BUTTONS: Final = frozenset({"segmented_progress", "progress", "alert", "value"})


@attrs.frozen(kw_only=True)
class Field:
    """One field of the form.

    Attributes
    ----------
    name : str
        Its name in the form; where it goes in the request is `path`.
    label : str
        What people read.
    look : str
        How it is typed: ``line`` and ``area`` (text), ``number``, ``whole``, ``scalar`` (number or
        text), ``choice``, ``color``, ``symbol``, ``words`` (separated by commas), ``json``, or
        rows: ``metrics``, ``actions``, ``action``.
    path : tuple of str
        Members from the request's body down to the value.
    kinds : frozenset of str
        Which kinds of message have it.
    limits : str
        The rule, in words, shown beside it.
    options : tuple of (str, object)
        For ``choice``: what is read, and the value; that of nothing chosen is the empty text.
    section : str
        One of `SECTIONS`.
    most : int
        For rows: how many there may be.
    """

    name: str
    label: str
    look: Look
    path: tuple[str, ...]
    kinds: frozenset[str]
    limits: str = ""
    options: tuple[tuple[str, object], ...] = ()
    section: str = "Content"
    most: int = 1

    @property
    def width(self) -> Literal["line", "half", "third"]:
        """How much of a line it needs."""
        if self.name in _THREE_ABREAST:
            return "third"
        short_looks = {"number", "whole", "scalar", "choice"}
        return "half" if self.look in short_looks or self.name in _SHORT else "line"


_THREE_ABREAST: Final = frozenset(
    {
        *("percentage", "amount", "upper_limit"),
        *("duration_seconds", "counts_down", "is_running"),
        *("icon_of_color", "badge_of_title", "badge_of_color"),
    }
)
_SHORT: Final = frozenset({"step_color", "sound", "step_colors"})


def _state(
    name: str,
    label: str,
    look: Look,
    *,
    at: str = "",
    kinds: frozenset[str] | None = None,
    **more: object,
) -> Field:
    """Describe a field of the content state; `at` names the member of a nested object."""
    outer = name.partition("_of_")[0] if at else name
    return Field(
        name=name,
        label=label,
        look=look,
        path=("content_state", outer, at) if at else ("content_state", name),
        kinds=kinds or frozenset(types_with(outer)),
        **more,  # type: ignore[arg-type]
    )


def _both(
    name: str,
    label: str,
    look: Look,
    *path: str,
    kinds: frozenset[str] = frozenset(KINDS),
    section: str = "Recipients and labels",
    **more: object,
) -> Field:
    """Describe a member of the request itself."""
    return Field(
        name=name,
        label=label,
        look=look,
        path=path or (name,),
        kinds=kinds,
        section=section,
        **more,  # type: ignore[arg-type]
    )


_PUSH: Final = frozenset({PUSH})
_ANY_TEXT: Final = "Any text"
_SECONDS: Final = "Whole number from 0; 0 removes it at once"
_LOOKS: Final = "Icon and badge"
_MORE: Final = "More"

FIELDS: Final[tuple[Field, ...]] = (
    _both(
        "push_title",
        "Title",
        "line",
        "title",
        kinds=_PUSH,
        section="Content",
        limits="Always needed",
    ),
    _both(
        "push_message",
        "Message",
        "area",
        "message",
        kinds=_PUSH,
        section="Content",
        limits=_ANY_TEXT,
    ),
    _both(
        "push_subtitle",
        "Subtitle",
        "line",
        "subtitle",
        kinds=_PUSH,
        section="Content",
        limits="iOS may hide it beside an icon",
    ),
    _state("title", "Title", "line", kinds=_LIVE, limits="Always needed"),
    _state("subtitle", "Subtitle", "line", limits=_ANY_TEXT),
    _state("percentage", "Percentage", "number", limits="0 to 100; or the two beside it"),
    _both(
        "amount",
        "Value",
        "number",
        "content_state",
        "value",
        kinds=frozenset({"progress"}),
        section="Content",
        limits="With an upper limit",
    ),
    _state(
        "value",
        "Value",
        "scalar",
        kinds=frozenset({"value"}),
        limits='Number, or text as it is shown; "42" in quotes is text',
    ),
    _state("upper_limit", "Upper limit", "number", limits="Above 0, with a value"),
    _state("number_of_steps", "Number of steps", "whole", limits="Whole number from 1"),
    _state("current_step", "Steps done", "whole", limits="0 to the number of steps"),
    _state("step_color", "Colour of the step", "color", limits="Of the current step"),
    _state(
        "step_colors",
        "Colours of the steps",
        "words",
        limits="One per step done: green, green, red",
    ),
    _state(
        "metrics",
        "Metrics",
        "metrics",
        limits=f"1 to {MAX_METRICS}; a number from 0, or text of 1 to 64 characters",
        most=MAX_METRICS,
    ),
    _state("message", "Message", "area", limits="At least 1 character"),
    _state(
        "duration_seconds",
        "Seconds",
        "number",
        limits="Above 0; left out of an update, the clock goes on",
    ),
    _state(
        "counts_down",
        "Counts",
        "choice",
        options=(("Not said (down)", ""), ("Down", True), ("Up", False)),
        limits="Up needs no seconds",
    ),
    _state(
        "is_running",
        "Runs",
        "choice",
        options=(("Not said", ""), ("Runs", True), ("Paused", False)),
        limits="Paused freezes the clock",
    ),
    _state("color", "Colour", "color", limits="The card's accent; of an alert, its buttons"),
    _state("icon_of_symbol", "Icon", "symbol", at="symbol", section=_LOOKS, limits="An SF Symbol"),
    _state("icon_of_color", "Icon colour", "color", at="color", section=_LOOKS),
    _state("badge_of_title", "Badge", "line", at="title", section=_LOOKS, limits="A short word"),
    _state("badge_of_color", "Badge colour", "color", at="color", section=_LOOKS),
    _both(
        "push_icon", "Icon", "line", "icon", kinds=_PUSH, section=_LOOKS, limits="https:// image"
    ),
    _both(
        "media",
        "Media",
        "line",
        kinds=_PUSH,
        section=_LOOKS,
        limits="https:// image, sound or video; not with buttons",
    ),
    _both(
        "push_badge",
        "App badge",
        "whole",
        "badge",
        kinds=_PUSH,
        section=_LOOKS,
        limits="Whole number; 0 clears it",
    ),
    _both("action", "Button", "action", kinds=_LIVE, section="Buttons"),
    _both("secondary_action", "Second button", "action", kinds=_TWO_BUTTONS, section="Buttons"),
    _both(
        "actions",
        "Buttons",
        "actions",
        kinds=_PUSH,
        section="Buttons",
        limits=f"Up to {MAX_ACTIONS}",
        most=MAX_ACTIONS,
    ),
    _both(
        "redirection",
        "A tap opens",
        "line",
        kinds=_PUSH,
        section="Buttons",
        limits="http, https, a Shortcut or an app's link",
    ),
    _both(
        "channels",
        "Channels",
        "words",
        "target",
        "channels",
        limits="Slugs, separated by commas; none: everyone the key may reach",
    ),
    _both("tags", "Tags", "words", limits="Up to 20: letters, digits, . _ : -"),
    _both("metadata", "Metadata", "json", limits='JSON, up to 50 entries: {"run": 7}'),
    _both(
        "interruption_level",
        "Level",
        "choice",
        kinds=_PUSH,
        section=_MORE,
        limits="How loudly iOS shows it",
        options=(("Not said", ""), *((level, level) for level in INTERRUPTION_LEVELS)),
    ),
    _both("sound", "Sound", "line", kinds=_PUSH, section=_MORE, limits="Name of a sound"),
    _both("payload", "Payload", "json", kinds=_PUSH, section=_MORE, limits="Free JSON object"),
    _both(
        "alert_title",
        "Alert title",
        "line",
        "alert",
        "title",
        kinds=_LIVE,
        section=_MORE,
        limits="A notification beside the card",
    ),
    _both(
        "alert_body",
        "Alert text",
        "line",
        "alert",
        "body",
        kinds=_LIVE,
        section=_MORE,
        limits=_ANY_TEXT,
    ),
    _state(
        "auto_dismiss_seconds", "Dismiss after (seconds)", "whole", section=_MORE, limits=_SECONDS
    ),
    _state(
        "auto_dismiss_minutes", "Dismiss after (minutes)", "whole", section=_MORE, limits=_SECONDS
    ),
)

EXAMPLES: Final[dict[str, dict[str, object]]] = {
    PUSH: {"title": "Training finished", "message": "Accuracy 0.982 after 3 h 12 min"},
    "progress": {"title": "Training", "percentage": 43, "subtitle": "done about 14:32"},
    "segmented_progress": {"title": "Pipeline", "number_of_steps": 5, "current_step": 3},
    "stats": {
        "title": "Today",
        "metrics": [
            {"label": "Revenue", "value": "$2,430", "color": "green"},
            {"label": "Orders", "value": 37},
        ],
    },
    "metrics": {
        "title": "Machine",
        "metrics": [
            {"label": "GPU", "value": 93, "unit": "%"},
            {"label": "Memory", "value": 61, "unit": "%"},
        ],
        "color": "cyan",
    },
    "timer": {"title": "Grid search", "duration_seconds": 1500},
    "value": {"title": "Best score", "value": 0.9317, "color": "purple"},
    "alert": {"title": "Loss", "message": "It has been rising for ten epochs.", "color": "orange"},
}


def fields_of(kind: str) -> tuple[Field, ...]:
    """Return the fields of one kind of message, in the form's order."""
    return tuple(field for field in FIELDS if kind in field.kinds)
