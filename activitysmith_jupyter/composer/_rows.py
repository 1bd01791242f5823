"""Fields made of rows: metrics that can be added, removed and moved, and buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ipywidgets

from activitysmith_jupyter.composer._inputs import COLOR_OPTIONS, Input, labelled
from activitysmith_jupyter.composer._look import problem_html, safe
from activitysmith_jupyter.composer._values import empty_row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from activitysmith_jupyter.composer._draft import Problem

__all__ = ["Rows"]

_DOES: Final = (
    ("Open a link", "open_url"),
    ("Run a Shortcut", "shortcut"),
    ("Call a webhook", "webhook"),
)
_METHODS: Final = (("POST (default)", ""), ("GET", "GET"), ("POST", "POST"))
_NAMES: Final = {
    "label": "Label",
    "value": "Value",
    "unit": "Unit",
    "color": "Colour",
    "title": "Button says",
    "does": "It does",
    "url": "Link",
    "method": "Method",
    "body": "JSON body",
}
_WHICH: Final = {"open_url": "Link", "shortcut": "Name of the Shortcut", "webhook": "https:// URL"}


class Rows(Input):
    """Metrics or buttons, one below the other."""

    def _widgets(self) -> list[Any]:
        self._rows: list[_Row] = []
        self._list = ipywidgets.VBox()
        self._list.add_class("as-inside")
        self._add = ipywidgets.Button(description=f"Add {self._noun}", icon="plus")
        self._add.on_click(self._add_one)
        name = ipywidgets.HTML(f'<span class="as-name">{safe(self.field.label)}</span>')
        return [name, self._list, self._add]

    @property
    def _noun(self) -> str:
        if self.field.look == "metrics":
            return "a metric"
        return "the button" if self.field.look == "action" else "a button"

    @property
    def value(self) -> Any:
        """The rows as a draft has them; of a single button, its row or None."""
        rows = [row.value for row in self._rows]
        if self.field.look == "action":
            return rows[0] if rows else None
        return rows

    def fill(self, value: Any) -> None:
        """Type rows."""
        rows = [value] if isinstance(value, dict) else value or []
        self._rows = [self._new(row) for row in rows]
        self._arrange()

    def say(self, problems: Mapping[str, Problem]) -> None:
        """Show beside each row what is wrong with it, and below what concerns them all."""
        super().say(problems)
        for index, row in enumerate(self._rows):
            place = self.field.name
            place = place if self.field.look == "action" else f"{place}[{index}]"
            row.say(
                {
                    name[len(place) :].lstrip("."): problem
                    for name, problem in problems.items()
                    if name.startswith((f"{place}.", f"{place}["))
                    or (name == place and place != self.field.name)
                }
            )

    def _new(self, row: Mapping[str, Any]) -> _Row:
        kind = _MetricRow if self.field.look == "metrics" else _ButtonRow
        return kind(row, self._changed, self._move, self._remove)

    def _add_one(self, _: Any) -> None:
        look = "metrics" if self.field.look == "metrics" else "action"
        self._rows.append(self._new(empty_row(look)))
        self._arrange()
        self._changed()

    def _move(self, row: _Row, by: int) -> None:
        here = self._rows.index(row)
        there = here + by
        if 0 <= there < len(self._rows):
            self._rows[here], self._rows[there] = self._rows[there], self._rows[here]
            self._arrange()
            self._changed()

    def _remove(self, row: _Row) -> None:
        self._rows.remove(row)
        self._arrange()
        self._changed()

    def _arrange(self) -> None:
        self._list.children = [row.box for row in self._rows]
        self._add.disabled = len(self._rows) >= self.field.most
        for index, row in enumerate(self._rows):
            row.number(index + 1, len(self._rows))


class _Row:
    """One row and its tools."""

    _names: tuple[str, ...] = ()

    def __init__(
        self,
        row: Mapping[str, Any],
        changed: Callable[[], None],
        move: Callable[[_Row, int], None],
        remove: Callable[[_Row], None],
    ) -> None:
        self._parts = {name: self._part(name, row.get(name) or "") for name in self._names}
        for part in self._parts.values():
            part.observe(lambda _: changed(), "value")
        self._up = _tool("arrow-up", lambda: move(self, -1))
        self._down = _tool("arrow-down", lambda: move(self, 1))
        self._gone = _tool("trash", lambda: remove(self))
        self._words = ipywidgets.HTML()
        line = ipywidgets.HBox(
            [*self._parts.values(), ipywidgets.HBox([self._up, self._down, self._gone])]
        )
        line.add_class("as-line")
        self.box = ipywidgets.VBox([line, self._words])
        self.box.add_class("as-edit")

    @staticmethod
    def _part(name: str, value: str) -> Any:
        options = {"color": COLOR_OPTIONS, "does": _DOES, "method": _METHODS}.get(name)
        if options is not None:
            part = labelled(ipywidgets.Dropdown, _NAMES.get(name, name), options=options)
        elif name == "body":
            part = labelled(ipywidgets.Textarea, _NAMES[name])
        else:
            part = labelled(ipywidgets.Text, _NAMES[name])
        part.value = value
        part.add_class("as-part")
        return part

    @property
    def value(self) -> dict[str, str]:
        """The row as a draft has it."""
        return {name: part.value for name, part in self._parts.items()}

    def say(self, problems: Mapping[str, Problem]) -> None:
        """Show what is wrong, part by part."""
        said = []
        for name, problem in problems.items():
            words = f"{_NAMES[name]}: {problem.words}" if name in _NAMES else problem.words
            said.append(problem_html(words, is_missing=problem.is_missing))
        words = "".join(said)
        if self._words.value != words:
            self._words.value = words

    def number(self, position: int, count: int) -> None:
        """Tell the row where it stands, for its tools and those who hear them."""
        self._up.disabled = position == 1
        self._down.disabled = position == count
        for tool, words in (
            (self._up, "Move {} up"),
            (self._down, "Move {} down"),
            (self._gone, "Remove {}"),
        ):
            tool.description = tool.tooltip = words.format(f"row {position}")
        alone = "none" if count == 1 else None
        self._up.layout.display = self._down.layout.display = alone


class _MetricRow(_Row):
    _names = ("label", "value", "unit", "color")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._parts["unit"].add_class("as-small")
        self._parts["color"].add_class("as-small")


class _ButtonRow(_Row):
    _names = ("title", "does", "url", "method", "body")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._parts["url"].add_class("as-wide")
        self._parts["does"].add_class("as-roomy")
        self._parts["method"].add_class("as-roomy")
        self._parts["body"].add_class("as-whole")
        self._parts["does"].observe(self._show_what_fits, "value")
        self._show_what_fits(None)

    def _show_what_fits(self, change: Any) -> None:
        del change
        does = self._parts["does"].value
        self._parts["url"].description = _WHICH[does]
        for name in ("method", "body"):
            self._parts[name].layout.display = None if does == "webhook" else "none"


def _tool(icon: str, press: Callable[[], None]) -> Any:
    # Its description is for those who hear it: the style shows the icon alone.
    button = ipywidgets.Button(icon=icon)
    button.add_class("as-tool")
    button.on_click(lambda _: press())
    return button
