"""Building blocks of the contract's rules: a check takes a value and its path, or refuses.

Also what every request meets first: JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Check",
    "Refused",
    "any_object",
    "bad",
    "boolean",
    "canonical",
    "decode",
    "integer",
    "is_number",
    "list_of",
    "number",
    "number_or_text",
    "one_of",
    "record",
    "text",
]

Check = Callable[[Any, str], None]

# Choice: the service's limit is not documented. What is copied, compared and drawn here goes down
# by recursion, and a body of a mebibyte could be half a million levels deep.
DEEPEST: Final = 64


class Refused(Exception):  # noqa: N818  an answer of the service, named as the service would
    """A request the service answers with an error.

    Parameters
    ----------
    status : int
        HTTP status of the answer.
    error : str
        The wire value of ``error``.
    message : str or None
        The wire value of ``message``; None leaves the member out.
    headers : mapping
        Headers of the answer beyond those every answer has.
    members
        Further members of the answer's body.
    """

    def __init__(
        self,
        status: int,
        error: str,
        message: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(f"{status} {error}: {message}")
        self.status = status
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {"error": error}
        if message is not None:
            self.body["message"] = message
        self.body.update(members)


def bad(path: str, rule: str) -> Refused:
    """Return the 400 of a broken rule."""
    return Refused(400, "Invalid request", f"{path} {rule}")  # choice: no wire value is published


def decode(body: bytes) -> Any:
    """Return the JSON value of a request body; None for an empty one.

    Raises
    ------
    Refused
        400 when it is not JSON. NaN and Infinity are not JSON, and neither are half surrogates
        and numbers beyond every float, which no answer could repeat; nor is what is nested more
        than `DEEPEST` levels deep taken (status and text: choice).
    """
    if not body:
        return None

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    def finite(digits: str) -> float:
        number = float(digits)
        return number if math.isfinite(number) else refuse(digits)

    try:
        decoded = body.decode("utf-8")
        value = json.loads(decoded, parse_constant=refuse, parse_float=finite)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise Refused(400, "Invalid JSON", "The request body is not valid JSON") from None
    if _is_deeper(value, DEEPEST):
        raise Refused(400, "Invalid JSON", f"The request body has more than {DEEPEST} levels")
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return False
    return levels <= 0 or any(_is_deeper(each, levels - 1) for each in inner)


def canonical(value: Any) -> str:
    """Return one text per JSON value: key order and ``9`` against ``9.0`` make no difference."""

    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: plain(each) for key, each in item.items()}
        if isinstance(item, list):
            return [plain(each) for each in item]
        if isinstance(item, float) and item.is_integer():
            return int(item)
        return item

    return json.dumps(plain(value), sort_keys=True)


def text(minimum: int = 0, maximum: int | None = None) -> Check:
    """Require a string of `minimum` to `maximum` characters."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise bad(path, "must be a string")
        if len(value) < minimum or (maximum is not None and len(value) > maximum):
            raise bad(path, f"must have {minimum} to {maximum or 'any number of'} characters")

    return check


def is_number(value: Any) -> bool:
    """Whether a value is a finite JSON number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def number(
    minimum: float = -math.inf, maximum: float = math.inf, *, above: float = -math.inf
) -> Check:
    """Require a finite number within bounds, or `above` a value."""

    def check(value: Any, path: str) -> None:
        if not is_number(value):
            raise bad(path, "must be a finite number")
        if not minimum <= value <= maximum or value <= above:
            rule = f"must be from {minimum} to {maximum}"
            raise bad(path, rule if above == -math.inf else f"must be greater than {above}")

    return check


def integer(minimum: float = -math.inf, maximum: float = math.inf) -> Check:
    """Require an integer within bounds."""
    within = number(minimum, maximum)

    def check(value: Any, path: str) -> None:
        # JSON knows one kind of number: 3.0 is an integer there.
        if not is_number(value) or value != int(value):
            raise bad(path, "must be an integer")
        within(value, path)

    return check


def boolean(value: Any, path: str) -> None:
    """Require true or false."""
    if not isinstance(value, bool):
        raise bad(path, "must be true or false")


def one_of(options: Sequence[str]) -> Check:
    """Require one of `options`."""

    def check(value: Any, path: str) -> None:
        if value not in options:
            raise bad(path, f"must be one of {', '.join(options)}")

    return check


def list_of(item: Check, minimum: int = 0, maximum: float = math.inf) -> Check:
    """Require an array of `minimum` to `maximum` items that pass a check."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise bad(path, "must be an array")
        if not minimum <= len(value) <= maximum:
            raise bad(path, f"must have {minimum} to {maximum} items")
        for index, each in enumerate(value):
            item(each, f"{path}[{index}]")

    return check


def record(fields: Mapping[str, Check], required: Sequence[str] = ()) -> Check:
    """Require an object of known fields with the `required` ones among them."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise bad(path, "must be an object")
        for name in required:
            if name not in value:
                raise bad(f"{path}.{name}", "is required")
        for name, each in value.items():
            if name not in fields:
                # The July schema forbids unknown members; what the server does is a choice.
                raise bad(f"{path}.{name}", "is not a known field")
            fields[name](each, f"{path}.{name}")

    return check


def any_object(value: Any, path: str) -> None:
    """Require an object."""
    if not isinstance(value, dict):
        raise bad(path, "must be an object")


def number_or_text(if_number: Check, if_text: Check) -> Check:
    """Require a number that passes one check, or a string that passes the other."""

    def check(value: Any, path: str) -> None:
        (if_text if isinstance(value, str) else if_number)(value, path)

    return check
