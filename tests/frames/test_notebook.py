"""The notebook about DataFrames runs, and its cards are in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient

import activitysmith_jupyter

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "dataframe-kpis.ipynb"


def test_notebook_on_real_data_runs_and_shows_its_cards(
    monkeypatch: pytest.MonkeyPatch, own_memory: Path
) -> None:
    """Every cell runs without a word on stderr, and every preview is a picture of a card."""
    # The kernel starts in the notebook's folder; what it remembers stays out of the user's.
    package = Path(activitysmith_jupyter.__file__).parents[1]
    here = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", here)
    monkeypatch.setenv("XDG_STATE_HOME", str(own_memory))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    saved = [_cards(cell) for cell in notebook.cells]
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert [_cards(cell) for cell in notebook.cells] == saved
    assert sum(saved) == 8


def _cards(cell: nbformat.NotebookNode) -> int:
    """Return how many cards a cell shows."""
    outputs = cell.get("outputs", [])
    return sum("as-card" in output.get("data", {}).get("text/html", "") for output in outputs)
