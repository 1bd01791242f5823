from __future__ import annotations

import atexit
import contextlib
import functools
import io
import os
import sys
import threading
import warnings
from unittest import mock

import pytest
from support.postroom import Postroom
from support.shell import let_go

from activitysmith_jupyter import Activity, configure
from activitysmith_jupyter._courier import Courier
from activitysmith_jupyter._opencard import HOLD_SECONDS
from activitysmith_jupyter._outcome import Outcome
from activitysmith_jupyter._runtime import Runtime, replace_runtime, runtime
from activitysmith_jupyter.emulator import Emulator
from activitysmith_jupyter.exceptions import ActivitySmithWarning


@pytest.fixture
def room():
    with Postroom() as room:
        yield room


@pytest.fixture
def hooks(monkeypatch):
    """Put quiet hooks in place, and return what they heard."""
    heard = []
    monkeypatch.setattr(sys, "excepthook", lambda *args: heard.append(("main", args[1])))
    monkeypatch.setattr(
        threading, "excepthook", lambda args: heard.append(("thread", args.exc_value))
    )
    return heard


# ---------------------------------------------------------------------- ears


def test_runtime_before_the_first_card_listens_to_nothing(hooks):
    """Making a runtime, or asking for it, changes no hook of the program."""
    before = sys.excepthook, threading.excepthook
    with mock.patch.object(atexit, "register") as register:
        assert runtime().open_cards == []
    assert (sys.excepthook, threading.excepthook) == before
    register.assert_not_called()


def test_release_restores_the_hooks_that_were_there(room, hooks):
    """Unloading leaves the program as it was found, and a later card listens again."""
    before = sys.excepthook, threading.excepthook
    for _ in range(2):
        with (
            mock.patch.object(atexit, "register") as register,
            mock.patch.object(atexit, "unregister") as unregister,
        ):
            room.activity().open()
            room.activity("other").open()
            assert sys.excepthook is not before[0]
            assert threading.excepthook is not before[1]
            register.assert_called_once_with(room.runtime.shut_down)
            room.runtime.release()
            unregister.assert_called_once_with(room.runtime.shut_down)
        assert (sys.excepthook, threading.excepthook) == before


def test_release_leaves_hooks_that_came_later(room, hooks):
    """A hook that somebody put over ours stays, and the chain below it still works."""
    activity = room.activity()
    activity.open()
    ours = sys.excepthook
    later = sys.excepthook = functools.partial(ours)
    room.runtime.release()
    assert sys.excepthook is later
    error = ValueError("x")
    sys.excepthook(ValueError, error, None)
    assert hooks == [("main", error)]


def test_uncaught_exception_fails_every_open_card_and_is_passed_on(room, hooks):
    """The end of a script with an error is the end of all its cards, and is printed as ever."""
    for name in ("one", "two"):
        room.activity(name).open()
    room.step()
    error = ValueError("first\nloss is NaN")
    sys.excepthook(ValueError, error, None)
    room.step()
    cards = room.emulator.phone.cards
    assert {card["content_state"]["color"] for card in cards} == {"red"}
    assert all("ValueError: loss is NaN" in card["content_state"]["subtitle"] for card in cards)
    assert hooks == [("main", error)]


def test_exception_in_a_thread_fails_only_the_cards_of_that_thread(room, hooks):
    """A worker thread that dies takes its own card with it, and nobody else's."""
    room.activity("main").open()
    error = ValueError("x")

    def work():
        room.activity("worker").open()
        room.step()
        raise error

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    room.step()
    status = {card["stream_key"]: card["status"] for card in room.emulator.phone.cards}
    assert status == {"main": "active", "worker": "ended"}
    assert [card.stream_key for card in room.runtime.open_cards] == ["main"]
    assert hooks == [("thread", error)]


# ---------------------------------------------------------------------- held verdicts


def test_held_verdict_becomes_final_when_nobody_knows_better(room):
    """After a moment the loop was simply left, and the card says so."""
    activity = room.activity()
    activity.open()
    room.step()
    activity.hold(Outcome("stopped"))
    room.pass_time(HOLD_SECONDS - 1)
    assert room.card["status"] == "active"
    room.pass_time(3)
    assert room.card["status"] == "ended"
    assert activity.outcome == Outcome("stopped")


def test_held_verdict_gives_way_to_the_error_that_left_the_loop(room, hooks):
    """``break`` and an error look the same to a loop; the hook knows."""
    activity = room.activity()
    activity.open()
    room.step()
    activity.hold(Outcome("stopped"))
    sys.excepthook(ValueError, ValueError("x"), None)
    assert activity.outcome == Outcome("failed", "ValueError: x")


def test_held_verdict_that_was_released_does_not_end_the_card(room):
    """The work goes on, and so does its card."""
    activity = room.activity()
    activity.open()
    activity.hold(Outcome("stopped"))
    activity.release_hold()
    room.pass_time(10 * HOLD_SECONDS)
    assert activity.is_open


# ---------------------------------------------------------------------- the end of the program


def test_shut_down_stops_what_is_open_and_keeps_what_is_held(room):
    """At the end of the program every card gets its verdict, and waiting is over."""
    opened, held = room.activity("open"), room.activity("held")
    for activity in (opened, held):
        activity.open()
    room.step()
    held.hold(Outcome("done"))
    room.runtime.shut_down()
    assert (opened.outcome.verdict, held.outcome.verdict) == ("stopped", "done")
    assert {card["status"] for card in room.emulator.phone.cards} == {"ended"}
    assert room.runtime.open_cards == []


def test_shut_down_waits_as_long_as_the_setting_says(room):
    """``flush_seconds`` bounds the wait; nothing else delays the end."""
    configure(flush_seconds=0.5)
    with mock.patch.object(room.courier, "flush", return_value=True) as flush:
        room.runtime.shut_down()
    flush.assert_called_once_with(0.5)


@pytest.mark.parametrize("variable", ["ACTIVITYSMITH_COLOR", "ACTIVITYSMITH_FLUSH_SECONDS"])
def test_shut_down_with_unusable_settings_still_sends_the_last_words(room, monkeypatch, variable):
    """A typing error in the environment costs no card its verdict."""
    room.activity().open()
    room.step()
    monkeypatch.setenv(variable, "~")
    with mock.patch.object(room.courier, "flush", wraps=room.courier.flush) as flush:
        room.runtime.shut_down()
    flush.assert_called_once_with(5.0)
    assert room.card["status"] == "ended"


def test_shut_down_that_could_not_deliver_says_so(room):
    """A card that may stay on the phone is admitted."""
    room.activity().open()
    room.step()
    room.wire.cut = True
    with pytest.warns(ActivitySmithWarning) as said:
        room.runtime.shut_down()
    texts = [str(warning.message) for warning in said]
    assert len(texts) == 2
    assert "cannot be reached" in texts[0]
    assert "may stay on the phone" in texts[1]


def test_shut_down_in_another_process_does_nothing(room, monkeypatch):
    """A forked child leaves the cards to its parent."""
    room.activity().open()
    room.step()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    room.runtime.shut_down()
    monkeypatch.undo()
    assert room.card["status"] == "active"
    assert len(room.runtime.open_cards) == 1


def test_runtime_is_one_per_process(monkeypatch):
    """Every caller gets the same one; a forked child gets one of its own."""
    first = runtime()
    assert runtime() is first
    monkeypatch.setattr(os, "getpid", lambda: -1)
    second = runtime()
    assert second is not first
    replace_runtime(None)


def test_runtime_that_several_threads_ask_for_first_is_one():
    """Threads that make the first bars at the same moment have one runtime, and so one card."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            replace_runtime(None)
            ready, found = threading.Barrier(8), []

            def ask(ready=ready, found=found):
                ready.wait(30)
                found.append(runtime())

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(set(map(id, found))) == 1
    finally:
        sys.setswitchinterval(interval)


def test_notices_are_not_said_by_the_background_thread():
    """What the user should know waits for a thread of theirs."""
    with Emulator(rate_limits="off") as emulator, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        courier = Courier()
        here = Runtime(courier)
        asked = threading.Event()
        courier._post(lambda: (courier._notices.note("news"), here.say_notices(), asked.set()))
        assert asked.wait(30)
        assert said == []
        here.say_notices()
        assert [str(warning.message) for warning in said] == ["news"]
        emulator.check()


# ---------------------------------------------------------------------- cells


@pytest.fixture
def shell(room, monkeypatch, tmp_path):
    """Give a real IPython shell whose cells know `room`."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        InteractiveShell.clear_instance()
        shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    shell.push({"room": room})
    yield shell
    room.runtime.release()
    shell.history_manager.end_session()
    let_go(shell)


def run(shell, code):
    """Run a cell and keep its output away."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # IPython's own words about exit
        return shell.run_cell(code)


def test_cell_that_fails_fails_the_cards_it_opened(room, shell):
    """The card of a cell says how the cell ended, with the error's type and last line."""
    result = run(shell, "activity = room.activity(); activity.open(); room.step(); 1 / 0")
    room.step()
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert room.card["status"] == "ended"
    assert "ZeroDivisionError: division by zero" in room.state["subtitle"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [("raise KeyboardInterrupt", "interrupted"), ("raise SystemExit(3)", "exit 3")],
)
def test_cell_that_is_stopped_stops_its_cards(room, shell, line, reason):
    """An interrupt is no failure."""
    run(shell, f"activity = room.activity(); activity.open(); room.step(); {line}")
    assert shell.user_ns["activity"].outcome == Outcome("stopped", reason)


def test_activity_left_open_by_a_cell_goes_on_in_the_next(room, shell):
    """A card may live through many cells, and another cell's error is not its own."""
    run(shell, "activity = room.activity(); activity.open(); room.step()")
    run(shell, "activity.update(percentage=50)")
    run(shell, "1 / 0")
    room.pass_time(5)
    assert room.card["status"] == "active"
    assert room.state["percentage"] == 50
    run(shell, "activity.end()")
    room.step()
    assert room.card["status"] == "ended"


def test_verdict_held_at_the_end_of_a_cell_is_said_at_once(room, shell):
    """A loop left by ``break`` in a cell without an error was stopped."""
    run(
        shell,
        "from activitysmith_jupyter._outcome import Outcome\n"
        "activity = room.activity(); activity.open(); room.step()\n"
        "activity.hold(Outcome('stopped'))",
    )
    room.step()
    assert room.card["status"] == "ended"


def test_notices_are_printed_once_at_the_end_of_the_cell(room, shell, capsys):
    """What could not be delivered is said where the user looks, and by no warning in between."""
    room.wire.cut = True
    run(shell, "activity = room.activity(); activity.open(); room.step(); activity.end()")
    run(shell, "pass")
    assert capsys.readouterr().err.count("ActivitySmith: ActivitySmith cannot be reached") == 1


def test_card_opened_before_any_shell_hears_of_later_cells(room, shell):
    """The shell is found with whichever card comes first after it."""
    assert room.runtime._shell is None
    run(shell, "room.activity().open()")
    assert room.runtime._shell is shell
    assert isinstance(room.runtime.open_cards[0], Activity)
