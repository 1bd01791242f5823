"""One Live Activity: what the service knows of it, and what the phone shows of it.

The two differ. The service keeps every accepted state; iOS shows a start and an end always, but
an update only while the card's budget lasts, and nobody tells the sender.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, Self

import attrs

from . import _rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._settings import Settings

__all__ = ["DISMISS_CAP_SECONDS", "LIFETIME_SECONDS", "Activity", "Timer"]

LIFETIME_SECONDS: Final = 8 * 3600.0  # iOS ends an activity then
DISMISS_CAP_SECONDS: Final = 4 * 3600.0  # iOS removes an ended one then at the latest
# Left out of an update, these stay: the timer's window (documented) and the number of steps,
# which the contract names as one that "may" come with an update (that it stays is a choice).
_KEPT_FIELDS: Final = ("duration_seconds", "counts_down", "is_running", "number_of_steps")


@attrs.frozen(kw_only=True)
class Timer:
    """A timer's window.

    Parameters
    ----------
    counts_down : bool
        True for a countdown.
    duration_seconds : float or None
        Length of the window; None counts up without an end.
    started_at : float
        UNIX seconds at which nothing had elapsed.
    frozen : float or None, default None
        Seconds elapsed when it was frozen; None while it runs.
    """

    counts_down: bool
    duration_seconds: float | None
    started_at: float
    frozen: float | None = None

    @classmethod
    def after(cls, previous: Self | None, state: Mapping[str, Any], now: float) -> Self:
        """Return the timer that a content state makes of the one before it.

        A duration restarts the window, even one of the same length. ``is_running`` freezes and
        resumes. ``counts_down`` alone turns a bounded timer around; for an open-ended one, a
        countdown without a duration means nothing and is ignored (choice: the official client
        sends exactly that on a careless update).
        """
        duration = state.get("duration_seconds")
        running = state.get("is_running")
        if previous is None or duration is not None:
            direction = True if previous is None else previous.counts_down
            timer = cls(
                counts_down=state.get("counts_down", direction),
                duration_seconds=duration,
                started_at=now,
            )
        else:
            timer = previous
            if previous.duration_seconds is not None and "counts_down" in state:
                timer = attrs.evolve(timer, counts_down=state["counts_down"])
        if running is False:
            return timer.freeze(now)
        return timer.resume(now) if running else timer

    def elapsed(self, now: float) -> float:
        """Return the seconds elapsed at `now`, at most the duration."""
        if self.frozen is not None:
            return self.frozen
        elapsed = max(0.0, now - self.started_at)
        return elapsed if self.duration_seconds is None else min(elapsed, self.duration_seconds)

    def freeze(self, now: float) -> Self:
        """Return it standing still at what has elapsed."""
        return attrs.evolve(self, frozen=self.elapsed(now))

    def resume(self, now: float) -> Self:
        """Return it going on from where it was frozen."""
        if self.frozen is None:
            return self
        return attrs.evolve(self, started_at=now - self.frozen, frozen=None)

    def snapshot(self, now: float) -> dict[str, Any]:
        """Return what a phone needs to draw it at `now`."""
        elapsed = self.elapsed(now)
        over = self.duration_seconds is not None and elapsed >= self.duration_seconds
        bounded = self.duration_seconds is not None and self.frozen is None
        return {
            "counts_down": self.counts_down,
            "duration_seconds": self.duration_seconds,
            "elapsed_seconds": elapsed,
            "is_running": self.frozen is None and not over,
            "ends_at": self.started_at + (self.duration_seconds or 0.0) if bounded else None,
            "started_at": self.started_at,
        }


@attrs.frozen
class _Face:
    """What a card shows."""

    state: dict[str, Any]
    buttons: dict[str, Any]
    timer: Timer | None


@attrs.define(kw_only=True)
class Activity:
    """A Live Activity, from its start to its dismissal.

    Times are UNIX seconds. `channels` is None when nothing limited the recipients.
    """

    activity_id: str
    stream_key: str | None
    type: str
    devices: tuple[str, ...]
    channels: tuple[str, ...] | None
    started_at: float
    state: dict[str, Any]
    buttons: dict[str, Any]
    timer: Timer | None
    tags: list[str]
    metadata: dict[str, Any]
    updates: int = 0
    updated_at: float = attrs.field(init=False)
    ended_at: float | None = None
    dismiss_at: float | None = None
    dismissed: bool = False
    ended_by_ios: bool = False
    updates_shown: int = 0
    updates_dropped: int = 0
    throttled_until: float | None = None
    face: _Face = attrs.field(init=False)
    _budget_since: float = attrs.field(init=False)
    _budget_used: int = 0

    def __attrs_post_init__(self) -> None:
        self._budget_since = self.started_at
        self._show(self.started_at)

    def merged(self, state: Mapping[str, Any], absent: str) -> dict[str, Any]:
        """Return the state that an update or an end makes of the present one.

        Parameters
        ----------
        state : mapping
            The content state sent.
        absent : {"clear", "keep"}
            What becomes of visible fields it leaves out.
        """
        before = self.state
        if absent == "clear":
            before = {name: before[name] for name in _KEPT_FIELDS if name in before}
        if self.type == "progress" and ("percentage" in state or "value" in state):
            # One form of progress replaces the other.
            forms = ("percentage", "value", "upper_limit")
            before = {name: each for name, each in before.items() if name not in forms}
        return {**before, **state, "type": self.type}

    def update(
        self, state: dict[str, Any], sent: Mapping[str, Any], now: float, settings: Settings
    ) -> bool:
        """Take an update and return whether it reached the phone.

        Parameters
        ----------
        state : dict
            The merged content state.
        sent : mapping
            The content state as sent, which is what moves the timer.
        """
        self._take(state, sent, now)
        self.updates += 1
        if not self._within_budget(now, settings):
            self.updates_dropped += 1
            return False
        self.updates_shown += 1
        self._show(now)
        return True

    def end(self, state: dict[str, Any], sent: Mapping[str, Any], now: float) -> None:
        """Take the last state, which always reaches the phone, and freeze a timer in it."""
        self._take(state, sent, now)
        self.stop(now)
        self._show(now)

    def stop(self, now: float) -> None:
        """End it with what the phone shows."""
        self.ended_at = now
        if self.timer is not None:
            self.timer = self.timer.freeze(now)
        if self.face.timer is not None:
            self.face = attrs.evolve(self.face, timer=self.face.timer.freeze(now))

    @property
    def active(self) -> bool:
        """Whether it is running."""
        return self.ended_at is None

    def over_pace(self, now: float, settings: Settings) -> bool:
        """Whether the service warns: over 12 updates, and over one per 2 minutes (documented)."""
        burst = 12 if settings.update_burst is None else settings.update_burst
        pace = (now - self.started_at) / settings.update_interval_seconds
        return self.updates > burst and self.updates > pace

    def content(self) -> dict[str, Any]:
        """Return the content state as shown."""
        return copy.deepcopy(self.face.state)

    def snapshot(self, now: float) -> dict[str, Any]:
        """Return the card as the phone shows it at `now`."""
        throttled = self.throttled_until is not None and self.throttled_until > now
        return {
            "activity_id": self.activity_id,
            "stream_key": self.stream_key,
            "type": self.type,
            "content_state": self.content(),
            "action": copy.deepcopy(self.face.buttons.get("action")),
            "secondary_action": copy.deepcopy(self.face.buttons.get("secondary_action")),
            "status": "active" if self.active else "ended",
            "started_at": self.started_at,
            "updated_at": self.updated_at,
            "ended_at": self.ended_at,
            "dismiss_at": self.dismiss_at,
            "updates_shown": self.updates_shown,
            "updates_dropped": self.updates_dropped,
            "throttled_until": self.throttled_until if throttled else None,
            "timer": None if self.face.timer is None else self.face.timer.snapshot(now),
        }

    def _take(self, state: dict[str, Any], sent: Mapping[str, Any], now: float) -> None:
        if self.type == "timer":
            self.timer = Timer.after(self.timer, sent, now)
        self.state = state

    def _show(self, now: float) -> None:
        state, buttons = _rules.shown_fields(self.state, self.buttons, self.type)
        if self.timer is not None and "counts_down" in state:
            state["counts_down"] = self.timer.counts_down
        self.updated_at = now
        self.face = _Face(copy.deepcopy(state), copy.deepcopy(buttons), self.timer)

    def _within_budget(self, now: float, settings: Settings) -> bool:
        """Count one update against the card's iOS budget (a model; Apple publishes none).

        Safe while n updates after t seconds satisfy ``n <= max(burst, t / interval)``. The first
        beyond it is dropped, and so is every one until the throttle ends; then a fresh budget
        begins. Dropped updates do not prolong the throttle.
        """
        if settings.update_burst is None:
            return True
        if self.throttled_until is not None:
            if now < self.throttled_until:
                return False
            self.throttled_until = None
            self._budget_since, self._budget_used = now, 0
        self._budget_used += 1
        pace = (now - self._budget_since) / settings.update_interval_seconds
        if self._budget_used <= max(settings.update_burst, pace):
            return True
        self.throttled_until = now + settings.throttle_seconds
        return False
