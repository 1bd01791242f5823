"""The cells of a notebook that a runner executes: their names and likely times.

Pure: notebooks come as the nested mappings that nbformat reads.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Plan", "PlannedCell", "notebook_title", "plan_of"]

# Tags that tell a tool what to do, not a reader what the cell is about.
_TECHNICAL: Final = re.compile(
    r"(injected-)?parameters|raises-exception|skip.*|(remove|hide)[-_].*|nbval.*|papermill.*"
    r"|full-width|scroll-output|interactive|injected.*"
)
_DESCRIPTION: Final = re.compile(r"papermill_description=(\S+)")
_HEADING: Final = re.compile(r"^ {0,3}(#{1,6})\s+(.+?)\s*#*\s*$", re.MULTILINE)
_FENCED: Final = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_MARKUP: Final = re.compile(r"[*_`]+|\[([^\]]*)\]\([^)]*\)")
_SKIPPED: Final = "skip-execution"


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
    for index, cell in enumerate(notebook.get("cells", ())):
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
    title = notebook.get("metadata", {}).get("title")
    if isinstance(title, str) and title.strip():
        return title.strip()
    for cell in notebook.get("cells", ()):
        if cell.get("cell_type") == "markdown" and (found := next(_headings(_source(cell)), "")):
            return found
    return ""


def _runs(cell: Mapping[str, Any]) -> bool:
    return (
        cell.get("cell_type") == "code"
        and bool(_source(cell).strip())
        and _SKIPPED not in _tags(cell)
    )


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _tags(cell: Mapping[str, Any]) -> list[str]:
    tags = cell.get("metadata", {}).get("tags", ())
    return [tag for tag in tags if isinstance(tag, str)]


def _name(cell: Mapping[str, Any], source: str) -> str:
    for tag in _tags(cell):
        if not _TECHNICAL.fullmatch(tag):
            return tag.removeprefix("name:").removeprefix("name=")
    described = _DESCRIPTION.search(source)
    return described[1] if described else ""


def _headings(source: str) -> Iterator[str]:
    for found in _HEADING.finditer(_FENCED.sub("", source)):
        yield _MARKUP.sub(r"\1", found[2]).strip()


def _last_heading(source: str) -> str:
    return next(reversed([*_headings(source)]), "")


def _times(notebook: Mapping[str, Any]) -> dict[str, float]:
    """Return how long each cell took, by its text."""
    return {
        _source(cell): seconds
        for cell in notebook.get("cells", ())
        if (seconds := _seconds(cell)) is not None
    }


def _seconds(cell: Mapping[str, Any]) -> float | None:
    """Return the time that papermill, or else nbclient or JupyterLab, has noted."""
    metadata = cell.get("metadata", {})
    duration = metadata.get("papermill", {}).get("duration")
    if isinstance(duration, int | float) and duration >= 0:
        return float(duration)
    noted = metadata.get("execution", {})
    try:
        began = datetime.fromisoformat(noted["iopub.execute_input"])
        ended = datetime.fromisoformat(noted["shell.execute_reply"])
        return max(0.0, (ended - began).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None
