from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from activitysmith_openapi import models
from hypothesis import assume, given, settings, strategies as st
from support import strategies

from activitysmith_jupyter._payloads import (
    Action,
    AlertText,
    Badge,
    Icon,
    Metric,
    ProgressState,
    Push,
    TimerState,
    ValueState,
)
from activitysmith_jupyter._requests import (
    badge_body,
    check_activity_id,
    check_notification_id,
    end_body,
    metric_body,
    push_body,
    replace_body,
    start_body,
    stream_body,
    stream_end_body,
    update_body,
)
from activitysmith_jupyter.emulator import _rules
from activitysmith_jupyter.exceptions import PayloadError

ITEM = {"label": "CPU", "value": 9, "unit": "%"}
PROGRESS = {"title": "x", "type": "progress", "percentage": 1}
LINK = {"title": "t", "type": "open_url", "url": "https://a.example"}
HOOK = {
    "title": "Pause",
    "type": "webhook",
    "url": "https://ops.example.com/pause",
    "method": "POST",
    "body": {"job_id": "reindex-2026-03-19"},
}
LIVE = {
    "stream": (stream_body, {}),
    "stream_end": (stream_end_body, {}),
    "start": (start_body, {}),
    "update": (update_body, {"activity_id": "a1"}),
    "end": (end_body, {"activity_id": "a1"}),
}


# --- what the service's documentation teaches works


@pytest.mark.parametrize(
    "state",
    [
        {
            "title": "Revenue",
            "type": "value",
            "value": "$1,240",
            "color": "green",
            "icon": {"symbol": "dollarsign.circle", "color": "green"},
            "badge": {"title": "↑ 18%", "color": "purple"},
        },
        {
            "title": "Sales",
            "subtitle": "last hour",
            "type": "stats",
            "metrics": [
                {"label": "Revenue", "value": "$2430", "color": "blue"},
                {"label": "Orders", "value": "37", "color": "green"},
            ],
        },
        {
            "title": "Reactivation",
            "message": "Lumen came back after 2 weeks",
            "type": "alert",
            "icon": {"symbol": "cloud.sun", "color": "yellow"},
            "badge": {"title": "Customer", "color": "magenta"},
        },
        {"title": "Server Health", "subtitle": "prod-web-1", "type": "metrics", "metrics": [ITEM]},
        {
            "title": "Nightly Backup",
            "type": "segmented_progress",
            "number_of_steps": 3,
            "current_step": 2,
        },
        {"title": "Reindex", "subtitle": "catalog-v2", "type": "progress", "percentage": 42},
        {"title": "Benchmark", "type": "timer", "duration_seconds": 300, "color": "cyan"},
        {"title": "Benchmark", "type": "timer", "counts_down": False},
    ],
    ids=lambda state: state["type"],
)
def test_stream_of_every_documented_type_is_written_unchanged(state):
    """The documented examples pass as a mapping, as fields, as a request and as a start."""
    body = {"content_state": state}
    assert stream_body(content_state=state) == body
    assert stream_body(**state) == body
    assert stream_body(body) == body
    assert start_body(**state) == body
    assert stream_end_body(**state, auto_dismiss_seconds=30) == {
        "content_state": {**state, "auto_dismiss_seconds": 30}
    }


@pytest.mark.parametrize(
    "push",
    [
        {"title": "New subscription 💸", "message": "Customer upgraded to Pro plan"},
        {"title": "MRR", "icon": "https://cdn.activitysmith.com/integrations/icons/stripe.png"},
        {"title": "Homepage ready", "media": "https://cdn.example.com/output/homepage-v2.png"},
        {"title": "Homepage ready", "redirection": "https://github.com/acme/web/pull/482"},
        {
            "title": "New subscription 💸",
            "actions": [
                LINK,
                {"title": "C", "type": "open_url", "url": "shortcuts://run-shortcut?name=Jarvis"},
                {"title": "S", "type": "open_url", "url": "spotify:track:6rqhFgbbKwnb9MLmUQDhG6"},
                HOOK,
            ],
        },
        {"title": "🚨 checkout-api is down", "interruption_level": "time-sensitive"},
        {"title": "x", "metadata": {"id": "382", "amount": 29, "trial": False}},
        {"title": "x", "tags": ["user:382", "billing"]},
        {"title": "x", "target": {"channels": ["sales"]}},
        {"title": "x", "payload": {"a": 1}, "badge": 3, "sound": "default", "subtitle": "s"},
    ],
)
def test_push_of_every_documented_kind_is_written_unchanged(push):
    """The documented examples pass as fields and as a request."""
    assert push_body(**push) == push
    assert push_body(push) == push


def test_stream_with_all_its_members_is_written_unchanged():
    """Buttons, alert, channels, tags and metadata stand beside the content state."""
    state = {"title": "a", "type": "alert", "message": "m"}
    body = stream_body(
        content_state=state,
        action=HOOK,
        secondary_action=Action("Deny", "webhook", "https://a.example"),
        alert=AlertText("t", "b"),
        channels=["ios-builds"],
        tags=["a"],
        metadata={"n": 1},
    )
    assert body == {
        "content_state": state,
        "action": HOOK,
        "secondary_action": {"title": "Deny", "type": "webhook", "url": "https://a.example"},
        "alert": {"title": "t", "body": "b"},
        "tags": ["a"],
        "metadata": {"n": 1},
        "target": {"channels": ["ios-builds"]},
    }


def test_update_may_leave_out_the_type_and_clear_tags_and_metadata():
    """Empty lists and objects travel, since they clear."""
    fields = {"title": "Customer Import", "percentage": 60}
    body = update_body(activity_id="a1", **fields, tags=[], metadata={})
    assert body == {"activity_id": "a1", "content_state": fields, "tags": [], "metadata": {}}


def test_end_by_id_takes_minutes():
    """An activity that was started by hand leaves after whole minutes."""
    body = end_body({"activity_id": "a1", "content_state": {"title": "x"}}, auto_dismiss_minutes=0)
    assert body["content_state"] == {"title": "x", "auto_dismiss_minutes": 0}


def test_stream_end_without_anything_is_empty():
    """Then no body is sent at all."""
    assert stream_end_body() == {}
    assert stream_end_body({}) == {}


# --- merging


def test_keyword_fields_go_over_content_state_and_that_over_the_request():
    """The nearer to the call, the stronger."""
    request = {"content_state": {"title": "request", "type": "progress", "percentage": 1}}
    body = stream_body(request, content_state={"title": "state", "percentage": 2}, percentage=3)
    assert body["content_state"] == {"title": "state", "type": "progress", "percentage": 3}
    assert request["content_state"]["percentage"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ((ProgressState("x", percentage=1),), {}),
        ((), {"content_state": ProgressState("x", percentage=1)}),
        (({"content_state": ProgressState("x", percentage=1)},), {}),
        ((ProgressState("x", percentage=5),), {"percentage": 1}),
    ],
)
def test_typed_state_stands_wherever_a_mapping_does(arguments):
    """Classes and mappings mix."""
    positional, named = arguments
    assert stream_body(*positional, **named) == {"content_state": PROGRESS}


def test_typed_parts_stand_wherever_mappings_do():
    """Metrics, icons and badges may be objects too."""
    body = stream_body(
        title="x", type="value", value=1, icon=Icon("star"), badge=Badge("b", color="red")
    )
    assert body["content_state"]["icon"] == {"symbol": "star"}
    assert body["content_state"]["badge"] == {"title": "b", "color": "red"}
    metrics = stream_body(title="x", type="stats", metrics=[Metric("CPU", 9, unit="%")])
    assert metrics["content_state"]["metrics"] == [ITEM]


def test_push_object_with_fields_over_it_is_one_push():
    """A prepared push can be varied."""
    push = Push("x", "m", channels=["a"])
    assert push_body(push, message="n", channels="b") == {
        "title": "x",
        "message": "n",
        "target": {"channels": ["b"]},
    }


# --- recipients


@pytest.mark.parametrize(
    ("fields", "slugs"),
    [
        ({"channels": ["a", " b "]}, ["a", "b"]),
        ({"channels": "a, b,"}, ["a", "b"]),
        ({"target": {"channels": ["a"]}}, ["a"]),
        ({"target": {"channels": "a,b"}}, ["a", "b"]),
        ({"channels": ["b", "a"], "target": {"channels": ["a", "b"]}}, ["a", "b"]),
        ({"channels": []}, None),
        ({"channels": " , "}, None),
    ],
)
def test_recipients_are_written_as_one_target(fields, slugs):
    """However the channels are given, the service gets them at one place, or not at all."""
    bodies = (
        push_body(title="x", **fields),
        stream_body(PROGRESS_BODY, **fields),
        start_body(PROGRESS_BODY, **fields),
        badge_body(1, **fields),
    )
    for body in bodies:
        assert "channels" not in body
        assert body.get("target") == (None if slugs is None else {"channels": slugs})


PROGRESS_BODY = {"content_state": PROGRESS}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"channels": ["a"], "target": {"channels": ["b"]}}, "channels"),
        ({"channels": [1]}, "channels[0]"),
        ({"channels": 3}, "channels"),
        ({"channels": None}, "channels"),
        ({"target": {"channels": []}}, "target.channels"),
        ({"target": {}}, "target.channels"),
        ({"target": {"channel": ["a"]}}, "target.channel"),
        ({"target": ["a"]}, "target"),
    ],
)
def test_recipients_that_contradict_or_miss_are_refused(fields, field):
    """Two different answers to the question who gets it are an error."""
    for make in (
        lambda: push_body(title="x", **fields),
        lambda: stream_body(PROGRESS_BODY, **fields),
        lambda: badge_body(1, **fields),
    ):
        with pytest.raises(PayloadError) as caught:
            make()
        assert caught.value.field == field


# --- which member exists where


@pytest.mark.parametrize(
    ("member", "value", "operations"),
    [
        ("content_state", {"title": "x"}, {"stream", "stream_end", "update", "end"}),
        ("activity_id", "a1", {"update", "end"}),
        ("action", LINK, set(LIVE)),
        ("secondary_action", LINK, set(LIVE)),
        ("alert", {"title": "t"}, {"stream", "stream_end", "start"}),
        ("alert", {}, {"stream", "stream_end", "start"}),
        ("channels", ["a"], {"stream", "start"}),
        ("target", {"channels": ["a"]}, {"stream", "start"}),
        ("tags", ["a"], set(LIVE)),
        ("metadata", {"a": 1}, set(LIVE)),
        ("message", "m", set()),
        ("payload", {}, set()),
        ("sound", "s", set()),
        ("typo", 1, set()),
    ],
)
@pytest.mark.parametrize("operation", LIVE)
def test_member_is_accepted_only_by_the_operations_that_have_it(
    operation, member, value, operations
):
    """Nothing that the service would drop or refuse leaves the machine."""
    make, more = LIVE[operation]
    base = {**more, "content_state": PROGRESS}
    given = {**base, member: value}
    if operation in operations:
        assert make(**given)
        assert make(given) == make(**given)
    else:
        for attempt in (lambda: make(**given), lambda: make(given)):
            with pytest.raises(PayloadError, match=member if member != "content_state" else "type"):
                attempt()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"action": {**LINK, "url": "spotify:x"}}, "action.url"),
        ({"action": {**LINK, "url": "javascript:x"}}, "action.url"),
        ({"action": {**LINK, "body": {}}}, "action.body"),
        ({"action": {**LINK, "colour": "red"}}, "action.colour"),
        ({"action": {"title": "t", "url": "https://a.example"}}, "action.type"),
        ({"action": "https://a.example"}, "action"),
        ({"action": None}, "action"),
        ({"secondary_action": {**HOOK, "url": "http://a.example"}}, "secondary_action.url"),
        ({"alert": {"text": "t"}}, "alert.text"),
        ({"alert": "t"}, "alert"),
        ({"alert": {"title": 3}}, "alert.title"),
        ({"tags": ["a b"]}, "tags[0]"),
        ({"metadata": {"a": []}}, "metadata.a"),
        ({"percentage": 101}, "content_state.percentage"),
        ({"percentage": None}, "content_state.percentage"),
        ({"auto_dismis_minutes": 1}, "auto_dismis_minutes"),
    ],
)
def test_live_member_against_its_rule_is_refused_by_its_path(fields, field):
    """The path in the error is the one in the body."""
    with pytest.raises(PayloadError) as caught:
        stream_body(PROGRESS_BODY, **fields)
    assert caught.value.field == field


@pytest.mark.parametrize("kind", ["stats", "metrics", "timer"])
def test_second_button_on_a_type_without_room_is_refused(kind):
    """The error says which types have two buttons."""
    state = {"title": "x", "type": kind}
    with pytest.raises(PayloadError, match="segmented_progress, progress, alert, value"):
        update_body(activity_id="a1", content_state=state, secondary_action=LINK)


@pytest.mark.parametrize(
    "make",
    [
        stream_body,
        lambda: stream_body({}),
        lambda: stream_body(tags=["a"]),
        lambda: stream_body(content_state={}),
        lambda: stream_body({"title": "x"}),
        lambda: stream_body("x"),
        lambda: stream_body(Push("x")),
        lambda: stream_end_body(auto_dismiss_minutes=0),
        lambda: start_body(title="x"),
        lambda: start_body(TimerState("x")),
        lambda: start_body(ProgressState("x", percentage=1, auto_dismiss_minutes=1)),
        lambda: update_body(title="x"),
        lambda: update_body(activity_id="", title="x"),
        lambda: update_body(activity_id="a1"),
        lambda: end_body(activity_id="a1", title="x", auto_dismiss_seconds=1),
        push_body,
        lambda: push_body(message="m"),
        lambda: push_body(title="x", mesage="m"),
        lambda: push_body(ValueState("x", value=1)),
        lambda: push_body([("title", "x")]),
        lambda: replace_body(title="x", sound="s"),
        lambda: replace_body(title="x", interruption_level="active"),
        lambda: replace_body(title="x", channels=["a"]),
        lambda: replace_body(Push("x", channels=["a"])),
        lambda: replace_body(message="m"),
        lambda: check_activity_id(""),
        lambda: check_notification_id(""),
        lambda: check_notification_id(None),
    ],
)
def test_body_that_is_not_whole_or_not_of_its_kind_is_refused(make):
    """Missing, misplaced and foreign members are errors of ours, not tracebacks."""
    with pytest.raises(PayloadError):
        make()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: stream_body({"title": "x"}), "belongs inside content_state"),
        (lambda: stream_body(PROGRESS_BODY, percentge=3), "Did you mean percentage"),
        (lambda: push_body(title="x", mesage="m"), "Did you mean message"),
        (lambda: replace_body(title="x", channels=["a"]), "recipients of the original"),
        (lambda: update_body(activity_id="a", title="x", channels=["a"]), "fixed at the start"),
        (lambda: end_body(activity_id="a", title="x", auto_dismiss_seconds=1), "_minutes"),
        (lambda: start_body(TimerState("x")), "counts_down=False"),
        (lambda: stream_body(PROGRESS_BODY, subtitle=None), "Leave the field out"),
    ],
)
def test_error_says_what_to_do(make, words):
    """Every common mistake is answered with its remedy."""
    with pytest.raises(PayloadError, match=words):
        make()


def test_replacement_takes_all_that_a_push_shows():
    """Content is replaced in full; empty tags and metadata clear."""
    push = {
        "title": "x",
        "message": "m",
        "subtitle": "s",
        "icon": "https://a.example/i",
        "redirection": "https://a.example",
        "actions": [LINK],
        "payload": {},
        "badge": 1,
        "tags": [],
        "metadata": {},
    }
    assert replace_body(**push) == push
    assert not _officially_refused(models.PushNotificationReplaceRequest, push)


def test_identifiers_pass_unchanged():
    """Ids are opaque."""
    assert check_activity_id("a/b") == "a/b"
    assert check_notification_id("n 1") == "n 1"


# --- widget metrics and the badge


@pytest.mark.parametrize(
    ("value", "plain"),
    [(99.9, 99.9), (-3, -3), ("healthy", "healthy"), ("x" * 64, "x" * 64), (np.float32(0.5), 0.5)],
)
def test_metric_value_of_either_kind_is_written(value, plain):
    """Numbers of either sign and short text."""
    assert metric_body("deploy.success_rate", value) == {"value": plain}
    assert metric_body("deploy.success_rate", {"value": value}) == {"value": plain}


@pytest.mark.parametrize(
    ("timestamp", "written"),
    [
        (datetime(2026, 1, 31, 14, 32, tzinfo=UTC), "2026-01-31T14:32:00.000Z"),
        (
            datetime(2026, 1, 31, 14, 32, tzinfo=timezone(timedelta(hours=-5))),
            "2026-01-31T19:32:00.000Z",
        ),
        (pd.Timestamp("2026-01-31 14:32", tz="UTC"), "2026-01-31T14:32:00.000Z"),
        ("2026-01-31T14:32:00Z", "2026-01-31T14:32:00.000Z"),
        ("2026-01-31T14:32:00.5+02:00", "2026-01-31T12:32:00.500Z"),
    ],
)
def test_metric_timestamp_is_written_in_utc(timestamp, written):
    """Any way of naming a moment gives the same moment in UTC."""
    assert metric_body("a", 1, timestamp) == {"value": 1, "timestamp": written}
    assert metric_body("a", {"value": 1, "timestamp": timestamp})["timestamp"] == written


def test_metric_timestamp_without_a_zone_is_local_time():
    """As everywhere in Python."""
    naive = datetime(2026, 1, 31, 14, 32)  # noqa: DTZ001  the point of the test
    written = metric_body("a", 1, naive)["timestamp"]
    assert datetime.fromisoformat(written) == naive.astimezone()


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("Bad Key", 1), "key"),
        (("a", True), "value"),
        (("a", float("nan")), "value"),
        (("a", ""), "value"),
        (("a", "x" * 65), "value"),
        (("a", None), "value"),
        (("a", {}), "value"),
        (("a", {"value": 1, "at": 2}), "at"),
        (("a", 1, "yesterday"), "timestamp"),
        (("a", 1, "2026-01-31"), "timestamp"),
        (("a", 1, "2026-13-31T00:00:00Z"), "timestamp"),
        (("a", 1, 1_700_000_000), "timestamp"),
        (("a", 1, None), "timestamp"),
        (("a", 1, pd.NaT), "timestamp"),
        (("a", 1, datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))), "timestamp"),
    ],
)
def test_metric_body_against_its_rules_is_refused(arguments, field):
    """Booleans, NaN, long text and dates that are no moments."""
    with pytest.raises(PayloadError) as caught:
        metric_body(*arguments)
    assert caught.value.field == field


@pytest.mark.parametrize("count", [0, 8333, 2_147_483_647, np.int64(3)])
def test_badge_count_within_the_bounds_is_written(count):
    """Zero clears, and 2147483647 is the most."""
    assert badge_body(count) == {"badge": int(count)}
    assert badge_body({"badge": count}, channels="a") == {
        "badge": int(count),
        "target": {"channels": ["a"]},
    }


@pytest.mark.parametrize("count", [-1, 2_147_483_648, 1.5, True, "3", None, {}, {"bage": 1}])
def test_badge_count_beyond_the_bounds_is_refused(count):
    """Half a badge is none."""
    with pytest.raises(PayloadError):
        badge_body(count)


# --- the official models as oracle


def _officially_refused(model, body):
    try:
        model.from_dict(json.loads(json.dumps(body, allow_nan=False)))
    except Exception:  # noqa: BLE001  the generated models fail in many ways; all mean no
        return True
    return False


def _extras():
    return st.fixed_dictionaries(
        {},
        optional={
            "action": strategies.actions(),
            "tags": strategies.tags(),
            "metadata": strategies.metadata(),
        },
    )


@given(
    strategies.states(),
    _extras(),
    st.fixed_dictionaries(
        {}, optional={"alert": strategies.alerts(), "channels": strategies.channels()}
    ),
)
@settings(max_examples=60)
def test_body_of_a_start_or_stream_passes_the_official_models(state, extras, more):
    """Whatever we would put on the wire, the service's own client could."""
    assert not _officially_refused(
        models.LiveActivityStreamRequest, stream_body(state, **extras, **more)
    )
    assert not _officially_refused(
        models.LiveActivityStartRequest, start_body(state, **extras, **more)
    )


@given(strategies.broken_pushes())
@settings(max_examples=100)
def test_push_that_the_official_model_refuses_is_refused_by_us(push):
    """Nothing reaches the service that its own client would have stopped."""
    assume(_officially_refused(models.PushNotificationRequest, push))
    with pytest.raises(PayloadError):
        push_body(push)


# --- the emulator, written from the contract alone, as a second one


def _refused_by_the_emulator(endpoint, body):
    try:
        checked = _rules.check_request(endpoint, body)
        state = checked.get("content_state")
        if state is not None:
            _rules.require_complete(state, state["type"], starting=True)
    except _rules.Refused:
        return True
    return False


@given(strategies.broken_states())
@settings(max_examples=200)
def test_state_that_the_emulator_refuses_is_refused_by_us(payload):
    """Pairings, exclusions and bounds that the official models do not know are checked, too."""
    assume(_refused_by_the_emulator("stream", {"content_state": payload}))
    with pytest.raises(PayloadError):
        stream_body(content_state=payload)


@given(strategies.broken_pushes())
@settings(max_examples=200)
def test_push_that_the_emulator_refuses_is_refused_by_us(push):
    """The same for pushes."""
    assume(_refused_by_the_emulator("push", push))
    with pytest.raises(PayloadError):
        push_body(push)


LINKS = [
    *("https://example.com/a", "http://example.com", "HTTPS://EXAMPLE.COM", "https://h:8443/x"),
    *("https://", "https:///path", "https://[bad", "https://exa mple.com", "//host", "host", ""),
    *("shortcuts://run-shortcut?name=Lights", "shortcuts://run-shortcut?name="),
    *("shortcuts://run-shortcut", "shortcuts://open?name=x", "SHORTCUTS://run-shortcut?name=x"),
    *("myapp:thing", "myapp://thing", "mailto:a@example.com", "tel:123", "1app:x", "my app:x"),
    *("javascript:alert(1)", "JavaScript:x", "data:text/html,x", "file:///etc/passwd"),
    *("about:blank", "blob:x", "vbscript:x", "view-source:https://x", "activitysmith:x"),
    *("https://user:secret@example.com/a.png", "x:" + "y" * 2046, "x:" + "y" * 2047),
]
LINKED = {
    "redirection": ("push", lambda url: {"title": "T", "redirection": url}),
    "media": ("push", lambda url: {"title": "T", "media": url}),
    "icon": ("push", lambda url: {"title": "T", "icon": url}),
    "push link": ("push", lambda url: {"title": "T", "actions": [_button("open_url", url)]}),
    "push webhook": ("push", lambda url: {"title": "T", "actions": [_button("webhook", url)]}),
    "live link": ("stream", lambda url: _with_button("open_url", url)),
    "live webhook": ("stream", lambda url: _with_button("webhook", url)),
}


def _button(kind, url):
    return {"title": "B", "type": kind, "url": url}


def _with_button(kind, url):
    state = {"title": "T", "type": "progress", "percentage": 1}
    return {"content_state": state, "action": _button(kind, url)}


@pytest.mark.parametrize("place", LINKED)
@pytest.mark.parametrize("url", LINKS, ids=lambda url: url[:24])
def test_link_that_the_emulator_refuses_is_refused_by_us_and_no_other(place, url):
    """Both read the schemes of each place alike."""
    endpoint, request = LINKED[place]
    build = push_body if endpoint == "push" else stream_body
    refused_by_us = False
    try:
        build(request(url))
    except PayloadError:
        refused_by_us = True
    assert refused_by_us == _refused_by_the_emulator(endpoint, request(url))


@given(strategies.partial_states(), _extras())
@settings(max_examples=60)
def test_body_of_an_update_or_end_passes_the_official_models(state, extras):
    """Also where the type is left out."""
    by_id = {**extras, "activity_id": "a1"}
    assert not _officially_refused(models.LiveActivityUpdateRequest, update_body(state, **by_id))
    assert not _officially_refused(models.LiveActivityEndRequest, end_body(state, **by_id))
    assert not _officially_refused(
        models.LiveActivityStreamDeleteRequest, stream_end_body(state, **extras)
    )


@given(strategies.numbers() | strategies.texts(1, 64), st.datetimes(timezones=st.just(UTC)))
@settings(max_examples=50)
def test_body_of_a_metric_passes_the_official_model(value, timestamp):
    """Numbers and short text, with the moment they were measured at."""
    body = metric_body("a", value, timestamp)
    assert not _officially_refused(models.MetricValueUpdateRequest, body)


@given(st.integers(0, 2**31 - 1), strategies.channels())
@settings(max_examples=50)
def test_body_of_a_badge_count_passes_the_official_model(count, channels):
    """The badge and its recipients."""
    body = badge_body(count, channels=channels)
    assert not _officially_refused(models.AppIconBadgeCountUpdateRequest, body)
