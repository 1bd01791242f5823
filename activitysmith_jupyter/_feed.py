"""What a surface and the courier say to each other: what to show now, and the last word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs

if TYPE_CHECKING:
    from ._watchdog import LastWords

__all__ = ["Ending", "Feed", "Sample"]


@attrs.frozen(kw_only=True)
class Sample:
    """What a card would show if it were sent now.

    Attributes
    ----------
    body : dict
        The whole request body of a stream PUT.
    share : float or None
        Done share, 0 to 1, where there is one.
    pace : {"progress", "unknown_total", "countdown", "value"}
        Which pacing applies.
    urgent : bool
        A real step change: it may use the update kept in reserve.
    ready : bool
        False while the card should not be opened yet.
    by_hand : bool
        Somebody wrote this text: it is worth an update of its own even when the share stays.
    began : float or None
        When the work began, on the courier's clock.
    began_share : float
        Done share at that time: a resumed run does not begin at 0.
    finish : float or None
        Predicted end on the courier's clock, for a countdown.
    shows : object
        What two samples are compared by: one that shows what the last one showed is not sent.
        The body when left out.
    """

    body: dict[str, Any]
    share: float | None = None
    pace: Literal["progress", "unknown_total", "countdown", "value"] = "value"
    urgent: bool = False
    ready: bool = True
    by_hand: bool = False
    began: float | None = None
    began_share: float = 0.0
    finish: float | None = None
    shows: Any = attrs.field(default=attrs.Factory(lambda sample: sample.body, takes_self=True))


@attrs.frozen(kw_only=True)
class Ending:
    """The last word on a card.

    Attributes
    ----------
    body : dict
        The request body of the stream's DELETE.
    push : dict or None
        A push that tells it, sent after the card ended (also when there never was a card).
    opening : dict or None
        The request body of a stream PUT that shows the card for the sake of its verdict, where it
        was over before anything was shown; None leaves such a card out.
    grace_seconds : float
        How long a following card with the same key may take this one over instead.
    """

    body: dict[str, Any]
    opening: dict[str, Any] | None = None
    push: dict[str, Any] | None = None
    grace_seconds: float = 0.0


class Feed(Protocol):
    """What the courier asks of an open activity. Called in the courier's thread only."""

    @property
    def stream_key(self) -> str:
        """The key of the card."""

    def sample(self, now: float, seconds_left: float | None) -> Sample | None:
        """Return what to show, None when there is nothing to show yet.

        Parameters
        ----------
        now : float
            The courier's time.
        seconds_left : float or None
            The pacer's prediction for an open card's progress.
        """

    def delivered(self) -> None:
        """Hear that the newest sample was sent."""

    def last_words(self, now: float) -> LastWords:
        """Return what somebody else says should this process die."""
