"""`WorkCard`: the card of a cell or block, whose bars move it while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

import attrs

from ._barcard import BarCard, CardOptions
from ._bargroup import BarGroup, Look
from ._place import place_name
from ._runtime import runtime
from ._settings import resolve
from ._templates import filled

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._bargroup import Bar, Place
    from ._feed import Sample
    from ._wishes import Wish

__all__ = ["WorkCard"]

# Work that is over by then was not worth a card.
_OPENS_AFTER_SECONDS: Final = 3.0


class WorkCard(BarCard):
    """A count-up timer, or the fraction of the bars within, until the work has its verdict.

    Parameters
    ----------
    options : CardOptions
        Whom it reaches and how it looks.
    """

    def __init__(self, options: CardOptions) -> None:
        super().__init__(options, runtime().courier.now(), ends_with_bars=False)
        self._starts_anew = False

    @classmethod
    def of(cls, wish: Wish, lookup: Callable[[str], Any] | None = None) -> Self:
        """Return the card that a wish asks for.

        Raises
        ------
        ActivitySmithError
            A setting or a field cannot be used.
        """
        # The push at the end is the wish's own.
        settings = resolve(notify="never", channels=wish.push.get("channels"))
        title = filled(wish.title, {}, lookup) or place_name() or "Notebook"
        options = CardOptions.of(settings)
        return cls(attrs.evolve(options, look=Look(title=title, color=settings.color)))

    def add(self, bar: Bar) -> Place:
        """Take in a bar; after all others have closed it is something new, from 0 %."""
        if not self.group.has_open_bars:
            self.group = BarGroup(self.options.look)
            self._starts_anew = True
        return super().add(bar)

    def _sample(self, now: float, seconds_left: float | None) -> Sample | None:
        sample = super()._sample(now, seconds_left)
        if sample is None:
            return None
        is_ready = now - self.row.began >= _OPENS_AFTER_SECONDS
        return attrs.evolve(sample, ready=is_ready, urgent=self._starts_anew)

    def delivered(self) -> None:
        """Forget the urgency of a new bar."""
        self._starts_anew = False
