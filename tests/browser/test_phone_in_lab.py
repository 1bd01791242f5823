"""The phone inside notebooks, Notebook 7, and the pictures of the documentation."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from activitysmith_jupyter import ActivitySmith
from activitysmith_jupyter.card import card_html, island_html, push_html

pytestmark = pytest.mark.browser

PHONE = "from activitysmith_jupyter.phone import Phone\nPhone()"
COMPOSER = "from activitysmith_jupyter.composer import Composer\nComposer()"
PICTURED_WIDTH = 800  # narrower windows are checked, and not shown in the documentation
# A cell that works for a while, as a training loop does, and never yields to the kernel's loop.
BUSY = """
import pathlib, time
from activitysmith_jupyter import ActivitySmith
client = ActivitySmith()
client.live_activities.stream("busy", title="While it runs", type="progress", percentage=43)
print("under way", flush=True)
gone_on = pathlib.Path("go-on")
while not gone_on.exists():
    time.sleep(0.02)
gone_on.unlink()
print("over")
"""
SHOWN = """
from activitysmith_jupyter import ActivitySmith
client = ActivitySmith()
client.live_activities.stream("kpis", title="Today", type="stats", metrics=[
    {"label": "Revenue", "value": "$12,430", "color": "green"},
    {"label": "Orders", "value": 137}, {"label": "Refunds", "value": 2, "color": "red"}])
client.live_activities.stream("train", title="ResNet-50", type="progress", percentage=43,
    subtitle="epoch 4/10 · done about 14:32", color="cyan", icon={"symbol": "bolt.fill"})
_ = client.notifications.send(title="Nightly run finished", message="Accuracy 0.982 in 3 h 12 min")
"""
STATES = {
    "progress": {"percentage": 43, "subtitle": "epoch 4/10 · done about 14:32", "color": "cyan"},
    "segmented_progress": {
        "number_of_steps": 5,
        "current_step": 3,
        "step_colors": ["green", "green", "orange"],
        "badge": {"title": "CI", "color": "purple"},
        "icon": {"symbol": "hammer.fill", "color": "orange"},
    },
    "stats": {
        "metrics": [
            {"label": "Revenue", "value": "$12,430", "color": "green"},
            {"label": "Orders", "value": 137},
            {"label": "Refunds", "value": 2, "color": "red"},
        ],
    },
    "metrics": {
        "metrics": [
            {"label": "GPU", "value": 93, "unit": "%", "color": "orange"},
            {"label": "Memory", "value": 61, "unit": "%"},
        ],
        "color": "blue",
    },
    "timer": {"duration_seconds": 1500, "icon": {"symbol": "timer"}, "color": "yellow"},
    "value": {"value": "$1,240,000", "subtitle": "Monthly revenue", "color": "green"},
    "alert": {
        "message": "The loss has been rising for ten epochs.",
        "icon": {"symbol": "exclamationmark.triangle.fill", "color": "red"},
        "color": "red",
    },
}
TITLES = {
    "progress": "ResNet-50",
    "segmented_progress": "Release",
    "stats": "Today",
    "metrics": "Machine",
    "timer": "Grid search",
    "value": "MRR",
    "alert": "Look at the loss",
}
VERDICTS = [
    {"icon": {"symbol": "checkmark.circle.fill"}, "color": "green", "subtitle": "Done in 2h 05m"},
    {
        "icon": {"symbol": "xmark.octagon.fill"},
        "color": "red",
        "subtitle": "Failed at 43 %: ValueError: loss is NaN",
    },
]
PUSH = {
    "title": "Nightly run finished",
    "subtitle": "churn-model",
    "message": "Accuracy 0.982 in 3 h 12 min",
    "media": "https://example.org/roc.png",
    "interruption_level": "time-sensitive",
    "actions": [
        {"title": "Open report", "type": "open_url", "url": "https://example.org/report"},
        {"title": "Stop the GPU", "type": "webhook", "url": "https://example.org/stop"},
    ],
}


def gallery() -> str:
    """Draw one of everything, as one page."""
    cards = []
    for kind, fields in STATES.items():
        state = {"title": TITLES[kind], "type": kind, **fields}
        buttons = {}
        if kind in {"alert", "progress"}:
            buttons["action"] = {"title": "Stop", "type": "webhook", "url": "https://example.org/"}
        if kind == "alert":
            link = {"title": "Open", "type": "open_url", "url": "https://example.org/"}
            buttons["secondary_action"] = link
        cards.append((kind.replace("_", " "), card_html(state, **buttons) + island_html(state)))
    for fields, percentage in zip(VERDICTS, (100, 43), strict=True):
        state = {"title": "ResNet-50", "type": "progress", "percentage": percentage, **fields}
        cards.append(("verdict", card_html(state, status="ended")))
    cards.append(("push", push_html(PUSH)))
    figures = "".join(
        f"<figure><figcaption>{name}</figcaption>{drawn}</figure>" for name, drawn in cards
    )
    return (
        "<!DOCTYPE html><html lang=en><style>:root{color-scheme:light dark}"
        "body{margin:0;padding:18px;font:600 13px Inter,sans-serif;"
        "background:light-dark(#fff,#111);color:light-dark(#444,#bbb);columns:2;column-gap:18px;width:830px;box-sizing:content-box}"
        "figure{margin:0 0 12px;break-inside:avoid}figcaption{margin:0 0 6px 6px}"
        f".as-island{{margin-top:2px}}</style><body>{figures}</body>"
    )


def test_phone_follows_while_a_cell_runs(open_notebook, lab, emulator):
    """A card that a running cell moves is seen at once, without the browser reaching the kernel."""
    (lab.work / "go-on").unlink(missing_ok=True)
    page = open_notebook(PHONE, BUSY, run=False)
    page.command("notebook:run-cell-and-select-next")
    phone = page.output(0).locator(".widget-vbox .ph-phone")
    expect(phone.locator(".ph-empty")).to_contain_text("Nothing on the Lock Screen yet")
    ActivitySmith(api_key=emulator.api_key, base_url=emulator.base_url).notifications.send(
        title="Before the cell"
    )
    expect(phone.locator(".as-title", has_text="Before the cell")).to_be_visible()
    page.start("notebook:run-cell")
    expect(page.output(1)).to_contain_text("under way")
    expect(phone.locator(".as-title", has_text="While it runs")).to_be_visible()
    assert "over" not in page.output(1).inner_text()
    (lab.work / "go-on").touch()
    expect(page.output(1)).to_contain_text("over")


def test_phone_goes_on_after_the_page_was_loaded_anew(open_notebook, emulator):
    """A phone that nobody looked at for long follows again as soon as it is drawn."""
    # As after minutes without a page: the phone no longer expects one soon.
    page = open_notebook(
        PHONE.replace("Phone()", "phone = Phone()\nphone"),
        "from activitysmith_jupyter import phone as module\n"
        "module._FIRST_PATIENCE = module._LAST_PATIENCE = 10**6\nphone._patience = 10**6",
        run=False,
    )
    page.command("notebook:run-cell-and-select-next")
    expect(page.output(0).locator(".ph-phone >> visible=true")).to_have_count(1)
    page.command("notebook:run-cell-and-select-next")
    page.save()
    page.page.reload()
    phone = page.page.locator(".widget-vbox .ph-phone")
    expect(phone).to_be_visible()
    ActivitySmith(api_key=emulator.api_key, base_url=emulator.base_url).notifications.send(
        title="After the reload"
    )
    expect(phone.locator(".as-title", has_text="After the reload")).to_be_visible()


def test_composer_and_phone_work_in_notebook_7(open_notebook, emulator):
    """The same form and the same phone in the other application."""
    page = open_notebook(COMPOSER, PHONE, app="notebook")
    form, phone = page.output(0), page.output(1)
    form.get_by_label("Title", exact=True).fill("From Notebook 7")
    expect(form.locator(".as-preview .as-title")).to_have_text("From Notebook 7")
    form.get_by_role("button", name="Send").click()
    expect(form.locator(".as-answer.as-good")).to_contain_text("1 device notified")
    phone = phone.locator(".widget-vbox")
    expect(phone.locator(".ph-phone .as-title")).to_have_text("From Notebook 7")
    form.get_by_role("button", name="End").last.click()
    expect(form.locator(".as-answer.as-good")).to_contain_text("Ended.")
    expect(phone.locator(".ph-phone .as-card")).to_contain_text("Ended")
    assert emulator.phone.cards[0]["status"] == "ended"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_composer_and_phone_follow_the_theme(open_notebook, lab, picture, theme):
    """Form, card and phone are of the notebook's theme, and nothing is cut off at any width."""
    lab.use_theme(theme)
    page = open_notebook(COMPOSER, SHOWN, PHONE, alone=True, name="churn.ipynb", height=1500)
    form, phone = page.output(0), page.output(2).locator(".widget-vbox")
    dark = theme == "dark"
    surface = "rgb(30, 31, 37)" if dark else "rgb(246, 247, 251)"
    expect(form.locator(".as-preview .as-card")).to_have_css("background-color", surface)
    expect(phone.locator(".ph-phone .as-title")).to_have_count(3)
    picture(phone.locator(".ph-phone"), f"phone-in-notebook-{theme}")
    form.get_by_role("button", name="Stats").click()
    expect(form.locator(".as-preview .as-label")).to_have_count(2)
    form.get_by_role("button", name="Add a metric").click()
    expect(form.locator(".as-edit")).to_have_count(3)
    row = form.locator(".as-edit").last
    row.get_by_label("Label").fill("Refunds")
    row.get_by_label("Value").fill("2")
    expect(form.locator(".as-preview .as-label")).to_have_text(["Revenue", "Orders", "Refunds"])
    form.get_by_role("button", name="Send").first.click()
    expect(form.locator(".as-answer.as-good")).to_contain_text("Started")
    for width in (560, 400, 1280, 800):
        page.page.set_viewport_size({"width": width, "height": 1500})
        spilled = form.locator(".as-kinds").evaluate(
            """(kinds) => [...kinds.children].filter((kind) => {
               const box = kind.getBoundingClientRect();
               const card = kind.querySelector(".as-card").getBoundingClientRect();
               return card.left < box.left || card.right > box.right || card.bottom > box.bottom;
               }).map((kind) => kind.innerText)"""
        )
        assert spilled == []
        cut = form.locator(".as-composer").evaluate(
            """(form) => [...form.querySelectorAll("*")].filter((one) =>
               one.checkVisibility() && !one.closest(".as-thumb") &&
               one.getBoundingClientRect().right > form.getBoundingClientRect().right + 2)
               .map((one) => one.outerHTML.slice(0, 200))"""
        )
        assert cut == []
        if width >= PICTURED_WIDTH:
            picture(form.locator(".as-composer"), f"composer-{width}-{theme}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_gallery_shows_every_type(browser, picture, theme):
    """One of everything, in both themes, for the gallery page."""
    with browser.new_context(
        color_scheme=theme, viewport={"width": 866, "height": 900}, device_scale_factor=2
    ) as context:
        page = context.new_page()
        page.set_content(gallery())
        expect(page.locator(".as-card")).to_have_count(10)
        expect(page.locator(".as-island")).to_have_count(7)
        picture(page.locator("body"), f"gallery-{theme}")
