"""The service's own Python client, unmodified, against the emulator: every method."""

import pytest
from activitysmith import ActivitySmith, action, alert_badge, alert_icon, content_state, metric
from activitysmith_openapi.exceptions import (
    ApiException,
    BadRequestException,
    ForbiddenException,
    NotFoundException,
    ServiceException,
    UnauthorizedException,
)

from activitysmith_jupyter.emulator import Device, Emulator

LINK = action("Open", "open_url", "https://example.com/run/1")


@pytest.fixture
def emulator():
    """Return a served emulator with one metric and one device in two channels."""
    with Emulator(
        metrics=["loss"], devices=[Device(name="iPhone", channels=["ops", "ml"])]
    ) as running:
        yield running


def sdk_for(emulator, key=None):
    """Return the official client, pointed at the emulator with a key."""
    sdk = ActivitySmith(key or emulator.api_key)
    for resource in (sdk.notifications._api, sdk.live_activities._api, sdk.metrics._api):
        resource.api_client.configuration.host = emulator.base_url
    return sdk


@pytest.fixture
def sdk(emulator):
    """Return the official client, pointed at the emulator."""
    made = sdk_for(emulator)
    yield made
    made.metrics._api.api_client.rest_client.pool_manager.clear()


STATES = {
    "stats": {"metrics": [metric("Loss", 0.25, color="red"), metric("Epoch", "3 of 9")]},
    "metrics": {"metrics": [metric("CPU", 9, unit="%"), metric("RAM", 70, unit="%")]},
    "segmented_progress": {"number_of_steps": 4, "current_step": 1, "step_color": "yellow"},
    "progress": {"percentage": 46, "badge": alert_badge("GPU 0", color="green")},
    "alert": {"message": "Plateau", "icon": alert_icon("bolt.fill", color="orange")},
    "timer": {"duration_seconds": 600},
    "value": {"value": "1,204.50"},
}


@pytest.mark.parametrize("kind", STATES)
def test_sdk_streams_each_type_from_start_to_end(emulator, sdk, kind):
    """Start, noop, update and end of a stream work for all seven types."""
    live = sdk.live_activities
    state = content_state("T", type=kind, **STATES[kind])
    first = live.stream("train", content_state=state, action=LINK, tags=["a"], metadata={"n": 1})
    assert (first.success, first.operation, first.tags) == (True, "started", ["a"])
    again = live.stream("train", content_state=state, action=LINK)
    assert (again.operation, again.activity_id) == ("noop", first.activity_id)
    changed = live.stream("train", content_state=state | {"title": "U"})
    assert (changed.operation, changed.activity_id) == ("updated", first.activity_id)
    assert emulator.phone.cards[0]["content_state"]["title"] == "U"
    ended = live.end_stream("train", content_state=state | {"title": "V"}, auto_dismiss_minutes=5)
    assert (ended.operation, ended.activity_id) == ("ended", first.activity_id)
    card = emulator.phone.cards[0]
    assert card["dismiss_at"] - card["ended_at"] == 300


def test_sdk_ends_a_stream_without_a_body(emulator, sdk):
    """The shortest end is a DELETE with nothing in it; the second one is not found."""
    sdk.live_activities.stream("train", title="T", type="progress", percentage=1)
    assert sdk.live_activities.end_stream("train").operation == "ended"
    assert emulator.requests[-1].body is None
    with pytest.raises(NotFoundException) as caught:
        sdk.live_activities.end_stream("train")
    assert caught.value.data.error == "Live Activity stream not found"


def test_sdk_stream_rotates_pauses_and_warns(emulator, sdk):
    """The remaining operations and the warning parse in the official models."""
    live = sdk.live_activities
    first = live.stream("train", title="T", type="progress", percentage=1)
    rotated = live.stream("train", title="T", type="alert", message="m", channels="ops, ml")
    assert (rotated.operation, rotated.previous_activity_id) == ("rotated", first.activity_id)
    assert rotated.effective_channel_slugs == ["ops", "ml"]
    answers = [live.stream("train", title="T", message=f"{n}") for n in range(13)]
    assert [answer.warning is None for answer in answers] == [True] * 12 + [False]
    emulator.pause("train")
    paused = live.stream("train", title="T", message="more")
    assert (paused.operation, paused.activity_id) == ("paused", None)


def test_sdk_careless_timer_update_keeps_the_window(emulator, sdk):
    """The two booleans the official client always sends leave a count-up timer alone."""
    live = sdk.live_activities
    live.stream("t", title="T", type="timer", counts_down=False)
    live.stream("t", title="U", type="timer")
    assert emulator.requests[-1].body["content_state"]["counts_down"] is True
    assert emulator.phone.cards[0]["timer"]["counts_down"] is False


def test_sdk_starts_updates_and_ends_by_hand(emulator, sdk):
    """The legacy calls and their older names work."""
    live = sdk.live_activities
    started = live.start(
        title="T",
        type="segmented_progress",
        number_of_steps=3,
        current_step=1,
        secondary_action=LINK,
        alert={"title": "Go"},
        target={"channels": ["ops"]},
    )
    updated = live.update(
        activity_id=started.activity_id, title="T", type="segmented_progress", current_step=2
    )
    assert updated.activity_id == started.activity_id
    ended = live.end(activity_id=started.activity_id, title="Done", current_step=3)
    assert ended.success
    assert emulator.requests[-1].body["content_state"]["auto_dismiss_minutes"] == 3
    again = live.end(activity_id=started.activity_id, title="Done")
    assert again.ignored is True
    state = {"content_state": {"title": "T", "type": "alert", "message": "m"}}
    activity_id = live.start_live_activity(state).activity_id
    own = {"activity_id": activity_id}
    assert live.update_live_activity(own | state).activity_id == activity_id
    assert live.end_live_activity(own | state).activity_id == activity_id
    assert live.reconcile_live_activity_stream("k", state).operation == "started"
    assert live.end_live_activity_stream("k", state).operation == "ended"


def test_sdk_sends_and_replaces_pushes(emulator, sdk):
    """A push with all its fields arrives and can be replaced."""
    sent = sdk.notifications.send(
        title="Done",
        message="m",
        subtitle="s",
        redirection="shortcuts://run-shortcut?name=Lights",
        actions=[LINK, action("Call", "webhook", "https://example.com/hook", body={"a": 1})],
        channels=["ops"],
        tags=["t"],
        metadata={"n": 1, "s": "x", "b": True},
        icon="https://example.com/icon.png",
        interruption_level="time-sensitive",
    )
    assert sent.success
    assert sent.effective_channel_slugs == ["ops"]
    replaced = sdk.notifications.replace(sent.notification_id, title="Better")
    assert replaced.notification_id == sent.notification_id
    assert emulator.phone.pushes[0]["title"] == "Better"
    media = sdk.notifications.send_push_notification({"title": "T", "media": "https://a.b/c.png"})
    assert sdk.notifications.replace_push_notification(
        media.notification_id, {"title": "U"}
    ).success
    with pytest.raises(NotFoundException):
        sdk.notifications.replace("nobody", title="T")


def test_sdk_updates_metrics_and_the_badge(emulator, sdk):
    """Numbers, texts and the badge count arrive; an unknown metric is not found."""
    assert sdk.metrics.update("loss", 9).success
    assert emulator.phone.widgets["loss"]["value"] == 9
    assert sdk.metrics.update_metric_value("loss", {"value": "low"}).success
    assert sdk.metrics.update("loss", 1, "2026-05-01T10:00:00Z").success
    with pytest.raises(NotFoundException) as caught:
        sdk.metrics.update("nothing", 1)
    assert caught.value.data.error == "Metric not found"
    badge = sdk.badge_count(3)
    assert (badge.badge, badge.devices_updated, badge.effective_channel_slugs) == (3, 1, [])
    assert sdk.badge_count(0, channels=["ops"]).effective_channel_slugs == ["ops"]


def test_sdk_reads_the_errors(emulator, sdk):
    """Every status family arrives as the exception the official client has for it."""
    with pytest.raises(UnauthorizedException):
        sdk_for(emulator, "ask_wrong").badge_count(1)
    with pytest.raises(BadRequestException) as bad:
        sdk.live_activities.stream("a b", title="T", type="alert", message="m")
    assert bad.value.data.error == "Invalid stream_key"
    confined = sdk_for(emulator, emulator.add_key(channels=("ops",)))
    with pytest.raises(ForbiddenException) as forbidden:
        confined.notifications.send(title="T", channels=["ml"])
    assert forbidden.value.data.error == "Invalid channel targeting"
    with pytest.raises(ApiException) as nobody:
        sdk.notifications.send(title="T", channels=["none"])
    assert (nobody.value.status, nobody.value.data.error) == (422, "No recipients found")
    emulator.configure(billing_error="trial_exhausted")
    with pytest.raises(ApiException) as billing:
        sdk.notifications.send(title="T")
    assert (billing.value.status, billing.value.data.error) == (402, "trial_exhausted")
    emulator.configure(billing_error=None, badge_failure="badge_update_failed")
    with pytest.raises(ServiceException) as failed:
        sdk.badge_count(1)
    assert failed.value.data.code == "badge_update_failed"


def test_sdk_reads_both_kinds_of_429(emulator, sdk):
    """A rate limit carries Retry-After; a capacity limit carries its counts in the body."""
    emulator.configure(limit=1)
    sdk.live_activities.stream("a", title="T", type="alert", message="m")
    with pytest.raises(ApiException) as full:
        sdk.live_activities.stream("b", title="T", type="alert", message="m")
    assert full.value.status == 429
    assert '"limit": 1' in full.value.body
    with pytest.raises(ApiException) as limited:
        for _ in range(61):
            sdk.notifications.send(title="T")
    assert limited.value.status == 429
    assert 0 <= int(limited.value.headers["Retry-After"]) <= 60
