"""Never run, only type-checked: what users write has the types they expect."""

from __future__ import annotations

from typing import assert_type

from activitysmith_jupyter import (
    Activity,
    ActivitySmith,
    PayloadError,
    action,
    alert_badge,
    alert_icon,
    configure,
    content_state,
    metric,
    mirror,
    tqdm,
    trange,
)
from activitysmith_jupyter.emulator import Emulator


def bars(words: list[str]) -> None:
    """Items keep their type through a bar."""
    for word in tqdm(words, desc="words", notify="failed", style="steps"):
        assert_type(word, str)
    for number in trange(3):
        assert_type(number, int)
    with mirror(title="all"):
        pass


def client() -> None:
    """Results are records, fields are keywords."""
    smith = ActivitySmith(api_key="ask_x")
    sent = smith.notifications.send(title="x", message="y", tags=["a"], channels="a,b")
    assert_type(sent.notification_id, str | None)
    state = content_state(title="t", type="metrics", metrics=[metric("CPU", 9, unit="%")])
    answer = smith.live_activities.stream("key", content_state=state, action=action("a", "b", "c"))
    assert_type(answer.operation, str | None)
    smith.live_activities.end_stream("key", title="t", auto_dismiss_seconds=0)
    smith.live_activities.stream(
        "key", title="t", type="value", value=1.5, icon=alert_icon("bolt"), badge=alert_badge("x")
    )
    assert_type(smith.badge_count(3).badge, int | None)
    smith.notifications.send(title="x", no_such_field=1)  # type: ignore[call-arg]


def activities() -> None:
    """Get the activity from its block."""
    with Activity("train", type="progress", notify="always") as activity:
        activity.update(percentage=42, urgent=True)
        activity.end("failed", reason="x", dismiss_minutes=5)
    try:
        configure(notify="failed")
    except PayloadError as error:
        assert_type(error.field, str)


def emulator() -> None:
    """Ask the emulator for what a test needs."""
    with Emulator() as one:
        assert_type(one.base_url, str)
        assert_type(one.api_key, str)
