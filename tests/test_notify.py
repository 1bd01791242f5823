from __future__ import annotations

import asyncio

import pytest
from support.shell import Notebook

from activitysmith_jupyter import configure, notify
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter.exceptions import ActivitySmithWarning, PayloadError


@pytest.fixture
def notebook():
    """Give a phone; the shell is there and does nothing."""
    notebook = Notebook()
    yield notebook
    notebook.close()


def test_notify_block_that_ends_tells_done(notebook):
    """Title, verdict, elapsed time."""
    with notify("Backup"):
        notebook.clock.advance(200)
    assert notebook.pushes == [("✅ Backup: done", "Done in 3m 20s")]


def test_notify_block_that_raises_tells_failed_and_raises_the_very_error(notebook):
    """The error passes through untouched."""
    error = ValueError("loss is NaN")
    with pytest.raises(ValueError) as caught, notify("Fit"):  # noqa: PT011  the very object is compared
        raise error
    assert caught.value is error
    assert notebook.pushes == [("❌ Fit: failed", "Failed after 0.0 s: ValueError: loss is NaN")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_notify_block_that_is_stopped_tells_stopped(notebook, error):
    """Somebody's wish to end is no failure."""
    with pytest.raises(error), notify("Fit"):
        raise error
    assert notebook.pushes[0][0] == "⏹ Fit: stopped"


def test_notify_bare_decorator_takes_the_functions_name(notebook):
    """And leaves its value, name and docstring alone."""

    @notify
    def train(x):
        """Train."""
        return x + 1

    assert train(41) == 42
    assert train.__doc__ == "Train."
    assert notebook.pushes == [("✅ train: done", "Done in 0.0 s")]


def test_notify_decorator_with_options_tells_each_call(notebook):
    """Every call has a clock and a verdict of its own."""

    @notify("Fit", result=True)
    def train(x):
        notebook.clock.advance(x)
        return x if x < 5 else 1 / 0

    train(2)
    with pytest.raises(ZeroDivisionError):
        train(7)
    assert notebook.pushes == [
        ("✅ Fit: done", "Done in 2.0 s · 2"),
        ("❌ Fit: failed", "Failed after 7.0 s: ZeroDivisionError: division by zero"),
    ]


def test_notify_decorator_calls_itself(notebook):
    """A recursive function tells each of its calls."""

    @notify
    def down(n):
        return n and down(n - 1)

    down(2)
    assert len(notebook.pushes) == 3


def test_notify_coroutine_function_is_told_when_awaited(notebook):
    """Not when the coroutine was made."""

    @notify
    async def train():
        notebook.clock.advance(3)
        return 1

    coroutine = train()
    assert notebook.pushes == []
    assert asyncio.run(coroutine) == 1
    assert notebook.pushes == [("✅ train: done", "Done in 3.0 s")]


def test_notify_async_with_works(notebook):
    """As the sync one."""

    async def main():
        async with notify("Fit"):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert notebook.pushes[0][0] == "✅ Fit: done"


@pytest.mark.parametrize("error", [ValueError("loss is NaN"), asyncio.CancelledError()])
def test_notify_async_work_that_ends_early_raises_the_very_error(notebook, error):
    """As a block and as a decorator; a cancelled task was stopped, it did not fail."""

    @notify("Fit")
    async def train():
        await asyncio.sleep(0)
        raise error

    async def block():
        async with notify("Fit"):
            await asyncio.sleep(0)
            raise error

    async def caught(work):
        try:
            await work()
        except type(error) as seen:
            return seen

    for work in (train, block):
        assert asyncio.run(caught(work)) is error
    verdict = "❌ Fit: failed" if isinstance(error, ValueError) else "⏹ Fit: stopped"
    assert [title for title, _ in notebook.pushes] == [verdict, verdict]


def test_notify_generator_function_is_told_when_it_is_exhausted(notebook):
    """The work is in the loop, not in the call."""

    @notify
    def rows():
        yield 1
        notebook.clock.advance(4)
        yield 2

    assert list(rows()) == [1, 2]
    assert notebook.pushes == [("✅ rows: done", "Done in 4.0 s")]


def test_notify_async_generator_function_is_refused_with_a_way_out():
    """Half a support would lose what is sent into it."""
    with pytest.raises(TypeError, match="async with notify"):

        @notify
        async def rows():
            yield 1


def test_notify_result_is_opt_in(notebook):
    """A returned value stays here unless it was asked for."""
    with notify("A") as notice:
        notice.result = 0.5
    with notify("B", message="got {result}") as notice:
        notice.result = 0.5
    assert notebook.pushes == [("✅ A: done", "Done in 0.0 s"), ("✅ B: done", "got 0.5")]


def test_notify_takes_its_defaults_from_configure(notebook):
    """An argument wins over them."""
    configure(notify_on="failed", notify_after="10s")
    with notify("quiet"):
        notebook.clock.advance(60)
    with notify("loud", on="always", after=0):
        pass
    assert [title for title, _ in notebook.pushes] == ["✅ loud: done"]


@pytest.mark.parametrize(
    "wish", [{"on": "x"}, {"after": "soon"}, {"media": "x"}, {"interruption_level": "loud"}]
)
def test_notify_with_a_wrong_argument_raises_before_the_work(wish):
    """Not after hours of it."""
    with pytest.raises(PayloadError):
        notify("Fit", **wish)


def test_notify_without_a_key_warns_once_and_runs(notebook, monkeypatch):
    """The work is done either way."""
    configure(api_key=None)
    with pytest.warns(ActivitySmithWarning, match="no API key"), notify("Fit"):
        ran = True
    assert ran


def test_notify_with_the_server_down_costs_the_work_nothing(notebook):
    """The courier says later what was wrong."""
    notebook.emulator.close()
    with notify("Fit"):
        pass
    runtime().courier.flush(0.2)
    assert any("cannot be reached" in notice for notice in runtime().courier.take_notices())


def test_notify_dry_run_outside_a_notebook_prints_the_payload(notebook, capsys, monkeypatch):
    """Nothing is sent."""
    monkeypatch.setattr("activitysmith_jupyter._preview.ipython_shell", lambda: None)
    with notify("Fit", dry_run=True, after="1m"):
        pass
    shown = capsys.readouterr().out
    assert '"title": "✅ Fit: done"' in shown
    assert "It would not be sent: it took 0.0 s, less than 1m 00s" in shown
    assert notebook.pushes == []


def test_notify_disabled_says_and_sends_nothing(notebook):
    """Not even that no key is there."""
    configure(disabled=True)
    with notify("Fit"):
        pass
    assert notebook.pushes == []


def test_notify_is_exported_as_a_function():
    """Loading our modules in any order never puts a module in its place."""
    import activitysmith_jupyter
    import activitysmith_jupyter._notify

    assert callable(activitysmith_jupyter.notify)
