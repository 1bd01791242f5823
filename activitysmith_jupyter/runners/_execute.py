"""``activitysmith-jupyter run notebook.ipynb``: execute a notebook without papermill."""

from __future__ import annotations

import ast
import asyncio
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from activitysmith_jupyter._outcome import error_words
from activitysmith_jupyter._runtime import runtime

from ._managed import followed
from ._plan import tags_of
from ._runcard import QUIET_EXITS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

__all__ = ["add_run_arguments", "run_notebook"]

_PARAMETERS: Final = "parameters"
_INJECTED: Final = "injected-parameters"
_NOT_BEGUN: Final = 2
_INTERRUPTED: Final = 130


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``run`` takes."""
    parser.add_argument("notebook", type=Path, help="the notebook to execute")
    parser.add_argument(
        "-o", "--output", type=Path, help="the result; NAME-run.ipynb when left out"
    )
    parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a variable after the cell tagged parameters; may be repeated",
    )
    parser.add_argument("--kernel", help="the kernel's name; the notebook's own when left out")
    parser.add_argument("--cwd", type=Path, help="where it runs; the notebook's folder by default")
    parser.add_argument("--title", help="what the card is called; the notebook's name by default")
    parser.add_argument("--channels", metavar="A,B", help="whose phones; everyone's by default")
    parser.add_argument(
        "--notify",
        choices=("done", "failed", "always", "never"),
        help="when the end sends a push; always by default",
    )


def run_notebook(options: argparse.Namespace) -> int:
    """Execute a notebook, save the result whatever happens, and return the exit status.

    Returns
    -------
    int
        0 done, 1 a cell failed or the kernel died, 2 it could not begin, 130 interrupted.
    """
    path: Path = options.notebook
    try:
        import nbclient  # noqa: F401, PLC0415  asked for now, so that its absence is told in words
        import nbformat  # noqa: PLC0415  only this command needs it
    except ImportError as error:
        return _refused(f"{error.name} is missing: pip install activitysmith-jupyter[run]")
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # noqa: BLE001  nbformat has many ways to say that it is no notebook
        return _refused(f"{path}: {type(error).__name__}: {error}")
    problem = inject(notebook, options.parameter)
    if problem:
        return _refused(problem)
    output = options.output or path.with_name(f"{path.stem}-run.ipynb")
    try:
        output.open("a").close()  # now, not after hours of work
    except OSError as error:
        return _refused(f"{output}: {error.strerror}")
    try:
        status = _execute(notebook, options)
    finally:
        nbformat.write(notebook, output)
        runtime().shut_down()
    print(output)  # noqa: T201  a command's answer
    return status


def _execute(notebook: Any, options: argparse.Namespace) -> int:
    from jupyter_client.kernelspec import NoSuchKernel  # noqa: PLC0415  only this command needs it
    from nbclient import NotebookClient  # noqa: PLC0415  as above
    from nbclient.exceptions import CellExecutionError  # noqa: PLC0415  as above

    path: Path = options.notebook
    wishes = {name: getattr(options, name) for name in ("title", "channels", "notify")}
    kernel = {"kernel_name": options.kernel} if options.kernel else {}
    where = {"metadata": {"path": str(options.cwd or path.parent)}}
    problem, status = "", 1
    try:
        with followed(notebook, str(path), **wishes) as hooks:
            given: dict[str, Any] = {**kernel, **hooks}
            client = NotebookClient(notebook, timeout=None, resources=where, **given)
            client.on_notebook_start = partial(_take_signals, client)
            client.execute()
    except CellExecutionError as error:
        if error.ename == "KeyboardInterrupt":
            return _INTERRUPTED
        if error.ename == "SystemExit" and error.evalue in QUIET_EXITS:
            return 0
        problem = error_words(error.ename, error.evalue)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except NoSuchKernel as error:
        problem, status = str(error), _NOT_BEGUN
    except Exception as error:  # noqa: BLE001  a dead kernel, a timeout
        problem = f"{type(error).__name__}: {error}"
    if problem:
        print(f"{path.name}: {problem}", file=sys.stderr)  # noqa: T201  a command's answer
    return status if problem else 0


def _take_signals(client: Any, notebook: Any) -> None:
    """Have Ctrl-C interrupt the running cell, whose outputs so far are then saved.

    nbclient itself would take the kernel down under the running cell. A second Ctrl-C, for code
    that does not listen, still does.
    """
    del notebook
    waiting: list[asyncio.Future[Any]] = []

    def on_signal() -> None:
        stop = client.km.shutdown_kernel(now=True) if waiting else client.km.interrupt_kernel()
        waiting.append(asyncio.ensure_future(stop))

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers, nor has a thread that is not the main one.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, on_signal)


def inject(notebook: Any, parameters: Iterable[tuple[str, str]]) -> str:
    """Put a cell with parameters behind the one tagged so, or at the top.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.
    parameters : iterable of (str, str)
        Names, and values as Python literals; anything else is a text.

    Returns
    -------
    str
        What is wrong; empty when nothing is.
    """
    pairs = [(name, _value(value)) for name, value in parameters]
    for name, _ in pairs:
        if not name.isidentifier():
            return f"-p {name}: is no name of a variable"
    if not pairs:
        return ""
    kernel = notebook.metadata.get("kernelspec")
    language = kernel.get("language", "python") if isinstance(kernel, dict) else "python"
    if language != "python":
        return f"-p: parameters can be set for Python notebooks only, this one is {language}"
    from nbformat.v4 import new_code_cell  # noqa: PLC0415  only this command needs it

    source = "\n".join(["# Parameters", *(f"{name} = {value!r}" for name, value in pairs)])
    cell = new_code_cell(source, metadata={"tags": [_INJECTED]})
    cells = [old for old in notebook.cells if _INJECTED not in tags_of(old)]
    places = [place for place, old in enumerate(cells) if _PARAMETERS in tags_of(old)]
    cells.insert(places[0] + 1 if places else 0, cell)
    notebook.cells = cells
    return ""


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def _refused(problem: str) -> int:
    print(f"activitysmith-jupyter run: {problem}", file=sys.stderr)  # noqa: T201  a command's answer
    return _NOT_BEGUN
