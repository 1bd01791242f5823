from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter._pacing import Pacer, should_open


def safe(sent: float, age: float) -> bool:
    """Say whether the service's rule holds, stated once more and on its own."""
    return sent <= max(12, age / 120)


def looks(pacer: Pacer, seconds: float):
    """Yield the moments at which a worker looks."""
    now = 0.0
    while now < seconds:
        now += pacer.next_look_seconds(now)
        yield now


def play(pacer: Pacer, done_at, seconds: float) -> list[tuple[float, float]]:
    """Let a pacer follow ``done_at(now)`` and return what was sent when."""
    pacer.start(0.0)
    sends = []
    for now in looks(pacer, seconds):
        done = done_at(now)
        if pacer.due(now, done):
            pacer.record(now, done)
            sends.append((now, done))
    return sends


# The rule


@pytest.mark.parametrize(
    ("sent", "age", "expected"),
    [
        (0, 0.0, True),
        (10, 0.0, True),
        (11, 0.0, False),
        (11, 1559.9, False),
        (11, 1560.0, True),
        (12, 1560.0, False),
        (98, 12000.0, True),
        (99, 12000.0, False),
    ],
)
def test_may_send_with_reserve_keeps_one_below_the_rule(sent, age, expected):
    """One update is always kept back for the last word."""
    pacer = Pacer()
    pacer.start(100.0)
    for _ in range(sent):
        pacer.record(100.0)
    assert pacer.may_send(100.0 + age) is expected


@pytest.mark.parametrize(
    ("sent", "age", "expected"),
    [(11, 0.0, True), (12, 0.0, False), (12, 1559.9, False), (12, 1560.0, True)],
)
def test_may_send_last_uses_the_reserve_and_no_more(sent, age, expected):
    """The last word may use the reserve but never breaks the rule."""
    pacer = Pacer()
    pacer.start(0.0)
    for _ in range(sent):
        pacer.record(0.0)
    assert pacer.may_send(age, last=True) is expected


def test_updates_left_counts_down_and_grows_with_age():
    """The number left is the burst less the reserve, then what the age allows."""
    pacer = Pacer()
    pacer.start(0.0)
    assert pacer.updates_left(0.0) == 11
    pacer.record(1.0, 0.1)
    assert pacer.updates_left(1.0) == 10
    assert pacer.updates_left(2400.0) == 18
    for _ in range(30):
        pacer.record(2.0)
    assert pacer.updates_left(3.0) == 0


def test_pacer_counting_the_start_has_one_update_less():
    """If the service counts the start, the setting leaves room for it."""
    pacer = Pacer(counts_start=True)
    pacer.start(0.0)
    assert pacer.sent == 1
    assert pacer.updates_left(0.0) == 10


@pytest.mark.parametrize(
    "wrong", [{"reserve": 12}, {"reserve": -1}, {"burst": 0}, {"seconds_per_update": 0}]
)
def test_pacer_with_a_senseless_budget_is_refused(wrong):
    """A budget that nothing fits into is an error at once."""
    with pytest.raises(ValueError, match="must be"):
        Pacer(**wrong)


asks = st.lists(
    st.tuples(
        st.sampled_from(["due", "change", "urgent", "unknown", "correction"]),
        st.floats(0, 400),
        st.floats(0, 1),
    ),
    max_size=150,
)


@settings(max_examples=100, deadline=None)
@given(asks, st.floats(-1e6, 1e6), st.booleans())
def test_pacer_asked_anything_in_any_order_never_breaks_the_rule(steps, start, counts_start):
    """Whatever is asked whenever, what the pacer lets through is safe, the start counted or not."""
    pacer = Pacer(counts_start=counts_start)
    pacer.start(start)
    now, sent = start, int(counts_start)
    for question, wait, done in steps:
        now += wait
        answers = {
            "due": lambda now=now, done=done: pacer.due(now, done),
            "change": lambda now=now: pacer.due_change(now),
            "urgent": lambda now=now: pacer.due_change(now, urgent=True),
            "unknown": lambda now=now: pacer.due_without_total(now),
            "correction": lambda now=now, done=done: pacer.due_correction(now, now, now + done),
        }
        if answers[question]():
            sent += 1
            pacer.record(now, done if question == "due" else None)
            assert safe(sent, now - start)
    assert pacer.sent == sent


# Progress


def wandering(seed: int, seconds: float):
    """Return a done share over time that speeds up, slows down and pauses at random."""
    source = random.Random(seed)  # noqa: S311  simulated speeds, no secrets
    speeds = [source.choice([0, 0.1, 1, 1, 3, 20]) + 1e-3 for _ in range(50)]
    whole = sum(speeds)
    heights = [sum(speeds[:i]) / whole for i in range(51)]

    def done_at(now: float) -> float:
        at = min(now / seconds, 1.0) * 50
        step = min(int(at), 49)
        return min(1.0, heights[step] + (at - step) * (heights[step + 1] - heights[step]))

    return done_at


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([5, 20, 90, 600, 3000]))
def test_due_over_any_run_is_safe_truthful_and_forward(seed, seconds):
    """Updates keep the budget and a last word, go forward, and are never ahead of the loop."""
    done_at = wandering(seed, seconds)
    pacer = Pacer()
    sends = play(pacer, done_at, seconds)
    for number, (now, _) in enumerate(sends, 1):
        assert safe(number + 1, now)
    shown = [done for _, done in sends]
    assert shown == sorted(set(shown))
    assert all(done <= done_at(now) for now, done in sends)
    assert pacer.may_send(seconds, last=True)


@pytest.mark.parametrize("seconds", [60, 600, 1400])
def test_due_at_a_constant_rate_spends_the_burst_evenly(seconds):
    """The steadiest loop gets about eleven updates a twelfth of the way apart."""
    sends = play(Pacer(), lambda now: min(1.0, now / seconds), seconds)
    assert len(sends) in {10, 11}
    shown = [0.0, *(done for _, done in sends), 1.0]
    gaps = [b - a for a, b in itertools.pairwise(shown)]
    assert max(gaps) < 0.12
    assert min(gaps) > 0.05


def test_due_over_six_hours_sends_nearly_one_in_two_minutes():
    """A long run uses the budget that grows with it."""
    sends = play(Pacer(), lambda now: min(1.0, now / 21600), 21600)
    assert 165 <= len(sends) <= 179


def test_due_over_an_accelerating_hour_never_runs_dry():
    """The burst lasts until the allowance grows, though the end seems far away at first."""
    sends = play(Pacer(), lambda now: min(1.0, now / 3600) ** 2, 3600)
    times = [0.0, *(now for now, _ in sends)]
    assert max(b - a for a, b in itertools.pairwise(times)) < 300


@pytest.mark.parametrize("items", [3, 10])
def test_due_with_few_items_shows_each_at_once(items):
    """Where the budget covers every step, each shows at the look after it."""
    seconds = 300.0
    sends = play(Pacer(), lambda now: math.floor(min(1.0, now / seconds) * items) / items, seconds)
    steps = [done for _, done in sends if done < 1]
    assert steps == [pytest.approx(i / items) for i in range(1, items)]
    assert all(now - done * seconds <= 1 for now, done in sends)


def test_due_in_a_long_pause_shows_where_the_loop_stopped():
    """A loop that hangs is shown where it hangs, not where it last happened to be sent."""

    def done_at(now: float) -> float:
        return now / 200 if now < 95 else 0.475

    sends = play(Pacer(), done_at, 600)
    assert sends[-1][1] == pytest.approx(0.475, abs=0.005)
    assert sends[-1][0] < 130


def test_due_when_nothing_moved_is_false():
    """A card is never sent what it shows already."""
    pacer = Pacer()
    pacer.start(0.0, 0.3)
    assert not any(pacer.due(now, 0.3) for now in range(1, 5000))


def test_due_when_finished_shows_it_at_once():
    """A bar that is full but still open shows 100 % at the next look."""
    pacer = Pacer()
    pacer.start(0.0)
    for now in range(1, 10):
        pacer.due(float(now), 0.001 * now)
    assert pacer.due(10.0, 1.0)


def test_due_after_a_reset_takes_the_claim_back():
    """Work that a reset has undone does not stay on the phone."""
    pacer = Pacer()
    pacer.start(0.0)
    pacer.due(1.0, 0.5)
    pacer.record(1.0, 0.5)
    assert pacer.due(10.0, 0.1)
    pacer.record(10.0, 0.1)
    assert not pacer.due(12.0, 0.1)
    assert pacer.due(60.0, 0.9)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_due_with_a_share_that_is_no_number_is_false(odd):
    """A share that is no number sends nothing and upsets nothing."""
    pacer = Pacer()
    pacer.start(0.0)
    assert not pacer.due(5.0, odd)
    assert not pacer.due(5.0, 0.0)


def test_due_twice_at_the_same_moment_does_not_fail():
    """A clock that stands still or a share that jumps to the end is no division by zero."""
    pacer = Pacer()
    pacer.start(0.0)
    for done in (0.0, 0.2, 0.2, 1.0, 1.0, 5.0, -1.0):
        pacer.due(0.0, done)
    assert pacer.due(3.0, 1.0)


def test_due_keeps_the_gap_between_updates():
    """However fast the loop, two updates are a second apart."""
    sends = play(Pacer(), lambda now: min(1.0, now / 4), 4)
    times = [now for now, _ in sends]
    assert all(b - a >= 1 for a, b in itertools.pairwise(times))


def test_pacer_over_a_long_run_keeps_few_samples():
    """Memory stays small however long the loop runs."""
    pacer = Pacer()
    play(pacer, lambda now: min(1.0, now / 40000), 40000)
    assert len(pacer._samples) < 100
    assert len(pacer._waits) < 100


def test_seconds_left_at_a_constant_rate_is_right():
    """The steadiest loop is predicted to the second."""
    pacer = Pacer()
    pacer.start(0.0)
    assert pacer.seconds_left(0.0) is None
    for now in range(1, 101):
        pacer.due(float(now), now / 400)
    assert pacer.seconds_left(100.0) == pytest.approx(300, rel=0.02)


def test_seconds_left_of_a_resumed_run_counts_only_its_own_work():
    """What was done before the run began says nothing about its speed."""
    pacer = Pacer()
    pacer.start(10.0, 0.55, began=0.0, began_done=0.5)
    assert pacer.seconds_left(10.0) == pytest.approx(90)


def test_next_look_is_frequent_at_first():
    """A quarter of a second in the first minute, a second later."""
    pacer = Pacer()
    pacer.start(1000.0)
    assert pacer.next_look_seconds(1000.0) == 0.25
    assert pacer.next_look_seconds(1059.9) == 0.25
    assert pacer.next_look_seconds(1060.0) == 1.0


# Unknown totals, values set by hand, countdowns


def test_due_without_total_comes_ever_more_seldom():
    """Signs of life lie 1.8 times further apart each, then two minutes."""
    pacer = Pacer()
    pacer.start(0.0)
    times = []
    for now in looks(pacer, 7200):
        if pacer.due_without_total(now):
            pacer.record(now)
            times.append(now)
            assert safe(len(times) + 1, now)
    assert times[:4] == [4.0, 7.25, 13.0, 23.5]
    assert len([now for now in times if now < 1440]) == 11
    assert max(b - a for a, b in itertools.pairwise(times[11:])) <= 121


def test_due_without_total_when_nothing_moved_waits():
    """A sign of life without news spends nothing."""
    pacer = Pacer()
    pacer.start(0.0)
    assert not pacer.due_without_total(1000.0, moved=False)
    assert pacer.due_without_total(1000.0)


def test_due_change_lets_real_steps_through_at_once():
    """The first half of the burst goes out as it comes, a second apart."""
    pacer = Pacer()
    pacer.start(0.0)
    for now in (1.0, 2.0, 3.0, 4.0, 5.0):
        assert pacer.due_change(now)
        pacer.record(now)
        assert not pacer.due_change(now + 0.5)


def test_due_change_every_second_never_stands_still_for_long():
    """A value that changes every second is never much older than half its card's age."""
    pacer = Pacer()
    pacer.start(0.0)
    last = 0.0
    for now in range(1, 7200):
        if pacer.due_change(float(now)):
            pacer.record(float(now))
            last = float(now)
            assert safe(pacer.sent + 1, now)
        assert now - last <= max(130, 0.7 * now)


def test_due_change_urgent_ignores_gap_and_may_use_the_reserve():
    """A failure does not wait, not even when only the reserve is left."""
    pacer = Pacer()
    pacer.start(0.0)
    for _ in range(11):
        pacer.record(5.0)
    assert not pacer.due_change(5.0)
    assert pacer.due_change(5.0, urgent=True)
    pacer.record(5.0)
    assert not pacer.due_change(5.0, urgent=True)


@pytest.mark.parametrize(
    ("now", "shown", "predicted", "expected"),
    [
        (100.0, 600.0, 640.0, False),
        (100.0, 600.0, 800.0, True),
        (100.0, 600.0, 400.0, True),
        (10.0, 600.0, 1200.0, False),
        (100.0, 100.0, 100.5, False),
        (100.0, 90.0, 160.0, True),
        (100.0, 600.0, math.inf, False),
        (100.0, 600.0, math.nan, False),
    ],
    ids=["small", "later", "sooner", "early", "at zero", "ran out", "never", "no number"],
)
def test_due_correction_only_for_real_drift(now, shown, predicted, expected):
    """The countdown is set anew for drift over a fifth of what is left, and not too early."""
    pacer = Pacer()
    pacer.start(0.0)
    assert pacer.due_correction(now, shown, predicted) is expected


def test_due_correction_at_a_constant_rate_hardly_ever_corrects():
    """Once right, the countdown is left alone."""
    pacer = Pacer()
    pacer.start(0.0)
    corrections = sum(pacer.due_correction(float(now), 605.0, 600.0) for now in range(1, 570))
    assert corrections == 0


@pytest.mark.parametrize(
    ("elapsed", "done", "expected"),
    [
        (0.5, 0.001, False),
        (1.9, 0.001, False),
        (2.0, 0.001, True),
        (2.0, 0.09, True),
        (2.0, 0.11, False),
        (9.9, 0.6, False),
        (9.9, None, False),
        (10.0, None, True),
        (10.0, 0.6, True),
        (5.0, 0.0, False),
        (5.0, math.nan, False),
    ],
)
def test_should_open_waits_for_loops_worth_watching(elapsed, done, expected):
    """Ten seconds of running, or a prediction beyond twenty, open a card; nothing else does."""
    assert should_open(elapsed, done) is expected
