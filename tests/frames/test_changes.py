"""What changed since last time, which limits are crossed, and what is kept on disk."""

from __future__ import annotations

import json
import math
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from activitysmith_jupyter import PayloadError
from activitysmith_jupyter.frames._changes import change_of, read_limit
from activitysmith_jupyter.frames._memory import Memory, Remembered

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("value", "before", "how", "expected"),
    [
        (118, 100, "compact", "+18 %"),
        (82, 100, "compact", "-18 %"),
        (101.84, 100, "compact", "+1.8 %"),
        (100, 100, "compact", "±0 %"),
        (-90, -100, "compact", "+10 %"),
        (1340, 100, "compact", "+1,240 %"),
        (5, 0, "compact", "+5"),
        (-2430, 0, "currency:USD", "-$2,430"),
        (0, 0, "compact", "±0 %"),
        (0.062, 0.05, "percent", "+1.2 pp"),
        (0.05, 0.05, "percent", "±0 pp"),
    ],
)
def test_change_between_two_numbers_reads_as_expected(
    value: float, before: float, how: str, expected: str
) -> None:
    """A ratio, points between percentages, an amount where there was nothing."""
    change = change_of(value, before, how, "en")
    assert change is not None
    assert change.text == expected


@pytest.mark.parametrize("other", [None, math.nan, math.inf, "north", True])
def test_change_with_what_is_no_number_is_none(other: Any) -> None:
    """What cannot be compared is not compared."""
    assert change_of(1.0, other, "compact", "en") is None
    assert change_of(other, 1.0, "compact", "en") is None


@given(value=st.floats(-1e12, 1e12), before=st.floats(-1e12, 1e12))
def test_change_of_any_numbers_points_where_they_go(value: float, before: float) -> None:
    """The sign is the direction, and the colour follows what is good."""
    change = change_of(value, before, "compact", "en")
    assert change is not None
    assert change.direction == (value > before) - (value < before)
    assert change.text[0] == {-1: "-", 0: "±", 1: "+"}[change.direction]
    assert {change.color("up"), change.color("down")} == (
        {"green", "red"} if change.direction else {None}
    )


@pytest.mark.parametrize(
    ("limit", "good", "inside", "beyond"),
    [
        ("> 100", None, 100, 101),
        (">=100", None, 99, 100),
        ("< 2 %", None, 0.02, 0.019),
        ("<= -1.5e3", None, 0, -1500),
        (100, None, 100, 101),
        (100, "down", 100, 101),
        (100, "up", 100, 99),
        (lambda value: value % 2, None, 2, 3),
    ],
)
def test_limit_is_crossed_beyond_it_and_not_before(
    limit: Any, good: Any, inside: float, beyond: float
) -> None:
    """Texts say their direction; a bare number's is up, unless up is good."""
    read = read_limit(limit, good, "warn")
    assert not read.crossed(inside)
    assert read.crossed(beyond)


@pytest.mark.parametrize("limit", ["about 5", "> many", None, [5], True, math.nan])
def test_limit_that_is_none_is_refused(limit: Any) -> None:
    """What cannot be a limit is said before anything is computed."""
    with pytest.raises(PayloadError, match=r"warn\[Errors\]"):
        read_limit(limit, None, "warn[Errors]")


def test_memory_of_a_key_outlives_the_process(tmp_path: Path, monkeypatch: Any) -> None:
    """What one kernel showed, the next one knows."""
    state = Remembered({"Revenue": 12.5}, {"Errors": "warn"})
    Memory("here", tmp_path).save("sales", state)
    monkeypatch.setattr(Memory, "_of_this_process", {})
    assert Memory("here", tmp_path).load("sales") == state


def test_memory_of_one_server_or_key_is_not_anothers(tmp_path: Path) -> None:
    """An emulator's numbers are nothing to compare with; keys that differ in case differ."""
    Memory("here", tmp_path).save("sales", Remembered({"Revenue": 1.0}))
    assert Memory("there", tmp_path).load("sales") == Remembered()
    assert Memory("here", tmp_path).load("Sales") == Remembered()
    Memory("here", tmp_path).save("k" * 255, Remembered({"A": 2.0}))
    assert Memory("here", tmp_path).load("k" * 255).values == {"A": 2.0}


def test_memory_file_is_the_users_alone(tmp_path: Path) -> None:
    """Nobody else reads the numbers, and no half-written file is left."""
    folder = tmp_path / "new"
    Memory("here", folder).save("sales", Remembered({"Revenue": 1.0}))
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert json.loads(file.read_text()) == {"version": 1, "values": {"Revenue": 1.0}, "levels": {}}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 9}', '{"version": 1, "values": 3, "levels": {"E": "panic"}}'],
)
def test_memory_file_of_somebody_else_is_ignored(tmp_path: Path, content: str) -> None:
    """A broken file is as good as none."""
    memory = Memory("here", tmp_path)
    memory.save("sales", Remembered({"Revenue": 1.0}))
    Memory._of_this_process.clear()
    next(tmp_path.iterdir()).write_text(content)
    assert memory.load("sales") == Remembered()


def test_memory_without_a_disk_lasts_as_long_as_the_kernel(tmp_path: Path) -> None:
    """Where nothing can be written, this process still remembers."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    memory = Memory("here", blocked / "below")
    memory.save("sales", Remembered({"Revenue": 1.0}))
    assert memory.load("sales").values == {"Revenue": 1.0}
