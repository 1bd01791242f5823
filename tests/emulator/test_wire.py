"""The emulator's port: who may talk to it, and what it does about talk that is no HTTP."""

from __future__ import annotations

import json
import re
import socket
import threading

import httpx
import pytest
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter.emulator import Emulator, _server

STATE = {"content_state": {"title": "T", "type": "progress", "percentage": 1}}


@pytest.fixture(scope="module")
def emulator():
    """Return a served emulator; nothing here may leave an error in it."""
    with Emulator(rate_limits="off", metrics=None) as running:
        yield running


@pytest.fixture(autouse=True)
def sound(emulator):
    """After each test it still answers, has no error of its own, and all requests ended."""
    yield
    assert httpx.get(f"{emulator.url}_emulator/phone", timeout=10).status_code == 200
    emulator.check()


def port_of(emulator):
    return httpx.URL(emulator.url).port


def talk(emulator, *parts, end=True):
    """Send bytes as they are and return all that comes back until the emulator hangs up."""
    address = ("127.0.0.1", port_of(emulator))
    with socket.create_connection(address, timeout=10) as raw:
        answer = b""
        try:
            for part in parts:
                raw.sendall(part)
            if end:
                raw.shutdown(socket.SHUT_WR)
            while piece := raw.recv(65536):
                answer += piece
        except ConnectionError:  # it hung up before we had said everything
            pass
        return answer


def request(emulator, method, path, *headers, body=b"", host=None, key=True):
    """Write a request by hand."""
    lines = [f"{method} {path} HTTP/1.1"]
    host = f"127.0.0.1:{port_of(emulator)}" if host is None else host
    lines += [f"Host: {host}"] if host else []
    lines += [f"Authorization: Bearer {emulator.api_key}"] if key else []
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


def status_of(answer):
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    assert found, answer[:200]
    return int(found[1])


# --- who may talk --------------------------------------------------------------------------------


def test_emulator_listens_on_loopback_only(emulator):
    """Its socket is bound to 127.0.0.1, and it has no option to bind another one."""
    assert emulator._server.socket.getsockname()[0] == "127.0.0.1"
    assert _server.HOST == "127.0.0.1"
    # Another address of the same machine: 127.0.0.2 is loopback as well, and not listened on.
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", port_of(emulator))) != 0


PLACES = [
    ("GET", "/"),
    ("GET", "/_emulator/phone"),
    ("GET", "/_emulator/events"),
    ("GET", "/_emulator/requests"),
    ("POST", "/_emulator/reset"),
    ("DELETE", "/_emulator/faults"),
    ("PUT", "/api/live-activity/stream/train"),
    ("POST", "/api/push-notification"),
]


@pytest.mark.parametrize(("method", "path"), PLACES, ids=lambda each: each)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil@127.0.0.1",
        "127.0.0.1:80:80",
        "127.0.0.1:x",
        "localhost.evil.example:1",
        "0.0.0.0:80",
        "127.1",
        "127.0.0.1, evil.example",
        "",
    ],
    ids=lambda host: host or "none",
)
def test_request_for_another_host_is_refused_everywhere(emulator, host, method, path):
    """A name that somebody pointed at this machine gets nothing, not even the page."""
    answer = talk(emulator, request(emulator, method, path, "Content-Length: 0", host=host))
    assert status_of(answer) == 403
    assert b"Forbidden host" in answer


def test_second_host_header_does_not_help(emulator):
    """Two names are none."""
    head = request(emulator, "GET", "/_emulator/phone", "Host: evil.example")
    assert status_of(talk(emulator, head)) == 403
    head = request(emulator, "GET", "http://evil.example/_emulator/phone")
    assert status_of(talk(emulator, head)) == 403


@pytest.mark.parametrize(("method", "path"), PLACES, ids=lambda each: each)
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:8888", "https://127.0.0.1:{port}", ""],
    ids=lambda origin: origin or "empty",
)
def test_request_of_another_site_s_page_is_refused_everywhere(emulator, origin, method, path):
    """Neither posts nor the event stream nor the API are open to another page, key or no key."""
    origin = origin.format(port=port_of(emulator))
    head = request(emulator, method, path, f"Origin: {origin}", "Content-Length: 0")
    answer = talk(emulator, head)
    assert status_of(answer) == 403
    assert b"Forbidden origin" in answer
    assert b"Access-Control" not in answer


def test_request_of_another_site_s_page_changes_and_records_nothing(emulator):
    """It neither reaches the account nor uses up a fault that a test has put in store."""
    emulator.reset()
    emulator.faults.add("status", times=1)
    body = json.dumps(STATE).encode()
    head = ("Origin: https://evil.example", f"Content-Length: {len(body)}")
    talk(emulator, request(emulator, "PUT", "/api/live-activity/stream/a", *head, body=body))
    assert emulator.requests == []
    assert len(emulator.faults.waiting()) == 1
    emulator.reset()


def test_preflight_of_another_site_s_page_is_refused(emulator):
    """A browser that asks first is told no, and no header that allows anything."""
    head = ("Origin: https://evil.example", "Access-Control-Request-Method: PUT")
    answer = talk(emulator, request(emulator, "OPTIONS", "/api/live-activity/stream/a", *head))
    assert status_of(answer) == 403
    assert b"Access-Control" not in answer


def test_phone_page_s_own_requests_are_answered(emulator):
    """The page itself may listen and steer."""
    own = {"Origin": emulator.url.removesuffix("/")}
    assert httpx.post(f"{emulator.url}_emulator/release", headers=own).status_code == 200
    with httpx.stream("GET", f"{emulator.url}_emulator/events", headers=own, timeout=10) as events:
        assert next(events.iter_lines()).startswith("data: ")


def test_request_hidden_in_the_body_of_another_is_not_carried_out(emulator):
    """What a refused request carries along is thrown away, never read as the next request."""
    emulator.reset()
    inner = request(emulator, "POST", "/api/badge", "Content-Length: 11", body=b'{"badge":1}')
    outer = request(
        emulator,
        "POST",
        "/_emulator/reset",
        "Origin: https://evil.example",
        f"Content-Length: {len(inner)}",
        body=inner,
    )
    answer = talk(emulator, outer + inner)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert status_of(answer) == 403
    assert emulator.phone.badge == 0


# --- bodies and headers --------------------------------------------------------------------------


BIG = b"x" * (3 * 1024 * 1024)
BODIES = {
    "lies-short": (("Content-Length: 5",), b'{"badge": 1}', 400),
    "lies-long": (("Content-Length: 500",), b'{"badge": 1}', 400),
    "no-length": ((), b'{"badge": 1}', 400),
    "negative": (("Content-Length: -1",), b'{"badge": 1}', 400),
    "no-number": (("Content-Length: many",), b'{"badge": 1}', 400),
    "two-lengths": (("Content-Length: 12", "Content-Length: 3"), b'{"badge": 1}', 400),
    "says-huge": (("Content-Length: " + "9" * 30,), b"{", 413),
    "is-huge": ((f"Content-Length: {len(BIG)}",), BIG, 413),
    "chunked": (("Transfer-Encoding: chunked",), b'c\r\n{"badge": 1}\r\n0\r\n\r\n', 200),
    "chunked-huge": (
        ("Transfer-Encoding: chunked",),
        f"{len(BIG):x}\r\n".encode() + BIG + b"\r\n0\r\n\r\n",
        413,
    ),
    "chunk-of-no-number": (("Transfer-Encoding: chunked",), b"zz\r\n{}\r\n0\r\n\r\n", 400),
    "chunk-negative": (("Transfer-Encoding: chunked",), b"-5\r\n{}\r\n0\r\n\r\n", 400),
    "chunk-unended": (("Transfer-Encoding: chunked",), b"c\r\n{", 400),
    "chunk-overlong": (("Transfer-Encoding: chunked",), b"2\r\n{}}}\r\n0\r\n\r\n", 400),
    "chunked-and-length": (
        ("Transfer-Encoding: chunked", "Content-Length: 3"),
        b'c\r\n{"badge": 1}\r\n0\r\n\r\n',
        200,
    ),
}


@pytest.mark.parametrize("path", ["/api/badge", "/_emulator/settings", "/_emulator/faults"])
@pytest.mark.parametrize("name", BODIES)
def test_body_that_is_not_what_its_head_says_is_refused(emulator, name, path):
    """Lengths that lie, chunks that are none and what is too large: a 4xx, and nothing is done."""
    headers, body, status = BODIES[name]
    emulator.reset()
    answer = talk(emulator, request(emulator, "POST", path, *headers, body=body))
    if path == "/api/badge":
        assert status_of(answer) == status
        assert emulator.phone.badge == (status == 200)
    else:  # whatever the body, a badge is neither a setting nor a fault
        assert status_of(answer) == (413 if status == 413 else 400)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: x\r\n" * 200 + b"\r\n", 431),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET //[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
    ],
    ids=["long-header", "many-headers", "long-target", "url", "double-slash"],
)
def test_head_that_is_too_large_or_no_http_is_refused(emulator, head, status):
    """The answer is HTTP's own, and the emulator has no error."""
    assert status_of(talk(emulator, head)) == status


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        "{badge}Content-Length: 12\r\n\r\n{{",
        "{badge}Transfer-Encoding: chunked\r\n\r\nc\r\n{{",
        b"POST /_emulator/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["nothing", "line", "header", "body", "chunk", "control"],
)
def test_client_that_falls_silent_half_way_is_let_go(emulator, beginning, monkeypatch):
    """No connection holds a thread for ever: after a while without a byte it is closed."""
    monkeypatch.setattr(_server._Handler, "timeout", 0.1)
    if isinstance(beginning, str):
        head = request(emulator, "POST", "/api/badge").decode().removesuffix("\r\n")
        beginning = beginning.format(badge=head).encode()
    emulator.reset()
    before = set(threading.enumerate())
    talk(emulator, beginning, end=False)  # returns when the emulator hangs up
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before
    assert emulator.phone.badge == 0


# --- any bytes -----------------------------------------------------------------------------------


def heads():
    """Write requests that are nearly right."""
    methods = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "get", "", "A" * 300])
    targets = st.one_of(
        st.sampled_from([path for _, path in PLACES if path != "/_emulator/events"]),
        st.sampled_from(["*", "//", "/%", "/%00", "/api/%2e%2e/", "/_emulator//reset", "?", ""]),
        st.text(st.characters(codec="latin-1"), max_size=12),
    )
    names = st.sampled_from(["Host", "Origin", "Content-Length", "Transfer-Encoding", "Expect"])
    values = st.one_of(
        st.sampled_from(["127.0.0.1", "localhost:1", "5", "-5", "chunked", "100-continue", "gzip"]),
        st.text(st.characters(codec="latin-1"), max_size=12),
    )
    lines = st.lists(st.builds("{}: {}".format, names, values), max_size=4)
    return st.builds(
        lambda method, target, lines, ends: "\r\n".join(
            [f"{method} {target} HTTP/1.1", *lines, ends]
        ).encode("latin-1"),
        methods,
        targets,
        lines,
        st.sampled_from(["\r\n", "\n\n", "", "\r\n{}"]),
    )


@settings(max_examples=100, deadline=None)
@given(st.one_of(heads(), st.builds(lambda a, b: a + b, heads(), st.binary(max_size=40))))
def test_any_bytes_on_the_socket_end_without_a_server_error(emulator, sent):
    """Whatever comes, the emulator hangs up by itself, says no 5xx, and has no error."""
    answer = talk(emulator, sent)
    statuses = {int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)}
    assert not {status for status in statuses if status >= 500} - {505}
    emulator.check()
