import json
import traceback
from urllib.parse import quote

import httpx
import pytest
from support.canary import CANARY, assert_no_key

from activitysmith_jupyter.emulator._api import Service

ENDPOINTS = [
    ("POST", "/push-notification"),
    ("PUT", "/push-notification/id"),
    ("PUT", "/live-activity/stream/key"),
    ("DELETE", "/live-activity/stream/key"),
    ("POST", "/live-activity/start"),
    ("POST", "/live-activity/update"),
    ("POST", "/live-activity/end"),
    ("POST", "/metrics/key/value"),
    ("POST", "/badge"),
]


def control(api, method, name, body=None, **headers):
    """Send a request beside the API, without a key."""
    app = httpx.WSGITransport(app=api.emulator.app)
    with httpx.Client(transport=app, base_url=api.emulator.url) as client:
        return client.request(method, name, json=body, headers=headers)


# --- key, path, body -----------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ask_wrong", "Basic {key}"])
def test_request_without_the_key_is_unauthorized(api, method, path, authorization):
    """Each endpoint wants the key before anything else, and 401 counts against no limit."""
    headers = {"Authorization": authorization.format(key=api.emulator.api_key)}
    refused = api.send(method, path, {}, headers=headers)
    assert refused.status_code == 401
    assert set(refused.json()) == {"error", "message"}
    assert "RateLimit" not in refused.headers


def test_request_to_no_endpoint_is_not_found(api):
    """Paths outside the contract are 404, an empty stream key among them."""
    for path in ("", "/", "/nothing", "/live-activity/stream/", "/badge/", "/metrics//value"):
        assert api.send("PUT", path, {}).status_code == 404, path


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_request_with_another_method_says_which_are_allowed(api, method, path):
    """A wrong method is 405 with the right ones."""
    refused = api.send("PATCH", path, {})
    assert refused.status_code == 405
    assert method in refused.headers["Allow"]


def test_stream_key_with_an_encoded_slash_meets_the_key_s_rule(api):
    """A percent-encoded slash belongs to the key and is refused as a character of it."""
    refused = api.put("a%2Fb")
    assert refused.status_code == 400
    assert refused.json()["error"] == "Invalid stream_key"


def test_body_that_is_no_json_is_refused(api):
    """Broken JSON is a 400 with an error and a message."""
    headers = {"Authorization": f"Bearer {api.emulator.api_key}"}
    refused = api._client.post("/badge", content=b"{", headers=headers)
    assert refused.status_code == 400
    assert api.emulator.requests[-1].body is None


def test_body_beyond_the_limit_is_too_large(api):
    """More than a mebibyte is a 413."""
    assert api.send("POST", "/badge", {"badge": "x" * 1024 * 1024}).status_code == 413


# --- rate limits ---------------------------------------------------------------------------------


def test_answer_carries_the_rate_limit_headers(api):
    """After one request, what remains is the quota minus one."""
    answer = api.send("POST", "/metrics/a/value", {"value": 1})
    assert answer.status_code == 404
    assert answer.headers["RateLimit"] == (
        '"public-api-ip:metrics"; r=599; t=60, "account:metrics"; r=299; t=60'
    )
    assert answer.headers["RateLimit-Policy"] == (
        '"public-api-ip:metrics"; q=600; w=60, "account:metrics"; q=300; w=60'
    )
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    ("path", "body", "quota"),
    [
        ("/push-notification", {"title": "T"}, 60),
        ("/badge", {"badge": 1}, 60),
        ("/live-activity/end", {}, 300),
        ("/metrics/a/value", {"value": 1}, 300),
    ],
)
def test_bucket_that_is_empty_refuses_until_its_window_ends(api, path, body, quota):
    """One more than the quota is the rate-limit 429, which says how long to wait."""
    for _ in range(quota):
        assert api.send("POST", path, body).status_code != 429
    api.clock.advance(20.5)
    refused = api.send("POST", path, body)
    assert refused.status_code == 429
    assert refused.json()["error"] == "Rate limit exceeded"
    assert refused.json()["code"] == "rate_limited"
    assert "limit" not in refused.json()
    assert refused.headers["Retry-After"] == "40"
    assert "r=0; t=40" in refused.headers["RateLimit"]
    # The buckets are independent, and the window ends.
    other = "/badge" if path != "/badge" else "/push-notification"
    assert api.send("POST", other, {}).status_code == 400
    api.clock.advance(39.5)
    assert api.send("POST", path, body).status_code != 429


def test_address_has_a_limit_of_its_own_across_buckets_of_the_account(api):
    """The per-address window is counted beside the account's and named in the headers."""
    for _ in range(3):
        answer = api.send("POST", "/push-notification", {"title": "T"})
    assert '"public-api-ip:notifications"; r=597' in answer.headers["RateLimit"]


def test_strict_profile_shares_one_window_and_tells_nothing(make_api):
    """The older rule: 60 a minute in all, without headers."""
    api = make_api(rate_limits="strict")
    for _ in range(30):
        answer = api.send("POST", "/push-notification", {"title": "T"})
        assert api.send("POST", "/badge", {"badge": 1}).status_code == 200
    assert "RateLimit" not in answer.headers
    refused = api.put()
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    api.clock.advance(60)
    assert api.put().status_code == 200


def test_rate_limits_can_be_switched_off(make_api):
    """Without limits there are no headers and no refusals."""
    api = make_api(rate_limits="off")
    answers = [api.send("POST", "/badge", {"badge": n}) for n in range(70)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers


# --- the log -------------------------------------------------------------------------------------


def test_request_log_has_the_facts_and_never_the_key(api):
    """Method, path, body, status, moment, operation: and no trace of the key."""
    api.clock.advance(12)
    api.percent(10)
    record = api.emulator.requests[0]
    assert (record.method, record.path) == ("PUT", "/live-activity/stream/train")
    assert record.body["content_state"]["percentage"] == 10
    assert (record.status, record.operation, record.seconds) == (200, "started", 12)
    assert record.headers["content-type"] == "application/json"
    assert "authorization" not in record.headers
    api.send("POST", f"/{api.emulator.api_key}", headers={"X-Key": api.emulator.api_key})
    everything = repr(api.emulator.requests) + repr(api.emulator)
    assert api.emulator.api_key not in everything
    assert api.emulator.api_key not in control(api, "GET", "_emulator/requests").text


def test_request_log_never_has_the_key_of_a_real_account(api):
    """Somebody forgot to change the key: the emulator refuses it and shows it nowhere."""
    for path in ("live-activity/stream/train", quote(CANARY, safe="")):
        answer = api.send("PUT", f"/{path}", {}, key=CANARY, headers={"X-Key": f"k={CANARY}"})
        assert answer.status_code == 401
        assert_no_key(answer.content)
    assert len(api.emulator.requests) == 2
    for path in ("requests", "phone", "settings", "faults"):
        assert_no_key(control(api, "GET", f"_emulator/{path}").content)
    assert_no_key(api._client.get(f"{api.emulator.url}").content, repr(api.emulator.requests))


# --- faults in-process ---------------------------------------------------------------------------


def test_fault_of_a_status_answers_as_told_for_its_times(api):
    """A status fault answers status, body and headers, and then it is over."""
    api.emulator.faults.add("status", status=503, times=2, headers={"Retry-After": "7"})
    api.emulator.faults.add("status", status=418, body={"error": "teapot"}, times=1)
    answers = [api.put() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 418, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[2].json() == {"error": "teapot"}
    assert [record.status for record in api.emulator.requests] == [503, 503, 418, 200]
    assert len(api.emulator.phone.history) == 1


def test_fault_meets_only_its_method_and_path(api):
    """Filters choose the requests a fault happens to."""
    api.emulator.faults.add("status", method="delete", path="/live-activity/stream/*")
    api.emulator.faults.add("status", status=500, path="/badge")
    assert api.put().status_code == 200
    assert api.send("DELETE", "/live-activity/stream/train").status_code == 503
    assert api.send("POST", "/badge", {"badge": 1}).status_code == 500
    api.emulator.faults.clear()
    assert api.send("POST", "/badge", {"badge": 1}).status_code == 200


def test_fault_after_the_request_carries_it_out_first(api):
    """The push arrived although its sender got an error."""
    api.emulator.faults.add("status", status=502, after=True)
    assert api.send("POST", "/push-notification", {"title": "T"}).status_code == 502
    assert [push["title"] for push in api.emulator.phone.pushes] == ["T"]


def test_fault_of_garbage_is_a_success_that_is_no_json(api):
    """Garbage looks like an answer and cannot be read."""
    api.emulator.faults.add("garbage", times=1)
    answer = api.put()
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    api.emulator.faults.add("garbage", body="{", times=1)
    assert api.put().text == "{"


def test_fault_of_a_reset_or_hang_is_raised_in_process(api):
    """Without a socket there is nothing to cut or to wait on, so both are raised."""
    api.emulator.faults.add("reset", times=1)
    with pytest.raises(ConnectionResetError):
        api.put()
    api.emulator.faults.add("hang", times=1)
    with pytest.raises(TimeoutError):
        api.put()
    assert [record.status for record in api.emulator.requests] == [None, None]
    assert api.put().status_code == 200


def test_fault_of_a_delay_answers_after_it(api):
    """A delayed request is carried out and answered."""
    api.emulator.faults.add("delay", seconds=0.0, times=1)
    assert api.put().json()["operation"] == "started"
    api.emulator.faults.add("delay", seconds=0.0, times=1, after=True)
    assert api.percent(20)["operation"] == "updated"


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "flood"},
        {"kind": "status", "status": 99},
        {"kind": "status", "headers": {"a": 1}},
        {"kind": "delay", "seconds": -1},
        {"kind": "reset", "times": "2"},
        {"kind": "reset", "when": "later"},
    ],
    ids=str,
)
def test_fault_that_cannot_be_is_refused(api, options):
    """A misspelt fault is an error at once, in Python and over HTTP."""
    with pytest.raises((ValueError, TypeError)):
        api.emulator.faults.add(**options)
    assert control(api, "POST", "_emulator/faults", options).status_code == 400
    assert not control(api, "GET", "_emulator/faults").json()["faults"]


# --- control over HTTP ---------------------------------------------------------------------------


def test_control_shows_requests_and_phone(api):
    """What Python sees of the phone and the log is there as JSON."""
    api.percent(10)
    requests = control(api, "GET", "_emulator/requests").json()["requests"]
    assert requests[0]["operation"] == "started"
    phone = control(api, "GET", "_emulator/phone").json()
    assert set(phone) == {"now", "revision", "badge", "cards", "pushes", "widgets"}
    assert phone["cards"] == api.emulator.phone.cards
    assert not control(api, "GET", "_emulator/phone?device=other").json()["cards"]


def test_control_adds_and_clears_faults(api):
    """Faults can be put in store, listed, released and cleared from outside."""
    fault = {"kind": "status", "status": 500, "times": 3}
    assert control(api, "POST", "_emulator/faults", fault).status_code == 200
    assert api.put().status_code == 500
    listed = control(api, "GET", "_emulator/faults").json()["faults"]
    assert [(each["status"], each["times"]) for each in listed] == [(500, 2)]
    assert control(api, "POST", "_emulator/release").status_code == 200
    control(api, "DELETE", "_emulator/faults")
    assert api.put().status_code == 200
    assert control(api, "POST", "_emulator/faults", [1]).status_code == 400


def test_control_pauses_streams_and_makes_metrics(api):
    """The switches of the web app are there over HTTP."""
    api.percent(10)
    assert control(api, "POST", "_emulator/pause", {"stream_key": "train"}).status_code == 200
    assert api.percent(20)["operation"] == "paused"
    control(api, "POST", "_emulator/resume", {"stream_key": "train"})
    assert api.percent(20)["operation"] == "updated"
    control(api, "POST", "_emulator/metrics", {"key": "loss"})
    assert api.send("POST", "/metrics/loss/value", {"value": 1}).status_code == 200
    assert control(api, "POST", "_emulator/metrics", {"key": "A"}).status_code == 400
    assert control(api, "POST", "_emulator/metrics", {}).status_code == 400


def test_control_changes_settings(api):
    """Settings can be read and changed; a wrong one is a 400 and changes nothing."""
    change = {"limit": 1, "devices": [{"name": "a", "channels": ["ops"]}]}
    assert control(api, "POST", "_emulator/settings", change).status_code == 200
    shown = control(api, "GET", "_emulator/settings").json()
    assert (shown["limit"], shown["devices"][0]["channels"]) == (1, ["ops"])
    for wrong in (
        {"limits": 1},
        {"limit": 0},
        {"metrics": "loss"},
        {"throttle_seconds": "x"},
        {"devices": [{"name": "a"}, {"name": "a"}]},
        [],
        3,
    ):
        assert control(api, "POST", "_emulator/settings", wrong).status_code == 400
    assert api.emulator.settings.limit == 1


def test_control_resets_to_the_beginning(api):
    """A reset forgets cards, requests, faults and changed settings; the key stays."""
    api.percent(10)
    api.emulator.configure(limit=1)
    api.emulator.faults.add("status")
    assert control(api, "POST", "_emulator/reset").status_code == 200
    assert api.emulator.requests == []
    assert api.emulator.phone.history == []
    assert api.emulator.settings.limit == 5
    assert api.percent(10)["operation"] == "started"


@pytest.mark.parametrize("path", ["_emulator/", "_emulator/nothing", "favicon.ico", "_emulators"])
def test_address_that_is_nothing_is_not_found(api, path):
    """Other addresses are 404."""
    assert control(api, "GET", path).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::1", "10.0.0.1:80"])
@pytest.mark.parametrize("path", ["", "_emulator/phone", "api/badge"])
def test_request_to_another_host_name_is_refused(api, host, path):
    """A web page that points its own name at this machine reads nothing."""
    refused = control(api, "GET", path, Host=host)
    assert refused.status_code == 403
    assert refused.json()["error"] == "Forbidden host"


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8025"])
def test_request_to_a_loopback_name_is_answered(api, host):
    """The machine's own names are fine."""
    assert control(api, "GET", "_emulator/phone", Host=host).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_control_by_another_page_is_refused(api, origin):
    """Another site's script cannot steer the emulator; the phone page itself can."""
    assert control(api, "POST", "_emulator/reset", Origin=origin).status_code == 403
    own = "http://127.0.0.1"
    assert control(api, "POST", "_emulator/reset", Origin=own).status_code == 200


def test_phone_page_is_sealed(api):
    """The page comes with a policy that lets it ask nothing from outside."""
    page = control(api, "GET", "")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy.replace("'unsafe-hashes'", "")


def test_error_of_the_emulator_itself_is_kept_and_raised(api, monkeypatch):
    """A fault of the emulator's own is a 500 and comes out of check()."""

    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(api.emulator.app._core, "handle", broken)
    assert api.put().status_code == 500
    assert api.put().status_code == 500
    with pytest.raises(ExceptionGroup, match="inside the emulator"):
        api.emulator.check()
    api.emulator.check()
    api.put()
    with pytest.raises(ZeroDivisionError):
        api.emulator.check()


def test_error_of_the_emulator_itself_shows_no_key(api, monkeypatch):
    """Whoever sees its traceback sees no variables: a request's headers may hold a real key."""

    def broken(*_, authorization, **__):
        try:
            raise LookupError
        except LookupError as error:
            raise ZeroDivisionError from error

    monkeypatch.setattr(Service, "answer", broken)
    api.send("PUT", "/live-activity/stream/train", {}, key=CANARY)
    try:
        api.emulator.check()
    except ZeroDivisionError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        text = "".join(shown.format())
    assert "in broken" in text
    assert_no_key(text)
