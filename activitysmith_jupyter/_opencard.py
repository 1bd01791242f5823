"""`OpenCard`: what every surface's card shares, from its first sample to its verdict."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from ._feed import Ending, Sample
from ._outcome import Outcome, one_line
from ._requests import push_body, stream_end_body
from ._roles import silence_reason
from ._runtime import runtime
from ._say import say
from ._secret import HOW_TO_SET_A_KEY
from ._watchdog import CLOCK, LastWords
from .exceptions import PayloadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._settings import Destination, Settings

__all__ = ["OpenCard", "say_missing_key"]

# Who learns why a loop was left speaks within moments (the exception hook, the end of the cell);
# after this long the loop was simply left, and the program goes on.
HOLD_SECONDS: Final = 10.0

# The death of a longer run is news, also for somebody who asked for no push.
_LONG_RUN_SECONDS: Final = 60.0

_missing_key_said = False


class OpenCard(ABC):
    """One card of one process: a courier's feed that ends exactly once.

    Parameters
    ----------
    stream_key : str
        Checked.
    title : str
        For the push.
    settings : Settings
        Key, server, recipients, when to push.
    transport : httpx.BaseTransport, optional
        Replaces the network.

    Notes
    -----
    A subclass offers `_sample` (the courier's thread asks what to show) and `_last_words` (the
    final content-state fields for an outcome). Its `open` and `finish` never raise and never
    block.
    """

    def __init__(
        self, *, stream_key: str, title: str, settings: Settings, transport: Any = None
    ) -> None:
        self._stream_key = stream_key
        self._title = title
        self._settings = settings
        self._transport = transport
        self._to: Destination | None = None
        self.cell = 0
        self.thread = threading.get_ident()
        self._opened_at = 0.0
        self._held: tuple[Outcome, float] | None = None
        # Popping from a list is atomic: whoever gets the item says the verdict, nobody else.
        self._right_to_end: list[bool] = []
        self.outcome: Outcome | None = None
        # The newest request body; None before there was anything to show.
        self.shown: dict[str, Any] | None = None

    # ------------------------------------------------------------------ life

    def open(self) -> None:
        """Begin to be shown, where this process may show anything."""
        if self._settings.disabled or silence_reason():
            return
        if not self._settings.api_key:  # none, or one that stayed in another process
            say_missing_key()
            return
        self._to = self._settings.destination(self._transport)
        here = runtime()
        self.cell = here.cell
        self._right_to_end = [True]
        self._opened_at = here.courier.now()
        here.opened(self)
        here.courier.add(self, self._to)

    @property
    def is_open(self) -> bool:
        """True from `open` until the verdict."""
        return bool(self._right_to_end)

    def hold(self, outcome: Outcome) -> None:
        """Keep the verdict open for a moment: somebody may know better why the work was left.

        Parameters
        ----------
        outcome : Outcome
            What holds when nobody does.
        """
        if self.is_open:
            self._held = (outcome, runtime().courier.now() + HOLD_SECONDS)

    def release_hold(self) -> None:
        """Forget a held verdict: the work goes on."""
        self._held = None

    def settle(self, outcome: Outcome | None) -> None:
        """Hear how the surrounding code ended.

        An error ends the card whatever it holds; an end without an error ends only a card that
        was waiting for its verdict.
        """
        if outcome is not None:
            self.finish(outcome)
        elif self._held is not None:
            self.finish(self._held[0])

    def finish(
        self,
        outcome: Outcome,
        *,
        grace_seconds: float = 0.0,
        last: Mapping[str, Any] | None = None,
    ) -> None:
        """Say the verdict; a second call does nothing.

        Parameters
        ----------
        outcome : Outcome
            The verdict.
        grace_seconds : float, default 0
            How long a following card with the same key may take this one over.
        last : mapping, optional
            Checked content-state fields that go over the card's own last words.
        """
        try:
            self._right_to_end.pop()
        except IndexError:
            return
        self.outcome = outcome
        here = runtime()
        here.ended(self)
        if self._to is not None:
            body = self._end_body(outcome, last or {})
            ending = Ending(
                body=body,
                push=self._push(outcome),
                opening=self._opening(),
                grace_seconds=grace_seconds,
            )
            here.courier.end(self, ending, self._to)
            here.say_notices()

    def _end_body(
        self, outcome: Outcome, last: Mapping[str, Any], when: str = ""
    ) -> dict[str, Any]:
        fields = self._last_words(outcome)
        if not fields:
            return {}
        fields["subtitle"] += when
        fields |= last
        if "auto_dismiss_seconds" not in fields and "auto_dismiss_minutes" not in fields:
            fields["auto_dismiss_minutes"] = outcome.dismiss_minutes
        try:
            return stream_end_body(content_state=fields)
        except PayloadError:
            # A verdict of ours that breaks a rule must still end the card.
            return {}

    def _push(self, outcome: Outcome) -> dict[str, Any] | None:
        if not outcome.asks_for_push(self._settings.notify):
            return None
        return self._push_body(outcome, self._push_message(outcome))

    def _push_body(self, outcome: Outcome, message: str) -> dict[str, Any]:
        title = one_line(outcome.push_title(self._title))
        return push_body(title=title, message=message, **self._recipients())

    def _recipients(self) -> dict[str, Sequence[str]]:
        channels = self._settings.channels
        return {"channels": list(channels)} if channels else {}

    # ------------------------------------------------------------------ the courier's questions

    @property
    def stream_key(self) -> str:
        """The card's key."""
        return self._stream_key

    def sample(self, now: float, seconds_left: float | None) -> Sample | None:
        """Return what to show now; end the card when its held verdict is due."""
        held = self._held
        if held is not None:
            if now >= held[1]:
                self.finish(held[0])
            return None
        sample = self._sample(now, seconds_left)
        if sample is not None:
            self.shown = sample.body
        return sample

    def last_words(self, now: float) -> LastWords:
        """Return what somebody else says should this process die."""
        outcome = Outcome("died", runtime().what_runs)
        body = self._end_body(outcome, {}, f", {CLOCK}")
        is_asked = outcome.asks_for_push(self._settings.notify)
        if not is_asked and not self._settings.notify_death:
            return LastWords(body=body)
        state = body.get("content_state", {})
        message = str(state.get("subtitle") or f"{outcome.sentence()}, {CLOCK}")
        run_seconds = now - self._opened_at
        return LastWords(
            body=body,
            push=self._push_body(outcome, message),
            push_after_seconds=0.0 if is_asked else max(0.0, _LONG_RUN_SECONDS - run_seconds),
        )

    def _opening(self) -> dict[str, Any] | None:
        """Return what shows a card that is over already; None where that is not worth a card."""
        return None

    def delivered(self) -> None:  # noqa: B027  most cards need not know
        """Hear that the newest sample was sent."""

    @abstractmethod
    def _sample(self, now: float, seconds_left: float | None) -> Sample | None:
        """Return what to show now, None when there is nothing yet. In the courier's thread."""

    @abstractmethod
    def _last_words(self, outcome: Outcome) -> dict[str, Any]:
        """Return the final content-state fields; empty ends the card without last words."""

    def _push_message(self, outcome: Outcome) -> str:
        return outcome.sentence()


def say_missing_key() -> None:
    """Say once in a process that a key is missing, and how to set one."""
    global _missing_key_said  # noqa: PLW0603  once per process
    if not _missing_key_said:
        _missing_key_said = True
        say(f"no API key, so the phone shows nothing. {HOW_TO_SET_A_KEY}")
