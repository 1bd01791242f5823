"""Values from what was typed, and back. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qs, quote, urlsplit

from activitysmith_jupyter._fields import UNSET
from activitysmith_jupyter._operations import without_unset
from activitysmith_jupyter.composer._catalogue import PUSH, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from activitysmith_jupyter.composer._catalogue import Field

__all__ = ["Unreadable", "empty_row", "kind_of", "typed", "value_of"]

SHORTCUT: Final = "shortcuts://run-shortcut?name="
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d+", re.ASCII)
_MOST_DIGITS: Final = 300  # more make no finite number
_ROWS: Final = {
    "metrics": ("label", "value", "unit", "color"),
    "action": ("title", "does", "url", "method", "body"),
}


class Unreadable(Exception):  # noqa: N818  it carries what could be read, too
    """Something typed is no value.

    Parameters
    ----------
    places : dict of str to str
        The reason, by place: a field's name, or ``metrics[2].value`` for a part of a row.
    rest : object
        What could be read; `UNSET` for nothing.
    """

    def __init__(self, places: dict[str, str], rest: Any = UNSET) -> None:
        super().__init__(str(places))
        self.places = places
        self.rest = rest


def empty_row(look: str) -> dict[str, str]:
    """Return a new row of ``metrics``, or of a button (``action``)."""
    row = dict.fromkeys(_ROWS[look], "")
    return {**row, "does": "open_url"} if "does" in row else row


# ------------------------------------------------------------------ typed -> values


def value_of(field: Field, raw: Any) -> Any:
    """Return the value that was typed into a field; `UNSET` for nothing.

    Raises
    ------
    Unreadable
        It is not even a value, whatever the service's rules.
    """
    if field.look == "choice":
        return UNSET if raw is None or raw == "" else raw
    if field.look in _ROW_READERS:
        return _rows(field.look, raw or ())
    if field.look == "action":
        return _button(raw, field.name) if raw else UNSET
    return _text_value(field.look, str(raw or ""), field.name)


def _text_value(look: str, text: str, place: str) -> Any:
    if not text or (look not in {"line", "area"} and not text.strip()):
        return UNSET
    read = _READERS.get(look)
    return text if read is None else read(text, place)


def _number(text: str, place: str) -> float:
    number = _parsed_number(text.strip())
    if number is None:
        raise Unreadable({place: "must be a number"})
    return number


def _whole(text: str, place: str) -> int:
    number = _number(text, place)
    if number != int(number):
        raise Unreadable({place: "must be a whole number"})
    return int(number)


def _parsed_number(text: str) -> float | None:
    if len(text) > _MOST_DIGITS:
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    number = float(text) if _NUMBER.fullmatch(text) else None
    return number if number is not None and abs(number) != float("inf") else None


def _number_or_text(text: str, place: str = "") -> Any:  # noqa: ARG001  as the other readers
    """Read a number where it is one, the inside of quotes as text, anything else as it is."""
    number = _parsed_number(text.strip())
    if number is not None:
        return number
    if text.startswith('"') and text.endswith('"'):
        try:
            inside = json.loads(text)
        except ValueError:
            return text
        return inside if isinstance(inside, str) else text
    return text


def _words(text: str, place: str) -> Any:  # noqa: ARG001  as the other readers
    return [word for part in text.split(",") if (word := part.strip())] or UNSET


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        line = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Unreadable({place: f'must be JSON such as {{"run": 7}}{line}'}) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_READERS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "number": _number,
    "whole": _whole,
    "scalar": _number_or_text,
    "words": _words,
    "json": _json,
}


def _rows(name: str, rows: Any) -> Any:
    values, places = [], {}
    for index, row in enumerate(rows):
        try:
            values.append(_ROW_READERS[name](row, f"{name}[{index}]"))
        except Unreadable as unreadable:
            places.update(unreadable.places)
            values.append(unreadable.rest)
    if places:
        raise Unreadable(places, values)
    return values or UNSET


def _metric(row: Mapping[str, Any], place: str) -> dict[str, Any]:  # noqa: ARG001  can be read
    metric = {name: row.get(name) or UNSET for name in ("label", "unit", "color")}
    value = _text_value("scalar", str(row.get("value") or ""), "")
    return without_unset({**metric, "value": value})


def _button(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    does, url = row.get("does"), str(row.get("url") or "")
    button: dict[str, Any] = {
        "title": row.get("title") or UNSET,
        "type": "webhook" if does == "webhook" else "open_url",
        "url": (SHORTCUT + quote(url, safe="") if does == "shortcut" else url) if url else UNSET,
    }
    if does == "webhook":
        button["method"] = row.get("method") or UNSET
        try:
            button["body"] = _text_value("json", str(row.get("body") or ""), f"{place}.body")
        except Unreadable as unreadable:
            raise Unreadable(unreadable.places, without_unset(button)) from None
    return without_unset(button)


_ROW_READERS: Final[Mapping[str, Callable[[Mapping[str, Any], str], dict[str, Any]]]] = {
    "metrics": _metric,
    "actions": _button,
}


# ------------------------------------------------------------------ values -> typed


def kind_of(body: Mapping[str, Any]) -> str:
    """Tell a push from a Live Activity, and which type that is."""
    state = body.get("content_state")
    return PUSH if state is None else str(state.get("type") or "progress")


def typed(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what one would type for a checked body, by field name."""
    values: dict[str, Any] = {}
    for field in fields_of(kind_of(body)):
        value: Any = body
        for name in field.path:
            value = value.get(name, UNSET) if isinstance(value, dict) else UNSET
        if value is not UNSET:
            write: Callable[[Any], Any] = _WRITERS.get(field.look, _typed_text)
            values[field.name] = write(value)
    return values


def _typed_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _typed_scalar(value: Any) -> str:
    if isinstance(value, str) and value.strip() and _number_or_text(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _typed_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _typed_metric(item: Mapping[str, Any]) -> dict[str, str]:
    row = {name: str(item.get(name, "")) for name in _ROWS["metrics"]}
    return {**row, "value": _typed_scalar(item["value"])}


def _typed_button(item: Mapping[str, Any]) -> dict[str, str]:
    row = {**empty_row("action"), "title": item["title"], "does": item["type"], "url": item["url"]}
    name = _shortcut_name(item["url"])
    if item["type"] == "open_url" and name:
        row |= {"does": "shortcut", "url": name}
    row["method"] = item.get("method", "")
    row["body"] = _typed_json(item["body"]) if "body" in item else ""
    return cast("dict[str, str]", row)


def _as_it_is(value: Any) -> Any:
    return value


def _typed_words(words: list[str]) -> str:
    return ", ".join(words)


def _typed_metrics(items: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [_typed_metric(item) for item in items]


def _typed_buttons(items: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [_typed_button(item) for item in items]


_WRITERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "choice": _as_it_is,
    "scalar": _typed_scalar,
    "words": _typed_words,
    "json": _typed_json,
    "metrics": _typed_metrics,
    "actions": _typed_buttons,
    "action": _typed_button,
}


def _shortcut_name(url: str) -> str:
    """Return the Shortcut's name where the form would write the very same link."""
    names = parse_qs(urlsplit(url).query).get("name", []) if url.startswith(SHORTCUT) else []
    return names[0] if names and SHORTCUT + quote(names[0], safe="") == url else ""
