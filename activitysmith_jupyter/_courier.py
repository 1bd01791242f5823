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
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from urllib.parse import quote

import attrs

from ._delivery import Retry, Setback, setback
from ._pacing import Pacer
from ._results import PushResult, Result, StreamEndResult, StreamResult, notices
from .exceptions import ActivitySmithError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._http import Http
    from ._settings import Destination

__all__ = ["Courier", "Ending", "Feed", "Sample"]

# The account may send 300 Live Activity requests a minute, and only 60 by older pages; a machine
# may run several kernels. The last places of a minute are kept for ends and pushes.
REQUESTS_PER_MINUTE: Final = 30
_KEPT_FOR_ENDS: Final = 6
_IDLE_SECONDS: Final = 3600.0
_FLUSH_RETRY_SECONDS: Final = 0.25
# A push that could not leave for this long is no news any more.
_PUSH_LIFETIME_SECONDS: Final = 1800.0
_STUMBLE_SECONDS: Final = 5.0
# One try a time: the courier has a schedule of its own, and meanwhile a newer state may win.
_STATE_RETRY: Final = Retry(idempotent=True, attempts=1)
_PUSH_RETRY: Final = Retry(idempotent=False, attempts=1)


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


@attrs.frozen(kw_only=True)
class Ending:
    """The last word on a card.

    Attributes
    ----------
    body : dict
        The request body of the stream's DELETE.
    push : dict or None
        A push that tells it, sent after the card ended (also when there never was a card).
    grace_seconds : float
        How long a following card with the same key may take this one over instead.
    """

    body: dict[str, Any]
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


@attrs.define(eq=False)
class _Line:
    """One server under one key: its health is shared by all cards that go there."""

    to: Destination
    http: Http
    not_before: float = 0.0
    failures: int = 0


@attrs.define(eq=False)
class _Card:
    feed: Feed
    line: _Line
    pacer: Pacer
    opened: bool = False
    # A PUT that got no answer may still have opened the card: then it has to be ended, too.
    maybe_open: bool = False
    not_before: float = 0.0
    given_up: bool = False
    ending: Ending | None = None
    sent: Sample | None = None


@attrs.define(eq=False)
class _Push:
    body: dict[str, Any]
    line: _Line
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
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, threaded: bool = True
    ) -> None:
        self._clock = clock
        self._threaded = threaded
        self._pid = os.getpid()
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        # Everything below belongs to the courier's thread.
        self._lines: dict[Destination, _Line] = {}
        self._cards: dict[tuple[Destination, str], _Card] = {}
        self._pushes: list[_Push] = []
        self._flushes: list[_Flush] = []
        self._request_times: deque[float] = deque()
        self._said: set[str] = set()
        # Read and cleared by user threads; deque operations are atomic.
        self._notices: deque[str] = deque()
        self.requests_sent = 0

    # ------------------------------------------------------------------ any thread

    def add(self, feed: Feed, to: Destination) -> None:
        """Begin to carry an activity. One with the same key that is open or just ended goes on."""
        self._post(lambda: self._add(feed, to))

    def end(self, feed: Feed, ending: Ending, to: Destination) -> None:
        """Say the last word on an activity; a later one for the same activity is ignored."""
        self._post(lambda: self._end(feed, ending, to))

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
        if not self._mine() or (self._threaded and self._thread is None):
            return True
        flush = _Flush(self._clock() + seconds)
        self._post(lambda: self._flushes.append(flush))
        if self._threaded:
            flush.finished.wait(seconds)
        else:
            self.step()
        return flush.clean

    def take_notices(self) -> list[str]:
        """Return, once, what the user should know."""
        taken = []
        while self._notices:
            taken.append(self._notices.popleft())
        return taken

    def _mine(self) -> bool:
        return os.getpid() == self._pid

    def _post(self, message: Callable[[], None]) -> None:
        if not self._mine():
            return
        self._inbox.put(message)
        if self._threaded and self._thread is None and self._starting.acquire(blocking=False):
            thread = threading.Thread(target=self._run, name="activitysmith-courier", daemon=True)
            thread.start()
            self._thread = thread

    # ------------------------------------------------------------------ the courier's thread

    def _run(self) -> None:
        wait_seconds = 0.0
        while True:
            try:
                message = self._inbox.get(timeout=max(0.0, wait_seconds))
            except queue.Empty:
                pass
            else:
                message()
            try:
                wait_seconds = self.step()
            except Exception as error:  # noqa: BLE001  the thread must outlive a fault of ours
                self._tell("internal", f"delivery stumbled: {type(error).__name__}: {error}")
                wait_seconds = _STUMBLE_SECONDS

    def step(self) -> float:
        """Do everything that is due and return the seconds until the next look."""
        while True:
            self._read_inbox()
            now = self._clock()
            job = self._next_job(now)
            if job is None:
                self._answer_flushes(now)
                return self._wait_seconds(now)
            job()

    def _read_inbox(self) -> None:
        while True:
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                return
            message()

    def _line(self, to: Destination) -> _Line:
        if to not in self._lines:
            from ._http import Http  # noqa: PLC0415  httpx takes time to import: in this thread

            self._lines[to] = _Line(
                to, Http(base_url=to.base_url, api_key=to.api_key, transport=to.transport)
            )
        return self._lines[to]

    def _add(self, feed: Feed, to: Destination) -> None:
        line = self._line(to)
        place = (to, feed.stream_key)
        card = self._cards.get(place)
        if card is None:
            self._cards[place] = _Card(feed, line, Pacer())
            return
        if card.ending is not None and card.ending.push is not None:
            self._add_push(card.ending.push, to)
        card.feed, card.ending, card.given_up = feed, None, False

    def _end(self, feed: Feed, ending: Ending, to: Destination) -> None:
        card = self._cards.get((to, feed.stream_key))
        if card is None or card.feed is not feed or card.ending is not None:
            return
        card.ending = ending
        card.not_before = self._clock() + ending.grace_seconds

    def _add_push(self, body: dict[str, Any], to: Destination) -> None:
        line = self._line(to)
        self._pushes.append(_Push(body, line, self._clock() + _PUSH_LIFETIME_SECONDS))

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
        if self._flushes:
            # The last words: no grace, no plan, no limit of our own; only a server that is down
            # or that named a time is asked again later.
            return now >= job.line.not_before
        if now < max(job.not_before, job.line.not_before):
            return False
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
            self._tell("internal", f"one card is not shown: {type(error).__name__}: {error}")
            return None
        if sample is None or not self._may(card, now, kept=_KEPT_FOR_ENDS):
            return None
        if not card.opened:
            return sample if sample.ready else None
        due = _is_due(card, sample, now)
        changed = card.sent is None or sample.body != card.sent.body
        return sample if due and changed else None

    def _send_state(self, card: _Card, sample: Sample) -> None:
        answer = self._request(card.line, "PUT", _path(card), sample.body)
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
            self._said.discard("capacity")
        elif result.operation != "noop":
            card.pacer.record(now, sample.share)
        card.sent = sample
        self._hear(result)
        card.feed.delivered()

    def _send_end(self, card: _Card, ending: Ending) -> None:
        if card.opened or card.maybe_open:
            answer = self._request(card.line, "DELETE", _path(card), ending.body)
            if isinstance(answer, Setback):
                if answer.kind == "refused" and ending.body:
                    # Better an end without its last words than a card that never ends.
                    card.ending = attrs.evolve(ending, body={})
                    return
                self._set_back(card, answer)
                if answer.wait_seconds is not None:
                    return
            else:
                self._hear(StreamEndResult.from_answer(answer))
        self._cards = {place: other for place, other in self._cards.items() if other is not card}
        if ending.push is not None:
            self._add_push(ending.push, card.line.to)

    def _send_push(self, push: _Push) -> None:
        answer = self._request(
            push.line, "POST", "/push-notification", push.body, retry=_PUSH_RETRY
        )
        if isinstance(answer, Setback):
            self._set_back(push, answer)
            if answer.wait_seconds is not None and self._clock() < push.expires:
                return
        else:
            self._hear(PushResult.from_answer(answer))
        self._pushes.remove(push)

    def _request(
        self,
        line: _Line,
        method: str,
        path: str,
        body: dict[str, Any],
        *,
        retry: Retry = _STATE_RETRY,
    ) -> dict[str, Any] | Setback:
        now = self._clock()
        self._request_times.append(now)
        self.requests_sent += 1
        try:
            answer = line.http.request(
                method, path, body or None, retry=retry, timeout_seconds=self._flush_seconds(now)
            )
        except NotFoundError as error:
            if method == "DELETE":  # it ended by itself or by somebody else's hand: as wanted
                return {"success": True, "operation": "ended", "ignored": True}
            found = setback(error, line.failures)
        except ActivitySmithError as error:
            found = setback(error, line.failures)
            if not retry.idempotent and not retry.wait(error):
                found = attrs.evolve(found, wait_seconds=None)
        else:
            line.failures, line.not_before = 0, 0.0
            self._said -= {"unreachable", "rate"}
            return answer
        self._tell(found.kind, found.notice)
        return found

    def _set_back(self, job: _Card | _Push, found: Setback) -> None:
        now = self._clock()
        if found.scope == "line":
            wait_seconds = found.wait_seconds or 0.0
            if self._flushes:
                wait_seconds = min(wait_seconds, _FLUSH_RETRY_SECONDS)
            job.line.failures += 1
            job.line.not_before = now + wait_seconds
        elif found.wait_seconds is not None:
            job.not_before = now + found.wait_seconds

    def _flush_seconds(self, now: float) -> float | None:
        """Return how long a request may take while somebody waits for a flush."""
        if not self._flushes:
            return None
        return max(0.05, max(flush.deadline for flush in self._flushes) - now)

    def _answer_flushes(self, now: float) -> None:
        clean = not self._pushes and all(card.ending is None for card in self._cards.values())
        for flush in list(self._flushes):
            if clean or now >= flush.deadline:
                flush.clean = clean
                self._flushes.remove(flush)
                flush.finished.set()

    def _hear(self, result: Result) -> None:
        for notice in notices(result):
            self._tell(notice, notice)

    def _tell(self, kind: str, notice: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            self._notices.append(notice)

    def _wait_seconds(self, now: float) -> float:
        """Return how long nothing can become due, seconds."""
        waits = [_IDLE_SECONDS]
        waits += [flush.deadline - now for flush in self._flushes]
        waits += [max(push.not_before, push.line.not_before) - now for push in self._pushes]
        for card in self._cards.values():
            if card.ending is not None:
                waits.append(max(card.not_before, card.line.not_before) - now)
            elif not card.given_up:
                waits.append(card.pacer.next_look_seconds(now))
        # A request limit that is used up frees a place within a minute; look again every second.
        busy = len(self._request_times) >= REQUESTS_PER_MINUTE - _KEPT_FOR_ENDS
        return max(min(waits), 1.0 if busy and not self._flushes else 0.01)


def _path(card: _Card) -> str:
    return f"/live-activity/stream/{quote(card.feed.stream_key, safe='')}"


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
