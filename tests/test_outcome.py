from __future__ import annotations

import asyncio
from subprocess import CalledProcessError, TimeoutExpired

import pytest
from hypothesis import given, strategies as st
from nbclient.exceptions import CellTimeoutError
from nbformat.v4 import new_code_cell

from activitysmith_jupyter._outcome import (
    Outcome,
    duration_text,
    error_text,
    one_line,
    percent_text,
)


class Unprintable(Exception):  # noqa: N818  what it is, not what it reports
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        pytest.param(None, "done", "", id="none"),
        pytest.param(ValueError("loss is NaN"), "failed", "ValueError: loss is NaN", id="error"),
        pytest.param(ValueError(), "failed", "ValueError", id="error-without-text"),
        pytest.param(ValueError("a\n\n b \n"), "failed", "ValueError: b", id="error-of-lines"),
        pytest.param(Unprintable(), "failed", "Unprintable", id="error-unprintable"),
        pytest.param(KeyboardInterrupt(), "stopped", "interrupted", id="interrupt"),
        pytest.param(asyncio.CancelledError(), "stopped", "", id="cancelled"),
        pytest.param(GeneratorExit(), "stopped", "", id="generator-closed"),
        pytest.param(SystemExit(), "stopped", "", id="exit"),
        pytest.param(SystemExit(0), "stopped", "", id="exit-0"),
        pytest.param(SystemExit(3), "stopped", "exit 3", id="exit-3"),
        pytest.param(SystemExit("no data"), "stopped", "exit no data", id="exit-text"),
        pytest.param(SystemExit([1]), "stopped", "exit [1]", id="exit-unhashable"),
        pytest.param(SystemExit(Unprintable()), "stopped", "exit", id="exit-unprintable"),
    ],
)
def test_outcome_of_exception_tells_stop_from_failure(error, verdict, reason):
    """Whoever asks for the end stops the work; everything else failed; nothing raises."""
    assert Outcome.of_exception(error) == Outcome(verdict, reason)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CalledProcessError(3, "curl -u me:secret"), "returned non-zero exit status 3."),
        (CalledProcessError(-9, b"first\nsecret died "), "died with <Signals.SIGKILL: 9>."),
        (TimeoutExpired(["curl", "me:secret"], 5), "timed out after 5 seconds"),
        (
            SyntaxError("invalid syntax", ("/home/secret.py", 4, 1, "secret")),
            "invalid syntax (line 4)",
        ),
        (
            CellTimeoutError.error_from_timeout_and_cell(
                "Cell execution timed out", 4, new_code_cell("secret = 1\nwait()")
            ),
            "A cell timed out while it was being executed, after 4 seconds.",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_error_text_of_an_error_that_quotes_code_leaves_it_here(error, words):
    """What was run, and where it stands, is no business of the phone's."""
    assert error_text(error) == f"{type(error).__name__}: {words}"


@pytest.mark.parametrize(
    ("verdict", "color", "symbol", "minutes"),
    [
        ("done", "green", "checkmark.circle.fill", 60),
        ("failed", "red", "xmark.octagon.fill", 240),
        ("stopped", "gray", "stop.circle.fill", 30),
        ("died", "red", "bolt.slash.fill", 240),
    ],
)
def test_outcome_verdict_has_a_look_of_its_own(verdict, color, symbol, minutes):
    """Colour, icon and stay on the Lock Screen follow from the verdict alone."""
    outcome = Outcome(verdict)
    icon = {"symbol": symbol, "color": color}
    assert outcome.dismiss_minutes == minutes
    assert outcome.look("progress", "text") == {"subtitle": "text", "icon": icon, "color": color}
    assert outcome.look("stats", "text") == {"subtitle": "text", "icon": icon}


@pytest.mark.parametrize(
    ("outcome", "options", "sentence"),
    [
        (Outcome("done"), {}, "Done"),
        (Outcome("done"), {"at": "43 %", "elapsed_seconds": 7500}, "Done in 2h 05m"),
        (Outcome("failed"), {"at": "43 %"}, "Failed at 43 %"),
        (
            Outcome("failed", "ValueError: x"),
            {"at": "43 %", "elapsed_seconds": 61},
            "Failed at 43 % after 1m 01s: ValueError: x",
        ),
        (Outcome("stopped", "interrupted"), {}, "Stopped: interrupted"),
        (Outcome("died"), {"elapsed_seconds": 3}, "Kernel died"),
        (Outcome("died", "Program"), {"at": "43 %"}, "Program died at 43 %"),
    ],
)
def test_outcome_sentence_says_verdict_place_time_and_reason(outcome, options, sentence):
    """One short text holds what is known; when something died, whoever finds out knows."""
    assert outcome.sentence(**options) == sentence


@pytest.mark.parametrize(
    ("notify", "told"),
    [
        ("done", {"done"}),
        ("failed", {"failed", "died"}),
        ("always", {"done", "failed", "stopped", "died"}),
        ("never", set()),
    ],
)
def test_outcome_push_follows_the_setting(notify, told):
    """Each setting names the verdicts that push; a death counts as a failure."""
    verdicts = ("done", "failed", "stopped", "died")
    assert {each for each in verdicts if Outcome(each).asks_for_push(notify)} == told
    assert all(Outcome(each).push_title("Train").count("Train: ") == 1 for each in verdicts)


@given(st.text(st.characters(codec=None), max_size=400))
def test_one_line_of_any_text_is_short_and_can_leave_as_utf8(text):
    """Whatever an error says becomes one line of at most 120 characters."""
    line = one_line(text)
    assert len(line) <= 120
    assert len(line.splitlines()) <= 1
    assert line.encode("utf-8").decode() == line


def test_error_text_keeps_type_and_last_line_only():
    """The last line of a long message is the one that tells."""
    assert error_text(KeyError("label")) == "KeyError: 'label'"
    assert error_text(RuntimeError("x" * 500)).endswith("…")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.29, "29 %"), (0.999, "99 %"), (1, "100 %"), (1 / 3, "33 %")],
)
def test_percent_text_is_never_ahead_of_the_work(share, text):
    """99.9 % is not yet 100 %, and 29 % is not 28 for a rounding error."""
    assert percent_text(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1m 00s"),
        (200, "3m 20s"),
        (7500, "2h 05m"),
        (3599.7, "1h 00m"),
        (273600, "3d 4h"),
    ],
)
def test_duration_text_has_two_units_and_rounds_over_their_edges(seconds, text):
    """No duration reads 60 seconds or 60 minutes."""
    assert duration_text(seconds) == text
