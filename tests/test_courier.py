from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import httpx
import pytest
from hypothesis import given, settings, strategies as st
from support.postroom import HandFeed, Postroom
from support.scripts import run_script

from activitysmith_jupyter._courier import REQUESTS_PER_MINUTE, Courier
from activitysmith_jupyter._feed import Ending
from activitysmith_jupyter._secret import Secret
from activitysmith_jupyter._settings import Destination
from activitysmith_jupyter.emulator import Device, Emulator


@pytest.fixture
def room():
    with Postroom() as room:
        yield room


@pytest.fixture
def a_courier():
    """Make couriers with a thread of their own, which ends with the test."""
    made = []

    def make():
        made.append(Courier())
        return made[-1]

    yield make
    for courier in made:
        courier.retire()


# ---------------------------------------------------------------------- states


def test_state_of_new_feed_opens_the_card(room):
    """A feed's first sample starts its stream with exactly its body."""
    feed = room.add(HandFeed(percentage=5))
    room.step()
    assert room.calls == ["PUT train 200"]
    assert room.operations == ["started"]
    assert room.state["percentage"] == 5
    assert feed.times_delivered == 1


def test_states_faster_than_the_courier_newest_wins(room):
    """Of the states between two looks only the newest is sent."""
    feed = room.add(HandFeed())
    room.step()
    for percentage in (10, 20, 30):
        room.clock.advance(1)
        feed.show(percentage)
    room.step()
    assert room.percentages == [0, 30]


def test_state_unchanged_is_not_sent_again(room):
    """An hour of the same state is one request."""
    room.add(HandFeed(percentage=5))
    room.pass_time(3600)
    assert room.operations == ["started"]


def test_state_not_ready_opens_no_card(room):
    """A sample that is not ready keeps the card closed, and a later one opens it."""
    feed = room.add(HandFeed(ready=False))
    room.pass_time(10)
    assert room.requests == []
    feed.show(1)
    room.pass_time(1)
    assert room.operations == ["started"]


def test_feed_without_anything_to_show_sends_nothing(room):
    """No sample, no request, and no end either."""
    feed = HandFeed()
    feed.show_nothing()
    room.add(feed)
    room.pass_time(60)
    room.end(feed)
    room.pass_time(60)
    assert room.requests == []


def test_stream_key_of_any_characters_arrives_whole(room):
    """A key is escaped in the path and arrives as it was."""
    room.add(HandFeed("a-b_C1"))
    room.step()
    assert room.card["stream_key"] == "a-b_C1"


@settings(max_examples=60, deadline=None)
@given(
    pace=st.sampled_from(["value", "progress", "unknown_total"]),
    moments=st.lists(
        st.tuples(
            st.one_of(st.floats(0, 3), st.floats(0, 200)), st.integers(0, 100), st.booleans()
        ),
        min_size=1,
        max_size=60,
    ),
)
def test_updates_of_any_pattern_stay_within_the_budget(pace, moments):
    """Whatever the code does and when, iOS drops no update, and the end is the truth."""
    with Postroom() as room:
        feed = room.add(HandFeed(pace=pace, share=0.0))
        for seconds, percentage, urgent in moments:
            feed.show(percentage, pace=pace, share=percentage / 100, urgent=urgent, by_hand=True)
            room.pass_time(seconds)
        room.end(feed, content_state={"title": "Training", "type": "progress", "percentage": 77})
        room.step()
        assert room.card["updates_dropped"] == 0
        assert room.state["percentage"] == 77
        assert all("warning" not in notice for notice in room.courier.take_notices())


def test_updates_of_many_cards_stay_below_the_request_limit(room):
    """Twenty cards that change all the time never exceed thirty requests in any minute."""
    room.emulator.configure(limit=30)
    feeds = [room.add(HandFeed(f"card-{number}")) for number in range(20)]
    for second in range(300):
        for feed in feeds:
            feed.show(second % 101, urgent=second % 7 == 0)
        room.pass_time(1)
    times = [record.seconds for record in room.requests]
    busiest = max(sum(1 for time in times if 0 <= time - start < 60) for start in times)
    assert busiest <= REQUESTS_PER_MINUTE
    assert {card["stream_key"] for card in room.emulator.phone.cards} == {
        f"card-{number}" for number in range(20)
    }


def test_end_when_updates_used_up_their_requests_goes_at_once(room):
    """Updates leave room for ends: six of them need not wait for the minute to pass."""
    room.emulator.configure(limit=30)
    feeds = [room.add(HandFeed(f"card-{number}")) for number in range(20)]
    for percentage in range(1, 4):
        for feed in feeds:
            feed.show(percentage)
        room.pass_time(2)
    assert len(room.requests) == REQUESTS_PER_MINUTE - 6
    for feed in feeds[:6]:
        room.end(feed)
    room.step()
    assert room.operations[-6:] == ["ended"] * 6


# ---------------------------------------------------------------------- order


def test_end_and_push_go_before_updates(room):
    """What ended and what is news is told before a change of something that goes on."""
    running, ended = room.add(HandFeed("running")), room.add(HandFeed("ended"))
    room.step()
    room.clock.advance(2)
    running.show(50)
    room.end(ended)
    room.push()
    room.step()
    assert room.calls[2:] == [
        "DELETE ended 200",
        "POST push-notification 200",
        "PUT running 200",
    ]


def test_urgent_change_goes_before_an_ordinary_one(room):
    """A real step change overtakes the others."""
    first, second = room.add(HandFeed("first")), room.add(HandFeed("second"))
    room.step()
    room.clock.advance(2)
    first.show(1)
    second.show(1, urgent=True)
    room.step()
    assert room.calls[2:] == ["PUT second 200", "PUT first 200"]


def test_push_of_an_ending_follows_the_end(room):
    """The card is over before the push says so."""
    feed = room.add(HandFeed())
    room.step()
    room.end(feed, push="Training: done")
    room.step()
    assert room.calls[1:] == ["DELETE train 200", "POST push-notification 200"]


def test_push_of_an_ending_without_a_card_goes_out(room):
    """A run too short for a card still sends the push it asked for, and no DELETE."""
    feed = room.add(HandFeed(ready=False))
    room.step()
    room.end(feed, push="Training: done")
    room.step()
    assert room.calls == ["POST push-notification 200"]


def test_second_end_changes_nothing(room):
    """The first verdict stands."""
    feed = room.add(HandFeed())
    room.step()
    room.end(feed, push="one")
    room.end(feed, push="two")
    room.step()
    room.end(feed, push="three")
    room.step()
    assert room.operations.count("ended") == 1
    assert room.pushes == ["one"]


# ---------------------------------------------------------------------- take-over


def test_card_with_the_same_key_within_the_grace_goes_on(room):
    """The next bar of a cell continues the card: no end, no second start, and no wait."""
    room.add(first := HandFeed(percentage=100))
    room.step()
    room.end(first, grace_seconds=30)
    room.pass_time(2)
    room.add(HandFeed(percentage=40))
    room.step()
    assert room.operations == ["started", "updated"]
    assert room.state["percentage"] == 40


def test_card_without_successor_ends_after_the_grace(room):
    """The grace delays the end and no more."""
    room.add(feed := HandFeed())
    room.step()
    room.end(feed, grace_seconds=30)
    room.pass_time(29)
    assert room.operations == ["started"]
    room.pass_time(2)
    assert room.operations == ["started", "ended"]


def test_settle_ends_the_grace(room):
    """The end of the cell is the end of the waiting."""
    room.add(feed := HandFeed())
    room.step()
    room.end(feed, grace_seconds=30)
    room.courier.settle()
    room.step()
    assert room.operations == ["started", "ended"]


def test_push_of_a_card_taken_over_still_goes_out(room):
    """That the first bar is done stays news when a second one uses its card."""
    room.add(first := HandFeed())
    room.step()
    room.end(first, grace_seconds=30, push="first: done")
    room.add(HandFeed(percentage=1))
    room.step()
    assert room.pushes == ["first: done"]
    assert "ended" not in room.operations


def test_end_of_an_activity_whose_open_card_was_taken_over_leaves_it_open(room):
    """Whoever has the card ends it; the other's end is only its push."""
    room.add(first := HandFeed())
    room.step()
    room.add(second := HandFeed(percentage=10))
    room.end(first, push="first: done")
    room.step()
    assert "ended" not in room.operations
    assert room.pushes == ["first: done"]
    room.end(second)
    room.step()
    assert room.operations[-1] == "ended"


# ---------------------------------------------------------------------- bad days


def test_server_errors_in_a_row_delay_and_lose_nothing(room):
    """After a burst of 500 the newest state arrives, with pauses that grow in between."""
    room.emulator.faults.add("status", status=500, times=4)
    feed = room.add(HandFeed(percentage=1))
    room.pass_time(5)
    feed.show(60)
    room.pass_time(30)
    assert [record.status for record in room.requests[:5]] == [500, 500, 500, 500, 200]
    times = [record.seconds for record in room.requests[:5]]
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps == sorted(gaps)
    assert room.state["percentage"] == 60


def test_server_down_is_said_once_and_again_after_recovery(room):
    """One notice for each time it is down, however many tries fail."""
    feed = room.add(HandFeed())
    for percentage in (20, 40):
        room.wire.cut = True
        feed.show(percentage)
        room.pass_time(120)
        notices = room.courier.take_notices()
        assert len(notices) == 1
        assert "cannot be reached" in notices[0]
        room.wire.cut = False
        room.pass_time(60)
        assert room.state["percentage"] == percentage
        assert room.courier.take_notices() == []


def test_server_that_cuts_off_and_then_refuses_is_said_once(room):
    """A server on its way down breaks a request and turns the next one away: one notice."""
    feed = room.add(HandFeed())
    room.step()
    room.emulator.faults.add("reset", times=1)
    feed.show(20)
    room.pass_time(3)
    room.wire.cut = True
    room.pass_time(120)
    assert len(room.courier.take_notices()) == 1


def test_notices_of_one_server_do_not_repeat_those_of_another(room):
    """That one account answers is no news about another one that does not."""
    room.add(HandFeed("fine"))
    with Postroom() as other:
        other.wire.cut = True
        room.courier.add(HandFeed("lost"), other.to)
        for percentage in range(10):
            room.add(HandFeed("fine", percentage))
            room.pass_time(30)
    assert len(room.courier.take_notices()) == 1


def test_connection_refused_throughout_leaves_nothing_to_end(room):
    """Where nobody ever was no card can be open, and the end has nothing to wait for."""
    room.wire.cut = True
    feed = room.add(HandFeed())
    room.pass_time(30)
    room.end(feed)
    assert room.courier.flush(5)


def test_start_without_an_answer_is_ended_all_the_same(room):
    """A PUT that broke off may have opened the card, so it gets its end."""
    room.emulator.faults.add("reset", after=True, method="PUT")
    feed = room.add(HandFeed())
    room.step()
    room.end(feed)
    room.pass_time(5)
    assert room.calls[-1] == "DELETE train 200"
    assert room.card["status"] == "ended"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(401, {"error": "Unauthorized", "message": "no"}, id="key"),
        pytest.param(402, {"error": "trial_expired", "message": "no"}, id="billing"),
        pytest.param(403, {"error": "Forbidden", "message": "no"}, id="forbidden"),
        pytest.param(400, {"error": "Invalid request", "message": "no"}, id="refused"),
    ],
)
def test_refusal_is_final_for_the_card_and_said_once(room, status, body):
    """A refused card is not tried again and its loop goes on; the user hears of it once."""
    room.emulator.faults.add("status", status=status, body=body, method="PUT")
    feed = room.add(HandFeed())
    for percentage in range(30):
        feed.show(percentage)
        room.pass_time(10)
    assert room.calls == [f"PUT train {status}"]
    assert len(room.courier.take_notices()) == 1
    room.end(feed)
    room.step()
    assert room.courier.flush(5)


def test_refusals_for_different_reasons_are_each_said(room):
    """Two cards refused for two reasons make two notices."""
    for word in ("one", "two"):
        room.emulator.faults.add(
            "status", status=400, body={"error": "Invalid request", "message": word}, times=1
        )
    room.add(HandFeed("first"))
    room.add(HandFeed("second"))
    room.step()
    notices = room.courier.take_notices()
    assert ["one" in notices[0], "two" in notices[1]] == [True, True]


def test_end_refused_with_its_last_words_goes_without(room):
    """Better an end without last words than a card that never ends."""
    feed = room.add(HandFeed())
    room.step()
    room.emulator.faults.add("status", status=400, times=1, method="DELETE")
    room.end(feed, content_state={"title": "Training", "percentage": 3})
    room.step()
    assert room.calls[1:] == ["DELETE train 400", "DELETE train 200"]
    assert room.requests[-1].body is None


def test_end_of_a_card_that_ended_elsewhere_is_as_wanted(room):
    """A 404 for the end is no news and no second try."""
    feed = room.add(HandFeed())
    room.step()
    room.emulator.faults.add("status", status=404, method="DELETE")
    room.end(feed)
    room.pass_time(60)
    assert room.calls[1:] == ["DELETE train 404"]
    assert room.courier.take_notices() == []


def test_phone_that_is_full_shows_the_card_when_a_place_is_free(room):
    """The sixth card waits, is said once, and opens with its newest state."""
    others = [room.add(HandFeed(f"card-{number}")) for number in range(5)]
    room.step()
    feed = room.add(HandFeed("late"))
    room.pass_time(120)
    notices = room.courier.take_notices()
    assert len(notices) == 1
    assert "5 of 5" in notices[0]
    feed.show(70)
    room.end(others[0])
    room.pass_time(60)
    assert room.card["stream_key"] == "late"
    assert room.state["percentage"] == 70
    assert room.courier.take_notices() == []


def test_retry_after_is_obeyed_by_everything_that_goes_there(room):
    """Before the time that the server named nothing is sent: no state, no end, no push."""
    room.add(HandFeed("first"))
    feed = room.add(HandFeed("second"))
    room.step()
    room.emulator.faults.add("status", status=429, headers={"Retry-After": "50"}, times=1)
    room.push("one")
    room.step()
    room.end(feed)
    room.push("two")
    room.pass_time(49)
    assert len(room.requests) == 3
    room.pass_time(2)
    assert room.operations.count("ended") == 1
    assert sorted(room.pushes) == ["one", "two"]


def test_retry_after_holds_for_the_last_words_too(room):
    """A flush does not press a server that asked for time, and does not wait for it in vain."""
    feed = room.add(HandFeed())
    room.step()
    room.emulator.faults.add("status", status=429, headers={"Retry-After": "50"})
    room.end(feed)
    before = room.clock()
    assert not room.courier.flush(5)
    assert len(room.requests) == 2
    assert room.clock() == before
    assert room.courier._flushes == []


@pytest.mark.parametrize("before", ["", "x" * 80, "x" * 107])
def test_fault_that_names_the_key_is_told_without_it(room, before):
    """Not even its beginning is left where the notice is cut."""
    key = room.to.api_key.reveal()

    class Broken(httpx.BaseTransport):
        def handle_request(self, request):
            raise RuntimeError(f"{before} {request.headers['authorization']} is odd")

    to = Destination(room.to.base_url, room.to.api_key, Broken())
    room.courier.push({"title": "t"}, to)
    room.step()
    (notice,) = room.courier.take_notices()
    assert notice.startswith("one request could not be made: RuntimeError")
    assert key[:6] not in notice


def test_account_without_devices_is_said_once_and_tried_again(room):
    """A phone paired later gets the card."""
    room.emulator.configure(devices=())
    room.add(HandFeed())
    room.pass_time(300)
    notices = room.courier.take_notices()
    assert len(notices) == 1
    assert "pair an iPhone" in notices[0]
    room.emulator.configure(devices=(Device(name="iPhone"),))
    room.pass_time(150)
    assert room.card["stream_key"] == "train"


def test_end_refused_for_lack_of_devices_does_not_spin_in_a_flush(room):
    """A job that has to wait is asked once in a flush, not as often as the machine can."""
    feed = room.add(HandFeed())
    room.step()
    room.emulator.faults.add("status", status=422, method="DELETE", times=1000)
    room.end(feed)
    assert not room.courier.flush(5)
    assert room.calls[1:] == ["DELETE train 422"]


def test_feed_that_raises_hurts_nobody_else(room):
    """One card's fault silences that card, is said once, and the others go on."""
    broken, fine = room.add(HandFeed("broken")), room.add(HandFeed("fine"))
    broken.broken = ValueError("no such column")
    for percentage in (10, 20, 30):
        fine.show(percentage)
        room.pass_time(5)
    assert room.state["percentage"] == 30
    notices = room.courier.take_notices()
    assert len(notices) == 1
    assert "ValueError: no such column" in notices[0]
    room.end(broken)
    assert room.courier.flush(5)


def test_request_that_cannot_be_made_hurts_nobody_else(room):
    """A transport with a fault of its own costs one card, shows no key, and stops nothing."""
    room.wire.broken = RuntimeError(f"bad header {room.emulator.api_key}")
    room.add(HandFeed("broken"))
    room.push()
    room.step()
    room.wire.broken = None
    room.add(HandFeed("fine"))
    room.pass_time(1)
    assert room.card["stream_key"] == "fine"
    (notice,) = room.courier.take_notices()
    assert "RuntimeError: bad header" in notice
    assert room.emulator.api_key not in notice


# ---------------------------------------------------------------------- pushes


@pytest.mark.parametrize("after", [True, False], ids=["arrived", "lost"])
@pytest.mark.parametrize("kind", ["hang", "reset", "garbage"])
def test_push_without_an_answer_is_never_sent_twice(room, kind, after):
    """What may be on the phone already is not sent again."""
    room.emulator.faults.add(kind, after=after, method="POST", times=1)
    room.push()
    room.pass_time(3600)
    assert len(room.requests) == 1
    assert len(room.pushes) == int(after)
    assert room.courier.flush(5)


@pytest.mark.parametrize("status", [429, 503])
def test_push_turned_away_is_sent_again(room, status):
    """A push that the service did not take goes out later, once."""
    room.emulator.faults.add("status", status=status, times=2)
    room.push()
    room.pass_time(120)
    assert room.pushes == ["Done"]
    assert len(room.requests) == 3


def test_push_before_the_network_is_back_is_sent_once(room):
    """A refused connection carried nothing, so the push may be tried until it is through."""
    room.wire.cut = True
    room.push()
    room.pass_time(60)
    room.wire.cut = False
    room.pass_time(60)
    assert room.pushes == ["Done"]


def test_push_that_waited_too_long_is_dropped_and_said(room):
    """After half an hour it is no news any more, even if the machine slept meanwhile."""
    room.wire.cut = True
    room.push()
    room.step()
    room.courier.take_notices()
    room.clock.advance(1801)
    room.wire.cut = False
    room.pass_time(60)
    assert room.pushes == []
    assert any("given up" in notice for notice in room.courier.take_notices())


# ---------------------------------------------------------------------- flush


def test_flush_sends_every_end_and_push_and_is_clean(room):
    """The last words leave at once: no grace, no plan, no limit of our own."""
    room.emulator.configure(limit=60)
    feeds = [room.add(HandFeed(f"card-{number}")) for number in range(40)]
    room.pass_time(200)
    for feed in feeds:
        room.end(feed, grace_seconds=10, push=feed.stream_key)
    assert room.courier.flush(5)
    assert room.operations.count("ended") == 40
    assert len(room.pushes) == 40


def test_flush_with_nothing_said_is_clean_and_starts_nothing(a_courier):
    """Whoever never used the courier does not wait for it."""
    courier = a_courier()
    before = threading.active_count()
    assert courier.flush(5)
    assert courier.take_notices() == []
    assert threading.active_count() == before


def test_flush_tries_again_at_once_after_a_long_backoff(room):
    """A pause of our own choosing does not outlive the program."""
    feed = room.add(HandFeed())
    room.step()
    room.wire.cut = True
    room.push()
    room.pass_time(100)
    room.wire.cut = False
    room.end(feed)
    assert room.courier.flush(5)
    assert room.pushes == ["Done"]


def test_flush_of_a_server_that_comes_back_is_clean(a_courier):
    """While a flush waits, the server is asked again in short steps until it answers."""
    with Emulator(rate_limits="off") as emulator:
        courier, to = a_courier(), destination_of(emulator)
        courier.add(feed := HandFeed(), to)
        emulator.wait_for(lambda: emulator.phone.cards)
        emulator.faults.add("status", status=503, times=2)
        courier.end(feed, Ending(body={}), to)
        assert courier.flush(30)
        assert emulator.phone.cards[0]["status"] == "ended"


def test_flush_against_a_hanging_server_is_bounded_and_unclean(a_courier):
    """The end of a program does not wait longer than it said."""
    with Emulator(rate_limits="off") as emulator:
        courier, to = a_courier(), destination_of(emulator)
        emulator.faults.add("hang")
        courier.push({"title": "Done"}, to)
        emulator.wait_for(lambda: emulator.requests)
        waited = threading.Event()
        flusher = threading.Thread(target=lambda: (courier.flush(0.2), waited.set()))
        flusher.start()
        assert waited.wait(30)
        flusher.join()
        assert emulator.requests[0].status is None


# ---------------------------------------------------------------------- threads


def test_retired_courier_sends_nothing_and_its_thread_ends(a_courier):
    """Whoever lets a courier go hears no more of it, whatever it still had to say."""
    with Emulator(rate_limits="off") as emulator:
        courier, to = a_courier(), destination_of(emulator)
        courier.add(HandFeed(), to)
        emulator.wait_for(lambda: emulator.phone.cards)
        courier.retire()
        courier.push({"title": "late"}, to)
        assert courier.flush(30)
        courier._thread.join(30)
        assert not courier._thread.is_alive()
        assert len(emulator.requests) == 1


def destination_of(emulator: Emulator) -> Destination:
    return Destination(emulator.base_url, Secret(emulator.api_key))


def test_posting_while_the_server_hangs_returns_at_once(a_courier):
    """The courier waits for the network so that nobody else does."""
    with Emulator(rate_limits="off") as emulator:
        courier, to = a_courier(), destination_of(emulator)
        emulator.faults.add("hang")
        courier.add(HandFeed(), to)
        emulator.wait_for(lambda: emulator.requests)
        for number in range(1000):
            courier.add(feed := HandFeed(f"card-{number}"), to)
            courier.end(feed, Ending(body={}), to)
            courier.wake()
            courier.settle()
        # All of that happened while the one request still hung.
        assert [record.status for record in emulator.requests] == [None]
        emulator.faults.clear()
        emulator.wait_for(lambda: emulator.phone.cards)


def test_thread_starts_with_the_first_message_only(a_courier):
    """Making a courier costs no thread."""
    with Emulator(rate_limits="off") as emulator:
        courier = a_courier()
        assert courier._thread is None
        courier.push({"title": "Done"}, destination_of(emulator))
        assert courier.flush(30)
        assert courier._thread is not None
        assert courier._thread.daemon


def test_thread_that_cannot_start_breaks_nothing(a_courier, monkeypatch):
    """Where no thread can be had the code goes on, and the next message tries again."""
    courier = a_courier()

    def refuse(_self):
        raise RuntimeError("can't start new thread")

    with Emulator(rate_limits="off") as emulator:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            courier.push({"title": "one"}, destination_of(emulator))
            assert not courier.flush(0)
        courier.push({"title": "two"}, destination_of(emulator))
        assert courier.flush(30)
        assert {push["title"] for push in emulator.phone.pushes} == {"one", "two"}


def test_threads_posting_at_once_lose_and_double_nothing(a_courier):
    """Fifty threads share one sender, and every push arrives once."""
    with Emulator(rate_limits="off") as emulator:
        courier, to = a_courier(), destination_of(emulator)
        barrier = threading.Barrier(50)

        def work(number: int) -> None:
            barrier.wait()
            courier.push({"title": f"push-{number}"}, to)

        with ThreadPoolExecutor(50) as pool:
            list(pool.map(work, range(50)))
        assert courier.flush(60)
        titles = [push["title"] for push in emulator.phone.pushes]
        assert sorted(titles) == sorted(f"push-{number}" for number in range(50))
        names = [thread.name for thread in threading.enumerate() if thread is courier._thread]
        assert names == ["activitysmith-courier"]


def test_finalizers_posting_in_the_middle_of_a_post_lock_nothing():
    """Garbage collection may end activities anywhere, also inside the courier's own calls."""

    class Dropped:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            posted.append(None)
            courier.wake()

    posted: list[None] = []
    courier = Courier(threaded=False)
    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(200):
            Dropped()
            courier.wake()
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    courier.step()
    assert len(posted) == 200


def test_fault_in_a_message_does_not_end_the_thread(a_courier):
    """The thread outlives a fault of ours, says it, and delivers what comes after."""
    with Emulator(rate_limits="off") as emulator:
        courier = a_courier()
        courier._post(lambda: 1 / 0)
        courier.push({"title": "Done"}, destination_of(emulator))
        assert courier.flush(30)
        assert len(emulator.phone.pushes) == 1
        assert any("ZeroDivisionError" in notice for notice in courier.take_notices())


def test_courier_copied_by_a_fork_is_silent():
    """A forked child sends nothing, whatever it does with what it inherited."""
    answer = run_script(
        """
        import os
        from activitysmith_jupyter import Activity
        from activitysmith_jupyter._courier import Courier
        from activitysmith_jupyter._runtime import runtime
        from activitysmith_jupyter.emulator import Emulator

        with Emulator() as emulator:
            options = {"api_key": emulator.api_key, "base_url": emulator.base_url}
            with Activity("parent", **options) as activity:
                emulator.wait_for(lambda: emulator.phone.cards)
                unused, used = Courier(), runtime().courier
                child = os.fork()
                if child == 0:
                    for courier in (unused, used):
                        courier.push({"title": "child"}, activity._to)
                        print("flushed", courier.flush(60), flush=True)
                    print("thread", unused._thread, flush=True)
                    activity.update(percentage=50, urgent=True)
                    Activity("child", **options).open()
                    activity.end()
                    print("flushed", runtime().courier.flush(60), flush=True)
                    os._exit(0)
                os.waitpid(child, 0)
            runtime().courier.flush(30)
            print([(r.method, r.path.rpartition("/")[2]) for r in emulator.requests])
        """
    )
    assert answer.stdout.splitlines() == [
        "flushed True",
        "flushed True",
        "thread None",
        "flushed True",
        "[('PUT', 'parent'), ('DELETE', 'parent')]",
    ]
    assert answer.returncode == 0
