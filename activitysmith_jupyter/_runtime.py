"""What a process has one of: the courier, the list of open cards, and the ears for how things end.

A card rarely learns by itself how its work ended: ``break`` and an exception look the same to a
loop. Whoever learns the truth tells it here: IPython's ``post_run_cell`` for a cell,
``sys.excepthook`` for a script, ``atexit`` for whatever is still open then. All of it is set up
with the first card, nothing at import.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from ._courier import Courier
from ._outcome import Outcome
from ._place import ipython_shell
from ._say import say
from ._settings import resolve
from ._watchdog import Watchdog
from .exceptions import ActivitySmithError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ._settings import Destination

__all__ = ["OpenEnd", "Runtime", "cell_outcome", "is_empty_cell", "runtime", "shown_error"]

# What runs code as another cell, or as a script, and shows its error without failing itself.
_HANDS_OVER: Final = re.compile(r"^\s*(?:%%(?!notify\b)|%run\b)", re.MULTILINE)


class OpenEnd(Protocol):
    """A card whose end somebody else may learn first."""

    cell: int
    thread: int

    def settle(self, outcome: Outcome | None) -> None:
        """Hear how the surrounding code ended; None when it went on without an error."""


def shown_error() -> int:
    """Return the identity of the error that IPython showed last, 0 for none.

    Not the error itself: who keeps it keeps the frames of the code that raised it.
    """
    error = getattr(sys, "last_value", None)
    return 0 if error is None else id(error)


def cell_outcome(result: Any, shown_before: int) -> Outcome:
    """Return how a cell ended, from what IPython hands to ``post_run_cell``.

    Parameters
    ----------
    result : IPython.core.interactiveshell.ExecutionResult or None
        None for a cell with a top-level ``await`` that was interrupted.
    shown_before : int
        What `shown_error` was when the cell began.

    Notes
    -----
    ``%%capture`` runs its body as another cell, and ``%run`` a script: both show an error and go
    on, and to IPython the cell has done well. It has not.
    """
    if result is None:
        return Outcome.of_exception(KeyboardInterrupt())
    error = result.error_before_exec or result.error_in_exec
    source = result.info.raw_cell or ""
    if error is None and shown_error() != shown_before and _HANDS_OVER.search(source):
        error = sys.last_value
    return Outcome.of_exception(error)


def is_empty_cell(result: Any) -> bool:
    """Tell whether a result is that of a cell without text, which never began."""
    return result is not None and not (result.info.raw_cell or "").strip()


class Runtime:
    """The process-wide part.

    Parameters
    ----------
    courier : Courier, optional
        Replaced in tests.
    """

    def __init__(self, courier: Courier | None = None) -> None:
        self.courier = courier or Courier(watchdog=Watchdog())
        # A dict for its order and its atomic operations: cards come and go in any thread.
        self._open: dict[OpenEnd, None] = {}
        self._pid = os.getpid()
        self._cell = 0
        self._newest_cell = 0
        # The error that IPython had shown last when the cell began.
        self._shown_before = 0
        # The same two for the cells around the one that runs: a cell may run another one.
        self._outer_cells: list[tuple[int, int]] = []
        self._shell: Any = None
        self._hooked = False
        self._undo: list[Callable[[], None]] = []

    @property
    def cell(self) -> int:
        """A number for the cell that runs now; the same all through a script."""
        return self._cell

    @property
    def what_runs(self) -> str:
        """What the user would call this process: ``Kernel`` or ``Program``."""
        return "Program" if getattr(self._shell, "kernel", None) is None else "Kernel"

    def opened(self, card: OpenEnd) -> None:
        """Remember an open card and begin to listen for ends."""
        self._open[card] = None
        self.attend()

    def push(self, body: dict[str, Any], to: Destination) -> None:
        """Send a push in the background; the end of the program waits for it."""
        self.attend()
        self.courier.push(body, to)

    def attend(self) -> None:
        """Begin to listen for ends; a second call changes nothing."""
        if not self._hooked:
            self._hooked = True
            self._listen()
        if self._shell is None and (shell := ipython_shell()) is not None:
            self._listen_to(shell)

    def ended(self, card: OpenEnd) -> None:
        """Forget a card that has its verdict."""
        self._open.pop(card, None)

    @property
    def open_cards(self) -> list[OpenEnd]:
        """The cards without a verdict, oldest first."""
        return list(self._open)

    # ------------------------------------------------------------------ ears

    def _listen(self) -> None:
        atexit.register(self.shut_down)
        self._undo.append(lambda: atexit.unregister(self.shut_down))
        previous = sys.excepthook

        def excepthook(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            self.settle(Outcome.of_exception(error))
            previous(kind, error, trace)

        def restore() -> None:
            if sys.excepthook is excepthook:
                sys.excepthook = previous

        sys.excepthook = excepthook
        self._undo.append(restore)
        self._listen_to_threads()

    def _listen_to_threads(self) -> None:
        previous = threading.excepthook

        def excepthook(args: threading.ExceptHookArgs, /) -> None:
            if args.thread is not None and args.exc_value is not None:
                self.settle(Outcome.of_exception(args.exc_value), thread=args.thread.ident)
            previous(args)

        def restore() -> None:
            if threading.excepthook is excepthook:
                threading.excepthook = previous

        threading.excepthook = excepthook
        self._undo.append(restore)

    def _listen_to(self, shell: Any) -> None:
        self._shell, self._shown_before = shell, shown_error()
        for event, listener in (
            ("pre_run_cell", self._cell_began),
            ("post_run_cell", self._cell_ended),
        ):
            shell.events.register(event, listener)
            self._undo.append(partial(shell.events.unregister, event, listener))
        if hasattr(getattr(shell, "kernel", None), "do_shutdown"):
            self._listen_to_kernel(shell.kernel)

    def _listen_to_kernel(self, kernel: Any) -> None:
        """Hear of a shutdown or restart, also where the cell does not heed the interrupt.

        The request comes in a thread of its own; what follows may be a signal that kills.
        """
        original = kernel.do_shutdown

        def do_shutdown(restart: bool) -> Any:  # noqa: FBT001  ipykernel's signature
            reason = "the kernel restarted" if restart else "the kernel was shut down"
            self.settle(Outcome("stopped", reason))
            return original(restart)

        def restore() -> None:
            if kernel.do_shutdown is do_shutdown:
                kernel.do_shutdown = original

        kernel.do_shutdown = do_shutdown
        self._undo.append(restore)

    def _cell_began(self, info: Any) -> None:  # noqa: ARG002  IPython's signature
        self._outer_cells.append((self._cell, self._shown_before))
        self._newest_cell += 1
        self._cell, self._shown_before = self._newest_cell, shown_error()

    def _cell_ended(self, result: Any) -> None:
        if is_empty_cell(result):
            return  # IPython never said that it began
        outcome = cell_outcome(result, self._shown_before)
        for card in self.open_cards:
            if card.cell == self._cell:
                card.settle(None if outcome.verdict == "done" else outcome)
        if self._outer_cells:
            self._cell, self._shown_before = self._outer_cells.pop()
        else:
            # The cell with the first card: nobody listened yet when it began.
            self._newest_cell += 1
            self._cell = self._newest_cell
            self._shown_before = shown_error()
        self.courier.settle()
        for notice in self.courier.take_notices():
            print(f"ActivitySmith: {notice}", file=sys.stderr)  # noqa: T201  the cell's own output

    def settle(self, outcome: Outcome | None, *, thread: int | None = None) -> None:
        """Tell open cards how the code around them ended.

        Parameters
        ----------
        outcome : Outcome or None
            None when it went on without an error.
        thread : int, optional
            Only the cards that this thread opened.
        """
        for card in self.open_cards:
            if thread is None or card.thread == thread:
                card.settle(outcome)

    def say_notices(self) -> None:
        """Tell what the user should know, in a thread of theirs.

        In a notebook that waits for the end of the cell.
        """
        if self._shell is None and not self.courier.is_current_thread():
            for notice in self.courier.take_notices():
                say(notice)

    def shut_down(self) -> None:
        """Give every open card its verdict and wait, for a bounded time, until all has left."""
        if os.getpid() != self._pid:
            return
        self.settle(None)
        self.settle(Outcome("stopped", "the program ended"))
        self.courier.settle()
        try:
            seconds = resolve(ask_keyring=False).flush_seconds
        except ActivitySmithError:  # a setting that cannot be used, whichever it is
            seconds = 5.0
        clean = self.courier.flush(seconds)
        self.say_notices()
        if self.courier.leave():
            say(
                "the last words did not reach ActivitySmith in time; "
                "a helper process goes on trying for half a minute"
            )
        elif not clean:
            say("the last words did not reach ActivitySmith in time; a card may stay on the phone")

    def release(self) -> None:
        """Take all ears down again and send nothing more; open cards stay as they are."""
        while self._undo:
            self._undo.pop()()
        self._hooked, self._shell = False, None
        self._outer_cells.clear()
        self.courier.leave()
        self.courier.retire()


# By process number: a forked child does not take its parent's for its own.
_runtimes: dict[int, Runtime] = {}


def runtime() -> Runtime:
    """Return the process's runtime, made on first use; a forked child gets a new one."""
    here = os.getpid()
    found = _runtimes.get(here)
    if found is None:
        for other in set(_runtimes) - {here}:
            _runtimes.pop(other, None)
        # In one step: several threads may be the first to ask.
        found = _runtimes.setdefault(here, Runtime())
    return found


def replace_runtime(new: Runtime | None) -> Runtime | None:
    """Put another runtime in place and return the old one, for tests."""
    old = _runtimes.pop(os.getpid(), None)
    if new is not None:
        _runtimes[os.getpid()] = new
    return old
