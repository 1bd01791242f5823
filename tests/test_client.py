from __future__ import annotations

import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from support import strategies
from support.account import Account, judge

from activitysmith_jupyter import (
    Action,
    ActivitySmith,
    ActivitySmithWarning,
    Badge,
    Icon,
    Metric,
    PayloadError,
    ProgressState,
    Push,
    StatsState,
    configure,
    content_state,
    metric,
)
from activitysmith_jupyter._say import say
from activitysmith_jupyter.emulator import Device, Emulator

PROGRESS = {"title": "Train", "type": "progress", "percentage": 42}


@pytest.fixture
def account():
    """Return a fresh account; what it was sent is judged by the official models at the end."""
    with Account() as account:
        yield account


def _answering(answer, *, seen=None):
    def respond(request):
        if seen is not None:
            seen.append(request)
        return httpx.Response(200, json=answer)

    return ActivitySmith(
        "ask_x", base_url="http://127.0.0.1:9", transport=httpx.MockTransport(respond)
    )


# --- ways to say the same


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (None, {"content_state": content_state(**PROGRESS)}),
        (None, {"content_state": ProgressState("Train", percentage=42)}),
        (None, {"content_state": PROGRESS}),
        (None, PROGRESS),
        (ProgressState("Train", percentage=42), {}),
        ({"content_state": PROGRESS}, {}),
        ({"content_state": ProgressState("Train", percentage=42)}, {}),
        (None, {"content_state": {**PROGRESS, "percentage": 1}, "percentage": 42}),
        ({"content_state": {**PROGRESS, "percentage": 1}}, {"percentage": 42}),
    ],
    ids=[
        "helper",
        "class",
        "dict",
        "flat",
        "class-alone",
        "request",
        "request-of-class",
        "flat-over-state",
        "flat-over-request",
    ],
)
def test_stream_takes_a_content_state_in_each_form(account, request_, fields):
    """Helper, class, dict or single fields: the same body."""
    account.client.live_activities.stream("run", request_, **fields)
    assert account.sent == {"content_state": PROGRESS}


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (None, {"title": "t", "message": "m"}),
        ({"title": "t", "message": "m"}, {}),
        (Push("t", message="m"), {}),
        ({"title": "t", "message": "old"}, {"message": "m"}),
        (Push("t"), {"message": "m"}),
    ],
    ids=["fields", "dict", "class", "fields-over-dict", "fields-over-class"],
)
def test_push_is_taken_in_each_form(account, request_, fields):
    """Fields, dict or class."""
    account.client.notifications.send(request_, **fields)
    assert account.sent == {"title": "t", "message": "m"}


@pytest.mark.parametrize(
    "fields",
    [
        {"channels": ["sales", "ios-builds"]},
        {"channels": ("sales", "ios-builds")},
        {"channels": "sales, ios-builds"},
        {"target": {"channels": ["sales", "ios-builds"]}},
    ],
    ids=["list", "tuple", "text", "target"],
)
def test_channels_are_taken_in_each_form(account, fields):
    """List, text with commas, or the API's own target."""
    client = account.client
    client.notifications.send(title="t", **fields)
    client.live_activities.stream("run", {"content_state": PROGRESS}, **fields)
    client.live_activities.start(content_state={**PROGRESS, "title": "b"}, **fields)
    client.badge_count(1, **fields)
    assert [record.body["target"] for record in account.requests] == [
        {"channels": ["sales", "ios-builds"]}
    ] * 4


@pytest.mark.parametrize("channels", [[], "", " , "])
def test_channels_that_name_none_are_left_out(account, channels):
    """As the service's own client does."""
    account.client.notifications.send(title="t", channels=channels)
    assert account.sent == {"title": "t"}


def test_helpers_are_the_same_as_functions_and_methods(account):
    """The documentation uses both."""
    live = account.client.live_activities
    assert (
        live.metric("CPU", 9, unit="%") == metric("CPU", 9, unit="%") == Metric("CPU", 9, unit="%")
    )
    assert live.alert_icon("bolt", color="red") == Icon("bolt", color="red")
    assert live.alert_badge("S3", color="red") == Badge("S3", color="red")
    assert live.TYPE_SEGMENTED_PROGRESS == "segmented_progress"


def test_typed_parts_inside_a_state_are_written(account):
    """Classes all the way down."""
    state = StatsState("Sales", metrics=[Metric("Orders", 37)], icon=Icon("cart"))
    button = Action("Open", "open_url", "https://example.com")
    account.client.live_activities.stream("run", state, action=button)
    assert account.sent == {
        "content_state": {
            "title": "Sales",
            "type": "stats",
            "metrics": [{"label": "Orders", "value": 37}],
            "icon": {"symbol": "cart"},
        },
        "action": {"title": "Open", "type": "open_url", "url": "https://example.com"},
    }


def test_metric_and_badge_take_a_whole_body(account):
    """As the service's own client does."""
    account.client.metrics.update("a", {"value": 1})
    account.client.badge_count({"badge": 3})
    assert [record.body for record in account.requests] == [{"value": 1}, {"badge": 3}]


# --- what is refused here costs no request

BAD = {
    "send-without-title": (lambda c: c.notifications.send(message="m"), "title"),
    "send-title": (lambda c: c.notifications.send(title=None), "title"),
    "send-unknown": (lambda c: c.notifications.send(title="t", subtilte="s"), "subtilte"),
    "send-media": (lambda c: c.notifications.send(title="t", media="http://a.example"), "media"),
    "send-redirection": (
        lambda c: c.notifications.send(title="t", redirection="no scheme"),
        "redirection",
    ),
    "send-level": (
        lambda c: c.notifications.send(title="t", interruption_level="loud"),
        "interruption_level",
    ),
    "send-tags": (lambda c: c.notifications.send(title="t", tags=["ok", "not ok"]), "tags[1]"),
    "send-metadata": (
        lambda c: c.notifications.send(title="t", metadata={"a": [1]}),
        "metadata.a",
    ),
    "send-no-mapping": (lambda c: c.notifications.send("t"), "request"),
    "replace-id": (lambda c: c.notifications.replace("", title="t"), "notification_id"),
    "replace-none": (lambda c: c.notifications.replace(None, title="t"), "notification_id"),
    "replace-channels": (
        lambda c: c.notifications.replace("n", title="t", channels=["a"]),
        "channels",
    ),
    "stream-key": (lambda c: c.live_activities.stream("a b", **PROGRESS), "stream_key"),
    "stream-empty-key": (lambda c: c.live_activities.stream("", **PROGRESS), "stream_key"),
    "stream-nothing": (lambda c: c.live_activities.stream("k"), "content_state"),
    "stream-title": (
        lambda c: c.live_activities.stream("k", type="progress", percentage=1),
        "content_state.title",
    ),
    "stream-percentage": (
        lambda c: c.live_activities.stream("k", **PROGRESS | {"percentage": 101}),
        "content_state.percentage",
    ),
    "stream-nan": (
        lambda c: c.live_activities.stream("k", **PROGRESS | {"percentage": float("nan")}),
        "content_state.percentage",
    ),
    "stream-metric": (
        lambda c: c.live_activities.stream(
            "k", title="t", type="stats", metrics=[{"label": "a", "value": -1}]
        ),
        "content_state.metrics[0].value",
    ),
    "stream-whole-state": (lambda c: c.live_activities.stream("k", PROGRESS), "title"),
    "stream-secondary": (
        lambda c: c.live_activities.stream(
            "k",
            title="t",
            type="stats",
            metrics=[{"label": "a", "value": 1}],
            secondary_action={"title": "x", "type": "open_url", "url": "https://a.example"},
        ),
        "secondary_action",
    ),
    "stream-two-targets": (
        lambda c: c.live_activities.stream(
            "k", {"content_state": PROGRESS, "channels": ["a"], "target": {"channels": ["b"]}}
        ),
        "channels",
    ),
    "end-stream-key": (lambda c: c.live_activities.end_stream("ä"), "stream_key"),
    "end-stream-channels": (
        lambda c: c.live_activities.end_stream("k", channels=["a"]),
        "channels",
    ),
    "start-type": (
        lambda c: c.live_activities.start(title="t", percentage=1),
        "content_state.type",
    ),
    "start-dismissal": (
        lambda c: c.live_activities.start(**PROGRESS, auto_dismiss_minutes=1),
        "content_state.auto_dismiss_minutes",
    ),
    "update-id": (lambda c: c.live_activities.update(title="t"), "activity_id"),
    "update-empty-id": (
        lambda c: c.live_activities.update(activity_id="", title="t"),
        "activity_id",
    ),
    "end-seconds": (
        lambda c: c.live_activities.end(activity_id="a", title="t", auto_dismiss_seconds=1),
        "content_state.auto_dismiss_seconds",
    ),
    "metric-key": (lambda c: c.metrics.update("Has Spaces", 1), "key"),
    "metric-bool": (lambda c: c.metrics.update("a", True), "value"),
    "metric-long": (lambda c: c.metrics.update("a", "x" * 65), "value"),
    "metric-time": (lambda c: c.metrics.update("a", 1, "yesterday"), "timestamp"),
    "badge-negative": (lambda c: c.badge_count(-1), "badge"),
    "badge-half": (lambda c: c.badge_count(1.5), "badge"),
    "badge-huge": (lambda c: c.badge_count(2**31), "badge"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_names_the_field_and_sends_nothing(account, name):
    """A mistake is told at once, by its place, and costs no request."""
    call, field = BAD[name]
    with pytest.raises(PayloadError) as caught:
        call(account.client)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}=")
    assert account.requests == []


# --- what we accept, the service accepts


@given(
    state=strategies.states(),
    after=strategies.states(dismissal=True),
    extras=st.fixed_dictionaries(
        {},
        optional={
            "action": strategies.actions(),
            "alert": strategies.alerts(),
            "tags": strategies.tags(),
            "metadata": strategies.metadata(),
        },
    ),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_state_we_accept_is_accepted_and_shown(state, after, extras):
    """By the emulator, written from the contract alone, and by the official models."""
    with Account() as account:
        live = account.client.live_activities
        first = live.stream("run", state, **extras)
        assert first.operation == "started"
        for name, value in state.to_payload().items():
            if name in account.card["content_state"]:
                assert account.card["content_state"][name] == value
        live.end_stream("run", after)
        started = live.start(state, **extras)
        whole = {"content_state": state, "activity_id": started.activity_id}
        live.update(whole, **{name: extras[name] for name in extras if name != "alert"})
        live.end(whole)
        assert {record.status for record in account.requests} == {200}


@given(push=strategies.pushes())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_push_we_accept_is_accepted_and_shown(push):
    """Sent, and again as its own replacement."""
    slugs = getattr(push, "channels", None) or ()
    phone = Device(name="iPhone", channels=tuple(slugs))
    with Account(devices=(phone,)) as account:
        sent = account.client.notifications.send(push)
        assert account.push["title"] == push.title
        body = push.to_payload()
        kept = {
            name: value
            for name, value in body.items()
            if name not in {"target", "channels", "sound", "interruption_level"}
        }
        account.client.notifications.replace(sent.notification_id, kept)
        assert {record.status for record in account.requests} == {200}


@given(
    key=strategies.stream_keys(),
    value=strategies.numbers() | strategies.texts(1, 64),
    badge=st.integers(0, 2**31 - 1),
)
@settings(max_examples=40, deadline=None)
def test_any_key_value_and_badge_we_accept_is_accepted(key, value, badge):
    """Keys, widget values and counts."""
    with Account() as account:
        account.client.live_activities.stream(key, **PROGRESS)
        assert account.card["stream_key"] == key
        account.client.metrics.update("a.b-c_d", value)
        assert account.phone.widgets["a.b-c_d"]["value"] == value
        account.client.badge_count(badge)
        assert account.phone.badge == badge


# --- answers


def test_result_tolerates_what_a_newer_server_says():
    """Unknown members and operations pass through."""
    answer = {"success": True, "operation": "teleported", "moons": 2}
    result = _answering(answer).live_activities.stream("k", **PROGRESS)
    assert (result.operation, result.raw["moons"]) == ("teleported", 2)


def test_result_tolerates_what_an_older_server_leaves_out():
    """An empty object is an answer."""
    result = _answering({}).notifications.send(title="t")
    assert (result.success, result.notification_id, result.devices_notified) == (False, None, None)


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True, "devices_notified": 1, "warning": "too often"},
        {"success": True, "devices_notified": 0},
    ],
    ids=["warning", "nobody"],
)
@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.notifications.send(title="t"),
        lambda c: c.live_activities.stream("k", **PROGRESS),
        lambda c: c.live_activities.end_stream("k"),
        lambda c: c.live_activities.start(**PROGRESS),
        lambda c: c.badge_count(1),
    ],
    ids=["send", "stream", "end_stream", "start", "badge"],
)
def test_warning_is_issued_once_at_the_callers_line(answer, call):
    """Worth knowing, with the place in the user's own code."""
    client = _answering(answer)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(client)
    assert len(caught) == 1
    assert caught[0].category is ActivitySmithWarning
    assert caught[0].filename == __file__
    assert caught[0].lineno == call.__code__.co_firstlineno


def test_warning_of_a_full_success_is_none():
    """Nothing to say, nothing said."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _answering({"success": True, "devices_notified": 2}).notifications.send(title="t")
    assert caught == []


def test_warning_that_is_an_error_for_the_user_is_printed(capsys):
    """A notice about the phone must not end a training run."""
    client = _answering({"success": True, "devices_notified": 0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert client.notifications.send(title="t").success
    assert "no device was notified" in capsys.readouterr().err


def test_warning_points_into_a_users_folder_that_begins_like_ours():
    """A project beside the package may be named after it."""
    folder = Path(sys.modules["activitysmith_jupyter"].__file__).parent
    file = f"{folder}_demo{os.sep}train.py"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(compile("\n\nsay('hello')", file, "exec"), {"say": say})  # noqa: S102  a user's file
    assert (caught[0].filename, caught[0].lineno) == (file, 3)


# --- disabled


def test_disabled_client_sends_nothing_and_needs_no_key(monkeypatch):
    """A quiet no-op, with records that say so."""
    monkeypatch.setenv("ACTIVITYSMITH_DISABLED", "1")
    seen = []
    transport = httpx.MockTransport(seen.append)
    with ActivitySmith(transport=transport) as client:
        live = client.live_activities
        results = [
            client.notifications.send(title="t"),
            client.notifications.replace("n", title="t"),
            live.stream("k", **PROGRESS),
            live.end_stream("k"),
            live.start(**PROGRESS),
            live.update(activity_id="a", title="t"),
            live.end(activity_id="a", title="t"),
            client.metrics.update("a", 1),
            client.badge_count(1),
        ]
        assert client.rate_limits == {}
    assert seen == []
    assert not any(result.success for result in results)
    assert all("ACTIVITYSMITH_DISABLED" in result.message for result in results)
    assert repr(client) == "<ActivitySmith disabled, key from nowhere>"


def test_disabled_client_still_checks_its_input():
    """What would fail tomorrow fails today."""
    configure(disabled=True)
    with pytest.raises(PayloadError):
        ActivitySmith().badge_count(-1)


# --- life of a client


def test_client_opens_nothing_before_its_first_request():
    """Making one is cheap, and closing it is fine."""
    client = ActivitySmith("ask_x")
    assert client._caller._opened == {}
    assert client.rate_limits == {}
    client.close()
    client.close()


def test_client_as_context_manager_closes_and_works_again():
    """The next call opens a new connection."""
    with Emulator() as emulator:
        with ActivitySmith(emulator.api_key, base_url=emulator.base_url) as client:
            client.notifications.send(title="one")
            (http,) = client._caller._opened.values()
            pool = http._client
        assert pool.is_closed
        client.notifications.send(title="two")
        client.close()
        assert [push["title"] for push in emulator.phone.pushes] == ["two", "one"]


def test_client_does_not_swallow_what_happens_inside_its_block():
    """`with` is for closing only."""
    with pytest.raises(KeyError), ActivitySmith("ask_x"):
        raise KeyError("x")


def test_client_shared_by_threads_delivers_everything_once():
    """Eight threads, one client, no lost or doubled push."""
    with Emulator(rate_limits="off") as emulator:
        client = ActivitySmith(emulator.api_key, base_url=emulator.base_url)
        together = threading.Barrier(8)

        def send(number):
            together.wait(10)
            for index in range(5):
                client.notifications.send(title=f"{number}.{index}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(send, range(8)))
        assert len(client._caller._opened) == 1
        client.close()
        titles = [push["title"] for push in emulator.phone.pushes]
        assert sorted(titles) == sorted(f"{n}.{i}" for n in range(8) for i in range(5))
        for record in emulator.requests:
            judge(record)


def test_client_of_a_confined_key_reaches_its_channels_only(account):
    """Scopes are the service's: a channel of somebody else's is refused there."""
    key = account.emulator.add_key(channels=("sales",))
    client = account.new_client(api_key=key)
    assert client.notifications.send(title="t").effective_channel_slugs == ["sales"]
    with pytest.raises(Exception, match="403 Invalid channel targeting"):
        client.notifications.send(title="t", channels=["ios-builds"])
