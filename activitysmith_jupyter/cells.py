"""Cells that tell how they ended, while IPython runs them as it runs any cell.

``%%notify`` is not run as a cell magic: a magic would have to run the cell's body itself, which
loses top-level ``await``, ``_`` and ``Out``, line numbers, and the cell's error status. Instead an
input transformer takes the line away before IPython looks for magics, and the events around the
cell read the options from the cell's raw text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from ._notify import Watched
from ._outcome import Outcome
from ._runtime import cell_outcome, is_empty_cell, runtime, shown_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._wishes import Wish

__all__ = ["CellEnd", "CellEvents", "CellListener", "notify_line", "strip_notify"]

# "%%notify?" asks for help and "%%notifyx" is somebody else's.
_NOTIFY: Final = re.compile(r"%%notify(?:\s+(.*))?")


def notify_line(lines: Sequence[str]) -> str | None:
    """Return the options of a cell that begins with ``%%notify``, None for any other cell.

    Empty lines, comments and other cell magics above it do not matter; something has to stand
    below it.
    """
    found = _notify_place(lines)
    if found is None or not any(line.strip() for line in lines[found[0] + 1 :]):
        return None
    return found[1]


def _notify_place(lines: Sequence[str]) -> tuple[int, str] | None:
    for number, raw in enumerate(lines):
        line = raw.strip()
        found = _NOTIFY.fullmatch(line)
        if found is not None:
            return number, found[1] or ""
        if line and not line.startswith(("%%", "#")):
            return None
    return None


def strip_notify(lines: list[str], accepts: Callable[[str], bool]) -> list[str]:
    """Take the ``%%notify`` line out of a cell; pure, as IPython asks of its transformers.

    Parameters
    ----------
    lines : list of str
        The cell, a string a line.
    accepts : callable
        Whether the options are good. With bad ones, or with nothing below it, the line stays and
        comes first, so that IPython runs the magic of that name, which says what is wrong instead
        of running the cell.

    Returns
    -------
    list of str
        An empty line stands in its place, so that the lines keep their numbers; before another
        cell magic, which has to come first, nothing does.
    """
    found = _notify_place(lines)
    # A cell magic above has the rest as its body, and hands it to IPython again if it is code.
    if found is None or any(line.startswith("%%") for line in lines[: found[0]]):
        return lines
    place, options = found
    below = lines[place + 1 :]
    first = next((number for number, line in enumerate(below) if line.strip()), None)
    if first is None or not accepts(options):
        return lines[place:] if place else lines
    return below[first:] if below[first].startswith("%%") else [*lines[:place], "\n", *below]


@attrs.frozen(kw_only=True)
class CellEnd:
    """How a cell ended.

    Attributes
    ----------
    outcome : Outcome
        The verdict; an error that the front end was told to expect is none.
    goes_on : bool
        Whether the cells behind it run all the same, in spite of an error.
    began, ended : float
        When, seconds on the courier's clock.
    told : bool
        Whether the cell had a ``%%notify`` of its own.
    cell_id : str
        The front end's id of the cell; empty where it gave none.
    source : str
        The cell's text.
    number : int or None
        The number in its prompt.
    """

    outcome: Outcome
    began: float
    ended: float
    goes_on: bool = False
    told: bool = False
    cell_id: str = ""
    source: str = ""
    number: int | None = None


class CellListener(Protocol):
    """Whoever wants to know about the outermost cells."""

    def cell_began(self) -> None:
        """Hear that a cell begins."""

    def cell_ended(self, end: CellEnd) -> None:
        """Hear how a cell ended."""


@attrs.frozen
class _Running:
    """A cell that runs now."""

    info: Any
    source: str
    began: float
    watched: Watched | None
    shown_before: int


class CellEvents:
    """IPython's events around a cell.

    Parameters
    ----------
    wish_of : callable
        From a ``%%notify`` line's options to a `Wish`; None for bad ones, of which the magic tells.
    lookup : callable
        Gives the value of a variable of the notebook.
    listener : CellListener
        Hears about the outermost cells.
    expects_error : callable
        Whether the front end goes on after an error of the cell that runs now.
    """

    def __init__(
        self,
        wish_of: Callable[[str], Wish | None],
        lookup: Callable[[str], Any],
        listener: CellListener,
        expects_error: Callable[[], bool] = bool,
    ) -> None:
        self._wish_of = wish_of
        self._lookup = lookup
        self._listener = listener
        self._expects_error = expects_error
        # Innermost last: a cell may run another one.
        self._running: list[_Running] = []
        self._leave: Callable[[], object] | None = None

    def before(self, info: Any) -> None:
        """Note that a cell begins (IPython's ``pre_run_cell``)."""
        source = info.raw_cell or ""
        if not self._running:
            self._listener.cell_began()
        watched = None if self._is_told_of(source) else self._watched(source)
        now = runtime().courier.now()
        self._running.append(_Running(info, source, now, watched, shown_error()))

    def after(self, result: Any) -> None:
        """Tell how a cell ended, if somebody wants to know (IPython's ``post_run_cell``)."""
        running = None if is_empty_cell(result) else self._ended(result)
        if running is None:
            return
        outcome = cell_outcome(result, running.shown_before)
        keeps_history = result is not None and result.info.store_history
        number = result.execution_count if keeps_history else None
        if running.watched is not None:
            value = None if result is None else result.result
            running.watched.end(outcome, result=value, cell=number)
        if self._running:
            return
        if self._leave is not None:
            self._leave()
            return
        is_expected = outcome.verdict == "failed" and self._expects_error()
        self._listener.cell_ended(
            CellEnd(
                outcome=Outcome("done") if is_expected else outcome,
                began=running.began,
                ended=runtime().courier.now(),
                goes_on=result is not None and result.success,
                told=running.watched is not None,
                cell_id=str(getattr(getattr(result, "info", None), "cell_id", None) or ""),
                source=running.source,
                number=number,
            )
        )

    def leave(self, call: Callable[[], object]) -> None:
        """Call when nothing runs any more: what began under our eyes still gets its verdict."""
        if self._running:
            self._leave = call
        else:
            call()

    def _ended(self, result: Any) -> _Running | None:
        """Take out the cell that a result belongs to; None for one that began unseen."""
        # Another thread's cell (a subshell's) may have begun later and still run.
        info = getattr(result, "info", None)
        for running in reversed(self._running):
            if info is None or running.info is info or running.source == info.raw_cell:
                self._running.remove(running)
                return running
        return None

    def _is_told_of(self, source: str) -> bool:
        """Tell whether a cell is the body of a cell magic above its own ``%%notify``."""
        outer = self._running[-1] if self._running else None
        if outer is None or outer.watched is None:
            return False
        return outer.source.rstrip().endswith(source.strip())

    def _watched(self, source: str) -> Watched | None:
        options = notify_line(source.splitlines())
        wish = None if options is None else self._wish_of(options)
        if wish is None:
            return None
        watched = Watched(wish, self._lookup)
        watched.begin()
        return watched
