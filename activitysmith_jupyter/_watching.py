"""`RunWatch`: word of every long cell, and one word for a whole Run All."""

from __future__ import annotations

import asyncio
import atexit
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from ._opencard import say_missing_key
from ._outcome import Outcome, duration_text, one_line
from ._place import notebook_path, place_name
from ._relay import the_relay
from ._requests import push_body
from ._roles import silence_reason
from ._runtime import runtime
from ._say import say
from ._settings import resolve
from .exceptions import ActivitySmithError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cells import CellEnd

__all__ = ["Later", "Position", "RunWatch", "cell_position", "later"]

# A front end that runs several cells has queued the next one already: a kernel that is idle for
# this long has no more to do.
QUIET_SECONDS: Final = 1.0
# Reading a notebook full of pictures would take the user's time, only for the number of cells.
_MOST_BYTES: Final = 20_000_000


class Later(Protocol):
    """Calls something after a while, unless that is cancelled before."""

    def __call__(self, seconds: float, call: Callable[[], None], /) -> Callable[[], object]:
        """Return what cancels it."""


def later(seconds: float, call: Callable[[], None]) -> Callable[[], object]:
    """Call after `seconds`: from the kernel's event loop, that is when it is idle, or a thread."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        timer = threading.Timer(seconds, call)
        timer.daemon = True
        timer.start()
        return timer.cancel
    return loop.call_later(seconds, call).cancel


@attrs.frozen
class Position:
    """Which of a notebook's code cells one is.

    Attributes
    ----------
    number, total : int
        Counted from 1.
    """

    number: int
    total: int

    def __str__(self) -> str:
        return f"cell {self.number} of {self.total}"


def cell_position(path: str, cell_id: str, source: str) -> Position | None:
    """Find a cell in the notebook file as it was saved last.

    Parameters
    ----------
    path : str
        The notebook's file.
    cell_id : str
        The front end's id of the cell; empty where it gave none.
    source : str
        The cell's text, which tells it where the id does not.

    Returns
    -------
    Position or None
        None where there is no such file or no such cell.
    """
    try:
        file = Path(path)
        if not path or file.stat().st_size > _MOST_BYTES:
            return None
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        code = [
            (str(cell.get("id", "")), "".join(cell.get("source", "")))
            for cell in cells
            if cell.get("cell_type") == "code"
        ]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    found = [place for place, (known, _) in enumerate(code, 1) if cell_id and known == cell_id]
    found = found or [place for place, (_, text) in enumerate(code, 1) if text == source]
    return Position(found[0], len(code)) if len(found) == 1 else None


@attrs.define
class _Run:
    """Cells that ran one right after the other."""

    began: float
    cells: int = 0
    last: CellEnd | None = None
    # The first that failed while the others went on.
    failed: CellEnd | None = None


class RunWatch:
    """Watches cells without touching them.

    Parameters
    ----------
    after : callable, default `later`
        How to wait for the queue of cells to drain.
    """

    def __init__(self, after: Later = later) -> None:
        self._later = after
        self._cancel: Callable[[], object] | None = None
        self._run: _Run | None = None
        self.after_seconds: float | None = None
        self.when = "always"

    @property
    def is_on(self) -> bool:
        """Whether it watches."""
        return self.after_seconds is not None

    def start(self, after_seconds: float, when: str) -> None:
        """Begin to watch, with the next cell.

        Parameters
        ----------
        after_seconds : float
            Runs that took less are not told.
        when : {"failed", "always"}
            What to tell.
        """
        if not self.is_on:
            # The runtime's own farewell is registered first, so that it comes last and waits
            # until ours has left.
            runtime().attend()
            atexit.register(self.tell)
        self.after_seconds, self.when = after_seconds, when

    def stop(self) -> None:
        """Watch no more; forget the run that goes on."""
        self._forget()
        self.after_seconds = None
        atexit.unregister(self.tell)

    def cell_began(self) -> None:
        """Hear that a cell begins: the run, if there was one, goes on."""
        self._hush()
        if self.is_on and self._run is None:
            self._run = _Run(began=runtime().courier.now())

    def cell_ended(self, end: CellEnd) -> None:
        """Hear how a cell ended: an error ends the run, silence will."""
        run = self._run
        if run is None:
            return
        run.cells += 1
        run.last = end
        if end.outcome.verdict == "done" or end.goes_on:
            if end.outcome.verdict != "done":
                run.failed = run.failed or end
            self._cancel = self._later(QUIET_SECONDS, self.tell)
        else:
            self.tell()

    def tell(self) -> None:
        """Say how the run ended, if it is worth a push. Never raises."""
        run = self._run
        self._forget()
        if run is None or run.last is None or self.after_seconds is None or silence_reason():
            return
        if the_relay() is not None:
            return  # whoever executes the notebook tells how it ended
        end = run.failed or run.last
        elapsed_seconds = run.last.ended - run.began
        is_told = run.cells == 1 and end.told
        is_wanted = self.when == "always" or end.outcome.verdict == "failed"
        if elapsed_seconds < self.after_seconds or is_told or not is_wanted:
            return
        try:
            _push(end.outcome, _message(run, end, elapsed_seconds))
        except ActivitySmithError as error:
            say(str(error))

    def _forget(self) -> None:
        self._hush()
        self._run = None

    def _hush(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None


def _message(run: _Run, end: CellEnd, elapsed_seconds: float) -> str:
    position = cell_position(notebook_path(), end.cell_id, end.source)
    number = "" if end.number is None else f"cell [{end.number}]"
    where = str(position or number or "a cell")
    took = duration_text(elapsed_seconds)
    if end.outcome.verdict == "done":
        what = where if run.cells == 1 else f"{run.cells} cells"
        return f"Done in {took}: {what}"
    reason = f": {end.outcome.reason}" if end.outcome.reason else ""
    if end.goes_on:
        return f"Failed in {where}, ran on for {took} in all{reason}"
    return f"Stopped in {where} after {took}{reason}"


def _push(outcome: Outcome, message: str) -> None:
    settings = resolve()
    if settings.disabled:
        return
    if settings.api_key is None:
        say_missing_key()
        return
    fields: dict[str, Any] = {"channels": list(settings.channels)} if settings.channels else {}
    title = one_line(outcome.push_title(place_name() or "Notebook"))
    body = push_body(title=title, message=one_line(message, 300), **fields)
    runtime().push(body, settings.destination())
