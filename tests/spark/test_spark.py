"""PySpark answers as plain pandas does; a folder of its own, for it needs Java."""

# ruff: noqa: PD011  the values of a report, not of a Series

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from support.kpi_answers import (
    assert_all_equal,
    assert_real_rows_equal,
    million_rows,
    random_frames,
    read_flights,
    values,
)
from support.random_conditions import Condition, assert_condition_holds_as_meant, conditions

from activitysmith_jupyter import PayloadError
from activitysmith_jupyter.frames import kpis
from activitysmith_jupyter.frames._numbers import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession


def native(spark: SparkSession, frame: pd.DataFrame) -> DataFrame:
    """Return a frame of pandas as one of Spark, missing values as nulls."""
    return spark.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False))


@settings(max_examples=3, deadline=None)
@given(frame=random_frames())
def test_kpis_of_random_spark_frames_equal_plain_pandas(
    spark: SparkSession, frame: pd.DataFrame
) -> None:
    """Every aggregate is what plain pandas says; Spark plans slowly, so it gets few frames."""
    assert_all_equal(frame, native(spark, frame), orders=[["step", "n"]])


@settings(max_examples=5, deadline=None)
@given(frame=random_frames(), condition=conditions())
def test_any_condition_holds_for_the_rows_it_means(
    spark: SparkSession, frame: pd.DataFrame, condition: Condition
) -> None:
    """Missing values and negations do not lead Spark to another count."""
    assert_condition_holds_as_meant(frame, native(spark, frame), condition)


def test_kpis_of_a_million_real_rows_equal_plain_pandas(
    spark: SparkSession, tmp_path: Path
) -> None:
    """A million flights in a file give the same figures in Spark."""
    million = million_rows(read_flights())
    path = tmp_path / "flights.parquet"
    million.to_parquet(path, index=False)
    assert_real_rows_equal(million, spark.read.parquet(str(path)))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("sum", {"a": 11.0, "b": 11.0, "c": None}),
        ("first", {"b": 7.0, "a": 2.0, "c": None}),
        ("change", {"a": 7.0, "b": -3.0, "c": None}),
        ("median", {"a": 5.5, "b": 5.5, "c": None}),
    ],
)
def test_top_of_groups_is_what_pandas_says(
    spark: SparkSession, how: str, expected: dict[str, float]
) -> None:
    """Groups have their own figures, and one without values comes last and reads as missing."""
    frame = pd.DataFrame(
        {
            "g": ["a", "b", "a", "b", "a", "b", "c"],
            "day": [1, 1, 3, 3, 2, 2, 1],
            "v": [2.0, 7.0, 9.0, 4.0, None, None, None],
        }
    )
    preview = kpis(native(spark, frame)).preview()
    report = preview.top("t", by="g", of="v", how=how, order_by="day", k=0)
    assert report.values == expected
    assert list(report.values) == list(expected)
    assert report.texts["c"] == MISSING


def test_ready_made_cards_say_what_they_say_elsewhere(spark: SparkSession) -> None:
    """Progress, describe and an empty frame: no engine is special."""
    frame = pd.DataFrame({"status": ["done", "open", None, "done"], "cost": [1.0, None, 3.0, 5.0]})
    preview = kpis(native(spark, frame)).preview()
    card = preview.progress(done="status == 'done'", failed="status == 'failed'").content_state
    assert (card["percentage"], card["subtitle"]) == (50, "2 of 4")
    assert preview.describe().values == {"Rows": 4, "Missing": 0.25, "mean cost": 3.0}
    empty = native(spark, frame.astype({"status": "str"}).iloc[:0])
    spec: dict[str, Any] = {"R": ("cost", "sum"), "N": "count", "D": ("cost", "nunique")}
    assert values(empty, spec) == {"R": None, "N": 0, "D": 0}


# What PySpark says of every pandas 3, where its workers hand over Arrow's batches.
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_describe_of_200_columns_reads_each_row_once(spark: SparkSession) -> None:
    """However many columns there are, Spark passes over the rows once."""
    rows = spark.sparkContext.accumulator(0)

    def counting(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows.add(batch.num_rows)
            yield batch

    wide = native(spark, pd.DataFrame({f"c{index}": [1.0, 2.0, None] for index in range(200)}))
    report = kpis(wide.mapInArrow(counting, wide.schema)).preview().describe()
    assert report.values["Rows"] == 3
    assert report.values["Missing"] == pytest.approx(1 / 3)
    assert rows.value == 3


def test_metric_that_spark_cannot_compute_is_named(spark: SparkSession) -> None:
    """What the engine says becomes one error of ours that names metric and column."""
    frame = native(spark, pd.DataFrame({"word": ["12", "x"]}))
    numbers = frame.selectExpr("cast(word as int) as number")
    with pytest.raises(PayloadError, match=r"^Total=.*'number'.*NumberFormatException"):
        values(numbers, {"Total": ("number", "sum")})
    with pytest.raises(PayloadError, match=r"F=.*'first' needs an order"):
        values(frame, {"F": ("word", "first")})
