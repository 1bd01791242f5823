from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from hypothesis import given, settings, strategies as st

from activitysmith_jupyter import Activity, PartialState, ProgressState, Push
from activitysmith_jupyter.card import (
    card_html,
    card_text,
    island_html,
    known_symbols,
    push_html,
    push_text,
    stylesheet,
)
from activitysmith_jupyter.card._palette import COLORS, NEUTRALS, mixed
from activitysmith_jupyter.card._symbols import glyph_path
from activitysmith_jupyter.emulator import Emulator

STATES: dict[str, dict[str, Any]] = {
    "stats": {
        "title": "KPIs",
        "type": "stats",
        "metrics": [{"label": "Revenue", "value": "$12,340", "color": "green"}],
    },
    "metrics": {
        "title": "Server",
        "type": "metrics",
        "metrics": [
            {"label": "CPU", "value": 18, "unit": "%"},
            {"label": "Loss", "value": 0.02},
        ],
    },
    "segmented_progress": {
        "title": "ETL",
        "type": "segmented_progress",
        "number_of_steps": 5,
        "current_step": 3,
    },
    "progress": {"title": "Training", "type": "progress", "percentage": 43},
    "alert": {"title": "Loss", "type": "alert", "message": "It is rising."},
    "timer": {"title": "Search", "type": "timer", "duration_seconds": 300},
    "value": {"title": "Revenue", "type": "value", "value": "$1,240"},
}
PUSH: dict[str, Any] = {
    "title": "Done",
    "subtitle": "ResNet",
    "message": "Accuracy 94.1 %",
    "media": "https://example.org/plot.png",
    "interruption_level": "time-sensitive",
}
TAGS = {"style", "div", "section", "span", "bdi", "svg", "path", "rect", "a", "time"}
ATTRIBUTES = re.compile(
    r"class|role|title|href|target|rel|viewBox|d|x|width|height|rx|focusable"
    r"|aria-[a-z]+|data-as-[a-z-]+",
    re.IGNORECASE,
)

HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "' onmouseover='alert(1)",
            "</style></section><b>",
            "javascript:alert(1)",
            'https://x/" onclick="alert(1)',
            "\u202egnp.exe",
            "مرحبا 👩‍👩‍👧",
            "a\nb\r\nc\x00\x1b[31m\ud800",
            "x" * 10_000,
        ]
    ),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | HOSTILE
    | st.sampled_from(["stats", "timer", "progress", "%", "red", 5, 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    "title",
    "type",
    "subtitle",
    "metrics",
    "number_of_steps",
    "current_step",
    "percentage",
    "value",
    "upper_limit",
    "message",
    "duration_seconds",
    "counts_down",
    "is_running",
    "color",
    "step_color",
    "step_colors",
    "icon",
    "badge",
]


class _Reading(HTMLParser):
    """What a browser's parser makes of a fragment."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def having(self, name: str, value: str) -> list[dict[str, str | None]]:
        return [a for _, a in self.elements if value in (a.get(name) or "").split()]


def assert_harmless(source: str) -> None:
    """Only our own tags and attributes, all closed, and no link but to the web."""
    source.encode()
    reading = _Reading(source)
    assert reading.open == []
    for tag, attributes in reading.elements:
        assert tag in TAGS
        for name in attributes:
            assert ATTRIBUTES.fullmatch(name)
        href = attributes.get("href")
        assert href is None or href.startswith(("http://", "https://", "HTTP"))


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio as WCAG 2 defines it, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("stats", ["KPIs", "Revenue", "$12,340"]),
        ("metrics", ["Server", "CPU", "18", "%", "Loss", "0.02"]),
        ("segmented_progress", ["ETL", "3/5"]),
        ("progress", ["Training", "43%"]),
        ("alert", ["Loss", "It is rising."]),
        ("timer", ["Search", "05:00"]),
        ("value", ["Revenue", "$1,240"]),
    ],
)
def test_card_of_each_type_shows_its_content(kind, expected):
    """Each of the seven types shows its own fields, as HTML and as text."""
    words = _Reading(card_html(STATES[kind])).words
    for word in expected:
        assert word in words
    plain = card_text(STATES[kind])
    for word in expected[:2]:
        assert word.replace("3/5", "step 3 of 5") in plain


@pytest.mark.parametrize(
    ("state", "now"),
    [
        (STATES["progress"], "43"),
        (STATES["segmented_progress"], "60"),
        (STATES["metrics"], "18"),
        ({"title": "t", "type": "progress", "value": 3, "upper_limit": 12}, "25"),
        ({"title": "t", "type": "progress", "value": 15, "upper_limit": 12}, "100"),
    ],
    ids=["percentage", "steps", "metric", "pair", "beyond the limit"],
)
def test_progressbar_tells_screen_readers_where_it_stands(state, now):
    """A bar is a progressbar with a name and a value between 0 and 100."""
    (bar,) = _Reading(card_html(state)).having("role", "progressbar")
    assert bar["aria-valuenow"] == now
    assert (bar["aria-valuemin"], bar["aria-valuemax"]) == ("0", "100")
    assert bar["aria-label"]


def test_card_is_a_group_with_a_name():
    """A screen reader hears what kind of card it is, and whether it ended."""
    (card,) = _Reading(card_html(STATES["progress"], status="ended")).having("role", "group")
    assert card["aria-label"] == "Live Activity, progress, ended: Training"


@pytest.mark.parametrize(
    ("percentage", "expected"),
    [(99.9, "99%"), (100, "100%"), (0.4, "0%"), (29, "29%"), (57, "57%")],
)
def test_percentage_is_rounded_down_so_that_100_is_true(percentage, expected):
    """100 % appears only when it is reached, and whole numbers stay what they are."""
    state = {"title": "t", "type": "progress", "percentage": percentage}
    assert expected in _Reading(card_html(state)).words


@pytest.mark.parametrize("percentage", [float("nan"), float("inf"), "43", True, None, [43]])
def test_percentage_that_is_no_number_draws_no_bar(percentage):
    """A bar is drawn from a finite number only."""
    state = {"title": "t", "type": "progress", "percentage": percentage}
    assert not _Reading(card_html(state)).having("role", "progressbar")


@pytest.mark.parametrize(("share", "lit"), [(0, 0), (0.1, 1), (50, 10), (99.9, 19), (100, 20)])
def test_metric_lights_its_first_segment_early_and_its_last_at_the_end(share, lit):
    """Something is more than nothing, and nearly all is not all."""
    state = {"type": "metrics", "metrics": [{"label": "CPU", "value": share, "unit": "%"}]}
    rects = [a for tag, a in _Reading(card_html(state)).elements if tag == "rect"]
    assert [a.get("class") for a in rects] == ["as-on"] * lit + [None] * (20 - lit)


def test_metric_without_percent_unit_has_no_bar():
    """A scale that nobody gave is not made up."""
    state = {"type": "metrics", "metrics": [{"label": "Loss", "value": 0.4}]}
    assert not _Reading(card_html(state)).having("role", "progressbar")


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({}, ["green", "green", "green", None]),
        ({"step_color": "red"}, ["green", "green", "red", None]),
        ({"step_colors": ["lime", "cyan", "blue"]}, ["lime", "cyan", "blue", None]),
        ({"step_colors": ["lime"]}, ["lime", "green", "green", None]),
        (
            {"step_colors": ["lime", "cyan", "blue"], "step_color": "red"},
            ["lime", "cyan", "red", None],
        ),
        ({"step_colors": [7, "mauve", None]}, ["green", "green", "green", None]),
    ],
)
def test_segments_take_step_colors_then_color(extra, expected):
    """Completed steps take their own colour, the current one step_color, all others color."""
    state = {
        "type": "segmented_progress",
        "number_of_steps": 4,
        "current_step": 3,
        "color": "green",
    }
    rects = [a for tag, a in _Reading(card_html(state | extra)).elements if tag == "rect"]
    assert [a.get("class") for a in rects] == [c and f"as-on as-c-{c}" for c in expected]


def test_segments_beyond_what_fits_become_one_bar():
    """A million steps draw one bar, not a million segments."""
    state = {"type": "segmented_progress", "number_of_steps": 10**6, "current_step": 250_000}
    reading = _Reading(card_html(state))
    assert [a["width"] for tag, a in reading.elements if tag == "rect"] == ["100%", "25.00%"]
    assert "step 250000 of 1000000" in card_text(state)


@pytest.mark.parametrize(
    ("state", "timer", "digits", "way"),
    [
        ({"duration_seconds": 300}, None, "05:00", "down"),
        ({"duration_seconds": 4000}, None, "1:06:40", "down"),
        ({"counts_down": False}, None, "00:00", "up"),
        ({"counts_down": True}, None, "00:00", "up"),
        (
            {},
            {"counts_down": True, "duration_seconds": 60, "elapsed_seconds": 12.3},
            "00:48",
            "down",
        ),
        ({}, {"counts_down": True, "duration_seconds": 60, "elapsed_seconds": 99}, "00:00", "down"),
        (
            {},
            {"counts_down": False, "duration_seconds": None, "elapsed_seconds": 75.9},
            "01:15",
            "up",
        ),
        ({}, {"counts_down": False, "duration_seconds": 60, "elapsed_seconds": 99}, "01:00", "up"),
    ],
)
def test_timer_shows_digits_and_carries_them_for_a_script(state, timer, digits, way):
    """The digits are right without a script, and say to a script how to go on."""
    reading = _Reading(card_html({"title": "t", "type": "timer", **state}, timer=timer))
    (element,) = reading.having("class", "as-digits")
    assert digits in reading.words
    assert element["data-as-timer"] == way
    assert element["data-as-timer-running"] == "true"


@pytest.mark.parametrize(
    ("status", "word"), [("active", "Paused"), ("ended", "Ended")], ids=["paused", "ended"]
)
def test_timer_that_stands_still_says_so(status, word):
    """A paused or ended timer does not run and names its state."""
    timer = {"duration_seconds": 60, "elapsed_seconds": 5, "is_running": status != "active"}
    reading = _Reading(card_html(STATES["timer"], timer=timer, status=status))
    (element,) = reading.having("class", "as-digits")
    assert element["data-as-timer-running"] == "false"
    assert [w for w in reading.words if w in {"Paused", "Ended"}] == [word]


def test_type_left_out_is_told_from_the_fields():
    """An update may leave the type out; the card shows the same."""
    for state in STATES.values():
        if state["type"] != "stats":  # its fields are those of metrics
            partial = {key: value for key, value in state.items() if key != "type"}
            assert card_html(partial) == card_html(state)


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://example.org/a?b=c&d", True),
        ("http://localhost:8888/lab", True),
        ("javascript:alert(1)", False),
        ("shortcuts://run-shortcut?name=x", False),
        ("data:text/html,x", False),
        ("https://x/ onclick=1", False),
        ("https:// x", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_button_links_only_to_the_web(url, is_link):
    """A button is a link where a browser may follow it, and else leads nowhere."""
    action = {"title": "Open", "type": "open_url", "url": url}
    reading = _Reading(card_html(STATES["alert"], action=action))
    links = [a for tag, a in reading.elements if tag == "a"]
    assert [a["href"] for a in links] == ([url] if is_link else [])
    assert all(a["rel"] == "noopener noreferrer" for a in links)
    assert "Open" in reading.words


def test_webhook_button_is_never_a_link():
    """Looking at a preview calls no webhook."""
    action = {"title": "Stop", "type": "webhook", "url": "https://example.org/h", "method": "GET"}
    reading = _Reading(card_html(STATES["alert"], secondary_action=action))
    assert not [a for tag, a in reading.elements if tag == "a"]
    assert reading.having("title", "GET")


def test_icon_of_unknown_name_is_neutral_and_named():
    """A symbol without a glyph of its own is shown by a neutral one that carries its name."""
    state = {"title": "t", "icon": {"symbol": "no.such.symbol", "color": "red"}}
    (icon,) = _Reading(card_html(state)).having("class", "as-icon")
    assert icon["title"] == "no.such.symbol"
    assert glyph_path("no.such.symbol") == glyph_path("")
    assert glyph_path("no.such.symbol") in card_html(state)


@pytest.mark.parametrize("symbol", ["bolt", "bolt.fill", "Bolt.Fill", "bolt.badge.clock.fill"])
def test_symbol_variants_are_drawn_as_their_base(symbol):
    """Filled and badged variants share the glyph of their base."""
    assert glyph_path(symbol) == glyph_path("bolt") != glyph_path("")


def test_every_known_symbol_has_a_plain_path():
    """The catalogue is whole: each name leads to path data and nothing else."""
    assert len(known_symbols()) > 45
    for symbol in known_symbols():
        assert re.fullmatch(r"[MmLlHhVvCcSsQqTtAaZz0-9.,\- ]+", glyph_path(symbol))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_colors_reach_a_contrast_of_four_and_a_half(theme):
    """Every pair of text and ground that the style sheet makes can be read, in both themes."""
    ground = {name: getattr(pair, theme) for name, pair in NEUTRALS.items()}
    pairs = [
        (ground["ink"], ground["surface"]),
        (ground["dim"], ground["surface"]),
        (ground["dim"], ground["track"]),  # details of a push
        (getattr(COLORS["blue"].tone, theme), ground["track"]),  # links among them
        (getattr(COLORS["orange"].tone, theme), ground["track"]),  # Time Sensitive
    ]
    for accent in COLORS.values():
        tone = getattr(accent.tone, theme)
        pairs += [(tone, ground["surface"]), (tone, getattr(accent.tint, theme))]
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def test_mixed_color_lies_between_its_parts():
    """Mixing is what CSS opacity does."""
    assert mixed("#ffffff", "#000000", 0.5) == "#808080"
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_theme_is_written_on_the_root(theme):
    """The theme asked for is the theme drawn, for cards and pushes."""
    for source in (card_html(STATES["value"], theme=theme), push_html(PUSH, theme=theme)):
        (root,) = _Reading(source).having("class", "as-root")
        assert root["data-as-theme"] == theme


def test_style_knows_themes_and_contrast_and_asks_for_nothing():
    """The sheet follows system and notebook, offers high contrast, and names no outside address."""
    style = stylesheet()
    assert "color-scheme:light dark" in style
    assert '[data-jp-theme-light="false"]' in style
    assert "prefers-contrast:more" in style
    assert "forced-colors:active" in style
    assert not re.search(r"url\(|@import|http|</|expression", style)
    assert style.count("{") == style.count("}")


def test_style_can_be_left_out():
    """A page with many cards holds the style once."""
    with_style = card_html(STATES["value"])
    without = card_html(STATES["value"], with_style=False)
    assert with_style == f"<style>{stylesheet()}</style>{without}"
    assert push_html(PUSH).endswith(push_html(PUSH, with_style=False))


def test_card_carries_no_inline_style_or_script():
    """A page may forbid inline styles and scripts altogether."""
    for state in STATES.values():
        assert not re.search(r"style=|<script| on\w+=", card_html(state, with_style=False))


def test_notes_are_shown_below_the_card():
    """What the caller has to say about a card stands under it."""
    notes = ["dry run: nothing was sent", "<b>"]
    assert "dry run: nothing was sent" in _Reading(card_html(STATES["value"], notes=notes)).words
    assert "├ <b>" in card_text(STATES["value"], notes=notes)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (9.0, "9"),
        (-3, "-3"),
        (0.1 + 0.2, "0.3"),
        ("009.50", "009.50"),
        (1e21, "1e+21"),
        (10**5000, "∞"),
    ],
    ids=["float", "negative", "dust", "text", "large", "endless"],
)
def test_value_text_is_exact_and_numbers_are_short(value, expected):
    """Strings are shown as sent; numbers lose a trailing .0 and rounding dust."""
    assert expected in _Reading(card_html({"title": "t", "type": "value", "value": value})).words


@settings(max_examples=120, deadline=None)
@given(
    state=st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)),
    action=st.none() | st.dictionaries(st.sampled_from(["title", "type", "url", "method"]), JSON),
    timer=st.none()
    | st.dictionaries(
        st.sampled_from(["counts_down", "duration_seconds", "elapsed_seconds", "is_running"]), JSON
    ),
)
def test_card_of_any_content_is_drawn_without_harm(state, action, timer):
    """No content, however wrong or hostile, fails the drawing or becomes markup."""
    parts: dict[str, Any] = {"action": action, "timer": timer, "notes": [state.get("title")]}
    assert_harmless(card_html(state, **parts))
    assert_framed(card_text(state, **parts))


@settings(max_examples=80, deadline=None)
@given(
    push=st.dictionaries(
        st.sampled_from([*PUSH, "icon", "redirection", "actions", "sound", "badge"]), JSON
    )
)
def test_push_of_any_content_is_drawn_without_harm(push):
    """No push, however wrong or hostile, fails the drawing or becomes markup."""
    assert_harmless(push_html(push))
    assert_framed(push_text(push))


@settings(max_examples=80, deadline=None)
@given(title=HOSTILE, label=HOSTILE)
def test_text_from_outside_is_shown_as_text(title, label):
    """What a browser shows of a text is that text."""
    state = {"title": title, "type": "value", "value": 1, "badge": {"title": label}}
    words = _Reading(card_html(state)).words
    for word in (title, label):
        if word and word.isprintable():
            assert word in words


def assert_framed(plain: str) -> None:
    """Every line starts with the frame and holds nothing that could steer a terminal."""
    plain.encode()
    for line in plain.split("\n"):
        assert line[0] in "╭│├╰"
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line)


@pytest.mark.parametrize(
    ("count", "value", "columns"),
    [(8, "1234567", 4), (8, "12345678", 3), (6, "1" * 10, 2), (8, "1" * 15, 1), (4, "1", 2)],
)
def test_stats_stand_in_as_many_columns_as_their_figures_leave_room_for(count, value, columns):
    """Eight short figures fit side by side, long ones take more lines."""
    items = [{"label": "a", "value": "1"}] * (count - 1) + [{"label": "b", "value": value}]
    drawn = card_html({"title": "T", "type": "stats", "metrics": items}, with_style=False)
    assert f"as-of-{columns}" in drawn


def test_badge_stands_beside_the_word_that_a_card_has_ended():
    """Both are pills of one line."""
    state = {"title": "T", "type": "alert", "message": "m", "badge": {"title": "CI"}}
    drawn = card_html(state, status="ended", with_style=False)
    assert re.search(r'as-pills">.*Ended.*CI.*</div>', drawn)
    assert "as-pills" not in card_html(
        {"title": "T", "type": "value", "value": 1}, with_style=False
    )


def test_text_table_is_aligned_for_wide_characters():
    """Values end in the same column, also after Chinese labels."""
    state = {
        "title": "t",
        "type": "stats",
        "metrics": [{"label": "GPU 内存", "value": 9}, {"label": "CPU", "value": "10"}],
    }
    assert card_text(state).split("\n")[2:4] == ["│ GPU 内存   9", "│ CPU       10"]


@pytest.mark.parametrize(
    ("percentage", "bar"),
    [
        (0, "░" * 28),
        (50, "█" * 14 + "░" * 14),
        (51, "█" * 14 + "▎" + "░" * 13),
        (100, "█" * 28),
    ],
)
def test_text_bar_is_drawn_in_eighths(percentage, bar):
    """The bar is always as wide, and full only at the end."""
    assert f"│ {bar}  {percentage}%" in card_text({"type": "progress", "percentage": percentage})


def test_text_of_an_ended_card_with_buttons_reads_well():
    """The whole text card, once, as it is printed."""
    action = {"title": "Open", "type": "open_url", "url": "https://example.org"}
    hook = {"title": "Again", "type": "webhook", "url": "https://example.org/h"}
    state = STATES["segmented_progress"] | {"subtitle": "load", "badge": {"title": "prod"}}
    assert card_text(state, action=action, secondary_action=hook, status="ended").split("\n") == [
        "╭─ segmented progress · ended",
        "│ ETL  (prod)",
        "│ load",
        "│ ██ ██ ██ ░░ ░░  step 3 of 5",
        "│ [Open] https://example.org",
        "│ [Again] POST https://example.org/h",
        "╰─",
    ]


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        ("https://x.org/a.PNG?size=2", "Image"),
        ("https://x.org/a.mp3", "Audio"),
        ("https://x.org/a.mov", "Video"),
        ("https://x.org/stream", "Media"),
        ("http://[", "Media"),
    ],
)
def test_push_names_media_by_kind_and_never_fetches_it(media, kind):
    """Media is a labelled link at most; nothing in the banner loads anything."""
    reading = _Reading(push_html({"title": "t", "media": media}))
    assert f"{kind} " in reading.words
    assert media in reading.words
    assert not {"img", "audio", "video", "source", "iframe"} & {tag for tag, _ in reading.elements}


def test_push_shows_level_tap_target_badge_and_at_most_four_actions():
    """Everything a push says about itself can be seen in its banner."""
    actions = [{"title": f"A{i}", "type": "open_url", "url": "https://x.org"} for i in range(6)]
    extra = {"actions": actions, "badge": 0, "redirection": "https://x.org/t", "sound": "chime"}
    words = _Reading(push_html(PUSH | extra)).words
    for word in (
        "Time Sensitive",
        "Tap opens ",
        "https://x.org/t",
        "App badge 0",
        "Sound chime",
        "A3",
    ):
        assert word in words
    assert "A4" not in words


def test_push_time_is_given_for_scripts_and_readers():
    """When a push came is UTC as text, and a number for a script that knows the viewer's zone."""
    reading = _Reading(push_html(PUSH, received_at=52_320.0))
    (when,) = reading.having("class", "as-when")
    assert when["data-as-clock"] == "52320.000"
    assert "14:32 UTC" in reading.words


def test_symbol_catalogue_names_its_source_and_licence():
    """Vendored drawings carry the licence they came under."""
    from importlib import resources

    source = resources.files("activitysmith_jupyter.card").joinpath("symbols.json")
    catalogue = json.loads(source.read_text(encoding="utf-8"))
    assert catalogue["source"].startswith("Phosphor Icons")
    assert catalogue["license"][0] == "MIT License"


@pytest.mark.parametrize(
    ("kind", "figure"),
    [
        ("stats", "$12,340"),
        ("metrics", "18%"),
        ("segmented_progress", "3/5"),
        ("progress", "43%"),
        ("alert", ""),
        ("timer", "05:00"),
        ("value", "$1,240"),
    ],
)
def test_island_shows_the_one_figure_of_each_type(kind, figure):
    """Beside the camera stands what somebody would look for first."""
    drawn = island_html(STATES[kind], with_style=False)
    assert f"<bdi>{figure}</bdi>" in drawn
    assert 'aria-label="Dynamic Island: ' in drawn


def test_island_cuts_what_does_not_fit():
    """A long value does not make the island grow without end."""
    drawn = island_html({"title": "T", "type": "value", "value": "x" * 10_000})
    assert f"<bdi>{'x' * 11}…</bdi>" in drawn


def test_island_is_readable_on_its_black():
    """Figures keep a contrast of 4.5 to 1, icons one of 3 to 1, in every color."""
    for accent in COLORS.values():
        assert contrast(accent.tone.dark, "#000000") >= 4.5
        assert contrast(accent.fill.dark, "#000000") >= 3


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (ProgressState("Training", percentage=43), "43%"),
        (PartialState("Training"), "Training"),
        (Push("Done", "ok"), "Done"),
        (Activity("k", title="By hand", percentage=5), "By hand"),
    ],
)
def test_payload_is_shown_as_a_card_where_html_is(payload, text):
    """A notebook gets the card, everything else its text, without markup."""
    bundle = payload._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert text in bundle["text/html"]
    assert text in bundle["text/plain"]
    assert "<" not in bundle["text/plain"].replace("<Activity", "")


def test_activity_that_ended_is_shown_with_its_verdict():
    """The last look of a card is its verdict."""
    with Emulator(serve=False) as emulator:
        transport = httpx.WSGITransport(app=emulator.app)
        activity = Activity(
            "k",
            title="By hand",
            api_key=emulator.api_key,
            base_url=emulator.base_url,
            transport=transport,
        )
        activity.update(percentage=43)
        activity.end("failed", reason="ValueError: loss is NaN")
        bundle = activity._repr_mimebundle_()
    assert "ended" in bundle["text/plain"]
    assert "ValueError: loss is NaN" in bundle["text/html"]


@pytest.mark.parametrize(
    ("media", "is_shown"),
    [
        ("https://example.org/plot.png", True),
        ("https://example.org/song.mp3", False),
        ("http://example.org/plot.png", False),
        ('https://x/" onerror="alert(1).png', False),
    ],
)
def test_media_is_fetched_only_when_asked_and_only_pictures(media, is_shown):
    """A picture appears where somebody asked for it, from https alone."""
    push = {"title": "T", "media": media}
    assert "<img" not in push_html(push)
    drawn = push_html(push, with_media=True)
    assert ("<img" in drawn) is is_shown
    assert 'onerror="' not in drawn
