from __future__ import annotations

import httpx
import pytest
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter import Activity, ActivitySmith, configure
from activitysmith_jupyter._base_url import is_loopback
from activitysmith_jupyter._settings import resolve, set_fallbacks
from activitysmith_jupyter.exceptions import ConfigurationError
from activitysmith_jupyter.runners import hooks

KEY = "ask_W0nderful-5ecret"


@pytest.mark.parametrize(
    "url",
    [
        "https://activitysmith.com/api",
        "https://example.com:8443/a/b",
        "https://EXAMPLE.com",
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
        "http://0",
        "http://192.168.0.2",
        "http://[2001:db8::1]",
        "http://[::]:8000",
        "http://[::ffff:10.0.0.1]",
        "http://[64:ff9b::7f00:1]",
        "http://[::1].example.com",
        "http://[::1]example.com",
        "http://[::1%25lo]",
        "http://127.0.0.1.",
        "http://127.0.0.1:80.example.com",
        "http://127.1",
        "http://0x7f.1",
        "http://0x7f000001",
        "http://0177.0.0.1",
        "http://2130706433",
        "http://127\u30020\u30020\u30021",
        "http://\uff11\uff12\uff17.0.0.1",
        "http://localhost.",
        "http://LOCALHOST.example.com",
        "http://foo.localhost",
        "http://ip6-localhost",
        "http://localhost%2eexample.com",
        "http://localhost%00.example.com",
        "http://localhost;.example.com",
        "http://localhost:80@example.com",
        "http://localhost#@example.com",
        "http://example.com#@localhost",
        "http://example.com?@localhost",
        "http://loca\u00adlhost",
        "http://\u24dbocalhost",
        "http:/\\example.com",
        "http:///example.com",
        "https:example.com",
        "HTTP://example.com",
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
    with pytest.raises(ConfigurationError, match="base_url"):
        resolve(base_url=url)


PLACES = {
    "argument": lambda _, url: ActivitySmith(KEY, base_url=url),
    "activity": lambda _, url: Activity("a", api_key=KEY, base_url=url),
    "configure": lambda _, url: configure(base_url=url),
    "environment": lambda monkeypatch, url: (
        monkeypatch.setenv("ACTIVITYSMITH_BASE_URL", url),
        resolve(),
    ),
    "ipython_config": lambda _, url: set_fallbacks(base_url=url),
    "runner": lambda _, url: hooks(base_url=url),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.example.com", "http://localhost\\@example.com", "HTTP://example.com"]
)
def test_base_url_that_could_lose_the_key_is_refused_wherever_it_stands(monkeypatch, place, url):
    """There is no side door: each place goes through the one rule."""
    with pytest.raises(ConfigurationError, match="base_url"):
        PLACES[place](monkeypatch, url)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:pa55word@example.com",
        "https://user:pa55word@example.com:port",
        "https://user:pa55word@[::1",
        "https://user:pa/55word@example.com",
        "https://user:x@pa55word@example.com",
        "https://us er:pa55word@example.com",
        "user:pa55word@example.com",
        "ftp://user:pa55word@example.com",
        "https://example.com/api?token=pa55word",
        "https://example.com/api#pa55word",
        "example.com?token=pa55word",
        "ask_pa55word-of.mine",
        "http://ask_pa55word-of.mine",
        "https://exa mple.com/ask_pa55word",
        b"https://user:pa55word@example.com",
        ["ask_pa55word"],
    ],
)
def test_base_url_that_is_refused_is_shown_without_its_secrets(url):
    """Passwords, tokens, and an API key that was put in the wrong place."""
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        resolve(base_url=url)
    assert "55word" not in str(caught.value)


@pytest.mark.parametrize("url", ["HTTP://localhost:8000/Api", "HTTPS://example.com/Api"])
def test_base_url_has_its_scheme_in_small_letters(url):
    """Whoever asks whether a request is plain http finds out by looking at it."""
    scheme, rest = url.split(":", 1)
    assert resolve(base_url=url).base_url == f"{scheme.lower()}:{rest}"


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
