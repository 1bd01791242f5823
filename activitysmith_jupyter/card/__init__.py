"""Cards and pushes as the iPhone's Lock Screen shows them, from plain payloads.

One renderer for notebook reprs, dry runs, the composer and the emulator's phone page. Pure
functions without a clock: payload in, HTML or plain text out. The HTML is whole in itself: no
script, no font, no picture, no request of any kind; text from outside is always shown as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from activitysmith_jupyter.card._draw import drawn_card, drawn_push, glyph, rooted
from activitysmith_jupyter.card._island import drawn_island
from activitysmith_jupyter.card._push import read_push
from activitysmith_jupyter.card._style import stylesheet
from activitysmith_jupyter.card._symbols import known_symbols
from activitysmith_jupyter.card._text import written_card, written_push
from activitysmith_jupyter.card._view import clock_digits, clock_time, read_card

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from activitysmith_jupyter.card._html import Html

__all__ = [
    "THEMES",
    "Theme",
    "card_html",
    "card_text",
    "clock_digits",
    "clock_time",
    "glyph",
    "island_html",
    "known_symbols",
    "push_html",
    "push_text",
    "request_bundle",
    "stylesheet",
]

Theme = Literal["auto", "light", "dark"]
THEMES: Final = ("auto", "light", "dark")


def card_html(  # noqa: PLR0913  one parameter per part of a card
    content_state: Mapping[str, Any],
    *,
    action: Mapping[str, Any] | None = None,
    secondary_action: Mapping[str, Any] | None = None,
    status: str = "active",
    timer: Mapping[str, Any] | None = None,
    theme: Theme = "auto",
    notes: Iterable[str] = (),
    with_style: bool = True,
) -> str:
    """Draw a Live Activity card as self-contained HTML.

    Parameters
    ----------
    content_state : Mapping
        The payload's ``content_state``, whole or partial; fields that are missing or of the wrong
        kind are not shown, and no value makes the drawing fail.
    action, secondary_action : Mapping, optional
        The payload's buttons. Web addresses become links that open in a new tab; anything else is
        shown as a button that leads nowhere.
    status : str, default "active"
        ``active``; any other word draws the card as ended.
    timer : Mapping, optional
        Where a timer stands: ``counts_down``, ``duration_seconds``, ``elapsed_seconds`` (both in
        seconds) and ``is_running``. None draws one that was just started. The digits carry
        ``data-as-timer…`` attributes, so that a page's own script can let them run.
    theme : {"auto", "light", "dark"}, default "auto"
        ``auto`` follows the notebook's theme where it tells it, else the system's.
    notes : Iterable of str
        Remarks to show below the card, one line each.
    with_style : bool, default True
        False leaves the style sheet out, for pages that hold `stylesheet` once.

    Returns
    -------
    str
        The style sheet and the card.

    Examples
    --------
    >>> "43%" in card_html({"title": "Training", "type": "progress", "percentage": 43})
    True
    """
    view = read_card(
        content_state,
        action=action,
        secondary_action=secondary_action,
        status=status,
        timer=timer,
        notes=notes,
    )
    return _finished(drawn_card(view), theme, with_style=with_style)


def push_html(
    push: Mapping[str, Any],
    *,
    theme: Theme = "auto",
    received_at: float | None = None,
    with_media: bool = False,
    with_style: bool = True,
) -> str:
    """Draw a push notification as self-contained HTML.

    Parameters
    ----------
    push : Mapping
        The payload of a push, whole or partial. Media and icon are named and linked.
    theme : {"auto", "light", "dark"}, default "auto"
        As in `card_html`.
    received_at : float, optional
        When it came, in UNIX seconds; shown at the banner's edge.
    with_media : bool, default False
        True lets the viewer's browser fetch a picture from its ``https://`` address; the server
        there then learns that somebody looks. False asks nobody for anything.
    with_style : bool, default True
        As in `card_html`.

    Returns
    -------
    str
        The style sheet and the banner.
    """
    drawn = drawn_push(read_push(push), received_at=received_at, with_media=with_media)
    return _finished(drawn, theme, with_style=with_style)


def island_html(
    content_state: Mapping[str, Any],
    *,
    status: str = "active",
    timer: Mapping[str, Any] | None = None,
    with_style: bool = True,
) -> str:
    """Draw the Dynamic Island's line of a card: its symbol and its one figure, on black.

    The parameters are those of `card_html`. The line looks the same in every theme.
    """
    view = read_card(
        content_state, action=None, secondary_action=None, status=status, timer=timer, notes=()
    )
    return _finished(drawn_island(view), "dark", with_style=with_style)


def card_text(  # noqa: PLR0913  as card_html
    content_state: Mapping[str, Any],
    *,
    action: Mapping[str, Any] | None = None,
    secondary_action: Mapping[str, Any] | None = None,
    status: str = "active",
    timer: Mapping[str, Any] | None = None,
    notes: Iterable[str] = (),
) -> str:
    """Draw a card as plain text, without a final line break.

    The parameters are those of `card_html`. Line breaks, control characters and changes of writing
    direction inside the texts are flattened, so that they cannot steer a terminal.

    Examples
    --------
    >>> print(card_text({"title": "Training", "type": "progress", "percentage": 50}))
    ╭─ progress
    │ Training
    │ ██████████████░░░░░░░░░░░░░░  50%
    ╰─
    """
    view = read_card(
        content_state,
        action=action,
        secondary_action=secondary_action,
        status=status,
        timer=timer,
        notes=notes,
    )
    return written_card(view)


def push_text(push: Mapping[str, Any]) -> str:
    """Draw a push as plain text, without a final line break; `push` as in `push_html`."""
    return written_push(read_push(push))


def request_bundle(body: Mapping[str, Any], *, status: str = "active") -> dict[str, str]:
    """Draw a request's body for a notebook: HTML, and plain text for everything else.

    Parameters
    ----------
    body : Mapping
        Of a Live Activity (with its ``content_state``) or of a push.
    status : str, default "active"
        As in `card_html`.

    Returns
    -------
    dict
        By MIME type, as ``_repr_mimebundle_`` returns it.
    """
    state = body.get("content_state")
    if state is None:
        return {"text/plain": push_text(body), "text/html": push_html(body)}
    action, second = body.get("action"), body.get("secondary_action")
    return {
        "text/plain": card_text(state, action=action, secondary_action=second, status=status),
        "text/html": card_html(state, action=action, secondary_action=second, status=status),
    }


def _finished(drawing: Html, theme: Theme, *, with_style: bool) -> str:
    style = f"<style>{stylesheet()}</style>" if with_style else ""
    return f"{style}{rooted(drawing, theme)}"
