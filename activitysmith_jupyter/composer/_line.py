"""A message as one line of ``%activity``. Pure.

What the line has a short form for is written in it; everything else goes through ``--field``,
which takes any field of a content state as JSON. A few things cannot be said in a line: then
there is none.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from activitysmith_jupyter.composer._message import Message

__all__ = ["magic_line"]

NO_LINE: Final = "# {} cannot be said in one line of %activity: take the Python code.\n"

_COMMANDS: Final = {"segmented_progress": "steps"}
_PUSH_OPTIONS: Final = {
    "subtitle": "--subtitle",
    "redirection": "--redirect",
    "media": "--media",
    "interruption_level": "--level",
    "sound": "--sound",
    "icon": "--icon",
}
# What has a short form, where nothing in it could be read in another way.
_PLAIN: Final = re.compile(r"[^\s:=,{}$-][^:=,{}$\n]*")
# The line fills in {names} and $names of the notebook; $$name is a text.
_DOLLAR: Final = re.compile(r"\$(?=[A-Za-z_])")


class _NoLineError(Exception):
    """Something has no place in a line."""


def magic_line(message: Message) -> str:
    """Return the line that sends a message, or a comment that says what it cannot say."""
    try:
        words = _push(message.body) if message.operation == "push" else _card(message)
        return f"%activity {' '.join(_quoted(word) for word in words)}\n"
    except _NoLineError as error:
        return NO_LINE.format(error)


def _quoted(word: str) -> str:
    if "\n" in word or "\r" in word:
        raise _NoLineError("Text of several lines")
    doubled = word.replace("{", "{{").replace("}", "}}")
    return shlex.quote(_DOLLAR.sub("$$", doubled))


def _positional(word: str, what: str) -> str:
    if not word or word.startswith("-"):
        raise _NoLineError(f"{what} that is empty or begins with a hyphen")
    return word


def _push(body: Mapping[str, Any]) -> list[str]:
    words = ["push", _positional(body["title"], "A title")]
    if body.get("message"):
        words.append(_positional(body["message"], "A message"))
    words += [f"{option}={body[name]}" for name, option in _PUSH_OPTIONS.items() if name in body]
    if "badge" in body:
        words.append(f"--badge={body['badge']}")
    words += [f"--action={json.dumps(button)}" for button in body.get("actions", ())]
    if "payload" in body:
        words.append(f"--payload={json.dumps(body['payload'])}")
    return words + _labels(body)


def _card(message: Message) -> list[str]:
    key = _positional(message.stream_key, "A stream key")
    state = dict(message.body["content_state"])
    if message.operation == "end":
        extra = message.body.keys() - {"content_state"}
        if extra:
            raise _NoLineError(f"The end of a card with {', '.join(sorted(extra))}")
        title = state.pop("title")
        return ["end", key, f"--title={title}", *_fields(state)]
    if "auto_dismiss_seconds" in state or "auto_dismiss_minutes" in state:
        raise _NoLineError("A dismissal before the end")
    kind = str(state.pop("type"))
    subject = _subject(kind, state)
    words: list[str] = [_COMMANDS.get(kind, kind), key, *subject, f"--title={state.pop('title')}"]
    words += [
        f"--{name.replace('_', '-')}={state.pop(name)}"
        for name in ("subtitle", "color", "step_color")
        if name in state
    ]
    for name, text in (("icon", "symbol"), ("badge", "title")):
        if name in state and _PLAIN.fullmatch(state[name][text]):
            pill = state.pop(name)
            color = f":{pill['color']}" if "color" in pill else ""
            words.append(f"--{name}={pill[text]}{color}")
    words += _fields(state)
    for name in ("action", "secondary_action"):
        if name in message.body:
            words.append(f"--{name.replace('_', '-')}={json.dumps(message.body[name])}")
    return words + _alert(message.body.get("alert")) + _labels(message.body)


def _subject(kind: str, state: dict[str, Any]) -> list[str]:
    """Take what a type shows out of its state, as the line's own words for it."""
    if kind in {"stats", "metrics"}:
        return _metrics(state)
    words: list[str] = ["0"]
    if kind == "timer":
        words = []
    elif kind == "segmented_progress":
        words = [str(state.pop("current_step"))]
        if "number_of_steps" in state:
            words[0] += f"/{state.pop('number_of_steps')}"
    elif kind == "progress":
        # Only one of the two forms fits in; the other goes as fields, and they win.
        words = [json.dumps(state.pop("percentage"))] if "percentage" in state else ["0/1"]
    else:
        name = "message" if kind == "alert" else "value"
        shown = state[name]
        if isinstance(shown, str) and shown[:1] not in {"", "-"} and not _is_number(shown):
            words = [str(state.pop(name))]
    return words


def _metrics(state: dict[str, Any]) -> list[str]:
    pairs = []
    for metric in state["metrics"]:
        label, value = metric["label"], metric["value"]
        simple = metric.keys() == {"label", "value"} and isinstance(value, str)
        # A figure in front would be read as a number with its unit.
        plain = simple and value[:1] == "$" and "=" not in label and not label.startswith("-")
        if not plain:
            return ["x=0"]
        pairs.append(f"{label}={value}")
    del state["metrics"]
    return pairs


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _fields(state: Mapping[str, Any]) -> list[str]:
    return [f"--field={name}={json.dumps(value)}" for name, value in state.items()]


def _alert(alert: Mapping[str, str] | None) -> list[str]:
    if not alert:
        return []
    title, body = alert.get("title", ""), alert.get("body", "")
    exact = title and body and ":" not in title and title == title.strip() and body == body.strip()
    if not exact:
        raise _NoLineError("An alert without both its texts, or with a colon in its title")
    return [f"--alert={title}:{body}"]


def _labels(body: Mapping[str, Any]) -> list[str]:
    words = []
    if "target" in body:
        words.append(f"--channels={','.join(body['target']['channels'])}")
    if body.get("tags"):
        words.append(f"--tags={','.join(body['tags'])}")
    for name, value in (body.get("metadata") or {}).items():
        if "=" in name:
            raise _NoLineError("Metadata with an equals sign in its name")
        words.append(f"--metadata={name}={json.dumps(value)}")
    return words
