from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "composer.ipynb"


@pytest.fixture(scope="module")
def executed():
    """Run the notebook as it stands, without a front end."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", store_widget_state=True)
    return client.execute()


def outputs_of(notebook, mime):
    """Collect what was shown under a MIME type."""
    return [
        output["data"][mime]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if mime in output.get("data", {})
    ]


def test_notebook_runs_and_shows_cards(executed):
    """Payloads, phone and composer are shown, each with a picture that needs no kernel."""
    drawn = outputs_of(executed, "text/html")
    assert sum("as-card" in html for html in drawn) == 5
    assert sum("ph-phone" in html for html in drawn) == 1
    assert len(outputs_of(executed, "application/vnd.jupyter.widget-view+json")) == 2
    assert any("╭─ stats" in text for text in outputs_of(executed, "text/plain"))


def test_notebook_holds_no_key_even_with_its_widget_state(executed):
    """Saved with the state of all widgets, the notebook still has no key in it."""
    assert executed.metadata["widgets"]
    assert "ask_" not in nbformat.writes(executed)
