"""Catch a thread that waits inside the package: on a socket, for a thread, or in its sleep."""

from __future__ import annotations

import queue
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import activitysmith_jupyter

if TYPE_CHECKING:
    from types import CodeType, FrameType

__all__ = ["Waits"]

_FOLDER: Final = str(Path(activitysmith_jupyter.__file__).parent)
_EMULATOR: Final = str(Path(_FOLDER, "emulator"))
# Functions in C that wait for somebody else, by the name they are called by.
_WAITING: Final = frozenset(
    {
        *("accept", "connect", "connect_ex", "do_handshake", "getaddrinfo", "gethostbyname"),
        *("poll", "recv", "recv_into", "recvfrom", "select", "send", "sendall", "sendto"),
        *("sleep", "wait4", "waitid", "waitpid"),
    }
)
_STARTS: Final = threading.Thread.start.__code__


def _code(function: Any) -> CodeType:
    code: CodeType = function.__code__
    return code


_WAITING_PYTHON: Final = frozenset(
    map(
        _code,
        (
            queue.Queue.get,
            socket.create_connection,
            subprocess.Popen.__init__,
            threading.Condition.wait,
            threading.Thread.join,
        ),
    )
)


def _may_wait(name: str, owner: object) -> bool:
    if isinstance(owner, socket.socket) and owner.gettimeout() == 0:
        return False  # it answers at once
    return name in _WAITING or (name == "get" and isinstance(owner, queue.SimpleQueue))


class Waits:
    """What the thread that enters waited for in code of the package, the emulator left out.

    A lock that only guards memory is no wait, nor is the start of a thread.

    Attributes
    ----------
    seen : list of str
        Each wait: the function, and the line of the package that led there.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = sys.getprofile()
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            if _may_wait(argument.__name__, argument.__self__):
                self._note(argument.__name__, frame)
        elif event == "call" and frame.f_code in _WAITING_PYTHON:
            self._note(frame.f_code.co_qualname, frame)

    def _note(self, name: str, frame: FrameType | None) -> None:
        while frame is not None and frame.f_code is not _STARTS:
            file = frame.f_code.co_filename
            if file.startswith(_FOLDER) and not file.startswith(_EMULATOR):
                place = Path(file).relative_to(_FOLDER)
                self.seen.append(f"{name} from {place}:{frame.f_lineno}")
                return
            frame = frame.f_back
