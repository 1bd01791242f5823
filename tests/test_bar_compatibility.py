"""What tqdm's documentation promises, with our class."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from io import BytesIO, StringIO
from threading import RLock
from typing import Any

import joblib
import pandas as pd
import pytest
from tqdm.auto import tqdm as auto_tqdm
from tqdm.contrib.concurrent import process_map, thread_map
from tqdm.utils import CallbackIOWrapper

from activitysmith_jupyter import configure, tqdm, trange


@pytest.fixture(autouse=True)
def no_phone() -> None:
    configure(disabled=True)


def drawn(kind: Any, *args: Any, **kwargs: Any) -> str:
    """Return what a bar over `args` leaves on its stream when it has run out."""
    out = StringIO()
    options = {"file": out, "ncols": 60, "ascii": True, "mininterval": 0, **kwargs}
    options.setdefault("bar_format", "{desc}{n_fmt}/{total_fmt}|{bar}|{unit}{postfix}")
    for _ in kind(*args, **options):
        pass
    return out.getvalue().rsplit("\r", 1)[-1]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"desc": "Load"},
        {"total": 20},
        {"initial": 5, "total": 15},
        {"unit": "B", "unit_scale": True, "unit_divisor": 1024},
        {"unit_scale": 100},
        {"leave": False},
        {"delay": 3600},
        {"postfix": {"loss": 0.03119}},
        {"colour": "green"},
        {"position": 0},
        {"smoothing": 0},
        {"nrows": 5},
        {"bar_format": "{l_bar}{bar}"},
        {"disable": True},
        {"miniters": 3},
        {"dynamic_ncols": True},
        {"ascii": False},
        {"write_bytes": False},
    ],
    ids=str,
)
def test_bar_with_an_option_of_tqdm_leaves_the_same_line(options: dict[str, Any]) -> None:
    """Every option means what it means in tqdm."""
    assert drawn(tqdm, range(10), **options) == drawn(auto_tqdm, range(10), **options)


def test_bar_without_length_leaves_the_same_line() -> None:
    """A generator has no total in either."""
    layout = "{desc}{n_fmt}/{total_fmt}"
    assert drawn(tqdm, iter(range(9)), bar_format=layout) == drawn(
        auto_tqdm, iter(range(9)), bar_format=layout
    )


def test_bar_is_true_as_long_as_it_has_work() -> None:
    """Truth and length are those of the work."""
    assert len(tqdm(range(7), file=StringIO())) == 7
    assert bool(tqdm(total=0, file=StringIO())) is False
    assert bool(tqdm(total=3, file=StringIO())) is True
    with pytest.raises(TypeError):
        bool(tqdm(file=StringIO()))
    assert 3 in tqdm(range(7), file=StringIO())


def test_bar_reset_starts_again_with_a_new_total() -> None:
    """reset(total) uses the bar once more."""
    bar = tqdm(total=10, file=StringIO())
    bar.update(7)
    bar.reset(total=20)
    assert (bar.n, bar.total) == (0, 20)
    bar.update(20)
    bar.close()
    assert bar.n == 20


def test_bar_description_and_postfix_are_kept() -> None:
    """set_description, set_postfix and their text forms."""
    bar = tqdm(total=3, file=StringIO())
    bar.set_description("train")
    bar.set_postfix(loss=0.5, refresh=False)
    assert (bar.desc, bar.postfix) == ("train: ", "loss=0.5")
    bar.set_description_str("x")
    bar.set_postfix_str("a=1")
    assert (bar.desc, bar.postfix) == ("x", "a=1")
    assert bar.format_dict["total"] == 3
    bar.close()


def test_bar_update_below_zero_takes_back() -> None:
    """update(-n) corrects the count, as tqdm's does."""
    bar = tqdm(total=10, file=StringIO())
    bar.update(5)
    bar.update(-2)
    assert bar.n == 3
    bar.close()


def test_bar_write_goes_above_the_bar() -> None:
    """tqdm.write prints without tearing the bar."""
    out = StringIO()
    bar = tqdm(total=3, file=out)
    tqdm.write("hello", file=out)
    bar.close()
    assert "hello\n" in out.getvalue()
    with tqdm.external_write_mode(file=out):
        out.write("between\n")
    assert "between\n" in out.getvalue()


def test_bar_wrapattr_counts_bytes() -> None:
    """Wrapattr follows a file's reads."""
    with tqdm.wrapattr(BytesIO(b"x" * 1000), "read", total=1000, file=StringIO()) as stream:
        assert isinstance(stream, CallbackIOWrapper)
        assert len(stream.read(600)) == 600


def test_bar_pandas_progress_apply() -> None:
    """tqdm.pandas() adds progress_apply with our bar."""
    tqdm.pandas(file=StringIO(), desc="apply")
    frame = pd.DataFrame({"x": [1, 2, 3]})
    assert frame["x"].progress_apply(lambda x: 2 * x).tolist() == [2, 4, 6]
    assert frame.groupby("x").progress_apply(len).tolist() == [1, 1, 1]


def test_bar_thread_map_and_process_map() -> None:
    """Tqdm's pools take our class."""
    options = {"tqdm_class": tqdm, "file": StringIO(), "max_workers": 2}
    assert thread_map(abs, [-1, -2, -3], **options) == [1, 2, 3]
    options["file"] = None
    assert process_map(abs, [-1, -2], leave=False, **options) == [1, 2]


def test_bar_in_joblib_runs_to_its_end() -> None:
    """A bar over joblib's work counts every item."""
    bar = tqdm(range(20), file=StringIO())
    results = joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-item) for item in bar)
    assert results == list(range(20))
    assert bar.n == 20


def test_bar_async_for_gather_and_as_completed() -> None:
    """The asyncio forms work as tqdm.asyncio's do."""

    async def items():
        for item in range(5):
            yield item

    async def double(x: int) -> int:
        return 2 * x

    async def work() -> None:
        bar = tqdm(items(), total=5, file=StringIO())
        assert [item async for item in bar] == [0, 1, 2, 3, 4]
        assert bar.n == 5
        assert [item async for item in tqdm(range(3), file=StringIO())] == [0, 1, 2]
        assert await tqdm.gather(*map(double, range(4)), file=StringIO()) == [0, 2, 4, 6]
        done = [
            await one for one in tqdm.as_completed([double(x) for x in range(3)], file=StringIO())
        ]
        assert sorted(done) == [0, 2, 4]

    asyncio.run(work())


def test_bar_as_context_manager_and_closing() -> None:
    """With and contextlib.closing both close the bar."""
    with tqdm(total=2, file=StringIO()) as bar:
        bar.update()
    assert bar.disable
    with contextlib.closing(trange(3, file=StringIO())) as bar:
        assert next(iter(bar)) == 0
    assert bar.disable


def test_bar_draws_under_tqdms_own_lock_until_it_is_given_another() -> None:
    """Bars of both classes keep each other out; the lock may be set and deleted as on tqdm."""

    class Mine(tqdm[Any]):
        pass

    shared = auto_tqdm.get_lock()
    assert Mine.get_lock() is shared
    other, own = RLock(), RLock()
    try:
        auto_tqdm.set_lock(other)
        assert Mine.get_lock() is other
    finally:
        auto_tqdm.set_lock(shared)
    Mine.set_lock(own)
    assert Mine.get_lock() is own
    assert auto_tqdm.get_lock() is shared
    for _ in range(2):
        del Mine._lock
        assert Mine.get_lock() is shared


def test_bar_compares_and_hashes_as_tqdms_does() -> None:
    """Bars can be sorted by position and used as keys."""
    first, second = tqdm(total=1, file=StringIO()), tqdm(total=1, file=StringIO())
    assert len({first, second}) == 2
    assert first == first  # noqa: PLR0124  identity is what is asked
    second.close()
    first.close()


def test_bar_refuses_to_be_copied_as_tqdms_does() -> None:
    """What tqdm cannot do, ours cannot do either: no half copies."""
    outcomes = []
    for kind in (auto_tqdm, tqdm):
        bar = kind(total=3, file=StringIO())
        try:
            copy.copy(bar).close()
            outcomes.append("copied")
        except Exception as error:  # noqa: BLE001  whatever tqdm does is right
            outcomes.append(type(error).__name__)
        bar.close()
    assert outcomes[0] == outcomes[1]


def test_bar_interval_options_keep_their_meaning() -> None:
    """mininterval, maxinterval and miniters are the bar's own attributes."""
    bar = tqdm(range(3), mininterval=0.5, maxinterval=7, file=StringIO())
    assert (bar.mininterval, bar.maxinterval) == (0.5, 7)
    assert bar.start_t <= time.time()
    bar.close()
