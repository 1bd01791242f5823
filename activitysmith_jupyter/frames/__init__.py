"""KPIs from any DataFrame, on an iPhone's Lock Screen.

On pandas and polars it is there by itself, on every other frame through one function::

    df.activity.stats("sales", Revenue=("revenue", "sum"), Orders=("order_id", "nunique"))
    kpis(duckdb_relation).stats("sales", Revenue=("revenue", "sum"))

The frame's own engine computes the aggregates in one query. Only the named aggregates leave the
machine, never rows. Importing this package loads no pandas, polars or narwhals.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ._kpis import Kpis as Kpis, kpis as kpis
    from ._report import Report as Report
    from ._series import SeriesKpis as SeriesKpis
    from ._watch import Watch as Watch

_HOME_OF: Final = {
    "Kpis": "_kpis",
    "Report": "_report",
    "SeriesKpis": "_series",
    "Watch": "_watch",
    "kpis": "_kpis",
}

__all__ = ["Kpis", "Report", "SeriesKpis", "Watch", "kpis"]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
