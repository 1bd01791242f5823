"""``%activity`` commands that move cards: one for each type, ``end`` and ``list``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from IPython.core.error import UsageError

from ._commands import MAGIC, Command
from ._handcard import HandCard
from ._opencard import OpenCard
from ._outcome import Outcome
from ._place import ipython_shell
from ._preview import Preview
from ._runtime import runtime
from ._settings import resolve
from ._state_args import (
    KINDS,
    add_dismissal,
    add_fields,
    add_state_options,
    add_subject,
    dismissal,
    free_fields,
    state_request,
)
from .activity import Activity, key_of
from .card import card_html, card_text
from .exceptions import NotFoundError

if TYPE_CHECKING:
    import argparse

    from ._outcome import Verdict
    from ._session import Session

__all__ = ["CARD_COMMANDS", "open_cards"]

_EXAMPLES: Final = {
    "progress": "progress train 42 --title Training --color cyan",
    "stats": "stats shop Revenue='$2,430' Orders=37",
    "metrics": "metrics server CPU=9% MEM=45%",
    "steps": "steps release 2/5 --subtitle Tests",
    "alert": 'alert churn "Lumen came back" --icon bolt.fill:green',
    "timer": "timer tea 5m",
    "value": "value mrr '$1,240'",
}
_SUMMARIES: Final = {
    "progress": "a bar: a percentage, or a value of an upper limit",
    "stats": "up to eight labelled values",
    "metrics": "labelled values with bars",
    "steps": "steps done of steps in all",
    "alert": "a message",
    "timer": "a clock that ticks by itself, down or up",
    "value": "one large value",
}
_VERDICTS: Final[tuple[Verdict, ...]] = ("done", "failed", "stopped")
_FRAME: Final = (
    "display:grid;grid-template-columns:repeat(auto-fill,minmax(280px,380px));gap:12px;"
    "align-items:start"
)


def open_cards() -> list[OpenCard]:
    """Return the open cards of this process, oldest first."""
    return [card for card in runtime().open_cards if isinstance(card, OpenCard)]


def _open_card(key: str) -> OpenCard | None:
    """Return the open card of a stream key, whoever moves it."""
    return next((card for card in open_cards() if card.stream_key == key), None)


# ---------------------------------------------------------------------- by type


def _type_command(kind: str) -> Command:
    state_type = KINDS[kind]

    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("key", metavar="KEY", help="the card's name")
        add_subject(parser, kind)
        add_state_options(parser, state_type)
        parser.add_argument(
            "--notify",
            choices=("done", "failed", "always", "never"),
            help="when its end also sends a push",
        )
        parser.add_argument("--dry-run", action="store_true", help="show it here, send nothing")

    def run(session: Session, options: argparse.Namespace) -> Any:
        fields, members = state_request(options, state_type)
        del session
        key = key_of(options.key)
        card = _open_card(key)
        if card is not None and not (isinstance(card, HandCard) and card.kind == state_type):
            what = f"of type {card.kind}" if isinstance(card, HandCard) else "of other code"
            raise UsageError(
                f"{MAGIC} {kind}: {key} is an open card {what}; end it first: {MAGIC} end {key}"
            )
        channels = members.pop("channels", None)
        is_new = card is None
        if card is None:
            fields = {"title": options.key, **fields}
            title = str(fields.pop("title"))
            card = HandCard(
                key,
                type=state_type,
                title=title,
                notify=options.notify,
                channels=channels,
                **fields,
            )
        if options.dry_run:
            body = card.preview(fields, members)
            Preview("PUT", f"/live-activity/stream/{key}", body).show()
            return None
        settings = resolve()
        if not settings.disabled:
            settings.require_key()
        card.change({} if is_new else fields, members)
        return card

    return Command(kind, _SUMMARIES[kind], _EXAMPLES[kind], arguments, run)


# ---------------------------------------------------------------------- end


def _end_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="the card's name")
    parser.add_argument("--outcome", choices=_VERDICTS, default="done", help="how it ended")
    parser.add_argument("--reason", default="", help="a few words for a failure or a stop")
    parser.add_argument("--title", help="its last title")
    parser.add_argument("--subtitle", help="its last subtitle")
    add_dismissal(parser)
    add_fields(parser)


def _end(session: Session, options: argparse.Namespace) -> Any:
    del session
    key = key_of(options.key)
    texts = {name: value for name in ("title", "subtitle") if (value := getattr(options, name))}
    free = free_fields(options)
    last = {**texts, **dismissal(options), **free}
    card = _open_card(key)
    if card is None:
        return _end_elsewhere(key, last)
    if isinstance(card, HandCard):
        card.end(Outcome(options.outcome, options.reason), **last)
        return card
    if free:
        raise UsageError(
            f"{MAGIC} end: {key} is fed by code of its own: give it a title, a subtitle and a "
            f"dismissal, not {', '.join(free)}"
        )
    card.finish(Outcome(options.outcome, options.reason), last=last)
    return None


def _end_elsewhere(key: str, last: dict[str, Any]) -> Any:
    """End a card that another kernel, or this one before a restart, has opened."""
    from .client import ActivitySmith  # noqa: PLC0415  only for cards that are not ours

    with ActivitySmith() as client:
        try:
            return client.live_activities.end_stream(key, **_whole(key, last))
        except NotFoundError:
            known = ", ".join(card.stream_key for card in open_cards()) or "none"
            raise UsageError(
                f"{MAGIC} end: no card is named {key}; open in this kernel: {known}"
            ) from None


def _whole(key: str, last: dict[str, Any]) -> dict[str, Any]:
    return {"title": key, **last} if last else {}


# ---------------------------------------------------------------------- list


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def _list(session: Session, options: argparse.Namespace) -> None:
    del session, options
    cards = open_cards()
    if not cards:
        print("No open cards in this kernel.")  # noqa: T201  the answer of the line
        return
    board = _Board(cards)
    if getattr(ipython_shell(), "kernel", None) is None:
        print(board)  # noqa: T201  as above
        return
    from IPython.display import display  # noqa: PLC0415  a kernel runs, so it is loaded

    display(board)  # type: ignore[no-untyped-call]
    _show_end_buttons(cards)


class _Board:
    """Open cards as the phone shows them."""

    def __init__(self, cards: list[OpenCard]) -> None:
        self._shown = [(card.stream_key, _body_of(card)) for card in cards]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # IPython leaves out itself what nobody asked for
        drawn = "".join(
            card_html(_state_of(key, body), notes=[key], **_buttons_of(body))
            for key, body in self._shown
        )
        return {"text/plain": str(self), "text/html": f'<div style="{_FRAME}">{drawn}</div>'}

    def __str__(self) -> str:
        return "\n".join(
            card_text(_state_of(key, body), notes=[key], **_buttons_of(body))
            for key, body in self._shown
        )


def _body_of(card: OpenCard) -> dict[str, Any] | None:
    return card.payload if isinstance(card, Activity) else card.shown


def _state_of(key: str, body: dict[str, Any] | None) -> dict[str, Any]:
    if body is None:
        return {"title": key, "subtitle": "not on the phone yet"}
    return dict(body["content_state"])


def _buttons_of(body: dict[str, Any] | None) -> dict[str, Any]:
    return {
        name: (body or {})[name] for name in ("action", "secondary_action") if name in (body or {})
    }


def _show_end_buttons(cards: list[OpenCard]) -> None:
    """Show a button for each card; a front end without widgets shows their text only."""
    import ipywidgets  # noqa: PLC0415  only where there is something to click
    from IPython.display import display  # noqa: PLC0415  as above

    def button_for(card: OpenCard) -> Any:
        button = ipywidgets.Button(description=f"End {card.stream_key}", icon="stop")
        button.layout.width = "auto"

        def end(_: Any) -> None:
            card.finish(Outcome("stopped", "ended by hand"))
            button.disabled = True
            button.description = f"{card.stream_key} ended"

        button.on_click(end)
        return button

    display(ipywidgets.HBox([button_for(card) for card in cards]))  # type: ignore[no-untyped-call]


CARD_COMMANDS: Final = (
    *(_type_command(kind) for kind in KINDS),
    Command("end", "end a card with its verdict", "end train --dismiss 30s", _end_arguments, _end),
    Command("list", "the open cards of this kernel", "list", _no_arguments, _list),
)
