"""``%activity`` commands beside the cards: pushes, widgets, switches, the key, the state."""

from __future__ import annotations

import getpass
import html
import os
from typing import TYPE_CHECKING, Any, Final

from IPython.core.error import StdinNotImplementedError, UsageError

from ._card_commands import open_cards
from ._commands import MAGIC, Command
from ._doctor import doctor, settings_rows
from ._key_store import forget_key, keep_key
from ._magic_args import add_push_options, push_fields
from ._place import place_name
from ._preview import Preview
from ._requests import push_body
from ._runtime import runtime
from ._secret import hide
from ._session import where_requests_go
from ._settings import resolve
from ._sheet import Row, Sheet
from ._state_args import add_push_buttons, number_or_text, push_members, seconds_of
from ._streams import check_metric_key
from .client import ActivitySmith

if TYPE_CHECKING:
    import argparse

    from ._results import Result
    from ._session import Session

__all__ = ["ACCOUNT_COMMANDS"]

_WHEN: Final = ("failed", "always")


def _nothing(parser: argparse.ArgumentParser) -> None:
    del parser


def _switch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("state", choices=("on", "off"))


def _say(text: str) -> None:
    print(text)  # noqa: T201  the answer of the line


def _devices(result: Result) -> str:
    count = result.recipients
    if count is None:
        return "sent"
    return f"reached {count} device{'' if count == 1 else 's'}"


# ---------------------------------------------------------------------- send


def _push_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("title", metavar="TITLE")
    parser.add_argument("message", nargs="*", default=[], metavar="MESSAGE", help="what it says")
    add_push_options(parser)
    add_push_buttons(parser)
    parser.add_argument("--dry-run", action="store_true", help="show it here, send nothing")


def _push(session: Session, options: argparse.Namespace) -> None:
    del session
    fields = {"title": options.title, **push_fields(options), **push_members(options)}
    if options.message:
        fields["message"] = " ".join(options.message)
    settings = resolve()
    if settings.channels:
        fields.setdefault("channels", list(settings.channels))
    if options.dry_run:
        Preview("POST", "/push-notification", push_body(**fields)).show()
        return
    with ActivitySmith() as client:
        _say(f"Push: {_devices(client.notifications.send(fields))}.")


def _test(session: Session, options: argparse.Namespace) -> None:
    del session, options
    with ActivitySmith() as client:
        result = client.notifications.send(
            title="ActivitySmith test",
            message=f"Sent from {place_name() or 'IPython'}",
            interruption_level="passive",
        )
    _say(f"Test push: {_devices(result)}.")


def _widget_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="as made in the web app")
    parser.add_argument("value", metavar="VALUE", help="a number, or a text of 1 to 64 characters")


def _widget(session: Session, options: argparse.Namespace) -> None:
    del session
    check_metric_key(options.key)
    with ActivitySmith() as client:
        client.metrics.update(options.key, number_or_text(options.value))
    _say(f"Widget {options.key}: {options.value}.")


def _badge_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("count", type=int, metavar="COUNT", help="0 clears it")
    parser.add_argument("--channels", metavar="A,B", help="whose icon; everyone's when left out")


def _badge(session: Session, options: argparse.Namespace) -> None:
    del session
    given = {} if options.channels is None else {"channels": options.channels}
    with ActivitySmith() as client:
        _say(f"Badge {options.count}: {_devices(client.badge_count(options.count, **given))}.")


# ---------------------------------------------------------------------- switches


def _watch_arguments(parser: argparse.ArgumentParser) -> None:
    _switch(parser)
    parser.add_argument(
        "--after", type=seconds_of, metavar="60s", help="shorter runs are not worth a push"
    )
    parser.add_argument("--on", choices=_WHEN, dest="when", help="what to tell")


def _watch(session: Session, options: argparse.Namespace) -> None:
    if options.state == "off":
        session.watch.stop()
        return
    settings = resolve()
    after = settings.watch_after if options.after is None else options.after
    session.watch.start(after, options.when or settings.watch_on)


def _mirror(session: Session, options: argparse.Namespace) -> None:
    session.mirror(on=options.state == "on")


def _emulator(session: Session, options: argparse.Namespace) -> Any:
    session.emulate(on=options.state == "on")
    if session.emulator is None:
        _say(where_requests_go())
        return None
    return _Loud(
        "EMULATOR ON: NOTHING LEAVES THIS MACHINE.",
        "No iPhone hears of anything. The emulated phone:",
        session.emulator.url,
    )


class _Loud:
    """A notice that nobody overlooks, with a link."""

    def __init__(self, headline: str, text: str, url: str) -> None:
        self._headline, self._text, self._url = headline, text, url

    def _repr_html_(self) -> str:
        link = html.escape(self._url, quote=True)
        return (
            '<div style="border:2px solid #e08a00;border-radius:8px;padding:8px 12px">'
            f"<b>{html.escape(self._headline)}</b><br>{html.escape(self._text)} "
            f'<a href="{link}" target="_blank" rel="noopener">{link}</a></div>'
        )

    def __repr__(self) -> str:
        return f"{self._headline}\n{self._text} {self._url}"


# ---------------------------------------------------------------------- the key


def _login(session: Session, options: argparse.Namespace) -> None:
    del session, options
    try:
        key = hide(getpass.getpass("ActivitySmith API key (it is not shown): "))
    except StdinNotImplementedError:
        raise UsageError(
            f"{MAGIC} login: nobody can type here; set ACTIVITYSMITH_API_KEY instead"
        ) from None
    except (EOFError, KeyboardInterrupt):
        raise UsageError(f"{MAGIC} login: cancelled, nothing has changed") from None
    problem = keep_key(key)
    _say(f"Kept for this kernel only: {problem}." if problem else "Stored in the key store.")
    if os.environ.get("ACTIVITYSMITH_API_KEY") and not problem:
        _say("ACTIVITYSMITH_API_KEY is set as well, and wins.")
    _say(f"{MAGIC} test sends a quiet push.")


def _logout(session: Session, options: argparse.Namespace) -> None:
    del session, options
    problem = forget_key()
    _say(f"Forgotten in this kernel; {problem}." if problem else "Taken out of the key store.")
    if os.environ.get("ACTIVITYSMITH_API_KEY"):
        _say("ACTIVITYSMITH_API_KEY is still set.")


# ---------------------------------------------------------------------- the state


def _status(session: Session, options: argparse.Namespace) -> Sheet:
    del options
    rows = settings_rows(resolve())
    if session.emulator is not None:
        rows.append(Row("Emulator", session.emulator.url, "note", url=session.emulator.url))
    rows += _card_rows()
    rows += [
        Row("Watching", _watching(session), "ok" if session.watch.is_on else "note"),
        Row("Mirroring", "every tqdm bar" if session.mirrors else "off", "note"),
    ]
    problems = runtime().courier.problems
    rows += [Row("Problem", text, "bad") for text in problems]
    if not problems:
        rows.append(Row("Problems", "none", "ok"))
    return Sheet("ActivitySmith status", rows)


def _card_rows() -> list[Row]:
    cards, left = open_cards(), runtime().courier.updates_left()
    if not cards:
        return [Row("Open cards", "none", "note")]
    return [_card_row(card.stream_key, left.get(card.stream_key)) for card in cards]


def _card_row(key: str, updates_left: int | None) -> Row:
    if updates_left is None:
        return Row(f"Card {key}", "not on the phone yet", "note")
    return Row(f"Card {key}", f"{updates_left} updates left for now", "ok")


def _watching(session: Session) -> str:
    watch = session.watch
    if watch.after_seconds is None:
        return "off"
    what = "failed cells" if watch.when == "failed" else "cells"
    return f"{what} of {watch.after_seconds:g} s and more"


def _doctor(session: Session, options: argparse.Namespace) -> Sheet:
    del session, options
    return doctor()


ACCOUNT_COMMANDS: Final = (
    Command("push", "a push, now", 'push "Half way" "epoch 5 of 10"', _push_arguments, _push),
    Command(
        "widget",
        "a value of a Lock Screen widget",
        "widget uptime 99.9",
        _widget_arguments,
        _widget,
    ),
    Command("badge", "the number on the app's icon", "badge 8333", _badge_arguments, _badge),
    Command(
        "watch",
        "word of every long cell, one for a Run All",
        "watch on --after 60s",
        _watch_arguments,
        _watch,
    ),
    Command("mirror", "every tqdm bar of the process on a card", "mirror on", _switch, _mirror),
    Command(
        "emulator", "a phone on this machine: nothing leaves it", "emulator on", _switch, _emulator
    ),
    Command("login", "type the API key and store it", "login", _nothing, _login),
    Command("logout", "forget the API key", "logout", _nothing, _logout),
    Command("test", "a quiet push, and how many devices got it", "test", _nothing, _test),
    Command("status", "key, server, cards, budget, problems", "status", _nothing, _status),
    Command("doctor", "check everything between here and the phone", "doctor", _nothing, _doctor),
)
