"""The same question has the same answer on every engine."""

# ruff: noqa: PD011  the values of a report, not of a Series

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dask.dataframe as dd
import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from support.kpi_answers import (
    assert_all_equal,
    assert_real_rows_equal,
    million_rows,
    random_frames,
    values,
)
from support.random_conditions import Condition, assert_condition_holds_as_meant, conditions

from activitysmith_jupyter import PayloadError
from activitysmith_jupyter.frames import kpis
from activitysmith_jupyter.frames._numbers import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable

    Engine = Callable[[pd.DataFrame], Any]

pytestmark = [
    # narwhals announces that Dask moves into a package of its own; that is for the user to hear.
    pytest.mark.filterwarnings("ignore:Dask support is moving:FutureWarning"),
    # numpy remarks on the deviation of nothing, below Dask.
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
]


@settings(max_examples=30, deadline=None)
@given(frame=random_frames())
@pytest.mark.parametrize("name", ["pandas", "polars", "polars lazy", "pyarrow", "duckdb"])
def test_kpis_of_random_frames_equal_plain_pandas(
    name: str, engines: dict[str, Engine], frame: pd.DataFrame
) -> None:
    """Every aggregate of every engine is what plain pandas says, with missing values left out."""
    assert_all_equal(frame, engines[name](frame))


@settings(max_examples=5, deadline=None)
@given(frame=random_frames())
def test_kpis_of_random_dask_frames_equal_plain_pandas(
    engines: dict[str, Engine], frame: pd.DataFrame
) -> None:
    """Dask says the same; it plans slowly, so it gets fewer frames."""
    assert_all_equal(frame, engines["dask"](frame), orders=[["step", "n"]])


@settings(max_examples=60, deadline=None)
@given(frame=random_frames(), condition=conditions())
@pytest.mark.parametrize(
    "name", ["pandas", "pandas with NA", "polars", "polars lazy", "pyarrow", "duckdb"]
)
def test_any_condition_holds_for_the_rows_it_means(
    engines: dict[str, Engine], name: str, frame: pd.DataFrame, condition: Condition
) -> None:
    """Missing values and negations do not lead any engine to another count."""
    native = frame.convert_dtypes() if name == "pandas with NA" else engines[name](frame)
    assert_condition_holds_as_meant(frame, native, condition)


@settings(max_examples=10, deadline=None)
@given(frame=random_frames(), condition=conditions())
def test_any_condition_holds_for_the_rows_of_dask_it_means(
    engines: dict[str, Engine], frame: pd.DataFrame, condition: Condition
) -> None:
    """Dask counts the same; it plans slowly, so it gets fewer frames."""
    assert_condition_holds_as_meant(frame, engines["dask"](frame), condition)


def test_kpis_of_a_million_real_rows_equal_plain_pandas(
    flights: pd.DataFrame, engine: Engine
) -> None:
    """A million flights give the same figures on every engine."""
    million = million_rows(flights)
    assert_real_rows_equal(million, engine(million))


def test_top_of_real_rows_equals_plain_pandas(flights: pd.DataFrame, engine: Engine) -> None:
    """The largest groups come in the same order with the same sums on every engine."""
    used = flights[["carrier", "distance"]]
    report = kpis(engine(used)).preview().top("miles", by="carrier", of="distance", n=5)
    expected = used.groupby("carrier")["distance"].sum().nlargest(5)
    assert report.values == expected.to_dict()
    assert list(report.values) == list(expected.index)


@pytest.mark.parametrize(
    ("of", "how", "expected"),
    [
        ("revenue", "mean", {"north": 500.0, "south": 365.0}),
        ("revenue", "count", {"north": 2, "south": 2}),
        ("order_id", "nunique", {"north": 3, "south": 2}),
        ("revenue", "nunique", {"north": 2, "south": 2}),
        ("paid", "mean", {"north": 1.0, "south": 0.0}),
        ("revenue > 300", "share", {"south": 1 / 2, "north": 1 / 3}),
        (nw.col("revenue") * 2, "max", {"north": 2000.0, "south": 1000.0}),
    ],
)
def test_top_by_any_aggregation_is_what_pandas_says(
    engine: Engine, sales: pd.DataFrame, of: Any, how: str, expected: dict[str, float]
) -> None:
    """Groups take the same aggregations as whole frames, with missing values left out."""
    native = engine(sales[["order_id", "revenue", "region", "paid"]].dropna(subset="region"))
    report = kpis(native).preview().top("t", by="region", of=of, how=how, k=0)
    assert report.values == pytest.approx(expected)


@pytest.mark.parametrize("how", ["sum", "mean", "min", "std"])
def test_aggregates_of_an_empty_frame_are_missing(
    engine: Engine, sales: pd.DataFrame, how: str
) -> None:
    """A frame without rows has no sum and no mean: never a wrong zero."""
    report = kpis(engine(sales[["revenue"]].iloc[:0])).preview().stats("x", R=("revenue", how))
    assert report.values == {"R": None}
    assert report.texts == {"R": MISSING}


def test_counts_of_an_empty_frame_are_zero(engine: Engine, sales: pd.DataFrame) -> None:
    """No rows are no rows: counting them is right."""
    empty = engine(sales[["revenue"]].iloc[:0])
    report = kpis(empty).preview().stats("x", Rows="count", Values=("revenue", "nunique"))
    assert report.values == {"Rows": 0, "Values": 0}


def test_describe_of_an_empty_frame_has_no_shares_and_no_means(
    engine: Engine, sales: pd.DataFrame
) -> None:
    """No rows: nothing is missing, nothing has a mean, nothing crashes."""
    report = kpis(engine(sales[["revenue", "region"]].iloc[:0])).preview().describe()
    assert report.texts == {"Rows": "0", "Missing": MISSING, "mean revenue": MISSING}


def test_describe_of_a_frame_without_columns_counts_nothing() -> None:
    """Not even a column is no reason to crash."""
    for native in (pd.DataFrame(), pl.DataFrame(), pl.LazyFrame(), pa.table({})):
        assert kpis(native).preview().describe().texts == {"Rows": "0", "Missing": MISSING}


def test_progress_and_describe_agree_on_every_engine(engine: Engine, sales: pd.DataFrame) -> None:
    """The ready-made cards say the same on every engine."""
    native = engine(sales[["order_id", "revenue", "region", "status"]])
    card = kpis(native).preview().progress(done="status == 'done'", failed="status == 'failed'")
    assert card.content_state["percentage"] == 50
    assert card.content_state["subtitle"] == "3 of 6"
    assert card.content_state["badge"] == {"title": "1 failed", "color": "red"}
    described = kpis(native).preview().describe()
    assert described.values == {
        "Rows": 6,
        "Missing": pytest.approx(3 / 24),
        "mean revenue": pytest.approx(486.0),
    }


def test_groups_without_values_come_last_and_read_as_missing(
    engine: Engine,
) -> None:
    """A group whose values are all missing has no sum, and is not above a negative one."""
    frame = pd.DataFrame(
        {"g": ["a"] * 5 + ["b"] * 5 + ["c"] * 5, "v": [None] * 5 + [-1.0] * 5 + [2.0] * 5}
    )
    report = kpis(engine(frame)).preview().top("t", by="g", of="v")
    assert list(report.texts.items()) == [("c", "10"), ("b", "-5"), ("a", MISSING)]


def test_an_order_decides_what_is_first_and_last(sales: pd.DataFrame) -> None:
    """With order_by the rows' own order plays no part."""
    ordered = sales.dropna(subset="day")[["day", "revenue"]]
    for frame in (ordered, pl.from_pandas(ordered), pl.from_pandas(ordered).lazy()):
        answers = values(
            frame, {"F": ("revenue", "first"), "L": ("revenue", "last")}, order_by="day"
        )
        assert answers == {"F": 500.0, "L": 1000.0}
    assert values(ordered, {"F": ("revenue", "first")}) == {"F": 1000.0}


def test_first_and_last_leave_missing_values_out(engine: Engine, sales: pd.DataFrame) -> None:
    """As pandas' own `first` does: a gap at the end of a table is not its last number."""
    frame = pd.DataFrame({"row": [0, 1, 2, 3], "x": [None, 5.0, 7.0, None]})
    spec = {"F": ("x", "first"), "L": ("x", "last"), "C": ("x", "change")}
    assert values(engine(frame), spec, order_by="row") == {"F": 5.0, "L": 7.0, "C": 2.0}


def test_ends_without_order_by_are_those_of_the_rows() -> None:
    """An eager frame has an order of its own, whatever its columns hold."""
    frame = pd.DataFrame(
        {"x": [None, 5.0, 3.0, None], "kind": pd.Categorical([None, "b", "a", None])}
    )
    spec = {
        "first": ("x", "first"),
        "last": ("x", "last"),
        "change": ("x", "change"),
        "kind": ("kind", "last"),
    }
    expected = {"first": 5.0, "last": 3.0, "change": -2.0, "kind": "a"}
    for native in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        assert values(native, spec) == expected


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("first", {"b": 7.0, "a": 2.0}),
        ("last", {"a": 9.0, "b": 4.0}),
        ("change", {"a": 7.0, "b": -3.0}),
        ("median", {"a": 5.5, "b": 5.5}),
        ("p95", {"a": 8.65, "b": 6.85}),
    ],
)
def test_top_by_order_or_rank_is_what_pandas_says(
    engine: Engine, how: str, expected: dict[str, float]
) -> None:
    """Groups have their own first, last and median, on every engine."""
    frame = pd.DataFrame(
        {
            "g": ["a", "b", "a", "b", "a", "b"],
            "day": [1, 1, 3, 3, 2, 2],
            "v": [2.0, 7.0, 9.0, 4.0, None, None],
        }
    )
    report = kpis(engine(frame)).preview().top("t", by="g", of="v", how=how, order_by="day", k=0)
    assert report.values == pytest.approx(expected)
    assert list(report.values) == list(expected)


def test_durations_are_aggregated_alike_and_in_seconds(engine: Engine, sales: pd.DataFrame) -> None:
    """Some engines add no durations and have no median of them; asked for numbers, all do."""
    frame = sales[["took", "region"]]
    hows = ["sum", "mean", "median", "std", "min", "max", "p95"]
    report = kpis(engine(frame)).preview().stats("t", {how: ("took", how) for how in hows})
    took = frame["took"].dt.total_seconds()
    wanted = {how: took.agg(how) for how in hows[:-1]} | {"p95": took.quantile(0.95)}
    assert report.values == pytest.approx(wanted)
    assert report.texts["max"] == "2h 05m"
    groups = kpis(engine(frame.dropna())).preview().top("t", by="region", of="took", k=0)
    assert groups.texts == {"south": "2h 05m", "north": "1m 45s"}


@pytest.mark.parametrize("dtype", ["datetime64[us]", "datetime64[us, UTC]", "date32[pyarrow]"])
def test_change_of_moments_is_a_duration_on_every_engine(engine: Engine, dtype: str) -> None:
    """From the first day to the last are so many seconds, whatever a day is to the engine."""
    days = pd.Series(pd.to_datetime(["2026-01-01", None, "2026-01-03"])).astype("datetime64[us]")
    days = days.dt.tz_localize("UTC") if "UTC" in dtype else days.astype(dtype)
    frame = pd.DataFrame({"row": [0, 1, 2], "day": days})
    report = kpis(engine(frame)).preview().value("c", ("day", "change"), order_by="row")
    assert report.values == {"c": 172_800.0}
    assert report.texts == {"c": "2d 0h"}


def test_order_that_engines_do_not_share_is_refused(sales: pd.DataFrame) -> None:
    """The order of categories is the engine's own, so it decides about nothing."""
    frame = sales.assign(kind=sales["region"].astype("category"))
    with pytest.raises(PayloadError, match=r"order_by='kind': needs numbers, dates or texts"):
        values(frame, {"F": ("revenue", "first")}, order_by="kind")


def test_top_by_the_order_of_rows_needs_none_where_rows_have_one() -> None:
    """Eager groups begin and end where their rows do; a missing group is a group, too."""
    frame = pd.DataFrame({"g": ["a", None, "a", None], "v": [2.0, None, 9.0, 4.0]})
    for native in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        report = kpis(native).preview().top("t", by="g", of="v", how="first", k=0)
        assert report.values == {MISSING: 4.0, "a": 2.0}


def test_callables_get_the_native_frame_or_column(sales: pd.DataFrame) -> None:
    """A function sees what the user would see: pandas on pandas, a lazy frame on polars lazy."""
    seen: list[type] = []

    def spread(native: Any) -> Any:
        seen.append(type(native))
        return native["revenue"].max() - native["revenue"].min()

    lazy = pl.from_pandas(sales).lazy()
    assert values(sales, {"S": spread}) == {"S": 1000.0}
    assert values(sales, {"S": ("revenue", lambda column: column.head(2).sum())}) == {"S": 1500.0}
    assert values(lazy, {"S": lambda frame: frame.select(pl.col("revenue").max())}) == {"S": 1000.0}
    assert values(lazy, {"S": ("revenue", lambda frame: frame.max())}) == {"S": 1000.0}
    assert seen == [pd.DataFrame]


def test_values_of_all_kinds_come_back_as_plain_python(sales: pd.DataFrame) -> None:
    """No scalar of pandas or numpy is left in a report."""
    answers = values(
        sales,
        {
            "sum": ("order_id", "sum"),
            "mean": ("revenue", "mean"),
            "word": ("region", "max"),
            "day": ("day", "max"),
            "took": ("took", "mean"),
            "all": ("paid", "min"),
            "nat": ("day", lambda column: column.iloc[2]),
            "inf": lambda _: math.inf,
        },
    )
    assert {name: type(value) for name, value in answers.items()} == {
        "sum": int,
        "mean": float,
        "word": str,
        "day": datetime,
        "took": float,
        "all": bool,
        "nat": type(None),
        "inf": float,
    }


def wide_frame() -> pd.DataFrame:
    """Return 200 columns of three rows, with gaps."""
    return pd.DataFrame({f"c{index}": [float(index), None, 3.0] for index in range(200)})


EVERY_KIND = {
    "sum": ("c1", "sum"),
    "median": ("c2", "median"),
    "p95": ("c3", 0.95),
    "first": ("c4", "first"),
    "change": ("c5", "change"),
    "unique": ("c6", "nunique"),
    "share": ("c7 > 1 and c8 is None", "share"),
    "rows": "count",
}


def ask_everything(native: Callable[[], Any]) -> None:
    """Ask for the two reports that look at most, each of a frame of its own."""
    described = kpis(native()).preview().describe()
    assert described.values["Missing"] == pytest.approx(1 / 3)
    asked = kpis(native()).preview().stats("x", EVERY_KIND, order_by="c0")
    assert asked.values["change"] == -2.0


def test_a_report_on_200_columns_is_one_reading_of_a_polars_source() -> None:
    """However many figures and columns there are, a lazy frame's source is read once."""
    reads = []

    def reading(frame: pl.DataFrame) -> pl.DataFrame:
        reads.append(frame.height)
        return frame

    wide = pl.from_pandas(wide_frame())
    lazy = wide.lazy().map_batches(reading, schema=wide.schema, projection_pushdown=False)
    ask_everything(lambda: lazy.with_columns(pl.lit(value=True).alias("more")).drop("more"))
    assert reads == [3, 3]


def test_a_report_on_200_columns_is_one_reading_of_each_dask_partition() -> None:
    """No partition is loaded twice, also where a column has to be brought together."""
    loads: list[int] = []

    def load(number: int) -> pd.DataFrame:
        loads.append(number)
        return wide_frame()

    ask_everything(lambda: dd.from_map(load, range(3), meta=wide_frame().iloc[:0]))
    assert sorted(loads) == [0, 0, 1, 1, 2, 2]


def test_a_report_on_200_columns_is_one_reading_of_a_duckdb_source() -> None:
    """A stream that can be read only once is enough for DuckDB."""
    table = pa.Table.from_pandas(wide_frame(), preserve_index=False)

    def stream() -> Any:
        return duckdb.from_arrow(
            pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
        )

    once = stream()
    assert once.aggregate("count(*)").fetchall() == [(3,)]
    with pytest.raises(duckdb.InvalidInputException, match="only once"):
        once.aggregate("count(*)").fetchall()
    ask_everything(stream)


def test_a_report_on_200_columns_is_one_query_of_an_eager_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An eager frame is asked once; what it computes for that is in its own hands."""
    asked = []
    select = nw.DataFrame.select

    def counting(frame: Any, *columns: Any, **named: Any) -> Any:
        if len(frame) == 3:
            asked.append(len(columns))
        return select(frame, *columns, **named)

    monkeypatch.setattr(nw.DataFrame, "select", counting)
    for native in (wide_frame(), pl.from_pandas(wide_frame()), pa.table(wide_frame())):
        ask_everything(lambda native=native: native)
        assert len(asked) == 2
        asked.clear()


def test_a_nan_of_polars_is_no_number(sales: pd.DataFrame) -> None:
    """Polars counts NaN as a value; a mean that it spoils is missing, not a crash."""
    frame = pl.DataFrame({"x": [1.0, math.nan]})
    report = kpis(frame).preview().stats("x", M=("x", "mean"), S=("x", "sum"))
    assert report.texts == {"M": MISSING, "S": MISSING}
