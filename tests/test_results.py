from __future__ import annotations

import attrs
import pytest
from activitysmith_openapi import models
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter import _results
from activitysmith_jupyter._results import (
    BadgeResult,
    EndResult,
    MetricResult,
    PushResult,
    ReplaceResult,
    Result,
    StartResult,
    StreamEndResult,
    StreamResult,
    UpdateResult,
    notices,
)

RESULTS = {
    PushResult: models.PushNotificationResponse,
    ReplaceResult: models.PushNotificationReplaceResponse,
    StreamResult: models.LiveActivityStreamPutResponse,
    StreamEndResult: models.LiveActivityStreamDeleteResponse,
    StartResult: models.LiveActivityStartResponse,
    UpdateResult: models.LiveActivityUpdateResponse,
    EndResult: models.LiveActivityEndResponse,
    MetricResult: models.MetricValueUpdateResponse,
    BadgeResult: models.AppIconBadgeCountUpdateResponse,
}


@pytest.mark.parametrize("kind", RESULTS, ids=lambda kind: kind.__name__)
def test_result_has_every_member_of_the_official_answer(kind):
    """What the service's own client offers, ours does."""
    names = {field.alias or name for name, field in RESULTS[kind].model_fields.items()}
    assert names - {"additional_properties"} <= {field.name for field in attrs.fields(kind)}


def test_results_are_all_listed():
    """A new record does not go untested."""
    public = {getattr(_results, name) for name in _results.__all__}
    assert public == {*RESULTS, Result}


@pytest.mark.parametrize("kind", RESULTS, ids=lambda kind: kind.__name__)
def test_result_of_an_empty_answer_lacks_everything(kind):
    """A missing member is None, and never an error."""
    result = kind.from_answer({})
    assert result.success is False
    assert all(
        getattr(result, field.name) is None
        for field in attrs.fields(kind)
        if field.name not in {"success", "raw"}
    )


def test_result_keeps_unknown_members_and_operations():
    """A newer server may say more."""
    answer = {"success": True, "operation": "teleported", "next_year": {"a": [1]}}
    result = StreamResult.from_answer(answer)
    assert result.operation == "teleported"
    assert result.raw == answer
    assert result.raw["next_year"] == {"a": [1]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("success", "yes"),
        ("success", 1),
        ("devices_notified", "3"),
        ("devices_notified", True),
        ("devices_notified", 1.5),
        ("operation", 5),
        ("errors", "one"),
        ("errors", [1]),
        ("tags", {"a": 1}),
        ("activity_id", []),
        ("raw", {"x": 1}),
    ],
)
def test_result_takes_a_member_of_another_type_as_absent(name, value):
    """Its type is what it says; what was sent stays in raw."""
    result = StreamResult.from_answer({name: value})
    default = {"success": False, "raw": {"raw": {"x": 1}}}.get(name)
    assert getattr(result, name) == default
    assert result.raw == {name: value}


def test_result_is_frozen_and_shows_its_members_without_raw():
    """A record, not a bag."""
    result = PushResult.from_answer({"success": True, "notification_id": "n1"})
    assert "notification_id='n1'" in repr(result)
    assert "raw" not in repr(result)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        result.success = False


def test_badge_result_counts_by_the_new_name_or_the_older():
    """Older servers fill the deprecated one."""
    assert BadgeResult.from_answer({"devices_updated": 2, "devices_notified": 9}).recipients == 2
    assert BadgeResult.from_answer({"devices_notified": 1}).recipients == 1
    assert BadgeResult.from_answer({"devices_updated": 0}).recipients == 0
    assert MetricResult.from_answer({"success": True}).recipients is None


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        ({"devices_notified": 1}, 0),
        ({}, 0),
        ({"devices_notified": 0}, 1),
        ({"devices_notified": 0, "devices_queued": 1}, 0),
        ({"devices_notified": 0, "devices_queued": 0}, 1),
        ({"devices_notified": 0, "ignored": True}, 0),
        ({"devices_notified": 1, "warning": "too often"}, 1),
        ({"devices_notified": 0, "warning": "too often"}, 2),
        ({"warning": ""}, 0),
    ],
)
def test_notices_say_what_a_success_hides(answer, count):
    """The service's own warning, and that nobody got it."""
    assert len(notices(StreamResult.from_answer(answer))) == count


@given(
    st.sampled_from(list(RESULTS)),
    st.dictionaries(
        st.sampled_from(
            ["success", "operation", "errors", "tags", "devices_notified", "badge", "warning", "x"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner),
            max_leaves=4,
        ),
    ),
)
@settings(max_examples=80, deadline=None)
def test_result_of_any_answer_is_a_record(kind, answer):
    """No answer of a 200 makes a call fail."""
    result = kind.from_answer(answer)
    assert isinstance(result.success, bool)
    assert isinstance(notices(result), list)
