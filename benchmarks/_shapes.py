"""Simulated loops for the pacing benchmark: when each item is done, on a run of length one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Shape = Callable[[np.random.Generator], Floats]

ITEMS = 2000


def from_durations(durations: Floats) -> Floats:
    """Return the completion time of each item, (n_items,), the last one at 1."""
    ends = np.cumsum(durations)
    scaled: Floats = ends / ends[-1]
    return scaled


def share(items: int = ITEMS) -> Floats:
    """Return the done share after each of `items` items, (n_items,)."""
    return np.arange(1, items + 1) / items


def constant(_random: np.random.Generator) -> Floats:
    """Take as long for every item."""
    return share()


def accelerating(_random: np.random.Generator) -> Floats:
    """Start from nothing and end at twice the mean rate."""
    return np.sqrt(share())


def decelerating(_random: np.random.Generator) -> Floats:
    """Start at twice the mean rate and end at nothing."""
    return 1 - np.sqrt(1 - share())


def epochs(_random: np.random.Generator) -> Floats:
    """Ten epochs, each followed by a pause of 15 % of its time."""
    durations = np.full(ITEMS, 0.85)
    durations[ITEMS // 10 - 1 :: ITEMS // 10] += 0.15 * ITEMS / 10
    return from_durations(durations)


def ten_steps(_random: np.random.Generator) -> Floats:
    """Ten equal items."""
    return share(10)


def twenty_five_steps(_random: np.random.Generator) -> Floats:
    """Twenty-five equal items, about twice what a short run may show."""
    return share(25)


def slow_tail(_random: np.random.Generator) -> Floats:
    """Spend 60 % of the time on the last tenth of the items."""
    durations = np.full(ITEMS, 0.4 / 0.9)
    durations[-ITEMS // 10 :] = 0.6 / 0.1
    return from_durations(durations)


def stall(random: np.random.Generator) -> Floats:
    """One item somewhere in the middle takes 60 % of the time."""
    durations = np.full(ITEMS, 0.4)
    durations[random.integers(ITEMS // 5, 4 * ITEMS // 5)] += 0.6 * ITEMS
    return from_durations(durations)


def heavy_tail(random: np.random.Generator) -> Floats:
    """300 items, the longest of which last as long as hundreds of others."""
    return from_durations(random.pareto(1.3, 300) + 1)


def bursty(random: np.random.Generator) -> Floats:
    """Twenty bursts of work of uneven size with uneven pauses between."""
    durations = np.full(ITEMS, 1.0)
    for item in random.choice(ITEMS, 20, replace=False):
        durations[item] += random.exponential(ITEMS / 20 * 1.5)
    return from_durations(durations)


SHAPES: dict[str, Shape] = {
    "constant": constant,
    "accelerating": accelerating,
    "decelerating": decelerating,
    "epochs": epochs,
    "10 steps": ten_steps,
    "25 steps": twenty_five_steps,
    "slow tail": slow_tail,
    "stall": stall,
    "heavy tail": heavy_tail,
    "bursty": bursty,
}
RANDOM_SHAPES = frozenset({"stall", "heavy tail", "bursty"})


def wandering(random: np.random.Generator) -> Floats:
    """Let the speed wander: a geometric random walk over forty stretches."""
    speed = np.exp(np.cumsum(random.normal(0, 0.35, 40)))
    return from_durations(np.repeat(1 / speed, ITEMS // 40))


def slow_start(random: np.random.Generator) -> Floats:
    """Begin with an item that compiles, for 5-40 % of the time of all the others."""
    durations = np.full(ITEMS, 1.0)
    durations[0] = ITEMS * random.uniform(0.05, 0.4)
    return from_durations(durations)


def two_speeds(random: np.random.Generator) -> Floats:
    """At a random point the speed changes once, by up to six times either way."""
    durations = np.full(ITEMS, 1.0)
    durations[random.integers(ITEMS // 10, 9 * ITEMS // 10) :] *= 6.0 ** random.uniform(-1, 1)
    return from_durations(durations)


def growing_items(random: np.random.Generator) -> Floats:
    """Item k takes as long as a power of k, like files sorted by size."""
    return from_durations(np.power(np.arange(1.0, 201.0), random.uniform(-0.8, 2.0)))


def odd_items(random: np.random.Generator) -> Floats:
    """Sixty items of log-normal length, like parameter settings in a search."""
    return from_durations(random.lognormal(0, 1.0, 60))


def few_odd_items(random: np.random.Generator) -> Floats:
    """Fourteen items of log-normal length."""
    return from_durations(random.lognormal(0, 0.7, 14))


def checkpoints(random: np.random.Generator) -> Floats:
    """Thirty checkpoints, each pausing the work for about a fifth of the time between them."""
    durations = np.full(1200, 1.0)
    durations[39::40] += 40 * random.uniform(0.1, 0.4)
    return from_durations(durations)


# The policy was not tuned on these: what it does here says what to expect elsewhere.
UNSEEN_SHAPES: dict[str, Shape] = {
    "wandering": wandering,
    "slow start": slow_start,
    "two speeds": two_speeds,
    "growing items": growing_items,
    "odd items": odd_items,
    "few odd items": few_odd_items,
    "checkpoints": checkpoints,
}
