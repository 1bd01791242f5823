"""What is known about a frame before it is read: its columns, and how its engine differs."""

from __future__ import annotations

import difflib
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import attrs
import narwhals as nw

from activitysmith_jupyter.exceptions import PayloadError, brief

if TYPE_CHECKING:
    from collections.abc import Mapping

    from narwhals.dtypes import DType

__all__ = ["Columns", "is_comparable", "is_measured", "is_numeric"]


@attrs.frozen(kw_only=True)
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
    by : str or None
        The column of the groups, where there are groups.
    adds_booleans : bool
        False where the engine has no sum of booleans: Spark.
    joins_missing : bool
        False where ``and`` and ``or`` do not take all missing booleans: pandas and its kin.
    compares_structs : bool
        True where structs have a smallest and a largest: the SQL engines.
    converts_durations : bool
        False where the engine cannot turn durations into numbers: Spark and Ibis.
    ranks : bool
        False where a median or quantile would be an estimate: Dask.
    ranks_groups : bool
        False where it would be an estimate by group: Dask and pyarrow.
    orders_groups : bool
        False where groups have no first and last: Dask.
    """

    schema: Mapping[str, DType]
    ordered: bool
    order_by: tuple[str, ...] = ()
    by: str | None = None
    adds_booleans: bool = True
    joins_missing: bool = False
    compares_structs: bool = False
    converts_durations: bool = True
    ranks: bool = True
    ranks_groups: bool = True
    orders_groups: bool = True

    def trues(self, truth: nw.Expr) -> nw.Expr:
        """Return how often a condition holds."""
        return truth.sum() if self.adds_booleans else nw.when(truth).then(1).otherwise(0).sum()

    def has(self, column: Any) -> bool:
        """Tell whether the frame has a column; not every object can be the name of one."""
        return isinstance(column, Hashable) and column in self.schema

    def unknown(self, label: str, spec: object, column: object) -> PayloadError:
        """Make the error for a column that is not there."""
        names = list(map(str, self.schema))
        near = difflib.get_close_matches(brief(column).strip("'"), names, n=3, cutoff=0.5)
        if near:
            hint = f"Did you mean {' or '.join(map(repr, near))}?"
        else:
            shown = ", ".join(map(repr, names[:12]))
            hint = f"It has {shown}{', …' if len(names) > 12 else ''}"  # noqa: PLR2004  a line's worth
        return PayloadError(label, spec, f"the frame has no column {brief(column)}", hint)

    def check_order(self) -> None:
        """Check that the columns of `order_by` are there, and have an order on every engine."""
        for column in self.order_by:
            if column not in self.schema:
                raise self.unknown("order_by", column, column)
            dtype = self.schema[column]
            if not is_comparable(dtype):
                rule = f"needs numbers, dates or texts, and the column {column!r} is {dtype}"
                raise PayloadError("order_by", column, rule)


def is_numeric(dtype: DType) -> bool:
    """Tell whether values add up; what is unknown may."""
    return dtype.is_numeric() or isinstance(dtype, nw.Duration | nw.Unknown)


def is_measured(dtype: DType) -> bool:
    """Tell whether values have a distance."""
    return is_numeric(dtype) or dtype.is_temporal()


def is_comparable(dtype: DType) -> bool:
    """Tell whether values have a smallest and a largest."""
    return is_measured(dtype) or isinstance(dtype, nw.String | nw.Boolean)
