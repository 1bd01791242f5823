"""Draw a `CardView` or a push as HTML."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from activitysmith_jupyter.card._html import Html, element, isolated, joined, link_target, text
from activitysmith_jupyter.card._symbols import VIEW_BOX, glyph_path
from activitysmith_jupyter.card._view import clock_time

if TYPE_CHECKING:
    from activitysmith_jupyter.card._push import PushView
    from activitysmith_jupyter.card._view import Button, CardView, Measure, Pill, Steps, Ticker

__all__ = ["drawn_card", "drawn_push", "glyph", "rooted"]

METER_SEGMENTS: Final = 20
FEW_SEGMENTS: Final = 10  # more are too short for round ends
LONG_FIGURE: Final = 14  # characters; longer figures get smaller digits
LONG_ASIDE: Final = 8  # the same beside the title
COLUMNS: Final = {0: 1, 1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 7: 4, 8: 4}  # by number of items
ROOM: Final = {1: math.inf, 2: 12, 3: 9, 4: 7}  # characters of a value, by number of columns
NOTHING: Final = Html("")


def rooted(content: Html, theme: str) -> Html:
    """Put a drawing into the box that carries theme and inks."""
    return element("div", {"class": "as-root", "data-as-theme": theme}, content)


def drawn_card(view: CardView) -> Html:
    """Draw one card."""
    ended = " as-ended" if view.is_ended else ""
    return element(
        "section",
        {
            "class": f"as-card as-c-{view.color}{ended}",
            "role": "group",
            "aria-label": view.spoken_name,
        },
        _head(view),
        _body(view),
        _actions(view.buttons),
        _notes(view.notes),
    )


def drawn_push(
    view: PushView, *, received_at: float | None = None, with_media: bool = False
) -> Html:
    """Draw one push notification; `received_at` (UNIX seconds) is shown at its right edge."""
    picture = link_target(view.picture) if with_media else None
    app = element(
        "span", {"class": "as-app", "role": "img", "aria-label": "ActivitySmith"}, glyph("bolt")
    )
    titles = element(
        "div",
        {"class": "as-titles"},
        NOTHING if received_at is None else _moment(received_at),
        isolated("as-title", view.title),
        isolated("as-subtitle", view.subtitle) if view.subtitle else NOTHING,
        isolated("as-message", view.message) if view.message else NOTHING,
    )
    return element(
        "section",
        {
            "class": "as-card as-banner as-c-blue",
            "role": "group",
            "aria-label": f"Push notification: {view.title[:120]}",
        },
        element("div", {"class": "as-head"}, app, titles),
        _picture(picture) if picture else NOTHING,
        _details(view),
        _actions(view.buttons),
    )


def _picture(address: str) -> Html:
    attributes: dict[str, str | None] = {
        "class": "as-media",
        "src": address,
        "alt": "Picture of the push",
        "loading": "lazy",
        "referrerpolicy": "no-referrer",
    }
    return element("img", attributes)


def _moment(received_at: float) -> Html:
    # UTC as text, for a page without a script; a page with one puts the viewer's own time there.
    attributes: dict[str, str | None] = {"class": "as-when", "data-as-clock": f"{received_at:.3f}"}
    return element("time", attributes, text(clock_time(received_at)))


def _head(view: CardView) -> Html:
    return element(
        "div",
        {"class": "as-head"},
        _icon(view.icon) if view.icon else NOTHING,
        element(
            "div",
            {"class": "as-titles"},
            isolated("as-title", view.title),
            isolated("as-subtitle", view.subtitle) if view.subtitle else NOTHING,
        ),
        _aside(view),
    )


def _aside(view: CardView) -> Html:
    pills = []
    if view.is_ended:
        pills.append(element("span", {"class": "as-pill as-c-gray"}, text("Ended")))
    if view.badge:
        pills.append(isolated(f"as-pill as-c-{view.badge.color}", view.badge.label, "span"))
    parts = [element("div", {"class": "as-pills"}, *pills)] if pills else []
    if view.type == "progress" and view.headline:
        size = " as-small" if len(view.headline) > LONG_ASIDE else ""
        parts.append(isolated(f"as-figure{size}", view.headline))
    if view.steps:
        parts.append(isolated("as-figure", f"{view.steps.current}/{view.steps.total}"))
    return element("div", {"class": "as-aside"}, *parts) if parts else NOTHING


def _icon(icon: Pill) -> Html:
    return element(
        "span",
        {
            "class": f"as-icon as-c-{icon.color}",
            "role": "img",
            "aria-label": f"icon {icon.label[:80]}",
            "title": icon.label[:80],
        },
        glyph(icon.label),
    )


def glyph(symbol: str) -> Html:
    """Draw the glyph of an SF Symbol name, for the eye only."""
    return element(
        "svg",
        {"viewBox": VIEW_BOX, "aria-hidden": "true", "focusable": "false"},
        element("path", {"d": glyph_path(symbol)}),
    )


def _body(view: CardView) -> Html:
    body = NOTHING
    if view.type == "stats":
        body = _stats(view.measures)
    elif view.type == "metrics":
        body = _metrics(view.measures)
    elif view.steps:
        body = _step_bar(view.steps, view)
    elif view.fraction is not None:
        body = _bar(view)
    elif view.ticker:
        body = _timer(view.ticker, is_ended=view.is_ended)
    elif view.message:
        body = isolated("as-message", view.message)
    elif view.type == "value" and view.headline:
        body = _figure(view.headline)
    return body


def _figure(value: str) -> Html:
    size = "as-long" if len(value) > LONG_FIGURE else "as-big"
    return isolated(f"as-figure {size}", value)


def _stats(measures: tuple[Measure, ...]) -> Html:
    cells = [
        element("div", {}, isolated("as-label", measure.label), _value(measure))
        for measure in measures
    ]
    longest = max((len(f"{each.value}{each.unit}") for each in measures), default=0)
    # A number that is broken into two lines reads as another one.
    columns = next(n for n in range(COLUMNS[len(measures)], 0, -1) if longest <= ROOM[n])
    return _grid(cells, columns)


def _metrics(measures: tuple[Measure, ...]) -> Html:
    cells = [
        element(
            "div",
            {"class": f"as-meter as-c-{measure.color}" if measure.color else "as-meter"},
            element(
                "div", {"class": "as-row"}, isolated("as-label", measure.label), _value(measure)
            ),
            _meter(measure) if measure.fraction is not None else NOTHING,
        )
        for measure in measures
    ]
    return _grid(cells, min(2, len(measures)))


def _grid(cells: list[Html], columns: int) -> Html:
    return element("div", {"class": f"as-grid as-of-{columns}"}, *cells) if cells else NOTHING


def _value(measure: Measure) -> Html:
    tinted = f" as-tinted as-c-{measure.color}" if measure.color else ""
    unit = element("span", {"class": "as-unit"}, text(measure.unit)) if measure.unit else NOTHING
    number = element("bdi", {}, text(measure.value))
    return element("div", {"class": f"as-value{tinted}"}, number, unit)


def _meter(measure: Measure) -> Html:
    fraction = measure.fraction or 0.0
    # Any share above zero lights a segment, and only a full one lights the last.
    lit = min(math.ceil(fraction * METER_SEGMENTS), METER_SEGMENTS - (fraction < 1))
    classes: list[str | None] = ["as-on" if i < lit else None for i in range(METER_SEGMENTS)]
    return _progressbar(
        f"{measure.label[:80]}: {measure.value[:64]}{measure.unit[:16]}",
        fraction,
        _segments(classes, gap=1.4, height=7, radius=2),
        extra=" as-thin",
    )


def _bar(view: CardView) -> Html:
    fraction = view.fraction or 0.0
    return _progressbar(f"{view.title[:80]}: {view.headline}", fraction, _whole_bar(fraction))


def _step_bar(steps: Steps, view: CardView) -> Html:
    name = f"{view.title[:80]}: step {steps.current} of {steps.total}"
    if not steps.colors:
        return _progressbar(name, steps.fraction, _whole_bar(steps.fraction))
    classes = [f"as-on as-c-{color}" if color else None for color in steps.colors]
    radius = 5 if steps.total <= FEW_SEGMENTS else 2
    return _progressbar(name, steps.fraction, _segments(classes, gap=1.6, height=10, radius=radius))


def _whole_bar(fraction: float) -> Html:
    on = _rect("0", f"{fraction * 100:.2f}%", 10, 5, "as-on")
    return joined(_rect("0", "100%", 10, 5, None), on)


def _segments(classes: list[str | None], *, gap: float, height: int, radius: float) -> Html:
    """Lay segments side by side, in percent of the width; `gap` is the space between two."""
    width = (100 - gap * (len(classes) - 1)) / len(classes)
    return joined(
        *(
            _rect(f"{i * (width + gap):.3f}%", f"{width:.3f}%", height, radius, class_name)
            for i, class_name in enumerate(classes)
        )
    )


def _rect(x: str, width: str, height: int, radius: float, class_name: str | None) -> Html:
    # Geometry as SVG attributes, not as style: a page may then forbid inline styles altogether.
    return element(
        "rect",
        {"class": class_name, "x": x, "width": width, "height": str(height), "rx": str(radius)},
    )


def _progressbar(name: str, fraction: float, shapes: Html, extra: str = "") -> Html:
    return element(
        "svg",
        {
            "class": f"as-bar{extra}",
            "role": "progressbar",
            "aria-label": name,
            "aria-valuemin": "0",
            "aria-valuemax": "100",
            "aria-valuenow": f"{fraction * 100:.0f}",
        },
        shapes,
    )


def _timer(ticker: Ticker, *, is_ended: bool) -> Html:
    way = "down" if ticker.counts_down else "up"
    limit = None if ticker.limit_seconds is None else f"{ticker.limit_seconds:.3f}"
    digits = element(
        "span",
        {
            "class": "as-digits",
            "role": "timer",
            "data-as-timer": way,
            "data-as-timer-seconds": f"{ticker.shown_seconds:.3f}",
            "data-as-timer-limit": limit,
            "data-as-timer-running": "true" if ticker.is_running else "false",
        },
        text(ticker.digits),
    )
    figure = element("div", {"class": "as-figure as-big"}, digits)
    if ticker.is_running or is_ended:
        return figure
    return joined(figure, element("div", {"class": "as-state"}, text("Paused")))


def _actions(buttons: tuple[Button, ...]) -> Html:
    if not buttons:
        return NOTHING
    return element("div", {"class": "as-actions"}, *(_button(button) for button in buttons))


def _button(button: Button) -> Html:
    label = element("bdi", {}, text(button.title))
    target = link_target(button.url)
    if button.kind == "open_url" and target:
        return _link("as-button", target, label)
    calls = f"{button.method} {button.url}" if button.kind == "webhook" else button.url
    return element("span", {"class": "as-button", "title": calls[:300]}, label)


def _link(class_name: str | None, target: str, label: Html) -> Html:
    return element(
        "a",
        {
            "class": class_name,
            "href": target,
            "title": target[:300],
            "target": "_blank",
            "rel": "noopener noreferrer",
        },
        label,
    )


def _notes(notes: tuple[str, ...]) -> Html:
    if not notes:
        return NOTHING
    items = (
        element("div", {"class": "as-note", "role": "listitem"}, element("bdi", {}, text(note)))
        for note in notes
    )
    return _list("as-notes", *items)


def _details(view: PushView) -> Html:
    items = [
        element(
            "div",
            {
                "class": "as-detail as-urgent" if detail.is_urgent else "as-detail",
                "role": "listitem",
            },
            _detail(detail.label, detail.url),
        )
        for detail in view.details
    ]
    return _list("as-details", *items) if items else NOTHING


def _list(class_name: str, *items: Html) -> Html:
    # A list by role, not by tag: notebooks style <ul> their own way, down to the bullets.
    return element("div", {"class": class_name, "role": "list"}, *items)


def _detail(label: str, url: str) -> Html:
    if not url:
        return text(label)
    target = link_target(url)
    shown = element("bdi", {}, text(url))
    # Media and icons are named and linked, never fetched: a preview asks nobody for anything.
    return joined(text(f"{label} "), _link(None, target, shown) if target else shown)
