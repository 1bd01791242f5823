"""Conditions written as text."""

# ruff: noqa: PD011  the values of a report, not of a Series

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from activitysmith_jupyter import PayloadError
from activitysmith_jupyter.frames import kpis

FRAME = pd.DataFrame(
    {
        "status": pd.Series(["done", "open", None, "done"], dtype="str"),
        "minutes": [3.0, None, 8.0, 20.0],
        "late": [True, False, False, True],
        "day": pd.to_datetime(["2026-01-01", "2026-01-02", None, "2026-01-04"]),
        "unit price": [1, 2, 3, 4],
    }
)


def rows(condition: str, frame: object = FRAME) -> float:
    """Return how many of the four rows fulfil a condition."""
    report = kpis(frame).preview().value("share", (condition, "share"))
    return 4 * report.values["share"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("status == 'done'", 2),
        ("status != 'done'", 2),
        ("not status == 'done'", 2),
        ("status in ['done', 'open']", 3),
        ("status not in ('done',)", 2),
        ("status is None", 1),
        ("status is not None", 3),
        ("minutes > 5", 2),
        ("not minutes > 5", 2),
        ("3 <= minutes < 20", 2),
        ("minutes * 2 + 1 >= 17", 2),
        ("minutes < -1", 0),
        ("late", 2),
        ("not late and status == 'open'", 1),
        ("(late) | (status == 'open')", 3),
        ("~late & (minutes > 5)", 1),
        ("day >= '2026-01-02'", 2),
        ("`unit price` % 2 == 0", 2),
        ("late == True", 2),
    ],
)
def test_condition_on_pandas_and_polars_holds_for_the_same_rows(
    condition: str, expected: int
) -> None:
    """A missing value equals nothing and is on no side of anything, on every engine."""
    assert rows(condition) == expected
    assert rows(condition, pl.from_pandas(FRAME).lazy()) == expected


@pytest.mark.parametrize("word", ["and", "or"])
def test_condition_joins_booleans_of_both_kinds_that_pandas_has(word: str) -> None:
    """Pandas itself fails where one of Arrow's that is missing meets one of numpy's."""
    frame = pd.DataFrame({"late": [True, False], "status": [None, None]})
    frame = frame.astype({"late": "boolean", "status": "string[pyarrow]"})
    held = 2 * kpis(frame).preview().value("s", (f"late {word} status == 'a'", "share")).values["s"]
    assert held == (word == "or")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("status = 'done'", "is no condition"),
        ("stauts == 'done'", "no column 'stauts'. Did you mean 'status'"),
        ("minutes", "only Boolean"),
        ("minutes > 'five'", "compares 'minutes'.*with 'five'"),
        ("status == 5", "compares 'status'"),
        ("1 == 1", "compares no column"),
        ("__import__('os').system('true') == 0", "cannot use"),
        ("status.upper() == 'DONE'", "cannot use"),
        ("minutes in 5", "needs a list"),
        ("day > 'soon'", "no ISO 8601 date"),
        ("status is 'done'", "only goes with None"),
        ("lambda: 1", "cannot use"),
        ("minutes ** 2 > 4", "cannot use"),
    ],
)
def test_condition_that_cannot_be_meant_is_refused(condition: str, message: str) -> None:
    """Only comparisons of columns get through, and the error says what was wrong."""
    with pytest.raises(PayloadError, match=message):
        rows(condition)
