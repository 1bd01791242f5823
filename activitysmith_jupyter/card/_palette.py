"""The ten accent colours and the neutral inks, each as a pair for light and dark.

A *tone* is text, a *fill* is a bar or a glyph, a *tint* is the ground of a button or pill. The
pairs were chosen so that every tone reads on the card and on its own tint with a contrast of at
least 4.5 to 1; a test computes it.
"""

from __future__ import annotations

from typing import Final

import attrs

__all__ = ["COLORS", "DEFAULT_COLOR", "NEUTRALS", "Accent", "Pair", "accent", "mixed"]

TINT_STRENGTH: Final = 0.17  # share of the fill in a tint; more would cost the tone its contrast


@attrs.frozen
class Pair:
    """One colour in the light and in the dark theme, each as ``#rrggbb``."""

    light: str
    dark: str


@attrs.frozen
class Accent:
    """What one accent colour looks like: ``fill`` for shapes, ``tone`` for text."""

    fill: Pair
    tone: Pair

    @property
    def tint(self) -> Pair:
        """A pale ground of this colour, mixed into the card's surface."""
        surface = NEUTRALS["surface"]
        return Pair(
            mixed(self.fill.light, surface.light, TINT_STRENGTH),
            mixed(self.fill.dark, surface.dark, TINT_STRENGTH),
        )


def mixed(color: str, ground: str, share: float) -> str:
    """Lay `color` over `ground` with opacity `share` (0 to 1)."""
    over = zip(_channels(color), _channels(ground), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in over)


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


NEUTRALS: Final = {
    "surface": Pair("#f6f7fb", "#1e1f25"),
    "ink": Pair("#16181d", "#f5f6fa"),
    "dim": Pair("#565a66", "#abb0bd"),
    "track": Pair("#dfe2ea", "#383a44"),
    "line": Pair("#d4d8e2", "#3a3c46"),
}


def _accent(light_fill: str, light_tone: str, dark_fill: str, dark_tone: str) -> Accent:
    return Accent(Pair(light_fill, dark_fill), Pair(light_tone, dark_tone))


COLORS: Final = {
    "lime": _accent("#7cc41a", "#3f6212", "#a3e635", "#bef264"),
    "green": _accent("#34c759", "#14652f", "#30d158", "#5ee38a"),
    "cyan": _accent("#22b8dc", "#155e75", "#3fd0f0", "#74e2fb"),
    "blue": _accent("#0a7aff", "#0050b8", "#3d95ff", "#7dbcff"),
    "purple": _accent("#a855f7", "#7420b0", "#bf6bff", "#d9a8ff"),
    "magenta": _accent("#ec3d96", "#a80d5e", "#ff5fa8", "#ff94c8"),
    "red": _accent("#ff4438", "#b3140a", "#ff5a50", "#ff9a93"),
    "orange": _accent("#ff8d1a", "#943c00", "#ff9f2e", "#ffb965"),
    "yellow": _accent("#f7c000", "#744a00", "#ffd60a", "#ffe066"),
    "gray": _accent("#8e8e93", "#4b4b52", "#98989f", "#c9c9cf"),
}

DEFAULT_COLOR: Final = "blue"  # the service's own default accent


def accent(name: object, default: str = DEFAULT_COLOR) -> str:
    """Give `name` back if it is one of the ten colours, else `default`."""
    return name if isinstance(name, str) and name in COLORS else default
