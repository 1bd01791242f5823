"""What Tab offers on a line of ``%activity``, ``%notify`` or ``%%notify``. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._parts import COLORS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from ._commands import Command

__all__ = ["complete_activity", "complete_options"]


def complete_activity(
    table: Mapping[str, Command], line: str, word: str, keys: Iterable[str]
) -> list[str]:
    """Return the words that may follow on a line of ``%activity``.

    Parameters
    ----------
    table : mapping
        The commands by name.
    line : str
        The line up to the cursor, the magic's name included.
    word : str
        What has been typed of the word so far.
    keys : iterable of str
        The open cards.
    """
    before = line[: len(line) - len(word)].split() if word else line.split()
    if len(before) <= 1:
        return _beginning(table, word)
    command = table.get(before[1])
    if command is None:
        return []
    parser = command.parser()
    offers = complete_options(parser, before, word)
    takes_key = any(action.dest == "key" for action in parser._get_positional_actions())  # noqa: SLF001  argparse has no other way to ask
    if len(before) == 2 and takes_key and not word.startswith("-"):  # noqa: PLR2004  after the command
        return _beginning(keys, word)
    return offers


def complete_options(
    parser: argparse.ArgumentParser, before: Sequence[str], word: str
) -> list[str]:
    """Return the options and choices that may follow.

    Parameters
    ----------
    parser : ArgumentParser
        Of the line.
    before : sequence of str
        The words before.
    word : str
        What has been typed so far.
    """
    options: dict[str, Any] = parser._option_string_actions  # noqa: SLF001  argparse has no other way to ask
    last = options.get(before[-1]) if before else None
    if last is not None and last.nargs != 0:
        if last.choices:
            return _beginning(last.choices, word)
        symbol, colon, _ = word.rpartition(":")
        if colon and "COLOR" in str(last.metavar):
            return _beginning([f"{symbol}:{color}" for color in COLORS], word)
        return _symbols(word) if last.dest == "icon" and "SYMBOL" in str(last.metavar) else []
    if word.startswith("-"):
        return _beginning(options, word)
    choices = [
        choice
        for action in parser._get_positional_actions()  # noqa: SLF001  as above
        for choice in action.choices or ()
    ]
    return _beginning(choices or (() if word else options), word)


def _symbols(word: str) -> list[str]:
    from .card import known_symbols  # noqa: PLC0415  only this option needs the drawings

    return _beginning(known_symbols(), word)


def _beginning(words: Iterable[str], start: str) -> list[str]:
    return [word for word in words if word.startswith(start)]
