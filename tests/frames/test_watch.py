"""A card that a background thread keeps fresh."""

# ruff: noqa: PD011  the values of a report, not of a Series

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest

from activitysmith_jupyter import (
    ActivitySmithWarning,
    MissingAPIKeyError,
    PayloadError,
    configure,
)
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter.frames import Watch, _watch, kpis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from activitysmith_jupyter.emulator import Emulator


class Source:
    """A table whose one number is set by the test; None makes it fail."""

    def __init__(self) -> None:
        self.errors: float | None = 5.0
        self.reads = 0
        self.read_often = threading.Event()

    def __call__(self) -> pd.DataFrame:
        self.reads += 1
        if self.reads >= 4:
            self.read_often.set()
        if self.errors is None:
            raise ConnectionError("the warehouse sleeps")
        return pd.DataFrame({"errors": [self.errors]})


@pytest.fixture
def source() -> Source:
    """Return a table of five errors."""
    return Source()


@pytest.fixture
def watch(emulator: Emulator, source: Source) -> Iterator[Watch]:
    """Watch it, with limits and a comparison."""
    del emulator
    started = (
        kpis(source)
        .watch("1h")
        .stats(
            "errors",
            title="Errors today",
            Errors=("errors", "sum"),
            alert={"Errors": "> 100"},
            good="down",
            delta="previous",
        )
    )
    yield started
    started.stop()


def shown(watch: Watch) -> dict[str, Any]:
    """Return what the card would show now."""
    payload = watch._activity.payload
    assert payload is not None
    content: dict[str, Any] = payload["content_state"]
    return content


def test_watch_when_begun_opens_its_card(emulator: Emulator, watch: Watch) -> None:
    """The first figures are there at once."""
    emulator.wait_for(lambda: emulator.phone.cards)
    content = emulator.phone.cards[0]["content_state"]
    assert content["title"] == "Errors today"
    assert content["metrics"] == [{"label": "Errors", "value": "5"}]
    assert watch.is_running
    assert "every 3600 s, running" in repr(watch)


def test_watch_computes_again_and_again(
    emulator: Emulator, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread asks the source every so often, and no longer once it is stopped."""
    monkeypatch.setattr(_watch, "_SHORTEST_SECONDS", 0)
    with kpis(source).watch(0.005).value("errors", ("errors", "sum")) as watch:
        assert source.read_often.wait(10)
        assert watch._thread.daemon
    watch._thread.join(10)
    assert not watch._thread.is_alive()
    assert not watch.is_running
    emulator.wait_for(lambda: emulator.phone.cards == [] or emulator.requests)


def test_watch_that_is_refreshed_shows_the_newest_figures(watch: Watch, source: Source) -> None:
    """Changes refer to the time before the watch, and the card follows."""
    source.errors = 12.0
    watch.refresh()
    assert shown(watch)["metrics"] == [{"label": "Errors", "value": "12"}]
    assert watch.report.values == {"Errors": 12.0}


def test_watch_whose_source_fails_says_since_when_the_card_is_old(
    watch: Watch, source: Source
) -> None:
    """An old number is not passed off as a new one, and the next round tries again."""
    source.errors = None
    watch.refresh()
    said = shown(watch)["subtitle"]
    assert said.startswith("not updated since ")
    assert said.endswith(": ConnectionError")
    assert shown(watch)["metrics"] == [{"label": "Errors", "value": "5"}]
    assert isinstance(watch.error, ConnectionError)
    assert "last error ConnectionError" in repr(watch)
    source.errors = 6.0
    watch.refresh()
    assert shown(watch)["subtitle"] == ""
    assert watch.error is None


def test_watch_whose_engine_quotes_a_cell_does_not_pass_it_on(emulator: Emulator) -> None:
    """The user reads the whole error; the phone only what kind it was."""
    del emulator
    cells = [["1"], ["patient-zq"]]
    source = iter(cells)

    def numbers() -> pl.LazyFrame:
        return pl.LazyFrame({"n": next(source)}).select(pl.col("n").cast(pl.Int64))

    with kpis(numbers).watch("1h").stats("n", Total=("n", "sum")) as watch:
        watch.refresh()
        assert "patient-zq" in str(watch.error.__cause__)
        assert shown(watch)["subtitle"].endswith(": InvalidOperationError")


def test_watch_pushes_a_crossed_limit_once_until_it_recovers(
    emulator: Emulator, watch: Watch, source: Source
) -> None:
    """The alarm goes out in the background, and turns red on the card."""
    for errors in (200.0, 300.0, 4.0, 150.0):
        source.errors = errors
        watch.refresh()
    assert shown(watch)["metrics"][0]["color"] == "red"
    emulator.wait_for(lambda: len(emulator.phone.pushes) == 2)
    assert emulator.phone.pushes[0]["message"] == "Errors 150 (> 100)"


def test_watch_that_is_hasty_stays_within_the_update_budget(
    emulator: Emulator, watch: Watch, source: Source
) -> None:
    """A hundred new figures in no time are a handful of updates, and the newest is the last."""
    for errors in range(100):
        source.errors = float(errors)
        watch.refresh()
    watch.stop()
    emulator.wait_for(lambda: emulator.phone.cards and emulator.phone.cards[0]["status"] == "ended")
    sent = [record for record in emulator.requests if record.path.endswith("/stream/errors")]
    assert len(sent) <= 13  # iOS takes 12 updates at a time; the end has its own
    assert emulator.phone.cards[0]["content_state"]["metrics"] == [
        {"label": "Errors", "value": "99"}
    ]


def test_watch_that_is_stopped_ends_its_card(emulator: Emulator, watch: Watch) -> None:
    """A card that nobody feeds any more says so."""
    emulator.wait_for(lambda: emulator.phone.cards)
    watch.stop()
    watch.stop()
    watch._thread.join(10)
    assert not watch._thread.is_alive()
    emulator.wait_for(lambda: emulator.phone.cards[0]["status"] == "ended")
    assert emulator.phone.cards[0]["content_state"]["subtitle"].startswith("Stopped")


def test_watch_outlives_an_error_in_its_cell(watch: Watch) -> None:
    """The cell that began it is not the work that it shows."""
    info = SimpleNamespace(raw_cell="1 / 0", store_history=True)
    error = ValueError("typo")
    ended = SimpleNamespace(info=info, error_before_exec=None, error_in_exec=error)
    runtime()._cell_ended(ended)
    assert watch.is_running


def test_watch_of_a_value_that_calms_down_loses_its_colour(
    emulator: Emulator, source: Source
) -> None:
    """Red is not for ever: the service keeps what is not sent, so calm is sent, too."""
    del emulator
    source.errors = 200.0
    with kpis(source).watch().value("errors", ("errors", "sum"), alert="> 100") as watch:
        assert shown(watch)["color"] == "red"
        source.errors = 1.0
        watch.refresh()
        assert shown(watch)["color"] == "blue"


def test_watch_with_a_mistake_is_an_error_at_once(emulator: Emulator, source: Source) -> None:
    """What is wrong is said where it was written, and no thread is left behind."""
    threads = threading.active_count()
    with pytest.raises(PayloadError, match="no column 'erors'"):
        kpis(source).watch("5m").stats("errors", Errors=("erors", "sum"))
    with pytest.raises(PayloadError, match="keeps a card fresh"):
        kpis(source).watch("5m").stats("errors", Errors="count", to="push")
    configure(api_key=None)
    with pytest.raises(MissingAPIKeyError):
        kpis(source).watch("5m").stats("errors", Errors="count")
    assert threading.active_count() == threads
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("every", "seconds"),
    [
        ("5m", 300),
        ("30 s", 30),
        ("1.5h", 5400),
        ("1d", 86_400),
        (90, 90),
        (timedelta(minutes=2), 120),
    ],
)
def test_span_in_any_spelling_is_seconds(every: Any, seconds: float) -> None:
    """People write spans, seconds and timedeltas."""
    assert _watch.seconds_of(every) == seconds


@pytest.mark.parametrize("every", ["soon", "0s", 0.5, -1, "5", float("inf")])
def test_span_that_is_none_or_too_short_is_refused(every: Any) -> None:
    """A watch is no busy loop."""
    with pytest.raises(PayloadError, match="every="):
        _watch.seconds_of(every)


def test_watch_ends_with_its_process(emulator: Emulator) -> None:
    """When the kernel or script goes, thread and card go, and the card tells it."""
    script = """
        import pandas
        from activitysmith_jupyter import configure
        from activitysmith_jupyter.frames import kpis

        configure(api_key={key!r}, base_url={url!r})
        watch = kpis(lambda: pandas.DataFrame({{"a": [1]}})).watch("1h").value("a", ("a", "sum"))
        assert watch.is_running
        input()
    """
    source = textwrap.dedent(script.format(key=emulator.api_key, url=emulator.base_url))
    with subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE) as process:
        emulator.wait_for(lambda: emulator.phone.cards, timeout=20)
        process.communicate(b"\n", timeout=20)
    assert process.returncode == 0
    emulator.wait_for(lambda: emulator.phone.cards[0]["status"] == "ended")
    subtitle = emulator.phone.cards[0]["content_state"]["subtitle"]
    assert subtitle.startswith("Stopped")
    assert subtitle.endswith("the program ended")


def test_watch_of_small_groups_warns_once(emulator: Emulator) -> None:
    """The remark is for the one who wrote the line; the background says nothing."""
    del emulator
    rows = kpis(lambda: pd.DataFrame({"who": ["a", "b"], "paid": [1.0, 2.0]}))
    with pytest.warns(ActivitySmithWarning, match="2 of the groups") as heard:
        watch = rows.watch("1h").top("pay", by="who", of="paid")
    with watch:
        watch.refresh()
        assert watch.error is None
    assert len(heard) == 1
