"""One metric as a frame is asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
import narwhals as nw

from activitysmith_jupyter.frames._ends import as_it_is

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.dtypes import DType

__all__ = ["ROWS", "Aggregate", "Target"]

# How many rows there are: a part that several aggregates share.
ROWS: Final = nw.len()


@attrs.frozen
class Aggregate:
    """One metric that a frame can be asked for.

    Attributes
    ----------
    label : str
        What the phone calls it.
    steps : tuple of tuple of narwhals.Expr
        Columns that are added first, one group after the other, for the parts to refer to.
    gathered : narwhals.Expr or None
        The one column that the parts refer to, where the engine's own answer would be an estimate:
        its values have to be brought together first.
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
    in_microseconds : bool
        True where the engine was asked for a duration in microseconds: as numbers, all engines
        aggregate them, and in the same way.
    natural_format : str
        How it reads best.
    spec : object
        As the user wrote it, for errors.
    """

    label: str
    parts: tuple[nw.Expr, ...] = ()
    steps: tuple[tuple[nw.Expr, ...], ...] = ()
    gathered: nw.Expr | None = None
    combine: Callable[..., nw.Expr] = as_it_is
    function: Callable[[Any], Any] | None = None
    column: str | None = None
    of_nothing: int | None = None
    in_microseconds: bool = False
    natural_format: str = "compact"
    spec: Any = None

    @property
    def is_simple(self) -> bool:
        """True where the one part is the value."""
        return self.combine is as_it_is


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
