"""What each option may be, one parser each: a text of the environment, or a value of the caller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from ._durations import parse_seconds
from ._parts import Icon, record
from ._requests import stream_body
from ._smalltext import clean, to_number
from ._streams import check_stream_key
from .exceptions import ConfigurationError, brief

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "NotifyWhen",
    "Style",
    "as_action",
    "as_cell_end",
    "as_channels",
    "as_color",
    "as_duration",
    "as_flag",
    "as_icon",
    "as_key",
    "as_notify",
    "as_seconds",
    "as_style",
    "as_title",
]

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"", "0", "false", "no", "off"})


def _word(value: object) -> str:
    """Return the text of any value in small letters."""
    return clean(value).lower()


def as_flag(name: str) -> Callable[[object], bool]:
    def parse(value: object) -> bool:
        if isinstance(value, bool):
            return value
        text = _word(value)
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise ConfigurationError(
            f"{name}={brief(value)}: must be 1 or 0 (ACTIVITYSMITH_{name.upper()})"
        )

    return parse


def as_channels(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        raise ConfigurationError(
            f"channels={brief(value)}: must be a list of channel slugs or comma-separated text"
        )
    if not all(isinstance(slug, str) for slug in value):
        raise ConfigurationError(f"channels={brief(value)}: every channel must be a text")
    return tuple(slug.strip() for slug in cast("list[str]", value) if slug.strip()) or None


def as_seconds(value: object) -> float:
    try:
        seconds = float(value) if isinstance(value, str) else to_number(value)
    except ValueError:
        seconds = None
    if seconds is None or not 0 <= seconds <= 3600:  # noqa: PLR2004  an hour; also refuses NaN
        raise ConfigurationError(
            f"flush_seconds={brief(value)}: must be seconds between 0 and 3600 "
            "(ACTIVITYSMITH_FLUSH_SECONDS)"
        )
    return seconds


def as_duration(name: str) -> Callable[[object], float]:
    def parse(value: object) -> float:
        try:
            return parse_seconds(value)
        except ValueError as error:
            raise ConfigurationError(f"{name}={brief(value)}: {error}") from None

    return parse


def as_cell_end(name: str, *choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = _word(value)
        if text not in choices:
            raise ConfigurationError(f"{name}={brief(value)}: must be one of {', '.join(choices)}")
        return text

    return parse


NotifyWhen = Literal["done", "failed", "always", "never"]
Style = Literal["progress", "timer", "steps"]


def as_notify(value: object) -> NotifyWhen:
    text = _word(value)
    if text not in {"done", "failed", "always", "never"}:
        raise ConfigurationError(
            f"notify={brief(value)}: must be 'done', 'failed', 'always' or 'never' "
            "(ACTIVITYSMITH_NOTIFY)"
        )
    return cast("NotifyWhen", text)


def as_style(value: object) -> Style:
    text = _word(value)
    if text not in {"progress", "timer", "steps"}:
        raise ConfigurationError(
            f"style={brief(value)}: must be 'progress', 'timer' or 'steps' (ACTIVITYSMITH_STYLE)"
        )
    return cast("Style", text)


def as_key(value: object) -> str:
    return check_stream_key(value, "activity")


def as_title(value: object) -> str:
    text = clean(value)
    if not text:
        raise ConfigurationError("title is empty: leave it out to use the bar's description")
    return text


def as_color(value: object) -> str:
    return cast("str", Icon("circle", color=cast("str", value)).color)


def as_icon(value: object) -> dict[str, Any]:
    given = {"symbol": value} if isinstance(value, str) else value
    return record(Icon)(given, "icon").to_payload()  # type: ignore[no-any-return]


def as_action(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ConfigurationError(
                "action: must be an action object, or JSON of one in ACTIVITYSMITH_ACTION"
            ) from None
    # The request builder knows which URLs a card may open.
    checked: dict[str, Any] = stream_body(title="-", action=value)["action"]
    return checked
