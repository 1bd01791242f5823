from __future__ import annotations

import signal
import socket

import pytest
from support.scripts import run_script

from activitysmith_jupyter.emulator import Emulator

# A card that is on the phone when the program comes to its end.
SHOWN = """
import os, signal, sys, threading
from activitysmith_jupyter import Activity

shown = threading.Event()

class Watched(Activity):
    def delivered(self):
        super().delivered()
        shown.set()

activity = Watched("job", title="Nightly job", percentage=40)
activity.open()
shown.wait()
"""


@pytest.fixture
def emulator():
    with Emulator(rate_limits="off") as emulator:
        yield emulator


@pytest.fixture
def run(emulator):
    """Run a program whose settings lead to the emulator."""

    def run(code, **env):
        settings = {
            "ACTIVITYSMITH_API_KEY": emulator.api_key,
            "ACTIVITYSMITH_BASE_URL": emulator.base_url,
            # Generous, so that a busy machine delivers all the same; nothing here uses it up.
            "ACTIVITYSMITH_FLUSH_SECONDS": "60",
        }
        return run_script(code, env=settings | env)

    return run


@pytest.mark.parametrize(
    ("ending", "code", "color", "words", "stderr"),
    [
        pytest.param(
            "pass", 0, "gray", "Stopped at 40 % after … : the program ended", "", id="normal"
        ),
        pytest.param(
            "raise ValueError('first\\nloss is NaN')",
            1,
            "red",
            "Failed at 40 % after … : ValueError: loss is NaN",
            "loss is NaN",
            id="error",
        ),
        pytest.param(
            "raise KeyboardInterrupt",
            -signal.SIGINT,
            "gray",
            "Stopped at 40 % after … : interrupted",
            "KeyboardInterrupt",
            id="interrupt",
        ),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGINT); threading.Event().wait()",
            -signal.SIGINT,
            "gray",
            "Stopped at 40 % after … : interrupted",
            "KeyboardInterrupt",
            id="ctrl-c",
        ),
        pytest.param(
            "sys.exit(3)",
            3,
            "gray",
            "Stopped at 40 % after … : the program ended",
            "",
            id="exit-3",
        ),
        pytest.param(
            "with activity: sys.exit(3)",
            3,
            "gray",
            "Stopped at 40 % after … : exit 3",
            "",
            id="exit-3-in-block",
        ),
        pytest.param(
            "with activity: {}['label']",
            1,
            "red",
            "Failed at 40 % after … : KeyError: 'label'",
            "KeyError: 'label'",
            id="error-in-block",
        ),
        pytest.param(
            "sys.excepthook = lambda *args: None; {}['label']",
            1,
            "gray",
            "Stopped at 40 % after … : the program ended",
            "",
            id="error-unheard",
        ),
    ],
)
def test_program_end_is_the_verdict_of_its_open_card(
    emulator, run, ending, code, color, words, stderr
):
    """However a program ends, its card says how, and exit status and traceback are its own."""
    answer = run(SHOWN + ending)
    (card,) = emulator.phone.cards
    state = card["content_state"]
    before, after = words.split("… ")
    assert card["status"] == "ended"
    assert state["color"] == color
    assert state["subtitle"].startswith(before)
    assert state["subtitle"].endswith(after)
    assert answer.returncode == code
    assert stderr in answer.stderr
    assert answer.stderr.count("Traceback") == (1 if stderr else 0)
    assert [record.operation for record in emulator.requests] == ["started", "ended"]


def test_thread_that_dies_fails_its_own_card_only(emulator, run):
    """The program goes on, and so does its own card until the program ends."""
    answer = run(
        SHOWN
        + """
def work():
    shown.clear()
    mine = Watched("worker", percentage=10)
    mine.open()
    shown.wait()
    raise ValueError("worker lost")

thread = threading.Thread(target=work)
thread.start()
thread.join()
activity.end("done")
"""
    )
    assert answer.returncode == 0
    assert answer.stderr.count("Traceback") == 1
    states = {card["stream_key"]: card["content_state"] for card in emulator.phone.cards}
    assert states["worker"]["subtitle"].endswith("ValueError: worker lost")
    assert states["job"]["color"] == "green"


def test_program_over_at_once_still_sends_its_push(emulator, run):
    """The end of the program waits for what it has to say."""
    answer = run(
        """
        from activitysmith_jupyter import Activity
        with Activity("quick", notify="always"):
            pass
        """
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert [push["title"] for push in emulator.phone.pushes] == ["✅ quick: done"]


def test_program_whose_server_hangs_ends_and_admits_it(emulator, run):
    """A server that never answers cannot keep a program from ending."""
    emulator.faults.add("hang", method="DELETE")
    answer = run(SHOWN, ACTIVITYSMITH_FLUSH_SECONDS="0.3")
    assert answer.returncode == 0
    assert "did not reach ActivitySmith in time" in answer.stderr
    assert "Traceback" not in answer.stderr
    # It ended while its request was still held.
    assert emulator.requests[-1].status is None


def test_program_without_a_server_ends_as_it_would_and_says_why(run):
    """Nobody there from the start: one line says so, and no card is feared for."""
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer = run(
            """
            import threading
            from activitysmith_jupyter import Activity
            from activitysmith_jupyter._notices import Notices

            told = threading.Event()
            note = Notices.note

            def watched(self, notice):
                note(self, notice)
                told.set()

            Notices.note = watched
            with Activity("job") as activity:
                activity.update(percentage=50)
                told.wait(60)
            print("the work is done")
            """,
            ACTIVITYSMITH_BASE_URL=f"http://127.0.0.1:{port}/api",
        )
    assert (answer.returncode, answer.stdout) == (0, "the work is done\n")
    assert answer.stderr.count("cannot be reached") == 1
    assert "may stay on the phone" not in answer.stderr
    assert "Traceback" not in answer.stderr


def test_program_that_makes_warnings_errors_is_not_ended_by_one_of_ours(run):
    """``-W error`` concerns the program's code; a notice about the phone is printed then."""
    answer = run(
        """
        from activitysmith_jupyter import Activity
        with Activity("job"):
            print("the work is done")
        """,
        ACTIVITYSMITH_API_KEY="",
        PYTHONWARNINGS="error",
        PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring",
    )
    assert (answer.returncode, answer.stdout) == (0, "the work is done\n")
    assert "no API key" in answer.stderr


def test_child_of_a_fork_that_ends_with_an_error_leaves_the_card_to_its_parent(emulator, run):
    """A forked child has its own end; the card is not its."""
    answer = run(
        SHOWN
        + """
child = os.fork()
if child == 0:
    raise ValueError("only the child")
os.waitpid(child, 0)
activity.end("done")
"""
    )
    assert answer.returncode == 0
    assert "only the child" in answer.stderr
    assert [record.operation for record in emulator.requests] == ["started", "ended"]
    assert emulator.phone.cards[0]["content_state"]["color"] == "green"
