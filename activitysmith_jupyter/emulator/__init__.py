"""A local ActivitySmith with a phone page, for tests, demos and offline work.

`Emulator` is loaded when first used; importing this package loads no web server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._faults import Fault
    from ._server import Device, Emulator, ManualClock, Settings

__all__ = ["Device", "Emulator", "Fault", "ManualClock", "Settings"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _faults, _server  # noqa: PLC0415  first use

    value = getattr(_faults if name == "Fault" else _server, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
