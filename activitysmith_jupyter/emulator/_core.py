"""The emulator without HTTP: one lock around service, request log, faults and errors."""

from __future__ import annotations

import collections
import secrets
import threading
from typing import TYPE_CHECKING, Any, Final

import attrs

from ._api import Answer, Service
from ._checks import Refused, decode
from ._faults import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from ._ledger import Shown
    from ._settings import Settings

__all__ = ["Core", "Phone", "RequestRecord"]

LOG_LENGTH: Final = 20_000
_SECRET_HEADERS: Final = frozenset(("authorization", "cookie", "proxy-authorization"))


@attrs.frozen(kw_only=True)
class RequestRecord:
    """One request to the API, without the headers that carry the key.

    Parameters
    ----------
    method : str
        HTTP method.
    path : str
        Percent-decoded path below the base path: ``/live-activity/stream/train``.
    body : object
        The decoded JSON body as it came; None when there was none, or no JSON.
    headers : dict
        Its headers by lower-case name, without those that carry secrets.
    seconds : float
        When it arrived, counted from the emulator's start by the emulator's clock.
    status : int or None
        HTTP status of the answer; None while it is held, and when it never got one.
    operation : str or None
        The answer's ``operation``, where it had one.
    """

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    seconds: float
    status: int | None = None
    operation: str | None = None


@attrs.frozen(kw_only=True)
class Phone:
    """What a phone shows, and all that ever reached it.

    Parameters
    ----------
    cards, pushes : list of dict
        As on the Lock Screen, newest first.
    badge : int
        The app icon's count; 0 shows none.
    widgets : dict
        Newest value of each widget metric by key.
    history : list of Shown
        Everything that reached the phone, oldest first.
    """

    cards: list[dict[str, Any]]
    pushes: list[dict[str, Any]]
    badge: int
    widgets: dict[str, dict[str, Any]]
    history: list[Shown]


class Core:
    """State and log behind one lock.

    Parameters
    ----------
    settings : Settings
        Where the account starts, and where `reset` returns to.
    clock : callable
        Gives UNIX seconds.
    api_key : str
        The main API key.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float], api_key: str) -> None:
        self.clock = clock
        self.api_key = api_key
        self.condition = threading.Condition()
        self.faults = Faults(self.condition)
        self.closed = False
        self._settings = settings
        self._errors: list[Exception] = []
        self._requests: collections.deque[RequestRecord] = collections.deque(maxlen=LOG_LENGTH)
        self._service = self._fresh(revision=0)

    def _fresh(self, revision: int) -> Service:
        self._started_at = self.clock()
        return Service(
            self._settings,
            api_key=self.api_key,
            started_at=self._started_at,
            new_id=lambda: secrets.token_urlsafe(24),  # 32 characters, as the examples have
            revision=revision,
        )

    # --- serving ---------------------------------------------------------------------------------

    def handle(  # noqa: PLR0913  the parts of an HTTP request
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        ip: str,
        in_process: bool = False,
    ) -> Answer:
        """Answer one API request, or have a fault happen to it.

        Parameters
        ----------
        method, path : str
            As in `RequestRecord`.
        headers : mapping
            Request headers by lower-case name.
        body : bytes
            The request body.
        ip : str
            The client's address.
        in_process : bool, default False
            True where no socket lies between: nothing could time out or be cut there, so a hang
            and a reset are raised.

        Raises
        ------
        ConnectionResetError
            When the connection is to be closed without an answer.
        TimeoutError
            For a hang in the same process.
        """
        with self.condition:
            fault, released = self.faults.take(method, path)
            record = self._record(method, path, headers, body)
            self._requests.append(record)
            early = None
            if fault is None or fault.after:
                early = self._answer(method, path, headers, body, ip)
            if fault is None and early is not None:
                return self._complete(record, early)
            self.condition.notify_all()
        assert fault is not None  # noqa: S101  for the type checker: the line above returned
        if fault.kind == "hang" and in_process:
            raise TimeoutError("the emulator hangs here, as it was asked to")
        if fault.kind in ("delay", "hang"):
            released.wait(fault.seconds if fault.kind == "delay" else None)
        with self.condition:
            if fault.kind == "reset" or (fault.kind == "hang" and self.closed):
                raise ConnectionResetError("the emulator closes the connection without an answer")
            if fault.kind in ("delay", "hang"):
                late = early or self._answer(method, path, headers, body, ip)
                return self._complete(record, late)
            return self._complete(record, _spoiled(fault))

    def record_error(self, error: Exception) -> None:
        """Keep an error of the emulator's own for `check`, without what its frames knew.

        A request that somebody sends here by mistake has a real key in its headers, and tracebacks
        can show variables.
        """
        link: BaseException | None = error
        while link is not None:
            link.__traceback__ = _without_variables(link.__traceback__)
            link = link.__cause__ or link.__context__
        with self.condition:
            self._errors.append(error)
            self.condition.notify_all()

    def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, ip: str
    ) -> Answer:
        return self._service.answer(
            method,
            path,
            authorization=headers.get("authorization"),
            body=body,
            ip=ip,
            now=self.clock(),
        )

    def _record(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> RequestRecord:
        try:
            decoded = decode(body)
        except Refused:
            decoded = None
        # Also a key that is not ours: of a real account, sent here by mistake.
        keys = {self.api_key, headers.get("authorization", "").rpartition(" ")[2]} - {""}
        visible = {
            name: value
            for name, value in headers.items()
            if name not in _SECRET_HEADERS and not any(key in value for key in keys)
        }
        for key in keys:
            path = path.replace(key, "***")
        return RequestRecord(
            method=method,
            path=path,
            body=decoded,
            headers=visible,
            seconds=self.clock() - self._started_at,
        )

    def _complete(self, record: RequestRecord, answer: Answer) -> Answer:
        body = answer.body if isinstance(answer.body, dict) else {}
        done = attrs.evolve(record, status=answer.status, operation=body.get("operation"))
        for index in range(len(self._requests) - 1, -1, -1):
            if self._requests[index] is record:
                self._requests[index] = done
                break
        self.condition.notify_all()
        return answer

    # --- watching and steering -------------------------------------------------------------------

    def requests(self) -> list[RequestRecord]:
        """Return the requests so far, oldest first."""
        with self.condition:
            return list(self._requests)

    def phone(self, device: str | None = None) -> Phone:
        """Return what a phone shows now."""
        with self.condition:
            snapshot = self.snapshot(device)
            name = device or next((each.name for each in self.settings().devices), "")
            history = [each for each in self._service.account.history if name in each.devices]
            return Phone(
                cards=snapshot["cards"],
                pushes=snapshot["pushes"],
                badge=snapshot["badge"],
                widgets=snapshot["widgets"],
                history=history,
            )

    def snapshot(self, device: str | None = None) -> dict[str, Any]:
        """Return the phone's snapshot, JSON-ready."""
        with self.condition:
            return self._service.account.snapshot(self.clock(), device)

    def wait_for_revision(self, seen: int, timeout: float) -> dict[str, Any] | None:
        """Return the first snapshot newer than `seen`; None after `timeout` seconds or on close."""
        with self.condition:

            def newer() -> bool:
                return self.closed or self.snapshot()["revision"] != seen

            moment = self._service.account.next_moment()
            if moment is not None:
                timeout = min(timeout, max(0.05, moment - self.clock()))
            if not self.condition.wait_for(newer, timeout) or self.closed:
                return None
            return self.snapshot()

    def settings(self) -> Settings:
        """Return the account's settings as they are now."""
        return self._service.account.settings

    def configure(self, settings: Settings) -> None:
        """Replace the account's settings from the next request on."""
        with self.condition:
            self._service.account.settings = settings
            for key in settings.metrics or ():
                self._service.account.create_metric(key)
            self.touch()

    def create_metric(self, key: str) -> None:
        """Make a widget metric exist."""
        with self.condition:
            self._service.account.create_metric(key)

    def add_key(self, key: str, channels: frozenset[str] | None) -> None:
        """Accept one more API key."""
        with self.condition:
            self._service.add_key(key, channels)

    def pause(self, stream_key: str, *, paused: bool) -> None:
        """Pause or resume a stream."""
        with self.condition:
            self._service.account.pause(stream_key, paused=paused)

    def reset(self) -> None:
        """Return to a fresh account, an empty log and no faults."""
        with self.condition:
            self._service = self._fresh(self._service.account.revision + 1)
            self._requests.clear()
            self._errors.clear()
            self.faults.clear()
            self.condition.notify_all()

    def touch(self) -> None:
        """Have everybody who waits look again."""
        with self.condition:
            self._service.account.revision += 1
            self.condition.notify_all()

    def close(self) -> None:
        """Release every request that is held."""
        with self.condition:
            self.closed = True
            self.faults.clear()
            self.condition.notify_all()

    def errors(self) -> list[Exception]:
        """Return the emulator's own errors and forget them."""
        with self.condition:
            errors = list(self._errors)
            self._errors.clear()
            return errors


def _without_variables(trace: TracebackType | None) -> TracebackType | None:
    """Clear the frames of a traceback; the outermost ones still run and are left out."""
    kept = trace
    while trace is not None:
        try:
            trace.tb_frame.clear()
        except RuntimeError:
            kept = trace.tb_next
        trace = trace.tb_next
    return kept


def _spoiled(fault: Fault) -> Answer:
    if fault.kind == "garbage":
        body = "<html><body>502 Bad Gateway" if fault.body is None else fault.body
        return Answer(200, str(body))
    body = fault.body
    if body is None:
        body = {"error": "Injected fault", "message": f"The emulator was asked for {fault.status}"}
    return Answer(fault.status, body, dict(fault.headers))
