"""One question to a frame's own engine, and its answer as plain Python values."""

from __future__ import annotations

import importlib
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import narwhals as nw

from activitysmith_jupyter._outcome import one_line
from activitysmith_jupyter.exceptions import PayloadError
from activitysmith_jupyter.frames._aggregates import ROWS, Aggregate
from activitysmith_jupyter.frames._columns import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "ROWS_NAME",
    "Figure",
    "Frame",
    "ask",
    "brought_to_pandas",
    "columns_of",
    "combined",
    "explained",
    "figures",
    "plain",
    "read_frame",
    "read_value",
    "rows_of",
    "simple_parts",
    "value_name",
    "with_steps",
]

Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]
Value = float | str | date | None

# As all names of ours: no column of a user's frame has it.
ROWS_NAME: Final = "activitysmith_rows"
_MOST_COLUMNS: Final = 8  # that an error names


@attrs.frozen
class Figure:
    """One number with its name.

    Attributes
    ----------
    label : str
        What the phone calls it.
    value : bool, int, float, str, date, datetime or None
        Plain; durations are seconds, and None is missing.
    natural_format : str
        How it reads best.
    group : object
        The group it belongs to, where there are groups.
    group_rows : int or None
        How many rows the group has.
    """

    label: str
    value: Value
    natural_format: str = "compact"
    group: Value = None
    group_rows: int | None = None


def read_frame(native: Any) -> Frame:
    """Return any frame that narwhals reads.

    Raises
    ------
    PayloadError
        It is no frame.
    """
    try:
        frame = nw.from_native(native)
    except TypeError:
        rule = f"must be a frame, not {type(native).__name__}"
        hint = "pandas, polars, pyarrow, DuckDB, Dask, PySpark, Ibis, Modin and cuDF frames are"
        raise PayloadError("frame", type(native).__name__, rule, hint) from None
    except Exception as error:
        raise _unreadable(error) from error
    return frame  # type: ignore[no-any-return]


def columns_of(frame: Frame, order_by: str | Sequence[str] | None) -> Columns:
    """Return the columns of a frame without reading its rows."""
    try:
        schema = frame.collect_schema()
    except Exception as error:
        raise _unreadable(error) from error
    if any(isinstance(name, tuple) for name in schema):
        rule, hint = "has columns of several levels", "Flatten them: df.columns.map('_'.join)"
        raise PayloadError("frame", "…", rule, hint)
    names = () if order_by is None else (order_by,) if isinstance(order_by, str) else order_by
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise PayloadError("order_by", order_by, "must be the name of a column, or a list of names")
    engine = frame.implementation
    return Columns(
        schema=dict(schema),
        ordered=isinstance(frame, nw.DataFrame),
        order_by=tuple(names),
        adds_booleans=not engine.is_spark_like(),
        joins_missing=not (engine.is_pandas_like() or engine.is_dask()),
        compares_structs=engine.is_spark_like() or engine.is_duckdb() or engine.is_ibis(),
        converts_durations=not (engine.is_spark_like() or engine.is_ibis()),
        ranks=not engine.is_dask(),
        ranks_groups=not (engine.is_dask() or engine.is_pyarrow()),
        orders_groups=not engine.is_dask(),
    )


def _unreadable(error: Exception) -> PayloadError:
    rule = f"its columns cannot be read: {_reason(error)}"
    hint = "Column names must be texts, each once"
    return PayloadError("frame", "…", rule, hint)


def ask(frame: Frame, aggregates: Sequence[Aggregate]) -> dict[int, Any]:
    """Return the values of the aggregates that are expressions, from one query.

    Parameters
    ----------
    frame : narwhals DataFrame or LazyFrame
        (n_rows, n_columns).
    aggregates : sequence of Aggregate
        Those with a function are left out.

    Returns
    -------
    dict
        From the aggregate's place to its value.

    Raises
    ------
    PayloadError
        The engine cannot answer; it says which metric is at fault, where that can be told.
    """
    asked = {index: one for index, one in enumerate(aggregates) if one.parts}
    try:
        return _values(frame, asked) if asked else {}
    except Exception as error:
        raise explained(frame, aggregates, error) from error


def _values(frame: Frame, asked: Mapping[int, Aggregate]) -> dict[int, Any]:
    gathered = {index: one.gathered for index, one in asked.items() if one.gathered is not None}
    if not gathered:
        return dict(zip(asked, _only_row(_answer(frame, asked)), strict=True))
    brought = {index: asked[index] for index in gathered}
    there = {index: one for index, one in asked.items() if index not in gathered}
    questions = [frame.select(*gathered.values())]
    if there:
        questions.append(_answer(frame, there))
    columns, *answers = _collected_together(*questions)
    values = dict(zip(brought, _only_row(_answer(columns, brought)), strict=True))
    for answer in answers:
        values |= zip(there, _only_row(answer), strict=True)
    return values


def _collected_together(*frames: Frame) -> list[nw.DataFrame[Any]]:
    """Return Dask frames as frames of pandas, from one reading of what they share."""
    dask: Any = importlib.import_module("dask")  # the user's frame is one of its own
    return [nw.from_native(native) for native in dask.compute(*(f.to_native() for f in frames))]


def brought_to_pandas(frame: Frame) -> Frame:
    """Return a frame of few columns as one of pandas."""
    if isinstance(frame, nw.LazyFrame):
        return frame.collect("pandas")
    import pandas as pd  # noqa: PLC0415  only where the engine cannot do it

    # Its own types: whole numbers stay whole where some are missing.
    native = frame.to_arrow().to_pandas(types_mapper=pd.ArrowDtype)
    return nw.from_native(native)  # type: ignore[no-any-return]


def _answer(frame: Frame, aggregates: Mapping[int, Aggregate]) -> Frame:
    """Return a frame of one row, whose columns are the aggregates in their order."""
    prepared = with_steps(frame, aggregates.values())
    if all(aggregate.is_simple for aggregate in aggregates.values()):
        # One step less to plan; and Dask fails at a second step of a single column.
        asked = aggregates.items()
        return prepared.select(part.alias(value_name(i)) for i, one in asked for part in one.parts)
    return prepared.select(*simple_parts(aggregates)).select(*combined(aggregates))


def with_steps(frame: Frame, aggregates: Iterable[Aggregate]) -> Frame:
    """Return a frame with the columns that the aggregates' parts refer to."""
    for step in zip_longest(*(one.steps for one in aggregates), fillvalue=()):
        if columns := [column for some in step for column in some]:
            frame = frame.with_columns(*columns)
    return frame


def rows_of(answer: Frame) -> list[tuple[Any, ...]]:
    """Return the rows of a small answer, computing it where that is still to be done."""
    table = answer.collect() if isinstance(answer, nw.LazyFrame) else answer
    return [tuple(row) for row in table.rows()]


def simple_parts(aggregates: Mapping[int, Aggregate]) -> list[nw.Expr]:
    """Return the aggregates' parts under names that `combined` knows, and the rows."""
    return [
        *(
            part.alias(_part_name(index, number))
            for index, aggregate in aggregates.items()
            for number, part in enumerate(aggregate.parts)
            if part is not ROWS
        ),
        # Once: Dask refuses to count twice.
        ROWS.alias(ROWS_NAME),
    ]


def combined(aggregates: Mapping[int, Aggregate]) -> list[nw.Expr]:
    """Return the aggregates' values, from a frame of their `simple_parts`."""
    return [
        aggregate.combine(
            *(
                nw.col(ROWS_NAME if part is ROWS else _part_name(index, number))
                for number, part in enumerate(aggregate.parts)
            )
        ).alias(value_name(index))
        for index, aggregate in aggregates.items()
    ]


def _part_name(index: int, number: int) -> str:
    return f"activitysmith_{index}_{number}"


def value_name(index: int) -> str:
    """Return the column of a value."""
    return f"activitysmith_{index}"


def _only_row(answer: Frame) -> tuple[Any, ...]:
    rows = rows_of(answer)
    if len(rows) != 1:
        raise ValueError("an aggregate yields one value, and this yields a column")
    return rows[0]


def explained(frame: Frame, aggregates: Sequence[Aggregate], error: Exception) -> PayloadError:
    """Find the metric that the engine cannot answer, without reading rows again.

    By halves: a wide frame has a metric for each of its columns, and each question takes a while.
    """
    suspects = [aggregate for aggregate in aggregates if aggregate.parts]
    refusal = _refusal(frame, suspects)
    while refusal is not None and len(suspects) > 1:
        middle = len(suspects) // 2
        for half in (suspects[:middle], suspects[middle:]):
            if (refusal := _refusal(frame, half)) is not None:
                suspects = half
                break
    if refusal is not None:
        rule = f"the frame's engine cannot compute it: {_reason(refusal)}"
        return PayloadError(suspects[0].label, suspects[0].spec, rule)
    labels = ", ".join(dict.fromkeys(one.label for one in aggregates))
    columns = sorted({one.column for one in aggregates if one.column is not None}, key=str)
    shown = ", ".join(
        [*map(str, columns[:_MOST_COLUMNS]), *(["…"] * (len(columns) > _MOST_COLUMNS))]
    )
    return PayloadError(labels, shown, f"the frame could not be computed: {_reason(error)}")


def _refusal(frame: Frame, aggregates: Sequence[Aggregate]) -> Exception | None:
    """Return why an engine does not even answer for no rows; None where it does."""
    asked = dict(enumerate(aggregates))
    try:
        if isinstance(frame, nw.LazyFrame) and all(one.gathered is None for one in aggregates):
            # Some engines refuse already to plan it, and only for a frame of several parts.
            _answer(frame, asked)
        _values(frame.head(0), asked)
    except Exception as error:  # noqa: BLE001  any engine, any error
        return error
    return None


def _reason(error: Exception) -> str:
    """Return an engine's error in a line; its first one says what, the others advise."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return one_line(": ".join([type(error).__name__, *lines[:1]]), 300)


def figures(frame: Frame, aggregates: Sequence[Aggregate]) -> list[Figure]:
    """Return the aggregates' values: one query for all expressions, then the callables."""
    answers = ask(frame, aggregates)
    return [
        _figure(aggregate, _called(aggregate, frame) if aggregate.function else answers[index])
        for index, aggregate in enumerate(aggregates)
    ]


def _figure(aggregate: Aggregate, value: Any) -> Figure:
    natural = "duration" if _is_duration(value) else aggregate.natural_format
    try:
        return Figure(aggregate.label, read_value(aggregate, value), natural)
    except TypeError as error:
        raise PayloadError(aggregate.label, aggregate.spec, str(error)) from None


def read_value(aggregate: Aggregate, value: Any) -> Value:
    """Return what an engine answered as a plain value of the metric.

    Raises
    ------
    TypeError
        It is no scalar.
    """
    read = plain(value)
    if read is None:
        return aggregate.of_nothing
    if aggregate.in_microseconds:
        return cast("float", read) / 1e6
    return read


def _called(aggregate: Aggregate, frame: Frame) -> Any:
    function = aggregate.function
    assert function is not None  # noqa: S101  the caller looked
    source: Any = frame
    if aggregate.column is not None:
        # A lazy column is a frame of one column.
        column = aggregate.column
        source = frame[column] if isinstance(frame, nw.DataFrame) else frame.select(column)
    try:
        return _scalar(function(source.to_native()))
    except Exception as error:
        rule = f"the callable failed: {_reason(error)}"
        raise PayloadError(aggregate.label, aggregate.spec, rule) from error


def _scalar(value: Any) -> Any:
    """Return the one value that a callable answered, also in a frame or series of one."""
    read: Any = nw.from_native(value, pass_through=True, allow_series=True)
    if isinstance(read, nw.LazyFrame | nw.DataFrame):
        (only,) = _only_row(read)
        return only
    if not isinstance(read, nw.Series):
        return value
    if len(read) != 1:
        raise ValueError(f"it must return one value, not {len(read)}")
    return read.item()


def _is_duration(value: Any) -> bool:
    # numpy's and pandas' own by their names, for neither is imported here.
    return isinstance(value, timedelta) or type(value).__name__ == "timedelta64"


def plain(value: Any) -> Value:
    """Return a scalar of any library as Python's own; what is missing is None.

    Raises
    ------
    TypeError
        It is no scalar.
    """
    # NaT first: it passes for a date and for a duration.
    if value is None or type(value).__name__ in {"NaTType", "NAType"}:
        return None
    if _is_duration(value) and not isinstance(value, timedelta):
        value = value.astype("timedelta64[us]").item()
    if callable(item := getattr(value, "item", None)):
        value = item()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return datetime.combine(value.date(), value.timetz())
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and value != value:  # noqa: PLR0124  NaN
        return None
    if value is None or isinstance(value, bool | int | float | str | date):
        return value
    raise TypeError(f"must yield one value, not {type(value).__name__}")
