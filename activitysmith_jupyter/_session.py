"""`Session`: what ``%activity`` keeps for one shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from ._embedded import embedded_emulator, leave_emulator, use_emulator
from ._settings import resolve
from ._watching import RunWatch

if TYPE_CHECKING:
    from .emulator import Emulator

__all__ = ["Session", "Switches", "where_requests_go"]


def where_requests_go() -> str:
    """Return what to say when the emulator is off."""
    return f"Emulator off. From now on requests go to {resolve(ask_keyring=False).base_url}."


@attrs.frozen
class Switches:
    """What is on, so that a session which follows another can go on with it.

    Attributes
    ----------
    watch_after_seconds : float or None
        Shorter runs are not told; None where nothing is watched.
    watch_when : {"failed", "always"}
        What is told.
    mirrors : bool
        Whether every tqdm bar is mirrored.
    """

    watch_after_seconds: float | None
    watch_when: str
    mirrors: bool


class Session:
    """The watch, the mirror and the emulator of a shell."""

    def __init__(self) -> None:
        self.watch = RunWatch()
        self._mirror: Any = None

    @property
    def mirrors(self) -> bool:
        """Whether every tqdm bar is mirrored."""
        return self._mirror is not None

    def mirror(self, *, on: bool) -> None:
        """Begin or cease to mirror every tqdm bar of the process."""
        if on and self._mirror is None:
            from .mirroring import mirror  # noqa: PLC0415  loads tqdm: only when wanted

            self._mirror = mirror().start()
        elif not on and self._mirror is not None:
            self._mirror.stop()
            self._mirror = None

    @property
    def switches(self) -> Switches:
        """What is on now, but for the emulator."""
        return Switches(self.watch.after_seconds, self.watch.when, self.mirrors)

    def turn(self, switches: Switches) -> None:
        """Watch and mirror as another session did."""
        if switches.watch_after_seconds is None:
            self.watch.stop()
        else:
            self.watch.start(switches.watch_after_seconds, switches.watch_when)
        self.mirror(on=switches.mirrors)

    @property
    def emulator(self) -> Emulator | None:
        """The emulator in this process, if it is on."""
        return embedded_emulator()

    def emulate(self, *, on: bool) -> None:
        """Send everything to an emulator in this process, or to where it went before."""
        if on:
            use_emulator()
        else:
            leave_emulator()

    def close(self) -> None:
        """Undo what the switches did; nobody must think that the emulator is still on."""
        self.watch.stop()
        self.mirror(on=False)
        if self.emulator is not None:
            self.emulate(on=False)
            print(where_requests_go())  # noqa: T201  the answer of the line that unloads us
