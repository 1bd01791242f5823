from __future__ import annotations

import re

import pytest
from hypothesis import given, settings, strategies as st
from support.strategies import stream_keys

from activitysmith_jupyter._streams import (
    MAX_DEFAULT_KEY,
    check_metric_key,
    check_stream_key,
    stream_key,
)
from activitysmith_jupyter.exceptions import PayloadError


@given(stream_keys())
@settings(max_examples=50)
def test_stream_key_of_the_contract_is_accepted_unchanged(key):
    """Every key of the documented pattern passes as it is."""
    assert check_stream_key(key) == key


@pytest.mark.parametrize(
    ("key", "repaired"),
    [
        ("my key", "my-key"),
        ("a/b", "a-b"),
        ("Übung 1", "Ubung-1"),
        ("a\n", "a"),
        ("x" * 256, "x" * 255),
        ("", "activity"),
    ],
)
def test_stream_key_outside_the_contract_is_refused_with_a_repaired_one(key, repaired):
    """The error of a bad key carries one that works."""
    with pytest.raises(PayloadError, match=re.escape(repr(repaired))):
        check_stream_key(key)
    assert check_stream_key(repaired)


@pytest.mark.parametrize("key", ["a", "0", "a" * 64, "deploy.success_rate", "a-b_c.d"])
def test_metric_key_of_the_contract_is_accepted(key):
    """Keys of widget metrics pass up to their longest."""
    assert check_metric_key(key) == key


@pytest.mark.parametrize("key", ["", "A", "-a", ".a", "_a", "a" * 65, "a b", "a\n", "ü", 3, None])
def test_metric_key_outside_the_contract_is_refused(key):
    """Anything else is an error before it costs a request."""
    with pytest.raises(PayloadError, match="key"):
        check_metric_key(key)


@given(st.text(max_size=100), st.none() | st.text(max_size=100))
@settings(max_examples=150)
def test_default_key_of_any_text_is_valid_short_and_stable(label, notebook):
    """Whatever the label and the notebook are called, the key works and stays the same."""
    key = stream_key(label, notebook=notebook)
    assert check_stream_key(key) == key
    assert len(key) <= MAX_DEFAULT_KEY
    assert key == stream_key(label, notebook=notebook)


@pytest.mark.parametrize(
    ("label", "notebook", "key"),
    [
        ("Training", None, "training"),
        ("Training", "work/Churn model.ipynb", "churn-model--training"),
        ("Training", r"C:\work\Churn model.ipynb", "churn-model--training"),
        ("Epoch  1/10:", None, "epoch-1-10"),
        ("", "a.ipynb", "a"),
        ("", None, "activity"),
    ],
)
def test_default_key_of_plain_words_is_readable(label, notebook, key):
    """Plain words give the key one would have written."""
    assert stream_key(label, notebook=notebook) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café", "cafe"),
        ("C++", "C"),
        ("C#", "C++"),
        ("训练", "验证"),
        ("train 🚀", "train"),
        ("a" * 80, "a" * 81),
        ("loss < 1", "loss > 1"),
    ],
)
def test_default_keys_of_distinct_labels_stay_distinct(one, other):
    """Two labels that look alike in ASCII never share a card."""
    assert stream_key(one) != stream_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Training", "  training "), ("a b", "a-b"), ("café", "cafe\u0301")]
)
def test_default_keys_of_the_same_label_written_otherwise_are_the_same(one, other):
    """Case, spaces and the way an accent is encoded change nothing."""
    assert stream_key(one) == stream_key(other)


def test_default_keys_of_notebook_and_label_never_run_into_each_other():
    """Where the notebook's name ends is part of the key."""
    assert stream_key("c", notebook="a-b") != stream_key("b-c", notebook="a")
