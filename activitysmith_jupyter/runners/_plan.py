"""The cells of a notebook that a runner executes: their names and likely times.

Pure: notebooks come as the nested mappings that nbformat reads, which it also hands on when they
break its schema; what is not as it should be counts as not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Plan", "PlannedCell", "notebook_title", "plan_of", "tags_of"]

# Tags that tell a tool what to do, not a reader what the cell is about.
_TECHNICAL: Final = re.compile(
    r"(injected-)?parameters|raises-exception|skip.*|(remove|hide)[-_].*|nbval.*|papermill.*"
    r"|full-width|scroll-output|interactive|injected.*"
)
_DESCRIPTION: Final = re.compile(r"papermill_description=(\S+)")
_FENCES: Final = ("```", "~~~")
_DEEPEST_HEADING: Final = 6
_DEEPEST_INDENT: Final = 3  # further in, a line is code
_LONGEST_LINE: Final = 400  # no card shows as much; what follows may be made to be slow to read
_MARKUP: Final = re.compile(r"[*_`]+|\[([^\]]*)\]\([^)]*\)")
_SKIPPED: Final = "skip-execution"
_LONGEST_SECONDS: Final = 1e9  # some decades: no cell took longer


@attrs.frozen(kw_only=True)
class PlannedCell:
    """A code cell that will run.

    Attributes
    ----------
    index : int
        Its place among all cells, from 0.
    number : int
        Its place among the code cells that run, from 1.
    name : str
        What it is about; empty where nothing says so.
    seconds : float or None
        How long it took in an earlier run.
    """

    index: int
    number: int
    name: str = ""
    seconds: float | None = None


@attrs.frozen
class Plan:
    """What a run is going to do.

    Attributes
    ----------
    cells : tuple of PlannedCell
        In order.
    """

    cells: tuple[PlannedCell, ...] = ()

    @property
    def total(self) -> int:
        """How many cells run."""
        return len(self.cells)

    def at(self, index: int) -> PlannedCell | None:
        """Return the cell at a place among all cells; None for one that does not run."""
        return next((cell for cell in self.cells if cell.index == index), None)

    def is_last(self, index: int) -> bool:
        """Tell whether no cell runs after this place."""
        return all(cell.index <= index for cell in self.cells)

    def share(self, done: int, inner: float = 0.0) -> float:
        """Return the done share, 0 to 1, weighed by earlier times where they are known.

        Parameters
        ----------
        done : int
            How many cells have run.
        inner : float
            How far the current one is, 0 to 1.
        """
        weights = self._weights()
        whole = sum(weights)
        if not whole:
            return 1.0
        current = weights[done] if done < len(weights) else 0.0
        return min(1.0, (sum(weights[:done]) + inner * current) / whole)

    def seconds_left(self, done: int, in_cell: float, inner: float | None = None) -> float | None:
        """Return how long the rest is likely to take; None where no earlier run is known.

        Parameters
        ----------
        done : int
            How many cells have run.
        in_cell : float
            How long the current one has been running, seconds.
        inner : float, optional
            How far it is, 0 to 1: then its own pace counts.
        """
        if not any(cell.seconds for cell in self.cells):
            return None
        weights = self._weights()
        current = weights[done] if done < len(weights) else 0.0
        own = max(0.0, current - in_cell) if not inner else in_cell * (1 - inner) / inner
        return own + sum(weights[done + 1 :])

    def _weights(self) -> list[float]:
        known = [cell.seconds for cell in self.cells if cell.seconds is not None]
        usual = sum(known) / len(known) if known and sum(known) else 1.0
        return [usual if cell.seconds is None else cell.seconds for cell in self.cells]


def plan_of(notebook: Mapping[str, Any], earlier: Mapping[str, Any] | None = None) -> Plan:
    """Return what executing a notebook is going to do.

    Parameters
    ----------
    notebook : mapping
        With ``cells``.
    earlier : mapping, optional
        The same notebook after an earlier run; the notebook's own times are used as well.
    """
    times = {**_times(notebook), **({} if earlier is None else _times(earlier))}
    cells: list[PlannedCell] = []
    heading = ""
    for index, cell in enumerate(_cells(notebook)):
        source = _source(cell)
        if cell.get("cell_type") == "markdown":
            heading = _last_heading(source) or heading
        elif _runs(cell):
            cells.append(
                PlannedCell(
                    index=index,
                    number=len(cells) + 1,
                    name=_name(cell, source) or heading,
                    seconds=times.get(source),
                )
            )
    return Plan(tuple(cells))


def notebook_title(notebook: Mapping[str, Any]) -> str:
    """Return what a notebook calls itself: its metadata's title or its first heading."""
    title = _mapping(_mapping(notebook).get("metadata")).get("title")
    if isinstance(title, str) and title.strip():
        return title.strip()
    for cell in _cells(notebook):
        if cell.get("cell_type") == "markdown" and (found := next(_headings(_source(cell)), "")):
            return found
    return ""


def _cells(notebook: Any) -> list[Mapping[str, Any]]:
    """Return the cells, an empty one for each that is none: so the others keep their places."""
    cells = _mapping(notebook).get("cells")
    return [_mapping(cell) for cell in cells] if isinstance(cells, list | tuple) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _runs(cell: Mapping[str, Any]) -> bool:
    return (
        cell.get("cell_type") == "code"
        and bool(_source(cell).strip())
        and _SKIPPED not in tags_of(cell)
    )


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source")
    lines = source if isinstance(source, list | tuple) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def tags_of(cell: Mapping[str, Any]) -> list[str]:
    """Return the tags of a cell; what is no text among them is none."""
    tags = _mapping(cell.get("metadata")).get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list | tuple) else []


def _name(cell: Mapping[str, Any], source: str) -> str:
    for tag in tags_of(cell):
        if not _TECHNICAL.fullmatch(tag):
            return tag.removeprefix("name:").removeprefix("name=")
    described = _DESCRIPTION.search(source)
    return described[1] if described else ""


def _headings(source: str) -> Iterator[str]:
    fence = ""
    for line in source.splitlines():
        mark = line[: len(_FENCES[0])]
        if fence or mark in _FENCES:
            fence = "" if mark == fence else fence or mark
        elif words := _heading(line[:_LONGEST_LINE]):
            yield _MARKUP.sub(r"\1", words).strip()


def _heading(line: str) -> str:
    """Return the words of a line that is a heading; empty for any other line."""
    text = line.strip()
    level = len(text) - len(text.lstrip("#"))
    is_heading = 1 <= level <= _DEEPEST_HEADING and text[level : level + 1].isspace()
    indent = len(line) - len(line.lstrip(" "))
    return text[level:].rstrip("#").strip() if is_heading and indent <= _DEEPEST_INDENT else ""


def _last_heading(source: str) -> str:
    return next(reversed([*_headings(source)]), "")


def _times(notebook: Mapping[str, Any]) -> dict[str, float]:
    """Return how long each cell took, by its text."""
    return {
        _source(cell): seconds
        for cell in _cells(notebook)
        if (seconds := _seconds(cell)) is not None
    }


def _seconds(cell: Mapping[str, Any]) -> float | None:
    """Return the time that papermill, or else nbclient or JupyterLab, has noted."""
    metadata = _mapping(cell.get("metadata"))
    duration = _mapping(metadata.get("papermill")).get("duration")
    if isinstance(duration, int | float) and 0 <= duration < _LONGEST_SECONDS:
        return float(duration)
    noted = _mapping(metadata.get("execution"))
    try:
        began = datetime.fromisoformat(noted["iopub.execute_input"])
        ended = datetime.fromisoformat(noted["shell.execute_reply"])
        return max(0.0, (ended - began).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None
