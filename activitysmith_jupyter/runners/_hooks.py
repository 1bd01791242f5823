"""Whole notebooks under nbclient, whoever calls it: its hooks, and what a run needs around them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import wraps
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from activitysmith_jupyter._outcome import Outcome
from activitysmith_jupyter._relay import RUNNER_VARIABLE, Listener
from activitysmith_jupyter._say import say
from activitysmith_jupyter._secret import hide
from activitysmith_jupyter.exceptions import ActivitySmithError

from ._plan import notebook_title, plan_of
from ._runcard import RunCard, run_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["card_for", "card_hooks", "hooks", "told_to_kernel"]

_NOTEBOOK_VARIABLE: Final = "ACTIVITYSMITH_NOTEBOOK"
_TOLERATED: Final = "raises-exception"

Hooks = dict[str, "Callable[..., None]"]


def card_for(
    notebook: Mapping[str, Any],
    path: str | None = None,
    *,
    earlier: Mapping[str, Any] | None = None,
    listener: Listener | None = None,
    **arguments: Any,
) -> RunCard | None:
    """Return the open card of a run; None where a setting forbids one, which is said.

    Parameters
    ----------
    notebook : mapping
        With ``cells`` and ``metadata``.
    path : str, optional
        Its file; the name is the title.
    earlier : mapping, optional
        The notebook after an earlier run.
    listener : Listener, optional
        As for `RunCard`.
    **arguments
        As for `configure`: ``channels``, ``notify``, ``title`` ...
    """
    try:
        settings = run_settings(**arguments)
        name = settings.title or (PurePath(path).stem if path else notebook_title(notebook))
        card = RunCard(name or "Notebook", plan_of(notebook, earlier), settings, listener)
    except (ActivitySmithError, OSError) as error:
        say(f"the phone shows nothing: {error}")
        return None
    card.open()
    return card


def card_hooks(card: RunCard) -> Hooks:
    """Return nbclient's hooks that move a card."""

    def on_cell_start(cell: Mapping[str, Any], cell_index: int) -> None:
        del cell
        if card.plan.at(cell_index) is None and card.plan.is_last(cell_index):
            card.over()

    def on_cell_execute(cell: Mapping[str, Any], cell_index: int) -> None:
        del cell
        card.cell_began(cell_index)

    def on_cell_executed(
        cell: Mapping[str, Any], cell_index: int, execute_reply: Mapping[str, Any]
    ) -> None:
        if execute_reply["content"].get("status") == "ok" or _is_tolerated(cell):
            card.cell_ended(cell_index)

    def on_cell_error(
        cell: Mapping[str, Any], cell_index: int, execute_reply: Mapping[str, Any]
    ) -> None:
        if not _is_tolerated(cell):
            content = execute_reply["content"]
            card.cell_failed(cell_index, str(content.get("ename")), str(content.get("evalue", "")))

    def on_notebook_error(notebook: Mapping[str, Any]) -> None:
        del notebook
        card.finish(Outcome("died"))

    def on_notebook_complete(notebook: Mapping[str, Any]) -> None:
        del notebook
        card.over()

    functions = (
        on_cell_start,
        on_cell_execute,
        on_cell_executed,
        on_cell_error,
        on_notebook_error,
        on_notebook_complete,
    )
    return {function.__name__: _harmless(function) for function in functions}


def _harmless(function: Callable[..., None]) -> Callable[..., None]:
    """Keep a fault of ours out of the run: nbclient would end it."""

    @wraps(function)
    def hook(**given: Any) -> None:
        try:
            function(**given)
        except Exception as error:  # noqa: BLE001  whatever it is, it is ours
            say(f"the phone may show an older state: {type(error).__name__}: {error}")

    return hook


def hooks(path: str | None = None, **options: Any) -> Hooks:
    """Return hooks for ``nbclient.NotebookClient``, or for nbconvert's ``ExecutePreprocessor``.

    Parameters
    ----------
    path : str, optional
        The notebook's file: its name is the card's title. Left out, the title in its metadata,
        or its first heading.
    **options
        As for `configure`, for this run: ``channels``, ``notify`` (always by default), ``title``,
        ``color``, ``icon``.

    Returns
    -------
    dict
        Keyword arguments for the client. They never raise into the run.

    Notes
    -----
    Kernels that this process starts from now on find the run in their environment, so that their
    bars move its card.

    Examples
    --------
    In Python::

        NotebookClient(notebook, **hooks("churn.ipynb")).execute()

    In ``jupyter_nbconvert_config.py``, for ``jupyter nbconvert --execute``::

        from activitysmith_jupyter.runners import hooks

        c.ExecutePreprocessor.update(hooks())
    """
    if "api_key" in options:  # first of all, so that no traceback's variables can show it
        options["api_key"] = hide(options["api_key"])
    run_settings(**options)
    listener = Listener()
    os.environ[RUNNER_VARIABLE] = listener.address
    current: dict[str, Callable[..., None]] = {}

    def begin(notebook: Mapping[str, Any]) -> None:
        current.clear()
        card = card_for(notebook, path, listener=listener, **options)
        if card is not None:
            current.update(card_hooks(card))

    def pass_on(name: str) -> Callable[..., None]:
        def hook(**given: Any) -> None:
            if name in current:
                current[name](**given)

        return hook

    names = (
        "on_cell_start",
        "on_cell_execute",
        "on_cell_executed",
        "on_cell_error",
        "on_notebook_error",
        "on_notebook_complete",
    )
    return {"on_notebook_start": begin, **{name: pass_on(name) for name in names}}


@contextmanager
def told_to_kernel(card: RunCard | None, path: str | None) -> Iterator[None]:
    """Tell the kernel that starts within the block who runs it, through the environment.

    Parameters
    ----------
    card : RunCard or None
        Whom its bars feed.
    path : str or None
        The notebook's file, for names and keys inside the kernel.
    """
    wanted = {_NOTEBOOK_VARIABLE: path or ""}
    if card is not None and card.is_open:
        wanted[RUNNER_VARIABLE] = card.listener.address
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _is_tolerated(cell: Mapping[str, Any]) -> bool:
    return _TOLERATED in cell.get("metadata", {}).get("tags", ())
