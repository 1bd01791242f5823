"""Draw cards and pushes as plain text, for terminals and places without HTML."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Final

from activitysmith_jupyter.card._html import cleaned

if TYPE_CHECKING:
    from activitysmith_jupyter.card._push import PushView
    from activitysmith_jupyter.card._view import Button, CardView, Measure, Steps, Ticker

__all__ = ["written_card", "written_push"]

BAR_WIDTH: Final = 28
EIGHTHS: Final = " ▏▎▍▌▋▊▉"
LONGEST_LINE: Final = 200

# Line breaks would tear the frame; direction overrides would turn what follows them around.
SPACING: Final = re.compile(r"[\s\u2028\u2029]+")
DIRECTIONS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def written_card(view: CardView) -> str:
    """Write one card as lines of text, without a final line break."""
    kind = view.type.replace("_", " ")
    lines = [f"╭─ {kind}{' · ended' if view.is_ended else ''}"]
    badge = f"  ({_line(view.badge.label)})" if view.badge else ""
    lines.append(f"│ {_line(view.title)}{badge}")
    if view.subtitle:
        lines.append(f"│ {_line(view.subtitle)}")
    lines += [f"│ {line}" for line in _body(view)]
    lines += [f"│ {_button(button)}" for button in view.buttons]
    lines += [f"├ {_line(note)}" for note in view.notes]
    return "\n".join([*lines, "╰─"])


def written_push(view: PushView) -> str:
    """Write one push as lines of text, without a final line break."""
    lines = ["╭─ push", f"│ {_line(view.title)}"]
    lines += [f"│ {_line(part)}" for part in (view.subtitle, view.message) if part]
    for detail in view.details:
        lines.append(f"│ · {_line(f'{detail.label} {detail.url}'.strip())}")
    lines += [f"│ {_button(button)}" for button in view.buttons]
    return "\n".join([*lines, "╰─"])


def _body(view: CardView) -> list[str]:
    if view.measures:
        return _table(view.measures, with_bars=view.type == "metrics")
    if view.steps:
        return [_steps(view.steps)]
    if view.fraction is not None:
        return [f"{_bar(view.fraction)}  {_line(view.headline)}"]
    if view.ticker:
        return [_timer(view.ticker, is_ended=view.is_ended)]
    return [_line(part) for part in (view.headline, view.message) if part]


def _table(measures: tuple[Measure, ...], *, with_bars: bool) -> list[str]:
    rows = [
        (_line(m.label, 40), _line(f"{m.value}{'' if m.unit == '%' else ' '}{m.unit}", 80), m)
        for m in measures
    ]
    label_width = max(_width(label) for label, _, _ in rows)
    value_width = max(_width(value) for _, value, _ in rows)
    lines = []
    for label, value, measure in rows:
        padded = " " * (label_width - _width(label) + 2 + value_width - _width(value))
        bar = f"  {_bar(measure.fraction)}" if with_bars and measure.fraction is not None else ""
        lines.append(f"{label}{padded}{value}{bar}")
    return lines


def _steps(steps: Steps) -> str:
    if steps.colors:
        drawn = " ".join("██" if color else "░░" for color in steps.colors)
    else:
        drawn = _bar(steps.fraction)
    return f"{drawn}  step {steps.current} of {steps.total}"


def _bar(fraction: float) -> str:
    """Draw a bar of blocks, exact to an eighth of a character."""
    eighths = math.floor(fraction * BAR_WIDTH * 8 + 1e-9)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (EIGHTHS[rest] if rest else "")
    return drawn + "░" * (BAR_WIDTH - len(drawn))


def _timer(ticker: Ticker, *, is_ended: bool) -> str:
    way = "counts down" if ticker.counts_down else "counts up"
    still = "stopped" if is_ended else "paused"
    return f"{ticker.digits}  {way if ticker.is_running else still}"


def _button(button: Button) -> str:
    how = f"{button.method} {button.url}" if button.kind == "webhook" else button.url
    return f"[{_line(button.title, 60)}] {_line(how)}".rstrip()


def _line(value: str, longest: int = LONGEST_LINE) -> str:
    """Bring text onto one line of at most `longest` characters that cannot steer a terminal."""
    flat = DIRECTIONS.sub("", SPACING.sub(" ", cleaned(value))).strip()
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def _width(value: str) -> int:
    """Count the columns a terminal needs for `value`."""
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in value
    )
