"""Counting items in C, in legs that any thread can read and cut short.

A `Loop` asks a counter, then the iterable, and hands out the item; per item no line of Python runs.
A counter that is used up ends a *leg*: then a generator, in the loop's own thread, looks at the
clock and gives out the next counter. Four facts make the count exact, and not merely close:

- ``map`` asks its first iterator first, so the count rises when an item is *requested*. By then the
  loop body is done with all earlier items: "requests minus one" is tqdm's ``n`` at every moment,
  whether the loop ends, breaks, or the iterable raises.
- The length hint of the counter, an `itertools.repeat`, tells any thread, without a lock, how much
  of a leg is left.
- ``list.extend(counter)`` empties it in one call that no thread can see half done (it runs no
  Python code, so the GIL stays put), and the list's length says how much it took. So any thread can
  cut a leg short, and the loop looks at the clock at its next item.
- The iterable stands in a ``chain`` before a generator of ours, which is asked when the iterable
  has run out, and only then. So an iterable at its end is never asked again: one that reads a queue
  might wait for ever.

Cutting is needed because a leg is a bet on the future: a loop that hurries through prefetched
batches and then waits seconds for each would sit in a long leg behind a frozen bar. One daemon
thread per process, `Pulse`, cuts legs that outlive their time. It never draws, never touches a bar
and takes no lock, so it cannot deadlock a forked child or close a bar from the wrong thread.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from itertools import chain, repeat
from math import inf
from operator import length_hint
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NoReturn, Self

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from ._fastloop import FastLoop

LEG_SECONDS = 0.010
"""Aim for one look at the clock in this time; shorter when ``mininterval`` is short."""

LONGEST_LEG = 1 << 14
"""Items; a look at the clock is then lost among them, and cutting a leg takes microseconds."""

PULSE_SECONDS = 0.1
"""How often the pulse looks for legs that outlive their time."""

COUNTS_IN_ONE_STEP = sys.implementation.name == "cpython" and bool(
    getattr(sys, "_is_gil_enabled", lambda: True)()
)
"""Whether a counter can be emptied in one step that no thread sees half done: CPython's GIL."""


class Plan:
    """Something that lets items pass without a look at the clock, until nudged."""

    __slots__ = ("seen", "steps", "watcher")

    def __init__(self) -> None:
        self.steps = 0  # looks at the clock so far; written by the loop's thread
        self.seen = 0  # the same, as the pulse last saw it; written by the pulse
        self.watcher: Pulse | None = None

    def nudge(self) -> None:
        """Make the next item look at the clock; any thread may call this."""
        raise NotImplementedError


# Called with a count and an item it returns the item, in C: the shortest way found to drop the
# count. The dictionary is empty and stays so.
_second = {}.pop  # type: ignore[var-annotated] # nothing is ever in it
_NO_COUNTS: Iterator[None] = iter(())


class Loop(map):  # type: ignore[type-arg] # generic in its stubs only
    """The iterator that a ``for`` statement holds: C per item, with a generator's manners.

    Parameters
    ----------
    legs : Legs
        What `steps` counts with.
    steps : generator of iterators
        Gives out the counter of each leg. It is closed when the iterable has run out, and when
        nobody holds the loop any more: before the iterable itself is let go.
    iterable : iterable
        Asked for its iterator at the first item.
    """

    __slots__ = ("_legs", "_steps")

    _legs: Legs
    _steps: Generator[Iterator[None], None, None]

    def __new__(
        cls,
        legs: Legs,
        steps: Generator[Iterator[None], None, None],
        iterable: Iterable[Any],
    ) -> Self:
        items = chain(iterable, _run_out(legs, steps))
        loop = super().__new__(cls, _second, chain.from_iterable(steps), items)
        loop._legs, loop._steps = legs, steps
        return loop

    def close(self) -> None:
        """End the loop as a ``break`` does; a later request finds it at its end."""
        self._steps.close()
        self._legs.nudge()

    def throw(self, *error: Any) -> Any:
        """Raise an error where the loop stands: it ends."""
        try:
            return self._steps.throw(*error)
        finally:
            self._legs.nudge()

    def send(self, value: object) -> Any:  # noqa: ARG002  nobody listens, as in tqdm's loop
        """Return the next item."""
        return next(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a running loop cannot be pickled or copied")

    def __del__(self) -> None:
        self._steps.close()


def _run_out(legs: Legs, steps: Generator[Iterator[None], None, None]) -> Iterator[Any]:
    """Hear that the iterable has run out: nobody asks for an item here before that."""
    legs.ran_out = True
    steps.close()
    yield from ()


class Legs(Plan):
    """The count of one running loop."""

    __slots__ = ("_leg", "ran_out", "told")

    def __init__(self, n: float) -> None:
        super().__init__()
        self.ran_out = False  # the iterable has no more items
        self.told = n  # the part of the count that the bar's own ``n`` holds
        self._rest_at(n)

    def _rest_at(self, n: float) -> None:
        self._leg: tuple[float, int, Iterator[None], list[None]] = (n, 0, _NO_COUNTS, [])

    def begin(self, n: float, size: int) -> Iterator[None]:
        """Return the counter of a leg of `size` items that starts when `n` are done."""
        counter = repeat(None, size)
        # One assignment: other threads see the old leg or the new one, whole.
        self._leg = (n, size, counter, [])
        self.steps += 1
        return counter

    def finish(self) -> float:
        """Return how many items are done at the end of a leg whose requests were all answered."""
        n, requested = self._reading()
        n += requested
        self._rest_at(n)
        return n

    def _reading(self) -> tuple[float, int]:
        """Return ``n`` at the start of the leg and the items requested since."""
        while True:
            n, size, counter, cut = self._leg
            taken = len(cut)
            requested = size - length_hint(counter) - taken
            if len(cut) == taken:  # nobody cut the leg between the two readings
                return n, requested

    def count(self) -> float:
        """Return how many items are done, at any moment and from any thread."""
        n, requested = self._reading()
        return n + max(0, requested - 1)

    def nudge(self) -> None:
        _, _, counter, cut = self._leg
        cut.extend(counter)


class Gate(Plan):
    """When ``update()`` looks at the clock: not while ``n`` is below the level of the bar.

    Parameters
    ----------
    bar : FastLoop
        Holds the level itself, where ``update()`` finds it sooner.
    """

    __slots__ = ("_bar", "n", "t")

    def __init__(self, bar: FastLoop[Any]) -> None:
        super().__init__()
        self._bar = weakref.ref(bar)  # the pulse keeps no bar alive
        self.reset()

    def reset(self) -> None:
        """Forget the plan."""
        self.n: float | None = None  # after the last look at the clock
        self.t = 0.0  # when that was

    def nudge(self) -> None:
        if (bar := self._bar()) is not None:
            bar._level = -inf  # noqa: SLF001  its other half


class Pulse:
    """The thread that nudges plans whose time has passed.

    It sleeps in a queue while nothing is planned. A plan that made no step for one beat is nudged
    and forgotten; its next step asks to be watched again if there is still something to watch.
    """

    def __init__(self) -> None:
        self.able = True  # False once a thread could not be started
        self.watched: list[Plan] = []
        # SimpleQueue.put is documented as reentrant: a signal handler or a finalizer may loop, too.
        self._arrivals: SimpleQueue[Plan] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def watch(self, plan: Plan) -> bool:
        """Have `plan` nudged when it makes no step; False if no thread can be had."""
        if plan.watcher is not self:
            if self._thread is None:
                self._start()
            if not self.able:
                return False
            plan.watcher = self
            self._arrivals.put(plan)
        return True

    def _start(self) -> None:
        # Whoever finds the lock taken relies on the one who holds it, even in a signal handler.
        if not self._starting.acquire(blocking=False):
            return
        try:
            thread = threading.Thread(target=self._run, name="activitysmith-pulse", daemon=True)
            thread.start()
            self._thread = thread
        except RuntimeError:  # no threads here (WebAssembly, a limit), or the interpreter is ending
            self.able = False
        finally:
            self._starting.release()

    def _run(self) -> None:
        while True:
            self._admit(self._arrivals.get())
            while self.watched:
                time.sleep(PULSE_SECONDS)
                self.beat()

    def _admit(self, plan: Plan) -> None:
        plan.seen = plan.steps
        self.watched.append(plan)

    def beat(self) -> None:
        """Nudge what stood still since the last beat, then take in what is new."""
        plans, self.watched = self.watched, []
        for plan in plans:
            if plan.steps != plan.seen:
                self._admit(plan)
            else:
                # In this order: a step before the release is nudged, one after it asks anew.
                plan.watcher = None
                plan.nudge()
        try:
            while True:
                self._admit(self._arrivals.get_nowait())
        except Empty:
            pass


_pulse = Pulse()


def pulse() -> Pulse:
    """Return this process's pulse."""
    return _pulse


def _renew_after_fork() -> None:
    """Give a forked child its own pulse: threads do not survive a fork."""
    global _pulse  # noqa: PLW0603 - one pulse per process is the point
    orphans = _pulse.watched
    _pulse = Pulse()
    for plan in orphans:  # should the child go on with the loop, it asks for the new pulse
        plan.nudge()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)


def scale(seconds: float, target: float) -> float:
    """Return the factor that brings a stretch of this duration towards `target`, at most 8.

    Durations within a factor of two stay, and a clock that was set back tells nothing.
    """
    if target <= 2 * seconds <= 4 * target:
        return 1
    return min(8, target / seconds) if seconds > 0 else 8
