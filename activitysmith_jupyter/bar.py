"""`tqdm` and `trange`: tqdm's bar, cheaper, with its truth on the phone.

Change one import, and every option of tqdm stays what it was::

    from activitysmith_jupyter import tqdm

A bar draws as ``tqdm.auto`` does in a terminal and in a notebook. Whatever concerns the phone
happens in a background thread that only reads the bar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from tqdm.auto import tqdm as auto_tqdm

from ._barcard import CardOptions, join_card
from ._fastloop import FastLoop
from ._outcome import Outcome
from ._runtime import runtime
from ._say import say
from ._settings import check_arguments, resolve
from ._streams import check_stream_key
from .exceptions import ActivitySmithError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from ._bargroup import Place
    from ._fastloop import Ending
    from ._option_values import NotifyWhen, Style
    from ._parts import Action, Icon
    from .activity import Activity

__all__ = ["tqdm", "trange"]

_T = TypeVar("_T")


# tqdm's class is generic in its stubs only.
class tqdm(FastLoop[_T], auto_tqdm):  # type: ignore[type-arg]  # noqa: N801  as imported
    """tqdm's bar with a Live Activity.

    Parameters
    ----------
    iterable, desc, total, *args, **kwargs
        All of tqdm's.
    activity : str or Activity, optional
        A stream key: the bar gets a card of its own. An open `Activity`: the bar feeds it, and
        whoever opened it ends it. Otherwise the key is made from the notebook's or script's name,
        and bars that run at the same time share one card.
    title : str, optional
        What the card is called; the bar's description when left out.
    style : {"progress", "timer", "steps"}, optional
        A bar (default), a countdown to the predicted end, or one segment per item.
    channels : list of str or comma-separated str, optional
        Whose phones; everyone's when left out.
    notify : {"done", "failed", "always", "never"}, optional
        When the end also sends a push; never by default.
    color : str, optional
        One of the ten colours.
    icon : str or Icon, optional
        An SF Symbol name.
    action : Action or mapping, optional
        A button on the card.

    Raises
    ------
    PayloadError, ConfigurationError
        One of our own options cannot be used.

    Notes
    -----
    Our options have defaults in `configure` and in ``ACTIVITYSMITH_TITLE``, ``_STYLE``,
    ``_CHANNELS``, ``_NOTIFY``, ``_COLOR``, ``_ICON`` and ``_ACTION``. The card opens after about
    ten seconds, or at once when the loop is going to take longer than twenty. It ends green when
    the loop ran out or ``n`` reached the total, red when an error ended it, gray when it was left
    early.
    """

    _lock: ClassVar[Any]
    _shared_lock: ClassVar[Any]

    def __init__(  # noqa: PLR0913  tqdm's own and one keyword for each wish
        self,
        iterable: Iterable[_T] | None = None,
        desc: str | None = None,
        total: float | None = None,
        *args: Any,
        activity: str | Activity | None = None,
        title: str | None = None,
        style: Style | None = None,
        channels: Sequence[str] | str | None = None,
        notify: NotifyWhen | None = None,
        color: str | None = None,
        icon: str | Icon | Mapping[str, Any] | None = None,
        action: Action | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._place: Place | None = None
        self._outcome: Outcome | None = None
        if activity is not None and not hasattr(activity, "feed"):
            check_stream_key(activity, "activity")
        given = check_arguments(
            title=title,
            style=style,
            channels=channels,
            notify=notify,
            color=color,
            icon=icon,
            action=action,
        )
        super().__init__(iterable, desc, total, *args, **kwargs)
        if not self.disable:
            self._place = _place(self, activity, given)

    @classmethod
    def get_lock(cls) -> Any:
        """Return the lock of all drawing; see tqdm. It is tqdm's own until `set_lock`.

        The class names it itself, as tqdm's does, for those who set or delete it there.
        """
        own = vars(cls).get("_lock")
        shared = auto_tqdm.get_lock()  # type: ignore[no-untyped-call] # in tqdm's stubs
        if own is None or own is vars(cls).get("_shared_lock"):
            cls._lock = cls._shared_lock = shared
        return cls._lock

    # ------------------------------------------------------------------ how it ends

    def _ended(self, ending: Ending) -> None:
        if ending == "exhausted":
            self._outcome = Outcome("done")
        super()._ended(ending)
        self._report()

    def close(self) -> None:
        """Close the bar; see tqdm. The card learns how it ended."""
        if runtime().courier.is_current_thread():
            # The last reference was the courier's: drawing belongs to other threads.
            self.disable = True
        else:
            super().close()
        self._report()

    def fail_step(self, step: int | None = None) -> None:
        """Mark an item as failed: with ``style="steps"`` its segment is red.

        Parameters
        ----------
        step : int, optional
            Counted from 0; the item in the loop's body when left out.
        """
        if self._place is not None:
            self._place.fail_step(int(self.live_n()) if step is None else step)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        if error is not None:
            self._report(Outcome.of_exception(error))
        else:
            self._report(self._own_outcome() or Outcome("stopped"))

    def _own_outcome(self) -> Outcome | None:
        """Return the verdict that the bar is sure of: done, or None."""
        if self._outcome is not None:
            return self._outcome
        if self.total:
            return Outcome("done") if self.n >= self.total else None
        # A bar driven by hand, of unknown length, ends when it is closed.
        return Outcome("done") if self.iterable is None else None

    def _report(self, certain: Outcome | None = None) -> None:
        place = self._place
        if place is not None:
            certain = certain or self._own_outcome()
            place.close(certain or Outcome("stopped"), certain=certain is not None)


def trange(*args: int, **kwargs: Any) -> tqdm[int]:
    """Return ``tqdm(range(*args), **kwargs)``."""
    return tqdm(range(*args), **kwargs)


def _place(
    bar: tqdm[Any], activity: str | Activity | None, given: Mapping[str, Any]
) -> Place | None:
    """Find the bar's place on a card; a wrong setting costs the card, not the loop."""
    if activity is not None and not isinstance(activity, str):
        return activity.feed(bar)
    try:
        return join_card(bar, CardOptions.of(resolve(**given), activity))
    except ActivitySmithError as error:
        say(f"the phone shows nothing: {error}")
        return None
