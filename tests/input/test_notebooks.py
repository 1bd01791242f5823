"""Notebooks that break their schema: a plan of what can be read, and a command that says so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from support import strategies

from activitysmith_jupyter.runners._plan import notebook_title, plan_of

HOSTILE = strategies.hostile()
SOURCES = st.one_of(
    st.sampled_from(
        [
            "x",
            "# a",
            "```\n# x",
            "papermill_description=",
            "papermill_description=� x",
            "# " + " " * 3000 + "x",
            "# a" + " " * 3000 + "b",
            "# a" + "#" * 3000 + "b",
            "# " + "[" * 3000,
            "~~~\n" * 1000,
            "# a\n" * 1000,
            "# " + "*" * 3000,
            "\n" * 3000,
        ]
    ),
    HOSTILE,
)
METADATA = st.one_of(
    HOSTILE,
    st.fixed_dictionaries(
        {},
        optional={
            "tags": HOSTILE | st.lists(strategies.hostile_texts(), max_size=3),
            "papermill": HOSTILE | st.fixed_dictionaries({"duration": HOSTILE}),
            "execution": HOSTILE
            | st.fixed_dictionaries(
                {
                    "iopub.execute_input": HOSTILE | st.just("2026-01-01"),
                    "shell.execute_reply": HOSTILE | st.just("2026-01-01T00:00:05Z"),
                }
            ),
        },
    ),
)
CELLS = st.one_of(
    HOSTILE,
    st.fixed_dictionaries(
        {"cell_type": st.sampled_from(["code", "markdown"]) | HOSTILE},
        optional={"source": SOURCES, "metadata": METADATA},
    ),
)
NOTEBOOKS = st.one_of(
    HOSTILE,
    st.fixed_dictionaries(
        {"cells": HOSTILE | st.lists(CELLS, max_size=3)},
        optional={"metadata": HOSTILE | st.fixed_dictionaries({"title": HOSTILE})},
    ),
)


@settings(max_examples=250, deadline=None)
@given(NOTEBOOKS, NOTEBOOKS)
def test_plan_of_any_notebook_is_a_plan(notebook, earlier):
    """Tags, times, titles and sources of any kind: names are text, shares from 0 to 1."""
    assert isinstance(notebook_title(notebook), str)
    plan = plan_of(notebook, earlier)
    assert all(isinstance(cell.name, str) for cell in plan.cells)
    for done in range(plan.total + 1):
        assert 0 <= plan.share(done, 0.5) <= 1
        left = plan.seconds_left(done, 1.0, 0.5)
        assert left is None or 0 <= left < 1e12


@pytest.mark.parametrize(
    "cell",
    [
        {"cell_type": "code", "source": "x", "metadata": None},
        {"cell_type": "code", "source": "x", "metadata": {"tags": 5}},
        {"cell_type": "code", "source": "x", "metadata": {"papermill": []}},
        {"cell_type": "code", "source": "x", "metadata": {"papermill": {"duration": 10**400}}},
        {"cell_type": "code", "source": "x", "metadata": {"papermill": {"duration": 1e308}}},
        {"cell_type": "code", "source": ["x", 5], "metadata": {"execution": "never"}},
        {"cell_type": "code", "source": "x", "metadata": {"tags": [None, ["a"], "name:x"]}},
    ],
    ids=str,
)
def test_cell_with_broken_metadata_still_runs_by_its_place(cell):
    """What is broken counts as not there; the cell keeps its number and place."""
    plan = plan_of({"cells": [None, cell, "x", cell]})
    assert [(each.index, each.number) for each in plan.cells] == [(1, 1), (3, 2)]
    assert plan.share(1) == 0.5


@pytest.mark.parametrize(
    "heading",
    [
        "# " + " " * 20_000 + "x",
        "# a" + " " * 20_000 + "b",
        "# a" + " #" * 10_000 + "b",
        "# a " + "#" * 20_000 + "b",
        "# " + "[" * 20_000,
        "# " + "[a](" * 5000,
        "~~~\n" * 20_001,
        "```\n~~~\n" * 10_000,
    ],
    ids=["spaces", "inner", "hashes", "end", "brackets", "links", "fences", "mixed"],
)
def test_heading_of_any_length_is_read_at_once(heading):
    """A heading made to be slow costs no more than its length."""
    cells = [{"cell_type": "markdown", "source": heading}, {"cell_type": "code", "source": "x"}]
    assert plan_of({"cells": cells}).total == 1
