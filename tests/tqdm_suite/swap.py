"""pytest plugin for `run`: puts the class named in ``SWAP_BAR`` where tqdm's classes were."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import sys
from typing import TYPE_CHECKING

import pytest
import tqdm
import tqdm.asyncio
import tqdm.auto
import tqdm.contrib.concurrent
import tqdm.contrib.itertools
import tqdm.contrib.logging
import tqdm.notebook

from activitysmith_jupyter import _fastloop

if TYPE_CHECKING:
    from types import ModuleType


def _swap(bar: type) -> None:
    # Subclasses keep their bases, and the command line, which reads its options from the docstring
    # of tqdm, its class.
    keep = {"tqdm.cli", "tqdm.gui", "tqdm.notebook", "tqdm.rich", "tqdm.tk"}
    originals = {tqdm.std.tqdm, tqdm.asyncio.tqdm, tqdm.auto.tqdm}
    modules: list[ModuleType] = [
        module
        for name, module in sys.modules.items()
        if name.partition(".")[0] == "tqdm" and name not in keep
    ]
    for module in modules:
        for name, value in list(vars(module).items()):
            if isinstance(value, type) and value in originals:
                setattr(module, name, bar)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests, so that no plugin for them is needed."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    asyncio.run(test(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


# On import, which comes before that of tqdm's own conftest.
if name := os.environ["SWAP_BAR"]:
    module, _, attribute = name.partition(":")
    if not os.environ["SWAP_FAST"]:
        _fastloop.COUNTS_IN_ONE_STEP = False  # type: ignore[attr-defined]
    _swap(getattr(importlib.import_module(module), attribute))
