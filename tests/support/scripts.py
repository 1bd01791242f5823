"""Programs in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

import activitysmith_jupyter

if TYPE_CHECKING:
    from collections.abc import Mapping

# Long enough for a busy machine: it only ends what hangs.
TIMEOUT_SECONDS: Final = 120.0
_FOLDER: Final = str(Path(activitysmith_jupyter.__file__).parent.parent)
_DROPPED: Final = ("ACTIVITYSMITH_", "JPY_", "PYTEST", "COVERAGE")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment that finds the package and holds no setting of ours but `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    return kept | {"PYTHONPATH": _FOLDER} | dict(extra or {})


def run_script(
    code: str,
    *,
    env: Mapping[str, str] | None = None,
    file: Path | None = None,
    given: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program and return how it ended and what it printed.

    Parameters
    ----------
    code : str
        Its text; common indentation is taken away.
    env : mapping, optional
        Further environment variables.
    file : Path, optional
        Where to write it; ``-c`` when left out.
    given : str, optional
        Its standard input.
    """
    text = textwrap.dedent(code)
    if file is not None:
        file.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, *(["-c", text] if file is None else [str(file)])],
        input=given,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        env=environment(env),
        check=False,
    )
