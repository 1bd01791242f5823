from __future__ import annotations

import pytest

from activitysmith_jupyter._delivery import Retry, setback
from activitysmith_jupyter.exceptions import (
    ActivitySmithError,
    APIError,
    AuthenticationError,
    BadgeUpdateError,
    BadRequestError,
    BillingBlockedError,
    ConflictError,
    ConnectionFailedError,
    DeliveryTimeoutError,
    ForbiddenError,
    InvalidResponseError,
    LiveActivityLimitError,
    NoRecipientsError,
    NotFoundError,
    RateLimitError,
    ServerError,
)

FULL = LiveActivityLimitError(429, "full", body={"limit": 5, "active": 5})


def _rate(after):
    return RateLimitError(429, "Rate limit exceeded", retry_after_seconds=after)


@pytest.mark.parametrize(
    ("error", "kind", "scope", "wait_seconds"),
    [
        (ConnectionFailedError("refused"), "unreachable", "line", 1),
        (ConnectionFailedError("reset", may_have_arrived=True), "unreachable", "line", 1),
        (DeliveryTimeoutError("late"), "unreachable", "line", 1),
        (InvalidResponseError("html"), "unreachable", "line", 1),
        (ServerError(500, "e"), "unreachable", "line", 1),
        (ServerError(503, "e"), "unreachable", "line", 1),
        (_rate(None), "rate", "line", 15),
        (_rate(42), "rate", "line", 42),
        (_rate(0), "rate", "line", 1),
        (FULL, "capacity", "card", 30),
        (NoRecipientsError(422, "No recipients found"), "recipients", "card", 120),
        (NoRecipientsError(404, "No recipients found"), "recipients", "card", 120),
        (AuthenticationError(401, "e"), "key", "card", None),
        (BillingBlockedError(402, "trial_expired"), "billing", "card", None),
        (ForbiddenError(403, "e"), "forbidden", "card", None),
        (NotFoundError(404, "e"), "missing", "card", None),
        (BadRequestError(400, "e"), "refused", "card", None),
        (ConflictError(409, "e"), "refused", "card", None),
        (BadgeUpdateError(422, "e"), "refused", "card", None),
        (APIError(418, "e"), "refused", "card", None),
        (ActivitySmithError("ours"), "internal", "card", None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_setback_of_each_error_says_who_waits_and_how_long(error, kind, scope, wait_seconds):
    """The line waits where the server is in trouble, the card where it is its own."""
    found = setback(error, failures=0)
    assert (found.kind, found.scope, found.wait_seconds) == (kind, scope, wait_seconds)
    assert found.notice


@pytest.mark.parametrize(
    ("failures", "wait_seconds"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 15), (5, 15), (10**6, 15)]
)
def test_setback_of_a_server_in_trouble_grows_to_a_bound(failures, wait_seconds):
    """A server that comes back is noticed within a quarter of a minute."""
    assert setback(ServerError(500, "e"), failures).wait_seconds == wait_seconds


def test_setback_of_a_full_phone_names_the_numbers():
    """How many cards there are, and that this one will come."""
    assert "5 of 5" in setback(FULL, 0).notice


def test_setback_that_is_final_says_what_the_service_said():
    """With its hint: what to do is what counts."""
    error = AuthenticationError(401, "Unauthorized", hint="Check the key")
    assert "Unauthorized. Check the key" in setback(error, 0).notice


@pytest.mark.parametrize(
    ("error", "repeatable", "once"),
    [
        (ConnectionFailedError("refused"), True, True),
        (ConnectionFailedError("reset", may_have_arrived=True), True, False),
        (DeliveryTimeoutError("late"), True, False),
        (InvalidResponseError("html"), False, False),
        (ServerError(500, "e"), True, False),
        (ServerError(503, "e"), True, True),
        (ServerError(503, "e", retry_after_seconds=7), 7, 7),
        (_rate(None), True, True),
        (_rate(7), 7, 7),
        (FULL, False, False),
        (NoRecipientsError(422, "e"), False, False),
        (BadRequestError(400, "e"), False, False),
        (AuthenticationError(401, "e"), False, False),
        (BadgeUpdateError(502, "e"), False, False),
        (ValueError("not ours"), False, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_retry_of_each_error_is_allowed_where_it_does_no_harm(error, repeatable, once):
    """What may have been delivered is sent again only if twice is as good as once."""
    assert Retry(idempotent=True).wait(error) == repeatable
    assert Retry(idempotent=False).wait(error) == once


def test_retry_after_zero_seconds_is_a_short_wait_not_a_refusal():
    """A wait of nothing would read as False."""
    assert Retry(idempotent=False).wait(_rate(0)) == pytest.approx(0.1)


def test_setback_of_an_unavailable_server_waits_as_long_as_it_asks() -> None:
    """A 503 that names a time is not asked before."""
    error = ServerError(503, "unavailable", retry_after_seconds=40.0)
    assert setback(error, 0).wait_seconds == 40.0
