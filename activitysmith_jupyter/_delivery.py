"""What a failed request means. Pure: an error in, a decision out."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from .exceptions import (
    ActivitySmithError,
    APIError,
    AuthenticationError,
    BillingBlockedError,
    ConnectionFailedError,
    ForbiddenError,
    InvalidResponseError,
    LiveActivityLimitError,
    NoRecipientsError,
    NotFoundError,
    RateLimitError,
    ServerError,
    TransportError,
)

__all__ = ["Retry", "Setback", "setback"]

RETRY_ATTEMPTS: Final = 4
_UNAVAILABLE: Final = 503
# ``Retry-After: 0`` means now; a wait of 0 would read as False.
_SHORTEST_WAIT_SECONDS: Final = 0.1
_FIRST_WAIT_SECONDS: Final = 1.0
# Short enough that a server which comes back is noticed before people look at the phone.
_LONGEST_WAIT_SECONDS: Final = 15.0
_RATE_WAIT_SECONDS: Final = 15.0
_CAPACITY_WAIT_SECONDS: Final = 30.0
_NO_DEVICE_WAIT_SECONDS: Final = 120.0


@attrs.frozen
class Retry:
    """Whether and how long a failed request is tried again.

    Attributes
    ----------
    idempotent : bool
        True when sending the request twice does no harm.
    attempts : int
        Tries in all; 1 means no retry (the courier has a schedule of its own).
    """

    idempotent: bool
    attempts: int = RETRY_ATTEMPTS

    def wait(self, error: Exception) -> bool | float:
        """Return False (give up), True (usual backoff) or the seconds to wait, more than 0."""
        if isinstance(error, RateLimitError) or (
            isinstance(error, APIError) and error.status == _UNAVAILABLE
        ):
            after = error.retry_after_seconds
            return True if after is None else max(_SHORTEST_WAIT_SECONDS, after)
        if isinstance(error, ConnectionFailedError):
            return self.idempotent or not error.may_have_arrived
        if isinstance(error, InvalidResponseError):
            return False  # whoever answers there is not the service, nor will be in a second
        return self.idempotent and isinstance(error, ServerError | TransportError)


@attrs.frozen
class Setback:
    """What to do after a request failed.

    Attributes
    ----------
    kind : str
        One word for the situation; the user hears of each kind once until it is over.
    scope : {"line", "card"}
        Who has to wait: everything that goes to this server, or this one card.
    wait_seconds : float or None
        When to try again; None means never.
    notice : str
        What to tell the user, as a sentence, without the key.
    """

    kind: str
    scope: Literal["line", "card"]
    wait_seconds: float | None
    notice: str


def setback(error: ActivitySmithError, failures: int) -> Setback:
    """Decide what a failed request means.

    Parameters
    ----------
    error : ActivitySmithError
        What the request ended in.
    failures : int
        How many requests on this line failed in a row before this one, 0 or more.
    """
    backoff = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2 ** min(failures, 10))
    if isinstance(error, LiveActivityLimitError):
        return Setback(
            "capacity",
            "card",
            _CAPACITY_WAIT_SECONDS,
            f"the phone already shows {error.active} of {error.limit} Live Activities: this one "
            "will be shown when a place is free",
        )
    if isinstance(error, RateLimitError):
        after = error.retry_after_seconds
        return Setback(
            "rate",
            "line",
            _RATE_WAIT_SECONDS if after is None else max(1.0, after),
            "ActivitySmith's request limit is reached: updates wait",
        )
    if isinstance(error, NoRecipientsError):
        return Setback(
            "recipients",
            "card",
            _NO_DEVICE_WAIT_SECONDS,
            "no device is paired for these recipients: pair an iPhone in the ActivitySmith app, "
            "or check the channels",
        )
    if isinstance(error, ServerError | TransportError):
        unreachable = isinstance(error, ConnectionFailedError)
        after = error.retry_after_seconds if isinstance(error, ServerError) else None
        return Setback(
            "unreachable",
            "line",
            max(backoff, after or 0.0),
            f"ActivitySmith {'cannot be reached' if unreachable else 'does not answer rightly'} "
            f"({error}); your code goes on, and the phone catches up when it can",
        )
    return Setback(_refusal(error), "card", None, f"ActivitySmith refused: {error}")


def _refusal(error: ActivitySmithError) -> str:
    for kind, name in (
        (AuthenticationError, "key"),
        (BillingBlockedError, "billing"),
        (ForbiddenError, "forbidden"),
        (NotFoundError, "missing"),
        (APIError, "refused"),
    ):
        if isinstance(error, kind):
            return name
    return "internal"
