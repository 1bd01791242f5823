"""Send a message and say in plain words what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from activitysmith_jupyter._outcome import duration_text
from activitysmith_jupyter._settings import resolve
from activitysmith_jupyter.client import Caller, LiveActivities, Notifications
from activitysmith_jupyter.exceptions import (
    ActivitySmithError,
    APIError,
    ConnectionFailedError,
    DeliveryTimeoutError,
    InvalidResponseError,
    LiveActivityLimitError,
    RateLimitError,
    ServerError,
)

if TYPE_CHECKING:
    from activitysmith_jupyter._results import Result
    from activitysmith_jupyter.composer._message import Message

__all__ = ["Answer", "deliver"]

_UNSURE: Final = "It may or may not have arrived."
_DONE: Final = {
    "started": "Started: the card is on its way to the Lock Screen.",
    "updated": "Updated.",
    "rotated": "Updated, as a new card: the old one had reached iOS's age limit.",
    "noop": "Nothing to do: there was nothing new, or no such card.",
    "paused": "Not shown: this stream is paused in the web app.",
    "ended": "Ended.",
}


@attrs.frozen
class Answer:
    """What became of a message.

    Attributes
    ----------
    is_good : bool
        The service took it.
    words : tuple of str
        What people read, a sentence each.
    notification_id : str
        Of a push that was sent, for replacing it.
    """

    is_good: bool
    words: tuple[str, ...]
    notification_id: str = ""


def deliver(message: Message) -> Answer:
    """Send a message; blocks until it is answered, and raises nothing of ours."""
    notices: list[str] = []
    caller = None
    try:
        settings = resolve()
        caller = Caller(None if settings.disabled else settings.destination(), notices.append)
        result = _sent(message, caller)
    except ActivitySmithError as error:
        return Answer(False, _bad_news(error))
    finally:
        if caller is not None:
            caller.close()
    return Answer(
        True,
        (_done(message, result), *_reach(result), *notices),
        getattr(result, "notification_id", None) or "",
    )


def _sent(message: Message, caller: Caller) -> Result:
    body: Any = message.body
    if message.operation == "push":
        return Notifications(caller).send(body)
    if message.operation == "replace":
        return Notifications(caller).replace(message.notification_id, body)
    live = LiveActivities(caller)
    if message.operation == "end":
        return live.end_stream(message.stream_key, body)
    return live.stream(message.stream_key, body)


def _done(message: Message, result: Result) -> str:
    if not result.raw and result.message:
        return f"{result.message[0].upper()}{result.message[1:]}."
    operation = str(getattr(result, "operation", None) or "")
    if message.operation in {"push", "replace"}:
        return "Sent." if message.operation == "push" else "Replaced, silently."
    return _DONE.get(operation, f"The service says: {operation or 'done'}.")


def _reach(result: Result) -> list[str]:
    said = []
    devices = result.recipients
    if devices:
        said.append(f"{devices} device{'' if devices == 1 else 's'} notified.")
    queued = getattr(result, "devices_queued", None)
    if queued:
        said.append(f"{queued} not ready yet: the update waits there.")
    return said


def _bad_news(error: ActivitySmithError) -> tuple[str, ...]:
    if isinstance(error, ServerError):
        return (f"The service has a fault. {_UNSURE}", str(error), "Try again in a while.")
    if isinstance(error, APIError):
        return ("The service refused it.", str(error), *_more(error))
    if isinstance(error, DeliveryTimeoutError | InvalidResponseError):
        return (_UNSURE, str(error))
    if isinstance(error, ConnectionFailedError):
        if error.may_have_arrived:
            return (_UNSURE, str(error))
        return ("Nothing was sent.", str(error), "Is this machine online, and the address right?")
    return ("Nothing was sent.", str(error))


def _more(error: APIError) -> list[str]:
    """Say what only the answer to this very request tells."""
    if isinstance(error, LiveActivityLimitError):
        return [f"{error.active} of {error.limit} are on the phone now."]
    if isinstance(error, RateLimitError) and error.retry_after_seconds is not None:
        return [f"Try again in {duration_text(error.retry_after_seconds)}."]
    return []
