"""The left side of the composer: the kinds with their pictures, and the fields of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ipywidgets

from activitysmith_jupyter.composer._catalogue import (
    FIELDS,
    KIND_NAMES,
    KINDS,
    PUSH,
    SECTIONS,
    Field,
)
from activitysmith_jupyter.composer._inputs import Input, Plain, Swatches, Symbol, labelled
from activitysmith_jupyter.composer._look import hint_html, thumbnail_html
from activitysmith_jupyter.composer._rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from activitysmith_jupyter.composer._draft import Problem

__all__ = ["Fold", "Form", "KindChooser"]

_KEY_LIMITS: Final = "1 to 255 letters, digits, _ and -; one key is one card"


class KindChooser:
    """Push or a type of Live Activity, by pictures.

    Parameters
    ----------
    chosen : callable
        Gets the kind that somebody chose.
    """

    def __init__(self, chosen: Callable[[str], None]) -> None:
        self._choices = {}
        for kind in KINDS:
            button = ipywidgets.Button(description=KIND_NAMES[kind])
            button.on_click(lambda _, kind=kind: chosen(kind))
            self._choices[kind] = ipywidgets.VBox([ipywidgets.HTML(thumbnail_html(kind)), button])
        self.box = ipywidgets.HBox(list(self._choices.values()))
        self.box.add_class("as-kinds")

    def mark(self, chosen: str) -> None:
        """Show which kind is being composed."""
        for kind, choice in sorted(self._choices.items(), key=lambda each: each[0] == chosen):
            name = "Push notification" if kind == PUSH else f"Live Activity: {kind}"
            button = choice.children[1]
            button.icon = "check" if kind == chosen else ""
            button.tooltip = f"{name}, chosen" if kind == chosen else name
            (choice.add_class if kind == chosen else choice.remove_class)("as-chosen")


class Fold:
    """A part of the form under a heading that opens and closes it, by mouse and by keyboard.

    Parameters
    ----------
    title : str
        The heading.
    children : list of Widget
        The part.
    """

    def __init__(self, title: str, children: list[Any]) -> None:
        self._heading = ipywidgets.Button(description=title)
        self._heading.add_class("as-fold")
        self._heading.on_click(lambda _: self.open(not self.is_open))
        self.inside = ipywidgets.VBox(children)
        self.inside.add_class("as-inside")
        self.box = ipywidgets.VBox([self._heading, self.inside])
        self.box.layout.overflow = "visible"
        self.open(False)

    @property
    def is_open(self) -> bool:
        """Whether the part is shown."""
        return bool(self.inside.layout.display != "none")

    def open(self, is_open: bool) -> None:  # noqa: FBT001  the one thing that it sets
        """Show the part, or put it away."""
        self.inside.layout.display = None if is_open else "none"
        self._heading.icon = "chevron-down" if is_open else "chevron-right"
        self._heading.tooltip = "Hide" if is_open else "Show"


class Form:
    """The fields of one kind, and the stream key.

    Parameters
    ----------
    changed : callable
        Called after somebody changed something.
    recent_keys : list of str
        Offered as stream keys.
    """

    def __init__(self, changed: Callable[[], None], recent_keys: list[str]) -> None:
        self._key = labelled(
            ipywidgets.Combobox, "Stream key", options=recent_keys, continuous_update=True
        )
        self._key.observe(lambda _: changed(), "value")
        self._below_key = ipywidgets.HTML(hint_html(_KEY_LIMITS, None))
        self._key_box = ipywidgets.VBox([self._key, self._below_key])
        self._key_box.add_class("as-field")
        self._inputs = {field.name: _input(field, changed) for field in FIELDS}
        content = ipywidgets.VBox()
        content.add_class("as-fields")
        self._folds = {title: Fold(title, []) for title in SECTIONS[1:]}
        self._places = {SECTIONS[0]: content}
        for title, fold in self._folds.items():
            fold.inside.add_class("as-fields")
            self._places[title] = fold.inside
        self.box = ipywidgets.VBox([content, *(fold.box for fold in self._folds.values())])
        self.box.add_class("as-form")

    def show(self, kind: str) -> None:
        """Show the fields of a kind."""
        for title, place in self._places.items():
            boxes = [
                one.box
                for one in self._inputs.values()
                if one.field.section == title and kind in one.field.kinds
            ]
            first = title == SECTIONS[0] and kind != PUSH
            place.children = [self._key_box, *boxes] if first else boxes

    @property
    def stream_key(self) -> str:
        """What was typed as the stream key."""
        return str(self._key.value)

    @stream_key.setter
    def stream_key(self, key: str) -> None:
        self._key.value = key

    def offer_keys(self, keys: list[str]) -> None:
        """Offer these stream keys."""
        self._key.options = keys

    @property
    def values(self) -> dict[str, Any]:
        """What was typed, by field name."""
        return {name: one.value for name, one in self._inputs.items()}

    def fill(self, values: Mapping[str, Any]) -> None:
        """Type values, and empty all other fields; parts that hold something are opened."""
        for name, one in self._inputs.items():
            value = values.get(name)
            one.fill(value)
            if value:
                self.reveal(name)

    def reveal(self, name: str) -> None:
        """Open the part that holds a field."""
        one = self._inputs.get(name)
        if one is not None and one.field.section in self._folds:
            self._folds[one.field.section].open(True)

    def say(self, problems: Mapping[str, Problem], key_problem: Problem | None) -> None:
        """Show each problem beside its field."""
        words = hint_html(_KEY_LIMITS, key_problem)
        if self._below_key.value != words:
            self._below_key.value = words
        for one in self._inputs.values():
            one.say(problems)

    def label_of(self, place: str) -> str:
        """Return what people read for the place of a problem."""
        one = self._inputs.get(place.partition("[")[0].partition(".")[0])
        return one.field.label if one is not None else "Stream key"


def _input(field: Field, changed: Callable[[], None]) -> Input:
    if field.look in {"metrics", "actions", "action"}:
        return Rows(field, changed)
    if field.look == "symbol":
        return Symbol(field, changed)
    return (Swatches if field.name == "color" else Plain)(field, changed)
