from __future__ import annotations

import io
import threading

import attrs
import pytest
from hypothesis import given, settings, strategies as st
from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult
from support.shell import EXTENSION, Notebook
from tqdm.std import tqdm as std_tqdm

from activitysmith_jupyter import configure
from activitysmith_jupyter._relay import RUNNER_VARIABLE, Listener
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter._wishes import TEMPLATE_FIELDS
from activitysmith_jupyter.cells import notify_line, strip_notify

DONE = ("✅ Notebook: done", "Done in 0.0 s")


@pytest.fixture
def notebook():
    notebook = Notebook()
    yield notebook
    notebook.close()


def accepts(line):
    return "--bad" not in line


@pytest.mark.parametrize(
    ("first", "options"),
    [
        ("%%notify\n", ""),
        ("%%notify Training --on failed\n", "Training --on failed"),
        ("%%notify\tTraining\n", "Training"),
        ("%%notify?\n", None),
        ("%%notifyx\n", None),
        ("x = 1\n", None),
    ],
)
def test_notify_line_of_a_first_line_gives_its_options(first, options):
    """Only a line that is exactly ours counts."""
    assert notify_line([first, "x\n"]) == options


def test_notify_line_under_another_cell_magic_is_found():
    """Other cell magics and empty lines may stand above."""
    assert notify_line(["\n", "%%time\n", "%%notify Fit\n", "x\n"]) == "Fit"
    assert notify_line(["# the model\n", "%%notify Fit\n", "x\n"]) == "Fit"
    assert notify_line(["x\n", "%%notify Fit\n", "y\n"]) is None


def test_notify_line_with_nothing_below_is_none():
    """There is nothing to tell about."""
    assert notify_line(["%%notify Fit\n"]) is None
    assert notify_line(["%%notify Fit\n", "  \n"]) is None


def test_strip_notify_keeps_line_numbers():
    """An empty line stands where the magic stood."""
    assert strip_notify(["%%notify\n", "x\n"], accepts) == ["\n", "x\n"]


def test_strip_notify_before_another_cell_magic_leaves_it_first():
    """IPython only sees a cell magic on the first line."""
    assert strip_notify(["%%notify\n", "%%time\n", "x\n"], accepts) == ["%%time\n", "x\n"]
    below = ["# why\n", "%%notify\n", "\n", "%%bash\n", "x\n"]
    assert strip_notify(below, accepts) == ["%%bash\n", "x\n"]


def test_strip_notify_below_a_comment_keeps_line_numbers():
    """People write what a cell is about into its first line."""
    lines = ["# why\n", "%%notify\n", "x\n"]
    assert strip_notify(lines, accepts) == ["# why\n", "\n", "x\n"]


def test_strip_notify_with_bad_options_leaves_the_line_for_the_magic():
    """The magic of that name then says what is wrong."""
    lines = ["%%notify --bad\n", "x\n"]
    assert strip_notify(lines, accepts) is lines
    assert strip_notify(["# why\n", *lines], accepts) == lines
    assert strip_notify(["# why\n", "%%notify\n", "\n"], accepts) == ["%%notify\n", "\n"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(alphabet="%notify \n#x", max_size=12).map(lambda text: f"{text}\n")))
def test_strip_notify_of_any_cell_keeps_the_code_in_order(lines):
    """IPython may call a transformer on anything: only the line itself and comments may go."""
    before = list(lines)
    stripped = strip_notify(lines, accepts)
    assert lines == before
    if notify_line(lines) is None:
        code = [line for line in lines if line.strip() and not line.strip().startswith("#")]
        assert [line for line in stripped if line in code] == code
    else:
        place = next(n for n, line in enumerate(lines) if notify_line([line, "x"]) is not None)
        below = [line for line in lines[place + 1 :] if line.strip()]
        assert [line for line in stripped if line.strip()][-len(below) :] == below


# --- the roads that are closed to a magic which runs its body itself


def test_notify_cell_with_top_level_await_runs(notebook):
    """``await`` works at the top of a ``%%notify`` cell."""
    result = notebook.run("%%notify\nimport asyncio\nawait asyncio.sleep(0)\n'waited'")
    assert result.result == "waited"
    assert notebook.pushes == [DONE]


def test_notify_cell_value_reaches_out_and_underscore(notebook):
    """``Out`` and ``_`` know the last expression."""
    number = notebook.run("%%notify\n6 * 7").execution_count
    assert notebook.shell.user_ns["Out"][number] == 42
    assert notebook.run("_").result == 42


def test_notify_cell_error_is_the_cells_own(notebook):
    """The cell's status is an error, so that Run All stops and nbclient sees it."""
    result = notebook.run("%%notify\n1 / 0")
    assert not result.success
    assert isinstance(result.error_in_exec, ZeroDivisionError)


def test_notify_cell_shows_one_traceback(notebook):
    """No second traceback, and no frame of ours in the one."""
    shown = notebook.run("%%notify\n1 / 0").shown
    assert shown.count("Traceback (most recent call last)") == 1
    assert "activitysmith" not in shown


def test_notify_cell_fires_post_run_cell_once(notebook):
    """Other listeners hear of one cell, not of two."""
    heard = []
    notebook.shell.events.register("post_run_cell", heard.append)
    notebook.run("%%notify\n1")
    notebook.shell.events.unregister("post_run_cell", heard.append)
    assert len(heard) == 1


def test_notify_cell_error_has_the_line_number_of_the_editor(notebook):
    """The third line of the editor is the third line of the traceback."""
    result = notebook.run("%%notify\nx = 1\n1 / 0")
    trace = result.error_in_exec.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    assert trace.tb_lineno == 3


@pytest.mark.parametrize("source", ["%%notify\n%%time\n6 * 7", "%%time\n%%notify\n6 * 7"])
def test_notify_cell_with_another_cell_magic_does_both(notebook, source):
    """``%%time`` may stand below or above."""
    result = notebook.run(source)
    assert "Wall time" in result.shown
    assert result.result == 42
    assert notebook.pushes == [DONE]


@pytest.mark.parametrize(
    "source", ["%%notify\n\n%%bash\necho hi", "# why\n%%notify\n%%bash\necho hi"]
)
def test_notify_cell_above_another_language_runs_it(notebook, source):
    """Empty lines between the two and a comment above do no harm."""
    result = notebook.run(source)
    assert result.shown == "hi\n"
    assert notebook.pushes == [DONE]


def test_notify_cell_with_a_comment_above_has_the_editors_line_numbers(notebook):
    """The fourth line is the fourth line."""
    result = notebook.run("# why\n%%notify\nx = 1\n1 / 0")
    trace = result.error_in_exec.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    assert trace.tb_lineno == 4
    assert notebook.pushes[0][0] == "❌ Notebook: failed"


@pytest.mark.parametrize(
    "source", ["%%notify Half way", "# why\n%%notify Half way", "%%notify\n\n"]
)
def test_notify_cell_with_nothing_below_says_what_to_type(notebook, source):
    """As IPython does for every cell magic; no push says that nothing was done."""
    result = notebook.run(source)
    (shown,) = result.shown.strip().splitlines()
    assert shown.startswith("UsageError: %%notify")
    assert "%notify" in shown.removeprefix("UsageError: %%notify")
    assert notebook.pushes == []


def test_notify_cell_output_and_rich_output_are_untouched(notebook):
    """What the cell shows is shown once, in order."""
    result = notebook.run(
        "%%notify\nfrom IPython.display import HTML, display\nprint('a')\ndisplay(HTML('<b>x</b>'))"
    )
    assert result.shown == "a\n"
    assert result.rich[0].data["text/html"] == "<b>x</b>"


# --- what is told


def test_notify_failed_cell_tells_type_last_line_and_number_but_no_source(notebook):
    """Enough to know what happened; no line of code leaves the machine."""
    number = notebook.run("%%notify Fit\nraise ValueError('first\\nloss is NaN')").execution_count
    ((title, message),) = notebook.pushes
    assert title == "❌ Fit: failed"
    assert message == f"Cell [{number}]: Failed after 0.0 s: ValueError: loss is NaN"


@pytest.mark.parametrize(
    "source", ["%%notify Fit\n%%capture out\n1 / 0", "%%capture out\n%%notify Fit\n1 / 0"]
)
def test_notify_cell_whose_error_capture_hides_has_failed_and_is_told_once(notebook, source):
    """``%%capture`` shows an error and goes on; the phone hears the truth, in either order."""
    notebook.run(source)
    ((title, message),) = notebook.pushes
    assert title == "❌ Fit: failed"
    assert message.endswith("ZeroDivisionError: division by zero")


def test_notify_cell_whose_script_fails_has_failed(notebook, tmp_path):
    """``%run`` shows the script's error and goes on, too; an error of before is no error now."""
    bad, good = tmp_path / "bad.py", tmp_path / "good.py"
    bad.write_text("raise ValueError('loss is NaN')\n")
    good.write_text("x = 1\n")
    notebook.run(f"%%notify Bad\n%run {bad}")
    notebook.run(f"%%notify Good\n%run {good}")
    assert [title for title, _ in notebook.pushes] == ["❌ Bad: failed", "✅ Good: done"]
    assert notebook.pushes[0][1].endswith("ValueError: loss is NaN")


def test_bar_of_a_script_that_fails_is_red(notebook, tmp_path):
    """Not gray, as if somebody had left the loop: ``%run`` has shown why it ended."""
    script = tmp_path / "train.py"
    script.write_text(
        "from activitysmith_jupyter import tqdm\n"
        "for i in tqdm(range(3), disable=False):\n"
        "    if i == 1:\n        clock.advance(30)\n        shown()\n        1 / 0\n"
    )
    emulator = notebook.emulator
    notebook.shell.user_ns["shown"] = lambda: emulator.wait_for(lambda: emulator.phone.cards)
    notebook.run(f"%run -i {script}")
    (card,) = notebook.phone.cards
    assert card["status"] == "ended"
    assert card["content_state"]["color"] == "red"
    assert card["content_state"]["subtitle"].endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize(("code", "reason"), [("", ""), ("0", ""), ("3", ": exit 3")])
def test_notify_cell_that_exits_is_stopped(notebook, code, reason):
    """``sys.exit()`` is a wish to end, no failure."""
    with pytest.warns(UserWarning, match="To exit"):  # IPython's own
        result = notebook.run(f"%%notify Fit\nimport sys; sys.exit({code})")
    number = result.execution_count
    assert notebook.pushes == [("⏹ Fit: stopped", f"Cell [{number}]: Stopped after 0.0 s{reason}")]


def test_notify_failed_shell_cell_leaves_its_commands_here(notebook):
    """The error's own text quotes the whole script; no line of code leaves the machine."""
    notebook.run("%%notify Fit\n%%bash\nexit 3  # me:secret")
    ((title, message),) = notebook.pushes
    assert title == "❌ Fit: failed"
    assert message.endswith("CalledProcessError: returned non-zero exit status 3.")


def test_notify_interrupted_cell_is_stopped(notebook):
    """An interruption is neither done nor failed."""
    notebook.run("%%notify Fit\nraise KeyboardInterrupt")
    assert notebook.pushes[0][0] == "⏹ Fit: stopped"


@pytest.mark.parametrize("when", ["done", "failed"])
def test_notify_interrupted_cell_without_always_says_nothing(notebook, when):
    """The person who interrupted sits there."""
    notebook.run(f"%%notify --on {when}\nraise KeyboardInterrupt")
    assert notebook.pushes == []


def test_notify_cell_with_a_syntax_error_has_failed(notebook):
    """It never ran, and that is a failure."""
    notebook.run("%%notify Fit\nx = = 1")
    assert notebook.pushes[0][0] == "❌ Fit: failed"
    assert notebook.pushes[0][1].endswith("SyntaxError: invalid syntax (line 2)")


@pytest.mark.parametrize(
    ("options", "source", "told"),
    [
        ("--on done", "1", True),
        ("--on done", "1 / 0", False),
        ("--on failed", "1", False),
        ("--on failed", "1 / 0", True),
        ("--on always", "1", True),
    ],
)
def test_notify_on_picks_the_verdicts(notebook, options, source, told):
    """A push is sent for the wished verdicts only."""
    notebook.run(f"%%notify {options}\n{source}")
    assert len(notebook.pushes) == told


@pytest.mark.parametrize(("seconds", "told"), [(29, False), (31, True)])
def test_notify_after_ignores_quick_cells(notebook, seconds, told):
    """``--after 30s`` means what it says."""
    notebook.run(f"%%notify --after 30s\nclock.advance({seconds})")
    assert len(notebook.pushes) == told


def test_notify_tells_the_elapsed_time(notebook):
    """In two units at most."""
    notebook.run("%%notify\nclock.advance(7500)")
    assert notebook.pushes == [("✅ Notebook: done", "Done in 2h 05m")]


def test_notify_result_is_opt_in(notebook):
    """Without the wish, no value leaves the machine."""
    notebook.run("%%notify\n'secret'")
    notebook.run("%%notify --result\n0.98231")
    assert notebook.pushes == [DONE, ("✅ Notebook: done", "Done in 0.0 s · 0.982")]


def test_notify_result_of_a_frame_has_no_rows(notebook):
    """Type and size, never values."""
    notebook.run("%%notify --result\nimport pandas as pd\npd.DataFrame({'name': ['Ada', 'Grace']})")
    assert notebook.pushes[0][1] == "Done in 0.0 s · DataFrame 2 x 1"


def test_notify_result_suppressed_by_a_semicolon_stays_here(notebook):
    """What the notebook does not show, the phone does not."""
    notebook.run("%%notify --result\n42;")
    assert notebook.pushes == [DONE]


def test_notify_message_template_knows_the_cell_and_the_notebook(notebook):
    """Fields of the cell, and the notebook's own variables after it ran."""
    notebook.run(
        '%%notify Fit --message "{title} {verdict} in {elapsed}: loss {loss:.2f} {unknown}"'
        "\nloss = 0.1234"
    )
    assert notebook.pushes == [("✅ Fit: done", "Fit done in 0.0 s: loss 0.12 {unknown}")]


def test_notify_message_template_knows_all_its_fields(notebook, monkeypatch):
    """Of a cell that is done and of one that failed; what does not apply is empty."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/work/Churn model.ipynb")
    template = " | ".join(f"{{{name}}}" for name in TEMPLATE_FIELDS)
    done = notebook.run(f'%%notify Fit --message "{template}"\nclock.advance(90)\n0.5')
    number = done.execution_count
    notebook.run(f'%%notify Fit --message "{template}"\nraise ValueError("loss is NaN")')
    assert [message for _, message in notebook.pushes] == [
        f"Fit | 1m 30s | done | | 0.5 | Churn model | {number}",
        f"Fit | 0.0 s | failed | ValueError: loss is NaN | | Churn model | {number + 1}",
    ]


def test_notify_options_take_variables(notebook):
    """Titles, channels and links may hold variables, filled in at the end of the cell."""
    devices = notebook.emulator.settings.devices
    notebook.emulator.configure(
        devices=tuple(attrs.evolve(device, channels=("ml",)) for device in devices)
    )
    notebook.run("team, model = 'ml', 'churn'")
    notebook.run(
        "%%notify 'Fit {model}' --channels {team} --redirect https://example.org/$model\n1"
    )
    push = notebook.phone.pushes[0]
    assert notebook.emulator.requests[-1].body["target"] == {"channels": ["ml"]}
    assert push["title"] == "✅ Fit churn: done"
    assert push["redirection"] == "https://example.org/churn"


@pytest.mark.parametrize("options", ["--after {wait}", "--after=$wait", "--on {when}"])
def test_notify_options_that_decide_take_variables_too(notebook, options):
    """Filled in when the cell begins: a wish must be clear before the work."""
    notebook.run("wait, when = '5m', 'failed'")
    assert notebook.run(f"%%notify Fit {options}\nwait = 0").success
    assert notebook.pushes == []
    notebook.run(f"%%notify Fit {options}\nclock.advance(301); 1 / 0")
    assert len(notebook.pushes) == 1


def test_notify_push_options_reach_the_phone(notebook):
    """Every option of a push is the push's field."""
    notebook.run(
        "%%notify Fit --level time-sensitive --sound chime "
        "--media https://example.org/a.png --subtitle S\n1"
    )
    push = notebook.phone.pushes[0]
    assert push["interruption_level"] == "time-sensitive"
    assert push["sound"] == "chime"
    assert push["media"] == "https://example.org/a.png"
    assert push["subtitle"] == "S"


def test_notify_with_a_wrong_option_says_so_in_one_line_and_runs_nothing(notebook):
    """The body must not run as if nothing had been asked."""
    result = notebook.run("%%notify --onn failed\nran = True")
    assert result.shown.strip() == (
        "UsageError: %%notify: unrecognized arguments: --onn; did you mean --on? "
        "For help: %%notify?"
    )
    assert "ran" not in notebook.shell.user_ns
    assert notebook.pushes == []


def test_notify_dry_run_shows_the_payload_and_sends_nothing(notebook):
    """The exact payload, and the push as the phone would show it."""
    result = notebook.run("%%notify Fit --dry-run --sound chime\n1")
    assert notebook.pushes == []
    (output,) = [output for output in result.rich if "text/html" in output.data]
    assert '"sound": "chime"' in output.data["text/plain"]
    assert "✅ Fit: done" in output.data["text/html"]
    assert "Dry run" in output.data["text/html"]


def test_notify_dry_run_of_a_live_cell_shows_the_card_too(notebook):
    """Both requests that would be made, and none that is."""
    result = notebook.run("%%notify Fit --live --dry-run\nclock.advance(9)")
    card, push = [output.data for output in result.rich]
    assert "PUT /live-activity/stream/fit" in card["text/plain"]
    assert '"type": "timer"' in card["text/plain"]
    assert "as-card" in card["text/html"]
    assert "POST /push-notification" in push["text/plain"]
    assert (notebook.phone.cards, notebook.pushes) == ([], [])


def test_notify_live_opens_a_timer_and_ends_it_with_the_verdict(notebook):
    """A card after a few seconds, green at the end."""
    source = (
        "%%notify Fit --live\nclock.advance(1)\nbefore = list(phone().cards)\n"
        "clock.advance(5)\nkey = shown()"
    )
    emulator = notebook.emulator
    notebook.shell.user_ns["phone"] = lambda: emulator.phone
    notebook.shell.user_ns["shown"] = lambda: emulator.wait_for(lambda: emulator.phone.cards)[0]
    notebook.run(source)
    assert notebook.shell.user_ns["before"] == []
    first = notebook.shell.user_ns["key"]["content_state"]
    assert first["title"] == "Fit"
    assert first["type"] == "timer"
    card = notebook.phone.cards[0]
    assert card["status"] == "ended"
    assert card["content_state"]["color"] == "green"


def test_notify_live_without_a_key_says_so_once(notebook):
    """One line for card and push together, and not in the shape of a warning in IPython's code."""
    configure(api_key=None)
    shown = notebook.run("%%notify Fit --live\n1").shown
    assert shown.count("no API key") == 1
    assert "ActivitySmith: no API key, so the phone shows nothing." in shown
    assert "events.py" not in shown
    assert "API key" not in notebook.run("%%notify Fit\n1").shown


def test_notify_live_under_a_runner_leaves_the_card_to_it(notebook, monkeypatch):
    """No second card: the runner's shows the cell, and its bars move that one."""
    listener = Listener()
    port, _, token = listener.address.split(":")
    monkeypatch.setenv(RUNNER_VARIABLE, f"{port}:1:{token}")
    pause = threading.Event()

    def heard():
        for _ in range(500):
            if listener.newest().text:
                break
            pause.wait(0.01)
        return listener.newest()

    notebook.shell.user_ns["heard"] = heard
    notebook.run(
        "%%notify Fit --live\nfrom activitysmith_jupyter import tqdm\n"
        "with tqdm(total=4, initial=2, desc='epochs', disable=False) as bar:\n"
        "    clock.advance(5)\n"
        "    said = heard()\n"
    )
    listener.close()
    assert notebook.shell.user_ns["said"].text == "epochs 2/4"
    assert notebook.phone.cards == []
    assert [title for title, _ in notebook.pushes] == ["✅ Fit: done"]


def test_notify_live_card_follows_the_bars_within(notebook):
    """A bar in the cell moves the cell's own card: one card, not two."""
    emulator = notebook.emulator
    notebook.shell.user_ns["shown"] = lambda: emulator.wait_for(lambda: emulator.phone.cards)[0]
    notebook.run(
        "%%notify Fit --live\nfrom activitysmith_jupyter import tqdm\n"
        "for i in tqdm(range(4), disable=False):\n"
        "    if i == 2:\n        clock.advance(5)\n        card = shown()\n"
    )
    state = notebook.shell.user_ns["card"]["content_state"]
    assert state["type"] == "progress"
    assert state["percentage"] == 50
    assert [card["status"] for card in notebook.phone.cards] == ["ended"]


def test_notify_mirror_takes_in_the_bars_of_other_libraries(notebook):
    """One card for the cell, and afterwards nobody's bars are taken in."""
    emulator = notebook.emulator
    notebook.shell.user_ns["shown"] = lambda: emulator.wait_for(lambda: emulator.phone.cards)[0]
    notebook.run(
        "%%notify Fit --mirror\nimport io\nfrom tqdm.std import tqdm as other\n"
        "for i in other(range(4), file=io.StringIO(), miniters=1, mininterval=0):\n"
        "    if i == 2:\n        clock.advance(5)\n        card = shown()\n"
    )
    assert notebook.shell.user_ns["card"]["content_state"]["percentage"] == 50
    assert len(notebook.phone.cards) == 1
    std_tqdm(total=3, file=io.StringIO()).close()
    assert runtime().open_cards == []


def test_notify_live_card_of_a_failed_cell_is_red(notebook):
    """The verdict is the cell's, whatever the bars thought."""
    emulator = notebook.emulator
    notebook.shell.user_ns["shown"] = lambda: emulator.wait_for(lambda: emulator.phone.cards)[0]
    notebook.run("%%notify Fit --live\nclock.advance(5)\nshown()\n1 / 0")
    assert notebook.phone.cards[0]["content_state"]["color"] == "red"


# --- surroundings that must do no harm


def test_cell_that_loads_the_extension_says_nothing():
    """The first cell began before anybody listened."""
    notebook = Notebook(load=False)
    result = notebook.run(f"%load_ext {EXTENSION}")
    assert result.shown == ""
    assert notebook.pushes == []
    notebook.close()


def test_notify_in_a_nested_run_cell_tells_each_once(notebook):
    """A cell that runs another one has its own verdict."""
    notebook.run(
        "%%notify Outer\nget_ipython().run_cell('%%notify Inner\\n1/0')\nget_ipython().run_cell('')"
    )
    assert [title for title, _ in notebook.pushes] == ["❌ Inner: failed", "✅ Outer: done"]


def test_notify_silent_execution_says_nothing(notebook):
    """Front ends run silent code of their own."""
    notebook.run("%%notify\n1", silent=True, store_history=False)
    assert notebook.pushes == []


def test_notify_without_history_has_no_cell_number(notebook):
    """A number that stands beside no cell would mislead."""
    notebook.run("%%notify Fit\n1 / 0", store_history=False)
    assert notebook.pushes[0][1].startswith("Failed after")


def test_notify_interrupted_await_is_stopped(notebook):
    """An interrupted top-level await hands over no result in a kernel."""
    events = notebook.shell.events
    info = type("Info", (), {"raw_cell": "%%notify Fit\nawait x", "store_history": True})()
    events.trigger("pre_run_cell", info)
    events.trigger("post_run_cell", None)
    assert notebook.pushes[0][0] == "⏹ Fit: stopped"


def test_notify_inside_capture_and_run_does_no_harm(notebook, tmp_path):
    """``%%capture`` and ``%run`` work as ever."""
    script = tmp_path / "script.py"
    script.write_text("value = 5\n")
    notebook.run(f"%%notify\n%%capture out\nprint('hidden')\n%run {script}")
    assert notebook.shell.user_ns["out"].stdout == "hidden\n"
    assert notebook.shell.user_ns["value"] == 5
    assert notebook.pushes == [DONE]


def test_extension_loaded_twice_reloaded_and_with_autoreload_tells_once(notebook):
    """None of the ways to load it again doubles anything."""
    notebook.run(f"%load_ext {EXTENSION}")
    notebook.run(f"%reload_ext {EXTENSION}")
    notebook.run("%load_ext autoreload\n%autoreload 2")
    notebook.run("%%notify\n1")
    notebook.run("%autoreload 0")
    assert notebook.pushes == [DONE]


def test_unloading_restores_everything():
    """Magics, events, transformers and completers are as they were before loading."""
    notebook = Notebook(load=False)
    shell = notebook.shell

    def state():
        return (
            {kind: set(magics) for kind, magics in shell.magics_manager.magics.items()},
            {name: list(calls) for name, calls in shell.events.callbacks.items()},
            list(shell.input_transformers_cleanup),
            list(shell.Completer.custom_matchers),
        )

    before = state()
    notebook.run(f"%load_ext {EXTENSION}")
    assert state() != before
    notebook.run(f"%unload_ext {EXTENSION}")
    assert state() == before
    notebook.close()


@pytest.mark.parametrize("how", ["unload_ext", "reload_ext"])
def test_unloading_in_the_middle_of_a_cell_still_gives_it_its_verdict(notebook, how):
    """What began under our eyes ends there, and no card is left open."""
    emulator = notebook.emulator
    notebook.shell.user_ns["shown"] = lambda: emulator.wait_for(lambda: emulator.phone.cards)[0]
    notebook.run(f"%%notify Fit --live\nclock.advance(5)\nshown()\n%{how} {EXTENSION}\n1 / 0")
    assert [title for title, _ in notebook.pushes] == ["❌ Fit: failed"]
    assert [card["status"] for card in notebook.phone.cards] == ["ended"]
    calls = notebook.shell.events.callbacks["post_run_cell"]
    ours = [call for call in calls if "CellEvents" in getattr(call, "__qualname__", "")]
    assert len(ours) == (how == "reload_ext")
    notebook.run(f"%load_ext {EXTENSION}")


def test_notify_of_cells_in_two_threads_tells_each_its_own_verdict(notebook):
    """A subshell's cell may begin later and end earlier, or later, than the one beside it."""
    events = notebook.shell.events
    first, second = (
        ExecutionInfo(f"%%notify {name}\n1", True, False, True, None)
        for name in ("First", "Second")
    )
    failed = ExecutionResult(first)
    failed.error_in_exec = ValueError("loss")
    events.trigger("pre_run_cell", first)
    events.trigger("pre_run_cell", second)
    events.trigger("post_run_cell", failed)
    events.trigger("post_run_cell", ExecutionResult(second))
    assert [title for title, _ in notebook.pushes] == ["❌ First: failed", "✅ Second: done"]


def test_cell_that_fails_closes_every_card_it_opened(notebook):
    """Cards of %activity die with the cell that opened them."""
    notebook.run("%activity progress mine 40\nclock.advance(1)\n1 / 0")
    assert notebook.card("mine")["status"] in {"active", "ended"}
    state = notebook.phone.cards[0]
    assert state["status"] == "ended"
    assert state["content_state"]["color"] == "red"


def test_later_failed_cell_leaves_the_card_of_an_earlier_one(notebook):
    """Only the cell that opened a card speaks for it."""
    notebook.run("%activity progress mine 40")
    notebook.run("1 / 0")
    assert notebook.card("mine")["status"] == "active"


def test_cell_that_fails_after_a_nested_one_closes_its_cards(notebook):
    """A cell that ran another one is still the one that opened its cards."""
    notebook.run("%activity value first 1")
    notebook.run("%activity progress mine 40\nget_ipython().run_cell('1')\n1 / 0")
    cards = {card["stream_key"]: card["status"] for card in notebook.phone.cards}
    assert cards.get("mine", "ended") == "ended"
    assert [card.stream_key for card in runtime().open_cards] == ["first"]


def test_cell_nested_that_fails_leaves_the_cards_around_it(notebook):
    """The outer cell goes on, and so do its cards."""
    notebook.run("%activity value first 1")
    notebook.run("%activity progress mine 40\nget_ipython().run_cell('1 / 0')")
    assert [card.stream_key for card in runtime().open_cards] == ["first", "mine"]


def test_notify_push_is_waited_for_at_the_end_of_the_program(notebook):
    """Without any card, too: the last cell's push must not die with the kernel."""
    notebook.run("%%notify\n1")
    assert runtime()._hooked


@pytest.mark.parametrize(
    ("typed", "status"),
    [("%%notify Fit\n", "incomplete"), ("%%notify Fit\nx = 1\n", "incomplete")],
)
def test_notify_typed_in_a_console_waits_for_its_body(notebook, typed, status):
    """As every cell magic does; an empty line ends it."""
    assert notebook.shell.check_complete(typed)[0] == status
    assert notebook.shell.check_complete(f"{typed}x\n\n")[0] == "complete"
