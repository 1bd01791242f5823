"""What a bar costs per iteration: ours, tqdm's, and the bare loop.

Each figure is the minimum over many rounds in which the variants take turns, so that a busy moment
of the machine hits all of them; and it is processor time, helper threads included, so that other
programs' share does not count. "share" is our cost above the bare loop, divided by tqdm's::

    python benchmarks/overhead.py
    python benchmarks/overhead.py --rounds 30 --json overhead.json --plot docs/images/overhead.png

Ours is the class that users import, its phone on and its server out of reach; where only tqdm is
installed, ``--bare-mixin`` measures what its loop and its ``update()`` are made of.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import platform
import sys
import types
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import tqdm.auto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT = Path(__file__).resolve().parents[1]
ITEMS = 1_000_000  # enough to get past tqdm's first tenth of a second, when it is slower
BARS = 200


def our_bar(*, bare_mixin: bool) -> type:
    """Return the class that users import, or the mixin alone on ``tqdm.auto``."""
    if not bare_mixin:
        sys.path.insert(0, str(ROOT))
        ours = importlib.import_module("activitysmith_jupyter")
        ours.configure(api_key="benchmark", base_url="http://127.0.0.1:9", flush_seconds=0)
        found: type = ours.tqdm
        return found
    # By its folder: the package's own imports may be missing.
    package = types.ModuleType("bench_package")
    package.__path__ = [str(ROOT / "activitysmith_jupyter")]
    sys.modules[package.__name__] = package
    mixin = importlib.import_module("bench_package._fastloop").FastLoop
    return type("FastBar", (mixin, tqdm.auto.tqdm), {})


def telegram_bar() -> type | None:
    """Return tqdm's own bar for a messenger, its network stubbed; None without requests."""
    try:
        from tqdm.contrib import telegram  # noqa: PLC0415 - needs an optional package
    except ImportError:
        return None

    class Silent:
        text = ""

        def __init__(self, *_: object) -> None:
            """Take a token and a chat, and keep neither."""

        def write(self, text: str) -> None:
            """Send nothing."""

        delete = close = lambda *_: None

    telegram.TelegramIO = Silent  # type: ignore[assignment, misc] # the point of the stub
    bar: type = telegram.tqdm_telegram
    return type("Telegram", (bar,), {"__init__": _with_token(bar)})


def _with_token(bar: type) -> Callable[..., None]:
    def start(self: Any, *args: Any, **kwargs: Any) -> None:
        bar.__init__(self, *args, token="", chat_id="", **kwargs)  # type: ignore[misc]

    return start


class Loader:
    """Iterates in Python, as torch's DataLoader does."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        return LoaderIterator(self.length)


class LoaderIterator:
    """Hands out one number after the other."""

    def __init__(self, length: int) -> None:
        self.left = length

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if not self.left:
            raise StopIteration
        self.left -= 1
        return self.left


def sources() -> dict[str, tuple[int, Callable[[], Iterable[Any]]]]:
    """Return what the loops walk: how many items, and a maker of fresh iterables."""
    numbers = list(range(ITEMS))
    found: dict[str, tuple[int, Callable[[], Iterable[Any]]]] = {
        "range": (ITEMS, lambda: range(ITEMS)),
        "list": (ITEMS, lambda: numbers),
        "generator": (ITEMS, lambda: (i for i in numbers)),
        "loader": (ITEMS, lambda: Loader(ITEMS)),
    }
    try:
        import numpy as np  # noqa: PLC0415 - optional here
    except ImportError:
        return found
    array = np.arange(ITEMS)
    return found | {"numpy": (ITEMS, lambda: array)}


def walk(items: Iterable[Any]) -> None:
    """Loop with an empty body."""
    for _ in items:
        pass


def update(bar: Any) -> None:
    """Update by hand, once per item."""
    for _ in range(ITEMS):
        bar.update()


def open_and_close(make: Callable[..., Any]) -> None:
    """Make, walk and close short bars."""
    for _ in range(BARS):
        walk(make(range(1)))


def timed(items: int, work: Callable[[Any], None], subject: Any) -> float:
    """Return the nanoseconds that one of `items` took."""
    begun = process_time()
    work(subject)
    return (process_time() - begun) / items * 1e9


def measure(bars: dict[str, type], rounds: int) -> dict[str, dict[str, float]]:
    """Return nanoseconds per item, by case and variant."""
    best: dict[str, dict[str, float]] = {}

    def note(case: str, variant: str, took: float) -> None:
        row = best.setdefault(case, {})
        row[variant] = min(row.get(variant, took), took)

    for _ in range(rounds):
        for case, (items, make) in sources().items():
            note(case, "bare", timed(items, walk, make()))
            for variant, bar in bars.items():
                note(case, variant, timed(items, walk, _silent(bar)(make())))
        note("disabled", "bare", timed(ITEMS, walk, range(ITEMS)))
        note("update", "bare", timed(ITEMS, walk, range(ITEMS)))
        note("one bar", "bare", timed(BARS, open_and_close, iter))
        for variant, bar in bars.items():
            note("disabled", variant, timed(ITEMS, walk, bar(range(ITEMS), disable=True)))
            with bar(total=ITEMS, file=io.StringIO()) as by_hand:
                note("update", variant, timed(ITEMS, update, by_hand))
            note("one bar", variant, timed(BARS, open_and_close, _silent(bar)))
    return best


def _silent(bar: type) -> Callable[[Any], Any]:
    return lambda items: bar(items, file=io.StringIO())


def share(row: dict[str, float]) -> float:
    """Return our cost above the bare loop as a share of tqdm's."""
    return (row["ours"] - row["bare"]) / (row["tqdm"] - row["bare"])


def table(figures: dict[str, dict[str, float]]) -> str:
    """Return the figures as text."""
    variants = list(next(iter(figures.values())))
    lines = [f"{'ns per item':<12}" + "".join(f"{v:>12}" for v in variants) + f"{'share':>9}"]
    for case, row in figures.items():
        cells = "".join(f"{row[variant]:>12.1f}" for variant in variants)
        lines.append(f"{case:<12}{cells}{share(row):>9.3f}")
    return "\n".join(lines)


def plot(figures: dict[str, dict[str, float]], where: Path) -> None:
    """Draw the cost above the bare loop, ours beside tqdm's."""
    plt = importlib.import_module("matplotlib.pyplot")  # optional

    cases = [case for case in figures if case != "one bar"]
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for shift, variant, colour in ((-0.2, "tqdm", "#9aa0a6"), (0.2, "ours", "#1a73e8")):
        extra = [figures[case][variant] - figures[case]["bare"] for case in cases]
        places = [place + shift for place in range(len(cases))]
        bars = axes.bar(places, extra, 0.38, label=variant, color=colour)
        axes.bar_label(bars, fmt="%.0f", fontsize=8)
    axes.set_xticks(range(len(cases)), cases)
    axes.set_ylabel("ns per item above the bare loop")
    axes.set_title(f"Python {platform.python_version()}, tqdm {version('tqdm')}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    where.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(where, dpi=150)


def main() -> None:
    """Measure, print a table, and keep the figures where asked."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--bare-mixin", action="store_true", help="without the phone")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="for instance docs/images/overhead.png")
    wishes = parser.parse_args()
    bars = {"tqdm": tqdm.auto.tqdm, "ours": our_bar(bare_mixin=wishes.bare_mixin)}
    if (messenger := telegram_bar()) is not None:
        bars["telegram"] = messenger
    figures = measure(bars, wishes.rounds)
    print(f"Python {platform.python_version()}, tqdm {version('tqdm')}, {wishes.rounds} rounds")
    print(table(figures))
    if wishes.json:
        wishes.json.write_text(json.dumps(figures, indent=2) + "\n")
    if wishes.plot:
        plot(figures, wishes.plot)


if __name__ == "__main__":
    main()
