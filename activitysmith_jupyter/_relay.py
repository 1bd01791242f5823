"""Bars inside a notebook that a runner executes: they feed the runner's card, not one of their own.

The runner, another process, tells its kernel an address in the environment. Bars of the kernel
then send what they would show, a few hundred bytes at a time, to that port of this machine. A
datagram needs no answer: whatever becomes of the runner, the kernel's code neither waits nor fails.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

import attrs

from ._bargroup import BarGroup, Look, Place
from ._roles import silence_reason

if TYPE_CHECKING:
    from ._bargroup import Bar

__all__ = ["RUNNER_VARIABLE", "InnerBars", "Listener", "the_relay"]

RUNNER_VARIABLE: Final = "ACTIVITYSMITH_RUNNER"
_HOST: Final = "127.0.0.1"
_PAUSE_SECONDS: Final = 0.5
_MOST_BYTES: Final = 8192
_MOST_TEXT: Final = 200


@attrs.frozen(kw_only=True)
class InnerBars:
    """What the bars of a kernel show.

    Attributes
    ----------
    share : float or None
        Done share, 0 to 1.
    text : str
        Position and numbers; empty when no bar runs.
    """

    share: float | None = None
    text: str = ""


class Listener:
    """The runner's end: a port of this machine that remembers the newest word."""

    def __init__(self) -> None:
        self._token = secrets.token_urlsafe(12)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Hooks that nobody holds any more give their port back, too.
        weakref.finalize(self, self._socket.close)
        self._socket.bind((_HOST, 0))
        self._socket.setblocking(False)
        self._newest = InnerBars()

    @property
    def address(self) -> str:
        """What the kernel finds in its environment."""
        return f"{self._socket.getsockname()[1]}:{os.getpid()}:{self._token}"

    def newest(self) -> InnerBars:
        """Return what the kernel's bars said last; never waits."""
        while True:
            try:
                word = self._socket.recv(_MOST_BYTES)
            except OSError:  # nothing more to read, or closed
                return self._newest
            self._newest = _read(word, self._token) or self._newest

    def forget(self) -> None:
        """Forget the bars: another cell begins."""
        self.newest()
        self._newest = InnerBars()

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


def _read(word: bytes, token: str) -> InnerBars | None:
    """Return what a datagram says; None for anybody else's."""
    try:
        said = json.loads(word)
        if not secrets.compare_digest(str(said["token"]), token):
            return None
        share, text = said["share"], str(said["text"])[:_MOST_TEXT]
        return InnerBars(
            share=None if share is None else min(1.0, max(0.0, float(share))), text=text
        )
    except (ValueError, TypeError, LookupError):
        return None


class Relay:
    """The kernel's end.

    Parameters
    ----------
    port : int
        The runner's.
    token : str
        Tells the runner that it is its own kernel who speaks.
    """

    def __init__(self, port: int, token: str) -> None:
        self._address = (_HOST, port)
        self._token = token
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        weakref.finalize(self, self._socket.close)
        self._group = BarGroup(Look())
        self._thread: threading.Thread | None = None
        self._woken = threading.Event()

    def join(self, bar: Bar, look: Look) -> Place:
        """Take in a bar."""
        if not self._group.has_open_bars:
            self._group = BarGroup(look)
        place = Place(self._group, self._group.add(bar), self._woken.set)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._speak, name="activitysmith-relay", daemon=True
            )
            self._thread.start()
        return place

    def _speak(self) -> None:
        while self._group.has_open_bars:
            self._woken.clear()
            self._send()
            self._woken.wait(_PAUSE_SECONDS)
        self._send()

    def _send(self) -> None:
        group = self._group
        share = group.share()
        fields: dict[str, Any] = group.fields(share) if group.has_open_bars else {}
        title = str(fields.get("title", ""))
        text = str(fields.get("subtitle", ""))
        said = {"token": self._token, "share": share if fields else None, "text": text}
        if title not in {"", "Progress"}:
            said["text"] = f"{title} {text}".strip()
        try:
            self._socket.sendto(json.dumps(said).encode()[:_MOST_BYTES], self._address)
        except (OSError, ValueError):
            return  # the runner is gone: the notebook goes on


_relays: dict[tuple[int, str], Relay] = {}


def the_relay() -> Relay | None:
    """Return the way to this kernel's runner; None where no runner executes it."""
    port, _, rest = os.environ.get(RUNNER_VARIABLE, "").partition(":")
    runner, _, token = rest.partition(":")
    # The runner's own bars are no business of its kernel's.
    if not (port.isdigit() and token) or runner == str(os.getpid()) or silence_reason():
        return None
    place = (os.getpid(), port + token)
    if place not in _relays:
        _relays[place] = Relay(int(port), token)
    return _relays[place]
