"""The mixin that makes a tqdm class iterate and update cheaply.

tqdm adds one to a Python integer for every item and looks at its attributes, at first also at the
clock, each time. Here items come in *legs*, counted in C (see `_legs`): only between two legs does
Python code look at the clock, redraw when tqdm's ``mininterval`` has passed, and choose the next
size so that a leg takes about ten milliseconds. A loop slower than that has legs of one item, which
is tqdm's own rhythm.
"""

from __future__ import annotations

import time
from itertools import repeat
from math import inf
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from ._legs import (
    COUNTS_IN_ONE_STEP,
    LEG_SECONDS,
    LONGEST_LEG,
    Gate,
    Legs,
    Loop,
    pulse,
    scale,
)

_T = TypeVar("_T")

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from tqdm.asyncio import tqdm_asyncio

    _NextClass = tqdm_asyncio
else:

    class _NextClass(Generic[_T]):
        """Stands for the tqdm class that follows `FastLoop` among the bases."""

        __slots__ = ()


Ending = Literal["exhausted", "dropped"]
"""How a loop over a bar ended: the iterable ran out, or somebody left before that."""


class FastLoop(_NextClass[_T]):
    """Mixin that makes a tqdm class iterate and update cheaply, and tells how a loop ended.

    Place it before the tqdm class: ``class bar(FastLoop, tqdm.auto.tqdm)``. tqdm's own loop runs
    where ``miniters`` is given, ``mininterval`` is 0, the bar's clock was replaced (the plan counts
    on time that passes by itself), ``monitor_interval`` is 0 (no helper threads wanted), the
    interpreter has no GIL, or no thread can be started.

    Notes
    -----
    Two deliberate differences from tqdm, both outside the count and the picture: with
    ``disable=True`` the iterable's own iterator is returned, so leaving a loop early does not close
    a generator that the caller still holds (as it never does with an enabled bar); and
    ``reversed(bar)`` runs backwards.
    """

    __slots__ = (
        "_disable",
        # tqdm's own, in slots: an instance with more than thirty names in its dictionary is one for
        # which CPython takes the slow way to every attribute, and to every method.
        "_ema_dn",
        "_ema_dt",
        "_ema_miniters",
        "_gate",
        "_legs",
        "_level",
        "dynamic_miniters",
        "last_print_n",
        "last_print_t",
        "maxinterval",
        "mininterval",
        "miniters",
        "n",
        "smoothing",
        "start_t",
    )

    _time: Callable[[], float]  # tqdm's clock
    _level: float  # below it, update() need not look at the clock

    def __init__(
        self,
        iterable: Iterable[_T] | None = None,
        desc: str | None = None,
        total: float | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        self._gate = Gate(self)
        self._level = -inf
        self._legs: Legs | None = None
        if not self._would_be_iterated(iterable):
            super().__init__(iterable, desc, total, *args, **kwargs)  # type: ignore[arg-type]
            return
        # The asyncio class would call iter() here, just in case; a DataLoader with workers starts
        # a set of processes for that. `iterable_next` does it when an ``async for`` asks.
        if total is None:
            try:
                total = len(iterable)  # type: ignore[arg-type] # may have no length, as tqdm asks
            except (TypeError, AttributeError):
                total = None
        super().__init__(None, desc, total, *args, **kwargs)  # type: ignore[arg-type]
        self.iterable = iterable

    def _would_be_iterated(self, iterable: object) -> bool:
        return (
            iterable is not None
            and hasattr(type(self), "__anext__")
            and not any(hasattr(iterable, m) for m in ("__anext__", "__aiter__", "__next__"))
        )

    def iterable_next(self) -> _T:
        """Return the first item of an ``async for`` over an ordinary iterable."""
        iterator: Iterator[_T] = iter(self.iterable)
        first = iterator.__next__
        self.iterable_next = first  # type: ignore[method-assign] # where the asyncio class looks
        return first()

    @property
    def disable(self) -> bool | None:
        """Whether the bar is closed or was never wanted."""
        return self._disable

    @disable.setter
    def disable(self, value: bool | None) -> None:
        # A property, so that update() need not ask for it each time.
        self._disable = value
        if value:
            self._level = -inf

    # What the surface builds on

    def live_n(self) -> float:
        """Return the number of items done, exactly, from any thread, without tqdm's lock.

        While a loop runs, ``n`` is as old as the last redraw; this is not. The item in the loop
        body is not done yet, as in tqdm's own count.
        """
        legs = self._legs
        return self.n if legs is None else legs.count()

    @property
    def format_dict(self) -> Any:
        """What a redraw shows; see tqdm. While a loop runs, ``n`` is not as old as in tqdm's.

        So a loop that stalls is redrawn by tqdm's monitor thread with its exact count.
        """
        shown = super().format_dict
        if (legs := self._legs) is not None:
            shown["n"] += legs.count() - legs.told
        return shown

    def nudge(self) -> None:
        """Make the next item, or the next ``update()``, look at the clock; from any thread."""
        if (legs := self._legs) is not None:
            legs.nudge()
        self._level = -inf

    def _ended(self, ending: Ending) -> None:
        """Act on the end of a loop, once per loop, in the thread that ends it; ``n`` is final.

        ``"dropped"`` is a break, an error in the body or in the iterable, or an iterator that was
        thrown away. Where tqdm's own loop ran, the bar is closed already.
        """
        self.close()
        # The notebook bar turns red when its loop is left early, even if the total is unknown.
        if ending == "dropped" and (paint := getattr(self, "disp", None)) is not None:
            paint(bar_style="danger")

    def _stepped(self) -> None:
        """Act on a look at the clock, in the loop's own thread; at most every few milliseconds."""

    # The loop

    def __iter__(self) -> Iterator[_T]:
        iterable = self.iterable
        if self.disable:
            return iter(iterable)
        return self._loop_in_legs(iterable) if self._plans_ahead() else self._loop_as_tqdm()

    def _plans_ahead(self) -> bool:
        return bool(
            COUNTS_IN_ONE_STEP
            and self.dynamic_miniters
            and self.mininterval > 0
            and self._time is time.time
            and self.monitor_interval
            and pulse().able
        )

    def _loop_as_tqdm(self) -> Iterator[_T]:
        if self.disable:  # closed between iter() and the first item
            yield from self.iterable
            return
        ending: Ending = "dropped"
        try:
            yield from super().__iter__()
            ending = "exhausted"
        finally:
            self._ended(ending)

    def _loop_in_legs(self, iterable: Iterable[_T]) -> Iterator[_T]:
        legs = Legs(self.n)
        return Loop(legs, self._steps(legs), iterable)

    def _steps(self, legs: Legs) -> Generator[Iterator[None], None, None]:
        """Give out a counter for each leg, and between two legs do what tqdm does."""
        if self.disable:  # closed between iter() and the first item
            yield repeat(None)
            return
        mininterval = self.mininterval
        target = min(LEG_SECONDS, mininterval / 10)
        first_redraw = self.start_t + (self.delay or 0.0)
        last_print_n, last_print_t = self.last_print_n, self.last_print_t
        clock = self._time
        n = self.n
        size = 1
        self._legs = legs
        begun = clock()
        try:
            while True:
                yield legs.begin(n, size)
                done = legs.finish()
                full = done - n == size
                n = done
                now = clock()
                # A leg that was cut: somebody is waiting for this step and for the next ones.
                stretch = size * scale(now - begun, target) if full else 1
                size = min(LONGEST_LEG, max(1, int(stretch)))
                if size > 1 and not pulse().watch(legs):
                    size = 1
                begun = now
                # tqdm sets miniters to infinity when its stream is broken
                if (
                    now - last_print_t >= mininterval
                    and now >= first_redraw
                    and self.miniters != inf
                ):
                    self.miniters = 0
                    self._level = -inf
                    legs.told = n
                    self.update(n - last_print_n)
                    last_print_n, last_print_t = self.last_print_n, self.last_print_t
                    begun = clock()
                self._stepped()
        finally:
            self.n = legs.count()
            if self._legs is legs:
                self._legs = None
            self._ended("exhausted" if legs.ran_out else "dropped")

    # Updates by hand

    def update(self, n: float | None = 1) -> bool | None:
        """Count `n` more items done; see tqdm. Return True if the bar was redrawn."""
        if (reached := self.n + n) < self._level:  # type: ignore[operator] # tqdm takes no None
            self.n = reached
            return None
        if self._disable:
            return None
        return self._update_and_plan(n)  # type: ignore[arg-type] # as above

    def _update_and_plan(self, n: float) -> bool | None:
        gate = self._gate
        if gate.n is not None and self.n < min(gate.n, self.last_print_n):
            # tqdm does so for each negative update; the short way above leaves it to us. Else the
            # picture would stand still until the count is back where it was.
            self.last_print_n += self.n - gate.n
        redrawn = super().update(n)
        gate.steps += 1
        level = self._next_level()
        gate.n, gate.t = self.n, time.time()
        ahead = level > self.n + n and bool(self.monitor_interval) and pulse().watch(gate)
        self._level = level if ahead and not self.disable else -inf
        return redrawn

    def _next_level(self) -> float:
        """Return the ``n`` at which to look at the clock again."""
        gate = self._gate
        if not self._plans_ahead():
            return self.last_print_n + (self.miniters or 0)  # tqdm's own rule
        if gate.n is None or not isinstance(moved := self.n - gate.n, int | float):
            return -inf
        target = min(LEG_SECONDS, self.mininterval / 10)
        stride = moved * scale(time.time() - gate.t, target)
        return self.n + (int(stride) if isinstance(moved, int) else stride)

    def reset(self, total: float | None = None) -> None:
        """Start again from 0, with a new `total` if given; see tqdm."""
        self._gate.reset()
        self._level = -inf
        super().reset(total)
