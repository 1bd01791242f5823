"""The same question has the same answer on every engine."""

# ruff: noqa: PD011  the values of a report, not of a Series

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

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

FIRST_HALF = {
    "rows": "count",
    "present": ("x", "count"),
    "total": ("x", "sum"),
    "mean": ("x", "mean"),
    "median": ("x", "median"),
    "std": ("x", "std"),
    "low": ("x", "min"),
    "high": ("x", "max"),
}
SECOND_HALF = {
    "words": ("word", "nunique"),
    "last word": ("word", "max"),
    "yes": ("yes", "sum"),
    "often": ("yes", "mean"),
    "large": ("x > 0.5 and word != 'b'", "share"),
    "known": ("not (word == 'a' or x is None)", "share"),
    "among": ("word not in ['a', 'c'] and yes", "share"),
    "weighted": (nw.col("x") * nw.col("n")).sum(),
}


def values(frame: Any, aggregates: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return what a frame answers."""
    return kpis(frame).preview().stats("test", aggregates, **options).values


def by_pandas(frame: pd.DataFrame) -> dict[str, Any]:
    """Return what plain pandas answers, with missing values as None."""
    x, word, yes = frame["x"], frame["word"], frame["yes"]
    large = (x > 0.5) & (word != "b")
    known = ~((word == "a") | x.isna())
    among = ~word.isin(["a", "c"]) & yes
    answers = {
        "rows": len(frame),
        "present": x.count(),
        "total": x.sum(min_count=1),
        "mean": x.mean(),
        "median": x.median(),
        "std": x.std(),
        "low": x.min(),
        "high": x.max(),
        "words": word.nunique(),
        "last word": word.max() if word.notna().any() else None,
        "yes": yes.sum() if len(yes) else None,
        "often": yes.mean(),
        "large": large.mean(),
        "known": known.mean(),
        "among": among.mean(),
        "weighted": (x * frame["n"]).sum(),
    }
    return {
        name: None if value is None or (isinstance(value, float) and np.isnan(value)) else value
        for name, value in answers.items()
    }


@st.composite
def random_frames(draw: st.DrawFn) -> pd.DataFrame:
    """Make frames of 0 to 12 rows with missing numbers and words."""
    numbers = st.none() | st.floats(-1e6, 1e6, allow_subnormal=False, width=32)
    rows = draw(
        st.lists(
            st.tuples(
                numbers, st.sampled_from([None, "a", "b", "c"]), st.booleans(), st.integers(0, 9)
            ),
            max_size=12,
        )
    )
    frame = pd.DataFrame(rows, columns=["x", "word", "yes", "n"])
    return frame.astype({"x": "float64", "word": "str", "yes": "bool", "n": "int64"})


def assert_equal(answers: dict[str, Any], expected: dict[str, Any]) -> None:
    """Fail unless all answers are the expected ones, up to the order of additions."""
    for name, answer in answers.items():
        wanted = expected[name]
        if isinstance(wanted, float | np.floating) and answer is not None:
            assert answer == pytest.approx(wanted, rel=1e-9, abs=1e-6), name
        else:
            assert answer == wanted, name


@settings(max_examples=30, deadline=None)
@given(frame=random_frames())
@pytest.mark.parametrize("name", ["pandas", "polars", "polars lazy", "pyarrow", "duckdb"])
def test_kpis_of_random_frames_equal_plain_pandas(
    name: str, engines: dict[str, Engine], frame: pd.DataFrame
) -> None:
    """Every aggregate of every engine is what plain pandas says, with missing values left out."""
    native = engines[name](frame)
    answers = values(native, FIRST_HALF) | values(native, SECOND_HALF)
    assert_equal(answers, by_pandas(frame))


@settings(max_examples=8, deadline=None)
@given(frame=random_frames())
def test_kpis_of_random_dask_frames_equal_plain_pandas(
    engines: dict[str, Engine], frame: pd.DataFrame
) -> None:
    """Dask says the same; it plans slowly, so it gets fewer frames and one question."""
    exact = {name: spec for name, spec in FIRST_HALF.items() if name != "median"}
    answers = values(engines["dask"](frame), exact)
    assert_equal(answers, by_pandas(frame))


def test_kpis_of_a_million_real_rows_equal_plain_pandas(
    flights: pd.DataFrame, engine: Engine
) -> None:
    """A million flights give the same eight figures on every engine."""
    million = pd.concat([flights] * 3, ignore_index=True)
    assert len(million) > 1_000_000
    used = million[["arr_delay", "tailnum", "distance", "carrier", "dep_time", "time_hour"]]
    answers = values(
        engine(used),
        {
            "flights": "count",
            "arrived": ("arr_delay", "count"),
            "planes": ("tailnum", "nunique"),
            "miles": ("distance", "sum"),
            "delay": ("arr_delay", "mean"),
            "spread": ("arr_delay", "std"),
            "late": ("arr_delay > 15 and carrier in ['UA', 'AA']", "share"),
            "newest": ("time_hour", "max"),
        },
    )
    late = (million["arr_delay"] > 15) & million["carrier"].isin(["UA", "AA"])
    newest = answers.pop("newest")
    assert_equal(
        answers,
        {
            "flights": len(million),
            "arrived": million["arr_delay"].count(),
            "planes": million["tailnum"].nunique(),
            "miles": int(million["distance"].sum()),
            "delay": million["arr_delay"].mean(),
            "spread": million["arr_delay"].std(),
            "late": late.mean(),
        },
    )
    assert newest.timestamp() == million["time_hour"].max().timestamp()


@pytest.mark.parametrize("name", ["pandas", "polars", "polars lazy", "pyarrow", "duckdb"])
def test_quantiles_and_ends_of_real_rows_equal_plain_pandas(
    flights: pd.DataFrame, engines: dict[str, Engine], name: str
) -> None:
    """Median, quantiles, first, last and change agree where narwhals can express them."""
    ordered = flights.assign(row=range(len(flights)))[["row", "distance", "arr_delay"]]
    answers = values(
        engines[name](ordered),
        {
            "median": ("arr_delay", "median"),
            "p95": ("arr_delay", "p95"),
            "tenth": ("arr_delay", 0.1),
            "first": ("distance", "first"),
            "last": ("distance", "last"),
            "change": ("distance", "change"),
        },
        order_by="row",
    )
    distance = ordered["distance"]
    assert_equal(
        answers,
        {
            "median": ordered["arr_delay"].median(),
            "p95": ordered["arr_delay"].quantile(0.95),
            "tenth": ordered["arr_delay"].quantile(0.1),
            "first": distance.iloc[0],
            "last": distance.iloc[-1],
            "change": distance.iloc[-1] - distance.iloc[0],
        },
    )


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


def test_a_spec_is_one_query_of_a_lazy_frame(sales: pd.DataFrame) -> None:
    """However many figures there are, and however many columns, the source is read once."""
    reads = []

    def reading(frame: pl.DataFrame) -> pl.DataFrame:
        reads.append(frame.height)
        return frame

    wide = pl.from_pandas(sales).with_columns(
        [pl.lit(float(index)).alias(f"c{index}") for index in range(200)]
    )
    lazy = wide.lazy().map_batches(reading, schema=wide.schema, projection_pushdown=False)
    kpis(lazy).preview().describe()
    assert reads == [6]
    kpis(lazy).preview().stats("x", R=("revenue", "sum"), M=("revenue", "median"), N="count")
    assert reads == [6, 6]


def test_a_quantile_that_dask_cannot_compute_is_named(
    sales: pd.DataFrame, engines: dict[str, Engine]
) -> None:
    """An estimate is no answer: Dask's quantiles are an error that names the metric."""
    native = engines["dask"](sales[["revenue"]])
    for how in ("p95", "median"):
        with pytest.raises(PayloadError, match=rf"P=\('revenue', '{how}'\).*estimate"):
            values(native, {"N": "count", "P": ("revenue", how)})


def test_what_narwhals_cannot_express_on_an_engine_is_named(
    sales: pd.DataFrame, engines: dict[str, Engine]
) -> None:
    """The metric that the engine refuses is the one in the error."""
    native = engines["dask"](sales[["revenue"]])
    with pytest.raises(PayloadError, match=r"F=\('revenue', 'first'\).*not implemented"):
        values(native, {"N": "count", "F": ("revenue", "first")}, order_by="revenue")


def test_a_nan_of_polars_is_no_number(sales: pd.DataFrame) -> None:
    """Polars counts NaN as a value; a mean that it spoils is missing, not a crash."""
    frame = pl.DataFrame({"x": [1.0, math.nan]})
    report = kpis(frame).preview().stats("x", M=("x", "mean"), S=("x", "sum"))
    assert report.texts == {"M": MISSING, "S": MISSING}
