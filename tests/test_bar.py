from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from support.phonebench import Bench, bench
from tqdm.auto import tqdm as auto_tqdm

from activitysmith_jupyter import (
    Activity,
    ActivitySmithWarning,
    ConfigurationError,
    PayloadError,
    _bargroup,
    configure,
    tqdm,
    trange,
)
from activitysmith_jupyter._outcome import Outcome
from activitysmith_jupyter.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch):
    with bench(monkeypatch) as one:
        yield one


def quiet(*args: Any, **kwargs: Any) -> tqdm[Any]:
    return tqdm(*args, file=StringIO(), **kwargs)


# ---------------------------------------------------------------- verdicts


def test_bar_run_out_ends_green_at_100(phone: Bench) -> None:
    """A loop that runs out ends its card done, green, at 100 %."""
    for _ in quiet(range(4), desc="Train"):
        phone.step(5)
    phone.step(2)
    assert phone.kinds[0] == "start"
    assert phone.kinds[-1] == "end"
    assert phone.card["status"] == "ended"
    assert phone.state["color"] == "green"
    assert phone.state["percentage"] == 100
    assert phone.state["title"] == "Train"
    assert phone.state["subtitle"].startswith("Done in ")


def test_bar_break_holds_its_verdict_then_says_stopped(phone: Bench) -> None:
    """A loop that was left waits for somebody who knows why, and is stopped when nobody does."""
    for step in quiet(range(10)):
        phone.step(5)
        if step == 4:
            break
    phone.step(1)
    assert phone.card["status"] == "active"
    phone.step(10)
    assert phone.card["status"] == "ended"
    assert phone.state["color"] == "gray"
    assert phone.state["subtitle"].startswith("Stopped at 40 %")
    assert phone.state["percentage"] == 40


def test_bar_break_is_stopped_at_the_end_of_the_cell(phone: Bench) -> None:
    """The end of the cell ends a held verdict at once."""
    for _ in quiet(range(10)):
        phone.step(5)
        break
    phone.runtime.settle(None)
    phone.step()
    assert phone.state["color"] == "gray"


def test_bar_return_out_of_the_loop_says_stopped(phone: Bench) -> None:
    """Returning from the function that loops is leaving early."""

    def work() -> None:
        for _ in quiet(range(10)):
            phone.step(5)
            return

    work()
    phone.step(11)
    assert phone.state["color"] == "gray"


def test_bar_error_in_body_says_failed_with_type_and_last_line(phone: Bench) -> None:
    """Whoever learns of the error ends the card red, with the exception's last line."""
    with pytest.raises(ValueError, match="loss") as caught:
        for step in quiet(range(10)):
            phone.step(5)
            if step == 7:
                raise ValueError("details\nloss is NaN")
    phone.runtime.settle(Outcome.of_exception(caught.value))
    phone.step()
    assert phone.state["color"] == "red"
    assert "70 %" in phone.state["subtitle"]
    assert phone.state["subtitle"].endswith("ValueError: loss is NaN")


def test_bar_error_with_kept_traceback_says_failed(phone: Bench) -> None:
    """A kept traceback keeps the loop's frame alive, and the verdict is failed all the same."""

    def work() -> None:
        bar = quiet(range(10))
        for _ in bar:
            phone.step(5)
            raise KeyError("missing")

    kept: list[BaseException] = []
    try:
        work()
    except KeyError as error:
        kept.append(error)
    phone.runtime.settle(Outcome.of_exception(kept[0]))
    phone.step()
    assert phone.state["color"] == "red"


def test_bar_interrupt_says_stopped(phone: Bench) -> None:
    """Ctrl-C stops the work; it did not fail."""
    with pytest.raises(KeyboardInterrupt) as caught:
        for _ in quiet(range(10)):
            phone.step(5)
            raise KeyboardInterrupt
    phone.runtime.settle(Outcome.of_exception(caught.value))
    phone.step()
    assert phone.state["color"] == "gray"
    assert "interrupted" in phone.state["subtitle"]


def test_bar_close_early_says_stopped(phone: Bench) -> None:
    """A bar that is closed before its total is stopped."""
    bar = quiet(total=10)
    bar.update(3)
    phone.step(5)
    bar.close()
    phone.step(11)
    assert phone.state["color"] == "gray"
    assert phone.state["percentage"] == 30


def test_bar_closed_at_its_total_says_done(phone: Bench) -> None:
    """A bar driven by hand is done when it has reached its total."""
    bar = quiet(total=10)
    bar.update(10)
    phone.step(5)
    bar.close()
    phone.step(2)
    assert phone.state["color"] == "green"


def test_bar_by_hand_without_total_says_done(phone: Bench) -> None:
    """A bar of unknown length that is driven by hand is done when it is closed."""
    bar = quiet()
    bar.update(10)
    phone.step(5)
    bar.close()
    phone.step(2)
    assert phone.state["color"] == "green"


def test_bar_with_block_knows_that_it_failed(phone: Bench) -> None:
    """A with block ends the card itself, also when the loop inside was left by the error."""
    with pytest.raises(ZeroDivisionError), quiet(range(10)) as bar:
        for _ in bar:
            phone.step(5)
            _ = 1 / 0
    phone.step(2)
    assert phone.state["color"] == "red"
    assert "ZeroDivisionError" in phone.state["subtitle"]


def test_bar_with_block_left_by_break_says_stopped_at_once(phone: Bench) -> None:
    """A with block that ends without an error before the total is stopped, without a wait."""
    with quiet(total=10) as bar:
        bar.update(4)
        phone.step(5)
    phone.step(2)
    assert phone.card["status"] == "ended"
    assert phone.state["color"] == "gray"


def test_bar_abandoned_iterator_says_stopped(phone: Bench) -> None:
    """An iterator that was left half-way and thrown away does not keep its card open."""
    iterator = iter(quiet(range(10)))
    next(iterator)
    next(iterator)
    phone.step(5)
    del iterator
    gc.collect()
    phone.step(11)
    assert phone.card["status"] == "ended"
    assert phone.state["color"] == "gray"
    assert phone.state["percentage"] == 10


def test_bar_generator_that_raises_says_failed_with_exact_count(phone: Bench) -> None:
    """An error of the iterable itself counts the items whose body was finished."""

    def items():
        yield from range(3)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk") as caught:
        for _ in quiet(items(), total=6):
            phone.step(5)
    phone.runtime.settle(Outcome.of_exception(caught.value))
    phone.step()
    assert phone.state["percentage"] == 50
    assert phone.state["color"] == "red"


def test_bar_exhausted_below_a_wrong_total_says_done(phone: Bench) -> None:
    """The iterable decides what is all: a total that was too large does not make it stopped."""
    for _ in quiet(range(3), total=10):
        phone.step(5)
    phone.step(2)
    assert phone.state["color"] == "green"
    assert phone.state["percentage"] == 100


SCRIPT = """
from activitysmith_jupyter import configure, tqdm
from activitysmith_jupyter import _barcard
from activitysmith_jupyter._runtime import runtime
_barcard.should_open = lambda *_: True
for step in tqdm(range(10), desc="Script"):
    if step == 3:
        runtime().courier.wake()
        while not runtime().courier.requests_sent:
            pass
        {}
"""


@pytest.mark.parametrize(
    ("line", "color", "words"),
    [
        pytest.param("raise RuntimeError('boom')", "red", "RuntimeError: boom", id="uncaught"),
        pytest.param("raise SystemExit(3)", "gray", "Stopped", id="sys-exit"),
        pytest.param("raise KeyboardInterrupt", "gray", "interrupted", id="interrupt"),
        pytest.param("break", "gray", "Stopped at 30 %", id="break-at-the-end"),
        pytest.param("pass", "green", "Done", id="runs-out"),
    ],
)
def test_bar_in_a_script_tells_how_the_script_ended(line: str, color: str, words: str) -> None:
    """The end of a program, however it comes, ends its card with the truth before it exits."""
    with Emulator() as emulator:
        environment = {
            "ACTIVITYSMITH_API_KEY": emulator.api_key,
            "ACTIVITYSMITH_BASE_URL": emulator.base_url,
            "PATH": "",
            "PYTHONPATH": ":".join(sys.path),
        }
        subprocess.run(
            [sys.executable, "-c", SCRIPT.format(line)],
            env=environment,
            capture_output=True,
            check=False,
            timeout=60,
        )
        (card,) = emulator.phone.cards
    assert card["status"] == "ended"
    assert card["content_state"]["color"] == color
    assert words in card["content_state"]["subtitle"]


# ---------------------------------------------------------------- one card


def test_bars_nested_share_one_card_that_never_moves_back(phone: Bench) -> None:
    """Epochs and batches are one smooth fraction on one card; the inner bar is the subtitle."""
    shown = []
    for epoch in quiet(range(3), desc="Epochs"):
        for _ in quiet(range(4), desc=f"epoch {epoch}"):
            phone.step(300)
            shown.append(phone.state["percentage"])
    phone.step(2)
    assert shown == sorted(shown)
    assert len(set(shown)) > 6
    assert phone.kinds.count("start") == 1
    assert phone.state["title"] == "Epochs"
    assert phone.state["percentage"] == 100


def test_bars_inner_break_does_not_end_the_card(phone: Bench) -> None:
    """Leaving an inner loop is part of the work."""
    for _ in quiet(range(3)):
        for _ in quiet(range(10)):
            phone.step(5)
            break
    phone.step(2)
    assert phone.kinds.count("start") == 1
    assert phone.kinds.count("end") == 1
    assert phone.state["color"] == "green"


def test_bars_in_a_row_use_one_activity(phone: Bench) -> None:
    """Outermost bars that follow each other go on with the card: starts have a small budget."""
    for epoch in range(4):
        for _ in quiet(range(2), desc=f"epoch {epoch}"):
            phone.step(30)
    phone.step(2)
    assert phone.kinds.count("start") == 1
    assert phone.kinds.count("end") == 1
    assert phone.state["title"] == "epoch 3"


def test_bars_of_threads_share_one_card_with_a_combined_fraction(phone: Bench) -> None:
    """Parallel bars are one card, whose fraction is that of all the work."""
    ready, go_on = threading.Barrier(3), threading.Event()

    def work(done: int) -> None:
        bar = quiet(total=10, unit="file")
        bar.update(done)
        ready.wait()
        go_on.wait()
        bar.update(10 - done)
        bar.close()

    threads = [threading.Thread(target=work, args=(done,)) for done in (2, 6)]
    for thread in threads:
        thread.start()
    ready.wait()
    phone.step(5)
    assert phone.state["percentage"] == 40
    go_on.set()
    for thread in threads:
        thread.join()
    phone.step(2)
    assert phone.card["status"] == "ended"
    assert phone.state["color"] == "green"


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Have threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
def test_bars_that_threads_begin_at_the_same_moment_share_one_card(phone: Bench) -> None:
    """However many threads make the first bar, none of them opens a card beside another's."""
    for _ in range(30):
        ready, bars = threading.Barrier(8), []

        def begin(ready: Any = ready, bars: Any = bars) -> None:
            ready.wait(30)
            bars.append(tqdm(total=10, file=StringIO()))

        threads = [threading.Thread(target=begin) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(bar._place.group) for bar in bars}) == 1
        for bar in bars:
            bar.update(10)
            bar.close()
        phone.step(5)


def test_bar_that_joins_while_the_last_other_one_closes_keeps_the_card(
    phone: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar that found its card in the moment of its end is on a card that goes on."""
    first = tqdm(total=10, file=StringIO())
    closing = threading.Thread(target=lambda: (first.update(10), first.close()))
    add = _bargroup.BarGroup.add

    def add_late(group: Any, bar: Any) -> Any:
        closing.start()
        closing.join(0.3)  # as far as it can come
        return add(group, bar)

    monkeypatch.setattr(_bargroup.BarGroup, "add", add_late)
    second = tqdm(total=10, file=StringIO())
    closing.join()
    phone.step(5)
    assert phone.card["status"] == "active"
    second.close()
    phone.step(20)
    assert phone.card["content_state"]["color"] == "gray"


def test_bar_subtitle_keeps_the_postfix_numbers(phone: Bench) -> None:
    """The numbers beside the bar are on the phone, short, and stay in the last words."""
    bar = quiet(range(2))
    for _ in bar:
        bar.set_postfix(loss=0.031196400001)
        phone.step(200)
    assert "loss 0.0312" in phone.state["subtitle"]
    phone.step(2)
    assert phone.state["subtitle"].endswith("loss 0.0312")


def test_bar_without_total_counts_up(phone: Bench) -> None:
    """An unknown length is a timer that counts up by itself, with the items beside it."""
    for _ in quiet(iter(range(3))):
        phone.step(100)
        assert phone.state["type"] == "timer"
        assert phone.state["counts_down"] is False
    phone.step(2)
    assert phone.state["color"] == "green"
    assert "it" in phone.emulator.phone.history[-2].content["subtitle"]


def test_bar_resumed_run_begins_where_it_was(phone: Bench) -> None:
    """A run that goes on from a checkpoint shows all the work, not only its own."""
    bar = quiet(total=10, initial=5)
    bar.update(1)
    phone.step(5)
    assert phone.state["percentage"] == 60
    bar.update(4)
    bar.close()


def test_bar_style_steps_shows_segments_and_failed_ones_red(phone: Bench) -> None:
    """Few steps are segments, and a step that failed stays red."""
    bar = quiet(range(4), style="steps", color="cyan")
    for step in bar:
        phone.step(200)
        if step == 1:
            bar.fail_step()
    last = phone.state
    assert last["type"] == "segmented_progress"
    assert last["number_of_steps"] == 4
    assert last["step_colors"][1] == "red"
    assert last["step_colors"][0] == "cyan"


def test_bar_style_timer_counts_down_without_steady_updates(phone: Bench) -> None:
    """A steady loop needs one countdown, which the phone runs by itself."""
    for _ in quiet(range(40), style="timer"):
        phone.step(10)
    assert phone.emulator.phone.history[1].content["type"] == "timer"
    # The first items tell little about the rate: it settles within a few corrections.
    assert phone.kinds.count("update") <= 6


def test_bar_with_its_own_key_has_its_own_card(phone: Bench) -> None:
    """activity="key" names the card."""
    for _ in quiet(range(2), activity="my-run"):
        phone.step(5)
    assert phone.card["stream_key"] == "my-run"


def test_bar_feeds_an_activity_that_somebody_else_ends(phone: Bench) -> None:
    """activity=Activity(...) moves that card and leaves its end to its owner."""
    with Activity("pipeline", title="Pipeline") as activity:
        for _ in quiet(range(4), activity=activity, desc="load"):
            phone.step(200)
        assert phone.card["status"] == "active"
        assert phone.state["title"] == "Pipeline"
        assert phone.state["percentage"] >= 25
    phone.step(2)
    assert phone.state["color"] == "green"
    assert phone.kinds.count("start") == 1


def test_bar_notify_pushes_after_the_end(phone: Bench) -> None:
    """notify="always" sends one push, after the card has ended."""
    for _ in quiet(range(2), desc="Train", notify="always"):
        phone.step(5)
    phone.step(2)
    assert phone.kinds[-2:] == ["end", "push"]
    (push,) = phone.emulator.phone.pushes
    assert push["title"] == "✅ Train: done"


def test_bar_options_reach_the_card(phone: Bench) -> None:
    """Title, colour, icon and action are on the card from its first state."""
    action = {"title": "Open", "type": "open_url", "url": "https://example.com"}
    for _ in quiet(range(2), title="Mine", color="magenta", icon="bolt.fill", action=action):
        phone.step(5)
    start = phone.emulator.phone.history[0].content
    assert start["title"] == "Mine"
    assert start["color"] == "magenta"
    assert start["icon"] == {"symbol": "bolt.fill"}
    assert phone.card["action"]["url"] == "https://example.com"


def test_bar_options_have_environment_defaults(
    phone: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option that is not given comes from configure() or the environment."""
    monkeypatch.setenv("ACTIVITYSMITH_TITLE", "From outside")
    monkeypatch.setenv("ACTIVITYSMITH_ACTIVITY", "outside-key")
    configure(color="purple")
    for _ in quiet(range(2)):
        phone.step(5)
    assert phone.card["stream_key"] == "outside-key"
    start = phone.emulator.phone.history[0].content
    assert start["title"] == "From outside"
    assert start["color"] == "purple"


# ---------------------------------------------------------------- never in the way


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"color": "pink"}, "color"),
        ({"style": "spiral"}, "style"),
        ({"notify": "sometimes"}, "notify"),
        ({"activity": "not a key"}, "activity"),
        ({"icon": ""}, "symbol"),
        ({"action": {"title": "x", "type": "open_url", "url": "ftp://x"}}, "url"),
        ({"title": " "}, "title"),
        ({"channels": 3}, "channels"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bar_wrong_option_names_the_field_and_sends_nothing(
    phone: Bench, options: dict[str, Any], field: str
) -> None:
    """A wrong option of ours is refused when the bar is made."""
    with pytest.raises((PayloadError, ConfigurationError), match=field):
        quiet(range(3), **options)
    phone.step(20)
    assert phone.emulator.requests == []


def test_bar_unknown_option_is_tqdms_own_error(phone: Bench) -> None:
    """An option that neither knows gets tqdm's own error."""
    with pytest.raises(KeyError, match="no_such"):
        quiet(range(3), no_such=1)


def test_bar_without_a_key_is_a_plain_bar_and_says_so_once() -> None:
    """Without a key nothing is sent, the loop runs, and one line says how to set a key."""
    with pytest.warns(ActivitySmithWarning, match="ACTIVITYSMITH_API_KEY") as caught:
        assert list(quiet(range(3))) == [0, 1, 2]
        assert list(quiet(range(3))) == [0, 1, 2]
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_bar_with_an_unusable_environment_is_a_plain_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong setting from outside costs the card, never the loop."""
    monkeypatch.setenv("ACTIVITYSMITH_BASE_URL", "http://example.com")
    with pytest.warns(ActivitySmithWarning, match="base_url"):
        assert list(quiet(range(3))) == [0, 1, 2]


@pytest.mark.parametrize("switch", ["argument", "environment"])
def test_bar_disabled_sends_nothing(
    phone: Bench, monkeypatch: pytest.MonkeyPatch, switch: str
) -> None:
    """Tqdm's disable and ACTIVITYSMITH_DISABLED both mean silence."""
    monkeypatch.setenv("ACTIVITYSMITH_DISABLED", "1" if switch == "environment" else "0")
    for _ in quiet(range(3), disable=switch == "argument"):
        phone.step(30)
    phone.step(30)
    assert phone.emulator.requests == []


@pytest.mark.parametrize("rank", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_bar_of_a_higher_rank_is_silent(
    phone: Bench, monkeypatch: pytest.MonkeyPatch, rank: str
) -> None:
    """Of a distributed run only rank 0 streams."""
    monkeypatch.setenv(rank, "1")
    for _ in quiet(range(3)):
        phone.step(30)
    assert phone.emulator.requests == []


def test_bar_is_tqdm_auto_and_trange_its_shortcut() -> None:
    """The bar is tqdm.auto's, so that it draws as that does."""
    configure(disabled=True)
    assert issubclass(tqdm, auto_tqdm)
    assert list(trange(2, 5, file=StringIO())) == [2, 3, 4]
    assert len(quiet(range(7))) == 7
    assert bool(quiet(range(0))) is False


def test_bar_draws_what_tqdm_draws() -> None:
    """The terminal shows the same line as tqdm's own bar."""
    configure(disabled=True)
    ours, theirs = StringIO(), StringIO()
    for kind, out in ((tqdm, ours), (auto_tqdm, theirs)):
        bar = kind(total=4, desc="x", file=out, bar_format="{desc} {n}/{total} {bar}", ncols=40)
        bar.update(4)
        bar.close()
    assert ours.getvalue() == theirs.getvalue()


def test_bar_goes_on_when_the_server_refuses(phone: Bench) -> None:
    """A server that refuses everything costs the loop nothing and is named once."""
    phone.emulator.faults.add("status", status=500)
    with pytest.warns(ActivitySmithWarning, match="500") as caught:
        assert [step for step in quiet(range(5)) if phone.step(30) is None] == list(range(5))
        phone.step(2)
    assert len(caught) == 1


def test_bar_catches_up_with_the_newest_state_when_the_server_comes_back(phone: Bench) -> None:
    """What was missed is not sent afterwards: only the newest state is."""
    phone.emulator.faults.add("status", status=503)
    bar = quiet(total=10)
    for _ in range(8):
        bar.update(1)
        phone.step(30)
    phone.emulator.faults.clear()
    phone.step(30)
    assert phone.state["percentage"] == 80
    assert phone.kinds == ["start"]
    bar.update(2)
    bar.close()


def test_bar_text_of_any_kind_is_no_error(phone: Bench) -> None:
    """Descriptions and numbers may be anything."""
    bar = quiet(range(2), desc="<b>\ud800\n" + "x" * 5000, unit="ü")
    for _ in bar:
        bar.set_postfix_str("a=\x00, b=" + "y" * 3000)
        phone.step(300)
    phone.step(2)
    assert phone.state["color"] == "green"


WORKERS = textwrap.dedent("""
    import multiprocessing as mp, sys
    from io import StringIO
    from activitysmith_jupyter import tqdm, _barcard
    _barcard.should_open = lambda *_: True
    def work(_):
        for _ in tqdm(range(50_000), file=StringIO()):
            pass
        return 1
    if __name__ == "__main__":
        with mp.get_context(sys.argv[1]).Pool(2) as pool:
            assert sum(pool.map(work, range(4))) == 4
""")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_bar_in_a_worker_process_is_silent_and_never_hangs(method: str, tmp_path: Any) -> None:
    """Workers of a pool send nothing, however they were started."""
    script = tmp_path / "workers.py"
    script.write_text(WORKERS)
    with Emulator() as emulator:
        environment = {
            "ACTIVITYSMITH_API_KEY": emulator.api_key,
            "ACTIVITYSMITH_BASE_URL": emulator.base_url,
            "PYTHONPATH": ":".join(sys.path),
        }
        done = subprocess.run(
            [sys.executable, str(script), method],
            env=environment,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert emulator.requests == []
