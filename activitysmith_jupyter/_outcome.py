"""How something ended, as a value: the verdict, its colour, its icon, its words.

Three verdicts come from the process itself (*done*, *failed*, *stopped*); a fourth, *died*, can
only be told by somebody who outlives it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Outcome",
    "Verdict",
    "duration_text",
    "error_text",
    "error_words",
    "one_line",
    "percent_text",
]

Verdict = Literal["done", "failed", "stopped", "died"]

# How long the Lock Screen keeps the verdict: somebody who walked away must still find it. iOS
# itself removes ended activities after about four hours.
_DISMISS_MINUTES: Final[dict[Verdict, int]] = {
    "done": 60,
    "failed": 240,
    "stopped": 30,
    "died": 240,
}
_COLORS: Final[dict[Verdict, str]] = {
    "done": "green",
    "failed": "red",
    "stopped": "gray",
    "died": "red",
}
_SYMBOLS: Final[dict[Verdict, str]] = {
    "done": "checkmark.circle.fill",
    "failed": "xmark.octagon.fill",
    "stopped": "stop.circle.fill",
    "died": "bolt.slash.fill",
}
_DETAIL_CHARACTERS: Final = 120

# Errors whose text quotes what was run, or names a file that no reader knows.
_COMMAND: Final = (re.compile(r"^Command .* (?=returned |died |timed out )", re.DOTALL), "")
_CELL_FILE: Final = (re.compile(r" \(.*, (?=line \d+\)$)"), " (")
_PREVIEW: Final = (re.compile(r"\nThe message was: .*", re.DOTALL), "")
_CODE_IN_ERRORS: Final = {
    "CellTimeoutError": _PREVIEW,
    "CalledProcessError": _COMMAND,
    "TimeoutExpired": _COMMAND,
    "SyntaxError": _CELL_FILE,
    "IndentationError": _CELL_FILE,
    "TabError": _CELL_FILE,
}


@attrs.frozen
class Outcome:
    """A verdict and, where there is one, the reason in a few words.

    Attributes
    ----------
    verdict : {"done", "failed", "stopped", "died"}
        What the card says for ever.
    reason : str
        For example ``ValueError: loss is NaN``: one line, at most 120 characters, no source code.
        With *died* it is what died: ``Kernel`` (when left out) or ``Program``.
    """

    verdict: Verdict
    reason: str = ""

    @classmethod
    def of_exception(cls, error: BaseException | None) -> Outcome:
        """Return the verdict that an exception, or none, leads to.

        Notes
        -----
        A person or a program that asks for the end *stops* the work: KeyboardInterrupt, a
        cancelled task, a closed generator, and ``sys.exit()`` whatever its code (the code stands
        in the reason, where it is not 0). Everything else *failed*.
        """
        if error is None:
            return cls("done")
        if isinstance(error, SystemExit):
            code = error.code
            quiet = code is None or (isinstance(code, int) and code == 0)
            return cls("stopped", "" if quiet else one_line(f"exit {_text_of(code)}"))
        if isinstance(error, KeyboardInterrupt):
            return cls("stopped", "interrupted")
        # CancelledError by its name: importing asyncio for a comparison would cost every script.
        if isinstance(error, GeneratorExit) or type(error).__name__ == "CancelledError":
            return cls("stopped")
        return cls("failed", error_text(error))

    @property
    def color(self) -> str:
        """Green, red or gray."""
        return _COLORS[self.verdict]

    @property
    def symbol(self) -> str:
        """An SF Symbol name."""
        return _SYMBOLS[self.verdict]

    @property
    def dismiss_minutes(self) -> int:
        """How long the Lock Screen keeps the card, minutes."""
        return _DISMISS_MINUTES[self.verdict]

    def sentence(self, *, elapsed_seconds: float | None = None, at: str = "") -> str:
        """Return the verdict as a short text.

        Parameters
        ----------
        elapsed_seconds : float, optional
            How long it took.
        at : str, default ""
            Where it ended, for example ``43 %``; not said when it is done.

        Examples
        --------
        >>> Outcome("done").sentence(elapsed_seconds=7500)
        'Done in 2h 05m'
        >>> Outcome("failed", "ValueError: loss is NaN").sentence(at="43 %")
        'Failed at 43 %: ValueError: loss is NaN'
        """
        words = {
            "done": "Done",
            "failed": "Failed",
            "stopped": "Stopped",
            "died": f"{self.reason or 'Kernel'} died",
        }[self.verdict]
        if at and self.verdict != "done":
            words += f" at {at}"
        if self.verdict == "died":
            return words  # whoever finds out knows when
        if elapsed_seconds is not None:
            joint = "in" if self.verdict == "done" else "after"
            words += f" {joint} {duration_text(elapsed_seconds)}"
        return f"{words}: {self.reason}" if self.reason else words

    def look(self, state_type: str, sentence: str) -> dict[str, Any]:
        """Return the content-state fields that say the verdict on a card of a type.

        Parameters
        ----------
        state_type : str
            One of the seven; ``stats`` has no colour of its own, its icon has.
        sentence : str
            For the subtitle.
        """
        fields: dict[str, Any] = {
            "subtitle": sentence,
            "icon": {"symbol": self.symbol, "color": self.color},
        }
        if state_type != "stats":
            fields["color"] = self.color
        return fields

    def push_title(self, title: str) -> str:
        """Return the headline of the push that tells it."""
        return {
            "done": f"✅ {title}: done",
            "failed": f"❌ {title}: failed",
            "stopped": f"⏹ {title}: stopped",
            "died": f"❌ {title}: {(self.reason or 'kernel').lower()} died",
        }[self.verdict]

    def asks_for_push(self, notify: str) -> bool:
        """Tell whether the setting `notify` ("done", "failed", "always", "never") wants a push."""
        if notify == "always":
            return True
        if notify == "failed":
            return self.verdict in {"failed", "died"}
        return notify == "done" and self.verdict == "done"


def error_text(error: BaseException, scrub: Callable[[str], str] = str) -> str:
    """Return an exception's type and the last line of its text, at most 120 characters.

    Parameters
    ----------
    error : BaseException
        What was raised.
    scrub : callable, optional
        Takes out of its text what nobody may see, before the text is cut.
    """
    return error_words(type(error).__name__, scrub(_text_of(error)))


def error_words(name: str, text: str) -> str:
    """Return an exception's type and the last line of its text, without any source code.

    Parameters
    ----------
    name : str
        The type's.
    text : str
        The exception as text.

    Examples
    --------
    >>> error_words("CalledProcessError", "Command 'curl -u me:secret' died with signal 9.")
    'CalledProcessError: died with signal 9.'
    >>> error_words("SyntaxError", "invalid syntax (3046560625.py, line 4)")
    'SyntaxError: invalid syntax (line 4)'
    """
    pattern, words = _CODE_IN_ERRORS.get(name, (None, ""))
    if pattern is not None:
        text = pattern.sub(words, text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return one_line(f"{name}: {lines[-1]}" if lines else name)


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001  a broken __str__ must not hide the verdict
        return ""


def percent_text(share: float) -> str:
    """Return a share, 0 to 1, as a whole percentage that is never ahead of it: ``43 %``."""
    return f"{int(100 * share + 1e-9)} %"


def one_line(text: str, limit: int = _DETAIL_CHARACTERS) -> str:
    """Return `text` on one line, cut with an ellipsis to `limit` characters."""
    # Lone surrogates (undecodable file names) cannot leave as JSON in UTF-8.
    text = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def duration_text(seconds: float) -> str:
    """Return a duration in two units at most: ``0.4 s``, ``3m 20s``, ``2h 05m``, ``3d 4h``.

    Parameters
    ----------
    seconds : float
        0 or more.
    """
    if seconds < 9.95:  # noqa: PLR2004  below ten a digit after the point is worth its place
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour}h"
    if hours:
        return f"{hours}h {minute:02d}m"
    if minutes:
        return f"{minutes}m {second:02d}s"
    return f"{whole} s"
