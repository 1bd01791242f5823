from __future__ import annotations

import asyncio
import gc
import multiprocessing.process
import re

import pytest
from support.postroom import Postroom

from activitysmith_jupyter import Activity, PayloadError, configure
from activitysmith_jupyter._courier import REQUESTS_PER_MINUTE
from activitysmith_jupyter.exceptions import ActivitySmithWarning

METRICS = [{"label": "Loss", "value": 0.25}, {"label": "Rows", "value": 10}]


@pytest.fixture
def room():
    with Postroom() as room:
        yield room


# ---------------------------------------------------------------------- opening


@pytest.mark.parametrize(
    ("kind", "fields", "shown"),
    [
        pytest.param("progress", {}, {"percentage": 0}, id="progress"),
        pytest.param("timer", {}, {"counts_down": False}, id="timer"),
        pytest.param(
            "segmented_progress",
            {"number_of_steps": 4},
            {"number_of_steps": 4, "current_step": 0},
            id="segmented_progress",
        ),
        pytest.param("stats", {"metrics": METRICS}, {"metrics": METRICS}, id="stats"),
        pytest.param("metrics", {"metrics": METRICS}, {"metrics": METRICS}, id="metrics"),
        pytest.param("alert", {"message": "Disk full"}, {"message": "Disk full"}, id="alert"),
        pytest.param("value", {"value": "3.2 %"}, {"value": "3.2 %"}, id="value"),
    ],
)
def test_activity_of_each_type_opens_with_its_first_complete_state(room, kind, fields, shown):
    """A card opens when it has something to show, and not before."""
    with room.activity(type=kind, title="Night run") as activity:
        room.step()
        if fields:
            assert activity.payload is None
            assert room.requests == []
        activity.update(**fields)
        room.step()
        assert room.card["type"] == kind
        assert room.operations == ["started"]
        expected = {"title": "Night run", "type": kind} | shown
        assert activity.payload["content_state"] == expected
        assert room.requests[0].body["content_state"] == expected


def test_activity_completed_field_by_field_opens_with_the_last_one(room):
    """Fields that come one after the other are kept until the state is whole."""
    activity = room.activity(type="segmented_progress")
    activity.update(subtitle="soon")
    room.step()
    assert room.requests == []
    activity.update(number_of_steps=3)
    room.step()
    assert room.state["subtitle"] == "soon"


def test_activity_without_a_block_opens_with_its_first_update(room):
    """No ``with`` is needed."""
    activity = room.activity()
    room.step()
    assert room.requests == []
    activity.update(percentage=10)
    room.step()
    assert room.percentages == [10]


def test_activity_that_ends_before_anything_was_shown_is_shown_with_its_verdict(room):
    """Somebody asked for this card: a block of milliseconds is on the phone, too."""
    with room.activity(percentage=42):
        pass
    room.step()
    assert room.operations == ["started", "ended"]
    assert room.percentages == [42, 100]
    assert room.state["color"] == "green"


def test_activity_that_ends_before_it_had_anything_to_show_leaves_no_card(room):
    """Without metrics there are no stats to show."""
    with room.activity(type="stats"):
        pass
    room.step()
    assert room.requests == []


def test_activity_that_ends_unseen_in_trouble_leaves_no_card(room):
    """What is over is not worth waiting for: a server that fails is not asked again for it."""
    with room.activity(percentage=1):
        room.wire.cut = True
        room.step()
    tries = room.wire.tries
    room.step()
    room.wire.cut = False
    room.pass_time(600)
    assert room.requests == []
    assert room.wire.tries == tries


def test_activities_that_end_unseen_keep_places_for_ends(room):
    """A loop of tiny blocks does not fill the minute's requests with cards that are over."""
    for number in range(100):
        with room.activity(f"part-{number}", percentage=1):
            pass
        room.step()
    room.pass_time(600)
    assert len(room.requests) <= REQUESTS_PER_MINUTE
    assert room.operations.count("started") == room.operations.count("ended")


def test_activity_named_in_words_gets_a_title_and_a_stable_key(room):
    """Any text names a card: it is the title, and the key made from it stays the same."""
    first, second = room.activity("Churn model: ~Ü"), room.activity("Churn model: ~Ü")
    assert first.title == "Churn model: ~Ü"
    assert first.stream_key == second.stream_key
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,255}", first.stream_key)


def test_activity_members_travel_with_every_update(room):
    """Buttons, tags, metadata and channels are part of each request."""
    members = {
        "action": {"title": "Open", "type": "open_url", "url": "https://example.com"},
        "tags": ["nightly"],
        "metadata": {"run": "7"},
    }
    with room.activity(**members) as activity:
        room.step()
        activity.update(percentage=50)
        room.clock.advance(2)
        room.step()
    for record in room.requests[:2]:
        assert {name: record.body[name] for name in members} == members


def test_activity_channels_name_the_recipients_of_card_and_push():
    """Whoever a card is for also gets its push."""
    from activitysmith_jupyter.emulator import Device

    with Postroom(devices=(Device(name="iPhone", channels=("ml-team",)),)) as room:
        with room.activity(channels="ml-team", notify="done"):
            room.step()
        room.step()
        put, _, push = room.requests
        assert put.body["target"] == push.body["target"] == {"channels": ["ml-team"]}


# ---------------------------------------------------------------------- updating


def test_update_names_what_changed_and_keeps_the_rest(room):
    """Fields are merged over the state."""
    with room.activity(subtitle="epoch 1", color="cyan") as activity:
        room.step()
        activity.update(percentage=40)
        activity.update(subtitle="epoch 2")
        room.clock.advance(2)
        room.step()
        shown = {name: room.state[name] for name in ("percentage", "subtitle", "color")}
        assert shown == {"percentage": 40, "subtitle": "epoch 2", "color": "cyan"}


def test_update_of_value_replaces_the_percentage_it_began_with(room):
    """A progress told as value of a limit moves: the first 0 % does not stay in its way."""
    with room.activity() as activity:
        room.step()
        activity.update(value=3, upper_limit=12)
        room.clock.advance(2)
        room.step()
        assert "percentage" not in room.requests[-1].body["content_state"]
        activity.update(value=6)
        assert activity.payload["content_state"]["value"] == 6
    room.step()
    assert room.requests[-1].body["content_state"]["value"] == 12


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        pytest.param({"percentage": 101}, "percentage", id="out-of-range"),
        pytest.param({"percentage": float("nan")}, "percentage", id="nan"),
        pytest.param({"subtitle": None}, "subtitle", id="none"),
        pytest.param({"percent": 5}, "percent", id="unknown"),
        pytest.param({"message": "hi"}, "message", id="of-another-type"),
        pytest.param({"color": "teal-ish"}, "color", id="no-such-color"),
        pytest.param({"value": 5}, "value", id="without-its-partner"),
    ],
)
def test_update_with_a_bad_field_names_it_and_changes_nothing(room, fields, named):
    """A wrong field raises at once, and neither state nor phone hear of it."""
    with room.activity(subtitle="fine") as activity:
        room.step()
        before = activity.payload
        with pytest.raises(PayloadError) as caught:
            activity.update(**{"percentage": 50} | fields if "value" not in fields else fields)
        assert named in caught.value.field
        assert activity.payload == before
        room.pass_time(60)
        assert len(room.requests) == 1


def test_activity_made_with_a_bad_field_raises_before_anything_is_sent(room):
    """The constructor checks as an update does, members included."""
    with pytest.raises(PayloadError, match="metrics"):
        room.activity(metrics=METRICS)
    with pytest.raises(PayloadError, match="action"):
        room.activity(action={"title": "Open"})
    with pytest.raises(PayloadError, match="type"):
        room.activity(type="gauge")
    room.step()
    assert room.requests == []


def test_update_marked_urgent_goes_at_once_while_the_budget_allows_any(room):
    """A real step is sent the moment it happens, up to the last update that iOS still shows."""
    with room.activity() as activity:
        room.step()
        for step in range(1, 21):
            room.clock.advance(0.1)
            activity.update(percentage=step, urgent=True)
            room.step()
        assert room.percentages == list(range(13))
        room.pass_time(3600)
        assert room.state["percentage"] == 20
        assert room.card["updates_dropped"] == 0


def test_update_marked_urgent_makes_only_itself_urgent(room):
    """Once it is sent, later changes are ordinary again and wait for their turn."""
    with room.activity() as activity:
        room.step()
        activity.update(percentage=1, urgent=True)
        room.step()
        activity.update(percentage=2)
        room.step()
        assert room.percentages == [0, 1]


def test_update_noted_while_another_is_delivered_is_not_lost(room):
    """What the courier notes after a delivery never overwrites what the code said meanwhile."""
    with room.activity() as activity:
        activity.update(percentage=10, urgent=True)
        activity._sample(room.clock(), None)
        activity.update(percentage=20, urgent=True)
        activity.delivered()
        assert activity.payload["content_state"]["percentage"] == 20
        room.step()
        assert room.state["percentage"] == 20


def test_update_after_the_end_sends_nothing(room):
    """An ended card stays as it ended."""
    with room.activity() as activity:
        room.step()
    activity.update(percentage=50)
    room.pass_time(60)
    assert room.operations == ["started", "ended"]


# ---------------------------------------------------------------------- timers


def test_timer_duration_goes_out_once(room):
    """A duration restarts the clock on the phone, so later updates leave it out."""
    with room.activity(type="timer", duration_seconds=600) as activity:
        room.step()
        room.pass_time(60)
        assert len(room.requests) == 1
        activity.update(subtitle="warming up")
        room.pass_time(60)
        first, second = (record.body["content_state"] for record in room.requests)
        assert first["duration_seconds"] == 600
        assert "duration_seconds" not in second
        assert room.card["timer"]["elapsed_seconds"] == pytest.approx(120)


def test_timer_duration_set_again_restarts_the_timer(room):
    """The same duration given twice is two windows."""
    with room.activity(type="timer", duration_seconds=600) as activity:
        room.pass_time(300)
        activity.update(duration_seconds=600)
        room.clock.advance(1)
        room.step()
        assert room.requests[-1].body["content_state"]["duration_seconds"] == 599
        assert room.card["timer"]["elapsed_seconds"] == 0


def test_timer_that_waited_to_be_shown_is_shorter_by_the_wait(room):
    """A countdown ends when it was to end, even where it could be sent only later."""
    room.wire.cut = True
    with room.activity(type="timer", duration_seconds=600):
        room.pass_time(100)
        room.wire.cut = False
        room.pass_time(60)
        assert room.card["timer"]["ends_at"] == pytest.approx(room.clock() + 440, abs=0.01)


def test_timer_without_duration_counts_up(room):
    """A timer that nobody gave an end ticks upwards on the phone."""
    with room.activity(type="timer"):
        room.step()
        room.pass_time(90)
        assert room.card["timer"]["counts_down"] is False
        assert room.card["timer"]["elapsed_seconds"] == pytest.approx(90)


# ---------------------------------------------------------------------- verdicts


def lost():
    raise ValueError("first line\nloss is NaN")


def stop(error):
    def body():
        raise error

    return body


@pytest.mark.parametrize(
    ("body", "verdict", "color", "symbol", "words", "minutes"),
    [
        pytest.param(
            None, "done", "green", "checkmark.circle.fill", r"Done in 5\.0 s", 60, id="end-of-block"
        ),
        pytest.param(
            lost,
            "failed",
            "red",
            "xmark.octagon.fill",
            r"Failed at 40 % after 5\.0 s: ValueError: loss is NaN",
            240,
            id="error",
        ),
        pytest.param(
            stop(KeyboardInterrupt()),
            "stopped",
            "gray",
            "stop.circle.fill",
            r"Stopped at 40 % after 5\.0 s: interrupted",
            30,
            id="interrupt",
        ),
        pytest.param(
            stop(SystemExit(3)),
            "stopped",
            "gray",
            "stop.circle.fill",
            r"Stopped at 40 % after 5\.0 s: exit 3",
            30,
            id="exit-3",
        ),
        pytest.param(
            stop(SystemExit(["unhashable"])),
            "stopped",
            "gray",
            "stop.circle.fill",
            r"Stopped .*: exit \['unhashable'\]",
            30,
            id="exit-odd",
        ),
        pytest.param(
            stop(asyncio.CancelledError()),
            "stopped",
            "gray",
            "stop.circle.fill",
            r"Stopped at 40 % after 5\.0 s",
            30,
            id="cancelled-task",
        ),
        pytest.param(
            stop(GeneratorExit()),
            "stopped",
            "gray",
            "stop.circle.fill",
            r"Stopped at 40 % after 5\.0 s",
            30,
            id="closed-generator",
        ),
    ],
)
def test_block_end_decides_the_verdict(room, body, verdict, color, symbol, words, minutes):
    """How the block ends is what the card says for ever, and the error goes on its way."""
    raised = None
    activity = room.activity()
    try:
        with activity:
            activity.update(percentage=40)
            room.step()
            room.clock.advance(5)
            if body is not None:
                body()
    except BaseException as error:  # noqa: BLE001  all kinds are the point
        raised = error
    room.step()
    assert (raised is None) == (body is None)
    assert activity.outcome.verdict == verdict
    assert room.card["status"] == "ended"
    assert room.state["color"] == color
    assert room.state["icon"] == {"symbol": symbol, "color": color}
    assert re.fullmatch(words, room.state["subtitle"])
    assert room.state["percentage"] == (100 if verdict == "done" else 40)
    assert room.card["dismiss_at"] == room.clock() + 60 * minutes


@pytest.mark.parametrize(
    ("kind", "fields", "shown"),
    [
        ("segmented_progress", {"number_of_steps": 4, "current_step": 2}, {"current_step": 4}),
        ("stats", {"metrics": METRICS}, {"metrics": METRICS}),
        ("metrics", {"metrics": METRICS}, {"metrics": METRICS}),
        ("alert", {"message": "Disk full"}, {"message": "Disk full"}),
        ("value", {"value": 7}, {"value": 7}),
        ("timer", {}, {}),
    ],
)
def test_done_of_each_type_keeps_what_it_showed_and_says_so(room, kind, fields, shown):
    """Every type has room for the verdict; steps are all taken then."""
    with room.activity(type=kind, **fields):
        room.step()
    room.step()
    state = room.requests[-1].body["content_state"]
    assert state["subtitle"].startswith("Done in")
    assert state["icon"]["color"] == "green"
    assert ("color" in state) == (kind != "stats")
    assert state | shown == state
    assert room.operations == ["started", "ended"]


def test_error_with_odd_characters_still_tells_its_verdict(room):
    """Escape codes, zero bytes and lone surrogates in a message cost neither verdict nor end."""
    with pytest.raises(OSError, match="red"), room.activity():
        room.step()
        raise OSError("\x1b[31mred\x00 \udcff" + "x" * 500)
    room.step()
    assert room.card["status"] == "ended"
    assert room.state["color"] == "red"
    assert "OSError" in room.state["subtitle"]


def test_end_by_hand_takes_verdict_reason_fields_and_dismissal(room):
    """``end`` says it all in one call, and its own words win over ours."""
    activity = room.activity()
    activity.open()
    room.step()
    activity.end(
        "failed", reason="no data", dismiss_seconds=90, badge={"title": "new"}, title="Import"
    )
    room.step()
    assert room.state["title"] == "Import"
    assert room.state["badge"]["title"] == "new"
    assert room.state["subtitle"].endswith(": no data")
    assert room.card["dismiss_at"] == room.clock() + 90


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ({"dismiss_seconds": 0}, 0),
        ({"dismiss_minutes": 5}, 300),
        ({"dismiss_seconds": 30, "dismiss_minutes": 5}, 30),
        ({}, 3600),
    ],
)
def test_end_with_dismissal_keeps_the_card_that_long(room, times, seconds):
    """Seconds win over minutes, 0 removes at once, and done stays an hour by default."""
    activity = room.activity()
    activity.open()
    room.step()
    activity.end(**times)
    room.step()
    if seconds == 0:
        assert room.emulator.phone.cards == []
    else:
        assert room.card["dismiss_at"] == room.clock() + seconds


def test_end_twice_keeps_the_first_verdict(room):
    """The block's own end does not overwrite what the code said."""
    with room.activity() as activity:
        room.step()
        activity.end("failed", reason="no data")
    activity.end("done")
    room.step()
    assert room.operations == ["started", "ended"]
    assert activity.outcome.verdict == "failed"


@pytest.mark.parametrize(
    "bad", [{"subtitle": 7j}, {"percent": 1}, {"dismiss_minutes": -1}, {"outcome": "died"}]
)
def test_end_with_a_bad_value_raises_and_leaves_the_card_open(room, bad):
    """A typing error in the last line can be mended."""
    activity = room.activity()
    activity.open()
    room.step()
    with pytest.raises(PayloadError):
        activity.end(**bad)
    assert activity.is_open
    activity.end()
    room.step()
    assert room.operations == ["started", "ended"]
    assert room.state["subtitle"].startswith("Done")


@pytest.mark.parametrize("verdict", ["done", "failed", "stopped"])
@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ("done", {"done"}),
        ("failed", {"failed"}),
        ("always", {"done", "failed", "stopped"}),
        ("never", set()),
    ],
)
def test_notify_decides_which_ends_push(room, notify, told, verdict):
    """The push says title and verdict, and only where it was asked for."""
    activity = room.activity(title="Training", notify=notify)
    activity.open()
    room.step()
    activity.end(verdict)
    room.step()
    assert len(room.pushes) == int(verdict in told)
    assert all(title.endswith(f"Training: {verdict}") for title in room.pushes)


# ---------------------------------------------------------------------- silence


def test_activity_when_disabled_runs_the_block_and_sends_nothing(room):
    """The switch makes everything a quiet no-op."""
    configure(disabled=True)
    with room.activity(notify="always") as activity:
        activity.update(percentage=50, urgent=True)
    room.pass_time(60)
    assert room.requests == []
    assert room.wire.tries == 0


def test_activity_without_a_key_warns_once_and_runs_the_block(room):
    """One warning names the two ways out; the code does not notice."""
    ran = []
    with pytest.warns(ActivitySmithWarning, match=r"ACTIVITYSMITH_API_KEY(.|\n)*emulator") as said:
        for _ in range(3):
            with room.activity(api_key=None) as activity:
                activity.update(percentage=50)
                ran.append(activity.is_open)
    assert ran == [False] * 3
    assert len(said) == 1
    assert said[0].filename == __file__
    room.pass_time(60)
    assert room.wire.tries == 0


@pytest.mark.parametrize("rank", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_activity_of_a_higher_rank_sends_nothing(room, monkeypatch, rank):
    """One distributed run is one card."""
    monkeypatch.setenv(rank, "3")
    with room.activity() as activity:
        activity.update(percentage=50)
        room.step()
    room.step()
    assert room.wire.tries == 0


def test_activity_in_a_worker_process_sends_nothing(room, monkeypatch):
    """Workers of a pool stay silent."""
    monkeypatch.setattr(multiprocessing.process.current_process(), "_name", "Worker-1")
    with room.activity():
        room.step()
    room.step()
    assert room.wire.tries == 0


def test_block_with_the_server_down_runs_to_its_end_and_warns_once(room):
    """Nothing of ours leaves the block; what could not be shown is said once."""
    room.wire.cut = True
    with pytest.warns(ActivitySmithWarning, match="cannot be reached") as said:
        with room.activity() as activity:
            for percentage in range(100):
                activity.update(percentage=percentage)
                room.pass_time(10)
        room.pass_time(60)
        with room.activity("other"):
            room.pass_time(10)
    assert len(said) == 1


# ---------------------------------------------------------------------- identity


def test_activity_shows_its_key_to_nobody(room):
    """Neither repr nor anything it holds prints the API key."""
    with room.activity() as activity:
        texts = [repr(activity), repr(vars(activity)), str(activity.payload)]
    assert room.emulator.api_key not in "".join(texts)


def test_activity_repr_names_key_type_and_state(room):
    """A look at the object says where it stands."""
    activity = room.activity()
    assert repr(activity) == "<Activity 'train' progress new>"
    with activity:
        assert repr(activity) == "<Activity 'train' progress open>"
    assert repr(activity) == "<Activity 'train' progress done>"


def test_payload_is_a_copy_that_cannot_change_the_state(room):
    """Looking at the payload is safe, and looking does not count as sending."""
    with room.activity(type="timer", duration_seconds=60) as activity:
        activity.payload["content_state"]["title"] = "changed"
        activity.payload.clear()
        room.step()
        assert room.requests[0].body["content_state"]["title"] == "train"
        assert room.requests[0].body["content_state"]["duration_seconds"] == 60


def test_two_activities_with_one_key_share_one_card(room):
    """The newer one has the card; the older one's end does not end it."""
    first, second = room.activity(title="first"), room.activity(title="second")
    first.open()
    room.step()
    second.open()
    room.clock.advance(2)
    room.step()
    first.end()
    room.step()
    assert room.operations == ["started", "updated"]
    assert room.state["title"] == "second"
    second.end()
    room.step()
    assert room.operations == ["started", "updated", "ended"]


def test_activity_used_again_is_a_new_card_with_its_own_verdict(room):
    """A second block begins anew: elapsed time, last words and verdict are its own."""
    activity = room.activity()
    with activity:
        room.step()
        room.clock.advance(100)
        activity.end(subtitle="first time")
    room.step()
    room.clock.advance(50)
    with activity:
        activity.update(percentage=30)
        room.step()
        assert activity.is_open
        room.clock.advance(5)
    room.step()
    assert room.operations == ["started", "ended", "started", "ended"]
    assert room.state["subtitle"] == "Done in 5.0 s"


def test_timer_used_again_has_its_whole_duration(room):
    """A countdown that starts anew starts from its full length."""
    activity = room.activity(type="timer", duration_seconds=60)
    for _ in range(2):
        with activity:
            room.step()
            assert room.card["status"] == "active"
            room.pass_time(30)
        room.step()
    starts = [record.body for record in room.requests if record.operation == "started"]
    assert [start["content_state"]["duration_seconds"] for start in starts] == [60, 60]


def test_activity_dropped_while_open_is_ended_by_the_process(room):
    """The process remembers an open card even when the code forgets it."""
    room.activity().open()
    gc.collect()
    room.step()
    room.runtime.shut_down()
    assert room.operations == ["started", "ended"]
    assert room.state["color"] == "gray"


def test_activity_is_exported_by_the_package():
    """The class is the package's own name."""
    import activitysmith_jupyter

    assert activitysmith_jupyter.Activity is Activity
