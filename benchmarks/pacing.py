"""How well the pacer spends the update budget, against the best that hindsight could do.

Ten loop shapes by seven lengths are played against each policy. The error of a run is the mean
over time of |shown - true|; what counts is its ratio to the offline optimum, which knows the whole
run in advance and keeps the same budget (found by dynamic programme). A run that breaks the rule
``n <= max(12, t / 120)`` is throttled: its updates are dropped for an hour, as iOS does.

Run ``python benchmarks/pacing.py``: about 45 s, or 6 s with ``--quick``, which leaves out the
lengths beyond an hour.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from _policies import (
    BURST,
    PERIOD,
    AsSoonAsLegal,
    ErrorTrigger,
    EvenlyOverRun,
    EveryPercent,
    Interval,
    LookAheadArea,
    Policy,
    TokenBucket,
)
from _shapes import RANDOM_SHAPES, SHAPES, UNSEEN_SHAPES

from activitysmith_jupyter._pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _shapes import Floats, Shape

LENGTHS = {
    "20 s": 20,
    "1 min": 60,
    "5 min": 300,
    "20 min": 1200,
    "1 h": 3600,
    "4 h": 14400,
    "10 h": 36000,
}
QUICK = ("20 s", "1 min", "5 min", "20 min", "1 h")
SEEDS = (1, 2, 3)
THROTTLED_SECONDS = 3600.0
CANDIDATES = 2500
IMPOSSIBLE = -1e300


class Run:
    """One simulated loop and the moments at which a worker looks at it."""

    def __init__(self, shape: str, length: str, ends: Floats, weight: float) -> None:
        self.shape, self.length, self.weight = shape, length, weight
        self.seconds = float(LENGTHS[length])
        ends = ends * self.seconds
        pacer = Pacer()
        now, looks = 0.15, []
        while now < self.seconds:
            looks.append(now)
            now += pacer.next_look_seconds(now)
        self.looks = np.array(looks)
        self.look_after_end = now
        done = np.searchsorted(ends, self.looks, side="right")
        self.done = done / len(ends)
        self.area = float(np.mean(self.seconds - ends))
        self.best = self.optimum(reserve=1)
        self.best_without_reserve = self.optimum(reserve=0)

    def candidates(self) -> tuple[list[float], list[float]]:
        """Return when and what an optimal plan may send: looks at which something moved."""
        moved = np.flatnonzero(np.diff(self.done, prepend=0) > 0)
        stride = math.ceil(len(moved) / CANDIDATES)
        gap = np.diff(moved, append=len(self.looks) + stride + 1)
        kept = moved[(np.arange(len(moved)) % stride == 0) | (gap > stride)]
        return self.looks[kept].tolist(), self.done[kept].tolist()

    def optimum(self, *, reserve: int) -> float:
        """Return the least mean error that any plan within the budget can have.

        ``gain[j]`` is the most area that k updates, the last at candidate j, can have covered by
        then. The next one's is the upper envelope of the lines ``gain[i] + p_i (t - t_i)``, whose
        slopes and queries both ascend.
        """
        when, done = self.candidates()
        most = max(BURST, int(self.seconds / PERIOD)) - reserve
        best, gain = 0.0, [0.0] * len(when)
        for number in range(1, most + 1):
            earliest = 0.0 if number + reserve <= BURST else PERIOD * (number + reserve)
            if number > 1:
                gain = next_gain(when, done, gain, earliest)
            covered = [g + p * (self.seconds - t) for t, p, g in zip(when, done, gain, strict=True)]
            best = max([best, *(c for c, g in zip(covered, gain, strict=True) if g > IMPOSSIBLE)])
        return (self.area - best) / self.seconds


def next_gain(
    when: list[float], done: list[float], gain: list[float], earliest: float
) -> list[float]:
    """Return the gains with one more update, none of them before `earliest`."""
    slopes: list[float] = []
    heights: list[float] = []
    at = 0
    result = []
    for t, p, g in zip(when, done, gain, strict=True):
        value = IMPOSSIBLE
        if slopes and t >= earliest:
            at = min(at, len(slopes) - 1)
            while at + 1 < len(slopes) and (
                slopes[at + 1] * t + heights[at + 1] >= slopes[at] * t + heights[at]
            ):
                at += 1
            value = slopes[at] * t + heights[at]
        result.append(value)
        if g > IMPOSSIBLE:
            height = g - p * t
            while len(slopes) > 1 and (
                (heights[-2] - height) * (slopes[-1] - slopes[-2])
                <= (heights[-2] - heights[-1]) * (p - slopes[-2])
            ):
                slopes.pop()
                heights.pop()
            slopes.append(p)
            heights.append(height)
    return result


class Outcome(NamedTuple):
    """How one policy did on one run."""

    run: Run
    error: float
    over_budget: bool
    finish_seconds: float  # from the end of the loop to 100 % on the phone

    @property
    def ratio(self) -> float:
        """Error as a multiple of the optimum's."""
        return self.error / self.run.best


def play(run: Run, policy: Policy) -> Outcome:
    """Let a policy pace a run, and let the phone throttle it where it breaks the rule."""
    policy.start(0.0)
    sent, covered, shown, since = 0, 0.0, 0.0, 0.0
    throttled_until, over = -1.0, False

    def send(now: float, done: float) -> bool:
        nonlocal sent, covered, shown, since, throttled_until, over
        sent += 1
        policy.record(now, done)
        if sent > max(BURST, now / PERIOD):
            over = True
            throttled_until = max(throttled_until, now + THROTTLED_SECONDS)
        if now < throttled_until:
            return False
        covered += shown * (now - since)
        shown, since = done, now
        return True

    for now, done in zip(run.looks.tolist(), run.done.tolist(), strict=True):
        if policy.due(now, done):
            send(now, done)
    covered += shown * (run.seconds - since)
    error = (run.area - covered) / run.seconds
    finish = run.look_after_end - run.seconds if send(run.look_after_end, 1.0) else math.inf
    return Outcome(run, error, over, finish)


class WithoutTotal(Pacer):
    """Our pacer for a loop that cannot say how long it is."""

    shown = 0.0

    def due(self, now: float, done: float) -> bool:
        """Say whether a sign of life is due."""
        return self.due_without_total(now, moved=done > self.shown)

    def record(self, now: float, shown: float | None = None) -> None:
        """Note what the phone shows."""
        super().record(now)
        self.shown = self.shown if shown is None else shown


KNOWN: dict[str, Callable[[], Policy]] = {
    **{f"every {s} s": lambda s=s: Interval(s) for s in (1, 5, 10, 60, 120)},  # type: ignore[misc]
    "every 1 %": EveryPercent,
    "token bucket": TokenBucket,
    "as soon as legal": AsSoonAsLegal,
    "error trigger": ErrorTrigger,
    "evenly over the run": EvenlyOverRun,
    "look-ahead area": LookAheadArea,
    "ours": Pacer,
}
UNKNOWN: dict[str, Callable[[], Policy]] = {
    **{f"every {s} s": lambda s=s: Interval(s) for s in (1, 5, 10, 60, 120)},  # type: ignore[misc]
    "token bucket": TokenBucket,
    "as soon as legal": AsSoonAsLegal,
    "ours": WithoutTotal,
}


def simulate(shapes: dict[str, Shape], lengths: Iterable[str]) -> list[Run]:
    """Return every shape at every length, the random ones several times."""
    runs = []
    for name, shape in shapes.items():
        seeds = SEEDS if name in RANDOM_SHAPES or shapes is UNSEEN_SHAPES else SEEDS[:1]
        for seed in seeds:
            ends = shape(np.random.default_rng(seed))
            runs += [Run(name, length, ends, 1 / len(seeds)) for length in lengths]
    return runs


def mean_ratio(outcomes: Iterable[Outcome]) -> float:
    """Return the geometric mean of the ratios."""
    chosen = list(outcomes)
    logs = sum(o.run.weight * math.log(o.ratio) for o in chosen)
    return math.exp(logs / sum(o.run.weight for o in chosen))


def compare(title: str, policies: dict[str, Callable[[], Policy]], runs: list[Run]) -> None:
    """Print one line per policy."""
    print(f"\n{title}")
    print(f"{'policy':<22}{'error/optimum':>14}{'worst':>9}{'error':>9}{'over budget':>13}")
    for name, make in policies.items():
        outcomes = [play(run, make()) for run in runs]
        over = sum(o.over_budget for o in outcomes)
        error = sum(o.error * o.run.weight for o in outcomes) / sum(r.weight for r in runs)
        print(
            f"{name:<22}{mean_ratio(outcomes):>14.3f}{max(o.ratio for o in outcomes):>9.1f}"
            f"{error:>8.2%}{over:>8} ={over / len(runs):>4.0%}"
        )


def details(runs: list[Run], lengths: Iterable[str]) -> None:
    """Print our pacer by shape and by length, and how it ends."""
    outcomes = [play(run, Pacer()) for run in runs]
    shapes = list(dict.fromkeys(run.shape for run in runs))
    print(f"\n{'ours':<16}" + "".join(f"{length:>8}" for length in lengths) + f"{'all':>8}")
    for shape in shapes:
        mine = [o for o in outcomes if o.run.shape == shape]
        cells = [mean_ratio(o for o in mine if o.run.length == length) for length in lengths]
        print(f"{shape:<16}" + "".join(f"{c:>8.2f}" for c in [*cells, mean_ratio(mine)]))
    cells = [mean_ratio(o for o in outcomes if o.run.length == length) for length in lengths]
    print(f"{'all':<16}" + "".join(f"{c:>8.2f}" for c in [*cells, mean_ratio(outcomes)]))
    weight = sum(run.weight for run in runs)
    logs = sum(o.run.weight * math.log(o.error / o.run.best_without_reserve) for o in outcomes)
    print(f"against an optimum that keeps no reserve: {math.exp(logs / weight):.3f}")
    on_time = sum(o.finish_seconds <= 2 for o in outcomes)
    print(f"100 % shown within 2 s of the end: {on_time} of {len(outcomes)} runs")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="only runs of up to an hour")
    lengths = QUICK if parser.parse_args().quick else tuple(LENGTHS)
    began = time.perf_counter()
    runs = simulate(SHAPES, lengths)
    compare(f"Known total, {len(runs)} runs", KNOWN, runs)
    details(runs, lengths)
    compare("Unknown total, the same runs", UNKNOWN, runs)
    unseen = simulate(UNSEEN_SHAPES, lengths)
    print("\nShapes that played no part in the tuning:", ", ".join(UNSEEN_SHAPES))
    compare(f"Known total, {len(unseen)} runs", KNOWN, unseen)
    details(unseen, lengths)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
