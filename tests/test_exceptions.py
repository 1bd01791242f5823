from __future__ import annotations

import builtins
import copy
import pickle

import pytest

from activitysmith_jupyter import exceptions
from activitysmith_jupyter.exceptions import (
    ActivitySmithError,
    ActivitySmithWarning,
    APIError,
    BillingBlockedError,
    ConfigurationError,
    ConnectionFailedError,
    LiveActivityLimitError,
    MissingAPIKeyError,
    PayloadError,
    TransportError,
)

CLASSES = [getattr(exceptions, name) for name in exceptions.__all__]
API_CLASSES = [cls for cls in CLASSES if issubclass(cls, APIError)]


def test_exceptions_are_all_listed_and_form_one_tree():
    """One name to catch them all."""
    defined = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert defined == set(exceptions.__all__)
    for cls in CLASSES:
        assert issubclass(cls, ActivitySmithError) != (cls is ActivitySmithWarning)
        assert not hasattr(builtins, cls.__name__)


def test_exceptions_have_the_parents_that_the_tree_shows():
    """The drawing at the top of the file is the code."""
    for cls in CLASSES:
        assert cls.__name__ in exceptions.__doc__
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(PayloadError, ValueError)
    assert issubclass(MissingAPIKeyError, ConfigurationError)
    assert issubclass(ConnectionFailedError, TransportError)
    assert issubclass(ActivitySmithWarning, UserWarning)
    assert not issubclass(TransportError, APIError)


def test_payload_error_says_field_value_rule_and_hint():
    """All that is needed to mend the call."""
    error = PayloadError("metrics[2].value", -1, "must be at least 0", "Send the absolute value")
    assert str(error) == "metrics[2].value=-1: must be at least 0. Send the absolute value"
    assert (error.field, error.value, error.rule) == ("metrics[2].value", -1, "must be at least 0")
    assert str(PayloadError("a", 1, "is wrong")) == "a=1: is wrong"


def test_payload_error_cuts_a_long_value():
    """A frame or a book is no message."""
    text = str(PayloadError("title", "x" * 10_000, "must be short"))
    assert len(text) < 120
    assert "…" in text


def test_payload_error_about_a_value_without_a_repr_still_speaks():
    """The user's broken class must not hide the message."""

    class Broken:
        def __repr__(self):
            raise RuntimeError("no")

    assert str(PayloadError("title", Broken(), "must be text")) == "title=<Broken>: must be text"


@pytest.mark.parametrize("cls", API_CLASSES)
def test_api_error_survives_pickling_and_copying(cls):
    """Errors come back from worker processes."""
    body = {"error": "e", "message": "m", "limit": 5, "active": 4, "code": "c"}
    error = cls(429, "e", "m", body=body, hint="Wait", retry_after_seconds=3.0)
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  our bytes
        assert type(other) is cls
        assert str(other) == str(error) == "429 e: m. Wait"
        assert vars(other) == vars(error)
        assert other.code == "c"


@pytest.mark.parametrize(
    "error",
    [
        PayloadError("a", 1, "is wrong", "Mend it"),
        ConnectionFailedError("gone", may_have_arrived=True),
        MissingAPIKeyError("no key"),
    ],
)
def test_error_survives_pickling(error):
    """With all its members."""
    other = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert (type(other), str(other)) == (type(error), str(error))
    assert vars(other) == vars(error)


def test_api_error_does_not_say_the_same_twice():
    """Where message and error are one, or there is no message."""
    assert str(APIError(404, "Metric not found")) == "404 Metric not found"
    assert str(APIError(404, "gone", "gone")) == "404 gone"


@pytest.mark.parametrize("body", [None, [], "text", {}, {"code": 5, "upgrade_url": []}])
def test_api_error_members_tolerate_any_body(body):
    """The bodies of some answers are not documented."""
    error = BillingBlockedError(402, "billing blocked", body=body)
    assert (error.code, error.upgrade_url, error.trial_period) == (None, None, None)


def test_limit_error_has_the_numbers():
    """How many fit, and how many there are."""
    error = LiveActivityLimitError(429, "full", body={"limit": 5, "active": 4})
    assert (error.limit, error.active) == (5, 4)
