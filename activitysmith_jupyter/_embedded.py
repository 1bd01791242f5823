"""The one emulator that lives inside this process, for whoever switches it on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from ._runtime import runtime
from ._settings import configure, configured

if TYPE_CHECKING:
    from .emulator import Emulator

__all__ = ["embedded_emulator", "leave_emulator", "use_emulator"]

_FLUSH_SECONDS: Final = 2.0
_PLACES: Final = ("api_key", "base_url")

_lock: Final = threading.Lock()
_running: list[Emulator] = []
_before: dict[str, Any] = {}


def embedded_emulator() -> Emulator | None:
    """Return the emulator if it is on."""
    return _running[0] if _running else None


def use_emulator() -> Emulator:
    """Start the emulator, once, and let everything talk to it from now on."""
    from .emulator import Emulator  # noqa: PLC0415  a web server: only when wanted

    with _lock:
        if not _running:
            _before.update(configured(*_PLACES))
            _running.append(Emulator().start())
        emulator = _running[0]
    configure(api_key=emulator.api_key, base_url=emulator.base_url)
    return emulator


def leave_emulator() -> None:
    """End the emulator and talk to where everything went before; nothing if it is off."""
    with _lock:
        if not _running:
            return
        runtime().courier.flush(_FLUSH_SECONDS)
        configure(**_before)
        _running.pop().close()
