"""Hypothesis strategies for JSON as it should not come: as text, for no writer would write it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

_HOLE: Final = "a hole in a request"
_LEAVES: Final = (
    *("null", "true", "0", "-1", "-0.0", "0.5", "1e308", "-1e308", "5e-324", "1e999", "-1e999"),
    *("NaN", "Infinity", "9" * 400, "9" * 5000, '""', '"x"', '"\\ud800"', '"\\u0000"', '"\\n"'),
    *('"{title.__class__}"', '"<script>"', '"\U0001f4a9"', '"https://["', '"../.."', "[]", "{}"),
    *('{"a": 1, "a": 2}', '{"": {}}', '[[1], {"b": null}]', "tru", "'x'", "1,", "[", '"', ""),
)
_DEPTHS: Final = (20, 60, 150, 400, 900, 3000, 100_000)


def raw_values() -> st.SearchStrategy[str]:
    """JSON values of any kind, deeply nested ones and broken ones among them."""
    plain = st.sampled_from(_LEAVES)
    depths = st.sampled_from(_DEPTHS)
    lists = depths.map(lambda depth: "[" * depth + "]" * depth)
    objects = depths.map(lambda depth: '{"a":' * depth + "1" + "}" * depth)
    return st.one_of(plain, plain, lists, objects)


def raw_objects(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Objects of the given names, some of them twice, with any values."""
    pairs = st.tuples(st.sampled_from(names), raw_values())
    return st.lists(pairs, max_size=5).map(
        lambda found: "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in found) + "}"
    )


def with_a_hole(valid: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """Good JSON in which one value, anywhere, is another one."""

    def holed(body: Any) -> st.SearchStrategy[str]:
        places = st.sampled_from(list(_places(body)))
        return places.map(lambda place: json.dumps(_put(body, place)))

    return st.builds(
        lambda text, raw: text.replace(json.dumps(_HOLE), raw), valid.flatmap(holed), raw_values()
    )


def _places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    if isinstance(value, dict | list):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(each, (*here, name))


def _put(value: Any, place: tuple[Any, ...]) -> Any:
    if not place:
        return _HOLE
    first, *rest = place
    changed = value.copy()
    changed[first] = _put(value[first], tuple(rest))
    return changed
