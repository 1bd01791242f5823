"""Programs and kernels with a card on the phone, and ways for them to end."""

from __future__ import annotations

import os
import secrets
import select
import subprocess
import sys
import textwrap
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
from support.canary import assert_no_key
from support.scripts import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from activitysmith_jupyter.emulator import Emulator

# What a program can do beside its own work: `shown(words)` waits until the helper knows these.
PRELUDE: Final = """
import json, os, sys, time
from activitysmith_jupyter import Activity, _barcard, _courier, configure, tqdm
from activitysmith_jupyter._runtime import runtime
_barcard.should_open = lambda *_: True   # short work that has a card all the same
_courier._WATCH_SECONDS = 0.0

def shown(words="43 %"):
    watchdog = runtime().courier._watchdog
    while True:
        runtime().courier.wake()
        with watchdog._lock:
            known = [json.dumps(card.body, ensure_ascii=False) for card in watchdog._cards.values()]
            if watchdog._pipe is not None and any(words in body for body in known):
                return
        time.sleep(0.005)

def bar(total=100, **options):
    return tqdm(range(total), desc="Train", file=open(os.devnull, "w"), **options)
"""
_MARK: Final = "MORTAL_TEST"
TIMEOUT_SECONDS: Final = 60.0


@attrs.define
class Mortal:
    """A running program whose helper can be found.

    Attributes
    ----------
    process : subprocess.Popen
        The program.
    mark : str
        In the environment of the program and of its helper.
    """

    process: subprocess.Popen[str]
    mark: str

    def wait_for_line(self) -> str:
        """Return the program's next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        """Let a program that waits in ``input()`` go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def helpers(self) -> list[int]:
        """Return the helpers' process numbers."""
        return helpers(self.mark)


def helpers(mark: str) -> list[int]:
    """Return the processes of the watchdog's program that carry a mark in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            if (
                b"_watchdog_child.py" in command
                and mark.encode() in (folder / "environ").read_bytes()
            ):
                found.append(int(folder.name))
        except OSError:  # gone meanwhile
            continue
    return found


def account(emulator: Emulator, **more: str) -> dict[str, str]:
    """Return the environment of a program of this account."""
    return {
        "ACTIVITYSMITH_API_KEY": emulator.api_key,
        "ACTIVITYSMITH_BASE_URL": emulator.base_url,
        _MARK: secrets.token_hex(8),
        **more,
    }


@contextmanager
def mortal(code: str, env: Mapping[str, str]) -> Iterator[Mortal]:
    """Start a program, and end it in the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(env),
        start_new_session=True,  # signals to its group reach nobody else
    )
    # A program that hangs must fail its test, not stop all of them.
    overdue = threading.Timer(TIMEOUT_SECONDS, process.kill)
    overdue.start()
    with process:
        try:
            yield Mortal(process, env[_MARK])
            said = process.communicate(timeout=TIMEOUT_SECONDS)
            if key := env.get("ACTIVITYSMITH_API_KEY"):
                assert_no_key(*said, key=key)
        finally:
            overdue.cancel()
            process.kill()


def ends(emulator: Emulator) -> int:
    """Return how many cards were ended by an end that reached the phone."""
    return sum(1 for shown in emulator.phone.history if shown.kind == "end")


def wait_until_ended(emulator: Emulator, seconds: float) -> dict[str, Any]:
    """Return what the only card says when it has ended, which must be within `seconds`."""

    def ended() -> bool:
        cards = list(emulator.phone.cards)
        return bool(cards) and all(card["status"] == "ended" for card in cards)

    emulator.wait_for(ended, seconds)
    (card,) = emulator.phone.cards
    state: dict[str, Any] = card["content_state"]
    return state


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that waits to be reaped does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(pid: int, seconds: float = 10.0) -> None:
    """Wait for the end of a process that is nobody's child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        readable, _, _ = select.select([handle], [], [], seconds)
    finally:
        os.close(handle)
    assert readable, f"process {pid} is still there after {seconds} s"
