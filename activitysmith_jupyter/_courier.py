"""The background sender: one thread for the process, newest state wins, ends go first.

The thread owns all of its state. Everybody else only puts messages into a `queue.SimpleQueue`,
whose ``put`` may be called from anywhere, also from a signal handler or a finalizer in the middle
of another ``put``: there is no lock that a user's thread could hold, wait for, or inherit locked
through a fork. A forked child never sends: its copies know the process they were made in.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import attrs

from ._delivery import Setback
from ._feed import Sample
from ._line import PUSH_RETRY, STATE_RETRY, Line
from ._notices import Notices
from ._pacing import Pacer
from ._results import PushResult, StreamEndResult, StreamResult
from ._watchdog import LastWords

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._delivery import Retry
    from ._feed import Ending, Feed
    from ._settings import Destination
    from ._watchdog import Watchdog

__all__ = ["Courier"]

# The account may send 300 Live Activity requests a minute, and only 60 by older pages; a machine
# may run several kernels. The last places of a minute are kept for ends and pushes.
REQUESTS_PER_MINUTE: Final = 30
_KEPT_FOR_ENDS: Final = 6
_IDLE_SECONDS: Final = 3600.0
_FLUSH_RETRY_SECONDS: Final = 0.25
# A push that could not leave for this long is no news any more.
_PUSH_LIFETIME_SECONDS: Final = 1800.0
_STUMBLE_SECONDS: Final = 5.0
# What the watchdog would say of a card is at most so old.
_WATCH_SECONDS: Final = 2.0


@attrs.define(eq=False)
class _Card:
    feed: Feed
    line: Line
    pacer: Pacer
    opened: bool = False
    # A PUT that got no answer may still have opened the card: then it has to be ended, too.
    maybe_open: bool = False
    not_before: float = 0.0
    given_up: bool = False
    ending: Ending | None = None
    sent: Sample | None = None
    watched_at: float = -inf


@attrs.define(eq=False)
class _Push:
    body: dict[str, Any]
    line: Line
    expires: float
    not_before: float = 0.0


@attrs.define(eq=False)
class _Flush:
    deadline: float
    finished: threading.Event = attrs.field(factory=threading.Event)
    clean: bool = False


class Courier:
    """Deliver cards and pushes in the background.

    Parameters
    ----------
    clock : callable, default time.monotonic
        Seconds; injected in tests.
    threaded : bool, default True
        False starts no thread: the owner calls `step`.
    watchdog : Watchdog, optional
        Ends the cards when this process cannot.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        threaded: bool = True,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._clock = clock
        self._threaded = threaded
        self._watchdog = watchdog
        # Verdicts that have not arrived. Written by any thread, one atomic operation each.
        self._unsaid: dict[tuple[Destination, str], Ending] = {}
        self._pid = os.getpid()
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._retired = False
        # Everything below belongs to the courier's thread.
        self._lines: dict[Destination, Line] = {}
        self._cards: dict[tuple[Destination, str], _Card] = {}
        self._pushes: list[_Push] = []
        self._flushes: list[_Flush] = []
        self._request_times: deque[float] = deque()
        self._notices = Notices()
        self.requests_sent = 0

    # ------------------------------------------------------------------ any thread

    def add(self, feed: Feed, to: Destination) -> None:
        """Begin to carry an activity. One with the same key that is open or just ended goes on."""
        self._unsaid.pop((to, feed.stream_key), None)
        self._post(lambda: self._add(feed, to))

    def end(self, feed: Feed, ending: Ending, to: Destination) -> None:
        """Say the last word on an activity; a later one for the same activity is ignored."""
        due = self._clock() + ending.grace_seconds
        if self._mine():
            self._unsaid[to, feed.stream_key] = ending
        self._post(lambda: self._end(feed, ending, to, due))

    def push(self, body: dict[str, Any], to: Destination) -> None:
        """Send a push as soon as possible, never twice."""
        self._post(lambda: self._add_push(body, to))

    def settle(self) -> None:
        """End the grace of endings that wait for a successor: the cell or block is over."""
        self._post(self._settle)

    def now(self) -> float:
        """Return the courier's time, seconds."""
        return self._clock()

    def is_current_thread(self) -> bool:
        """Tell whether the caller runs in the courier's thread."""
        return self._thread is not None and self._thread.ident == threading.get_ident()

    def wake(self) -> None:
        """Look at every activity now: something urgent changed."""
        self._post(lambda: None)

    def flush(self, seconds: float) -> bool:
        """Wait until every end and push has left, at most `seconds`.

        Returns
        -------
        bool
            False when something is still waiting.
        """
        if not self._mine() or (self._threaded and self._thread is None and self._inbox.empty()):
            return True
        flush = _Flush(self._clock() + seconds)
        self._post(lambda: self._begin_flush(flush))
        if self._threaded:
            flush.finished.wait(seconds)
        else:
            self.step()
        return flush.clean

    def leave(self) -> bool:
        """Let the watchdog go, at the end of the program.

        Returns
        -------
        bool
            True when it goes on trying to deliver what is left, for half a minute.
        """
        if self._watchdog is None or not self._mine():
            return False
        unsaid = dict(self._unsaid)  # a copy at one blow
        left = {(to, _path(key)): _verdict(ending) for (to, key), ending in unsaid.items()}
        return self._watchdog.leave(left)

    def retire(self) -> None:
        """Forget everything and let the thread end: from now on nothing is sent."""
        self._retired = True
        self._inbox.put(lambda: None)  # wakes the thread

    def take_notices(self) -> list[str]:
        """Return, once, what the user should know."""
        return self._notices.take()

    @property
    def problems(self) -> list[str]:
        """The newest notices, read or not, oldest first."""
        return self._notices.newest

    def updates_left(self) -> dict[str, int]:
        """Return how many updates each card on the phone may still get now, by stream key."""
        now = self._clock()
        cards = list(self._cards.values())  # a copy at one blow: the thread goes on meanwhile
        return {card.feed.stream_key: card.pacer.updates_left(now) for card in cards if card.opened}

    def _mine(self) -> bool:
        return os.getpid() == self._pid and not self._retired

    def _post(self, message: Callable[[], None]) -> None:
        if not self._mine():
            return
        self._inbox.put(message)
        if self._threaded and self._thread is None and self._starting.acquire(blocking=False):
            thread = threading.Thread(target=self._run, name="activitysmith-courier", daemon=True)
            self._thread = thread
            try:
                thread.start()
            except RuntimeError:  # none can be had now, or the interpreter is going down
                self._thread = None
                self._starting.release()

    # ------------------------------------------------------------------ the courier's thread

    def _run(self) -> None:
        wait_seconds = 0.0
        while not self._retired:
            try:
                with suppress(queue.Empty):
                    self._inbox.get(timeout=max(0.0, wait_seconds))()
                wait_seconds = self.step()
            except Exception as error:  # noqa: BLE001  the thread must outlive a fault of ours
                self._notices.note_fault("delivery stumbled", error)
                wait_seconds = _STUMBLE_SECONDS
        self._cards.clear()
        self._pushes.clear()
        for line in self._lines.values():
            line.http.close()

    def step(self) -> float:
        """Do everything that is due and return the seconds until the next look."""
        while not self._retired:
            self._read_inbox()
            now = self._clock()
            self._drop_old_pushes(now)
            job = self._next_job(now)
            if job is not None:
                job()
            elif self._inbox.empty():  # asking a feed may have made it say its last word
                self._answer_flushes(now)
                return self._wait_seconds(now)
        return _IDLE_SECONDS

    def _read_inbox(self) -> None:
        while True:
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                return
            message()

    def _line(self, to: Destination) -> Line:
        if to not in self._lines:
            from ._http import Http  # noqa: PLC0415  httpx takes time to import: in this thread

            http = Http(base_url=to.base_url, api_key=to.api_key, transport=to.transport)
            self._lines[to] = Line(to, http, self._notices)
        return self._lines[to]

    def _add(self, feed: Feed, to: Destination) -> None:
        line = self._line(to)
        place = (to, feed.stream_key)
        card = self._cards.get(place)
        if card is None:
            self._cards[place] = _Card(feed, line, Pacer())
            return
        if card.ending is not None:
            card.not_before = 0.0  # it was the end that had to wait
            if card.ending.push is not None:
                self._add_push(card.ending.push, to)
        card.feed, card.ending, card.given_up = feed, None, False

    def _end(self, feed: Feed, ending: Ending, to: Destination, due: float) -> None:
        place = (to, feed.stream_key)
        card = self._cards.get(place)
        if card is None or card.ending is not None:
            self._said(place, ending)
            return
        if card.feed is not feed:
            self._said(place, ending)
            # Another activity goes on with the card; how this one ended is news all the same.
            if ending.push is not None:
                self._add_push(ending.push, to)
            return
        card.ending = ending
        card.not_before = 0.0 if self._flushes else due
        self._watch(card)

    def _said(self, place: tuple[Destination, str], ending: Ending) -> None:
        if self._unsaid.get(place) is ending:
            self._unsaid.pop(place, None)

    def _watch(self, card: _Card) -> None:
        """Tell the watchdog what to say about a card that may be on the phone."""
        if self._watchdog is None or not (card.opened or card.maybe_open):
            return
        to, now = card.line.to, self._clock()
        if to.transport is not None:
            return
        card.watched_at = now
        with suppress(Exception):  # what cannot be said leaves the last words as they were
            words = _verdict(card.ending) if card.ending else card.feed.last_words(now)
            self._watchdog.watch(to, _path(card.feed.stream_key), words)

    def _add_push(self, body: dict[str, Any], to: Destination) -> None:
        line = self._line(to)
        self._pushes.append(_Push(body, line, self._clock() + _PUSH_LIFETIME_SECONDS))

    def _drop_old_pushes(self, now: float) -> None:
        for push in [push for push in self._pushes if now >= push.expires]:
            self._pushes.remove(push)
            push.line.tell("expired", "a push could not leave for half an hour: given up")

    def _begin_flush(self, flush: _Flush) -> None:
        """Try now what waits for a better time, but not where the server named the time."""
        self._flushes.append(flush)
        for line in self._lines.values():
            line.hurry()
        for job in self._last_words():
            job.not_before = 0.0

    def _last_words(self) -> list[_Card | _Push]:
        """Return what a flush waits for."""
        return [*(card for card in self._cards.values() if card.ending is not None), *self._pushes]

    def _settle(self) -> None:
        for card in self._cards.values():
            if card.ending is not None and card.ending.grace_seconds:
                card.not_before = 0.0

    def _next_job(self, now: float) -> Callable[[], None] | None:
        for card in list(self._cards.values()):
            if card.ending is not None and self._may(card, now, kept=0):
                return partial(self._send_end, card, card.ending)
        for push in self._pushes:
            if self._may(push, now, kept=0):
                return partial(self._send_push, push)
        if self._flushes:
            return None
        samples = [
            (sample.urgent, card, sample)
            for card in self._cards.values()
            if card.ending is None
            and not card.given_up
            and (sample := self._due_sample(card, now)) is not None
        ]
        if not samples:
            return None
        _, card, sample = max(samples, key=lambda found: found[0])
        return partial(self._send_state, card, sample)

    def _may(self, job: _Card | _Push, now: float, *, kept: int) -> bool:
        if now < _due_at(job):
            return False
        # The last words keep to no limit of our own.
        return bool(self._flushes) or self._has_room(now, kept=kept)

    def _may_still_open(self, card: _Card) -> bool:
        """Tell whether a card that is over may be shown yet: at once and without trouble."""
        is_new = not (card.opened or card.maybe_open or card.given_up)
        return is_new and card.line.is_well and self._has_room(self._clock(), kept=_KEPT_FOR_ENDS)

    def _has_room(self, now: float, *, kept: int) -> bool:
        """Tell whether this minute has room for a request, `kept` places left."""
        times = self._request_times
        while times and now - times[0] >= 60.0:  # noqa: PLR2004  a minute
            times.popleft()
        return len(times) < REQUESTS_PER_MINUTE - kept

    def _due_sample(self, card: _Card, now: float) -> Sample | None:
        try:
            seconds_left = card.pacer.seconds_left(now) if card.opened else None
            sample = card.feed.sample(now, seconds_left)
        except Exception as error:  # noqa: BLE001  one card's fault must not silence the others
            card.given_up = True
            self._notices.note_fault("one card is not shown", error)
            return None
        if now - card.watched_at >= _WATCH_SECONDS:
            self._watch(card)
        if sample is None or not self._may(card, now, kept=_KEPT_FOR_ENDS):
            return None
        if not card.opened:
            return sample if sample.ready else None
        due = _is_due(card, sample, now)
        changed = card.sent is None or sample.shows != card.sent.shows
        return sample if due and changed else None

    def _send_state(self, card: _Card, sample: Sample) -> None:
        answer = self._ask(card.line, "PUT", _path(card.feed.stream_key), sample.body)
        if isinstance(answer, Setback):
            card.maybe_open = card.maybe_open or answer.kind == "unreachable"
            self._set_back(card, answer)
            card.given_up = answer.wait_seconds is None
            return
        result = StreamResult.from_answer(answer)
        now = self._clock()
        if not card.opened or result.operation in {"started", "rotated"}:
            card.pacer.start(
                now, sample.share or 0.0, began=sample.began, began_done=sample.began_share
            )
            card.opened = True
            card.line.opened_a_card()
        elif result.operation != "noop":
            card.pacer.record(now, sample.share)
        card.sent = sample
        card.line.hear(result)
        card.feed.delivered()
        self._watch(card)

    def _send_end(self, card: _Card, ending: Ending) -> None:
        if ending.opening is not None and self._may_still_open(card):
            self._send_state(card, Sample(body=ending.opening))
        if card.opened or card.maybe_open:
            path = _path(card.feed.stream_key)
            answer = self._ask(card.line, "DELETE", path, ending.body)
            if isinstance(answer, Setback):
                if answer.kind == "refused" and ending.body:
                    # Better an end without its last words than a card that never ends.
                    card.ending = attrs.evolve(ending, body={})
                    return
                self._set_back(card, answer)
                if answer.wait_seconds is not None:
                    return
            else:
                card.line.hear(StreamEndResult.from_answer(answer))
        self._cards = {place: other for place, other in self._cards.items() if other is not card}
        self._said((card.line.to, card.feed.stream_key), ending)
        if self._watchdog is not None:
            self._watchdog.forget(card.line.to, _path(card.feed.stream_key))
        if ending.push is not None:
            self._add_push(ending.push, card.line.to)

    def _send_push(self, push: _Push) -> None:
        answer = self._ask(push.line, "POST", "/push-notification", push.body, retry=PUSH_RETRY)
        if isinstance(answer, Setback):
            self._set_back(push, answer)
            if answer.wait_seconds is not None:
                return
        else:
            push.line.hear(PushResult.from_answer(answer))
        self._pushes.remove(push)

    def _ask(
        self,
        line: Line,
        method: str,
        path: str,
        body: dict[str, Any],
        *,
        retry: Retry = STATE_RETRY,
    ) -> dict[str, Any] | Setback:
        now = self._clock()
        self._request_times.append(now)
        self.requests_sent += 1
        seconds = self._flush_seconds(now)
        return line.ask(method, path, body, retry=retry, timeout_seconds=seconds)

    def _set_back(self, job: _Card | _Push, found: Setback) -> None:
        now = self._clock()
        if found.scope == "line":
            patience = _FLUSH_RETRY_SECONDS if self._flushes else None
            job.line.rest(found, now, at_most_seconds=patience)
        elif found.wait_seconds is not None:
            job.not_before = now + found.wait_seconds

    def _flush_seconds(self, now: float) -> float | None:
        """Return how long a request may take while somebody waits for a flush."""
        if not self._flushes:
            return None
        return max(0.05, max(flush.deadline for flush in self._flushes) - now)

    def _answer_flushes(self, now: float) -> None:
        waiting = self._last_words()
        for flush in list(self._flushes):
            # Nobody waits for what cannot leave in time.
            if all(max(now, _due_at(job)) >= flush.deadline for job in waiting):
                flush.clean = not waiting
                self._flushes.remove(flush)
                flush.finished.set()

    def _wait_seconds(self, now: float) -> float:
        """Return how long nothing can become due, seconds."""
        waits = [_IDLE_SECONDS]
        waits += [flush.deadline - now for flush in self._flushes]
        waits += [_due_at(job) - now for job in self._last_words()]
        waits += [
            card.pacer.next_look_seconds(now)
            for card in self._cards.values()
            if card.ending is None and not card.given_up
        ]
        # A request limit that is used up frees a place within a minute; look again every second.
        busy = len(self._request_times) >= REQUESTS_PER_MINUTE - _KEPT_FOR_ENDS
        return max(min(waits), 1.0 if busy and not self._flushes else 0.01)


def _due_at(job: _Card | _Push) -> float:
    return max(job.not_before, job.line.not_before)


def _path(stream_key: str) -> str:
    return f"/live-activity/stream/{quote(stream_key, safe='')}"


def _verdict(ending: Ending) -> LastWords:
    return LastWords(body=ending.body, push=ending.push, died=False)


def _is_due(card: _Card, sample: Sample, now: float) -> bool:
    pacer, shown = card.pacer, card.sent
    due: bool
    if sample.pace == "progress" and sample.share is not None:
        due = pacer.due(now, sample.share)
        if sample.by_hand and shown is not None and shown.share == sample.share:
            due = due or pacer.due_change(now)
    elif sample.pace == "unknown_total":
        due = pacer.due_without_total(now, moved=shown is None or sample.body != shown.body)
    elif sample.pace == "countdown" and sample.finish is not None:
        finish = shown.finish if shown is not None else None
        due = finish is None or pacer.due_correction(now, finish, sample.finish)
    else:
        due = pacer.due_change(now)
    return due or (sample.urgent and pacer.due_change(now, urgent=True))
