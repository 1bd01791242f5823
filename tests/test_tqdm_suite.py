from __future__ import annotations

import sys

import pytest
from tqdm_suite.run import OUR_BAR, differences, outcomes

from activitysmith_jupyter.emulator import Emulator


@pytest.fixture(scope="module")
def plain():
    """Return what tqdm's tests say of tqdm itself."""
    return outcomes()


def test_tqdm_suite_runs_with_tqdm_itself(plain):
    """The comparison below rests on more than a handful of tests."""
    assert list(plain.values()).count("passed") > 150


def test_tqdm_suite_skips_only_what_this_python_lacks(plain):
    """Dask, keras, rich and the others are here, so their tests run."""
    lacking = [
        *(["interpreter_map"] if sys.version_info < (3, 14) else []),
        *(["batched"] if sys.version_info < (3, 12) else []),
    ]
    skipped = [test for test, outcome in plain.items() if outcome == "skipped"]
    assert [test for test in skipped if not any(word in test for word in lacking)] == []


@pytest.mark.parametrize("fast", [True, False], ids=["in legs", "as tqdm"])
def test_tqdm_suite_has_the_same_outcome_with_our_bar(plain, fast, monkeypatch):
    """Every test that tqdm wrote for its bar comes out the same with ours, its phone on."""
    with Emulator(rate_limits="off") as emulator:
        monkeypatch.setenv("ACTIVITYSMITH_API_KEY", emulator.api_key)
        monkeypatch.setenv("ACTIVITYSMITH_BASE_URL", emulator.base_url)
        assert differences(plain, outcomes(OUR_BAR, fast=fast)) == {}
