"""One card, one process: keep two runs of the same script off each other's card.

A default stream key is stable, so that a second run goes on with the card that a killed first run
left behind. Two runs at the same time would then share a card and make it jump. So the process that
uses a key holds a lock on a small file, which the system lets go of when the process dies; another
process on this machine finds it taken and uses the next name. The machine's name is part of the
key for the same reason.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from ._private_files import make_private_folder

__all__ = ["claim"]

_MOST_TRIES: Final = 64
_HOST_LETTERS: Final = 4

# Claimed keys by wished key, and the open files that hold the locks, for this process.
_claimed: dict[str, str] = {}
_held: list[int] = []


def claim(key: str) -> str:
    """Return a key like `key` that no other process on this machine uses.

    Parameters
    ----------
    key : str
        A valid stream key of at most 240 characters.

    Returns
    -------
    str
        The same for the same wish, all through the process. Where no lock can be had (a read-only
        disk, say) the plain key.
    """
    if key not in _claimed:
        _claimed[key] = _first_free(f"{key}-{_host()}")
    return _claimed[key]


def _host() -> str:
    return hashlib.blake2s(socket.gethostname().encode()).hexdigest()[:_HOST_LETTERS]


def _first_free(key: str) -> str:
    try:
        folder = _folder()
        for number in range(1, _MOST_TRIES + 1):
            candidate = key if number == 1 else f"{key}-{number}"
            if _lock(folder / f"{candidate}.lock"):
                return candidate
    except OSError:
        pass
    return key


def _folder() -> Path:
    user = getattr(os, "getuid", lambda: None)()
    name = getpass.getuser() if user is None else user
    folder = Path(tempfile.gettempdir()) / f"activitysmith-{name}"
    make_private_folder(folder)
    if user is not None and (folder.is_symlink() or folder.stat().st_uid != user):
        raise OSError(f"{folder} belongs to somebody else")
    return folder


def _lock(path: Path) -> bool:
    """Take a lock that lasts as long as the process; False when somebody else has it."""
    careful = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | careful, 0o600)
    taken = False
    with suppress(OSError):
        if os.name == "nt":
            import msvcrt  # noqa: PLC0415  Windows only

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl  # noqa: PLC0415  not on Windows

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        taken = True
    if taken:
        _held.append(handle)
    else:
        os.close(handle)
    return taken
