from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from support.scripts import run_script

from activitysmith_jupyter._place import ipython_shell, place_name


@pytest.fixture
def in_notebook(monkeypatch):
    """Return a function that puts the test into a notebook's kernel with some variables."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)

    def enter(user_ns=None, **environment):
        shell = SimpleNamespace(user_ns=user_ns or {})
        ipython = SimpleNamespace(get_ipython=lambda: shell)
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    return enter


@pytest.mark.parametrize(
    ("user_ns", "environment", "name"),
    [
        pytest.param({}, {"JPY_SESSION_NAME": "/work/Churn model.ipynb"}, "Churn model", id="lab"),
        pytest.param({}, {"JPY_SESSION_NAME": r"C:\work\a.b.ipynb"}, "a.b", id="lab-on-windows"),
        pytest.param({"__vsc_ipynb_file__": "/work/vs.ipynb"}, {}, "vs", id="vscode"),
        pytest.param(
            {"__vsc_ipynb_file__": "/work/vs.ipynb"},
            {"ACTIVITYSMITH_NOTEBOOK": "nightly.ipynb", "JPY_SESSION_NAME": "/work/x.ipynb"},
            "nightly",
            id="told",
        ),
        pytest.param({"PAPERMILL_INPUT_PATH": "jobs/nightly.ipynb"}, {}, "nightly", id="papermill"),
        pytest.param({}, {}, "", id="unknown"),
    ],
)
def test_place_name_of_a_notebook_is_its_file_without_ending(
    in_notebook, user_ns, environment, name
):
    """The name told wins over the server's, and that over VS Code's; unknown is empty."""
    in_notebook(user_ns, **environment)
    assert place_name() == name


def test_ipython_shell_without_ipython_is_none(monkeypatch):
    """Asking for the shell never imports IPython."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert ipython_shell() is None
    assert "IPython" not in sys.modules


def test_ipython_shell_of_a_program_that_only_imported_ipython_is_none(monkeypatch):
    """An import of IPython, even a broken one, makes no shell."""
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert ipython_shell() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace())
    assert ipython_shell() is None


def test_place_name_of_a_script_is_its_file_without_ending(tmp_path):
    """``python train_model.py`` is called train_model; ``python -c`` has no name."""
    script = "from activitysmith_jupyter._place import place_name; print(repr(place_name()))"
    named = run_script(script, file=tmp_path / "train_model.py")
    assert named.stdout.strip() == "'train_model'"
    assert run_script(script).stdout.strip() == "''"
