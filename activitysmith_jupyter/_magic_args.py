"""The lines of magics: words, variables, options, and errors that say what to type."""

from __future__ import annotations

import argparse
import difflib
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NoReturn

from IPython.core.error import UsageError

from ._settings import resolve
from ._templates import filled
from ._wishes import check_wish
from .exceptions import ActivitySmithError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ._wishes import Wish

__all__ = [
    "HELP",
    "LEVELS",
    "LineParser",
    "add_push_options",
    "expanded",
    "notebook_lookup",
    "notify_parser",
    "notify_wish",
    "part_statement",
    "push_fields",
    "split_words",
    "suggestion",
]

HELP: Final = frozenset({"-h", "--help"})
# Options of %%notify whose values must be known when the cell begins; all others are filled in at
# its end.
_EARLY: Final = frozenset({"--on", "--after", "--level"})
LEVELS: Final = ("passive", "active", "time-sensitive")
# Options of a push and the fields they fill.
_PUSH_OPTIONS: Final = {
    "channels": "channels",
    "subtitle": "subtitle",
    "redirect": "redirection",
    "media": "media",
    "level": "interruption_level",
    "sound": "sound",
}


class LineParser(argparse.ArgumentParser):
    """An argument parser for one line of a cell: it raises `UsageError` and never exits."""

    def __init__(self, prog: str, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(prog=prog, add_help=False, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise instead of ending the process.

        Raises
        ------
        UsageError
            Always; IPython shows it as one line.
        """
        wrong = message.rpartition(": ")[2].split()
        known = self._option_string_actions
        hint = next((suggestion(word, known) for word in wrong if word.startswith("--")), "")
        stop = "" if hint else "."
        raise UsageError(f"{self.prog}: {message}{hint}{stop} For help: {self.prog}?")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean ...?`` where a known word is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def split_words(line: str, magic: str) -> list[str]:
    """Split a line as a shell would.

    Raises
    ------
    UsageError
        A quotation mark has no partner.
    """
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(
            f"{magic}: {str(error).lower()}: put text with an apostrophe into double quotes"
        ) from None


def part_statement(line: str) -> tuple[str, str | None]:
    """Part a line at its first free-standing double hyphen that no quotation marks enclose.

    Returns
    -------
    str, str or None
        What stands before it, and the statement after it; None where there is no such hyphen.
    """
    padded = f" {line} "
    place = padded.find(" -- ")
    while place >= 0:
        try:
            shlex.split(padded[:place])
        except ValueError:  # an open quotation mark
            place = padded.find(" -- ", place + 1)
        else:
            return padded[:place].strip(), padded[place + 4 :].strip()
    return line, None


def expanded(words: Iterable[str], lookup: Callable[[str], Any]) -> list[str]:
    """Fill the notebook's variables, ``{name}`` and ``$name``, into words."""
    return [filled(word, {}, lookup) for word in words]


def notebook_lookup(shell: Any, local_ns: dict[str, Any] | None = None) -> Callable[[str], Any]:
    """Return what gives the value of a variable where the magic stands, or raises `KeyError`."""

    def lookup(name: str) -> Any:
        inner = local_ns or {}
        return inner[name] if name in inner else shell.user_ns[name]

    return lookup


def add_push_options(parser: argparse.ArgumentParser) -> None:
    """Add what every push may carry."""
    parser.add_argument("--channels", metavar="A,B", help="whose phones; everyone's when left out")
    parser.add_argument("--subtitle", help="a line between title and message")
    parser.add_argument("--redirect", metavar="URL", help="what a tap on the push opens")
    parser.add_argument("--media", metavar="URL", help="an https picture, sound or film to show")
    parser.add_argument("--level", choices=LEVELS, help="how urgent it is")
    parser.add_argument("--sound", metavar="NAME", help="a sound of the app, or default")


def push_fields(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields that `add_push_options` gave."""
    found = {field: getattr(options, name) for name, field in _PUSH_OPTIONS.items()}
    return {field: value for field, value in found.items() if value is not None}


def notify_parser() -> LineParser:
    """Return the parser of ``%%notify`` and ``%notify``."""
    parser = LineParser(
        "%%notify",
        description=(
            "Push to the iPhone how this cell ended, and how long it took.\n\n"
            "The cell runs as it would without the line. As a line magic, %notify pushes at once,\n"
            "or runs one statement after a double hyphen and pushes how that ended."
        ),
        epilog=(
            "Examples:\n"
            "  %%notify Training --on failed --after 1m\n"
            '  %%notify "Fit {model}" --message "{verdict} in {elapsed}: loss {loss:.3f}"\n'
            '  %notify "Half way" --message "epoch {epoch}"\n'
            "  %notify Training -- model.fit(x, y)\n\n"
            "Values may use {variables} of the notebook; a message also knows {title} {elapsed}\n"
            "{verdict} {error} {result} {notebook} {cell}, at the end of the cell."
        ),
    )
    parser.add_argument("title", nargs="*", help="what it is called; the notebook by default")
    parser.add_argument(
        "--on",
        choices=("done", "failed", "always"),
        help="when to push; an interrupted cell is neither done nor failed",
    )
    parser.add_argument("--after", metavar="30s", help="no push for cells that took less")
    parser.add_argument("--message", metavar="TEMPLATE", default="", help="in place of our words")
    parser.add_argument(
        "--result", action="store_true", help="add the last expression's short text, never rows"
    )
    parser.add_argument(
        "--live", action="store_true", help="show a Live Activity while it runs, moved by its bars"
    )
    parser.add_argument(
        "--mirror", action="store_true", help="take in every tqdm bar, also of other libraries"
    )
    add_push_options(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="show the push in the notebook, send nothing"
    )
    return parser


def notify_wish(words: Sequence[str], lookup: Callable[[str], Any]) -> Wish:
    """Return what the words after ``%%notify`` ask for.

    Parameters
    ----------
    words : sequence of str
        From `split_words`.
    lookup : callable
        Evaluates an expression of the notebook, for what must be known at the beginning.

    Raises
    ------
    UsageError
        An option is unknown or cannot be used.
    """
    words = [
        filled(word, {}, lookup) if {before, word.partition("=")[0]} & _EARLY else word
        for before, word in pairwise(["", *words])
    ]
    options = notify_parser().parse_intermixed_args(words)
    try:
        settings = resolve(ask_keyring=False)
        return check_wish(
            title=" ".join(options.title),
            on=options.on or settings.notify_on,
            after=settings.notify_after if options.after is None else options.after,
            message=options.message,
            result=options.result,
            live=options.live or options.mirror,
            mirror=options.mirror,
            dry_run=options.dry_run,
            push=push_fields(options),
        )
    except ActivitySmithError as error:
        raise UsageError(f"%%notify: {error}") from None
