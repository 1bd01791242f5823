"""The right side of the composer: the card, the buttons, the answer, the code and the presets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from activitysmith_jupyter.card import card_html, island_html, push_html
from activitysmith_jupyter.composer._catalogue import PUSH
from activitysmith_jupyter.composer._form import Fold
from activitysmith_jupyter.composer._inputs import labelled
from activitysmith_jupyter.composer._look import answer_html
from activitysmith_jupyter.composer._message import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CodePart", "PresetPart", "Preview", "Sender", "picture_html"]


def picture_html(kind: str, body: Mapping[str, Any], *, status: str = "active") -> str:
    """Draw what a body shows, without the style sheet."""
    if kind == PUSH:
        return push_html(body, with_style=False)
    state = body.get("content_state") or {}
    card = card_html(
        state,
        action=body.get("action"),
        secondary_action=body.get("secondary_action"),
        status=status,
        with_style=False,
    )
    return card + island_html(state, status=status, with_style=False)


class Preview:
    """The card as it will look."""

    def __init__(self) -> None:
        self.box = ipywidgets.HTML()
        self.box.add_class("as-preview")

    def show(self, drawn: str) -> None:
        """Show a drawing."""
        if self.box.value != drawn:
            self.box.value = drawn


class Sender:
    """The buttons that send, and what became of it.

    Parameters
    ----------
    press : callable
        Gets ``send``, ``update`` or ``end``.
    """

    def __init__(self, press: Callable[[str], None]) -> None:
        self._send = ipywidgets.Button(
            description="Send", icon="paper-plane", button_style="primary"
        )
        self._update = ipywidgets.Button(description="Update", icon="refresh")
        self._end = ipywidgets.Button(description="End", icon="stop")
        for name, button in self._buttons.items():
            button.on_click(lambda _, name=name: press(name))
        row = ipywidgets.HBox(list(self._buttons.values()))
        row.add_class("as-send")
        self._answer = ipywidgets.HTML()
        self.box = ipywidgets.VBox([row, self._answer])
        self.box.layout.overflow = "visible"

    @property
    def _buttons(self) -> dict[str, Any]:
        return {"send": self._send, "update": self._update, "end": self._end}

    def suit(self, kind: str, *, can_replace: bool, is_busy: bool) -> None:
        """Offer what can be done with a kind, and nothing while something is on its way."""
        is_push = kind == PUSH
        self._update.description = "Replace" if is_push else "Update"
        self._update.tooltip = "Replace the push sent last, silently" if is_push else ""
        self._end.layout.display = "none" if is_push else None
        self._send.disabled = self._end.disabled = is_busy
        self._update.disabled = is_busy or (is_push and not can_replace)

    def say(self, *words: str, is_good: bool | None = None) -> None:
        """Say what became of it."""
        self._answer.value = answer_html(words, is_good=is_good)


class CodePart:
    """The message as code to copy.

    Parameters
    ----------
    changed : callable
        Called when another language, or another moment, is wished for.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._language = labelled(ipywidgets.Dropdown, "Language", options=LANGUAGES)
        self._moment = labelled(
            ipywidgets.Dropdown, "For", options=(("Send or update", "start"), ("End", "end"))
        )
        self._code = labelled(ipywidgets.Textarea, "Code, without the key")
        self._code.add_class("as-code")
        for choice in (self._language, self._moment):
            choice.add_class("as-part")
            choice.observe(lambda _: changed(), "value")
        row = ipywidgets.HBox([self._language, self._moment])
        row.add_class("as-line")
        self._fold = Fold("Copy as code", [row, self._code])
        self.box = self._fold.box

    @property
    def language(self) -> str:
        """The language that was chosen."""
        return str(self._language.value)

    def operation(self, kind: str) -> str:
        """Return what the code is to do with a message of this kind."""
        self._moment.layout.display = "none" if kind == PUSH else None
        return "push" if kind == PUSH else str(self._moment.value)

    def show(self, code: str) -> None:
        """Show code."""
        if self._code.value != code:
            self._code.value = code


class PresetPart:
    """Presets by name.

    Parameters
    ----------
    press : callable
        Gets ``load``, ``save`` or ``delete`` and the name.
    names : list of str
        Of the presets there are.
    """

    def __init__(self, press: Callable[[str, str], None], names: list[str]) -> None:
        self._name = labelled(ipywidgets.Combobox, "Preset", options=names, continuous_update=True)
        buttons = []
        for name in ("load", "save", "delete"):
            button = ipywidgets.Button(description=name.capitalize())
            button.on_click(lambda _, name=name: press(name, self._name.value.strip()))
            buttons.append(button)
        row = ipywidgets.HBox(buttons)
        row.add_class("as-send")
        self._answer = ipywidgets.HTML()
        self._fold = Fold("Presets", [self._name, row, self._answer])
        self.box = self._fold.box

    def offer(self, names: list[str]) -> None:
        """Offer these presets."""
        self._name.options = names

    def say(self, words: str, *, is_good: bool) -> None:
        """Say what became of it."""
        self._answer.value = answer_html((words,), is_good=is_good)
