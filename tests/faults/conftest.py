from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@attrs.define
class FaultTable:
    """What became of each cell of the table; printed when all have run."""

    cells: dict[tuple[str, str, str], str] = attrs.field(factory=dict)
    ratios: dict[str, list[float]] = attrs.field(factory=dict)

    def note(
        self, fault: str, surface: str, when: str, became: str, ratio: float | None = None
    ) -> None:
        """Note a cell, and the user's time under the fault over that without."""
        self.cells[fault, surface, when] = became
        if ratio is not None:
            self.ratios.setdefault(surface, []).append(ratio)

    def lines(self) -> Iterator[str]:
        surfaces = list(dict.fromkeys(surface for _, surface, _ in self.cells))
        faults = list(dict.fromkeys(fault for fault, _, _ in self.cells))
        whens = list(dict.fromkeys(when for _, _, when in self.cells))
        widths = [max(map(len, [*faults, "at start / in the middle / at the end"]))]
        widths += [
            max(len(surface), *(len(self._cell(fault, surface, whens)) for fault in faults))
            for surface in surfaces
        ]
        rows = [["at start / in the middle / at the end", *surfaces]]
        rows += [
            [fault, *(self._cell(fault, surface, whens) for surface in surfaces)]
            for fault in faults
        ]
        for row in rows:
            yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        counts = Counter(self.cells.values())
        yield f"{len(self.cells)} cells: " + ", ".join(
            f"{count} {became}" for became, count in counts.most_common()
        )
        yield "the user's time under a fault over that without, median and worst: " + ", ".join(
            f"{surface} {statistics.median(ratios):.2f} and {max(ratios):.2f}"
            for surface, ratios in self.ratios.items()
        )

    def _cell(self, fault: str, surface: str, whens: list[str]) -> str:
        return " / ".join(self.cells.get((fault, surface, when), "-") for when in whens)


_table = FaultTable()


@pytest.fixture
def table() -> FaultTable:
    """Return the one table of the run."""
    return _table


_figures: list[str] = []


@pytest.fixture
def figures() -> list[str]:
    """Return the list of figures that are printed when all tests have run."""
    return _figures


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _table.cells:
        terminalreporter.section("what became of each fault")
        for line in _table.lines():
            terminalreporter.write_line(line)
    if _figures:
        terminalreporter.section("what load leaves behind")
        for line in _figures:
            terminalreporter.write_line(line)
