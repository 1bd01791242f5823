"""The key that the desktop's key store holds: asked for once a process, with a bound."""

from __future__ import annotations

import threading
from typing import Final

from ._secret import Secret, as_secret

__all__ = ["KEYRING_SERVICE", "KEYRING_USER", "keyring_key", "note_keyring_key"]

KEYRING_SERVICE: Final = "activitysmith"
KEYRING_USER: Final = "api_key"
# Desktop key stores may show a prompt or wait for a bus that is not there; nobody should wait.
_KEYRING_SECONDS: Final = 2.0


class _Answer:
    """The key store's one answer, for this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked = False
        self.key: Secret | None = None

    def reset(self) -> None:
        with self.lock:
            self.asked = False
            self.key = None


_answer = _Answer()


def keyring_key() -> Secret | None:
    """Return the key that the key store holds; None where there is none, or no answer in time."""
    with _answer.lock:
        asked, _answer.asked = _answer.asked, True
        if asked:
            return _answer.key
    found: list[Secret] = []

    def ask() -> None:
        try:
            import keyring  # noqa: PLC0415  optional, and slow to import

            stored = keyring.get_password(KEYRING_SERVICE, KEYRING_USER)
            if stored:
                found.append(as_secret(stored))
        except Exception:  # noqa: BLE001, S110  no keyring, no backend, a locked one: no key there
            pass

    thread = threading.Thread(target=ask, name="activitysmith-keyring", daemon=True)
    thread.start()
    thread.join(_KEYRING_SECONDS)
    with _answer.lock:
        _answer.key = next(iter(found), None)
    return _answer.key


def note_keyring_key(key: Secret | None) -> None:
    """Take it that the key store holds this key, without asking it."""
    with _answer.lock:
        _answer.asked, _answer.key = True, key
