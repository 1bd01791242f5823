"""The emulator as a WSGI application: the API, the phone page, and control of both.

Made for loopback: only requests addressed to a loopback name are answered, so that a web page
which points its own name at 127.0.0.1 cannot read along, and whatever another page's script asks
for, be it to read or to steer, is refused by its Origin.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import attrs
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from ._api import Answer
from ._rules import Refused, decode
from ._settings import settings_from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from ._core import Core

__all__ = ["BASE_PATH", "App"]

BASE_PATH: Final = "/api"
MAX_BODY_BYTES: Final = 1024 * 1024  # choice: the service's limit is not documented
KEEP_ALIVE_SECONDS: Final = 15.0
_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


class _Request(Request):
    # One more than allowed: a body that names no length is cut there without an error.
    max_content_length = MAX_BODY_BYTES + 1

    def body(self) -> bytes:
        """Return the body, or refuse one that is too large or breaks HTTP's own rules."""
        try:
            body = self.get_data()
        except (ConnectionError, TimeoutError):
            raise  # nobody is there to be answered
        except OSError as error:  # chunks that are none
            raise BadRequest(str(error)) from None
        if len(body) > MAX_BODY_BYTES:
            raise RequestEntityTooLarge
        return body


class App:
    """A WSGI callable over a `Core`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._control: dict[tuple[str, str], Callable[[_Request], Any]] = {
            ("GET", "requests"): self._list_requests,
            ("GET", "phone"): self._show_phone,
            ("GET", "settings"): lambda _: attrs.asdict(core.settings()),
            ("POST", "settings"): self._configure,
            ("GET", "faults"): lambda _: {"faults": core.faults.waiting()},
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): lambda _: core.faults.clear(),
            ("POST", "release"): lambda _: core.faults.release(),
            ("POST", "reset"): lambda _: core.reset(),
            ("POST", "metrics"): lambda request: core.create_metric(_field(request, "key")),
            ("POST", "pause"): lambda request: core.pause(
                _field(request, "stream_key"), paused=True
            ),
            ("POST", "resume"): lambda request: core.pause(
                _field(request, "stream_key"), paused=False
            ),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; what goes wrong in the emulator itself is a 500 and is kept."""
        path = environ.get("PATH_INFO", "")
        if not path.isascii() and max(path) > "\xff":
            # In-process transports may pass text where WSGI has bytes in a latin-1 disguise.
            environ["PATH_INFO"] = path.encode("utf-8", "replace").decode("latin-1")
        request = _Request(environ)
        try:
            response = self._respond(request)
        except (ConnectionResetError, TimeoutError):
            raise  # a fault on order, or a client that went away: no answer
        except Refused as refused:
            response = _json(Answer(refused.status, refused.body, refused.headers))
        except HTTPException as error:
            status = error.code or 500
            response = _json(Answer(status, {"error": error.name, "message": error.description}))
        except Exception as error:  # noqa: BLE001  collected, and raised again by check()
            self._core.record_error(error)
            response = _json(Answer(500, {"error": "Emulator error", "message": repr(error)}))
        return response(environ, start_response)

    def _respond(self, request: _Request) -> Response:
        _check_host(request)
        _check_origin(request)
        path = request.path
        if path == BASE_PATH or path.startswith(f"{BASE_PATH}/"):
            answer = self._core.handle(
                request.method,
                path.removeprefix(BASE_PATH),
                headers={name.lower(): value for name, value in request.headers},
                body=request.body(),
                ip=request.remote_addr or "127.0.0.1",
                in_process="werkzeug.socket" not in request.environ,
            )
            return _json(answer)
        if path == "/" and request.method in ("GET", "HEAD"):
            return _page()
        area, _, name = path.removeprefix("/").partition("/")
        if area != "_emulator":
            return _json(Answer(404, {"error": "Not found", "message": "Nothing lives here"}))
        if name == "events" and request.method == "GET":
            return self._events()
        method = "GET" if request.method == "HEAD" else request.method
        control = self._control.get((method, name))
        if control is None:
            return _json(Answer(404, {"error": "Not found", "message": "No such control"}))
        try:
            done = control(request)
        except (TypeError, ValueError) as error:
            raise Refused(400, "Invalid control request", str(error)) from None
        return _json(Answer(200, {"success": True} if done is None else done))

    # --- control ---------------------------------------------------------------------------------

    def _list_requests(self, _: _Request) -> dict[str, Any]:
        return {"requests": [attrs.asdict(record) for record in self._core.requests()]}

    def _show_phone(self, request: _Request) -> dict[str, Any]:
        return self._core.snapshot(request.args.get("device"))

    def _configure(self, request: _Request) -> None:
        changes = decode(request.body())
        self._core.configure(settings_from_json(self._core.settings(), changes))

    def _add_fault(self, request: _Request) -> None:
        options = decode(request.body())
        if not isinstance(options, dict):
            raise ValueError("a fault is an object with a kind")  # noqa: TRY004  one error here
        self._core.faults.add(**options)

    def _events(self) -> Response:
        return Response(
            self._event_lines(),
            mimetype="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    def _event_lines(self) -> Iterator[str]:
        from . import _phone  # noqa: PLC0415  only who watches a phone loads its page

        revision = -1
        while not self._core.closed:
            snapshot = self._core.wait_for_revision(revision, KEEP_ALIVE_SECONDS)
            if snapshot is None:
                yield ": keep-alive\n\n"
                continue
            revision = snapshot["revision"]
            try:
                html = _phone.lock_screen(snapshot, now=snapshot["now"])
            except Exception as error:  # noqa: BLE001  collected, and raised again by check()
                self._core.record_error(error)
                return
            yield f"data: {json.dumps({'revision': revision, 'html': html})}\n\n"


def _page() -> Response:
    from . import _phone  # noqa: PLC0415  only who watches a phone loads its page

    html = _phone.page()
    return Response(
        html,
        mimetype="text/html",
        headers={
            "Content-Security-Policy": _phone.csp(html),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _json(answer: Answer) -> Response:
    """Return the HTTP form of an answer; text stays text, so that garbage is garbage."""
    is_text = isinstance(answer.body, str)
    response = Response(
        answer.body if is_text else json.dumps(answer.body),
        status=answer.status,
        mimetype="text/html" if is_text else "application/json",
    )
    for name, value in answer.headers.items():
        response.headers[name] = value
    return response


def _field(request: _Request, name: str) -> str:
    body = decode(request.body())
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string")  # noqa: TRY004  one error here
    return value


def _check_host(request: _Request) -> None:
    if not _LOOPBACK.fullmatch(request.environ.get("HTTP_HOST", "")):
        raise Refused(403, "Forbidden host", "The emulator answers to loopback names only")


def _check_origin(request: _Request) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.environ['HTTP_HOST']}":
        raise Refused(403, "Forbidden origin", "Another site's page has no business here")
