"""Any line after `%activity` and `%notify`, in a real shell: it works, or is a UsageError."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given, settings, strategies as st
from IPython.core.error import UsageError
from support import strategies
from support.shell import Notebook

from activitysmith_jupyter._magic_args import notify_parser
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter.magics import COMMANDS

# These ask, open a form, look around the network or change what all of them talk to.
APART = {"login", "logout", "phone", "composer", "doctor", "emulator", "mirror", "watch"}
NAMES = sorted(set(COMMANDS) - APART)
OPTIONS = sorted(
    {name for command in NAMES for name in COMMANDS[command].parser()._option_string_actions}
    | set(notify_parser()._option_string_actions)
)
WORDS = st.one_of(
    st.sampled_from(OPTIONS),
    st.sampled_from(
        [
            "''",
            "k",
            "train",
            "42",
            "3/10",
            "1/0",
            "0/0",
            "1/3/4",
            "nan",
            "inf",
            "1e999",
            "-1",
            "-5s",
            "A=1",
            "B=x%",
            "a=",
            "=",
            "{x}",
            "{x.y}",
            "{x:>9999999999}",
            "$x",
            "-",
            "'",
            '"',
            "\\",
            "badge=3",
            "metrics=[[]]",
            "value=NaN",
            "number_of_steps=1e999",
            "icon={}",
            "title=5",
            "Title=https://e.com",
            "Title=POST https://e.com",
            "t:b",
            "{}",
            "'{\"a\":1}'",
            "red",
            "metrics=" + "[" * 20000,
            "[" * 20000,
            "9" * 5000,
            "9" * 400 + "d",
            "bolt:red",
            "#",
            "%",
            "!ls",
            "?",
            "1,2",
            ",",
            "done",
            "failed",
            "�",
            "\x00",
            "\u202e",
        ]
    ),
    st.text(max_size=8),
)


@pytest.fixture(scope="module")
def notebook():
    """Return one shell for all lines."""
    made = Notebook()
    made.emulator.configure(limit=10_000, rate_limits="off", metrics=None)
    made.shell.user_ns["x"] = 1.5
    yield made
    made.close()


def run(notebook, magic, words):
    """Run a line; a UsageError is one line, and no push has gone out before it."""
    before = len(notebook.emulator.phone.pushes)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            notebook.shell.run_line_magic(magic, " ".join(words))
        except UsageError:
            refused = True
        else:
            refused = False
    if refused and magic == "activity":
        assert len(notebook.emulator.phone.pushes) == before


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(NAMES), st.lists(WORDS, max_size=5))
def test_activity_of_any_words_works_or_is_a_usage_error(notebook, name, words):
    """Every subcommand with every option and any value."""
    run(notebook, "activity", [name, *words])


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=5))
def test_activity_without_a_command_works_or_is_a_usage_error(notebook, words):
    """The words in the place of a command as well."""
    run(notebook, "activity", [word for word in words if word not in APART])


@settings(max_examples=120, deadline=None)
@given(st.lists(WORDS, max_size=6))
def test_notify_of_any_words_works_or_is_a_usage_error(notebook, words):
    """As a line magic, which pushes at once."""
    run(notebook, "notify", words)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS.filter(lambda word: not {"\n", "\r"} & set(word)), max_size=4))
def test_cell_below_notify_of_any_words_runs_or_is_refused_whole(notebook, words):
    """With good options the cell runs once, with bad ones not at all."""
    notebook.shell.user_ns["ran"] = 0
    line = " ".join(" ".join(words).split())
    result = notebook.run(f"%%notify --dry-run {line}\nran += 1", store_history=False)
    assert notebook.shell.user_ns["ran"] == (1 if result.success else 0)


@pytest.mark.parametrize(
    "line",
    [
        "push T --payload " + "[" * 100_000,
        "progress k 1 --field metrics=" + "[" * 100_000,
        "progress k 1 --dismiss " + "9" * 400 + "d",
        "timer k " + "9" * 5000,
        "timer k " + "9" * 5000 + ":00:00",
    ],
    ids=["payload", "field", "dismiss", "timer", "clock"],
)
def test_activity_with_a_value_without_end_is_a_usage_error(notebook, line):
    """Endless JSON and endless times are refused in a line, and nothing is sent."""
    before = len(notebook.emulator.requests)
    with pytest.raises(UsageError) as caught:
        notebook.shell.run_line_magic("activity", line)
    assert len(str(caught.value)) < 200_000
    assert runtime().courier.flush(5)
    assert len(notebook.emulator.requests) == before


def test_strategies_know_every_command():
    """A new command is tried here or named among those apart."""
    assert set(NAMES) | APART == set(COMMANDS)
    assert strategies.hostile_texts() is not None
