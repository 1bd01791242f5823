import json
import math

import pytest
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter.emulator import _rules
from activitysmith_jupyter.emulator._rules import Refused

STATES = {
    "stats": {"metrics": [{"label": "Loss", "value": 0.1}]},
    "metrics": {"metrics": [{"label": "CPU", "value": "12 %", "unit": "%", "color": "red"}]},
    "segmented_progress": {"number_of_steps": 3, "current_step": 1, "step_colors": ["red"]},
    "progress": {"percentage": 40},
    "alert": {"message": "Disk full"},
    "timer": {"duration_seconds": 60},
    "value": {"value": "1,204"},
}
ENDPOINTS_WITH_STATE = ("stream", "end_stream", "start", "update", "end")


def state(kind="progress", **fields):
    """Return a complete content state of a type."""
    return {"title": "T", "type": kind, **STATES[kind], **fields}


def request(endpoint, content_state, **members):
    """Return an endpoint's request with a content state."""
    ids = {"activity_id": "a"} if endpoint in ("update", "end") else {}
    return {**ids, "content_state": content_state, **members}


def refusal(endpoint, body):
    """Return the refusal that a request meets."""
    with pytest.raises(Refused) as caught:
        _rules.check_request(endpoint, body)
    return caught.value


@pytest.mark.parametrize("endpoint", ENDPOINTS_WITH_STATE)
@pytest.mark.parametrize("kind", STATES)
def test_content_state_of_each_type_is_accepted_everywhere(kind, endpoint):
    """All seven types pass at every endpoint, also with the official client's two booleans."""
    body = request(endpoint, state(kind, counts_down=True, is_running=True))
    assert _rules.check_request(endpoint, body) == body
    if kind != "timer":
        _rules.require_complete(body["content_state"], kind, starting=True)


COLORS = ["lime", "green", "cyan", "blue", "purple", "magenta", "red", "orange", "yellow", "gray"]
GOOD_FIELDS = [
    *[
        (field, each)
        for color in COLORS
        for field, each in (
            ("color", color),
            ("step_color", color),
            ("step_colors", [color]),
            ("icon", {"symbol": "x", "color": color}),
            ("badge", {"title": "x", "color": color}),
            ("metrics", [{"label": "a", "value": 0, "color": color}]),
        )
    ],
    ("title", ""),
    ("number_of_steps", 1),
    ("current_step", 0),
    ("message", "x"),
    ("duration_seconds", 0.001),
    ("counts_down", False),
    ("is_running", False),
    ("auto_dismiss_seconds", 0),
    ("auto_dismiss_minutes", 0),
    ("subtitle", "x" * 5000),
    ("percentage", 0),
    ("percentage", 100.0),
    ("number_of_steps", 3.0),
    ("value", -5),
    ("upper_limit", 0.001),
    ("icon", {"symbol": "bolt", "color": "lime"}),
    ("badge", {"title": "New"}),
    ("step_colors", []),
    ("metrics", [{"label": "a", "value": "x" * 64}] * 8),
]


@pytest.mark.parametrize(("field", "value"), GOOD_FIELDS, ids=lambda value: str(value)[:20])
def test_content_state_field_at_its_bound_is_accepted(field, value):
    """A value on the edge of what the contract allows passes."""
    _rules.check_request("stream", request("stream", {"title": "T", field: value}))


BAD_FIELDS = [
    ("title", 3),
    ("title", None),
    ("type", "gauge"),
    ("subtitle", 1),
    ("percentage", -0.1),
    ("percentage", 100.5),
    ("percentage", "40"),
    ("percentage", True),
    ("number_of_steps", 0),
    ("number_of_steps", 2.5),
    ("number_of_steps", True),
    ("current_step", -1),
    ("value", True),
    ("value", [1]),
    ("value", math.inf),
    ("value", 10**400),
    ("upper_limit", 0),
    ("upper_limit", "9"),
    ("message", ""),
    ("duration_seconds", 0),
    ("duration_seconds", -1),
    ("counts_down", 1),
    ("is_running", "true"),
    ("color", "pink"),
    ("color", "Red"),
    ("step_color", "black"),
    ("step_colors", ["red", "pink"]),
    ("step_colors", "red"),
    ("icon", "bolt"),
    ("icon", {"symbol": ""}),
    ("icon", {"color": "red"}),
    ("icon", {"symbol": "bolt", "size": 3}),
    ("badge", {"title": ""}),
    ("badge", {"title": "x", "color": "pink"}),
    ("metrics", []),
    ("metrics", [{"label": "a", "value": 1}] * 9),
    ("metrics", [{"label": "", "value": 1}]),
    ("metrics", [{"label": "a"}]),
    ("metrics", [{"value": 1}]),
    ("metrics", [{"label": "a", "value": -1}]),
    ("metrics", [{"label": "a", "value": True}]),
    ("metrics", [{"label": "a", "value": ""}]),
    ("metrics", [{"label": "a", "value": "x" * 65}]),
    ("metrics", [{"label": "a", "value": None}]),
    ("metrics", [{"label": "a", "value": 1, "unit": 3}]),
    ("metrics", [{"label": "a", "value": 1, "icon": "x"}]),
    ("auto_dismiss_seconds", -1),
    ("auto_dismiss_minutes", 1.5),
    ("percent", 3),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS, ids=lambda value: str(value)[:30])
def test_content_state_field_outside_the_contract_is_refused(field, value):
    """A value the contract does not allow is a 400 that names the field."""
    refused = refusal("stream", request("stream", {"title": "T"} | {field: value}))
    assert refused.status == 400
    assert set(refused.body) == {"error", "message"}
    assert f"content_state.{field}" in refused.body["message"]


def test_current_step_may_be_the_number_of_steps():
    """The last step is one of them."""
    last = state("segmented_progress", number_of_steps=3, current_step=3)
    _rules.check_request("stream", request("stream", last))


def test_content_state_without_title_is_refused():
    """A content state always needs its title."""
    assert refusal("stream", request("stream", {"type": "progress", "percentage": 1})).status == 400


def test_content_state_step_beyond_the_number_of_steps_is_refused():
    """The current step must not exceed the number of steps sent with it."""
    bad = state("segmented_progress", number_of_steps=3, current_step=4)
    assert refusal("stream", request("stream", bad)).status == 400
    _rules.check_request("stream", request("stream", {"title": "T", "current_step": 4}))


DISMISSAL = [
    ("stream", True, True),
    ("end_stream", True, True),
    ("start", False, False),
    ("update", False, False),
    ("end", False, True),
]


@pytest.mark.parametrize(("endpoint", "seconds", "minutes"), DISMISSAL)
def test_dismissal_fields_are_known_where_the_schema_has_them(endpoint, seconds, minutes):
    """Seconds belong to the stream endpoints, minutes to those and to the legacy end."""
    for field, allowed in (("auto_dismiss_seconds", seconds), ("auto_dismiss_minutes", minutes)):
        body = request(endpoint, state() | {field: 0})
        if allowed:
            _rules.check_request(endpoint, body)
        else:
            assert refusal(endpoint, body).status == 400


INCOMPLETE = [
    ("stats", {}),
    ("metrics", {}),
    ("segmented_progress", {"number_of_steps": 3}),
    ("segmented_progress", {"current_step": 3}),
    ("progress", {}),
    ("progress", {"value": 3}),
    ("progress", {"upper_limit": 3}),
    ("progress", {"percentage": 3, "value": 3}),
    ("progress", {"value": "3", "upper_limit": 3}),
    ("alert", {}),
    ("timer", {}),
    ("timer", {"counts_down": True}),
    ("value", {}),
]


@pytest.mark.parametrize(("kind", "fields"), INCOMPLETE)
def test_start_without_what_its_type_shows_is_refused(kind, fields):
    """Each type needs its own fields to start."""
    with pytest.raises(Refused) as caught:
        _rules.require_complete({"title": "T", **fields}, kind, starting=True)
    assert caught.value.status == 400


def test_start_of_an_open_timer_needs_no_duration():
    """A timer that counts up may run without an end."""
    _rules.require_complete({"title": "T", "counts_down": False}, "timer", starting=True)


def test_update_may_leave_out_what_an_activity_keeps():
    """A running timer keeps its window, and a stepped card its number of steps."""
    _rules.require_complete({"title": "T"}, "timer", starting=False)
    _rules.require_complete({"title": "T", "current_step": 2}, "segmented_progress", starting=False)


TOP_LEVEL_UNKNOWN = [
    ("push", {"title": "T", "content_state": {}}),
    ("push", {"title": "T", "channels": ["a"]}),
    ("replace", {"title": "T", "target": {"channels": ["a"]}}),
    ("replace", {"title": "T", "sound": "x"}),
    ("replace", {"title": "T", "interruption_level": "active"}),
    ("end_stream", {"target": {"channels": ["a"]}}),
    ("end_stream", {"channels": ["a"]}),
    ("start", request("start", state(), channels=["a"])),
    ("update", request("update", state(), alert={"title": "x"})),
    ("end", request("end", state(), target={"channels": ["a"]})),
    ("metric", {"value": 3, "unit": "%"}),
    ("badge", {"badge": 3, "title": "x"}),
]


@pytest.mark.parametrize(("endpoint", "body"), TOP_LEVEL_UNKNOWN)
def test_request_with_a_member_of_another_endpoint_is_refused(endpoint, body):
    """Members outside an endpoint's schema are a 400."""
    assert refusal(endpoint, body).status == 400


MISSING = [
    ("push", {"message": "x"}),
    ("replace", {}),
    ("stream", {}),
    ("start", {"action": {}}),
    ("update", {"content_state": {"title": "T"}}),
    ("end", {"activity_id": "a"}),
    ("metric", {}),
    ("badge", {}),
    ("push", None),
    ("badge", []),
    ("stream", "text"),
]


@pytest.mark.parametrize(("endpoint", "body"), MISSING)
def test_request_without_its_required_members_is_refused(endpoint, body):
    """Required members are required, and a body is an object."""
    assert refusal(endpoint, body).status == 400


def test_end_stream_without_a_body_is_accepted():
    """Only the end of a stream may come without a body."""
    assert _rules.check_request("end_stream", None) == {}


WEB, SHORTCUT = "https://example.com/a?b=c", "shortcuts://run-shortcut?name=Lights"
GOOD_ACTIONS = [
    ("stream", {"title": "Open", "type": "open_url", "url": WEB, "method": "POST"}),
    ("stream", {"title": "Open", "type": "open_url", "url": "http://example.com"}),
    ("stream", {"title": "Run", "type": "open_url", "url": SHORTCUT}),
    ("stream", {"title": "Call", "type": "webhook", "url": WEB, "method": "GET", "body": {"a": 1}}),
    ("push", {"title": "Open", "type": "open_url", "url": "myapp:thing"}),
    ("push", {"title": "Run", "type": "open_url", "url": SHORTCUT}),
]
BAD_ACTIONS = [
    ("stream", {"title": "Open", "type": "open_url"}),
    ("stream", {"type": "open_url", "url": WEB}),
    ("stream", {"title": "Open", "type": "link", "url": WEB}),
    ("stream", {"title": "Open", "type": "open_url", "url": "myapp://thing"}),
    ("stream", {"title": "Open", "type": "open_url", "url": "https:///path"}),
    ("stream", {"title": "Open", "type": "open_url", "url": "https://[bad"}),
    ("stream", {"title": "Open", "type": "open_url", "url": "https://exa mple.com"}),
    ("stream", {"title": "Open", "type": "open_url", "url": "shortcuts://run-shortcut"}),
    ("stream", {"title": "Open", "type": "open_url", "url": "shortcuts://open?name=x"}),
    ("stream", {"title": "Open", "type": "open_url", "url": WEB, "body": {}}),
    ("stream", {"title": "Call", "type": "webhook", "url": "http://example.com"}),
    ("stream", {"title": "Call", "type": "webhook", "url": SHORTCUT}),
    ("stream", {"title": "Call", "type": "webhook", "url": WEB, "method": "PUT"}),
    ("stream", {"title": "Call", "type": "webhook", "url": WEB, "body": [1]}),
    ("push", {"title": "Open", "type": "open_url", "url": "javascript:alert(1)"}),
    ("push", {"title": "Open", "type": "open_url", "url": "JavaScript:alert(1)"}),
    ("push", {"title": "Open", "type": "open_url", "url": "file:///etc/passwd"}),
    ("push", {"title": "Open", "type": "open_url", "url": "no scheme"}),
]


def with_action(endpoint, action):
    """Return an endpoint's request with a button."""
    if endpoint == "push":
        return {"title": "T", "actions": [action]}
    return request(endpoint, state(), action=action, secondary_action=action)


@pytest.mark.parametrize(("endpoint", "action"), GOOD_ACTIONS)
def test_action_within_the_contract_is_accepted(endpoint, action):
    """Each documented form of a button passes."""
    _rules.check_request(endpoint, with_action(endpoint, action))


@pytest.mark.parametrize(("endpoint", "action"), BAD_ACTIONS)
def test_action_outside_the_contract_is_refused(endpoint, action):
    """Schemes, methods and members a button may not have are a 400."""
    assert refusal(endpoint, with_action(endpoint, action)).status == 400


GOOD_PUSHES = [
    {"message": "m", "subtitle": "s", "sound": "default", "badge": 3, "payload": {"any": [None]}},
    {"media": WEB, "redirection": "mailto:a@example.com", "actions": []},
    {"redirection": "x:" + "y" * 2046},
    {"redirection": SHORTCUT},
    {"icon": "https://example.com/icon.png", "interruption_level": "time-sensitive"},
    {"tags": ["Deploy", "a:b", "x" * 64], "metadata": {"a": 1.5, "b": "x", "c": True}},
    {"tags": [f"t{n % 20}" for n in range(40)]},
    {"target": {"channels": ["ops"]}},
    {"metadata": {f"k{n}": n for n in range(50)}},
]
BAD_PUSHES = [
    {"title": 3},
    {"message": 3},
    {"badge": 1.5},
    {"payload": []},
    {"media": "http://example.com/a.png"},
    {"media": WEB, "actions": [GOOD_ACTIONS[0][1]]},
    {"icon": "http://example.com/a.png"},
    {"icon": "https://user:secret@example.com/a.png"},
    {"redirection": "x:" + "y" * 2047},
    {"redirection": ""},
    {"redirection": "/path"},
    {"redirection": "data:text/html,x"},
    {"interruption_level": "critical"},
    {"actions": [GOOD_ACTIONS[0][1]] * 5},
    {"actions": {}},
    {"metadata": {"a": None}},
    {"metadata": {"a": {}}},
    {"metadata": {"": 1}},
    {"metadata": {"k" * 101: 1}},
    {"metadata": {"a": "x" * 4001}},
    {"metadata": {f"k{n}": n for n in range(51)}},
    {"metadata": {f"k{n}": "é" * 4000 for n in range(3)}},
    {"metadata": []},
]


BLOCKED = [
    "about",
    "activitysmith",
    "blob",
    "data",
    "file",
    "javascript",
    "vbscript",
    "view-source",
]


@pytest.mark.parametrize("scheme", [*BLOCKED, "JavaScript", "VIEW-SOURCE"])
def test_scheme_that_executes_or_is_internal_is_blocked(scheme):
    """No push opens one, by its button or by a tap, in whatever case it is written."""
    url = f"{scheme}:x"
    action = {"title": "Open", "type": "open_url", "url": url}
    assert refusal("push", with_action("push", action)).status == 400
    assert refusal("push", {"title": "T", "redirection": url}).status == 400


def test_metadata_is_measured_in_bytes_up_to_its_limit():
    """16 384 bytes of compact JSON pass, one more does not."""
    names = [f"k{n}" for n in range(5)]
    room = 16_384 - len(json.dumps(dict.fromkeys(names, ""), separators=(",", ":")))
    full = dict.fromkeys(names[:4], "x" * 3200)
    full[names[4]] = "x" * (room - 4 * 3200)
    _rules.check_request("push", {"title": "T", "metadata": full})
    full[names[4]] += "x"
    assert refusal("push", {"title": "T", "metadata": full}).status == 400


def test_metadata_entry_passes_at_its_bounds():
    """Keys of 1 and 100 characters, values of 0 and 4000."""
    bounds = {"k": "", "l" * 100: "x" * 4000, "m": -1.5, "n": False}
    _rules.check_request("push", {"title": "T", "metadata": bounds})


ALERTS = [
    ({}, True),
    ({"title": "T", "body": "B"}, True),
    ({"title": 3}, False),
    ({"body": None}, False),
    ({"sound": "x"}, False),
    ("T", False),
]


@pytest.mark.parametrize("endpoint", ["stream", "end_stream", "start"])
@pytest.mark.parametrize(("alert", "passes"), ALERTS)
def test_alert_has_two_optional_texts(endpoint, alert, passes):
    """The text beside a card is a title and a body, and nothing else."""
    body = request(endpoint, state(), alert=alert)
    if passes:
        _rules.check_request(endpoint, body)
    else:
        assert refusal(endpoint, body).status == 400


@pytest.mark.parametrize("fields", GOOD_PUSHES, ids=str)
def test_push_within_the_contract_is_accepted(fields):
    """Each documented field of a push passes at its bounds."""
    _rules.check_request("push", {"title": "T", **fields})


@pytest.mark.parametrize("fields", BAD_PUSHES, ids=lambda fields: str(fields)[:40])
def test_push_outside_the_contract_is_refused(fields):
    """A push field outside its bounds is a 400."""
    assert refusal("push", {"title": "T", **fields}).status == 400


@pytest.mark.parametrize("tags", [["-a"], ["a b"], [""], ["x" * 65], "a", [1], ["é"]], ids=str)
def test_tags_outside_their_pattern_are_refused_with_their_code(tags):
    """Bad tags carry the published error and code."""
    refused = refusal("push", {"title": "T", "tags": tags})
    assert refused.body["error"] == "Invalid tags"
    assert refused.body["code"] == "invalid_tags"
    assert refusal("stream", request("stream", state(), tags=tags)).body["code"] == "invalid_tags"


def test_tags_beyond_twenty_unique_ones_are_refused():
    """Twenty unique tags are the most."""
    assert refusal("push", {"title": "T", "tags": [f"t{n}" for n in range(21)]}).status == 400


@pytest.mark.parametrize("channels", [[], "ops", [1], [""], {}], ids=str)
def test_channels_that_are_no_list_of_slugs_are_refused(channels):
    """Bad targeting carries the published error."""
    for body in (
        {"title": "T", "target": {"channels": channels}},
        request("stream", state(), channels=channels),
    ):
        refused = refusal("push" if "title" in body else "stream", body)
        assert refused.body["error"] == "Invalid channel targeting"


def test_stream_channels_that_contradict_the_target_are_refused():
    """The two ways to name channels must agree, in any order."""
    body = request("stream", state(), channels=["a", "b"], target={"channels": ["b", "a"]})
    _rules.check_request("stream", body)
    body["channels"] = ["a"]
    assert refusal("stream", body).body["error"] == "Invalid channel targeting"


@pytest.mark.parametrize("value", [1, -2.5, 9.0, "x", "x" * 64], ids=str)
def test_widget_value_within_the_contract_is_accepted(value):
    """Numbers of either sign and short texts are widget values."""
    _rules.check_request("metric", {"value": value, "timestamp": "2026-05-01T10:00:00.000Z"})


@pytest.mark.parametrize("value", [True, None, [], math.inf, 10**400], ids=lambda v: str(v)[:9])
def test_widget_value_that_is_no_number_has_the_published_error(value):
    """The metric error has no message, and the published text."""
    assert refusal("metric", {"value": value}).body == {"error": "value must be a finite number"}


@pytest.mark.parametrize(
    "body",
    [{"value": ""}, {"value": "x" * 65}, {"value": 1, "timestamp": "noon"}, {"value": 1, "x": 1}],
    ids=str,
)
def test_widget_request_outside_the_contract_has_the_metric_error_shape(body):
    """Every 400 of the metric endpoint is an error without a message."""
    assert set(refusal("metric", body).body) == {"error"}


@pytest.mark.parametrize("badge", [0, 2_147_483_647, 3.0])
def test_badge_within_its_range_is_accepted(badge):
    """0 to 2147483647 are badge counts."""
    _rules.check_request("badge", {"badge": badge})


@pytest.mark.parametrize("badge", [-1, 2_147_483_648, 1.5, "3", True, None])
def test_badge_outside_its_range_is_refused(badge):
    """Anything else is a 400."""
    assert refusal("badge", {"badge": badge}).status == 400


@pytest.mark.parametrize("key", ["a", "A-b_9", "x" * 255])
def test_stream_key_within_its_pattern_is_accepted(key):
    """Letters, digits, underscore and dash, up to 255."""
    _rules.check_stream_key(key)


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a/b", "é", "a.b", "a\n"])
def test_stream_key_outside_its_pattern_has_the_published_error(key):
    """A bad stream key is named as such."""
    with pytest.raises(Refused) as caught:
        _rules.check_stream_key(key)
    assert caught.value.body["error"] == "Invalid stream_key"


@pytest.mark.parametrize("key", ["", "A", "-a", "x" * 65, "a b", "a\n"])
def test_metric_key_outside_its_pattern_is_refused(key):
    """Lower-case slugs up to 64 characters, first a letter or digit."""
    with pytest.raises(Refused) as caught:
        _rules.check_metric_key(key)
    assert caught.value.status == 400
    _rules.check_metric_key("a.b_c-9")


@pytest.mark.parametrize(
    "text",
    [b"{", b"NaN", b'{"a": Infinity}', b"\xff", b'"\\ud800"', b"[" * 100_000, b"9" * 5000],
    ids=lambda text: str(text[:12]),
)
def test_body_that_is_not_json_is_refused(text):
    """Broken JSON, NaN, Infinity and half surrogates are a 400, never a crash."""
    with pytest.raises(Refused) as caught:
        _rules.decode(text)
    assert caught.value.status == 400


def test_body_that_is_empty_is_no_body():
    """An empty body decodes to None."""
    assert _rules.decode(b"") is None


def test_canonical_ignores_key_order_and_the_kind_of_number():
    """9 and 9.0 are the same JSON number; true is none."""
    assert _rules.canonical({"a": 9, "b": [1]}) == _rules.canonical({"b": [1.0], "a": 9.0})
    assert _rules.canonical({"a": 1}) != _rules.canonical({"a": True})


def test_shown_fields_leave_out_what_the_type_has_no_place_for():
    """Fields and buttons of another type are tolerated and not shown."""
    sent = state("stats", badge={"title": "x"}, percentage=3, counts_down=True, subtitle="s")
    shown, buttons = _rules.shown_fields(sent, {"action": {}, "secondary_action": {}}, "stats")
    assert set(shown) == {"title", "type", "subtitle", "metrics"}
    assert set(buttons) == {"action"}


EVERYWHERE = {"title", "type", "subtitle", "icon"}
SHOWN = {
    "stats": {"metrics"},
    "metrics": {"metrics", "color"},
    "segmented_progress": {
        *("number_of_steps", "current_step", "color"),
        *("step_color", "step_colors", "badge"),
    },
    "progress": {"percentage", "value", "upper_limit", "color", "badge"},
    "alert": {"message", "color", "badge"},
    "timer": {"duration_seconds", "counts_down", "is_running", "color"},
    "value": {"value", "color", "badge"},
}


@pytest.mark.parametrize("kind", SHOWN)
def test_shown_fields_of_each_type_are_those_of_the_contract(kind):
    """The table of types and fields, as a card shows it; two buttons where there is room."""
    sent = dict.fromkeys(EVERYWHERE | {field for each in SHOWN.values() for field in each}, "x")
    buttons = {"action": {"title": "1"}, "secondary_action": {"title": "2"}}
    shown, kept = _rules.shown_fields(sent, buttons, kind)
    assert set(shown) == EVERYWHERE | SHOWN[kind]
    assert shown["type"] == kind
    has_two = kind in {"segmented_progress", "progress", "alert", "value"}
    assert set(kept) == (set(buttons) if has_two else {"action"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["title", "type", "content_state", "metrics", "value", "tags", "badge"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(body=JSON, endpoint=st.sampled_from(["push", "replace", *ENDPOINTS_WITH_STATE, "metric"]))
def test_check_request_meets_any_json_with_an_answer(body, endpoint):
    """Whatever JSON comes, it is accepted or refused with a 400 that is itself JSON."""
    refused = None
    try:
        _rules.check_request(endpoint, body)
    except Refused as caught:
        refused = caught
    assert refused is None or refused.status == 400
    json.dumps(refused and refused.body)
