"""`Watch`: a card that a background thread keeps fresh."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from activitysmith_jupyter._outcome import error_text
from activitysmith_jupyter._requests import push_body
from activitysmith_jupyter._roles import silence_reason
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter._smalltext import to_number
from activitysmith_jupyter.activity import Activity
from activitysmith_jupyter.exceptions import PayloadError
from activitysmith_jupyter.frames._delivery import recipients
from activitysmith_jupyter.frames._memory import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from activitysmith_jupyter._settings import Settings
    from activitysmith_jupyter.frames._memory import Memory
    from activitysmith_jupyter.frames._options import Options
    from activitysmith_jupyter.frames._report import Report

__all__ = ["Watch", "seconds_of"]

_SHORTEST_SECONDS: Final = 1.0
_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_EVERY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|d)\s*")
# A card that has been red must be able to turn back; the service keeps what is not sent.
_CALM_COLOR: Final = "blue"
_NO_CELL: Final = -1


def seconds_of(every: str | float | timedelta) -> float:
    """Return a span such as ``"5m"``, ``"30 s"``, 300 or a timedelta in seconds.

    Raises
    ------
    PayloadError
        It is none of these, or less than a second.
    """
    if isinstance(every, timedelta):
        seconds = every.total_seconds()
    elif isinstance(every, str):
        match = _EVERY.fullmatch(every)
        seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    else:
        seconds = to_number(every) or 0.0
    if not _SHORTEST_SECONDS <= seconds <= threading.TIMEOUT_MAX:
        hint = "For example '30s', '5m', '1h'"
        raise PayloadError("every", every, "must be a span of at least a second", hint)
    return seconds


class Watch:
    """A card whose figures are computed again and again, until `stop` or the kernel's end.

    iOS allows few updates, so a short span does not mean as many: the newest figures go out when
    an update is due. Where the figures cannot be computed, the card says since when it is old, and
    the next round tries again.

    Parameters
    ----------
    first : Report
        What the card shows first.
    compute : callable
        From what is remembered to the next report; called in the background.
    remembered : Remembered
        What the changes refer to, all the time: the state before the watch began.
    options : Options
        Checked.
    settings : Settings
        With a key.
    memory : Memory
        Where the state is kept.
    every_seconds : float
        At least 1.
    """

    def __init__(  # noqa: PLR0913, PLR0917  made by one function alone
        self,
        first: Report,
        compute: Callable[[Remembered], Report],
        remembered: Remembered,
        options: Options,
        settings: Settings,
        memory: Memory,
        *,
        every_seconds: float,
    ) -> None:
        self._compute = compute
        self._options = options
        self._settings = settings
        self._memory = memory
        self._every_seconds = every_seconds
        self._values = remembered.values
        self._levels = remembered.levels
        self._stopped = threading.Event()
        self._fresh = datetime.now().astimezone()
        self.error: Exception | None = None
        self.report = first
        fields = self._fields(self.report)
        self._activity = Activity(
            self.report.stream_key,
            type=fields.pop("type"),
            title=fields.pop("title"),
            notify="never",
            channels=options.channels,
            **fields,
        )
        self._activity.open()
        # It outlives the cell that began it: an error there is not the end of the watch.
        self._activity.cell = _NO_CELL
        self._heed(self.report)
        self._thread = threading.Thread(
            target=self._run, name=f"activitysmith-watch-{self.report.stream_key}", daemon=True
        )
        if not silence_reason():
            self._thread.start()

    @property
    def is_running(self) -> bool:
        """True until `stop`, or until the card has its verdict for another reason."""
        return not self._stopped.is_set() and self._activity.outcome is None

    def stop(self) -> None:
        """End the card and the thread; a second call does nothing."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._activity.end("stopped")

    def refresh(self) -> None:
        """Compute the figures now. An error goes to `error` and onto the card, never further."""
        try:
            report = self._compute(self._state())
            fields = self._fields(report)
        except Exception as error:  # noqa: BLE001  the source is the user's; the next round tries again
            self.error = error
            # The type alone: an engine's message may quote a cell.
            cause = type(error.__cause__ or error).__name__
            self._activity.update(subtitle=f"not updated since {self._fresh:%H:%M}: {cause}")
            return
        self.error, self.report = None, report
        self._fresh = datetime.now().astimezone()
        self._activity.update(urgent=report.alarm is not None, **fields)
        self._heed(report)

    def _state(self) -> Remembered:
        return Remembered(self._values, self._levels)

    def _fields(self, report: Report) -> dict[str, Any]:
        fields = {"subtitle": "", **report.content_state}
        if fields["type"] != "stats":
            fields.setdefault("color", _CALM_COLOR)
        return fields

    def _heed(self, report: Report) -> None:
        """Push what crossed a limit, and remember it."""
        self._levels = report.remembered.levels
        if self._settings.disabled or silence_reason():
            return
        if report.alarm is not None:
            body = push_body(**report.alarm, **recipients(self._settings))
            runtime().courier.push(body, self._settings.destination())
        if self._options.delta is not None or self._options.has_limits:
            self._memory.save(report.stream_key, report.remembered)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_seconds) and self.is_running:
            self.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self.is_running else "stopped"
        return (
            f"<Watch {self.report.stream_key!r} every {self._every_seconds:g} s, {state}"
            f"{'' if self.error is None else f', last error {error_text(self.error)}'}>"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.report.html, "text/plain": repr(self)}
