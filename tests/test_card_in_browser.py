from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from support import chromium

from activitysmith_jupyter.card import card_html, push_html

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

DARK, LIGHT = "rgb(30, 31, 37)", "rgb(246, 247, 251)"
STATE = {"title": "Training", "type": "progress", "percentage": 43, "color": "green"}
ACTION = {"title": "Open", "type": "open_url", "url": "https://example.org/"}

# What JupyterLab does to the HTML of outputs, as far as it could reach a card.
NOTEBOOK_STYLE = """
.jp-RenderedHTMLCommon { color: gray; font-size: 9px; line-height: 3 }
.jp-RenderedHTMLCommon a:link { color: rgb(1, 2, 3); text-decoration: none }
.jp-RenderedHTMLCommon a:hover { color: rgb(1, 2, 3); text-decoration: underline }
.jp-RenderedHTMLCommon ul:not(.list-inline) { padding-left: 2em }
.jp-RenderedHTMLCommon ul { list-style: disc; margin-bottom: 1em }
.jp-RenderedHTMLCommon svg { max-width: 100%; height: auto }
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one Chromium for this file."""
    with chromium.launched() as browser:
        yield browser


def stats(count: int, value: str) -> str:
    """Draw a card of as many figures, all of them alike."""
    items = [{"label": f"Figure {index}", "value": value} for index in range(count)]
    return card_html({"title": "Today", "type": "stats", "metrics": items})


def notebook(content: str, body: str) -> str:
    """Write a page that treats `content` as JupyterLab treats an output."""
    return (
        f"<!DOCTYPE html><style>{NOTEBOOK_STYLE}</style>"
        f'<body {body}><div class="jp-RenderedHTMLCommon">{content}</div></body>'
    )


@pytest.mark.parametrize(
    ("system", "body", "theme", "expected"),
    [
        ("light", "", "auto", LIGHT),
        ("dark", "", "auto", DARK),
        ("light", 'data-jp-theme-light="false"', "auto", DARK),
        ("dark", 'data-jp-theme-light="true"', "auto", LIGHT),
        ("light", 'class="vscode-dark"', "auto", DARK),
        ("dark", 'class="vscode-light"', "auto", LIGHT),
        ("dark", 'data-jp-theme-light="false"', "light", LIGHT),
        ("light", 'data-jp-theme-light="true"', "dark", DARK),
    ],
)
def test_card_theme_follows_what_is_nearest(browser, system, body, theme, expected):
    """What the caller says wins, then the notebook's theme, then the system's."""
    with browser.new_context(color_scheme=system) as context:
        page = context.new_page()
        page.set_content(notebook(card_html(STATE, theme=theme), body))
        expect(page.locator(".as-card")).to_have_css("background-color", expected)


def test_card_keeps_its_look_inside_a_notebook(browser):
    """The notebook's own style for links and text does not get into the card."""
    with browser.new_context(color_scheme="light") as context:
        page = context.new_page()
        content = card_html(STATE, action=ACTION, notes=["dry run"])
        page.set_content(notebook(content, 'data-jp-theme-light="true"'))
        button = page.get_by_role("link", name="Open")
        expect(button).to_have_css("color", "rgb(20, 101, 47)")
        expect(page.locator(".as-title")).to_have_css("font-size", "16px")
        expect(page.get_by_role("listitem")).to_have_text("dry run")
        expect(page.get_by_role("progressbar")).to_have_css("height", "10px")
        button.hover()
        expect(button).to_have_css("color", "rgb(20, 101, 47)")


def test_card_in_high_contrast_has_pure_grounds_and_outlines(browser):
    """Somebody who asks for more contrast gets black on white, and outlined buttons."""
    with browser.new_context(color_scheme="light", contrast="more") as context:
        page = context.new_page()
        page.set_content(card_html(STATE, action=ACTION))
        expect(page.locator(".as-card")).to_have_css("background-color", "rgb(255, 255, 255)")
        expect(page.locator(".as-title")).to_have_css("color", "rgb(0, 0, 0)")
        expect(page.locator(".as-on")).to_have_css("fill", "rgb(20, 101, 47)")
        expect(page.locator(".as-button")).to_have_css("background-color", "rgba(0, 0, 0, 0)")


def test_text_of_other_direction_stays_inside_its_box(browser):
    """Arabic and overrides turn nothing around outside their own text."""
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content(push_html({"title": "مرحبا", "message": "\u202eevil", "badge": 3}))
        expect(page.locator(".as-card")).to_have_css("direction", "ltr")
        expect(page.locator(".as-title bdi")).to_have_css("unicode-bidi", "isolate")
        title, app = (
            page.locator(".as-title").bounding_box(),
            page.locator(".as-app").bounding_box(),
        )
        assert app["x"] < title["x"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 8])
def test_figure_is_not_broken_into_two_lines(browser, count):
    """At a phone's width a figure of any usual length stands on one line."""
    figures = ["7", "$12,430", "1,204.56", "$123,456.78", "$12,345,678.90"]
    cards = "".join(stats(count, figure) for figure in figures)
    with browser.new_context(viewport={"width": 372, "height": 900}) as context:
        page = context.new_page()
        page.set_content(f"<!DOCTYPE html><style>body{{margin:0}}</style>{cards}")
        lines = page.locator(".as-value").evaluate_all(
            """(values) => values.map((value) => {
               const style = getComputedStyle(value);
               return Math.round(value.scrollHeight / parseFloat(style.lineHeight));
               })"""
        )
        assert lines == [1] * count * len(figures)
