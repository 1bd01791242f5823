"""`df.activity` is there in every order of imports, and costs nothing until it is used."""

from __future__ import annotations

import itertools
import subprocess
import sys
import textwrap

import nbformat
import pandas as pd
import polars as pl
import pytest
from nbclient import NotebookClient

from activitysmith_jupyter.frames import Kpis, SeriesKpis, _accessors

PANDAS = """
frame = pandas.DataFrame({"a": [1, 1]})
assert frame.activity.preview().value("v", ("a", "sum")).values == {"v": 2}
"""
POLARS = """
for frame in (polars.DataFrame({"a": [1, 1]}), polars.LazyFrame({"a": [1, 1]})):
    assert "2" in str(frame.activity.preview().value("v", ("a", "sum")))
assert polars.Series("a", [1, 1]).activity.preview().value("v", "sum").values == {"v": 2}
"""


def run(script: str) -> None:
    """Run a script in a fresh interpreter where every warning is an error."""
    lines = textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", lines],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    "imports",
    list(itertools.permutations(["pandas", "polars", "activitysmith_jupyter"])),
    ids="-".join,
)
def test_accessors_in_any_order_of_imports_are_there(imports: tuple[str, ...]) -> None:
    """Whoever comes first, a frame has its accessor, and nobody warns."""
    lines = [f"import {name}" for name in imports]
    run("\n".join([*lines, PANDAS, POLARS]))


def test_package_when_imported_loads_no_frame_library() -> None:
    """The accessors wait; nothing is loaded for them."""
    run("""
        import sys
        import activitysmith_jupyter
        for name in ("pandas", "polars", "narwhals", "numpy", "httpx", "babel", "IPython"):
            assert name not in sys.modules, name
        assert "activitysmith_jupyter.frames._kpis" not in sys.modules
    """)


def test_import_of_pandas_is_otherwise_the_same() -> None:
    """Same loader, same resources, and the finder is gone when its work is done."""
    run("""
        import sys
        before = list(sys.meta_path)
        import activitysmith_jupyter
        from pandas import DataFrame
        import polars, pandas, importlib.resources, inspect
        from importlib.machinery import SourceFileLoader
        for module in (pandas, polars):
            assert type(module.__spec__.loader) is SourceFileLoader
            assert "exec_module" not in vars(module.__spec__.loader)
            assert inspect.getsource(module)
            assert importlib.resources.files(module).is_dir()
        assert DataFrame.activity
        assert not [finder for finder in sys.meta_path if finder not in before
                    and type(finder).__module__.startswith("activitysmith")]
    """)


def test_import_of_a_library_that_is_not_there_fails_as_ever() -> None:
    """Without pandas the error is Python's own, and a later installation is found."""
    run("""
        import sys
        import activitysmith_jupyter
        path = sys.path[:]
        sys.path[:] = [p for p in path if "site-packages" not in p]
        try:
            import pandas
        except ModuleNotFoundError as error:
            assert error.name == "pandas"
        else:
            raise AssertionError
        sys.path[:] = path
        import importlib
        importlib.invalidate_caches()
        import pandas
        assert hasattr(pandas.DataFrame, "activity")
    """)


def test_import_of_the_package_again_changes_nothing() -> None:
    """A reload neither warns nor adds a second finder or a second accessor."""
    run("""
        import importlib, sys
        import activitysmith_jupyter
        from activitysmith_jupyter.frames import _accessors
        import pandas
        first = vars(pandas.DataFrame)["activity"]
        for module in (activitysmith_jupyter, _accessors, activitysmith_jupyter):
            importlib.reload(module)
        assert vars(pandas.DataFrame)["activity"] is first
        ours = [f for f in sys.meta_path if type(f).__module__.startswith("activitysmith")]
        assert len(ours) == 1
        import polars
        assert polars.DataFrame().activity
    """)


@pytest.mark.parametrize("first", ["pandas", "activitysmith_jupyter"])
def test_accessors_in_a_notebook_are_there_and_quiet(first: str) -> None:
    """Loading, reloading and autoreload say nothing, before and after the libraries."""
    cells = [
        "%load_ext autoreload\n%autoreload 2",
        f"import {first}",
        "import activitysmith_jupyter, pandas\n%load_ext activitysmith_jupyter",
        PANDAS,
        "%reload_ext activitysmith_jupyter\nimport polars",
        PANDAS + "\n" + POLARS,
        "polars.DataFrame({'a': [1]}).activity.preview().value('v', ('a', 'sum'))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert [output.output_type for output in outputs] == ["execute_result"]
    assert {"text/html", "text/plain"} <= set(outputs[0].data)


def test_accessor_of_somebody_else_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that already has an accessor of this name keeps it."""
    theirs = property(lambda _: "theirs")
    monkeypatch.setattr(pd.DataFrame, _accessors.NAME, theirs)
    _accessors.register_accessors()
    assert pd.DataFrame().activity == "theirs"


def test_accessor_gives_each_frame_its_own_methods() -> None:
    """Frames get all methods, columns the one that fits them."""
    assert isinstance(pd.DataFrame({"a": [1]}).activity, Kpis)
    assert isinstance(pl.LazyFrame({"a": [1]}).activity, Kpis)
    assert isinstance(pd.Series([1]).activity, SeriesKpis)
    assert repr(pd.DataFrame().activity) == "<Kpis of a DataFrame>"
    assert repr(pl.Series("a", [1]).activity) == "<SeriesKpis of 'a'>"


def test_accessor_is_seen_by_completion() -> None:
    """A name that one can find with Tab."""
    assert "activity" in dir(pd.DataFrame())
    assert "activity" in dir(pl.DataFrame())
    assert pd.DataFrame.activity is not None
