"""One canary key through everything that shows, keeps or passes on what it is given.

What belongs to one module is beside its other tests: the wire (`test_http`), the secret itself
(`test_secret`), the helper process (`test_watchdog`), files (`test_private_files`), the emulator
(`emulator/test_app`). The end-to-end tests search whatever they leave behind (`support/canary`).
"""

from __future__ import annotations

import copy
import gc
import getpass
import io
import json
import logging
import os
import pickle
import sys
import traceback
import warnings
from pathlib import Path
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType

import attrs
import comm
import ipywidgets
import keyring
import pytest
import stamina
from IPython.core.ultratb import VerboseTB
from keyring.backend import KeyringBackend
from rich.console import Console
from rich.traceback import Traceback
from support.canary import CANARY, assert_no_key, found, spellings
from support.scripts import run_script
from support.shell import Notebook

from activitysmith_jupyter import (
    Activity,
    ActivitySmith,
    Composer,
    Phone,
    configure,
    exceptions,
    tqdm,
)
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter._secret import Secret
from activitysmith_jupyter._settings import _process, resolve
from activitysmith_jupyter.composer._message import LANGUAGES, Message, written
from activitysmith_jupyter.emulator import Emulator
from activitysmith_jupyter.runners import hooks
from activitysmith_jupyter.runners._runcard import run_settings

PACKAGE = "activitysmith_jupyter"
BIN = Path(sys.executable).parent


@pytest.fixture
def emulator(monkeypatch):
    """Serve an account whose key is the canary, found in the environment."""
    with Emulator(api_key=CANARY) as emulator:
        monkeypatch.setenv("ACTIVITYSMITH_API_KEY", CANARY)
        monkeypatch.setenv("ACTIVITYSMITH_BASE_URL", emulator.base_url)
        yield emulator


@pytest.fixture
def notebook():
    """Start a shell that is configured with the canary."""
    one = Notebook(api_key=CANARY)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def quick():
    """Retry as often as ever, without the waits between."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


# --- the search itself


@pytest.mark.parametrize("spelling", spellings(CANARY))
def test_search_finds_the_key_in_each_spelling(tmp_path, spelling):
    """A search that finds nothing proves something only if it can find."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.bin").write_bytes(b"\xff before" + spellings(CANARY)[spelling])
    with pytest.raises(AssertionError, match=r"file\.bin"):
        assert_no_key(tmp_path)
    assert spelling in found(spellings(CANARY)[spelling])


def test_search_finds_the_key_wherever_base64_has_it():
    """As part of a longer text it begins at any bit."""
    for before in ("", "B", "Be", "Bearer "):
        encoded = pickle.codecs.encode(f"{before}{CANARY} after".encode(), "base64")
        assert found(encoded.replace(b"\n", b""))


# --- objects


def _objects():
    """Yield everything that holds the key or what holds it, by name."""
    client = ActivitySmith(CANARY)
    settings = resolve(api_key=CANARY)
    activity = Activity("train", api_key=CANARY)
    activity.update(percentage=1)
    bar = tqdm(total=3, file=io.StringIO())
    yield "secret", Secret(CANARY)
    yield "settings", settings
    yield "run settings", run_settings(api_key=CANARY)
    yield "destination", settings.destination()
    yield "client", client
    yield "caller", client._caller
    yield "activity", activity
    yield "bar", bar
    yield "courier", runtime().courier
    yield "runtime", runtime()
    yield "configured", _process
    yield "configured options", _process.configured
    bar.close()
    activity.end()


def _shown_forms(thing):
    """Yield what each usual way of showing or copying an object gives."""
    yield repr(thing) + str(thing) + f"{thing}" + f"{thing!s:>80}" + "%s %r" % (thing, thing)  # noqa: UP031
    yield repr(getattr(thing, "__dict__", ""))
    yield json.dumps(getattr(thing, "__dict__", thing), default=repr, skipkeys=True)
    if attrs.has(type(thing)):
        yield repr(attrs.asdict(thing)) + json.dumps(attrs.asdict(thing), default=str)
        yield repr(attrs.astuple(thing))
    if hasattr(thing, "_repr_mimebundle_"):
        yield repr(thing._repr_mimebundle_())
    if isinstance(thing, tqdm):
        return  # tqdm's wrapper of a stream cannot be copied
    for duplicate in (copy.copy, copy.deepcopy):
        try:
            yield repr(duplicate(thing)) + repr(getattr(duplicate(thing), "__dict__", ""))
        except TypeError as error:  # a lock, a socket: it cannot be copied at all
            yield repr(error)
    try:
        yield pickle.dumps(thing)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        yield repr(error)


def test_key_is_not_in_what_any_object_shows(emulator):
    """Nor in its variables, its copies, its pickle or its JSON."""
    configure(api_key=CANARY)
    names = []
    for name, thing in _objects():
        for form in _shown_forms(thing):
            assert not found(form), name
        names.append(name)
    assert len(names) == 12


def test_key_stays_in_its_process_and_whoever_was_sent_elsewhere_says_so(emulator):
    """A client or card that a worker process gets has no key, and no request goes without one."""
    client, activity, settings = (
        pickle.loads(pickle.dumps(thing))  # noqa: S301  our own bytes
        for thing in (ActivitySmith(CANARY), Activity("a", api_key=CANARY), resolve())
    )
    with pytest.raises(exceptions.MissingAPIKeyError, match="another process"):
        client.badge_count(1)
    with pytest.raises(exceptions.MissingAPIKeyError):
        settings.destination()
    with pytest.warns(exceptions.ActivitySmithWarning, match="ACTIVITYSMITH_API_KEY"), activity:
        pass
    assert emulator.requests == []


HIDDEN = (ModuleType, type, FrameType, BuiltinFunctionType, Secret, type(os.environ), Emulator)


def _inside(thing):
    """Return what somebody who takes an object apart finds in it."""
    if isinstance(thing, dict):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, FunctionType):
        return [cell.cell_contents for cell in thing.__closure__ or () if _is_filled(cell)]
    if isinstance(thing, MethodType):
        return [thing.__self__, thing.__func__]
    return gc.get_referents(thing)


def _is_filled(cell):
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _holders(roots):
    """Return where the key is found behind objects: the ways there, from the root on."""
    seen, ways = set(), [(root, (name,)) for name, root in roots]
    leaks = []
    while ways:
        thing, way = ways.pop()
        if isinstance(thing, str | bytes):
            if found(thing):
                leaks.append(way)
            continue
        if id(thing) in seen or isinstance(thing, HIDDEN):
            continue
        seen.add(id(thing))
        ways.extend((inner, (*way, type(thing).__name__)) for inner in _inside(thing))
    return leaks


def test_key_is_behind_no_object_but_the_secret(emulator):
    """Whoever takes a client apart after a call finds the key in its Secret alone."""
    with ActivitySmith() as client:
        assert client.notifications.send(title="t").success
        with Activity("train") as activity:
            activity.update(percentage=1)
        # Nothing is under way any more: what is on the wire has the key in its header.
        assert runtime().courier.flush(5)
        assert [record.status for record in emulator.requests] == [200] * 3
        roots = [("client", client), ("activity", activity), ("runtime", runtime())]
        assert _holders(roots) == []
    assert _holders(hooks(api_key=CANARY).items()) == []
    assert _holders([("control", [lambda: emulator, {"a": [CANARY]}])])


# --- tracebacks


def _typed():
    """Return the key: a traceback that shows this file's variables shows none that hold it."""
    return CANARY


def _refused_arguments():
    ActivitySmith(_typed(), base_url="ftp://example.com")


def _refused_key():
    configure(api_key=f"{_typed()}\u00fc")


def _refused_state():
    with Activity("train", api_key=_typed()) as activity:
        activity.update(percentage=400)


def _refused_type():
    Activity("train", api_key=_typed(), type="no such type")


def _refused_payload():
    ActivitySmith(_typed()).notifications.send(title=5)


def _refused_request():
    ActivitySmith(_typed()).live_activities.update(activity_id="unknown", title="t")


def _refused_hooks():
    hooks(api_key=_typed(), notify="sometimes")


def _failed_body():
    with Activity("train", api_key=_typed()) as activity:
        for step in tqdm(range(3), file=io.StringIO(), activity=activity):
            if step == 1:
                raise ZeroDivisionError


FAILURES = {
    function.__name__.removeprefix("_"): function
    for function in (
        _refused_arguments,
        _refused_key,
        _refused_state,
        _refused_type,
        _refused_payload,
        _refused_request,
        _refused_hooks,
        _failed_body,
    )
}


def _error_of(function):
    try:
        function()
    except (exceptions.ActivitySmithError, ZeroDivisionError) as error:
        return error
    raise AssertionError("it did not fail")


def _python(error):
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())


def _ipython(error):
    return VerboseTB(include_vars=True, long_header=True).text(
        type(error), error, error.__traceback__
    )


def _rich(error):
    out = io.StringIO()
    shown = Traceback.from_exception(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_hide_dunder=False,
        locals_hide_sunder=False,
        locals_max_length=None,
        locals_max_string=None,
    )
    Console(file=out, width=400).print(shown)
    return out.getvalue()


@pytest.mark.parametrize("show", [_python, _ipython, _rich])
@pytest.mark.parametrize("failure", FAILURES)
def test_key_is_in_no_traceback_that_shows_variables(emulator, failure, show):
    """Python's, IPython's under ``%xmode Verbose``, and rich's with its locals."""
    error = _error_of(FAILURES[failure])
    text = show(error)
    assert type(error).__name__ in text
    assert_no_key(text)


@pytest.mark.parametrize("failure", FAILURES)
def test_key_is_behind_no_variable_of_our_frames(emulator, failure):
    """Who enters ``%debug`` may look at, and into, every variable of ours but the Secret."""
    link = _error_of(FAILURES[failure])
    roots = []
    while link is not None:
        for frame, line in traceback.walk_tb(link.__traceback__):
            if frame.f_globals.get("__name__", "").startswith(PACKAGE):
                where = f"{frame.f_code.co_qualname}:{line}"
                roots += [(f"{where} {name}", value) for name, value in frame.f_locals.items()]
        link = link.__cause__ or link.__context__
    assert roots or failure == "failed_body"
    assert _holders(roots) == []


# --- a notebook


def test_key_is_in_nothing_that_a_cell_shows(notebook, caplog):
    """Verbose tracebacks, the state, the doctor, dry runs, cards, objects, warnings, the log."""
    caplog.set_level(logging.DEBUG)
    notebook.run(
        "import warnings\nfrom activitysmith_jupyter import *\n"
        "warnings.simplefilter('always')\n%xmode Verbose"
    )
    shown = []
    for cell, expected in (
        ("ActivitySmith().notifications.send(title='t')", "PushResult"),
        ("ActivitySmith().badge_count(-1)", "PayloadError"),
        ("ActivitySmith().live_activities.update(activity_id='no', title='t')", "NotFoundError"),
        ("configure(api_key='two words')", "ConfigurationError"),
        ("%activity status", "API key"),
        ("%activity doctor", "found in"),
        ("%activity push Hello --dry-run", "push-notification"),
        ("%activity progress train 42 --title Train", ""),
        ("%activity list", "train"),
        ("%%notify\n1/0", "ZeroDivisionError"),
        ("Activity('train', title='x')", "train"),
        ("Composer('train')", ""),
        ("%whos", "Composer"),
        ("%activity test", "Test push"),
        ("%%capture out\nActivitySmith()", ""),
    ):
        result = notebook.run(cell)
        text = result.shown + repr([output._repr_mimebundle_() for output in result.rich])
        assert expected in text, cell
        shown.append(text)
    assert "send_request_headers" in caplog.text
    history = repr(notebook.shell.user_ns["In"]) + repr(notebook.shell.user_ns["Out"])
    assert_no_key(*shown, history, caplog.text)
    names = {name: value for name, value in notebook.shell.user_ns.items() if name[:1] != "_"}
    names.pop("clock")
    assert _holders(names.items()) == []


class MemoryKeyring(KeyringBackend):
    """A key store that forgets with the test."""

    priority = 1

    def get_password(self, *_):
        return None

    def set_password(self, *secrets):
        raise RuntimeError(*secrets)

    def delete_password(self, *_):
        raise RuntimeError(CANARY)


def test_key_that_was_typed_is_in_nothing_that_the_kernel_keeps(notebook, monkeypatch):
    """Not in the history, the names, the answers; also where the key store breaks with it."""
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    monkeypatch.setattr(getpass, "getpass", lambda _: CANARY)
    shown = [notebook.run(f"%activity {word}").shown for word in ("login", "status", "logout")]
    keyring.set_keyring(before)
    assert "Kept for this kernel only" in shown[0]
    assert_no_key(*shown, repr(notebook.shell.history_manager.input_hist_raw))
    names = {name: value for name, value in notebook.shell.user_ns.items() if name != "clock"}
    assert _holders([("In", names["In"]), ("Out", names["Out"])]) == []


def test_key_is_in_no_widget_and_no_message_to_the_page(emulator, monkeypatch):
    """What a front end receives, and what it saves with the notebook."""
    sent = []
    monkeypatch.setattr(
        comm.DummyComm, "publish_msg", lambda _, *words, **more: sent.append((words, more))
    )
    monkeypatch.setattr("activitysmith_jupyter.phone._DRAWN_SECONDS", 0)
    composer = Composer({"title": "T", "type": "progress", "percentage": 4}, stream_key="train")
    for button in ("send", "update", "end"):
        composer._sender._buttons[button].click()
    composer._sender._buttons["update"].click()
    emulator.faults.add("status", status=401, body={"error": f"bad {CANARY}", "message": ""})
    composer._sender._buttons["send"].click()
    assert "bad [key]" in composer._sender._answer.value
    phone = Phone()
    phone.refresh()
    phone._ipython_display_()
    state = ipywidgets.Widget.get_manager_state(widgets=None)["state"]
    assert "train" in repr(state)
    assert "bad [key]" in repr(sent)
    assert_no_key(repr(state), json.dumps(state, default=repr), repr(sent))
    assert _holders([("composer", composer), ("phone", phone)]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_key_is_not_in_code_that_is_copied(emulator, language):
    """Each language finds the key in its own environment."""
    state = {"title": "t", "type": "progress", "percentage": 4}
    message = Message(operation="update", body={"content_state": state}, stream_key="train")
    code = written(message, language, base_url=resolve().base_url)
    assert "train" in code
    assert_no_key(code)


# --- logs and warnings


def test_key_is_in_no_log_of_retries_and_refusals(emulator, caplog):
    """stamina's, httpx's, httpcore's and ours, at their most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in ("stamina", "httpx", "httpcore", "asyncio", "urllib3", PACKAGE):
        caplog.set_level(logging.DEBUG, logger=name)
    for fault in ({"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "garbage"}):
        emulator.faults.add(**fault)
        with ActivitySmith() as client:
            try:
                client.live_activities.end_stream("train")
            except exceptions.ActivitySmithError as error:
                assert_no_key(repr(error))
    assert len(emulator.requests) > 3
    assert_no_key(caplog.text, repr([vars(record) for record in caplog.records]))


def test_key_is_in_no_warning(emulator):
    """Each notice to the user, with the objects that come with it."""
    emulator.configure(devices=())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Activity("train") as activity:
            activity.update(percentage=1)
        runtime().courier.flush(5)
        runtime().say_notices()
    assert caught
    assert_no_key(*(f"{each.message} {vars(each)}" for each in caught))


@pytest.mark.parametrize("name", exceptions.__all__)
def test_key_is_in_no_error_class(name):
    """An error that was given an answer with the key scrubbed keeps nothing else, pickled too."""
    kind = getattr(exceptions, name)
    key = Secret(CANARY)
    words = key.scrub(f"said {CANARY}")
    made = {
        "PayloadError": lambda: kind("field", key, "must be something"),
    }.get(name) or (
        (lambda: kind(400, words, words, body={"secret": key}))
        if issubclass(kind, exceptions.APIError)
        else (lambda: kind(words))
    )
    error = made()
    assert_no_key(f"{error} {error!r} {error.args} {vars(error)}", pickle.dumps(error))


# --- programs


PROGRAM = """
import contextlib, faulthandler, logging
from pathlib import Path
logging.basicConfig(level=logging.DEBUG)
from activitysmith_jupyter import Activity, ActivitySmith, _barcard, configure, tqdm
from activitysmith_jupyter._claims import claim
from activitysmith_jupyter.composer._presets import Presets
from activitysmith_jupyter.frames import kpis
_barcard.should_open = lambda *_: True
import pandas as pd
df = pd.DataFrame({"amount": [1.0, 2.0], "region": ["a", "b"]})
kpis(df).stats("sales", Revenue=("amount", "sum"), delta="previous")
Presets().save("mine", stream_key="train", body={"title": "t"})
Presets().remember_key("train")
with Activity("train") as activity:
    activity.update(percentage=1)
for step in tqdm(range(5), desc="epochs"):
    pass
faulthandler.dump_traceback(all_threads=True)
for command in Path("/proc").glob("[0-9]*/cmdline"):  # what `ps` shows to everybody
    with contextlib.suppress(OSError):
        print(command.read_bytes().replace(b"\\0", b" ").decode("utf-8", "replace"))
ActivitySmith().live_activities.update(activity_id="unknown", title="t")
"""


def test_key_is_in_nothing_that_a_program_says_or_leaves_behind(emulator, tmp_path):
    """Output, log, command lines, its last traceback, and the files of ours: presets, claims."""
    homes = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "TMPDIR")
    env = {name: str(tmp_path / name) for name in homes}
    for folder in env.values():
        Path(folder).mkdir()
    file = tmp_path / "program.py"
    answer = run_script(
        PROGRAM,
        file=file,
        env=env
        | {"ACTIVITYSMITH_API_KEY": CANARY, "ACTIVITYSMITH_BASE_URL": emulator.base_url}
        | {"PYTHONFAULTHANDLER": "1", "PYTHONDEVMODE": "1"},
    )
    assert answer.returncode == 1
    assert "NotFoundError" in answer.stderr
    assert "Current thread" in answer.stderr
    assert "program.py" in answer.stdout  # its own command line
    written_files = [path for path in tmp_path.rglob("*") if path.is_file() and path != file]
    assert len(written_files) >= 2
    assert_no_key(answer.stdout, answer.stderr, tmp_path)
