"""Any Python value at any entry: it is taken, or refused by an error of ours; nothing half-sent."""

from __future__ import annotations

import contextlib
import io
import os

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from support import strategies
from support.account import Account

from activitysmith_jupyter import Activity, ActivitySmithError, configure, notify, tqdm
from activitysmith_jupyter._durations import parse_seconds
from activitysmith_jupyter._requests import ALL_STATE_FIELDS
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter._settings import _OPTIONS, _process, resolve
from activitysmith_jupyter.exceptions import ConfigurationError, PayloadError

MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FEW = settings(MANY, max_examples=60)
HOSTILE = strategies.hostile()
OPTIONS = st.dictionaries(st.sampled_from(sorted(_OPTIONS)), HOSTILE, min_size=1, max_size=2)
LOOKS = ("activity", "title", "notify", "channels", "style", "color", "icon", "action")
ALERT = {"title": "T", "type": "alert", "message": "M"}
MEMBERS = ("action", "secondary_action", "alert", "tags", "metadata", "channels", "target")
PUSH_FIELDS = (
    *("title", "message", "subtitle", "icon", "media", "redirection", "actions", "payload"),
    *("badge", "sound", "interruption_level", "tags", "metadata", "channels", "target"),
)


@pytest.fixture(scope="module")
def account():
    """Return an account and a client of it, for all examples."""
    with Account(limit=1000) as account:
        yield account


# --- settings ------------------------------------------------------------------------------------


@MANY
@given(OPTIONS)
def test_setting_of_any_value_is_taken_or_refused(options):
    """As an argument or by `configure`; after a refusal nothing has changed."""
    _process.reset()
    with contextlib.suppress(ActivitySmithError):
        resolve(ask_keyring=False, **options)
    try:
        configure(**options)
    except ActivitySmithError:
        assert _process.configured == {}
    _process.reset()


@MANY
@given(st.sampled_from(sorted(_OPTIONS)), strategies.hostile_texts())
def test_environment_of_any_text_is_taken_or_refused(name, text):
    """The variables of the environment are texts, and as wild."""
    variable = _OPTIONS[name].environment
    with pytest.MonkeyPatch.context() as patch:
        try:
            os.fsencode(text)
            patch.setenv(variable, text)
        except (ValueError, UnicodeEncodeError):
            return  # the system has no such environment
        with contextlib.suppress(ActivitySmithError):
            resolve(ask_keyring=False)


@pytest.mark.parametrize(
    "options",
    [
        {"flush_seconds": 10**400},
        {"flush_seconds": strategies.Broken()},
        {"notify": strategies.Broken()},
        {"channels": strategies.Broken()},
        {"color": strategies.Broken()},
        {"icon": {strategies.Broken(): 1}},
        {"base_url": strategies.Broken()},
        {"base_url": "https://example.com/" + "x" * 100_000},
        {"action": "[" * 100_000},
        {"notify_after": 10**400},
        {"notify_after": "9" * 400 + "d"},
    ],
    ids="-".join,
)
def test_setting_that_cannot_be_read_is_refused_in_words(options):
    """A broken object, a number beyond all floats, endless JSON: one short sentence of ours."""
    with pytest.raises((ConfigurationError, PayloadError)) as caught:
        configure(**options)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("value", [10**400, "9" * 5000, "9" * 400 + "d", "9" * 5000 + ":00:00"])
def test_duration_of_too_many_digits_is_refused(value):
    """Neither an overflow nor an endless time."""
    with pytest.raises(ValueError, match="such as 30s"):
        parse_seconds(value)


# --- the client ----------------------------------------------------------------------------------


def refused_or_sent_whole(account, call):
    """Fail unless a call sends one good request, or is refused by us before it sends any."""
    before = len(account.requests)
    try:
        call()
    except PayloadError:
        assert account.requests[before:] == []
    except ActivitySmithError:  # the service said no: a stream of another type, an unknown id
        assert len(account.requests) == before + 1
        assert account.requests[-1].status in {404, 409, 422}
    else:
        assert [record.status for record in account.requests[before:]] == [200]


def bodies():
    """Write the fields of a good state with one wild value."""
    names = st.sampled_from([*ALL_STATE_FIELDS, *MEMBERS, "content_state", "nonsense"])
    states = strategies.states(dismissal=True).map(lambda state: state.to_payload())
    return st.builds(lambda state, name, value: {**state, name: value}, states, names, HOSTILE)


@MANY
@given(st.sampled_from(["stream", "end_stream", "start"]), bodies(), st.booleans())
def test_live_activity_with_a_wild_field_is_refused_or_sent_whole(account, method, body, whole):
    """By keyword or as a request of its own."""
    call = getattr(account.client.live_activities, method)
    key = () if method == "start" else ("run",)
    if whole:
        refused_or_sent_whole(account, lambda: call(*key, body))
    else:
        refused_or_sent_whole(account, lambda: call(*key, **body))


@MANY
@given(st.dictionaries(st.sampled_from(PUSH_FIELDS), HOSTILE, max_size=2))
def test_push_with_wild_fields_is_refused_or_sent_whole(account, fields):
    """Every field of a push."""
    refused_or_sent_whole(
        account, lambda: account.client.notifications.send(**{"title": "T", **fields})
    )


@MANY
@given(
    st.sampled_from(
        [
            lambda client, value: client.notifications.send(value),
            lambda client, value: client.notifications.replace(value, title="T"),
            lambda client, value: client.live_activities.stream(value, ALERT),
            lambda client, value: client.live_activities.stream("run", value),
            lambda client, value: client.live_activities.end_stream(value),
            lambda client, value: client.live_activities.update(value),
            lambda client, value: client.live_activities.update(activity_id=value, title="T"),
            lambda client, value: client.live_activities.end(activity_id=value, title="T"),
            lambda client, value: client.badge_count(value),
            lambda client, value: client.badge_count(1, channels=value),
            lambda client, value: client.badge_count(1, target=value),
            lambda client, value: client.metrics.update("k", value),
            lambda client, value: client.metrics.update(value, 1),
            lambda client, value: client.metrics.update("k", 1, value),
        ]
    ),
    HOSTILE,
)
def test_argument_of_any_value_is_refused_or_sent_whole(account, call, value):
    """Each positional argument of the client's methods."""
    refused_or_sent_whole(account, lambda: call(account.client, value))


def test_id_longer_than_any_url_is_refused(account):
    """The HTTP library has an error of its own for it, which must not come out."""
    with pytest.raises(PayloadError, match="notification_id"):
        account.client.notifications.replace("x" * 100_000, title="T")


# --- bars, activities, blocks --------------------------------------------------------------------


@FEW
@given(st.dictionaries(st.sampled_from(LOOKS), HOSTILE, min_size=1, max_size=2))
def test_bar_with_wild_options_loops_or_is_refused_at_its_start(options):
    """A bar that was made goes to its end, whatever was said about its card."""
    try:
        bar = tqdm(range(3), file=io.StringIO(), **options)
    except ActivitySmithError:
        return
    assert list(bar) == [0, 1, 2]


@pytest.mark.parametrize("activity", [0, 1.5, ["key"], None.__class__, b"key"], ids=repr)
def test_bar_on_an_activity_that_is_none_is_refused_at_its_start(activity):
    """It is neither a key nor something that takes bars; the loop has not begun."""
    with pytest.raises(PayloadError, match="activity"):
        tqdm(range(3), file=io.StringIO(), activity=activity)


@FEW
@given(
    HOSTILE | st.just("run"),
    st.dictionaries(
        st.sampled_from(["type", "title", "notify", *ALL_STATE_FIELDS, *MEMBERS[:-1]]),
        HOSTILE,
        max_size=2,
    ),
)
def test_activity_with_wild_fields_is_refused_or_runs(account, name, fields):
    """The block of an `Activity` that was made runs and ends without an error of ours."""
    ran = False
    with contextlib.suppress(ActivitySmithError):
        arguments = {"api_key": account.emulator.api_key, "base_url": account.emulator.base_url}
        with Activity(name, **{"percentage": 1, **fields}, **arguments, transport=_nowhere()):
            ran = True
    assert ran in {True, False}
    runtime().courier.flush(2)


def _nowhere():
    import httpx

    return httpx.MockTransport(lambda _: httpx.Response(200, json={"success": True}))


@FEW
@given(
    st.dictionaries(
        st.sampled_from(
            ["on", "after", "channels", "subtitle", "redirection", "media", "sound", "actions"]
        ),
        HOSTILE,
        min_size=1,
        max_size=2,
    )
)
def test_notify_with_wild_options_is_refused_before_the_block(options):
    """A mistake is said before any work began, and only then."""
    try:
        notice = notify("T", dry_run=True, **options)
    except ActivitySmithError:
        return
    with contextlib.redirect_stdout(io.StringIO()), notice:
        pass
