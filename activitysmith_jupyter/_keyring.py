"""The key that the desktop's key store holds: asked for once a process, with a bound."""

from __future__ import annotations

import threading
from time import monotonic
from typing import Final

from ._secret import Secret, as_secret

__all__ = ["KEYRING_SERVICE", "KEYRING_USER", "keyring_key", "note_keyring_key"]

KEYRING_SERVICE: Final = "activitysmith"
KEYRING_USER: Final = "api_key"
# Desktop key stores may show a prompt or wait for a bus that is not there; nobody should wait.
_KEYRING_SECONDS: Final = 2.0


class _Question:
    """One question to the key store; every thread that needs the key waits for its one answer."""

    def __init__(self) -> None:
        self._deadline = monotonic() + _KEYRING_SECONDS
        self._answered = threading.Event()
        self._key: Secret | None = None

    def ask(self) -> None:
        """Ask, in a thread of its own; it may hang for ever."""
        thread = threading.Thread(target=self._ask, name="activitysmith-keyring", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread to be had, or the interpreter is about to end
            self.settle(None)

    def settle(self, key: Secret | None) -> None:
        """Have an answer."""
        self._key = key
        self._answered.set()

    def answer(self) -> Secret | None:
        """Return the answer as soon as there is one; None where it does not come in time.

        One that comes late counts from then on: it took somebody a while to unlock the store.
        """
        self._answered.wait(max(0.0, self._deadline - monotonic()))
        return self._key

    def _ask(self) -> None:
        key: Secret | None = None
        try:
            import keyring  # noqa: PLC0415  optional, and slow to import

            stored = keyring.get_password(KEYRING_SERVICE, KEYRING_USER)
            if stored:
                key = as_secret(stored)
        except Exception:  # noqa: BLE001, S110  no keyring, no backend, a locked one: no key there
            pass
        self.settle(key)


_lock: Final = threading.Lock()
_question: _Question | None = None


def keyring_key() -> Secret | None:
    """Return the key that the key store holds; None where there is none, or no answer in time."""
    global _question  # noqa: PLW0603  one question a process
    with _lock:
        is_first = _question is None
        question = _question or _Question()
        _question = question
    if is_first:
        question.ask()
    return question.answer()


def note_keyring_key(key: Secret | None) -> None:
    """Take it that the key store holds this key, without asking it."""
    global _question  # noqa: PLW0603  as above
    question = _Question()
    question.settle(key)
    with _lock:
        _question = question
