from __future__ import annotations

import threading
from io import StringIO
from typing import Any

import pandas as pd
import pytest
from support.phonebench import Bench, bench
from support.scripts import run_script
from tqdm import tqdm as plain_tqdm
from tqdm.std import tqdm as std_tqdm

from activitysmith_jupyter import PayloadError, tqdm
from activitysmith_jupyter._relay import RUNNER_VARIABLE, Listener
from activitysmith_jupyter.emulator import Emulator
from activitysmith_jupyter.mirroring import mirror


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch):
    with bench(monkeypatch) as one:
        yield one


def foreign(*args: Any, **kwargs: Any) -> std_tqdm[Any]:
    return plain_tqdm(*args, file=StringIO(), **kwargs)


def test_mirror_shows_a_foreign_bar_on_a_card(phone: Bench) -> None:
    """A bar of plain tqdm moves a card while a mirror is on."""
    with mirror(title="Library"):
        for _ in foreign(range(4), mininterval=0):
            phone.step(200)
        assert phone.state["percentage"] >= 50
    phone.step(2)
    assert phone.state["title"] == "Library"
    assert phone.state["color"] == "green"


def test_mirror_keeps_one_card_for_the_block(phone: Bench) -> None:
    """Any number of bars in a row are one card, which ends with the block."""
    with mirror(title="Pipeline"):
        for stage in range(3):
            for _ in foreign(range(2), desc=f"stage {stage}"):
                phone.step(100)
            assert phone.card["status"] == "active"
    phone.step(2)
    assert phone.kinds.count("start") == 1
    assert phone.kinds.count("end") == 1


def test_mirror_begins_anew_with_each_row_of_bars(phone: Bench) -> None:
    """A second loop of the block starts at its own beginning, not at the first one's end."""
    with mirror():
        for _ in foreign(range(4), mininterval=0, miniters=1):
            phone.step(200)
        for step in foreign(range(4), mininterval=0, miniters=1):
            phone.step(200)
            if step == 1:
                assert phone.state["percentage"] == 25


def test_mirror_block_under_a_runner_moves_the_runners_card(
    phone: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run is one card; a block with a key of its own still has its own."""
    listener = Listener()
    port, _, token = listener.address.split(":")
    monkeypatch.setenv(RUNNER_VARIABLE, f"{port}:1:{token}")
    pause = threading.Event()
    with mirror(title="Library"):
        bar = foreign(total=4, initial=3)
        phone.step(200)
        for _ in range(500):
            if not listener.newest().text:
                pause.wait(0.01)
        assert listener.newest().share == 0.75
        assert phone.cards == []
        bar.close()
    with mirror(activity="own"):
        bar = foreign(total=4)
        phone.step(200)
        assert phone.card["stream_key"] == "own"
        bar.close()
    listener.close()


def test_mirror_block_that_fails_says_failed(phone: Bench) -> None:
    """The block's error is the card's verdict, and goes on untouched."""
    with pytest.raises(RuntimeError, match="boom"), mirror():
        for _ in foreign(range(4)):
            phone.step(100)
            raise RuntimeError("boom")
    phone.step(2)
    assert phone.state["color"] == "red"
    assert "RuntimeError: boom" in phone.state["subtitle"]


def test_mirror_leaving_restores_tqdm(phone: Bench) -> None:
    """Nothing of the mirror stays on tqdm's class, also with mirrors inside each other."""
    before = dict(vars(std_tqdm))
    with mirror():
        with mirror():
            assert std_tqdm.close is not before["close"]
        assert std_tqdm.close is not before["close"]
    assert dict(vars(std_tqdm)) == before
    for _ in foreign(range(3)):
        phone.step(100)
    assert phone.emulator.requests == []


def test_mirror_does_not_change_what_a_bar_draws() -> None:
    """The bar's output is the same with and without."""
    outputs = []
    for one in (None, mirror()):
        out = StringIO()
        if one is not None:
            one.start()
        bar = plain_tqdm(total=3, file=out, bar_format="{desc}{n}/{total}{bar}", ncols=30)
        bar.update(3)
        bar.close()
        if one is not None:
            one.stop()
        outputs.append(out.getvalue())
    assert outputs[0] == outputs[1]


def test_mirror_started_by_hand_gives_each_row_its_verdict(phone: Bench) -> None:
    """With start and stop a loop that runs out ends its own card."""
    one = mirror().start()
    for _ in foreign(iter(range(3))):
        phone.step(100)
    phone.step(2)
    assert phone.state["color"] == "green"
    one.stop()


def test_mirror_knows_a_loop_without_total_that_was_left(phone: Bench) -> None:
    """A loop that was left is stopped, even in the middle of handling an error."""
    one = mirror().start()
    try:
        raise KeyError("being handled")
    except KeyError:
        for _ in foreign(iter(range(3))):
            phone.step(100)
        phone.step(2)
        assert phone.state["color"] == "green"
        for step in foreign(iter(range(3))):
            phone.step(100)
            if step == 1:
                break
        phone.step(11)
        newest = phone.cards[0]
        assert newest["content_state"]["color"] == "gray"
    one.stop()


def test_mirror_takes_in_progress_apply(phone: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pandas' progress_apply, and so any library's bar, is on the card."""
    monkeypatch.setattr("sys.stderr", StringIO())
    plain_tqdm.pandas(desc="apply")
    frame = pd.DataFrame({"x": range(4)})
    with mirror():
        doubled = frame["x"].progress_apply(lambda x: (phone.step(100), 2 * x)[1])
    phone.step(2)
    assert doubled.tolist() == [0, 2, 4, 6]
    assert phone.state["title"] == "apply"
    assert phone.state["color"] == "green"


def test_mirror_takes_in_the_bars_of_keras() -> None:
    """A library that was never told of us has its epochs and its loss on the card."""
    with Emulator(rate_limits="off") as emulator:
        done = run_script(
            """
            import keras
            import numpy as np
            from activitysmith_jupyter import _barcard, mirror
            from activitysmith_jupyter._runtime import runtime
            from tqdm.keras import TqdmCallback

            _barcard.should_open = lambda *_: True
            model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
            model.compile("sgd", "mse")
            data = np.zeros((8, 1))
            with mirror(title="Fine-tuning"):
                model.fit(data, data, epochs=3, verbose=0, callbacks=[TqdmCallback(verbose=0)])
                while not runtime().courier.requests_sent:
                    runtime().courier.wake()
            """,
            env={
                "KERAS_BACKEND": "jax",
                "ACTIVITYSMITH_API_KEY": emulator.api_key,
                "ACTIVITYSMITH_BASE_URL": emulator.base_url,
            },
        )
        assert done.returncode == 0, done.stderr
        (card,) = emulator.phone.cards
    state = card["content_state"]
    assert (state["title"], state["percentage"], state["color"]) == ("Fine-tuning", 100, "green")
    assert "loss 0" in state["subtitle"]


def test_mirror_leaves_our_own_bars_alone(phone: Bench) -> None:
    """A bar of ours has its card anyway, and is not shown twice."""
    with mirror():
        for _ in tqdm(range(2), file=StringIO(), desc="own"):
            phone.step(100)
    phone.step(2)
    assert phone.kinds.count("start") == 1
    assert phone.state["title"] == "own"


def test_mirror_wrong_option_names_the_field() -> None:
    """A wrong option is refused before anything is wrapped."""
    with pytest.raises(PayloadError, match="color"):
        mirror(color="pink")
    assert std_tqdm.close.__qualname__ == "tqdm.close"
    assert not hasattr(std_tqdm.close, "__wrapped__")
