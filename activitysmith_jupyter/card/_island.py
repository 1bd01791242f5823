"""Draw the Dynamic Island's line: what an iPhone shows of a Live Activity while it is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from activitysmith_jupyter.card._draw import glyph
from activitysmith_jupyter.card._html import Html, element, isolated

if TYPE_CHECKING:
    from activitysmith_jupyter.card._view import CardView

__all__ = ["drawn_island", "island_words"]

LONGEST: Final = 12  # characters beside the camera: there is no room for more
_GLYPHS: Final = {
    "stats": "chart.bar",
    "metrics": "gauge",
    "segmented_progress": "checklist",
    "progress": "hourglass",
    "alert": "bell",
    "timer": "timer",
    "value": "number",
}


def island_words(view: CardView) -> str:
    """Return the one figure that stands beside the camera; empty where the type has none."""
    figure = ""
    if view.steps:
        figure = f"{view.steps.current}/{view.steps.total}"
    elif view.ticker:
        figure = view.ticker.digits
    elif view.measures:
        first = view.measures[0]
        figure = f"{first.value}{first.unit}"
    elif view.headline:
        figure = view.headline
    elif view.badge:
        figure = view.badge.label
    flat = " ".join(figure.split())
    return flat if len(flat) <= LONGEST else f"{flat[: LONGEST - 1]}…"


def drawn_island(view: CardView) -> Html:
    """Draw the line: symbol, camera, figure."""
    symbol = view.icon.label if view.icon else _GLYPHS.get(view.type, "bolt")
    color = view.icon.color if view.icon else view.color
    words = island_words(view)
    return element(
        "section",
        {
            "class": f"as-island as-c-{view.color}",
            "role": "group",
            "aria-label": f"Dynamic Island: {view.title[:120]}",
        },
        element("span", {"class": f"as-island-icon as-c-{color}"}, glyph(symbol)),
        element("span", {"class": "as-island-camera", "aria-hidden": "true"}),
        isolated("as-island-figure", words, "span"),
    )
