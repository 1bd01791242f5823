"""Run the demonstration: emulator, training, phone page, and a table of what the phone was sent."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, TextIO

import numpy as np

from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter._settings import configure
from activitysmith_jupyter.bar import tqdm
from activitysmith_jupyter.emulator import Emulator

from ._digits import Classifier, load_digits, shifted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._digits import Digits

__all__ = ["run_demo"]

EPOCHS: Final = 10
BATCH_SIZE: Final = 64
DEFAULT_SECONDS: Final = 30.0
_LONGEST_SECONDS: Final = 86_400.0
# Of batches, on a slow machine: the first epoch is short, the others are measured.
_FIRST_GUESS_PER_SECOND: Final = 1000.0


def run_demo(
    *, seconds: float | None = None, out: TextIO | None = None, keep: bool | None = None
) -> int:
    """Train for a while, show it on the emulated phone, print what was sent.

    Parameters
    ----------
    seconds : float, optional
        About how long to train, at least 1; ``DEMO_SECONDS`` or 30 when left out.
    out : text stream, optional
        Where to print; standard output when left out.
    keep : bool, optional
        Whether to keep the phone page up until Ctrl-C; when left out, in a terminal only.

    Returns
    -------
    int
        Exit status, 0.
    """
    out = out or sys.stdout
    seconds = seconds if seconds is not None else _seconds_wished()
    keep = sys.stdin.isatty() and sys.stdout.isatty() if keep is None else keep
    with Emulator() as emulator:
        print(f"The phone: {emulator.url}\n(open it in a browser)\n", file=out, flush=True)
        configure(api_key=emulator.api_key, base_url=emulator.base_url)
        try:
            accuracy = train(seconds)
            runtime().courier.flush(5.0)
        finally:
            configure(api_key=None, base_url=None)
        print(f"\nAccuracy on unseen digits: {accuracy:.1%}\n", file=out)
        print("What the phone showed:\n", file=out)
        for line in table(emulator.phone.history):
            print(line, file=out)
        print(f"\n{len(emulator.requests)} API requests in all.", file=out, flush=True)
        if keep:
            _wait_for_interrupt(emulator.url, out)
    return 0


def _seconds_wished() -> float:
    text = os.environ.get("DEMO_SECONDS", "") or str(DEFAULT_SECONDS)
    try:
        return read_seconds(text)
    except ValueError as error:
        raise SystemExit(f"DEMO_SECONDS={text!r}: {error}") from None


def read_seconds(text: str) -> float:
    """Return how long to train, at least a second.

    Raises
    ------
    ValueError
        The text is no number from 0 to a day.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_SECONDS:  # also refuses NaN
        raise ValueError("must be a number of seconds, at most a day")
    return max(1.0, seconds)


def train(seconds: float) -> float:
    """Train for about `seconds` and return the accuracy on the test digits, 0 to 1.

    This is the loop of anybody's notebook; only the import of `tqdm` is ours.
    """
    rng = np.random.default_rng(0)
    digits = load_digits(rng)
    model = Classifier(rng)
    pace = Pace(seconds)
    accuracy = 0.0
    for epoch in (
        epochs := tqdm(range(EPOCHS), desc="Training digits", color="cyan", notify="always")
    ):
        batches = tqdm(range(pace.steps(EPOCHS - epoch)), desc=f"epoch {epoch + 1}", leave=False)
        for step in batches:
            loss = learn_batch(model, digits, rng)
            pace.took += 1
            if step % 50 == 0:
                batches.set_postfix(loss=loss, refresh=False)
        accuracy = model.accuracy(digits.test_images, digits.test_labels)
        epochs.set_postfix(loss=loss, acc=accuracy)
    return accuracy


class Pace:
    """How many batches an epoch needs so that all of them end on time on this machine.

    Parameters
    ----------
    seconds : float
        For all epochs together.
    """

    def __init__(self, seconds: float) -> None:
        self._began = time.perf_counter()
        self._seconds = seconds
        self.took = 0

    def steps(self, epochs_left: int) -> int:
        """Return the batches of the next epoch, at least 1."""
        elapsed = time.perf_counter() - self._began
        rate = self.took / elapsed if self.took else _FIRST_GUESS_PER_SECOND
        return max(1, round(max(0.0, self._seconds - elapsed) / epochs_left * rate))


def learn_batch(model: Classifier, digits: Digits, rng: np.random.Generator) -> float:
    """Learn one random batch and return its loss."""
    chosen = rng.integers(0, len(digits.train_labels), BATCH_SIZE)
    return model.learn(shifted(digits.train_images[chosen], rng), digits.train_labels[chosen])


def table(history: Iterable[Any]) -> Iterable[str]:
    """Yield the lines of a table: time, operation, percentage, subtitle or message."""
    yield f"{'seconds':>8}  {'operation':<9}  {'percent':>7}  text"
    for shown in history:
        content = shown.content
        percentage = content.get("percentage")
        text = content.get("subtitle") or content.get("message") or ""
        if shown.kind == "push":
            text = f"{content['title']}: {text}"
        percent = "" if percentage is None else f"{percentage:g} %"
        yield f"{shown.seconds:8.1f}  {shown.kind:<9}  {percent:>7}  {text}"


def _wait_for_interrupt(url: str, out: TextIO) -> None:
    print(f"\nThe phone page stays at {url} until Ctrl-C.", file=out, flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print(file=out)
