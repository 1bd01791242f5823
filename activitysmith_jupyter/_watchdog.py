"""A small child process that ends the cards when this process could not.

A process that is killed cannot report it. So the first card that the phone shows starts a helper,
which holds one end of a pipe and the last words of every open card. When the pipe closes without a
goodbye it says them: it ends the cards and sends a push. It is also left what a program could not
deliver before its end.

The key goes through the pipe: not through the command line, the environment, or a file. A forked
child closes its copy of the pipe, or the helper would never see the end.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from ._watchdog_child import CLOCK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._settings import Destination

__all__ = ["CLOCK", "LastWords", "Watchdog"]

# A helper that somebody ends is replaced, but not for ever.
_MOST_STARTS: Final = 3
_START_SECONDS: Final = 10.0
_LOCK_SECONDS: Final = 1.0
_LIKE_A_KEY: Final = re.compile(r"(?<![A-Za-z0-9])ask_\w")

# The writing ends of this process's pipes.
_pipes: set[int] = set()


def _close_after_fork() -> None:
    while _pipes:
        os.close(_pipes.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_after_fork)


@attrs.frozen(kw_only=True)
class LastWords:
    """What to say about a card whose process is gone.

    Attributes
    ----------
    body : dict
        The request body that ends it; `CLOCK` in its texts stands for the time of death.
    push : dict or None
        The push that tells it.
    push_after_seconds : float, default 0
        Only if the process lives that long from now on.
    died : bool, default True
        False for a verdict that waits for its delivery.
    """

    body: Mapping[str, Any]
    push: Mapping[str, Any] | None = None
    push_after_seconds: float = 0.0
    died: bool = True


class Watchdog:
    """The helper of one process, started when there is something to watch.

    Its methods are called by one thread, the courier's, but for `leave`. None of them raises:
    where no helper can be had, the cards have none.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._pipe: int | None = None
        self._process: Any = None
        self._starts = 0
        self._numbers: dict[Destination, int] = {}
        self._cards: dict[tuple[Destination, str], LastWords] = {}

    def watch(self, to: Destination, path: str, words: LastWords) -> None:
        """Have the newest last words of a card.

        Parameters
        ----------
        to : Destination
            A server on the network: the helper knows no other transport.
        path : str
            Of the card's stream, below the base URL.
        words : LastWords
            They replace earlier ones.
        """
        if self._pid != os.getpid() or self._cards.get((to, path)) == words:
            return
        with self._lock:
            self._cards[to, path] = words
            if self._pipe is None:
                self._start()
            else:
                self._send(to, path)

    def forget(self, to: Destination, path: str) -> None:
        """Have no more to say about a card: it has ended."""
        if self._pid != os.getpid() or (to, path) not in self._cards:
            return
        with self._lock:
            del self._cards[to, path]
            self._write(f"gone {self._name(to, path)}")

    def leave(self, unsaid: Mapping[tuple[Destination, str], LastWords]) -> bool:
        """Say goodbye for good; what could not be delivered is left to the helper.

        Parameters
        ----------
        unsaid : mapping
            Verdicts by server and path.

        Returns
        -------
        bool
            Whether there was something to leave, and a helper to leave it to.
        """
        # With a bound, at the end of a program: the courier may hang in the middle of a line.
        if self._pid != os.getpid() or not self._lock.acquire(timeout=_LOCK_SECONDS):
            return False
        try:
            for place, words in list(self._cards.items()):
                if place in unsaid:
                    self._cards[place] = unsaid[place]
                    self._send(*place)
                elif words.died:  # nobody died
                    del self._cards[place]
                    self._write(f"gone {self._name(*place)}")
            is_needed = bool(self._cards) and self._pipe is not None
            if not is_needed:
                self._write("bye")
            self._cards.clear()
            self._close()
            # The courier may live on for a moment: a new helper would take the end for a death.
            self._starts = _MOST_STARTS
            return is_needed
        finally:
            self._lock.release()

    # ------------------------------------------------------------------ the helper

    def _start(self) -> None:
        command = _command()
        if self._starts >= _MOST_STARTS or not command:
            return
        self._starts += 1
        self._numbers.clear()
        import subprocess  # noqa: PLC0415  takes time to import: in the courier's thread

        reading, writing = os.pipe()
        self._pipe = writing
        _pipes.add(writing)
        try:
            self._process = subprocess.Popen(  # noqa: S603  this Python, our own file
                command,
                stdin=reading,
                # A pipe of the caller's that stayed open would have others wait for the helper.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(list(self._cards)),
                cwd=os.path.abspath(os.sep),  # noqa: PTH100  the root: keeps no folder in use
                **_apart(subprocess),
            )
            if os.name == "posix":
                # It forks and exits: what is left is not our child.
                self._process.wait(_START_SECONDS)
        except (OSError, ValueError, RuntimeError, subprocess.SubprocessError):
            self._close()
        finally:
            os.close(reading)
        for to, path in list(self._cards):
            self._send(to, path)

    def _send(self, to: Destination, path: str) -> None:
        if to not in self._numbers:
            self._numbers[to] = len(self._numbers)
            try:
                self._introduce(to)
            except BaseException as error:  # noqa: BLE001  goes on, only without the frames below
                # An interrupt at the end of a program, say: their variables hold the key.
                raise error.with_traceback(None) from None
        words = self._cards[to, path]
        card = {
            "to": self._numbers[to],
            "path": path,
            "body": _text(words.body) if words.body else "",
            "push": None if words.push is None else _text(words.push),
            "push_after_seconds": words.push_after_seconds,
            "died": words.died,
        }
        self._write(f"card {self._name(to, path)} {json.dumps(card)}")

    def _introduce(self, to: Destination) -> None:
        server = {
            "base_url": to.base_url,
            "api_key": to.api_key.reveal(),
            "ca_file": _ca_file(),
        }
        self._write(f"to {self._numbers[to]} {json.dumps(server)}")

    def _name(self, to: Destination, path: str) -> str:
        return f"{self._numbers.get(to)}:{path}"

    def _write(self, line: str) -> None:
        if self._pipe is None:
            return
        rest = memoryview(line.encode("ascii") + b"\n")
        try:
            while rest:
                rest = rest[os.write(self._pipe, rest) :]
        except OSError:  # somebody ended it
            self._close()

    def _close(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            _pipes.discard(pipe)
            with suppress(OSError):
                os.close(pipe)


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _command() -> list[str]:
    """Return how to start the helper; empty where this Python cannot be started by its name."""
    program = sys.executable or ""
    # A frozen application, or one that embeds Python, would start itself anew.
    is_python = Path(program).stem.lower().lstrip(".").startswith(("python", "pypy"))
    if getattr(sys, "frozen", False) or not is_python:
        return []
    return [program, "-I", "-S", str(Path(__file__).with_name("_watchdog_child.py"))]


def _environment(cards: list[tuple[Destination, str]]) -> dict[str, str]:
    """Return the environment without any key: the helper gets them through the pipe."""
    keys = {to.api_key for to, _ in cards}
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ACTIVITYSMITH_")
        and not _LIKE_A_KEY.search(value)  # of a card that comes later, say
        and all(key.scrub(value) == value for key in keys)
    }


def _apart(subprocess: Any) -> dict[str, Any]:
    """Return what keeps signals for this process's group away from the helper."""
    if os.name == "nt":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}


def _ca_file() -> str:
    """Return the certificates that httpx trusts; empty where the environment names others."""
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return ""
    try:
        import certifi  # noqa: PLC0415  httpx's own; loaded with it
    except ImportError:
        return ""
    return str(certifi.where())
