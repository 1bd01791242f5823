"""Any spec, condition, format, limit and option of the accessor: a report, or an error of ours."""

# ruff: noqa: PD011  the values of a report, not of a Series

from __future__ import annotations

import contextlib

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from support import rawjson, strategies

from activitysmith_jupyter import ActivitySmithError, PayloadError
from activitysmith_jupyter.composer._presets import Presets
from activitysmith_jupyter.frames import kpis
from activitysmith_jupyter.frames._memory import Memory

MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FEW = settings(MANY, max_examples=25)
HOSTILE = strategies.hostile()
FRAME = pd.DataFrame(
    {
        "a": [1.0, None, 3.0],
        "b": ["x", "y", None],
        "c": [True, False, True],
        "d": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
        "unit price": [1, 2, 3],
    }
)


@pytest.fixture(autouse=True)
def own_memory(monkeypatch, tmp_path):
    """Keep what is remembered out of the user's folder."""
    from activitysmith_jupyter.frames import _memory

    monkeypatch.setattr(_memory, "state_folder", lambda: tmp_path)


def refused_or_reported(call):
    """Fail unless a call returns a report or raises an error of ours."""
    try:
        report = call(kpis(FRAME).preview())
    except ActivitySmithError:
        return
    else:
        assert all(1 <= len(text) <= 64 for text in report.texts.values())


# --- conditions ----------------------------------------------------------------------------------

BOMBS = {
    "parentheses": "(" * 250 + "a" + ")" * 250 + " > 1",
    "brackets": "a in " + "[" * 90 + "]" * 90,
    "not": "not " * 400 + "c",
    "tilde": "~" * 1500 + "c",
    "minus": "-" * 1500 + "1 < a",
    "sum": "1+" * 900 + "1 < a",
    "and": "c and " * 300 + "c",
    "long": "a == 1 or " * 10_000 + "c",
    "text-repeated": "b == 'x' * 9999999999",
    "text-filled": "b == '%9999999999d' % 1",
    "text-times-column": "'x' * `unit price` == b",
    "power": "a == 9 ** 9 ** 9",
    "shift": "a == 1 << 99999999",
    "division": "a == 1 / 0",
    "modulo": "a > 5 % 0",
    "text-negative": "-'x' == b",
    "no-column": "0 not in []",
    "no-column-none": "1 < None",
    "none": "a == None",
    "bytes": "b == b'x'",
    "complex": "a == 1j",
    "ellipsis": "a == ...",
    "unhashable": "a in {[]: 1}",
    "call": "__import__('os').system('true')",
    "attribute": "a.values > 1",
    "subscript": "a[0] > 1",
    "lambda": "(lambda: a)() > 1",
    "comprehension": "[a for a in b] == 1",
    "f-text": "b == f'{a}'",
    "walrus": "(a := 1) > 0",
    "if": "a if c else b",
    "nothing": "",
    "nul": "a == '\x00'\x00",
    "surrogate": "b == '\ud800' and \ud800",
    "digits": "a == " + "9" * 5000,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_condition_that_is_a_bomb_or_no_comparison_is_refused(text):
    """No depth, size, call, attribute or text arithmetic: refused at once, by an error of ours."""
    with pytest.raises(PayloadError):
        kpis(FRAME).preview().value("v", (text, "share"))


ATOMS = st.sampled_from(
    [
        *"abcd",
        "`unit price`",
        "zz",
        "1",
        "0",
        "1.5",
        "1e999",
        "'x'",
        "'2026-01-01'",
        "None",
        "...",
        "True",
        "[1]",
        "[]",
        "{}",
        "(1,)",
        "b'x'",
        "1j",
        "a.real",
        "a[0]",
        "f(a)",
        "`a",
        "``",
        "*a",
    ]
)
SIGNS = st.sampled_from(
    [
        *("==", "!=", "<", ">=", "in", "not in", "is", "is not", "and", "or", "&", "|", "+", "*"),
        "/",
        "%",
        "**",
        "//",
        "<<",
        "@",
    ]
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{} {} {}".format, inner, SIGNS, inner),
        st.builds("({})".format, inner),
        st.builds("not {}".format, inner),
        st.builds("-{}".format, inner),
    ),
    max_leaves=5,
)


@MANY
@given(CONDITIONS | HOSTILE)
def test_condition_of_any_text_is_refused_or_computed(text):
    """As a share and as the done of a progress."""
    refused_or_reported(lambda frame: frame.value("v", (text, "share")))
    refused_or_reported(lambda frame: frame.progress("v", done=text))


# --- specs and options ---------------------------------------------------------------------------

HOWS = st.sampled_from(
    [
        "sum",
        "mean",
        "median",
        "std",
        "p95",
        "p1000",
        0.5,
        2.0,
        "count",
        "nunique",
        "first",
        "last",
        "change",
        "share",
        "min",
        "max",
    ]
)
SPECS = st.one_of(
    st.tuples(st.sampled_from([*FRAME.columns, "zz", None, 1]), HOWS),
    st.tuples(st.sampled_from([*FRAME.columns]), HOSTILE),
    st.tuples(HOSTILE, HOWS),
    st.sampled_from(["count", "size", "sum"]),
    HOSTILE,
).filter(lambda spec: not callable(spec))  # a function of the user's has errors of the user's


@MANY
@given(SPECS)
def test_spec_of_any_value_is_refused_or_computed(spec):
    """Columns, aggregations, and what is neither."""
    refused_or_reported(lambda frame: frame.stats("n", X=spec))


@MANY
@given(
    st.sampled_from(
        [
            lambda frame, value: frame.stats("n", value),
            lambda frame, value: frame.stats(value, X="count"),
            lambda frame, value: frame.stats("n", X=("a", "last"), order_by=value),
            lambda frame, value: frame.top("n", by=value),
            lambda frame, value: frame.top("n", by="b", of=value),
            lambda frame, value: frame.top("n", by="b", of="a", how=value),
            lambda frame, value: frame.top("n", by="b", n=value),
            lambda frame, value: frame.top("n", by="b", k=value),
        ]
    ),
    HOSTILE.filter(lambda value: not callable(value)),
)
def test_argument_of_any_value_is_refused_or_computed(call, value):
    """Names, orders, groups and numbers of them."""
    refused_or_reported(lambda frame: call(frame, value))


FORMATS = st.one_of(
    st.sampled_from(
        [
            "compact",
            "percent",
            "bytes",
            "duration",
            "currency:EUR",
            "currency:XXXX",
            "percent:",
            "{:.1f} ms",
            "{:>9999999999}",
            "{0.__class__}",
            "{0[0]}",
            "{x}",
            "9999999999",
            "{",
            ".9999999999f",
            "{:{}}",
            "d",
            "x",
            "c",
            "%",
            "n",
            ">٩٩٩٩٩",
        ]
    ),
    HOSTILE,
)
LIMITS = st.one_of(
    st.sampled_from(["> 1", "< 2 %", ">", "> x", "=> 1", "> 1e999", "> " + "9" * 5000, 10**400]),
    HOSTILE,
    st.just(lambda _: 1 / 0),
    st.just(lambda _: strategies.Broken()),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "title": HOSTILE,
        "subtitle": HOSTILE,
        "icon": HOSTILE,
        "formats": FORMATS | FORMATS.map(lambda how: {"X": how}),
        "locale": HOSTILE,
        "delta": HOSTILE.filter(lambda value: not callable(value)),
        "good": HOSTILE,
        "warn": LIMITS | LIMITS.map(lambda limit: {"X": limit}),
        "alert": LIMITS | LIMITS.map(lambda limit: {"X": limit, "Y": 1}),
        "to": HOSTILE | st.just(["card", "push", "card"]),
        "keys": HOSTILE,
        "badge": HOSTILE,
        "channels": HOSTILE,
    },
)


@MANY
@given(st.sampled_from(["stats", "metrics", "value"]), OPTIONS)
def test_option_of_any_value_is_refused_or_shown(kind, options):
    """Looks, formats, limits, comparisons and places."""
    if kind == "value":
        refused_or_reported(lambda frame: frame.value("X", ("a", "sum"), **options))
    else:
        refused_or_reported(lambda frame: getattr(frame, kind)("n", X=("a", "sum"), **options))


@FEW
@given(st.sampled_from(["formats", "warn", "alert", "delta"]), st.data())
def test_one_wild_option_is_refused_or_shown(name, data):
    """One at a time, so that none hides another."""
    value = data.draw({"formats": FORMATS, "delta": HOSTILE}.get(name, LIMITS))
    if name == "delta" and callable(value):
        return
    refused_or_reported(lambda frame: frame.stats("n", X=("a", "sum"), **{name: value}))


@FEW
@given(HOSTILE)
def test_span_of_a_watch_of_any_value_is_refused_or_taken(every):
    """Nothing is started yet."""
    with contextlib.suppress(PayloadError):
        kpis(FRAME).watch(every)


# --- files ---------------------------------------------------------------------------------------


def files(names, *shapes):
    """Write files that somebody has tampered with."""
    broken = [rawjson.raw_values().map(shape.__mod__) for shape in shapes]
    texts = st.one_of(rawjson.raw_objects(names), rawjson.raw_values(), *broken)
    return st.one_of(st.binary(max_size=20), texts.map(lambda text: text.encode("utf-8")))


@MANY
@given(
    files(
        ("version", "values", "levels"),
        '{"version": 1, "values": {"a": %s}}',
        '{"version": 1, "levels": {"a": %s}}',
        '{"version": 1, "values": %s}',
    )
)
def test_memory_that_was_tampered_with_counts_as_empty(tmp_path, content):
    """It is read, or forgotten, and written anew."""
    memory = Memory("place", tmp_path)
    memory._path("k").write_bytes(content)
    found = memory.load("k")
    assert all(isinstance(number, int | float) for number in found.values.values())
    memory.save("k", found)
    assert memory.load("k") == found


@MANY
@given(
    files(
        ("presets", "recent"),
        '{"presets": {"a": %s}}',
        '{"presets": {"a": {"body": %s}}}',
        '{"recent": [%s]}',
    )
)
def test_presets_that_were_tampered_with_count_as_empty(tmp_path, content):
    """The form opens, saves and deletes as with a file of its own."""
    path = tmp_path / "composer.json"
    path.write_bytes(content)
    presets = Presets(path)
    assert all(isinstance(name, str) for name in presets.names())
    for name in presets.names():
        presets.get(name)
    presets.remember_key("k")
    assert presets.recent_keys()[0] == "k"
    presets.save("b", stream_key="k", body={"title": "T"})
    assert presets.get("b") == {"stream_key": "k", "body": {"title": "T"}}
    presets.delete("b")
    assert "b" not in presets.names()


@pytest.mark.parametrize("number", [10**400, -(10**400)])
def test_memory_of_a_number_beyond_every_float_forgets_it(tmp_path, number):
    """It can be compared with nothing."""
    memory = Memory("place", tmp_path)
    memory._path("k").write_text(f'{{"version": 1, "values": {{"a": {number}, "b": 2}}}}')
    assert memory.load("k").values == {"b": 2}
