from __future__ import annotations

import re
import time

import pytest

from activitysmith_jupyter import ActivitySmith, _static_picture, configure
from activitysmith_jupyter._embedded import embedded_emulator, leave_emulator, use_emulator
from activitysmith_jupyter.emulator import Emulator, ManualClock
from activitysmith_jupyter.emulator._phone import phone_style
from activitysmith_jupyter.phone import Phone


@pytest.fixture
def emulator():
    """Serve an emulator under a clock that stands still."""
    with Emulator(clock=ManualClock(), metrics=None, rate_limits="off") as emulator:
        yield emulator


def client_of(emulator):
    """Make a client of an emulator."""
    return ActivitySmith(api_key=emulator.api_key, base_url=emulator.base_url)


def beat(shown):
    """Do what the page does every moment."""
    shown._beat.value += 1


def test_phone_shows_cards_pushes_and_badge_of_its_emulator(emulator):
    """All that is on the Lock Screen is in the widget, at the next beat."""
    shown = Phone(emulator)
    assert "Nothing on the Lock Screen yet" in shown.html
    client = client_of(emulator)
    client.live_activities.stream("k", title="Training", type="progress", percentage=43)
    client.notifications.send(title="Half way")
    client.badge_count(7)
    beat(shown)
    assert "Training" in shown.html
    assert "43%" in shown.html
    assert "Half way" in shown.html
    assert "badge count 7" in shown.html
    assert "Nothing on the Lock Screen" not in shown.html


def test_phone_follows_the_settings(emulator):
    """Without an emulator of its own it shows the one that everything is sent to."""
    shown = Phone()
    assert "No emulator" in shown.html
    assert shown._ask.layout.display is None
    configure(api_key=emulator.api_key, base_url=emulator.base_url)
    client_of(emulator).notifications.send(title="Found")
    beat(shown)
    assert "Found" in shown.html
    assert shown._ask.layout.display == "none"


def test_phone_by_address_shows_that_one(emulator):
    """An emulator in another process is known by its address."""
    client_of(emulator).notifications.send(title="Elsewhere")
    assert "Elsewhere" in Phone(emulator.url).html
    assert repr(Phone(emulator.url)) == f"<Phone of {emulator.url.rstrip('/')}>"
    assert repr(Phone()) == "<Phone of no emulator>"


def test_phone_says_when_the_emulator_is_gone(emulator):
    """A phone whose emulator has ended says so and stays."""
    shown = Phone(emulator.url)
    emulator.close()
    beat(shown)
    assert "Emulator not reached" in shown.html


def test_phone_says_when_settings_cannot_be_read(monkeypatch):
    """A broken setting is words on the phone."""
    monkeypatch.setenv("ACTIVITYSMITH_BASE_URL", "nonsense")
    assert "Settings cannot be read" in Phone().html


def test_phone_starts_an_emulator_when_asked():
    """One click starts an emulator, and everything is sent there."""
    shown = Phone()
    shown._ask.click()
    ActivitySmith().notifications.send(title="Here")
    beat(shown)
    assert "Here" in shown.html
    assert use_emulator() is embedded_emulator()
    leave_emulator()
    assert embedded_emulator() is None


def test_phone_never_holds_the_key(emulator):
    """Nothing of the widget carries the key."""
    configure(api_key=emulator.api_key, base_url=emulator.base_url)
    shown = Phone()
    states = [repr(part.get_state()) for part in (shown, *shown.children)]
    assert all(emulator.api_key not in state for state in states)


def test_phone_changes_nothing_while_nothing_happens(emulator):
    """A beat without news sends nothing to the page."""
    shown = Phone(emulator)
    changes = []
    shown._screen.observe(changes.append, "value")
    beat(shown)
    assert [change.new for change in changes if change.old[-200:] != change.new[-200:]] == []


class Loop:
    """An event loop whose time passes when somebody says so."""

    def __init__(self):
        self.due = []

    def call_later(self, seconds, call, *arguments):
        self.due.append((seconds, call, arguments))

    def pass_time(self):
        """Do what is due, and return after which waits it was."""
        due, self.due = self.due, []
        for _, call, arguments in due:
            call(*arguments)
        return [seconds for seconds, _, _ in due]


@pytest.fixture
def loop(monkeypatch):
    """Run as if in the event loop that the test gets."""
    loop = Loop()
    monkeypatch.setattr("activitysmith_jupyter.phone.asyncio.get_running_loop", lambda: loop)
    monkeypatch.setattr(_static_picture, "Debounced", lambda *_: lambda: None)
    return loop


def told_to_beat(shown):
    """Collect each time that the page is told to begin."""
    told = []
    shown._beat.observe(lambda change: told.append(change.new), "playing")
    return told


def test_phone_begins_to_beat_and_asks_ever_less_often(emulator, loop):
    """While no page answers it is told again, with growing patience; an answer resets it."""
    shown = Phone(emulator)
    shown.follow()
    waits = [wait for _ in range(7) for wait in loop.pass_time()]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert shown._beat.playing
    beat(shown)
    assert shown._patience == 1.0


def test_phone_tells_a_page_that_loads_to_beat_at_once(emulator, loop):
    """Whoever asks for the whole state is about to draw: no patience of before holds it up."""
    shown = Phone(emulator)
    shown.follow()
    for _ in range(6):
        loop.pass_time()
    beat(shown)  # the page that is left
    told = told_to_beat(shown)
    shown.get_state()
    assert told == []
    waits = loop.pass_time()
    assert told == [False, True], "told once, in the loop of the page that asks"
    assert min(waits) < 1.0
    beat(shown)
    loop.pass_time()
    assert told == [False, True], "who beats is left alone"


def test_phone_that_is_not_displayed_tells_nobody_to_beat(emulator, loop):
    """Reading the state of a phone that nobody sees starts nothing."""
    shown = Phone(emulator)
    shown.get_state()
    assert loop.due == []


def test_phone_that_is_closed_is_left_alone(emulator, loop):
    """Nothing goes on for a widget that is gone."""
    shown = Phone(emulator)
    shown.follow()
    shown.close()
    loop.pass_time()
    assert loop.due == []


def test_phone_says_when_in_the_time_of_its_own_clock(emulator):
    """Cards and pushes tell their moments as the clock above them does, not in UTC."""
    client = client_of(emulator)
    client.live_activities.stream("k", title="Training", type="progress", percentage=43)
    client.notifications.send(title="Half way")
    shown = Phone(emulator)
    then = time.localtime(emulator.clock())
    moments = re.findall(r'data-as-clock="[^"]*">([^<]*)<', shown.html)
    assert moments == [f"{then.tm_hour}:{then.tm_min:02d}"] * 2


def test_phone_leaves_a_picture_in_the_notebook(emulator, monkeypatch):
    """Who opens the notebook without its kernel sees what the phone showed, and how to go on."""
    pictures = []

    class Handle:
        def update(self, picture):
            pictures.append(picture.data)

    def display(what, **_):
        pictures.append(what)
        return Handle()

    monkeypatch.setattr(_static_picture, "display", display)
    shown = Phone(emulator)
    shown._ipython_display_()
    assert "Nothing on the Lock Screen yet" in pictures[1].data
    client_of(emulator).notifications.send(title="Kept")
    beat(shown)
    assert "Kept" in pictures[-1]
    assert "Run the cell to see it live." in pictures[-1]
    assert emulator.api_key not in pictures[-1]


def test_phone_style_touches_nothing_outside_the_phone():
    """Every rule is for the phone or for cards: a notebook keeps its own look."""
    import re

    plain = re.sub(
        r"\{[^{}]*\}", "{}", re.sub(r"@[^{]*\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1", phone_style())
    )
    selectors = [part.strip() for rule in plain.split("{}") for part in rule.split(",")]
    strangers = [each for each in selectors if each and not re.search(r"\.(ph|as)-", each)]
    assert [each for each in strangers if each not in {"from", "to"}] == []
