"""Named aggregations, read and checked against a frame's columns before anything is computed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs
import narwhals as nw

from activitysmith_jupyter._states import MAX_METRICS
from activitysmith_jupyter.exceptions import PayloadError
from activitysmith_jupyter.frames._conditions import condition

if TYPE_CHECKING:
    from narwhals.dtypes import DType

__all__ = [
    "ROWS",
    "SHARE",
    "Aggregate",
    "Columns",
    "Specs",
    "Target",
    "aggregate_of",
    "pairs_of",
    "read_aggregates",
    "read_target",
]

Specs = Mapping[str, Any] | Iterable[tuple[str, Any]]

_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


# How many rows there are: a part that several aggregates share.
ROWS: Final = nw.len()


def _same(value: nw.Expr) -> nw.Expr:
    return value


@attrs.frozen
class Aggregate:
    """One metric that a frame can be asked for.

    Attributes
    ----------
    label : str
        What the phone calls it.
    parts : tuple of narwhals.Expr
        Simple aggregates, each one value, which every engine computes fast, also by group; empty
        where `function` makes the value.
    combine : callable
        From the parts, as columns, to the value.
    function : callable or None
        Gets the native frame, or the native column `column`.
    column : str or None
        The column, where there is one.
    of_nothing : int or None
        What it is where the engine has no answer: a count of nothing is 0 (DuckDB says NULL).
    natural_format : str
        How it reads best.
    spec : object
        As the user wrote it, for errors.
    """

    label: str
    parts: tuple[nw.Expr, ...] = ()
    combine: Callable[..., nw.Expr] = _same
    function: Callable[[Any], Any] | None = None
    column: str | None = None
    of_nothing: int | None = None
    natural_format: str = "compact"
    spec: Any = None

    @property
    def is_simple(self) -> bool:
        """True where the one part is the value."""
        return self.combine is _same


@attrs.frozen
class Target:
    """What is aggregated.

    Attributes
    ----------
    expr : narwhals.Expr
        A column, or an expression in its place.
    dtype : narwhals.dtypes.DType
        Its type; unknown for an expression.
    column : str or None
        The column's name.
    """

    expr: nw.Expr
    dtype: DType
    column: str | None = None


@attrs.frozen
class Columns:
    """What is known about a frame before it is read.

    Attributes
    ----------
    schema : mapping
        The columns' names and types.
    ordered : bool
        True where rows have an order of their own: every eager frame.
    order_by : tuple of str
        The columns that order the rows, where the user named them.
    adds_booleans : bool
        False where the engine has no sum of booleans: Spark.
    ranks : bool
        False where a median or quantile would be an estimate: a Dask frame of several partitions.
    """

    schema: Mapping[str, DType]
    ordered: bool
    order_by: tuple[str, ...] = ()
    adds_booleans: bool = True
    ranks: bool = True

    def trues(self, truth: nw.Expr) -> nw.Expr:
        """Return how often a condition holds."""
        return truth.sum() if self.adds_booleans else nw.when(truth).then(1).otherwise(0).sum()

    def unknown(self, label: str, spec: Any, column: object) -> PayloadError:
        """Make the error for a column that is not there."""
        names = list(map(str, self.schema))
        near = difflib.get_close_matches(str(column), names, n=3, cutoff=0.5)
        if near:
            hint = f"Did you mean {' or '.join(map(repr, near))}?"
        else:
            shown = ", ".join(map(repr, names[:12]))
            hint = f"It has {shown}{', …' if len(names) > 12 else ''}"  # noqa: PLR2004  a line's worth
        return PayloadError(label, spec, f"the frame has no column {column!r}", hint)

    def check_order(self) -> None:
        """Check that the columns of `order_by` are there."""
        for column in self.order_by:
            if column not in self.schema:
                raise self.unknown("order_by", column, column)


def _is_numeric(dtype: DType) -> bool:
    return dtype.is_numeric() or isinstance(dtype, nw.Duration | nw.Unknown)


def _is_measured(dtype: DType) -> bool:
    return _is_numeric(dtype) or dtype.is_temporal()


def _is_ordered(dtype: DType) -> bool:
    return _is_measured(dtype) or isinstance(dtype, nw.String | nw.Boolean)


def _is_anything(dtype: DType) -> bool:  # noqa: ARG001  one signature for all
    return True


Parts = Callable[[nw.Expr, "Columns"], tuple[nw.Expr, ...]]


@attrs.frozen
class _Kind:
    parts: Parts
    takes: Callable[[DType], bool]
    wanted: str = ""
    combine: Callable[..., nw.Expr] = _same
    needs_order: bool = False


def _first(column: nw.Expr, columns: Columns) -> nw.Expr:
    return column.first(order_by=columns.order_by) if columns.order_by else column.first()


def _last(column: nw.Expr, columns: Columns) -> nw.Expr:
    return column.last(order_by=columns.order_by) if columns.order_by else column.last()


def _unless_empty(value: nw.Expr, present: nw.Expr) -> nw.Expr:
    # The sum of nothing is 0 for every engine, and wrong on a phone.
    return nw.when(present > 0).then(value)


def _ratio(value: nw.Expr, present: nw.Expr) -> nw.Expr:
    return nw.when(present > 0).then(value / present)


def _without_missing(unique: nw.Expr, present: nw.Expr, rows: nw.Expr) -> nw.Expr:
    # The engines count a missing value as one more; pandas, and people, do not.
    return unique - (rows > present).cast(nw.Int64)


_NUMBERS: Final = "numbers"
_ORDERED: Final = "numbers, dates or texts"
_MEASURED: Final = "numbers or dates"

_KINDS: Final[Mapping[str, _Kind]] = {
    "count": _Kind(lambda column, _: (column.count(),), _is_anything),
    "nunique": _Kind(
        lambda column, _: (column.n_unique(), column.count(), ROWS),
        _is_anything,
        combine=_without_missing,
    ),
    "sum": _Kind(
        lambda column, _: (column.sum(), column.count()),
        _is_numeric,
        _NUMBERS,
        combine=_unless_empty,
    ),
    "mean": _Kind(lambda column, _: (column.mean(),), _is_numeric, _NUMBERS),
    "median": _Kind(lambda column, _: (column.median(),), _is_numeric, _NUMBERS),
    "std": _Kind(lambda column, _: (column.std(),), _is_numeric, _NUMBERS),
    "min": _Kind(lambda column, _: (column.min(),), _is_ordered, _ORDERED),
    "max": _Kind(lambda column, _: (column.max(),), _is_ordered, _ORDERED),
    "first": _Kind(
        lambda column, columns: (_first(column, columns),), _is_anything, needs_order=True
    ),
    "last": _Kind(
        lambda column, columns: (_last(column, columns),), _is_anything, needs_order=True
    ),
    "change": _Kind(
        lambda column, columns: (_last(column, columns), _first(column, columns)),
        _is_measured,
        _MEASURED,
        combine=lambda last, first: last - first,
        needs_order=True,
    ),
}
# Booleans are counted: DuckDB and Spark have no mean of them, Spark no sum either.
_BOOLEAN_KINDS: Final[Mapping[str, _Kind]] = {
    "sum": _Kind(
        lambda column, columns: (columns.trues(column), column.count()),
        _is_anything,
        combine=_unless_empty,
    ),
    "mean": _Kind(
        lambda column, columns: (columns.trues(column), column.count()),
        _is_anything,
        combine=_ratio,
    ),
}
_COUNTS: Final = frozenset({"count", "nunique"})
# A condition's share of all rows; its column is the condition.
SHARE: Final = "share"
_KNOWN: Final = (*_KINDS, SHARE, "p95", "a quantile such as 0.95", "a callable")


def pairs_of(specs: Specs | None, named: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return labels and what they stand for, in order.

    Raises
    ------
    PayloadError
        No metric, more than 8, or a label twice.
    """
    given = list(specs.items()) if isinstance(specs, Mapping) else list(specs or ())
    pairs = [*given, *named.items()]
    if not pairs:
        raise PayloadError(
            "metrics", pairs, "must have 1 to 8", "For example Revenue=('revenue', 'sum')"
        )
    labels: set[str] = set()
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:  # noqa: PLR2004  a label and a spec
            raise PayloadError("metrics", pair, "must be a pair of a label and an aggregation")
        label = pair[0]
        if not isinstance(label, str) or not label.strip():
            raise PayloadError("label", label, "must be text, not empty")
        if label in labels:
            raise PayloadError("label", label, "is there twice", "Every metric needs its own")
        labels.add(label)
    if len(pairs) > MAX_METRICS:
        left_over = ", ".join(label for label, _ in pairs[MAX_METRICS:])
        rule = f"a card shows at most {MAX_METRICS} metrics"
        raise PayloadError("metrics", len(pairs), rule, f"Leave out {left_over}")
    return pairs


def read_aggregates(pairs: Iterable[tuple[str, Any]], columns: Columns) -> list[Aggregate]:
    """Return the checked aggregates of a spec.

    Raises
    ------
    PayloadError
        An unknown column, the wrong type, or an aggregation that is not supported.
    """
    columns.check_order()
    return [read_aggregate(label, spec, columns) for label, spec in pairs]


def read_aggregate(label: str, spec: Any, columns: Columns) -> Aggregate:
    """Return one checked aggregate; see `read_aggregates`."""
    if isinstance(spec, nw.Expr):
        return Aggregate(label, (spec,), spec=spec)
    if hasattr(spec, "aggfunc"):  # pandas.NamedAgg, which has had two fields and four
        return _column_aggregate(label, spec.column, spec.aggfunc, columns, spec)
    if isinstance(spec, str) and spec in {"count", "size"}:
        return Aggregate(label, (ROWS,), of_nothing=0, spec=spec)
    if isinstance(spec, tuple) and len(spec) == 2:  # noqa: PLR2004  column and aggregation
        return _column_aggregate(label, *spec, columns, spec)
    if callable(spec):
        return Aggregate(label, function=spec, spec=spec)
    rule = "must be (column, aggregation), 'count', a narwhals expression or a callable"
    hint = "For example ('revenue', 'sum')"
    if type(spec).__module__.partition(".")[0] == "polars":
        hint = "Write it with narwhals (nw.col), or as a callable: lambda frame: frame.select(...)"
    raise PayloadError(label, spec, rule, hint)


def _column_aggregate(label: str, column: Any, how: Any, columns: Columns, spec: Any) -> Aggregate:
    target = read_target(label, column, how, columns, spec)
    if not callable(how):
        return aggregate_of(label, target, how, columns, spec)
    if target.column is None:
        raise PayloadError(label, spec, "a callable needs a column, not an expression")
    return Aggregate(label, function=how, column=target.column, spec=spec)


def read_target(label: str, column: Any, how: Any, columns: Columns, spec: Any) -> Target:
    """Return what is aggregated: a column, an expression, or for a share a condition."""
    if isinstance(column, nw.Expr):
        return Target(column, nw.Boolean() if how == SHARE else nw.Unknown())
    if how == SHARE:
        unknown = partial(columns.unknown, label, spec)
        return Target(condition(str(column), columns.schema, label, unknown), nw.Boolean())
    if column not in columns.schema:
        raise columns.unknown(label, spec, column)
    return Target(nw.col(column), columns.schema[column], column)


def aggregate_of(label: str, target: Target, how: Any, columns: Columns, spec: Any) -> Aggregate:
    """Return the checked aggregate of a target.

    Raises
    ------
    PayloadError
        The aggregation is not supported, or not of this type, or not on this engine.
    """
    if how == SHARE:
        parts = (columns.trues(target.expr), ROWS)
        return Aggregate(label, parts, _ratio, natural_format="percent", spec=spec)
    dtype, natural = target.dtype, _natural(how, target.dtype)
    share = _quantile(how)
    if not columns.ranks and (share is not None or how == "median"):
        rule = f"{how!r} would be an estimate on a Dask frame of several partitions"
        hint = "Compute it yourself: ('column', lambda column: ...) gets the Dask column"
        raise PayloadError(label, spec, rule, hint)
    if share is not None:
        kind = _Kind(
            lambda column, _: (column.quantile(share, interpolation="linear"),),
            _is_numeric,
            _NUMBERS,
        )
    else:
        kind = _kind(label, how, dtype, spec)
    if not kind.takes(dtype):
        rule = f"needs {kind.wanted}, and the column {target.column!r} is {dtype}"
        hint = "Convert it first, for example with pandas.to_numeric" if dtype == nw.Object else ""
        raise PayloadError(label, spec, rule, hint)
    if kind.needs_order and not (columns.ordered or columns.order_by):
        rule = f"{how!r} needs an order, and the rows of a lazy frame have none"
        raise PayloadError(label, spec, rule, "Name the columns: order_by='date'")
    return Aggregate(
        label,
        kind.parts(target.expr, columns),
        kind.combine,
        column=target.column,
        of_nothing=0 if how in _COUNTS else None,
        natural_format=natural,
        spec=spec,
    )


def _kind(label: str, how: Any, dtype: DType, spec: Any) -> _Kind:
    kind = _KINDS.get(how) if isinstance(how, str) else None
    if kind is None:
        near = difflib.get_close_matches(str(how), _KINDS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Supported: {', '.join(_KNOWN)}"
        raise PayloadError(label, spec, f"the aggregation {how!r} is not supported", hint)
    return _BOOLEAN_KINDS.get(how, kind) if isinstance(dtype, nw.Boolean) else kind


def _natural(how: Any, dtype: DType) -> str:
    if how in _COUNTS:
        return "compact"
    lasts = isinstance(dtype, nw.Duration) or (how == "change" and dtype.is_temporal())
    return "duration" if lasts else "compact"


def _quantile(how: Any) -> float | None:
    """Return the quantile, 0 to 1, that ``p95`` or ``0.95`` mean; None for anything else."""
    if isinstance(how, str):
        match = _PERCENTILE.fullmatch(how)
        return None if match is None else float(match[1]) / 100
    if isinstance(how, int | float) and not isinstance(how, bool) and 0 <= how <= 1:
        return float(how)
    return None
