from __future__ import annotations

import copy
import enum
import json
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import attrs
import numpy as np
import pandas as pd
import pytest
from activitysmith_openapi import models
from hypothesis import assume, given, settings
from support import strategies

from activitysmith_jupyter._payloads import (
    COLORS,
    STATE_TYPES,
    UNSET,
    Action,
    AlertState,
    AlertText,
    Badge,
    Icon,
    LiveActivityColor,
    Metric,
    MetricsState,
    PartialState,
    ProgressState,
    Push,
    PushInterruptionLevel,
    SegmentedProgressState,
    StatsState,
    TimerState,
    ValueState,
    parse_state,
)
from activitysmith_jupyter.exceptions import PayloadError

ITEM = {"label": "a", "value": 1}


class Color(enum.StrEnum):
    """A color of the user's own."""

    WARM = "red"


class Level(enum.Enum):
    """A number of the user's own."""

    HIGH = 90


# --- what single values become


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (42, 42),
        (42.5, 42.5),
        (np.int64(42), 42),
        (np.uint8(42), 42),
        (np.float32(42.5), 42.5),
        (np.float64(42.5), 42.5),
        (np.longdouble("42.5"), 42.5),
        (np.array(42.5), 42.5),
        (pd.Series([42])[0], 42),
        (Decimal(42), 42),
        (Decimal("42.5"), 42.5),
        (Fraction(84, 2), 42),
        (Fraction(85, 2), 42.5),
        (Level.HIGH, 90),
    ],
    ids=lambda value: f"{type(value).__name__}-{value}",
)
def test_number_of_any_library_becomes_a_plain_one(value, plain):
    """Whatever computed the number, JSON gets Python's own."""
    kept = ProgressState("x", percentage=value).to_payload()["percentage"]
    assert kept == plain
    assert type(kept) is type(plain)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        np.True_,
        float("nan"),
        float("inf"),
        -float("inf"),
        np.float32("nan"),
        pd.NA,
        pd.NaT,
        np.datetime64("NaT"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("1E+1000000"),
        10**400,
        Fraction(10**400, 3),
        complex(1, 1),
        np.complex64(1),
        "42",
        b"42",
        [42],
        {"a": 1},
        pd.Series([42.0]),
        np.array([42.0]),
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_number_field_with_anything_else_is_refused(value):
    """NaN, infinity, booleans, text, containers and missing values never travel as numbers."""
    with pytest.raises(PayloadError) as caught:
        ProgressState("x", percentage=value)
    assert caught.value.field == "percentage"


@pytest.mark.parametrize("value", [3, 3.0, np.int16(3), np.float64(3), Decimal(3)])
def test_whole_number_in_any_form_becomes_an_int(value):
    """Columns that pandas turned into floats still count steps."""
    state = SegmentedProgressState("x", number_of_steps=value, current_step=0)
    assert type(state.number_of_steps) is int
    assert state.number_of_steps == 3


@pytest.mark.parametrize(("value", "plain"), [(True, True), (np.False_, False)])
def test_boolean_of_any_library_becomes_a_plain_one(value, plain):
    """Numpy's booleans count as booleans."""
    state = TimerState("x", duration_seconds=1, is_running=value)
    assert state.is_running is plain


@pytest.mark.parametrize("value", [0, 1, "true", None, float("nan")])
def test_boolean_field_with_anything_else_is_refused(value):
    """Truthy is not True."""
    with pytest.raises(PayloadError, match=r"counts_down|is_running"):
        TimerState("x", duration_seconds=1, is_running=value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (timedelta(minutes=1.5), 90),
        (timedelta(milliseconds=1500), 1.5),
        (pd.Timedelta("90s"), 90),
        (np.timedelta64(90_000_000_000, "ns"), 90),
        (90, 90),
        (0.5, 0.5),
    ],
)
def test_duration_of_any_library_becomes_seconds(value, seconds):
    """A time span is as good as its number of seconds."""
    assert TimerState("x", duration_seconds=value).to_payload()["duration_seconds"] == seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 14, 32), "2026-01-31T14:32:00"),  # noqa: DTZ001  a naive one
        (datetime(2026, 1, 31, 14, 32, tzinfo=UTC), "2026-01-31T14:32:00.000Z"),
        (
            datetime(2026, 1, 31, 14, 32, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-31T12:32:00.000Z",
        ),
        (pd.Timestamp("2026-01-31T14:32:00.123456789", tz="UTC"), "2026-01-31T14:32:00.123Z"),
        (np.datetime64("2026-01-31T14:32:00", "ns"), "2026-01-31T14:32:00"),
        (np.str_("now"), "now"),
        (Color.WARM, "red"),
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_text_field_with_a_date_or_enum_becomes_plain_text(value, text):
    """Dates read as ISO 8601, in UTC where they know their zone."""
    kept = ValueState("x", value=value).to_payload()["value"]
    assert kept == text
    assert type(kept) is str


@pytest.mark.parametrize("value", [None, 3, b"x", ["x"], pd.NaT, pd.NA, "lone \ud800", object()])
def test_text_field_with_anything_else_is_refused(value):
    """Numbers are not formatted behind the user's back, and UTF-8 must be able to say it."""
    with pytest.raises(PayloadError, match="title"):
        ProgressState(value, percentage=1)


# --- bounds, field by field


def _start(kind, **fields):
    whole = {
        "stats": {"metrics": [ITEM]},
        "metrics": {"metrics": [ITEM]},
        "segmented_progress": {"number_of_steps": 5, "current_step": 2},
        "progress": {"percentage": 1},
        "alert": {"message": "m"},
        "timer": {"duration_seconds": 1},
        "value": {"value": 1},
    }
    return {"title": "x", "type": kind, **whole[kind], **fields}


GOOD = [
    ("progress", "percentage", 0),
    ("progress", "percentage", 100),
    ("segmented_progress", "current_step", 0),
    ("segmented_progress", "current_step", 5),
    ("segmented_progress", "number_of_steps", 2),
    ("segmented_progress", "step_color", "gray"),
    ("segmented_progress", "step_colors", ["lime", "red"]),
    ("stats", "metrics", [ITEM] * 8),
    ("stats", "metrics", [{"label": "a", "value": "x" * 64}]),
    ("stats", "metrics", [{"label": "a", "value": "x"}]),
    ("stats", "metrics", [{"label": "a", "value": 0, "unit": "", "color": "red"}]),
    ("metrics", "metrics", (ITEM,)),
    ("metrics", "color", "lime"),
    ("alert", "message", "m"),
    ("alert", "badge", {"title": "b", "color": "red"}),
    ("timer", "duration_seconds", 0.001),
    ("timer", "counts_down", False),
    ("value", "value", -1.5),
    ("value", "value", ""),
    ("value", "value", "x" * 500),
    ("value", "subtitle", ""),
    ("value", "icon", {"symbol": "no.such.symbol", "color": "cyan"}),
    ("value", "title", ""),
]
BAD = [
    ("progress", "percentage", -0.001),
    ("progress", "percentage", 100.001),
    ("progress", "upper_limit", 0),
    ("progress", "upper_limit", -1),
    ("progress", "upper_limit", 5),
    ("progress", "value", 5),
    ("segmented_progress", "current_step", -1),
    ("segmented_progress", "current_step", 6),
    ("segmented_progress", "current_step", 1.5),
    ("segmented_progress", "number_of_steps", 0),
    ("segmented_progress", "step_colors", ["lime"]),
    ("segmented_progress", "step_colors", ["lime", "pink"]),
    ("segmented_progress", "step_colors", "lime"),
    ("stats", "metrics", []),
    ("stats", "metrics", [ITEM] * 9),
    ("stats", "metrics", ITEM),
    ("stats", "metrics", "ab"),
    ("stats", "metrics", [{"label": "", "value": 1}]),
    ("stats", "metrics", [{"value": 1}]),
    ("stats", "metrics", [{"label": "a"}]),
    ("stats", "metrics", [{"label": "a", "value": -1}]),
    ("stats", "metrics", [{"label": "a", "value": ""}]),
    ("stats", "metrics", [{"label": "a", "value": "x" * 65}]),
    ("stats", "metrics", [{"label": "a", "value": True}]),
    ("stats", "metrics", [{"label": "a", "value": 1, "color": "pink"}]),
    ("stats", "metrics", [{"label": "a", "value": 1, "extra": 1}]),
    ("stats", "color", "red"),
    ("stats", "badge", {"title": "b"}),
    ("metrics", "badge", {"title": "b"}),
    ("timer", "badge", {"title": "b"}),
    ("alert", "message", ""),
    ("alert", "badge", {"title": ""}),
    ("alert", "badge", "b"),
    ("alert", "percentage", 5),
    ("timer", "duration_seconds", 0),
    ("timer", "duration_seconds", timedelta(seconds=-1)),
    ("value", "value", None),
    ("value", "color", "RED"),
    ("value", "icon", "star"),
    ("value", "icon", {"symbol": ""}),
    ("value", "icon", {"color": "red"}),
    ("value", "step_color", "red"),
    ("value", "typo", 1),
    ("value", "type", "values"),
    ("value", "title", None),
]


@pytest.mark.parametrize(("kind", "field", "value"), GOOD)
def test_state_within_the_bounds_is_accepted(kind, field, value):
    """Every bound itself is still inside."""
    payload = parse_state(_start(kind, **{field: value}), operation="start").to_payload()
    assert payload[field] == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize(("kind", "field", "value"), BAD)
def test_state_beyond_a_bound_is_refused_by_the_field_name(kind, field, value):
    """One step beyond a bound is an error that names the field."""
    with pytest.raises(PayloadError) as caught:
        parse_state(_start(kind, **{field: value}), operation="start")
    assert caught.value.field.startswith(f"content_state.{field}")


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "segmented_progress", "number_of_steps": 1, "current_step": 1},
        {"type": "progress", "value": -0.25, "upper_limit": 0.001},
        {"type": "progress", "value": 7, "upper_limit": 5},
        {"type": "progress", "percentage": 100, "value": 1, "upper_limit": 2},
    ],
)
def test_fields_that_go_together_are_accepted_at_their_bounds(fields):
    """The least number of steps, the least limit, and a value beyond it."""
    whole = {"title": "x", **fields}
    assert parse_state(whole, operation="start").to_payload() == whole


def test_error_deep_inside_names_the_whole_path_and_what_to_do():
    """The path is spelled as the API spells it."""
    metrics = [ITEM, Metric("b", 1), {"label": "c", "value": 1, "color": "bleu"}]
    with pytest.raises(PayloadError) as caught:
        parse_state(_start("stats", metrics=metrics), operation="start")
    assert caught.value.field == "content_state.metrics[2].color"
    assert caught.value.hint == "Did you mean 'blue'?"


def test_unknown_field_names_the_nearest_known_one():
    """A typo is answered with the name that was meant."""
    with pytest.raises(PayloadError, match="Did you mean percentage"):
        parse_state({"title": "x", "percent": 3}, operation="update")


def test_field_of_another_type_names_the_types_that_have_it():
    """Somebody who wants a badge learns which types have one."""
    with pytest.raises(
        PayloadError, match="segmented_progress, progress, alert, value have it"
    ) as b:
        parse_state(_start("timer", badge={"title": "b"}), operation="start")
    assert b.value.hint == "Leave it out or change the type"
    with pytest.raises(PayloadError) as color:
        parse_state(_start("stats", color="red"), operation="start")
    assert color.value.hint == "Color the metrics instead"


# --- what each operation asks for


@pytest.mark.parametrize(
    ("kind", "left_out", "refused_by"),
    [
        ("stats", "metrics", {"start", "stream"}),
        ("metrics", "metrics", {"start", "stream"}),
        ("segmented_progress", "number_of_steps", {"start"}),
        ("segmented_progress", "current_step", {"start", "stream"}),
        ("progress", "percentage", {"start", "stream"}),
        ("alert", "message", {"start", "stream"}),
        ("timer", "duration_seconds", {"start"}),
        ("value", "value", {"start", "stream"}),
        ("value", "type", {"start"}),
        ("value", "title", {"start", "stream", "update", "end", "stream_end"}),
    ],
)
@pytest.mark.parametrize("operation", ["start", "stream", "update", "end", "stream_end"])
def test_state_without_a_field_is_refused_where_the_operation_needs_it(
    kind, left_out, refused_by, operation
):
    """A start needs all, a stream update the current data, the others a title."""
    fields = _start(kind)
    del fields[left_out]
    if operation in refused_by:
        with pytest.raises(PayloadError) as caught:
            parse_state(fields, operation=operation)
        assert caught.value.field == f"content_state.{left_out}"
    else:
        assert parse_state(fields, operation=operation).to_payload() == fields


def test_timer_that_counts_up_starts_without_a_duration():
    """An open-ended clock needs no duration."""
    state = {"title": "x", "type": "timer", "counts_down": False}
    assert parse_state(state, operation="start") == TimerState("x", counts_down=False)


@pytest.mark.parametrize(
    ("operation", "seconds", "minutes"),
    [
        ("start", False, False),
        ("update", False, False),
        ("stream", True, True),
        ("stream_end", True, True),
        ("end", False, True),
    ],
)
def test_dismissal_is_accepted_only_where_the_schema_has_it(operation, seconds, minutes):
    """Fields that the service would drop without a word are refused."""
    for name, accepted in (("auto_dismiss_seconds", seconds), ("auto_dismiss_minutes", minutes)):
        state = _start("value", **{name: 0})
        if accepted:
            assert parse_state(state, operation=operation).to_payload()[name] == 0
        else:
            with pytest.raises(PayloadError, match=f"{name}.*not accepted"):
                parse_state(state, operation=operation)


@pytest.mark.parametrize(
    "fields",
    [
        {"metrics": [ITEM], "message": "m"},
        {"badge": {"title": "b"}, "duration_seconds": 3},
        {"value": "x", "upper_limit": 3},
        {"upper_limit": 3},
        {"current_step": 3, "number_of_steps": 2},
    ],
)
def test_partial_state_whose_fields_fit_no_type_is_refused(fields):
    """Even without a type, the fields must belong together."""
    with pytest.raises(PayloadError):
        PartialState("x", **fields)


def test_partial_state_needs_no_more_than_a_title():
    """A later update may change the title alone."""
    assert PartialState("x").to_payload() == {"title": "x"}


@pytest.mark.parametrize("kind", STATE_TYPES)
def test_whole_state_becomes_the_class_of_its_type(kind):
    """Reading a mapping and writing it again loses nothing."""
    fields = _start(kind)
    state = parse_state(fields, operation="stream")
    assert state.type == kind
    assert not isinstance(state, PartialState)
    assert state.to_payload() == fields
    assert parse_state(state, operation="start") == state


@pytest.mark.parametrize("raw", [None, "x", 3, [("title", "x")]])
def test_state_that_is_no_mapping_is_refused(raw):
    """Text where a content state belongs is an error of ours, not a traceback."""
    with pytest.raises(PayloadError, match="content_state"):
        parse_state(raw, operation="update")


# --- classes


@pytest.mark.parametrize(
    ("state", "payload"),
    [
        (StatsState("x", metrics=[Metric("a", 1, unit="%")]), "stats"),
        (MetricsState("x", metrics=[ITEM], color="red"), "metrics"),
        (SegmentedProgressState("x", number_of_steps=2, current_step=1), "segmented_progress"),
        (ProgressState("x", value=5, upper_limit=10), "progress"),
        (ProgressState("x", percentage=5, value=5, upper_limit=10), "progress"),
        (AlertState("x", message="m", badge=Badge("b"), icon=Icon("star")), "alert"),
        (TimerState("x"), "timer"),
        (ValueState("x", value="$5"), "value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_state_class_writes_its_type_and_only_what_was_given(state, payload):
    """Unset fields stay out of the payload, nested ones too."""
    written = state.to_payload()
    assert written["type"] == payload
    assert "UNSET" not in json.dumps(written, allow_nan=False)
    assert "UNSET" not in repr(state)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ProgressState("x"),
        lambda: ProgressState("x", value=3),
        lambda: ProgressState("x", upper_limit=3),
        lambda: ProgressState("x", value="3", upper_limit=3),
        lambda: StatsState("x", metrics=UNSET),
        lambda: StatsState(UNSET, metrics=[ITEM]),
        lambda: PartialState("x", type="progress", value="3", upper_limit=3),
        lambda: PartialState("x", type="progress", value=3),
        lambda: PartialState("x", type="value", value=3, upper_limit=3),
    ],
)
def test_state_class_without_what_its_type_requires_is_refused(make):
    """A class cannot hold half a state."""
    with pytest.raises(PayloadError):
        make()


def test_record_is_frozen_slotted_and_can_be_pickled():
    """A payload never changes after its check, and travels between processes."""
    state = AlertState("x", message="m", badge=Badge("b"))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        state.title = "y"
    assert not hasattr(state, "__dict__")
    assert pickle.loads(pickle.dumps(state)) == state  # noqa: S301  our own bytes
    assert hash(state) == hash(copy.deepcopy(state))


def test_record_evolved_is_checked_again():
    """A changed copy obeys the same rules."""
    with pytest.raises(PayloadError):
        attrs.evolve(ProgressState("x", percentage=1), percentage=101)


def test_payload_shares_nothing_with_the_caller():
    """Changing an argument or a payload later changes no record."""
    body = {"a": [1]}
    action = Action("t", "webhook", "https://a.example", body=body)
    body["a"].append(2)
    action.to_payload()["body"]["a"].append(3)
    assert action.to_payload()["body"] == {"a": [1]}


def test_unset_is_falsy_single_and_says_its_name():
    """The mark of a field that was not given survives copying and pickling."""
    assert not UNSET
    assert repr(UNSET) == "UNSET"
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET  # noqa: S301  our own bytes
    assert copy.deepcopy(UNSET) is UNSET


def test_constants_spell_what_the_service_spells():
    """Snippets with constants mean the same as snippets with text."""
    assert PushInterruptionLevel.TIME_SENSITIVE == "time-sensitive"
    assert LiveActivityColor.GRAY == "gray"
    assert len(COLORS) == 10


# --- actions


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "http://a.example/b?c=d#e",
        "HTTPS://A.example",
        "https://user:word@a.example:8080/",
        "https://[::1]/",
        "shortcuts://run-shortcut?name=Jarvis",
        "shortcuts://run-shortcut?name=My%20Cut&input=text&text=a",
        "spotify:track:6rq",
        "termius://",
        "x-app+1.0://open",
    ],
)
def test_link_that_a_push_may_open_is_accepted(url):
    """Web pages, named Shortcuts and installed apps."""
    assert Action("t", "open_url", url).url == url
    assert Push("t", redirection=url).redirection == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//a.example",
        "/path",
        "https://",
        "https:///path",
        "https:a.example",
        "http://a.example:port/",
        "https://[::1/",
        "https://a.example/a b",
        "https://a.example/\n",
        "spotify:",
        "1app://x",
        "shortcuts://run-shortcut",
        "shortcuts://run-shortcut?name=",
        "shortcuts://open-shortcut?name=Jarvis",
        "shortcuts:run-shortcut?name=Jarvis",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "about:blank",
        "blob:https://a.example/1",
    ],
)
def test_link_that_nothing_may_open_is_refused(url):
    """No scheme, no host, blanks, half a Shortcut, or a scheme that executes."""
    with pytest.raises(PayloadError, match="url"):
        Action("t", "open_url", url)
    with pytest.raises(PayloadError, match="redirection"):
        Push("t", redirection=url)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Action("t", "webhook", "http://a.example"), "url"),
        (lambda: Action("t", "webhook", "shortcuts://run-shortcut?name=a"), "url"),
        (lambda: Action("t", "webhook", "https://a.example", method="PUT"), "method"),
        (lambda: Action("t", "webhook", "https://a.example", body=[1]), "body"),
        (lambda: Action("t", "webhook", "https://a.example", body={1: 2}), "body key"),
        (lambda: Action("t", "webhook", "https://a.example", body={"a": float("nan")}), "body.a"),
        (lambda: Action("t", "open_url", "https://a.example", body={}), "body"),
        (lambda: Action("t", "open", "https://a.example"), "type"),
        (lambda: Action(None, "open_url", "https://a.example"), "title"),
    ],
)
def test_action_against_its_rules_is_refused(make, field):
    """Webhooks are https, bodies are JSON objects and for webhooks only."""
    with pytest.raises(PayloadError) as caught:
        make()
    assert caught.value.field == field


def test_action_that_opens_a_link_drops_the_method():
    """A method means nothing there, and other clients always write one."""
    action = Action("t", "open_url", "https://a.example", method="POST")
    assert action.to_payload() == {"title": "t", "type": "open_url", "url": "https://a.example"}


def test_webhook_body_of_notebook_values_becomes_plain_json():
    """Nested numpy values and dates are written as JSON knows them; null may stand inside."""
    body = {"n": np.int64(1), "at": date(2026, 1, 31), "l": (np.float32(0.5), None, [True])}
    action = Action("t", "webhook", "https://a.example", method="GET", body=body)
    assert action.to_payload()["body"] == {"n": 1, "at": "2026-01-31", "l": [0.5, None, [True]]}


def test_webhook_body_that_contains_itself_is_refused():
    """An endless object is an error, not a crash."""
    body = {}
    body["me"] = body
    with pytest.raises(PayloadError, match="contain itself"):
        Action("t", "webhook", "https://a.example", body=body)


# --- pushes


BUTTON = {"title": "t", "type": "open_url", "url": "https://a.example"}
LONGEST_LINK = "https://a.example/".ljust(2048, "x")


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"message": "m", "subtitle": "s", "sound": "default", "badge": 3},
        {"icon": "https://a.example/i.png", "media": "https://a.example/m"},
        {"media": "https://a.example/m", "redirection": "https://a.example"},
        {"media": "https://a.example/m", "actions": []},
        {"redirection": LONGEST_LINK},
        {"actions": [BUTTON] * 4},
        {"interruption_level": PushInterruptionLevel.PASSIVE},
        {"payload": {"a": {"b": [None]}}},
        {"tags": ["a" * 64, "user:382", "A.b_c-d"]},
        {"tags": []},
        {"metadata": {}},
        {"metadata": {"k" * 100: "v" * 4000, "n": 1, "f": 1.5, "b": False, "e": ""}},
        {"metadata": {str(number): number for number in range(50)}},
    ],
)
def test_push_within_the_bounds_is_written_as_it_is(fields):
    """Every bound itself is still inside."""
    push = Push(**{"title": "x", **fields})
    assert push.to_payload() == {"title": "x", **fields}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": None}, "title"),
        ({"subtitle": None}, "subtitle"),
        ({"icon": "http://a.example/i.png"}, "icon"),
        ({"icon": "https://user:word@a.example/i.png"}, "icon"),
        ({"icon": "HTTPS://a.example/i.png"}, "icon"),
        ({"media": "http://a.example/m"}, "media"),
        ({"media": "/tmp/m.png"}, "media"),  # noqa: S108  refused, never opened
        ({"media": ""}, "media"),
        ({"media": "https://a.example/m", "actions": [BUTTON]}, "media"),
        ({"redirection": LONGEST_LINK + "x"}, "redirection"),
        ({"actions": [BUTTON] * 5}, "actions"),
        ({"actions": BUTTON}, "actions"),
        ({"actions": [{**BUTTON, "url": "javascript:x"}]}, "actions[0].url"),
        ({"actions": [{**BUTTON, "colour": "red"}]}, "actions[0].colour"),
        ({"actions": [{"title": "t", "type": "open_url"}]}, "actions[0].url"),
        ({"payload": [1]}, "payload"),
        ({"badge": 1.5}, "badge"),
        ({"badge": True}, "badge"),
        ({"interruption_level": "critical"}, "interruption_level"),
        ({"channels": [3]}, "channels[0]"),
        ({"channels": {"a": 1}}, "channels"),
        ({"tags": "a"}, "tags"),
        ({"tags": [""]}, "tags[0]"),
        ({"tags": ["a", "-a"]}, "tags[1]"),
        ({"tags": ["a b"]}, "tags[0]"),
        ({"tags": ["a\n"]}, "tags[0]"),
        ({"tags": ["a" * 65]}, "tags[0]"),
        ({"tags": [f"t{number}" for number in range(21)]}, "tags"),
        ({"metadata": [("a", 1)]}, "metadata"),
        ({"metadata": {str(number): 1 for number in range(51)}}, "metadata"),
        ({"metadata": {"k" * 101: 1}}, "metadata key"),
        ({"metadata": {"": 1}}, "metadata key"),
        ({"metadata": {" ": 1}}, "metadata key"),
        ({"metadata": {"__proto__": 1}}, "metadata key"),
        ({"metadata": {3: 1}}, "metadata key"),
        ({"metadata": {"a": None}}, "metadata.a"),
        ({"metadata": {"a": "v" * 4001}}, "metadata.a"),
        ({"metadata": {"a": {}}}, "metadata.a"),
        ({"metadata": {"a": [1]}}, "metadata.a"),
        ({"metadata": {"a": float("inf")}}, "metadata.a"),
    ],
)
def test_push_beyond_a_bound_is_refused_by_the_field_name(fields, field):
    """One step beyond a bound is an error that names the field."""
    with pytest.raises(PayloadError) as caught:
        Push(**{"title": "x", **fields})
    assert caught.value.field == field


def test_metadata_is_measured_in_bytes_of_its_json():
    """16 384 bytes are the limit, quotes and commas included, and a letter may be two bytes."""
    texts = {str(number): "v" * 4000 for number in range(3)} | {"3": "é" * 2000}
    marks = len('{"0":"","1":"","2":"","3":"","4":""}')
    room = 16_384 - marks - 16_000
    assert Push("x", metadata=texts | {"4": "v" * room})
    with pytest.raises(PayloadError, match="16384 bytes as JSON, has 16385"):
        Push("x", metadata=texts | {"4": "v" * (room + 1)})


def test_push_with_repeated_tags_keeps_the_first_of_each():
    """Repeating a tag is no error and no second tag."""
    push = Push("x", tags=["b", "a", "b"] + ["c"] * 30)
    assert push.to_payload()["tags"] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("channels", "slugs"),
    [(["a", " b "], ["a", "b"]), ("a, b,,", ["a", "b"]), (("a",), ["a"]), ([], None), (" ,", None)],
)
def test_push_with_channels_writes_them_as_its_target(channels, slugs):
    """Lists and text with commas both work, and nothing stays of nothing."""
    payload = Push("x", channels=channels).to_payload()
    assert payload == ({"title": "x", "target": {"channels": slugs}} if slugs else {"title": "x"})


# --- the official models as oracle


def _officially_refused(model, payload):
    try:
        model.from_dict(payload)
    except Exception:  # noqa: BLE001  the generated models fail in many ways; all mean no
        return True
    return False


@given(strategies.states())
@settings(max_examples=150)
def test_state_that_we_accept_passes_the_official_models(state):
    """Whatever our classes hold, the service's own client could send."""
    payload = json.loads(json.dumps(state.to_payload(), allow_nan=False))
    assert not _officially_refused(models.ContentStateStart, payload)
    assert not _officially_refused(models.StreamContentState, payload)
    assert parse_state(payload, operation="start") == state


@given(strategies.partial_states(dismissal=True))
@settings(max_examples=60)
def test_partial_state_that_we_accept_passes_the_official_model(state):
    """States of later updates too."""
    payload = json.loads(json.dumps(state.to_payload(), allow_nan=False))
    assert not _officially_refused(models.StreamContentState, payload)
    assert parse_state(payload, operation="stream") == state


@given(strategies.pushes())
@settings(max_examples=100)
def test_push_that_we_accept_passes_the_official_model(push):
    """Whatever a push holds, the service's own client could send."""
    payload = json.loads(json.dumps(push.to_payload(), allow_nan=False))
    assert not _officially_refused(models.PushNotificationRequest, payload)


@given(strategies.broken_states())
@settings(max_examples=150)
def test_state_that_the_official_model_refuses_is_refused_by_us(payload):
    """Nothing reaches the service that its own client would have stopped."""
    assume(_officially_refused(models.ContentStateStart, payload))
    with pytest.raises(PayloadError):
        parse_state(payload, operation="start")


@given(strategies.alerts(), strategies.actions())
@settings(max_examples=60)
def test_alert_and_action_that_we_accept_pass_the_official_models(alert, action):
    """The parts beside the content state, too."""
    assert not _officially_refused(models.AlertPayload, alert.to_payload())
    assert not _officially_refused(models.LiveActivityAction, action.to_payload())
    assert AlertText(**alert.to_payload()) == alert
