from __future__ import annotations

import json

import pytest
from support.scripts import run_script

import activitysmith_jupyter

HEAVY = ("IPython", "httpx", "ipywidgets", "matplotlib", "narwhals", "numpy", "pandas", "polars")
# What the very first import may not load either.
LATER = ("attrs", "attr", "stamina", "tqdm", "werkzeug", "keyring", "asyncio", "ssl", "traitlets")

# Records every environment variable of ours that anybody asks for.
AUDIT = """
import json, os, sys, threading

asked = []

class Recorded(type(os.environ)):
    def __getitem__(self, name):
        asked.append(name)
        return super().__getitem__(name)
    def __contains__(self, name):
        asked.append(name)
        return super().__contains__(name)
    def items(self):
        # tqdm goes through all of them to find those that begin with TQDM_.
        return {name: super(Recorded, self).__getitem__(name) for name in self}.items()

os.environ.__class__ = Recorded
opened = []
def hear(event, args):
    if event in {"socket.__new__", "subprocess.Popen", "os.fork"}:
        opened.append(event)
sys.addaudithook(hear)
threads = threading.active_count()
"""
REPORT = """
print(json.dumps({
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    "ours": sorted(name for name in sys.modules if name.startswith("activitysmith_jupyter")),
    "asked": [name for name in asked if name.startswith("ACTIVITYSMITH")],
    "opened": opened,
    "threads": threading.active_count() - threads,
}))
"""


def after(code: str) -> dict:
    """Return what a fresh interpreter has loaded, read and started after some code."""
    answer = run_script(AUDIT + code + REPORT, env={"ACTIVITYSMITH_API_KEY": "ask_x"})
    assert answer.stderr == ""
    return json.loads(answer.stdout)


def test_import_of_the_package_loads_and_does_nothing():
    """The import costs a few small modules: no library, no thread, no socket, no environment."""
    seen = after("import activitysmith_jupyter")
    assert set(seen["modules"]) & {*HEAVY, *LATER} == set()
    assert seen["ours"] == [
        "activitysmith_jupyter",
        "activitysmith_jupyter.frames",
        "activitysmith_jupyter.frames._accessors",
    ]
    assert seen["asked"] == []
    assert seen["opened"] == []
    assert seen["threads"] == 0


@pytest.mark.parametrize("name", ["tqdm", "trange", "Activity", "ActivitySmith", "configure"])
def test_import_of_a_name_reads_no_environment_and_loads_nothing_heavy(name):
    """What a script imports first is cheap; httpx comes with the first request."""
    seen = after(f"from activitysmith_jupyter import {name}")
    assert set(seen["modules"]) & {*HEAVY, "werkzeug", "stamina", "keyring"} == set()
    assert seen["asked"] == []
    assert seen["opened"] == []
    assert seen["threads"] == 0


def test_import_of_the_error_names_loads_no_library_at_all():
    """``except ActivitySmithError`` costs nothing but the tree of errors."""
    seen = after("from activitysmith_jupyter import ActivitySmithError, PayloadError")
    assert set(seen["modules"]) & {*HEAVY, *LATER} == set()


def test_import_of_the_emulator_loads_no_web_server():
    """The package of the emulator is light until an emulator is made."""
    seen = after("import activitysmith_jupyter.emulator")
    assert set(seen["modules"]) & {*HEAVY, *LATER} == set()


def test_bar_without_a_key_loads_no_httpx():
    """A plain bar stays a plain bar."""
    code = """
import io, warnings
from activitysmith_jupyter import tqdm
os.environ["ACTIVITYSMITH_API_KEY"] = ""
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
asked.clear()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for _ in tqdm(range(3), file=io.StringIO()):
        pass
"""
    seen = after(code)
    assert set(seen["modules"]) & {"httpx", "pandas", "IPython", "ipywidgets", "stamina"} == set()
    assert seen["opened"] == []


def test_names_of_the_package_resolve_in_a_fresh_interpreter():
    """Each name can be the first one imported."""
    names = sorted(set(activitysmith_jupyter.__all__) - {"__version__"})
    code = f"""
import importlib, subprocess
import activitysmith_jupyter as package
for name in {names!r}:
    for loaded in [each for each in sys.modules if each.startswith("activitysmith_jupyter.")]:
        del sys.modules[loaded]
    package.__dict__.pop(name, None)
    assert getattr(package, name) is not None, name
"""
    answer = run_script(AUDIT + code + "print('all', len(asked) >= 0)")
    assert (answer.stdout, answer.stderr) == ("all True\n", "")
