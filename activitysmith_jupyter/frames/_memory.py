"""What a stream key showed last, in this process and on the user's disk.

Only numbers and limit levels by label, never rows or texts, in files that are the user's alone. A
disk that cannot be written means: remembered until the kernel ends.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from activitysmith_jupyter._private_files import replace_private_file
from activitysmith_jupyter.frames._changes import LEVELS, Level, as_number

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Memory", "Remembered", "state_folder"]

_VERSION: Final = 1
_READABLE_CHARACTERS: Final = 40


def state_folder() -> Path:
    """Return the user's folder for state that may be lost, by the system's own rules."""
    from platformdirs import user_state_path  # noqa: PLC0415  only calls with a delta need it

    return user_state_path("activitysmith-jupyter", appauthor=False) / "kpis"


@attrs.frozen
class Remembered:
    """What is known from last time.

    Attributes
    ----------
    values : dict
        Numbers by label.
    levels : dict
        The highest level that was pushed and from which the metric has not recovered, by label.
    """

    values: dict[str, float] = attrs.field(factory=dict)
    levels: dict[str, Level] = attrs.field(factory=dict)


class Memory:
    """The state of all stream keys of one server.

    Parameters
    ----------
    place : str
        The server: what an emulator showed is nothing to compare with.
    folder : Path, optional
        `state_folder` when left out.
    """

    _of_this_process: Final[dict[tuple[str, str], Remembered]] = {}

    def __init__(self, place: str, folder: Path | None = None) -> None:
        self._place = place
        self._folder = folder

    def load(self, stream_key: str) -> Remembered:
        """Return what a stream key showed last; empty when nothing is known."""
        try:
            text = self._path(stream_key).read_text(encoding="utf-8")
            return _parsed(json.loads(text))
        except (OSError, ValueError, RecursionError):
            return self._of_this_process.get((self._place, stream_key), Remembered())

    def save(self, stream_key: str, state: Remembered) -> None:
        """Remember what a stream key shows."""
        self._of_this_process[self._place, stream_key] = state
        content = {"version": _VERSION, "values": state.values, "levels": state.levels}
        try:
            replace_private_file(self._path(stream_key), json.dumps(content))
        except OSError:
            return

    def _path(self, stream_key: str) -> Path:
        # A key may be too long for a file name, or differ from another one only in case.
        digest = hashlib.blake2s(f"{self._place}\n{stream_key}".encode()).hexdigest()[:16]
        name = f"{stream_key[:_READABLE_CHARACTERS]}-{digest}.json"
        return (state_folder() if self._folder is None else self._folder) / name


def _parsed(content: Any) -> Remembered:
    """Read a file; what somebody else wrote into it counts as not there."""
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        raise ValueError("not written by this version")
    values, levels = content.get("values"), content.get("levels")
    return Remembered(
        {
            label: number
            for label, value in (values if isinstance(values, dict) else {}).items()
            if (number := as_number(value)) is not None
        },
        {
            label: cast("Level", level)
            for label, level in (levels if isinstance(levels, dict) else {}).items()
            if level in LEVELS
        },
    )
