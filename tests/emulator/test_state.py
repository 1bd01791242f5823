import itertools

import pytest

from activitysmith_jupyter.emulator import Device

HOUR = 3600.0
TIMER = {"title": "Bake", "type": "timer", "duration_seconds": 100}


def card(api):
    """Return the newest card."""
    return api.emulator.phone.cards[0]


# --- managed streams -----------------------------------------------------------------------------


def test_stream_first_put_starts_a_card(api):
    """The first PUT of a key starts an activity that the phone shows."""
    answer = api.put(state={"title": "Train", "type": "progress", "percentage": 10}).json()
    assert answer["operation"] == "started"
    assert len(answer["activity_id"]) == 32
    assert answer["devices_notified"] == answer["users_notified"] == 1
    assert answer["effective_channel_slugs"] is None
    assert answer["timestamp"] == "2025-06-15T15:06:40.000Z"
    assert card(api)["content_state"] == {"title": "Train", "type": "progress", "percentage": 10}
    assert card(api)["status"] == "active"
    assert card(api)["stream_key"] == "train"


def test_stream_later_put_updates_the_same_card(api):
    """A changed PUT keeps the activity and changes what is shown."""
    first = api.percent(10)
    second = api.percent(20)
    assert second["operation"] == "updated"
    assert second["activity_id"] == first["activity_id"]
    assert card(api)["content_state"]["percentage"] == 20
    assert [shown.kind for shown in api.emulator.phone.history] == ["start", "update"]


def test_stream_identical_put_is_a_noop(api):
    """A PUT that changes nothing sends nothing and uses no budget."""
    first = api.percent(10)
    answer = api.percent(10.0)
    assert answer["operation"] == "noop"
    assert answer["activity_id"] == first["activity_id"]
    assert "devices_notified" not in answer
    assert len(api.emulator.phone.history) == 1


def test_stream_put_that_leaves_out_the_type_infers_it(api):
    """A running stream knows its type; without one, leaving it out is a 400."""
    assert api.put(state={"title": "T", "percentage": 1}).status_code == 400
    api.percent(10)
    answer = api.put(state={"title": "Train", "percentage": 20})
    assert answer.json()["operation"] == "updated"
    api.send("DELETE", "/live-activity/stream/train")
    assert api.put(state={"title": "T", "percentage": 1}).status_code == 400


@pytest.mark.parametrize(
    "members",
    [
        {"tags": ["a"]},
        {"metadata": {"a": 1}},
        {"alert": {"title": "Look"}},
        {"action": {"title": "Open", "type": "open_url", "url": "https://example.com"}},
    ],
    ids=lambda members: next(iter(members)),
)
def test_stream_put_with_new_members_is_no_noop(api, members):
    """A new label, alert or button is something that differs; the same again is not."""
    api.percent(10)
    assert api.percent(10, **members)["operation"] == "updated"
    assert api.percent(10, **members)["operation"] == "noop"


def test_stream_put_of_another_type_rotates(api):
    """A new type ends the old activity and starts another one, which needs all its fields."""
    first = api.percent(10)
    assert api.put(state={"title": "T", "type": "segmented_progress"}).status_code == 400
    answer = api.put(state={"title": "T", "type": "alert", "message": "Stopped"}).json()
    assert answer["operation"] == "rotated"
    assert answer["previous_activity_id"] == first["activity_id"]
    assert answer["activity_id"] != first["activity_id"]
    assert [each["type"] for each in api.emulator.phone.cards] == ["alert"]
    kinds = [(shown.kind, shown.activity_id) for shown in api.emulator.phone.history]
    assert kinds == [
        ("start", first["activity_id"]),
        ("end", first["activity_id"]),
        ("start", answer["activity_id"]),
    ]


def test_stream_put_to_other_channels_rotates(make_api):
    """A new target ends the activity for the old one; leaving the target out keeps it."""
    api = make_api(devices=[Device(name="a", channels=["ops"]), Device(name="b", channels=["ml"])])
    api.percent(10, channels=["ops"])
    assert api.percent(20)["operation"] == "updated"
    assert api.percent(20, target={"channels": ["ops"]})["operation"] == "noop"
    answer = api.percent(20, channels=["ml"])
    assert answer["operation"] == "rotated"
    assert answer["effective_channel_slugs"] == ["ml"]
    assert not api.emulator.phone_of("a").cards
    assert api.emulator.phone_of("b").cards


@pytest.mark.parametrize("age", [7.9 * HOUR, 9 * HOUR], ids=["near 8 h", "past 8 h"])
def test_stream_put_near_the_lifetime_rotates(api, age):
    """A stream outlives the 8 hours of an activity, even when nothing else changed."""
    first = api.percent(10)
    api.clock.advance(age)
    answer = api.percent(10)
    assert answer["operation"] == "rotated"
    assert answer["previous_activity_id"] == first["activity_id"]
    assert api.percent(20)["operation"] == "updated"


def test_stream_rotation_keeps_a_running_timer(api):
    """A rotated timer goes on where it was, also with the official client's defaults."""
    defaults = {"title": "Run", "type": "timer", "counts_down": False}
    api.put(state=defaults)
    api.clock.advance(7.9 * HOUR)
    answer = api.put(state=defaults | {"counts_down": True, "is_running": True}).json()
    assert answer["operation"] == "rotated"
    assert card(api)["timer"]["elapsed_seconds"] == pytest.approx(7.9 * HOUR)
    assert card(api)["timer"]["counts_down"] is False


def test_stream_that_is_paused_sends_nothing_until_resumed(api):
    """A paused stream answers so, without an activity."""
    api.percent(10)
    api.emulator.pause("train")
    answer = api.percent(20)
    assert answer["operation"] == "paused"
    assert answer["activity_id"] is None
    assert card(api)["content_state"]["percentage"] == 10
    api.emulator.resume("train")
    assert api.percent(20)["operation"] == "updated"


def test_stream_delete_ends_the_card_and_forgets_the_key(api):
    """DELETE ends; the next one is 404; the next PUT starts anew."""
    first = api.percent(10)
    answer = api.send(
        "DELETE", "/live-activity/stream/train", {"content_state": {"title": "Done"}}
    ).json()
    assert answer["operation"] == "ended"
    assert answer["activity_id"] == first["activity_id"]
    assert card(api)["status"] == "ended"
    # What the end leaves out stays as it was.
    assert card(api)["content_state"] == {"title": "Done", "type": "progress", "percentage": 10}
    gone = api.send("DELETE", "/live-activity/stream/train")
    assert gone.status_code == 404
    assert gone.json()["error"] == "Live Activity stream not found"
    again = api.percent(1)
    assert again["operation"] == "started"
    assert again["activity_id"] != first["activity_id"]


def test_stream_delete_after_its_activity_ended_is_ignored_once(api):
    """A known key whose activity is over answers ended with nothing to end."""
    first = api.percent(10)
    api.send("POST", "/live-activity/end", {"activity_id": first["activity_id"]} | content("End"))
    answer = api.send("DELETE", "/live-activity/stream/train").json()
    assert (answer["operation"], answer["activity_id"], answer["ignored"]) == ("ended", None, True)
    assert api.send("DELETE", "/live-activity/stream/train").status_code == 404


def test_stream_put_after_a_legacy_end_starts(api):
    """A stream without a running activity starts one."""
    first = api.percent(10)
    api.send("POST", "/live-activity/end", {"activity_id": first["activity_id"]} | content("End"))
    answer = api.percent(10)
    assert answer["operation"] == "started"
    assert "previous_activity_id" not in answer


def content(title, **fields):
    """Return the member of a request that holds a content state."""
    return {"content_state": {"title": title, **fields}}


def test_update_clears_what_it_leaves_out_unless_told_to_keep(make_api):
    """Visible fields left out disappear by default; a setting keeps them."""
    for absent, shown in (("clear", False), ("keep", True)):
        api = make_api(absent_fields=absent)
        api.put(state={"title": "T", "type": "progress", "percentage": 1, "subtitle": "s"})
        api.percent(2)
        assert ("subtitle" in card(api)["content_state"]) is shown


def test_update_keeps_the_number_of_steps(api):
    """A later step may come without the number of steps."""
    api.put(
        state={"title": "T", "type": "segmented_progress", "number_of_steps": 5, "current_step": 1}
    )
    api.put(state={"title": "T", "current_step": 2})
    state = card(api)["content_state"]
    assert (state["number_of_steps"], state["current_step"]) == (5, 2)


def test_update_from_percentage_to_value_replaces_the_form(make_api):
    """Progress is shown in the form sent last."""
    api = make_api(absent_fields="keep")
    api.percent(10)
    api.put(state={"title": "T", "type": "progress", "value": 3, "upper_limit": 9})
    assert set(card(api)["content_state"]) == {"title", "type", "value", "upper_limit"}


def test_tags_and_metadata_are_kept_replaced_and_cleared(api):
    """Left out they stay, given they replace, empty they go."""
    assert api.percent(1, tags=["a", "a", "b"])["tags"] == ["a", "b"]
    assert api.percent(2)["tags"] == ["a", "b"]
    assert api.percent(3, tags=["c"])["tags"] == ["c"]
    assert "tags" not in api.percent(4, tags=[])


# --- timers --------------------------------------------------------------------------------------


def timer(api):
    """Return the newest card's timer."""
    return card(api)["timer"]


def test_timer_counts_down_and_stops_at_its_end(api):
    """A countdown ticks on the phone by itself, up to its duration."""
    api.put(state=TIMER)
    api.clock.advance(40)
    assert timer(api) == {
        "counts_down": True,
        "duration_seconds": 100,
        "elapsed_seconds": 40,
        "is_running": True,
        "ends_at": api.clock() + 60,
        "started_at": api.clock() - 40,
    }
    api.clock.advance(100)
    assert timer(api)["elapsed_seconds"] == 100
    assert timer(api)["is_running"] is False


def test_timer_update_without_a_duration_keeps_the_window(api):
    """Changing the title does not touch a running timer."""
    api.put(state=TIMER)
    api.clock.advance(40)
    api.put(state={"title": "Still", "type": "timer", "counts_down": True, "is_running": True})
    assert card(api)["content_state"]["title"] == "Still"
    assert timer(api)["elapsed_seconds"] == 40


def test_timer_update_with_a_duration_restarts_the_window(api):
    """Sending a duration starts the window again from that request, in the same direction."""
    for up in (False, True):
        state = TIMER | ({"counts_down": False} if up else {})
        api.put(str(up), state=state)
        api.clock.advance(40)
        api.put(str(up), state=TIMER | {"title": "Again"})
        assert timer(api)["elapsed_seconds"] == 0
        assert timer(api)["counts_down"] is not up


def test_timer_freezes_and_resumes(api):
    """is_running false holds it, true goes on from there, leaving it out changes nothing."""
    api.put(state=TIMER)
    api.clock.advance(40)
    api.put(state={"title": "Held", "type": "timer", "is_running": False})
    api.clock.advance(1000)
    api.put(state={"title": "Still held", "type": "timer"})
    assert (timer(api)["elapsed_seconds"], timer(api)["is_running"]) == (40, False)
    assert timer(api)["ends_at"] is None
    api.put(state={"title": "On", "type": "timer", "is_running": True})
    api.clock.advance(10)
    assert (timer(api)["elapsed_seconds"], timer(api)["is_running"]) == (50, True)


def test_timer_counting_up_ignores_a_countdown_without_a_duration(api):
    """What the official client sends on a careless update leaves an open timer as it is."""
    api.put(state={"title": "Run", "type": "timer", "counts_down": False})
    api.clock.advance(500)
    api.put(state={"title": "Run on", "type": "timer", "counts_down": True})
    assert timer(api)["counts_down"] is False
    assert timer(api)["elapsed_seconds"] == 500
    assert timer(api)["ends_at"] is None


def test_timer_that_is_bounded_can_be_turned_around(api):
    """counts_down alone changes the direction and not the window."""
    api.put(state=TIMER)
    api.clock.advance(30)
    api.put(state={"title": "Up", "type": "timer", "counts_down": False})
    assert (timer(api)["counts_down"], timer(api)["elapsed_seconds"]) == (False, 30)


def test_timer_freezes_at_the_end(api):
    """An ended timer stands still, whether or not an end state was sent."""
    api.put(state=TIMER)
    api.clock.advance(30)
    api.send("DELETE", "/live-activity/stream/train")
    api.clock.advance(30)
    assert (timer(api)["elapsed_seconds"], timer(api)["is_running"]) == (30, False)


# --- dismissal -----------------------------------------------------------------------------------


def end_stream(api, state):
    """End a stream with a content state, or without a body."""
    api.percent(10)
    body = None if state is None else {"content_state": {"title": "T", **state}}
    api.send("DELETE", "/live-activity/stream/train", body)


def end_by_hand(api, state):
    """End an activity by its id."""
    body = {"content_state": {"title": "T", "type": "progress", "percentage": 1}}
    started = api.send("POST", "/live-activity/start", body).json()["activity_id"]
    body = {"activity_id": started, "content_state": {"title": "T", **state}}
    assert api.send("POST", "/live-activity/end", body).status_code == 200


@pytest.mark.parametrize(
    ("end", "state", "seconds"),
    [
        (end_stream, None, 120),
        (end_stream, {}, 120),
        (end_stream, {"auto_dismiss_minutes": 5}, 300),
        (end_stream, {"auto_dismiss_minutes": 5, "auto_dismiss_seconds": 7}, 7),
        (end_stream, {"auto_dismiss_minutes": 10_000}, 4 * HOUR),
        (end_by_hand, {}, 180),
        (end_by_hand, {"auto_dismiss_minutes": 1}, 60),
    ],
)
def test_ended_card_stays_for_its_dismissal_time(api, end, state, seconds):
    """An ended card is shown until its time, by endpoint and by what was sent."""
    end(api, state)
    api.clock.advance(seconds - 1)
    assert card(api)["status"] == "ended"
    assert card(api)["dismiss_at"] == card(api)["ended_at"] + seconds
    api.clock.advance(1)
    assert not api.emulator.phone.cards


@pytest.mark.parametrize("field", ["auto_dismiss_minutes", "auto_dismiss_seconds"])
def test_ended_card_with_a_dismissal_of_zero_goes_at_once(api, field):
    """Zero dismisses at once, and the last state is still in the history."""
    end_stream(api, {field: 0, "percentage": 100})
    assert not api.emulator.phone.cards
    last = api.emulator.phone.history[-1]
    assert (last.kind, last.content["percentage"]) == ("end", 100)


def test_card_that_is_never_ended_is_ended_by_ios_after_eight_hours(api):
    """The phone ends a card after 8 hours and removes it 4 hours later."""
    api.put(state=TIMER | {"duration_seconds": 90_000})
    api.clock.advance(10 * HOUR)
    assert card(api)["status"] == "ended"
    assert card(api)["ended_at"] - card(api)["started_at"] == 8 * HOUR
    assert timer(api)["elapsed_seconds"] == 8 * HOUR
    api.clock.advance(2 * HOUR)
    assert not api.emulator.phone.cards


# --- the iOS budget ------------------------------------------------------------------------------


def test_updates_beyond_the_budget_are_answered_and_not_shown(api):
    """The 13th quick update is a 200 with a warning that never reaches the phone."""
    answers = [api.percent(n) for n in range(14)]
    assert [("warning" in answer) for answer in answers] == [False] * 13 + [True]
    assert card(api)["content_state"]["percentage"] == 12
    assert (card(api)["updates_shown"], card(api)["updates_dropped"]) == (12, 1)
    assert card(api)["throttled_until"] == api.clock() + HOUR


def test_updates_while_throttled_are_dropped_and_then_a_new_budget_begins(api):
    """The phone throttles for about an hour; dropped updates do not prolong it."""
    for n in range(14):
        api.percent(n)
    api.clock.advance(HOUR - 1)
    api.percent(50)
    assert card(api)["content_state"]["percentage"] == 12
    api.clock.advance(1)
    for n in range(60, 72):
        api.percent(n)
    assert card(api)["content_state"]["percentage"] == 71
    assert card(api)["throttled_until"] is None
    api.percent(90)
    assert card(api)["content_state"]["percentage"] == 71
    assert (card(api)["updates_shown"], card(api)["updates_dropped"]) == (24, 3)


def test_updates_within_one_per_two_minutes_always_show(api):
    """A steady pace of one update per two minutes neither warns nor drops."""
    api.percent(0)
    for n in range(1, 40):
        api.clock.advance(120)
        assert "warning" not in api.percent(n)
    assert card(api)["updates_dropped"] == 0


def test_end_of_a_throttled_card_always_shows(api):
    """The last state reaches the phone however many updates came before."""
    for n in range(30):
        api.percent(n)
    api.send("DELETE", "/live-activity/stream/train", content("Done", percentage=100))
    assert card(api)["content_state"]["percentage"] == 100


def test_dropped_update_is_still_the_stream_s_last_state(api):
    """The service cannot know what iOS dropped: the same request again is a noop."""
    for n in range(14):
        api.percent(n)
    assert api.percent(13)["operation"] == "noop"


def test_legacy_update_over_the_pace_carries_no_warning(api):
    """The warning belongs to streams; the budget holds all the same."""
    started = start(api)["activity_id"]
    for n in range(14):
        body = {"activity_id": started} | content("T", percentage=n)
        assert "warning" not in api.send("POST", "/live-activity/update", body).json()
    assert card(api)["updates_dropped"] == 2


def test_new_activity_of_a_stream_starts_a_new_count(api):
    """The warning and the budget belong to the activity."""
    for n in range(14):
        api.percent(n)
    api.send("DELETE", "/live-activity/stream/train")
    assert all("warning" not in api.percent(n) for n in range(13))


def test_budget_can_be_switched_off(make_api):
    """Without a burst limit every update shows, and the service still warns."""
    api = make_api(update_burst=None)
    answers = [api.percent(n) for n in range(20)]
    assert card(api)["content_state"]["percentage"] == 19
    assert "warning" in answers[-1]


# --- capacity ------------------------------------------------------------------------------------


def test_sixth_activity_is_refused_with_the_limit(api):
    """Five at a time; the sixth is the 429 that names the limit and promises no time."""
    for n in range(5):
        assert api.percent(1, f"key{n}")["operation"] == "started"
    refused = api.put("key5")
    assert refused.status_code == 429
    body = refused.json()
    assert body["error"] == "Live Activity limit reached"
    assert (body["limit"], body["active"]) == (5, 5)
    assert "blocked_devices" not in body
    assert "Retry-After" not in refused.headers
    api.send("DELETE", "/live-activity/stream/key0")
    assert api.percent(1, "key5")["operation"] == "started"


def test_full_device_can_still_rotate_its_own_stream(make_api):
    """A rotation frees the place it takes."""
    api = make_api(limit=1)
    api.percent(1)
    answer = api.put(state={"title": "T", "type": "alert", "message": "m"}).json()
    assert answer["operation"] == "rotated"


def test_limit_counts_per_device_and_names_mixed_capacity(make_api):
    """Devices that differ in free capacity are counted in the refusal."""
    api = make_api(
        limit=1,
        devices=[Device(name="a", channels=["ops"]), Device(name="b", channels=["ml"])],
    )
    api.percent(1, "one", channels=["ops"])
    refused = api.put("all").json()
    assert (refused["blocked_devices"], refused["targeted_devices"]) == (1, 2)
    assert api.percent(1, "two", channels=["ml"])["operation"] == "started"


def test_evicting_policy_ends_the_oldest_and_says_so(make_api):
    """With room made, the start's answer names the activity that was ended."""
    api = make_api(limit=2, policy="evict")
    oldest = api.percent(1, "one")["activity_id"]
    api.percent(1, "two")
    body = {"content_state": {"title": "T", "type": "alert", "message": "m"}}
    answer = api.send("POST", "/live-activity/start", body).json()
    assert answer["ended_activity_id"] == oldest
    assert len(api.emulator.phone.cards) == 2
    assert api.percent(2, "one")["operation"] == "started"


# --- activities by hand --------------------------------------------------------------------------


def start(api, **state):
    """Start an activity by hand and return the answer."""
    body = {"content_state": {"title": "T", "type": "progress", "percentage": 1} | state}
    return api.send("POST", "/live-activity/start", body).json()


def test_legacy_start_update_end_lead_one_card(api):
    """The three legacy calls carry one activity from start to end."""
    started = start(api)
    assert set(started) >= {"success", "activity_id", "timestamp", "devices_notified"}
    own = {"activity_id": started["activity_id"]}
    answer = api.send("POST", "/live-activity/update", own | content("T", percentage=2)).json()
    assert answer["activity_id"] == own["activity_id"]
    assert answer["devices_queued"] == 0
    assert "operation" not in answer
    answer = api.send("POST", "/live-activity/end", own | content("Done", percentage=100)).json()
    assert answer["success"] is True
    again = api.send("POST", "/live-activity/end", own | content("Done")).json()
    assert again["ignored"] is True
    assert card(api)["content_state"]["percentage"] == 100


def test_legacy_update_after_the_end_or_of_nothing_is_not_found(api):
    """An id that runs no more, or never did, is 404."""
    started = start(api)["activity_id"]
    api.send("POST", "/live-activity/end", {"activity_id": started} | content("Done"))
    for path, activity_id in itertools.product(("update", "end"), (started, "nobody")):
        if (path, activity_id) != ("end", started):
            body = {"activity_id": activity_id} | content("T", percentage=1)
            assert api.send("POST", f"/live-activity/{path}", body).status_code == 404


def test_legacy_update_cannot_change_the_type_nor_start_without_one(api):
    """An activity keeps its type, and needs one to start."""
    body = {"activity_id": start(api)["activity_id"]} | content("T", type="alert", message="m")
    assert api.send("POST", "/live-activity/update", body).status_code == 400
    body = content("T", percentage=1)
    assert api.send("POST", "/live-activity/start", body).status_code == 400


def test_legacy_update_of_a_stream_s_activity_rotates_near_its_lifetime(api):
    """The answer then carries the stream's members."""
    first = api.percent(1)["activity_id"]
    api.clock.advance(7.9 * HOUR)
    body = {"activity_id": first} | content("T", percentage=2)
    answer = api.send("POST", "/live-activity/update", body).json()
    assert answer["operation"] == "rotated"
    assert answer["stream_key"] == "train"
    assert answer["previous_activity_id"] == first
    assert answer["activity_id"] != first


def test_legacy_update_of_a_stream_s_activity_undoes_its_noop(api):
    """The stream's last request is no longer what is shown."""
    first = api.percent(1)["activity_id"]
    body = {"activity_id": first} | content("T", percentage=50)
    api.send("POST", "/live-activity/update", body)
    assert api.percent(1)["operation"] == "updated"


def test_secondary_action_shows_where_the_type_has_room(api):
    """A progress card shows two buttons, a metrics card one."""
    button = {"title": "Open", "type": "open_url", "url": "https://example.com"}
    both = {"action": button, "secondary_action": button}
    api.percent(1, **both)
    assert card(api)["secondary_action"] == button
    metrics = {"title": "T", "type": "metrics", "metrics": [{"label": "a", "value": 1}]}
    api.put("other", state=metrics, **both)
    assert card(api)["action"] == button
    assert card(api)["secondary_action"] is None


# --- recipients, keys, billing -------------------------------------------------------------------


def test_channels_choose_the_devices(make_api):
    """A push reaches the devices of its channels, and the answer counts people too."""
    api = make_api(
        devices=[
            Device(name="a", user="ann", channels=["ops", "ml"]),
            Device(name="b", user="bob", channels=["ml"]),
            Device(name="c", user="bob", channels=["ml"], live_activities=False),
        ]
    )
    push = {"title": "T", "target": {"channels": ["ml"]}}
    answer = api.send("POST", "/push-notification", push).json()
    assert (answer["devices_notified"], answer["users_notified"]) == (3, 2)
    assert answer["effective_channel_slugs"] == ["ml"]
    assert api.percent(1, channels=["ml"])["devices_notified"] == 2
    assert api.emulator.phone_of("c").pushes
    assert not api.emulator.phone_of("c").cards
    nobody = {"title": "T", "target": {"channels": ["none"]}}
    refused = api.send("POST", "/push-notification", nobody)
    assert refused.status_code == 422
    assert refused.json()["error"] == "No recipients found"
    assert refused.json()["effective_channel_slugs"] == ["none"]
    with pytest.raises(ValueError, match="no device"):
        api.emulator.phone_of("d")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/push-notification", {"title": "T"}),
        ("PUT", "/live-activity/stream/a", content("T", type="alert", message="m")),
        ("POST", "/live-activity/start", content("T", type="alert", message="m")),
        ("POST", "/badge", {"badge": 1}),
    ],
)
def test_account_without_a_device_has_no_recipients(make_api, method, path, body):
    """Nothing to send to is a 422 everywhere something is sent; billing comes as 402."""
    api = make_api(devices=[])
    assert api.send(method, path, body).status_code == 422
    api.emulator.configure(billing_error="trial_expired")
    blocked = api.send(method, path, body)
    assert blocked.status_code == 402
    assert blocked.json()["error"] == "trial_expired"
    assert blocked.json()["upgrade_url"].startswith("https://")
    assert "RateLimit" not in blocked.headers


def test_confined_key_stays_within_its_channels(make_api):
    """A key for channels reaches these by default, fewer on request, and no others."""
    api = make_api(
        devices=[Device(name="a", channels=["ops"]), Device(name="b", channels=["ml", "web"])]
    )
    key = api.emulator.add_key(channels=("ml", "web"))
    answer = api.percent(1, "mine", key=key)
    assert answer["effective_channel_slugs"] == ["ml", "web"]
    assert api.percent(1, "web", key=key, channels=["web"])["effective_channel_slugs"] == ["web"]
    refused = api.put("other", key=key, channels=["ops"])
    assert refused.status_code == 403
    assert refused.json()["error"] == "Invalid channel targeting"
    theirs = api.percent(1, "theirs")["activity_id"]
    for method, path, body in (
        ("PUT", "/live-activity/stream/theirs", content("T", type="progress", percentage=3)),
        ("DELETE", "/live-activity/stream/theirs", None),
        ("POST", "/live-activity/update", {"activity_id": theirs} | content("T", percentage=2)),
        ("POST", "/live-activity/end", {"activity_id": theirs} | content("T")),
    ):
        refused = api.send(method, path, body, key=key)
        assert refused.status_code == 403
        assert refused.json()["error"] == "Forbidden"
    assert api.percent(2, "mine")["operation"] == "updated"


def test_main_key_can_be_confined(make_api):
    """The main key's own channels are a setting."""
    api = make_api(devices=[Device(name="a", channels=["ops"])], channels=["ops"])
    assert api.percent(1)["effective_channel_slugs"] == ["ops"]
    assert api.put("b", channels=["ml"]).status_code == 403


# --- pushes, widgets, badge ----------------------------------------------------------------------


def test_push_arrives_with_all_it_carries(api):
    """The phone shows every field of a push, and its badge."""
    push = {
        "title": "T",
        "message": "m",
        "icon": "https://example.com/i.png",
        "badge": 3,
        "sound": "ping",
        "interruption_level": "passive",
        "tags": ["a"],
        "metadata": {"k": 1},
        "actions": [{"title": "Open", "type": "open_url", "url": "https://example.com"}],
    }
    answer = api.send("POST", "/push-notification", push).json()
    shown = api.emulator.phone.pushes[0]
    assert shown["notification_id"] == answer["notification_id"]
    assert {name: shown[name] for name in push} == push
    assert shown["replaced"] is False
    assert shown["media"] is None
    assert api.emulator.phone.badge == 3


def test_push_replacement_takes_the_old_one_s_place(api):
    """All visible content is replaced; labels stay unless given; the id stays valid."""
    body = {"title": "One", "message": "m", "tags": ["a"], "metadata": {"k": 1}, "sound": "ping"}
    first = api.send("POST", "/push-notification", body).json()
    api.send("POST", "/push-notification", {"title": "Newer"})
    path = f"/push-notification/{first['notification_id']}"
    for body, tags, metadata in (
        ({"title": "Two"}, ["a"], {"k": 1}),
        ({"title": "Three", "tags": [], "metadata": {}}, [], {}),
    ):
        answer = api.send("PUT", path, body).json()
        assert answer["notification_id"] == first["notification_id"]
        newer, shown = api.emulator.phone.pushes
        assert newer["title"] == "Newer"
        assert (shown["title"], shown["message"], shown["sound"]) == (body["title"], None, "ping")
        assert (shown["tags"], shown["metadata"]) == (tags, metadata)
        assert shown["replaced"] is True


def test_push_replacement_of_the_unknown_and_the_old_is_refused(api):
    """An unknown id is 404; one older than the window is 409."""
    assert api.send("PUT", "/push-notification/nobody", {"title": "T"}).status_code == 404
    first = api.send("POST", "/push-notification", {"title": "T"}).json()
    path = f"/push-notification/{first['notification_id']}"
    api.clock.advance(24 * HOUR + 1)
    assert api.send("PUT", path, {"title": "T"}).status_code == 409
    api.emulator.configure(replace_window_seconds=48 * HOUR)
    assert api.send("PUT", path, {"title": "T"}).status_code == 200


def test_push_replacement_by_a_key_of_other_channels_is_forbidden(make_api):
    """A confined key replaces only what went to its channels."""
    api = make_api(devices=[Device(name="a", channels=["ops", "ml"])])
    key = api.emulator.add_key(channels=("ml",))
    path = "/push-notification"
    wide = api.send("POST", path, {"title": "T"}).json()["notification_id"]
    own = api.send("POST", path, {"title": "T"}, key=key).json()["notification_id"]
    assert api.send("PUT", f"{path}/{wide}", {"title": "U"}, key=key).status_code == 403
    assert api.send("PUT", f"{path}/{own}", {"title": "U"}, key=key).status_code == 200
    api.emulator.configure(devices=[Device(name="b")])
    assert api.send("PUT", f"{path}/{own}", {"title": "V"}).status_code == 422


def test_metric_must_exist(make_api):
    """A metric nobody made is 404 without a message; made, it takes values."""
    api = make_api(metrics=["loss"])
    body = {"value": 0.5, "timestamp": "2026-05-01T10:00:00Z"}
    refused = api.send("POST", "/metrics/acc/value", body)
    assert (refused.status_code, refused.json()) == (404, {"error": "Metric not found"})
    assert api.send("POST", "/metrics/loss/value", body).json() == {"success": True}
    api.emulator.create_metric("acc")
    assert api.send("POST", "/metrics/acc/value", {"value": "high"}).status_code == 200
    assert api.emulator.phone.widgets == {
        "loss": {**body, "updated_at": api.clock()},
        "acc": {"value": "high", "timestamp": None, "updated_at": api.clock()},
    }
    assert api.send("POST", "/metrics/A/value", {"value": 1}).status_code == 400


def test_metric_can_be_made_on_first_use(make_api):
    """A setting saves making metrics."""
    api = make_api(metrics=None)
    assert api.send("POST", "/metrics/any.thing/value", {"value": 1}).status_code == 200


def test_badge_sets_the_count_and_zero_clears_it(api):
    """The answer has both names of each count, and an array of channels."""
    answer = api.send("POST", "/badge", {"badge": 7}).json()
    assert answer["badge"] == 7
    assert answer["devices_updated"] == answer["devices_notified"] == 1
    assert answer["users_updated"] == answer["users_notified"] == 1
    assert answer["effective_channel_slugs"] == []
    assert api.emulator.phone.badge == 7
    api.send("POST", "/badge", {"badge": 0})
    assert api.emulator.phone.badge == 0


@pytest.mark.parametrize(
    ("failure", "status"), [("badge_device_disconnected", 422), ("badge_update_failed", 502)]
)
def test_badge_failure_has_its_own_shape(make_api, failure, status):
    """A badge that could not be set carries the counts of the badge error."""
    api = make_api(badge_failure=failure)
    refused = api.send("POST", "/badge", {"badge": 7})
    assert refused.status_code == status
    body = refused.json()
    assert (body["code"], body["badge"], body["devices_updated"]) == (failure, 7, 0)
    assert api.emulator.phone.badge == 0


def test_revision_grows_with_every_visible_change(api):
    """Whoever watches the phone can see that something changed, time included."""
    seen = [api.emulator.app._core.snapshot()["revision"]]

    def changed():
        seen.append(api.emulator.app._core.snapshot()["revision"])
        return seen[-1] > seen[-2]

    api.percent(1)
    assert changed()
    api.percent(1)
    assert not changed()
    for n in range(2, 15):
        api.percent(n)
        assert changed()  # the last one for the count of what iOS dropped
    api.send("DELETE", "/live-activity/stream/train")
    assert changed()
    api.clock.advance(120)
    assert changed()
    api.emulator.reset()
    assert changed()
