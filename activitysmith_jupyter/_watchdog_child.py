"""The watchdog's program: wait on a pipe, and speak for a process that died.

Run as a script by a bare interpreter: it needs the standard library alone and reads no ``PYTHON``
variables, and while it waits it has imported next to nothing and parsed nothing, so that it is
small. What comes through the pipe, a line each, in ASCII:

=====================  ==========================================================================
``to N JSON``          a server and its key: ``base_url``, ``api_key``, ``ca_file``
``card N:KEY JSON``    the last words of an open card: ``to``, ``path``, ``body`` (JSON as text),
                       ``push`` (the same, or null), ``push_after_seconds``, ``died``
``gone N:KEY``         that card has ended
``bye``                the process ends by itself: say nothing
=====================  ==========================================================================

The pipe's end without ``bye`` is the process's end.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import urllib.request
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

# A noncharacter, which no text of a user's can be cut from: stands for the time of death.
CLOCK = "\ufdd0"

# A request that the process sent with its last breath must not arrive after ours.
SETTLE_SECONDS = 0.3
REQUEST_SECONDS = 5.0
GIVE_UP_SECONDS = 30.0
# Whatever a server does with its answer: no helper stays on a machine for ever.
LAST_EXIT_SECONDS = 60.0
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 8.0
_TOO_MANY = 429
_UNAVAILABLE = 503
_NOT_FOUND = 404
_SERVER_FAULT = 500


class Notes:
    """What was read from the pipe: the newest of each, as bytes."""

    def __init__(self) -> None:
        self.servers: dict[bytes, bytes] = {}
        # With the moment of arrival: some pushes are for runs of a certain length only.
        self.cards: dict[bytes, tuple[float, bytes]] = {}
        self.said_goodbye = False

    def read(self, lines: Iterable[bytes], clock: Callable[[], float] = time.monotonic) -> None:
        """Read to the end; a line that was cut short by the death is not one."""
        for line in lines:
            if not line.endswith(b"\n"):
                continue
            word, _, rest = line.rstrip(b"\n").partition(b" ")
            name, _, text = rest.partition(b" ")
            if word == b"card":
                self.cards[name] = (clock(), text)
            elif word == b"gone":
                self.cards.pop(name, None)
            elif word == b"to":
                self.servers[name] = text
            elif word == b"bye":
                self.said_goodbye = True


class Job:
    """One request until it has been said or cannot be.

    Parameters
    ----------
    method, url : str
        Of the request.
    server : mapping
        ``api_key`` and ``ca_file``.
    body : bytes
        JSON; empty sends none.
    """

    def __init__(self, method: str, url: str, server: Mapping[str, Any], body: bytes) -> None:
        self.method = method
        self.url = url
        self.body = body
        self._server = server
        self.is_over = False
        self.wait_seconds = 0.0

    def try_once(self, openers: dict[str, urllib.request.OpenerDirector]) -> None:
        """Send it; afterwards it is over, or waits for `wait_seconds` at least."""
        import urllib.error  # noqa: PLC0415  only a death needs it
        import urllib.request  # noqa: PLC0415  as above
        from http.client import HTTPException  # noqa: PLC0415  as above

        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self._server['api_key']}",
            "User-Agent": "activitysmith-jupyter-watchdog",
        }
        if self.body:
            headers["Content-Type"] = "application/json"
        self.is_over, self.wait_seconds = True, 0.0
        try:
            request = urllib.request.Request(  # noqa: S310  the parent checked the scheme
                self.url, self.body or None, headers, method=self.method
            )
            opener = _opener(self.url, str(self._server.get("ca_file") or ""), openers)
            opener.open(request, timeout=REQUEST_SECONDS).close()
        except urllib.error.HTTPError as error:
            error.close()
            self._refused(error.code, error.headers.get("Retry-After", ""))
        except urllib.error.URLError as error:
            self.is_over = self.method == "POST" and not _never_left(error.reason)
        except (OSError, HTTPException, ValueError):
            self.is_over = self.method == "POST"  # it may have arrived: never twice on the phone

    def _refused(self, status: int, retry_after: str) -> None:
        if status in {_TOO_MANY, _UNAVAILABLE}:
            self.is_over = False
            self.wait_seconds = float(retry_after) if retry_after.isdecimal() else 0.0
        elif status >= _SERVER_FAULT:
            self.is_over = self.method == "POST"
        elif self.method == "DELETE" and self.body and status != _NOT_FOUND:
            # Better an end without its last words than a card that never ends.
            self.body, self.is_over = b"", False


def _never_left(reason: object) -> bool:
    import socket  # noqa: PLC0415  only a death needs it
    import ssl  # noqa: PLC0415  as above

    refused = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
    return isinstance(reason, refused)


def _opener(
    url: str, ca_file: str, openers: dict[str, urllib.request.OpenerDirector]
) -> urllib.request.OpenerDirector:
    if ca_file not in openers:
        import ssl  # noqa: PLC0415  only a death needs it
        import urllib.request  # noqa: PLC0415  as above

        class NoRedirects(urllib.request.HTTPRedirectHandler):
            """The key goes to the host that the user named and to no other."""

            def redirect_request(self, *_: object) -> None:
                return None

        context = ssl.create_default_context()
        if ca_file and os.path.exists(ca_file):  # noqa: PTH110  pathlib would cost memory
            context.load_verify_locations(ca_file)
        handlers: list[Any] = [NoRedirects(), urllib.request.HTTPSHandler(context=context)]
        if url.startswith("http:"):  # for this machine only: it must not pass a proxy elsewhere
            handlers.append(urllib.request.ProxyHandler({}))
        openers[ca_file] = urllib.request.build_opener(*handlers)
    return openers[ca_file]


def jobs_of(notes: Notes, now: float, clock: str) -> list[Job]:
    """Return what there is to say: all ends first, then the pushes.

    Parameters
    ----------
    notes : Notes
        What was read.
    now : float
        The time of death, on the clock of the notes.
    clock : str
        The same as the user's wall shows it.
    """
    import json  # noqa: PLC0415  only a death needs it

    servers = {name: json.loads(text) for name, text in notes.servers.items()}
    ends: list[Job] = []
    pushes: list[Job] = []
    told: set[bytes] = set()
    for arrived, text in notes.cards.values():
        card = json.loads(text)
        name = str(card["to"]).encode()
        server = servers[name]
        body = card["body"].replace(CLOCK, clock).encode()
        ends.append(Job("DELETE", server["base_url"] + card["path"], server, body))
        is_due = now - arrived >= card["push_after_seconds"]
        # One death is one push, however many cards it ended.
        if card["push"] is None or not is_due or (card["died"] and name in told):
            continue
        if card["died"]:
            told.add(name)
        body = card["push"].replace(CLOCK, clock).encode()
        pushes.append(Job("POST", server["base_url"] + "/push-notification", server, body))
    return ends + pushes


def carry_out(
    jobs: list[Job],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Try until everything is said, for half a minute at most."""
    openers: dict[str, Any] = {}
    deadline = clock() + GIVE_UP_SECONDS
    pause = FIRST_WAIT_SECONDS
    while True:
        for job in jobs:
            if clock() < deadline:
                job.try_once(openers)
        jobs = [job for job in jobs if not job.is_over]
        wait = max([pause, *(job.wait_seconds for job in jobs)])
        if not jobs or clock() + wait >= deadline:
            return
        sleep(wait)
        pause = min(2 * pause, LONGEST_WAIT_SECONDS)


def _detach() -> None:
    """Be nobody's child, so that ``os.wait()`` in the user's program never waits for us."""
    if hasattr(os, "fork") and os.fork():
        os._exit(0)


def _be_deaf() -> None:
    """Outlive what ends the process; write the key into no memory dump."""
    import signal  # noqa: PLC0415  in the child only: tests import this module

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    # Linux hands a dump to a program (systemd's, Ubuntu's) whatever the limit is, also 0, but for
    # 1; and no file is so small. Where dumps are forbidden already, nobody may raise the limit.
    least = 1 if sys.platform == "linux" else 0
    hardest = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if hardest == resource.RLIM_INFINITY or hardest >= least:
        resource.setrlimit(resource.RLIMIT_CORE, (least, least))


def main() -> None:
    """Wait; speak if need be."""
    _be_deaf()  # first: it is inherited, and leaves no moment in between
    _detach()
    notes = Notes()
    with open(0, "rb", closefd=False) as pipe:
        notes.read(pipe)
    if notes.said_goodbye or not notes.cards:
        return
    died, clock = time.monotonic(), time.strftime("%H:%M")
    import threading  # noqa: PLC0415  only a death needs it

    last_exit = threading.Timer(LAST_EXIT_SECONDS, os._exit, (1,))
    last_exit.daemon = True
    last_exit.start()
    time.sleep(SETTLE_SECONDS)
    carry_out(jobs_of(notes, died, clock))


if __name__ == "__main__":
    sys.excepthook = lambda *_: None  # a traceback could show the key, and nobody would read it
    main()
