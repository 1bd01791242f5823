"""`mirror`: everyone else's tqdm bars on one card, without changing how they draw.

Libraries draw their own bars (transformers, datasets, keras, huggingface_hub, papermill,
``df.progress_apply``). While a mirror is on, every bar of any tqdm class that opens in this process
joins a card; leaving takes every trace of it away again.
"""

from __future__ import annotations

import sys
import threading
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Self
from weakref import WeakKeyDictionary

import attrs
from tqdm.std import tqdm as std_tqdm

from ._barcard import BarCard, CardOptions, join_card
from ._outcome import Outcome
from ._relay import the_relay
from ._runtime import runtime
from ._say import say
from ._settings import check_arguments, resolve
from ._streams import check_stream_key
from .bar import tqdm as our_tqdm
from .exceptions import ActivitySmithError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from ._bargroup import Place
    from ._option_values import NotifyWhen, Style
    from ._parts import Action, Icon

__all__ = ["mirror"]


class mirror:  # noqa: N801  used like a function, as contextlib's managers are
    """Show every tqdm bar of this process on one card.

    Parameters
    ----------
    title : str, optional
        What the card is called; the outermost bar's description when left out.
    activity, style, channels, notify, color, icon, action : optional
        As for `tqdm`.

    Raises
    ------
    PayloadError, ConfigurationError
        An option cannot be used.

    Notes
    -----
    In a ``with`` block the card lives as long as the block, through any number of bars, and ends
    as the block ends. With `start` and `stop` each row of bars has its own verdict. Bars that are
    open already are not taken in; bars of our own class are on a card anyway.

    Examples
    --------
    >>> with mirror(title="Fine-tuning"):
    ...     pass  # trainer.train()
    """

    def __init__(  # noqa: PLR0913  one keyword for each wish
        self,
        title: str | None = None,
        *,
        activity: str | None = None,
        style: Style | None = None,
        channels: Sequence[str] | str | None = None,
        notify: NotifyWhen | None = None,
        color: str | None = None,
        icon: str | Icon | Mapping[str, Any] | None = None,
        action: Action | Mapping[str, Any] | None = None,
    ) -> None:
        self._key = None if activity is None else check_stream_key(activity, "activity")
        self._given = check_arguments(
            title=title,
            style=style,
            channels=channels,
            notify=notify,
            color=color,
            icon=icon,
            action=action,
        )
        self._card: BarCard | None = None
        self._own_card = False
        self._places: WeakKeyDictionary[Any, _Held] = WeakKeyDictionary()

    # ------------------------------------------------------------------ on and off

    def start(self) -> Self:
        """Begin to take in bars."""
        _hook.add(self)
        return self

    def stop(self) -> None:
        """Take in no more bars and let go of those that are open."""
        _hook.remove(self)
        for bar, held in list(self._places.items()):
            self._report(bar, held, certain=True)
        self._places.clear()

    def __enter__(self) -> Self:
        self._own_card = True
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        card, self._card = self._card, None
        if card is not None:
            card.finish(Outcome.of_exception(error))

    # ------------------------------------------------------------------ bars

    def opened(self, bar: Any) -> None:
        """Take in a bar; never raises."""
        try:
            options = CardOptions.of(resolve(**self._given), self._key)
            if self._own_card and (options.key is not None or the_relay() is None):
                place: Place | None = self._card_for(options).add(bar)
            else:
                place = join_card(bar, options)
        except ActivitySmithError as error:
            say(f"the phone shows nothing: {error}")
            return
        if place is not None:
            self._places[bar] = _Held(place, _handled())

    def closing(self, bar: Any) -> None:
        """Hear that a bar is about to close."""
        held = self._places.pop(bar, None)
        if held is not None:
            self._report(bar, held, certain=False)

    @staticmethod
    def _report(bar: Any, held: _Held, *, certain: bool) -> None:
        # tqdm closes in a ``finally``: where a loop was left, the generator's end or the
        # iterable's error is being handled just now, and was not when the bar was made.
        left = _handled() not in {None, held.handled}
        complete = bar.n >= bar.total if bar.total else not left
        if complete and not left:
            held.place.close(Outcome("done"), certain=True)
        else:
            held.place.close(Outcome("stopped"), certain=certain)

    def _card_for(self, options: CardOptions) -> BarCard:
        if self._card is None:
            self._card = BarCard(options, runtime().courier.now(), ends_with_bars=False)
            self._card.open()
        return self._card


@attrs.frozen
class _Held:
    """A bar's place, and which exception was being handled when the bar was made."""

    place: Place
    handled: int | None


def _handled() -> int | None:
    """Return the identity of the exception that is being handled, None for none."""
    error = sys.exc_info()[1]
    return None if error is None else id(error)


class _Hook:
    """The two methods of tqdm's base class that are wrapped while any mirror is on."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._mirrors: tuple[mirror, ...] = ()
        self._originals: dict[str, Any] = {}

    def add(self, one: mirror) -> None:
        with self._lock:
            if one not in self._mirrors:
                self._mirrors = (*self._mirrors, one)
            if not self._originals:
                self._wrap()

    def remove(self, one: mirror) -> None:
        with self._lock:
            self._mirrors = tuple(other for other in self._mirrors if other is not one)
            if not self._mirrors and self._originals:
                for name, original in self._originals.items():
                    setattr(std_tqdm, name, original)
                self._originals = {}

    def _wrap(self) -> None:
        init, close = std_tqdm.__init__, std_tqdm.close
        # As they stand in the class: reading them as attributes would unwrap a partialmethod.
        self._originals = {name: vars(std_tqdm)[name] for name in ("__init__", "close")}

        @wraps(init)
        def opening(bar: Any, *args: Any, **kwargs: Any) -> None:
            init(bar, *args, **kwargs)
            if not bar.disable and not isinstance(bar, our_tqdm):
                self.newest().opened(bar)

        @wraps(close)
        def closing(bar: Any) -> None:
            for one in self._mirrors:
                one.closing(bar)
            close(bar)

        for name, wrapped in (("__init__", opening), ("close", closing)):
            setattr(std_tqdm, name, wrapped)

    def newest(self) -> mirror:
        return self._mirrors[-1]


_hook = _Hook()
