"""`Activity`: one Live Activity in plain Python, from the first update to the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, cast

import attrs

from ._courier import Sample
from ._fields import UNSET
from ._opencard import OpenCard
from ._operations import parse_state
from ._outcome import Outcome, one_line, percent_text
from ._place import place_name
from ._requests import stream_body
from ._runtime import runtime
from ._settings import hide, resolve
from ._streams import check_stream_key, stream_key
from .exceptions import PayloadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    import httpx

    from ._outcome import Verdict
    from ._parts import Action
    from ._settings import NotifyWhen

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
            title=title or str(name),
            settings=settings,
            transport=transport,
        )
        members = (action, secondary_action, alert, tags, metadata)
        self._members = {
            name: value for name, value in zip(_MEMBERS, members, strict=True) if value is not None
        }
        self._began = runtime().courier.now()
        self._state = _State({"title": self._title, "type": type, **_FIRST_FIELDS.get(type, {})})
        self._last: Mapping[str, Any] = {}
        self._built: tuple[_State, Sample] | None = None
        self._opened = False
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
        """Show the card; an update or entering the ``with`` block does it, too."""
        self._opened = True
        super().open()

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
        sample = self._sample(runtime().courier.now(), None)
        return None if sample is None else dict(sample.body)

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

    # ------------------------------------------------------------------ states

    def _set(self, fields: Mapping[str, Any], *, urgent: bool = False) -> None:
        state = self._state.merged(fields, runtime().courier.now(), urgent=urgent)
        # One assignment: the courier's thread sees the old state or the new one, never a mixture.
        self._state = state
        self._title = str(state.fields["title"])

    def _sample(self, now: float, seconds_left: float | None) -> Sample | None:  # noqa: ARG002  said by hand
        state, built = self._state, self._built
        if not state.complete:
            return None
        if built is None or built[0] is not state or state.duration is not None:
            body = stream_body(
                content_state=state.content(now), **self._members, **self._recipients()
            )
            sample = Sample(
                body=body,
                share=state.share,
                pace="progress" if self._type == "progress" else "value",
                urgent=state.urgent,
                by_hand=True,
                began=self._began,
            )
            self._built = (state, sample)
            return sample
        return built[1]

    def delivered(self) -> None:
        """Forget what must not be sent twice: a timer's duration, and the urgency."""
        state, built = self._state, self._built
        if built is None or not (state.urgent or state.duration):
            return
        sent = built[0]
        self._state = attrs.evolve(
            state,
            urgent=state.urgent and not sent.urgent,
            duration=None if state.duration is sent.duration else state.duration,
        )

    def _last_words(self, outcome: Outcome) -> dict[str, Any]:
        state = self._state
        if not state.complete:
            return {}
        elapsed_seconds = runtime().courier.now() - self._began
        at = "" if state.share is None else percent_text(state.share)
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
class _State:
    """The newest state: checked, and replaced as a whole.

    A timer's duration restarts its window on the phone each time it is sent. So it is kept apart,
    with the time it was set: it goes out once, less what has passed since.
    """

    fields: Mapping[str, Any]
    duration: tuple[float, float] | None = None
    urgent: bool = False
    complete: bool = False

    def merged(self, fields: Mapping[str, Any], now: float, *, urgent: bool) -> _State:
        state = {
            **self.fields,
            **{key: value for key, value in fields.items() if value is not UNSET},
        }
        checked = parse_state(state, operation="stream_end").to_payload()
        duration = self.duration
        if _DURATION in checked:
            duration = (checked[_DURATION], now)
            state.pop(_DURATION)
        return _State(
            state,
            duration,
            urgent or self.urgent,
            self.complete or _is_complete(checked),
        )

    def content(self, now: float) -> dict[str, Any]:
        if self.duration is None:
            return dict(self.fields)
        seconds, since = self.duration
        if self.fields.get("counts_down") is not False:
            seconds = max(1.0, seconds - (now - since))
        return {**self.fields, _DURATION: round(seconds, 3)}

    @property
    def share(self) -> float | None:
        """Done share of a progress, 0 to 1."""
        checked = parse_state(self.fields, operation="stream_end").to_payload()
        if checked.get("type") != "progress":
            return None
        if "percentage" in checked:
            return float(checked["percentage"]) / 100
        if "value" in checked and "upper_limit" in checked:
            return min(1.0, max(0.0, float(checked["value"]) / float(checked["upper_limit"])))
        return None


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


def key_of(name: str) -> str:
    """Return `name` if it is a stream key, else a stable key made from it and the place."""
    try:
        return check_stream_key(name, "name")
    except PayloadError:
        if not str(name).strip():
            raise
        return stream_key(name, notebook=place_name() or None)
