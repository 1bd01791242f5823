"""What a ``%%notify`` asks for, and the push that answers it. Pure: values in, a payload out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, cast

import attrs

from ._durations import parse_seconds
from ._outcome import Outcome, duration_text, one_line
from ._requests import push_body
from ._smalltext import clean, cut, small_number, to_number
from ._templates import filled, has_places
from .exceptions import PayloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._outcome import Verdict

__all__ = [
    "TEMPLATE_FIELDS",
    "Ended",
    "On",
    "Wish",
    "check_wish",
    "note_for",
    "push_for",
    "result_text",
    "why_silent",
]

On = Literal["done", "failed", "always"]

TEMPLATE_FIELDS: Final = ("title", "elapsed", "verdict", "error", "result", "notebook", "cell")
MESSAGE_CHARACTERS: Final = 500
RESULT_CHARACTERS: Final = 120
_MOST_ITEMS: Final = 8
_DEEPEST: Final = 2

_ON: Final[Mapping[str, frozenset[Verdict]]] = {
    "done": frozenset({"done"}),
    "failed": frozenset({"failed"}),
    "always": frozenset({"done", "failed", "stopped"}),
}


@attrs.frozen(kw_only=True)
class Wish:
    """When to push, and what.

    Attributes
    ----------
    title : str
        What the work is called; empty takes the place's name.
    on : {"done", "failed", "always"}
        An interruption counts as neither done nor failed.
    after_seconds : float
        Shorter work is not worth a push, seconds.
    message : str
        A template; empty takes our own words.
    result : bool
        Whether the last expression's short text goes along.
    live : bool
        Whether a card shows the work while it runs.
    mirror : bool
        Whether every tqdm bar moves that card.
    dry_run : bool
        Show what would be sent, send nothing.
    push : mapping
        More fields of the push, such as ``channels`` and ``sound``.
    """

    title: str = ""
    on: On = "always"
    after_seconds: float = 0.0
    message: str = ""
    result: bool = False
    live: bool = False
    mirror: bool = False
    dry_run: bool = False
    push: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def asks_for_result(self) -> bool:
        """Whether the result may leave the machine: said by option or by template."""
        return self.result or "{result" in self.message


@attrs.frozen(kw_only=True)
class Ended:
    """How the work ended.

    Attributes
    ----------
    outcome : Outcome
        The verdict.
    elapsed_seconds : float
        How long it took.
    place : str
        The notebook's or script's name; empty where unknown.
    cell : int or None
        The number in the cell's prompt.
    result : str
        Short text of the last expression; empty without one.
    """

    outcome: Outcome
    elapsed_seconds: float
    place: str = ""
    cell: int | None = None
    result: str = ""


def check_wish(
    *, on: object = "always", after: object = 0.0, push: Mapping[str, Any], **others: Any
) -> Wish:
    """Return a wish whose every part can be used.

    Parameters
    ----------
    on : str
        Checked.
    after : float or str
        Seconds, or a duration such as ``30s``.
    push : mapping
        More fields of the push, checked against the contract; texts that hold a ``{place}`` can
        only be checked when they are filled in.
    **others
        The other fields of `Wish`.

    Raises
    ------
    PayloadError
        A part breaks a rule.
    """
    if not isinstance(on, str) or on not in _ON:
        raise PayloadError("on", on, f"must be one of {', '.join(_ON)}")
    try:
        after_seconds = parse_seconds(after)
    except ValueError as error:
        raise PayloadError("after", after, str(error)) from None
    push_body(title="title", **{key: value for key, value in push.items() if not _is_open(value)})
    return Wish(on=cast("On", on), after_seconds=after_seconds, push=push, **others)


def _is_open(value: Any) -> bool:
    return isinstance(value, str) and has_places(value)


def why_silent(wish: Wish, ended: Ended) -> str:
    """Return why the end of the work sends no push; empty when it sends one."""
    verdict = ended.outcome.verdict
    if verdict not in _ON[wish.on]:
        return f"it is {verdict}, and the wish is --on {wish.on}"
    if ended.elapsed_seconds < wish.after_seconds:
        took, least = duration_text(ended.elapsed_seconds), duration_text(wish.after_seconds)
        return f"it took {took}, less than {least}"
    return ""


def push_for(
    wish: Wish, ended: Ended, lookup: Callable[[str], Any] | None = None
) -> dict[str, Any]:
    """Return the body of the push that tells how the work ended.

    Parameters
    ----------
    wish : Wish
        What was asked for.
    ended : Ended
        How it ended.
    lookup : callable, optional
        Gives the value of a ``{name}`` of the notebook; raises where there is none.
    """
    outcome = ended.outcome
    name = _name(wish, ended.place, lookup)
    fields = {
        "title": name,
        "elapsed": duration_text(ended.elapsed_seconds),
        "verdict": outcome.verdict,
        "error": outcome.reason,
        "result": ended.result if wish.asks_for_result else "",
        "notebook": ended.place,
        "cell": "" if ended.cell is None else str(ended.cell),
    }
    message = filled(wish.message, fields, lookup) if wish.message else _own_words(fields, ended)
    return _body(wish, outcome.push_title(name), message, fields, lookup)


def note_for(wish: Wish, place: str, lookup: Callable[[str], Any] | None = None) -> dict[str, Any]:
    """Return the body of a push in the middle of the work, which has no verdict yet.

    Parameters
    ----------
    wish : Wish
        Its title, message and further fields.
    place : str
        The notebook's or script's name.
    lookup : callable, optional
        As in `push_for`.
    """
    name = _name(wish, place, lookup)
    fields = {"title": name, "notebook": place}
    return _body(wish, name, filled(wish.message, fields, lookup), fields, lookup)


def _name(wish: Wish, place: str, lookup: Callable[[str], Any] | None) -> str:
    return filled(wish.title, {}, lookup) or place or "Notebook"


def _body(
    wish: Wish,
    title: str,
    message: str,
    fields: Mapping[str, str],
    lookup: Callable[[str], Any] | None,
) -> dict[str, Any]:
    texts = {
        key: filled(value, fields, lookup) if isinstance(value, str) else value
        for key, value in wish.push.items()
    }
    if message:
        texts["message"] = one_line(message, MESSAGE_CHARACTERS)
    return push_body(title=one_line(title), **texts)


def _own_words(fields: Mapping[str, str], ended: Ended) -> str:
    words = ended.outcome.sentence(elapsed_seconds=ended.elapsed_seconds)
    if ended.outcome.verdict != "done" and ended.cell is not None:
        words = f"Cell [{ended.cell}]: {words}"
    return f"{words} · {fields['result']}" if fields["result"] else words


def result_text(value: Any) -> str:
    """Return an object as a short text that holds no rows of anybody's table.

    Numbers, texts and small collections of them are shown; of everything else only its type and
    size.

    Examples
    --------
    >>> result_text({"accuracy": 0.98231, "epochs": 10})
    'accuracy 0.982, epochs 10'
    >>> result_text([1, 2, 3])
    '1, 2, 3'
    >>> result_text(object())
    'object'
    """
    if value is None:
        return ""
    try:
        text = _short(value, 0)
    except Exception:  # noqa: BLE001  the notebook's own objects may raise anything
        text = type(value).__name__
    return cut(text, RESULT_CHARACTERS)


def _short(value: Any, depth: int) -> str:
    if isinstance(value, (bool, str)):
        return clean(value)
    number = _scalar(value)
    if number is not None:
        return small_number(number)
    if depth < _DEEPEST and type(value) in {list, tuple, set, frozenset, dict}:
        if len(value) > _MOST_ITEMS:
            return f"{type(value).__name__} of {len(value)}"
        if isinstance(value, dict):
            return ", ".join(
                f"{_short(key, depth + 1)} {_short(item, depth + 1)}" for key, item in value.items()
            )
        return ", ".join(_short(item, depth + 1) for item in value)
    return _type_and_size(value)


def _scalar(value: Any) -> int | float | None:
    """Return a number, also numpy's or torch's of no dimension; an array of one row is none."""
    if getattr(value, "shape", ()) != ():
        return None
    if isinstance(value, int):
        return value
    return to_number(value)


def _type_and_size(value: Any) -> str:
    name = type(value).__name__
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and all(isinstance(size, int) for size in shape):
        return f"{name} {' x '.join(str(size) for size in shape)}"
    return name
