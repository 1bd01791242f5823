"""Run tqdm's own tests with another class in tqdm's place.

The tests come from the source release of the tqdm that is installed; nothing of it is kept in this
repository. From the command line::

    python tests/tqdm_suite/run.py activitysmith_jupyter.bar:tqdm
"""

# ruff: noqa: T201  a command-line tool prints its result

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree as ET

import activitysmith_jupyter

HERE = Path(__file__).parent
# The package that is under test: the installed wheel, or the source tree.
PACKAGE = Path(activitysmith_jupyter.__file__).parents[1]

OUR_BAR = "activitysmith_jupyter.bar:tqdm"
"""What users import; with a key in the environment its phone is on."""

SECONDS = 300
"""A run takes about 15 seconds; longer means that something hangs."""

SETTINGS = """\
[pytest]
python_files = tests_*.py
log_level = INFO
markers =
  slow
  asyncio
"""

LEFT_OUT = ("perf", "version", "tk")
"""Speed limits of another machine, a version number, and a display."""


def tqdm_tests() -> Path:
    """Return the tests of the installed tqdm, fetched once from the package index."""
    release = version("tqdm")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = home / "activitysmith-jupyter" / f"tqdm-{release}"
    if not (kept / "tests").is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as fresh:
            subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "--quiet", "download", "--dest", fresh),
                    *("--no-deps", "--no-binary", ":all:", f"tqdm=={release}"),
                ],
                check=True,
            )
            (archive,) = Path(fresh).glob("*.tar.gz")
            with tarfile.open(archive) as source:
                source.extractall(fresh, filter="data")
            (unpacked,) = (path for path in Path(fresh).iterdir() if path.is_dir())
            unpacked.rename(kept)
    return kept / "tests"


def outcomes(bar: str | None = None, *, fast: bool = True) -> dict[str, str]:
    """Run the tests and return what became of each.

    Parameters
    ----------
    bar : str, optional
        ``module:class`` to put in tqdm's place; tqdm itself when left out.
    fast : bool
        False makes every loop of the class fall back to tqdm's own.

    Returns
    -------
    dict of str to str
        Test to ``"passed"``, ``"failed"`` or ``"skipped"``.
    """
    tests = tqdm_tests()
    # Keras last: its engine starts threads, after which other tests must not fork.
    names = sorted(tests.glob("tests_*.py"), key=lambda path: ("keras" in path.stem, path))
    chosen = [str(path) for path in names if path.stem.removeprefix("tests_") not in LEFT_OUT]
    environment = {key: v for key, v in os.environ.items() if not key.startswith("TQDM_")}
    environment |= {
        "PYTHONPATH": os.pathsep.join((str(PACKAGE), str(HERE.parent))),
        "SWAP_BAR": bar or "",
        "SWAP_FAST": "1" if fast else "",
        "COLUMNS": "80",
        "KERAS_BACKEND": "jax",
    }
    with tempfile.TemporaryDirectory() as scratch:
        settings = Path(scratch, "pytest.ini")
        settings.write_text(SETTINGS)
        report = Path(scratch, "report.xml")
        ran = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-c", str(settings), "--rootdir", str(tests)),
                *("-p", "tqdm_suite.swap", "-p", "no:cacheprovider", "-W", "error", "-q"),
                *("-p", "no:randomly", f"--junit-xml={report}", *chosen),
            ],
            env=environment,
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if ran.returncode not in {0, 1} or not report.exists():
            raise RuntimeError(f"pytest did not run:\n{ran.stdout}\n{ran.stderr}")
        cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 - pytest wrote it
        return {f"{c.get('classname')}::{c.get('name')}": _outcome(c) for c in cases}


def _outcome(case: ET.Element) -> str:
    tags = {child.tag for child in case}
    if tags & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in tags else "passed"


def differences(theirs: dict[str, str], ours: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return the tests that came out otherwise, with both outcomes."""
    absent = "absent"
    return {
        test: (theirs.get(test, absent), ours.get(test, absent))
        for test in sorted(theirs.keys() | ours.keys())
        if theirs.get(test) != ours.get(test)
    }


def main() -> None:
    """Print how the class named on the command line compares with tqdm."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("bar", nargs="?", default=OUR_BAR, help="module:class")
    bar = parser.parse_args().bar
    plain = outcomes()
    print("tqdm itself", dict(Counter(plain.values())))
    for fast in (True, False):
        ours = outcomes(bar, fast=fast)
        print(bar, "in legs" if fast else "as tqdm", dict(Counter(ours.values())))
        for test, (theirs, here) in differences(plain, ours).items():
            print(f"  {test}: {theirs} with tqdm, {here} here")


if __name__ == "__main__":
    main()
