"""Put the API key into the desktop's key store and take it out again; nobody else writes there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ._keyring import KEYRING_SERVICE, KEYRING_USER, note_keyring_key
from ._secret import Secret, hide
from ._settings import configure
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["forget_key", "keep_key"]

# A desktop may ask its user to unlock the store.
_STORE_SECONDS: Final = 30.0


def keep_key(key: object) -> str:
    """Use a key from now on, and store it where that is possible.

    Parameters
    ----------
    key : Secret
        As `hide` returns it.

    Returns
    -------
    str
        Empty when the key store has it, else why it is only kept for this process.

    Raises
    ------
    ConfigurationError
        It cannot be a key.
    """
    secret = hide(key)
    configure(api_key=secret)  # refuses what cannot be a key
    if not isinstance(secret, Secret):
        raise ConfigurationError("api_key must be a text")

    def store() -> None:
        import keyring  # noqa: PLC0415  optional, and slow to import

        keyring.set_password(KEYRING_SERVICE, KEYRING_USER, secret.reveal())

    problem = _in_time(store)
    if not problem:
        configure(api_key=None)
        note_keyring_key(secret)
    return problem


def forget_key() -> str:
    """Forget the key of this process and of the key store.

    Returns
    -------
    str
        Empty when the key store had it, else why there was nothing to take out.
    """

    def remove() -> None:
        import keyring  # noqa: PLC0415  optional, and slow to import

        keyring.delete_password(KEYRING_SERVICE, KEYRING_USER)

    configure(api_key=None)
    note_keyring_key(None)
    return _in_time(remove)


def _in_time(work: Callable[[], None]) -> str:
    """Return why the key store did not do it; empty when it did."""
    said = ["the key store does not answer"]

    def attempt() -> None:
        try:
            work()
        except ImportError:
            said[0] = "no key store: pip install activitysmith-jupyter[keyring]"
        except Exception as error:  # noqa: BLE001  every backend has errors of its own
            # Only the type: a backend's message is not ours to vouch for.
            said[0] = f"the key store refused ({type(error).__name__})"
        else:
            said[0] = ""

    thread = threading.Thread(target=attempt, name="activitysmith-keyring", daemon=True)
    thread.start()
    thread.join(_STORE_SECONDS)
    return said[0]
