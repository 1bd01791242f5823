"""Cells that tell how they ended, while IPython runs them as it runs any cell.

``%%notify`` is not run as a cell magic: a magic would have to run the cell's body itself, which
loses top-level ``await``, ``_`` and ``Out``, line numbers, and the cell's error status. Instead an
input transformer takes the line away before IPython looks for magics, and the events around the
cell read the options from the cell's raw text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from ._notify import Watched
from ._runtime import cell_outcome, is_empty_cell, runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ._outcome import Outcome
    from ._wishes import Wish

__all__ = ["CellEnd", "CellEvents", "CellListener", "notify_line", "strip_notify"]

_MAGIC: Final = "%%notify"


def notify_line(lines: Sequence[str]) -> str | None:
    """Return the options of a cell that begins with ``%%notify``, None for any other cell.

    Empty lines before it and other cell magics above it do not matter.
    """
    for raw in lines:
        line = raw.strip()
        if line == _MAGIC:
            return ""
        # "%%notify?" asks for help and "%%notifyx" is somebody else's.
        if line.startswith(f"{_MAGIC} "):
            return line[len(_MAGIC) :].strip()
        if line and not line.startswith("%%"):
            return None
    return None


def strip_notify(lines: list[str], accepts: Callable[[str], bool]) -> list[str]:
    """Take the ``%%notify`` line out of a cell; pure, as IPython asks of its transformers.

    Parameters
    ----------
    lines : list of str
        The cell, a string a line.
    accepts : callable
        Whether the options are good. With bad ones the line stays, so that IPython runs the
        magic of that name, which says what is wrong instead of running the cell.

    Returns
    -------
    list of str
        An empty line stands in its place, so that the lines keep their numbers; before another
        cell magic, which has to come first, nothing does.
    """
    # A cell magic above has the rest as its body, and hands it to IPython again if it is code.
    options = notify_line(lines[:1])
    if options is None or not accepts(options):
        return lines
    rest = lines[1:]
    return rest if rest and rest[0].startswith("%%") else ["\n", *rest]


@attrs.frozen(kw_only=True)
class CellEnd:
    """How a cell ended.

    Attributes
    ----------
    outcome : Outcome
        The verdict.
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

    source: str
    began: float
    watched: Watched | None


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
    """

    def __init__(
        self,
        wish_of: Callable[[str], Wish | None],
        lookup: Callable[[str], Any],
        listener: CellListener,
    ) -> None:
        self._wish_of = wish_of
        self._lookup = lookup
        self._listener = listener
        # Innermost last: a cell may run another one.
        self._running: list[_Running] = []

    def before(self, info: Any) -> None:
        """Note that a cell begins (IPython's ``pre_run_cell``)."""
        source = info.raw_cell or ""
        if not self._running:
            self._listener.cell_began()
        self._running.append(_Running(source, runtime().courier.now(), self._watched(source)))

    def after(self, result: Any) -> None:
        """Tell how a cell ended, if somebody wants to know (IPython's ``post_run_cell``)."""
        if is_empty_cell(result):
            return
        if not self._running:
            return  # the cell that loaded the extension
        running = self._running.pop()
        outcome = cell_outcome(result)
        keeps_history = result is not None and result.info.store_history
        number = result.execution_count if keeps_history else None
        if running.watched is not None:
            value = None if result is None else result.result
            running.watched.end(outcome, result=value, cell=number)
        if not self._running:
            self._listener.cell_ended(
                CellEnd(
                    outcome=outcome,
                    began=running.began,
                    ended=runtime().courier.now(),
                    told=running.watched is not None,
                    cell_id=str(getattr(getattr(result, "info", None), "cell_id", None) or ""),
                    source=running.source,
                    number=number,
                )
            )

    def _watched(self, source: str) -> Watched | None:
        options = notify_line(source.splitlines())
        wish = None if options is None else self._wish_of(options)
        if wish is None:
            return None
        watched = Watched(wish, self._lookup)
        watched.begin()
        return watched
