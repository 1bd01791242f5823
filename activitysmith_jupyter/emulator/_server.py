"""`Emulator`: the service on a loopback port of this process, for tests, demos, offline work."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import attrs
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ._app import BASE_PATH, App
from ._core import Core
from ._settings import Device, ManualClock, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TypeVar

    from ._core import Phone, RequestRecord
    from ._faults import Faults

    T = TypeVar("T")

__all__ = ["Device", "Emulator", "ManualClock", "Settings"]

HOST: Final = "127.0.0.1"
MOST_PORT: Final = 65_535


class _Handler(WSGIRequestHandler):
    # For the next bytes to come or to leave: nobody holds a thread by going silent half-way. A
    # request that the emulator itself holds, and the page that listens, wait without reading.
    timeout = 30.0

    def run_wsgi(self) -> None:
        """Answer a request whose target cannot be parsed, over which werkzeug would break."""
        try:
            urlsplit(self.path)
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        super().run_wsgi()

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's name
        """Say nothing: the request log is `Emulator.requests`."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing either; werkzeug would parse the target once more for it."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Close the connection for good; werkzeug would wait for its next request."""
        del error, environ
        self.close_connection = True


class _Server(ThreadedWSGIServer):
    def __init__(self, port: int, app: App, record_error: Callable[[Exception], None]) -> None:
        self.record_error = record_error
        if not 0 <= port <= MOST_PORT:  # the socket module would leave a socket open behind it
            raise OverflowError(f"a port is a number from 0 to {MOST_PORT}")
        # werkzeug ends the process when it cannot bind a port; a socket of our own raises.
        with socket.create_server((HOST, port), backlog=128) as listener:
            super().__init__(HOST, port, app, handler=_Handler, fd=listener.fileno())

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's name
        """Say nothing: errors are collected by the application."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep an error outside the application too; a client that went away is none."""
        del request, client_address
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.record_error(error)


class Emulator:
    """A local ActivitySmith: the whole API, and a phone that shows what it receives.

    It models what the service documents and what iOS does with it: updates beyond a card's budget
    are answered 200 and never reach the phone.

    Parameters
    ----------
    serve : bool, default True
        False opens no port: use `app` in-process, for example with ``httpx.WSGITransport``.
    port : int, default 0
        Port on 127.0.0.1; 0 takes a free one.
    clock : callable, default time.time
        Gives UNIX seconds; a `ManualClock` moves only when told to.
    api_key : str or None, default None
        The key it accepts; None makes one up. It starts with ``ask_``, as the service's do.
    **settings
        Fields of `Settings`: ``limit``, ``policy``, ``devices``, ``metrics``, ...

    Examples
    --------
    >>> import httpx
    >>> with Emulator() as emulator:
    ...     answer = httpx.post(
    ...         f"{emulator.base_url}/push-notification",
    ...         headers={"Authorization": f"Bearer {emulator.api_key}"},
    ...         json={"title": "Done"},
    ...     )
    ...     [push["title"] for push in emulator.phone.pushes]
    ['Done']
    """

    def __init__(
        self,
        *,
        serve: bool = True,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        api_key: str | None = None,
        **settings: Any,
    ) -> None:
        self._core = Core(
            Settings(**settings),
            clock=clock,
            api_key=api_key or f"ask_{secrets.token_urlsafe(24)}",
        )
        self.app = App(self._core)
        self._serve = serve
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        if isinstance(clock, ManualClock):
            clock.subscribe(self._core.touch)

    def __repr__(self) -> str:
        where = f"at {self.url}" if self._server or not self._serve else "not started"
        return f"<Emulator {where}>"

    # --- life ------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Open the port and serve from a daemon thread; does nothing the second time."""
        if self._core.closed:
            raise RuntimeError("a closed emulator does not start again: make a new one")
        if self._serve and self._server is None:
            self._server = _Server(self._port, self.app, self._core.record_error)
            self._thread = threading.Thread(
                target=self._server.serve_forever,
                kwargs={"poll_interval": 0.05},
                name="activitysmith-emulator",
                daemon=True,
            )
            self._thread.start()
        return self

    def close(self) -> None:
        """Release what hangs, close the port, and wait for the thread; twice is fine."""
        self._core.close()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if error is None:
            self.check()

    # --- where -----------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Address of the phone page."""
        if not self._serve:
            return f"http://{HOST}/"
        if self._server is None:
            raise RuntimeError("not started: use `with Emulator() as emulator:` or start()")
        return f"http://{HOST}:{self._server.port}/"

    @property
    def base_url(self) -> str:
        """Base URL of the API, without a slash at its end."""
        return self.url.removesuffix("/") + BASE_PATH

    @property
    def api_key(self) -> str:
        """The API key it accepts."""
        return self._core.api_key

    # --- what happened ---------------------------------------------------------------------------

    @property
    def requests(self) -> list[RequestRecord]:
        """Requests to the API so far, oldest first."""
        return self._core.requests()

    @property
    def phone(self) -> Phone:
        """What the first phone shows now, and all that ever reached it."""
        return self._core.phone()

    def phone_of(self, device: str) -> Phone:
        """Return the same for another phone, by its name."""
        if device not in {each.name for each in self.settings.devices}:
            raise ValueError(f"no device is named {device!r}")
        return self._core.phone(device)

    def wait_for(self, predicate: Callable[[], T], timeout: float = 5.0) -> T:
        """Wait until something holds, looking again whenever the emulator's state changes.

        Parameters
        ----------
        predicate : callable
            Called without arguments, from this thread, with the emulator standing still.
        timeout : float, default 5.0
            Seconds of real time.

        Returns
        -------
        object
            The first true value of `predicate`.

        Raises
        ------
        TimeoutError
            When it did not hold in time.
        """
        with self._core.condition:
            result = self._core.condition.wait_for(predicate, timeout)
        if not result:
            recent = [
                f"{record.method} {record.path} {record.status}" for record in self.requests[-5:]
            ]
            raise TimeoutError(f"not within {timeout} s; last requests: {recent}")
        return result

    def check(self) -> None:
        """Raise the emulator's own errors, if there were any, and forget them."""
        errors = self._core.errors()
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("errors inside the emulator", errors)

    # --- what shall happen -----------------------------------------------------------------------

    @property
    def clock(self) -> Callable[[], float]:
        """The clock it was given."""
        return self._core.clock

    @property
    def faults(self) -> Faults:
        """Faults in store: ``add(kind=..., ...)``, ``clear()``, ``release()``."""
        return self._core.faults

    @property
    def settings(self) -> Settings:
        """The account's settings as they are now."""
        return self._core.settings()

    def configure(self, **changes: Any) -> None:
        """Change settings from the next request on, until `reset`."""
        self._core.configure(attrs.evolve(self.settings, **changes))

    def create_metric(self, key: str) -> None:
        """Make a widget metric exist, as the web app does."""
        self._core.create_metric(key)

    def add_key(self, channels: tuple[str, ...] | None = None) -> str:
        """Return one more API key, confined to `channels` unless None."""
        key = f"ask_{secrets.token_urlsafe(24)}"
        self._core.add_key(key, None if channels is None else frozenset(channels))
        return key

    def pause(self, stream_key: str) -> None:
        """Pause a stream, as the web app does: its PUTs answer ``paused``."""
        self._core.pause(stream_key, paused=True)

    def resume(self, stream_key: str) -> None:
        """Resume a paused stream."""
        self._core.pause(stream_key, paused=False)

    def reset(self) -> None:
        """Return to a fresh account with the first settings, an empty log and no faults."""
        self._core.reset()
