"""Random conditions as text, each with its meaning in plain Python."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import attrs
from hypothesis import strategies as st
from support.kpi_answers import assert_equal, values

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


@attrs.frozen
class Condition:
    """A condition as text, and what it means for one row: values by column, None where missing.

    The meaning is written in plain Python, so that no engine is its own judge.
    """

    text: str
    holds: Callable[[dict[str, Any]], bool]


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _compared(name: str, sign: str, constant: Any) -> Condition:
    def holds(row: dict[str, Any]) -> bool:
        value = row[name]
        if sign == "!=":
            return value is None or bool(value != constant)
        return value is not None and _ORDER[sign](value, constant)

    return Condition(f"{name} {sign} {constant!r}", holds)


def _between(name: str, low: int, high: int) -> Condition:
    return Condition(
        f"{low} <= {name} < {high}",
        lambda row: row[name] is not None and low <= row[name] < high,
    )


def _among(name: str, among: list[Any], *, negated: bool) -> Condition:
    return Condition(
        f"{name} {'not in' if negated else 'in'} {among!r}",
        lambda row: (row[name] is not None and row[name] in among) != negated,
    )


def _missing(name: str, *, negated: bool) -> Condition:
    return Condition(
        f"{name} is {'not ' if negated else ''}None",
        lambda row: (row[name] is None) != negated,
    )


def _joined(one: Condition, other: Condition, word: str) -> Condition:
    both = {"and": all, "or": any}[word]
    return Condition(
        f"({one.text} {word} {other.text})",
        lambda row: both((one.holds(row), other.holds(row))),
    )


def _negated(one: Condition) -> Condition:
    return Condition(f"(not {one.text})", lambda row: not one.holds(row))


def conditions() -> st.SearchStrategy[Condition]:
    """Make conditions on the columns of `random_frames`."""
    signs = st.sampled_from([*_ORDER, "!="])
    words = st.sampled_from(["a", "b", "d"])
    leaves = st.one_of(
        st.builds(_compared, st.sampled_from(["x", "n", "step"]), signs, st.integers(-1, 5)),
        st.builds(_compared, st.just("word"), st.sampled_from(["==", "!="]), words),
        st.builds(_between, st.sampled_from(["x", "n", "step"]), *[st.integers(-1, 5)] * 2),
        st.builds(
            _among,
            st.just("word"),
            st.lists(words, min_size=1, max_size=2),
            negated=st.booleans(),
        ),
        st.builds(_missing, st.sampled_from(["x", "word", "step"]), negated=st.booleans()),
        st.just(Condition("yes", lambda row: row["yes"])),
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(_joined, inner, inner, st.sampled_from(["and", "or"]))
            | st.builds(_negated, inner)
        ),
        max_leaves=6,
    )


def assert_condition_holds_as_meant(frame: pd.DataFrame, native: Any, condition: Condition) -> None:
    """Fail unless a native frame counts the rows for which the condition holds."""
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    share = sum(condition.holds(row) for row in rows) / len(rows) if rows else None
    assert_equal(values(native, {"share": (condition.text, "share")}), {"share": share})
