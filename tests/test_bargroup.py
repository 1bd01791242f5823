from __future__ import annotations

import gc
import sys
import threading
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter import _bargroup
from activitysmith_jupyter._bargroup import BarGroup, Look, Place
from activitysmith_jupyter._outcome import Outcome

DONE, STOPPED, FAILED = Outcome("done"), Outcome("stopped"), Outcome("failed", "ValueError")


class Bar:
    """What a group reads of a bar."""

    def __init__(self, n: float = 0, total: float | None = 10, **more: Any) -> None:
        self.n = n
        self.total = total
        self.initial = 0
        self.desc = ""
        self.postfix: Any = None
        self.unit = "it"
        self.unit_scale = False
        self.start_t = 0.0
        vars(self).update(more)

    def _time(self) -> float:
        return 0.0


class Loops:
    """Bars of many loops in one group; `lane` stands for the thread of a bar."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.group = BarGroup(Look())
        self._monkeypatch = monkeypatch

    def open(self, bar: Bar, lane: str = "main") -> Place:
        self._monkeypatch.setattr(_bargroup, "_lane", lambda: lane)
        return Place(self.group, self.group.add(bar))

    def run(self, bar: Bar, lane: str = "main", outcome: Outcome = DONE) -> None:
        """Open a bar, and close it."""
        self.open(bar, lane).close(outcome, certain=outcome is DONE)


@pytest.fixture
def loops(monkeypatch: pytest.MonkeyPatch) -> Loops:
    return Loops(monkeypatch)


def held() -> int:
    """Return how many objects of the group's there are."""
    gc.collect()
    return sum(type(thing).__module__ == _bargroup.__name__ for thing in gc.get_objects())


def test_short_bars_beside_a_long_one_are_counted_and_not_kept(loops: Loops) -> None:
    """Twenty thousand bars that came and went weigh what they did, and leave no object each."""
    long = Bar(total=100_000)
    loops.open(long, "long")
    before, last = held(), 0.0
    for number in range(20_000):
        loops.run(Bar(n=10), f"short {number % 8}")
        if number % 1000 == 999:
            long.n += 2000
            short = 10 * (number + 1)
            share = loops.group.share()
            assert share == pytest.approx((long.n + short) / (100_000 + short))
            assert share >= last
            last = share
    assert held() - before < 300
    assert loops.group.fields(last)["subtitle"].startswith("20000/20001 done")


def test_short_bars_that_were_left_early_are_not_kept_either(loops: Loops) -> None:
    """A loop that was left has no certain verdict; nobody can say one once its bar is gone."""
    loops.open(long := Bar(), "long")
    before = held()
    for number in range(2000):
        loops.run(Bar(n=3), f"short {number % 8}", STOPPED)
    assert held() - before < 300
    assert loops.group.outcome() == (STOPPED, False)
    del long


def test_verdict_of_a_bar_that_waits_for_it_is_heard_after_many_others(loops: Loops) -> None:
    """A ``with`` block may be left long after its loop: what it says replaces "stopped"."""
    loops.open(long := Bar(), "long")
    place = loops.open(waiting := Bar(n=3), "waiting")
    place.close(STOPPED, certain=False)
    for number in range(2000):
        loops.run(Bar(n=10), f"short {number % 8}")
    place.close(FAILED, certain=True)
    assert loops.group.outcome()[0] == FAILED
    del long, waiting


def test_failure_of_a_bar_that_is_not_kept_is_the_cards(loops: Loops) -> None:
    """The worst verdict of all outermost bars counts, however long ago it was."""
    place = loops.open(long := Bar(), "long")
    loops.open(failing := Bar(n=3), "failing").close(FAILED, certain=True)
    for number in range(2000):
        loops.run(Bar(n=10), f"short {number % 8}")
    place.close(DONE, certain=True)
    assert loops.group.outcome() == (FAILED, True)
    del long, failing


def test_first_bar_gives_the_title_however_many_follow(loops: Loops) -> None:
    """A card keeps its name also when the bar that gave it closed long ago."""
    place = loops.open(first := Bar(n=10, desc="Download"), "first")
    loops.open(long := Bar(desc="Convert"), "long")
    place.close(DONE, certain=True)
    for number in range(2000):
        loops.run(Bar(n=10, desc=f"file {number}"), f"short {number % 8}")
    assert loops.group.fields(0.5)["title"] == "Download"
    del first, long


def test_row_of_bars_that_begins_anew_begins_from_nothing(loops: Loops) -> None:
    """When no bar was open, the next one is not weighed against those before it."""
    place = loops.open(long := Bar(n=10, total=10), "long")
    for number in range(2000):
        loops.run(Bar(n=10), f"short {number % 8}")
    assert loops.group.share() == 1.0
    place.close(FAILED, certain=True)
    loops.open(later := Bar(n=1, total=4))
    assert loops.group.share() == 0.25
    assert loops.group.outcome() == (STOPPED, False)
    del long, later


def test_three_levels_of_loops_are_one_outermost_bar(loops: Loops) -> None:
    """However many inner loops have run, none of them becomes a bar beside the outer one."""
    epochs = Bar(total=4)
    loops.open(epochs)
    for epoch in range(4):
        for _ in range(40):
            place = loops.open(fold := Bar(total=5))
            for step in range(5):
                loops.run(Bar(n=10))
                fold.n = step + 1
                share = loops.group.share()
                assert share is not None
                assert share <= (epoch + 1) / 4
            place.close(DONE, certain=True)
        epochs.n = epoch + 1
        assert loops.group.share() == epochs.n / 4
    assert loops.group.fields(1.0)["subtitle"].startswith("4/4")


def test_many_inner_bars_of_one_item_are_not_kept(loops: Loops) -> None:
    """An outer bar of few items, each with thousands of inner bars, holds a bounded memory."""
    outer = Bar(total=2)
    loops.open(outer)

    def item(inner: int) -> list[float]:
        shares = []
        for _ in range(inner):
            loops.run(Bar(n=10))
            shares.append(loops.group.share() or 0.0)
        outer.n += 1
        return shares

    before = held()
    first = item(1200)
    items = loops.group._tracker._items
    (known,) = (item for key, item in items.items() if item._gone)
    assert len(known._reached) + len(known._gone_spent._parts) < 400
    assert held() - before < 300
    second = item(1200)
    assert first == sorted(first)
    assert max(first) < 0.5 + 1e-9
    # The first item taught how many inner bars there are: half of them is half of the item.
    assert second[599] == pytest.approx(0.75, abs=0.01)
    assert second == sorted(second)


@settings(max_examples=60, deadline=None)
@given(
    bars=st.lists(
        st.tuples(st.integers(1, 50), st.floats(0, 1), st.sampled_from(["it", "B"])),
        min_size=1,
        max_size=40,
    ),
    long=st.integers(1, 1000),
)
def test_share_is_that_of_all_bars_where_units_agree(
    bars: list[tuple[int, float, str]], long: int
) -> None:
    """Letting go of closed bars changes the share only where unlike things are weighed."""
    with pytest.MonkeyPatch.context() as patch:
        kept, bounded = Loops(patch), Loops(patch)
        bounded.group._most = 0
        same = len({unit for _, _, unit in bars} | {"it"}) == 1
        whole = all(done in {0.0, 1.0} for _, done, _ in bars)
        outer = Bar(total=long)
        for loops in (kept, bounded):
            loops.open(outer, "long")
        for number, (total, done, unit) in enumerate(bars):
            for loops in (kept, bounded):
                loops.run(Bar(n=total * done, total=total, unit=unit), f"{number % 3}")
            bounded.group._most = 0
            if same or whole:
                assert bounded.group.share() == pytest.approx(kept.group.share())
        assert len(bounded.group._entries) < 5


def test_bars_of_many_threads_at_once_disturb_nobody() -> None:
    """Threads that open and close inner bars at the same time meet no error of ours."""
    group = BarGroup(Look())
    errors: list[BaseException] = []
    ready = threading.Barrier(8)

    def work() -> None:
        try:
            ready.wait(30)
            outer = Bar()
            place = Place(group, group.add(outer))
            for _ in range(150):
                Place(group, group.add(Bar(n=10))).close(DONE, certain=True)
                group.share()
            place.close(DONE, certain=True)
        except BaseException as error:  # noqa: BLE001  whatever it is, the test must know
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []


class Interrupted(Bar):
    """A bar in the middle of whose look something happens."""

    happens: Any = None

    def _time(self) -> float:
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return 0.0


def test_bar_that_closes_in_the_middle_of_a_look_stays_closed(loops: Loops) -> None:
    """A look that began before the end does not turn the bar into one that runs."""
    loops.open(long := Bar(), "long")
    bar = Interrupted(n=3)
    place = loops.open(bar, "short")
    bar.happens = lambda: place.close(DONE, certain=True)
    loops.group.share()
    assert loops.group.fields(0.0)["subtitle"].startswith("1/2 done")
    del long


def test_look_in_the_middle_of_a_look_ends_with_the_share_so_far(loops: Loops) -> None:
    """A signal handler that ends a card in the middle of a look waits a moment, not for ever."""
    bar = Interrupted(n=3)
    loops.open(bar)
    assert loops.group.share() == 0.3
    seen: list[float | None] = []
    bar.happens = lambda: seen.append(loops.group.share())
    bar.n = 4
    assert loops.group.share() == 0.4
    assert seen == [0.3]
