"""Any arguments of the command line: an exit status, or one line that says what is wrong."""

from __future__ import annotations

import argparse
import contextlib
import io
import threading

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from support import rawjson, strategies

from activitysmith_jupyter import cli
from activitysmith_jupyter.emulator import __main__ as emulator
from activitysmith_jupyter.runners import _execute

MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WORDS = st.one_of(
    strategies.hostile_texts(),
    st.sampled_from(["-p", "a", "1", "--", "-", "-h2", "--title", "--notify", "never", "nan"]),
)


def answer_of(main, arguments):
    """Run a command and return its status and what it wrote; only SystemExit may come out."""
    written = io.StringIO()
    with contextlib.redirect_stderr(written), contextlib.redirect_stdout(written):
        try:
            status = main(arguments)
        except SystemExit as end:
            status = end.code
    assert "Traceback" not in written.getvalue()
    return status, written.getvalue()


@MANY
@given(st.lists(WORDS, max_size=4))
def test_arguments_that_name_no_command_are_refused(words):
    """Whatever is typed in the place of a command."""
    assert answer_of(cli.main, ["no-command", *words])[0] == 2


@MANY
@given(WORDS.filter(lambda word: not word.strip().replace(".", "").isdigit()))
def test_seconds_of_the_demo_that_are_none_are_refused(text):
    """Before anything starts, in words."""
    status, said = answer_of(cli.main, ["demo", f"--seconds={text}"])
    assert status == 2
    assert "--seconds" in said or "--" in text


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "-1", "1e9", "soon"])
def test_seconds_of_the_environment_that_are_none_are_refused(text, monkeypatch):
    """DEMO_SECONDS as well."""
    monkeypatch.setenv("DEMO_SECONDS", text)
    status, _ = answer_of(cli.main, ["demo"])
    assert "DEMO_SECONDS" in status


@MANY
@given(
    st.lists(
        st.builds(
            "{}={}".format,
            st.sampled_from(["--api-key", "--limit", "--policy", "--metric", "--rate-limits"]),
            WORDS | st.sampled_from(["-1", "5", "evict"]),
        ),
        max_size=3,
    )
)
def test_emulator_with_any_options_serves_or_says_why_not(options):
    """It starts and ends, or is refused with status 2."""
    until = threading.Event()
    until.set()
    status, _ = answer_of(
        lambda words: emulator.main(words, until=until), ["--port", "0", *options]
    )
    assert status in {0, 2}


@pytest.mark.parametrize("port", ["-1", "65536", "9" * 30, "x", "nan"])
def test_emulator_with_a_port_that_is_none_is_refused(port):
    """A number no port has is a sentence, too."""
    assert answer_of(emulator.main, [f"--port={port}"])[0] in {1, 2}


@MANY
@given(st.one_of(st.binary(max_size=30), rawjson.raw_values().map(str.encode)))
def test_run_of_a_file_that_is_no_notebook_is_refused(tmp_path, content):
    """It says so, and writes no result."""
    path = tmp_path / "notebook.ipynb"
    path.write_bytes(content)
    status, said = answer_of(cli.main, ["run", str(path)])
    assert status == 2
    assert "activitysmith-jupyter run: " in said
    assert not path.with_name("notebook-run.ipynb").exists()


@MANY
@given(st.lists(st.tuples(WORDS, WORDS), max_size=3))
def test_parameters_of_any_text_make_a_cell_that_only_assigns(pairs):
    """Values are literals or texts: nothing that is typed becomes code."""
    notebook = nbformat.v4.new_notebook()
    problem = _execute.inject(notebook, pairs)
    if problem or not pairs:
        assert notebook.cells == []
        return
    space = {}
    exec(notebook.cells[0].source, {"__builtins__": {}}, space)  # noqa: S102  it only assigns
    assert set(space) == {name for name, _ in pairs}


@pytest.mark.parametrize("value", ["[" * 300, "(" * 5000, "{[]: 1}", "-" * 5000 + "1"])
def test_parameter_that_python_cannot_parse_is_a_text(value):
    """Depth is no literal, and no error."""
    notebook = nbformat.v4.new_notebook()
    assert _execute.inject(notebook, [("a", value)]) == ""
    assert notebook.cells[0].source == f"# Parameters\na = {value!r}"


def test_parameters_go_into_a_notebook_with_broken_metadata():
    """Tags and kernels that are none are passed over."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = "python"
    cell = nbformat.v4.new_code_cell("x")
    cell.metadata["tags"] = None
    notebook.cells = [cell]
    assert _execute.inject(notebook, [("a", "1")]) == ""
    assert notebook.cells[0].source == "# Parameters\na = 1"


def test_arguments_of_the_run_are_read_without_running():
    """The parser itself takes anything that argparse can take."""
    parser = argparse.ArgumentParser()
    _execute.add_run_arguments(parser)
    assert parser.parse_args(["x.ipynb", "-p", "a", "\ud800"]).parameter == [["a", "\ud800"]]
