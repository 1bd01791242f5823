"""Named aggregations as the user writes them, read and checked against a frame's columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import narwhals as nw

from activitysmith_jupyter._states import MAX_METRICS
from activitysmith_jupyter.exceptions import PayloadError
from activitysmith_jupyter.frames._aggregates import ROWS, Aggregate, Target
from activitysmith_jupyter.frames._conditions import condition
from activitysmith_jupyter.frames._kinds import SHARE, aggregate_of

if TYPE_CHECKING:
    from activitysmith_jupyter.frames._columns import Columns

__all__ = ["Specs", "pairs_of", "read_aggregate", "read_aggregates", "read_target"]

Specs = Mapping[str, Any] | Iterable[tuple[str, Any]]


def pairs_of(specs: Specs | None, named: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return labels and what they stand for, in order.

    Raises
    ------
    PayloadError
        No metric, more than 8, or a label twice.
    """
    if not isinstance(specs, Mapping | list | tuple | None):
        rule = "must be a mapping of labels to aggregations, or a list of such pairs"
        raise PayloadError("metrics", specs, rule)
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
    is_share = isinstance(how, str) and how == SHARE
    if isinstance(column, nw.Expr):
        return Target(column, nw.Boolean() if is_share else nw.Unknown())
    if is_share:
        unknown = partial(columns.unknown, label, spec)
        joins_missing = columns.joins_missing
        held = condition(column, columns.schema, label, unknown, joins_missing=joins_missing)
        return Target(held, nw.Boolean())
    if not columns.has(column):
        raise columns.unknown(label, spec, column)
    return Target(nw.col(column), columns.schema[column], column)
