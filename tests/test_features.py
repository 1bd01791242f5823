"""Every feature that the service's Python page names, and the newer ones, through our client."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.account import PHONE, Account, judge

import activitysmith_jupyter
from activitysmith_jupyter import (
    ActivitySmith,
    APIError,
    LiveActivityColor,
    LiveActivityLimitError,
    PayloadError,
    PushInterruptionLevel,
    RateLimitError,
    action,
    alert_badge,
    alert_icon,
    configure,
    content_state,
    metric,
)
from activitysmith_jupyter.emulator import Emulator

COLORS = (
    *("lime", "green", "cyan", "blue", "purple"),
    *("magenta", "red", "orange", "yellow", "gray"),
)
STATES = {
    "stats": {"metrics": [{"label": "Orders", "value": "37"}]},
    "metrics": {"metrics": [{"label": "CPU", "value": 9, "unit": "%"}]},
    "segmented_progress": {"number_of_steps": 3, "current_step": 2},
    "progress": {"percentage": 42},
    "alert": {"message": "Lumen came back"},
    "timer": {"duration_seconds": 300},
    "value": {"value": "$1,240"},
}
WITH_BADGE = ("alert", "progress", "segmented_progress", "value")
SHORTCUT = "shortcuts://run-shortcut?name=Jarvis"
HOOK = "https://hooks.example.com/start"


@pytest.fixture
def account():
    """Return a fresh account; what it was sent is judged by the official models at the end."""
    with Account() as account:
        yield account


def _state(kind, **fields):
    return content_state(title="Title", type=kind, **STATES[kind], **fields)


# --- set-up


def test_feature_install_as_a_python_package():
    """The package has a name to install and all that it needs is named."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert project["name"] == "activitysmith-jupyter"
    assert project["version"] == activitysmith_jupyter.__version__
    for needed in project["dependencies"]:
        assert importlib.metadata.version(re.match(r"[\w-]+", needed)[0])


@pytest.mark.parametrize("place", ["argument", "environment", "configure"])
def test_feature_api_key_from_each_place(account, place, monkeypatch):
    """The key may be passed, exported or configured."""
    key = account.emulator.api_key
    if place == "environment":
        monkeypatch.setenv("ACTIVITYSMITH_API_KEY", key)
    if place == "configure":
        configure(api_key=key)
    client = account.new_client(api_key=key if place == "argument" else None)
    assert client.notifications.send(title="Hello").success


def test_feature_one_client_for_pushes_and_live_activities(account):
    """The same client sends both."""
    account.client.notifications.send(title="Hello")
    account.client.live_activities.stream("run", content_state=_state("progress"))
    assert [shown.kind for shown in account.phone.history] == ["push", "start"]


# --- pushes


def test_feature_push_with_title_alone(account):
    """A title is enough."""
    assert account.client.notifications.send(title="New subscription 💸").devices_notified == 1
    assert account.push["title"] == "New subscription 💸"


def test_feature_push_with_message_and_subtitle(account):
    """Both arrive."""
    account.client.notifications.send(title="New", message="Upgraded", subtitle="Pro plan")
    assert (account.push["message"], account.push["subtitle"]) == ("Upgraded", "Pro plan")


@pytest.mark.parametrize("file", ["homepage.png", "podcast.mp3", "clip.mp4", "asset"])
def test_feature_rich_media_push_with_url(account, file):
    """Images, audio, video, and URLs whose Content-Type tells what they are."""
    account.client.notifications.send(title="Ready", media=f"https://cdn.example.com/{file}")
    assert account.push["media"] == f"https://cdn.example.com/{file}"


def test_feature_media_together_with_redirection(account):
    """Press and hold shows the media, a tap opens the page."""
    page = "https://github.com/acme/web/pull/482"
    account.client.notifications.send(
        title="R", media="https://cdn.example.com/a.png", redirection=page
    )
    assert account.push["redirection"] == page


def test_feature_media_with_actions_is_refused(account):
    """The two exclude each other, and nothing is sent."""
    with pytest.raises(PayloadError, match="media"):
        account.client.notifications.send(
            title="R",
            media="https://cdn.example.com/a.png",
            actions=[action("Open", "open_url", "https://example.com")],
        )
    assert account.requests == []


@pytest.mark.parametrize(
    "link", ["https://example.com/pull/482", SHORTCUT, "http://example.com", "termius://"]
)
def test_feature_redirection_to_link(account, link):
    """A page, a named Shortcut, an app."""
    account.client.notifications.send(title="Ready", redirection=link)
    assert account.push["redirection"] == link


@pytest.mark.parametrize("link", ["https://crm.example.com/cus_9", SHORTCUT, "claude://code"])
def test_feature_push_action_opens_link(account, link):
    """A button that opens a page, a Shortcut or an app."""
    account.client.notifications.send(title="New", actions=[action("Open", "open_url", link)])
    assert account.push["actions"] == [{"title": "Open", "type": "open_url", "url": link}]


def test_feature_push_action_calls_webhook(account):
    """A button that has the service call an https URL."""
    hook = action("Start", "webhook", HOOK, method="POST", body={"plan": "pro"})
    account.client.notifications.send(title="New", actions=[hook])
    assert account.push["actions"][0]["body"] == {"plan": "pro"}
    with pytest.raises(PayloadError, match="https"):
        account.client.notifications.send(
            title="New", actions=[{"title": "Start", "type": "webhook", "url": "http://a.example"}]
        )


def test_feature_push_takes_up_to_four_actions(account):
    """A fifth is refused here."""
    buttons = [action(str(index), "open_url", "https://example.com") for index in range(5)]
    account.client.notifications.send(title="New", actions=buttons[:4])
    assert len(account.push["actions"]) == 4
    with pytest.raises(PayloadError, match="actions"):
        account.client.notifications.send(title="New", actions=buttons)


def test_feature_push_to_channels(account):
    """Only the channels' devices get it."""
    sent = account.client.notifications.send(title="New", channels=["sales", "customer-success"])
    assert sent.effective_channel_slugs == ["sales", "customer-success"]
    assert account.sent["target"] == {"channels": ["sales", "customer-success"]}


# --- Live Activities


@pytest.mark.parametrize("kind", STATES)
def test_feature_live_activity_of_each_type(account, kind):
    """The phone shows a card of the type with the fields that were sent."""
    state = _state(kind, subtitle="sub")
    result = account.client.live_activities.stream("run", content_state=state)
    assert result.operation == "started"
    assert account.card["type"] == kind
    assert STATES[kind].items() <= account.card["content_state"].items()


@pytest.mark.parametrize("kind", ["stats", "metrics"])
def test_feature_stats_and_metrics_take_up_to_eight(account, kind):
    """Eight labelled values fit; a ninth is refused here."""
    items = [metric(f"m{index}", index, unit="%") for index in range(9)]
    stream = account.client.live_activities.stream
    stream("run", title="Health", type=kind, metrics=items[:8])
    assert len(account.card["content_state"]["metrics"]) == 8
    with pytest.raises(PayloadError, match="metrics"):
        stream("run", title="Health", type=kind, metrics=items)


def test_feature_first_stream_call_starts_and_later_ones_update(account):
    """One key is one card."""
    stream = account.client.live_activities.stream
    first = stream("run", title="Reindex", type="progress", percentage=42)
    second = stream("run", title="Reindex", type="progress", percentage=50)
    third = stream("run", title="Reindex", type="progress", percentage=50)
    assert [each.operation for each in (first, second, third)] == ["started", "updated", "noop"]
    assert first.activity_id == second.activity_id
    assert account.card["content_state"]["percentage"] == 50


def test_feature_timer_counts_down_from_duration(account):
    """The phone ticks by itself."""
    account.client.live_activities.stream("run", title="B", type="timer", duration_seconds=300)
    account.clock.advance(60)
    assert account.card["timer"]["elapsed_seconds"] == 60
    assert account.card["timer"]["counts_down"] is True


def test_feature_timer_update_of_text_keeps_the_window(account):
    """Title, subtitle and colour change; the timer runs on."""
    stream = account.client.live_activities.stream
    stream("run", title="B", type="timer", duration_seconds=300)
    account.clock.advance(60)
    stream("run", title="B", type="timer", subtitle="warm-up", color="cyan")
    assert account.card["content_state"]["subtitle"] == "warm-up"
    assert account.card["timer"]["elapsed_seconds"] == 60
    assert account.card["timer"]["duration_seconds"] == 300


def test_feature_timer_counts_up_without_duration(account):
    """From 00:00, without an end."""
    account.client.live_activities.stream("run", title="B", type="timer", counts_down=False)
    account.clock.advance(90)
    assert account.card["timer"]["elapsed_seconds"] == 90
    assert account.card["timer"]["duration_seconds"] is None


def test_feature_timer_update_does_not_resume_a_paused_one(account):
    """What the caller did not set is not sent."""
    stream = account.client.live_activities.stream
    stream("run", title="B", type="timer", duration_seconds=300, is_running=False)
    stream("run", title="B", type="timer", subtitle="still paused")
    assert account.card["timer"]["is_running"] is False


def test_feature_end_stream_without_body_dismisses_after_two_minutes(account):
    """The key alone is enough; the card goes after the default time."""
    account.client.live_activities.stream("run", content_state=_state("progress"))
    ended = account.client.live_activities.end_stream("run")
    assert (ended.operation, account.sent) == ("ended", None)
    assert account.card["dismiss_at"] - account.card["ended_at"] == 120
    account.clock.advance(121)
    assert account.phone.cards == []


def test_feature_end_stream_with_final_values(account):
    """The last values are what stays."""
    account.client.live_activities.stream("run", content_state=_state("progress"))
    account.client.live_activities.end_stream(
        "run", content_state=content_state(title="Done", type="progress", percentage=100)
    )
    assert account.card["content_state"]["percentage"] == 100


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ({"auto_dismiss_minutes": 10}, 600),
        ({"auto_dismiss_seconds": 30}, 30),
        ({"auto_dismiss_seconds": 30, "auto_dismiss_minutes": 10}, 30),
    ],
)
def test_feature_end_stream_with_time_to_dismissal(account, fields, after):
    """In minutes or seconds; seconds win."""
    account.client.live_activities.stream("run", content_state=_state("progress"))
    account.client.live_activities.end_stream("run", content_state=_state("progress", **fields))
    assert account.card["dismiss_at"] - account.card["ended_at"] == after


@pytest.mark.parametrize("name", ["auto_dismiss_minutes", "auto_dismiss_seconds"])
def test_feature_end_stream_with_zero_dismisses_at_once(account, name):
    """Nothing stays on the Lock Screen."""
    account.client.live_activities.stream("run", content_state=_state("progress"))
    account.client.live_activities.end_stream("run", content_state=_state("progress", **{name: 0}))
    assert account.phone.cards == []


@pytest.mark.parametrize("kind", STATES)
def test_feature_icon_on_each_type(account, kind):
    """An SF Symbol by its name, with a colour."""
    state = _state(kind, icon=alert_icon("server.rack", color="blue"))
    account.client.live_activities.stream("run", content_state=state)
    assert account.card["content_state"]["icon"] == {"symbol": "server.rack", "color": "blue"}


def test_feature_sf_symbol_names_are_not_restricted(account):
    """Any name out of the catalogues may be used; the phone knows which there are."""
    for symbol in ("cloud.sun", "sparkles", "a.symbol.of.next.year"):
        account.client.live_activities.stream(
            "run", content_state=_state("progress", icon=alert_icon(symbol))
        )
        assert account.card["content_state"]["icon"] == {"symbol": symbol}


@pytest.mark.parametrize("kind", WITH_BADGE)
def test_feature_badge_on_the_types_that_have_one(account, kind):
    """A short text in a pill, with a colour."""
    state = _state(kind, badge=alert_badge("S3", color="cyan"))
    account.client.live_activities.stream("run", content_state=state)
    assert account.card["content_state"]["badge"] == {"title": "S3", "color": "cyan"}


@pytest.mark.parametrize("color", COLORS)
def test_feature_each_color_for_accent_icon_and_badge(account, color):
    """Ten colours, everywhere."""
    state = _state(
        "progress",
        color=color,
        icon=alert_icon("bolt", color=color),
        badge=alert_badge("S3", color=color),
    )
    account.client.live_activities.stream("run", content_state=state)
    shown = account.card["content_state"]
    assert {shown["color"], shown["icon"]["color"], shown["badge"]["color"]} == {color}
    assert getattr(LiveActivityColor, color.upper()) == color


def test_feature_segmented_progress_with_step_colors(account):
    """Finished steps and the present one have colours of their own."""
    state = _state("segmented_progress", step_color="red", step_colors=["green", "lime"])
    account.client.live_activities.stream("run", content_state=state)
    assert account.card["content_state"]["step_colors"] == ["green", "lime"]


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("link", ["https://status.example.com", "http://example.com", SHORTCUT])
def test_feature_live_activity_action_opens_link(account, kind, link):
    """A button for a page or a Shortcut on every type."""
    button = action(title="Open", type="open_url", url=link)
    account.client.live_activities.stream("run", content_state=_state(kind), action=button)
    assert account.card["action"] == {"title": "Open", "type": "open_url", "url": link}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_feature_live_activity_action_calls_webhook(account, method):
    """GET or POST, with a body."""
    hook = action("Pause", "webhook", HOOK, method=method, body={"job_id": "r-1"})
    account.client.live_activities.stream("run", content_state=_state("progress"), action=hook)
    assert account.card["action"]["method"] == method
    assert account.card["action"]["body"] == {"job_id": "r-1"}


@pytest.mark.parametrize("kind", WITH_BADGE)
@pytest.mark.parametrize(
    "second",
    [
        action("Deny", "webhook", HOOK, method="POST", body={"decision": "deny"}),
        action("Deny", "open_url", "https://example.com"),
        action("Deny", "open_url", SHORTCUT),
    ],
    ids=["webhook", "page", "shortcut"],
)
def test_feature_secondary_action_on_the_types_that_have_one(account, kind, second):
    """A second button in the same shapes."""
    first = action("Send", "open_url", "https://example.com")
    account.client.live_activities.stream(
        "run", content_state=_state(kind), action=first, secondary_action=second
    )
    assert account.card["secondary_action"] == second.to_payload()


def test_feature_stream_to_channels(account):
    """The activity starts on the channels' devices only."""
    result = account.client.live_activities.stream(
        "run", content_state=_state("progress"), channels=["ios-builds"]
    )
    assert result.effective_channel_slugs == ["ios-builds"]
    assert "channels" not in account.sent
    assert account.sent["target"] == {"channels": ["ios-builds"]}


# --- widgets


@pytest.mark.parametrize("value", [99.9, -3, 0, "healthy"])
def test_feature_widget_metric_takes_number_or_text(account, value):
    """The widget reads the value by its key."""
    assert account.client.metrics.update("deploy.success_rate", value).success
    assert account.phone.widgets["deploy.success_rate"]["value"] == value


def test_feature_widget_metric_with_timestamp(account):
    """When it was measured goes along, in UTC."""
    account.client.metrics.update("a", 1, datetime(2026, 1, 31, 14, 32, tzinfo=UTC))
    assert account.phone.widgets["a"]["timestamp"] == "2026-01-31T14:32:00.000Z"


# --- errors


def test_feature_error_answers_raise(account):
    """Every answer that is no success is an exception of ours."""
    account.emulator.configure(metrics=())
    with pytest.raises(APIError) as caught:
        account.client.metrics.update("nobody.made.this", 1)
    assert caught.value.status == 404


def test_feature_rate_limit_error_has_error_and_message(account):
    """Both fields of the answer."""
    account.emulator.faults.add(
        "status",
        status=429,
        body={"error": "Rate limit exceeded", "message": "Slow down", "code": "rate_limited"},
        headers={"Retry-After": "86400"},
    )
    with pytest.raises(RateLimitError) as caught:
        account.client.notifications.send(title="x")
    assert (caught.value.error, caught.value.message) == ("Rate limit exceeded", "Slow down")
    assert (caught.value.code, caught.value.retry_after_seconds) == ("rate_limited", 86400)


def test_feature_live_activity_limit_error_has_limit_and_active(account):
    """The phone's capacity is told apart from the request rate."""
    account.emulator.configure(limit=2)
    account.client.live_activities.stream("a", content_state=_state("progress"))
    account.client.live_activities.stream("b", content_state=_state("progress"))
    with pytest.raises(LiveActivityLimitError) as caught:
        account.client.live_activities.stream("c", content_state=_state("progress"))
    assert (caught.value.limit, caught.value.active) == (2, 2)


def test_feature_links_to_where_keys_are_made(monkeypatch):
    """Who has no key is told the page that makes one."""
    monkeypatch.delenv("ACTIVITYSMITH_API_KEY", raising=False)
    with pytest.raises(ValueError, match=re.escape("https://activitysmith.com/app/keys")):
        ActivitySmith()


def test_feature_links_of_the_package_lead_to_the_service():
    """The package's page names the service and where its documentation is."""
    named = importlib.metadata.metadata("activitysmith-jupyter").get_all("Project-URL")
    links = dict(each.split(", ", 1) for each in named)
    assert links["Service"] == "https://activitysmith.com"
    assert links["Service documentation"].startswith("https://activitysmith.com/docs")


# The features that the page names, in its order; with the test of each, and where a test goes
# through several, which of them it is.
PAGE = [
    ("install the Python package", "install_as_a_python_package", None),
    ("API key, exported or passed in", "api_key_from_each_place", "environment"),
    ("one client for both", "one_client_for_pushes_and_live_activities", None),
    ("push: title, message, subtitle", "push_with_message_and_subtitle", None),
    ("rich media: image", "rich_media_push_with_url", "homepage.png"),
    ("rich media: audio", "rich_media_push_with_url", "podcast.mp3"),
    ("rich media: video", "rich_media_push_with_url", "clip.mp4"),
    ("rich media by Content-Type", "rich_media_push_with_url", "asset"),
    ("media with redirection", "media_together_with_redirection", None),
    ("media refused with actions", "media_with_actions_is_refused", None),
    ("redirection to a page", "redirection_to_link", "https://example.com/pull/482"),
    ("redirection to a Shortcut", "redirection_to_link", SHORTCUT),
    ("push action: link", "push_action_opens_link", "https://crm.example.com/cus_9"),
    ("push action: Shortcut", "push_action_opens_link", SHORTCUT),
    ("push action: webhook", "push_action_calls_webhook", None),
    ("type stats", "live_activity_of_each_type", "stats"),
    ("type metrics", "live_activity_of_each_type", "metrics"),
    ("type segmented_progress", "live_activity_of_each_type", "segmented_progress"),
    ("type progress", "live_activity_of_each_type", "progress"),
    ("type alert", "live_activity_of_each_type", "alert"),
    ("type timer", "live_activity_of_each_type", "timer"),
    ("start, then update by key", "first_stream_call_starts_and_later_ones_update", None),
    ("timer counts down", "timer_counts_down_from_duration", None),
    ("timer left alone by an update", "timer_update_of_text_keeps_the_window", None),
    ("timer counts up", "timer_counts_up_without_duration", None),
    ("end_stream", "end_stream_without_body_dismisses_after_two_minutes", None),
    ("end_stream with final values", "end_stream_with_final_values", None),
    ("gone after two minutes", "end_stream_without_body_dismisses_after_two_minutes", None),
    ("auto_dismiss_minutes, 0", "end_stream_with_zero_dismisses_at_once", "auto_dismiss_minutes"),
    ("icon on every type", "icon_on_each_type", "stats"),
    ("catalogues of SF Symbols", "sf_symbol_names_are_not_restricted", None),
    ("badge", "badge_on_the_types_that_have_one", "alert"),
    ("ten colours", "each_color_for_accent_icon_and_badge", "magenta"),
    ("action: link", "live_activity_action_opens_link", "https://status.example.com"),
    ("action: Shortcut", "live_activity_action_opens_link", SHORTCUT),
    ("action: webhook", "live_activity_action_calls_webhook", "GET"),
    ("secondary action", "secondary_action_on_the_types_that_have_one", "progress"),
    ("channels of a push", "push_to_channels", None),
    ("channels of a stream", "stream_to_channels", None),
    ("widget metrics", "widget_metric_takes_number_or_text", "healthy"),
    ("exceptions", "error_answers_raise", None),
    ("rate limit", "rate_limit_error_has_error_and_message", None),
    ("Live Activity limit", "live_activity_limit_error_has_limit_and_active", None),
    ("links", "links_of_the_package_lead_to_the_service", None),
]


@pytest.mark.parametrize(("feature", "name", "one"), PAGE, ids=[each[0] for each in PAGE])
def test_page_of_features_has_a_test_for_each(feature, name, one):
    """Nothing that the page names has lost its test, nor its place in one for several."""
    test = globals()[f"test_feature_{name}"]
    assert test.__doc__, feature
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    assert one is None or any(one in mark.args[1] for mark in marks)


def test_page_of_features_is_whole():
    """The page names forty-four."""
    assert len({feature for feature, _, _ in PAGE}) == 44


# --- newer than the page


def test_feature_custom_push_icon(account):
    """An https image beside the app's icon."""
    account.client.notifications.send(title="MRR", icon="https://cdn.example.com/stripe.png")
    assert account.push["icon"] == "https://cdn.example.com/stripe.png"


@pytest.mark.parametrize("level", ["passive", "active", "time-sensitive"])
def test_feature_push_interruption_level(account, level):
    """How urgently iOS presents it, as text or by the exported name."""
    named = getattr(PushInterruptionLevel, level.upper().replace("-", "_"))
    for given in (level, named):
        account.client.notifications.send(title="Down", interruption_level=given)
        assert account.push["interruption_level"] == level


def test_feature_replace_push_in_place(account):
    """The replacement takes the old one's place; tags and metadata stay."""
    sent = account.client.notifications.send(title="Down", message="500s", tags=["api"])
    replaced = account.client.notifications.replace(sent.notification_id, title="Recovered")
    assert replaced.notification_id == sent.notification_id
    assert [push["title"] for push in account.phone.pushes] == ["Recovered"]
    assert (account.push["message"], account.push["tags"]) == (None, ["api"])


def test_feature_push_with_badge_sound_and_payload(account):
    """What the service's own helper function has no argument for."""
    account.client.notifications.send(title="x", badge=3, sound="default", payload={"run": 7})
    assert (account.phone.badge, account.push["sound"]) == (3, "default")
    assert account.push["payload"] == {"run": 7}


def test_feature_app_icon_badge_count(account):
    """Set for everybody, for channels, and cleared."""
    assert account.client.badge_count(8333).badge == 8333
    assert account.phone.badge == 8333
    assert account.client.badge_count(3, channels=["sales"]).devices_updated == 1
    account.client.badge_count(0)
    assert account.phone.badge == 0


def test_feature_tags_are_kept_replaced_and_cleared(account):
    """Left out they stay, given they replace, an empty list clears."""
    stream = account.client.live_activities.stream
    assert stream("run", content_state=_state("progress"), tags=["user:382", "billing"]).tags == [
        "user:382",
        "billing",
    ]
    kept = stream("run", title="t", type="progress", percentage=60)
    assert kept.tags == ["user:382", "billing"]
    assert stream("run", title="t", type="progress", percentage=61, tags=[]).tags is None


def test_feature_metadata_on_push_and_stream(account):
    """Text, numbers and booleans; kept for the history, not shown."""
    metadata = {"customer_id": "382", "amount": 29, "trial": False}
    account.client.notifications.send(title="New", metadata=metadata)
    assert account.push["metadata"] == metadata
    account.client.live_activities.stream(
        "run", content_state=_state("progress"), metadata=metadata
    )
    assert account.sent["metadata"] == metadata


def test_feature_alert_beside_a_live_activity(account):
    """A start may come with a notification's text."""
    account.client.live_activities.stream(
        "run", content_state=_state("progress"), alert={"title": "Started", "body": "Training"}
    )
    assert account.sent["alert"] == {"title": "Started", "body": "Training"}


def test_feature_activity_by_hand(account):
    """The older calls: start, update, end by the id."""
    live = account.client.live_activities
    started = live.start(content_state=_state("progress"), channels="ios-builds")
    live.update(activity_id=started.activity_id, title="Import", percentage=60, tags=[])
    assert account.card["content_state"]["percentage"] == 60
    live.end(
        activity_id=started.activity_id,
        content_state={"title": "Import", "percentage": 100, "auto_dismiss_minutes": 0},
    )
    assert account.phone.cards == []


def test_feature_rotated_stream_names_the_activity_before():
    """A stream that changes its type goes on as another activity."""
    with Account() as account:
        first = account.client.live_activities.stream("run", content_state=_state("progress"))
        second = account.client.live_activities.stream("run", content_state=_state("alert"))
        assert second.operation == "rotated"
        assert second.previous_activity_id == first.activity_id


def test_feature_limit_that_evicts_names_the_ended_activity(account):
    """Where the service makes room, the answer says whose."""
    account.emulator.configure(limit=1, policy="evict")
    first = account.client.live_activities.start(content_state=_state("progress"))
    second = account.client.live_activities.start(content_state=_state("alert"))
    assert second.ended_activity_id == first.activity_id


def test_feature_frequency_warning_reaches_the_caller(account):
    """More updates than iOS shows: the answer's warning is heard."""
    stream = account.client.live_activities.stream
    for percentage in range(13):
        stream("run", title="t", type="progress", percentage=percentage)
    with pytest.warns(activitysmith_jupyter.ActivitySmithWarning, match="throttle"):
        result = stream("run", title="t", type="progress", percentage=13)
    assert "throttle" in result.warning


def test_feature_rate_limit_headers_are_remembered():
    """What is left of each quota, from the newest answer."""
    with Account(rate_limits="standard") as account:
        account.client.notifications.send(title="x")
        account.client.badge_count(1)
        limits = account.client.rate_limits
    assert limits["account:notifications"].remaining == 59
    assert limits["account:badges"].reset_seconds == 60


# --- the service's own documentation


def _snippets():
    """Yield the Python snippets of the official package's description, after its first."""
    text = importlib.metadata.metadata("activitysmith")["Description"]
    heading = ""
    for match in re.finditer(
        r"^#+ ([^\n]+)$|^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    ):
        heading = match[1] or heading
        if match[2]:
            yield pytest.param(match[2], id=heading.lower().replace(" ", "-"))


_FIRST, *SNIPPETS = _snippets()
SETUP = _FIRST.values[0]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_documented_snippet_runs_with_our_import(snippet, monkeypatch):
    """One changed import line is all that a user of the official SDK has to change."""
    calls = re.findall(r"^(?:\w+ = )?activitysmith\.", snippet, re.MULTILINE)
    with Emulator(devices=(PHONE,), metrics=None) as emulator:
        monkeypatch.setenv("ACTIVITYSMITH_API_KEY", emulator.api_key)
        monkeypatch.setenv("ACTIVITYSMITH_BASE_URL", emulator.base_url)
        names = {}
        exec(SETUP.replace("from activitysmith ", "from activitysmith_jupyter "), names)  # noqa: S102  the snippet is the test
        with names["activitysmith"] as client:
            if "end_stream" in snippet:
                client.live_activities.stream("prod-web-1", content_state=_state("metrics"))
            started = client.live_activities.start(content_state=_state("progress")).activity_id
            before = len(emulator.requests)
            exec(snippet.replace("YOUR_ACTIVITY_ID", started), names)  # noqa: S102  as above
        assert [record.status for record in emulator.requests[before:]] == [200] * len(calls)
        for record in emulator.requests:
            judge(record)


def test_documented_snippets_are_all_found():
    """The description has not become empty without anybody noticing."""
    assert len(SNIPPETS) == 31
