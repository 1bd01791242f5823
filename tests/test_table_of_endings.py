from __future__ import annotations

import signal
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs
import nbformat
import pytest
from jupyter_client.manager import KernelManager
from support.faultproxy import FaultProxy, port_of
from support.mortals import (
    PRELUDE,
    account,
    ends,
    helpers,
    mortal,
    wait_until_ended,
    wait_until_gone,
)
from support.scripts import environment

from activitysmith_jupyter.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.mortals import Mortal

# From the end of the work, or the death of the process, to the verdict on the phone: five seconds
# for a death and for a flush; more where the network comes back in between.
AT_ONCE = 5.0
AFTER_A_WHILE = 15.0


@pytest.fixture
def emulator():
    with Emulator() as emulator:
        yield emulator


# ---------------------------------------------------------------- programs


@attrs.frozen(kw_only=True)
class Row:
    """A way for a program to end.

    Attributes
    ----------
    code : str
        Prints a line when the end is near, then waits for one.
    color, words : str
        The verdict.
    push : str
        Title of the one push, with ``ACTIVITYSMITH_NOTIFY=always``.
    act : callable
        What happens to it from outside.
    """

    code: str
    color: str
    words: str
    push: str
    act: Callable[[Mortal], None] = lambda program: program.go_on()


def kill(number: int) -> Callable[[Mortal], None]:
    return lambda program: program.process.send_signal(number)


def loop(body: str) -> str:
    """Return a loop whose 44th item does something."""
    return f"""
    def near():
        shown()
        print("near", flush=True)
        input()

    def work():
        for step in bar():
            if step == 43:
                near()
                {body}

    work()
    """


STAY = """
    print("left", flush=True)
    input()
    """

ROWS = {
    "normal-end": Row(code=loop("pass"), color="green", words="Done in", push="✅ Train: done"),
    "break": Row(
        code=loop("break"), color="gray", words="Stopped at 43 %", push="⏹ Train: stopped"
    ),
    "return-out-of-the-loop": Row(
        code=loop("return"), color="gray", words="Stopped at 43 %", push="⏹ Train: stopped"
    ),
    "break-and-the-program-goes-on": Row(
        # Nobody says why within the hold, which is ten seconds where no test waits for it.
        code="""
    from activitysmith_jupyter import _opencard
    _opencard.HOLD_SECONDS = 1.0
    """
        + loop("break")
        + STAY,
        color="gray",
        words="Stopped at 43 %",
        push="⏹ Train: stopped",
    ),
    "exception": Row(
        code=loop("raise ValueError('loss is NaN')"),
        color="red",
        words="ValueError: loss is NaN",
        push="❌ Train: failed",
    ),
    "exception-whose-traceback-is-kept": Row(
        code=loop("raise ValueError('kept')").replace(
            "    work()\n",
            """    try:
        work()
    except ValueError as error:
        kept = error
    raise kept
""",
        ),
        color="red",
        words="ValueError: kept",
        push="❌ Train: failed",
    ),
    "interrupt": Row(
        # In short naps: a signal that comes just before a long one is heard only after it.
        code=loop("while True: time.sleep(0.01)"),
        act=lambda program: (program.go_on(), program.process.send_signal(signal.SIGINT))[0],
        color="gray",
        words="interrupted",
        push="⏹ Train: stopped",
    ),
    "early-close": Row(
        code="""
    train = bar()
    train.update(43)
    shown()
    print("near", flush=True)
    input()
    train.close()
    """,
        color="gray",
        words="Stopped at 43 %",
        push="⏹ Train: stopped",
    ),
    "generator-left-half-way": Row(
        code="""
    def items():
        for step in bar():
            yield step

    generator = items()
    for _ in range(44):
        next(generator)
    shown()
    print("near", flush=True)
    input()
    del generator
    """,
        color="gray",
        words="Stopped at 43 %",
        push="⏹ Train: stopped",
    ),
    "kill-9": Row(
        code=loop("pass"),
        act=kill(signal.SIGKILL),
        color="red",
        words="Program died at 43 %, ",
        push="❌ Train: program died",
    ),
    "segmentation-fault": Row(
        code=loop("os.kill(os.getpid(), 11)"),
        color="red",
        words="Program died at 43 %, ",
        push="❌ Train: program died",
    ),
    "os-exit": Row(
        code=loop("os._exit(0)"),
        color="red",
        words="Program died at 43 %, ",
        push="❌ Train: program died",
    ),
    "sigterm": Row(
        code=loop("pass"),
        act=kill(signal.SIGTERM),
        color="red",
        words="Program died at 43 %, ",
        push="❌ Train: program died",
    ),
    "sigterm-that-the-program-handles": Row(
        code="""
    import signal
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    """
        + loop("pass"),
        act=kill(signal.SIGTERM),
        color="gray",
        words="Stopped at 43 %",
        push="⏹ Train: stopped",
    ),
    "sys-exit": Row(
        code=loop("sys.exit(3)"),
        color="gray",
        words="Stopped at 43 %",
        push="⏹ Train: stopped",
    ),
    "crashed-worker-that-is-noticed": Row(
        code="""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    """
        + loop(
            """
                fork = multiprocessing.get_context("fork")
                with ProcessPoolExecutor(1, mp_context=fork) as pool:
                    pool.submit(os._exit, 1).result()
            """
        ),
        color="red",
        words="BrokenProcessPool",
        push="❌ Train: failed",
    ),
    "crashed-worker-that-nobody-needs": Row(
        code="""
    import multiprocessing
    """
        + loop(
            """
                worker = multiprocessing.get_context("fork").Process(target=os._exit, args=(1,))
                worker.start()
                worker.join()
            """
        ),
        color="green",
        words="Done in",
        push="✅ Train: done",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_ending_of_a_program_is_told_once_and_truly(emulator: Emulator, row: Row) -> None:
    """However a program ends: its colour and words, in time, one end, one push, no open card."""
    env = account(emulator, ACTIVITYSMITH_NOTIFY="always")
    with mortal(row.code, env) as program:
        assert program.wait_for_line() == "near"
        row.act(program)
        state = wait_until_ended(emulator, AT_ONCE)
        emulator.wait_for(lambda: emulator.phone.pushes, AT_ONCE)
    for helper in program.helpers():
        wait_until_gone(helper)
    assert state["color"] == row.color
    assert row.words in state["subtitle"]
    assert ends(emulator) == 1
    assert [push["title"] for push in emulator.phone.pushes] == [row.push]


def test_ending_with_the_network_down_is_delivered_when_it_comes_back(emulator: Emulator) -> None:
    """A program's exit waits a bounded time; its helper goes on trying, with the true verdict."""
    with FaultProxy(port_of(emulator.url)) as network:
        env = account(emulator, ACTIVITYSMITH_NOTIFY="always", ACTIVITYSMITH_FLUSH_SECONDS="0.3")
        env["ACTIVITYSMITH_BASE_URL"] = network.base_url
        with mortal(loop("pass"), env) as program:
            program.wait_for_line()
            network.set("refuse")
            _, errors = program.process.communicate("\n", timeout=AT_ONCE)
            (helper,) = program.helpers()
            assert emulator.phone.cards[0]["status"] == "active"
            network.heal()
            state = wait_until_ended(emulator, AFTER_A_WHILE)
            emulator.wait_for(lambda: emulator.phone.pushes, AFTER_A_WHILE)
            wait_until_gone(helper)
    assert program.process.returncode == 0
    assert "a helper process goes on trying" in errors
    assert state["subtitle"].startswith("Done in")
    assert ends(emulator) == 1
    assert len(emulator.phone.pushes) == 1


def test_ending_by_kill_while_a_verdict_waits_for_the_network_is_that_verdict(
    emulator: Emulator,
) -> None:
    """Work that was done is done, also when its process is killed before it could say so."""
    with FaultProxy(port_of(emulator.url)) as network:
        env = account(emulator, ACTIVITYSMITH_NOTIFY="always")
        env["ACTIVITYSMITH_BASE_URL"] = network.base_url
        code = (
            loop("pass")
            + """
    runtime().courier.settle()
    while not all(card.ending for card in runtime().courier._cards.values()):
        time.sleep(0.005)
    shown("Done in")
    print("done", flush=True)
    input()
    """
        )
        with mortal(code, env) as program:
            program.wait_for_line()
            network.set("refuse")
            program.go_on()
            assert program.wait_for_line() == "done"
            program.process.kill()
            program.process.wait()
            network.heal()
            state = wait_until_ended(emulator, AFTER_A_WHILE)
            emulator.wait_for(lambda: emulator.phone.pushes, AFTER_A_WHILE)
    assert state["subtitle"].startswith("Done in")
    assert state["color"] == "green"
    assert [push["title"] for push in emulator.phone.pushes] == ["✅ Train: done"]


# ---------------------------------------------------------------- notebooks


@attrs.define
class Notebook:
    """A running kernel."""

    manager: KernelManager
    client: Any
    mark: str

    def start(self, code: str) -> str:
        """Start a cell and return the message's number."""
        return str(self.client.execute(code))

    def run(self, code: str) -> dict[str, Any]:
        """Run a cell to its end and return the reply."""
        reply: dict[str, Any] = self.client.execute_interactive(
            code, timeout=60, output_hook=lambda _: None
        )["content"]
        return reply

    def wait_for_text(self, text: str) -> None:
        """Wait until a cell printed a text."""
        printed = ""
        while text not in printed:
            message = self.client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "stream":
                printed += message["content"]["text"]


@contextmanager
def kernel(emulator: Emulator) -> Iterator[Notebook]:
    """Start a kernel of an account whose cells know the prelude, and check all when it is gone."""
    env = environment(account(emulator, ACTIVITYSMITH_NOTIFY="always"))
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=env)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        notebook = Notebook(manager, client, env["MORTAL_TEST"])
        assert notebook.run(PRELUDE)["status"] == "ok"
        yield notebook
    finally:
        client.stop_channels()
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
    check_once(emulator, env["MORTAL_TEST"])


def check_once(emulator: Emulator, mark: str) -> None:
    """Check that all is over, helpers included, and that it was said once."""
    for helper in helpers(mark):
        wait_until_gone(helper)
    assert {card["status"] for card in emulator.phone.cards} == {"ended"}
    assert ends(emulator) == 1
    assert len(emulator.phone.pushes) == 1


BUSY = """
for step in bar():
    if step == 43:
        shown()
        print("near", flush=True)
        {}
"""
SLEEP = BUSY.format("while True: time.sleep(0.01)")
# Deaf to the interrupt, as code in C may be, and to the signal to end.
DEAF = BUSY.format(
    """import signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            time.sleep(0.1)"""
)


def check(emulator: Emulator, color: str, words: str, seconds: float = AT_ONCE) -> None:
    """Check the verdict."""
    state = wait_until_ended(emulator, seconds)
    assert state["color"] == color
    assert words in state["subtitle"]
    emulator.wait_for(lambda: emulator.phone.pushes, AT_ONCE)


def test_ending_of_a_cell_that_fails_leaves_another_cells_bar_open(emulator: Emulator) -> None:
    """The error of one cell says nothing about the work of another."""
    with kernel(emulator) as notebook:
        notebook.run("train = bar(); train.update(43); shown()")
        assert notebook.run("1 / 0")["status"] == "error"
        assert emulator.phone.cards[0]["status"] == "active"
        notebook.run("train.update(57); train.close()")
        check(emulator, "green", "Done in")


def test_ending_of_a_cell_that_fails_is_told_for_its_own_bar(emulator: Emulator) -> None:
    """A cell's error ends its own bar, red, as soon as the cell is over."""
    with kernel(emulator) as notebook:
        assert notebook.run(BUSY.format("raise ValueError('loss')"))["status"] == "error"
        check(emulator, "red", "ValueError: loss")


def test_ending_by_interrupt_of_a_cell_is_stopped(emulator: Emulator) -> None:
    """The stop button stops the work; it did not fail."""
    with kernel(emulator) as notebook:
        notebook.start(SLEEP)
        notebook.wait_for_text("near")
        notebook.manager.interrupt_kernel()
        check(emulator, "gray", "interrupted")


@pytest.mark.parametrize("restart", [True, False], ids=["restart", "shutdown"])
@pytest.mark.parametrize(
    ("code", "words"),
    [
        # The interrupt that comes first, or the request that follows at once.
        pytest.param(SLEEP, "Stopped at 43 %", id="busy"),
        pytest.param("train = bar(); train.update(43); shown(); print('near')", "", id="idle"),
        pytest.param(DEAF, "", id="deaf"),
    ],
)
def test_ending_of_a_kernel_by_hand_is_stopped_not_died(
    emulator: Emulator, restart: bool, code: str, words: str
) -> None:
    """Whoever restarts or shuts down a kernel stops its work, also where it does not listen."""
    told = "the kernel restarted" if restart else "the kernel was shut down"
    with kernel(emulator) as notebook:
        notebook.start(code)
        notebook.wait_for_text("near")
        before = helpers(notebook.mark)
        if restart:
            notebook.manager.restart_kernel()
        else:
            notebook.manager.shutdown_kernel()
        check(emulator, "gray", words or told)
        for helper in before:
            wait_until_gone(helper)


@pytest.mark.parametrize(
    ("code", "act"),
    [
        pytest.param(SLEEP, lambda manager: manager.signal_kernel(signal.SIGKILL), id="kill-9"),
        pytest.param(SLEEP, lambda manager: manager.signal_kernel(signal.SIGTERM), id="sigterm"),
        pytest.param(
            BUSY.format("time.sleep(0.2); os._exit(1)"), lambda _: None, id="os-exit-in-a-cell"
        ),
    ],
)
def test_ending_of_a_kernel_that_dies_is_died(
    emulator: Emulator, code: str, act: Callable[[KernelManager], None]
) -> None:
    """A kernel that is gone without a word died, and the phone says so within five seconds."""
    with kernel(emulator) as notebook:
        notebook.start(code)
        notebook.wait_for_text("near")
        act(notebook.manager)
        check(emulator, "red", "Kernel died at 43 %, ")


def test_ending_of_a_notebook_run_by_nbclient_is_told(emulator: Emulator) -> None:
    """A notebook that a program runs ends its cards as one that a person runs."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    cells = [PRELUDE, BUSY.format("raise ValueError('in nbclient')")]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    env = environment(account(emulator, ACTIVITYSMITH_NOTIFY="always"))
    client = NotebookClient(book, timeout=60, kernel_name="python3")
    with pytest.raises(CellExecutionError):
        client.execute(env=env)
    check(emulator, "red", "ValueError: in nbclient")
    check_once(emulator, env["MORTAL_TEST"])


def test_ending_of_a_kernel_killed_under_nbclient_is_died(emulator: Emulator) -> None:
    """The runner learns of a dead kernel, and so does the phone."""
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    cells = [PRELUDE, BUSY.format("os.kill(os.getpid(), 9)")]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    env = environment(account(emulator, ACTIVITYSMITH_NOTIFY="always"))
    with pytest.raises(DeadKernelError):
        NotebookClient(book, timeout=60, kernel_name="python3").execute(env=env)
    check(emulator, "red", "Kernel died at 43 %, ")
    check_once(emulator, env["MORTAL_TEST"])


# ---------------------------------------------------------------- runners


# The kernel would end itself soon after its runner; here it goes on, and must do no harm.
INNER_BARS = """
import os, time
from activitysmith_jupyter import tqdm
from activitysmith_jupyter._runtime import runtime
parent, runner = os.getppid, os.getppid()
os.getppid = lambda: runner
for step in tqdm(range(10), desc="epochs", file=open(os.devnull, "w")):
    while step == 4 and parent() == runner:
        open("begun.txt", "w").close()
        {act}
        time.sleep(0.01)
    cards = len(runtime().open_cards)
with open("after.txt", "w") as file:
    file.write(f"{{step + 1}} steps, {{cards}} cards")
os._exit(0)
"""
RUNNERS = {
    "papermill": """
    from papermill.cli import papermill
    papermill(["in.ipynb", "out.ipynb", "--engine", "activitysmith", "--no-progress-bar"])
    """,
    "run": """
    from activitysmith_jupyter.cli import main
    sys.exit(main(["run", "in.ipynb"]))
    """,
}
BEFORE_THE_RUN = """
    import threading
    from activitysmith_jupyter.runners import _runcard
    _runcard._OPENS_AFTER_SECONDS = 0.0
    runtime()
    def near():
        while not os.path.exists("begun.txt"):
            time.sleep(0.01)
        shown("cell 2 of 2")
        print("near", flush=True)
    threading.Thread(target=near, daemon=True).start()
    """


WAITS = """
import os, time
open("begun.txt", "w").close()
while not os.path.exists("go"):
    time.sleep(0.01)
6 * 7
"""


@contextmanager
def run_of_a_notebook(
    env: dict[str, str], runner: str, folder: Path, last_cell: str
) -> Iterator[Mortal]:
    """Start a runner on a notebook of two cells."""
    cells = ["x = 1", last_cell]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": kernel},
    )
    nbformat.write(book, folder / "in.ipynb")
    code = f"os.chdir({str(folder)!r})\n" + textwrap.dedent(BEFORE_THE_RUN + RUNNERS[runner])
    with mortal(code, env) as program:
        yield program


@pytest.mark.parametrize("runner", RUNNERS)
def test_ending_of_a_killed_runner_is_died_and_its_kernels_bars_do_no_harm(
    emulator: Emulator, runner: str, tmp_path: Path
) -> None:
    """The watchdog speaks for the runner; the orphaned kernel's bars loop on and open no card."""
    bars = INNER_BARS.format(act="pass")
    with run_of_a_notebook(account(emulator), runner, tmp_path, bars) as program:
        assert program.wait_for_line() == "near"
        helpers_before = program.helpers()
        program.process.kill()
        state = wait_until_ended(emulator, AT_ONCE)
        emulator.wait_for(lambda: emulator.phone.pushes, AT_ONCE)
    # The runner's output ended with the kernel, which had it open, too.
    assert (tmp_path / "after.txt").read_text() == "10 steps, 0 cards"
    for helper in helpers_before:
        wait_until_gone(helper)
    assert state["color"] == "red"
    assert state["subtitle"].startswith("Program died at cell 2 of 2, ")
    assert [shown.kind for shown in emulator.phone.history if shown.kind == "start"] == ["start"]
    assert ends(emulator) == 1
    assert [push["title"] for push in emulator.phone.pushes] == ["❌ in: program died"]


@pytest.mark.parametrize("runner", RUNNERS)
def test_ending_of_a_kernel_killed_under_a_runner_is_died(
    emulator: Emulator, runner: str, tmp_path: Path
) -> None:
    """The runner says of a dead kernel that it died, once, and fails as it would have."""
    bars = INNER_BARS.format(act="if os.path.exists('die'): os.kill(os.getpid(), 9)")
    with run_of_a_notebook(account(emulator), runner, tmp_path, bars) as program:
        assert program.wait_for_line() == "near"
        (tmp_path / "die").touch()
        state = wait_until_ended(emulator, AT_ONCE)
        emulator.wait_for(lambda: emulator.phone.pushes, AT_ONCE)
        program.process.wait(60)
    assert program.process.returncode not in {0, -signal.SIGKILL}
    assert state["color"] == "red"
    assert state["subtitle"].startswith("Kernel died at cell 2 of 2")
    assert ends(emulator) == 1
    assert [push["title"] for push in emulator.phone.pushes] == ["❌ in: kernel died"]


@pytest.mark.parametrize("runner", RUNNERS)
def test_ending_of_a_run_with_the_network_down_saves_all_and_is_told_later(
    emulator: Emulator, runner: str, tmp_path: Path
) -> None:
    """The notebook is done as ever, the runner says what is missing, and its helper delivers it."""
    with FaultProxy(port_of(emulator.url)) as network:
        env = account(emulator, ACTIVITYSMITH_FLUSH_SECONDS="0.3")
        env["ACTIVITYSMITH_BASE_URL"] = network.base_url
        with run_of_a_notebook(env, runner, tmp_path, WAITS) as program:
            assert program.wait_for_line() == "near"
            network.set("refuse")
            (tmp_path / "go").touch()
            _, errors = program.process.communicate(timeout=60)
            (helper,) = program.helpers()
            network.heal()
            state = wait_until_ended(emulator, AFTER_A_WHILE)
            emulator.wait_for(lambda: emulator.phone.pushes, AFTER_A_WHILE)
            wait_until_gone(helper)
    assert program.process.returncode == 0
    assert "a helper process goes on trying" in errors
    (output,) = (
        tmp_path / name for name in ("out.ipynb", "in-run.ipynb") if (tmp_path / name).exists()
    )
    assert nbformat.read(output, 4).cells[-1].outputs[0].data["text/plain"] == "42"
    assert state["subtitle"].startswith("Done in")
    assert ends(emulator) == 1
    assert [push["title"] for push in emulator.phone.pushes] == ["✅ in: done"]
