"""Cards, widgets, badges and pushes from frames, as they arrive at the phone."""

# ruff: noqa: PD011  the values of a report, not of a Series

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from activitysmith_jupyter import (
    ActivitySmithWarning,
    AuthenticationError,
    MissingAPIKeyError,
    PayloadError,
    configure,
)
from activitysmith_jupyter.frames import Report, kpis
from activitysmith_jupyter.frames._numbers import MISSING

if TYPE_CHECKING:
    from pathlib import Path

    from activitysmith_jupyter.emulator import Emulator

REVENUE = {"Revenue": ("revenue", "sum")}


def bodies(emulator: Emulator) -> list[tuple[str, Any]]:
    """Return what was sent where, oldest first."""
    return [(record.path, record.body) for record in emulator.requests]


def test_stats_of_a_frame_arrive_as_a_card(emulator: Emulator, sales: pd.DataFrame) -> None:
    """One line, and the phone shows the numbers."""
    report = sales.activity.stats(
        "sales",
        title="Sales",
        subtitle="last hour",
        icon="cart.fill",
        Revenue=("revenue", "sum"),
        Orders=("order_id", "nunique"),
        Conversion=nw.col("paid").mean(),
        formats={"Revenue": "currency:USD", "Conversion": "percent"},
    )
    expected = {
        "type": "stats",
        "title": "Sales",
        "subtitle": "last hour",
        "icon": {"symbol": "cart.fill"},
        "metrics": [
            {"label": "Revenue", "value": "$2,430"},
            {"label": "Orders", "value": "5"},
            {"label": "Conversion", "value": "66.7%"},
        ],
    }
    assert bodies(emulator) == [("/live-activity/stream/sales", {"content_state": expected})]
    assert emulator.phone.cards[0]["content_state"]["title"] == "Sales"
    assert report.values == {"Revenue": 2430.0, "Orders": 5, "Conversion": pytest.approx(2 / 3)}
    assert [result.success for result in report.results] == [True]


def test_preview_of_a_report_sends_nothing_and_shows_the_card(
    emulator: Emulator, sales: pd.DataFrame
) -> None:
    """A look costs no request, needs no key, and reads as the card will."""
    configure(api_key=None)
    report = sales.activity.preview().stats("sales", REVENUE)
    assert isinstance(report, Report)
    assert report.results == ()
    assert "2,430" in report.html
    assert "2,430" in str(report)
    assert set(report._repr_mimebundle_()) == {"text/html", "text/plain"}
    assert emulator.requests == []


def test_metrics_show_shares_as_percentages_with_bars(sales: pd.DataFrame) -> None:
    """A share is multiplied, a percentage is not, and what has no bar is text."""
    report = sales.activity.preview().metrics(
        "m",
        Done=("status == 'done'", "share"),
        Load=("took", lambda _: 43.21),
        Loss=lambda _: -0.5,
        Gone=("revenue", lambda _: None),
        color="cyan",
    )
    assert report.content_state["color"] == "cyan"
    assert report.content_state["metrics"] == [
        {"label": "Done", "value": 50.0, "unit": "%"},
        {"label": "Load", "value": 43.2, "unit": "%"},
        {"label": "Loss", "value": "-0.5"},
        {"label": "Gone", "value": MISSING},
    ]


def test_value_of_a_frame_and_of_a_series_are_one_large_number(sales: pd.DataFrame) -> None:
    """A column's accessor says what the frame's says."""
    frame = sales.activity.preview().value("Revenue", ("revenue", "sum"), formats="compact")
    series = sales["revenue"].activity.preview().value("Revenue", "sum")
    column = pl.from_pandas(sales)["revenue"].activity.preview().value("Revenue", "sum")
    assert frame.content_state == {"type": "value", "title": "Revenue", "value": "2,430"}
    assert series.content_state == column.content_state == frame.content_state
    unnamed = pd.Series([1.0, 3.0]).activity.preview().value("x", lambda values: values.iloc[1])
    assert unnamed.values == {"x": 3.0}


def test_top_of_a_frame_shows_the_largest_groups(sales: pd.DataFrame) -> None:
    """Groups by size, a missing group under a dash, counts where nothing is aggregated."""
    preview = sales.activity.preview()
    report = preview.top("sales", by="region", of="revenue", n=2, k=0)
    assert report.texts == {"north": "1,000", "south": "730"}
    assert preview.top("sales", by="region", k=0).texts == {
        "north": "3",
        "south": "2",
        MISSING: "1",
    }
    biggest = preview.top("sales", by="region", of=nw.col("revenue") * 2, how="max", n=1, k=0)
    assert biggest.values == {"north": 2000.0}


def test_top_of_an_empty_frame_says_that_there_is_nothing(
    emulator: Emulator, sales: pd.DataFrame
) -> None:
    """No rows, no groups, and yet no crash: the card has a dash where the groups would be."""
    report = sales.iloc[:0].activity.top("sales", by="region", of="revenue", delta="previous")
    assert report.texts == {"region": MISSING}
    assert emulator.phone.cards[0]["content_state"]["metrics"] == [
        {"label": "region", "value": MISSING}
    ]


def test_number_that_no_float_can_hold_is_shown(sales: pd.DataFrame) -> None:
    """Python's whole numbers have no end; nothing is compared with one, and nothing crashes."""
    report = sales.activity.preview().value("n", lambda _: 10**400, delta={"n": 5})
    assert report.texts == {"n": "1E400"}


def test_top_names_its_groups_alike_on_every_engine() -> None:
    """Whole numbers beside a gap are floats in pandas, and nobody calls a shop 1.0."""
    frame = pd.DataFrame({"shop": [1.0, 2.0, None, 1.0], "n": [4, 2, 1, 4]})
    whole = pl.DataFrame({"shop": [1, 2, None, 1], "n": [4, 2, 1, 4]})
    for native in (frame, whole):
        report = kpis(native).preview().top("t", by="shop", of="n", k=0)
        assert report.texts == {"1": "8", "2": "2", MISSING: "1"}
    days = pd.DataFrame({"day": pd.to_datetime(["2026-01-05"]), "n": [1]})
    assert kpis(days).preview().top("t", by="day", k=0).texts == {"2026-01-05 00:00": "1"}


def test_top_of_small_groups_warns(sales: pd.DataFrame) -> None:
    """A group of fewer than five may be somebody; the user hears of it, and can say it is fine."""
    with pytest.warns(ActivitySmithWarning, match="3 of the groups by 'region' have fewer than 5"):
        sales.activity.preview().top("sales", by="region", of="revenue")
    large = pd.concat([sales.dropna(subset="region")] * 3)
    assert large.activity.preview().top("sales", by="region").texts


def test_progress_of_an_empty_table_says_so(sales: pd.DataFrame) -> None:
    """Nothing to do yet is neither a crash nor a finished card."""
    report = sales.iloc[:0].activity.preview().progress(done="status == 'done'")
    assert report.content_state["percentage"] == 0
    assert report.content_state["subtitle"] == "no rows yet"


def test_progress_is_never_ahead_of_the_work() -> None:
    """999,999 of a million is not 100 %."""
    frame = pl.DataFrame({"done": [True] * 999_999 + [False]})
    report = frame.activity.preview().progress(done="done")
    assert report.content_state["percentage"] == 99.9


def test_report_to_widgets_sends_numbers_by_metric_key(
    emulator: Emulator, sales: pd.DataFrame
) -> None:
    """A widget has its own format, so it gets the number; what the user formatted is text."""
    sales.activity.stats(
        "sales",
        Revenue=("revenue", "sum"),
        Orders=("order_id", "nunique"),
        to="widget",
        keys={"Orders": "shop.orders"},
        formats={"Revenue": "currency:USD"},
    )
    assert bodies(emulator) == [
        ("/metrics/sales-revenue/value", {"value": "$2,430"}),
        ("/metrics/shop.orders/value", {"value": 5}),
    ]


def test_report_to_several_places_goes_to_each(emulator: Emulator, sales: pd.DataFrame) -> None:
    """One question, and card, badge and push say the same."""
    sales.activity.stats(
        "sales",
        Revenue=("revenue", "sum"),
        Open=("order_id", "nunique"),
        to=("card", "badge", "push"),
        badge="Open",
        channels=["sales"],
    )
    paths = [path for path, _ in bodies(emulator)]
    assert paths == ["/live-activity/stream/sales", "/badge", "/push-notification"]
    assert bodies(emulator)[1][1] == {"badge": 5, "target": {"channels": ["sales"]}}
    assert bodies(emulator)[2][1]["message"] == "Revenue 2,430\nOpen 5"


def test_badge_of_a_missing_value_stays_as_it_was(emulator: Emulator, sales: pd.DataFrame) -> None:
    """A badge cannot say that nothing is known, so it is left alone, and the user told."""
    empty = sales.iloc[:0]
    with pytest.warns(ActivitySmithWarning, match="stays as it was"):
        empty.activity.value("Revenue", ("revenue", "sum"), to="badge")
    with pytest.warns(ActivitySmithWarning, match="stays as it was"):
        sales.activity.value("Ratio", lambda _: math.inf, to="badge")
    assert emulator.requests == []


def test_previous_value_comes_back_after_a_restart(
    emulator: Emulator, sales: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, own_memory: Path
) -> None:
    """The second call says what changed, in this kernel and in the next one."""
    from activitysmith_jupyter.frames._memory import Memory

    options: dict[str, Any] = {"delta": "previous"}
    first = sales.activity.stats("sales", REVENUE, **options)
    assert first.texts == {"Revenue": "2,430"}
    more = pd.concat([sales, sales.head(1)])
    looked = more.activity.preview().stats("sales", REVENUE, **options)
    assert looked.texts == {"Revenue": "3,430 +41 %"}
    second = more.activity.stats("sales", REVENUE, **options)
    assert second.content_state["metrics"][0]["color"] == "green"
    monkeypatch.setattr(Memory, "_of_this_process", {})
    third = sales.activity.stats("sales", REVENUE, good={"Revenue": "down"}, **options)
    assert third.texts == {"Revenue": "2,430 -29 %"}
    assert third.content_state["metrics"][0]["color"] == "green"
    assert len(list(own_memory.iterdir())) == 1
    assert emulator.requests != []


def test_call_that_did_not_arrive_is_not_remembered(
    emulator: Emulator, sales: pd.DataFrame, own_memory: Path
) -> None:
    """The comparison is with what the phone showed, not with what we tried."""
    configure(api_key="ask_revoked")
    with pytest.raises(AuthenticationError):
        sales.activity.stats("sales", REVENUE, delta="previous")
    assert not own_memory.exists()
    assert emulator.phone.cards == []


def test_delta_to_another_frame_or_mapping_compares_with_it(sales: pd.DataFrame) -> None:
    """Last week's frame, a target: both work, also by group."""
    preview = sales.activity.preview()
    half = sales.assign(revenue=sales["revenue"] / 2)
    assert preview.stats("s", REVENUE, delta=half).texts == {"Revenue": "2,430 +100 %"}
    assert preview.stats("s", REVENUE, delta={"Revenue": 2700}).texts == {"Revenue": "2,430 -10 %"}
    top = preview.top("s", by="region", of="revenue", k=0, delta=half, n=1)
    assert top.texts == {"north": "1,000 +100 %"}
    value = preview.value("Revenue", ("revenue", "sum"), delta={"Revenue": 2700}, subtitle="today")
    assert value.content_state["subtitle"] == "today · -10 %"
    assert value.content_state["color"] == "red"


def test_limit_that_is_crossed_pushes_once_until_it_recovers(
    emulator: Emulator, sales: pd.DataFrame
) -> None:
    """Orange, red, orange, red is one trouble: one push a level, and again after recovery."""

    def errors(count: int) -> str | None:
        frame = pd.DataFrame({"errors": [float(count)]})
        report = frame.activity.stats(
            "errors", Errors=("errors", "sum"), warn={"Errors": "> 10"}, alert={"Errors": "> 100"}
        )
        color: str | None = report.content_state["metrics"][0].get("color")
        return color

    del sales
    colors = [errors(count) for count in (5, 20, 30, 200, 50, 200, 10, 20)]
    assert colors == [None, "orange", "orange", "red", "orange", "red", None, "orange"]
    pushes = [(push["title"], push["message"]) for push in reversed(emulator.phone.pushes)]
    assert pushes == [
        ("⚠️ errors", "Errors 20 (> 10)"),
        ("🚨 errors", "Errors 200 (> 100)"),
        ("⚠️ errors", "Errors 20 (> 10)"),
    ]


def test_limit_of_a_missing_value_neither_alarms_nor_recovers(
    emulator: Emulator, sales: pd.DataFrame
) -> None:
    """Where nothing is known, nothing is said."""
    for frame in (sales, sales.iloc[:0], sales):
        frame.activity.value("Revenue", ("revenue", "sum"), alert="> 1000")
    assert len(emulator.phone.pushes) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"R": ("revnue", "sum")}, r"R=.*no column 'revnue'\. Did you mean 'revenue'"),
        ({"R": ("zzz", "sum")}, r"R=.*It has 'order_id', 'revenue'"),
        ({"R": ("region", "mean")}, r"R=.*needs numbers, and the column 'region' is String"),
        ({"R": ("paid", "median")}, r"R=.*needs numbers, and the column 'paid' is Boolean"),
        ({"R": ("revenue", "summ")}, r"R=.*'summ' is not supported\. Did you mean 'sum'"),
        ({"R": ("revenue", "p101")}, r"R=.*not supported"),
        ({"R": 5}, r"R=5: must be \(column, aggregation\)"),
        ({"R": pl.col("revenue").sum()}, r"Write it with narwhals"),
        ({"N": "count", "R": nw.col("revenue")}, r"^R=.*one value, and this yields a column"),
        ({"R": lambda frame: frame["revenue"]}, r"R=.*one value, not 6"),
        ({"R": lambda _: object()}, r"R=.*one value, not object"),
        ({"R": lambda frame: frame["nope"]}, r"R=.*the callable failed: KeyError"),
        ({f"m{i}": "count" for i in range(9)}, r"at most 8 metrics\. Leave out m8"),
        ({}, r"must have 1 to 8"),
        ({"R": "count", "to": "lockscreen"}, r"to='lockscreen'"),
        ({"R": "count", "formats": {"X": "percent"}}, r"formats\[X\]=.*no metric here"),
        ({"R": "count", "S": "count", "warn": 5}, r"warn=5: must say for which metric"),
        ({"R": "count", "good": "high"}, r"must be 'up' or 'down'"),
        ({"R": "count", "delta": "last"}, r"delta='last'"),
        (
            {"R": ("revenue", "sum"), "delta": pd.DataFrame({"turnover": [1.0]})},
            r"^delta='DataFrame': cannot be asked the same: R=.*no column 'revenue'",
        ),
        ({"R": "count", "order_by": "dya"}, r"order_by=.*Did you mean 'day'"),
        ({"R": ("region", "max"), "warn": "> 5"}, r"needs a metric that is a number"),
        ({"R": "count", "S": "count", "to": "badge"}, r"must say which metric"),
        ({"R": "count", "icon": "cart", "channels": [5]}, r"channel"),
    ],
)
def test_spec_that_does_not_fit_is_one_clear_error_and_nothing_is_sent(
    emulator: Emulator, sales: pd.DataFrame, arguments: dict[str, Any], message: str
) -> None:
    """The metric, the column, the rule and a way out, in one sentence."""
    with pytest.raises(ValueError, match=message):
        sales.activity.stats("sales", **arguments)
    assert emulator.requests == []


def test_label_given_twice_is_refused(sales: pd.DataFrame) -> None:
    """Two metrics of one name cannot be told apart."""
    with pytest.raises(PayloadError, match="label='A': is there twice"):
        sales.activity.preview().stats("s", [("A", "count"), ("A", "count")])
    with pytest.raises(PayloadError, match="is there twice"):
        sales.activity.preview().stats("s", {"A": "count"}, A="count")


def test_lazy_frame_that_fails_to_collect_is_one_error(emulator: Emulator, tmp_path: Path) -> None:
    """A missing file or a bad cast names what was asked, and nothing is sent."""
    words = pl.LazyFrame({"word": ["1", "x"]}).select(pl.col("word").cast(pl.Int64))
    with pytest.raises(PayloadError, match=r"Total='word': the frame could not be computed"):
        words.activity.stats("s", Total=("word", "sum"))
    gone = pl.scan_csv(tmp_path / "gone.csv")
    with pytest.raises(PayloadError, match="columns cannot be read"):
        gone.activity.stats("s", Rows="count")
    assert emulator.requests == []


def test_wide_frame_that_fails_to_collect_is_named_in_a_line_and_asked_no_hundred_times() -> None:
    """The error about 200 columns is short, and finding its cause is no work of its own."""
    reads = []

    def failing(frame: pl.DataFrame) -> pl.DataFrame:
        reads.append(frame.height)
        raise ValueError("the disk is gone")

    wide = pl.DataFrame({f"c{index}": [1.0] for index in range(200)})
    lazy = wide.lazy().map_batches(failing, schema=wide.schema)
    with pytest.raises(PayloadError, match="the disk is gone") as caught:
        lazy.activity.preview().describe()
    assert len(str(caught.value)) < 500
    assert len(reads) < 20


def test_first_of_a_lazy_frame_needs_an_order(sales: pd.DataFrame) -> None:
    """A lazy frame's rows have no order until somebody names one."""
    lazy = pl.from_pandas(sales).lazy()
    with pytest.raises(PayloadError, match=r"F=.*'first' needs an order.*order_by"):
        lazy.activity.preview().stats("s", F=("revenue", "first"))


@pytest.mark.parametrize("source", [5, "text", {"a": [1]}, [1, 2]])
def test_source_that_is_no_frame_is_refused(source: Any) -> None:
    """What narwhals cannot read is said by its type, never by its content."""
    with pytest.raises(PayloadError, match=f"not {type(source).__name__}"):
        kpis(source).preview().describe()


def test_frame_with_a_column_twice_is_refused() -> None:
    """A name that means two columns means none."""
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(PayloadError, match="cannot be read"):
        frame.activity.preview().stats("s", A=("a", "sum"))


def test_frame_with_columns_of_several_levels_is_refused() -> None:
    """The remedy is in the error."""
    frame = pd.DataFrame({("a", "b"): [1]})
    with pytest.raises(PayloadError, match="Flatten them"):
        frame.activity.preview().describe()


def test_named_agg_of_pandas_is_an_aggregation(sales: pd.DataFrame) -> None:
    """Who writes pandas' own spec gets pandas' own meaning."""
    report = sales.activity.preview().stats("s", Best=pd.NamedAgg("revenue", "max"))
    assert report.values == {"Best": 1000.0}


def test_frame_with_numbers_as_column_names_is_described() -> None:
    """Pandas takes any object as a name."""
    frame = pd.DataFrame({0: [1.0, 2.0], "b": [1.5, None]})
    assert frame.activity.preview().describe().values == {
        "Rows": 2,
        "Missing": 0.25,
        "mean 0": 1.5,
        "mean b": 1.5,
    }


def test_accessor_without_a_key_says_how_to_set_one(sales: pd.DataFrame) -> None:
    """A missing key is said before anything is computed."""
    with pytest.raises(MissingAPIKeyError):
        sales.activity.stats("sales", R=lambda _: pytest.fail("computed"))


def test_accessor_in_a_worker_process_sends_nothing(
    emulator: Emulator, sales: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight ranks are one run: only the first speaks."""
    monkeypatch.setenv("RANK", "3")
    report = sales.activity.stats("sales", REVENUE)
    assert report.results[0].message == "nothing was sent: RANK=3"
    assert emulator.requests == []


def test_accessor_when_disabled_sends_nothing(
    emulator: Emulator, sales: pd.DataFrame, own_memory: Path
) -> None:
    """The switch that turns everything off turns this off, too, and nothing is remembered."""
    configure(disabled=True)
    report = sales.activity.stats("sales", REVENUE, delta="previous")
    assert not report.results[0].success
    assert emulator.requests == []
    assert not own_memory.exists()


def test_no_row_leaves_but_the_named_aggregates(emulator: Emulator, own_memory: Path) -> None:
    """Neither the requests nor the file on disk hold a cell that was not asked for."""
    count = 40
    secrets = [f"patient-{index:03d}-zq" for index in range(count)]
    amounts = [7_000_003 + 17 * index for index in range(count)]
    frame = pd.DataFrame(
        {
            "patient": secrets,
            "amount": amounts,
            "ward": ["a", "b"] * (count // 2),
            "done": [True, False] * (count // 2),
        }
    )
    limits: dict[str, Any] = {"alert": {"Total": "> 1"}, "delta": "previous"}
    for native in (frame, pl.from_pandas(frame).lazy()):
        accessor = native.activity
        accessor.stats(
            "s", Total=("amount", "sum"), People=("patient", "nunique"), **limits, formats=str
        )
        accessor.metrics("m", Done=("done", "share"))
        accessor.value("v", ("amount", "mean"), to=("card", "push"))
        accessor.top("t", by="ward", of="amount", delta="previous")
        accessor.describe("d", to=("card", "widget"))
        accessor.progress("p", done="done", failed="patient == 'patient-003-zq'")
    written = [path.read_text() for path in own_memory.iterdir()]
    said = json.dumps([record.body for record in emulator.requests]) + "".join(written)
    assert len(written) == 2
    assert str(sum(amounts)) in said
    for cell in [*secrets, *map(str, amounts)]:
        assert cell not in said


def test_error_about_a_frame_holds_no_cell(sales: pd.DataFrame) -> None:
    """A message may be logged: it names columns, labels and types, not values."""
    with pytest.raises(PayloadError) as caught:
        sales.activity.preview().stats("s", R=("region", "sum"))
    assert "north" not in str(caught.value)


def test_options_that_are_numbers_or_names_of_columns_are_checked(sales: pd.DataFrame) -> None:
    """A top of nothing, or by nothing, is refused."""
    preview = sales.activity.preview()
    with pytest.raises(PayloadError, match="n=9"):
        preview.top("t", by="region", n=9)
    with pytest.raises(PayloadError, match="no column 'regoin'"):
        preview.top("t", by="regoin")
    with pytest.raises(PayloadError, match="needs numbers"):
        preview.top("t", by="region", of="status")
    with pytest.raises(PayloadError, match="callable"):
        preview.top("t", by="region", of="revenue", how=len)


def test_column_of_the_same_name_stays_the_users() -> None:
    """A frame with a column `activity` keeps it, to read and to assign."""
    frame = pd.DataFrame({"activity": [1, 2]})
    assert list(frame.activity) == [1, 2]
    frame.activity = [3, 4]
    assert list(frame["activity"]) == [3, 4]
    assert kpis(frame).preview().value("x", ("activity", "sum")).values == {"x": 7}
