"""Whatever comes in: an answer of the contract, never an error of the emulator's own."""

from __future__ import annotations

import json
from urllib.parse import quote

import attrs
import httpx
import pytest
from hypothesis import given, settings, strategies as st
from support import rawjson, strategies

from activitysmith_jupyter.emulator import Emulator, ManualClock, Settings
from activitysmith_jupyter.emulator._phone import lock_screen

PROGRESS = {"title": "Train", "type": "progress", "percentage": 10}
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
VIEWS = ("requests", "phone", "settings", "faults")


class Target:
    """An emulator in-process that is looked at from every side after each request."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.emulator = Emulator(serve=False, clock=self.clock, metrics=None, rate_limits="off")
        transport = httpx.WSGITransport(app=self.emulator.app)
        self._client = httpx.Client(transport=transport, base_url=self.emulator.url, timeout=10)
        self._key = {"Authorization": f"Bearer {self.emulator.api_key}"}

    def send(self, method, path, body=b"", **headers):
        """Send one request and judge the answer and what is left behind."""
        request = self._client.build_request(
            method, path, content=body, headers={**self._key, **headers}
        )
        try:
            answer = self._client.send(request)
        except (ConnectionResetError, TimeoutError):  # a fault on order
            answer = None
        else:
            assert answer.status_code < 500 or self.is_ordered(answer)
        self.judge()
        return answer

    @staticmethod
    def is_ordered(answer):
        """Whether a fault that was asked for stands behind an answer."""
        return "Emulator error" not in answer.text

    def judge(self):
        """Fail unless the emulator is whole: no error, no lock held, everything shown is JSON."""
        self.emulator.check()
        assert not self.emulator.app._core.condition._is_owned()
        for view in VIEWS:
            shown = self._client.get(f"/_emulator/{view}")
            assert shown.status_code == 200, (view, shown.text)
            json.loads(shown.text, parse_constant=pytest.fail)
        snapshot = self._client.get("/_emulator/phone").json()
        lock_screen(snapshot, now=snapshot["now"])
        self.emulator.check()


def state_bodies():
    """Write good bodies of a stream."""
    return st.fixed_dictionaries(
        {"content_state": strategies.states(dismissal=True).map(lambda each: each.to_payload())},
        optional={
            "action": strategies.actions().map(lambda each: each.to_payload()),
            "metadata": strategies.metadata(),
            "tags": strategies.tags(),
        },
    )


def requests():
    """Write a request to the API, good but for one value."""
    states = rawjson.with_a_hole(state_bodies())
    pushes = rawjson.with_a_hole(strategies.pushes().map(lambda each: each.to_payload()))
    metrics = rawjson.with_a_hole(st.just({"value": 1, "timestamp": "2026-01-01T00:00:00Z"}))
    badges = rawjson.with_a_hole(st.just({"badge": 1, "target": {"channels": ["a"]}}))
    return st.one_of(
        st.tuples(st.just("PUT"), st.just("/api/live-activity/stream/train"), states),
        st.tuples(st.just("DELETE"), st.just("/api/live-activity/stream/train"), states),
        st.tuples(st.just("POST"), st.just("/api/live-activity/start"), states),
        st.tuples(st.just("POST"), st.just("/api/push-notification"), pushes),
        st.tuples(st.just("POST"), st.just("/api/metrics/loss/value"), metrics),
        st.tuples(st.just("POST"), st.just("/api/badge"), badges),
    )


def controls():
    """Write a request to a control, good but for one value."""
    faults = st.fixed_dictionaries(
        {"kind": st.sampled_from(["delay", "hang", "status", "reset", "garbage"])},
        optional={
            "times": st.just(1),
            "method": st.just("PUT"),
            "path": st.just("/live-activity/*"),
            "after": st.booleans(),
            "seconds": st.just(0),
            "status": st.sampled_from([200, 204, 304, 418, 503]),
            "body": strategies.json_objects(),
            "headers": st.just({"Retry-After": "1"}),
        },
    )
    phone = {"name": "a", "user": "b", "channels": ["c"], "live_activities": True}
    whole = attrs.asdict(Settings()) | {"devices": [phone], "metrics": ["a"], "channels": ["c"]}
    changes = st.sets(st.sampled_from(sorted(whole)), min_size=1, max_size=3).map(
        lambda names: {name: whole[name] for name in names}
    )
    names = st.sampled_from(["metrics", "pause", "resume", "release", "reset"])
    others = st.just({"key": "a", "stream_key": "a"})
    return st.one_of(
        st.tuples(st.just("/_emulator/faults"), rawjson.with_a_hole(faults)),
        st.tuples(st.just("/_emulator/settings"), rawjson.with_a_hole(changes)),
        st.tuples(names.map("/_emulator/{}".format), rawjson.with_a_hole(others)),
    )


@settings(max_examples=100, deadline=None)
@given(requests())
def test_request_with_one_wild_value_is_answered_by_the_contract(request_):
    """A value of another kind, size or depth anywhere in a good request is a 400 or is shown."""
    target = Target()
    method, path, body = request_
    target.send("PUT", "/api/live-activity/stream/train", json.dumps({"content_state": PROGRESS}))
    target.send(method, path, body.encode())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"title": "T", "payload": ' + '{"a":' * 80 + "1" + "}" * 81, "levels"),
        ('{"title": "T", "payload": ' + '{"a":' * 400 + "1" + "}" * 401, "levels"),
        ('{"title": "T", "payload": {"x": ' + "[" * 200_000 + "]" * 200_000 + "}}", "JSON"),
        ('{"title": "T", "payload": {"x": 1e999}}', "JSON"),
        ('{"title": "T", "payload": {"x": -1e999}}', "JSON"),
        ('{"title": "T", "payload": {"x": NaN}}', "JSON"),
        ('{"title": "\\ud800"}', "JSON"),
    ],
    ids=["levels", "more-levels", "endless", "infinite", "minus-infinite", "nan", "surrogate"],
)
def test_body_that_nothing_could_repeat_is_refused_and_not_shown(body, message):
    """What is too deep to be copied, or no JSON in an answer, is a 400; the log stays JSON."""
    target = Target()
    answer = target.send("POST", "/api/push-notification", body.encode())
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid JSON")
    assert message in answer.json()["message"]
    assert target.emulator.requests[0].body is None
    assert not target.emulator.phone.pushes


def test_body_of_many_levels_within_the_limit_is_taken():
    """A payload that goes down 60 levels is shown, compared and listed."""
    target = Target()
    body = '{"title": "T", "payload": ' + '{"a":' * 60 + "1" + "}" * 61
    assert target.send("POST", "/api/push-notification", body.encode()).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "method": True},
        {"kind": "status", "path": 5},
        {"kind": "status", "status": 404.5},
        {"kind": "status", "status": True},
        {"kind": "delay", "seconds": 1e10},
        {"kind": "status", "times": 0},
        {"kind": "status", "times": True},
        {"kind": "status", "headers": {"A\r\nB": "x"}},
        {"kind": "status", "headers": {"A": "x\r\nB: y"}},
        {"kind": "status", "headers": {"A": "\u20ac"}},
        {"kind": "status", "after": "no"},
    ],
    ids=str,
)
def test_fault_that_would_break_later_requests_is_refused(fault):
    """It is a 400 at once, not a 500 for everybody who comes after."""
    target = Target()
    assert target.send("POST", "/_emulator/faults", json.dumps(fault)).status_code == 400
    assert target.send("POST", "/api/badge", b'{"badge": 1}').status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"limit": 1, "metrics": ["No Key"]},
        {"limit": 1, "devices": [{"name": 5}]},
        {"limit": 1, "devices": [{"name": ""}]},
        {"limit": 1, "devices": [{"name": "a", "user": []}]},
        {"limit": 1, "devices": [{"name": "a", "live_activities": "no"}]},
    ],
    ids=str,
)
def test_setting_that_cannot_be_changes_nothing(change):
    """Of a change with one bad value no part holds."""
    target = Target()
    assert target.send("POST", "/_emulator/settings", json.dumps(change)).status_code == 400
    assert target.emulator.settings.limit == 5


@settings(max_examples=100, deadline=None)
@given(controls())
def test_control_with_wild_options_refuses_or_works(control):
    """What a control accepts cannot break the requests after it."""
    target = Target()
    path, body = control
    target.send("POST", path, body.encode())
    target.emulator.app._core.faults.release()
    for percentage in (10, 20, 30):
        state = PROGRESS | {"percentage": percentage}
        target.send("PUT", "/api/live-activity/stream/train", json.dumps({"content_state": state}))
    target.send("POST", "/api/push-notification", b'{"title": "T", "badge": 3}')


@settings(max_examples=60, deadline=None)
@given(
    method=METHODS,
    area=st.sampled_from(["/", "/api/", "/_emulator/", "/api/live-activity/stream/"]),
    path=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    body=st.binary(max_size=30),
    headers=st.dictionaries(
        st.sampled_from(["Content-Type", "Content-Encoding", "Authorization", "X-Any", "Cookie"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
        max_size=2,
    ),
)
def test_request_of_any_method_and_path_is_answered(method, area, path, body, headers):
    """Whatever comes in, at any address, the emulator itself does not break."""
    Target().send(method, area + quote(path), body, **headers)
