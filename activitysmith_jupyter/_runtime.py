"""What a process has one of: the courier, the list of open cards, and the ears for how things end.

A card rarely learns by itself how its work ended: ``break`` and an exception look the same to a
loop. Whoever learns the truth tells it here: IPython's ``post_run_cell`` for a cell,
``sys.excepthook`` for a script, ``atexit`` for whatever is still open then. All of it is set up
with the first card, nothing at import.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

from ._courier import Courier
from ._outcome import Outcome
from ._place import ipython_shell
from ._say import say
from ._settings import resolve
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["OpenEnd", "Runtime", "runtime"]


class OpenEnd(Protocol):
    """A card whose end somebody else may learn first."""

    cell: int
    thread: int

    def settle(self, outcome: Outcome | None) -> None:
        """Hear how the surrounding code ended; None when it went on without an error."""


class Runtime:
    """The process-wide part.

    Parameters
    ----------
    courier : Courier, optional
        Replaced in tests.
    """

    def __init__(self, courier: Courier | None = None) -> None:
        self.courier = courier or Courier()
        # A dict for its order and its atomic operations: cards come and go in any thread.
        self._open: dict[OpenEnd, None] = {}
        self._pid = os.getpid()
        self._cell = 0
        self._shell: Any = None
        self._hooked = False
        self._undo: list[Callable[[], None]] = []

    @property
    def cell(self) -> int:
        """A number for the cell that runs now; the same all through a script."""
        return self._cell

    def opened(self, card: OpenEnd) -> None:
        """Remember an open card and begin to listen for ends."""
        self._open[card] = None
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
        self._shell = shell
        shell.events.register("post_run_cell", self._cell_ended)
        self._undo.append(lambda: shell.events.unregister("post_run_cell", self._cell_ended))

    def _cell_ended(self, result: Any) -> None:
        error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
        outcome = None if error is None else Outcome.of_exception(error)
        for card in self.open_cards:
            if card.cell == self._cell:
                card.settle(outcome)
        self._cell += 1
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
        """Tell what the user should know; in a notebook that waits for the end of the cell."""
        if self._shell is None:
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
        except ConfigurationError:
            seconds = 5.0
        clean = self.courier.flush(seconds)
        self.say_notices()
        if not clean:
            say("the last words did not reach ActivitySmith in time; a card may stay on the phone")

    def release(self) -> None:
        """Take all ears down again: tests, and unloading the extension."""
        while self._undo:
            self._undo.pop()()
        self._hooked, self._shell = False, None


_the_runtime: Runtime | None = None


def runtime() -> Runtime:
    """Return the process's runtime, made on first use; a forked child gets a new one."""
    global _the_runtime  # noqa: PLW0603  one per process is the point
    current = _the_runtime
    if current is None or current._pid != os.getpid():  # noqa: SLF001  its own module
        current = _the_runtime = Runtime()
    return current


def replace_runtime(new: Runtime | None) -> Runtime | None:
    """Put another runtime in place and return the old one, for tests."""
    global _the_runtime
    old, _the_runtime = _the_runtime, new
    return old
