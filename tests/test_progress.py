from __future__ import annotations

import itertools
import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter._progress import (
    MOST_STEPS,
    BarView,
    ProgressTracker,
    SteadyFinish,
    fraction,
    percentage,
    progress_fields,
)
from activitysmith_jupyter._smalltext import (
    clean,
    cut,
    display_width,
    duration_text,
    finish_text,
    rate_text,
    round_finish,
    small_number,
)

NOW = datetime(2026, 11, 23, 14, 2, 11, tzinfo=UTC)  # a Monday


def bar(key: object = 0, n: object = 0, total: object = None, **more: object) -> BarView:
    """Return a bar's view."""
    return BarView(key=key, n=n, total=total, **more)


def fields(views, **more):
    """Return the content state of bars whose share is what it is at this moment."""
    return progress_fields(views, **{"share": fraction(views), "now_wall": NOW, **more})


class Scalar:
    """A number like a 0-d array."""

    def __init__(self, value):
        self.value = value

    def item(self):
        """Return the plain number."""
        return self.value

    def __repr__(self):
        return f"Scalar({self.value})"


class Broken:
    """An object that fails whatever it is asked."""

    def __str__(self):
        raise RuntimeError("no text")

    def __repr__(self):
        return "Broken()"

    def __float__(self):
        raise RuntimeError("no number")

    def item(self):
        """Fail."""
        raise RuntimeError("no item")

    def items(self):
        """Fail."""
        raise RuntimeError("no items")


class BrokenMapping(dict):
    """A mapping that cannot be read."""

    def items(self):
        """Fail."""
        raise RuntimeError("no items")


# Numbers and words


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0311964, "0.0312"),
        (0.1 + 0.2, "0.3"),
        (938, "938"),
        (99_999, "99999"),
        (123_456, "123k"),
        (999_999, "1M"),
        (1_234_567, "1.23M"),
        (12_345.6, "12.3k"),
        (1234.5, "1234"),
        (99.96, "100"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (-0.0, "0"),
        (0, "0"),
        (3e-4, "0.0003"),
        (1e-5, "1e-5"),
        (1.2345e-7, "1.23e-7"),
        (1e20, "1e20"),
        (10**400, "inf"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (True, "True"),
        (None, "None"),
        ("text", "text"),
        (Decimal("2.50"), "2.5"),
        (Scalar(0.0311964), "0.0312"),
        (Scalar(12), "12"),
        (Broken(), "<Broken>"),
    ],
    ids=repr,
)
def test_small_number_is_short_and_true(value, expected):
    """Three significant digits, no float noise, whole numbers whole, and no error ever."""
    assert small_number(value) == expected


@settings(max_examples=150)
@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_small_number_of_any_float_is_short_and_near(value):
    """At most nine characters, within half a percent of the number."""
    text = small_number(value)
    assert len(text) <= 10
    factor = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.get(text[-1], 1.0)
    number = float(text.rstrip("kMGT")) * factor
    assert math.isinf(number) or math.isclose(number, value, rel_tol=0.0051, abs_tol=1e-300)


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("epoch", 5, "epoch"),
        ("epochs", 5, "epoc…"),
        ("训练模型", 8, "训练模型"),
        ("训练模型", 7, "训练模…"),
        ("a b", 2, "a…"),
        ("e\u0301e\u0301", 2, "e\u0301e\u0301"),
    ],
)
def test_cut_counts_columns(text, width, expected):
    """Wide characters take two columns, combining ones none."""
    assert cut(text, width) == expected


@settings(max_examples=150)
@given(st.text(), st.integers(1, 60))
def test_cut_of_any_text_fits(text, width):
    """No text is wider than asked for."""
    assert display_width(cut(text, width)) <= width


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\n b\t\x00c", "a b c"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("lone \ud800", "lone ?"),
        (Broken(), "<Broken>"),
        (3, "3"),
    ],
    ids=["controls", "colours", "surrogate", "broken", "number"],
)
def test_clean_gives_one_printable_line(value, expected):
    """Whatever the object, its text is one line that UTF-8 can carry."""
    assert clean(value) == expected


@pytest.mark.parametrize(
    ("rate", "unit", "expected"),
    [
        (1234.0, "it", "1.2k it/s"),
        (45.67, "it", "46 it/s"),
        (0.3, "it", "3.3 s/it"),
        (0.001, "epoch", "16 min/epoch"),
        (1.2e8, "B", "120MB/s"),
        (0.0, "it", ""),
        (None, "it", ""),
        (math.nan, "it", ""),
    ],
)
def test_rate_text_turns_over_below_one_a_second(rate, unit, expected):
    """Fast loops say items per second, slow ones time per item."""
    assert rate_text(rate, unit) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (200, "3 min"),
        (3600, "1 h"),
        (4830, "1 h 20 min"),
        (90000, "1 d 1 h"),
        (172800, "2 d"),
        (math.nan, ""),
        (-1, ""),
    ],
)
def test_duration_text_names_two_units(seconds, expected):
    """The two largest units say enough."""
    assert duration_text(seconds) == expected


# The finish time


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "done about 14:03"),
        (1800, "done about 14:32"),
        (2 * 3600, "done about 16:00"),
        (5 * 3600, "done about 19:00"),
        (12 * 3600, "done about tomorrow 02:00"),
        (3 * 86400, "done about Thu 14:00"),
        (20 * 86400, "done about 13 Dec"),
        (400 * 86400, "done about 28 Dec 2027"),
    ],
)
def test_finish_text_is_a_clock_time_coarser_further_away(seconds, expected):
    """Minutes within the hour, quarters within the day, and the day when it is another."""
    finish = round_finish(NOW, seconds)
    assert finish is not None
    assert finish >= NOW
    assert finish_text(finish, NOW) == expected


@pytest.mark.parametrize("seconds", [math.inf, math.nan, 1e300])
def test_round_finish_beyond_the_calendar_is_none(seconds):
    """A prediction without a date has no finish time."""
    assert round_finish(NOW, seconds) is None


def test_steady_finish_ignores_small_drift():
    """A prediction that wanders by a few percent leaves the time on show alone."""
    steady = SteadyFinish()
    first = steady.update(1800, NOW)
    for second in range(0, 600, 10):
        wandering = 1800 - second + 60 * math.sin(second)
        assert steady.update(wandering, NOW + timedelta(seconds=second)) == first


def test_steady_finish_follows_real_drift_and_being_late():
    """A prediction a tenth off, or a time that has passed, changes what is shown."""
    steady = SteadyFinish()
    first = steady.update(1800, NOW)
    later = steady.update(2400, NOW)
    assert later > first
    assert steady.update(5, later + timedelta(seconds=1)) > later
    assert steady.update(None, NOW) is None
    assert steady.update(math.inf, NOW) is None


# One share for all bars


@pytest.mark.parametrize(
    ("n", "total", "expected"),
    [
        (3, 10, 0.3),
        (10, 10, 1.0),
        (10.4, 10, 1.0),
        (11, 10, None),
        (0, 10, 0.0),
        (-3, 10, 0.0),
        (math.nan, 10, 0.0),
        (3, None, None),
        (3, 0, None),
        (3, -5, None),
        (3, math.inf, None),
        (3, math.nan, None),
        (3, "many", None),
        (Scalar(3), Scalar(10), 0.3),
        (Broken(), 10, 0.0),
        (10**400, 10**401, None),
    ],
    ids=repr,
)
def test_fraction_of_one_bar_handles_odd_counts(n, total, expected):
    """A total that cannot be believed gives no share; counts are never outside 0-1."""
    assert fraction([bar(n=n, total=total)]) == expected


def test_fraction_of_nested_bars_refines_the_outer():
    """3 of 10 epochs plus half an epoch is 35 %, and deeper levels refine likewise."""
    outer = bar(1, 3, 10)
    inner = bar(2, 469, 938, parent=1)
    assert fraction([outer, inner]) == pytest.approx(0.35)
    middle = bar(2, 1, 2, parent=1)
    deepest = bar(3, 1, 2, parent=2)
    assert fraction([outer, middle, deepest]) == pytest.approx(0.375)


def test_fraction_with_an_inner_bar_of_unknown_length_is_the_outer():
    """An inner bar that cannot say how far it is adds nothing."""
    assert fraction([bar(1, 3, 10), bar(2, 77, None, parent=1)]) == 0.3


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (bar(1, 100, 100), bar(2, 0, 300), 0.25),
        (bar(1, 100, 100, unit="file"), bar(2, 0, 300), 0.5),
        (bar(1, 100, 100), bar(2, 5, None), 1.0),
        (bar(1, 5, None), bar(2, 5, None), None),
    ],
    ids=["same unit", "other unit", "one unknown", "both unknown"],
)
def test_fraction_of_two_threads_is_one_number(first, second, expected):
    """Threads count by their work where their units agree, else evenly."""
    assert fraction([first, second]) == expected


def test_fraction_of_bars_around_each_other_ends():
    """Parents in a circle or unknown ones end in a plain answer."""
    assert fraction([bar(1, 1, 2, parent=2), bar(2, 1, 2, parent=1)]) is None
    assert fraction([bar(1, 1, 2, parent=1)]) == 0.5
    assert fraction([bar(1, 1, 2, parent="gone")]) == 0.5
    assert fraction([]) is None


def epochs(parts: list[tuple[int, float]], epochs: int):
    """Yield the bars of a training loop: in each epoch inner bars of (items, seconds) each."""
    key = 1
    for epoch in range(epochs):
        for items, seconds in parts:
            key += 1
            for n in range(0, items + 1, 10):
                outer = bar(1, epoch, epochs)
                spent = seconds * n / items
                yield [outer, bar(key, n, items, parent=1, elapsed_seconds=spent)]
            yield [bar(1, epoch, epochs)]
    yield [bar(1, epochs, epochs, finished=True)]


def test_tracker_over_training_and_validation_moves_steadily():
    """After the first epoch the training bar claims its own part of an epoch, not all of it."""
    tracker = ProgressTracker()
    shares = [tracker.update(views) for views in epochs([(900, 85.0), (100, 15.0)], 10)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    looks_per_epoch = (len(shares) - 1) // 10
    training_over = 3 * looks_per_epoch + 91
    assert shares[training_over] == pytest.approx(0.385)
    jumps = [b - a for a, b in itertools.pairwise(shares)]
    assert max(jumps) < 0.0016


def test_tracker_with_one_inner_bar_is_exact_after_the_first_epoch():
    """With nothing beside the inner bar, half an epoch is half an epoch."""
    tracker = ProgressTracker()
    for views in epochs([(100, 10.0)], 3):
        tracker.update(views)
    tracker = ProgressTracker()
    seen = {}
    for views in epochs([(100, 10.0)], 10):
        share = tracker.update(views)
        if len(views) == 2:
            seen[views[0].n, views[1].n] = share
    assert seen[3, 50] == pytest.approx(0.35)
    assert seen[0, 100] == pytest.approx(0.09)


def test_tracker_with_a_reused_inner_bar_does_not_run_ahead():
    """A full inner bar left over from the epoch before counts for nothing in the new one."""
    tracker = ProgressTracker()
    tracker.update([bar(1, 0, 4), bar(2, 0, 10, parent=1)])
    tracker.update([bar(1, 0, 4), bar(2, 10, 10, parent=1, elapsed_seconds=5.0)])
    assert tracker.update([bar(1, 1, 4), bar(2, 10, 10, parent=1, elapsed_seconds=5.0)]) == 0.25
    assert tracker.update([bar(1, 1, 4), bar(2, 0, 10, parent=1)]) == 0.25
    assert tracker.update([bar(1, 1, 4), bar(2, 5, 10, parent=1)]) == pytest.approx(0.375)


def test_tracker_with_a_failed_inner_bar_does_not_claim_its_rest():
    """An inner bar closed by an error counts for what it did."""
    tracker = ProgressTracker()
    views = [bar(1, 0, 2), bar(2, 5, 10, parent=1, finished=True, failed=True)]
    assert tracker.update(views) == pytest.approx(0.225)


def test_tracker_holds_when_the_total_grows_or_is_overrun():
    """More work than announced stops the card, and never turns it back."""
    tracker = ProgressTracker()
    assert tracker.update([bar(1, 5, 10)]) == 0.5
    assert tracker.update([bar(1, 6, 100)]) == 0.5
    assert tracker.update([bar(1, 101, 100)]) == 0.5
    assert tracker.update([bar(1, 101, None)]) == 0.5
    assert tracker.share == 0.5


def test_tracker_after_a_reset_starts_afresh():
    """A count that falls, a wholly new bar, or reset() lets the share fall."""
    tracker = ProgressTracker()
    tracker.update([bar(1, 9, 10)])
    assert tracker.update([bar(1, 1, 10)]) == 0.1
    assert tracker.update([bar(2, 0, 10)]) == 0.0
    tracker.update([bar(2, 9, 10)])
    tracker.reset()
    assert tracker.share is None
    assert tracker.update([bar(2, 9, 20)]) == 0.45


def test_tracker_with_a_second_thread_does_not_fall():
    """A thread that starts later lowers the mean, and the card waits for it."""
    tracker = ProgressTracker()
    assert tracker.update([bar(1, 50, 100)]) == 0.5
    assert tracker.update([bar(1, 60, 100), bar(2, 0, 100)]) == 0.5
    assert tracker.update([bar(1, 100, 100), bar(2, 20, 100)]) == 0.6


@st.composite
def training(draw):
    """Draw the inner bars of one epoch and the number of epochs."""
    parts = draw(st.lists(st.tuples(st.integers(10, 60), st.floats(0.1, 100)), max_size=4))
    return parts, draw(st.integers(1, 6))


@settings(max_examples=60, deadline=None)
@given(training(), st.data())
def test_tracker_over_any_nested_loop_only_goes_forward(loop, data):
    """Whatever looks are missed, the share goes forward within the outer bar's current item."""
    looks = list(epochs(*loop))
    kept = data.draw(st.lists(st.booleans(), min_size=len(looks), max_size=len(looks)))
    tracker, last = ProgressTracker(), 0.0
    for views, seen in zip(looks, kept, strict=True):
        if seen:
            share = tracker.update(views)
            outer = views[0]
            assert last <= share <= (outer.n + 1) / outer.total + 1e-9
            assert share >= outer.n / outer.total
            last = share
    assert tracker.update(looks[-1]) == 1.0


# What the card says


def test_progress_fields_of_nested_bars_say_the_most_useful_first():
    """Position, numbers and finish time share one line."""
    outer = bar(1, 3, 10, desc="Epoch: ", unit="epoch", elapsed_seconds=100)
    inner = bar(2, 120, 938, parent=1, desc="train", postfix={"loss": 0.0311964})
    assert fields([outer, inner], finish_wall=NOW + timedelta(minutes=30)) == {
        "type": "progress",
        "title": "Epoch",
        "subtitle": "3/10 · loss 0.0312 · done about 14:32",
        "percentage": 31.2,
    }


@pytest.mark.parametrize(
    ("view", "subtitle"),
    [
        (bar(n=3, total=10, unit="file"), "3/10 file"),
        (bar(n=3, total=10, desc="file", unit="file"), "3/10"),
        (bar(n=1.2e9, total=3.4e9, unit="B", unit_scale=True), "1.2G/3.4GB"),
        (bar(n=2, total=4, unit="B", unit_scale=512), "1024/2048B"),
        (bar(n=3, total=10, elapsed_seconds=6), "3/10 · 2 s/it"),
        (bar(n=3, total=10, initial=2, elapsed_seconds=6), "3/10 · 6 s/it"),
        (bar(n=3, total=10, postfix="loss=0.03119, acc=0.9912"), "3/10 · loss 0.0312 · acc 0.991"),
        (bar(n=3, total=10, postfix="plain words"), "3/10 · plain words"),
        (bar(n=3, total=10, postfix={"lr": Scalar(3e-4)}), "3/10 · lr 0.0003"),
        (bar(n=3, total=10, postfix={"x": Broken()}), "3/10 · x <Broken>"),
        (bar(n=3, total=10, postfix=BrokenMapping(a=1)), "3/10"),
        (bar(n=3, total=10, postfix=Broken()), "3/10 · <Broken>"),
        (bar(n=3, total=10, unit=Broken()), "3/10"),
        (bar(n=12345, elapsed_seconds=10), "12345 it · 1.2k it/s"),
    ],
)
def test_progress_fields_subtitle_says_where_the_bar_is(view, subtitle):
    """Counts, numbers and rate are short, whatever the bar carries."""
    assert fields([view])["subtitle"] == subtitle


def test_progress_fields_of_threads_count_the_finished():
    """Several threads are summed up by how many are done."""
    views = [bar(1, 10, 10, finished=True), bar(2, 5, 10), bar(3, 0, 10)]
    assert fields(views)["subtitle"] == "1/3 done"
    assert fields(views)["percentage"] == 50.0


def test_progress_fields_too_long_drop_the_least_useful():
    """The finish time outlives the inner position and the rate; nothing exceeds the line."""
    postfix = {f"metric{i}": 1.2345 * i for i in range(20)}
    outer = bar(1, 3, 10, desc="word " * 50, elapsed_seconds=9)
    inner = bar(2, 120, 938, parent=1, desc="training", postfix=postfix, elapsed_seconds=1)
    made = fields([outer, inner], finish_wall=NOW + timedelta(hours=12))
    assert display_width(made["subtitle"]) <= 48
    assert display_width(made["title"]) <= 32
    assert made["title"].endswith("…")
    assert made["subtitle"].startswith("3/10 · ")
    assert made["subtitle"].endswith("done about tomorrow 02:02")


def test_progress_fields_without_total_count_up():
    """A loop of unknown length is a timer that ticks on the phone by itself."""
    made = fields([bar(n=12, desc="rows")], style="steps")
    assert made == {"type": "timer", "counts_down": False, "title": "rows", "subtitle": "12 it"}


def test_progress_fields_in_steps_mark_the_failed_ones_red():
    """One segment per item, failed ones red, the others in the accent colour."""
    made = fields([bar(n=3, total=5)], style="steps", failed_steps={1, 4, -1}, color="green")
    assert made["type"] == "segmented_progress"
    assert (made["current_step"], made["number_of_steps"]) == (3, 5)
    assert made["step_colors"] == ["green", "red", "green"]
    assert made["color"] == "green"


def test_progress_fields_in_many_steps_share_segments():
    """More items than segments fit share them, and a failure stays visible."""
    made = fields([bar(n=500, total=1000)], style="steps", failed_steps=[0])
    assert made["number_of_steps"] == MOST_STEPS
    assert made["current_step"] == MOST_STEPS // 2
    assert made["step_colors"] == ["red"] + ["blue"] * (MOST_STEPS // 2 - 1)


@pytest.mark.parametrize(
    ("seconds_left", "expected"),
    [
        (1799.6, {"counts_down": True, "duration_seconds": 1800}),
        (-3.0, {"counts_down": True, "duration_seconds": 1}),
        (None, {}),
        (math.inf, {}),
    ],
)
def test_progress_fields_as_countdown_set_it_only_when_asked(seconds_left, expected):
    """A countdown that is right already is left to run."""
    made = fields([bar(n=3, total=10)], style="timer", seconds_left=seconds_left)
    assert made == {"type": "timer", "title": "Progress", "subtitle": "3/10", **expected}


def test_progress_fields_when_done_show_no_finish_time():
    """What is done is not done about some time."""
    made = fields([bar(n=10, total=10)], finish_wall=NOW)
    assert made["percentage"] == 100.0
    assert made["subtitle"] == "10/10"


@settings(max_examples=150)
@given(st.floats(0, 1))
def test_percentage_is_never_ahead_of_the_share(share):
    """One decimal, rounded down, 100 only when all is done."""
    shown = percentage(share)
    assert 0 <= shown <= 100
    assert shown / 100 <= share + 1e-11
    assert share - shown / 100 < 0.001 + 1e-9
    assert shown < 100 or share > 1 - 1e-11


def test_percentage_of_whole_thousandths_is_exact():
    """Float noise costs no digit."""
    assert [percentage(i / 1000) for i in range(1001)] == [i / 10 for i in range(1001)]


oddities = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=80),
    st.just(Broken()),
    st.just(Scalar(math.nan)),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=3),
)
odd_bars = st.builds(
    BarView,
    key=st.integers(0, 4),
    n=oddities,
    total=oddities,
    parent=st.one_of(st.none(), st.integers(0, 5)),
    initial=oddities,
    desc=oddities,
    postfix=st.one_of(oddities, st.dictionaries(st.text(max_size=20), oddities, max_size=12)),
    unit=oddities,
    unit_scale=oddities,
    elapsed_seconds=oddities,
    finished=st.booleans(),
    failed=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(odd_bars, max_size=5),
    st.sampled_from(["progress", "steps", "timer"]),
    st.one_of(st.none(), st.floats()),
    oddities,
)
def test_progress_fields_of_anything_are_json_and_bounded(views, style, seconds_left, title):
    """No bar, however odd, breaks the card or makes it lie."""
    tracker = ProgressTracker()
    share = tracker.update(views)
    assert share is None or 0 <= share <= 1
    made = progress_fields(
        views,
        share=share,
        now_wall=NOW,
        finish_wall=SteadyFinish().update(seconds_left, NOW),
        seconds_left=seconds_left,
        style=style,
        title=title,
        failed_steps=[0, 3],
    )
    json.dumps(made, allow_nan=False).encode()
    assert made["title"]
    assert display_width(made["title"]) <= 32
    assert display_width(made.get("subtitle", "")) <= 48
    if made["type"] == "segmented_progress":
        assert 0 <= made["current_step"] <= made["number_of_steps"] <= MOST_STEPS
        assert len(made.get("step_colors", [])) in {0, made["current_step"]}
    if "percentage" in made:
        assert made["percentage"] <= share * 100 + 1e-9
