"""Send a report where it goes: everything is checked before the first request leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from activitysmith_jupyter._requests import badge_body, metric_body, push_body, stream_body
from activitysmith_jupyter._results import Result
from activitysmith_jupyter._roles import silence_reason
from activitysmith_jupyter._say import say
from activitysmith_jupyter._streams import MAX_DEFAULT_KEY, stream_key
from activitysmith_jupyter.client import ActivitySmith
from activitysmith_jupyter.exceptions import PayloadError
from activitysmith_jupyter.frames._changes import as_number
from activitysmith_jupyter.frames._numbers import is_missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from activitysmith_jupyter._settings import Settings
    from activitysmith_jupyter.frames._memory import Memory
    from activitysmith_jupyter.frames._options import Options
    from activitysmith_jupyter.frames._report import Report, Tile

__all__ = ["deliver", "recipients", "requests_of"]


@attrs.frozen
class _Request:
    """A checked request, and how to send it."""

    body: dict[str, Any]
    send: Callable[[ActivitySmith], Result]


def recipients(settings: Settings) -> dict[str, Any]:
    """Return the recipients as request fields; empty means everyone the key may reach."""
    return {"channels": list(settings.channels)} if settings.channels else {}


def deliver(report: Report, options: Options, settings: Settings, memory: Memory) -> Report:
    """Send a report and remember it.

    Raises
    ------
    PayloadError
        A part of it breaks a rule of the service; nothing was sent.
    MissingAPIKeyError
        No place holds a key.
    TransportError, APIError
        A request did not arrive or was refused; it is not remembered then.
    """
    requests = requests_of(report, options, settings)
    silent = silence_reason()
    if silent:
        unsent = Result(message=f"nothing was sent: {silent}")
        return attrs.evolve(report, results=(unsent,) * len(requests))
    with ActivitySmith() as client:
        results = [request.send(client) for request in requests]
    if not settings.disabled and (options.delta is not None or options.has_limits):
        memory.save(report.stream_key, report.remembered)
    return attrs.evolve(report, results=tuple(results))


def requests_of(report: Report, options: Options, settings: Settings) -> list[_Request]:
    """Return a report's requests, all checked."""
    to = recipients(settings)
    requests: list[_Request] = []
    if "card" in options.places:
        requests.append(_card(report, to))
    if "widget" in options.places:
        requests += [_widget(report, tile, options) for tile in report.tiles]
    if "badge" in options.places:
        requests += _badge(report, options, to)
    if "push" in options.places:
        requests.append(_push(report.push, to))
    if report.alarm is not None:
        requests.append(_push(report.alarm, to))
    return requests


def _card(report: Report, to: dict[str, Any]) -> _Request:
    body = stream_body(content_state=report.content_state, **to)
    return _Request(body, lambda client: client.live_activities.stream(report.stream_key, body))


def _widget(report: Report, tile: Tile, options: Options) -> _Request:
    key = (options.keys or {}).get(tile.label) or _metric_key(report.stream_key, tile.label)
    number = as_number(tile.value)
    # A widget has a format of its own in the app; only what the user formatted goes as text.
    as_text = number is None or options.given(options.formats, tile.label) is not None
    value = tile.text if as_text or number is None else number
    body = metric_body(key, value)
    return _Request(body, lambda client: client.metrics.update(key, value))


def _metric_key(card: str, label: str) -> str:
    return stream_key(f"{card} {label}")[:MAX_DEFAULT_KEY]


def _badge(report: Report, options: Options, to: dict[str, Any]) -> list[_Request]:
    labels = [tile.label for tile in report.tiles]
    if options.badge is None and len(labels) > 1:
        hint = f"For example badge={labels[0]!r}"
        raise PayloadError("badge", None, "must say which metric the app's badge shows", hint)
    label = options.badge if options.badge is not None else labels[0]
    if label not in labels:
        raise PayloadError("badge", label, f"is no metric here: {', '.join(labels)}")
    tile = report.tiles[labels.index(label)]
    if is_missing(tile.value):
        say(f"{label} has no value, so the app's badge stays as it was")
        return []
    body = badge_body(tile.value, **to)
    return [_Request(body, lambda client: client.badge_count(body))]


def _push(push: dict[str, Any], to: dict[str, Any]) -> _Request:
    body = push_body(**push, **to)
    return _Request(body, lambda client: client.notifications.send(body))
