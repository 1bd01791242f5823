"""`Phone`: the emulator's Lock Screen inside a notebook, through the widget's own channel."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import ipywidgets
from IPython.display import display

from ._base_url import is_loopback
from ._embedded import use_emulator
from ._settings import resolve
from .emulator._phone import inline_phone, phone_style
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from .emulator import Emulator

__all__ = ["Phone"]

BEAT_SECONDS: Final = 0.7
# The page begins to beat when it is told to after it has drawn the widget, and nothing tells the
# kernel when that was. So it is told a moment later, and again while no beat comes.
_DRAWN_SECONDS: Final = 0.4
_FIRST_PATIENCE: Final = 1.0
_LAST_PATIENCE: Final = 30.0
_ANSWER_SECONDS: Final = 2.0
# The emulator is on this machine: no proxy of the environment stands between.
_opener: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Phone(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The Lock Screen of the emulated iPhone, live, in the output of a cell.

    Parameters
    ----------
    emulator : Emulator or str, optional
        Which one, or the address of its page; the one the settings point at when left out, now
        and whenever they change.

    Notes
    -----
    The browser need not reach the kernel's ports: what the phone shows travels with the widget,
    so it works on JupyterHub and Colab, too. The page beats time and the kernel answers each
    beat, so nothing runs when nobody looks. While a cell runs, front ends that talk to widgets
    over a subshell (JupyterLab 4.4, Notebook 7.4 and newer, with ipykernel 7) follow live; in
    others the phone catches up when the cell ends.

    Examples
    --------
    >>> from activitysmith_jupyter import Phone
    >>> from activitysmith_jupyter.emulator import Emulator
    >>> with Emulator() as emulator:
    ...     phone = Phone(emulator)
    ...     "Nothing on the Lock Screen yet" in phone.html
    True
    """

    def __init__(self, emulator: Emulator | str | None = None) -> None:
        self._emulator = emulator
        self._patience = _FIRST_PATIENCE
        self._has_beaten = False
        style = ipywidgets.HTML(f"<style>{phone_style()}</style>")
        style.layout.display = "none"
        self._screen = ipywidgets.HTML()
        # The one core widget that does something by itself, in the page: its value is the beat.
        self._beat = ipywidgets.Play(interval=round(BEAT_SECONDS * 1000), max=10**9, repeat=True)
        self._beat.layout.display = "none"
        self._beat.observe(self._follow, "value")
        self._ask = ipywidgets.Button(
            description="Start the emulator", icon="mobile", button_style="primary"
        )
        self._ask.layout.width = "auto"
        self._ask.on_click(self._start)
        super().__init__([style, self._ask, self._screen, self._beat])
        self.layout.overflow = "visible"
        self.refresh()

    @property
    def html(self) -> str:
        """What is shown now."""
        return str(self._screen.value)

    def __repr__(self) -> str:
        return f"<Phone of {self._address()[0] or 'no emulator'}>"

    def refresh(self) -> None:
        """Look at the emulator and show what its phone shows."""
        address, problem = self._address()
        snapshot = None if address is None else _snapshot(address)
        if address is not None and snapshot is None:
            problem = "Emulator not reached"
        self._ask.layout.display = "none" if address is not None else None
        now = time.time() if snapshot is None else float(snapshot["now"])
        here = time.localtime()
        drawn = inline_phone(
            snapshot or {},
            now=now,
            time=f"{here.tm_hour}:{here.tm_min:02d}",
            date=time.strftime("%A, %B ", here) + str(here.tm_mday),
            status=problem or "Live",
            is_live=not problem,
        )
        if self._screen.value != drawn:
            self._screen.value = drawn

    def _address(self) -> tuple[str | None, str]:
        """Return the emulator's address, or None and why there is none."""
        if isinstance(self._emulator, str):
            return self._emulator.rstrip("/"), ""
        if self._emulator is not None:
            return self._emulator.url.rstrip("/"), ""
        try:
            parts = urlsplit(resolve(ask_keyring=False).base_url)
        except ConfigurationError:
            return None, "Settings cannot be read"
        if not is_loopback(parts.hostname or ""):
            return None, "No emulator"
        return f"{parts.scheme}://{parts.netloc}", ""

    def _follow(self, change: Any) -> None:
        del change
        self._has_beaten = True
        self._patience = _FIRST_PATIENCE
        self.refresh()

    def _ipython_display_(self) -> None:
        display(super()._repr_mimebundle_(), raw=True)  # type: ignore[no-untyped-call]
        # The next cell may run for hours: give the page the time to draw, so that it beats by then.
        time.sleep(_DRAWN_SECONDS)
        self.follow()

    def follow(self) -> None:
        """Have the page beat; `display` sees to it, a layout around the widget must ask."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._begin_to_beat(loop)

    def _begin_to_beat(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell the page to beat, unless it does, and look again later, ever less often."""
        if not self._has_beaten:
            self._beat.playing = False
            self._beat.playing = True
        self._has_beaten = False
        if self.comm is not None:  # None: closed
            wait, self._patience = self._patience, min(2 * self._patience, _LAST_PATIENCE)
            loop.call_later(wait, self._begin_to_beat, loop)

    def _start(self, _: Any) -> None:
        use_emulator()
        self.refresh()


def _snapshot(address: str) -> dict[str, Any] | None:
    """Ask an emulator for its phone; None when nobody answers."""
    try:
        with _opener.open(f"{address}/_emulator/phone", timeout=_ANSWER_SECONDS) as answer:
            snapshot = json.load(answer)
    except (OSError, ValueError):
        return None
    return snapshot if isinstance(snapshot, dict) and "now" in snapshot else None
