"""A run from its first cell to its verdict, whoever executes it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from activitysmith_jupyter._outcome import Outcome

from ._hooks import card_for, card_hooks, told_to_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ._hooks import Hooks

__all__ = ["followed"]


@contextmanager
def followed(
    notebook: Mapping[str, Any],
    path: str | None = None,
    earlier: Mapping[str, Any] | None = None,
    **arguments: Any,
) -> Iterator[Hooks]:
    """Show a run within the block, and say its verdict at the end of it.

    Parameters
    ----------
    notebook, path, earlier, **arguments
        As for `card_for`.

    Yields
    ------
    dict
        nbclient's hooks; empty where nothing is shown.
    """
    card = card_for(notebook, path, earlier=earlier, **arguments)
    with told_to_kernel(card, path):
        try:
            yield {} if card is None else card_hooks(card)
        except BaseException as error:
            if card is not None:
                card.settle(None)  # a cell's own error says more than the runner's about it
                card.settle(Outcome.of_exception(error))
            raise
    if card is not None:
        card.over()
