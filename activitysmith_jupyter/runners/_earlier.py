"""The result of the run before, for its cells' times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

__all__ = ["earlier_run"]

# Reading the pictures of a huge result would cost more than the times are worth.
_MOST_BYTES: Final = 50_000_000


def earlier_run(path: object) -> dict[str, Any] | None:
    """Return the notebook at a path; None where there is none on this machine."""
    if not isinstance(path, str | Path):
        return None
    try:
        file = Path(path)
        if file.stat().st_size > _MOST_BYTES:
            return None
        notebook = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return notebook if isinstance(notebook, dict) else None
