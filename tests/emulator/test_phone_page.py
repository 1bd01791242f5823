from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from support import chromium

from activitysmith_jupyter.emulator import _phone
from activitysmith_jupyter.emulator._server import Emulator
from activitysmith_jupyter.emulator._settings import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRESS: dict[str, Any] = {"title": "Training", "type": "progress", "percentage": 43}
HOSTILE = '"><img src=x onerror="window.harmed=1"><script>window.harmed=1</script>'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one Chromium for this file."""
    with chromium.launched() as browser:
        yield browser


class _Watched:
    """A phone page, the emulator behind it, and what went wrong in the browser."""

    def __init__(self, browser: Browser, emulator: Emulator, **context: Any) -> None:
        self.emulator = emulator
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | context)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)
        self.page.on("request", lambda request: self.requested.append(request.url))

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def open(self, query: str = "") -> Page:
        """Load the page and wait until the first Lock Screen is shown."""
        self.page.goto(self.emulator.url + query)
        self.page.wait_for_selector("#lock > *", state="attached")
        return self.page

    def send(self, method: str, path: str, **body: Any) -> None:
        """Call the emulated service as any client would."""
        answer = httpx.request(
            method,
            self.emulator.base_url + path,
            json=body,
            headers={"Authorization": f"Bearer {self.emulator.api_key}"},
        )
        answer.raise_for_status()

    def stream(self, key: str, content_state: dict[str, Any], **extra: Any) -> None:
        """Start or update a card."""
        self.send("PUT", f"/live-activity/stream/{key}", content_state=content_state, **extra)

    def assert_content(self) -> None:
        """Nothing was complained about, and nobody else was asked for anything."""
        assert self.complaints == []
        own = urlsplit(self.emulator.url).netloc
        foreign = [
            url
            for url in self.requested
            if not url.startswith("data:") and urlsplit(url).netloc != own
        ]
        assert foreign == []


@pytest.fixture
def clock() -> ManualClock:
    """Make a clock that stands still."""
    return ManualClock()


@pytest.fixture
def emulator(clock: ManualClock) -> Iterator[Emulator]:
    """Start an emulator on a free port that makes widget metrics on first use."""
    with Emulator(clock=clock, metrics=None) as emulator:
        yield emulator


@pytest.fixture
def phone(browser: Browser, emulator: Emulator) -> Iterator[_Watched]:
    """Open a page that must end without complaints and without requests to others."""
    watched = _Watched(browser, emulator)
    yield watched
    watched.assert_content()
    watched.context.close()


@pytest.mark.browser
def test_phone_shows_a_card_appear_move_and_end(phone):
    """A stream's whole life is seen on the Lock Screen without reloading."""
    page = phone.open()
    expect(page.locator(".ph-empty")).to_contain_text("Nothing on the Lock Screen yet")
    phone.stream("run", PROGRESS)
    card = page.get_by_role("group", name="Live Activity, progress: Training")
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "43")
    expect(page.locator(".ph-empty")).to_have_count(0)
    phone.stream("run", PROGRESS | {"percentage": 60})
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "60")
    phone.send("DELETE", "/live-activity/stream/run", content_state=PROGRESS | {"percentage": 100})
    ended = page.get_by_role("group", name="Live Activity, progress, ended: Training")
    expect(ended).to_contain_text("Ended")
    expect(ended).to_contain_text("100%")
    expect(page.locator(".ph-note", has_text="leaves the screen at")).to_be_visible()


@pytest.mark.browser
def test_phone_shows_the_newest_card_on_top(phone, clock):
    """The card that started last is the first."""
    page = phone.open()
    phone.stream("one", PROGRESS | {"title": "First"})
    clock.advance(5)
    phone.stream("two", PROGRESS | {"title": "Second"})
    expect(page.locator(".as-title")).to_have_text(["Second", "First"])


@pytest.mark.browser
def test_phone_shows_a_push_with_all_its_parts(phone):
    """Level, actions and badge count of a push are seen; its media is linked, not loaded."""
    page = phone.open()
    action = {"title": "Open notebook", "type": "open_url", "url": "https://example.org/lab"}
    phone.send(
        "POST",
        "/push-notification",
        title="Training failed",
        subtitle="ResNet",
        message="CUDA out of memory",
        interruption_level="time-sensitive",
        icon="https://example.org/i.png",
        badge=3,
        actions=[action],
    )
    phone.send("POST", "/push-notification", title="Plot", media="https://example.org/plot.png")
    failed = page.get_by_role("group", name="Push notification: Training failed")
    for words in ("ResNet", "CUDA out of memory", "Time Sensitive", "https://example.org/i.png"):
        expect(failed).to_contain_text(words)
    expect(failed.get_by_role("link", name="Open notebook")).to_have_attribute(
        "href", "https://example.org/lab"
    )
    plot = page.get_by_role("group", name="Push notification: Plot")
    expect(plot.get_by_role("link")).to_have_text("https://example.org/plot.png")
    expect(page.get_by_role("img", name="ActivitySmith app, badge count 3")).to_have_text("3")


@pytest.mark.browser
def test_phone_says_what_ios_dropped(phone):
    """A burst beyond the budget leaves a note of how many updates were lost, and until when."""
    page = phone.open()
    for percentage in range(16):
        phone.stream("run", PROGRESS | {"percentage": percentage})
    dropped = phone.emulator.phone.cards[0]["updates_dropped"]
    assert dropped > 1
    expect(page.locator(".ph-dropped")).to_have_text(
        re.compile(rf"^{dropped} updates dropped by iOS: over the budget; throttled until \d")
    )


@pytest.mark.browser
def test_phone_shows_widgets(phone):
    """Widget metrics stand below the clock with key and value."""
    page = phone.open()
    phone.send("POST", "/metrics/train.accuracy/value", value=94.1)
    expect(page.locator(".ph-widget")).to_have_text("94.1train.accuracy")


@pytest.mark.browser
def test_phone_shows_hostile_text_as_text(phone):
    """Markup in any text is shown, never run."""
    page = phone.open()
    action = {"title": HOSTILE, "type": "open_url", "url": "https://example.org/"}
    state = {"title": HOSTILE, "subtitle": HOSTILE, "type": "alert", "message": HOSTILE}
    phone.stream("run", state, action=action)
    phone.send("POST", "/push-notification", title=HOSTILE, message=HOSTILE)
    expect(page.locator(".as-title").first).to_have_text(HOSTILE)
    expect(page.locator(".as-title").last).to_have_text(HOSTILE)
    assert page.locator("#lock img, #lock script").count() == 0
    assert page.evaluate("window.harmed") is None


@pytest.mark.browser
def test_phone_ticks_a_timer_by_itself(phone):
    """Digits run down between updates, from where the emulator's clock put them."""
    phone.page.clock.install()
    page = phone.open()
    phone.stream("timer", {"title": "Search", "type": "timer", "duration_seconds": 300})
    digits = page.get_by_role("timer")
    expect(digits).to_have_text("05:00")
    page.clock.run_for(4_500)
    expect(digits).to_have_text("04:56")
    page.clock.run_for(400_000)
    expect(digits).to_have_text("00:00")


@pytest.mark.browser
def test_phone_keeps_focus_while_neighbours_change(phone):
    """Somebody who is about to press a button is not thrown out by another card's update."""
    page = phone.open()
    action = {"title": "Open", "type": "open_url", "url": "https://example.org/"}
    phone.stream("quiet", {"title": "Quiet", "type": "alert", "message": "m"}, action=action)
    phone.stream("busy", PROGRESS)
    page.get_by_role("link", name="Open").focus()
    phone.stream("busy", PROGRESS | {"percentage": 44})
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "44")
    expect(page.get_by_role("link", name="Open")).to_be_focused()


@pytest.mark.browser
def test_phone_theme_follows_address_and_button(phone):
    """The address chooses the theme, the button changes it and the address with it."""
    phone.stream("run", PROGRESS)
    page = phone.open("?theme=dark")
    card = page.locator(".as-card")
    expect(card).to_have_css("background-color", "rgb(30, 31, 37)")
    page.get_by_role("button", name="Theme: dark").click()
    page.get_by_role("button", name="Theme: auto").click()
    expect(page.get_by_role("button", name="Theme: light")).to_be_visible()
    expect(card).to_have_css("background-color", "rgb(246, 247, 251)")
    assert page.url.endswith("?theme=light")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("scheme", "color"), [("dark", "rgb(30, 31, 37)"), ("light", "rgb(246, 247, 251)")]
)
def test_phone_theme_auto_follows_the_system(browser, emulator, scheme, color):
    """Left alone, the page looks as the system does."""
    phone = _Watched(browser, emulator, color_scheme=scheme)
    phone.stream("run", PROGRESS)
    expect(phone.open().locator(".as-card")).to_have_css("background-color", color)
    phone.assert_content()
    phone.context.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)], ids=["narrow", "wide"])
def test_phone_fits_the_window_whatever_is_sent(browser, emulator, width, height):
    """Nothing sticks out of a card or takes all its room, and the page never scrolls sideways."""
    phone = _Watched(browser, emulator, viewport={"width": width, "height": height})
    long = "W" * 400
    metrics = [{"label": "L" * 90, "value": "V" * 64, "unit": "u" * 30}] * 8
    action = {"title": long, "type": "open_url", "url": "https://example.org/"}
    phone.stream("a", {"title": long, "subtitle": long, "type": "stats", "metrics": metrics})
    phone.stream("b", {"title": long, "type": "metrics", "metrics": metrics}, action=action)
    phone.stream("c", {"title": long, "type": "value", "value": long, "badge": {"title": long}})
    phone.stream("d", {"title": "t", "type": "progress", "value": 10**14, "upper_limit": 10**15})
    phone.send("POST", "/push-notification", title=long, message=long, redirection=f"x:{long}")
    phone.send("POST", f"/metrics/{'k' * 64}/value", value="v" * 64)
    page = phone.open()
    outside = page.evaluate(
        """() => {
            const out = [];
            for (const card of document.querySelectorAll(".as-card, .ph-widget, .ph-notes")) {
                const box = card.getBoundingClientRect();
                if (box.left < 0 || box.right > innerWidth) out.push(card.className);
                for (const inner of card.querySelectorAll("*")) {
                    const own = inner.getBoundingClientRect();
                    const clipped = inner.closest("bdi") || inner.closest("a");
                    if (!clipped && own.right > box.right + 1) out.push(inner.className);
                }
            }
            for (const text of document.querySelectorAll(".as-title, .as-subtitle, .as-value")) {
                const line = parseFloat(getComputedStyle(text).lineHeight);
                if (text.clientHeight > 2.2 * line) out.push("tall " + text.className);
            }
            const root = document.documentElement;
            if (root.scrollWidth > root.clientWidth) out.push("page");
            return out;
        }"""
    )
    assert outside == []
    box = page.locator(".ph-phone").bounding_box()
    assert box is not None
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= height
    phone.assert_content()
    phone.context.close()


@pytest.mark.browser
def test_phone_reconnects_to_an_emulator_that_came_back(browser):
    """The page says that the line is dead, and goes on by itself when it is not."""
    with Emulator() as first:
        phone = _Watched(browser, first)
        page = phone.open()
        expect(page.get_by_role("status")).to_have_text("Live")
        port = urlsplit(first.url).port
    expect(page.get_by_role("status")).to_have_text("Reconnecting…")
    assert port is not None
    with Emulator(port=port) as second:
        phone.emulator = second
        phone.stream("run", PROGRESS)
        expect(page.get_by_role("progressbar")).to_be_visible(timeout=15_000)
        expect(page.get_by_role("status")).to_have_text("Live")
        phone.context.close()


@pytest.mark.browser
def test_phone_tells_where_to_send(phone):
    """The page names the address of the very emulator it came from."""
    page = phone.open()
    expect(page.locator(".ph-about pre")).to_contain_text(
        f"ACTIVITYSMITH_BASE_URL={phone.emulator.base_url}"
    )
    expect(page.locator(".ph-empty pre")).to_contain_text(f"PUT {phone.emulator.base_url}/live")
    assert phone.emulator.api_key not in page.content()


def test_page_is_whole_in_itself():
    """The document loads nothing: no source, no import, no address but its own event stream."""
    page = _phone.page("<Phone>")
    assert "<title>&lt;Phone&gt;</title>" in page
    assert not re.search(r"\bsrc=|@import|url\(", page)
    assert set(re.findall(r'href="([^"]*)"', page)) == {"data:,"}
    assert set(re.findall(r"https?://[\w.]+", page)) == {"http://127.0.0.1"}


def test_csp_allows_the_inline_parts_by_hash_and_nothing_else():
    """The policy has one hash per inline part and no blanket permission."""
    policy = _phone.csp(_phone.page())
    assert policy.startswith("default-src 'none'; ")
    assert len(re.findall(r"'sha256-[A-Za-z0-9+/]{43}='", policy)) == 2
    assert "unsafe" not in policy
    assert _phone.csp(_phone.page("Other")) == policy


def test_lock_screen_of_a_bare_snapshot_is_the_empty_state():
    """A snapshot without anything is drawn, and says how to send something."""
    html = _phone.lock_screen({}, now=0.0)
    assert "Nothing on the Lock Screen yet." in html
    assert "badge count 0" in html


def test_lock_screen_carries_no_inline_style_or_script():
    """Swapped-in parts obey the page's policy."""
    card = {"activity_id": "a", "content_state": PROGRESS, "status": "active", "updated_at": 0.0}
    html = _phone.lock_screen({"cards": [card], "badge": 10**9}, now=0.0)
    assert not re.search(r"style=|<style|<script| on\w+=", html)
    assert "99999+" in html


@pytest.mark.parametrize(
    ("dropped", "until", "words"),
    [
        (0, None, None),
        (1, None, "1 update dropped by iOS: over the budget</li>"),
        (2, 99.0, "2 updates dropped by iOS: over the budget</li>"),
        (2, 52_320.0, '; throttled until <time data-as-clock="52320.000">14:32 UTC</time>'),
    ],
    ids=["none", "one", "over", "throttled"],
)
def test_lock_screen_notes_dropped_updates(dropped, until, words):
    """The note counts what was lost, and names the end of the throttling while it lasts."""
    card = {
        "activity_id": "a",
        "content_state": PROGRESS,
        "updates_dropped": dropped,
        "throttled_until": until,
    }
    html = _phone.lock_screen({"cards": [card]}, now=100.0)
    assert (words in html) if words else ("dropped" not in html)


def test_lock_screen_shows_a_replaced_push_as_such():
    """A silent replacement can be told from a new push."""
    push = {"notification_id": "n", "title": "t", "received_at": 0.0, "replaced": True}
    assert "replaced silently" in _phone.lock_screen({"pushes": [push]}, now=0.0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"updates_shown": 0}, "started "),
        ({"updates_shown": 1}, "1 update, "),
        ({"updates_shown": 7}, "7 updates, "),
        ({"updates_shown": 7, "ended_at": 60.0}, "ended "),
    ],
    ids=["started", "one", "many", "ended"],
)
def test_lock_screen_says_what_happened_to_a_card_last(fields, words):
    """Stream key, state and time of each card stand below it."""
    card = {"activity_id": "a", "stream_key": "run", "updated_at": 60.0, **fields}
    html = _phone.lock_screen({"cards": [card]}, now=100.0)
    assert f"<bdi>run</bdi></b> · {words}<time" in html
