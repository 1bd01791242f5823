"""From figures to what the phone shows: texts, colours, a content state, a push."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from activitysmith_jupyter._outcome import one_line
from activitysmith_jupyter._parts import Icon, record
from activitysmith_jupyter.card import card_html, card_text, push_html, push_text
from activitysmith_jupyter.exceptions import PayloadError
from activitysmith_jupyter.frames._changes import (
    Change,
    Level,
    Limit,
    as_number,
    change_of,
)
from activitysmith_jupyter.frames._memory import Remembered
from activitysmith_jupyter.frames._numbers import (
    Format,
    is_missing,
    value_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from activitysmith_jupyter._results import Result
    from activitysmith_jupyter.frames._options import Options
    from activitysmith_jupyter.frames._query import Figure

__all__ = ["Kind", "Report", "Tile", "make_report"]

Kind = Literal["stats", "metrics", "value", "progress"]

_LEVEL_COLORS: Final[Mapping[Level, str | None]] = {"ok": None, "warn": "orange", "alert": "red"}
_RANK: Final[Mapping[Level, int]] = {"ok": 0, "warn": 1, "alert": 2}
_LEVEL_SIGNS: Final[Mapping[Level, str]] = {"ok": "", "warn": "⚠️", "alert": "🚨"}
_MOST_PUSH_CHARACTERS: Final = 1000


@attrs.frozen
class Tile:
    """One metric as the phone shows it.

    Attributes
    ----------
    label, text : str
        What is written; 1 to 64 characters of text.
    value : bool, int, float, str, date, datetime or None
        The aggregate itself; durations in seconds, shares as 0 to 1, None where it is missing.
    how : str or callable
        The format.
    change : Change or None
        Since last time.
    level : {"ok", "warn", "alert"} or None
        None where the value is missing: then nothing is known.
    limit : str
        The limit that is crossed.
    color : str or None
        By level, else by direction.
    """

    label: str
    text: str
    value: Any
    how: Format
    change: Change | None = None
    level: Level | None = "ok"
    limit: str = ""
    color: str | None = None

    @property
    def line(self) -> str:
        """The text with its change."""
        return one_line(f"{self.text} {self.change.text}", 64) if self.change else self.text


@attrs.frozen(kw_only=True)
class Report:
    """What was computed, and what was or would be sent.

    Shows itself as the card in a notebook, and as text where ``print`` is asked.

    Attributes
    ----------
    stream_key, title : str
        Of the card.
    tiles : tuple of Tile
        The metrics.
    content_state : dict
        What the card shows, ready for JSON.
    push : dict
        The same as a push.
    alarm : dict or None
        The push that a crossed limit is worth now.
    remembered : Remembered
        What the next call compares with.
    places : tuple of str
        Where it goes.
    remarks : tuple of str
        What the user should hear about the figures.
    results : tuple of Result
        The service's answers; empty for a preview.
    """

    stream_key: str
    title: str
    tiles: tuple[Tile, ...]
    content_state: dict[str, Any]
    push: dict[str, Any]
    alarm: dict[str, Any] | None
    remembered: Remembered = attrs.field(repr=False)
    places: tuple[str, ...] = ("card",)
    remarks: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """The aggregates themselves, by label."""
        return {tile.label: tile.value for tile in self.tiles}

    @property
    def texts(self) -> dict[str, str]:
        """What the phone shows, by label."""
        return {tile.label: tile.line for tile in self.tiles}

    @property
    def html(self) -> str:
        """The card, or the push where only one goes out, as self-contained HTML."""
        return push_html(self.push) if self.places == ("push",) else card_html(self.content_state)

    @property
    def text(self) -> str:
        """The card, or the push where only one goes out, as plain text."""
        return push_text(self.push) if self.places == ("push",) else card_text(self.content_state)

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}


def make_report(  # noqa: PLR0913  a report's six ingredients
    kind: Kind,
    stream_key: str,
    title: str,
    figures: Sequence[Figure],
    options: Options,
    *,
    before: Mapping[str, Any],
    remembered: Remembered,
) -> Report:
    """Turn figures into a report; nothing is sent.

    Parameters
    ----------
    kind : {"stats", "metrics", "value", "progress"}
        The card's type.
    stream_key, title : str
        Of the card.
    figures : sequence of Figure
        What the frame answered.
    options : Options
        Checked.
    before : mapping
        What the values are compared with, by label.
    remembered : Remembered
        What is known from last time.

    Raises
    ------
    PayloadError
        A format does not fit its value.
    """
    tiles = tuple(_tile(figure, options, before) for figure in figures)
    content = {
        "type": kind,
        "title": title,
        **_optional(subtitle=options.subtitle, icon=_icon(options.icon)),
        **_BODIES[kind](tiles, options),
    }
    lines = [f"{tile.label} {tile.line}" for tile in tiles]
    if kind == "value":
        lines = [tile.line for tile in tiles]
    return Report(
        stream_key=stream_key,
        title=title,
        tiles=tiles,
        content_state=content,
        push=_push(title, [*filter(None, [options.subtitle]), *lines]),
        alarm=_alarm(title, tiles, remembered),
        remembered=_to_remember(tiles, remembered, options),
        places=options.places,
    )


def _optional(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _icon(icon: Any) -> dict[str, Any] | None:
    if icon is None:
        return None
    given = {"symbol": icon} if isinstance(icon, str) else icon
    return record(Icon)(given, "icon").to_payload()  # type: ignore[no-any-return]


def _tile(figure: Figure, options: Options, before: Mapping[str, Any]) -> Tile:
    label, value = figure.label, figure.value
    how = options.given(options.formats, label) or figure.natural_format
    change = change_of(value, before.get(label), how, options.locale)
    level, limit = _level(value, options.limits(label), label)
    color = _LEVEL_COLORS[level or "ok"]
    if color is None and change is not None:
        color = change.color(options.given(options.good, label) or "up")
    text = value_text(value, how, options.locale, label)
    return Tile(label, text, value, how, change, level, limit, color)


def _level(value: Any, limits: Mapping[Level, Limit], label: str) -> tuple[Level | None, str]:
    if is_missing(value):
        return None, ""
    number = as_number(value)
    for level, limit in limits.items():
        if number is None:
            raise PayloadError(f"{level}[{label}]", value, "needs a metric that is a number")
        if limit.crossed(number):
            return level, limit.text
    return "ok", ""


def _stats(tiles: Sequence[Tile], options: Options) -> dict[str, Any]:  # noqa: ARG001  as _BODIES
    return {
        "metrics": [
            {"label": tile.label, "value": tile.line, **_optional(color=tile.color)}
            for tile in tiles
        ]
    }


def _metrics(tiles: Sequence[Tile], options: Options) -> dict[str, Any]:
    metrics = []
    for tile in tiles:
        number = as_number(tile.value)
        metric: dict[str, Any] = {"label": tile.label, **_optional(color=tile.color)}
        if number is None or number < 0:
            # A bar cannot show it; the service takes no number below 0.
            metric["value"] = tile.text
        else:
            share = 100 if tile.how == "percent" else 1
            metric |= {"value": round(share * number, 1), "unit": "%"}
        metrics.append(metric)
    return {"metrics": metrics, **_optional(color=options.color)}


def _value(tiles: Sequence[Tile], options: Options) -> dict[str, Any]:
    (tile,) = tiles
    content: dict[str, Any] = {"value": tile.text, **_optional(color=tile.color or options.color)}
    if tile.change is not None:
        said = [options.subtitle] if options.subtitle else []
        content["subtitle"] = " · ".join([*said, tile.change.text])
    return content


def _progress(tiles: Sequence[Tile], options: Options) -> dict[str, Any]:
    rows, done, *rest = tiles
    share = as_number(done.value)
    content: dict[str, Any] = _optional(color=done.color or options.color)
    # Rounded down: 100 % is when all of it is done.
    content["percentage"] = 0 if share is None else math.floor(1000 * share + 1e-9) / 10
    if options.subtitle is None:
        count = round((share or 0) * (as_number(rows.value) or 0))
        text = value_text(count, "integer", options.locale, "done")
        total = value_text(rows.value, "integer", options.locale, "rows")
        content["subtitle"] = "no rows yet" if share is None else f"{text} of {total}"
    for failed in rest:
        count = round((as_number(failed.value) or 0) * (as_number(rows.value) or 0))
        text = value_text(count, "integer", options.locale, "failed")
        content["badge"] = {"title": f"{text} failed", "color": "red" if count else "gray"}
    return content


_BODIES: Final[Mapping[Kind, Callable[[Sequence[Tile], Options], dict[str, Any]]]] = {
    "stats": _stats,
    "metrics": _metrics,
    "value": _value,
    "progress": _progress,
}


def _push(title: str, lines: Iterable[str]) -> dict[str, Any]:
    message = "\n".join(lines)
    return {"title": one_line(title), "message": message[:_MOST_PUSH_CHARACTERS]}


def _alarm(title: str, tiles: Sequence[Tile], remembered: Remembered) -> dict[str, Any] | None:
    """Return the push for the limits that are newly crossed."""
    new = [
        tile
        for tile in tiles
        if tile.level is not None
        and _RANK[tile.level] > _RANK[remembered.levels.get(tile.label, "ok")]
    ]
    if not new:
        return None
    worst = max((tile.level for tile in new if tile.level), key=_RANK.__getitem__)
    lines = [f"{tile.label} {tile.line} ({tile.limit})" for tile in new]
    return _push(f"{_LEVEL_SIGNS[worst]} {title}", lines)


def _to_remember(tiles: Sequence[Tile], remembered: Remembered, options: Options) -> Remembered:
    values = {
        tile.label: number
        for tile in tiles
        if (number := as_number(tile.value)) is not None and options.delta is not None
    }
    levels = dict(remembered.levels)
    for tile in tiles:
        if tile.level == "ok":
            levels.pop(tile.label, None)
        elif tile.level is not None:
            # Alert, warn, alert again is one trouble: it has to recover first.
            levels[tile.label] = max(
                tile.level, levels.get(tile.label, "ok"), key=_RANK.__getitem__
            )
    return Remembered({**remembered.values, **values}, levels)
