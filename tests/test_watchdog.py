from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.canary import CANARY, assert_no_key, spellings
from support.mortals import (
    account,
    ends,
    helpers,
    is_alive,
    mortal,
    wait_until_ended,
    wait_until_gone,
)
from support.phonebench import Clock
from support.scripts import run_script
from support.waits import Waits
from tqdm import tqdm

from activitysmith_jupyter import Activity, _runtime, _watchdog, _watchdog_child, configure
from activitysmith_jupyter._bargroup import BarGroup, Look
from activitysmith_jupyter._courier import Courier
from activitysmith_jupyter._secret import Secret
from activitysmith_jupyter._settings import Destination
from activitysmith_jupyter._watchdog import LastWords, Watchdog
from activitysmith_jupyter._watchdog_child import CLOCK, Job, Notes, carry_out, jobs_of
from activitysmith_jupyter.emulator import Emulator

# From the death to the verdict on the phone.
BOUND_SECONDS = 5.0
PATH = "/live-activity/stream/train"
STATE = {"type": "progress", "title": "Train", "percentage": 43}
SPELLINGS = spellings(CANARY)
HAPPY_BAR = """
    for step in bar():
        if step == 43:
            shown()
            print("ready", flush=True)
            input()
"""


@pytest.fixture
def emulator():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def mark(monkeypatch):
    """Mark this process's helpers."""
    monkeypatch.setenv("MORTAL_TEST", "watchdog-" + os.urandom(8).hex())
    return os.environ["MORTAL_TEST"]


@pytest.fixture
def watchdog(mark):
    watchdog = Watchdog()
    yield watchdog
    watchdog.leave({})


def server(emulator: Emulator) -> Destination:
    return Destination(emulator.base_url, Secret(emulator.api_key))


def words(subtitle: str = f"Kernel died at 43 %, {CLOCK}", **more: Any) -> LastWords:
    return LastWords(body={"content_state": {**STATE, "subtitle": subtitle}}, **more)


def put_card(emulator: Emulator, key: str = "train") -> None:
    from activitysmith_jupyter import ActivitySmith

    with ActivitySmith(api_key=emulator.api_key, base_url=emulator.base_url) as client:
        client.live_activities.stream(key, content_state=STATE)


# ---------------------------------------------------------------- what the helper reads


def read(*lines: str, clock: float = 0.0) -> Notes:
    notes = Notes()
    notes.read([line.encode() + b"\n" for line in lines], lambda: clock)
    return notes


def card_line(name: str = "0:train", to: int = 0, **more: Any) -> str:
    card = {
        "to": to,
        "path": PATH,
        "body": json.dumps({"content_state": {"subtitle": f"died {CLOCK}"}}, ensure_ascii=False),
        "push": json.dumps({"title": "died"}),
        "push_after_seconds": 0,
        "died": True,
    }
    return f"card {name} {json.dumps({**card, **more})}"


def server_line(number: int = 0, url: str = "http://127.0.0.1:1/api") -> str:
    text = json.dumps({"base_url": url, "api_key": f"key-{number}", "ca_file": ""})
    return f"to {number} {text}"


def said(notes: Notes, now: float = 0.0) -> list[tuple[str, str]]:
    return [(job.method, job.body.decode()) for job in jobs_of(notes, now, "14:07")]


def test_notes_of_a_card_newest_wins() -> None:
    """Of what was said about a card, the last counts."""
    notes = read(server_line(), card_line(body="old"), card_line(body="new", push=None))
    assert said(notes) == [("DELETE", "new")]


def test_notes_of_a_card_that_is_gone_say_nothing() -> None:
    """A card that ended is forgotten, the others are not."""
    notes = read(server_line(), card_line("0:a"), card_line("0:b", push=None), "gone 0:a")
    assert len(said(notes)) == 1


def test_notes_cut_short_by_the_death_keep_what_was_whole() -> None:
    """A line without its end is not read; the one before it holds."""
    notes = Notes()
    lines = [server_line(), card_line(body="whole", push=None)]
    notes.read([*(line.encode() + b"\n" for line in lines), card_line(body="cut").encode()[:-9]])
    assert said(notes) == [("DELETE", "whole")]


def test_notes_with_goodbye_are_silent() -> None:
    """A process that said goodbye did not die."""
    assert read(server_line(), card_line(), "bye").said_goodbye
    assert not read(server_line(), card_line()).said_goodbye


def test_jobs_fill_in_the_time_of_death() -> None:
    """The verdict says when it happened, as the user's wall clock shows it."""
    ((_, body), _) = said(read(server_line(), card_line()))
    assert json.loads(body)["content_state"]["subtitle"] == "died 14:07"


def test_jobs_of_several_cards_push_once_for_each_account() -> None:
    """One death is one push, however many cards it ended."""
    notes = read(
        server_line(0),
        server_line(1),
        card_line("0:a"),
        card_line("0:b"),
        card_line("1:c", to=1),
    )
    assert [method for method, _ in said(notes)] == ["DELETE"] * 3 + ["POST"] * 2


def test_jobs_of_verdicts_push_each() -> None:
    """Verdicts that were left to be delivered keep a push each: they are no death."""
    notes = read(server_line(), card_line("0:a", died=False), card_line("0:b", died=False))
    assert [method for method, _ in said(notes)] == ["DELETE"] * 2 + ["POST"] * 2


@pytest.mark.parametrize(("lived", "pushes"), [(59.0, 0), (60.0, 1)])
def test_jobs_of_a_short_run_do_not_push(lived: float, pushes: int) -> None:
    """A push that is only for a longer run waits for its length."""
    notes = read(server_line(), card_line(push_after_seconds=60), clock=100.0)
    methods = [method for method, _ in said(notes, 100.0 + lived)]
    assert methods.count("POST") == pushes


# ---------------------------------------------------------------- what the helper sends


class Patience:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def jobs(emulator: Emulator, *methods: str) -> list[Job]:
    to = {"api_key": emulator.api_key, "ca_file": ""}
    bodies = {
        "DELETE": (PATH, {"content_state": {**STATE, "subtitle": "died"}}),
        "POST": ("/push-notification", {"title": "died"}),
    }
    return [
        Job(
            method,
            emulator.base_url + bodies[method][0],
            to,
            json.dumps(bodies[method][1]).encode(),
        )
        for method in methods
    ]


def send(emulator: Emulator, *methods: str) -> Patience:
    patience = Patience()
    carry_out(jobs(emulator, *methods), clock=patience.clock, sleep=patience.sleep)
    return patience


def statuses(emulator: Emulator) -> list[int | None]:
    return [record.status for record in emulator.requests]


def test_sending_ends_the_card_and_pushes(emulator: Emulator) -> None:
    """On a good day it is one request for each, without a wait."""
    put_card(emulator)
    patience = send(emulator, "DELETE", "POST")
    assert emulator.phone.cards[0]["content_state"]["subtitle"] == "died"
    assert len(emulator.phone.pushes) == 1
    assert patience.now == 0


@pytest.mark.parametrize("status", [429, 500, 503])
def test_sending_an_end_is_tried_again(emulator: Emulator, status: int) -> None:
    """An end can be repeated without harm, so it is."""
    put_card(emulator)
    emulator.faults.add("status", status=status, times=2, method="DELETE")
    send(emulator, "DELETE")
    assert emulator.phone.cards[0]["status"] == "ended"


def test_sending_waits_as_the_server_asks(emulator: Emulator) -> None:
    """``Retry-After`` decides the wait."""
    emulator.faults.add("status", status=429, times=1, headers={"Retry-After": "7"})
    assert send(emulator, "POST").now == 7
    assert len(emulator.phone.pushes) == 1


def test_sending_gives_up_within_half_a_minute(emulator: Emulator) -> None:
    """No storm of tries: a handful of them, then the helper goes."""
    emulator.faults.add("status", status=503)
    patience = send(emulator, "DELETE", "POST")
    assert patience.now <= _watchdog_child.GIVE_UP_SECONDS
    assert len(emulator.requests) <= 16


def test_sending_to_nobody_gives_up(emulator: Emulator) -> None:
    """Nobody there is not a reason to stay, nor to fail."""
    emulator.close()
    to = {"api_key": "x", "ca_file": ""}
    patience = Patience()
    job = Job("POST", "http://127.0.0.1:9/api/push-notification", to, b"{}")
    carry_out([job], clock=patience.clock, sleep=patience.sleep)
    assert 10 < patience.now <= _watchdog_child.GIVE_UP_SECONDS


@pytest.mark.parametrize(
    "fault", [{"kind": "reset", "after": True}, {"kind": "status", "status": 500}]
)
def test_sending_a_push_that_may_have_arrived_is_never_repeated(
    emulator: Emulator, fault: dict[str, Any]
) -> None:
    """Never twice on the phone."""
    emulator.faults.add(**fault, times=1, path="/push-notification")
    send(emulator, "POST")
    assert len(emulator.requests) == 1


def test_sending_words_that_are_refused_ends_the_card_without_them(emulator: Emulator) -> None:
    """Better an end without its last words than a card that never ends."""
    put_card(emulator)
    job = jobs(emulator, "DELETE")[0]
    job.body = b'{"content_state": {"percentage": 1000}}'
    patience = Patience()
    carry_out([job], clock=patience.clock, sleep=patience.sleep)
    assert statuses(emulator)[1:] == [400, 200]
    assert emulator.phone.cards[0]["status"] == "ended"


def test_sending_about_a_card_that_is_no_more_is_over_at_once(emulator: Emulator) -> None:
    """Somebody else ended it: as wanted."""
    send(emulator, "DELETE")
    assert statuses(emulator) == [404]


def test_sending_follows_no_redirect(emulator: Emulator) -> None:
    """The key goes to the host that the user named and to no other."""
    with Emulator() as other:
        for method in ("DELETE", "POST"):
            emulator.faults.add(
                "status", status=302, method=method, headers={"Location": other.base_url}
            )
        send(emulator, "DELETE", "POST")
        assert other.requests == []


# ---------------------------------------------------------------- the helper of a process


def test_helper_of_a_killed_program_ends_the_card_and_pushes(emulator: Emulator) -> None:
    """After a kill -9 the phone says so within five seconds, with place and time, and once."""
    env = account(emulator, ACTIVITYSMITH_NOTIFY="failed")
    with mortal(HAPPY_BAR, env) as program:
        program.wait_for_line()
        (helper,) = program.helpers()
        program.process.kill()
        state = wait_until_ended(emulator, BOUND_SECONDS)
        wait_until_gone(helper)
    assert state["color"] == "red"
    assert state["percentage"] == 43
    subtitle = state["subtitle"]
    assert subtitle.startswith("Program died at 43 %, ")
    assert len(subtitle.rpartition(", ")[2]) == len("14:07")
    (push,) = emulator.phone.pushes
    assert push["title"] == "❌ Train: program died"
    assert push["message"] == subtitle
    assert ends(emulator) == 1


@pytest.mark.parametrize(
    ("settings", "pushes"),
    [
        pytest.param({}, 0, id="a-short-run"),
        pytest.param({"ACTIVITYSMITH_NOTIFY": "always"}, 1, id="always"),
        pytest.param({"LONG": "1"}, 1, id="a-long-run"),
        pytest.param({"LONG": "1", "ACTIVITYSMITH_NOTIFY_DEATH": "0"}, 0, id="switched-off"),
    ],
)
def test_helper_pushes_when_asked_or_when_the_run_was_long(
    emulator: Emulator, settings: dict[str, str], pushes: int
) -> None:
    """By default the death of a run of a minute is a push; settings decide otherwise."""
    code = f"""
    from activitysmith_jupyter import _opencard
    if "LONG" in os.environ:
        _opencard._LONG_RUN_SECONDS = 0.0
    {HAPPY_BAR}"""
    with mortal(code, account(emulator, **settings)) as program:
        program.wait_for_line()
        (helper,) = program.helpers()
        program.process.kill()
        wait_until_ended(emulator, BOUND_SECONDS)
        wait_until_gone(helper)
    assert len(emulator.phone.pushes) == pushes


def test_helper_of_a_clean_end_goes_without_a_word(emulator: Emulator) -> None:
    """A program that ends by itself says its own verdict, and its helper ends with it."""
    with mortal(HAPPY_BAR, account(emulator)) as program:
        program.wait_for_line()
        (helper,) = program.helpers()
        program.go_on()
        program.process.wait()
        wait_until_gone(helper)
    assert emulator.phone.cards[0]["content_state"]["color"] == "green"
    assert [record.method for record in emulator.requests].count("DELETE") == 1


def test_helper_outlives_signals_to_the_group(emulator: Emulator) -> None:
    """What ends the program's group, and the helper itself, does not keep it from speaking."""
    with mortal(HAPPY_BAR, account(emulator)) as program:
        program.wait_for_line()
        (helper,) = program.helpers()
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            os.kill(helper, number)
        os.killpg(program.process.pid, signal.SIGTERM)
        state = wait_until_ended(emulator, BOUND_SECONDS)
        wait_until_gone(helper)
    assert state["subtitle"].startswith("Program died at 43 %")


def test_helper_is_nobodys_child(emulator: Emulator) -> None:
    """A program that waits for all of its children does not wait for ours."""
    code = """
    for step in bar():
        if step == 43:
            shown()
            try:
                os.wait()
            except ChildProcessError:
                print("no children", flush=True)
    """
    with mortal(code, account(emulator)) as program:
        assert program.wait_for_line() == "no children"


def test_helper_is_not_kept_waiting_by_a_forked_child(emulator: Emulator) -> None:
    """A child that was forked while the card was open does not hold the pipe open."""
    code = """
    for step in bar():
        if step == 43:
            shown()
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            print(child, flush=True)
            input()
    """
    with mortal(code, account(emulator)) as program:
        child = int(program.wait_for_line())
        try:
            program.process.kill()
            state = wait_until_ended(emulator, BOUND_SECONDS)
            assert is_alive(child)
        finally:
            os.kill(child, signal.SIGKILL)
    assert "died" in state["subtitle"]


def test_helper_is_not_started_for_work_without_a_card(emulator: Emulator) -> None:
    """A bar that is too short for a card, and a push, cost no process."""
    code = """
    from activitysmith_jupyter import _pacing
    _barcard.should_open = _pacing.should_open
    for step in bar():
        pass
    runtime().courier.flush(5)
    print(runtime().courier._watchdog._starts, flush=True)
    """
    with mortal(code, account(emulator)) as program:
        assert program.wait_for_line() == "0"


def test_helper_is_started_and_told_without_the_users_thread(emulator: Emulator, mark: str) -> None:
    """From the first card to its verdict the user's thread starts, tells and waits for nobody."""
    here = _runtime.Runtime(Courier(watchdog=Watchdog()))
    outer = _runtime.replace_runtime(here)
    configure(api_key=emulator.api_key, base_url=emulator.base_url)
    try:
        with Waits() as waits:
            activity = Activity("train", percentage=43)
            activity.open()
        emulator.wait_for(lambda: emulator.phone.cards)
        while not helpers(mark):
            pass
        with Waits() as waits_later:
            activity.update(percentage=44)
            activity.end()
        assert here.courier.flush(BOUND_SECONDS)
    finally:
        here.release()
        _runtime.replace_runtime(outer)
    assert waits.seen + waits_later.seen == []


def test_helper_of_a_server_that_never_answers_leaves_all_the_same(emulator: Emulator) -> None:
    """Whatever a server does with its answer, no helper stays on a machine for ever."""
    emulator.faults.add("hang")
    code = f"""
    import sys
    sys.path.insert(0, {str(Path(_watchdog_child.__file__).parent)!r})
    import _watchdog_child as child
    child._detach = lambda: None   # to be waited for
    child.REQUEST_SECONDS = 600.0
    child.LAST_EXIT_SECONDS = 1.0
    child.main()
    """
    words = server_line(0, emulator.base_url) + "\n" + card_line(body="{}") + "\n"
    done = run_script(code, given=words)
    assert (done.returncode, done.stderr) == (1, "")


def test_helper_is_not_loaded_by_the_import() -> None:
    """Importing the package starts nothing and loads neither subprocess nor urllib."""
    done = run_script(
        """
        import sys
        import activitysmith_jupyter
        print(sorted({"subprocess", "urllib.request", "ssl"} & set(sys.modules)))
        """
    )
    assert done.stdout.strip() == "[]"


def test_helper_knows_the_key_from_the_pipe_alone() -> None:
    """Neither ``ps`` nor the environment of the helper shows the key, and no dump may hold it."""
    with Emulator(api_key=CANARY) as emulator:
        _look_at_the_helper(emulator)


def _look_at_the_helper(emulator: Emulator) -> None:
    env = account(emulator)
    env |= {f"COPY_{number}": form.decode() for number, form in enumerate(SPELLINGS.values())}
    env["ACTIVITYSMITH_OTHER_KEY"] = "of-another-account"
    env["TEAM_KEY"] = "Bearer ask_of-another-account"
    env["TASK_LIST"] = "task_one"
    with mortal(HAPPY_BAR, env) as program:
        program.wait_for_line()
        (helper,) = program.helpers()
        folder = Path(f"/proc/{helper}")
        known = (folder / "environ").read_bytes()
        assert_no_key(known, (folder / "cmdline").read_bytes())
        assert b"of-another-account" not in known
        assert b"TASK_LIST=task_one" in known
        limits = (folder / "limits").read_text()
        open_files = {str(link.readlink()) for link in (folder / "fd").iterdir()}
        program.go_on()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] in (["1", "1"], ["0", "0"])
    assert {name.partition(":")[0] for name in open_files} == {"pipe", "/dev/null"}


def test_helper_is_told_the_key_by_frames_that_no_traceback_shows(monkeypatch) -> None:
    """Ctrl-C may come while the program says goodbye, and tracebacks can show variables."""

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    dog, place = Watchdog(), (Destination("http://127.0.0.1:9/api", Secret(CANARY)), PATH)
    dog._pipe, dog._cards[place] = -1, LastWords(body={})
    monkeypatch.setattr(os, "write", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        dog.leave({place: LastWords(body={}, died=False)})
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(shown.format())
    assert "_send" in text
    assert_no_key(text)


@pytest.mark.parametrize("forbidden", [False, True])
def test_helper_that_crashes_leaves_no_dump(tmp_path: Path, *, forbidden: bool) -> None:
    """No file, and no program that Linux would pass the memory to: its only way to say no is 1."""
    code = f"""
    import os, resource
    from activitysmith_jupyter._watchdog_child import _be_deaf
    hardest = 0 if {forbidden} else resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hardest, hardest))
    os.chdir({str(tmp_path)!r})
    _be_deaf()
    print(hardest == 0, resource.getrlimit(resource.RLIMIT_CORE), flush=True)
    os.abort()
    """
    done = run_script(code)
    assert done.returncode == -signal.SIGABRT
    assert done.stdout.strip() in {"False (1, 1)", "True (0, 0)"}
    assert list(tmp_path.iterdir()) == []


def test_helper_is_small(emulator: Emulator) -> None:
    """While it waits it takes no more than a bare interpreter does: below 16 MB."""
    with mortal(HAPPY_BAR, account(emulator)) as program:
        program.wait_for_line()
        (helper,) = program.helpers()
        status = Path(f"/proc/{helper}/status").read_text()
        program.go_on()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    assert int(line.split()[1]) < 16_000


def test_helper_speaks_for_every_open_card(emulator: Emulator) -> None:
    """Three cards, one death: three ends and one push."""
    code = """
    configure(notify="failed")
    cards = [Activity(f"card-{number}") for number in range(3)]
    for card in cards:
        card.update(percentage=43)
    for number in range(3):
        while (runtime().courier._watchdog is None
               or len(runtime().courier._watchdog._cards) < 3):
            time.sleep(0.005)
    shown()
    os.kill(os.getpid(), 9)
    """
    with mortal(code, account(emulator)):
        emulator.wait_for(lambda: ends(emulator) == 3, 20)
    emulator.wait_for(lambda: emulator.phone.pushes, BOUND_SECONDS)
    assert {card["content_state"]["color"] for card in emulator.phone.cards} == {"red"}
    assert len(emulator.phone.pushes) == 1


# ---------------------------------------------------------------- what the courier tells it


class Listener:
    """A watchdog that only listens."""

    def __init__(self) -> None:
        self.known: dict[str, LastWords] = {}
        self.heard: list[str] = []

    def watch(self, _: Destination, path: str, last_words: LastWords) -> None:
        self.known[path] = last_words
        self.heard.append("died" if last_words.died else "verdict")

    def forget(self, _: Destination, path: str) -> None:
        if self.known.pop(path, None):
            self.heard.append("gone")


@pytest.fixture
def listener(emulator: Emulator):
    """Set up a process whose courier is driven by hand, on a clock of its own."""
    clock, listener = Clock(), Listener()
    courier = Courier(clock=clock, threaded=False, watchdog=listener)
    here = _runtime.Runtime(courier)
    outer = _runtime.replace_runtime(here)
    configure(api_key=emulator.api_key, base_url=emulator.base_url)
    listener.courier, listener.clock = courier, clock
    yield listener
    courier._watchdog = None
    here.release()
    _runtime.replace_runtime(outer)


def subtitle(last_words: LastWords) -> str:
    return last_words.body["content_state"]["subtitle"]


def test_courier_tells_the_words_of_cards_on_the_phone_alone(listener: Listener) -> None:
    """Before the card is open there is nothing to end; then its words are known at once."""
    activity = Activity("train", percentage=43)
    activity.open()
    assert listener.known == {}
    listener.courier.step()
    ((_, last_words),) = listener.known.items()
    assert subtitle(last_words) == f"Program died at 43 %, {CLOCK}"
    assert last_words.push["message"] == subtitle(last_words)
    assert last_words.push_after_seconds == 60


def test_courier_renews_the_words_every_two_seconds(listener: Listener) -> None:
    """What the watchdog would say is never older than two seconds, also between updates."""
    activity = Activity("train", percentage=43)
    activity.open()
    listener.courier.step()
    activity.update(percentage=44)
    listener.clock.advance(1.9)
    listener.courier.step()
    assert len(listener.heard) == 1
    listener.clock.advance(0.1)
    listener.courier.step()
    (last_words,) = listener.known.values()
    assert "44 %" in subtitle(last_words)


def test_courier_tells_the_verdict_and_then_that_it_arrived(listener: Listener) -> None:
    """A verdict takes the place of the last words until it was delivered."""
    with Activity("train", percentage=43):
        listener.courier.step()
    listener.courier.step()
    assert listener.heard == ["died", "verdict", "gone"]
    assert listener.courier._unsaid == {}


def test_courier_watches_no_card_on_a_transport_of_the_callers(
    listener: Listener, emulator: Emulator
) -> None:
    """A helper knows the network alone."""
    transport = httpx.WSGITransport(app=emulator.app)
    with Activity("train", percentage=43, transport=transport):
        listener.courier.step()
    listener.courier.step()
    assert ends(emulator) == 1
    assert listener.heard == []


def test_last_words_leave_the_time_on_show_alone() -> None:
    """Looking for last words, every two seconds, does not make the finish time on show restless."""
    group = BarGroup(Look(title="Train"))
    group.add(tqdm(range(100), file=StringIO(), disable=False))
    first = group.fields(0.5, 3600.0)["subtitle"]
    group.fields(0.5)
    assert group.fields(0.5, 3500.0)["subtitle"] == first


# ---------------------------------------------------------------- the watchdog's own side


def test_watchdog_ended_by_somebody_is_replaced_but_not_for_ever(
    emulator: Emulator, watchdog: Watchdog, mark: str
) -> None:
    """A helper that somebody killed has successors, three in all; a broken pipe tells of it."""
    to = server(emulator)
    for number in range(3):
        put_card(emulator, f"card-{number}")
        watchdog.watch(to, f"/live-activity/stream/card-{number}", words())
        while not (running := [pid for pid in helpers(mark) if is_alive(pid)]):
            pass
        (helper,) = running
        os.kill(helper, signal.SIGKILL)
        wait_until_gone(helper)
        watchdog.watch(
            to, "/live-activity/stream/probe", words(f"died {number}")
        )  # breaks the pipe
    watchdog.watch(to, "/live-activity/stream/late", words())
    assert helpers(mark) == []


def test_watchdog_leaves_a_verdict_that_did_not_arrive(
    emulator: Emulator, watchdog: Watchdog, mark: str
) -> None:
    """At the end of a program the helper is told the true verdict, and delivers it."""
    to = server(emulator)
    put_card(emulator)
    watchdog.watch(to, PATH, words())
    verdict = words("Done in 3 s", push={"title": "Done"}, died=False)
    assert watchdog.leave({(to, PATH): verdict})
    state = wait_until_ended(emulator, BOUND_SECONDS)
    assert state["subtitle"] == "Done in 3 s"
    emulator.wait_for(lambda: emulator.phone.pushes, BOUND_SECONDS)


def test_watchdog_leaves_nothing_about_cards_whose_end_arrived(
    emulator: Emulator, watchdog: Watchdog, mark: str
) -> None:
    """A clean end leaves the helper nothing to say, also about a card it still knew."""
    watchdog.watch(server(emulator), PATH, words())
    (helper,) = helpers(mark)
    assert not watchdog.leave({})
    wait_until_gone(helper)
    assert emulator.requests == []


def test_watchdog_that_said_goodbye_starts_no_other_helper(
    emulator: Emulator, watchdog: Watchdog, mark: str
) -> None:
    """A courier that lives on after the goodbye does not get a helper that sees a death."""
    watchdog.watch(server(emulator), PATH, words())
    (helper,) = helpers(mark)
    watchdog.leave({})
    wait_until_gone(helper)
    watchdog.watch(server(emulator), PATH, words("late"))
    assert helpers(mark) == []


def test_watchdog_where_no_helper_can_be_had_does_nothing(
    emulator: Emulator, watchdog: Watchdog, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen program, an embedded Python, a system without processes: no helper, no error."""
    for program in (
        "/opt/app/train",
        "",
        str(Path(sys.executable).with_name("python-is-not-here")),
    ):
        monkeypatch.setattr(sys, "executable", program)
        watchdog.watch(server(emulator), PATH, words(program))
    assert not watchdog.leave({})
    assert helpers(mark) == []


def test_watchdog_in_a_forked_child_is_silent(emulator: Emulator, watchdog: Watchdog) -> None:
    """The copy of it in another process neither writes nor closes anything of the parent's."""
    to = server(emulator)
    watchdog.watch(to, PATH, words())
    watchdog._pid += 1  # as a forked child sees it
    written = os.fstat(watchdog._pipe)
    watchdog.watch(to, "/live-activity/stream/other", words())
    watchdog.forget(to, PATH)
    assert not watchdog.leave({(to, PATH): words()})
    watchdog._pid -= 1
    assert (to, PATH) in watchdog._cards
    assert os.fstat(watchdog._pipe).st_ino == written.st_ino


def test_watchdog_hears_of_the_same_words_once(
    emulator: Emulator, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words that did not change are not written again."""
    to = server(emulator)
    watchdog.watch(to, PATH, words())
    lines: list[str] = []
    monkeypatch.setattr(watchdog, "_write", lines.append)
    watchdog.watch(to, PATH, words())
    assert lines == []
    watchdog.watch(to, PATH, words("died at 44 %"))
    assert len(lines) == 1


def test_watchdog_trusts_what_the_environment_trusts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The helper has httpx's certificates, unless the environment names others."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert _watchdog._ca_file().endswith(".pem")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/own.pem")
    assert _watchdog._ca_file() == ""
