"""First and last values by the order of columns, for engines whose rows have no order.

A value counts where neither it nor its place in the order is missing. Among rows of the same place
the smallest value is the first and the largest the last: then all engines agree, and an answer
does not depend on how an engine read the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
import narwhals as nw

if TYPE_CHECKING:
    from collections.abc import Callable

    from activitysmith_jupyter.frames._columns import Columns

__all__ = ["End", "Side", "as_it_is", "end_in_order"]

Side = Literal["first", "last"]


@attrs.frozen
class End:
    """How the first or last value is asked for.

    Attributes
    ----------
    steps : tuple of narwhals.Expr
        Columns to add before, one after the other.
    part : narwhals.Expr
        The aggregate.
    read : callable
        From the aggregate to the value.
    """

    steps: tuple[nw.Expr, ...]
    part: nw.Expr
    read: Callable[[nw.Expr], nw.Expr]


def end_in_order(side: Side, value: nw.Expr, name: str, columns: Columns) -> End:
    """Return how to ask for the first or last value in the order of columns.

    Parameters
    ----------
    side : {"first", "last"}
        Which.
    value : narwhals.Expr
        A column, or an expression in its place.
    name : str
        The added columns begin with it; no column of the user's does.
    columns : Columns
        With `order_by`.
    """
    places = [nw.col(column) for column in columns.order_by]
    present = ~value.is_null()
    for place in places:
        present &= ~place.is_null()
    if columns.compares_structs:
        # One pass over the rows, and no sorting: structs compare field by field.
        fields = [place.alias(f"place_{index}") for index, place in enumerate(places)]
        ordered = nw.when(present).then(nw.struct(*fields, value.alias("value")))
        read = _value_of_struct
        return End((ordered.alias(name),), _extreme(side, nw.col(name)), read)
    steps = [nw.when(present).then(places[0]).alias(f"{name}_0")]
    for index, following in enumerate([*places[1:], value], start=1):
        place = nw.col(f"{name}_{index - 1}")
        outermost = _extreme(side, place)
        if columns.by is not None:
            outermost = outermost.over(columns.by)
        steps.append(nw.when(place == outermost).then(following).alias(f"{name}_{index}"))
    return End(tuple(steps), _extreme(side, nw.col(f"{name}_{len(places)}")), as_it_is)


def _extreme(side: Side, column: nw.Expr) -> nw.Expr:
    return column.min() if side == "first" else column.max()


def _value_of_struct(ordered: nw.Expr) -> nw.Expr:
    return ordered.struct.field("value")


def as_it_is(value: nw.Expr) -> nw.Expr:
    """Return an aggregate that is the value already."""
    return value
