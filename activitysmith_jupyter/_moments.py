"""Later and meanwhile, in the kernel's own event loop.

Widgets are only ever touched from the thread whose loop delivered the click or the key: kernels do
not promise that updates from other threads arrive. Where no loop runs, in a script or a test,
everything happens at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Debounced", "meanwhile"]

T = TypeVar("T")

_running: set[asyncio.Task[None]] = set()


class Debounced:
    """Call a function once, a moment after the last of many wishes.

    Parameters
    ----------
    call : callable
        Without arguments.
    delay_seconds : float
        The moment.
    """

    def __init__(self, call: Callable[[], None], delay_seconds: float) -> None:
        self._call = call
        self._delay_seconds = delay_seconds
        self._due: asyncio.TimerHandle | None = None

    def __call__(self) -> None:
        """Wish for a call."""
        self.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._call()
        else:
            self._due = loop.call_later(self._delay_seconds, self._run)

    def now(self) -> None:
        """Call it at once, if somebody wishes for it."""
        if self._due is not None:
            self._run()

    def cancel(self) -> None:
        """Forget the wishes."""
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _run(self) -> None:
        self.cancel()
        self._call()


def meanwhile(work: Callable[[], T], then: Callable[[T], None]) -> None:
    """Do slow work in a thread without holding up the kernel, and then use what it returned.

    Parameters
    ----------
    work : callable
        Runs in another thread: must not touch widgets, nor raise.
    then : callable
        Gets the result, in the thread that called us.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        then(work())
        return

    async def run() -> None:
        then(await asyncio.to_thread(work))

    task = loop.create_task(run())
    _running.add(task)  # the loop itself keeps only weak references
    task.add_done_callback(_running.discard)
