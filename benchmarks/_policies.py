"""Ways to spend the update budget that the pacing benchmark compares with ours."""

from __future__ import annotations

from typing import Protocol

BURST = 12
PERIOD = 120.0


class Policy(Protocol):
    """What the simulation asks of a policy."""

    def start(self, now: float) -> None:
        """Begin a card."""

    def due(self, now: float, done: float) -> bool:
        """Say whether to send `done` now."""

    def record(self, now: float, shown: float | None = None) -> None:
        """Note that it was sent."""


class Simple:
    """What the simple policies share: they remember what they sent and when."""

    def start(self, now: float) -> None:
        """Begin a card."""
        self.sent = 0
        self.shown = 0.0
        self.last = now

    def record(self, now: float, shown: float | None = None) -> None:
        """Note that an update went out."""
        self.sent += 1
        self.last = now
        self.shown = self.shown if shown is None else shown

    def legal(self, now: float) -> bool:
        """Say whether an update is safe, one kept for the last word."""
        return self.sent + 2 <= max(BURST, now / PERIOD)


class Interval(Simple):
    """Send every so many seconds, as most integrations do."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def due(self, now: float, done: float) -> bool:
        """Say whether the time has passed and anything moved."""
        return now - self.last >= self.seconds and done > self.shown


class EveryPercent(Simple):
    """Send at every full percent."""

    def due(self, now: float, done: float) -> bool:
        """Say whether a percent more is done."""
        del now
        return done - self.shown >= 0.01


class TokenBucket(Simple):
    """Send whenever a token is left: twelve at first and one more every two minutes."""

    def due(self, now: float, done: float) -> bool:
        """Say whether a token is left, one kept for the last word."""
        return done > self.shown and now - self.last >= 1 and self.sent + 2 <= BURST + now / PERIOD


class AsSoonAsLegal(Simple):
    """Send at once whenever the rule allows it."""

    def due(self, now: float, done: float) -> bool:
        """Say whether it is safe and anything moved."""
        return done > self.shown and now - self.last >= 1 and self.legal(now)


class Predicting(Simple):
    """What the predicting policies share: rate, finish and updates to come."""

    def start(self, now: float) -> None:
        """Begin a card."""
        super().start(now)
        self.history = [(now, 0.0)]
        self.half = 0
        self.area = 0.0
        self.moves = 0

    def record(self, now: float, shown: float | None = None) -> None:
        """Note that an update went out."""
        super().record(now, shown)
        self.area = 0.0

    def due(self, now: float, done: float) -> bool:
        """Say whether it is safe, anything moved, and the policy wants it."""
        before, done_before = self.history[-1]
        self.area += (done_before - self.shown) * (now - before)
        self.moves += done > done_before
        self.history.append((now, done))
        while self.history[self.half + 1][0] <= now / 2:
            self.half += 1
        if done <= self.shown or not self.legal(now) or now - self.last < 1:
            return False
        then, done_then = self.history[self.half]
        rate = (done / now + (done - done_then) / (now - then)) / 2
        finish = now + (1 - done) / rate
        return self.wants(now, done, finish, max(BURST, finish / PERIOD) - 1 - self.sent)

    def wants(self, now: float, done: float, finish: float, updates: float) -> bool:
        """Say whether to send, given the predicted finish and the updates to come."""
        raise NotImplementedError


class EvenlyOverRun(Predicting):
    """Spread the updates evenly over the predicted time."""

    def wants(self, now: float, done: float, finish: float, updates: float) -> bool:
        """Say whether an even share of the time has passed."""
        del done
        return now - self.last >= (finish - self.last) / (updates + 1)


class ErrorTrigger(Predicting):
    """Send when the error reaches an even share of what is to come."""

    def wants(self, now: float, done: float, finish: float, updates: float) -> bool:
        """Say whether the error is an even share."""
        del now, finish
        return done - self.shown >= (1 - self.shown) / (updates + 1)


class LookAheadArea(Predicting):
    """Send when the area of error reaches an even share, a constant rate assumed."""

    def wants(self, now: float, done: float, finish: float, updates: float) -> bool:
        """Say whether the area will be an even share at the next item."""
        missing = done - self.shown
        area = self.area + missing * now / self.moves
        even = (finish - self.last) * (1 - self.shown) / (2 * (updates + 1) ** 2)
        return missing >= (1 - self.shown) / (updates + 1) / 2 and area >= even
