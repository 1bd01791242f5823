"""Glyphs for SF Symbol names, drawn with the free Phosphor icon set.

Apple's own symbols may not be shipped. ``symbols.json`` holds the paths of some 170 Phosphor icons
(MIT, licence text inside) and says which SF Symbol names each stands for; any other name is shown
by a neutral glyph that carries the name.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Final

__all__ = ["VIEW_BOX", "glyph_path", "known_symbols"]

VIEW_BOX: Final = "0 0 256 256"
NEUTRAL: Final = "app-window"  # a plain window: clearly no picture of the named thing


@functools.cache
def _catalogue() -> tuple[dict[str, str], dict[str, str]]:
    source = resources.files(__package__).joinpath("symbols.json").read_text(encoding="utf-8")
    catalogue = json.loads(source)
    return catalogue["symbols"], catalogue["paths"]


def known_symbols() -> list[str]:
    """Name the SF Symbols that have a glyph of their own, sorted."""
    return sorted(_catalogue()[0])


def glyph_path(symbol: str) -> str:
    """Find the SVG path of an SF Symbol name.

    Variants count as their base: ``bolt.fill`` and ``bolt.badge.clock`` are drawn as ``bolt``.

    Parameters
    ----------
    symbol : str
        The SF Symbol name; any string.

    Returns
    -------
    str
        Path data for the view box `VIEW_BOX`; the neutral glyph's for an unknown name.
    """
    symbols, paths = _catalogue()
    parts = [part for part in symbol.lower().split(".")[:8] if part != "fill"]
    for length in range(len(parts), 0, -1):
        name = symbols.get(".".join(parts[:length]))
        if name is not None:
            return paths[name]
    return paths[NEUTRAL]
