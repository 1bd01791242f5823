"""A loop of a million steps, with the server well and in every kind of trouble.

Each round runs every case once, in a fresh interpreter; the smallest time of the rounds counts. The
steps are heavy enough for the loop to outlast the card's first requests: beside a busy thread the
background thread needs seconds to import httpx.
Printed: seconds of the loop and its ratio to the healthy server's, seconds from the loop's end to
the exit of the program, requests that reached the server, and how often the user was told.

    python benchmarks/faults.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from activitysmith_jupyter.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEPS = 1_000_000
FLUSH_SECONDS = 5

PROGRAM = f"""
import os, sys, time
from activitysmith_jupyter import _barcard, tqdm
_barcard.should_open = lambda *_: True   # a short loop that has a card all the same
begun = time.perf_counter()
total = 0
for step in tqdm(range({STEPS}), file=open(os.devnull, "w")):
    total += sum(range(step % 1500))
print("loop", time.perf_counter() - begun, flush=True)
"""


@contextmanager
def _emulator(setup: Callable[[Emulator], Any]) -> Iterator[tuple[str, Emulator | None]]:
    with Emulator(rate_limits="off") as emulator:
        setup(emulator)
        try:
            yield emulator.base_url, emulator
        finally:
            emulator.faults.clear()


@contextmanager
def _refusing() -> Iterator[tuple[str, None]]:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets the port
        yield f"http://127.0.0.1:{closed.getsockname()[1]}/api", None


@contextmanager
def _nowhere() -> Iterator[tuple[str, None]]:
    yield "https://no-such-host.invalid/api", None


def _faulty(kind: str, **options: Any) -> Callable[[], Any]:
    return lambda: _emulator(lambda emulator: emulator.faults.add(kind, **options))


CASES: dict[str, Callable[[], Any]] = {
    "healthy": lambda: _emulator(lambda _: None),
    "refuses connections": _refusing,
    "accepts, never answers": _faulty("hang"),
    "500": _faulty("status", status=500),
    "429": _faulty("status", status=429),
    "402": _faulty("status", status=402),
    "401": _faulty("status", status=401),
    "garbage": _faulty("garbage"),
    "resets": _faulty("reset"),
    "unknown host": _nowhere,
}


def run(case: str) -> tuple[float, float, str, int]:
    """Run one case and return loop seconds, exit seconds, requests, and warnings."""
    import time  # noqa: PLC0415  beside its only use

    with CASES[case]() as (base_url, emulator):
        environment = {
            **os.environ,
            "ACTIVITYSMITH_API_KEY": "ask_benchmark",
            "ACTIVITYSMITH_BASE_URL": base_url,
            "ACTIVITYSMITH_FLUSH_SECONDS": str(FLUSH_SECONDS),
        }
        if emulator is not None:
            environment["ACTIVITYSMITH_API_KEY"] = emulator.api_key
        program = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-c", PROGRAM],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert program.stdout is not None  # noqa: S101  asked for above
        line = program.stdout.readline()
        looped = time.perf_counter()
        _, errors = program.communicate(timeout=120)
        exit_seconds = time.perf_counter() - looped
        if program.returncode:
            raise SystemExit(f"{case}: the program failed\n{errors}")
        requests = "-" if emulator is None else str(len(emulator.requests))
    return float(line.split()[1]), exit_seconds, requests, errors.count("ActivitySmithWarning")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    results: dict[str, list[tuple[float, float, str, int]]] = {case: [] for case in CASES}
    for _ in range(rounds):
        for case, runs in results.items():
            runs.append(run(case))
    healthy = min(run[0] for run in results["healthy"])
    print(f"{STEPS:,} steps, smallest of {rounds} rounds, flush bound {FLUSH_SECONDS} s\n")
    print(f"{'server':<24} {'loop s':>7} {'ratio':>6} {'exit s':>7} {'requests':>9} {'told':>5}")
    for case, runs in results.items():
        loop = min(run[0] for run in runs)
        exit_seconds = max(run[1] for run in runs)
        print(
            f"{case:<24} {loop:7.2f} {loop / healthy:6.2f} {exit_seconds:7.2f} "
            f"{runs[-1][2]:>9} {runs[-1][3]:>5}"
        )


if __name__ == "__main__":
    main()
