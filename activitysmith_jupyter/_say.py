"""Tell the user something, once, in the user's own thread, without ever breaking their code."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Final

from .exceptions import ActivitySmithWarning

__all__ = ["say"]

# With the separator: a user's own folder may begin with the same name.
_PACKAGE: Final = str(Path(__file__).parent) + os.sep


def say(message: str) -> None:
    """Issue an `ActivitySmithWarning` that points at the user's line.

    Where the user turned warnings into errors it is printed instead: a notice about the phone
    must not end a training run.
    """
    try:
        warnings.warn(message, ActivitySmithWarning, stacklevel=_levels_to_the_user())
    except ActivitySmithWarning:
        print(f"ActivitySmith: {message}", file=sys.stderr)  # noqa: T201  the only way left


def _levels_to_the_user() -> int:
    frame = sys._getframe(1)  # noqa: SLF001  warnings.warn counts the same frames
    level = 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    return level
