from __future__ import annotations

import re
from io import StringIO

import numpy as np
import pytest

from activitysmith_jupyter import _barcard
from activitysmith_jupyter.cli import main
from activitysmith_jupyter.demo._digits import Classifier, load_digits
from activitysmith_jupyter.demo._run import Pace, run_demo, table


def test_demo_shows_a_run_from_start_to_push(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo trains, shows the card, its end and the push, and counts the requests."""
    # A run of two seconds would not deserve a card.
    monkeypatch.setattr(_barcard, "should_open", lambda *_: True)
    out = StringIO()
    assert run_demo(seconds=2, out=out, keep=False) == 0
    said = out.getvalue()
    assert re.search(r"The phone: http://127\.0\.0\.1:\d+/", said)
    operations = re.findall(r"^ +[\d.]+  (\w+)", said, flags=re.MULTILINE)
    assert operations[0] == "start"
    assert operations[-2:] == ["end", "push"]
    assert "100 %" in said
    count = re.search(r"(\d+) API requests", said)
    assert count is not None
    assert int(count[1]) == len(operations)
    assert "ask_" not in said + "".join(capsys.readouterr())


def test_demo_runs_a_second_time_in_the_same_process() -> None:
    """Nothing of the first run is in the way of the second."""
    assert run_demo(seconds=1, out=StringIO(), keep=False) == 0
    assert run_demo(seconds=1, out=StringIO(), keep=False) == 0


def test_demo_with_a_wrong_length_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """DEMO_SECONDS has to be a number."""
    monkeypatch.setenv("DEMO_SECONDS", "soon")
    with pytest.raises(SystemExit, match="DEMO_SECONDS='soon'"):
        run_demo(out=StringIO(), keep=False)


def test_digits_are_split_and_scaled() -> None:
    """The data set is whole, between 0 and 1, and a fifth of it is kept for testing."""
    digits = load_digits(np.random.default_rng(0))
    assert len(digits.train_labels) + len(digits.test_labels) == 1797
    assert len(digits.test_labels) == 359
    assert digits.train_images.shape[1:] == (8, 8)
    assert digits.train_images.max() == 1
    assert digits.train_images.min() == 0
    assert set(digits.test_labels) == set(range(10))


def test_classifier_learns_the_digits() -> None:
    """A few hundred steps read nine of ten unseen digits."""
    rng = np.random.default_rng(0)
    digits = load_digits(rng)
    model = Classifier(rng)
    first = model.learn(digits.train_images[:64], digits.train_labels[:64])
    for _ in range(400):
        chosen = rng.integers(0, len(digits.train_labels), 64)
        last = model.learn(digits.train_images[chosen], digits.train_labels[chosen])
    assert last < first / 5
    assert model.accuracy(digits.test_images, digits.test_labels) > 0.9


def test_pace_gives_every_epoch_at_least_a_batch() -> None:
    """A machine that is late still does every epoch."""
    pace = Pace(0.0)
    pace.took = 10
    assert pace.steps(3) == 1


def test_table_of_an_empty_history_is_its_heading() -> None:
    """Nothing sent, nothing listed."""
    assert len(list(table([]))) == 1


def test_command_line_names_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """--help lists what there is, --version says which, and nonsense is refused."""
    for words, status, said in (
        (["--help"], 0, "emulator"),
        (["--version"], 0, "."),
        (["demo", "--no-such"], 2, "--no-such"),
        ([], 2, "COMMAND"),
    ):
        with pytest.raises(SystemExit) as left:
            main(words)
        assert left.value.code == status
        assert said in "".join(capsys.readouterr())
