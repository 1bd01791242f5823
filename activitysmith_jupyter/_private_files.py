"""Files and folders that are the user's alone, whatever the process's umask says."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["make_private_folder", "replace_private_file"]


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, all closed to others (0700).

    ``Path.mkdir(mode=..., parents=True)`` gives its mode to the last one only.

    Raises
    ------
    OSError
        It cannot be made.
    """
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def replace_private_file(path: Path, text: str) -> None:
    """Write a file that only its owner can read (0600); readers see the old one or the new one.

    Parameters
    ----------
    path : Path
        The file; its folder is made.
    text : str
        Its whole content.

    Raises
    ------
    OSError
        It cannot be written; the old one is as it was.
    """
    make_private_folder(path.parent)
    # mkstemp makes files that only their owner can read.
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
