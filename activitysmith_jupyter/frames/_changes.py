"""What changed since last time, and which limits are crossed: functions of their arguments."""

from __future__ import annotations

import math
import operator
import re
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import attrs

from activitysmith_jupyter._outcome import error_text
from activitysmith_jupyter.exceptions import PayloadError
from activitysmith_jupyter.frames._numbers import Format, value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LEVELS", "Change", "Good", "Level", "Limit", "as_number", "change_of", "read_limit"]

Good = Literal["up", "down"]
Level = Literal["ok", "warn", "alert"]
LEVELS: Final[tuple[Level, ...]] = ("ok", "warn", "alert")

_LIMIT: Final = re.compile(r"\s*(<=|>=|<|>)\s*([-+]?[\d_]*\.?\d+(?:[eE][-+]?\d+)?)\s*(%?)\s*")
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FINE_BELOW: Final = 0.1


@attrs.frozen
class Change:
    """How a value differs from the one before.

    Attributes
    ----------
    text : str
        ``+18 %``; ``+1.2 pp`` between percentages; an amount where the one before was 0.
    direction : {-1, 0, 1}
        Down, the same, up.
    """

    text: str
    direction: int

    def color(self, good: Good) -> str | None:
        """Return green, red, or None for no change."""
        if not self.direction:
            return None
        return "green" if (self.direction > 0) == (good == "up") else "red"


def as_number(value: Any) -> float | None:
    """Return a value that can be compared with another one; None for any other."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # a whole number that no float can hold
        return None


def change_of(value: Any, before: Any, how: Format, locale: str) -> Change | None:
    """Return the change from `before` to `value`; None where one of them is no number.

    Parameters
    ----------
    value, before : object
        Plain values.
    how : str or callable
        The metric's format.
    locale : str
        The metric's locale.
    """
    new, old = as_number(value), as_number(before)
    if new is None or old is None:
        return None
    difference = new - old
    direction = (difference > 0) - (difference < 0)
    sign = {-1: "-", 0: "±", 1: "+"}[direction]
    size = abs(difference)
    share = size / abs(old) if old else math.inf
    if how == "percent":
        amount, unit = round(100 * size, 1), " pp"
    elif not size:
        amount, unit = 0, " %"
    elif math.isfinite(100 * share):
        amount, unit = round(100 * share, 1 if share < _FINE_BELOW else 0), " %"
    else:
        return Change(f"{sign}{value_text(size, how, locale, 'delta')}", direction)
    amount = int(amount) if amount == int(amount) else amount
    return Change(f"{sign}{value_text(amount, 'compact', locale, 'delta')}{unit}", direction)


@attrs.frozen
class Limit:
    """When a metric is worth a colour and a push.

    Attributes
    ----------
    crossed : callable
        From a number to whether it is beyond the limit.
    text : str
        How it reads in a push, for example ``> 100``.
    """

    crossed: Callable[[float], bool]
    text: str


def read_limit(limit: Any, good: Good | None, name: str) -> Limit:
    """Return a limit from its text, its number or its function.

    Parameters
    ----------
    limit : str, float or callable
        ``"> 100"``, ``"<= 2 %"`` (of a share), a number, or a function of the value. A bare number
        is an upper limit, or a lower one where `good` is "up".
    good : {"up", "down"} or None
        As the user said; None when not said.
    name : str
        Where it stands, for errors.

    Raises
    ------
    PayloadError
        It is none of these.
    """
    if callable(limit):
        function = cast("Callable[[float], Any]", limit)
        return Limit(lambda value: _is_crossed(function, value, name), "limit")
    if isinstance(limit, str):
        match = _LIMIT.fullmatch(limit)
        if match is None:
            raise PayloadError(name, limit, "is no limit", "For example '> 100' or '<= 2 %'")
        sign, bound = match[1], float(match[2]) / (100 if match[3] else 1)
        text = " ".join(limit.split())
    else:
        number = as_number(limit)
        if number is None:
            raise PayloadError(name, limit, "must be a number, text such as '> 100' or a callable")
        sign, bound = ("<" if good == "up" else ">"), number
        text = f"{sign} {limit}"
    compare = _COMPARISONS[sign]
    return Limit(lambda value: compare(value, bound), text)


def _is_crossed(function: Callable[[float], Any], value: float, name: str) -> bool:
    try:
        return bool(function(value))
    except Exception as error:
        raise PayloadError(name, value, f"its function fails: {error_text(error)}") from error
