"""Frames of every engine, real data, and an emulated phone for what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.dataframe as dd
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from support.kpi_answers import read_flights

from activitysmith_jupyter import configure
from activitysmith_jupyter.emulator import Device, Emulator
from activitysmith_jupyter.frames import _accessors, _memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


PHONE = Device(name="iPhone", channels=("sales",))


def _dask(frame: pd.DataFrame) -> Any:
    return dd.from_pandas(frame, npartitions=2)


def _duckdb(frame: pd.DataFrame) -> Any:
    return duckdb.from_arrow(pa.Table.from_pandas(frame, preserve_index=False))


ENGINES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "polars lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "duckdb": _duckdb,
    "dask": _dask,
}


@pytest.fixture(
    scope="session", params=list(ENGINES), ids=[name.replace(" ", "-") for name in ENGINES]
)
def engine(request: pytest.FixtureRequest) -> Callable[[pd.DataFrame], Any]:
    """Turn a pandas frame into a frame of one engine."""
    return ENGINES[request.param]


@pytest.fixture(scope="session")
def flights() -> pd.DataFrame:
    """All flights that left New York in 2013."""
    return read_flights()


@pytest.fixture(scope="session", autouse=True)
def accessors() -> None:
    """Have the accessors where the package's own import has not brought them."""
    _accessors.register_accessors()


@pytest.fixture(autouse=True)
def own_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep what is remembered out of the user's folder, and out of the next test."""
    folder = tmp_path / "state"
    monkeypatch.setattr(_memory, "state_folder", lambda: folder)
    monkeypatch.setattr(_memory.Memory, "_of_this_process", {})
    return folder


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Serve an account of its own, configured as the user's; check every request at the end."""
    with Emulator(devices=(PHONE,), metrics=None, rate_limits="off", limit=20) as served:
        configure(api_key=served.api_key, base_url=served.base_url)
        yield served
        served.check()


@pytest.fixture
def sales() -> pd.DataFrame:
    """Six orders with gaps."""
    return pd.DataFrame(
        {
            "order_id": [101, 102, 103, 104, 105, 105],
            "revenue": [1000.0, 500.0, None, 700.0, 230.0, 0.0],
            "region": ["north", "south", "north", None, "south", "north"],
            "status": ["done", "done", "failed", "open", None, "done"],
            "paid": [True, False, True, True, False, True],
            "day": pd.to_datetime(
                ["2026-01-05", "2026-01-01", None, "2026-01-03", "2026-01-04", "2026-01-02"]
            ),
            "took": pd.to_timedelta([60, 7500, 0, 90, 30, 45], unit="s"),
        }
    )


@pytest.fixture(scope="session")
def engines() -> dict[str, Callable[[pd.DataFrame], Any]]:
    """Return all engines by name."""
    return ENGINES
