"""Numbers for a small screen."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter import PayloadError
from activitysmith_jupyter.frames._numbers import MISSING, check_format, check_locale, value_text

FORMATS = ["compact", "integer", "percent", "currency:EUR", "currency:JPY", "bytes", "duration"]


def text(value: Any, how: Any = "compact", locale: str = "en") -> str:
    """Return a value's text."""
    return value_text(value, how, locale, "Revenue")


@pytest.mark.parametrize(
    ("value", "how", "expected"),
    [
        (1_240_000, "compact", "1.24M"),
        (65_700, "compact", "65.7k"),
        (999_999, "compact", "1M"),
        (1.3e9, "compact", "1.3B"),
        (9_999, "compact", "9,999"),
        (2_430.4, "compact", "2,430"),
        (12.3456, "compact", "12.3"),
        (0.048234, "compact", "0.0482"),
        (1.2e-5, "compact", "1.2E-5"),
        (2e18, "compact", "2E18"),
        (0, "compact", "0"),
        (-0.0, "compact", "0"),
        (-65_700, "compact", "-65.7k"),
        (0.048, "percent", "4.8%"),
        (1, "percent", "100%"),
        (0.99999, "percent", "99.9%"),
        (2_430, "currency:USD", "$2,430"),
        (12.5, "currency:USD", "$12.50"),
        (1_240_000, "currency:USD", "$1.24M"),
        (-2_430, "currency:USD", "-$2,430"),
        (2_430, "currency:JPY", "¥2,430"),
        (7_500, "duration", "2h 05m"),
        (-90, "duration", "-1m 30s"),
        (1.3e9, "bytes", "1.3 GB"),
        (999_999, "bytes", "1 MB"),
        (512, "bytes", "512 B"),
        (1_240_000, "integer", "1,240,000"),
        (3.14159, ".2f", "3.14"),
        (3.14159, "{:.1f} ms", "3.1 ms"),
        (7, lambda value: value * 2, "14"),
        (True, "compact", "yes"),
        ("a\nb", "compact", "a b"),
        (date(2026, 1, 31), "compact", "2026-01-31"),
        (datetime(2026, 1, 31, 14, 32, 5), "compact", "2026-01-31 14:32"),  # noqa: DTZ001  as frames have them
    ],
)
def test_value_in_a_format_reads_as_expected(value: Any, how: Any, expected: str) -> None:
    """Three digits, a unit, nothing else."""
    assert text(value, how) == expected


@pytest.mark.parametrize("how", [*FORMATS, ".2f", "{:.1f}", str])
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_missing_value_in_any_format_is_a_dash(value: Any, how: Any) -> None:
    """What is missing is said, never formatted."""
    assert text(value, how) == MISSING


@pytest.mark.parametrize(
    ("locale", "how", "expected"),
    [
        ("de", "compact", "65.700"),
        ("de", "percent", "6.570.000 %"),
        ("de", "currency:EUR", "65.700 €"),
        ("fr", "compact", "65,7 k"),
        ("ja", "compact", "6.57万"),
        ("hi", "compact", "65.7 हज़ार"),
    ],
)
def test_value_in_a_locale_follows_its_customs(locale: str, how: str, expected: str) -> None:
    """Separators, words and order are the locale's."""
    assert text(65_700, how, locale) == expected


@settings(max_examples=150, deadline=None)
@given(
    value=st.floats(allow_nan=True, allow_infinity=True) | st.integers(),
    how=st.sampled_from(FORMATS),
    locale=st.sampled_from(["en", "de", "ar", "ja", "sv", "pt_BR"]),
)
def test_any_number_in_any_format_fits_the_phone(value: float, how: str, locale: str) -> None:
    """Every number has a text of 1 to 64 characters on one line."""
    written = text(value, how, locale)
    assert 1 <= len(written) <= 64
    assert "\n" not in written


def test_text_of_a_callable_is_cut_to_the_limit() -> None:
    """Whatever a function writes, the service takes it."""
    assert len(text(1, lambda _: "x" * 500)) == 64
    assert text(1, lambda _: "") == MISSING


def test_callable_that_fails_names_the_metric() -> None:
    """The error says which metric, and what went wrong."""
    with pytest.raises(PayloadError, match=r"^Revenue=1: .*ZeroDivisionError"):
        text(1, lambda value: value / 0)


def test_format_that_is_none_is_refused_with_the_nearest() -> None:
    """A slip of the pen finds its way back."""
    with pytest.raises(PayloadError, match="Did you mean 'percent'"):
        check_format("percnt", "Revenue")
    with pytest.raises(PayloadError, match="currency:EUR"):
        check_format("currency:euro", "Revenue")
    with pytest.raises(PayloadError, match="callable"):
        check_format(3, "Revenue")
    with pytest.raises(PayloadError, match="locale"):
        check_locale("klingon")


def test_format_string_that_does_not_fit_the_value_names_the_metric() -> None:
    """A number's format on a text is an error of ours, not a traceback from inside."""
    with pytest.raises(PayloadError, match=r"^Revenue='north'"):
        text("north", ".2f")
