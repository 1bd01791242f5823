"""The fields of a Live Activity as words of a ``%activity`` line."""

from __future__ import annotations

import argparse
import json
import re
from typing import TYPE_CHECKING, Any, Final

from ._durations import parse_seconds
from ._operations import ALL_STATE_FIELDS
from ._parts import COLORS
from ._states import types_with

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "KINDS",
    "add_dismissal",
    "add_fields",
    "add_push_buttons",
    "add_state_options",
    "add_subject",
    "dismissal",
    "free_fields",
    "number_or_text",
    "push_members",
    "seconds_of",
    "state_request",
]

# What people type, and the contract's name of the type.
KINDS: Final = {
    "progress": "progress",
    "stats": "stats",
    "metrics": "metrics",
    "steps": "segmented_progress",
    "alert": "alert",
    "timer": "timer",
    "value": "value",
}
_TWO_BUTTONS: Final = ("segmented_progress", "progress", "alert", "value")
_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(%|°\w?|[A-Za-zµ][A-Za-zµ/]{0,7})?")
_BUTTON_HELP: Final = 'a button: "Title=https://...", or "Title=POST https://..." for a webhook'
_SUBJECTS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "progress": ("amount", {"metavar": "42|3/10", "help": "percent, or a value of an upper limit"}),
    "stats": ("pairs", {"nargs": "+", "metavar": "LABEL=VALUE", "help": "1 to 8 of them"}),
    "metrics": (
        "pairs",
        {"nargs": "+", "metavar": "LABEL=VALUE", "help": "1 to 8, such as CPU=9%"},
    ),
    "steps": ("amount", {"metavar": "2/5", "help": "steps done and steps in all"}),
    "alert": ("message", {"nargs": "+", "metavar": "MESSAGE", "help": "what it says"}),
    "timer": (
        "duration",
        {"nargs": "?", "metavar": "5m", "help": "left out: counts up, or goes on"},
    ),
    "value": ("shown", {"metavar": "VALUE", "help": "a number, or text shown as it is"}),
}


class _Mistake(argparse.ArgumentTypeError):
    """A word that cannot be read; argparse says which one."""


def add_subject(parser: argparse.ArgumentParser, kind: str) -> None:
    """Add what a type shows, as a positional argument."""
    name, options = _SUBJECTS[kind]
    given = dict(options)
    given["help"] = given["help"].replace("%", "%%")
    parser.add_argument(name, **given)


def add_state_options(parser: argparse.ArgumentParser, state_type: str) -> None:
    """Add the options that a type has in the contract."""
    parser.add_argument("--title", help="what the card is called; KEY by default")
    parser.add_argument("--subtitle", help="a line below the title")
    parser.add_argument(
        "--icon", type=_icon, metavar="SYMBOL[:COLOR]", help="an SF Symbol, such as bolt.fill:red"
    )
    if state_type in types_with("color"):
        parser.add_argument("--color", choices=COLORS, help="the accent")
    if state_type in types_with("badge"):
        parser.add_argument("--badge", type=_badge, metavar="TEXT[:COLOR]", help="a pill of text")
    if state_type == "segmented_progress":
        parser.add_argument("--step-color", choices=COLORS, help="of the current step")
        parser.add_argument(
            "--step-colors", type=_commas, metavar="A,B", help="one colour per completed step"
        )
    if state_type == "timer":
        parser.add_argument("--up", action="store_true", help="count up")
        parser.add_argument("--pause", action="store_true", help="freeze the clock")
        parser.add_argument("--resume", action="store_true", help="let it go on")
    if state_type in {"stats", "metrics"}:
        parser.add_argument(
            "--metric-color",
            type=_pair,
            action="append",
            default=[],
            metavar="LABEL=COLOR",
            help="of one value; may be repeated",
        )
    parser.add_argument("--action", type=_action, metavar="BUTTON", help=_BUTTON_HELP)
    if state_type in _TWO_BUTTONS:
        parser.add_argument(
            "--secondary-action", type=_action, metavar="BUTTON", help="a second button"
        )
    parser.add_argument(
        "--alert", type=_alert, metavar="TITLE:BODY", help="a notification beside the card"
    )
    parser.add_argument("--channels", metavar="A,B", help="whose phones; everyone's when left out")
    parser.add_argument("--tags", type=_commas, metavar="A,B", help="for the history of the app")
    parser.add_argument(
        "--metadata",
        type=_pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="for the history of the app; may be repeated",
    )
    add_dismissal(parser)
    add_fields(parser)


def add_dismissal(parser: argparse.ArgumentParser) -> None:
    """Add how long the Lock Screen keeps an ended card."""
    parser.add_argument(
        "--dismiss",
        type=seconds_of,
        metavar="30s",
        help="how long the ended card stays; 0 removes it",
    )


def add_fields(parser: argparse.ArgumentParser) -> None:
    """Add the way to every other field of the contract."""
    parser.add_argument(
        "--field",
        type=_pair,
        action="append",
        default=[],
        metavar="NAME=JSON",
        help="any field of the content state, as the API spells it",
    )


def add_push_buttons(parser: argparse.ArgumentParser) -> None:
    """Add what a push may carry beside its texts."""
    parser.add_argument("--icon", metavar="URL", help="an https picture")
    parser.add_argument("--badge", type=int, metavar="COUNT", help="the number on the app's icon")
    parser.add_argument(
        "--action",
        type=_action,
        action="append",
        metavar="BUTTON",
        help=f"{_BUTTON_HELP}; up to four",
    )
    parser.add_argument("--payload", type=_literal, metavar="JSON", help="for the app's own use")
    parser.add_argument("--tags", type=_commas, metavar="A,B", help="for the history of the app")
    parser.add_argument(
        "--metadata",
        type=_pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="for the history of the app; may be repeated",
    )


def push_members(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields that `add_push_buttons` gave."""
    given = vars(options)
    names = {
        "icon": "icon",
        "badge": "badge",
        "action": "actions",
        "payload": "payload",
        "tags": "tags",
    }
    found = {field: given[name] for name, field in names.items() if given[name] is not None}
    return {**found, **_metadata(options)}


def _metadata(options: argparse.Namespace) -> dict[str, Any]:
    if not options.metadata:
        return {}
    return {"metadata": {name: _literal(value) for name, value in options.metadata}}


def state_request(
    options: argparse.Namespace, state_type: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the content-state fields and the members beside them that a line gives.

    Parameters
    ----------
    options : Namespace
        Of a parser with `add_subject` and `add_state_options`.
    state_type : str
        The contract's name of the type.

    Raises
    ------
    argparse.ArgumentTypeError
        A word cannot be read.
    """
    given = vars(options)
    plain = ("title", "subtitle", "icon", "color", "badge", "step_color", "step_colors")
    fields = {name: given[name] for name in plain if given.get(name) is not None}
    fields |= _subject(given, state_type) | dismissal(options) | free_fields(options)
    names = ("action", "secondary_action", "alert", "channels", "tags")
    members = {name: given[name] for name in names if given.get(name) is not None}
    return fields, {**members, **_metadata(options)}


def dismissal(options: argparse.Namespace) -> dict[str, Any]:
    """Return the field of ``--dismiss``."""
    return {} if options.dismiss is None else {"auto_dismiss_seconds": round(options.dismiss)}


def free_fields(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of ``--field``.

    Raises
    ------
    argparse.ArgumentTypeError
        The contract has no such field.
    """
    for name, _ in options.field:
        if name not in ALL_STATE_FIELDS:
            raise _Mistake(f"--field {name}: the content state has {', '.join(ALL_STATE_FIELDS)}")
    return {name: _literal(value) for name, value in options.field}


def _subject(given: Mapping[str, Any], state_type: str) -> dict[str, Any]:
    if state_type == "progress":
        return _amount(given["amount"])
    if state_type == "segmented_progress":
        return _steps(given["amount"])
    if state_type in {"stats", "metrics"}:
        return {"metrics": _metrics(given["pairs"], dict(given["metric_color"]))}
    if state_type == "alert":
        return {"message": " ".join(given["message"])}
    if state_type == "timer":
        return _timer(given)
    return {"value": number_or_text(given["shown"])}


def _amount(text: str) -> dict[str, Any]:
    value, slash, limit = text.removesuffix("%").partition("/")
    if slash:
        return {"value": _number(value), "upper_limit": _number(limit)}
    return {"percentage": _number(value)}


def _steps(text: str) -> dict[str, Any]:
    done, slash, steps = text.partition("/")
    fields = {"current_step": _number(done)}
    return {**fields, "number_of_steps": _number(steps)} if slash else fields


def _timer(given: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if given["duration"] is not None:
        fields["duration_seconds"] = seconds_of(given["duration"])
    if given["up"]:
        fields["counts_down"] = False
    if given["pause"] or given["resume"]:
        fields["is_running"] = bool(given["resume"])
    return fields


def _metrics(words: list[str], colors: Mapping[str, str]) -> list[dict[str, Any]]:
    metrics = []
    for label, value in map(_pair, words):
        metric: dict[str, Any] = {"label": label, "value": value}
        quantity = _QUANTITY.fullmatch(value)
        if quantity is not None:
            metric["value"] = _number(quantity[1])
            if quantity[2]:
                metric["unit"] = quantity[2]
        if label in colors:
            metric["color"] = colors[label]
        metrics.append(metric)
    return metrics


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise _Mistake(f"{text!r} is no number") from None


def number_or_text(text: str) -> int | float | str:
    """Return a word as a number where it is one."""
    try:
        return _number(text)
    except _Mistake:
        return text


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def seconds_of(text: str) -> float:
    """Return a duration in seconds, for argparse."""
    try:
        return parse_seconds(text)
    except ValueError as error:
        raise _Mistake(f"{text!r} {error}") from None


def _commas(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name and value):
        raise _Mistake(f"{text!r} must be NAME=VALUE, in quotes where it has spaces")
    return name, value


def _colored(text: str) -> tuple[str, dict[str, str]]:
    name, colon, color = text.rpartition(":")
    return (name, {"color": color}) if colon and color in COLORS else (text, {})


def _icon(text: str) -> dict[str, str]:
    symbol, color = _colored(text)
    return {"symbol": symbol, **color}


def _badge(text: str) -> dict[str, str]:
    title, color = _colored(text)
    return {"title": title, **color}


def _alert(text: str) -> dict[str, str]:
    title, colon, body = text.partition(":")
    return {"title": title.strip(), "body": body.strip()} if colon else {"body": text}


def _action(text: str) -> Any:
    if text.startswith("{"):
        return _literal(text)
    title, equals, target = text.partition("=")
    method, space, url = target.partition(" ")
    if space and method in {"GET", "POST"}:
        return {"title": title, "type": "webhook", "url": url.strip(), "method": method}
    if not equals:
        raise _Mistake(f'{text!r} must be "Title=https://..." or "Title=POST https://..."')
    return {"title": title, "type": "open_url", "url": target}
