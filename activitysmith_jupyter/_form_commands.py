"""``%activity`` commands that show a widget: the composer and the phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._commands import Command

if TYPE_CHECKING:
    import argparse

    from ._session import Session

__all__ = ["FORM_COMMANDS"]


def _composer_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", nargs="?", help="the stream key the form begins with")


def _composer(session: Session, options: argparse.Namespace) -> Any:
    del session
    from .composer import Composer  # noqa: PLC0415  ipywidgets: only when a form is wanted

    return Composer(options.key)


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def _phone(session: Session, options: argparse.Namespace) -> Any:
    del session, options
    from .phone import Phone  # noqa: PLC0415  as above

    return Phone()


FORM_COMMANDS = (
    Command(
        "composer",
        "compose a push or a card in a form, see it, send it",
        "composer nightly",
        _composer_arguments,
        _composer,
    ),
    Command(
        "phone",
        "show the emulator's Lock Screen below the cell",
        "phone",
        _no_arguments,
        _phone,
    ),
)
