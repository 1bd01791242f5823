"""The phone page: the Lock Screen of the emulated iPhone, in a browser.

Pure functions from a snapshot of the phone to HTML. The page is whole in itself; its script listens
to the emulator's event stream and puts each Lock Screen it is sent in the place of the last.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from activitysmith_jupyter.card import card_html, clock_time, glyph, push_html, stylesheet
from activitysmith_jupyter.card._html import Html, element, isolated, joined, text
from activitysmith_jupyter.card._view import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["csp", "inline_phone", "lock_screen", "page", "phone_style"]

INLINE: Final = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)
MOST_COUNTED: Final = 99_999  # a longer count would leave the icon
NOTHING: Final = Html("")


def page(title: str = "ActivitySmith emulator") -> str:
    """Write the whole phone page.

    Parameters
    ----------
    title : str
        Title of the document and heading beside the phone.

    Returns
    -------
    str
        An HTML document that asks for nothing but ``/_emulator/events`` of its own server.
    """
    style = phone_style() + _asset("page.css")
    return (
        '<!DOCTYPE html>\n<html lang="en" data-as-page-theme="auto"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{text(title)}</title><style>{style}</style></head>"
        f"<body>{_about(title)}{_phone()}<script>{_asset('phone.js')}</script></body></html>\n"
    )


def csp(page_html: str) -> str:
    """Write the Content-Security-Policy that lets a phone page do what it does, and no more.

    Parameters
    ----------
    page_html : str
        What `page` returned; its inline style and script are allowed by their hashes.

    Returns
    -------
    str
        The header's value. It does not forbid framing: notebooks may show the phone in a frame.
    """
    hashes: dict[str, list[str]] = {"style": [], "script": []}
    for kind, content in INLINE.findall(page_html):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(hashes['script'])}",
            f"style-src {' '.join(hashes['style'])}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def phone_style() -> str:
    """Write the style sheet of the phone; it touches nothing outside the phone."""
    return stylesheet() + _asset("phone.css")


def inline_phone(  # noqa: PLR0913  one parameter per part of the screen
    snapshot: Mapping[str, Any], *, now: float, time: str, date: str, status: str, is_live: bool
) -> str:
    """Write a whole phone without a script, for the output of a notebook's cell.

    Parameters
    ----------
    snapshot, now
        As for `lock_screen`.
    time, date : str
        What the phone's clock says.
    status : str
        What stands where a phone shows its network.
    is_live : bool
        Whether that is good.
    """
    state = "live" if is_live else "lost"
    screen = _screen(
        status=element("span", {"class": "ph-link", "data-state": state}, text(status)),
        clock=joined(
            element("div", {"class": "ph-date"}, text(date)),
            element("time", {"class": "ph-time"}, text(time)),
        ),
        lock=element("div", {}, *(_lock_parts(snapshot, now) or [_nothing_yet()])),
        bottom=joined(element("span", {}), _app(int(snapshot.get("badge") or 0))),
        focusable=False,
    )
    return element("div", {"class": "ph-phone ph-inline"}, screen)


def lock_screen(snapshot: Mapping[str, Any], *, now: float) -> str:
    """Write what the Lock Screen shows.

    Parameters
    ----------
    snapshot : Mapping
        ``cards`` and ``pushes`` (newest first), ``widgets`` and ``badge``, as ``/_emulator/phone``
        gives them. All times in UNIX seconds.
    now : float
        The emulator's time, in UNIX seconds.

    Returns
    -------
    str
        Elements side by side, each with a ``data-key`` by which the page knows it again, and
        the app's icon, which has its own place.
    """
    parts = _lock_parts(snapshot, now) or [_empty()]
    return joined(_app(int(snapshot.get("badge") or 0)), *parts)


def _lock_parts(snapshot: Mapping[str, Any], now: float) -> list[Html]:
    cards = [_card(card, now) for card in snapshot.get("cards") or ()]
    pushes = [_push(push) for push in snapshot.get("pushes") or ()]
    widgets = snapshot.get("widgets") or {}
    parts = [_widgets(widgets)] if widgets else []
    if cards:
        parts += [_heading("Live Activities"), *cards]
    if pushes:
        parts += [_heading("Notifications"), *pushes]
    return parts


@functools.cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _about(title: str) -> Html:
    return element(
        "aside",
        {"class": "ph-about"},
        element("h1", {}, text(title)),
        element(
            "p",
            {},
            text(
                "The Lock Screen of an emulated iPhone: what the real service would put on yours, "
                "and what iOS would drop. Nothing leaves this computer."
            ),
        ),
        element("p", {}, text("Let your code talk to it, in its environment:")),
        _how_to_connect(),
    )


def _how_to_connect() -> Html:
    return element(
        "pre",
        {},
        text("ACTIVITYSMITH_BASE_URL="),
        _origin(),
        text("/api\nACTIVITYSMITH_API_KEY=the key printed at its start"),
    )


def _origin() -> Html:
    # The page's script puts in where the page really came from.
    return element("span", {"data-origin": ""}, text("http://127.0.0.1:8025"))


def _phone() -> Html:
    themes = joined(glyph("circle.lefthalf.filled"), glyph("sun.max.fill"), glyph("moon.fill"))
    return element(
        "main",
        {"class": "ph-phone"},
        _screen(
            status=element("span", {"id": "link", "class": "ph-link", "role": "status"}, text("…")),
            clock=joined(
                element("div", {"id": "date", "class": "ph-date"}),
                element("time", {"id": "time", "class": "ph-time"}),
            ),
            lock=element("div", {"id": "lock"}),
            bottom=joined(
                element("button", {"id": "theme", "class": "ph-round", "type": "button"}, themes),
                element("div", {"id": "app"}),
            ),
            focusable=True,
        ),
    )


def _screen(*, status: Html, clock: Html, lock: Html, bottom: Html, focusable: bool) -> Html:
    return element(
        "div",
        {"class": "ph-screen"},
        element("div", {"class": "ph-island", "aria-hidden": "true"}),
        element(
            "div",
            {"class": "ph-status"},
            status,
            element("span", {"class": "ph-battery", "aria-hidden": "true"}, element("i", {})),
        ),
        element(
            "div",
            {
                "class": "ph-scroll",
                "tabindex": "0" if focusable else None,
                "role": "region",
                "aria-label": "Lock Screen",
            },
            element("div", {"class": "ph-clock"}, clock),
            lock,
        ),
        element("div", {"class": "ph-bottom"}, bottom),
        element("div", {"class": "ph-home", "aria-hidden": "true"}),
    )


def _keyed(tag: str, key: str, class_name: str, *children: Html) -> Html:
    return element(tag, {"class": class_name, "data-key": key}, *children)


def _heading(words: str) -> Html:
    return _keyed("h2", f"heading {words}", "ph-hidden", text(words))


def _nothing_yet() -> Html:
    words = text("Nothing on the Lock Screen yet. Start a bar or send a push.")
    return element("div", {"class": "ph-empty"}, element("p", {}, words))


def _empty() -> Html:
    origin = _origin()
    return _keyed(
        "div",
        "empty",
        "ph-empty",
        element("p", {}, text("Nothing on the Lock Screen yet.")),
        element("p", {}, text("Start a bar, send a push, or point any client here:")),
        element(
            "pre",
            {},
            text("PUT "),
            origin,
            text("/api/live-activity/stream/my-run\nPOST "),
            origin,
            text("/api/push-notification"),
        ),
    )


def _app(badge: int) -> Html:
    # The Lock Screen has no app icons; this one is here to show its badge count.
    words = str(badge) if badge <= MOST_COUNTED else f"{MOST_COUNTED}+"
    count = element("span", {"class": "ph-count"}, text(words))
    return element(
        "div",
        {
            "class": "ph-app",
            "role": "img",
            "aria-label": f"ActivitySmith app, badge count {badge}",
        },
        glyph("bolt.fill"),
        count if badge else NOTHING,
    )


def _widgets(widgets: Mapping[str, Any]) -> Html:
    return _keyed(
        "ul",
        "widgets",
        "ph-widgets",
        *(
            element(
                "li",
                {"class": "ph-widget"},
                isolated("ph-widget-value", shown(widget.get("value"))),
                isolated("ph-widget-key", str(key)),
            )
            for key, widget in widgets.items()
        ),
    )


def _card(card: Mapping[str, Any], now: float) -> Html:
    drawn = card_html(
        card.get("content_state") or {},
        action=card.get("action"),
        secondary_action=card.get("secondary_action"),
        status=str(card.get("status") or "active"),
        timer=card.get("timer"),
        with_style=False,
    )
    notes = element("ul", {"class": "ph-notes"}, *_card_notes(card, now))
    return _keyed("article", f"card {card.get('activity_id')}", "ph-item", Html(drawn), notes)


def _card_notes(card: Mapping[str, Any], now: float) -> Iterable[Html]:
    dropped = int(card.get("updates_dropped") or 0)
    if dropped:
        plural = "" if dropped == 1 else "s"
        words = text(f"{dropped} update{plural} dropped by iOS: over the budget")
        until = card.get("throttled_until")
        if until is not None and until > now:
            words = joined(words, text("; throttled until "), _clock(until))
        yield _note(words, "ph-note ph-dropped")
    moment = card.get("ended_at") or card.get("updated_at")
    if moment is not None:
        name = element("bdi", {}, text(str(card.get("stream_key") or "no stream")))
        yield _note(joined(element("b", {}, name), text(f" · {_progress(card)} "), _clock(moment)))
    if card.get("dismiss_at") is not None:
        yield _note(joined(text("leaves the screen at "), _clock(card["dismiss_at"])))


def _progress(card: Mapping[str, Any]) -> str:
    """Say in a word or two what happened to a card last."""
    if card.get("ended_at"):
        return "ended"
    updates = int(card.get("updates_shown") or 0)
    return f"{updates} update{'' if updates == 1 else 's'}," if updates else "started"


def _note(words: Html, class_name: str = "ph-note") -> Html:
    return element("li", {"class": class_name}, words)


def _clock(moment: float) -> Html:
    # UTC as text; the page's script puts the viewer's own time in its place.
    return element("time", {"data-as-clock": f"{moment:.3f}"}, text(clock_time(moment)))


def _push(push: Mapping[str, Any]) -> Html:
    drawn = push_html(push, received_at=push.get("received_at"), with_style=False)
    notes = NOTHING
    if push.get("replaced"):
        replaced = _note(text("replaced silently"))
        notes = element("ul", {"class": "ph-notes"}, replaced)
    return _keyed("article", f"push {push.get('notification_id')}", "ph-item", Html(drawn), notes)
