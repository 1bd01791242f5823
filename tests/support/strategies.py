"""Hypothesis strategies for what our payload classes accept, and for what nobody should."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from activitysmith_jupyter._parts import field_names
from activitysmith_jupyter._payloads import (
    COLORS,
    INTERRUPTION_LEVELS,
    MAX_ACTIONS,
    MAX_METRICS,
    STATE_TYPES,
    Action,
    AlertState,
    AlertText,
    Badge,
    Icon,
    Metric,
    MetricsState,
    PartialState,
    ProgressState,
    Push,
    SegmentedProgressState,
    StatsState,
    TimerState,
    ValueState,
)


def texts(minimum: int = 0, maximum: int = 40) -> st.SearchStrategy[str]:
    """Any text that UTF-8 can express."""
    characters = st.characters(exclude_categories=["Cs"])
    return st.text(characters, min_size=minimum, max_size=maximum)


def colors() -> st.SearchStrategy[str]:
    """One of the ten colors."""
    return st.sampled_from(COLORS)


def numbers(minimum: float | None = None, maximum: float | None = None) -> st.SearchStrategy[float]:
    """Finite numbers, whole ones and others."""
    lowest = -(10**12) if minimum is None else int(minimum)
    highest = 10**12 if maximum is None else int(maximum)
    floats = st.floats(minimum, maximum, allow_nan=False, allow_infinity=False)
    return st.one_of(st.integers(lowest, highest), floats)


def positive_numbers() -> st.SearchStrategy[float]:
    """Finite numbers greater than zero."""
    return numbers(0).filter(lambda number: number > 0)


def slugs() -> st.SearchStrategy[str]:
    """Channel slugs."""
    return st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)


def channels() -> st.SearchStrategy[list[str]]:
    """One or more channel slugs."""
    return st.lists(slugs(), min_size=1, max_size=4)


def tags() -> st.SearchStrategy[list[str]]:
    """Tags, repeated ones among them."""
    return st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", fullmatch=True), max_size=20)


def metadata() -> st.SearchStrategy[dict[str, Any]]:
    """Metadata of the three kinds of values."""
    keys = texts(1, 20).filter(lambda key: key.strip() and key != "__proto__")
    return st.dictionaries(keys, st.one_of(texts(), numbers(), st.booleans()), max_size=6)


def stream_keys() -> st.SearchStrategy[str]:
    """Stream keys that the service accepts."""
    return st.from_regex(r"[A-Za-z0-9_-]{1,255}", fullmatch=True)


def json_objects() -> st.SearchStrategy[dict[str, Any]]:
    """Free JSON objects."""
    leaves = st.one_of(st.none(), st.booleans(), numbers(), texts())
    values = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(texts(), inner, max_size=3)
        ),
        max_leaves=6,
    )
    return st.dictionaries(texts(), values, max_size=3)


def web_urls() -> st.SearchStrategy[str]:
    """Secure URLs with a host."""
    return st.builds("https://{}.example.com/{}".format, slugs(), slugs())


def web_links() -> st.SearchStrategy[str]:
    """Links that a Live Activity button may open."""
    plain = st.builds("http://{}.example.com".format, slugs())
    shortcut = st.builds("shortcuts://run-shortcut?name={}".format, slugs())
    return st.one_of(web_urls(), plain, shortcut)


def app_links() -> st.SearchStrategy[str]:
    """Links that a push may open."""
    return st.one_of(web_links(), st.sampled_from(["spotify:track:6rq", "termius://", "x-app://a"]))


def actions(*, live: bool = True) -> st.SearchStrategy[Action]:
    """Buttons for a Live Activity, or for a push."""
    links = web_links() if live else app_links()
    opening = st.builds(Action, texts(), st.just("open_url"), links)
    calling = st.builds(
        lambda title, url, optional: Action(title, "webhook", url, **optional),
        texts(),
        web_urls(),
        _optional(method=st.sampled_from(["GET", "POST"]), body=json_objects()),
    )
    return st.one_of(opening, calling)


def alerts() -> st.SearchStrategy[AlertText]:
    """Notification texts beside a Live Activity."""
    return _record(AlertText, {}, title=texts(), body=texts())


def icons() -> st.SearchStrategy[Icon]:
    """SF Symbols."""
    return _record(Icon, {"symbol": texts(1)}, color=colors())


def badges() -> st.SearchStrategy[Badge]:
    """Pills of text."""
    return _record(Badge, {"title": texts(1)}, color=colors())


def metrics() -> st.SearchStrategy[Metric]:
    """Labelled values."""
    required = {"label": texts(1), "value": st.one_of(numbers(0), texts(1, 64))}
    return _record(Metric, required, unit=texts(), color=colors())


def metric_lists() -> st.SearchStrategy[list[Metric]]:
    """As many metrics as a card has room for."""
    return st.lists(metrics(), min_size=1, max_size=MAX_METRICS)


def states(types: tuple[str, ...] = STATE_TYPES, *, dismissal: bool = False) -> Any:
    """Whole content states of the given types; `dismissal` lets them leave after a while."""
    return st.sampled_from(types).flatmap(lambda name: _STATES[name](dismissal=dismissal))


def partial_states(*, dismissal: bool = False) -> st.SearchStrategy[PartialState]:
    """Content states without a type, as later updates carry them."""

    def strip(payload: dict[str, Any]) -> PartialState:
        return PartialState(**{name: value for name, value in payload.items() if name != "type"})

    return states(dismissal=dismissal).map(lambda state: strip(state.to_payload()))


def pushes() -> st.SearchStrategy[Push]:
    """Push notifications."""
    common = {
        "message": texts(),
        "subtitle": texts(),
        "icon": web_urls(),
        "redirection": app_links(),
        "payload": json_objects(),
        "badge": st.integers(0, 2**31 - 1),
        "sound": texts(),
        "interruption_level": st.sampled_from(INTERRUPTION_LEVELS),
        "channels": channels(),
        "tags": tags(),
        "metadata": metadata(),
    }
    buttons = st.lists(actions(live=False), max_size=MAX_ACTIONS)
    return st.one_of(
        _record(Push, {"title": texts()}, **common, media=web_urls()),
        _record(Push, {"title": texts()}, **common, actions=buttons),
    )


_WRONG_VALUES = (
    None,
    True,
    "",
    "x" * 65,
    "no such word",
    -1,
    101,
    0.5,
    [],
    ["x"],
    {},
    {"x": 1},
    {"symbol": ""},
    [{"label": "", "value": 1}],
    [{"label": "a", "value": -1}],
    [{"label": "a", "value": True}],
    [{"label": "a", "value": 1}] * 9,
)


def broken_pushes() -> st.SearchStrategy[dict[str, Any]]:
    """Payloads of pushes in which one field, new or old, has a value of another kind."""
    fields = [name for name in field_names(Push) if name != "channels"]
    return st.builds(
        lambda push, name, value: {**push.to_payload(), name: value},
        pushes(),
        st.sampled_from([*fields, "target"]),
        st.sampled_from(_WRONG_VALUES),
    )


def broken_states() -> st.SearchStrategy[dict[str, Any]]:
    """Payloads of whole states in which one field, new or old, has a value of another kind."""
    fields = [name for name in field_names(PartialState) if not name.startswith("auto_dismiss_")]
    return st.builds(
        lambda state, name, value: {**state.to_payload(), name: value},
        states(),
        st.sampled_from(fields),
        st.sampled_from(_WRONG_VALUES),
    )


def _optional(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=strategies)


def _record(
    cls: type[Any], required: dict[str, st.SearchStrategy[Any]], **optional: Any
) -> st.SearchStrategy[Any]:
    fields = st.fixed_dictionaries(required, optional=optional)
    return fields.map(lambda given: cls(**given))


def _state(
    cls: type[Any], required: dict[str, Any], optional: dict[str, Any], *, dismissal: bool
) -> st.SearchStrategy[Any]:
    fields = {"subtitle": texts(), "icon": icons(), **optional}
    if dismissal:
        after = st.integers(0, 10_000)
        fields |= {"auto_dismiss_seconds": after, "auto_dismiss_minutes": after}
    return _record(cls, {"title": texts(), **required}, **fields)


def _segmented(*, dismissal: bool) -> st.SearchStrategy[Any]:
    def of_steps(steps: tuple[int, int]) -> st.SearchStrategy[Any]:
        total, current = max(steps), min(steps)
        required = {"number_of_steps": st.just(total), "current_step": st.just(current)}
        colored = st.lists(colors(), min_size=current, max_size=current)
        optional = {
            "color": colors(),
            "step_color": colors(),
            "step_colors": colored,
            "badge": badges(),
        }
        return _state(SegmentedProgressState, required, optional, dismissal=dismissal)

    return st.tuples(st.integers(0, 12), st.integers(1, 12)).flatmap(of_steps)


def _progress(*, dismissal: bool) -> st.SearchStrategy[Any]:
    optional = {"color": colors(), "badge": badges()}
    percentage = {"percentage": numbers(0, 100)}
    pair = {"value": numbers(), "upper_limit": positive_numbers()}
    forms = (percentage, pair, percentage | pair)
    return st.one_of(
        *(_state(ProgressState, form, optional, dismissal=dismissal) for form in forms)
    )


def _simple(cls: type[Any], required: dict[str, Any], optional: dict[str, Any]) -> Any:
    return lambda *, dismissal: _state(cls, required, optional, dismissal=dismissal)


def _timer(*, dismissal: bool) -> st.SearchStrategy[Any]:
    optional = {"is_running": st.booleans(), "color": colors()}
    lasting = {"duration_seconds": positive_numbers()}
    down = _state(
        TimerState, lasting, optional | {"counts_down": st.booleans()}, dismissal=dismissal
    )
    up = _state(TimerState, {"counts_down": st.just(False)}, optional, dismissal=dismissal)
    return st.one_of(down, up)


_STATES: dict[str, Any] = {
    "segmented_progress": _segmented,
    "progress": _progress,
    "timer": _timer,
    "stats": _simple(StatsState, {"metrics": metric_lists()}, {}),
    "metrics": _simple(MetricsState, {"metrics": metric_lists()}, {"color": colors()}),
    "alert": _simple(AlertState, {"message": texts(1)}, {"color": colors(), "badge": badges()}),
    "value": _simple(
        ValueState,
        {"value": st.one_of(numbers(), texts())},
        {"color": colors(), "badge": badges()},
    ),
}


# ---------------------------------------------------------------------- what nobody should give


class Broken:
    """An object that has no text, no number and no truth, and says so by an error."""

    def _fail(self, *_: object) -> Any:
        raise RuntimeError("an object of the user's is broken")

    __str__ = __repr__ = __format__ = __len__ = __iter__ = __bool__ = __float__ = __int__ = _fail


def _nested(depth: int, *, of: type[Any]) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": value} if of is dict else of([value])
    return value


def _circular() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def hostile_texts() -> st.SearchStrategy[str]:
    """Texts that break naive code."""
    known = st.sampled_from(
        [
            *("", " ", "x", "\x00", "\n", "a\nb", "\ud800", "\U0001f4a9", "\u202e", "x" * 10_000),
            *("nan", "inf", "-1", "1e999", "9" * 400, "9" * 5000, "{title.__class__}", "{0}", "{"),
            *("javascript:alert(1)", "https://[", "http://a:b@c", "//", "../..", "[" * 50_000),
        ]
    )
    return st.one_of(known, st.text(max_size=20))


def hostile() -> st.SearchStrategy[Any]:
    """Python values of every kind, those that break naive code among them."""
    numbers = st.sampled_from(
        [
            *(0, -1, 0.5, -0.0, 1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf),
            *(10**400, -(10**400), 2**63, True, False, Decimal("NaN"), Fraction(1, 3), 1j),
        ]
    )
    others = st.sampled_from([None, b"x", b"\xff", object, len, ..., NotImplemented, range(3)])
    made = st.sampled_from(
        [
            Broken,
            object,
            _circular,
            lambda: _nested(50, of=dict),
            lambda: _nested(400, of=list),
            lambda: _nested(20_000, of=dict),
            lambda: _nested(3000, of=tuple),
            lambda: [Broken()],
            lambda: {"title": Broken()},
            lambda: {Broken(): 1},
            lambda: {1: 2, None: 3, ("a",): 4},
            lambda: iter([1]),
            lambda: {1, "a"},
            lambda: np.float32("nan"),
            lambda: np.int64(3),
            lambda: np.array([1, 2]),
            lambda: np.array([]),
            lambda: pd.NA,
            lambda: pd.NaT,
            lambda: pd.DataFrame({"a": [1]}),
            lambda: datetime(2026, 1, 1, tzinfo=UTC),
            lambda: timedelta(days=10**8),
        ]
    ).map(lambda make: make())
    return st.one_of(hostile_texts(), numbers, others, made, json_objects())
