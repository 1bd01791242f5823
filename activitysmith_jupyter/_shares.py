"""One done share for all bars of a card.

Nested loops make one share: the outer bar's, refined by how far the inner bar is within the outer
one's current item. Bars of several threads make one share too. It never moves back, except after a
reset.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

import attrs

from ._smalltext import to_number

__all__ = [
    "BarView",
    "ProgressTracker",
    "added_up",
    "count",
    "done_share",
    "fraction",
    "known_total",
    "to_unit",
    "tree",
]

# Of what is left of an outer item, an inner bar claims so much as long as nobody has seen how many
# inner bars an item has: a validation bar may follow the training bar.
_FIRST_CLAIM = 0.9
_LARGEST = 1e300
# How finely an item's inner bars are told apart; an even number.
_MOST_PARTS = 128


@attrs.frozen(kw_only=True)
class BarView:
    """What one bar looks like at one moment.

    Attributes
    ----------
    key : hashable
        Tells bars apart, for as long as a card lives.
    n : number
        Items done, the initial ones included.
    total : number or None
        Items there are; None when unknown.
    parent : hashable or None
        Key of the bar around this one in the same thread; None for an outermost bar.
    initial : number
        Items that were done when the bar began.
    desc : str
        What the bar calls itself.
    postfix : mapping, str or None
        Numbers beside the bar, by name or as a ready text.
    unit : str
        What an item is called.
    unit_scale : bool or number
        Whether to shorten the counts, or a factor to multiply them with.
    elapsed_seconds : float
        How long the bar has been running, >= 0.
    finished, failed : bool
        Whether the bar is closed, and whether by an error.
    bars : int
        How many bars it stands for: closed ones may be added up to one.
    """

    key: Hashable
    n: Any = 0
    total: Any = None
    parent: Hashable | None = None
    initial: Any = 0
    desc: Any = ""
    postfix: Mapping[str, Any] | str | None = None
    unit: Any = "it"
    unit_scale: Any = False
    elapsed_seconds: float = 0.0
    finished: bool = False
    failed: bool = False
    bars: int = 1


Views = Sequence[BarView]
Children = Mapping[Hashable, Views]


def count(value: Any) -> float:
    """Return a number of items as a finite float >= 0; whatever is none counts as 0."""
    number = to_number(value)
    return number if number is not None and math.isfinite(number) and number > 0 else 0.0


def known_total(view: BarView) -> float | None:
    """Return a bar's total if it can be believed: finite, positive and not overrun."""
    total = count(view.total)
    return total if total and count(view.n) < total + 0.5 else None


def done_share(view: BarView, inner: float = 0.0) -> float | None:
    """Return a bar's done share, 0-1, or None without a total that can be believed.

    Parameters
    ----------
    view : BarView
        The bar.
    inner : float, default 0
        How far the bar's current item is, 0-1.
    """
    total = known_total(view)
    return None if total is None else min(1.0, (count(view.n) + inner) / total)


def tree(views: Views) -> tuple[list[BarView], dict[Hashable, list[BarView]]]:
    """Return the outermost bars, and the inner bars by the key of the bar around them."""
    by_key = {view.key: view for view in views}
    roots: list[BarView] = []
    children: dict[Hashable, list[BarView]] = {}
    for view in by_key.values():
        if view.parent is None or view.parent not in by_key or view.parent == view.key:
            roots.append(view)
        else:
            children.setdefault(view.parent, []).append(view)
    return roots, children


def fraction(views: Views) -> float | None:
    """Return the done share of bars at one moment, 0-1, or None when no total is known.

    Several inner bars of one item share it evenly. `ProgressTracker` knows better, since it has
    seen the items before.
    """
    roots, children = tree(views)

    def share(view: BarView) -> float | None:
        shares = [share(child) for child in children.get(view.key, ())]
        known = [part for part in shares if part is not None]
        return done_share(view, sum(known) / len(known) if known else 0.0)

    return _combined([(view, share(view)) for view in roots])


def _combined(shares: Sequence[tuple[BarView, float | None]]) -> float | None:
    """Return one share for several threads, by their totals where the units agree."""
    known = [(view, share) for view, share in shares if share is not None]
    if not known:
        return None
    same_unit = len({str(to_unit(view)) for view, _ in known}) == 1
    weights = [count(view.total) if same_unit else float(view.bars) for view, _ in known]
    largest = max(weights)  # weighed relative to it, since totals near 1e308 have no finite sum
    weights = [weight / largest for weight in weights]
    total = sum(weight * share for weight, (_, share) in zip(weights, known, strict=True))
    return min(1.0, total / sum(weights))


def added_up(view: BarView, more: BarView) -> BarView:
    """Return two closed outer bars of one unit as one, which weighs what they did.

    Both have a total that can be believed, or neither has.
    """
    total, more_total = known_total(view), known_total(more)
    known = total is not None and more_total is not None
    return attrs.evolve(
        view,
        bars=view.bars + more.bars,
        total=_sum(total, more_total) if known else None,
        n=_sum(_within(view.n, total), _within(more.n, more_total)),
        initial=_sum(_within(view.initial, total), _within(more.initial, more_total)),
    )


def _within(number: Any, total: float | None) -> float:
    return count(number) if total is None else min(count(number), total)


def _sum(first: float | None, second: float | None) -> float:
    # Totals near 1e308 have no finite sum.
    return min((first or 0.0) + (second or 0.0), _LARGEST)


def to_unit(view: BarView) -> str:
    """Return what a bar calls its items; no text means ``it``."""
    return view.unit if isinstance(view.unit, str) else "it"


class _Stretches:
    """How long the inner bars of one item took, in order.

    When there are many, several neighbours share a part: what is held does not grow with them.
    """

    __slots__ = ("_bars", "_parts", "_whole", "_width")

    def __init__(self) -> None:
        self._parts: list[float] = []
        self._width = 1  # bars to a part
        self._bars = 0
        self._whole = 0.0

    def add(self, seconds: float) -> None:
        """Add the next inner bar."""
        if self._bars % self._width == 0:
            self._parts.append(0.0)
        self._parts[-1] += seconds
        self._whole += seconds
        self._bars += 1
        if self._bars == _MOST_PARTS * self._width:
            pairs = zip(self._parts[::2], self._parts[1::2], strict=True)
            self._parts = [first + second for first, second in pairs]
            self._width *= 2

    def share(self, number: int) -> float:
        """Return what part of the item its inner bar of a number took, 0-1; 0 beyond the last."""
        if number >= self._bars:
            return 0.0
        if not self._whole:
            return 1 / self._bars
        part = number // self._width
        bars = min(self._width, self._bars - part * self._width)
        return self._parts[part] / self._whole / bars


class _Item:
    """The current item of an outer bar: which inner bars it has had and how far they are."""

    __slots__ = (
        "_gone",
        "_gone_share",
        "_gone_spent",
        "_learned",
        "_reached",
        "_spent",
        "_stale",
        "n",
    )

    def __init__(self, n: float) -> None:
        self.n = n
        self._learned: _Stretches | None = None  # from the item before
        self._stale: dict[Hashable, float] = {}  # inner bars of the item before, still on show
        self._begin()

    def _begin(self) -> None:
        self._reached: dict[Hashable, float] = {}  # in order of appearance
        self._spent: dict[Hashable, float] = {}
        # The first ones, which nobody shows any more: how many, and what they came to.
        self._gone = 0
        self._gone_share = 0.0
        self._gone_spent = _Stretches()

    def go_to(self, n: float, inner: Views) -> None:
        """Take notice of the outer bar's count."""
        if n == self.n:
            self._forget_gone({view.key for view in inner})
            return
        known = self._reached.keys() | self._stale.keys()
        self._stale = {view.key: count(view.n) for view in inner if view.key in known}
        if n == self.n + 1 and (self._gone or self._reached):
            self._forget_gone(())
            self._learned = self._gone_spent
        self.n = n
        self._begin()

    def _forget_gone(self, shown: Collection[Hashable]) -> None:
        for key in list(self._reached):
            if key in shown:
                return
            self._gone_share += self._claim(self._gone)
            self._gone += 1
            self._gone_spent.add(self._spent.pop(key))
            del self._reached[key]

    def _claim(self, number: int) -> float:
        """Return what part of the item the inner bar of a number is taken to be."""
        if self._learned is None:
            return _FIRST_CLAIM * (1 - _FIRST_CLAIM) ** number
        return self._learned.share(number)

    def is_stale(self, view: BarView) -> bool:
        """Say whether an inner bar still shows what it did in the item before."""
        if view.key not in self._stale:
            return False
        if count(view.n) < self._stale[view.key]:
            del self._stale[view.key]
            return False
        return True

    def take(self, view: BarView, share: float) -> None:
        """Note how far an inner bar is."""
        if view.finished and not view.failed:
            share = 1.0
        self._reached[view.key] = max(share, self._reached.get(view.key, 0.0))
        self._spent[view.key] = max(count(view.elapsed_seconds), self._spent.get(view.key, 0.0))

    def share(self, inner: Views) -> float:
        """Return how far the item is, 0-1."""
        shown = {view.key for view in inner}
        done = self._gone_share
        for number, (key, reached) in enumerate(self._reached.items(), self._gone):
            done += self._claim(number) * (reached if key in shown else 1.0)
        return min(1.0, done)


class ProgressTracker:
    """One done share that never moves back, learned from one look at the bars after the other.

    From the items of an outer bar it learns how many inner bars an item has and how long each of
    them takes, so that a validation bar after the training bar has its own part of the epoch.
    Bars of finished threads should stay among the views as long as the card lives.
    """

    __slots__ = ("_items", "_roots", "_share")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next share may be lower than the last."""
        self._share: float | None = None
        self._items: dict[Hashable, _Item] = {}
        self._roots: dict[Hashable, float] = {}

    @property
    def share(self) -> float | None:
        """The last share, 0-1; None as long as no total was known."""
        return self._share

    def update(self, views: Views) -> float | None:
        """Take a look at the bars and return their done share, 0-1, or None without a total.

        An outermost bar whose count falls was reset; if all outermost bars are new, something new
        has begun. In both cases the share starts afresh. A total that grows or is overrun later
        keeps the share where it is.
        """
        roots, children = tree(views)
        now = {view.key: count(view.n) for view in roots}
        known = self._roots.keys() & now.keys()
        if any(now[key] < self._roots[key] for key in known) or (self._roots and not known):
            self.reset()
        self._roots = now or self._roots
        shown = {view.key for view in views}
        self._items = {key: item for key, item in self._items.items() if key in shown}
        share = _combined([(view, self._refined(view, children)) for view in roots])
        if share is not None and (self._share is None or share > self._share):
            self._share = share
        return self._share

    def _refined(self, view: BarView, children: Children) -> float | None:
        inner = children.get(view.key, ())
        n = count(view.n)
        item = self._items.setdefault(view.key, _Item(n))
        item.go_to(n, inner)
        for child in inner:
            share = self._refined(child, children)
            if share is not None and not item.is_stale(child):
                item.take(child, share)
        return done_share(view, item.share(inner))
