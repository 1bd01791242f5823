"""Tell the user something, once, in the user's own thread, without ever breaking their code."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Final

from .exceptions import ActivitySmithWarning

__all__ = ["say"]

# IPython calls us before and after a cell: a warning would show a line of its own code.
_CELL_EVENTS: Final = "IPython.core.events"
# With the separator: a user's own folder may begin with the same name.
_PACKAGE: Final = str(Path(__file__).parent) + os.sep


def say(message: str) -> None:
    """Issue an `ActivitySmithWarning` that points at the user's line.

    Where there is no such line (before or after a cell), and where the user turned warnings into
    errors, it is printed instead: a notice about the phone must not end a training run.
    """
    level = _levels_to_the_user()
    if level is not None:
        try:
            warnings.warn(message, ActivitySmithWarning, stacklevel=level)
        except ActivitySmithWarning:
            pass
        else:
            return
    print(f"ActivitySmith: {message}", file=sys.stderr)  # noqa: T201  the only way left


def _levels_to_the_user() -> int | None:
    """Return how many frames `say` is away from the user's line; None where there is none."""
    frame = sys._getframe(1)  # noqa: SLF001  warnings.warn counts the same frames
    level = 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    return None if frame.f_globals.get("__name__") == _CELL_EVENTS else level
