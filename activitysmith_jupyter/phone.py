"""`Phone`: the emulator's Lock Screen inside a notebook, through the widget's own channel."""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import ipywidgets

from ._base_url import is_loopback
from ._embedded import use_emulator
from ._settings import resolve
from ._static_picture import StaticPicture
from .emulator._phone import inline_phone, phone_style
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from .emulator import Emulator

__all__ = ["Phone"]

BEAT_SECONDS: Final = 0.7
# The page begins to beat when it is told to after it has drawn the widget, and nothing tells the
# kernel when that was. So it is told a moment later, and again while no beat comes: often at first,
# as a page that loads does, and ever less often where nobody seems to look.
_DRAWN_SECONDS: Final = 0.4
_FIRST_PATIENCE: Final = 1.0
_LAST_PATIENCE: Final = 30.0
_ANSWER_SECONDS: Final = 2.0
# Moments that a page with a script would show in the viewer's own time; here the kernel's must do.
_MOMENT: Final = re.compile(r'(data-as-clock="([\d.]+)">)[^<]*')
_LEFT_BEHIND: Final = "Picture of a phone. Run the cell to see it live."
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
        self._follows = False
        self._round = 0
        self._picture = StaticPicture(_LEFT_BEHIND, self._drawn)
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
        self._picture.watch(self)
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
            time=_local_time(time.time()),
            date=time.strftime("%A, %B ", here) + str(here.tm_mday),
            status=problem or "Live",
            is_live=not problem,
        )
        drawn = _MOMENT.sub(lambda m: m[1] + _local_time(float(m[2])), drawn)
        if self._screen.value != drawn:
            self._screen.value = drawn
            self._picture.keep_soon()

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
        self._picture.show(super()._repr_mimebundle_())
        # The next cell may run for hours: give the page the time to draw, so that it beats by then.
        time.sleep(_DRAWN_SECONDS)
        self.follow()

    def _drawn(self) -> str:
        return f"<style>{phone_style()}</style>{self.html}"

    def follow(self) -> None:
        """Have the page beat; `display` sees to it, a layout around the widget must ask."""
        self._follows = True
        loop = self._begin_again()
        if loop is not None:
            self._begin_to_beat(loop, self._round)

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:  # noqa: FBT001, FBT002  ipywidgets'
        """Return the state, as every widget does: who asks for all of it is a page that loads."""
        if key is None and self._follows:
            # What beats until now is a page that is being left, or another one.
            self._has_beaten = False
            loop = self._begin_again()
            if loop is not None:
                loop.call_later(_DRAWN_SECONDS, self._begin_to_beat, loop, self._round)
        return super().get_state(key, drop_defaults)

    def _begin_again(self) -> asyncio.AbstractEventLoop | None:
        """Forget what was to be told to a page, and return the loop to tell it anew from."""
        try:
            # Pages speak to widgets from threads of the kernel with loops of their own: the loop
            # of the one that asks is there for as long as the page is.
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return None
        self._round += 1
        self._patience = _FIRST_PATIENCE
        return loop

    def _begin_to_beat(self, loop: asyncio.AbstractEventLoop, turn: int) -> None:
        """Tell the page to beat, unless it does, and look again later, ever less often."""
        if turn != self._round or self.comm is None:  # None: closed
            return
        if not self._has_beaten:
            self._beat.playing = False
            self._beat.playing = True
        self._has_beaten = False
        wait, self._patience = self._patience, min(2 * self._patience, _LAST_PATIENCE)
        loop.call_later(wait, self._begin_to_beat, loop, turn)

    def _start(self, _: Any) -> None:
        use_emulator()
        self.refresh()


def _local_time(moment: float) -> str:
    """Write a UNIX time in seconds as this machine's clock does; empty beyond the calendar."""
    try:
        here = time.localtime(moment)
    except (OverflowError, ValueError, OSError):
        return ""
    return f"{here.tm_hour}:{here.tm_min:02d}"


def _snapshot(address: str) -> dict[str, Any] | None:
    """Ask an emulator for its phone; None when nobody answers."""
    try:
        with _opener.open(f"{address}/_emulator/phone", timeout=_ANSWER_SECONDS) as answer:
            snapshot = json.load(answer)
    except (OSError, ValueError):
        return None
    return snapshot if isinstance(snapshot, dict) and "now" in snapshot else None
