"""The bars that one card shows: who is inside whom, how far they are, how they ended.

Bars are added and closed in the user's threads; the courier's thread only reads plain attributes
of them. It never takes tqdm's lock and never draws. What is remembered of closed bars is bounded.
"""

from __future__ import annotations

import sys
import threading
import weakref
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from ._outcome import Outcome
from ._progress import SteadyFinish, numbers, progress_fields
from ._shares import BarView, ProgressTracker, added_up, fraction, known_total, to_unit

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from ._option_values import Style
    from ._outcome import Verdict

__all__ = ["Bar", "BarGroup", "Look", "Place"]

_SEVERITY: Final[dict[Verdict, int]] = {"done": 0, "stopped": 1, "failed": 2, "died": 3}
# Closed inner bars are remembered so far back: what an epoch had tells about the next one.
_MOST_CLOSED: Final = 64
_LOOK_SECONDS: Final = 0.05


_numbers = count()


class Bar(Protocol):
    """What is read of a bar, from another thread: tqdm's own attributes."""

    n: float
    total: float | None
    initial: float
    desc: str
    postfix: Any
    unit: str
    unit_scale: bool | float
    start_t: float

    def _time(self) -> float: ...


@attrs.frozen(kw_only=True)
class Look:
    """How a group of bars is shown.

    Attributes
    ----------
    title : str
        Empty takes the outermost bar's description.
    style : {"progress", "timer", "steps"}
        A bar, a countdown, or one segment per item.
    color : str or None
        One of the ten colours.
    """

    title: str = ""
    style: Style = "progress"
    color: str | None = None


class _Entry:
    """One bar; outlives it, so that its last numbers stay."""

    def __init__(self, bar: Bar, parent: int | None, lane: Hashable) -> None:
        # Weak: a bar that everybody dropped must still be closed by its finalizer.
        self._bar = weakref.ref(bar)
        self.parent = parent
        self.lane = lane
        self.outcome: Outcome | None = None
        self.certain = False
        self.failed_steps: set[int] = set()
        # Not id(): the number of an entry that is gone may come back for another one.
        self.key = next(_numbers)
        self._last = BarView(key=self.key, parent=parent)
        # Of its own: a look that began before the end must not write over it.
        self._final: BarView | None = None
        self.look_at_bar()

    @property
    def is_open(self) -> bool:
        return self.outcome is None

    @property
    def may_speak_again(self) -> bool:
        """Whether its verdict is uncertain, and its bar still there to say a better one."""
        return not self.certain and self._bar() is not None

    def look_at_bar(self) -> BarView:
        """Return how the bar looks now, or looked last."""
        bar = self._bar()
        if bar is not None and self._final is None:
            self._last = BarView(
                key=self.key,
                parent=self.parent,
                n=count_of(bar),
                total=bar.total,
                initial=bar.initial,
                desc=bar.desc or "",
                postfix=bar.postfix,
                unit=bar.unit,
                unit_scale=bar.unit_scale,
                elapsed_seconds=max(0.0, bar._time() - bar.start_t),  # noqa: SLF001  tqdm's own clock
            )
        return self._final or self._last

    def close(self, outcome: Outcome, *, certain: bool) -> None:
        failed = outcome.verdict == "failed"
        self._final = attrs.evolve(self.look_at_bar(), finished=True, failed=failed)
        self.outcome, self.certain = outcome, certain


class _Past:
    """What outermost bars come to that closed long ago."""

    def __init__(self) -> None:
        self._sums: dict[Hashable, BarView] = {}
        self.outcomes: list[Outcome] = []  # the worst
        self.certain = True

    def add(self, entry: _Entry) -> None:
        view = entry.look_at_bar()
        kind = (to_unit(view), known_total(view) is not None)
        if kind in self._sums:
            self._sums[kind] = added_up(self._sums[kind], view)
        else:
            self._sums[kind] = attrs.evolve(view, key=next(_numbers), desc="", postfix=None)
        self.outcomes = [_worst([*self.outcomes, entry.outcome or Outcome("stopped")])]
        self.certain = self.certain and entry.certain

    def views(self) -> list[BarView]:
        return list(self._sums.values())


def _worst(outcomes: Sequence[Outcome]) -> Outcome:
    return max(outcomes, key=lambda outcome: _SEVERITY[outcome.verdict], default=Outcome("stopped"))


class BarGroup:
    """Bars that are shown as one.

    Parameters
    ----------
    look : Look
        How.
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        # By key, in order. Bars come and go in any thread, each by a single operation on it.
        self._entries: dict[int, _Entry] = {}
        self._past = _Past()
        self._most = 2 * _MOST_CLOSED
        # For those who look at more than one bar; nobody waits for it for long.
        self._looking = threading.Lock()
        self._tracker = ProgressTracker()
        self._finish = SteadyFinish()

    @contextmanager
    def _look(self) -> Iterator[bool]:
        """Keep other looks out; False where that could not be had.

        A forked child may inherit the lock taken, and a signal handler may close a bar in the
        middle of a look.
        """
        alone = self._looking.acquire(timeout=_LOOK_SECONDS)
        try:
            yield alone
        finally:
            if alone:
                self._looking.release()

    # ------------------------------------------------------------------ the user's threads

    def add(self, bar: Bar) -> _Entry:
        """Take in a bar: inside the innermost open one of its thread, or beside the others."""
        if not self.has_open_bars:
            self._begin_row()
        lane = _lane()
        around = [entry for entry in self._all() if entry.lane == lane and entry.is_open]
        entry = _Entry(bar, around[-1].key if around else None, lane)
        self._entries[entry.key] = entry
        if len(self._entries) > self._most and self._looking.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._looking.release()
        return entry

    def _all(self) -> list[_Entry]:
        return list(self._entries.values())

    def _begin_row(self) -> None:
        """Forget the bars so far: the fraction begins anew."""
        self._past = _Past()
        for entry in self._all():
            if not entry.is_open:  # another thread may have begun the row already
                self._entries.pop(entry.key, None)

    def _let_go(self) -> None:
        """Let go of closed bars, but for the last inner ones and the first, which gives its name.

        A card may be open for days, and a bar may run for milliseconds.
        """
        past, entries = self._past, self._all()
        needed = {entry.key for entry in entries[:1]}
        for entry in reversed(entries):  # inner before outer
            if entry.parent is not None and (entry.is_open or entry.key in needed):
                needed.add(entry.parent)
        closed = [entry for entry in entries if not entry.is_open and entry.key not in needed]
        inner = [entry for entry in closed if entry.parent is not None]
        gone: set[int] = {entry.key for entry in inner[:-_MOST_CLOSED]}
        for entry in closed:  # outer before inner
            if entry.parent in gone:
                gone.add(entry.key)
            elif entry.parent is None and not entry.may_speak_again:
                gone.add(entry.key)
                past.add(entry)
        for key in gone:
            self._entries.pop(key, None)
        self._most = 2 * max(_MOST_CLOSED, len(self._entries))

    @property
    def has_open_bars(self) -> bool:
        """Whether a bar still runs."""
        return any(entry.is_open for entry in self._all())

    def outcome(self) -> tuple[Outcome, bool]:
        """Return the worst verdict of the outermost bars, and whether all of them are certain."""
        with self._look():
            past, roots = self._past, [entry for entry in self._all() if entry.parent is None]
        outcomes = [root.outcome for root in roots if root.outcome is not None]
        certain = past.certain and all(root.certain for root in roots)
        return _worst([*past.outcomes, *outcomes]), certain

    # ------------------------------------------------------------------ the courier's thread

    def views(self) -> list[BarView]:
        """Return how the bars look now: the first one first, and outer before inner."""
        with self._look():
            return self._views()

    def _views(self) -> list[BarView]:
        views = [entry.look_at_bar() for entry in self._all()]
        return views[:1] + self._past.views() + views[1:]

    def share(self) -> float | None:
        """Return the done share, 0 to 1; None without a total. It never falls but by a reset."""
        with self._look() as alone:
            return self._tracker.update(self._views()) if alone else self._tracker.share

    def began_share(self) -> float:
        """Return the share that was done when the bars began: a resumed run is not at 0."""
        roots = [view for view in self.views() if view.parent is None]
        starts = [attrs.evolve(view, n=view.initial, finished=False) for view in roots]
        return fraction(starts) or 0.0

    def numbers(self) -> list[str]:
        """Return the numbers beside the bars, those of the newest bar first."""
        return numbers(reversed(self.views()))

    def fields(self, share: float | None, seconds_left: float | None = None) -> dict[str, Any]:
        """Return the content-state fields that show the bars now.

        Parameters
        ----------
        share : float or None
            From `share`.
        seconds_left : float, optional
            Predicted time to the end; None shows none.
        """
        now_wall = datetime.now().astimezone()
        roots = [entry for entry in self._all() if entry.parent is None]
        return progress_fields(
            self.views(),
            share=share,
            now_wall=now_wall,
            # The time on show stays when somebody looks without a prediction.
            finish_wall=(
                None if seconds_left is None else self._finish.update(seconds_left, now_wall)
            ),
            seconds_left=seconds_left,
            style=self.look.style,
            title=self.look.title,
            color=self.look.color,
            failed_steps=roots[0].failed_steps if roots else (),
        )


@attrs.frozen
class Place:
    """A bar's place in a group.

    Attributes
    ----------
    group : BarGroup
        Where it is.
    """

    group: BarGroup
    _entry: _Entry
    _on_close: Any = None

    def close(self, outcome: Outcome, *, certain: bool) -> None:
        """Hear how the bar ended.

        Parameters
        ----------
        outcome : Outcome
            The verdict, as far as the bar knows.
        certain : bool
            False when somebody may know better: a loop that was left early looks the same to
            the bar whether it broke off or failed. A certain verdict replaces an uncertain one.
        """
        if not self._entry.is_open and (self._entry.certain or not certain):
            return
        self._entry.close(outcome, certain=certain)
        if self._on_close is not None and not self.group.has_open_bars:
            self._on_close()

    def fail_step(self, step: int) -> None:
        """Mark an item of the bar, counted from 0, as failed: its segment is red."""
        self._entry.failed_steps.add(step)


def count_of(bar: Bar) -> float:
    """Return the items done: exactly for our own bars, as of the last update for others."""
    live = getattr(bar, "live_n", None)
    return bar.n if live is None else live()


def _lane() -> Hashable:
    """Return what bars that nest share: the thread, and in an event loop the task."""
    thread = threading.get_ident()
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no event loop runs in this thread
            return thread
        if task is not None:
            return thread, id(task)
    return thread
