"""Texts with places take values, and can do nothing else."""

from __future__ import annotations

import builtins
import datetime as dt

import pytest
from hypothesis import example, given, settings, strategies as st

from activitysmith_jupyter._templates import check_places, filled, written, written_in

NINE = "\N{ARABIC-INDIC DIGIT NINE}"  # format() counts with any script's digits


class Trap:
    """An object that notices when anything but its text is asked for."""

    def __init__(self):
        self.touched = []

    def __getattr__(self, name):
        self.touched.append(name)
        raise AttributeError(name)

    def __getitem__(self, key):
        self.touched.append(key)
        return "caught"

    def __call__(self, *_):
        self.touched.append("call")
        return "caught"

    def __str__(self):
        return "trap"


class Space:
    """The variables of a notebook, and what was asked of them."""

    def __init__(self, **variables):
        self.variables = {"x": 1.5, "title": "wrong", "trap": Trap(), "f": lambda: 1 / 0}
        self.variables |= {"__builtins__": builtins, **variables}
        self.asked = []

    def __call__(self, name):
        self.asked.append(name)
        return self.variables[name]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{title} and {x:.2f}", "Fit and 1.50"),
        ("{x!r} $x {{x}}", "1.5 1.5 {x}"),
        ("{missing} $missing", "{missing} $missing"),
        ("{x.y} {", "{x.y} {"),
        ("costs $2,430", "costs $2,430"),
        ("{ x :>5}", "  1.5"),
        ("{title:>5}|{title!r}", "  Fit|'Fit'"),
        ("{trap} $trap", "trap trap"),
        ("{day:%H:%M}", "07:05"),
        ('{"a":1} {"x": {"y": [1]}}', '{"a":1} {"x": {"y": [1]}}'),
    ],
)
def test_template_is_filled_and_what_nobody_knows_stays(template, expected):
    """Fields first, then the notebook's variables, then the text itself, such as JSON."""
    space = Space(day=dt.datetime(2026, 1, 1, 7, 5, tzinfo=dt.UTC))
    assert filled(template, {"title": "Fit"}, space) == expected


@pytest.mark.parametrize(
    "place",
    [
        "title.__class__",
        "title.__class__.__mro__[1].__subclasses__()",
        "trap.secret",
        "trap[0]",
        "trap['key']",
        "trap()",
        "f()",
        "0",
        "",
        " ",
        "x + 1",
        "x if x else x",
        "[x for x in trap]",
        "lambda: x",
        "(x := 2)",
        "x, x",
        "*trap",
        "__import__('os')",
        "__import__",
        "__builtins__",
        "__name__",
        "open('/etc/passwd').read()",
        "trap!x",
        "x!r!s",
        "title:{x}",
        "x:>9999999999",
        "x:.9999999999f",
        "title:>1000",
        "result!r:>9999999999",
        f"x:>{4 * NINE}",
        "day:%9999999999Y",
        "x:d",
    ],
)
def test_place_that_is_no_name_stays_and_runs_nothing(place):
    """Calls, attributes, subscripts and expressions are text; so is a width beyond all bounds."""
    space = Space(day=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    template = f"a {{{place}}} b"
    shown = filled(template, {"title": "Fit", "result": "r"}, space)
    assert shown in (template, template.replace("{x}", "1.5"))
    assert set(space.asked) <= {"x", "trap", "day", "lambda"}
    assert space.variables["trap"].touched == []


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("$__import__('os')", "$__import__('os')"),
        ("$__builtins__", "$__builtins__"),
        ("$x.real", "1.5.real"),
        ("$trap[0]()", "trap[0]()"),
        ("$1 $ $$x $$$x $$1", "$1 $ $x $$x $$1"),
    ],
)
def test_dollar_takes_a_name_and_nothing_behind_it(template, expected):
    """What follows the name is text."""
    space = Space()
    assert filled(template, {}, space) == expected
    assert space.variables["trap"].touched == []


def test_value_that_looks_like_a_place_is_not_filled_again():
    """What a variable or an error says is no template."""
    space = Space(evil="{trap} $trap {x}")
    assert filled("{evil} {error}", {"error": "{x}"}, space) == "{trap} $trap {x} {x}"


def test_object_whose_text_fails_leaves_the_place():
    """Somebody's broken ``__str__`` costs nothing."""

    class Broken:
        def __str__(self):
            raise RuntimeError

        __repr__ = __format__ = __str__

    assert filled("{bad} {bad!r} $bad", {}, Space(bad=Broken())) == "{bad} {bad!r} $bad"


PLACES = st.text(alphabet="x0{}[]().:!$_'\"\\ tiler9>%,", max_size=30)


@settings(max_examples=300, deadline=None)
@given(st.one_of(PLACES, st.text(max_size=60)))
@example("{trap!r:>" + "9" * 50 + "}")
@example("{" * 5000)
@example("$" * 5000)
def test_template_of_any_text_never_raises_and_only_asks_for_names(template):
    """A typing error in a message costs nothing and does nothing."""
    space = Space()
    shown = filled(template, {"title": "x"}, space)
    assert len(shown) <= 2 * len(template) + 1000 * template.count("}")
    assert all(name.isidentifier() and not name.startswith("__") for name in space.asked)
    assert space.variables["trap"].touched == []


@pytest.mark.parametrize(
    ("template", "value", "expected"),
    [
        ("{:.1f} ms", 2.345, "2.3 ms"),
        ("{0:,}", 1234567, "1,234,567"),
        ("{!r} {{}}", "a", "'a' {}"),
        ("{:%Y}", dt.date(2026, 1, 1), "2026"),
    ],
)
def test_format_string_writes_its_value(template, value, expected):
    """One value, as often as it is named."""
    check_places(template)
    assert written_in(template, value) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{0.__class__}",
        "{0[0]}",
        "{1}",
        "{name}",
        "{.real}",
        "{:{}}",
        "{:>9999999999}",
        "{:.99999f}",
        "{",
        "}",
        "{0!x!}",
    ],
)
def test_format_string_that_reaches_further_is_refused(template):
    """No attribute, no item, no other value, no width without bound."""
    with pytest.raises(ValueError, match=r"place|digits|Single|expected"):
        check_places(template)
    with pytest.raises(ValueError, match=r"."):
        written_in(template, 1)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{}0!r:.,<>=+-_9d f%[]x", max_size=20), st.floats() | st.integers())
def test_format_string_of_any_text_is_refused_or_short(template, value):
    """Only ValueError comes out."""
    try:
        check_places(template)
        assert len(written_in(template, value)) <= 2000 * (1 + template.count("}"))
        written(value, template)
    except ValueError:
        pass
