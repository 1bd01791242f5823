from __future__ import annotations

import asyncio
import json
import threading

import pytest
from support.shell import Notebook

from activitysmith_jupyter import configure
from activitysmith_jupyter._relay import RUNNER_VARIABLE
from activitysmith_jupyter._watching import RunWatch, cell_position, later
from activitysmith_jupyter.magics import _loaded


class Quiet:
    """Waits for the queue to drain, until a test says that it has."""

    def __init__(self):
        self.waiting = None

    def __call__(self, _, call):
        self.waiting = call

        def cancel():
            self.waiting = None

        return cancel

    def drain(self):
        """Have nothing happen for a while."""
        if self.waiting is not None:
            call, self.waiting = self.waiting, None
            call()


@pytest.fixture
def notebook():
    notebook = Notebook()
    watch = _loaded[notebook.shell]._session.watch
    notebook.quiet = Quiet()
    watch._later = notebook.quiet
    yield notebook
    notebook.close()


def cells(path, *sources):
    """Write a notebook whose cells have the ids c1, c2, ..."""
    kinds = [{"cell_type": "markdown", "id": "md", "source": ["# T"]}]
    kinds += [
        {"cell_type": "code", "id": f"c{number}", "source": source.splitlines(keepends=True)}
        for number, source in enumerate(sources, 1)
    ]
    path.write_text(json.dumps({"cells": kinds}))
    return str(path)


def test_watch_of_a_long_cell_tells_it(notebook):
    """Without touching the cell."""
    notebook.run("%activity watch on --after 60s")
    notebook.run("clock.advance(61)")
    notebook.quiet.drain()
    assert notebook.pushes == [("✅ Notebook: done", "Done in 1m 01s: cell [2]")]


def test_watch_of_a_quick_cell_says_nothing(notebook):
    """Quick cells are no news."""
    notebook.run("%activity watch on --after 60s")
    notebook.run("clock.advance(59)")
    notebook.quiet.drain()
    assert notebook.pushes == []


def test_watch_of_a_run_all_tells_once_when_the_queue_drains(notebook):
    """One message for all cells, with their whole time."""
    notebook.run("%activity watch on --after 60s")
    for _ in range(12):
        notebook.run("clock.advance(10)")
    assert notebook.pushes == []
    notebook.quiet.drain()
    assert notebook.pushes == [("✅ Notebook: done", "Done in 2m 00s: 12 cells")]


def test_watch_of_a_run_all_that_fails_tells_at_once_where(notebook, tmp_path, monkeypatch):
    """The cell's place among the notebook's cells, and the last line of the error."""
    sources = [f"clock.advance(10)  # {number}" for number in range(1, 13)]
    sources[6] = "raise ValueError('loss is NaN')"
    monkeypatch.setenv("JPY_SESSION_NAME", cells(tmp_path / "Churn.ipynb", *sources))
    notebook.run("%activity watch on --after 30s")
    for source in sources[:7]:
        notebook.run(source)
    assert notebook.quiet.waiting is None
    assert notebook.pushes == [
        ("❌ Churn: failed", "Stopped in cell 7 of 12 after 1m 00s: ValueError: loss is NaN")
    ]


def test_watch_on_failed_is_silent_about_success_and_interruption(notebook):
    """Only failures are told."""
    notebook.run("%activity watch on --after 0s --on failed")
    notebook.run("clock.advance(100)")
    notebook.quiet.drain()
    notebook.run("raise KeyboardInterrupt")
    assert notebook.pushes == []
    notebook.run("1 / 0")
    assert len(notebook.pushes) == 1


def test_watch_leaves_a_cell_with_its_own_notify_to_it(notebook):
    """One push for one cell."""
    notebook.run("%activity watch on --after 1s")
    notebook.run("%%notify Fit\nclock.advance(100)")
    notebook.quiet.drain()
    assert [title for title, _ in notebook.pushes] == ["✅ Fit: done"]


def test_watch_off_forgets_the_run(notebook):
    """Not a word after it."""
    notebook.run("%activity watch on --after 1s")
    notebook.run("clock.advance(100)")
    notebook.run("%activity watch off")
    notebook.quiet.drain()
    notebook.run("clock.advance(100)")
    notebook.quiet.drain()
    assert notebook.pushes == []


def test_watch_of_nested_cells_counts_the_outermost(notebook):
    """A cell that runs another one is one cell."""
    notebook.run("%activity watch on --after 1s")
    notebook.run("clock.advance(5)\nget_ipython().run_cell('clock.advance(5)')")
    notebook.quiet.drain()
    assert notebook.pushes == [("✅ Notebook: done", "Done in 10 s: cell [2]")]


def test_watch_takes_its_defaults_from_configure(notebook):
    """An option wins over them."""
    configure(watch_after="5m", watch_on="failed")
    watch = _loaded[notebook.shell]._session.watch
    notebook.run("%activity watch on")
    assert (watch.after_seconds, watch.when) == (300, "failed")
    notebook.run("%activity watch on --after 1s --on always")
    assert (watch.after_seconds, watch.when) == (1, "always")


def test_watch_without_a_key_says_so_once_and_harms_nothing(notebook):
    """The cells go on."""
    configure(api_key=None)
    notebook.run("%activity watch on --after 0s")
    result = notebook.run("1 / 0")
    assert not result.success
    assert result.shown.count("no API key") == 1
    assert "no API key" not in notebook.run("1 / 0").shown


def test_watch_of_a_cell_that_may_fail_goes_on(notebook, monkeypatch):
    """JupyterLab runs the cells behind one tagged raises-exception: so does the run."""
    request = {"content": {"stop_on_error": False}}
    notebook.run("%activity watch on --after 0s")
    monkeypatch.setattr(notebook.shell, "get_parent", lambda: request, raising=False)
    notebook.run("1 / 0")
    assert notebook.pushes == []
    request["content"]["stop_on_error"] = True
    notebook.run("clock.advance(5)")
    notebook.quiet.drain()
    assert notebook.pushes == [("✅ Notebook: done", "Done in 5.0 s: 2 cells")]


def test_watch_of_an_error_that_capture_hides_tells_it_when_the_queue_drains(notebook):
    """IPython goes on after it; the phone must not say that all is well."""
    notebook.run("%activity watch on --after 0s")
    notebook.run("%%capture\n1 / 0")
    notebook.run("clock.advance(5)")
    assert notebook.pushes == []
    notebook.quiet.drain()
    assert notebook.pushes == [
        (
            "❌ Notebook: failed",
            "Failed in cell [2], ran on for 5.0 s in all: ZeroDivisionError: division by zero",
        )
    ]


def test_watch_under_a_runner_leaves_the_word_to_it(notebook, monkeypatch):
    """One push for one run: whoever executes the notebook tells how it ended."""
    monkeypatch.setenv(RUNNER_VARIABLE, "9:1:token")
    notebook.run("%activity watch on --after 0s")
    notebook.run("1 / 0")
    assert notebook.pushes == []


def test_position_by_id_or_else_by_unique_text(tmp_path):
    """Front ends differ in the ids they send."""
    path = cells(tmp_path / "n.ipynb", "a = 1", "b = 2", "b = 2")
    assert str(cell_position(path, "c2", "b = 2")) == "cell 2 of 3"
    assert str(cell_position(path, "elsewhere", "a = 1")) == "cell 1 of 3"
    assert cell_position(path, "", "b = 2") is None


@pytest.mark.parametrize("content", ["", "[]", '{"cells": 3}', '{"cells": [3]}', "{"])
def test_position_in_a_broken_file_is_unknown(tmp_path, content):
    """Never an error in the user's cell."""
    path = tmp_path / "n.ipynb"
    path.write_text(content)
    assert cell_position(str(path), "c1", "x") is None
    assert cell_position(str(tmp_path / "none.ipynb"), "c1", "x") is None
    assert cell_position("", "c1", "x") is None


def test_later_in_an_event_loop_waits_for_its_idleness():
    """A kernel's loop runs it when no cell does."""
    said = []

    async def main():
        done = asyncio.Event()
        later(0, lambda: (said.append(threading.current_thread()), done.set()))
        assert said == []
        await done.wait()
        later(0, lambda: said.append("cancelled"))()
        await asyncio.sleep(0)

    asyncio.run(main())
    assert said == [threading.current_thread()]


def test_later_without_an_event_loop_uses_a_thread():
    """As in a console."""
    done = threading.Event()
    later(0, done.set)
    assert done.wait(5)


def test_watch_that_was_never_started_hears_quietly():
    """The listener is always there."""
    watch = RunWatch(Quiet())
    watch.cell_began()
    watch.tell()
    assert not watch.is_on
