"""What the user should know, noted in one thread and read in any."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from ._outcome import error_text

if TYPE_CHECKING:
    from ._secret import Secret

__all__ = ["Notices"]

_MOST_KEPT: Final = 8


class Notices:
    """Sentences for the user, each until it is taken; the newest are kept for a report."""

    def __init__(self) -> None:
        # Read and cleared by user threads; deque operations are atomic.
        self._waiting: deque[str] = deque()
        self._newest: deque[str] = deque(maxlen=_MOST_KEPT)
        self._faults: set[str] = set()

    def note(self, notice: str) -> None:
        """Have something to say."""
        self._waiting.append(notice)
        self._newest.append(notice)

    def note_fault(self, what: str, error: Exception, *, hide: Secret | None = None) -> None:
        """Say a fault of ours, each once.

        Parameters
        ----------
        what : str
            What could not be done.
        error : Exception
            Why.
        hide : Secret, optional
            What the error may have echoed.
        """
        text = f"{what}: {error_text(error, str if hide is None else hide.scrub)}"
        if text not in self._faults:
            self._faults.add(text)
            self.note(text)

    def take(self) -> list[str]:
        """Return, once, what nobody has taken yet."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    @property
    def newest(self) -> list[str]:
        """The newest notices, taken or not, oldest first."""
        return list(self._newest)
