"""What every test shares: a clean process-wide state, and no test that is quietly skipped."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))

# What decides whether a change lands must not depend on luck; everybody else's runs explore.
hypothesis.settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

# The Makefile installs PySpark where there is Java, and then asks for that folder by its name.
collect_ignore = [] if importlib.util.find_spec("pyspark") else ["spark"]

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="count a skipped test as a failed one")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last, and those that share one browser last of all.

    As long as playwright is up, an event loop runs in the main thread: no test after it could run
    one of its own, nor start a second playwright.
    """
    items.sort(
        key=lambda item: (
            item.get_closest_marker("browser") is not None,
            "browser" in item.path.parent.parts[-1:],
        )
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def clean_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test its own settings, courier and open cards."""
    from activitysmith_jupyter import _keyring, _opencard, _runtime, _settings

    for name in list(os.environ):
        if name.startswith("ACTIVITYSMITH_"):
            monkeypatch.delenv(name)
    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK"):
        monkeypatch.delenv(name, raising=False)
    _settings._process.reset()
    monkeypatch.setattr(_opencard, "_missing_key_said", False)
    # No test asks the desktop of the machine it runs on.
    _keyring.note_keyring_key(None)
    old = _runtime.replace_runtime(None)
    yield
    mine = _runtime.replace_runtime(old)
    if mine is not None:
        mine.release()
    _settings._process.reset()


@pytest.fixture
def keystore(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Put a desktop's key store in place: ``answer()`` is what it says, ``asked`` who asked it."""
    from activitysmith_jupyter import _keyring

    store = SimpleNamespace(answer=lambda: None, asked=[])

    def get_password(service: str, user: str) -> object:
        store.asked.append((service, user))
        return store.answer()

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))
    monkeypatch.setattr(_keyring, "_question", None)
    return store
