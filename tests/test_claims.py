from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from activitysmith_jupyter import _claims
from activitysmith_jupyter._streams import check_stream_key

if TYPE_CHECKING:
    from pathlib import Path

OTHER = """
import sys
from activitysmith_jupyter._claims import claim
print(claim("train"), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Claims of this test are nobody else's."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(_claims.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(_claims, "_claimed", {})
    monkeypatch.setattr(_claims, "_held", [])


def test_claim_is_stable_within_a_process() -> None:
    """The same wish gets the same key, a valid one, all through the process."""
    key = _claims.claim("train")
    assert key == _claims.claim("train")
    assert key.startswith("train-")
    assert check_stream_key(key) == key
    assert _claims.claim("other") != key


def test_claim_of_a_second_process_gets_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of a script at the same time never share a card; the name is free afterwards."""
    environment = {"PYTHONPATH": ":".join(sys.path), "TMPDIR": _claims.tempfile.gettempdir()}
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    theirs = other.stdout.readline().strip()
    mine = _claims.claim("train")
    assert mine == f"{theirs}-2"
    other.communicate("")
    monkeypatch.setattr(_claims, "_claimed", {})
    assert _claims.claim("train") == theirs


def test_claim_without_a_writable_folder_is_the_plain_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that cannot be written to costs the distinction, not the card."""
    monkeypatch.setattr(_claims.tempfile, "tempdir", "/nowhere/at/all")
    assert _claims.claim("train").startswith("train-")


def test_claim_files_are_the_users_own(tmp_path: Path) -> None:
    """The folder and the files are closed to others, and hold nothing."""
    _claims.claim("train")
    (folder,) = tmp_path.iterdir()
    (file,) = folder.iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    assert file.stat().st_mode & 0o077 == 0
    assert file.read_bytes() == b""
