from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from importlib.metadata import entry_points
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings, strategies as st
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from support.canary import CANARY, assert_no_key
from tqdm import tqdm as plain

import activitysmith_jupyter
from activitysmith_jupyter import configure
from activitysmith_jupyter._bargroup import Look
from activitysmith_jupyter._outcome import Outcome
from activitysmith_jupyter._relay import RUNNER_VARIABLE, InnerBars, Listener, Relay, the_relay
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter.cli import main
from activitysmith_jupyter.emulator import Emulator
from activitysmith_jupyter.runners import hooks
from activitysmith_jupyter.runners._earlier import earlier_run
from activitysmith_jupyter.runners._execute import inject
from activitysmith_jupyter.runners._plan import notebook_title, plan_of
from activitysmith_jupyter.runners._runcard import RunCard, run_settings

BIN = Path(sys.executable).parent
FOLDER = str(Path(activitysmith_jupyter.__file__).parent.parent)
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
WAIT = "import time\nfor _ in range(600): time.sleep(0.05)\n"
BARS = (
    "from activitysmith_jupyter import tqdm\nimport os, time\n"
    "for i in tqdm(range(10), desc='epochs', disable=False):\n"
    "    while i == 5 and not os.path.exists('go'): time.sleep(0.02)\n"
)


def code(source, *tags, **metadata):
    return new_code_cell(source, metadata={"tags": list(tags), **metadata})


def book(*cells):
    made = [new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    return new_notebook(cells=made, metadata=KERNEL)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Kernels and tools find nobody's settings, and the package from where the tests have it."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("PYTHONPATH", FOLDER)
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def emulator(monkeypatch, tmp_path):
    """Serve an account whose key is nowhere in what a run leaves behind, nor in Jupyter's own."""
    with Emulator(api_key=CANARY) as emulator:
        monkeypatch.setenv("ACTIVITYSMITH_API_KEY", CANARY)
        monkeypatch.setenv("ACTIVITYSMITH_BASE_URL", emulator.base_url)
        yield emulator
    assert_no_key(tmp_path)


def pushes(emulator):
    return [(push["title"], push.get("message")) for push in emulator.phone.pushes]


def execute(notebook, tmp_path, **options):
    client = NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}, **hooks(**options)
    )
    try:
        client.execute()
    finally:
        assert runtime().courier.flush(5)


# --- the plan


def test_plan_counts_code_cells_that_run_and_names_them():
    """By tag, description or heading; empty and skipped cells do not count."""
    notebook = book(
        "# Churn",
        code("n = 1", "parameters"),
        "## Train *it*\ntext\n```\n# no heading\n```",
        code("fit()"),
        code("# papermill_description=score\nscore()"),
        code(""),
        code("x", "skip-execution"),
        code("y", "hide-input", "name:report"),
    )
    plan = plan_of(notebook)
    assert [(cell.index, cell.number, cell.name) for cell in plan.cells] == [
        (1, 1, "Churn"),
        (3, 2, "Train it"),
        (4, 3, "score"),
        (7, 4, "report"),
    ]


def test_plan_weighs_cells_by_the_times_of_an_earlier_run():
    """Nine tenths of the time is nine tenths of the bar."""
    earlier = book(
        code("a", papermill={"duration": 10.0}),
        code(
            "b",
            execution={
                "iopub.execute_input": "2026-01-01T00:00:00Z",
                "shell.execute_reply": "2026-01-01T00:01:30Z",
            },
        ),
    )
    plan = plan_of(book(code("a"), code("b")), earlier)
    assert plan.share(1) == pytest.approx(0.1)
    assert plan.share(1, 0.5) == pytest.approx(0.55)
    assert plan.seconds_left(0, 4.0) == pytest.approx(96)
    assert plan.seconds_left(1, 100.0) == 0
    assert plan.seconds_left(1, 30.0, 0.25) == pytest.approx(90)


def test_plan_without_an_earlier_run_predicts_nothing():
    """Cells are alike then, and their times unknown."""
    plan = plan_of(book(code("a"), code("b")))
    assert plan.share(1) == 0.5
    assert plan.seconds_left(0, 5.0) is None


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=5), st.none() | st.floats(0, 1e6)), min_size=1, max_size=12
    ),
    st.integers(0, 14),
    st.floats(0, 1),
)
def test_plan_share_is_between_0_and_1_and_never_falls(cells, done, inner):
    """Whatever the earlier times were."""
    made = [
        code(f"x{number}{source}", papermill={} if seconds is None else {"duration": seconds})
        for number, (source, seconds) in enumerate(cells)
    ]
    plan = plan_of(book(*made))
    assert 0 <= plan.share(done, inner) <= plan.share(done + 1) <= 1


def test_notebook_title_is_its_metadata_or_first_heading():
    """For runs that know no file."""
    notebook = book("text", "# [Churn](x) model")
    assert notebook_title(notebook) == "Churn model"
    notebook.metadata["title"] = "Named"
    assert notebook_title(notebook) == "Named"
    assert notebook_title(book()) == ""


@pytest.mark.parametrize("content", ["", "[]", "{", '"x"'])
def test_earlier_run_that_is_no_notebook_is_ignored(tmp_path, content):
    """It only costs the prediction."""
    path = tmp_path / "out.ipynb"
    path.write_text(content)
    assert earlier_run(path) is None
    assert earlier_run(None) is None
    assert earlier_run("s3://bucket/out.ipynb") is None


# --- bars of the kernel


def test_relay_tells_the_runner_what_bars_show(monkeypatch):
    """Position and numbers, and silence when the last bar has closed."""
    listener = Listener()
    port, _, token = listener.address.split(":")
    relay = Relay(int(port), token)
    bar = plain(total=4, desc="epochs", file=io.StringIO(), initial=2)
    place = relay.join(bar, Look())
    wait(lambda: listener.newest().text)
    assert listener.newest() == InnerBars(share=0.5, text="epochs 2/4")
    place.close(Outcome("done"), certain=True)
    wait(lambda: not listener.newest().text)
    bar.close()
    listener.close()
    assert listener.newest() == InnerBars()


def wait(condition):
    """Wait on a socket's news, in small steps, for at most some seconds."""
    pause = threading.Event()
    for _ in range(500):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen in time")


@pytest.mark.parametrize("word", [b"", b"{", b"[]", b'{"token": "x", "share": 1, "text": "lie"}'])
def test_listener_ignores_everybody_else(word):
    """Another program of this machine may send anything."""
    listener = Listener()
    port, _, token = listener.address.split(":")
    good = json.dumps({"token": token, "share": None, "text": "mine"}).encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        for said in (good, word):
            other.sendto(said, ("127.0.0.1", int(port)))
    wait(lambda: listener.newest().text)
    assert listener.newest().text == "mine"
    listener.close()


def test_relay_of_the_runners_own_process_is_none(monkeypatch):
    """The runner's own bars are no bars of its kernel."""
    listener = Listener()
    monkeypatch.setenv(RUNNER_VARIABLE, listener.address)
    assert the_relay() is None
    monkeypatch.setenv(RUNNER_VARIABLE, "nonsense")
    assert the_relay() is None
    listener.close()


# --- nbclient


def test_hooks_of_a_run_that_ends_tell_done_once(emulator, tmp_path):
    """One push; the verdict comes with the last cell that runs."""
    execute(book("# Nightly", code("x = 1"), code("x + 1"), "the end"), tmp_path)
    ((title, message),) = pushes(emulator)
    assert title == "✅ Nightly: done"
    assert message.endswith(": 2 cells")


def test_hooks_of_a_run_that_fails_tell_the_cell_and_the_error(emulator, tmp_path):
    """And the error reaches the caller as ever."""
    notebook = book(code("x = 1"), code("1 / 0", "divide"), code("never"))
    with pytest.raises(CellExecutionError):
        execute(notebook, tmp_path, path="nightly/Churn.ipynb")
    ((title, message),) = pushes(emulator)
    assert title == "❌ Churn: failed"
    assert message.startswith("Failed at cell 2 of 3 (divide) after")
    assert message.endswith("ZeroDivisionError: division by zero")


def test_hooks_go_on_after_an_error_that_was_expected(emulator, tmp_path):
    """A cell tagged raises-exception is no failure."""
    execute(book(code("1 / 0", "raises-exception"), code("2")), tmp_path, title="T")
    assert pushes(emulator)[0][0] == "✅ T: done"


def test_hooks_with_allowed_errors_go_on(emulator, tmp_path):
    """The run goes on, and so does the card."""
    notebook = book(code("1 / 0"), code("2"))
    NotebookClient(notebook, timeout=60, allow_errors=True, **hooks(title="T")).execute()
    assert runtime().courier.flush(5)
    assert pushes(emulator)[0][0] == "✅ T: done"


def test_hooks_of_a_dead_kernel_tell_that_it_died(emulator, tmp_path):
    """Not that a cell failed."""
    notebook = book(code("x = 1"), code("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    with pytest.raises(DeadKernelError):
        execute(notebook, tmp_path, title="T")
    ((title, message),) = pushes(emulator)
    assert title == "❌ T: kernel died"
    assert message.startswith("Kernel died at cell 2 of 2")


@pytest.mark.parametrize(
    ("source", "title", "end"),
    [
        ("raise KeyboardInterrupt", "⏹ T: stopped", "s: interrupted"),
        ("import sys; sys.exit()", "⏹ T: stopped", "s"),
        ("import sys; sys.exit(3)", "⏹ T: stopped", "s: exit 3"),
        ("x = (", "❌ T: failed", "s: SyntaxError: incomplete input (line 1)"),
        (
            "%%bash\nexit 3  # me:secret",
            "❌ T: failed",
            "s: CalledProcessError: returned non-zero exit status 3.",
        ),
    ],
    ids=["interrupted", "exit", "exit 3", "syntax", "shell"],
)
def test_hooks_of_a_run_that_ends_early_tell_the_verdict_and_no_code(
    emulator, tmp_path, source, title, end
):
    """A wish to end is no failure, and an error's own text must not carry the cell along."""
    with pytest.raises(CellExecutionError):
        execute(book(code("x = 1"), code(source), code("2")), tmp_path, title="T")
    ((told, message),) = pushes(emulator)
    assert told == title
    assert message.startswith(f"{title.rpartition(' ')[2].capitalize()} at cell 2 of 3 after ")
    assert message.endswith(end)


def test_hooks_without_a_key_leave_the_run_alone(tmp_path):
    """One warning; the notebook runs."""
    notebook = book(code("6 * 7"))
    with pytest.warns(UserWarning, match="no API key"):
        execute(notebook, tmp_path)
    assert notebook.cells[0].outputs[0].data["text/plain"] == "42"


def test_hooks_with_notify_never_send_no_push(emulator, tmp_path):
    """Said for this run, or by a setting."""
    execute(book(code("1")), tmp_path, notify="never")
    configure(notify="failed")
    execute(book(code("1")), tmp_path)
    assert pushes(emulator) == []


def half_way(emulator):
    """Return what the run's card shows when the kernel's bar stands at its middle."""

    def found():
        states = [card["content_state"] for card in emulator.phone.cards]
        return next((state for state in states if "5/10" in state.get("subtitle", "")), None)

    return emulator.wait_for(found, timeout=30)


def test_bars_of_the_kernel_move_the_runs_card_and_open_none(emulator, tmp_path):
    """Their text is the card's subtitle, their fraction refines it."""
    notebook = book(code("x = 1"), code(BARS, "train"))
    seen = []

    given_hooks = hooks(title="T")
    client = NotebookClient(
        notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}, **given_hooks
    )

    def watch():
        seen.append(half_way(emulator))
        (tmp_path / "go").touch()

    watcher = threading.Thread(target=watch)
    watcher.start()
    client.execute()
    watcher.join()
    assert runtime().courier.flush(5)
    assert seen[0]["subtitle"].startswith("2 of 2: train · epochs 5/10")
    assert seen[0]["percentage"] == 75
    assert {shown.stream_key for shown in emulator.phone.history if shown.kind == "start"} == {
        emulator.phone.cards[0]["stream_key"]
    }


def test_bars_of_a_kernel_without_a_key_move_the_runs_card(emulator, tmp_path, monkeypatch):
    """The key is the runner's alone, as with a key store that the kernel may not ask."""
    configure(api_key=emulator.api_key, base_url=emulator.base_url)
    monkeypatch.delenv("ACTIVITYSMITH_API_KEY")
    notebook = book(
        code("%load_ext activitysmith_jupyter\n%activity watch on --after 0s"), code(BARS, "train")
    )
    seen = []

    def watch():
        seen.append(half_way(emulator))
        (tmp_path / "go").touch()

    watcher = threading.Thread(target=watch)
    watcher.start()
    execute(notebook, tmp_path, title="T")
    watcher.join()
    assert seen[0]["subtitle"].startswith("2 of 2: train · epochs 5/10")
    assert len([shown for shown in emulator.phone.history if shown.kind == "start"]) == 1
    assert [title for title, _ in pushes(emulator)] == ["✅ T: done"]
    assert "API key" not in str(notebook.cells)


def test_run_card_says_by_when_where_earlier_times_are_known():
    """From the cells' times, and from the bar's own pace in the current cell."""
    earlier = book(code("a", papermill={"duration": 60}), code("b", papermill={"duration": 3540}))
    plan = plan_of(book(code("a"), code("b", "train")), earlier)
    configure(api_key="ask_test")
    card = RunCard("T", plan, run_settings())
    card.cell_began(0)
    begun = card.sample(runtime().courier.now(), None).body["content_state"]
    card.cell_ended(0)
    card.cell_began(1)
    later = card.sample(runtime().courier.now(), None).body["content_state"]
    blind = RunCard("T", plan_of(book(code("a"))), run_settings())
    blind.cell_began(0)
    unknown = blind.sample(runtime().courier.now(), None).body["content_state"]
    for made in (card, blind):
        made.finish(Outcome("stopped"))
        made.listener.close()
    assert begun["percentage"] == 0
    assert re.fullmatch(r"1 of 2 · done about \d+:\d\d( [AP]M)?.*", begun["subtitle"])
    assert round(later["percentage"]) in {1, 2}
    assert re.match(r"2 of 2: train · done about \d+:\d\d", later["subtitle"])
    assert unknown["subtitle"] == "1 of 1"


# --- real kernels with %%notify inside


def test_configuration_file_of_ipython_loads_us_and_sets_our_defaults(emulator, tmp_path):
    """In a real kernel, which reads a real ipython_config.py."""
    profile = tmp_path / "ipythondir" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(
        "c.InteractiveShellApp.extensions = ['activitysmith_jupyter']\n"
        "c.ActivitySmith.watch = True\nc.ActivitySmith.watch_after = '90s'\n"
        "c.ActivitySmith.notify_on = 'failed'\n"
    )
    notebook = book(
        code("print(get_ipython().run_line_magic('activity', 'status'))"), code("%%notify\n1")
    )
    NotebookClient(notebook, timeout=60).execute()
    assert "cells of 90 s and more" in notebook.cells[0].outputs[0].text
    assert pushes(emulator) == []


def test_notify_in_a_kernel_under_nbclient_fails_the_run_and_pushes(emulator, tmp_path):
    """The cell's error reaches nbclient, and the last push leaves before the kernel is gone."""
    notebook = book(
        code("%load_ext activitysmith_jupyter"),
        code("%%notify Wait\nimport asyncio\nawait asyncio.sleep(0)\n42"),
        code("%%notify Fit\n\n1 / 0"),
        code("never = True"),
    )
    with pytest.raises(CellExecutionError, match="line 3"):
        NotebookClient(notebook, timeout=60).execute()
    assert notebook.cells[1].outputs[0].data["text/plain"] == "42"
    assert notebook.cells[3].execution_count is None
    assert [title for title, _ in reversed(pushes(emulator))] == ["✅ Wait: done", "❌ Fit: failed"]


def test_watch_in_a_kernel_tells_the_run_before_the_kernel_ends(emulator, tmp_path):
    """The queue drains with the kernel; a cell that may fail has not ended it."""
    notebook = book(
        code("%load_ext activitysmith_jupyter\n%activity watch on --after 0s"),
        code("1 / 0", "raises-exception"),
        code("2"),
    )
    NotebookClient(notebook, timeout=60).execute()
    ((title, message),) = pushes(emulator)
    assert title.endswith(": done")
    assert message.endswith("2 cells")


def test_interrupted_await_in_a_kernel_is_told_as_stopped(emulator, tmp_path):
    """A top-level await is cancelled by the interrupt; that is no failure."""
    manager, client = start_new_kernel(cwd=str(tmp_path))
    try:
        client.execute_interactive("%load_ext activitysmith_jupyter", timeout=30)
        client.execute(
            "%%notify Long\nimport asyncio\n%notify began\n"
            # An idle loop would only see the interrupt when something else wakes it.
            "for _ in range(6000):\n    await asyncio.sleep(0.1)",
            reply=False,
        )
        emulator.wait_for(lambda: emulator.phone.pushes, timeout=30)
        manager.interrupt_kernel()
        emulator.wait_for(lambda: len(emulator.phone.pushes) > 1, timeout=30)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert pushes(emulator)[0][0] == "⏹ Long: stopped"


def test_login_in_a_kernel_where_nobody_types_is_one_line(tmp_path):
    """Neither nbclient nor papermill allows input."""
    notebook = book(code("%load_ext activitysmith_jupyter\n%activity login"))
    with pytest.raises(CellExecutionError, match="nobody can type here"):
        NotebookClient(notebook, timeout=60).execute()


# --- command lines


def run(*command, **options):
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )
    assert_no_key(done.stdout, done.stderr)
    return done


def papermill(notebook, *arguments):
    nbformat.write(notebook, "in.ipynb")
    return run(
        BIN / "papermill",
        "in.ipynb",
        "out.ipynb",
        "--no-progress-bar",
        "--engine",
        "activitysmith",
        *arguments,
    )


def test_papermill_engine_is_registered():
    """Under its name, for whoever installs the package."""
    (entry,) = entry_points(group="papermill.engine", name="activitysmith")
    assert entry.value == "activitysmith_jupyter.runners.engine:ActivitySmithEngine"


def test_papermill_engine_module_is_light_and_survives_without_papermill():
    """Everybody's papermill runs import it."""
    script = (
        "import sys; sys.modules['papermill'] = None\n"
        "import activitysmith_jupyter.runners.engine\n"
        "heavy = {'httpx', 'pandas', 'IPython', 'attrs', 'tqdm', 'nbclient'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = run(sys.executable, "-c", script)
    assert done.returncode == 0, done.stderr


def managed(monkeypatch, answer):
    """Run the engine in this process, with papermill's execution replaced."""
    from papermill.engines import NBClientEngine

    from activitysmith_jupyter.runners.engine import ActivitySmithEngine

    def execute(cls, nb_man, kernel_name, **kwargs):
        answer(nb_man, kwargs)

    monkeypatch.setattr(NBClientEngine, "execute_managed_notebook", classmethod(execute))
    notebook = book(code("fit()"), code("score()"))
    notebook.metadata["papermill"] = {}
    return ActivitySmithEngine.execute_notebook(
        notebook, "python3", output_path="out.ipynb", input_path="in.ipynb", progress_bar=False
    )


def test_papermill_engine_reads_the_run_before_that_papermill_overwrites(emulator, monkeypatch):
    """The output file of the last run knows how long each cell takes."""
    nbformat.write(book(code("fit()", papermill={"duration": 30.0})), "out.ipynb")
    seen = []
    managed(monkeypatch, lambda *_: seen.extend(runtime().open_cards[0].plan.cells))
    assert [cell.seconds for cell in seen] == [30.0, None]


def test_papermill_engine_with_a_fault_of_ours_runs_the_notebook(monkeypatch):
    """A run without a card is better than no run."""

    def fail(*_, **__):
        raise RuntimeError("ours")

    monkeypatch.setattr("activitysmith_jupyter.runners._managed.followed", fail)
    ran = []
    managed(monkeypatch, lambda _, kwargs: ran.append(sorted(kwargs)))
    assert ran == [["input_path", "log_output"]]


def test_hooks_with_a_fault_of_ours_warn_and_go_on(emulator, monkeypatch, tmp_path):
    """A hook that raised would end the run."""
    monkeypatch.setattr(
        "activitysmith_jupyter.runners._runcard.RunCard.cell_ended", lambda *_: 1 / 0
    )
    notebook = book(code("6 * 7"))
    with pytest.warns(UserWarning, match="ZeroDivisionError"):
        execute(notebook, tmp_path)
    assert notebook.cells[0].outputs[0].data["text/plain"] == "42"


def test_papermill_run_with_parameters_tells_done(emulator):
    """With papermill's own command line."""
    notebook = book(
        code("n = 1", "parameters"),
        code("import os\nprint(n, os.environ['ACTIVITYSMITH_NOTEBOOK'])"),
    )
    done = papermill(notebook, "-p", "n", "7")
    assert done.returncode == 0, done.stderr
    out = nbformat.read("out.ipynb", 4)
    assert out.cells[-1].outputs[0].text == "7 in.ipynb\n"
    ((title, message),) = pushes(emulator)
    assert title == "✅ in: done"
    assert message.endswith(": 3 cells")


def test_papermill_run_that_fails_tells_and_fails(emulator):
    """The tool's own report is what it was."""
    done = papermill(book(code("x = 1"), code("raise ValueError('loss is NaN')")))
    assert done.returncode == 1
    assert "PapermillExecutionError" in done.stderr
    ((title, message),) = pushes(emulator)
    assert title == "❌ in: failed"
    assert "cell 2 of 2" in message
    assert message.endswith("ValueError: loss is NaN")


TALKATIVE = (
    (
        "%xmode Verbose\nimport logging, sys, warnings\n"
        "from activitysmith_jupyter import *\n"
        "logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, force=True)\n"
        "warnings.simplefilter('always')"
    ),
    "%load_ext activitysmith_jupyter\n%activity status",
    "%activity doctor",
    "Composer({'title': 'T', 'type': 'progress', 'percentage': 4}, stream_key='k')",
    "client = ActivitySmith()\nclient.notifications.send(title='t')",
    "[client, Activity('a', title='A'), Phone()]",
    (
        "import rich.traceback\nrich.traceback.install(show_locals=True)\n"
        "for _ in tqdm(range(3)): pass"
    ),
    "client.live_activities.update(activity_id='unknown', title='t')",
)


def test_papermill_run_that_shows_all_it_can_leaves_no_key(emulator):
    """The log, verbose tracebacks, widgets, in the result, in its HTML page, and on the screen."""
    done = papermill(book(*map(code, TALKATIVE)), "--log-output", "--log-level", "DEBUG")
    assert done.returncode == 1
    assert "HTTP Request" in done.stderr
    text = Path("out.ipynb").read_text(encoding="utf-8")
    for shown in ("found in ACTIVITYSMITH_API_KEY", "send_request_headers", "NotFoundError"):
        assert shown in text
    assert "_composer" in text or "application/vnd.jupyter.widget-view+json" in text
    page = run(BIN / "jupyter", "nbconvert", "--to", "html", "out.ipynb")
    assert page.returncode == 0, page.stderr
    assert "NotFoundError" in Path("out.html").read_text(encoding="utf-8")


def test_papermill_run_whose_kernel_dies_tells_that(emulator):
    """Dead kernels included."""
    done = papermill(book(code("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")))
    assert done.returncode != 0
    assert pushes(emulator)[0][0] == "❌ in: kernel died"


def test_papermill_run_without_a_key_runs_all_the_same():
    """And says on stderr what is missing."""
    done = papermill(book(code("print('ran')")))
    assert done.returncode == 0, done.stderr
    assert "no API key" in done.stderr


def test_nbconvert_execute_with_hooks_in_its_config_tells_done(emulator, tmp_path):
    """``jupyter nbconvert --execute``, by configuration alone."""
    config = tmp_path / "jupyter_config_dir"
    config.mkdir()
    (config / "jupyter_nbconvert_config.py").write_text(
        "from activitysmith_jupyter.runners import hooks\nc.ExecutePreprocessor.update(hooks())\n"
    )
    nbformat.write(book("# Report", code("6 * 7")), "report.ipynb")
    done = run(BIN / "jupyter", "nbconvert", "--to", "notebook", "--execute", "report.ipynb")
    assert done.returncode == 0, done.stderr
    assert pushes(emulator)[0][0] == "✅ Report: done"
    emulator.reset()
    nbformat.write(book("# Report", code("1 / 0"), code("2")), "report.ipynb")
    done = run(BIN / "jupyter", "nbconvert", "--to", "notebook", "--execute", "report.ipynb")
    assert done.returncode == 1
    ((title, message),) = pushes(emulator)
    assert title == "❌ Report: failed"
    assert "cell 1 of 2" in message


def test_run_command_executes_saves_and_tells(emulator):
    """For people without papermill."""
    notebook = book(code("n, name = 1, ''", "parameters"), code("print(n + 1, name)"))
    nbformat.write(notebook, "Nightly.ipynb")
    done = run(
        sys.executable, "-m", "activitysmith_jupyter.cli", "run", "Nightly.ipynb",
        "-p", "n", "41", "-p", "name", "Ada Lovelace", "-o", "result.ipynb",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert nbformat.read("result.ipynb", 4).cells[-1].outputs[0].text == "42 Ada Lovelace\n"
    assert pushes(emulator)[0][0] == "✅ Nightly: done"


def test_run_command_that_fails_saves_what_there_is(emulator):
    """Exit status 1, the error on one line, the outputs so far in the file."""
    nbformat.write(book(code("print('before')"), code("1 / 0")), "n.ipynb")
    done = run(sys.executable, "-m", "activitysmith_jupyter.cli", "run", "n.ipynb")
    assert done.returncode == 1
    assert "n.ipynb: ZeroDivisionError: division by zero" in done.stderr
    assert nbformat.read("n-run.ipynb", 4).cells[0].outputs[0].text == "before\n"
    ((_, message),) = pushes(emulator)
    assert message.startswith("Failed at cell 2 of 2 after")
    assert message.endswith("s: ZeroDivisionError: division by zero")


def test_run_command_that_is_interrupted_tells_stopped(emulator, tmp_path):
    """Ctrl-C is no failure."""
    nbformat.write(book(code("open('began', 'w')\n" + WAIT)), "n.ipynb")
    process = subprocess.Popen(
        [sys.executable, "-m", "activitysmith_jupyter.cli", "run", "n.ipynb"],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    wait_long(lambda: Path("began").exists())
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert pushes(emulator)[0][0] == "⏹ n: stopped"


def wait_long(condition):
    """Wait for another process, for at most half a minute."""
    for _ in range(60):
        try:
            wait(condition)
        except AssertionError:
            continue
        return
    raise AssertionError("it did not happen in time")


def test_run_command_that_could_not_save_refuses_before_the_work(emulator, tmp_path, capsys):
    """Not after hours, with all outputs lost."""
    nbformat.write(book(code("open('ran', 'w')")), "n.ipynb")
    assert main(["run", "n.ipynb", "-o", "nowhere/out.ipynb"]) == 2
    assert "nowhere/out.ipynb: No such file or directory" in capsys.readouterr().err
    assert not Path("ran").exists()
    assert pushes(emulator) == []


def test_run_command_with_a_kernel_that_is_not_there_could_not_begin(emulator, capsys):
    """Exit status 2, the name in the error, and word on the phone for a nightly run."""
    nbformat.write(book(code("1")), "n.ipynb")
    assert main(["run", "n.ipynb", "--kernel", "nosuch"]) == 2
    assert "No such kernel named nosuch" in capsys.readouterr().err
    assert pushes(emulator)[0][0] == "❌ n: failed"


def test_run_command_of_a_notebook_that_ends_itself_is_no_failure(emulator):
    """``sys.exit()`` in a cell: status 0, as papermill has it, and the rest has not run."""
    nbformat.write(book(code("import sys; sys.exit(0)"), code("never")), "n.ipynb")
    done = run(sys.executable, "-m", "activitysmith_jupyter.cli", "run", "n.ipynb")
    assert done.returncode == 0, done.stderr
    assert pushes(emulator)[0][0] == "⏹ n: stopped"


@pytest.mark.parametrize("name", ["none.ipynb", "broken.ipynb"])
def test_run_command_without_a_notebook_says_so(tmp_path, capsys, name):
    """Exit status 2, nothing written."""
    (tmp_path / "broken.ipynb").write_text("{")
    assert main(["run", name]) == 2
    assert capsys.readouterr().err.startswith(f"activitysmith-jupyter run: {name}")
    assert not (tmp_path / f"{Path(name).stem}-run.ipynb").exists()


def test_parameters_replace_those_of_an_earlier_injection():
    """As papermill does, behind the cell tagged parameters."""
    notebook = book(code("n = 1", "parameters"), code("n = 2", "injected-parameters"), code("n"))
    assert inject(notebook, [("n", "3"), ("s", "it's"), ("f", "None")]) == ""
    assert notebook.cells[1].source == '# Parameters\nn = 3\ns = "it\'s"\nf = None'
    assert len(notebook.cells) == 3


def test_parameters_that_cannot_be_set_are_refused():
    """Names that are none, and kernels that are not Python's."""
    assert "no name" in inject(book(), [("a b", "1")])
    notebook = book()
    notebook.metadata.kernelspec.language = "R"
    assert "Python notebooks only" in inject(notebook, [("a", "1")])


def test_doctor_command_reports_and_fails_without_a_key(monkeypatch, capsys):
    """For a terminal."""
    monkeypatch.setenv("ACTIVITYSMITH_BASE_URL", "http://127.0.0.1:9/api")
    assert main(["doctor"]) == 1
    report = capsys.readouterr().out
    assert "✗ API key" in report
    assert "✗ Network" in report
