"""The card of bars: one for all that are open at a time.

The first bar opens it and decides how it looks; bars inside it, beside it in other threads, and
bars that follow within a moment join it.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from ._bargroup import BarGroup, Look, Place
from ._claims import claim
from ._feed import Sample
from ._opencard import OpenCard
from ._outcome import Outcome, one_line, percent_text
from ._pacing import should_open
from ._place import place_name
from ._progress import joined
from ._relay import the_relay
from ._requests import stream_body
from ._runtime import runtime
from ._streams import stream_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._bargroup import Bar
    from ._settings import Settings

__all__ = ["BarCard", "CardOptions", "join_card"]

# A loop that follows this soon goes on with the card: never a new activity for each epoch.
GRACE_SECONDS: Final = 1.0
_JOIN_SECONDS: Final = 0.5
_MESSAGE_CHARACTERS: Final = 300


@attrs.frozen(kw_only=True)
class CardOptions:
    """Whom a card of bars reaches and how it looks; checked when the bar is made.

    Attributes
    ----------
    settings : Settings
        Key, server, recipients, when to push.
    key : str or None
        A stream key of its own; None takes one made from the place and the title.
    look : Look
        Title, style, colour.
    icon, action : mapping or None
        JSON-ready.
    """

    settings: Settings
    key: str | None = None
    look: Look = attrs.field(factory=Look)
    icon: Mapping[str, Any] | None = None
    action: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, settings: Settings, key: str | None = None) -> CardOptions:
        """Return the options that the settings say."""
        look = Look(title=settings.title or "", style=settings.style, color=settings.color)
        return cls(
            settings=settings,
            key=key or settings.activity,
            look=look,
            icon=settings.icon,
            action=settings.action,
        )

    def stream_key(self) -> str:
        """Return the card's key: as given, or this process's own for this place and title."""
        if self.key is not None:
            return self.key
        return claim(stream_key(self.look.title or "progress", notebook=place_name() or None))


@attrs.define
class Row:
    """The time of bars that follow one another; all that is left of a card that has ended.

    Attributes
    ----------
    began : float
        When the first of them began, on the courier's clock.
    ended_at : float or None
        When the last one closed, as far as that has happened.
    """

    began: float
    ended_at: float | None = None


class BarCard(OpenCard):
    """A card fed by bars.

    Parameters
    ----------
    options : CardOptions
        Of the bar that opened it.
    began : float
        When this bar, or the first of a row of bars, began, on the courier's clock.
    ends_with_bars : bool, default True
        False keeps it open for more bars until its owner finishes it.
    """

    def __init__(self, options: CardOptions, began: float, *, ends_with_bars: bool = True) -> None:
        super().__init__(
            stream_key=options.stream_key(), title=options.look.title, settings=options.settings
        )
        self.options = options
        self.group = BarGroup(options.look)
        self.row = Row(began)
        self._began_here = runtime().courier.now()
        self._ends_with_bars = ends_with_bars
        self._icon = {} if options.icon is None else {"icon": dict(options.icon)}
        self._action = {} if options.action is None else {"action": dict(options.action)}

    def add(self, bar: Bar) -> Place:
        """Take in a bar."""
        self.release_hold()
        return Place(self.group, self.group.add(bar), self._bars_are_closed)

    def takes(self, options: CardOptions) -> bool:
        """Tell whether a bar with these options belongs here."""
        open_for_more = self.group.has_open_bars or not self._ends_with_bars
        return open_for_more and options.key in {None, self.options.key}

    def _bars_are_closed(self) -> None:
        with _one_at_a_time():
            # Meanwhile another thread's bar may have joined.
            if self._ends_with_bars and self.is_open and not self.group.has_open_bars:
                self._end_row()

    def _end_row(self) -> None:
        outcome, certain = self.group.outcome()
        self.row.ended_at = runtime().courier.now()
        if certain:
            self.finish(outcome, grace_seconds=GRACE_SECONDS)
        else:
            self.hold(outcome)

    # ------------------------------------------------------------------ the courier's thread

    def _sample(self, now: float, seconds_left: float | None) -> Sample | None:
        share = self.group.share()
        began_share = self.group.began_share()
        gained = None if share is None else share - began_share
        if seconds_left is None and share is not None and gained:
            seconds_left = (now - self._began_here) * (1 - share) / gained
        if share is not None and seconds_left is None and self.options.look.style == "timer":
            return None  # a countdown needs to know from where
        fields = {**self.group.fields(share, seconds_left), **self._icon}
        self._title = fields["title"]
        return Sample(
            body=stream_body(content_state=fields, **self._action, **self._recipients()),
            share=share,
            pace=_pace(fields["type"], share),
            ready=should_open(now - self.row.began) or should_open(now - self._began_here, gained),
            began=self._began_here,
            began_share=began_share,
            finish=None if seconds_left is None else now + seconds_left,
        )

    def _last_words(self, outcome: Outcome) -> dict[str, Any]:
        share = self.group.share()
        if outcome.verdict == "done" and share is not None:
            share = 1.0
        fields = self.group.fields(share)
        fields.pop("duration_seconds", None)  # it would start the countdown anew
        self._title = fields["title"]
        at = "" if share is None else percent_text(share)
        sentence = outcome.sentence(elapsed_seconds=self._elapsed_seconds(), at=at)
        if outcome.verdict == "done":
            sentence = joined([sentence, *self.group.numbers()])
        return {**fields, **outcome.look(fields["type"], sentence)}

    def _push_message(self, outcome: Outcome) -> str:
        sentence = outcome.sentence(elapsed_seconds=self._elapsed_seconds())
        return one_line(" · ".join([sentence, *self.group.numbers()]), _MESSAGE_CHARACTERS)

    def _elapsed_seconds(self) -> float:
        end = self.row.ended_at
        return (runtime().courier.now() if end is None else end) - self._began_here


def _pace(
    state_type: str, share: float | None
) -> Literal["progress", "unknown_total", "countdown"]:
    if state_type == "timer":
        return "unknown_total" if share is None else "countdown"
    return "progress"


# The newest card's, which the next bar may continue.
_newest: list[Row] = []

# Bars that begin in several threads at the same moment would each open a card under the same key.
# Reentrant, and nobody waits long for it: a finalizer or a signal handler may close a bar in the
# middle of a join.
_joining = threading.RLock()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    alone = _joining.acquire(timeout=_JOIN_SECONDS)
    try:
        yield
    finally:
        if alone:
            _joining.release()


def _renew_after_fork() -> None:
    """Give a forked child a lock that no other thread of its parent's holds."""
    global _joining  # noqa: PLW0603  one for the process is the point
    _joining = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)


def join_card(bar: Bar, options: CardOptions) -> Place | None:
    """Give a bar its place on a card: the open one, or a new one.

    Returns
    -------
    Place or None
        None where nothing is shown (no key, disabled, a worker process).
    """
    with _one_at_a_time():
        return _join_card(bar, options)


def _join_card(bar: Bar, options: CardOptions) -> Place | None:
    here = runtime()
    cards = [card for card in here.open_cards if isinstance(card, BarCard)]
    for card in cards:
        if card.takes(options):
            return card.add(bar)
    relay = the_relay()
    if relay is not None and options.key is None:
        return relay.join(bar, options.look)
    now = here.courier.now()
    began = now
    for row in _newest:
        if row.ended_at is not None and now - row.ended_at <= GRACE_SECONDS:
            began = row.began
    card = BarCard(options, began)
    for other in cards:
        if other.stream_key == card.stream_key:
            other.settle(None)  # its loop was left, and the program goes on with the next one
    place = card.add(bar)
    card.open()
    if not card.is_open:
        return None
    _newest[:] = [card.row]
    return place
