from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings, strategies as st
from support import strategies

from activitysmith_jupyter._payloads import STATE_TYPES
from activitysmith_jupyter._requests import push_body, stream_body
from activitysmith_jupyter.composer._catalogue import EXAMPLES, FIELDS, KINDS, SECTIONS, fields_of
from activitysmith_jupyter.composer._draft import read
from activitysmith_jupyter.composer._places import place_of
from activitysmith_jupyter.composer._values import typed

ANYTHING = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", " ", "0", "-1", "1e400", "NaN", '"7"', "{}", "[", "<b>", "٣", "x" * 5000]),
)


def problems_of(kind, operation="start", **values):
    return {
        place: problem.words
        for place, problem in read(kind, values, operation=operation).problems.items()
    }


@settings(max_examples=100)
@given(
    state=strategies.states(dismissal=True),
    extra=st.fixed_dictionaries(
        {},
        optional={
            "tags": strategies.tags().filter(bool),
            "metadata": strategies.metadata(),
            "channels": strategies.channels().filter(lambda slugs: any(map(str.strip, slugs))),
            "action": strategies.actions(),
        },
    ),
)
def test_typed_state_reads_back_as_the_same_body(state, extra):
    """What the form is filled with is what it sends, for every valid card."""
    body = without_empty(stream_body(state, **extra))
    kind = body["content_state"]["type"]
    assume(says_something(body) and (kind != "value" or "value" in body["content_state"]))
    reading = read(kind, typed(body), operation="update")
    assert reading.problems == {}
    assert reading.body == body


@settings(max_examples=100)
@given(push=strategies.pushes())
def test_typed_push_reads_back_as_the_same_body(push):
    """What the form is filled with is what it sends, for every valid push."""
    body = without_empty(push_body(push))
    assume(says_something(body))
    reading = read("push", typed(body), operation="push")
    assert reading.problems == {}
    assert reading.body == body


def says_something(part):
    """Tell whether every text has more than space; a form cannot tell a blank one from nothing."""
    if isinstance(part, str):
        return bool(part.strip())
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return all(map(says_something, parts))


def without_empty(body):
    """Leave out empty texts and lists, which the form cannot tell from nothing."""
    if isinstance(body, dict):
        parts = {name: without_empty(part) for name, part in body.items()}
        return {
            name: part
            for name, part in parts.items()
            if part not in ("", [], {}) or name in {"title", "metadata", "payload", "body"}
        }
    return [without_empty(part) for part in body] if isinstance(body, list) else body


@settings(max_examples=100)
@given(
    kind=st.sampled_from(KINDS),
    values=st.dictionaries(
        st.sampled_from(
            [f.name for f in FIELDS if f.look not in {"metrics", "actions", "action", "choice"}]
        ),
        ANYTHING,
    ),
    operation=st.sampled_from(["push", "replace", "start", "update", "end"]),
    key=ANYTHING,
)
def test_reading_never_raises_whatever_is_typed(kind, values, operation, key):
    """Nothing that somebody types becomes a traceback."""
    reading = read(kind, values, operation=operation, stream_key=key)
    json.dumps(reading.body)
    assert all(problem.words for problem in reading.problems.values())


@pytest.mark.parametrize("kind", KINDS)
def test_example_of_each_kind_can_be_sent(kind):
    """The form starts with something that may be sent as it stands."""
    body = EXAMPLES[kind] if kind == "push" else {"content_state": {"type": kind} | EXAMPLES[kind]}
    operation = "push" if kind == "push" else "start"
    assert read(kind, typed(body), operation=operation).problems == {}


@pytest.mark.parametrize(
    ("kind", "values", "place", "words"),
    [
        ("progress", {"title": "T", "percentage": "150"}, "percentage", "between 0 and 100"),
        ("progress", {"title": "T", "percentage": "abc"}, "percentage", "must be a number"),
        ("progress", {"title": "T"}, "percentage", "value with upper_limit"),
        ("progress", {"title": "T", "amount": "3"}, "amount", "needs upper_limit"),
        ("progress", {"percentage": "3"}, "title", "Needed"),
        ("segmented_progress", {"title": "T", "current_step": "1"}, "number_of_steps", "Needed"),
        (
            "segmented_progress",
            {"title": "T", "number_of_steps": "2.5", "current_step": "1"},
            "number_of_steps",
            "whole number",
        ),
        ("timer", {"title": "T"}, "duration_seconds", "count"),
        ("alert", {"title": "T", "message": ""}, "message", "Needed"),
        ("value", {"title": "T", "value": "7", "tags": "a b"}, "tags", "letters"),
        ("value", {"title": "T", "value": "7", "metadata": "{"}, "metadata", "JSON"),
        ("value", {"title": "T", "value": "7", "metadata": '{"a": []}'}, "metadata", "text"),
        ("value", {"title": "T", "value": "7", "icon_of_color": "red"}, "icon_of_symbol", "Needed"),
        ("push", {"push_title": "T", "media": "http://x.org/a.png"}, "media", "https://"),
        ("push", {"push_title": "T", "push_badge": "many"}, "push_badge", "number"),
    ],
)
def test_broken_rule_is_said_beside_its_field(kind, values, place, words):
    """Each mistake stands at the field that has it, in words."""
    assert words in problems_of(kind, **values)[place]


def test_problems_of_several_fields_are_said_at_once():
    """One mistake does not hide the others."""
    metrics = [
        {"label": "", "value": "1", "unit": "", "color": ""},
        {"label": "Loss", "value": "-1", "unit": "", "color": ""},
    ]
    found = problems_of("stats", metrics=metrics, tags="a b", auto_dismiss_seconds="x")
    assert set(found) == {
        "title",
        "metrics[0].label",
        "metrics[1].value",
        "tags",
        "auto_dismiss_seconds",
    }


def test_button_problems_stand_at_the_part_that_has_them():
    """A wrong address and a wrong body are told apart."""
    button = {"title": "Go", "does": "webhook", "url": "http://x", "method": "POST", "body": "{"}
    found = problems_of("progress", title="T", percentage="1", action=button)
    assert "JSON" in found["action.body"]
    assert "https://" in found["action.url"]


def test_shortcut_is_typed_by_its_name():
    """Nobody has to write the link of a Shortcut."""
    button = {"title": "Go", "does": "shortcut", "url": "Stop GPU", "method": "", "body": ""}
    reading = read(
        "progress", {"title": "T", "percentage": "1", "action": button}, operation="start"
    )
    assert reading.body["action"]["url"] == "shortcuts://run-shortcut?name=Stop%20GPU"
    assert typed(reading.body)["action"]["url"] == "Stop GPU"


@pytest.mark.parametrize(
    ("text", "value"), [("42", 42), ("4.5", 4.5), ('"42"', "42"), ("$1", "$1")]
)
def test_value_is_a_number_unless_quoted(text, value):
    """A value field takes both numbers and text, and quotes tell them apart."""
    reading = read("value", {"title": "T", "value": text}, operation="start")
    assert reading.body["content_state"]["value"] == value


def test_end_and_replacement_leave_out_what_they_may_not_carry():
    """Recipients are fixed once something is on the phone."""
    values = {"title": "T", "percentage": "1", "channels": "ml", "auto_dismiss_seconds": "30"}
    assert "target" in read("progress", values, operation="update").body
    ending = read("progress", values, operation="end")
    assert ending.problems == {}
    assert "target" not in ending.body
    push = {"push_title": "T", "channels": "ml", "sound": "chime"}
    assert read("push", push, operation="replace").body == {"title": "T"}


def test_every_path_leads_to_its_field():
    """Errors find their way back to each field of each kind."""
    for kind in KINDS:
        for field in fields_of(kind):
            assert place_of(".".join(field.path), kind) == field.name
            assert field.section in SECTIONS


def test_catalogue_has_every_field_of_every_type():
    """Nothing of the contract is out of the form's reach."""
    from activitysmith_jupyter._parts import field_names
    from activitysmith_jupyter._payloads import Push
    from activitysmith_jupyter._states import STATE_CLASSES

    for kind in STATE_TYPES:
        offered = {field.path[1] for field in fields_of(kind) if field.path[0] == "content_state"}
        assert offered == set(field_names(STATE_CLASSES[kind]))
    offered = {"channels" if f.path[0] == "target" else f.path[0] for f in fields_of("push")}
    assert offered == set(field_names(Push))
