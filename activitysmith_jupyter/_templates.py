"""Texts with ``{places}``, which take values and can do nothing else.

A place names a value and says how to write it. It cannot call, subscript or reach into what it
names, and no width in it can ask for more memory than a message has room for.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["check_places", "filled", "has_places", "written", "written_in"]

# "{{" and "}}" are braces; "{name!r:.3f}" is filled in; "$name" as IPython's magics have it, which
# take "$$name" for the text "$name".
_PLACE: Final = re.compile(r"\{\{|\}\}|\$\$(?=[A-Za-z_])|\{([^{}]+)\}|\$([A-Za-z_]\w*)")
# Of a width, a precision, or what strftime takes for one. Nothing shown is as long as that.
_TOO_WIDE: Final = re.compile(r"\d{4}")


def filled(
    template: str, fields: Mapping[str, str], lookup: Callable[[str], Any] | None = None
) -> str:
    """Fill ``{field}``, ``{name:spec}`` and ``$name`` in; what nobody knows stays as it is.

    Parameters
    ----------
    template : str
        Text.
    fields : mapping
        Known first.
    lookup : callable, optional
        Gives the value of any other name; raises where there is none. It is only asked for names:
        ``{x.y}``, ``{x[0]}``, ``{f(x)}`` and ``{__name__}`` stay as they are.

    Examples
    --------
    >>> filled("{verdict} in {elapsed}: {missing}", {"verdict": "done", "elapsed": "3 s"})
    'done in 3 s: {missing}'
    """

    def value_of(name: str) -> Any:
        if name in fields:
            return fields[name]
        if lookup is None or not name.isidentifier() or name.startswith("__"):
            raise LookupError(name)
        return lookup(name)

    def fill(found: re.Match[str]) -> str:
        whole, place, dollar = found[0], found[1], found[2]
        if whole in {"{{", "}}", "$$"}:
            return whole[0]
        try:
            if dollar:
                return str(value_of(dollar))
            ((_, name, spec, conversion),) = Formatter().parse(f"{{{place}}}")
            return written(value_of((name or "").strip()), spec or "", conversion or "")
        except Exception:  # noqa: BLE001  the notebook's own objects may raise anything
            return whole

    return _PLACE.sub(fill, template)


def has_places(template: str) -> bool:
    """Tell whether a text has something to be filled in."""
    return _PLACE.search(template) is not None


def written(value: Any, spec: str, conversion: str = "") -> str:
    """Return a value as a format spec and a conversion (``r``, ``s`` or ``a``) have it.

    Raises
    ------
    ValueError
        The spec asks for a width or a precision of more than 999, or does not fit the value.
    """
    _check_width(spec)
    return format(Formatter().convert_field(value, cast("Any", conversion or None)), spec)


def written_in(template: str, value: Any) -> str:
    """Return a format string such as ``"{:.1f} ms"`` with its one value.

    Raises
    ------
    ValueError
        As `check_places` and `written`.
    """
    return "".join(
        text if spec is None else text + written(value, spec, conversion)
        for text, spec, conversion in _pieces(template)
    )


def check_places(template: str) -> None:
    """Check a format string for one value.

    Raises
    ------
    ValueError
        A place names something other than the value itself, ``{}`` or ``{0}``, or is too wide.
    """
    for _, spec, _ in _pieces(template):
        _check_width(spec or "")


def _pieces(template: str) -> Iterator[tuple[str, str | None, str]]:
    """Yield texts, each with the spec and the conversion of the place behind it, if any."""
    for text, name, spec, conversion in Formatter().parse(template):
        if name not in {None, "", "0"} or "{" in (spec or ""):
            raise ValueError("a place can only be the value itself: {} or {0}, with a format")
        yield text, None if name is None else spec or "", conversion or ""


def _check_width(spec: str) -> None:
    if _TOO_WIDE.search(spec):
        raise ValueError("a width or precision has at most three digits")
