"""The IPython extension: ``%load_ext activitysmith_jupyter``."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from IPython.core.completer import SimpleCompletion, completion_matcher
from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)

from ._account_commands import ACCOUNT_COMMANDS
from ._card_commands import CARD_COMMANDS, open_cards
from ._commands import overview, run_command, table_of
from ._completion import complete_activity, complete_options
from ._form_commands import FORM_COMMANDS
from ._magic_args import (
    HELP,
    expanded,
    notebook_lookup,
    notify_parser,
    notify_wish,
    part_statement,
    split_words,
)
from ._notify import Watched, note
from ._outcome import Outcome
from ._session import Session, Switches
from ._settings import resolve, set_fallbacks
from ._traits import apply_traits
from .cells import CellEvents, strip_notify
from .exceptions import ActivitySmithError

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

    from ._wishes import Wish

__all__ = ["ActivitySmithMagics", "load_ipython_extension", "unload_ipython_extension"]

# Before IPython's own matchers, which would offer Python's names.
_MATCHER_PRIORITY: Final = 1000
_OUR_LINE: Final = re.compile(r"\s*(?:\w+\s*=\s*)?(%activity|%%?notify)\s")
COMMANDS: Final = table_of((*CARD_COMMANDS, *ACCOUNT_COMMANDS, *FORM_COMMANDS))
# "%activity stats?" would be taken for a question about a variable named stats.
_QUESTION: Final = re.compile(r"\s*%activity\s+([\w-]+)\s*\?{1,2}\s*")


@magics_class
class ActivitySmithMagics(Magics):
    """``%%notify``, ``%notify`` and ``%activity``.

    Parameters
    ----------
    shell : InteractiveShell
        Whose.
    session : Session
        What ``%activity`` keeps.
    """

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self._session = session

    @no_var_expand
    @needs_local_scope
    @line_magic
    def activity(self, line: str, local_ns: dict[str, Any] | None = None) -> Any:
        """Run a subcommand; the help is written below."""
        words = split_words(line, "%activity")
        lookup = notebook_lookup(self.shell, local_ns)
        return run_command(COMMANDS, self._session, expanded(words, lookup))

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def notify(
        self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None
    ) -> Any:
        """Push now, or run a statement and tell how it ended; the help is written below."""
        options, statement = (line, None) if cell is not None else part_statement(line)
        words = split_words(options, "%%notify")
        if HELP.intersection(words):
            print(notify_parser().format_help())  # noqa: T201  help belongs into the cell's output
            return None
        lookup = notebook_lookup(self.shell, local_ns)
        wish = notify_wish(words, lookup)
        if cell is not None:
            raise UsageError(
                "%%notify has to be the first line of the cell"
                if cell.strip()
                else '%%notify has nothing below it to run; to push now: %notify "Half way"'
            )
        if statement is not None:
            return self._run(statement, Watched(wish, lookup), local_ns)
        if not wish.title and not wish.message:
            raise UsageError('%notify needs something to say: %notify "Half way"')
        try:
            note(wish, lookup)
        except ActivitySmithError as error:
            raise UsageError(f"%notify: {error}") from None
        return None

    def _run(self, statement: str, watched: Watched, local_ns: dict[str, Any] | None) -> Any:
        """Run one statement where the magic stands; its errors pass through."""
        shell: Any = self.shell
        tree = shell.compile.ast_parse(shell.transform_cell(statement), filename="<notify>")
        last = tree.body[-1] if tree.body else None
        scope = shell.user_ns if local_ns is None else local_ns
        value = None
        watched.begin()
        try:
            if isinstance(last, ast.Expr):
                body = ast.Module(tree.body[:-1], type_ignores=[])
                exec(compile(body, "<notify>", "exec"), shell.user_ns, scope)  # noqa: S102  the user's own statement
                expression = ast.Expression(last.value)
                value = eval(compile(expression, "<notify>", "eval"), shell.user_ns, scope)  # noqa: S307  as above
            else:
                exec(compile(tree, "<notify>", "exec"), shell.user_ns, scope)  # noqa: S102  as above
        except BaseException as error:
            watched.end(Outcome.of_exception(error))
            raise
        watched.end(Outcome("done"), result=value)
        return value


# IPython shows a magic's docstring as its help, so the parsers write them.
ActivitySmithMagics.activity.__doc__ = overview(COMMANDS)
ActivitySmithMagics.notify.__doc__ = notify_parser().format_help()


@completion_matcher(identifier="activitysmith", priority=_MATCHER_PRIORITY, api_version=2)
def _complete(context: CompletionContext) -> SimpleMatcherResult:
    """Offer what may follow on a line of ours, and nothing else: it is no Python."""
    line = context.text_until_cursor
    found = _OUR_LINE.match(line)
    if found is None:
        return {"completions": []}
    word = "" if line[-1].isspace() else line.split()[-1]
    if found[1] == "%activity":
        keys = [card.stream_key for card in open_cards()]
        offers = complete_activity(COMMANDS, line[found.start(1) :], word, keys)
    elif part_statement(line)[1] is not None:
        offers = []  # the statement of a %notify line
    else:
        before = line[: len(line) - len(word)].split()
        offers = complete_options(notify_parser(), before, word)
    return {
        # Front ends show the type beside each word.
        "completions": [SimpleCompletion(offer, type="keyword") for offer in offers],
        "matched_fragment": word,
        "ordered": True,
        "suppress": True,
    }


class _Extension:
    """What loading adds to a shell, so that unloading can take exactly that away."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._session = Session()
        self._lookup = notebook_lookup(shell)
        self._events = CellEvents(
            self._wish_of, self._lookup, self._session.watch, self._expects_error
        )
        self._undo: list[Callable[[], object]] = []

    def transform(self, lines: list[str]) -> list[str]:
        """Take a ``%%notify`` line out, and answer ``%activity stats?``."""
        if len(lines) == 1 and (question := _QUESTION.fullmatch(lines[0])) is not None:
            return [f"%activity {question[1]} --help\n"]
        return strip_notify(lines, lambda line: self._wish_of(line) is not None)

    # So IPython leaves it out when it asks whether a cell is complete: a console then waits for
    # the body of a ``%%notify`` cell, as it does for every cell magic.
    transform.has_side_effects = True  # type: ignore[attr-defined]

    def load(self) -> None:
        shell = self._shell
        traits = apply_traits(shell)
        self._undo.append(set_fallbacks)
        self._undo.append(self._session.close)
        self._add_magics()
        shell.input_transformers_cleanup.append(self.transform)
        self._undo.append(lambda: shell.input_transformers_cleanup.remove(self.transform))
        events, before, after = shell.events, self._events.before, self._events.after
        events.register("pre_run_cell", before)
        self._undo.append(lambda: events.unregister("pre_run_cell", before))
        events.register("post_run_cell", after)
        self._undo.append(
            lambda: self._events.leave(lambda: events.unregister("post_run_cell", after))
        )
        matchers = shell.Completer.custom_matchers
        matchers.append(_complete)
        self._undo.append(lambda: matchers.remove(_complete))
        if traits.watch:
            settings = resolve(ask_keyring=False)
            self._session.watch.start(settings.watch_after, settings.watch_on)
        if traits.mirror:
            self._session.mirror(on=True)
        self._resume()

    def unload(self) -> None:
        _left[self._shell] = (self._shell.execution_count, self._session.switches)
        while self._undo:
            self._undo.pop()()

    def _resume(self) -> None:
        """After ``%reload_ext``, watch and mirror as before: nobody asked to cease.

        IPython reloads by unloading and loading, with no word between; that both come from one
        cell tells it from ``%unload_ext`` and a later ``%load_ext``, which begin anew.
        """
        count, switches = _left.pop(self._shell, (None, None))
        if switches is not None and count == self._shell.execution_count:
            self._session.turn(switches)

    def _wish_of(self, line: str) -> Wish | None:
        try:
            return notify_wish(split_words(line, "%%notify"), self._lookup)
        except UsageError:
            return None

    def _expects_error(self) -> bool:
        """Tell whether the front end goes on after an error: the tag ``raises-exception``."""
        # Only a kernel's shell knows of a request.
        request: dict[str, Any] = getattr(self._shell, "get_parent", dict)() or {}
        return request.get("content", {}).get("stop_on_error") is False

    def _add_magics(self) -> None:
        magics = self._shell.magics_manager.magics
        ours = (("line", "activity"), ("line", "notify"), ("cell", "notify"))
        before = {place: magics[place[0]].get(place[1]) for place in ours}
        self._shell.register_magics(ActivitySmithMagics(self._shell, self._session))

        def restore() -> None:
            for (kind, name), old in before.items():
                if old is None:
                    magics[kind].pop(name, None)
                else:
                    magics[kind][name] = old
            self._shell.magics_manager.registry.pop(ActivitySmithMagics.__name__, None)

        self._undo.append(restore)


_loaded: WeakKeyDictionary[Any, _Extension] = WeakKeyDictionary()
# What was on in a shell when it was unloaded, and the number of the cell that did it.
_left: WeakKeyDictionary[Any, tuple[int, Switches]] = WeakKeyDictionary()


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics to a shell; a second call changes nothing."""
    if shell not in _loaded:
        extension = _Extension(shell)
        extension.load()
        _loaded[shell] = extension


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take everything away that loading added."""
    extension = _loaded.pop(shell, None)
    if extension is not None:
        extension.unload()
