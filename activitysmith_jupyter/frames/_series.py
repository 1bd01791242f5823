"""`series.activity`: one number of one column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack

from activitysmith_jupyter.frames import _jobs
from activitysmith_jupyter.frames._kpis import Kpis

if TYPE_CHECKING:
    from collections.abc import Callable

    from activitysmith_jupyter.frames._options import Looks
    from activitysmith_jupyter.frames._report import Report

__all__ = ["SeriesKpis", "series_kpis"]

_R = TypeVar("_R")


class SeriesKpis(Generic[_R]):
    """What one column can tell a phone: ``series.activity``.

    Parameters
    ----------
    series : pandas.Series or polars.Series
        (n_rows,)
    run : callable
        As for `Kpis`.
    """

    def __init__(self, series: Any, run: Callable[[_jobs.Job], _R]) -> None:
        self._series = series
        self._run = run

    def preview(self) -> SeriesKpis[Report]:
        """Return the same method, which sends nothing; see `Kpis.preview`."""
        return SeriesKpis(self._series, _jobs.preview)

    def value(self, name: str, how: Any, /, **looks: Unpack[Looks]) -> _R:
        """Show one number of the column, large.

        Parameters
        ----------
        name : str
            As for `Kpis.stats`.
        how : str, float or callable
            The aggregation: ``"mean"``, ``"p95"``, ``0.95``, or a function of the series.
        **looks
            See `Kpis`.
        """
        series = self._series
        if not isinstance(series.name, str) or not series.name:
            series = series.rename("value")
        return Kpis(series.to_frame(), self._run).value(name, (series.name, how), **looks)

    def __repr__(self) -> str:
        return f"<SeriesKpis of {self._series.name!r}>"


def series_kpis(series: Any, /) -> SeriesKpis[Report]:
    """Return what a column can tell a phone: ``series.activity``."""
    return SeriesKpis(series, _jobs.send)
