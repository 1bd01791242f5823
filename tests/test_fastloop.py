from __future__ import annotations

import asyncio
import copy
import gc
import io
import itertools
import operator
import os
import pickle
import signal
import sys
import threading
import time
import weakref

import pytest
from hypothesis import given, settings, strategies as st
from tqdm import TMonitor
from tqdm.auto import tqdm as auto_tqdm
from tqdm.notebook import tqdm_notebook
from tqdm.std import tqdm as std_tqdm

from activitysmith_jupyter import _fastloop, _legs
from activitysmith_jupyter._fastloop import FastLoop
from activitysmith_jupyter._legs import Legs, Pulse


class Bar(FastLoop, auto_tqdm):
    """The mixin on tqdm.auto; keeps what its hook was told."""

    def __init__(self, *args, **kwargs):
        self.endings = []
        kwargs.setdefault("file", io.StringIO())
        super().__init__(*args, **kwargs)

    def _ended(self, ending):
        self.endings.append((ending, self.n))
        super()._ended(ending)


class Stock(auto_tqdm):
    """tqdm, drawing into a string."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("file", io.StringIO())
        super().__init__(*args, **kwargs)


@pytest.fixture(params=["in legs", "as tqdm"])
def rhythm(request, monkeypatch):
    """Run a test with legs and with tqdm's own loop."""
    if request.param == "as tqdm":
        monkeypatch.setattr(_fastloop, "COUNTS_IN_ONE_STEP", False)
    return request.param


def failing(good):
    yield from range(good)
    raise LookupError


# ---------------------------------------------------------------- the count


@given(
    length=st.integers(0, 300),
    leave=st.none() | st.integers(0, 300),
    cuts=st.sets(st.integers(0, 300)),
    initial=st.integers(0, 5),
    how=st.sampled_from(["break", "error", "iterable"]),
)
@settings(max_examples=150, deadline=None)
def test_loop_any_end_counts_as_tqdm(length, leave, cuts, initial, how):
    """Items, order and n equal tqdm's however a loop ends and wherever its legs are cut."""
    results = []
    for kind in (Stock, Bar):
        source = failing(length) if how == "iterable" else range(length)
        bar = kind(source, initial=initial, total=length + 5)
        seen = []
        try:
            for item in bar:
                seen.append(item)
                if kind is Bar and item in cuts:
                    bar.nudge()
                if kind is Bar:
                    assert bar.live_n() == initial + item
                if item == leave and how == "break":
                    break
                if item == leave and how == "error":
                    raise ValueError
        except (LookupError, ValueError) as error:
            seen.append(type(error))
        results.append((seen, bar.n, bar.disable))
    assert results[0] == results[1]


def test_loop_any_length_ends_exactly():
    """No length coincides badly with the end of a leg."""
    for length in range(130):
        bar = Bar(range(length))
        assert list(bar) == list(range(length))
        assert bar.endings == [("exhausted", length)]


def test_loop_crossing_threads_counts_exactly():
    """Cuts and readings from other threads lose no item, and the count they read never falls."""
    stop = threading.Event()
    bars, falls = [Bar(range(0))], []

    def disturb():
        previous, bar = 0, bars[-1]
        while not stop.is_set():
            if bar is not bars[-1]:
                previous, bar = 0, bars[-1]
            bar.nudge()
            now = bar.live_n()
            if now < previous:
                falls.append((previous, now))
            previous = now

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=disturb) for _ in range(2)]
    try:
        for thread in threads:
            thread.start()
        for length in (*range(40), 5_000, 20_000):
            source = (i for i in range(length)) if length % 2 else range(length)
            bars.append(Bar(source))
            assert sum(1 for _ in bars[-1]) == length
            assert bars[-1].n == length
    finally:
        stop.set()
        sys.setswitchinterval(before)
        for thread in threads:
            thread.join()
    assert falls == []


def test_live_n_read_from_another_thread_is_exact():
    """A thread reads how many items are done while the loop stands still."""
    readings = []
    bar = Bar(range(1000))
    for item in bar:
        if item in {0, 1, 17, 500, 999}:
            reader = threading.Thread(target=lambda: readings.append(bar.live_n()))
            reader.start()
            reader.join()
    assert readings == [0, 1, 17, 500, 999]
    assert bar.live_n() == 1000


def test_count_when_cut_between_its_readings_reads_again(monkeypatch):
    """A leg that is cut while its count is read does not look longer than it was."""
    legs = Legs(0)
    counter = legs.begin(0, 100)
    for _ in range(10):
        next(counter)

    def cut_first(iterator):
        legs.nudge()
        return operator.length_hint(iterator)

    monkeypatch.setattr(_legs, "length_hint", cut_first)
    assert legs.count() == 9


# ---------------------------------------------------------------- how a loop ends


@pytest.mark.parametrize("source", [range(20), lambda: iter(range(20)), lambda: failing(99)])
def test_ended_after_break_tells_dropped(rhythm, source):
    """Leaving a loop is reported once, with the items whose body was finished."""
    bar = Bar(source() if callable(source) else source)
    for item in bar:
        if item == 7:
            break
    assert bar.endings == [("dropped", 7)]


def test_ended_after_the_last_item_tells_exhausted(rhythm):
    """A loop that runs out says so, once, and closes the bar."""
    bar = Bar(range(20))
    assert list(bar) == list(range(20))
    assert bar.endings == [("exhausted", 20)]
    assert bar.disable


def test_ended_after_iterable_raises_counts_every_finished_item(rhythm):
    """The item before the error is done: its body was over when the next was asked for."""
    bar = Bar(failing(11))
    with pytest.raises(LookupError):
        list(bar)
    assert bar.endings == [("dropped", 11)]


def test_iterator_never_started_leaves_the_bar_open(rhythm):
    """Making an iterator and throwing it away is no loop."""
    bar = Bar(range(3))
    iter(bar)
    gc.collect()
    assert not bar.disable
    assert bar.endings == []
    assert list(bar) == [0, 1, 2]


def test_iterator_abandoned_ends_before_the_iterable_is_finalised():
    """The bar closes first, then the generator it walked; tqdm does it in this order."""
    order = []

    def source():
        try:
            yield from range(10)
        finally:
            order.append("iterable")

    class Ordered(Bar):
        def close(self):
            if not self.disable:
                order.append("bar")
            super().close()

    bar = Ordered(range(0))
    bar.iterable = source()
    iterator = iter(bar)
    next(iterator)
    bar.iterable = ()
    del iterator
    assert order == ["bar", "iterable"]


def test_iterable_at_its_end_is_not_asked_again():
    """An iterator that would wait for ever after its end is asked for its end once."""

    class Queue:
        def __init__(self, length):
            self.items, self.ends = iter(range(length)), 0

        def __iter__(self):
            return self

        def __next__(self):
            try:
                return next(self.items)
            except StopIteration:
                self.ends += 1
                raise

    for length in range(40):
        queue = Queue(length)
        assert len(list(Bar(queue))) == length
        assert queue.ends == 1


def test_close_inside_the_loop_goes_on_counting(rhythm):
    """A bar closed from its own loop lets all items through, and n is right at the end."""
    bar = Bar(range(30))
    seen = []
    for item in bar:
        seen.append(item)
        if item == 3:
            bar.close()
    assert seen == list(range(30))
    assert bar.n == 30


@pytest.mark.parametrize("act", ["update", "reset", "total", "postfix", "nested", "n"])
def test_loop_handled_from_inside_ends_as_tqdm(act):
    """Whatever the body does to its own bar, the items and n at the end are tqdm's."""
    ends = []
    for kind in (Stock, Bar):
        bar = kind(range(12))
        seen = []
        for item in bar:
            seen.append(item)
            if item == 5:
                if act == "update":
                    bar.update(3)
                elif act == "reset":
                    bar.reset(40)
                elif act == "total":
                    bar.total = 99
                elif act == "postfix":
                    bar.set_postfix(loss=0.5)
                elif act == "n":
                    bar.n = 2
                else:
                    seen.extend(bar)
        ends.append((seen, bar.n, bar.total, bar.postfix, bar.disable))
    assert ends[0] == ends[1]


def test_loop_object_is_a_generator_like_tqdms(rhythm):
    """close() and throw() on the iterator end the loop, and it cannot be pickled."""
    bar = Bar(range(9))
    loop = iter(bar)
    assert (next(loop), loop.send("ignored")) == (0, 1)
    loop.close()
    assert bar.endings == [("dropped", 1)]
    other = Bar(range(9))
    loop = iter(other)
    next(loop)
    with pytest.raises(ZeroDivisionError):
        loop.throw(ZeroDivisionError)
    assert other.endings == [("dropped", 0)]
    for kind in (Stock, Bar):
        for act in (pickle.dumps, copy.copy):
            with pytest.raises(TypeError):
                act(iter(kind(range(3), file=sys.stderr)))


@pytest.mark.parametrize("how", ["close", "throw"])
def test_loop_object_that_was_ended_gives_no_more_items(rhythm, how):
    """After close() or throw() the loop is at its end, also in the middle of a leg."""
    bar = Bar(range(5000))
    loop = iter(bar)
    for _ in range(1000):
        next(loop)
    if how == "close":
        loop.close()
    else:
        with pytest.raises(ZeroDivisionError):
            loop.throw(ZeroDivisionError)
    assert list(loop) == []
    loop.close()
    assert bar.endings == [("dropped", 999)]


def test_loop_whose_iterable_raised_ends_though_the_error_is_kept(rhythm):
    """A for statement lets its loop go when an error leaves it, wherever the traceback goes."""
    bar = Bar(failing(5))
    with pytest.raises(LookupError) as kept:
        for _ in bar:
            pass
    assert kept.tb is not None
    assert bar.endings == [("dropped", 5)]


def test_loop_asked_again_after_an_error_asks_its_iterable():
    """Whoever skips what cannot be read goes on with the next item, as without a bar."""
    broken = {3, 4}

    class Files:
        def __init__(self):
            self.numbers = iter(range(8))

        def __iter__(self):
            return self

        def __next__(self):
            if (number := next(self.numbers)) in broken:
                raise OSError(number)
            return number

    bar, seen = Bar(Files()), []
    loop = iter(bar)
    while True:
        try:
            seen.append(next(loop))
        except OSError as error:
            seen.append(error.args)
        except StopIteration:
            break
    assert seen == [0, 1, 2, (3,), (4,), 5, 6, 7]
    assert bar.endings == [("exhausted", 8)]


def test_bars_within_a_bar_count_each_their_own():
    """A bar over a bar, recursively, counts in every layer."""
    layers = [Bar(range(50))]
    for _ in range(5):
        layers.append(Bar(layers[-1]))
    assert list(layers[-1]) == list(range(50))
    assert [bar.n for bar in layers] == [50] * 6


def test_bar_after_its_loop_is_freed_without_the_collector():
    """No cycle keeps a bar, or what it walked, alive after its loop."""
    bar = Bar(range(100))
    for _ in bar:
        pass
    gone = weakref.ref(bar)
    gc.disable()
    try:
        del bar
        assert gone() is None
    finally:
        gc.enable()


def test_item_is_released_when_the_next_is_fetched():
    """No finished item outlives the request for the next."""

    class Item:
        pass

    alive = []

    def source():
        for _ in range(50):
            alive.append(sum(ref() is not None for ref in refs))
            item = Item()
            refs.append(weakref.ref(item))
            yield item
            del item

    refs = []
    for item in Bar(source()):
        del item
    assert max(alive) <= 1


def test_disabled_bar_hands_out_the_iterables_own_iterator():
    """With disable=True there is nothing of ours between the loop and the data."""
    items = iter([1, 2, 3])
    assert iter(Bar(items, disable=True)) is items
    bar = Bar(range(3), disable=True)
    assert type(iter(bar)) is type(iter(range(3)))
    assert bar.update(2) is None
    assert bar.n == 0


def test_reversed_bar_runs_backwards():
    """reversed(bar) yields the items from the last to the first."""
    assert list(reversed(Bar([1, 2, 3]))) == [3, 2, 1]


def test_notebook_bar_left_early_turns_red():
    """The widget of a loop that was left is painted as an error, as tqdm's own loop does."""

    class Notebook(FastLoop, tqdm_notebook):
        pass

    painted = []
    bar = Notebook(iter(range(5)), display=False)
    bar.disp = lambda *_args, **kwargs: painted.append(kwargs.get("bar_style"))
    for _ in bar:
        break
    assert painted[-1] == "danger"


# ---------------------------------------------------------------- async


def test_constructor_of_the_asyncio_class_does_not_iterate():
    """A DataLoader starts its workers for the loop, not once more when the bar is made."""
    started = []

    class Loader:
        def __len__(self):
            return 4

        def __iter__(self):
            started.append(1)
            return iter(range(4))

    bar = Bar(Loader())
    assert (bar.total, started) == (4, [])
    assert list(bar) == [0, 1, 2, 3]
    assert started == [1]


async def _numbers():
    for i in range(4):
        yield i


@pytest.mark.parametrize("source", [lambda: range(4), lambda: iter(range(4)), _numbers])
def test_async_for_walks_ordinary_and_asynchronous_iterables(source):
    """``async for`` over the bar gives every item and counts it."""

    async def walk():
        bar = Bar(source())
        return [item async for item in bar], bar.n, bar.disable

    assert asyncio.run(walk()) == ([0, 1, 2, 3], 4, True)


def test_as_completed_and_gather_give_every_result():
    """Tqdm's asyncio helpers work with the mixin in front."""

    async def double(i):
        return 2 * i

    async def run():
        gathered = await Bar.gather(*map(double, range(5)))
        done = [await f for f in Bar.as_completed([double(i) for i in range(5)])]
        return gathered, sorted(done)

    assert asyncio.run(run()) == ([0, 2, 4, 6, 8], [0, 2, 4, 6, 8])


# ---------------------------------------------------------------- where tqdm's own loop runs


@pytest.mark.parametrize(
    "options",
    [{"miniters": 1}, {"mininterval": 0}],
    ids=["miniters given", "no interval"],
)
def test_plans_ahead_where_tqdm_promises_exact_redraws_is_off(options):
    """Options that promise redraws at certain items get tqdm's own loop."""
    assert not Bar(range(3), **options)._plans_ahead()
    assert Bar(range(3))._plans_ahead()


def test_plans_ahead_with_a_replaced_clock_is_off():
    """A clock that does not run by itself cannot be planned on."""
    bar = Bar(range(3))
    bar._time = lambda: 0.0
    assert not bar._plans_ahead()


def test_plans_ahead_without_helper_threads_is_off(monkeypatch):
    """Who forbids tqdm's monitor thread gets no thread of ours."""
    monkeypatch.setattr(Bar, "monitor_interval", 0)
    assert not Bar(range(3))._plans_ahead()


def test_thread_that_cannot_start_leaves_the_loop_correct(monkeypatch):
    """Without threads a loop is looked at item by item, and later loops are tqdm's."""

    def refuse(_thread):
        raise RuntimeError

    monkeypatch.setattr(_legs, "_pulse", Pulse())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(std_tqdm, "monitor", type("Alive", (), {"report": lambda _self: True})())
    bar = Bar(range(50))
    assert list(bar) == list(range(50))
    assert not bar._plans_ahead()


# ---------------------------------------------------------------- the picture


def test_loop_after_a_fast_stretch_redraws_when_it_turns_slow():
    """Cut by the pulse, a long leg lets the bar move at the next item."""
    pulse, looks = Pulse(), []

    class Watching(Bar):
        def _stepped(self):
            looks.append(self.live_n())

    bar = Watching(range(3000))
    for item in bar:
        if item == 2000:
            looks.clear()
            pulse.watched, bar._legs.seen = [bar._legs], bar._legs.steps
            pulse.beat()
        if item == 2003:
            break
    assert looks[:2] == [2001, 2002]  # then it finds the loop fast again


def test_pulse_thread_cuts_a_leg_that_outlives_its_time(monkeypatch):
    """While a body takes long, the thread cuts the rest of its leg without being asked."""
    cut = threading.Event()

    class Watched(Legs):
        def nudge(self):
            super().nudge()
            cut.set()

    monkeypatch.setattr(_fastloop, "Legs", Watched)
    looks = []

    class Watching(Bar):
        def _stepped(self):
            looks.append(self.live_n())

    for item in Watching(range(3000)):
        if item == 2000:
            looks.clear()
            cut.clear()
            assert cut.wait(10)
    assert looks[0] == 2001


def test_pulse_nudges_only_what_stands_still():
    """A plan that makes steps is left alone; one that does not is nudged once and forgotten."""
    pulse = Pulse()
    moving, standing = Legs(0), Legs(0)
    counters = [legs.begin(0, 100) for legs in (moving, standing)]
    pulse.watched = [moving, standing]
    for legs in (moving, standing):
        legs.watcher, legs.seen = pulse, legs.steps
    moving.begin(0, 100)
    pulse.beat()
    assert pulse.watched == [moving]
    assert (moving.watcher, standing.watcher) == (pulse, None)
    assert list(counters[1]) == []
    assert len(list(counters[0])) == 100


def test_redraws_come_as_often_as_mininterval_says(monkeypatch):
    """A loop of a known pace redraws once per mininterval, as tqdm does."""
    now = [0.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    drawn = []

    class Drawing(Bar):
        def display(self, *args, **kwargs):
            drawn.append(self.n)
            return super().display(*args, **kwargs)

    bar = Drawing(range(100))
    bar._time = time.time
    bar.start_t = bar.last_print_t = 0.0
    assert bar._plans_ahead()
    drawn.clear()
    for _ in bar:
        now[0] += 0.02  # seconds per item: a leg is one item
    assert drawn[:4] == pytest.approx([5, 10, 15, 20], abs=2)
    assert drawn[-1] == 100


@pytest.mark.parametrize("kind", [Stock, Bar])
def test_loop_that_stalls_is_redrawn_by_tqdms_monitor(kind, monkeypatch):
    """A body that takes minutes does not leave an old picture; ours has the exact count."""
    drawn = []

    class Drawing(kind):
        def display(self, *_args, **_kwargs):
            drawn.append(self.format_dict["n"])
            return True

    class OneRound:
        """The monitor's alarm clock, which wakes it once, ten minutes later."""

        def __init__(self):
            self.waits = 0

        def wait(self, _seconds):
            self.waits += 1

        def is_set(self):
            return self.waits > 1

        def set(self):
            self.waits = 2

    Drawing.monitor_interval = 0  # no monitor of its own
    bar = Drawing(range(3_000_000), mininterval=0.01)
    Drawing.monitor_interval = 10
    monkeypatch.setattr(TMonitor, "_test", {"Event": OneRound, "time": lambda: time.time() + 600})
    for item in bar:
        if bar.miniters > 50 and item % 100 == 99:
            drawn.clear()
            monitor = TMonitor(Drawing, 10)
            monitor.join(30)
            assert bar.miniters == 1
            break
    assert len(drawn) == 1 + 1  # the monitor's picture, and the end's
    if kind is Bar:
        assert drawn[0] == item


def test_broken_stream_stays_silent():
    """Tqdm gives up on a stream that broke; a fast loop does not try again."""
    bar = Bar(range(5000), mininterval=1e-9)
    drawn = []
    bar.display = lambda *_args, **_kwargs: drawn.append(1)
    bar.miniters = float("inf")
    for item in bar:
        if item == 4998:
            assert drawn == []


# ---------------------------------------------------------------- updates by hand


@given(st.lists(st.integers(-3, 9) | st.floats(-2, 5, width=16), max_size=200))
@settings(max_examples=60, deadline=None)
def test_update_any_increments_count_as_tqdm(increments):
    """N after every update is tqdm's."""
    ours, theirs = Bar(), Stock()
    for increment in increments:
        ours.update(increment)
        theirs.update(increment)
        assert ours.n == theirs.n == ours.live_n()
    ours.close()
    theirs.close()
    ours.update(5)
    assert ours.n == theirs.n


def test_update_nudged_looks_at_the_clock():
    """After a nudge the next update is a full one."""
    bar = Bar(total=10)
    bar._level = 1000
    bar.update()
    assert bar._gate.steps == 0
    bar.nudge()
    bar.update()
    assert (bar._gate.steps, bar.n) == (1, 2)


@pytest.mark.parametrize("back", ["reset", "n", "both"])
def test_update_after_going_back_redraws_again(back):
    """A count set back does not leave the picture standing until it has caught up."""
    bar = Bar(total=10_000, mininterval=1e-9)
    bar.update(5000)
    bar.update(10)
    if back == "reset":
        bar.reset()
    else:
        bar.n = 0
        if back == "both":
            bar.last_print_n = 0
    bar.miniters = 1
    assert bar.update(2) is True
    assert bar.n == 2


def test_update_with_fixed_miniters_redraws_where_tqdm_does():
    """With miniters given, the same updates redraw as in tqdm."""
    shown = [
        [bar.update(2) for _ in range(60)]
        for bar in (kind(total=200, miniters=7, mininterval=0) for kind in (Stock, Bar))
    ]
    assert shown[0] == shown[1]
    assert True in shown[0]


@pytest.mark.parametrize(
    ("seconds", "factor"),
    [(0.0, 8), (-5.0, 8), (0.0001, 8), (0.005, 1), (0.02, 1), (0.0025, 4), (0.1, 0.1)],
)
def test_scale_brings_a_leg_to_its_target(seconds, factor):
    """Legs grow eightfold at most, shrink at once, and stay when they are about right."""
    assert _legs.scale(seconds, 0.010) == pytest.approx(factor)


def test_gate_reset_forgets_the_plan():
    """After a reset the next update looks at the clock."""
    bar = Bar(total=100)
    bar._level, bar._gate.n = 50, 3
    bar.reset()
    assert (bar._level, bar._gate.n) == (float("-inf"), None)


def test_gate_keeps_no_bar_alive():
    """What the pulse holds of a bar is not the bar."""
    bar = Bar(total=100)
    gate, gone = bar._gate, weakref.ref(bar)
    del bar
    assert gone() is None
    gate.nudge()


# ---------------------------------------------------------------- processes and signals


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_fork_inside_the_loop_goes_on_exactly_in_both_processes():
    """A child forked in the body walks the rest of the loop, counts right, and has a pulse."""
    parent, child, total = _legs.pulse(), None, 0
    bar = Bar(range(40_000))
    try:
        for item in bar:
            total += item
            if item == 20_000:
                child = os.fork()
    finally:
        if child == 0:
            pulse = _legs.pulse()
            good = total == sum(range(40_000)) and bar.endings == [("exhausted", 40_000)]
            os._exit(0 if good and pulse is not parent and pulse._thread is not None else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert (bar.n, total) == (40_000, sum(range(40_000)))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_fork_child_finishes_a_loop_of_its_own():
    """A child runs a whole loop with a pulse that is not its parent's."""
    list(Bar(range(1000)))
    parent = _legs.pulse()
    if (child := os.fork()) == 0:
        bar = Bar(range(30_000))
        good = sum(1 for _ in bar) == bar.n == 30_000 and _legs.pulse() is not parent
        os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_interrupt_in_a_consumer_written_in_c_surfaces():
    """Ctrl-C gets through a loop that never leaves C, and the count stays plausible."""
    bar = Bar(itertools.count())
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            sum(bar)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert [ending for ending, _ in bar.endings] == ["dropped"]
    assert bar.n > 0
