"""`Composer`: a form for every message, with the card beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import ipywidgets

from activitysmith_jupyter._embedded import use_emulator
from activitysmith_jupyter._moments import Debounced, meanwhile
from activitysmith_jupyter._parts import Record
from activitysmith_jupyter._payloads import Push
from activitysmith_jupyter._place import place_name
from activitysmith_jupyter._requests import push_body, stream_body
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter._secret import HOW_TO_SET_A_KEY
from activitysmith_jupyter._settings import resolve
from activitysmith_jupyter._states import STATE_TYPES
from activitysmith_jupyter._static_picture import StaticPicture
from activitysmith_jupyter._streams import stream_key as default_key
from activitysmith_jupyter.activity import Activity
from activitysmith_jupyter.card import stylesheet
from activitysmith_jupyter.composer._catalogue import EXAMPLES, PUSH, fields_of
from activitysmith_jupyter.composer._draft import STREAM_KEY, Reading, read
from activitysmith_jupyter.composer._form import Form, KindChooser
from activitysmith_jupyter.composer._look import hint_html, style_html, with_code
from activitysmith_jupyter.composer._message import Message, written
from activitysmith_jupyter.composer._presets import Presets
from activitysmith_jupyter.composer._send import Answer, deliver
from activitysmith_jupyter.composer._side import (
    CodePart,
    PresetPart,
    Preview,
    Sender,
    picture_html,
)
from activitysmith_jupyter.composer._values import kind_of, typed
from activitysmith_jupyter.exceptions import ConfigurationError, PayloadError
from activitysmith_jupyter.phone import Phone

if TYPE_CHECKING:
    from activitysmith_jupyter.composer._draft import Operation

__all__ = ["Composer"]

TYPING_SECONDS: Final = 0.12
_LEFT_BEHIND: Final = "Picture of a form. Run the cell to get the form itself."
_MOST_NAMES: Final = 6
_EXTRAS: Final = frozenset({"subtitle", "color", "push_message"})

# What composers of this process sent last, by stream key: `Composer("key")` goes on from there.
_sent: dict[str, dict[str, Any]] = {}


class Composer(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A form that composes a push or a Live Activity, shows it, sends it and writes its code.

    Parameters
    ----------
    value : str, mapping, payload object or Activity, optional
        What to begin with: a content state, a whole request, a push, an `Activity`; or the stream
        key of a card that is open in this kernel or was sent from a composer.
    stream_key : str, optional
        The key to begin with.

    Raises
    ------
    PayloadError
        The given payload breaks a rule.

    Notes
    -----
    Made of core ipywidgets only, so it works in JupyterLab, Notebook 7, VS Code and Colab. The
    API key is looked up when something is sent and is part of no widget. Sending does not hold
    up the kernel, and widgets are changed from its own event loop only.

    Examples
    --------
    >>> from activitysmith_jupyter import Composer, ProgressState
    >>> composer = Composer(ProgressState("Training", percentage=43))
    >>> composer.body
    {'content_state': {'type': 'progress', 'title': 'Training', 'percentage': 43}}
    """

    def __init__(
        self,
        value: str | Mapping[str, Any] | Record | Activity | None = None,
        *,
        stream_key: str | None = None,
    ) -> None:
        given_key, body = _given(value)
        self._presets = Presets()
        self._kind = "progress"
        self._notification_id = ""
        self._is_busy = False
        self._refresh = Debounced(self.refresh, TYPING_SECONDS)
        self._picture = StaticPicture(_LEFT_BEHIND, self._drawn)

        self._chooser = KindChooser(self.choose)
        self._form = Form(self._refresh, self._presets.recent_keys())
        self._preview = Preview()
        self._sender = Sender(self._press)
        self._code = CodePart(self._write_code)
        self._preset_part = PresetPart(self._press_preset, self._presets.names())
        self._notice = ipywidgets.VBox()
        self._phone_place = ipywidgets.VBox()
        side = ipywidgets.VBox(
            [
                self._preview.box,
                self._sender.box,
                self._phone_place,
                self._code.box,
                self._preset_part.box,
            ]
        )
        side.add_class("as-side")
        columns = ipywidgets.HBox([self._form.box, side])
        columns.add_class("as-columns")
        style = ipywidgets.HTML(style_html())
        style.add_class("as-sheet")
        super().__init__([style, self._notice, self._chooser.box, columns])
        self.add_class("as-composer")
        self._picture.watch(self)

        self._form.stream_key = stream_key or given_key or _default_key()
        self.fill(body or _example("progress"))
        self._say_whether_there_is_a_key()

    # ------------------------------------------------------------------ what it holds

    @property
    def stream_key(self) -> str:
        """The stream key as it was typed."""
        return self._form.stream_key

    @property
    def body(self) -> dict[str, Any]:
        """The request body as it would be sent now.

        Raises
        ------
        PayloadError
            Something in the form breaks a rule.
        """
        reading = self._read("push" if self._kind == PUSH else "update")
        for place, problem in reading.problems.items():
            raise PayloadError(place, "as typed", problem.words)
        return reading.body

    def __repr__(self) -> str:
        key = "" if self._kind == PUSH else f" {self.stream_key!r}"
        return f"<Composer {self._kind}{key}>"

    def fill(self, body: Mapping[str, Any]) -> None:
        """Type a checked request body into the form."""
        self._form.fill(typed(body))
        self._show_kind(kind_of(body))
        self.refresh()

    def choose(self, kind: str) -> None:
        """Switch to another kind of message, keeping what fits it."""
        if kind == self._kind:
            return
        before = self._values()
        title = before.get("push_title" if self._kind == PUSH else "title", "")
        is_untouched = before == _typed_example(self._kind)
        self._show_kind(kind)
        example = _typed_example(kind)
        if not is_untouched:
            # What has been typed stays; what this kind needs beside it begins as in its example.
            kept = self._values()
            own = {"push_title" if kind == PUSH else "title": title} if title else {}
            needed = {name: each for name, each in example.items() if name not in _EXTRAS}
            example = {**needed, **kept, **own}
        self._form.fill({**self._form.values, **dict.fromkeys(_names_of(kind)), **example})
        self.refresh()

    # ------------------------------------------------------------------ as one types

    def refresh(self) -> None:
        """Check what was typed, and draw the card anew."""
        self._refresh.cancel()
        reading = self._read("push" if self._kind == PUSH else "start")
        key_problem = reading.problems.pop(STREAM_KEY, None)
        self._form.say(reading.problems, key_problem)
        self._preview.show(picture_html(self._kind, reading.body))
        self._write_code()
        self._suit()
        self._picture.keep_soon()

    def _values(self) -> dict[str, Any]:
        typed_now = self._form.values
        return {name: typed_now[name] for name in _names_of(self._kind) if typed_now[name]}

    def _read(self, operation: Operation) -> Reading:
        key = None if self._kind == PUSH else self._form.stream_key
        return read(self._kind, self._form.values, operation=operation, stream_key=key)

    def _show_kind(self, kind: str) -> None:
        self._kind = kind
        self._chooser.mark(kind)
        self._form.show(kind)
        self._sender.say()

    def _suit(self) -> None:
        self._sender.suit(
            self._kind, can_replace=bool(self._notification_id), is_busy=self._is_busy
        )

    def _write_code(self) -> None:
        operation = cast("Operation", self._code.operation(self._kind))
        reading = self._read(operation)
        if reading.problems:
            self._code.show("# Not yet: see beside the fields.")
            return
        message = Message(operation=operation, body=reading.body, stream_key=self.stream_key)
        self._code.show(written(message, self._code.language))

    # ------------------------------------------------------------------ sending

    def _press(self, button: str) -> None:
        """Send, as one of the three buttons says; a press while something is under way is none."""
        if self._is_busy:
            return
        self.refresh()
        operation = self._operation(button)
        reading = self._read(operation)
        if reading.problems:
            self._say_what_is_wrong(reading)
            return
        message = Message(
            operation=operation,
            body=reading.body,
            stream_key="" if self._kind == PUSH else self.stream_key,
            notification_id=self._notification_id,
        )
        self._is_busy = True
        self._suit()
        self._sender.say("Sending …")
        meanwhile(lambda: deliver(message), lambda answer: self._answered(message, answer))

    def _operation(self, button: str) -> Operation:
        if self._kind == PUSH:
            return "replace" if button == "update" else "push"
        return cast("Operation", {"send": "start"}.get(button, button))

    def _say_what_is_wrong(self, reading: Reading) -> None:
        labels = list(dict.fromkeys(self._form.label_of(place) for place in reading.problems))
        for place in reading.problems:
            self._form.reveal(place.partition("[")[0].partition(".")[0])
        key_problem = reading.problems.pop(STREAM_KEY, None)
        self._form.say(reading.problems, key_problem)
        named = ", ".join(labels[:_MOST_NAMES]) + (" …" if len(labels) > _MOST_NAMES else "")
        self._sender.say("Nothing was sent.", f"Look at: {named}.", is_good=False)

    def _answered(self, message: Message, answer: Answer) -> None:
        self._is_busy = False
        if answer.notification_id:
            self._notification_id = answer.notification_id
        if answer.is_good and message.stream_key:
            _sent[message.stream_key] = dict(message.body)
            self._presets.remember_key(message.stream_key)
            self._form.offer_keys(self._presets.recent_keys())
        self._sender.say(*answer.words, is_good=answer.is_good)
        self._suit()
        self._say_whether_there_is_a_key()
        self._picture.keep()

    # ------------------------------------------------------------------ presets

    def _press_preset(self, button: str, name: str) -> None:
        if not name:
            self._preset_part.say("Type a name first.", is_good=False)
            return
        try:
            words, is_good = getattr(self, f"_{button}_preset")(name)
        except OSError as error:
            words, is_good = f"The presets cannot be written: {error.strerror or error}.", False
        self._preset_part.offer(self._presets.names())
        self._preset_part.say(words, is_good=is_good)

    def _load_preset(self, name: str) -> tuple[str, bool]:
        preset = self._presets.get(name)
        if preset is None:
            return f"There is no preset named {name!r}.", False
        try:
            body = _checked_body(preset["body"])
        except PayloadError as error:
            return f"This preset cannot be used any more: {error}", False
        self._form.stream_key = str(preset.get("stream_key") or self.stream_key)
        self.fill(body)
        return f"Loaded {name!r}.", True

    def _save_preset(self, name: str) -> tuple[str, bool]:
        reading = self._read("push" if self._kind == PUSH else "update")
        if reading.problems:
            self._say_what_is_wrong(reading)
            return "Only what can be sent can be saved.", False
        self._presets.save(name, stream_key=self.stream_key, body=reading.body)
        return f"Saved {name!r}.", True

    def _delete_preset(self, name: str) -> tuple[str, bool]:
        self._presets.delete(name)
        return f"Deleted {name!r}.", True

    # ------------------------------------------------------------------ key and emulator

    def _say_whether_there_is_a_key(self) -> None:
        try:
            settings = resolve()
        except ConfigurationError as error:
            self._notice.children = [_note(str(error))]
            return
        if settings.api_key is not None or settings.disabled:
            self._notice.children = []
            return
        button = ipywidgets.Button(
            description="Use the emulator", icon="mobile", button_style="primary"
        )
        button.layout.width = "auto"
        button.on_click(self._use_emulator)
        words = "Nothing leaves this machine with the emulator: a phone beside the form."
        way_out = ipywidgets.HBox([button, ipywidgets.HTML(hint_html(words, None))])
        way_out.add_class("as-way-out")
        self._notice.children = [_note(f"No API key yet. {HOW_TO_SET_A_KEY}."), way_out]

    def _use_emulator(self, _: Any) -> None:
        use_emulator()
        self._say_whether_there_is_a_key()
        phone = Phone()
        self._phone_place.children = [phone]
        phone.follow()
        self._sender.say("The emulator is on: nothing leaves this machine.", is_good=True)

    # ------------------------------------------------------------------ for later

    def _ipython_display_(self) -> None:
        self._picture.show(super()._repr_mimebundle_())

    def _drawn(self) -> str:
        return f"<style>{stylesheet()}</style>{self._preview.box.value}"


def _given(value: Any) -> tuple[str, dict[str, Any]]:
    """Return the stream key and the checked body that a value stands for; empty for unknown."""
    if value is None:
        return "", {}
    if isinstance(value, str):
        return value, _known_body(value)
    if isinstance(value, Activity):
        return value.stream_key, value.payload or {}
    if isinstance(value, Record | Mapping):
        return "", _checked_body(value)
    raise PayloadError("value", value, "must be a payload, an Activity or a stream key")


def _checked_body(value: Any) -> dict[str, Any]:
    """Check a payload, whatever its form: push, content state or whole request."""
    if isinstance(value, Push):
        return push_body(value)
    if isinstance(value, Record) or "content_state" in value:
        return stream_body(cast("Any", value))
    if value.get("type") in STATE_TYPES:
        return stream_body(content_state=value)
    return push_body(value)


def _known_body(stream_key: str) -> dict[str, Any]:
    for card in runtime().open_cards:
        if isinstance(card, Activity) and card.stream_key == stream_key:
            return card.payload or {}
    return dict(_sent.get(stream_key, {}))


def _example(kind: str) -> dict[str, Any]:
    example = EXAMPLES[kind]
    return push_body(example) if kind == PUSH else stream_body(type=kind, **cast("Any", example))


def _typed_example(kind: str) -> dict[str, Any]:
    return {name: value for name, value in typed(_example(kind)).items() if value}


def _names_of(kind: str) -> list[str]:
    return [field.name for field in fields_of(kind)]


def _default_key() -> str:
    return default_key("card", notebook=place_name() or None)


def _note(words: str) -> Any:
    return ipywidgets.HTML(f'<div class="as-note" role="note">{with_code(words)}</div>')
