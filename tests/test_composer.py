from __future__ import annotations

import json
import re
import stat
import warnings

import ipywidgets
import pytest

from activitysmith_jupyter import (
    Activity,
    PayloadError,
    ProgressState,
    Push,
    StatsState,
    _static_picture,
    configure,
)
from activitysmith_jupyter._embedded import embedded_emulator, leave_emulator
from activitysmith_jupyter._moments import Debounced, meanwhile
from activitysmith_jupyter.composer import Composer, _composer
from activitysmith_jupyter.composer._catalogue import KINDS, PUSH
from activitysmith_jupyter.composer._look import hint_html, style_html, with_code
from activitysmith_jupyter.composer._presets import MOST_RECENT, Presets
from activitysmith_jupyter.emulator import Emulator

CANARY = "ask_canary_0123456789abcdef"
STATE = {"title": "Training", "type": "progress", "percentage": 43}


@pytest.fixture(autouse=True)
def presets_path(tmp_path, monkeypatch):
    """Keep presets out of the home of whoever runs the tests."""
    path = tmp_path / "config" / "composer.json"
    monkeypatch.setattr("activitysmith_jupyter.composer._presets.presets_path", lambda: path)
    monkeypatch.setattr(_composer, "_sent", {})
    return path


@pytest.fixture
def emulator():
    """Serve an emulator with a key that must not be found anywhere, and use it."""
    with Emulator(api_key=CANARY, metrics=None, rate_limits="off") as emulator:
        configure(api_key=CANARY, base_url=emulator.base_url)
        yield emulator


def press(composer, name):
    """Press one of the buttons that send, and return what was said."""
    composer._sender._buttons[name].click()
    return composer._sender._answer.value


def type_into(composer, **values):
    """Type into fields."""
    for name, value in values.items():
        composer._form._inputs[name].fill(value)
    composer.refresh()


def all_widgets(widget):
    """Collect a widget and all below it."""
    return [
        widget,
        *(each for child in getattr(widget, "children", ()) for each in all_widgets(child)),
    ]


def states_of(widget):
    """Collect the whole state of a widget and all below it, as the page gets it."""
    return {each.model_id: repr(each.get_state()) for each in all_widgets(widget)}


# --- what it begins with


@pytest.mark.parametrize(
    ("value", "kind", "body"),
    [
        (ProgressState("T", percentage=4), "progress", None),
        (Push("T", "M", tags=["a"]), PUSH, {"title": "T", "message": "M", "tags": ["a"]}),
        (STATE, "progress", {"content_state": STATE}),
        ({"content_state": STATE, "tags": ["x"]}, "progress", None),
        ({"title": "P"}, PUSH, {"title": "P"}),
        (StatsState("S", metrics=[{"label": "A", "value": "1"}]), "stats", None),
    ],
)
def test_composer_begins_with_what_it_is_given(value, kind, body):
    """Every form of a payload fills the form, and comes out again as it went in."""
    composer = Composer(value)
    assert composer._kind == kind
    if body is not None:
        assert composer.body == body
    again = Composer(composer.body)
    assert again.body == composer.body


def test_composer_refuses_what_is_no_payload():
    """A broken payload is an error of the code that gives it."""
    with pytest.raises(PayloadError, match="percentage"):
        Composer({"title": "T", "type": "progress", "percentage": 400})
    with pytest.raises(PayloadError, match="payload"):
        Composer(42)


def test_composer_of_an_activity_takes_its_state_and_key():
    """An open card can be gone on with by hand, by itself or by its key."""
    activity = Activity("train", title="Training", percentage=20)
    composer = Composer(activity)
    assert composer.stream_key == "train"
    assert composer.body["content_state"]["percentage"] == 20
    assert Composer("unknown-key").stream_key == "unknown-key"


def test_composer_of_a_key_goes_on_from_what_was_sent(emulator):
    """`Composer("key")` shows what the last composer sent under that key."""
    first = Composer(STATE, stream_key="mine")
    press(first, "send")
    assert Composer("mine").body == first.body


def test_composer_finds_an_open_card_by_its_key(emulator):
    """A card that this kernel keeps open is found by its key."""
    activity = Activity("opened", title="Open", percentage=7)
    activity.update(percentage=8)
    try:
        assert Composer("opened").body["content_state"]["percentage"] == 8
    finally:
        activity.end()


# --- as one types


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_begins_with_an_example_that_can_be_sent(kind, emulator):
    """Nobody starts from an empty form."""
    composer = Composer(stream_key="k")
    composer.choose(kind)
    assert "as-good" in press(composer, "send")


def test_switching_kinds_keeps_what_was_typed():
    """Title and what both kinds share stay; what the new kind needs is there."""
    composer = Composer()
    type_into(composer, title="Mine", subtitle="", tags="a")
    composer.choose("stats")
    body = composer.body
    assert body["content_state"]["title"] == "Mine"
    assert body["tags"] == ["a"]
    assert len(body["content_state"]["metrics"]) == 2
    composer.choose("push")
    assert composer.body["title"] == "Mine"


def test_mistake_is_shown_beside_its_field_and_leaves_the_others():
    """Only the field that breaks a rule says so."""
    composer = Composer()
    type_into(composer, percentage="400")
    inputs = composer._form._inputs
    assert "Must be between 0 and 100" in inputs["percentage"]._below.value
    assert 'role="alert"' in inputs["percentage"]._below.value
    assert "alert" not in inputs["title"]._below.value
    with pytest.raises(PayloadError, match="percentage"):
        _ = composer.body


def test_rows_say_which_part_is_wrong():
    """Of a metric, the part that breaks a rule is named."""
    composer = Composer(StatsState("S", metrics=[{"label": "A", "value": 1}]))
    rows = composer._form._inputs["metrics"]
    rows._rows[0]._parts["value"].value = "-1"
    assert "Value: must be at least 0" in rows._rows[0]._words.value
    rows._add.click()
    assert "Label: Needed" in rows._rows[1]._words.value
    rows._rows[1]._gone.click()
    assert len(rows.value) == 1


def test_metrics_stop_at_eight():
    """The limit of items is the button's limit, too."""
    composer = Composer()
    composer.choose("metrics")
    rows = composer._form._inputs["metrics"]
    while not rows._add.disabled:
        rows._add.click()
    assert len(rows.value) == 8


def test_hostile_words_are_escaped_wherever_they_are_said():
    """What a field's words quote from outside is text."""
    composer = Composer()
    type_into(composer, step_color="", percentage="<b>", icon_of_symbol="<img src=x>")
    composer._form.stream_key = "<script>"
    composer.refresh()
    push = Composer(Push("T"))
    type_into(push, redirection="<script>")
    assert "Did you mean https://&lt;script&gt;?" in push._form._inputs["redirection"]._below.value
    shown = [state for state in states_of(composer).values() if "'HTMLModel'" in state]
    assert all("<img src=x" not in state and "<script>" not in state for state in shown)
    assert "<script>" not in composer._form._below_key.value


def test_symbols_are_searched_by_words():
    """Words in any order find the names that hold them all; some are offered before any."""
    composer = Composer()
    symbol = composer._form._inputs["icon_of_symbol"]
    assert "checkmark.circle.fill" in symbol.matches
    symbol.fill("xyaxis up")
    assert symbol.matches == ["chart.line.uptrend.xyaxis"]
    symbol.fill("no such thing")
    assert symbol.matches == []
    assert "the phone may know it" in symbol._unknown.value
    symbol.fill("bolt.badge.clock.fill")
    assert symbol._unknown.value == ""


def test_symbol_that_is_offered_is_chosen_by_a_click():
    """The picture's name is a button, and the card shows what was chosen."""
    composer = Composer(STATE)
    symbol = composer._form._inputs["icon_of_symbol"]
    symbol.fill("hammer")
    match = next(each for each in symbol._matches if each.name == "hammer")
    match._button.click()
    assert composer.body["content_state"]["icon"] == {"symbol": "hammer"}
    nothing = next(each for each in symbol._matches if not each.name)
    nothing._button.click()
    assert symbol.value == "hammer", "a late click on what is offered no more"


def test_choice_that_was_not_made_is_read_as_such():
    """A list of choices is never blank: not saying is a choice that can be read, too."""
    composer = Composer({"title": "T", "type": "timer", "counts_down": False})
    runs = composer._form._inputs["is_running"]._input
    assert runs.label == "Not said"
    assert composer._form._inputs["counts_down"]._input.label == "Up"
    runs.label = "Paused"
    assert composer.body["content_state"]["is_running"] is False
    runs.label = "Not said"
    assert "is_running" not in composer.body["content_state"]


def test_every_button_is_named_in_words():
    """A button that shows a colour or an icon alone says what it does to who hears it."""
    composer = Composer({"title": "T", "type": "stats", "metrics": [{"label": "A", "value": 1}]})
    composer._form._inputs["action"]._add.click()
    swatches = composer._form._inputs["color"]._buttons
    assert swatches[""].description == "Colour: none, chosen"
    swatches["red"].click()
    assert swatches["red"].description == "Colour: red, chosen"
    assert swatches[""].description == "Colour: none"
    buttons = [each for each in all_widgets(composer) if isinstance(each, ipywidgets.Button)]
    assert len(buttons) > 30
    assert [each for each in buttons if not re.search("[A-Za-z]{2}", each.description)] == []


# --- sending


def test_life_of_a_card_is_said_in_plain_words(emulator):
    """Start, update and end say what happened and how many devices heard of it."""
    composer = Composer(STATE, stream_key="life")
    assert "Started: the card is on its way" in press(composer, "send")
    assert "1 device notified." in composer._sender._answer.value
    type_into(composer, percentage="50")
    assert "Updated." in press(composer, "update")
    assert "Ended." in press(composer, "end")
    assert emulator.phone.cards[0]["content_state"]["percentage"] == 50
    assert "Nothing to do" in press(composer, "end") or "refused" in composer._sender._answer.value


def test_push_is_replaced_only_after_it_was_sent(emulator):
    """There is nothing to replace before."""
    composer = Composer(Push("Hello"))
    update = composer._sender._buttons["update"]
    assert update.disabled
    assert "Sent." in press(composer, "send")
    assert not update.disabled
    type_into(composer, push_title="Hello again")
    assert "Replaced, silently." in press(composer, "update")
    assert [push["title"] for push in emulator.phone.pushes] == ["Hello again"]


def test_refusal_is_said_with_its_remedy(emulator):
    """What the service refuses is said in its words, with what to do."""
    emulator.add_key(("sales",))
    composer = Composer(Push("T", channels="nowhere"))
    said = press(composer, "send")
    assert "as-bad" in said
    assert "The service refused it." in said
    assert CANARY not in said


REFUSED, UNSURE = "The service refused it.", "It may or may not have arrived."
TROUBLE = {
    "key": (401, {"error": "Unauthorized"}, {}, [REFUSED, "Check the key"]),
    "billing": (
        402,
        {"error": "trial_expired", "message": "Over", "upgrade_url": "https://example.org/up"},
        {},
        [REFUSED, "Upgrade at https://example.org/up"],
    ),
    "nobody": (422, {"error": "No recipients found"}, {}, [REFUSED, "Pair an iPhone"]),
    "rate": (
        429,
        {"error": "Rate limit exceeded"},
        {"Retry-After": "86400"},
        [REFUSED, "Send less often", "Try again in 1d 0h."],
    ),
    "capacity": (
        429,
        {"error": "Live Activity limit reached", "message": "Full", "limit": 5, "active": 5},
        {},
        [REFUSED, "5 of 5 are on the phone now."],
    ),
    "fault": (500, {"error": "boom"}, {}, [UNSURE, "Try again in a while."]),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_is_said_in_words_with_what_to_do(emulator, trouble):
    """Each situation has its own words, none of them a traceback or the name of a class."""
    status, body, headers, words = TROUBLE[trouble]
    emulator.faults.add("status", times=9, status=status, body=body, headers=headers)
    said = press(Composer(STATE, stream_key="k"), "send")
    assert "as-bad" in said
    assert [each for each in words if each not in said] == []
    assert "Error" not in said


def test_answer_that_is_none_of_the_services_leaves_it_open(emulator):
    """Where somebody else answered, nobody knows whether it arrived, and nothing else is said."""
    emulator.faults.add("garbage", times=9)
    said = press(Composer(STATE, stream_key="k"), "send")
    assert UNSURE in said
    assert "Nothing was sent" not in said


def test_nobody_there_is_said(emulator):
    """A connection that fails is no traceback."""
    configure(base_url="http://127.0.0.1:9")
    said = press(Composer(Push("T")), "send")
    assert "Nothing was sent." in said
    assert "Is this machine online" in said


def test_nothing_is_sent_while_something_is_missing(emulator):
    """The button says where to look, and opens the part that holds it."""
    composer = Composer(STATE)
    type_into(composer, tags="a b", title="")
    said = press(composer, "send")
    assert "Look at: Title, Tags." in said or "Look at: Tags, Title." in said
    assert emulator.requests == []
    assert composer._form._folds["Recipients and labels"].is_open


def test_second_press_in_flight_is_none(emulator, monkeypatch):
    """An impatient double click sends one push."""
    held = []
    monkeypatch.setattr(_composer, "meanwhile", lambda work, then: held.append((work, then)))
    composer = Composer(Push("Once"))
    press(composer, "send")
    press(composer, "send")
    assert composer._sender._buttons["send"].disabled
    assert len(held) == 1
    work, then = held[0]
    then(work())
    assert not composer._sender._buttons["send"].disabled
    assert len(emulator.phone.pushes) == 1


def test_disabled_setting_is_said(emulator):
    """With everything switched off the form says that nothing was sent."""
    configure(disabled=True)
    assert "Nothing was sent" in press(Composer(Push("T")), "send")
    assert emulator.requests == []


def test_no_widget_and_no_file_ever_holds_the_key(emulator, presets_path):
    """The key is in no state of any widget, in no code, and in no preset."""
    composer = Composer(STATE, stream_key="secret-free")
    press(composer, "send")
    composer._press_preset("save", "mine")
    for language in ("Python", "%activity", "curl"):
        composer._code._language.value = language
        assert all(CANARY not in state for state in states_of(composer).values())
    assert CANARY not in presets_path.read_text()
    assert CANARY not in repr(composer)
    assert CANARY not in composer._picture.picture().data


def test_notices_of_an_answer_come_with_it(emulator):
    """What the service warns of is said in the form, not as a warning from a thread."""
    emulator.configure(update_burst=0, update_interval_seconds=1e6)
    composer = Composer(STATE, stream_key="often")
    press(composer, "send")
    type_into(composer, percentage="50")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = press(composer, "update")
    assert "as-good" in said
    assert "Updated." in said
    assert "iOS" in said


# --- without a key


def test_without_a_key_the_form_says_how_to_set_one():
    """The two ways out are there: set a key, or click for the emulator."""
    composer = Composer()
    note, row = composer._notice.children
    assert "ACTIVITYSMITH_API_KEY" in note.value
    assert row.children[0].description == "Use the emulator"
    assert "Nothing was sent." in press(composer, "send")


def test_emulator_is_one_click_away():
    """After the click the form sends to an emulator, and a phone stands beside it."""
    composer = Composer()
    composer._notice.children[1].children[0].click()
    assert composer._notice.children == ()
    assert "Started" in press(composer, "send")
    shown = composer._phone_place.children[0]
    shown.refresh()
    assert "Training" in shown.html
    leave_emulator()
    assert embedded_emulator() is None


def test_settings_that_cannot_be_used_are_said(monkeypatch):
    """A broken setting is words in the form, no traceback."""
    monkeypatch.setenv("ACTIVITYSMITH_BASE_URL", "ftp://example.org")
    composer = Composer()
    assert "must start with https" in composer._notice.children[0].value


# --- presets


def test_preset_brings_back_form_and_key(emulator):
    """What was saved under a name fills the form again, in another composer, too."""
    composer = Composer(STATE, stream_key="preset-key")
    composer._press_preset("save", "nightly")
    other = Composer(Push("else"))
    other._press_preset("load", "nightly")
    assert other.body == composer.body
    assert other.stream_key == "preset-key"
    other._press_preset("delete", "nightly")
    assert Presets().names() == []
    other._press_preset("load", "nightly")
    assert "no preset named" in other._preset_part._answer.value


def test_preset_needs_a_name_and_something_valid():
    """What could not be sent is not saved."""
    composer = Composer(STATE)
    composer._press_preset("save", "")
    assert "Type a name first." in composer._preset_part._answer.value
    type_into(composer, percentage="400")
    composer._press_preset("save", "x")
    assert Presets().names() == []


def test_presets_are_for_the_user_alone(presets_path):
    """Nobody else may read them, and the file is whole at any time."""
    presets = Presets()
    presets.save("a", stream_key="k", body={"title": "T"})
    assert stat.S_IMODE(presets_path.stat().st_mode) == 0o600
    assert list(presets_path.parent.iterdir()) == [presets_path]
    assert presets.get("a") == {"stream_key": "k", "body": {"title": "T"}}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"presets": 3, "recent": {}}', "null"])
def test_presets_survive_a_file_that_cannot_be_read(presets_path, content):
    """A spoiled file counts as empty and is written anew."""
    presets_path.parent.mkdir(parents=True)
    presets_path.write_text(content)
    presets = Presets()
    assert presets.names() == presets.recent_keys() == []
    presets.save("a", stream_key="k", body={"title": "T"})
    assert json.loads(presets_path.read_text())["presets"]["a"]["stream_key"] == "k"


def test_preset_that_breaks_a_rule_by_now_is_refused_in_words(presets_path):
    """A preset written by hand, or by another version, is no traceback."""
    presets_path.parent.mkdir(parents=True)
    body = {"content_state": {"type": "progress", "title": "T", "percentage": 400}}
    presets_path.write_text(json.dumps({"presets": {"old": {"body": body}, "no": 3}}))
    composer = Composer()
    composer._press_preset("load", "old")
    assert "cannot be used any more" in composer._preset_part._answer.value
    composer._press_preset("load", "no")
    assert "no preset named" in composer._preset_part._answer.value


def test_recent_keys_are_newest_first_and_few():
    """The list of keys stays short, without doubles."""
    presets = Presets()
    for index in range(MOST_RECENT + 3):
        presets.remember_key(f"k{index}")
    presets.remember_key("k5")
    keys = presets.recent_keys()
    assert keys[:2] == ["k5", f"k{MOST_RECENT + 2}"]
    assert len(keys) == len(set(keys)) == MOST_RECENT


def test_folder_that_cannot_be_written_is_said(presets_path):
    """Where nothing can be saved the form says so, and sending goes on."""
    presets_path.parent.write_text("a file, no folder")
    composer = Composer(STATE)
    composer._press_preset("save", "x")
    assert "cannot be written" in composer._preset_part._answer.value
    Presets().remember_key("k")


# --- smaller parts


def test_without_a_loop_things_happen_at_once():
    """In a script there is nobody to wait for."""
    calls = []
    Debounced(lambda: calls.append("typed"), 5)()
    meanwhile(lambda: 42, calls.append)
    assert calls == ["typed", 42]


def test_in_a_loop_typing_is_debounced_and_work_is_elsewhere():
    """Many keys make one drawing, and slow work leaves the loop's thread free."""
    import asyncio
    import threading

    calls = []

    async def use():
        done = asyncio.Event()
        typed = Debounced(lambda: (calls.append("typed"), done.set()), 0.001)
        typed()
        typed()
        typed()
        await asyncio.wait_for(done.wait(), 5)
        arrived = asyncio.Event()
        meanwhile(
            threading.get_ident,
            lambda ident: (calls.append(ident != threading.get_ident()), arrived.set()),
        )
        await asyncio.wait_for(arrived.wait(), 5)

    asyncio.run(use())
    assert calls == ["typed", True]


def test_commands_among_the_words_are_set_as_code_and_nothing_else_is_markup():
    """What is to be typed somewhere stands out, whatever stands around it."""
    shown = with_code("Set `export A=<key>` or <b>`x`")
    assert shown == "Set <code>export A=&lt;key&gt;</code> or &lt;b&gt;<code>x</code>"


def test_hint_without_limits_and_problems_is_empty():
    """Nothing is said where there is nothing to say."""
    assert hint_html("", None) == '<span class="as-hint"></span>'


def test_style_asks_nobody_for_anything():
    """The style sheet is whole in itself."""
    style = style_html()
    assert "url(http" not in style
    assert "@import" not in style


def test_composer_for_a_notebook_has_a_picture_for_later(monkeypatch):
    """Beside the live form a notebook gets a static card, which says how to get the form back."""
    shown = []
    monkeypatch.setattr(_static_picture, "display", lambda what, **_: shown.append(what))
    composer = Composer(STATE)
    composer._ipython_display_()
    live, static = shown
    assert "application/vnd.jupyter.widget-view+json" in live
    assert "43%" in static.data
    assert "Run the cell to get the form itself." in static.data
    assert live["text/plain"].startswith("<Composer progress '")
    assert repr(Composer(Push("T"))) == "<Composer push>"
