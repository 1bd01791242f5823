from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import assume, given, settings, strategies as st
from IPython.testing.globalipapp import get_ipython
from support import strategies

from activitysmith_jupyter._requests import push_body, stream_body, stream_end_body
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter.composer._catalogue import EXAMPLES, KINDS
from activitysmith_jupyter.composer._line import NO_LINE
from activitysmith_jupyter.composer._message import LANGUAGES, Message, written
from activitysmith_jupyter.emulator import Device, Emulator

TRICKY = 'it\'s "quoted" $HOME {braces} `id` \\ 😀 100 % #no -- x'
ACTION = {"title": "Stop {it}", "type": "webhook", "url": "https://x.org/?a=$b", "method": "POST"}
FULL = {
    "progress": stream_body(
        type="progress",
        title=TRICKY,
        subtitle="-starts with a hyphen",
        value=3,
        upper_limit=4.5,
        color="cyan",
        icon={"symbol": "bolt.fill", "color": "red"},
        badge={"title": "a:b, {c}", "color": "lime"},
        action={**ACTION, "body": {"run": 7, "why": "it's {over}"}},
        secondary_action={"title": "Open", "type": "open_url", "url": "https://x.org"},
        alert={"title": "Look", "body": "at: this"},
        channels="ml,ops",
        tags=["a:b", "c"],
        metadata={"run": 7, "who": "7", "ok": True},
    ),
    "stats": stream_body(
        type="stats",
        title="T",
        metrics=[{"label": "A=B", "value": 1.5, "unit": "%", "color": "red"}],
    ),
    "timer": stream_body(type="timer", title="T", counts_down=False, is_running=False),
    "value": stream_body(type="value", title="T", value="42"),
    "alert": stream_body(type="alert", title="T", message=TRICKY),
    "push": push_body(
        title=TRICKY,
        message="two words",
        subtitle="s",
        redirection="https://x.org",
        actions=[ACTION],
        payload={"a": [1, {"b": None}]},
        badge=3,
        sound="chime",
        interruption_level="passive",
        tags=["t"],
        metadata={"a": "b"},
    ),
}


@pytest.fixture(scope="module")
def served():
    """Serve an emulator for all tests of this file."""
    with Emulator(metrics=None, rate_limits="off") as emulator:
        yield emulator


@pytest.fixture
def emulator(served, monkeypatch):
    """Point the environment at the emulator, as code that finds its key by itself expects."""
    served.reset()
    served.configure(devices=(Device(name="iPhone", channels=("ml", "ops")),))
    monkeypatch.setenv("ACTIVITYSMITH_API_KEY", served.api_key)
    monkeypatch.setenv("ACTIVITYSMITH_BASE_URL", served.base_url)
    return served


@pytest.fixture(scope="module")
def shell():
    """Load the extension into a real IPython shell."""
    from activitysmith_jupyter.magics import load_ipython_extension, unload_ipython_extension

    shell = get_ipython()
    load_ipython_extension(shell)
    yield shell
    unload_ipython_extension(shell)


def example(kind):
    """Make the message that the form begins with."""
    if kind == "push":
        return Message(operation="push", body=push_body(EXAMPLES[kind]))
    body = stream_body(type=kind, **EXAMPLES[kind])
    return Message(operation="start", body=body, stream_key=f"code-{kind}")


def full(kind):
    """Make a message with much in it."""
    if kind == "push":
        return Message(operation="push", body=FULL[kind])
    return Message(operation="start", body=FULL[kind], stream_key=f"full-{kind}")


def run(language, code, shell):
    """Run code as somebody who copied it would."""
    if language == "Python":
        exec(code, {})  # noqa: S102  that is what is tested
    elif language == "curl":
        subprocess.run(
            ["/bin/bash", "-c", code], check=True, env=os.environ, capture_output=True, timeout=20
        )
    else:
        result = shell.run_cell(code)
        result.raise_error()
        assert runtime().courier.flush(5.0)


def assert_arrived(emulator, message):
    """Fail unless the last request is that of the message."""
    record = emulator.requests[-1]
    assert record.method == message.method
    assert record.path == message.path
    sent, expected = dict(record.body), dict(message.body)
    if "duration_seconds" in expected.get("content_state", {}):
        # A card's clock runs from the moment it was set.
        sent["content_state"] = dict(sent["content_state"])
        expected["content_state"] = dict(expected["content_state"])
        left = sent["content_state"].pop("duration_seconds")
        assert left == pytest.approx(expected["content_state"].pop("duration_seconds"), abs=5)
    assert sent == expected


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_code_of_each_kind_sends_what_the_form_would(kind, language, emulator, shell, capsys):
    """Copied code, run as it stands, makes the same request."""
    message = example(kind)
    run(language, written(message, language, base_url=emulator.base_url), shell)
    assert_arrived(emulator, message)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", FULL)
def test_code_of_a_full_message_sends_all_of_it(kind, language, emulator, shell):
    """Quotes, braces, dollars and nested objects survive each language's own rules."""
    message = full(kind)
    run(language, written(message, language, base_url=emulator.base_url), shell)
    assert_arrived(emulator, message)


@pytest.mark.parametrize("language", LANGUAGES)
def test_code_of_an_end_ends_the_card(language, emulator, shell):
    """The same for the end of a card that this process did not open."""
    start = Message(operation="start", body=example("progress").body, stream_key="to-end")
    run("Python", written(start, "Python"), shell)
    body = stream_end_body(type="progress", title="T {x}", percentage=100, auto_dismiss_minutes=5)
    message = Message(operation="end", body=body, stream_key="to-end")
    run(language, written(message, language, base_url=emulator.base_url), shell)
    assert_arrived(emulator, message)


@settings(max_examples=60)
@given(push=strategies.pushes(), base=st.just("https://example.org/api"))
def test_code_never_carries_a_key_and_python_is_exact(push, base):
    """Python code holds the very body, whatever is in it."""
    message = Message(operation="push", body=push_body(push))
    code = written(message, "Python", base_url=base)
    literal = code.partition("send(\n")[2].rpartition(",\n)")[0].strip()
    assert eval(literal) == message.body  # noqa: S307  our own code
    assert "Bearer $ACTIVITYSMITH_API_KEY" in written(message, "curl", base_url=base)


@settings(max_examples=60)
@given(state=strategies.states(dismissal=True))
def test_line_is_one_line_or_says_that_there_is_none(state):
    """No text, however strange, breaks out of the line."""
    assume(state.title)
    message = Message(operation="start", body=stream_body(state), stream_key="k")
    line = written(message, "%activity")
    assert line.count("\n") == 1
    assert line.startswith(("%activity ", NO_LINE[:2]))


def test_line_reads_well_for_the_usual():
    """What people write every day is short."""
    assert written(example("progress"), "%activity") == (
        "%activity progress code-progress 43 --title=Training '--subtitle=done about 14:32'\n"
    )
    steps = written(example("segmented_progress"), "%activity")
    assert steps == "%activity steps code-segmented_progress 3/5 --title=Pipeline\n"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"message": "one\ntwo"}, "Text of several lines"),
        ({"message": "m", "auto_dismiss_seconds": 9}, "A dismissal before the end"),
        ({"message": "m", "alert": {"title": "only"}}, "An alert without both"),
        ({"message": "m", "metadata": {"a=b": 1}}, "Metadata with an equals sign"),
    ],
)
def test_line_says_what_it_cannot(fields, words):
    """What a line has no room for is left to the other languages."""
    body = stream_body(type="alert", title="T", **fields)
    message = Message(operation="start", body=body, stream_key="k")
    assert written(message, "%activity").startswith(f"# {words}")
