"""One field of the form on the screen: its input, its label, and the words below it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

import ipywidgets

from activitysmith_jupyter._parts import COLORS
from activitysmith_jupyter.card import glyph, known_symbols
from activitysmith_jupyter.card._palette import COLORS as INKS
from activitysmith_jupyter.composer._look import hint_html, safe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from activitysmith_jupyter.composer._catalogue import Field
    from activitysmith_jupyter.composer._draft import Problem

__all__ = ["COLOR_OPTIONS", "Input", "Plain", "Swatches", "Symbol", "labelled"]

COLOR_OPTIONS: Final = (("none", ""), *((name, name) for name in COLORS))
_MOST_MATCHES: Final = 6
_OFTEN_CHOSEN: Final = (
    "bolt.fill",
    "brain.head.profile",
    "chart.line.uptrend.xyaxis",
    "checkmark.circle.fill",
    "hammer.fill",
    "server.rack",
)
_NO_PICTURE: Final = "No picture of it here; the phone may know it."
_LONGEST: Final = 2000  # of what a search looks at

_TEXT_LOOKS: Final = {
    "line": ipywidgets.Text,
    "number": ipywidgets.Text,
    "whole": ipywidgets.Text,
    "scalar": ipywidgets.Text,
    "words": ipywidgets.Text,
    "area": ipywidgets.Textarea,
    "json": ipywidgets.Textarea,
}


def labelled(kind: type, label: str, **options: Any) -> Any:
    """Make a widget whose label stands above it."""
    widget = kind(description=label, **options)
    widget.add_class("as-over")
    return widget


class Input(ABC):
    """What all fields on the screen have.

    Parameters
    ----------
    field : Field
        What it asks for.
    changed : callable
        Called after somebody changed it.

    Attributes
    ----------
    box : Widget
        What to show.
    """

    def __init__(self, field: Field, changed: Callable[[], None]) -> None:
        self.field = field
        self._changed = changed
        self._below = ipywidgets.HTML(hint_html(field.limits, None))
        self.box = ipywidgets.VBox([*self._widgets(), self._below])
        self.box.add_class("as-field")
        if field.width != "line":
            self.box.add_class(f"as-{field.width}")

    @abstractmethod
    def _widgets(self) -> list[Any]:
        """Make the widgets, with `_notice` listening to them."""

    @property
    @abstractmethod
    def value(self) -> Any:
        """What was typed, as a draft has it."""

    @abstractmethod
    def fill(self, value: Any) -> None:
        """Type a value; None empties the field."""

    def say(self, problems: Mapping[str, Problem]) -> None:
        """Show below the field what is wrong with it, if anything is."""
        words = hint_html(self.field.limits, problems.get(self.field.name))
        if self._below.value != words:
            self._below.value = words

    def _notice(self, change: Any) -> None:
        del change
        self._changed()


class Plain(Input):
    """A line, a larger text, or a choice."""

    def _widgets(self) -> list[Any]:
        look, label = self.field.look, self.field.label
        if look == "choice":
            self._input = labelled(ipywidgets.Dropdown, label, options=self.field.options)
        elif look == "color":
            self._input = labelled(ipywidgets.Dropdown, label, options=COLOR_OPTIONS)
        else:
            self._input = labelled(_TEXT_LOOKS[look], label)
            if look == "json":
                self._input.add_class("as-json")
        self._input.observe(self._notice, "value")
        return [self._input]

    @property
    def value(self) -> Any:
        """What was typed."""
        return self._input.value

    def fill(self, value: Any) -> None:
        """Type a value."""
        self._input.value = "" if value is None else value


class Swatches(Input):
    """One of the ten colours, by its looks."""

    def _widgets(self) -> list[Any]:
        self._value = ""
        self._buttons = {}
        for label, name in COLOR_OPTIONS:
            # The description is for those who hear it: the style shows the colour alone.
            button = ipywidgets.Button(tooltip=label)
            if name:
                button.style.button_color = INKS[name].fill.light
            button.on_click(lambda _, name=name: self._choose(name))
            self._buttons[name] = button
        row = ipywidgets.HBox(list(self._buttons.values()))
        row.add_class("as-swatches")
        name = ipywidgets.HTML(f'<span class="as-name">{safe(self.field.label)}</span>')
        self._mark()
        return [name, row]

    def _choose(self, name: str) -> None:
        self.fill(name)
        self._changed()

    def _mark(self) -> None:
        for name, button in self._buttons.items():
            is_chosen = name == self._value
            button.icon = "check" if is_chosen else "" if name else "ban"
            words = f"{self.field.label}: {name or 'none'}"
            button.description = f"{words}, chosen" if is_chosen else words

    @property
    def value(self) -> str:
        """The colour's name; empty for none."""
        return self._value

    def fill(self, value: Any) -> None:
        """Choose a colour."""
        self._value = value or ""
        self._mark()


class Symbol(Input):
    """An SF Symbol, searched by its name and chosen by its picture."""

    def _widgets(self) -> list[Any]:
        self._input = labelled(
            ipywidgets.Combobox,
            self.field.label,
            options=known_symbols(),
            placeholder="search: bolt, chart, checkmark …",
            continuous_update=True,
        )
        self._matches = [_Match(self._choose) for _ in range(_MOST_MATCHES)]
        self._unknown = ipywidgets.HTML()
        self._input.observe(self._notice, "value")
        row = ipywidgets.HBox([match.box for match in self._matches])
        row.add_class("as-matches")
        self._show_matches()
        return [self._input, row, self._unknown]

    def _choose(self, name: str) -> None:
        if name:  # a click that came after the search had gone on is none
            self._input.value = name

    def _notice(self, change: Any) -> None:
        self._show_matches()
        super()._notice(change)

    @property
    def value(self) -> str:
        """The symbol's name."""
        return str(self._input.value)

    @property
    def matches(self) -> list[str]:
        """The names that are offered."""
        return [match.name for match in self._matches if match.name]

    def fill(self, value: Any) -> None:
        """Type a name."""
        self._input.value = value or ""
        self._show_matches()

    def _show_matches(self) -> None:
        typed = self.value
        words = typed[:_LONGEST].lower().replace(".", " ").split()
        names = [name for name in known_symbols() if all(word in name for word in words)]
        names = names[:_MOST_MATCHES] if words else list(_OFTEN_CHOSEN)
        has_picture = bool(names) or glyph(typed) != glyph("")
        for index, match in enumerate(self._matches):
            match.show(names[index] if index < len(names) else "")
        self._unknown.value = "" if has_picture else hint_html(_NO_PICTURE, None)


class _Match:
    """One symbol that is offered: its picture, and its name as a button that chooses it.

    Parameters
    ----------
    choose : callable
        Gets the name.
    """

    def __init__(self, choose: Callable[[str], None]) -> None:
        self._picture = ipywidgets.HTML()
        self._button = ipywidgets.Button()
        self._button.on_click(lambda _: choose(self.name))
        self.box = ipywidgets.HBox([self._picture, self._button])
        self.box.add_class("as-match")

    @property
    def name(self) -> str:
        """The symbol's name; empty for none."""
        return str(self._button.description)

    def show(self, name: str) -> None:
        """Offer a symbol, or nothing."""
        if name != self.name:
            self._picture.value = glyph(name) if name else ""
            self._button.description = name
            self._button.tooltip = f"Choose {name}"
        self.box.layout.display = None if name else "none"
