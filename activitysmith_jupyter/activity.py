"""`Activity`: one Live Activity in plain Python, from the first update to the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, cast

import attrs

from ._bargroup import BarGroup, Look, Place
from ._feed import Sample
from ._fields import UNSET
from ._opencard import OpenCard
from ._operations import parse_state
from ._outcome import Outcome, one_line, percent_text
from ._place import place_name
from ._requests import stream_body
from ._runtime import runtime
from ._secret import hide
from ._settings import resolve
from ._streams import check_stream_key, stream_key
from .card import request_bundle
from .exceptions import PayloadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    import httpx

    from ._bargroup import Bar
    from ._option_values import NotifyWhen, Style
    from ._outcome import Verdict
    from ._parts import Action

__all__ = ["Activity"]

# What a card of each type shows before anybody said more.
_FIRST_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "progress": {"percentage": 0},
    "segmented_progress": {"current_step": 0},
}
_DURATION: Final = "duration_seconds"
_MEMBERS: Final = ("action", "secondary_action", "alert", "tags", "metadata")


class Activity(OpenCard):
    """A Live Activity that ends with the truth.

    Updates only note the newest state: a background thread sends it when it is worth one of the
    few updates that iOS allows. Nothing here waits for the network.

    Parameters
    ----------
    name : str
        The stream key (letters, digits, ``_``, ``-``); any other text becomes the title, and the
        key is made from it and the notebook's or script's name.
    type : str, default "progress"
        ``stats``, ``metrics``, ``segmented_progress``, ``progress``, ``alert``, ``timer`` or
        ``value``.
    title : str, optional
        What the card is called; `name` when left out.
    notify : {"done", "failed", "always", "never"}, optional
        When the end also sends a push; the setting of that name when left out.
    channels : list of str or comma-separated str, optional
        Whose phones.
    action, secondary_action : Action or mapping, optional
        Buttons; the second one only where the type has it.
    alert, tags, metadata : optional
        As in the service's API.
    api_key, base_url, transport : optional
        As for `ActivitySmith`.
    **fields
        Any field of the type: ``subtitle``, ``percentage``, ``metrics``, ``color``, ``icon`` ...

    Raises
    ------
    PayloadError
        A field is unknown or breaks a rule.

    Notes
    -----
    The card opens with the first complete state: a progress at 0 %, a timer that counts up, the
    others as soon as they have something to show. In a ``with`` block the end is decided by how
    the block ends: done, failed (with the exception's type and last line), or stopped. Without a
    key the block runs all the same, and one warning says how to set a key.

    Examples
    --------
    >>> with Activity("train", title="Training", color="cyan") as activity:
    ...     for epoch in range(3):
    ...         activity.update(percentage=100 * (epoch + 1) / 3, subtitle=f"epoch {epoch + 1}/3")
    """

    def __init__(  # noqa: PLR0913  keyword-only, each a field of the service's request
        self,
        name: str,
        *,
        type: str = "progress",  # noqa: A002  the service's own name of the field
        title: str | None = None,
        notify: NotifyWhen | None = None,
        channels: Sequence[str] | str | None = None,
        action: Action | Mapping[str, Any] | None = None,
        secondary_action: Action | Mapping[str, Any] | None = None,
        alert: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        transport: httpx.BaseTransport | None = None,
        **fields: Any,
    ) -> None:
        secret = hide(api_key)
        del api_key  # tracebacks can show variables
        settings = resolve(api_key=secret, base_url=base_url, notify=notify, channels=channels)
        super().__init__(
            stream_key=key_of(name),
            title=str(name) if title is None or title == "" else title,
            settings=settings,
            transport=transport,
        )
        members = (action, secondary_action, alert, tags, metadata)
        self._members = {
            name: value for name, value in zip(_MEMBERS, members, strict=True) if value is not None
        }
        self._began = runtime().courier.now()
        self._state = _State({"title": self._title, "type": type, **_first_fields(type)})
        self._last: Mapping[str, Any] = {}
        self._opened = False
        # The courier's thread alone writes these: what it built last, and which timer window and
        # which urgent update have been sent. They must not be sent twice.
        self._built: tuple[_State, Sample] | None = None
        self._sent_window: _Window | None = None
        self._sent_urgent: object = None
        self._bars: BarGroup | None = None
        if type == "timer" and _DURATION not in fields:
            fields.setdefault("counts_down", False)
        self._set(fields)
        stream_body(title=self._title, **self._members, **self._recipients())

    # ------------------------------------------------------------------ the user's side

    def update(self, *, urgent: bool = False, **fields: Any) -> None:
        """Note a new state.

        Parameters
        ----------
        urgent : bool, default False
            A real step change: send it now, if the update budget allows any update at all.
        **fields
            What changed; everything else stays.

        Raises
        ------
        PayloadError
            A field is unknown, belongs to another type, or breaks a rule; the state stays as it
            was, and nothing is sent.
        """
        self._set(fields, urgent=urgent)
        if self.outcome is None and not self._opened:
            self.open()
        elif urgent:
            runtime().courier.wake()

    def open(self) -> None:
        """Show the card; an update or entering the ``with`` block does it, too.

        After an end it begins anew, with the newest state.
        """
        if self.outcome is not None:
            self._began, self._last, self.outcome = runtime().courier.now(), {}, None
            self._state = self._state.begun_again(self._began)
        self._opened = True
        super().open()

    def feed(self, bar: Bar) -> Place:
        """Let a bar move this activity; ``tqdm(..., activity=activity)`` does it.

        A progress shows the bars' fraction, a segmented progress the outermost bar's items, every
        type their text as its subtitle, until the last of them is closed.
        """
        if self._bars is None or not self._bars.has_open_bars:
            style: Style = "steps" if self._type == "segmented_progress" else "progress"
            self._bars = BarGroup(Look(title=self._title, style=style))
        return Place(self._bars, self._bars.add(bar))

    def end(
        self,
        outcome: Outcome | str = "done",
        *,
        reason: str = "",
        dismiss_seconds: int | None = None,
        dismiss_minutes: int | None = None,
        **fields: Any,
    ) -> None:
        """End the card; a second end does nothing.

        Parameters
        ----------
        outcome : {"done", "failed", "stopped"} or Outcome, default "done"
            The verdict.
        reason : str, optional
            A few words for a failure or stop.
        dismiss_seconds, dismiss_minutes : int, optional
            How long the Lock Screen keeps it; 0 removes it at once; seconds win. When left out
            60 minutes for done, 30 for stopped, 240 for failed; iOS keeps nothing longer than
            about 4 hours.
        **fields
            Last values.

        Raises
        ------
        PayloadError
            A field breaks a rule; the card is still open then.
        """
        verdict = outcome if isinstance(outcome, Outcome) else _outcome(outcome, reason)
        times = {"auto_dismiss_seconds": dismiss_seconds, "auto_dismiss_minutes": dismiss_minutes}
        last = fields | {name: value for name, value in times.items() if value is not None}
        parse_state({**self._state.fields, **last}, operation="stream_end")
        self._last = last
        self.finish(verdict)

    @property
    def _type(self) -> str:
        return str(self._state.fields["type"])

    @property
    def title(self) -> str:
        """What the card is called."""
        return self._title

    @property
    def payload(self) -> dict[str, Any] | None:
        """The request body that shows the newest state; None before the state is complete."""
        state = self._state
        if not state.complete:
            return None
        return self._body(self._content(state, runtime().courier.now(), None))

    def _opening(self) -> dict[str, Any] | None:
        # Somebody asked for this very card: it is shown, however short its life was.
        return self.payload

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish(Outcome.of_exception(error))

    def __repr__(self) -> str:
        state = "open" if self.is_open else self.outcome.verdict if self.outcome else "new"
        return f"<Activity {self._stream_key!r} {self._type} {state}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # IPython leaves out itself what nobody asked for
        shown: Mapping[str, Any] = self.payload or {"content_state": {"title": self._title}}
        if self.outcome is not None:
            last = self._last_words(self.outcome) or shown["content_state"]
            shown = {**shown, "content_state": last}
        bundle = request_bundle(shown, status="active" if self.outcome is None else "ended")
        return {**bundle, "text/plain": f"{self!r}\n{bundle['text/plain']}"}

    # ------------------------------------------------------------------ states

    def _set(self, fields: Mapping[str, Any], *, urgent: bool = False) -> None:
        state = self._state.merged(fields, runtime().courier.now(), urgent=urgent)
        # One assignment: the courier's thread sees the old state or the new one, never a mixture.
        self._state = state
        self._title = str(state.fields["title"])

    def _sample(self, now: float, seconds_left: float | None) -> Sample | None:
        state, built = self._state, self._built
        if not state.complete:
            return None
        waits = state.window is not self._sent_window or state.urgent is not self._sent_urgent
        if built is not None and built[0] is state and self._bars is None and not waits:
            return built[1]
        shown = self._content(state, now, seconds_left)
        lasting = {name: value for name, value in shown.items() if name != _DURATION}
        sample = Sample(
            body=self._body(shown),
            share=share_of(shown),
            pace="progress" if self._type == "progress" else "value",
            urgent=state.urgent is not self._sent_urgent,
            by_hand=self._bars is None,
            began=self._began,
            shows=(lasting, state.window),
        )
        self._built = (state, sample)
        return sample

    def _content(self, state: _State, now: float, seconds_left: float | None) -> dict[str, Any]:
        shown = dict(state.fields)
        if state.window is not None and state.window is not self._sent_window:
            shown[_DURATION] = state.window.seconds_left(now)
        if self._bars is not None:
            shown |= _fed(self._bars, self._type, seconds_left)
        return shown

    def _body(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        return stream_body(content_state=shown, **self._members, **self._recipients())

    def delivered(self) -> None:
        """Note what must not be sent twice: a timer's duration, and the urgency."""
        if self._built is not None:
            state = self._built[0]
            self._sent_window, self._sent_urgent = state.window, state.urgent

    def _last_words(self, outcome: Outcome) -> dict[str, Any]:
        state = self._state
        if not state.complete:
            return {}
        if self._bars is not None:
            state = state.merged(_fed(self._bars, self._type, None), 0.0, urgent=False)
        elapsed_seconds = runtime().courier.now() - self._began
        share = share_of(state.fields)
        at = "" if share is None else percent_text(share)
        sentence = outcome.sentence(at=at, elapsed_seconds=elapsed_seconds)
        return {
            **state.fields,
            **outcome.look(self._type, sentence),
            **(_completed(state.fields) if outcome.verdict == "done" else {}),
            **self._last,
        }

    def _push_message(self, outcome: Outcome) -> str:
        return outcome.sentence(elapsed_seconds=runtime().courier.now() - self._began)


@attrs.frozen
class _Window:
    """A timer's duration, which restarts the timer on the phone each time it is sent.

    So it goes out once, less what has passed since it was set.
    """

    duration_seconds: float
    since: float
    counts_down: bool

    def seconds_left(self, now: float) -> float:
        if not self.counts_down:
            return self.duration_seconds
        return round(max(1.0, self.duration_seconds - (now - self.since)), 3)


@attrs.frozen
class _State:
    """The newest state: checked, and replaced as a whole.

    Attributes
    ----------
    fields : mapping
        Content-state fields without ``duration_seconds``.
    window : _Window or None
        A timer's duration.
    urgent : object
        Another one for each urgent update.
    complete : bool
        Whether it may open a card.
    """

    fields: Mapping[str, Any]
    window: _Window | None = None
    urgent: object = None
    complete: bool = False

    def merged(self, fields: Mapping[str, Any], now: float, *, urgent: bool) -> _State:
        given = {key: value for key, value in fields.items() if value is not UNSET}
        state = {**self.fields, **given}
        if "value" in given and "percentage" not in given:
            state.pop("percentage", None)  # the other way to say it: the service would prefer it
        checked = parse_state(state, operation="stream_end").to_payload()
        window = self.window
        if state.pop(_DURATION, None) is not None:
            window = _Window(checked[_DURATION], now, checked.get("counts_down") is not False)
        return _State(
            state,
            window,
            object() if urgent else self.urgent,
            self.complete or _is_complete(checked),
        )

    def begun_again(self, now: float) -> _State:
        """Return it with its timer's whole duration ahead."""
        if self.window is None:
            return self
        return attrs.evolve(self, window=attrs.evolve(self.window, since=now))


def share_of(state: Mapping[str, Any]) -> float | None:
    """Return the done share of a progress, 0 to 1; None for every other state."""
    checked = parse_state(state, operation="stream_end").to_payload()
    if checked.get("type") != "progress":
        return None
    if "percentage" in checked:
        return float(checked["percentage"]) / 100
    if "value" in checked and "upper_limit" in checked:
        return min(1.0, max(0.0, float(checked["value"]) / float(checked["upper_limit"])))
    return None


# What a bar may say on an activity of somebody else's making.
_FED: Final[Mapping[str, tuple[str, ...]]] = {
    "progress": ("percentage", "subtitle"),
    "segmented_progress": ("number_of_steps", "current_step", "step_colors", "subtitle"),
}


def _fed(bars: BarGroup, state_type: str, seconds_left: float | None) -> dict[str, Any]:
    """Return the fields that bars bring to an activity of a type."""
    fields = bars.fields(bars.share(), seconds_left)
    return {name: fields[name] for name in _FED.get(state_type, ("subtitle",)) if name in fields}


def _is_complete(state: Mapping[str, Any]) -> bool:
    """Tell whether a checked state may open a card of its type."""
    try:
        parse_state(state, operation="start")
    except PayloadError as error:
        if error.value is UNSET:
            return False
        raise
    return True


def _completed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a finished piece of work shows: all of it."""
    if fields["type"] == "progress":
        if "value" in fields and "percentage" not in fields:
            return {"value": fields["upper_limit"]}
        return {"percentage": 100}
    if fields["type"] == "segmented_progress" and "step_colors" not in fields:
        return {"current_step": fields["number_of_steps"]}
    return {}


def _outcome(verdict: str, reason: str) -> Outcome:
    if verdict not in {"done", "failed", "stopped"}:
        raise PayloadError("outcome", verdict, "must be 'done', 'failed' or 'stopped'")
    return Outcome(cast("Verdict", verdict), one_line(reason))


def _first_fields(kind: object) -> Mapping[str, Any]:
    return _FIRST_FIELDS.get(kind, {}) if isinstance(kind, str) else {}


def key_of(name: object) -> str:
    """Return `name` if it is a stream key, else a stable key made from it and the place."""
    try:
        return check_stream_key(name, "name")
    except PayloadError:
        if not isinstance(name, str) or not name.strip():
            raise
        return stream_key(name, notebook=place_name() or None)
