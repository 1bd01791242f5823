"""The wire: what is retried, what each answer becomes, and that the key shows nowhere."""

from __future__ import annotations

import contextlib
import gc
import html
import json
import logging
import re
import socket
import ssl
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import attrs
import httpx
import pytest
import stamina
from httpcore._backends import sync
from hypothesis import given, settings, strategies as st
from IPython.core.ultratb import VerboseTB
from support.canary import CANARY, assert_no_key

from activitysmith_jupyter import ActivitySmith, __version__, _http
from activitysmith_jupyter._delivery import RETRY_ATTEMPTS, Retry
from activitysmith_jupyter._http import Http, RateLimit, parse_rate_limit
from activitysmith_jupyter._secret import Secret
from activitysmith_jupyter.emulator import Emulator
from activitysmith_jupyter.exceptions import (
    ActivitySmithError,
    APIError,
    AuthenticationError,
    BadgeUpdateError,
    BadRequestError,
    BillingBlockedError,
    ConflictError,
    ConnectionFailedError,
    DeliveryTimeoutError,
    ForbiddenError,
    InvalidResponseError,
    LiveActivityLimitError,
    NoRecipientsError,
    NotFoundError,
    RateLimitError,
    ServerError,
)

KEY = CANARY
LOOPBACK = "http://127.0.0.1:9/api"
ALL = RETRY_ATTEMPTS

CALLS = {
    "stream": lambda client: client.live_activities.stream(
        "k", title="t", type="alert", message="m"
    ),
    "end_stream": lambda client: client.live_activities.end_stream("k"),
    "replace": lambda client: client.notifications.replace("n1", title="t"),
    "update": lambda client: client.live_activities.update(activity_id="a", title="t"),
    "end": lambda client: client.live_activities.end(activity_id="a", title="t"),
    "metric": lambda client: client.metrics.update("m", 1),
    "badge": lambda client: client.badge_count(1),
    "push": lambda client: client.notifications.send(title="t"),
    "start": lambda client: client.live_activities.start(title="t", type="alert", message="m"),
}
ONCE = {"push", "start"}
RATE = {"error": "Rate limit exceeded", "message": "Slow down"}
FULL = {"error": "Live Activity limit reached", "message": "m", "limit": 5, "active": 5}


@pytest.fixture
def emulator():
    """Serve an emulator on loopback."""
    with Emulator(api_key=KEY, metrics=None, rate_limits="off") as emulator:
        yield emulator


@pytest.fixture
def client(emulator):
    """Return a client of the served emulator."""
    with ActivitySmith(api_key=KEY, base_url=emulator.base_url) as client:
        yield client


@pytest.fixture(autouse=True)
def quick():
    """Retry as often as ever, without the waits between."""
    with stamina.set_testing(True, attempts=ALL, cap=True):
        yield


@pytest.fixture
def sleeps(monkeypatch):
    """Collect the waits between retries in seconds instead of waiting them."""
    waited = []
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=waited.append))
    with stamina.set_testing(False):
        yield waited


def answering(*answers, seen=None):
    """Return a client whose server gives these answers, the last one for ever."""
    waiting = list(answers)

    def answer(request):
        request.read()
        if seen is not None:
            seen.append(request)
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    return ActivitySmith(api_key=KEY, base_url=LOOPBACK, transport=httpx.MockTransport(answer))


def says(status, body=None, **headers):
    """Return a maker of answers with a JSON body."""
    return lambda: httpx.Response(
        status, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


def closed_port():
    """Return a loopback URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/api"


# --- what is retried


# What goes wrong, how often a repeatable call then reaches the server, and how often another.
FAULTS = {
    "500": ({"kind": "status", "status": 500}, ALL, 1),
    "504": ({"kind": "status", "status": 504}, ALL, 1),
    "503": ({"kind": "status", "status": 503}, ALL, ALL),
    "429": ({"kind": "status", "status": 429, "body": RATE}, ALL, ALL),
    "capacity": ({"kind": "status", "status": 429, "body": FULL}, 1, 1),
    "400": ({"kind": "status", "status": 400}, 1, 1),
    "401": ({"kind": "status", "status": 401}, 1, 1),
    "422": ({"kind": "status", "status": 422}, 1, 1),
    "reset": ({"kind": "reset"}, ALL, 1),
    "hang": ({"kind": "hang"}, ALL, 1),
    "garbage": ({"kind": "garbage"}, 1, 1),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_retry_of_each_call_after_each_failure_reaches_the_server_so_often(
    emulator, client, monkeypatch, call, fault
):
    """What may be repeated is; a push or start only where it cannot have been delivered."""
    options, repeatable, once = FAULTS[fault]
    if fault == "hang":
        monkeypatch.setattr(_http, "READ_SECONDS", 0.02)
    emulator.faults.add(**options)
    with pytest.raises(ActivitySmithError):
        CALLS[call](client)
    expected = once if call in ONCE else repeatable
    emulator.wait_for(lambda: len(emulator.requests) >= expected)
    emulator.faults.clear()
    assert len(emulator.requests) == expected


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")])
def test_retry_without_a_connection_tries_every_call_again(call, error):
    """Nothing can have been delivered where nobody was there."""
    seen = []
    with pytest.raises(ConnectionFailedError) as caught:
        CALLS[call](answering(error, seen=seen))
    assert len(seen) == ALL
    assert not caught.value.may_have_arrived


@pytest.mark.parametrize("error", [httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError])
def test_push_whose_connection_breaks_is_not_sent_again(error):
    """It may have arrived."""
    seen = []
    with pytest.raises(ConnectionFailedError, match="may or may not") as caught:
        CALLS["push"](answering(error("gone"), seen=seen))
    assert len(seen) == 1
    assert caught.value.may_have_arrived


def test_push_that_arrived_before_the_connection_broke_is_shown_once(emulator, client):
    """Never twice on the phone."""
    emulator.faults.add("reset", after=True, times=1)
    with pytest.raises(ConnectionFailedError):
        client.notifications.send(title="once")
    assert [push["title"] for push in emulator.phone.pushes] == ["once"]


def test_retry_that_succeeds_returns_the_answer(emulator, client):
    """Two bad moments are not heard of."""
    emulator.faults.add("status", status=503, times=1)
    emulator.faults.add("reset", times=1)
    assert client.live_activities.stream("k", title="t", type="alert", message="m").success
    assert len(emulator.requests) == 3


def test_retry_with_one_attempt_sends_once(emulator):
    """Who has a schedule of their own is not second-guessed."""
    emulator.faults.add("status", status=503)
    http = Http(base_url=emulator.base_url, api_key=Secret(KEY))
    with pytest.raises(ServerError):
        http.request("POST", "/badge", {"badge": 1}, retry=Retry(idempotent=True, attempts=1))
    assert len(emulator.requests) == 1
    http.close()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("text", "seconds"), [("7", 7), ("45", 45), ("0", 0.1)])
def test_retry_after_decides_the_wait(sleeps, status, text, seconds):
    """The service knows best."""
    client = answering(says(status, RATE, retry_after=text), says(200, {"success": True}))
    assert client.notifications.send(title="t").success
    assert sleeps == [seconds]


@pytest.mark.parametrize("text", ["46", "3600", "999999"])
def test_retry_after_beyond_patience_raises_at_once(sleeps, text):
    """Nobody waits an hour in a cell: the caller learns how long it would be."""
    seen = []
    with pytest.raises(RateLimitError) as caught:
        answering(says(429, RATE, retry_after=text), seen=seen).badge_count(1)
    assert (len(seen), sleeps) == (1, [])
    assert caught.value.retry_after_seconds == float(text)


@pytest.mark.parametrize("text", ["", "soon", "-1", "nan", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_retry_after_that_is_no_number_leaves_the_usual_backoff(sleeps, text):
    """Short, growing waits."""
    with pytest.raises(RateLimitError) as caught:
        answering(says(429, RATE, retry_after=text)).badge_count(1)
    assert caught.value.retry_after_seconds is None
    assert len(sleeps) == ALL - 1
    assert all(0 < wait <= 5 for wait in sleeps)


@pytest.mark.usefixtures("sleeps")
def test_retry_of_ours_is_not_logged_but_others_are(caplog):
    """The retry library warns of each retry; only our own are nobody's business."""
    answering(says(503), says(200, {"success": True})).badge_count(1)
    assert [record for record in caplog.records if record.name == "stamina"] == []

    @stamina.retry(on=KeyError, attempts=2)
    def theirs():
        raise KeyError("x")

    with pytest.raises(KeyError):
        theirs()
    assert [record.getMessage() for record in caplog.records if record.name == "stamina"] == [
        "stamina.retry_scheduled"
    ]


def test_retry_in_a_bare_interpreter_prints_nothing():
    """Without any logging set up, Python would print warnings to stderr."""
    script = """
import httpx, tenacity.nap, types
tenacity.nap.time = types.SimpleNamespace(sleep=lambda seconds: None)
from activitysmith_jupyter import ActivitySmith
answers = [httpx.Response(503), httpx.Response(200, json={"success": True})]
transport = httpx.MockTransport(lambda request: answers.pop(0))
client = ActivitySmith("ask_x", base_url="http://127.0.0.1:9", transport=transport)
assert client.badge_count(1).success and not answers
"""
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (run.stdout, run.stderr) == ("", "")


# --- what each answer becomes


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "Invalid stream_key", "message": "m"}, BadRequestError),
        (400, {"error": "value must be a finite number"}, BadRequestError),
        (401, {"error": "Unauthorized", "message": "m"}, AuthenticationError),
        (401, None, AuthenticationError),
        (401, "no JSON object", AuthenticationError),
        (402, {"error": "trial_expired", "message": "m"}, BillingBlockedError),
        (403, {"error": "Forbidden", "message": "m"}, ForbiddenError),
        (404, {"error": "Metric not found"}, NotFoundError),
        (404, {"error": "No recipients found", "message": "m"}, NoRecipientsError),
        (409, {"error": "Conflict", "message": "m"}, ConflictError),
        (418, None, APIError),
        (422, {"error": "No recipients found", "message": "m"}, NoRecipientsError),
        (429, FULL, LiveActivityLimitError),
        (429, {**FULL, "blocked_devices": 1, "targeted_devices": 2}, LiveActivityLimitError),
        (429, RATE, RateLimitError),
        (429, {**RATE, "limit": 60}, RateLimitError),
        (429, {**RATE, "limit": "5", "active": "5"}, RateLimitError),
        (429, None, RateLimitError),
        (500, {"error": "Internal", "message": "m"}, ServerError),
        (502, None, ServerError),
        (599, [1, 2], ServerError),
    ],
)
def test_error_answer_becomes_the_class_of_its_status(status, body, error):
    """One class a situation, with all that the answer said."""
    with pytest.raises(APIError) as caught:
        answering(says(status, body)).notifications.send(title="t")
    assert type(caught.value) is error
    assert caught.value.status == status
    assert caught.value.body == body
    if isinstance(body, dict):
        assert caught.value.error == body["error"]
        assert caught.value.message == body.get("message", "")
    assert str(status) in str(caught.value)
    assert caught.value.error


@pytest.mark.parametrize(
    ("status", "code"), [(422, "badge_device_disconnected"), (502, "badge_update_failed")]
)
def test_error_answer_of_the_badge_has_its_own_class(status, code):
    """A device has to reconnect, or the update failed."""
    body = {"error": "failed", "code": code, "message": "m", "badge": 3, "devices_updated": 0}
    with pytest.raises(BadgeUpdateError) as caught:
        answering(says(status, body)).badge_count(3)
    assert (caught.value.code, caught.value.body["devices_updated"]) == (code, 0)
    with pytest.raises(NoRecipientsError):
        answering(says(422, {"error": "No recipients found", "message": "m"})).badge_count(3)


def test_error_answer_names_the_way_to_upgrade():
    """Billing errors carry the page, and the trial's dates where there are some."""
    trial = {"started_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-08T00:00:00Z"}
    body = {
        "error": "trial_expired",
        "message": "m",
        "upgrade_url": "https://activitysmith.com/pricing",
        "trial_period": trial,
    }
    with pytest.raises(BillingBlockedError, match="https://activitysmith") as caught:
        answering(says(402, body)).badge_count(1)
    assert caught.value.upgrade_url == "https://activitysmith.com/pricing"
    assert caught.value.trial_period == trial


def test_error_answer_about_the_key_says_how_to_set_one():
    """The 401 body is not documented; the way out is ours."""
    with pytest.raises(AuthenticationError, match="ACTIVITYSMITH_API_KEY"):
        answering(says(401)).badge_count(1)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"null", b"[]", b'"text"', b"\xff\xfe", b"{", b"[" * 100_000, b"1" * 5000],
    ids=["empty", "html", "null", "list", "text", "bytes", "cut", "deep", "long"],
)
@pytest.mark.parametrize("status", [200, 204, 400])
def test_garbage_answer_is_an_error_of_ours(status, content):
    """Whatever stands there instead of JSON."""
    client = answering(httpx.Response(status, content=content))
    with pytest.raises((InvalidResponseError, BadRequestError)):
        client.badge_count(1)


@given(
    st.sampled_from([200, 201, 302, 400, 401, 402, 404, 422, 429, 500]),
    st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["error", "message", "code", "limit", "active", "upgrade_url", "success"]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=8,
        ).map(lambda body: json.dumps(body).encode()),
    ),
)
@settings(max_examples=120, deadline=None)
def test_any_answer_is_a_record_or_an_error_of_ours(status, content):
    """No answer makes anything else of ours fail."""
    with contextlib.suppress(ActivitySmithError):
        client = answering(httpx.Response(status, content=content))
        assert isinstance(client.badge_count(1).success, bool)


class _Endless(httpx.SyncByteStream):
    def __init__(self, part, after_each=lambda: None):
        self.part = part
        self.after_each = after_each
        self.given = 0

    def __iter__(self):
        while True:
            self.given += 1
            yield self.part
            self.after_each()


def test_huge_answer_is_not_read_to_its_end():
    """A megabyte is more than the service ever says."""
    body = _Endless(b"x" * 65536)
    with pytest.raises(InvalidResponseError, match="larger"):
        answering(httpx.Response(200, stream=body)).badge_count(1)
    assert body.given == 17


def test_answer_that_dribbles_is_given_up(monkeypatch):
    """One byte every nine seconds never meets the read time-out."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(_http, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    body = _Endless(b" ", lambda: setattr(now, "seconds", now.seconds + 9.0))
    with pytest.raises(DeliveryTimeoutError, match="slowly"):
        answering(httpx.Response(200, stream=body)).notifications.send(title="t")
    assert body.given == 4


def test_answer_with_a_broken_encoding_is_an_error_of_ours():
    """Says gzip, is none."""
    zipped = {"content-encoding": "gzip"}
    answer = httpx.Response(200, headers=zipped, stream=httpx.ByteStream(b"no gzip"))
    with pytest.raises(ConnectionFailedError):
        answering(answer).notifications.send(title="t")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed_and_the_other_host_sees_nothing(emulator, client, status):
    """The key goes to the host that the user named and to no other."""
    with Emulator(api_key=KEY) as other:
        emulator.faults.add(
            "status", status=status, headers={"Location": f"{other.base_url}/push-notification"}
        )
        with pytest.raises(InvalidResponseError, match="redirects are not followed"):
            client.notifications.send(title="t")
        assert other.requests == []
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_plain_http_passes_no_proxy(emulator, monkeypatch, name, scheme):
    """Loopback stays on this machine, also where the environment names a proxy."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        base_url = emulator.base_url.replace("http", scheme, 1)
        with ActivitySmith(api_key=KEY, base_url=base_url) as client:
            assert client.notifications.send(title="t").success
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "gopher://user:pa55word@proxy.example"),
        ("SSL_CERT_FILE", "/no/such/file.pem"),
    ],
)
def test_environment_that_cannot_be_used_is_a_connection_error(monkeypatch, name, value):
    """A broken proxy or certificate setting is named, without a proxy's password."""
    monkeypatch.setenv(name, value)
    client = ActivitySmith(api_key=KEY, base_url="https://127.0.0.1:9/api")
    with pytest.raises(ConnectionFailedError, match="HTTPS_PROXY") as caught:
        client.badge_count(1)
    assert "pa55word" not in "".join(traceback.format_exception(caught.value))


def test_https_to_a_server_without_tls_is_a_connection_error(emulator):
    """The handshake fails before the key has left."""
    secure = emulator.base_url.replace("http:", "https:")
    with (
        ActivitySmith(api_key=KEY, base_url=secure) as client,
        pytest.raises(ConnectionFailedError),
    ):
        client.badge_count(1)
    assert emulator.requests == []


def test_https_certificates_are_checked():
    """A certificate that nobody vouches for ends the connection."""
    http = Http(base_url="https://127.0.0.1:9", api_key=Secret(KEY))
    context = http._pool()._transport._pool._ssl_context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    http.close()


@pytest.mark.parametrize(
    ("raised", "error"),
    [(TimeoutError("t"), DeliveryTimeoutError), (ConnectionResetError("r"), ConnectionFailedError)],
)
def test_transport_of_the_callers_that_raises_is_an_error_of_ours(raised, error):
    """As the emulator's hang and reset are, where no socket lies between."""
    with pytest.raises(error):
        answering(raised).notifications.send(title="t")


def test_request_on_a_pool_that_another_thread_just_closed_is_an_error_of_ours(monkeypatch):
    """What may be repeated then goes out through a new pool."""
    transport = httpx.MockTransport(lambda _: says(200, {"success": True})())
    http = Http(base_url=LOOPBACK, api_key=Secret(KEY), transport=transport)
    closed = http._pool()
    http.close()
    pools = [closed, http._pool(), closed]
    monkeypatch.setattr(http, "_usable_pool", lambda: pools.pop(0))
    assert http.request("PUT", "/x", retry=Retry(idempotent=True)) == {"success": True}
    with pytest.raises(ConnectionFailedError, match="closed meanwhile"):
        http.request("POST", "/x", retry=Retry(idempotent=False))
    http.close()


def test_error_that_is_nobodys_plan_passes_unchanged():
    """A fault in a caller's transport is not dressed up as the network's."""
    with pytest.raises(RuntimeError, match=r"^bug$"):
        answering(RuntimeError("bug")).badge_count(1)
    with pytest.raises(ZeroDivisionError):
        answering(ZeroDivisionError()).badge_count(1)


# --- what is sent


def test_request_says_who_we_are():
    """Our own name in the documented format; no other client's."""
    seen = []
    answering(says(200, {"success": True}), seen=seen).notifications.send(title="t")
    headers = seen[0].headers
    assert headers["User-Agent"] == f"activitysmith-jupyter/{__version__}"
    assert headers["X-ActivitySmith-SDK"] == f"jupyter-v{__version__}"
    assert headers["Accept"] == headers["Content-Type"] == "application/json"
    assert headers.get_list("Authorization") == [f"Bearer {KEY}"]


def test_request_without_a_body_has_no_content_type():
    """The end of a stream may be a bare DELETE."""
    seen = []
    answering(says(200, {"success": True}), seen=seen).live_activities.end_stream("k")
    assert seen[0].content == b""
    assert "Content-Type" not in seen[0].headers


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
@settings(max_examples=60, deadline=None)
def test_request_body_is_json_in_utf8(title):
    """Any text arrives as it was."""
    seen = []
    answering(says(200, {"success": True}), seen=seen).notifications.send(title=title)
    assert json.loads(seen[0].content.decode("utf-8"), parse_constant=pytest.fail) == {
        "title": title
    }


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_request_body_never_holds_what_json_has_not(number):
    """The last line of defence behind the field checks."""
    with pytest.raises(ValueError, match="JSON"):
        _http._encode({"value": number})


@pytest.mark.parametrize(
    ("identifier", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("ü", "%C3%BC"),
        ("%2F", "%252F"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("a.b~c-d_e", "a.b~c-d_e"),
    ],
)
def test_path_parameter_stays_one_segment(identifier, segment):
    """Nothing in an id can lead to another endpoint."""
    seen = []
    answering(says(200, {"success": True}), seen=seen).notifications.replace(identifier, title="t")
    assert seen[0].url.raw_path.decode() == f"/api/push-notification/{segment}"


def test_time_outs_are_bounded():
    """Connecting takes 5 seconds at most, an answer 10, and a flush no more than it has."""
    seen = []
    answering(says(200, {"success": True}), seen=seen).badge_count(1)
    assert seen[0].extensions["timeout"]["connect"] == 5
    assert seen[0].extensions["timeout"]["read"] == 10
    http = Http(
        base_url=LOOPBACK,
        api_key=Secret(KEY),
        transport=httpx.MockTransport(lambda request: seen.append(request) or says(200, {})()),
    )
    http.request("PUT", "/x", retry=Retry(idempotent=True, attempts=1), timeout_seconds=0.5)
    assert set(seen[1].extensions["timeout"].values()) == {0.5}


def test_pool_after_a_fork_is_a_new_one():
    """The parent's sockets are not the child's."""
    http = Http(base_url=LOOPBACK, api_key=Secret(KEY))
    parents = http._pool()
    http._pid = -1
    assert http._pool() is not parents
    assert not parents.is_closed
    http.close()
    parents.close()


# --- rate-limit headers


@pytest.mark.parametrize(
    ("header", "limits"),
    [
        (
            '"public-api-ip:metrics"; r=591; t=41, "account:metrics"; r=287; t=41',
            [RateLimit("public-api-ip:metrics", 591, 41), RateLimit("account:metrics", 287, 41)],
        ),
        ('"a";r=0', [RateLimit("a", 0, 0)]),
        ('"a"; t=3', []),
        ("", []),
        ("limit=60, remaining=59", []),
        ('"a"; r=x; t=1', []),
        ('"broken; r=1', []),
    ],
)
def test_rate_limit_header_is_read(header, limits):
    """What can be read is; the rest is skipped."""
    assert list(parse_rate_limit(header)) == limits


@given(st.text('"; rt=,0123456789ab-', max_size=60))
@settings(max_examples=100, deadline=None)
def test_rate_limit_header_of_any_text_never_raises(header):
    """A header is no reason to fail."""
    assert all(limit.remaining >= 0 for limit in parse_rate_limit(header))


def test_rate_limits_of_the_newest_answer_are_kept():
    """Also from an answer that is an error."""
    client = answering(
        says(200, {"success": True}, ratelimit='"account:badges"; r=59; t=60'),
        says(400, {"error": "e", "message": "m"}, ratelimit='"account:badges"; r=58; t=59'),
    )
    client.badge_count(1)
    with pytest.raises(BadRequestError):
        client.badge_count(2)
    assert client.rate_limits == {"account:badges": RateLimit("account:badges", 58, 59)}


# --- the key


def _echo(status):
    return says(
        status,
        {
            "error": f"bad key {KEY}",
            "message": f"{html.escape(KEY)} {quote(KEY)}",
            "upgrade_url": f"https://x.example/{KEY}",
            KEY: [KEY, {"deep": KEY}],
        },
        location=f"https://x.example/{quote(KEY)}",
        x_more=KEY,
    )


FAILURES = {
    "refused": lambda: ActivitySmith(api_key=KEY, base_url=closed_port()),
    "connect": lambda: answering(httpx.ConnectError(f"cannot reach {KEY}")),
    "read": lambda: answering(httpx.ReadError(f"broke {KEY}")),
    "time-out": lambda: answering(httpx.ReadTimeout(KEY)),
    "protocol": lambda: answering(httpx.LocalProtocolError(f"Illegal header value {KEY}")),
    "os": lambda: answering(OSError(f"no {KEY}")),
    "bytes": lambda: answering(OSError(f"no {KEY.encode()}")),
    "no address": lambda: answering(says(302, location=f"{'x' * 50}{KEY}")),
    "garbage": lambda: answering(httpx.Response(200, content=KEY.encode())),
    "html": lambda: answering(httpx.Response(200, html="x", headers={"content-type": KEY})),
    "huge": lambda: answering(httpx.Response(200, content=KEY.encode() * 30_000)),
    "escaped": lambda: answering(
        httpx.Response(400, content=json.dumps({"error": KEY}).replace("/", "\\/").encode())
    ),
    **{
        str(status): lambda status=status: answering(_echo(status))
        for status in (302, 400, 401, 402, 403, 404, 409, 418, 422, 429, 500, 503)
    },
}


def _fail(client):
    """Fail with nothing of the key in this frame's variables."""
    try:
        client.notifications.send(title="t")
    except (ActivitySmithError, KeyboardInterrupt) as error:
        return error
    raise AssertionError("it did not fail")


def _shown(error):
    """Return what Python and a verbose notebook show of an error, variables and all."""
    plain = traceback.TracebackException.from_exception(error, capture_locals=True)
    verbose = VerboseTB(include_vars=True).text(type(error), error, error.__traceback__)
    assert "_once" in verbose
    return "".join(plain.format()) + verbose


def _chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("failure", FAILURES)
def test_key_is_in_nothing_that_an_error_shows(failure):
    """Not in its text, members or chain, nor in a traceback that shows variables."""
    error = _fail(FAILURES[failure]())
    for link in _chain(error):
        assert type(link).__module__.startswith("activitysmith_jupyter")
        assert_no_key(f"{link} {link!r} {link.args!r} {vars(link)!r}")
    assert_no_key(_shown(error))
    # What is cut off is scrubbed before that: no beginning of the key is left.
    assert KEY[:8] not in str(error)


@pytest.mark.parametrize("step", ["connect_tcp", "write", "read"])
def test_key_is_not_in_what_an_interrupt_shows(client, monkeypatch, step):
    """Ctrl-C may come in any moment, also in the middle of sending the header."""
    place = "SyncBackend" if step == "connect_tcp" else "SyncStream"
    here, original = threading.get_ident(), getattr(getattr(sync, place), step)

    def interrupted(*args, **options):
        if threading.get_ident() != here:  # a Ctrl-C is the main thread's
            return original(*args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(getattr(sync, place), step, interrupted)
    error = _fail(client)
    assert isinstance(error, KeyboardInterrupt)
    assert_no_key(_shown(error))


def test_key_is_not_in_an_answer_that_echoes_it():
    """Records are shown at the end of a cell."""
    client = answering(says(200, {"success": True, "message": f"hello {KEY}", "more": [KEY]}))
    result = client.badge_count(1)
    assert result.message == "hello [key]"
    assert_no_key(f"{result} {attrs.asdict(result)}")


def test_key_is_not_in_the_rate_limits_of_a_server_that_echoes_it():
    """The name of a quota is the server's word, too."""
    header = f'"{quote(KEY)}"; r=1; t=1'
    client = answering(says(200, {"success": True}, ratelimit=header))
    client.badge_count(1)
    (limit,) = client.rate_limits.values()
    assert limit.policy == "[key]"


def test_key_is_not_in_the_debug_log(emulator, client, caplog):
    """Neither httpx nor httpcore says it."""
    caplog.set_level(logging.DEBUG)
    client.notifications.send(title="t")
    emulator.faults.add("status", status=401)
    with pytest.raises(AuthenticationError):
        client.notifications.send(title="t")
    assert {"httpx", "httpcore.http11"} <= {record.name for record in caplog.records}
    assert_no_key(caplog.text, repr([vars(record) for record in caplog.records]))


def test_key_is_not_in_the_debug_log_of_a_server_that_echoes_it(emulator, client, caplog):
    """Of the headers of an answer, which httpcore logs, all but the key stays as it was."""
    caplog.set_level(logging.DEBUG)
    echo = {"X-Echo": f"Bearer {KEY}", "X-Other": quote(KEY)}
    emulator.faults.add("status", status=400, headers=echo)
    with pytest.raises(BadRequestError):
        client.badge_count(1)
    assert "(b'X-Echo', b'Bearer [key]'), (b'X-Other', b'[key]')" in caplog.text
    assert_no_key(caplog.text, repr([vars(record) for record in caplog.records]))


def test_log_of_a_client_that_is_gone_is_not_searched_for_its_key(caplog):
    """Nothing of a client stays behind: no key, no filter."""
    other = Secret("ask_of_nobody_else")
    with ActivitySmith(api_key=other.reveal(), base_url=LOOPBACK) as client:
        client._caller._http(client._caller._to)._pool()
        assert other in _http._keys_in_use()
    del client
    gc.collect()
    assert other not in _http._keys_in_use()
    names = [name for name in logging.root.manager.loggerDict if name.startswith("httpcore")]
    assert {len(logging.getLogger(name).filters) for name in names} <= {0, 1}


def test_key_is_not_in_what_the_objects_show(client):
    """Client, pool and httpx's own client."""
    client.notifications.send(title="t")
    (http,) = client._caller._opened.values()
    for thing in (client, client._caller, http, http._client, http._client.headers):
        shown = repr(thing) + repr(getattr(thing, "__dict__", ""))
        assert_no_key(shown)
    assert re.fullmatch(r"<ActivitySmith http://\S+, key from argument>", repr(client))


def test_http_writes_no_line_for_each_request_into_the_users_log(client, emulator, caplog):
    """A background thread would fill what logs at INFO; the user's own httpx still logs."""
    caplog.set_level(logging.INFO)
    client.badge_count(1)
    assert caplog.messages == []
    with httpx.Client() as theirs:
        theirs.get(emulator.url)
    (message,) = caplog.messages
    assert message.startswith("HTTP Request: GET")
