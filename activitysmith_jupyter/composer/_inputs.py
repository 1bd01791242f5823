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
        if field.is_short:
            self.box.add_class("as-half")

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
        self._input.observe(self._notice, "value")
        return [self._input]

    @property
    def value(self) -> Any:
        """What was typed."""
        return self._input.value

    def fill(self, value: Any) -> None:
        """Type a value."""
        empty = None if self.field.look == "choice" else ""
        self._input.value = empty if value is None else value


class Swatches(Input):
    """One of the ten colours, by its looks."""

    def _widgets(self) -> list[Any]:
        self._value = ""
        self._buttons = {}
        for label, name in COLOR_OPTIONS:
            button = ipywidgets.Button(tooltip=f"{self.field.label}: {label}")
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
            button.icon = "check" if name == self._value else "" if name else "ban"

    @property
    def value(self) -> str:
        """The colour's name; empty for none."""
        return self._value

    def fill(self, value: Any) -> None:
        """Choose a colour."""
        self._value = value or ""
        self._mark()


class Symbol(Input):
    """An SF Symbol, searched by its name and seen as it is typed."""

    def _widgets(self) -> list[Any]:
        self._input = labelled(
            ipywidgets.Combobox,
            self.field.label,
            options=known_symbols(),
            placeholder="search: bolt, chart, checkmark …",
            continuous_update=True,
        )
        self._matches = ipywidgets.HTML()
        self._input.observe(self._notice, "value")
        return [self._input, self._matches]

    def _notice(self, change: Any) -> None:
        self._show_matches()
        super()._notice(change)

    @property
    def value(self) -> str:
        """The symbol's name."""
        return str(self._input.value)

    def fill(self, value: Any) -> None:
        """Type a name."""
        self._input.value = value or ""
        self._show_matches()

    def _show_matches(self) -> None:
        words = self.value[:_LONGEST].lower().replace(".", " ").split()
        names = [name for name in known_symbols() if all(word in name for word in words)]
        shown = names[:_MOST_MATCHES] if words else []
        if words and self.value not in shown:
            unknown = "" if names else " (no picture here; the phone may know it)"
            shown = [self.value[:40], *shown] if not names else shown
        else:
            unknown = ""
        drawn = "".join(f"<span>{glyph(name)}{safe(name)}</span>" for name in shown)
        self._matches.value = (
            f'<div class="as-hint as-matches">{drawn}{unknown}</div>' if drawn else ""
        )
