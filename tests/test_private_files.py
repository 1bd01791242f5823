from __future__ import annotations

import ast
import os
import stat
from pathlib import Path

import pytest

import activitysmith_jupyter
from activitysmith_jupyter import _claims
from activitysmith_jupyter._private_files import make_private_folder, replace_private_file
from activitysmith_jupyter.composer._presets import Presets, presets_path
from activitysmith_jupyter.frames._memory import Memory, Remembered, state_folder

FOLDER = Path(activitysmith_jupyter.__file__).parent

# Everything in Python that makes a file or a folder.
MAKERS = {
    *("open", "fdopen", "mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryFile"),
    *("TemporaryDirectory", "SpooledTemporaryFile", "mkdir", "makedirs", "touch", "write_text"),
    *("write_bytes", "symlink_to", "hardlink_to", "copy", "copyfile", "copytree", "mkfifo"),
    *("savefig", "to_csv", "to_json", "to_parquet", "to_pickle", "dump", "write"),
}
# Where the package calls one of them on a file, and why others may not read what comes of it.
WRITES = {
    "_claims": "an empty lock file, made with 0600",
    "_private_files": "the one way to write a file",
    "runners._execute": "the user's own result, where and as the user wishes it: as nbformat does",
}


def calls_of(path):
    """Return the names of makers that a module calls, with what they are called on."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            on = ast.unparse(node.func).rpartition(".")[0]
            if name in MAKERS:
                yield name, on


def makes_a_file(name, on):
    """Tell the writing of files from methods of ours and of sockets that share a name."""
    if name == "open":
        return on in {"", "os", "io", "gzip", "Path"}
    if name == "write":
        return on == "nbformat"  # what streams write has been opened by one of the others
    if name in {"touch", "copy", "dump"}:
        return on not in {"", "self", "self._core", "copy"}
    return True


def test_package_writes_files_in_known_places_only():
    """A new file is written through the one way, or gets its reason here."""
    found = {
        ".".join(path.relative_to(FOLDER).with_suffix("").parts)
        for path in FOLDER.rglob("*.py")
        for name, on in calls_of(path)
        if makes_a_file(name, on)
    }
    found.discard("_watchdog_child")  # reads its pipe
    assert found == set(WRITES)


@pytest.fixture
def open_hearted(tmp_path, monkeypatch):
    """Have a process whose files anybody may read and write, unless it says otherwise."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path / name / "deep"))
    temporary = tmp_path / "TMPDIR" / "deep"
    temporary.mkdir(parents=True)
    monkeypatch.setattr(_claims.tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(_claims, "_claimed", {})
    held = []
    monkeypatch.setattr(_claims, "_held", held)
    before = os.umask(0)
    yield tmp_path
    os.umask(before)
    for handle in held:
        os.close(handle)


def test_everything_that_is_written_is_the_users_alone(open_hearted):
    """Presets, recent keys, what KPIs showed last, claims: 0600 in folders of 0700."""
    there = set(open_hearted.rglob("*"))
    Presets().save("mine", stream_key="k", body={"title": "t"})
    Presets().remember_key("k")
    Memory("https://example.com").save("sales", Remembered({"Revenue": 1.0}))
    _claims.claim("train")
    made = set(open_hearted.rglob("*")) - there
    files = {path for path in made if path.is_file()}
    assert {presets_path(), *files} == files
    assert {path.parent for path in files} > {presets_path().parent, state_folder()}
    assert len(files) == 3
    modes = {str(path): stat.S_IMODE(path.stat().st_mode) for path in made}
    assert {modes[str(path)] for path in files} == {0o600}
    assert {modes[str(path)] for path in made - files} == {0o700}


def test_private_folder_that_is_there_is_left_as_it_is(tmp_path):
    """A home that its owner opened stays open."""
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_private_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    """Nor a half of the new one, nor anything beside it."""
    file = tmp_path / "a.json"
    replace_private_file(file, "old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        replace_private_file(file, "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
