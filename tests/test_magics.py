from __future__ import annotations

import getpass
import re
import shlex
from pathlib import Path

import keyring
import nbformat
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import StdinNotImplementedError
from keyring.backend import KeyringBackend
from nbclient import NotebookClient
from support.shell import Notebook
from traitlets.config import Config

from activitysmith_jupyter import _settings, configure
from activitysmith_jupyter._card_commands import CARD_COMMANDS
from activitysmith_jupyter._keywords import StreamFields
from activitysmith_jupyter._magic_args import notify_wish
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter.exceptions import ActivitySmithWarning
from activitysmith_jupyter.magics import COMMANDS


@pytest.fixture
def notebook():
    notebook = Notebook()
    yield notebook
    notebook.close()


def complete(notebook, line):
    """Return the lines that Tab offers at the end of a line, as front ends ask for them."""
    with notebook.shell.builtin_trap, provisionalcompleter():
        offers = list(notebook.shell.Completer.completions(line, len(line)))
    return [line[: offer.start] + offer.text for offer in offers]


# --- a card of each type


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("progress k 42 --color cyan", {"type": "progress", "percentage": 42, "color": "cyan"}),
        ("progress k 42.5%", {"percentage": 42.5}),
        ("progress k 3/10", {"value": 3, "upper_limit": 10}),
        (
            "stats k Revenue='$2,430' Orders=37 Growth=4.5%",
            {
                "metrics": [
                    {"label": "Revenue", "value": "$2,430"},
                    {"label": "Orders", "value": 37},
                    {"label": "Growth", "value": 4.5, "unit": "%"},
                ]
            },
        ),
        (
            "metrics k CPU=9% MEM=45% --metric-color CPU=red",
            {
                "type": "metrics",
                "metrics": [
                    {"label": "CPU", "value": 9, "unit": "%", "color": "red"},
                    {"label": "MEM", "value": 45, "unit": "%"},
                ],
            },
        ),
        (
            "steps k 2/5 --step-color blue --badge beta:orange",
            {
                "type": "segmented_progress",
                "current_step": 2,
                "number_of_steps": 5,
                "step_color": "blue",
                "badge": {"title": "beta", "color": "orange"},
            },
        ),
        ("steps k 2/5 --step-colors red,green", {"step_colors": ["red", "green"]}),
        ('alert k "Lumen came back"', {"type": "alert", "message": "Lumen came back"}),
        ("timer k --up", {"type": "timer", "counts_down": False}),
        ("timer k 5m --pause", {"is_running": False}),
        ("value k '$1,240'", {"type": "value", "value": "$1,240"}),
        ("value k -3.5", {"value": -3.5}),
        (
            "value k 1 --title T --subtitle S --icon bolt.fill:red",
            {"title": "T", "subtitle": "S", "icon": {"symbol": "bolt.fill", "color": "red"}},
        ),
        ("value k 1 --field subtitle='\"by JSON\"'", {"subtitle": "by JSON"}),
    ],
)
def test_activity_line_of_a_type_shows_its_card(notebook, line, fields):
    """What is typed is what the phone shows."""
    result = notebook.run(f"%activity {line}")
    assert result.success, result.shown
    state = notebook.card("k")["content_state"]
    assert {name: state[name] for name in fields} == fields


def test_activity_line_reaches_every_field_of_the_contract():
    """Each field of the API is an option, a positional word, or ``--field``."""
    reached = set()
    for command in CARD_COMMANDS:
        for action in command.parser()._actions:
            reached.add(action.dest)
    words = {
        "amount": {"percentage", "value", "upper_limit", "number_of_steps", "current_step"},
        "pairs": {"metrics"},
        "duration": {"duration_seconds"},
        "up": {"counts_down"},
        "pause": {"is_running"},
        "dismiss": {"auto_dismiss_seconds", "auto_dismiss_minutes"},
        "key": {"type", "content_state"},
        "channels": {"target"},
    }
    reached |= {field for word, fields in words.items() if word in reached for field in fields}
    assert set(StreamFields.__annotations__) - reached == set()


def test_activity_members_beside_the_state_are_sent(notebook):
    """Buttons, alert, tags and metadata."""
    notebook.run(
        '%activity value k 1 --action "Open=https://example.org" '
        '--secondary-action "Go=POST https://example.org/x" --alert "Now: done" '
        "--tags a,b --metadata run=7"
    )
    notebook.card("k")
    body = notebook.emulator.requests[-1].body
    assert body["action"] == {"title": "Open", "type": "open_url", "url": "https://example.org"}
    assert body["secondary_action"]["method"] == "POST"
    assert body["alert"] == {"title": "Now", "body": "done"}
    assert body["tags"] == ["a", "b"]
    assert body["metadata"] == {"run": 7}


def test_activity_later_line_updates_the_same_card(notebook):
    """A rerun of the cell goes on with the card."""
    notebook.run("%activity stats k A=1")
    notebook.card("k")
    assert notebook.phone.cards
    notebook.run("%activity stats k A=2 --subtitle later")
    notebook.clock.advance(30)
    notebook.emulator.wait_for(lambda: len(notebook.emulator.phone.history) > 1)
    (card,) = notebook.emulator.phone.cards
    assert card["content_state"]["metrics"][0]["value"] == 2
    assert card["content_state"]["subtitle"] == "later"


def test_activity_line_of_another_type_says_how_to_go_on(notebook):
    """An open card keeps its type."""
    notebook.run("%activity value k 1")
    shown = notebook.run("%activity progress k 1").shown
    assert shown.strip() == (
        "UsageError: %activity progress: k is an open card of type value; "
        "end it first: %activity end k"
    )


def test_activity_line_after_a_reload_goes_on_with_the_card(notebook):
    """The extension is another one, the card is the same: nobody else moves it."""
    notebook.run("%activity progress k 1")
    notebook.run("%reload_ext activitysmith_jupyter")
    notebook.run("%activity progress k 50")
    assert [card.stream_key for card in runtime().open_cards] == ["k"]
    assert notebook.card("k")
    notebook.run("%activity end k")
    assert [card["status"] for card in notebook.phone.cards] == ["ended"]


@pytest.mark.parametrize(
    "opening",
    [
        "from activitysmith_jupyter import tqdm\nbar = tqdm(total=3, activity='k', disable=False)",
        "from activitysmith_jupyter import Activity\nmine = Activity('k').__enter__()",
    ],
    ids=["bar", "Activity"],
)
def test_activity_line_with_the_key_of_other_code_says_how_to_go_on(notebook, opening):
    """Two hands on one card would make it jump."""
    notebook.run(opening)
    assert notebook.run("%activity progress k 1").shown.strip() == (
        "UsageError: %activity progress: k is an open card of other code; "
        "end it first: %activity end k"
    )
    assert len(runtime().open_cards) == 1
    notebook.run("%activity end k")


def test_activity_key_may_be_any_text_and_is_stable(notebook, monkeypatch):
    """The key is made from the notebook's name and the words; the words are the title."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/work/Churn model.ipynb")
    notebook.run("%activity value 'Umsätze heute' 1")
    (card,) = notebook.emulator.wait_for(lambda: notebook.emulator.phone.cards)
    assert card["content_state"]["title"] == "Umsätze heute"
    assert card["stream_key"].startswith("churn-model--umsatze-heute")


def test_activity_values_take_variables_and_leave_dollars_alone(notebook):
    """``{name}`` and ``$name``, but ``$1,240`` is money."""
    notebook.run("loss, name = 0.12345, 'Churn'")
    notebook.run('%activity stats k Loss={loss:.3f} Price="$1,240" --title $name')
    state = notebook.card("k")["content_state"]
    assert state["title"] == "Churn"
    assert [metric["value"] for metric in state["metrics"]] == [0.123, "$1,240"]


def test_activity_values_run_no_code(notebook):
    """A call or an attribute in braces is text, and JSON in braces stays JSON."""
    notebook.run("hit = []\nclass Trap:\n    secret = property(lambda self: hit.append(1))")
    notebook.run("trap = Trap()")
    notebook.run("%activity alert k '{hit.append(1)} {trap.secret} {trap.secret!r:>9}'")
    assert notebook.card("k")["content_state"]["message"] == (
        "{hit.append(1)} {trap.secret} {trap.secret!r:>9}"
    )
    notebook.run("""%activity push T --payload '{"job":1}'""")
    assert notebook.phone.pushes[0]["payload"] == {"job": 1}
    assert notebook.shell.user_ns["hit"] == []


def test_activity_variables_of_a_function_are_found(notebook):
    """A line inside a function sees its locals."""
    notebook.run(
        "def f(share):\n    get_ipython().run_line_magic('activity', 'progress k {share}')\nf(17)"
    )
    assert notebook.card("k")["content_state"]["percentage"] == 17


def test_activity_dry_run_shows_body_and_card_and_sends_nothing(notebook):
    """The exact request."""
    result = notebook.run("%activity progress k 42 --dry-run")
    (output,) = result.rich
    assert "PUT /live-activity/stream/k" in output.data["text/plain"]
    assert '"percentage": 42' in output.data["text/plain"]
    assert "as-card" in output.data["text/html"]
    assert notebook.phone.cards == []
    assert runtime().open_cards == []


# --- end and list


def test_activity_end_says_the_verdict(notebook):
    """Colour, subtitle, and how long it stays."""
    notebook.run("%activity progress k 42")
    notebook.card("k")
    notebook.run("%activity end k --outcome failed --reason 'disk full' --dismiss 30s")
    card = notebook.phone.cards[0]
    assert card["status"] == "ended"
    assert card["content_state"]["color"] == "red"
    assert "disk full" in card["content_state"]["subtitle"]
    assert notebook.emulator.requests[-1].body["content_state"]["auto_dismiss_seconds"] == 30


def test_activity_end_of_a_card_of_another_kernel_ends_it(notebook):
    """After a restart the card is still on the phone."""
    with notebook_client(notebook) as client:
        client.live_activities.stream("old", title="Old", type="value", value=1)
    notebook.run("%activity end old")
    assert notebook.phone.cards[0]["status"] == "ended"


def test_activity_end_of_an_unknown_key_names_the_open_ones(notebook):
    """One line that says what to type."""
    notebook.run("%activity value k 1")
    shown = notebook.run("%activity end nope").shown
    assert shown.strip() == (
        "UsageError: %activity end: no card is named nope; open in this kernel: k"
    )


def test_activity_end_ends_the_card_of_a_bar(notebook):
    """Every open card of the kernel has a name to end it by."""
    notebook.run(
        "from activitysmith_jupyter import tqdm\nbar = tqdm(total=3, activity='bar', disable=False)"
    )
    notebook.run("%activity end bar --outcome stopped")
    assert runtime().open_cards == []


def notebook_client(notebook):
    from activitysmith_jupyter import ActivitySmith

    return ActivitySmith(api_key=notebook.emulator.api_key, base_url=notebook.emulator.base_url)


def test_activity_list_shows_the_open_cards(notebook):
    """As the phone shows them."""
    assert notebook.run("%activity list").shown == "No open cards in this kernel.\n"
    notebook.run("%activity progress k 42 --title Training")
    shown = notebook.run("%activity list").shown
    assert "Training" in shown
    assert "42%" in shown


def test_activity_list_has_end_buttons_where_widgets_work(notebook, monkeypatch):
    """A click ends the card."""
    notebook.run("%activity progress k 42")
    notebook.card("k")
    made = []
    monkeypatch.setattr("IPython.display.display", made.append)
    monkeypatch.setattr(notebook.shell, "kernel", object(), raising=False)
    notebook.run("%activity list")
    (button,) = made[1].children
    button.click()
    assert notebook.phone.cards[0]["status"] == "ended"
    assert button.disabled


# --- direct commands


def test_activity_push_is_sent_at_once_and_counts_devices(notebook):
    """The line says what became of it."""
    shown = notebook.run(
        '%activity push "Half way" epoch 5 --level passive --action "Open=https://example.org"'
    ).shown
    assert shown == "Push: reached 1 device.\n"
    push = notebook.phone.pushes[0]
    assert (push["title"], push["message"]) == ("Half way", "epoch 5")
    assert push["actions"][0]["title"] == "Open"


def test_activity_test_sends_one_quiet_push(notebook):
    """It may be tried at night."""
    assert notebook.run("%activity test").shown == "Test push: reached 1 device.\n"
    assert notebook.phone.pushes[0]["interruption_level"] == "passive"


def test_activity_widget_and_badge_reach_the_phone(notebook):
    """Their values, as numbers where they are numbers."""
    notebook.emulator.create_metric("uptime")
    assert notebook.run("%activity widget uptime 99.9").success
    assert notebook.run("%activity badge 8333").success
    assert notebook.phone.widgets["uptime"]["value"] == 99.9
    assert notebook.phone.badge == 8333


def test_activity_emulator_switches_there_and_back(notebook):
    """Loudly; what was configured before comes back."""
    result = notebook.run("%activity emulator on")
    assert "NOTHING LEAVES THIS MACHINE" in repr(result.result)
    notebook.run("%activity push Here")
    assert notebook.pushes == []
    notebook.run("%activity emulator off")
    notebook.run("%activity push There")
    assert notebook.pushes == [("There", "")]


@pytest.mark.parametrize("how", ["unload_ext", "reload_ext"])
def test_extension_that_goes_says_that_the_emulator_is_off(notebook, how):
    """Somebody may still believe that nothing leaves this machine."""
    notebook.run("%activity emulator on")
    shown = notebook.run(f"%{how} activitysmith_jupyter").shown
    assert shown == f"Emulator off. From now on requests go to {notebook.emulator.base_url}.\n"
    notebook.run("%load_ext activitysmith_jupyter")


def switches(notebook):
    """Return what the status says of the watch and of the mirror."""
    rows = {row.name: row.value for row in notebook.run("%activity status").result.rows}
    return rows.get("Watching"), rows.get("Mirroring")


ON = "%activity watch on --after 60s --on failed\n%activity mirror on"


def test_reloading_goes_on_watching_and_mirroring(notebook):
    """Nobody asked to cease, and a watch that is silently off would be missed at the end."""
    off = switches(notebook)
    notebook.run(ON)
    on = switches(notebook)
    assert on == ("failed cells of 60 s and more", "every tqdm bar")
    notebook.run("%reload_ext activitysmith_jupyter")
    assert switches(notebook) == on
    notebook.run("%activity watch off\n%activity mirror off")
    notebook.run("%reload_ext activitysmith_jupyter")
    assert switches(notebook) == off


def test_loading_after_unloading_begins_anew(notebook):
    """Whoever unloads the extension wants no more of it."""
    off = switches(notebook)
    notebook.run(ON)
    notebook.run("%unload_ext activitysmith_jupyter")
    notebook.run("%load_ext activitysmith_jupyter")
    assert switches(notebook) == off


def test_activity_status_says_where_the_key_is_and_never_what_it_is(notebook):
    """Key, server, cards with their budget, problems."""
    notebook.run("%activity value k 1")
    notebook.card("k")
    assert notebook.phone.cards
    text = str(notebook.run("%activity status").result)
    assert "found in configure()" in text
    assert "updates left for now" in text
    assert notebook.emulator.api_key not in text
    assert (
        notebook.emulator.api_key
        not in notebook.run("%activity doctor").result._repr_mimebundle_()["text/html"]
    )


def test_activity_status_shows_server_switches_and_the_last_problem(notebook):
    """What somebody looks for when the phone stays silent."""
    notebook.run("%activity watch on --after 60s --on failed\n%activity mirror on")
    notebook.emulator.faults.add("status", status=402, times=1)
    notebook.run("%activity value k 1")
    notebook.emulator.wait_for(lambda: runtime().courier.problems)
    rows = {row.name: row.value for row in notebook.run("%activity status").result.rows}
    assert rows["Server"] == notebook.emulator.base_url
    assert rows["Watching"] == "failed cells of 60 s and more"
    assert rows["Mirroring"] == "every tqdm bar"
    assert "402" in rows["Problem"]


def test_activity_doctor_finds_a_missing_key_and_a_dead_server(notebook):
    """With what to do about each."""
    notebook.emulator.close()
    configure(api_key=None)
    sheet = notebook.run("%activity doctor").result
    bad = {row.name for row in sheet.rows if row.mark == "bad"}
    assert bad == {"API key", "Network"}
    assert not sheet.is_good


def test_activity_mirror_takes_in_other_libraries_bars(notebook):
    """And lets go of them again."""
    notebook.run("%activity mirror on")
    notebook.run(
        "from tqdm.std import tqdm as other\nimport io\nbar = other(total=3, file=io.StringIO())"
    )
    assert len(runtime().open_cards) == 1
    notebook.run("%activity mirror off\nbar.close()")
    notebook.run("other(total=3, file=io.StringIO()).close()")
    assert runtime().open_cards == []


# --- the key


class MemoryKeyring(KeyringBackend):
    """A key store that forgets with the test."""

    priority = 1

    def __init__(self):
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


@pytest.fixture
def key_store():
    before = keyring.get_keyring()
    store = MemoryKeyring()
    keyring.set_keyring(store)
    yield store
    keyring.set_keyring(before)


def test_activity_login_stores_the_key_and_shows_it_nowhere(notebook, key_store, monkeypatch):
    """The key is typed, kept in the key store, and used from then on."""
    configure(api_key=None)
    monkeypatch.setattr(getpass, "getpass", lambda _: notebook.emulator.api_key)
    shown = notebook.run("%activity login").shown
    assert "Stored in the key store." in shown
    assert notebook.emulator.api_key not in shown
    assert list(key_store.kept.values()) == [notebook.emulator.api_key]
    assert _settings.resolve().api_key_source == "keyring"
    assert notebook.run("%activity test").shown == "Test push: reached 1 device.\n"
    notebook.run("%activity logout")
    assert key_store.kept == {}
    assert _settings.resolve().api_key is None


def test_activity_login_without_a_key_store_keeps_the_key_for_this_kernel(notebook, monkeypatch):
    """And says so."""

    class Refusing(MemoryKeyring):
        def set_password(self, *secrets):
            raise RuntimeError(*secrets)

    before = keyring.get_keyring()
    keyring.set_keyring(Refusing())
    monkeypatch.setattr(getpass, "getpass", lambda _: notebook.emulator.api_key)
    shown = notebook.run("%activity login").shown
    keyring.set_keyring(before)
    assert "Kept for this kernel only: the key store refused (RuntimeError)" in shown
    assert notebook.emulator.api_key not in shown
    assert _settings.resolve().api_key_source == "configure()"


@pytest.mark.parametrize(
    ("error", "words"),
    [(StdinNotImplementedError, "nobody can type here"), (KeyboardInterrupt, "cancelled")],
)
def test_activity_login_where_nobody_types_says_so(notebook, monkeypatch, error, words):
    """Under papermill there is nobody to ask."""

    def refuse(prompt):
        raise error

    monkeypatch.setattr(getpass, "getpass", refuse)
    shown = notebook.run("%activity login").shown
    assert shown.startswith("UsageError: %activity login: ")
    assert words in shown


# --- errors, help, completion


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("statz k", "did you mean stats?"),
        ("stats k A=1 B=2 C=3 D=4 E=5 F=6 G=7 H=8 I=9", "must have 1 to 8 items, has 9"),
        ("push", "the following arguments are required: TITLE. For help"),
        ("progress '' 4", "must be 1 to 255 letters"),
        ("end nope", "no card is named nope; open in this kernel: none"),
        ("watch on --after soon", "such as 30s, 5m"),
        ("progress", "the following arguments are required: KEY, 42|3/10"),
        ("progress k abc", "'abc' is no number"),
        ("progress k 142", "must be between 0 and 100"),
        ("progress k 1 --colour red", "did you mean --color?"),
        ("progress k 1 --color rad", "invalid choice: 'rad'"),
        ("stats k Revenue", "must be NAME=VALUE"),
        ("push it's", "put text with an apostrophe into double quotes"),
        ("value k 1 --field nope=1", "the content state has"),
        ("badge many", "invalid int value"),
        ("widget Nope 1", "key="),
    ],
)
def test_activity_mistake_is_one_line_that_says_what_to_type(notebook, line, words):
    """No traceback."""
    result = notebook.run(f"%activity {line}")
    assert not result.success
    (shown,) = result.shown.strip().splitlines()
    assert shown.startswith("UsageError: %activity")
    assert words in shown


def test_activity_without_a_key_says_where_to_get_one(notebook):
    """In one line."""
    configure(api_key=None)
    for line in ("push x", "value k 1", "test"):
        shown = notebook.run(f"%activity {line}").shown
        assert shown.startswith(
            f"UsageError: %activity {line.split()[0]}: No ActivitySmith API key"
        )
        assert "%activity login" in shown
        assert "%activity emulator on" in shown
        assert len(shown.strip().splitlines()) == 1


def test_notify_line_without_a_key_says_so_once_and_the_cell_goes_on(notebook):
    """A word in the middle of the work must not end it."""
    configure(api_key=None)
    with pytest.warns(ActivitySmithWarning, match="no API key") as said:
        result = notebook.run('for n in range(3):\n    %notify "Half way"\nn')
    assert result.result == 2
    assert len(said) == 1


@pytest.mark.parametrize("line", ["%activity", "%activity --help"])
def test_activity_help_names_every_command(notebook, line):
    """With a line to copy for each."""
    shown = notebook.run(line).shown
    for name, command in COMMANDS.items():
        assert name in shown
        assert command.example in shown


@pytest.mark.parametrize("line", ["%activity stats?", "%activity stats --help"])
def test_activity_help_of_a_command_shows_its_options(notebook, line):
    """Asking with a question mark works, too."""
    shown = notebook.run(line).shown
    assert "--metric-color" in shown
    assert "LABEL=VALUE" in shown


@pytest.mark.parametrize("magic", ["%activity", "%notify", "%%notify"])
def test_magic_question_mark_shows_the_help(notebook, magic):
    """As for any magic."""
    notebook.run(f"{magic}?")
    info = notebook.shell.object_inspect(magic)
    assert "Examples:" in info["docstring"]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_activity_example_of_each_command_is_understood(command):
    """The help's own lines can be typed."""
    command.parser().parse_intermixed_args(shlex.split(command.example)[1:])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%activity st", ["stats", "steps", "status"]),
        ("%activity progress k 3 --co", ["--color"]),
        ("%activity progress k 3 --color gr", ["green", "gray"]),
        ("%activity value k 3 --icon bolt.fill:re", ["bolt.fill:red"]),
        ("%activity end mi", ["mine"]),
        ("%activity end ", ["mine"]),
        ("%activity watch o", ["on", "off"]),
        ("%activity end k --outcome f", ["failed"]),
        ("%%notify --on ", ["done", "failed", "always"]),
        ("%%notify Fit --li", ["--live"]),
        ("%notify --dr", ["--dry-run"]),
        ("x = 1\n    %activity st", ["stats", "steps", "status"]),
        ("said = %notify --dr", ["--dry-run"]),
    ],
)
def test_completion_offers_what_may_follow_and_nothing_else(notebook, line, expected):
    """Commands, options, choices, colours and open keys; no Python, which would not fit here."""
    notebook.run("%activity value mine 1")
    start = line[: max(line.rfind(" "), 0) + 1]
    assert complete(notebook, line) == [start + word for word in expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%notify Fit -- notebook_va", "%notify Fit -- notebook_variable"),
        ("notebook_va", "notebook_variable"),
    ],
)
def test_completion_leaves_python_to_ipython(notebook, line, expected):
    """On any other line, and in the statement of a %notify line."""
    notebook.run("notebook_variable = 1")
    assert complete(notebook, line) == [expected]


# --- defaults


def test_traits_of_the_configuration_file_are_defaults():
    """``c.ActivitySmith.notify_on = "failed"``; configure() wins over it."""
    notebook = Notebook(
        config={"ActivitySmith": Config(notify_on="failed", watch_after="90s", watch=True)}
    )
    assert _settings.resolve().notify_on == "failed"
    assert _settings.resolve().watch_after == 90
    assert "cells of 90 s and more" in str(notebook.run("%activity status").result)
    configure(notify_on="done")
    assert _settings.resolve().notify_on == "done"
    notebook.close()
    configure(notify_on=None)
    assert _settings.resolve().notify_on == "always"


def test_traits_that_are_wrong_are_said_and_left_out():
    """A typing error in the file costs neither the shell nor the other options."""
    with pytest.warns(UserWarning, match=r"c.ActivitySmith.watch_after is ignored"):
        notebook = Notebook(
            config={"ActivitySmith": Config(watch_after="soon", notify_on="failed")}
        )
    assert _settings.resolve().notify_on == "failed"
    notebook.close()


# --- %notify, the line


def test_notify_line_pushes_at_once(notebook):
    """In the middle of a cell."""
    notebook.run('for epoch in range(2):\n    %notify "Half way" --message "epoch {epoch}"')
    assert notebook.pushes == [("Half way", "epoch 0"), ("Half way", "epoch 1")]


def test_notify_line_runs_a_statement_and_gives_its_value(notebook):
    """Variables stay, the value is the line's."""
    result = notebook.run("%notify Fit --result -- x = 20; x + 22")
    assert result.result == 42
    assert notebook.shell.user_ns["x"] == 20
    assert notebook.pushes == [("✅ Fit: done", "Done in 0.0 s · 42")]


def test_notify_line_with_a_failing_statement_raises_its_error(notebook):
    """The error is the statement's own."""
    result = notebook.run("%notify Fit -- 1 / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert notebook.pushes[0][0] == "❌ Fit: failed"


@pytest.mark.parametrize(
    ("line", "pushed"),
    [
        ("%notify Fit --message 'a -- b'", ("Fit", "a -- b")),
        ('%notify "a -- b" -- 1', ("✅ a -- b: done", "Done in 0.0 s")),
        ("%notify Fit -- x = 'c -- d'", ("✅ Fit: done", "Done in 0.0 s")),
    ],
)
def test_notify_line_is_parted_outside_quotation_marks(notebook, line, pushed):
    """A double hyphen in a text is part of the text."""
    assert notebook.run(line).success
    assert notebook.pushes == [pushed]


@pytest.mark.parametrize("source", ["%notify --help", "%notify -h", "%%notify --help\nran = True"])
def test_notify_help_is_shown_in_the_cell(notebook, source):
    """As for the commands of %activity; nothing runs, nothing is sent."""
    shown = notebook.run(source).shown
    assert "--after 30s" in shown
    assert "Examples:" in shown
    assert "ran" not in notebook.shell.user_ns
    assert notebook.pushes == []


def test_notify_line_without_anything_to_say_says_what_to_type(notebook):
    """One line."""
    assert notebook.run("%notify").shown.startswith("UsageError: %notify needs something to say")


def documented_lines():
    """Return the magic lines of the documentation's examples."""
    text = (Path(__file__).parents[1] / "docs" / "magics.md").read_text(encoding="utf-8")
    return re.findall(r"^%{1,2}(?:activity|notify) .+$", text, re.MULTILINE)


@pytest.mark.parametrize("line", documented_lines())
def test_documented_line_can_be_typed(line):
    """Every example of the documentation is understood."""
    magic, *words = shlex.split(line.partition(" -- ")[0])
    if magic == "%activity":
        COMMANDS[words[0]].parser().parse_intermixed_args(words[1:])
    else:
        notify_wish(words, str)


def test_documented_notebook_runs(tmp_path, monkeypatch):
    """The notebook about the magics runs from top to bottom, with nothing but this machine."""
    folder = Path(__file__).parents[1]
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(_settings.__file__).parents[1]))
    notebook = nbformat.read(folder / "notebooks" / "magics.ipynb", as_version=4)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "NOTHING LEAVES THIS MACHINE" in str(notebook.cells)
