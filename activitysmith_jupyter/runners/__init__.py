"""Whole notebooks on one card: papermill, nbclient, nbconvert, and a command of our own.

Importing this package loads none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._hooks import hooks

__all__ = ["hooks"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _hooks  # noqa: PLC0415  first use

    return getattr(_hooks, name)


def __dir__() -> list[str]:
    return sorted(__all__)
