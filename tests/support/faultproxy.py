"""A way to the account on which everything can go wrong that goes wrong on networks."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

import attrs

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

__all__ = ["FAULTS", "FaultProxy", "port_of"]

_HOST: Final = "127.0.0.1"
_HUGE_BYTES: Final = 3 << 20
_DRIBBLE_SECONDS: Final = 0.01
_STOLEN: Final = "/api/stolen"

_PLAIN: Final = b'{"error": "%s", "message": "as the test wants it"}'
_BILLING: Final = (
    b'{"error": "trial_expired", "message": "over", "upgrade_url": "https://x.example"}'
)


def port_of(url: str) -> int:
    """Return the port of a URL such as the emulator's."""
    return int(url.split("//")[1].split("/", maxsplit=1)[0].rpartition(":")[2])


@attrs.frozen
class Answer:
    """An answer as it came from the account, or as the fault makes it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def head(self, length: int | None = None) -> bytes:
        """Return status line and headers, with a length that may be a lie."""
        names = [f"{name}: {value}" for name, value in self.headers]
        names.append(f"Content-Length: {len(self.body) if length is None else length}")
        reason = http.client.responses.get(self.status, "")
        return "\r\n".join([f"HTTP/1.1 {self.status} {reason}", *names, "", ""]).encode()


def _json(status: int, body: bytes, **headers: str) -> Answer:
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status, (("Content-Type", "application/json"), *more), body)


# Faults by what the server answers; the others are the wire's and stand in `FaultProxy`.
_ANSWERS: Final[dict[str, Answer]] = {
    "garbage-json": _json(200, b'{"success": tru'),
    "huge-body": _json(200, b'{"success": "' + b"x" * _HUGE_BYTES + b'"}'),
    "429-retry-after": _json(429, _PLAIN % b"Rate limit exceeded", Retry_After="1"),
    "429": _json(429, _PLAIN % b"Rate limit exceeded"),
    "500-burst": _json(500, _PLAIN % b"Server fault"),
    "401": _json(401, _PLAIN % b"Unauthorized"),
    "402": _json(402, _BILLING),
}
FAULTS: Final = (
    "refuse",
    "hang-at-connect",
    "hang-at-read",
    "slow-bytes",
    "reset-mid-body",
    "wrong-length",
    *_ANSWERS,
    "redirect",
    "bad-certificate",
)


class FaultProxy:
    """A proxy on loopback in front of an emulator, good until told otherwise.

    Parameters
    ----------
    port : int
        The emulator's.
    good, bad : ssl.SSLContext, optional
        Certificates of a server that speaks TLS: one that is trusted, one that is not.
    """

    def __init__(
        self, port: int, good: ssl.SSLContext | None = None, bad: ssl.SSLContext | None = None
    ) -> None:
        self._account = port
        self._good, self._bad = good, bad
        self._fault = ""
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()  # set when the present fault is
        self.met = threading.Event()  # set when something came to grief
        self._callers: list[socket.socket] = []
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind((_HOST, 0))
        self.port = self._place.getsockname()[1]
        # Whoever follows a redirect comes here.
        self.elsewhere = socket.create_server((_HOST, 0))
        self._listen()

    @property
    def base_url(self) -> str:
        """Where the account seems to be."""
        scheme = "http" if self._good is None else "https"
        return f"{scheme}://{_HOST}:{self.port}/api"

    # ------------------------------------------------------------------ what goes wrong

    def set(self, fault: str) -> None:
        """From now on, also for connections that are open."""
        self.heal()
        self.met.clear()
        self._fault = fault
        if fault in {"refuse", "hang-at-connect", "bad-certificate"}:
            self._deafen()
            if fault == "hang-at-connect":
                self._fill()
            elif fault == "bad-certificate":
                self._listen()

    def heal(self) -> None:
        """All is well again."""
        was, self._fault = self._fault, ""
        self._over.set()
        self._over = threading.Event()
        if was in {"refuse", "hang-at-connect", "bad-certificate"}:
            self._deafen()
            self._listen()

    def was_followed(self) -> bool:
        """Tell whether anybody went where a redirect pointed."""
        while True:
            self.elsewhere.settimeout(0)
            try:
                caller, _ = self.elsewhere.accept()
            except BlockingIOError:
                return False
            # A stranger that took this port for another one does not count.
            with caller, suppress(OSError):
                caller.settimeout(1)
                if _STOLEN.encode() in caller.recv(4096):
                    return True

    def close(self) -> None:
        """Shut everything."""
        self._over.set()
        self._deafen()
        self._place.close()
        self.elsewhere.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------ the wire

    def _renew(self) -> None:
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind((_HOST, self.port))

    def _listen(self) -> None:
        self._place.listen(64)
        threading.Thread(target=self._accept, args=(self._place,), daemon=True).start()

    def _deafen(self) -> None:
        """Stop listening, keep the port, cut what is connected."""
        with suppress(OSError):
            self._place.shutdown(socket.SHUT_RDWR)
        self._place.close()
        with self._lock:
            ends, self._connections = self._connections, set()
        for end in [*ends, *self._callers]:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._callers.clear()
        self._renew()

    def _fill(self) -> None:
        """Fill the queue of a server that never accepts: the next caller hears nothing."""
        self._place.listen(0)
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex((_HOST, self.port))
            self._callers.append(caller)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(near)
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        context = self._bad if self._fault == "bad-certificate" else self._good
        with suppress(OSError, ValueError), near:
            end = near if context is None else self._secure(near, context)
            with end, end.makefile("rb") as reader:
                while self._one_request(end, reader):
                    pass
        with self._lock:
            self._connections.discard(near)

    def _secure(self, near: socket.socket, context: ssl.SSLContext) -> socket.socket:
        secured = context.wrap_socket(near, server_side=True, do_handshake_on_connect=False)
        try:
            secured.do_handshake()
        except OSError:
            self.met.set()
            secured.close()
            raise
        with self._lock:
            self._connections.add(secured)
        return secured

    def _one_request(self, near: socket.socket, reader: Any) -> bool:
        """Answer one request; False ends the connection."""
        first = reader.readline()
        if not first:
            return False
        method, target, _ = first.decode().split(" ", 2)
        headers = http.client.parse_headers(reader)
        body = reader.read(int(headers.get("Content-Length", 0)))
        fault = self._fault
        if not fault:
            answer = self._ask(method, target, dict(headers), body)
            near.sendall(answer.head() + answer.body)
            return True
        over = self._over
        self.met.set()
        if fault in _ANSWERS:
            near.sendall(_ANSWERS[fault].head() + _ANSWERS[fault].body)
            return True
        if fault == "redirect":
            place = f"http://{_HOST}:{self.elsewhere.getsockname()[1]}{_STOLEN}"
            answer = _json(307, b"{}", Location=place)
            near.sendall(answer.head() + answer.body)
            return True
        if fault == "hang-at-read":
            over.wait()
            return False
        if fault in _BROKEN:
            _BROKEN[fault](near, self._ask(method, target, dict(headers), body), over)
        return False  # the other faults are for new connections: this one is being cut

    def _ask(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        account = http.client.HTTPConnection(_HOST, self._account, timeout=30)
        try:
            headers = {**headers, "Host": f"{_HOST}:{self._account}"}
            account.request(method, target, body or None, headers)
            answer = account.getresponse()
            kept = ("content-type", "retry-after", "ratelimit")
            names = tuple(pair for pair in answer.getheaders() if pair[0].lower() in kept)
            return Answer(answer.status, names, answer.read())
        finally:
            account.close()


def _dribble(near: socket.socket, answer: Answer, over: threading.Event) -> None:
    for byte in answer.head() + answer.body:
        near.sendall(bytes([byte]))
        if over.wait(_DRIBBLE_SECONDS):
            return


def _reset(near: socket.socket, answer: Answer, over: threading.Event) -> None:
    del over
    near.sendall(answer.head() + answer.body[: len(answer.body) // 2])
    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    near.close()


def _lie(near: socket.socket, answer: Answer, over: threading.Event) -> None:
    del over
    near.sendall(answer.head(len(answer.body) + 100) + answer.body)
    near.shutdown(socket.SHUT_RDWR)


_BROKEN: Final[dict[str, Callable[[socket.socket, Answer, threading.Event], None]]] = {
    "slow-bytes": _dribble,
    "reset-mid-body": _reset,
    "wrong-length": _lie,
}
