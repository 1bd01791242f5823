"""`kpis(frame)` and `df.activity`: the methods that turn a frame into a card."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, Unpack

from activitysmith_jupyter._fields import integer
from activitysmith_jupyter._states import MAX_METRICS
from activitysmith_jupyter.frames import _jobs
from activitysmith_jupyter.frames._options import Looks, Options
from activitysmith_jupyter.frames._plans import (
    SMALLEST_GROUP,
    AggregatePlan,
    DescribePlan,
    Plan,
    ProgressPlan,
    TopPlan,
)
from activitysmith_jupyter.frames._specs import Specs, pairs_of
from activitysmith_jupyter.frames._watch import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from activitysmith_jupyter.frames._changes import Good
    from activitysmith_jupyter.frames._numbers import Format
    from activitysmith_jupyter.frames._report import Kind, Report
    from activitysmith_jupyter.frames._watch import Watch

__all__ = ["Kpis", "kpis"]

_R = TypeVar("_R")

_count: Final = integer(minimum=1, maximum=MAX_METRICS)
_rows: Final = integer(minimum=0)


class Kpis(Generic[_R]):
    """What a frame can tell a phone.

    ``df.activity`` on pandas and polars, ``kpis(frame)`` for any frame that narwhals reads. Every
    method asks the frame's own engine once, sends the answer, and returns it as a `Report`.

    Parameters
    ----------
    source : frame or callable
        (n_rows, n_columns), eager or lazy; or a function without arguments that returns one.
    run : callable
        What becomes of a call: it is sent, shown, or repeated.

    Notes
    -----
    All methods share these keyword options:

    ``title``, ``subtitle`` : str
        The card's; the title is the name when left out.
    ``icon`` : str or Icon
        An SF Symbol.
    ``color`` : str
        The accent, where the card has one; levels and changes go over it.
    ``formats`` : str, callable, or mapping of label to one
        ``compact`` (default: 1.24M), ``integer``, ``percent`` (of a share, 0 to 1),
        ``currency:EUR``, ``bytes``, ``duration`` (of seconds), a format string, a function.
    ``locale`` : str, default "en"
        For separators and words; the machine's own locale plays no part.
    ``delta`` : "previous", mapping or frame
        What the values are compared with: what this stream key showed last (also before a restart
        of the kernel), numbers by label, or the same spec on another frame.
    ``good`` : {"up", "down"}, or mapping, default "up"
        Which direction is green.
    ``warn``, ``alert`` : mapping of label to limit
        ``"> 100"``, ``"< 2 %"``, a number or a function. Beyond it the metric turns orange or red,
        and one push goes out; the next one only after the metric has recovered.
    ``to`` : {"card", "widget", "badge", "push"} or several, default "card"
        Where it goes.
    ``keys`` : mapping of label to metric key
        For widgets; ``name-label`` when left out.
    ``badge`` : str
        The label of the metric on the app's icon.
    ``channels`` : list of str
        Whose phones.

    Aggregations are written as in pandas' ``agg``: ``Label=("column", "sum")``. There are
    ``count``, ``nunique``, ``sum``, ``mean``, ``median``, ``std``, ``min``, ``max``, ``first``,
    ``last``, ``change`` (last minus first), quantiles (``"p95"`` or ``0.95``), the share of a
    condition (``("status == 'done'", "share")``), ``Label="count"`` for rows, any narwhals
    expression, a function of the native frame, or ``("column", function)`` of the native column.
    Missing values are left out, as in pandas; a value that is missing reads as a dash.

    Examples
    --------
    >>> import pandas
    >>> import activitysmith_jupyter
    >>> df = pandas.DataFrame({"revenue": [1200.0, 1230.0], "order_id": [1, 2]})
    >>> report = df.activity.preview().stats(
    ...     "sales",
    ...     Revenue=("revenue", "sum"),
    ...     Orders=("order_id", "nunique"),
    ...     formats={"Revenue": "currency:USD"},
    ... )
    >>> report.texts
    {'Revenue': '$2,430', 'Orders': '2'}
    """

    def __init__(self, source: Any, run: Callable[[_jobs.Job], _R]) -> None:
        self._source = source
        self._run = run

    # ------------------------------------------------------------------ what becomes of it

    def preview(self) -> Kpis[Report]:
        """Return the same methods, which send nothing: their `Report` shows the card.

        Examples
        --------
        ``df.activity.preview().stats("sales", Revenue=("revenue", "sum"))``
        """
        return Kpis(self._source, _jobs.preview)

    def watch(self, every: str | float | timedelta = "5m") -> Kpis[Watch]:
        """Return the same methods, which keep their card fresh from a background thread.

        Parameters
        ----------
        every : str, float or timedelta, default "5m"
            A span such as ``"30s"``, ``"5m"``, ``"1h"``, or seconds; at least 1 second.

        Notes
        -----
        Mostly for a function that reads anew: ``kpis(read_orders).watch("5m").stats(...)``. It is
        called at once, so that a mistake is an error here, and then in the background. The methods
        return a `Watch`; it ends with ``stop()``, or with the kernel.
        """
        return Kpis(self._source, partial(_jobs.watch, every_seconds=seconds_of(every)))

    # ------------------------------------------------------------------ what is asked

    def stats(  # noqa: PLR0913  keyword-only, and each is worth its place in the help
        self,
        name: str,
        aggregates: Specs | None = None,
        /,
        *,
        title: str | None = None,
        subtitle: str | None = None,
        icon: Any = None,
        formats: Format | Mapping[str, Format] | None = None,
        locale: str = "en",
        delta: Any = None,
        good: Good | Mapping[str, Good] | None = None,
        warn: Any = None,
        alert: Any = None,
        to: str | Sequence[str] = "card",
        keys: Mapping[str, str] | None = None,
        badge: str | None = None,
        channels: Sequence[str] | str | None = None,
        order_by: str | Sequence[str] | None = None,
        **named: Any,
    ) -> _R:
        """Show up to eight numbers side by side.

        Parameters
        ----------
        name : str
            The stream key; any other text becomes the title, and a key is made from it.
        aggregates : mapping or pairs, optional
            For labels that are no Python names.
        order_by : str or list of str, optional
            What `first`, `last` and `change` go by; needed for lazy frames. Among rows of the same
            place the smallest value is the first, and the largest the last.
        title, subtitle, icon, formats, locale, delta, good, warn, alert, to, keys, badge, channels
            See `Kpis`.
        **named
            ``Label=aggregation``; see `Kpis`.

        Raises
        ------
        PayloadError
            The spec does not fit the frame; nothing was sent.
        """
        options = Options(
            title=title,
            subtitle=subtitle,
            icon=icon,
            formats=formats,
            locale=locale,
            delta=delta,
            good=good,
            warn=warn,
            alert=alert,
            to=to,
            keys=keys,
            badge=badge,
            channels=channels,
        )
        return self._aggregated("stats", name, pairs_of(aggregates, named), order_by, options)

    def metrics(  # noqa: PLR0913  as stats
        self,
        name: str,
        aggregates: Specs | None = None,
        /,
        *,
        title: str | None = None,
        subtitle: str | None = None,
        icon: Any = None,
        color: str | None = None,
        formats: Format | Mapping[str, Format] | None = None,
        locale: str = "en",
        delta: Any = None,
        good: Good | Mapping[str, Good] | None = None,
        warn: Any = None,
        alert: Any = None,
        to: str | Sequence[str] = "card",
        keys: Mapping[str, str] | None = None,
        badge: str | None = None,
        channels: Sequence[str] | str | None = None,
        order_by: str | Sequence[str] | None = None,
        **named: Any,
    ) -> _R:
        """Show percentages with bars; two read best.

        A share, and whatever has the format ``percent``, counts from 0 to 1; any other number is a
        percentage already. A change shows as the colour. The parameters are those of `stats`.
        """
        options = Options(
            title=title,
            subtitle=subtitle,
            icon=icon,
            color=color,
            formats=formats,
            locale=locale,
            delta=delta,
            good=good,
            warn=warn,
            alert=alert,
            to=to,
            keys=keys,
            badge=badge,
            channels=channels,
        )
        return self._aggregated("metrics", name, pairs_of(aggregates, named), order_by, options)

    def value(
        self,
        name: str,
        aggregate: Any,
        /,
        *,
        order_by: str | Sequence[str] | None = None,
        **looks: Unpack[Looks],
    ) -> _R:
        """Show one number, large.

        Parameters
        ----------
        name : str
            As for `stats`; also the metric's label.
        aggregate : object
            An aggregation as in ``Label=aggregation``.
        order_by : str or list of str, optional
            As for `stats`.
        **looks
            See `Kpis`.
        """
        pairs = pairs_of([(name, aggregate)], {})
        return self._aggregated("value", name, pairs, order_by, Options(**looks))

    def top(  # noqa: PLR0913  keyword-only
        self,
        name: str,
        /,
        *,
        by: str,
        of: Any = None,
        how: Any = "sum",
        n: int = 6,
        k: int = SMALLEST_GROUP,
        order_by: str | Sequence[str] | None = None,
        **looks: Unpack[Looks],
    ) -> _R:
        """Show the largest groups.

        Parameters
        ----------
        name : str
            As for `stats`.
        by : str
            The column of the groups; their names are shown.
        of : str or narwhals expression, optional
            What is aggregated; the rows are counted when left out.
        how : str or float, default "sum"
            The aggregation.
        n : int, default 6
            How many groups, 1 to 8.
        k : int, default 5
            A group of fewer rows than this is warned of: its figure may tell about one person.
        order_by : str or list of str, optional
            As for `stats`.
        **looks
            See `Kpis`.
        """
        plan = TopPlan(by, of, how, _count(n, "n"), _rows(k, "k"), order_by)
        return self._asked("stats", name, plan, Options(**looks), None)

    def describe(self, name: str = "Data overview", /, **looks: Unpack[Looks]) -> _R:
        """Show rows, the share of missing cells, and the means of up to six numeric columns.

        Columns that are named like identifiers or parts of a date are left out.

        Parameters
        ----------
        name : str, default "Data overview"
            As for `stats`.
        **looks
            See `Kpis`.
        """
        return self._asked("stats", name, DescribePlan(), Options(**looks), None)

    def progress(
        self,
        name: str = "Work progress",
        /,
        *,
        done: Any,
        failed: Any = None,
        **looks: Unpack[Looks],
    ) -> _R:
        """Show how many rows of a work table are done.

        Parameters
        ----------
        name : str, default "Work progress"
            As for `stats`.
        done : str or narwhals expression
            A condition such as ``"status == 'done'"``.
        failed : str or narwhals expression, optional
            The same for what failed; shown as a badge.
        **looks
            See `Kpis`; the metrics are called ``rows``, ``done`` and ``failed``.
        """
        labels = ["rows", "done", "failed"] if failed is not None else ["rows", "done"]
        return self._asked("progress", name, ProgressPlan(done, failed), Options(**looks), labels)

    # ------------------------------------------------------------------ inside

    def _aggregated(
        self,
        kind: Kind,
        name: str,
        pairs: Sequence[tuple[str, Any]],
        order_by: str | Sequence[str] | None,
        options: Options,
    ) -> _R:
        plan = AggregatePlan(pairs, order_by)
        return self._asked(kind, name, plan, options, [label for label, _ in pairs])

    def _asked(
        self, kind: Kind, name: str, plan: Plan, options: Options, labels: Sequence[str] | None
    ) -> _R:
        job = _jobs.Job(
            kind=kind,
            name=name,
            plan=plan,
            source=self._source,
            options=options,
            labels=labels,
        )
        return self._run(job)

    def __repr__(self) -> str:
        return f"<Kpis of a {type(self._source).__name__}>"


def kpis(source: Any, /) -> Kpis[Report]:
    """Return what a frame can tell a phone: the methods of ``df.activity`` for any frame.

    Parameters
    ----------
    source : frame or callable
        (n_rows, n_columns): pandas, polars, pyarrow, DuckDB, Dask, PySpark, Ibis, Modin or cuDF; or
        a function without arguments that returns one, for `Kpis.watch`.

    Examples
    --------
    ``kpis(duckdb.sql("from 'orders.parquet'")).stats("sales", Revenue=("revenue", "sum"))``
    """
    return Kpis(source, _jobs.send)
