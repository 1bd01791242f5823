from __future__ import annotations

import copy
import inspect
import io
import pickle

import pytest
from rich import inspect as rich_inspect
from rich.console import Console
from support.canary import CANARY, assert_no_key, found, spellings

from activitysmith_jupyter._secret import Secret
from activitysmith_jupyter._settings import resolve

KEY = CANARY


def _inspected(thing):
    """Return all that rich finds out about a thing, as a variable explorer does."""
    out = io.StringIO()
    rich_inspect(thing, console=Console(file=out, width=200), all=True, value=True)
    return out.getvalue()


def test_secret_shows_itself_to_nobody():
    """Not printed, formatted, listed, copied to another process or looked into."""
    secret = Secret(KEY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!s:>30}",
        f"{secret:>30}",
        "{}".format(secret),  # noqa: UP032  the other way to format
        "%s %r" % (secret, secret),  # noqa: UP031  and the oldest
        repr([secret]),
        repr({"key": secret}),
        repr(dir(secret)),
        repr(copy.copy(secret)),
        repr(copy.deepcopy(secret)),
        repr(inspect.getmembers(type(secret))),
        repr(inspect.getmembers(secret)),
        _inspected(secret),
        repr(resolve(api_key=KEY)),
        repr(resolve(api_key=KEY).destination()),
        repr(pickle.dumps(secret)),
    ]
    assert_no_key(*shown)
    with pytest.raises(TypeError):
        vars(secret)
    assert secret.reveal() == KEY


def test_secret_that_was_pickled_is_empty():
    """Another process looks for its own key; a copy in this one is the same."""
    secret = Secret(KEY)
    assert not pickle.loads(pickle.dumps(secret))  # noqa: S301  our own bytes
    assert copy.deepcopy({"key": secret})["key"].reveal() == KEY


def test_secret_is_compared_and_hashed_by_its_text():
    """Two clients of one key share a line to the server."""
    assert Secret(KEY) == Secret(KEY) != Secret("other")
    assert Secret(KEY) != KEY
    assert len({Secret(KEY), Secret(KEY)}) == 1


def test_secret_is_scrubbed_from_what_others_say():
    """An empty one scrubs nothing."""
    assert Secret(KEY).scrub(f"a {KEY} b {KEY}") == "a [key] b [key]"
    assert Secret("").scrub("abc") == "abc"


@pytest.mark.parametrize("spelling", spellings(CANARY))
def test_secret_is_scrubbed_in_every_spelling(spelling):
    """A proxy's page spells it as HTML does, an address as URLs do, a dump in Base64."""
    said = f"before {spellings(CANARY)[spelling].decode()} after"
    assert found(said)
    scrubbed = Secret(CANARY).scrub(said)
    assert not found(scrubbed)
    assert scrubbed.startswith("before ")
    assert scrubbed.endswith(" after")


def test_secret_that_is_short_scrubs_nothing_else():
    """No spelling of it is so short that any text would have it."""
    assert Secret("k").scrub("bake a cake") == "ba[key]e a ca[key]e"
