"""Many bars, many threads, many processes, many hours: nothing grows, and no limit is broken."""

from __future__ import annotations

import gc
import itertools
import os
import threading
import tracemalloc
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from support.phonebench import bench
from support.scripts import run_script

import activitysmith_jupyter
from activitysmith_jupyter import (
    Activity,
    ActivitySmith,
    _barcard,
    _legs,
    _runtime,
    configure,
    tqdm,
)
from activitysmith_jupyter._courier import Courier
from activitysmith_jupyter._runtime import Runtime
from activitysmith_jupyter.emulator import Emulator, ManualClock
from activitysmith_jupyter.exceptions import ActivitySmithWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = str(Path(activitysmith_jupyter.__file__).parent)
OUR_THREADS = {"activitysmith-courier", "activitysmith-pulse"}
BOUND_SECONDS = 30.0


def is_ours(file: str) -> bool:
    """Tell whether a file is one of the package's, the emulator left out."""
    return file.startswith(f"{FOLDER}/") and not file.startswith(f"{FOLDER}/emulator/")


@attrs.frozen
class Level:
    """What this process holds: threads, open files and sockets, our objects, our memory."""

    threads: int
    files: int
    objects: Counter[str]
    kilobytes: float

    @classmethod
    def now(cls) -> Level:
        while _legs.pulse().watched:  # it forgets a loop within two beats
            threading.Event().wait(0.02)
        gc.collect()
        ours = (type(thing) for thing in gc.get_objects())
        names = (
            each.__name__
            for each in ours
            if str(each.__module__).startswith("activitysmith_jupyter.")
            and ".emulator" not in str(each.__module__)
        )
        kilobytes = 0.0
        if tracemalloc.is_tracing():
            # Not by the snapshot's own filters, which look at each of the many traces.
            found = tracemalloc.take_snapshot().statistics("filename")
            kilobytes = sum(each.size for each in found if is_ours(each.traceback[0].filename))
            kilobytes /= 1024
        return cls(
            sum(thread.name in OUR_THREADS for thread in threading.enumerate()),
            len(os.listdir("/proc/self/fd")),  # noqa: PTH208  the names are enough
            Counter(names),
            kilobytes,
        )

    def more_objects(self, before: Level) -> dict[str, int]:
        """Return of what there is more, beyond the few of a last bar or card."""
        return {name: count for name, count in (self.objects - before.objects).items() if count > 8}

    def grown_since(self, before: Level) -> str:
        """Return what there is more of, in words."""
        more = self.more_objects(before)
        return (
            f"threads {self.threads - before.threads:+d}, files {self.files - before.files:+d}, "
            f"memory {self.kilobytes - before.kilobytes:+.0f} kB, objects {more or 'none'}"
        )


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Set up an account with its rate limits, and a courier with its thread."""
    here = Runtime(Courier())
    outer = _runtime.replace_runtime(here)
    monkeypatch.setattr(_barcard, "should_open", lambda *_: True)
    monkeypatch.setattr(_barcard, "_newest", [])
    with Emulator() as emulator:
        configure(api_key=emulator.api_key, base_url=emulator.base_url)
        yield emulator
        here.release()
        _runtime.replace_runtime(outer)


@pytest.fixture
def traced() -> Iterator[None]:
    """Trace allocations."""
    tracemalloc.start(1)
    yield
    tracemalloc.stop()


def most_at_once(emulator: Emulator) -> int:
    """Return how many cards the phone showed at the same time."""
    shown = most = 0
    for event in emulator.phone.history:
        shown += {"start": 1, "end": -1}.get(event.kind, 0)
        most = max(most, shown)
    return most


def was_too_fast(courier: Courier) -> bool:
    """Tell whether a request was one too many for the account's limits."""
    return any("request limit" in problem for problem in courier.problems)


def quiet_bar(number: int = 0) -> Any:
    return tqdm(range(10), desc=f"bar {number}", file=StringIO())


def test_load_of_a_thousand_bars_in_a_row_leaves_nothing_behind(
    account: Emulator, traced: None, figures: list[str]
) -> None:
    """A thousand bars hold no more threads, files, objects or memory than the first hundred."""
    courier = _runtime.runtime().courier

    def run(times: int) -> Level:
        for number in range(times):
            for _ in quiet_bar(number):
                pass
        _runtime.runtime().settle(None)
        courier.settle()
        assert courier.flush(BOUND_SECONDS)
        return Level.now()

    before = run(100)
    after = run(1000)
    figures.append(f"1,000 bars in a row: {after.grown_since(before)}")
    assert after.threads <= before.threads
    assert after.files <= before.files + 1
    assert not after.more_objects(before)
    assert after.kilobytes - before.kilobytes < 64
    assert not was_too_fast(_runtime.runtime().courier)
    assert all(card["status"] == "ended" for card in account.phone.cards)


def test_load_of_two_hundred_bars_in_fifty_threads_is_one_card(
    account: Emulator, figures: list[str]
) -> None:
    """Two hundred bars that are open at once share a card, and leave nothing when they close."""
    for _ in quiet_bar():  # the courier's and the pulse's threads are there from now on
        pass
    assert _runtime.runtime().courier.flush(BOUND_SECONDS)
    before = Level.now()
    all_open, go_on = threading.Barrier(51), threading.Event()

    def work() -> None:
        bars = [tqdm(total=10, file=StringIO()) for _ in range(4)]
        all_open.wait(BOUND_SECONDS)
        go_on.wait(BOUND_SECONDS)
        for one in reversed(bars):
            one.update(10)
            one.close()

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    all_open.wait(BOUND_SECONDS)
    account.wait_for(lambda: len(account.phone.cards) == 2, BOUND_SECONDS)
    go_on.set()
    for thread in threads:
        thread.join()
    threads.clear()  # a thread keeps what its function held for as long as it is kept itself
    _runtime.runtime().courier.settle()
    assert _runtime.runtime().courier.flush(BOUND_SECONDS)
    after = Level.now()
    figures.append(f"200 bars at once in 50 threads: {after.grown_since(before)}")
    assert not after.more_objects(before)
    assert after.threads <= before.threads
    assert after.files <= before.files + 1
    assert most_at_once(account) == 1
    assert not was_too_fast(_runtime.runtime().courier)
    assert {card["content_state"]["color"] for card in account.phone.cards} == {"green"}


def test_load_of_a_long_card_with_short_bars_takes_no_memory(
    account: Emulator, traced: None, figures: list[str]
) -> None:
    """A card that stays open while other threads run bar after bar holds what it held at first."""
    courier = _runtime.runtime().courier
    long = tqdm(total=1_000_000, desc="Day", file=StringIO())
    done = 0

    def work(times: int) -> None:
        for _ in range(times):
            for _ in quiet_bar():
                pass

    def run(times: int) -> Level:
        nonlocal done
        threads = [threading.Thread(target=work, args=(times // 4,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done += times
        long.update(20 * times)
        return Level.now()

    before = run(400)
    after = run(2400)
    figures.append(f"2,400 short bars beside a long one: {after.grown_since(before)}")
    long.close()
    courier.settle()
    assert courier.flush(BOUND_SECONDS)
    # Closed bars leave some at a time.
    assert max(after.objects["_Entry"], after.objects["_Item"]) < 200
    assert after.kilobytes - before.kilobytes < 256
    (card,) = account.phone.cards
    whole = (long.n + 10 * done) / (1_000_000 + 10 * done)
    assert card["content_state"]["percentage"] == pytest.approx(100 * whole, abs=0.1)
    shown = [event.content["percentage"] for event in account.phone.history]
    assert shown == sorted(shown)


def test_load_of_two_hundred_activities_keeps_to_the_phones_capacity(
    account: Emulator, figures: list[str]
) -> None:
    """Two hundred cards at once: five are shown, the rest is told once, all of them end."""
    here = _runtime.runtime()
    cards = [Activity(f"card-{number}", percentage=1) for number in range(200)]

    def work(mine: list[Activity]) -> None:
        for card in mine:
            card.open()

    threads = [threading.Thread(target=work, args=(cards[start::50],)) for start in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    account.wait_for(lambda: len(account.phone.cards) == 5, BOUND_SECONDS)
    account.wait_for(lambda: any(record.status == 429 for record in account.requests))
    for card in cards:
        card.end()
    assert here.courier.flush(BOUND_SECONDS)
    notices = here.courier.problems
    figures.append(
        f"200 activities in 50 threads: {most_at_once(account)} cards at once, "
        f"{len(account.requests)} requests, {len(notices)} notice"
    )
    assert most_at_once(account) == 5
    assert len([notice for notice in notices if "already shows 5 of 5" in notice]) == 1
    assert not was_too_fast(_runtime.runtime().courier)
    assert all(card["status"] == "ended" for card in account.phone.cards)
    assert here.open_cards == []
    assert here.courier._unsaid == {}


def test_load_of_updates_from_fifty_threads_newest_state_wins(
    monkeypatch: pytest.MonkeyPatch, figures: list[str]
) -> None:
    """Fifty threads say how far they are: the phone never goes back, and has the last word last."""
    with bench(monkeypatch) as phone:
        activity = Activity("train", title="Train", percentage=0)
        activity.open()
        phone.step()
        turn, done = threading.Lock(), itertools.count(1)

        def work() -> None:
            for _ in range(20):
                with turn:
                    activity.update(percentage=next(done) / 10)

        for _ in range(10):
            threads = [threading.Thread(target=work) for _ in range(5)]
            for thread in threads:
                thread.start()
            phone.step(240)  # in the midst of them, and within the budget of updates
            for thread in threads:
                thread.join()
            phone.step(240)
        shown = [event.content["percentage"] for event in phone.emulator.phone.history]
        figures.append(f"1,000 updates from 50 threads: {len(shown)} shown, the last {shown[-1]} %")
        assert shown == sorted(shown)
        assert len(shown) >= 8
        assert shown[-1] == 100


def test_load_of_a_phone_that_is_full_leaves_the_bar_a_bar_until_a_place_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With five cards open elsewhere the bar says so once, loops on, and takes the place later."""
    with bench(monkeypatch) as phone:
        elsewhere = ActivitySmith(api_key=phone.emulator.api_key, base_url=phone.emulator.base_url)
        state = {"type": "progress", "title": "Other", "percentage": 1}
        with elsewhere as client, pytest.warns(ActivitySmithWarning) as told:
            for number in range(5):
                client.live_activities.stream(f"other-{number}", content_state=state)
            drawn = StringIO()
            for step in tqdm(range(100), desc="Train", file=drawn):
                phone.step(10)
                if step < 40:
                    assert len(phone.cards) == 5
                if step == 40:
                    client.live_activities.end_stream("other-0")
                if step == 44:
                    (mine,) = (
                        card
                        for card in phone.cards
                        if card["status"] == "active" and not card["stream_key"].startswith("other")
                    )
                    assert 40 <= mine["content_state"]["percentage"] <= 44
            phone.step(2)
            assert phone.runtime.courier.flush(1)
        assert "100/100" in drawn.getvalue()
        (line,) = {str(warning.message) for warning in told}
        assert "already shows 5 of 5" in line
        assert len(told) == 1
        assert most_at_once(phone.emulator) == 5
        (end,) = (card for card in phone.cards if card["stream_key"] == mine["stream_key"])
        assert (end["status"], end["content_state"]["color"]) == ("ended", "green")


def test_load_of_sixteen_workers_is_one_card(figures: list[str]) -> None:
    """Workers of a pool draw their bars; one process speaks."""
    code = """
    import multiprocessing, os
    from activitysmith_jupyter import _barcard, tqdm
    from activitysmith_jupyter._runtime import runtime
    _barcard.should_open = lambda *_: True

    def work(number):
        for _ in tqdm(range(1000), file=open(os.devnull, "w")):
            pass
        return runtime().courier.requests_sent, len(runtime().open_cards)

    with multiprocessing.get_context("fork").Pool(16) as pool:
        found = []
        for result in tqdm(pool.imap(work, range(64)), total=64, file=open(os.devnull, "w")):
            while not runtime().courier.requests_sent:
                runtime().courier.wake()
            found.append(result)
        print(found == [(0, 0)] * 64)
    """
    with Emulator() as emulator:
        env = {
            "ACTIVITYSMITH_API_KEY": emulator.api_key,
            "ACTIVITYSMITH_BASE_URL": emulator.base_url,
        }
        done = run_script(code, env=env)
        cards = emulator.phone.cards
        figures.append(f"16 workers, 64 jobs: {len(cards)} card")
    assert done.stdout.strip() == "True"
    assert done.returncode == 0
    (card,) = cards
    assert card["content_state"]["color"] == "green"


def by_loop(items: int) -> None:
    for _ in tqdm(itertools.repeat(None, items), total=items, file=StringIO(), mininterval=0.01):
        pass


def by_hand(items: int) -> None:
    with tqdm(total=items, file=StringIO(), mininterval=0.01) as bar:
        for _ in range(items // 10_000):
            bar.update(10_000)


@pytest.mark.parametrize(
    ("loop", "items"), [(by_loop, 30_000_000), (by_hand, 1_000_000_000)], ids=["loop", "by-hand"]
)
def test_load_of_a_long_loop_takes_no_memory(
    account: Emulator, traced: None, figures: list[str], loop: Callable[[int], None], items: int
) -> None:
    """A billion iterations, or a thirtieth of them: what a loop holds does not depend on them."""

    def run(items: int) -> Level:
        loop(items)
        assert _runtime.runtime().courier.flush(BOUND_SECONDS)
        return Level.now()

    before = run(10_000)
    after = run(items)
    figures.append(f"{items:,} iterations after 10,000: {after.grown_since(before)}")
    assert after.threads <= before.threads
    assert after.files <= before.files + 1
    assert not after.more_objects(before)
    assert after.kilobytes - before.kilobytes < 64
    state = account.phone.cards[0]["content_state"]
    assert (state["percentage"], state["color"]) == (100, "green")


def test_load_of_ten_hours_stays_within_every_budget(
    monkeypatch: pytest.MonkeyPatch, traced: None, figures: list[str]
) -> None:
    """Ten hours on an injected clock: no update is dropped, and hour ten holds what one did."""
    clock = ManualClock()
    courier = Courier(clock=clock, threaded=False)
    here = Runtime(courier)
    outer = _runtime.replace_runtime(here)
    monkeypatch.setattr(_barcard, "_newest", [])
    levels = []
    with Emulator(clock=clock) as emulator:
        configure(api_key=emulator.api_key, base_url=emulator.base_url)
        for minute in tqdm(range(600), desc="Training", file=StringIO()):
            for _ in range(4):
                clock.advance(15)
                courier.step()
            if minute in {59, 599}:
                levels.append(Level.now())
        clock.advance(2)
        courier.step()
        (card,) = (each for each in emulator.phone.cards if each["status"] == "ended")
        requests = len(emulator.requests)
        dropped = sum(each["updates_dropped"] for each in emulator.phone.cards)
    here.release()
    _runtime.replace_runtime(outer)
    before, after = levels
    figures.append(
        f"10 hours: {requests} requests, {dropped} updates dropped; "
        f"hour 10 over hour 1: {after.grown_since(before)}"
    )
    assert dropped == 0
    assert not was_too_fast(courier)
    assert card["content_state"]["percentage"] == 100
    assert card["content_state"]["color"] == "green"
    assert after.threads <= before.threads
    # The emulator's log grows in this process, partly in blocks that our dicts gave back.
    assert after.kilobytes - before.kilobytes < 128
    assert not after.more_objects(before)
