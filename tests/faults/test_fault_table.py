"""Every fault, at three times, under every surface: each cell of the table is a test.

A surface that works in the background must give what it would have given, in the time that it would
have taken, raise nothing, wait for nobody in the user's thread, tell the user of the trouble once,
and leave the true verdict on the phone.
A direct call must return or raise one of our documented errors, and a push is never there twice.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, Any

import attrs
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from support.faultproxy import FAULTS, FaultProxy, port_of
from support.scripts import environment
from support.shell import let_go
from support.waits import Waits
from traitlets.config import Config

from activitysmith_jupyter import (
    Activity,
    ActivitySmith,
    _barcard,
    _cellcard,
    _courier,
    _delivery,
    _http,
    _line,
    _runtime,
    configure,
    tqdm,
)
from activitysmith_jupyter._courier import Courier
from activitysmith_jupyter._pacing import Pacer
from activitysmith_jupyter._relay import RUNNER_VARIABLE
from activitysmith_jupyter._runtime import Runtime
from activitysmith_jupyter.composer._message import Message
from activitysmith_jupyter.composer._send import deliver
from activitysmith_jupyter.emulator import Emulator
from activitysmith_jupyter.exceptions import ActivitySmithError
from activitysmith_jupyter.frames._accessors import register_accessors
from activitysmith_jupyter.runners import _runcard, hooks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHEN = ("start", "middle", "end")
ALL_FAULTS = (*FAULTS, "dns-failure", "clock-jump")
# The service said no: nothing is tried again with this key or account.
REFUSALS = {"401", "402"}
BOUND_SECONDS = 20.0


# Who waits in these must first lose patience; a healthy request keeps all of it.
HANGS = {"hang-at-connect", "hang-at-read", "slow-bytes"}
HANGS_SECONDS = 0.5
MEND_SECONDS = 0.2
# Of the user's time under a fault to that without, in the best of some tries: a busy machine may
# take the processor away in one of two runs, but a wait for an answer is long in each.
MOST_RATIO = 4.0
MOST_TRIES = 4
PATIENCE = {
    name: getattr(_http, name) for name in ("CONNECT_SECONDS", "READ_SECONDS", "ANSWER_SECONDS")
}

# ---------------------------------------------------------------- the network


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two certificates for this machine, each signed by itself."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("good", "bad"):
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
                *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
                *("-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", str(folder / f"{name}.pem"), "-out", str(folder / f"{name}.crt")),
            ],
            check=True,
            capture_output=True,
        )
    return folder / "good", folder / "bad"


def server_context(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path.with_suffix(".crt"), path.with_suffix(".pem"))
    return context


@attrs.define
class Network:
    """The proxy, and the faults that are not on the wire."""

    proxy: FaultProxy
    monkeypatch: pytest.MonkeyPatch
    fault: str
    trouble: threading.Event
    active: bool = False

    def break_down(self) -> None:
        """Let the fault happen from now on."""
        self.active = True
        self.trouble.clear()
        if self.fault in HANGS:
            for name in PATIENCE:
                self.monkeypatch.setattr(_http, name, HANGS_SECONDS)
        if self.fault == "dns-failure":
            self.monkeypatch.setattr(socket, "getaddrinfo", _no_such_name)
            self.proxy.set("refuse")  # cuts what is connected
            self.proxy.heal()
        elif self.fault == "clock-jump":
            now = time.time
            self.monkeypatch.setattr(time, "time", lambda: now() + 86_400.0)
            self.trouble.set()
        else:
            self.proxy.set(self.fault)

    def wait_until_felt(self) -> None:
        """Wait for the first setback; who began with all the patience is cut off."""
        if self.fault in HANGS and not self.trouble.wait(2 * HANGS_SECONDS):
            self.proxy.heal()
        assert self.trouble.wait(BOUND_SECONDS)

    def mending(self) -> threading.Thread:
        """Return what ends the fault a while after somebody felt it."""

        def mend() -> None:
            self.wait_until_felt()
            threading.Event().wait(MEND_SECONDS)
            self.mend()

        return threading.Thread(target=mend)

    def mend(self) -> None:
        """End the fault."""
        self.active = False
        for name, seconds in PATIENCE.items():
            self.monkeypatch.setattr(_http, name, seconds)
        if self.fault == "dns-failure":
            self.monkeypatch.setattr(socket, "getaddrinfo", _RESOLVE)
        elif self.fault == "clock-jump":
            later = time.time
            self.monkeypatch.setattr(time, "time", lambda: later() - 2 * 86_400.0)
        else:
            self.proxy.heal()


_RESOLVE = socket.getaddrinfo


def _no_such_name(*_: Any, **__: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(rate_limits="off", update_burst=None) as emulator:
        yield emulator


@pytest.fixture
def network(
    emulator: Emulator,
    fault: str,
    certificates: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Network]:
    """Short waits after a setback, and a proxy before the account."""
    monkeypatch.setattr(_delivery, "_FIRST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(_delivery, "_RATE_WAIT_SECONDS", 0.3)
    monkeypatch.setattr(_courier, "REQUESTS_PER_MINUTE", 10_000)
    monkeypatch.setattr(_courier, "_is_due", lambda *_: True)
    monkeypatch.setattr(Pacer, "next_look_seconds", lambda *_: 0.02)
    trouble = threading.Event()
    decide = _line.setback

    def setback(error: ActivitySmithError, failures: int) -> Any:
        trouble.set()
        return decide(error, failures)

    monkeypatch.setattr(_line, "setback", setback)
    contexts: tuple[Any, ...] = ()
    if fault == "bad-certificate":
        good, bad = certificates
        contexts = (server_context(good), server_context(bad))
        monkeypatch.setenv("SSL_CERT_FILE", str(good.with_suffix(".crt")))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FaultProxy(port_of(emulator.url), *contexts) as proxy:
        url = proxy.base_url
        if fault == "dns-failure":
            url = url.replace("127.0.0.1", "localhost")
        configure(api_key=emulator.api_key, base_url=url)
        yield Network(proxy, monkeypatch, fault, trouble)
        assert not proxy.was_followed()


# ---------------------------------------------------------------- work in the background


# Short beside a wait for an answer, long beside what a thread waits for another one of its process.
STEP = range(20_000)
RESULT = sum(range(100))


def work_of_bar(course: Course) -> object:
    course.stage("start")
    total = 0
    with course.watched():
        for step in tqdm(range(100), desc="Train", notify="always", file=StringIO()):
            if step == 30:
                course.stage("middle")
            if step == 70:
                course.stage("end")
            sum(STEP)
            total += step
    return total


def work_of_activity(course: Course) -> object:
    course.stage("start")
    total = 0
    with course.watched(), Activity("train", title="Train", notify="always") as activity:
        for step in range(100):
            activity.update(percentage=step)
            if step == 30:
                course.stage("middle")
            if step == 70:
                course.stage("end")
            sum(STEP)
            total += step
    return total


CELL = """%%notify Train --live
total = 0
for step in tqdm(range(100), file=StringIO()):
    if step == 30:
        course.stage("middle")
    if step == 70:
        course.stage("end")
    sum(STEP)
    total += step
total
"""


def work_of_cell(course: Course) -> object:
    InteractiveShell.clear_instance()
    settings = Config({"HistoryManager": {"enabled": False}})
    shell: Any = InteractiveShell.instance(config=settings, colors="nocolor")
    shell.user_ns.update(course=course, tqdm=tqdm, StringIO=StringIO, STEP=STEP)
    try:
        with capture_output():
            shell.run_line_magic("load_ext", "activitysmith_jupyter")
            course.stage("start")
            with course.watched():
                result = shell.run_cell(CELL)
            shell.run_line_magic("unload_ext", "activitysmith_jupyter")
        result.raise_error()
    finally:
        let_go(shell)
    return result.result


class StagedRun(NotebookClient):
    """nbclient, on a kernel that other runs had before, with a course to follow."""

    course: Any = None

    async def async_execute_cell(self, cell: Any, cell_index: int, *args: Any, **more: Any) -> Any:
        """Execute a cell; a fault comes before it."""
        for stage in cell.metadata.get("tags", ()):
            self.course.stage(stage)
        return await super().async_execute_cell(cell, cell_index, *args, **more)


def work_of_runner(course: Course) -> object:
    steps = [
        "total = sum(range(30))",
        "total += sum(range(30, 70))",
        "total += sum(range(70, 100))",
    ]
    tags = [[], ["middle"], ["end"]]
    notebook = new_notebook(
        cells=[
            *(
                new_code_cell(step, metadata={"tags": tags})
                for step, tags in zip(steps, tags, strict=True)
            ),
            new_code_cell("total"),
        ]
    )
    run = StagedRun(notebook, km=the_kernel(), timeout=60, **hooks(title="Train"))
    run.course = course
    course.stage("start")
    try:
        with course.watched():
            run.execute()
    finally:
        run.kc.stop_channels()
    return int(notebook.cells[-1].outputs[0].data["text/plain"])


BACKGROUND = {
    "bar": work_of_bar,
    "activity": work_of_activity,
    "cell": work_of_cell,
    "runner": work_of_runner,
}


@cache
def the_kernel() -> Any:
    """Start the one kernel of the runner's notebooks."""
    manager = AsyncKernelManager(kernel_name="python3")
    run_sync(manager.start_kernel)(env=environment())
    return manager


@pytest.fixture(scope="module", autouse=True)
def no_kernel_left() -> Iterator[None]:
    """End the kernel, if there was one."""
    yield
    if the_kernel.cache_info().currsize:
        run_sync(the_kernel().shutdown_kernel)(now=True)
        the_kernel.cache_clear()


@attrs.define
class Course:
    """The way of one run: when the network breaks down, and when it is mended.

    Attributes
    ----------
    when : str
        Before what stage; empty for a run in which nothing happens.
    seconds : float
        How long the user's own work took.
    waits : list of str
        What the user's thread waited for in code of ours.
    """

    network: Network
    emulator: Emulator
    here: Runtime
    when: str
    seconds: float = 0.0
    waits: list[str] = attrs.field(factory=list)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Hold a stopwatch to the user's work, and see what it waits for."""
        self.seconds -= time.perf_counter()
        with Waits() as waits:
            yield
        self.seconds += time.perf_counter()
        self.waits += waits.seen

    def stage(self, name: str) -> None:
        """Stand at a point of the user's work, which is none of it."""
        self.seconds += time.perf_counter() if name != "start" else 0.0
        if self.network.active:
            self.here.courier.wake()
            self.network.wait_until_felt()
            self.network.mend()
        if name != "start" and self._opens():
            self.emulator.wait_for(lambda: self.emulator.phone.cards, BOUND_SECONDS)
        if name == self.when:
            self.network.break_down()
        self.seconds -= time.perf_counter() if name != "start" else 0.0

    def _opens(self) -> bool:
        return not (self.network.fault in REFUSALS and self.when == "start")

    def finish(self) -> bool:
        """End the program; the network comes back within the bound of the flush."""
        mending = self.network.mending() if self.network.active else None
        if mending is not None:
            mending.start()
        self.here.settle(None)
        self.here.courier.settle()
        clean = self.here.courier.flush(BOUND_SECONDS)
        if mending is not None:
            self.network.trouble.set()  # where there was nothing to send
            mending.join()
        return clean


def follow(network: Network, emulator: Emulator, surface: str, when: str) -> Course:
    """Do the work once, and check that the user got what it gives."""
    emulator.reset()
    _barcard._newest.clear()
    here = Runtime(Courier())
    outer = _runtime.replace_runtime(here)
    course = Course(network, emulator, here, when)
    try:
        assert BACKGROUND[surface](course) == RESULT
        assert course.finish()
    finally:
        _runtime.replace_runtime(outer)
        here.release()
    return course


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("surface", BACKGROUND)
@pytest.mark.parametrize("fault", ALL_FAULTS)
def test_fault_under_work_in_the_background_changes_nothing_for_the_user(
    fault: str,
    surface: str,
    when: str,
    network: Network,
    emulator: Emulator,
    table: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Same result, same time, nothing raised, told once, and the phone shows the truth."""
    monkeypatch.setattr(_barcard, "should_open", lambda *_: True)
    monkeypatch.setattr(_barcard, "_newest", [])
    monkeypatch.setattr(_cellcard, "_OPENS_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(_runcard, "_OPENS_AFTER_SECONDS", 0.0)
    monkeypatch.setenv(RUNNER_VARIABLE, "")  # to be as it was afterwards
    ratios = []
    while not ratios or (min(ratios) >= MOST_RATIO and len(ratios) < MOST_TRIES):
        healthy = follow(network, emulator, surface, "")
        course = follow(network, emulator, surface, when)
        assert course.waits == healthy.waits == []
        ratios.append(course.seconds / healthy.seconds)
    assert min(ratios) < MOST_RATIO
    problems = course.here.courier.problems
    assert len(problems) <= 1
    cards = emulator.phone.cards
    pushes = emulator.phone.pushes
    # The service itself ends a card, without a verdict, to go on with one of another type.
    ends = [event.content for event in emulator.phone.history if event.kind == "end"]
    verdicts = [content["color"] for content in ends if "color" in content]
    assert len(pushes) <= 1
    assert set(verdicts) <= {"green"}
    if fault in REFUSALS and when == "start":
        # The key or the account was refused: there is no card, and the user knows.
        assert problems
        assert cards == []
        became = "told"
    elif fault in REFUSALS and when == "end":
        # Nobody may end it any more; it shows no wrong verdict.
        assert problems
        assert cards[0]["content_state"].get("color") not in {"red", "gray", "green"}
        became = "told"
    else:
        (card,) = cards
        assert card["status"] == "ended"
        assert verdicts == ["green"]
        assert card["content_state"]["subtitle"].startswith("Done in")
        became = "true" if pushes else "no push"
    table.note(fault, surface, when, became, min(ratios))


# ---------------------------------------------------------------- direct calls


def call_of_push(title: str) -> object:
    with ActivitySmith() as client:
        return client.notifications.send(title=title)


def call_of_accessor(title: str) -> object:
    register_accessors()
    return pd.DataFrame({"sales": [1, 2, 3]}).activity.stats(
        title, total=("sales", "sum"), to="push"
    )


def call_of_composer(title: str) -> object:
    answer = deliver(Message(operation="push", body={"title": title}))
    if not answer.is_good:
        raise ActivitySmithError(" ".join(answer.words))
    return answer


DIRECT = {"push": call_of_push, "accessor": call_of_accessor, "composer": call_of_composer}
# Nothing can have arrived, and it may be tried again: it arrives when all is well again.
ARRIVES = {
    *("refuse", "hang-at-connect", "bad-certificate", "dns-failure"),
    *("429", "429-retry-after", "clock-jump"),
}


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("surface", DIRECT)
@pytest.mark.parametrize("fault", ALL_FAULTS)
def test_fault_under_a_direct_call_is_an_error_of_ours_and_never_two_pushes(
    fault: str,
    surface: str,
    when: str,
    network: Network,
    emulator: Emulator,
    table: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call that cannot have arrived is made again; any other raises, and arrives once at most."""
    try_once = _http.Http._once

    def felt(*args: Any) -> Any:
        try:
            return try_once(*args)
        except ActivitySmithError:
            network.mend()
            raise

    monkeypatch.setattr(_http.Http, "_once", felt)
    failed: dict[str, str] = {}
    for name in WHEN:
        if name == when:
            network.break_down()
        try:
            DIRECT[surface](name)
        except ActivitySmithError as error:
            failed[name] = str(error)
        if network.active:
            assert fault == "clock-jump"  # whatever else it is, the call has met it
            network.mend()
    arrived = [push["title"] for push in emulator.phone.pushes]
    assert set(failed) == (set() if fault in ARRIVES else {when})
    assert emulator.api_key not in "".join(failed.values())
    assert len(arrived) == len(set(arrived))
    for name in WHEN:
        if name not in failed:
            assert any(name in title for title in arrived)
    table.note(fault, surface, when, "raised" if failed else "arrived")
