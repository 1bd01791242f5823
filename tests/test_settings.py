from __future__ import annotations

import contextlib
import copy
import inspect
import json
import os
import pickle
import sys
import threading
import traceback
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter import Action, ActivitySmith, Icon, _settings as module, configure
from activitysmith_jupyter._settings import Secret, is_loopback, resolve
from activitysmith_jupyter.exceptions import (
    ConfigurationError,
    MissingAPIKeyError,
    PayloadError,
)

KEY = "ask_W0nderful-5ecret"
LINK = {"title": "Open", "type": "open_url", "url": "https://example.com"}


@pytest.fixture
def keyring(monkeypatch):
    """Put a key store in place whose answer a test can set."""
    store = SimpleNamespace(answer=lambda: None, asked=[])

    def get_password(service, user):
        store.asked.append((service, user))
        return store.answer()

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))
    monkeypatch.setattr(module._process, "keyring_asked", False)
    return store


# --- where a setting comes from


def test_setting_is_taken_from_argument_then_configure_then_environment_then_keyring(
    keyring, monkeypatch
):
    """The nearer place wins; each one taken away uncovers the next."""
    keyring.answer = lambda: "from-keyring"
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
    assert keyring.asked == []
    monkeypatch.delenv("ACTIVITYSMITH_API_KEY")
    found = resolve()
    assert (found.api_key.reveal(), found.api_key_source) == ("from-keyring", "keyring")
    assert keyring.asked == [("activitysmith", "api_key")]


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
    """Where to make one, where to put it, and how to do without."""
    with pytest.raises(MissingAPIKeyError) as caught:
        ActivitySmith()
    for way in (
        "https://activitysmith.com/app/keys",
        "export ACTIVITYSMITH_API_KEY",
        "configure(api_key",
        "ActivitySmith(api_key",
        "activitysmith-jupyter emulator",
    ):
        assert way in str(caught.value)


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


# --- keyring


def test_keyring_is_asked_once_a_process(keyring):
    """Also when it has nothing: nobody is asked for a password twice."""
    assert resolve().api_key is None
    assert resolve().api_key is None
    assert len(keyring.asked) == 1


def test_keyring_is_not_asked_when_told_not_to_or_disabled(keyring):
    """Looking there may show a prompt."""
    assert resolve(ask_keyring=False).api_key is None
    assert resolve(disabled=True).api_key is None
    assert keyring.asked == []


def test_keyring_that_fails_is_no_key(keyring):
    """Locked, no backend, or broken."""

    def fail():
        raise RuntimeError(KEY)

    keyring.answer = fail
    assert resolve().api_key is None


@pytest.mark.parametrize("stored", ["", None, "two words"])
def test_keyring_without_a_usable_key_is_no_key(keyring, stored):
    """What it holds is somebody else's."""
    keyring.answer = lambda: stored
    assert resolve().api_key is None


def test_keyring_that_is_not_installed_is_no_key(monkeypatch):
    """It is an optional extra."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setattr(module._process, "keyring_asked", False)
    assert resolve().api_key is None


def test_keyring_that_hangs_is_left_behind(keyring, monkeypatch):
    """Nobody waits for a prompt that nobody sees."""
    monkeypatch.setattr(module, "_KEYRING_SECONDS", 0.01)
    release, done = threading.Event(), threading.Event()

    def hang():
        release.wait(10)
        done.set()
        return KEY

    keyring.answer = hang
    assert resolve().api_key is None
    assert not done.is_set()
    release.set()
    assert done.wait(10)


# --- base URL


@pytest.mark.parametrize(
    "url",
    [
        "https://activitysmith.com/api",
        "https://example.com:8443/a/b",
        "HTTPS://EXAMPLE.com",
        "https://192.0.2.1/api",
        "https://[2001:db8::1]:8443/api",
        "https://xn--bcher-kva.example",
        "http://localhost:8000/api",
        "http://LOCALHOST/api",
        "http://127.0.0.1:8000",
        "http://127.8.9.1",
        "http://[::1]:8000/api",
    ],
)
def test_base_url_that_keeps_the_key_safe_is_taken(url):
    """Https anywhere, http on this machine; a slash at the end is dropped."""
    assert resolve(base_url=f" {url}/ ").base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com",
        "https://",
        "https:///api",
        "ftp://example.com",
        "file:///etc/passwd",
        "http://example.com/api",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://example.com\\@localhost",
        "http://localhost\\@example.com",
        "http://localhost\\.example.com",
        "http://0.0.0.0:8000",
        "http://192.168.0.2",
        "http://[2001:db8::1]",
        "https://user:pa55word@example.com",
        "https://@example.com",
        "https://example.com/api?key=1",
        "https://example.com/api#top",
        "https://example.com:99999",
        "https://example.com:port",
        "https://[::1",
        "https://exa mple.com",
        "https://example.com/a b",
        "https://exa\nmple.com",
        "https://example.com/\x00",
        "https://b\u00fccher.example",
        5,
        b"https://example.com",
    ],
)
def test_base_url_that_could_lose_the_key_is_refused(url):
    """Other schemes, plain http elsewhere, credentials, and what readers of URLs disagree on."""
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        resolve(base_url=url)
    assert "pa55word" not in str(caught.value)


@given(
    st.one_of(
        st.text(max_size=30),
        st.builds(
            "{}{}{}".format,
            st.sampled_from(["https://", "http://", "http://localhost", "https://example.com"]),
            st.text(st.sampled_from("abc.:/@\\[]%?#&=~^|\"' \t1\u00fc\u3002xn--"), max_size=12),
            st.sampled_from(["", "/api", ":80", "@example.com", ".example.com", "@localhost"]),
        ),
    )
)
@settings(max_examples=150, deadline=None)
def test_base_url_of_any_text_is_refused_or_leads_where_it_says(text):
    """What is taken can be requested, and plain http stays on this machine."""
    seen = []

    def answer(request):
        seen.append(request.url)
        return httpx.Response(200, json={"success": True})

    try:
        client = ActivitySmith(KEY, base_url=text, transport=httpx.MockTransport(answer))
    except ConfigurationError:
        return
    assert client.badge_count(1).success
    assert seen[0].path.endswith("/badge")
    assert seen[0].scheme == "https" or is_loopback(seen[0].host)
    assert not seen[0].userinfo


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("example.com", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_told_by_name_or_address(host, loopback):
    """Only what can be nobody but this machine."""
    assert is_loopback(host) is loopback


# --- the secret


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
        repr(resolve(api_key=KEY)),
        repr(resolve(api_key=KEY).destination()),
        repr(pickle.dumps(secret)),
    ]
    assert KEY not in "".join(shown)
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
