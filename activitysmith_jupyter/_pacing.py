"""The update budget of one card: whether and when to send.

iOS lets a Live Activity have a short burst of updates and then about one in two minutes; an
activity that asks for more is throttled for about an hour while the service still answers 200.
The rule the service states: n updates, t seconds after the start, are safe while
``n <= max(12, t / 120)``.

A `Pacer` keeps that rule for one card and spends the budget where it shows most. It has no clock:
``now`` is always passed in, in seconds on a monotonic clock.

How progress is paced
---------------------
What the phone shows is wrong by ``done - shown``; its integral over time is the *area* of error.
For a rate r the least area is reached when every stretch between two updates has the same area,
that is when updates lie as dense as the square root of r. A stretch of area a, over which the loop
moved at an even rate, has *effort* ``sqrt(2 a)``; effort adds up along the run, a pause of the loop
adds none, and the best plan gives every update an equal part of it. So at each look:

1. effort to come = effort per done share over the later half of the run so far x share to come;
2. updates to come = the budget at the predicted finish, less what is spent and kept back;
3. send when the effort since the last update, should the loop now pause as long as it is likely to,
   exceeds an equal part of what is to come.
"""

from __future__ import annotations

import math
from collections import deque

__all__ = ["BURST", "SECONDS_PER_UPDATE", "Pacer", "should_open"]

BURST = 12
SECONDS_PER_UPDATE = 120.0

_FIRST_LOOKS_SECONDS = 60.0
_EARLY_LOOK_SECONDS = 0.25
_LATE_LOOK_SECONDS = 1.0

# Tuned on the shapes of benchmarks/pacing.py; all optima are flat.
_PART = 1.1  # of an equal part: a little is held back for what cannot be foreseen
_LIKELY_WAITS = 1.5  # how many likely waits to look ahead
_MOVING_WEIGHT = (
    0.75  # of the rate without pauses, against the plain rate, in predicting the budget
)
_PAUSE_WAITS = 2.0  # a wait this many times the usual one is a pause
_SAMPLE_GROWTH = 1.01  # samples lie 1 % of the run apart: at most 70 are kept

_FIRST_SIGN_SECONDS = 4.0
_SIGN_RATIO = 1.8

_DRIFT_SHARE = 0.2
_LEAST_TO_COME_SECONDS = 10.0  # near the end, seconds of drift do not matter

_TINY = 1e-9  # keeps divisions defined


def should_open(
    elapsed_seconds: float,
    done: float | None = None,
    *,
    open_after_seconds: float = 10.0,
    long_run_seconds: float = 20.0,
    first_look_seconds: float = 2.0,
) -> bool:
    """Say whether a loop deserves a card yet.

    Short loops are over before anyone looks, and iOS keeps a small budget of starts.

    Parameters
    ----------
    elapsed_seconds : float
        How long the loop has been running, >= 0.
    done : float or None
        Share done in this run, 0-1; None when the total is unknown.
    open_after_seconds : float, default 10
        Any loop that has run this long gets a card.
    long_run_seconds : float, default 20
        A loop predicted to run longer than this gets one early.
    first_look_seconds : float, default 2
        No prediction is believed before.
    """
    if elapsed_seconds >= open_after_seconds:
        return True
    if done is None or not done > 0 or elapsed_seconds < first_look_seconds:
        return False
    return elapsed_seconds / done > long_run_seconds


class Pacer:
    """Decide when one card may be, and should be, updated.

    Parameters
    ----------
    burst : int, default 12
        Updates that are safe at any age of the card, >= 1.
    seconds_per_update : float, default 120
        Beyond the burst, one update is safe per this many seconds of the card's age, > 0.
    reserve : int, default 1
        Updates kept back for the last word or a failure, 0 <= reserve < burst.
    min_gap_seconds : float, default 1
        Least time between two updates that are not urgent, >= 0.
    counts_start : bool, default False
        Whether the start counts as an update. The service does not say; its wording means no.

    Notes
    -----
    Call `start` once the service has confirmed the start: then the card is never younger there
    than here. One thread at a time.
    """

    __slots__ = (
        "_area",
        "_began",
        "_began_done",
        "_burst",
        "_counts_start",
        "_done",
        "_effort",
        "_gap_seconds",
        "_last_move",
        "_last_sent",
        "_looked",
        "_min_gap",
        "_moves",
        "_period",
        "_reserve",
        "_samples",
        "_sent",
        "_shown",
        "_started",
        "_waits",
        "_watched_from",
    )

    def __init__(
        self,
        *,
        burst: int = BURST,
        seconds_per_update: float = SECONDS_PER_UPDATE,
        reserve: int = 1,
        min_gap_seconds: float = 1.0,
        counts_start: bool = False,
    ) -> None:
        if not 0 <= reserve < burst:
            raise ValueError(f"reserve={reserve}: must be at least 0 and less than burst={burst}")
        if not seconds_per_update > 0:
            raise ValueError(f"seconds_per_update={seconds_per_update}: must be positive")
        self._burst = burst
        self._period = float(seconds_per_update)
        self._reserve = reserve
        self._min_gap = float(min_gap_seconds)
        self._counts_start = counts_start
        self.start(0.0)

    def start(
        self,
        now: float,
        shown: float = 0.0,
        *,
        began: float | None = None,
        began_done: float = 0.0,
    ) -> None:
        """Begin a new card; everything before is forgotten.

        Parameters
        ----------
        now : float
            Seconds on a monotonic clock.
        shown : float, default 0
            Share the new card shows, 0-1.
        began : float, optional
            When the loop itself began, on the same clock; ``now`` when left out.
        began_done : float, default 0
            Share that was done when the loop began: a resumed run does not begin at 0.
        """
        self._started = now
        self._sent = 1 if self._counts_start else 0
        self._last_sent = now
        self._shown = shown
        self._watch(now, shown)
        self._began = now if began is None else began
        self._began_done = shown if began is None else began_done

    def _watch(self, now: float, done: float) -> None:
        """Start measuring speed afresh, here."""
        self._began = self._looked = self._last_move = now
        self._began_done = self._watched_from = self._done = done
        self._area = self._effort = 0.0
        self._moves = 0
        self._gap_seconds = 0.0
        # Waits between two moves by size, two classes per doubling: (how many, their sum).
        self._waits: dict[int, tuple[int, float]] = {}
        # (when, done share, effort until then), oldest first.
        self._samples: deque[tuple[float, float, float]] = deque([(now, done, 0.0)])

    # What is allowed

    def _allowance(self, age: float) -> float:
        """Return how many updates are safe at an age in seconds."""
        return max(float(self._burst), age / self._period)

    def may_send(self, now: float, *, last: bool = False) -> bool:
        """Say whether one more update is safe.

        Parameters
        ----------
        now : float
            Seconds on a monotonic clock.
        last : bool, default False
            The last word, or a failure: may use the reserve.
        """
        kept = 0 if last else self._reserve
        return self._sent + 1 + kept <= self._allowance(now - self._started)

    def updates_left(self, now: float) -> int:
        """Return how many updates could be sent now, the reserve not counted."""
        return max(0, int(self._allowance(now - self._started)) - self._reserve - self._sent)

    @property
    def sent(self) -> int:
        """Updates sent so far, the start among them if it counts."""
        return self._sent

    def next_look_seconds(self, now: float) -> float:
        """Return how long to sleep before asking again: 0.25 s in the first minute, then 1 s."""
        early = now - self._started < _FIRST_LOOKS_SECONDS
        return _EARLY_LOOK_SECONDS if early else _LATE_LOOK_SECONDS

    def record(self, now: float, shown: float | None = None) -> None:
        """Note that an update went out.

        Parameters
        ----------
        now : float
            Seconds on a monotonic clock.
        shown : float, optional
            Share the card shows from now on, 0-1; left out when the update moved no progress.
        """
        self._sent += 1
        self._last_sent = now
        if shown is not None:
            self._effort += self._effort_since_sent()
            self._shown = shown
            self._area = 0.0

    def _has_gap(self, now: float) -> bool:
        return now - self._last_sent >= self._min_gap

    # Progress with a known total

    def due(self, now: float, done: float) -> bool:
        """Say whether the done share should be sent now; to be asked at every look.

        Parameters
        ----------
        now : float
            Seconds on a monotonic clock.
        done : float
            Share done, 0-1. Less than before means that the loop was reset.
        """
        if not math.isfinite(done):
            return False
        done = min(max(done, 0.0), 1.0)
        self._look(now, done)
        if done < self._shown:
            # The card claims work that a reset has undone.
            return self.may_send(now) and self._has_gap(now)
        if not self._moves or done == self._shown:
            return False
        effort = self._effort_since_sent()
        self._sample(now, effort)
        if not (self.may_send(now) and self._has_gap(now)):
            return False
        likely = self._area + (done - self._shown) * _LIKELY_WAITS * self._likely_wait(now)
        return math.sqrt(2 * likely) >= _PART * self._equal_part(now, effort)

    def _look(self, now: float, done: float) -> None:
        """Take in where the loop is."""
        if done < self._done:
            self._watch(now, done)
            return
        self._area += max(0.0, self._done - self._shown) * max(0.0, now - self._looked)
        self._looked = now
        if done > self._done:
            wait = max(now - self._last_move, _TINY)
            size = math.frexp(wait * wait)[1]
            count, seconds = self._waits.get(size, (0, 0.0))
            self._waits[size] = (count + 1, seconds + wait)
            self._moves += 1
            self._gap_seconds += math.sqrt(wait)
            self._last_move = now
            self._done = done

    def _usual_wait(self) -> float:
        """Return the seconds between two moves, rare long pauses hardly counted."""
        return (self._gap_seconds / self._moves) ** 2 if self._moves else 0.0

    def _effort_since_sent(self) -> float:
        moved = self._done - self._shown
        # Shown right after an item, a stepwise loop has no area; its steps are effort all the same.
        return math.sqrt(2 * self._area + moved * self._usual_wait()) if moved > 0 else 0.0

    def _sample(self, now: float, effort: float) -> None:
        samples = self._samples
        age = now - self._began
        if age >= (samples[-1][0] - self._began) * _SAMPLE_GROWTH:
            samples.append((now, self._done, self._effort + effort))
        while len(samples) > 1 and samples[1][0] - self._began <= age / 2:
            samples.popleft()

    def _likely_wait(self, now: float) -> float:
        """Return how long the loop is likely to stay where it is, in seconds."""
        usual = self._usual_wait()
        waited = now - self._last_move
        wait = max(usual, waited)
        if waited > _PAUSE_WAITS * usual:
            # A pause: how long were those that lasted this long?
            size = math.frexp(waited * waited)[1]
            longer = [pair for other, pair in self._waits.items() if other > size]
            count = sum(pair[0] for pair in longer)
            if count:
                wait = max(wait, sum(pair[1] for pair in longer) / count - waited)
        return wait

    def _equal_part(self, now: float, effort: float) -> float:
        """Return the effort that each of the updates to come should stand for."""
        age = now - self._started
        to_come = 1.0 - self._done
        watched = self._done - self._watched_from
        rate = (self._done - self._began_done) / max(now - self._began, _TINY)
        rate = max(rate, _TINY)
        moving = watched / self._moves / self._usual_wait()
        rate *= max(1.0, moving / rate) ** _MOVING_WEIGHT
        seconds_to_come = to_come / rate

        _, then_done, then_effort = self._samples[0]
        since = self._done - then_done
        gained = self._effort + effort - then_effort
        if since <= 0 or gained < 0:
            since, gained = watched, self._effort + effort
        effort_to_come = to_come * gained / since

        finish = age + seconds_to_come
        updates = self._allowance(finish) - self._reserve - self._sent
        part = (effort + effort_to_come) / max(updates + 1.0, 1.0)
        # The allowance grows late: what is spent now is missing until it next grows.
        grows = max((self._burst + 1) * self._period, (age // self._period + 1) * self._period)
        if grows < finish:
            updates = self._allowance(grows - self._period) - self._reserve - self._sent
            until = effort_to_come * (grows - age) / max(seconds_to_come, _TINY)
            part = max(part, (effort + until) / max(updates + 1.0, 1.0))
        return part

    def seconds_left(self, now: float) -> float | None:
        """Return how long the loop is expected to go on, in seconds; None when unknown.

        The rate is the mean of the rate overall and the rate over the later half of the time, as
        seen by `due`.
        """
        gained = self._done - self._began_done
        if gained <= 0 or now <= self._began:
            return None
        rate = gained / (now - self._began)
        then, then_done, _ = self._samples[0]
        if now > then and self._moves:
            rate = (rate + max(0.0, self._done - then_done) / (now - then)) / 2
        return (1.0 - self._done) / rate

    # Everything else

    def due_without_total(self, now: float, *, moved: bool = True) -> bool:
        """Say whether a loop of unknown length should show where it is.

        The signs of life come ever more seldom, 4 s, 7 s, 13 s ... after the start, and every two
        minutes once the burst is used up; the count-up timer on the phone moves meanwhile.

        Parameters
        ----------
        now : float
            Seconds on a monotonic clock.
        moved : bool, default True
            Whether anything was done since the last update; if not, the sign waits for it.
        """
        if not (moved and self.may_send(now) and self._has_gap(now)):
            return False
        age = now - self._started
        if age >= self._burst * self._period:
            return now - self._last_sent >= self._period
        return age >= _FIRST_SIGN_SECONDS * math.pow(_SIGN_RATIO, self._sent)

    def due_change(self, now: float, *, urgent: bool = False) -> bool:
        """Say whether a value that somebody set by hand should be sent now.

        Changes go at once while half of the burst is left. The other half is spread, ever more
        seldom, over the time until the allowance grows, so that a card that changes every second
        neither stands still for twenty minutes nor breaks the budget. What is not due yet waits,
        and the newest value wins.

        Parameters
        ----------
        now : float
            Seconds on a monotonic clock.
        urgent : bool, default False
            A failure or a real step: goes at once and may use the reserve.
        """
        if urgent:
            return self.may_send(now, last=True)
        if not (self.may_send(now) and self._has_gap(now)):
            return False
        age = now - self._started
        grows = (self._burst + 1) * self._period
        left = self.updates_left(now)
        if age >= grows or 2 * left > self._burst:
            return True
        last_age = max(self._last_sent - self._started, 1.0)
        return age >= last_age * math.pow(grows / last_age, 1 / (left + 1))

    def due_correction(self, now: float, shown_finish: float, predicted_finish: float) -> bool:
        """Say whether a countdown on the phone should be set anew.

        It should when the predicted finish has drifted by more than a fifth of the time to come,
        and half an even share of the time per update has passed.

        Parameters
        ----------
        now, shown_finish, predicted_finish : float
            Now, when the phone's countdown reaches zero, and when the loop is expected to finish:
            seconds on the same monotonic clock.
        """
        if not (self.may_send(now) and self._has_gap(now)) or not math.isfinite(predicted_finish):
            return False
        to_come = max(predicted_finish - now, _LEAST_TO_COME_SECONDS)
        if abs(predicted_finish - shown_finish) <= _DRIFT_SHARE * to_come:
            return False
        at_finish = self._allowance(now + to_come - self._started)
        updates = at_finish - self._reserve - self._sent
        share = (now + to_come - self._last_sent) / max(updates + 1.0, 1.0)
        return now - self._last_sent >= share / 2
