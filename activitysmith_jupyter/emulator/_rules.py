"""What the API accepts, field by field, and what it says when it does not.

Pure, and written from the published contract alone: nothing here knows how a client builds its
payloads. Rules marked *choice* are not documented; the documented ones carry no mark.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from . import _checks as checks
from ._checks import Refused, canonical, decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._checks import Check

__all__ = [
    "Refused",
    "canonical",
    "check_metric_key",
    "check_request",
    "check_stream_key",
    "decode",
    "require_complete",
    "shown_fields",
]

TYPES: Final = ("stats", "metrics", "segmented_progress", "progress", "alert", "timer", "value")
COLORS: Final = (
    *("lime", "green", "cyan", "blue", "purple"),
    *("magenta", "red", "orange", "yellow", "gray"),
)
BADGE_MAX: Final = 2_147_483_647

# Choice: "internal and executable schemes" are blocked, and no list is published.
BLOCKED_SCHEMES: Final = frozenset(
    ("about", "activitysmith", "blob", "data", "file", "javascript", "vbscript", "view-source")
)

_STREAM_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_METRIC_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:", re.ASCII)

# Beside the fields every type shows (title, type, subtitle, icon), what each one shows.
_SHOWN_BY_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "stats": ("metrics",),
    "metrics": ("metrics", "color"),
    "segmented_progress": (
        *("number_of_steps", "current_step", "color"),
        *("step_color", "step_colors", "badge"),
    ),
    "progress": ("percentage", "value", "upper_limit", "color", "badge"),
    "alert": ("message", "color", "badge"),
    "timer": ("duration_seconds", "counts_down", "is_running", "color"),
    "value": ("value", "color", "badge"),
}
_WITH_SECONDARY_ACTION: Final = frozenset(("segmented_progress", "progress", "alert", "value"))


def _url(*, web: Sequence[str], shortcuts: bool = False, apps: bool = False) -> Check:
    """Check a URL: `web` schemes, Shortcuts, and custom schemes of installed apps."""

    def check(value: Any, path: str) -> None:
        checks.text(1)(value, path)
        try:
            parts = urlsplit(value)
        except ValueError:
            raise checks.bad(path, "must be a URL") from None
        if parts.scheme in web:
            if not parts.hostname or any(character <= " " for character in value):
                raise checks.bad(path, "must be a complete URL")
        elif parts.scheme == "shortcuts" and (shortcuts or apps):
            named = parts.netloc == "run-shortcut" and parse_qs(parts.query).get("name")
            if not named:
                raise checks.bad(path, "must have the form shortcuts://run-shortcut?name=...")
        elif not (
            apps
            and parts.scheme not in ("http", "https", *BLOCKED_SCHEMES)
            and _SCHEME.match(value)
        ):
            raise checks.bad(path, "has a scheme that is not allowed here")

    return check


_SECURE: Final = _url(web=("https",))


def _https(value: Any, path: str) -> None:
    _SECURE(value, path)
    if not value.startswith("https://"):  # as the published pattern has it, in lower case
        raise checks.bad(path, "must start with https://")


def _icon_url(value: Any, path: str) -> None:
    _https(value, path)
    if "@" in urlsplit(value).netloc:
        raise checks.bad(path, "must not contain credentials")


def _redirection(value: Any, path: str) -> None:
    checks.text(1, 2048)(value, path)
    _url(web=("http", "https"), apps=True)(value, path)


def _action(open_url: Check) -> Check:
    fields = {
        "title": checks.text(),
        "type": checks.one_of(("open_url", "webhook")),
        "url": checks.text(),
        # Tolerated beside open_url: the official client sends its default POST with every action.
        "method": checks.one_of(("GET", "POST")),
        "body": checks.any_object,
    }
    shape = checks.record(fields, ("title", "type", "url"))

    def check(value: Any, path: str) -> None:
        shape(value, path)
        webhook = value["type"] == "webhook"
        (_https if webhook else open_url)(value["url"], f"{path}.url")
        if "body" in value and not webhook:
            raise checks.bad(f"{path}.body", "belongs to webhook actions")

    return check


def _channels(value: Any, path: str) -> None:
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(slug, str) and slug for slug in value)
    ):
        raise Refused(
            400, "Invalid channel targeting", f"{path} must be a non-empty array of slugs"
        )


def _tags(value: Any, path: str) -> None:
    rule = None
    if not isinstance(value, list):
        rule = "must be an array"
    elif not all(isinstance(tag, str) and _TAG.fullmatch(tag) for tag in value):
        rule = "may hold 1 to 64 letters, digits, '.', '_', ':' and '-' each"
    elif len(set(value)) > 20:  # noqa: PLR2004  the contract's number
        rule = "may hold at most 20 unique tags"
    if rule:
        raise Refused(400, "Invalid tags", f"{path} {rule}", code="invalid_tags")


def _metadata(value: Any, path: str) -> None:
    checks.any_object(value, path)
    if len(value) > 50:  # noqa: PLR2004  the contract's number
        raise checks.bad(path, "may have at most 50 entries")
    for key, each in value.items():
        checks.text(1, 100)(key, f"a key of {path}")
        if not isinstance(each, bool):
            checks.number_or_text(checks.number(), checks.text(0, 4000))(each, f"{path}.{key}")
    compact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(compact.encode("utf-8")) > 16_384:  # noqa: PLR2004  the contract's number
        raise checks.bad(path, "may have at most 16384 bytes")


def _timestamp(value: Any, path: str) -> None:
    checks.text(1)(value, path)
    try:
        dt.datetime.fromisoformat(value)
    except ValueError:
        raise checks.bad(path, "must be an ISO 8601 date and time") from None


_COLOR: Final = checks.one_of(COLORS)
_METRIC: Final = checks.record(
    {
        "label": checks.text(1),
        "value": checks.number_or_text(checks.number(0), checks.text(1, 64)),
        "unit": checks.text(),
        "color": _COLOR,
    },
    ("label", "value"),
)
# One flat object for all types: a field of another type is no error, the phone ignores it.
_STATE: Final[dict[str, Check]] = {
    "title": checks.text(),
    "type": checks.one_of(TYPES),
    "subtitle": checks.text(),
    "metrics": checks.list_of(_METRIC, 1, 8),
    "number_of_steps": checks.integer(1),
    "current_step": checks.integer(0),
    "percentage": checks.number(0, 100),
    "value": checks.number_or_text(checks.number(), checks.text()),
    "upper_limit": checks.number(above=0),
    "message": checks.text(1),
    "duration_seconds": checks.number(above=0),
    "counts_down": checks.boolean,
    "is_running": checks.boolean,
    "color": _COLOR,
    "step_color": _COLOR,
    "step_colors": checks.list_of(_COLOR),
    "icon": checks.record({"symbol": checks.text(1), "color": _COLOR}, ("symbol",)),
    "badge": checks.record({"title": checks.text(1), "color": _COLOR}, ("title",)),
}
_MINUTES: Final[dict[str, Check]] = {"auto_dismiss_minutes": checks.integer(0)}
_SECONDS: Final[dict[str, Check]] = {"auto_dismiss_seconds": checks.integer(0)}


def _state(**further: Check) -> Check:
    shape = checks.record(_STATE | further, ("title",))

    def check(value: Any, path: str) -> None:
        shape(value, path)
        steps = value.get("number_of_steps")
        if steps is not None and value.get("current_step", 0) > steps:
            raise checks.bad(f"{path}.current_step", "must not exceed number_of_steps")

    return check


_ACTIVITY_ACTION: Final = _action(_url(web=("http", "https"), shortcuts=True))
_PUSH_ACTION: Final = _action(_url(web=("http", "https"), apps=True))
_LABELS: Final[dict[str, Check]] = {"tags": _tags, "metadata": _metadata}
_BUTTONS: Final[dict[str, Check]] = {
    "action": _ACTIVITY_ACTION,
    "secondary_action": _ACTIVITY_ACTION,
}
_ALERT: Final[dict[str, Check]] = {
    "alert": checks.record({"title": checks.text(), "body": checks.text()})
}


def _target(value: Any, path: str) -> None:
    checks.record({"channels": _channels}, ("channels",))(value, path)


_TARGET: Final[dict[str, Check]] = {"target": _target}
_PUSH: Final[dict[str, Check]] = {
    "title": checks.text(),
    "message": checks.text(),
    "subtitle": checks.text(),
    "icon": _icon_url,
    "media": _https,
    "redirection": _redirection,
    "actions": checks.list_of(_PUSH_ACTION, 0, 4),
    "payload": checks.any_object,
    "badge": checks.integer(),
    **_LABELS,
}
_REQUESTS: Final[Mapping[str, Check]] = {
    "push": checks.record(
        {
            **_PUSH,
            **_TARGET,
            "sound": checks.text(),
            "interruption_level": checks.one_of(("passive", "active", "time-sensitive")),
        },
        ("title",),
    ),
    "replace": checks.record(_PUSH, ("title",)),
    "stream": checks.record(
        {
            "content_state": _state(**_SECONDS, **_MINUTES),
            "channels": _channels,
            **_BUTTONS,
            **_ALERT,
            **_TARGET,
            **_LABELS,
        },
        ("content_state",),
    ),
    "end_stream": checks.record(
        {"content_state": _state(**_SECONDS, **_MINUTES), **_BUTTONS, **_ALERT, **_LABELS}
    ),
    "start": checks.record(
        {"content_state": _state(), **_BUTTONS, **_ALERT, **_TARGET, **_LABELS},
        ("content_state",),
    ),
    "update": checks.record(
        {"activity_id": checks.text(), "content_state": _state(), **_BUTTONS, **_LABELS},
        ("activity_id", "content_state"),
    ),
    "end": checks.record(
        {"activity_id": checks.text(), "content_state": _state(**_MINUTES), **_BUTTONS, **_LABELS},
        ("activity_id", "content_state"),
    ),
    "metric": checks.record(
        {
            "value": checks.number_or_text(checks.number(), checks.text(1, 64)),
            "timestamp": _timestamp,
        },
        ("value",),
    ),
    "badge": checks.record({"badge": checks.integer(0, BADGE_MAX), **_TARGET}, ("badge",)),
}


def check_request(endpoint: str, body: Any) -> dict[str, Any]:
    """Return the request's object when the endpoint's schema allows it.

    Parameters
    ----------
    endpoint : str
        ``push``, ``replace``, ``stream``, ``end_stream``, ``start``, ``update``, ``end``,
        ``metric`` or ``badge``.
    body : object
        The decoded request body; None when there was none, which only ``end_stream`` allows.

    Raises
    ------
    Refused
        400, in the endpoint's own shape.
    """
    if body is None and endpoint == "end_stream":
        return {}
    try:
        _REQUESTS[endpoint](body, "body")
    except Refused as refused:
        if endpoint != "metric":
            raise
        value = body.get("value") if isinstance(body, dict) else None
        number = isinstance(value, str) or checks.is_number(value)
        # The published text for a bad value predates string values; the others are a choice.
        error = refused.body["message"] if number else "value must be a finite number"
        raise Refused(400, error) from None
    if body.get("media") and body.get("actions"):
        raise checks.bad("body.media", "cannot be combined with actions")
    both = endpoint == "stream" and "channels" in body and "target" in body
    if both and set(body["channels"]) != set(body["target"]["channels"]):
        raise Refused(
            400, "Invalid channel targeting", "channels and target.channels must match"
        )  # choice: 400, and the order of the slugs does not matter
    return dict(body)


def check_stream_key(key: str) -> None:
    """Refuse a stream key that is not 1 to 255 letters, digits, ``_`` or ``-``."""
    if len(key) > 255 or not _STREAM_KEY.fullmatch(key):  # noqa: PLR2004  the contract's number
        raise Refused(
            400, "Invalid stream_key", "stream_key may hold 1 to 255 of A-Z, a-z, 0-9, _ and -"
        )


def check_metric_key(key: str) -> None:
    """Refuse a widget metric key outside the published pattern (the text is a choice)."""
    if not _METRIC_KEY.fullmatch(key):
        raise Refused(400, "Invalid metric key")


def require_complete(state: Mapping[str, Any], kind: str, *, starting: bool) -> None:
    """Refuse a content state that lacks what its type shows.

    Parameters
    ----------
    state : mapping
        A content state that passed `check_request`.
    kind : str
        Its type, sent or inferred.
    starting : bool
        True when it starts an activity: then the number of steps, and a countdown's duration,
        are needed too. Later ones keep both when they are left out.
    """
    needed: tuple[str, ...] = {
        "stats": ("metrics",),
        "metrics": ("metrics",),
        "segmented_progress": ("number_of_steps", "current_step"),
        "alert": ("message",),
        "value": ("value",),
    }.get(kind, ())
    for name in needed:
        if name not in state and (starting or name != "number_of_steps"):
            raise checks.bad(f"body.content_state.{name}", f"is required for type {kind}")
    if kind == "progress":
        if ("value" in state) != ("upper_limit" in state):
            raise checks.bad("body.content_state", "needs value and upper_limit together")
        if "percentage" not in state and "value" not in state:
            raise checks.bad("body.content_state", "needs percentage, or value and upper_limit")
        if isinstance(state.get("value"), str):
            raise checks.bad("body.content_state.value", "must be a number for type progress")
    counting_down = kind == "timer" and state.get("counts_down", True)
    if starting and counting_down and "duration_seconds" not in state:
        raise checks.bad("body.content_state.duration_seconds", "is required to count down")


def shown_fields(
    state: Mapping[str, Any], buttons: Mapping[str, Any], kind: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a card of this type shows of a content state and of its buttons.

    Nothing is documented for fields of another type; a real card has no place for them.
    """
    visible = {"title", "subtitle", "icon", *_SHOWN_BY_TYPE[kind]}
    state = {name: each for name, each in state.items() if name in visible} | {"type": kind}
    kept = ("action", "secondary_action") if kind in _WITH_SECONDARY_ACTION else ("action",)
    return state, {name: buttons[name] for name in kept if buttons.get(name) is not None}
