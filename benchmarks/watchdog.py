"""What the watchdog costs, and how soon it speaks.

Printed: seconds from ``kill -9`` of a program to the red card on the emulated phone (median and
worst of the kills), memory of the waiting helper, and the longest pause of a busy user's thread
around the moment at which the helper is started, with and without it.

    python benchmarks/watchdog.py [--kills 20]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from activitysmith_jupyter.emulator import Emulator

PROGRAM = """
import os, sys, time
from activitysmith_jupyter import _barcard, tqdm
from activitysmith_jupyter._runtime import runtime
_barcard.should_open = lambda *_: True   # a short loop that has a card all the same
watchdog = runtime().courier._watchdog
for step in tqdm(range(100), desc="Train", file=open(os.devnull, "w")):
    if step == 43:
        while True:
            with watchdog._lock:
                if watchdog._cards:
                    break
            time.sleep(0.01)
        print(os.getpid(), flush=True)
        time.sleep(600)
"""

BUSY = """
import os, sys, time
from activitysmith_jupyter import Activity
from activitysmith_jupyter._runtime import runtime
import httpx, subprocess, activitysmith_jupyter._http   # their import is not what is measured
weight = bytearray(int(sys.argv[2]) << 20)
for place in range(0, len(weight), 4096):
    weight[place] = 1
courier = runtime().courier
if sys.argv[1] == "without":
    courier._watchdog = None
activity = Activity("busy", percentage=1)
activity.open()
longest, last = 0.0, time.perf_counter()
end = last + 1.5
while last < end:
    now = time.perf_counter()
    longest, last = max(longest, now - last), now
activity.end()
print(1000 * longest)
"""


def _environment(emulator: Emulator) -> dict[str, str]:
    return os.environ | {
        "ACTIVITYSMITH_API_KEY": emulator.api_key,
        "ACTIVITYSMITH_BASE_URL": emulator.base_url,
    }


def _helper_memory() -> dict[str, int]:
    """Return kB of the newest helper on this machine; empty where there is no ``/proc``."""
    found: dict[str, int] = {}
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            if b"_watchdog_child.py" in (folder / "cmdline").read_bytes():
                lines = (folder / "smaps_rollup").read_text(encoding="ascii").splitlines()
                fields = (line.split() for line in lines[1:])
                found = {name.rstrip(":"): int(kilobytes) for name, kilobytes, *_ in fields}
        except OSError:
            continue
    return found


def _memory_at_rest() -> dict[str, int]:
    """Return kB of the newest helper once it has started up and waits."""
    before, now = {"": 0}, _helper_memory()
    while before != now:
        time.sleep(0.2)
        before, now = now, _helper_memory()
    return now


def measure_kill(emulator: Emulator) -> tuple[float, dict[str, int]]:
    """Return seconds from the kill to the end on the phone, and the helper's memory."""
    emulator.reset()
    with subprocess.Popen(  # noqa: S603  this Python, the text above
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        env=_environment(emulator),
    ) as program:
        assert program.stdout is not None  # noqa: S101  for the type checker
        program.stdout.readline()
        memory = _memory_at_rest()
        began = time.perf_counter()
        program.kill()
        emulator.wait_for(lambda: emulator.phone.cards[0]["status"] == "ended", 30)
        return time.perf_counter() - began, memory


def measure_pause(emulator: Emulator, how: str, megabytes: int) -> float:
    """Return the longest pause of the user's thread, milliseconds."""
    done = subprocess.run(  # noqa: S603  as above
        [sys.executable, "-c", BUSY, how, str(megabytes)],
        stdout=subprocess.PIPE,
        env=_environment(emulator),
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    kills = parser.parse_args().kills
    with Emulator(rate_limits="off", limit=100) as emulator:
        measured = [measure_kill(emulator) for _ in range(kills)]
        seconds = sorted(delay for delay, _ in measured)
        print(f"kill -9 to the red card, {kills} kills:")
        print(f"  median {statistics.median(seconds):.2f} s, worst {seconds[-1]:.2f} s")
        memory = measured[-1][1]
        if memory:
            own = memory["Private_Clean"] + memory["Private_Dirty"]
            print("helper's memory while it waits:")
            print(
                f"  {memory['Rss'] / 1024:.1f} MB resident, {memory['Pss'] / 1024:.1f} MB its"
                f" share, {own / 1024:.1f} MB its own"
            )
        print("longest pause of a busy thread when the first card opens (5 runs, median):")
        for megabytes in (0, 1000):
            for how in ("without", "with"):
                pauses = [measure_pause(emulator, how, megabytes) for _ in range(5)]
                print(
                    f"  {how} the helper, process of {megabytes} MB more:"
                    f" {statistics.median(pauses):.1f} ms"
                )


if __name__ == "__main__":
    main()
