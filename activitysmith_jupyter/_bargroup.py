"""The bars that one card shows: who is inside whom, how far they are, how they ended.

Bars are added and closed in the user's threads; the courier's thread only reads plain attributes
of them. It never takes tqdm's lock and never draws.
"""

from __future__ import annotations

import sys
import threading
import weakref
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from ._outcome import Outcome
from ._progress import SteadyFinish, numbers, progress_fields
from ._shares import BarView, ProgressTracker, fraction

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ._option_values import Style
    from ._outcome import Verdict

__all__ = ["Bar", "BarGroup", "Look", "Place"]

_SEVERITY: Final[dict[Verdict, int]] = {"done": 0, "stopped": 1, "failed": 2, "died": 3}
# Closed inner bars are remembered so far back: what an epoch had tells about the next one.
_MOST_CLOSED: Final = 64


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

    def __init__(self, bar: Bar, parent: Hashable | None, lane: Hashable) -> None:
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
        self.look_at_bar()

    @property
    def is_open(self) -> bool:
        return self.outcome is None

    def look_at_bar(self) -> BarView:
        """Return how the bar looks now, or looked last."""
        bar = self._bar()
        if bar is not None and self.is_open:
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
        return self._last

    def close(self, outcome: Outcome, *, certain: bool) -> None:
        last = self.look_at_bar()
        self.outcome, self.certain = outcome, certain
        self._last = attrs.evolve(last, finished=True, failed=outcome.verdict == "failed")


class BarGroup:
    """Bars that are shown as one.

    Parameters
    ----------
    look : Look
        How.
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        self._entries: list[_Entry] = []
        self._tracker = ProgressTracker()
        self._finish = SteadyFinish()

    # ------------------------------------------------------------------ the user's threads

    def add(self, bar: Bar) -> _Entry:
        """Take in a bar: inside the innermost open one of its thread, or beside the others."""
        if not self.has_open_bars:
            self._entries.clear()  # a new row of bars: its fraction begins anew
        lane = _lane()
        around = [entry for entry in self._entries if entry.lane == lane and entry.is_open]
        entry = _Entry(bar, around[-1].key if around else None, lane)
        self._entries.append(entry)
        self._forget_old()
        return entry

    def _forget_old(self) -> None:
        closed = [
            entry for entry in self._entries if not entry.is_open and entry.parent is not None
        ]
        for entry in closed[:-_MOST_CLOSED]:
            self._entries.remove(entry)

    @property
    def has_open_bars(self) -> bool:
        """Whether a bar still runs."""
        return any(entry.is_open for entry in self._entries)

    def outcome(self) -> tuple[Outcome, bool]:
        """Return the worst verdict of the outermost bars, and whether all of them are certain."""
        roots = [entry for entry in self._entries if entry.parent is None]
        verdicts = [entry.outcome for entry in roots if entry.outcome is not None]
        worst = max(
            verdicts, key=lambda outcome: _SEVERITY[outcome.verdict], default=Outcome("stopped")
        )
        return worst, all(entry.certain for entry in roots)

    # ------------------------------------------------------------------ the courier's thread

    def views(self) -> list[BarView]:
        """Return how the bars look now, outer before inner."""
        return [entry.look_at_bar() for entry in list(self._entries)]

    def share(self) -> float | None:
        """Return the done share, 0 to 1; None without a total. It never falls but by a reset."""
        return self._tracker.update(self.views())

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
        roots = [entry for entry in list(self._entries) if entry.parent is None]
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
