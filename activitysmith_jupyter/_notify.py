"""`notify`: the truth about a block of plain Python, as ``%%notify`` tells it about a cell."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

import attrs

from ._cellcard import WorkCard
from ._opencard import say_missing_key
from ._outcome import Outcome
from ._place import place_name
from ._preview import Preview
from ._relay import the_relay
from ._roles import silence_reason
from ._runtime import runtime
from ._say import say
from ._settings import resolve
from ._wishes import Ended, Wish, check_wish, note_for, push_for, result_text, why_silent
from .exceptions import ActivitySmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from ._parts import Action

__all__ = ["Notice", "Watched", "note", "notify", "tell"]

_F = TypeVar("_F", bound="Callable[..., Any]")


class Watched:
    """A piece of work from its beginning to what is said about its end.

    Parameters
    ----------
    wish : Wish
        What was asked for.
    lookup : callable, optional
        As in `push_for`.
    """

    def __init__(self, wish: Wish, lookup: Callable[[str], Any] | None = None) -> None:
        self.wish = wish
        self._lookup = lookup
        self._began = runtime().courier.now()
        self._card: WorkCard | None = None
        self._mirror: Any = None

    def begin(self) -> None:
        """Start the clock, and show a card where one was asked for. Never raises."""
        self._began = runtime().courier.now()
        try:
            # Where a runner executes the notebook, its card is this work's, too.
            if self.wish.live and not self.wish.dry_run and the_relay() is None:
                self._card = WorkCard.of(self.wish, self._lookup)
                self._card.open()
            if self.wish.mirror:
                from .mirroring import mirror  # noqa: PLC0415  loads tqdm, which only this wish needs

                self._mirror = mirror().start()
        except ActivitySmithError as error:
            say(f"the phone shows nothing: {error}")

    def end(self, outcome: Outcome, *, result: Any = None, cell: int | None = None) -> None:
        """Say how it ended. Never raises.

        Parameters
        ----------
        outcome : Outcome
            The verdict.
        result : object, optional
            What the work gave.
        cell : int, optional
            The number in the cell's prompt.
        """
        if self._mirror is not None:
            self._mirror.stop()
        ended = Ended(
            outcome=outcome,
            elapsed_seconds=runtime().courier.now() - self._began,
            place=place_name(),
            cell=cell,
            result=result_text(result) if self.wish.asks_for_result else "",
        )
        if self._card is not None:
            self._card.finish(outcome)
        try:
            if self.wish.live and self.wish.dry_run:
                self._show_card()
            tell(self.wish, ended, self._lookup)
        except ActivitySmithError as error:
            say(str(error))

    def _show_card(self) -> None:
        card = WorkCard.of(self.wish, self._lookup)
        sample = card.sample(runtime().courier.now(), None)
        if sample is not None:
            path = f"/live-activity/stream/{card.stream_key}"
            Preview("PUT", path, sample.body, ["After a few seconds it would show:"]).show()


def tell(wish: Wish, ended: Ended, lookup: Callable[[str], Any] | None = None) -> None:
    """Push how some work ended, or show the push where that was asked for.

    Raises
    ------
    ActivitySmithError
        A setting or a field, filled in, cannot be used.
    """
    silent = why_silent(wish, ended)
    if wish.dry_run or not silent:
        _deliver(wish, lambda whole: push_for(whole, ended, lookup), silent)


def note(wish: Wish, lookup: Callable[[str], Any] | None = None) -> None:
    """Push something in the middle of the work, in the background.

    Raises
    ------
    ActivitySmithError
        As `tell`.
    """
    _deliver(wish, lambda whole: note_for(whole, place_name(), lookup))


def _deliver(wish: Wish, body_of: Callable[[Wish], dict[str, Any]], silent: str = "") -> None:
    settings = resolve()
    if settings.channels and "channels" not in wish.push:
        wish = attrs.evolve(wish, push={**wish.push, "channels": list(settings.channels)})
    if wish.dry_run:
        notes = [f"It would not be sent: {silent}"] if silent else []
        Preview("POST", "/push-notification", body_of(wish), notes).show()
    elif settings.disabled or silence_reason():
        return
    elif settings.api_key is None:
        say_missing_key()
    else:
        runtime().push(body_of(wish), settings.destination())


class Notice:
    """What `notify` returns: a context manager, sync and async, and a decorator."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        # A stack: the same notice may be entered again within itself.
        self._running: list[Watched] = []
        self.result: Any = None

    def __enter__(self) -> Self:
        watched = Watched(self._wish)
        watched.begin()
        self._running.append(watched)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.pop().end(Outcome.of_exception(error), result=self.result)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: _F) -> _F:
        """Decorate a function, a coroutine function or a generator function."""
        if inspect.isasyncgenfunction(function):
            raise TypeError("notify cannot decorate an async generator: use `async with notify()`")
        wish = self._wish
        if not wish.title:
            wish = attrs.evolve(wish, title=getattr(function, "__name__", ""))

        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def waiting(*args: Any, **kwargs: Any) -> Any:
                with Notice(wish) as notice:
                    notice.result = await function(*args, **kwargs)
                    return notice.result

            return waiting  # type: ignore[return-value]
        if inspect.isgeneratorfunction(function):

            @wraps(function)
            def yielding(*args: Any, **kwargs: Any) -> Any:
                with Notice(wish) as notice:
                    notice.result = yield from function(*args, **kwargs)
                    return notice.result

            return yielding  # type: ignore[return-value]

        @wraps(function)
        def calling(*args: Any, **kwargs: Any) -> Any:
            with Notice(wish) as notice:
                notice.result = function(*args, **kwargs)
                return notice.result

        return calling  # type: ignore[return-value]


@overload
def notify(title: _F, /) -> _F: ...
@overload
def notify(
    title: str = "",
    /,
    *,
    on: str | None = None,
    after: float | str | None = None,
    message: str = "",
    result: bool = False,
    live: bool = False,
    mirror: bool = False,
    dry_run: bool = False,
    channels: Sequence[str] | str | None = None,
    subtitle: str | None = None,
    redirection: str | None = None,
    media: str | None = None,
    interruption_level: str | None = None,
    sound: str | None = None,
    actions: Sequence[Action | Mapping[str, Any]] | None = None,
) -> Notice: ...
def notify(  # noqa: PLR0913  keyword-only, one for each wish
    title: Any = "",
    /,
    *,
    on: str | None = None,
    after: float | str | None = None,
    message: str = "",
    result: bool = False,
    live: bool = False,
    mirror: bool = False,
    dry_run: bool = False,
    channels: Sequence[str] | str | None = None,
    subtitle: str | None = None,
    redirection: str | None = None,
    media: str | None = None,
    interruption_level: str | None = None,
    sound: str | None = None,
    actions: Sequence[Action | Mapping[str, Any]] | None = None,
) -> Any:
    """Push how a block or a function ended; ``with notify("Training"):`` or ``@notify``.

    Errors and interruptions pass through untouched; a network that is down costs nothing but a
    line of text.

    Parameters
    ----------
    title : str, optional
        What the push is called; left out, the function's or the notebook's name.
    on : {"done", "failed", "always"}, optional
        When to push; an interruption counts as neither done nor failed. The setting
        ``notify_on`` when left out, which is "always" by default.
    after : float or str, optional
        Only push for work that took so long: seconds, or text such as ``"30s"`` and ``"5m"``. The
        setting ``notify_after`` when left out, which is 0 by default.
    message : str, default ""
        A template: ``{title}``, ``{elapsed}``, ``{verdict}``, ``{error}``, ``{result}``,
        ``{notebook}``.
    result : bool, default False
        Whether a short text of what the function returned (or of ``notice.result``) goes along;
        never rows of a table.
    live : bool, default False
        Show a Live Activity after a few seconds.
    mirror : bool, default False
        Let every tqdm bar, also those of other libraries, move that Live Activity.
    dry_run : bool, default False
        Show the payload and send nothing.
    channels, subtitle, redirection, media, interruption_level, sound, actions : optional
        As for the client's ``notifications.send``.

    Raises
    ------
    PayloadError
        An argument breaks a rule; raised here, before any work began.

    Examples
    --------
    >>> with notify("Backup", on="failed", after="1m"):
    ...     pass
    >>> @notify
    ... def train(): ...
    """
    push = {
        "channels": channels,
        "subtitle": subtitle,
        "redirection": redirection,
        "media": media,
        "interruption_level": interruption_level,
        "sound": sound,
        "actions": actions,
    }
    settings = resolve(ask_keyring=False)
    notice = Notice(
        check_wish(
            title="" if callable(title) else str(title),
            on=settings.notify_on if on is None else on,
            after=settings.notify_after if after is None else after,
            message=message,
            result=result,
            live=live or mirror,
            mirror=mirror,
            dry_run=dry_run,
            push={name: value for name, value in push.items() if value is not None},
        )
    )
    return notice(title) if callable(title) else notice
