"""A real IPython shell in this process, and an emulated phone that it talks to."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from activitysmith_jupyter import configure
from activitysmith_jupyter._courier import Courier
from activitysmith_jupyter._runtime import Runtime, replace_runtime, runtime
from activitysmith_jupyter.emulator import Emulator

if TYPE_CHECKING:
    from activitysmith_jupyter.emulator._core import Phone

EXTENSION = "activitysmith_jupyter"


def let_go(shell: Any) -> None:
    """Let a shell go for good.

    IPython keeps each one until the process ends, and clears it then: with hundreds of them, and
    all that their tests have made, the end of a run would take longer than its tests.
    """
    InteractiveShell.clear_instance()
    atexit.unregister(shell.atexit_operations)


class Ticker:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time, seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, and have the courier look."""
        self.now += seconds
        runtime().courier.wake()


class Notebook:
    """A shell with the extension loaded, and what reached the phone."""

    def __init__(
        self,
        *,
        load: bool = True,
        config: dict[str, Any] | None = None,
        api_key: str | None = None,
    ) -> None:
        InteractiveShell.clear_instance()
        settings = Config({"HistoryManager": {"enabled": False}, **(config or {})})
        self.shell: Any = InteractiveShell.instance(config=settings, colors="nocolor")
        # The real shell warns once per process when it meets a module of its own making.
        self.clock = Ticker()
        replace_runtime(Runtime(Courier(clock=self.clock)))
        self.emulator = Emulator(api_key=api_key).start()
        configure(api_key=self.emulator.api_key, base_url=self.emulator.base_url)
        self.shell.user_ns["clock"] = self.clock
        if load:
            self.shell.run_line_magic("load_ext", EXTENSION)

    def run(self, source: str, **options: Any) -> Any:
        """Run a cell and return its result, with what it showed as ``shown``."""
        options.setdefault("store_history", True)
        with capture_output() as captured:
            result = self.shell.run_cell(source, **options)
        result.shown = captured.stdout + captured.stderr
        result.rich = captured.outputs
        return result

    @property
    def phone(self) -> Phone:
        """What the phone shows when everything under way has left."""
        assert runtime().courier.flush(5)
        return self.emulator.phone

    @property
    def pushes(self) -> list[tuple[str, str]]:
        """Title and message of each push, oldest first."""
        return [(push["title"], push.get("message") or "") for push in reversed(self.phone.pushes)]

    def card(self, key: str) -> dict[str, Any]:
        """Return a card once it is on the phone."""

        def found() -> dict[str, Any] | None:
            cards = self.emulator.phone.cards
            return next((card for card in cards if card["stream_key"] == key), None)

        return self.emulator.wait_for(found)

    def close(self) -> None:
        """Take the shell and the emulator down."""
        self.shell.run_line_magic("unload_ext", EXTENSION)
        runtime().courier.flush(5)
        let_go(self.shell)
        self.emulator.close()
        self.emulator.check()
