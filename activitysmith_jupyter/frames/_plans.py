"""What is asked of a frame: each plan reads its figures in one query."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs
import narwhals as nw

from activitysmith_jupyter._smalltext import clean
from activitysmith_jupyter._states import MAX_METRICS
from activitysmith_jupyter.exceptions import PayloadError
from activitysmith_jupyter.frames._aggregates import ROWS, Aggregate
from activitysmith_jupyter.frames._kinds import SHARE, aggregate_of, needs_order, needs_ranks
from activitysmith_jupyter.frames._numbers import MISSING
from activitysmith_jupyter.frames._query import (
    ROWS_NAME,
    Figure,
    Frame,
    brought_to_pandas,
    columns_of,
    combined,
    explained,
    figures,
    plain,
    read_frame,
    read_value,
    rows_of,
    simple_parts,
    value_name,
    with_steps,
)
from activitysmith_jupyter.frames._specs import read_aggregate, read_aggregates, read_target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from activitysmith_jupyter.frames._columns import Columns

__all__ = ["AggregatePlan", "DescribePlan", "Plan", "ProgressPlan", "TopPlan"]

SMALLEST_GROUP: Final = 5
# Numbers that name or date a row; their mean says nothing.
_IDENTIFIERS: Final = frozenset(
    {"id", "index", "key", "uuid", "unnamed: 0", "year", "month", "day", "hour", "minute"}
)


class Plan(Protocol):
    """What a method of the accessor asks."""

    def measure(self, native: Any) -> list[Figure]:
        """Return the figures of a native frame."""

    def baseline(self, native: Any, shown: Sequence[Figure]) -> dict[str, Any]:
        """Return, by label, what `shown` is compared with."""

    def remarks(self, shown: Sequence[Figure]) -> list[str]:
        """Return what the user should hear about the figures."""


class _Repeated:
    """A plan whose labels do not depend on the frame."""

    measure: Callable[[Any], list[Figure]]

    def baseline(self, native: Any, shown: Sequence[Figure]) -> dict[str, Any]:  # noqa: ARG002  as Plan
        """Return, by label, what `shown` is compared with."""
        return {figure.label: figure.value for figure in self.measure(native)}

    def remarks(self, shown: Sequence[Figure]) -> list[str]:  # noqa: ARG002  as Plan
        """Return what the user should hear about the figures: nothing."""
        return []


@attrs.frozen
class AggregatePlan(_Repeated):
    """Named aggregations."""

    pairs: Sequence[tuple[str, Any]]
    order_by: str | Sequence[str] | None = None

    def measure(self, native: Any) -> list[Figure]:
        """Return the figures of a native frame."""
        frame = read_frame(native)
        columns = columns_of(frame, self.order_by)
        return figures(frame, read_aggregates(self.pairs, columns))


@attrs.frozen
class ProgressPlan(_Repeated):
    """How many rows of a work table are done, and how many failed."""

    done: Any
    failed: Any = None

    def measure(self, native: Any) -> list[Figure]:
        """Return rows, done rows and failed rows."""
        frame = read_frame(native)
        columns = columns_of(frame, None)
        pairs = {"done": self.done} | ({} if self.failed is None else {"failed": self.failed})
        aggregates = [read_aggregate("rows", "count", columns)]
        for label, condition in pairs.items():
            target = read_target(label, condition, SHARE, columns, condition)
            aggregates.append(aggregate_of(label, target, SHARE, columns, condition))
        return figures(frame, aggregates)


@attrs.frozen
class DescribePlan(_Repeated):
    """The choice for somebody in a hurry: rows, missing share, means of the first numbers."""

    def measure(self, native: Any) -> list[Figure]:
        """Return up to 8 figures from one query, however many columns there are."""
        frame = read_frame(native)
        columns = columns_of(frame, None)
        numeric = [
            name
            for name, dtype in columns.schema.items()
            if dtype.is_numeric() and not _is_identifier(name)
        ][: MAX_METRICS - 2]
        rows, gaps, means = self._asked(frame, list(columns.schema), numeric)
        cells = rows * len(gaps)
        return [
            Figure("Rows", rows),
            Figure("Missing", sum(gaps) / cells if cells else None, "percent"),
            *(
                Figure(f"mean {clean(name)}", plain(mean))
                for name, mean in zip(numeric, means, strict=True)
            ),
        ]

    @staticmethod
    def _asked(
        frame: Frame, names: Sequence[str], numeric: Sequence[str]
    ) -> tuple[int, Sequence[int], Sequence[Any]]:
        # Three expressions, however many columns: one for each column would cost more than its
        # answer.
        asked = [ROWS.alias(ROWS_NAME)]
        if names:
            asked.append(nw.col(*names).null_count())
        if numeric:
            asked.append(nw.col(*numeric).mean().name.prefix(_MEAN))
        try:
            (row,) = rows_of(frame.select(*asked))
        except Exception as error:
            metrics = [Aggregate(f"mean {name}", (nw.col(name).mean(),)) for name in numeric]
            raise explained(frame, [Aggregate("Rows", (ROWS,)), *metrics], error) from error
        # Of no rows, DuckDB counts nothing, not even 0; and its counts are decimals.
        gaps = [int(gap or 0) for gap in row[1 : len(names) + 1]]
        return row[0], gaps, row[len(names) + 1 :]


def _is_identifier(name: str) -> bool:
    lowered = str(name).lower()  # pandas takes any object as a name
    return lowered in _IDENTIFIERS or lowered.endswith(("_id", " id", "_key"))


@attrs.frozen
class TopPlan:
    """The largest groups of a column.

    Parameters
    ----------
    by : str
        The column of the groups.
    of : str, narwhals.Expr or None
        What is aggregated; None counts rows.
    how : str or float
        The aggregation.
    n : int
        1 to 8.
    k : int
        Groups of fewer rows are warned of.
    order_by : str or list of str, optional
        For `first` and `last`.
    """

    by: str
    of: Any
    how: Any
    n: int
    k: int = SMALLEST_GROUP
    order_by: str | Sequence[str] | None = None

    def measure(self, native: Any) -> list[Figure]:
        """Return the largest groups."""
        found = self._groups(read_frame(native), None)
        # No group at all: a card needs a metric, and this one says that there is nothing.
        return _unique(found) or [Figure(clean(self.by) or MISSING, None)]

    def remarks(self, shown: Sequence[Figure]) -> list[str]:
        """Warn of small groups."""
        small = sum(f.group_rows is not None and f.group_rows < self.k for f in shown)
        if not small:
            return []
        have = "has" if small == 1 else "have"
        remark = (
            f"{small} of the groups by {self.by!r} {have} fewer than {self.k} rows: such a figure "
            "may tell about single people. Group more coarsely, or say k=0 if that is no matter"
        )
        return [remark]

    def baseline(self, native: Any, shown: Sequence[Figure]) -> dict[str, Any]:
        """Return what the shown groups are in another frame."""
        labels = {figure.group: figure.label for figure in shown if figure.group is not None}
        found = self._groups(read_frame(native), list(labels)) if labels else []
        return {labels[one.group]: one.value for one in found if one.group is not None}

    def _groups(self, frame: Frame, only: list[Any] | None) -> list[Figure]:
        columns = columns_of(frame, self.order_by)
        columns.check_order()
        if not columns.has(self.by):
            raise columns.unknown("by", self.by, self.by)
        if self.of is None:
            prepared, aggregate = frame, read_aggregate("of", "count", columns)
        else:
            prepared, aggregate = self._prepared(frame, columns)
        try:
            rows = rows_of(self._largest(prepared, aggregate, only))
        except Exception as error:
            raise explained(prepared, [aggregate], error) from error
        return [
            Figure(
                _group_name(group),
                read_value(aggregate, value),
                aggregate.natural_format,
                group,
                int(size),
            )
            for group, value, size in ((plain(row[0]), *row[1:]) for row in rows)
        ]

    def _prepared(self, frame: Frame, columns: Columns) -> tuple[Frame, Aggregate]:
        spec = (self.of, self.how)
        if callable(self.how):
            hint = "Say it with the name of an aggregation or a narwhals expression"
            raise PayloadError("of", spec, "groups cannot be handed to a callable", hint)
        target = read_target("of", self.of, self.how, columns, spec)
        if target.column is None:
            # By group, the engines are fast with columns only.
            frame = frame.with_columns(target.expr.alias(_OF))
            target = attrs.evolve(target, expr=nw.col(_OF))
        ordered, ranked = needs_order(self.how), needs_ranks(self.how)
        if ordered and isinstance(frame, nw.DataFrame) and not columns.order_by:
            frame = frame.with_row_index(_ROW)
            columns = attrs.evolve(columns, order_by=(_ROW,))
        incapable = (ordered and not columns.orders_groups) or (ranked and not columns.ranks_groups)
        columns = attrs.evolve(columns, by=self.by, ranks=True)
        aggregate = aggregate_of("of", target, self.how, columns, spec)
        if incapable:
            used = dict.fromkeys([self.by, target.column or _OF, *columns.order_by])
            frame = brought_to_pandas(frame.select(*used))
        return frame, aggregate

    def _largest(self, frame: Frame, aggregate: Aggregate, only: list[Any] | None) -> Frame:
        if only is not None:
            frame = frame.filter(nw.col(self.by).is_in(only))
        asked = {0: aggregate}
        grouped = with_steps(frame, [aggregate]).group_by(self.by).agg(*simple_parts(asked))
        valued = grouped.select(self.by, *combined(asked), ROWS_NAME)
        # Equal values in the order of their names: the card does not flicker.
        order = [value_name(0), self.by]
        return valued.sort(*order, descending=[True, False], nulls_last=True).head(self.n)


# Names that no column of a user's frame has.
_MEAN: Final = "activitysmith_mean_"
_OF: Final = "activitysmith_of"
_ROW: Final = "activitysmith_row"


def _group_name(group: Any) -> str:
    if group is None:
        return MISSING
    if isinstance(group, float) and group.is_integer():
        group = int(group)  # pandas has no whole numbers beside missing ones
    if isinstance(group, datetime):
        group = f"{group:%Y-%m-%d %H:%M}"
    return clean(group) or "(empty)"


def _unique(found: list[Figure]) -> list[Figure]:
    """Tell groups apart that read the same, such as 1 and "1"."""
    seen: dict[str, int] = {}
    named = []
    for figure in found:
        seen[figure.label] = seen.get(figure.label, 0) + 1
        times = seen[figure.label]
        named.append(
            figure if times == 1 else attrs.evolve(figure, label=f"{figure.label} ({times})")
        )
    return named
