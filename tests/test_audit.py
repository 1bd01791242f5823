from __future__ import annotations

import importlib.util
import subprocess
from importlib.metadata import requires
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

_FILE = Path(__file__).parents[1] / ".ci" / "audit.py"
_SPEC = importlib.util.spec_from_file_location("audit", _FILE)
audit = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(audit)

PINS = {"httpx": "0.28.1", "pandas": "3.0.0"}
FAULT = {"id": "GHSA-xxxx", "fix_versions": ["9.9"]}


def clean(pins):
    return [{"name": name, "version": version, "vulns": []} for name, version in pins.items()]


def service(answers):
    """Return an `ask` that knows the control's fault and answers for the others as told."""

    def ask(name, pins):
        if name not in answers:
            return None
        if pins == audit.CONTROL:
            return [{"name": "werkzeug", "version": "3.0.0", "vulns": [FAULT]}]
        return answers[name]

    return ask


def test_audit_without_a_fault_passes(capsys):
    """And says how many it looked up."""
    assert audit.main(PINS, service({"pypi": clean(PINS)})) == 0
    assert capsys.readouterr().out == "audit: 2 dependencies, 0 vulnerabilities\n"


def test_audit_with_a_fault_fails(capsys):
    """It names the dependency, the fault, and the version to go to."""
    known = clean(PINS)
    known[1]["vulns"] = [FAULT]
    assert audit.main(PINS, service({"pypi": known})) == 1
    assert "pandas 3.0.0: GHSA-xxxx, mended in 9.9" in capsys.readouterr().out


def test_audit_asks_the_next_service_where_one_does_not_answer(capsys):
    """An outage of the first is no reason to know nothing."""
    assert audit.main(PINS, service({"osv": clean(PINS)})) == 0
    assert "2 dependencies" in capsys.readouterr().out


def test_audit_that_knows_nothing_of_some_says_of_which(capsys):
    """They do not count as looked up."""
    known = [*clean({"httpx": "0.28.1"}), {"name": "pandas", "skip_reason": "not found"}]
    assert audit.main(PINS, service({"pypi": known})) == 0
    said = capsys.readouterr().out
    assert "nothing is known about pandas" in said
    assert "1 dependencies" in said


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        [{"name": "werkzeug", "skip_reason": "not found"}],
        [{"name": "werkzeug", "version": "3.0.0", "vulns": []}],
    ],
    ids=["no answer", "empty", "not known", "no data"],
)
def test_audit_without_data_says_that_it_was_not_done(capsys, answer):
    """A registry that keeps no such data finds no fault in anything: that is no clean bill."""
    assert audit.main(PINS, lambda *_: answer) == 0
    assert "NOT DONE for 2 dependencies" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ('{"dependencies": [{"name": "a"}], "fixes": []}', [{"name": "a"}]),
        ("", None),
        ("Traceback", None),
        ("[]", None),
        ("{}", None),
    ],
)
def test_audit_reads_what_the_tool_says(monkeypatch, answer, known):
    """An error of the tool's is no answer."""
    given = []

    def run(command, **options):
        given.append((Path(command[command.index("--requirement") + 1]).read_text(), options))
        return SimpleNamespace(stdout=answer)

    monkeypatch.setattr(audit.subprocess, "run", run)
    assert audit.ask("pypi", PINS) == known
    ((requirements, options),) = given
    assert requirements == "httpx==0.28.1\npandas==3.0.0\n"
    assert options["timeout"] == audit.SECONDS


def test_audit_does_not_wait_for_ever(monkeypatch):
    """A service that hangs does not answer."""

    def run(command, *, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(audit.subprocess, "run", run)
    assert audit.ask("pypi", PINS) is None


def test_audit_covers_what_users_install_and_nothing_else():
    """Each dependency and theirs, with the extras for users; no tool of the tests."""
    found = audit.dependencies()
    direct = {
        requirement.name.lower()
        for requirement in map(Requirement, requires(audit.PACKAGE))
        if requirement.marker is None
    }
    assert direct
    assert direct | {"httpcore", "h11", "papermill", "keyring", "nbclient"} <= set(found)
    assert not {"pytest", "playwright", "ruff", "activitysmith-jupyter"} & set(found)
