"""A bench for everything that ends up on the phone: emulator, courier by hand, one clock."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs

from activitysmith_jupyter import _barcard, _runtime, configure
from activitysmith_jupyter._courier import Courier
from activitysmith_jupyter.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@attrs.define
class Bench:
    """The emulator, and the courier's steps."""

    emulator: Emulator
    runtime: _runtime.Runtime
    clock: Clock

    def step(self, seconds: float = 0.0) -> None:
        """Let time pass and the courier do what is due."""
        self.clock.advance(seconds)
        self.runtime.courier.step()

    @property
    def cards(self) -> list[Any]:
        return list(self.emulator.phone.cards)

    @property
    def card(self) -> Any:
        """The only card on the phone."""
        (card,) = self.cards
        return card

    @property
    def state(self) -> dict[str, Any]:
        """What the only card shows."""
        state: dict[str, Any] = self.card["content_state"]
        return state

    @property
    def kinds(self) -> list[str]:
        """What reached the phone, in order."""
        return [shown.kind for shown in self.emulator.phone.history]


@contextmanager
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Set up a bench whose bars open a card at once."""
    clock = Clock()
    here = _runtime.Runtime(Courier(clock=clock, threaded=False))
    old = _runtime.replace_runtime(here)
    monkeypatch.setattr(_barcard, "should_open", lambda *_: True)
    monkeypatch.setattr(_barcard, "_newest", [])
    try:
        with Emulator() as emulator:
            configure(api_key=emulator.api_key, base_url=emulator.base_url)
            yield Bench(emulator, here, clock)
            emulator.check()
    finally:
        here.release()
        _runtime.replace_runtime(old)
