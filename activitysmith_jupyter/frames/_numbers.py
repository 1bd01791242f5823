"""Values as texts for a small screen: 1 to 64 characters, and a dash for what is missing.

babel does the locale's part (separators, compact forms, currencies, units): it carries the CLDR
data, is well kept, and every Jupyter has it already. It is imported with the first number.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, cast

from activitysmith_jupyter._outcome import duration_text, error_text, one_line
from activitysmith_jupyter._smalltext import clean
from activitysmith_jupyter._templates import check_places, written, written_in
from activitysmith_jupyter.exceptions import PayloadError

__all__ = ["MISSING", "Format", "check_format", "check_locale", "is_missing", "value_text"]

MISSING: Final = "\N{EN DASH}"
Format = str | Callable[[Any], Any]

_MOST_CHARACTERS: Final = 64
_PLAIN_BELOW: Final = 10_000
_CENTS_BELOW: Final = 100
_SCIENTIFIC_BELOW: Final = 1e-4
_SCIENTIFIC_FROM: Final = 1e15
# Beyond that, a number keeps its unit and loses its digits.
_UNITS: Final = {"bytes": "B", "duration": "s"}
_BYTE_UNITS: Final = ("kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte")


def is_missing(value: object) -> bool:
    """Tell whether a plain value is no value: None, NaN or infinite."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def value_text(value: Any, how: Format, locale: str, label: str) -> str:
    """Return a plain value as text.

    Parameters
    ----------
    value : bool, int, float, str, date, datetime or None
        What a query answered.
    how : str or callable
        ``compact``, ``integer``, ``percent`` (of a share, 0 to 1), ``currency:EUR``, ``bytes``,
        ``duration`` (of seconds), a format string or a function of the value.
    locale : str
        For example ``en`` or ``de_AT``.
    label : str
        The metric, for errors.

    Returns
    -------
    str
        1 to 64 characters.

    Raises
    ------
    PayloadError
        The format does not fit the value.
    """
    if is_missing(value):
        return MISSING
    try:
        text = _text(value, how, locale)
    except Exception as error:
        rule = f"cannot be formatted with {how!r}: {error_text(error)}"
        raise PayloadError(label, value, rule, _hint(how)) from error
    return one_line(clean(text), _MOST_CHARACTERS) or MISSING


def check_format(how: object, label: str) -> Format:
    """Return `how` if it is a format.

    Raises
    ------
    PayloadError
        It is neither a known name, nor a format string, nor callable.
    """
    if callable(how):
        return how
    if not isinstance(how, str):
        raise PayloadError(f"formats[{label}]", how, "must be text or a callable")
    name, _, rest = how.partition(":")
    if name == "currency" and not re.fullmatch(r"[A-Z]{3}", rest):
        hint = "For example 'currency:EUR'"
        raise PayloadError(f"formats[{label}]", how, "needs a currency of three letters", hint)
    if name not in {*_NAMED, "currency"}:
        try:
            # With braces it may be for a text or a date: only its places are looked at.
            check_places(how) if "{" in how else written(1.5, how)
        except ValueError:
            rule = "is neither a format's name nor a format string"
            raise PayloadError(f"formats[{label}]", how, rule, _hint(how)) from None
    return how


def check_locale(locale: str) -> str:
    """Return `locale` if babel knows it.

    Raises
    ------
    PayloadError
        It does not.
    """
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415  loaded with the first number

    try:
        if not isinstance(locale, str):
            raise TypeError(locale)  # noqa: TRY301  one message for all that is no locale
        Locale.parse(locale)
    except (UnknownLocaleError, ValueError, TypeError):
        rule = "is no locale that babel knows"
        raise PayloadError("locale", locale, rule, "For example 'en', 'de' or 'pt_BR'") from None
    return locale


def _hint(how: Format) -> str:
    if not isinstance(how, str):
        return ""
    near = difflib.get_close_matches(how.lower(), _NAMED, n=1)
    known = ", ".join([*_NAMED, "currency:EUR"])
    return f"Did you mean {near[0]!r}?" if near and near[0] != how else f"Known: {known}"


def _text(value: Any, how: Format, locale: str) -> Any:
    if callable(how):
        return how(value)
    name, _, rest = how.partition(":")
    if name not in {*_NAMED, "currency"}:
        return written_in(how, value) if "{" in how else written(value, how)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _word(value)
    if abs(value) >= _SCIENTIFIC_FROM:
        amount, unit = (100 * value, "%") if name == "percent" else (value, _UNITS.get(name, rest))
        return f"{_compact(amount, locale)} {unit}"
    return _currency(value, rest, locale) if name == "currency" else _NAMED[name](value, locale)


def _word(value: Any) -> Any:
    """Return what is no number: dates to the minute and in ISO's order, for no locale is asked."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, date) else value


def _rounded(number: float) -> float:
    """Return a number in three significant digits; whole ones below ten thousand stay."""
    if number == int(number) and abs(number) < _PLAIN_BELOW:
        return int(number)
    if _PLAIN_BELOW > abs(number) >= _PLAIN_BELOW / 10:
        return round(number)
    return float(f"{number:.3g}")


def _compact(number: float, locale: str) -> str:
    from babel import numbers  # noqa: PLC0415  as in check_locale

    size = abs(number)
    if size >= _SCIENTIFIC_FROM or 0 < size < _SCIENTIFIC_BELOW:
        return numbers.format_scientific(number, format="0.##E0", locale=locale)
    number = _rounded(number)
    if abs(number) < _PLAIN_BELOW:
        return numbers.format_decimal(number, locale=locale, decimal_quantization=False)
    text = numbers.format_compact_decimal(number, locale=locale, fraction_digits=2)
    if not _has_word(text):  # German, for one, has no short word for a thousand
        return numbers.format_decimal(number, locale=locale, decimal_quantization=False)
    return _lower_k(text, locale)


def _has_word(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _lower_k(text: str, locale: str) -> str:
    """Write a thousand as the units do: 65.7k; CLDR's English has a capital."""
    return text.replace("K", "k") if locale.startswith("en") else text


def _integer(number: float, locale: str) -> str:
    from babel import numbers  # noqa: PLC0415  as in check_locale

    return numbers.format_decimal(round(number), locale=locale)


def _percent(share: float, locale: str) -> str:
    from babel import numbers  # noqa: PLC0415  as in check_locale

    percentage = float(f"{100 * share:.3g}")
    if percentage == 100 and share < 1:  # noqa: PLR2004  not all of it yet
        percentage = 99.9
    # Rounded once more, for a hundredth of a float has a tail.
    return numbers.format_percent(
        round(percentage / 100, 12), locale=locale, decimal_quantization=False
    )


def _currency(number: float, currency: str, locale: str) -> str:
    from babel import Locale, numbers  # noqa: PLC0415  as in check_locale

    if abs(number) < _CENTS_BELOW:
        return numbers.format_currency(number, currency, locale=locale)
    number = _rounded(number) if abs(number) >= _PLAIN_BELOW else round(number)
    if abs(number) >= _PLAIN_BELOW:
        compact = numbers.format_compact_decimal(number, locale=locale)
        if _has_word(compact):
            text = numbers.format_compact_currency(
                number, currency, locale=locale, fraction_digits=2
            )
            return _lower_k(text, locale)
    pattern = Locale.parse(locale).currency_formats["standard"].pattern
    return numbers.format_currency(
        number,
        currency,
        format=re.sub(r"\.0+", "", pattern),
        locale=locale,
        currency_digits=False,
    )


def _bytes(number: float, locale: str) -> str:
    from babel import numbers, units  # noqa: PLC0415  as in check_locale

    unit, scaled = None, number
    for larger in _BYTE_UNITS:
        if abs(_rounded(scaled)) < 1000:  # noqa: PLR2004  SI: a kilobyte is a thousand bytes
            break
        unit, scaled = larger, scaled / 1000
    scaled = _rounded(scaled)
    if unit is None:
        return f"{numbers.format_decimal(scaled, locale=locale)} B"
    return units.format_unit(scaled, f"digital-{unit}", length="short", locale=locale)


def _duration(seconds: float, locale: str) -> str:  # noqa: ARG001  one signature for all
    text = duration_text(abs(seconds))
    return f"-{text}" if seconds < 0 else text


_NAMED: Final = cast(
    "dict[str, Callable[[float, str], str]]",
    {
        "compact": _compact,
        "integer": _integer,
        "percent": _percent,
        "bytes": _bytes,
        "duration": _duration,
    },
)
