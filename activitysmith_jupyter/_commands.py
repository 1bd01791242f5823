"""The subcommands of ``%activity``: a table of names, options and functions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

import attrs
from IPython.core.error import UsageError

from ._magic_args import HELP, LineParser, suggestion
from .exceptions import ActivitySmithError, MissingAPIKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ._session import Session

__all__ = ["MAGIC", "Command", "overview", "run_command", "table_of"]

MAGIC: Final = "%activity"
# Never a line that would leave the key in a saved notebook.
_NO_KEY: Final = (
    f"No ActivitySmith API key found. {MAGIC} login asks for one, from "
    f"https://activitysmith.com/app/keys; {MAGIC} emulator on needs none"
)


@attrs.frozen
class Command:
    """One subcommand.

    Attributes
    ----------
    name : str
        The word after ``%activity``.
    summary : str
        What it does, in a few words.
    example : str
        A line to copy.
    arguments : callable
        Adds its arguments to a parser.
    run : callable
        Does it; gets the session and the parsed options and returns what the cell shows.
    """

    name: str
    summary: str
    example: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Session, argparse.Namespace], Any]

    def parser(self) -> LineParser:
        """Return the parser of its line."""
        parser = LineParser(
            f"{MAGIC} {self.name}",
            description=f"{self.summary[0].upper()}{self.summary[1:]}.",
            epilog=f"Example:\n  {MAGIC} {self.example}",
        )
        self.arguments(parser)
        return parser


def table_of(commands: Iterable[Command]) -> dict[str, Command]:
    """Return commands by name, in the order of the help."""
    return {command.name: command for command in commands}


def overview(table: Mapping[str, Command]) -> str:
    """Return the help of ``%activity?``."""
    width = max(map(len, table))
    lines = [f"  {command.name:<{width}}  {command.summary}" for command in table.values()]
    examples = [f"  {MAGIC} {command.example}" for command in table.values()]
    return "\n".join(
        [
            f"{MAGIC} COMMAND ...: Live Activities, pushes and widgets by hand.",
            "",
            *lines,
            "",
            f"For the options of one: {MAGIC} COMMAND?",
            "",
            "Examples:",
            *examples,
            "",
            "Values may use {variables} of the notebook. KEY is any name: the card keeps it across",
            "reruns, and ends as failed if the cell that opened it dies of an error.",
        ]
    )


def run_command(table: Mapping[str, Command], session: Session, words: Sequence[str]) -> Any:
    """Run one line and return what the cell shows.

    Raises
    ------
    UsageError
        With what to type, whatever went wrong.
    """
    if not words or words[0] in HELP:
        print(overview(table))  # noqa: T201  help belongs into the cell's output
        return None
    name, *rest = words
    command = table.get(name)
    if command is None:
        known = ", ".join(table)
        raise UsageError(f"{MAGIC} knows no {name!r}{suggestion(name, table)} It knows: {known}")
    parser = command.parser()
    if HELP.intersection(rest):
        print(parser.format_help())  # noqa: T201  as above
        return None
    try:
        options = parser.parse_intermixed_args(rest)
        return command.run(session, options)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{MAGIC} {name}: {error}. For help: {MAGIC} {name}?") from None
    except MissingAPIKeyError:
        raise UsageError(f"{MAGIC} {name}: {_NO_KEY}") from None
    except ActivitySmithError as error:
        raise UsageError(f"{MAGIC} {name}: {error}") from None
