"""The aggregations that have a name, checked against a column before anything is computed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs
import narwhals as nw

from activitysmith_jupyter.exceptions import PayloadError, brief
from activitysmith_jupyter.frames._aggregates import ROWS, Aggregate, Target
from activitysmith_jupyter.frames._columns import Columns, is_comparable, is_measured, is_numeric
from activitysmith_jupyter.frames._ends import Side, as_it_is, end_in_order

if TYPE_CHECKING:
    from narwhals.dtypes import DType

__all__ = ["SHARE", "aggregate_of", "needs_order", "needs_ranks"]

_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


def _is_anything(dtype: DType) -> bool:  # noqa: ARG001  one signature for all
    return True


Parts = Callable[[nw.Expr, "Columns"], tuple[nw.Expr, ...]]


@attrs.frozen
class _Kind:
    parts: Parts
    takes: Callable[[DType], bool]
    wanted: str = ""
    combine: Callable[..., nw.Expr] = as_it_is
    ranks: bool = False


@attrs.frozen
class _OrderedKind:
    """First, last, or the way from first to last."""

    sides: tuple[Side, ...]
    takes: Callable[[DType], bool]
    wanted: str = ""
    combine: Callable[..., nw.Expr] = as_it_is


_AnyKind = _Kind | _OrderedKind


def _unless_empty(value: nw.Expr, present: nw.Expr) -> nw.Expr:
    # The sum of nothing is 0 for every engine, and wrong on a phone.
    return nw.when(present > 0).then(value)


def _ratio(value: nw.Expr, present: nw.Expr) -> nw.Expr:
    return nw.when(present > 0).then(value / present)


def _without_missing(unique: nw.Expr, present: nw.Expr, rows: nw.Expr) -> nw.Expr:
    # The engines count a missing value as one more; pandas, and people, do not.
    return unique - (rows > present).cast(nw.Int64)


_NUMBERS: Final = "numbers"
_COMPARABLE: Final = "numbers, dates or texts"
_MEASURED: Final = "numbers or dates"

_KINDS: Final[dict[str, _Kind]] = {
    "count": _Kind(lambda column, _: (column.count(),), _is_anything),
    "nunique": _Kind(
        lambda column, _: (column.n_unique(), column.count(), ROWS),
        _is_anything,
        combine=_without_missing,
    ),
    "sum": _Kind(
        lambda column, _: (column.sum(), column.count()),
        is_numeric,
        _NUMBERS,
        combine=_unless_empty,
    ),
    "mean": _Kind(lambda column, _: (column.mean(),), is_numeric, _NUMBERS),
    "median": _Kind(lambda column, _: (column.median(),), is_numeric, _NUMBERS, ranks=True),
    "std": _Kind(lambda column, _: (column.std(),), is_numeric, _NUMBERS),
    "min": _Kind(lambda column, _: (column.min(),), is_comparable, _COMPARABLE),
    "max": _Kind(lambda column, _: (column.max(),), is_comparable, _COMPARABLE),
}
_ORDERED_KINDS: Final[dict[str, _OrderedKind]] = {
    "first": _OrderedKind(("first",), _is_anything),
    "last": _OrderedKind(("last",), _is_anything),
    "change": _OrderedKind(
        ("last", "first"), is_measured, _MEASURED, combine=lambda last, first: last - first
    ),
}
# Booleans are counted: DuckDB and Spark have no mean of them, Spark no sum either.
_BOOLEAN_KINDS: Final[dict[str, _Kind]] = {
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
_KNOWN: Final = (*_KINDS, *_ORDERED_KINDS, SHARE, "p95", "a quantile such as 0.95", "a callable")


def aggregate_of(label: str, target: Target, how: Any, columns: Columns, spec: Any) -> Aggregate:
    """Return the checked aggregate of a target.

    Raises
    ------
    PayloadError
        The aggregation is not supported, or not of this type, or not on this engine.
    """
    if not isinstance(how, str | int | float):
        raise _unsupported(label, how, spec)
    if how == SHARE:
        parts = (columns.trues(target.expr), ROWS)
        return Aggregate(label, parts, combine=_ratio, natural_format="percent", spec=spec)
    dtype = target.dtype
    kind = _kind(label, how, dtype, spec)
    if not kind.takes(dtype):
        raise _unfit(label, target, kind.wanted, spec)
    lasts = _lasts(how, dtype)
    first_steps: tuple[tuple[nw.Expr, ...], ...] = ()
    if lasts and columns.converts_durations:
        kind, target = _in_microseconds(kind, target)
        if columns.by is not None:
            # By group, the engines take columns only.
            name = _added(label)
            first_steps = ((target.expr.alias(name),),)
            target = attrs.evolve(target, expr=nw.col(name))
    if isinstance(kind, _OrderedKind):
        aggregate = _ordered(label, target, kind, columns, spec)
    else:
        aggregate = _simple(label, target, kind, columns)
    return attrs.evolve(
        aggregate,
        steps=first_steps + aggregate.steps,
        column=target.column,
        of_nothing=0 if how in _COUNTS else None,
        in_microseconds=lasts and columns.converts_durations,
        natural_format="duration" if lasts else "compact",
        spec=spec,
    )


def needs_order(how: Any) -> bool:
    """Tell whether an aggregation depends on the order of the rows."""
    return isinstance(how, str) and how in _ORDERED_KINDS


def needs_ranks(how: Any) -> bool:
    """Tell whether an aggregation depends on how all values rank: a median or quantile."""
    return (isinstance(how, str) and how == "median") or _quantile(how) is not None


def _unfit(label: str, target: Target, wanted: str, spec: Any) -> PayloadError:
    rule = f"needs {wanted}, and the column {target.column!r} is {target.dtype}"
    is_object = target.dtype == nw.Object
    hint = "Convert it first, with pandas.to_numeric or pandas.to_datetime" if is_object else ""
    return PayloadError(label, spec, rule, hint)


def _in_microseconds(kind: _AnyKind, target: Target) -> tuple[_AnyKind, Target]:
    if isinstance(target.dtype, nw.Duration):
        return kind, attrs.evolve(target, expr=target.expr.dt.total_microseconds())
    # Between two moments; the engines do not agree on what is between two dates.
    moments = target.expr.cast(nw.Datetime()) if target.dtype == nw.Date else target.expr
    change = attrs.evolve(kind, combine=lambda last, first: (last - first).dt.total_microseconds())
    return change, attrs.evolve(target, expr=moments)


def _simple(label: str, target: Target, kind: _Kind, columns: Columns) -> Aggregate:
    if columns.ranks or not kind.ranks:
        return Aggregate(label, kind.parts(target.expr, columns), combine=kind.combine)
    name = _added(label)
    parts = kind.parts(nw.col(name), columns)
    return Aggregate(label, parts, combine=kind.combine, gathered=target.expr.alias(name))


def _ordered(
    label: str, target: Target, kind: _OrderedKind, columns: Columns, spec: Any
) -> Aggregate:
    value = target.expr
    if not columns.order_by:
        if not columns.ordered:
            rule = f"{spec[1]!r} needs an order, and the rows of a lazy frame have none"
            raise PayloadError(label, spec, rule, "Name the columns: order_by='date'")
        present = value.drop_nulls()
        ends = {"first": present.first(), "last": present.last()}
        parts = tuple(ends[side] for side in kind.sides)
        return Aggregate(label, parts, combine=kind.combine)
    if isinstance(target.dtype, nw.Categorical | nw.Enum):
        value = value.cast(nw.String)
    elif not is_comparable(target.dtype):
        raise _unfit(label, target, f"{_COMPARABLE} where order_by decides", spec)
    found = [end_in_order(side, value, f"{_added(label)}_{side}", columns) for side in kind.sides]

    def combine(*extremes: nw.Expr) -> nw.Expr:
        return kind.combine(*(end.read(one) for end, one in zip(found, extremes, strict=True)))

    return Aggregate(
        label,
        tuple(end.part for end in found),
        steps=tuple(zip(*(end.steps for end in found), strict=True)),
        combine=found[0].read if kind.combine is as_it_is else combine,
    )


def _added(label: str) -> str:
    """Return the name of a column that is added for a metric: no engine minds its letters."""
    return f"activitysmith_{label.encode().hex()}"


def _kind(label: str, how: Any, dtype: DType, spec: Any) -> _AnyKind:
    if (share := _quantile(how)) is not None:
        return _Kind(
            lambda column, _: (column.quantile(share, interpolation="linear"),),
            is_numeric,
            _NUMBERS,
            ranks=True,
        )
    kinds = _KINDS | _BOOLEAN_KINDS if isinstance(dtype, nw.Boolean) else _KINDS
    kind = (kinds | _ORDERED_KINDS).get(how) if isinstance(how, str) else None
    if kind is None:
        raise _unsupported(label, how, spec)
    return kind


def _unsupported(label: str, how: Any, spec: Any) -> PayloadError:
    known = [*_KINDS, *_ORDERED_KINDS]
    near = difflib.get_close_matches(how, known, n=1) if isinstance(how, str) else []
    hint = f"Did you mean {near[0]!r}?" if near else f"Supported: {', '.join(_KNOWN)}"
    return PayloadError(label, spec, f"the aggregation {brief(how)} is not supported", hint)


def _lasts(how: Any, dtype: DType) -> bool:
    """Tell whether the answer is a duration."""
    if how in _COUNTS:
        return False
    return isinstance(dtype, nw.Duration) or (how == "change" and dtype.is_temporal())


def _quantile(how: Any) -> float | None:
    """Return the quantile, 0 to 1, that ``p95`` or ``0.95`` mean; None for anything else."""
    if isinstance(how, str):
        match = _PERCENTILE.fullmatch(how)
        return None if match is None else float(match[1]) / 100
    if isinstance(how, int | float) and not isinstance(how, bool) and 0 <= how <= 1:
        return float(how)
    return None
