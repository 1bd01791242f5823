from __future__ import annotations

import contextlib
import json
import os
import traceback

import pytest

from activitysmith_jupyter import Action, ActivitySmith, Icon, _settings as module, configure
from activitysmith_jupyter._settings import resolve
from activitysmith_jupyter.exceptions import (
    ConfigurationError,
    MissingAPIKeyError,
    PayloadError,
)

KEY = "ask_W0nderful-5ecret"
LINK = {"title": "Open", "type": "open_url", "url": "https://example.com"}


# --- where a setting comes from


def test_setting_is_taken_from_argument_then_configure_then_environment_then_keyring(
    keystore, monkeypatch
):
    """The nearer place wins; each one taken away uncovers the next."""
    keystore.answer = lambda: "from-keyring"
    monkeypatch.setenv("ACTIVITYSMITH_API_KEY", "from-environment")
    configure(api_key="from-configure")
    found = resolve(api_key="from-argument")
    assert (found.api_key.reveal(), found.api_key_source) == ("from-argument", "argument")
    found = resolve()
    assert (found.api_key.reveal(), found.api_key_source) == ("from-configure", "configure()")
    configure(api_key=None)
    found = resolve()
    assert (found.api_key.reveal(), found.api_key_source) == (
        "from-environment",
        "ACTIVITYSMITH_API_KEY",
    )
    assert keystore.asked == []
    monkeypatch.delenv("ACTIVITYSMITH_API_KEY")
    found = resolve()
    assert (found.api_key.reveal(), found.api_key_source) == ("from-keyring", "keyring")
    assert keystore.asked == [("activitysmith", "api_key")]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("base_url", "https://example.com/api/", "https://example.com/api"),
        ("channels", "sales, ios-builds,,", ("sales", "ios-builds")),
        ("notify", " Failed ", "failed"),
        ("flush_seconds", "2.5", 2.5),
        ("disabled", "1", True),
    ],
)
def test_setting_is_read_from_its_environment_variable(monkeypatch, name, text, value):
    """Each has one, read when it is needed."""
    before = getattr(resolve(), name)
    monkeypatch.setenv(f"ACTIVITYSMITH_{name.upper()}", text)
    assert getattr(resolve(), name) == value != before
    monkeypatch.setenv(f"ACTIVITYSMITH_{name.upper()}", "  ")
    assert getattr(resolve(), name) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "http://example.com"),
        ("notify", "sometimes"),
        ("flush_seconds", "-1"),
        ("flush_seconds", "3601"),
        ("flush_seconds", "nan"),
        ("flush_seconds", "soon"),
        ("disabled", "maybe"),
        ("api_key", "two words"),
        ("api_key", "sch\u00fcssel"),
        ("api_key", "line\nbreak"),
    ],
)
def test_setting_that_cannot_be_used_is_refused_wherever_it_stands(monkeypatch, name, value):
    """As an argument, in configure, and in the environment."""
    with pytest.raises(ConfigurationError, match=name):
        resolve(**{name: value})
    with pytest.raises(ConfigurationError, match=name):
        configure(**{name: value})
    monkeypatch.setenv(f"ACTIVITYSMITH_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=name):
        resolve()


@pytest.mark.parametrize("value", [5, ["sales", 5], {"a": 1}])
def test_channels_that_are_no_texts_are_refused(value):
    """A list of slugs, or text with commas."""
    with pytest.raises(ConfigurationError, match="channels"):
        configure(channels=value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("icon", "bolt", {"symbol": "bolt"}),
        ("icon", {"symbol": "bolt", "color": "red"}, {"symbol": "bolt", "color": "red"}),
        ("icon", Icon("bolt"), {"symbol": "bolt"}),
        ("action", LINK, LINK),
        ("action", json.dumps(LINK), LINK),
        ("action", Action("Open", "open_url", "https://example.com"), LINK),
        ("color", "red", "red"),
        ("title", " Training ", "Training"),
        ("style", "timer", "timer"),
    ],
)
def test_look_of_cards_is_taken_in_each_form(name, value, expected):
    """As an object, a dict or a text, as the place allows."""
    configure(**{name: value})
    assert getattr(resolve(), name) == expected


@pytest.mark.parametrize("channels", [["a", " b "], ("a", "b"), "a,b"])
def test_channels_in_each_form_are_the_same(channels):
    """List, tuple or text."""
    configure(channels=channels)
    assert resolve().channels == ("a", "b")


@pytest.mark.parametrize("channels", [[], "", " , "])
def test_channels_that_name_none_mean_everyone(channels):
    """Nothing is no recipient list."""
    configure(channels=channels)
    assert resolve().channels is None


@pytest.mark.parametrize(
    ("value", "disabled"),
    [
        *((value, True) for value in (True, "1", "true", "YES", " on ", 1)),
        *((value, False) for value in (False, "0", "false", "No", "off", 0)),
    ],
)
def test_disabled_is_read_in_each_form(monkeypatch, value, disabled):
    """The usual words for on and off."""
    configure(disabled=value)
    assert resolve().disabled is disabled
    configure(disabled=None)
    monkeypatch.setenv("ACTIVITYSMITH_DISABLED", str(value))
    assert resolve().disabled is disabled


# --- configure


def test_configure_with_an_unknown_option_changes_nothing():
    """All or nothing, and the message lists what there is."""
    with pytest.raises(ConfigurationError, match=r"'apikey'.*api_key"):
        configure(notify="failed", apikey="x")
    assert resolve().notify == "never"


def test_configure_with_one_bad_value_changes_nothing():
    """Also where the bad one comes last."""
    with pytest.raises(ConfigurationError):
        configure(notify="failed", base_url="ftp://example.com")
    assert resolve().notify == "never"


JUNK = (5, -1, "two words\n", "", {"x": 1}, [], ["a", 2], object(), float("nan"), b"x")


@pytest.mark.parametrize("name", list(module._OPTIONS))
@pytest.mark.parametrize("value", JUNK, ids=lambda value: type(value).__name__)
def test_configure_with_any_value_takes_it_or_raises_an_error_of_ours(name, value):
    """A wrong setting is told in our words, and changes nothing."""
    before = resolve(ask_keyring=False)
    with contextlib.suppress(ConfigurationError, PayloadError):
        configure(**{name: value})
        return
    assert resolve(ask_keyring=False) == before


def test_configure_with_none_takes_a_setting_back():
    """The default applies again, and the others stay."""
    configure(notify="failed", flush_seconds=1)
    configure(notify=None)
    assert (resolve().notify, resolve().flush_seconds) == ("never", 1)


def test_configure_with_nothing_does_nothing():
    """No option, no change."""
    configure()
    assert module._process.configured == {}


def test_settings_are_resolved_at_the_moment_of_use(monkeypatch):
    """A variable set in the first cell still counts after the import."""
    assert resolve().api_key is None
    monkeypatch.setenv("ACTIVITYSMITH_API_KEY", f"  {KEY}\n")
    assert resolve().api_key.reveal() == KEY


# --- no key


def test_missing_key_error_names_the_ways_out():
    """Where to make one, where to put it, and how to do without: never into a cell."""
    with pytest.raises(MissingAPIKeyError) as caught:
        ActivitySmith()
    for way in (
        "https://activitysmith.com/app/keys",
        "export ACTIVITYSMITH_API_KEY",
        "%activity login",
        "activitysmith-jupyter emulator",
    ):
        assert way in str(caught.value)
    assert "api_key=" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "   ", "\n"])
def test_empty_key_as_argument_is_refused(value):
    """It was meant to be one, so the next place is not asked."""
    with pytest.raises(ConfigurationError, match="empty"):
        ActivitySmith(api_key=value)


@pytest.mark.parametrize("value", [5, b"ask_bytes", ["ask"], object()])
def test_key_that_is_no_text_is_refused_without_being_shown(value):
    """Its type is named, its value is not."""
    with pytest.raises(ConfigurationError, match=type(value).__name__) as caught:
        ActivitySmith(api_key=value)
    assert "ask" not in str(caught.value).split(".")[0]


# --- the key


@pytest.mark.parametrize("act", [resolve, configure, ActivitySmith])
def test_secret_is_not_in_the_frames_of_a_refusal(act):
    """A traceback that shows variables shows none that hold the key."""
    given = {"api_key": f"{KEY} with spaces"}
    try:
        act(**given)
    except ConfigurationError as error:
        del given
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert KEY not in "".join(shown.format())


def test_environment_is_not_changed_by_us():
    """Reading is all we do."""
    before = dict(os.environ)
    configure(api_key=KEY, base_url="https://example.com")
    resolve()
    assert dict(os.environ) == before
