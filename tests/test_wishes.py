from __future__ import annotations

import contextlib
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter._durations import parse_seconds
from activitysmith_jupyter._outcome import Outcome
from activitysmith_jupyter._wishes import (
    Ended,
    check_wish,
    note_for,
    push_for,
    result_text,
    why_silent,
)
from activitysmith_jupyter.exceptions import PayloadError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("2d", 172800),
        ("500ms", 0.5),
        ("90", 90),
        (90, 90),
        ("10:00", 600),
        ("1:00:05", 3605),
        ("0", 0),
    ],
)
def test_duration_as_people_write_it_is_read(text, seconds):
    """Seconds, minutes, hours, days, clock digits, and plain numbers."""
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5s", "5x", "1h30", "nan", float("inf"), -1, None])
def test_duration_that_is_none_is_refused_with_examples(text):
    """The error shows what to type."""
    with pytest.raises(ValueError, match="such as 30s, 5m"):
        parse_seconds(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_duration_of_any_text_is_refused_or_not_negative(text):
    """No text becomes a negative time or another error."""
    with contextlib.suppress(ValueError):
        assert parse_seconds(text) >= 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (3, "3"),
        (0.98231, "0.982"),
        (True, "True"),
        ("ready\nnow", "ready now"),
        ([1, 2, 3], "1, 2, 3"),
        ({"acc": 0.98231, "n": 3}, "acc 0.982, n 3"),
        (np.float32(0.5), "0.5"),
        (np.array([1, 2]), "ndarray 2"),
        (np.array([[1]]), "ndarray 1 x 1"),
        (list(range(100)), "list of 100"),
        (pd.DataFrame({"a": [1, 2]}), "DataFrame 2 x 1"),
        (pd.Series(["Ada"]), "Series 1"),
        (dt.date(2026, 1, 1), "date"),
        (object(), "object"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_result_text_is_short_and_holds_no_rows(value, text):
    """Numbers and texts are shown, of everything else the type and the size."""
    assert result_text(value) == text


def test_result_text_of_an_object_that_raises_is_its_type():
    """A push must not be lost for a result that cannot be looked at."""

    class Lazy:
        @property
        def shape(self):
            raise RuntimeError("not computed")

    assert result_text(Lazy()) == "Lazy"
    assert result_text([Lazy()]) == "list"


def test_result_text_of_nested_frames_holds_no_rows():
    """A table inside a list is still a table."""
    assert result_text([pd.DataFrame({"name": ["Ada"]})]) == "DataFrame 1 x 1"
    assert "Ada" not in result_text({"x": {"y": {"z": ["Ada"]}}})


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.text() | st.floats() | st.integers() | st.none(), st.lists, max_leaves=20))
def test_result_text_of_anything_is_at_most_120_characters(value):
    """However large the value."""
    assert len(result_text(value)) <= 120


def test_wish_with_a_broken_push_field_is_refused_before_the_work():
    """What cannot be sent is said while somebody still sits there."""
    with pytest.raises(PayloadError, match="media"):
        check_wish(push={"media": "ftp://example.org/x"})
    with pytest.raises(PayloadError, match="on="):
        check_wish(on="sometimes", push={})
    with pytest.raises(PayloadError, match="after"):
        check_wish(after="soon", push={})


def test_wish_with_an_open_template_is_checked_when_it_is_filled():
    """A variable's value is only known at the end."""
    wish = check_wish(push={"redirection": "{where}"})
    ended = Ended(outcome=Outcome("done"), elapsed_seconds=1)
    with pytest.raises(PayloadError, match="redirection"):
        push_for(wish, ended, lambda _: "nowhere")


def test_push_for_a_failure_names_the_cell_and_the_error():
    """Type, last line and number; nothing else."""
    ended = Ended(
        outcome=Outcome("failed", "ValueError: x"), elapsed_seconds=61, place="Churn", cell=7
    )
    body = push_for(check_wish(push={}), ended)
    assert body == {
        "title": "❌ Churn: failed",
        "message": "Cell [7]: Failed after 1m 01s: ValueError: x",
    }


def test_note_has_no_verdict():
    """In the middle of the work there is none."""
    assert note_for(check_wish(title="Half way", push={}), "Churn") == {"title": "Half way"}


def test_why_silent_says_why():
    """A dry run shows it."""
    ended = Ended(outcome=Outcome("done"), elapsed_seconds=1)
    assert why_silent(check_wish(after=30, push={}), ended) == "it took 1.0 s, less than 30 s"
    assert why_silent(check_wish(on="failed", push={}), ended).startswith("it is done")
    assert why_silent(check_wish(push={}), ended) == ""
