from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("AS_PICTURES", "")
LOAD = "%load_ext activitysmith_jupyter"
FOREVER = "import time\nfor _ in range(6000):\n    time.sleep(0.05)"


@pytest.fixture
def stem(request):
    """Return the name of the notebook that `open_notebook` writes."""
    return request.node.originalname.removeprefix("test_")[:60]


def pushes(emulator, count=1):
    """Return title and message of the pushes, oldest first, once there are so many."""
    found = emulator.wait_for(
        lambda: emulator.phone.pushes if len(emulator.phone.pushes) >= count else None, timeout=30
    )
    return [(push["title"], push["message"]) for push in reversed(found)]


def click(notebook, menu, command):
    """Choose an item of a menu, as a person does."""
    notebook.page.get_by_role("menuitem", name=menu, exact=True).click()
    notebook.page.locator(f".lm-Menu-item[data-command='{command}']").click()


def test_typed_cell_with_notify_reaches_the_phone(open_notebook, emulator):
    """Typed by hand, awaited at the top, with its value as output."""
    notebook = open_notebook(LOAD, "")
    notebook.cell(1).locator(".cm-content").click()
    notebook.page.keyboard.insert_text(
        "%%notify Typed --result\nimport asyncio\nawait asyncio.sleep(0)\n6 * 7"
    )
    notebook.page.keyboard.press("Shift+Enter")
    expect(notebook.output(1)).to_contain_text("42")
    ((title, message),) = pushes(emulator)
    assert title == "✅ Typed: done"
    assert message.endswith("· 42")


def test_tab_offers_what_may_follow_on_a_line_of_ours(open_notebook, emulator):
    """And none of Python's names between."""
    notebook = open_notebook(LOAD, "")
    notebook.cell(1).locator(".cm-content").click()
    notebook.page.keyboard.insert_text("%activity st")
    notebook.page.keyboard.press("Tab")
    words = notebook.page.locator(".jp-Completer-match")
    expect(words).to_have_text(["stats", "status", "steps"], timeout=30_000)
    kinds = notebook.page.locator(".jp-Completer-typeExtended")
    expect(kinds).to_have_text(["keyword"] * 3)
    notebook.page.keyboard.press("Enter")
    expect(notebook.cell(1).locator(".cm-content")).to_have_text("%activity stats")


def test_run_all_from_the_menu_is_told_once(open_notebook, emulator, stem):
    """One push for all cells, when the queue has drained, and the notebook's own name."""
    cells = [f"x = {number}" for number in range(4)]
    notebook = open_notebook(LOAD, "%activity watch on --after 0s", *cells, run=False)
    click(notebook, "Run", "runmenu:run-all")
    ((title, message),) = pushes(emulator)
    assert title == f"✅ {stem}: done"
    assert message.endswith(": 4 cells")


def test_run_all_that_fails_half_way_says_in_which_cell(open_notebook, emulator, stem):
    """At once; the cells behind it have not run."""
    notebook = open_notebook(
        LOAD,
        "%activity watch on --after 0s",
        "a = 1",
        "raise ValueError('loss is NaN')",
        "print('never')",
        "b = 2",
        run=False,
    )
    click(notebook, "Run", "runmenu:run-all")
    ((title, message),) = pushes(emulator)
    assert title == f"❌ {stem}: failed"
    assert message.startswith("Stopped in cell 4 of 6 after")
    assert message.endswith("ValueError: loss is NaN")
    notebook.wait_until_idle()
    expect(notebook.output(3)).to_contain_text("ValueError: loss is NaN")
    expect(notebook.output(4)).not_to_contain_text("never")


def test_interrupt_from_the_menu_is_told_as_stopped(open_notebook, emulator):
    """And the cell's live card is gray."""
    notebook = open_notebook(LOAD, f"%%notify Long --live\n{FOREVER}", run=False)
    click(notebook, "Run", "runmenu:run-all")
    emulator.wait_for(lambda: emulator.phone.cards, timeout=60)
    click(notebook, "Kernel", "kernelmenu:interrupt")
    ((title, message),) = pushes(emulator)
    assert title == "⏹ Long: stopped"
    assert "interrupted" in message
    card = emulator.phone.cards[0]
    assert (card["status"], card["content_state"]["color"]) == ("ended", "gray")


def test_restart_from_the_menu_leaves_no_open_card(open_notebook, emulator):
    """The verdict leaves before the kernel does."""
    notebook = open_notebook(LOAD, f"%%notify Again --live\n{FOREVER}", run=False)
    click(notebook, "Run", "runmenu:run-all")
    emulator.wait_for(lambda: emulator.phone.cards, timeout=60)
    click(notebook, "Kernel", "kernelmenu:restart")
    notebook.page.locator(".jp-Dialog button.jp-mod-accept").click()
    card = emulator.wait_for(
        lambda: next((c for c in emulator.phone.cards if c["status"] == "ended"), None), timeout=60
    )
    assert card["content_state"]["color"] == "gray"
    notebook.wait_until_idle()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_list_status_and_dry_run_are_readable(open_notebook, lab, emulator, theme):
    """Cards, tables and payloads in the notebook's own theme."""
    lab.use_theme(theme)
    notebook = open_notebook(
        f"{LOAD}\n%activity progress train 43 --title Training --subtitle 'epoch 4/10' --color cyan"
        "\n%activity stats shop Revenue='$2,430' Orders=37 --title Shop",
        "%activity list",
        "%activity status",
        "%%notify Fit --dry-run\n1",
        "%activity progress train 50 --dry-run",
        "%activity emulator on",
        alone=True,
        height=1600,
    )
    notebook.wait_until_idle()
    cards = notebook.output(1).locator(".as-card")
    expect(cards).to_have_count(2)
    ground = {"light": "rgb(246, 247, 251)", "dark": "rgb(30, 31, 37)"}[theme]
    expect(cards.first).to_have_css("background-color", ground)
    expect(notebook.output(2)).to_contain_text("found in ACTIVITYSMITH_API_KEY")
    expect(notebook.output(3)).to_contain_text("Dry run: nothing was sent.")
    expect(notebook.output(4)).to_contain_text('"percentage": 50')
    expect(notebook.output(5)).to_contain_text("NOTHING LEAVES THIS MACHINE")
    if PICTURES:
        notebook.page.screenshot(path=Path(PICTURES) / f"magics-{theme}.png")
    notebook.output(1).get_by_role("button", name="End train").click()
    ended = emulator.wait_for(
        lambda: next((c for c in emulator.phone.cards if c["status"] == "ended"), None), timeout=20
    )
    assert ended["stream_key"] == "train"
    expect(notebook.output(1).get_by_role("button", name="train ended")).to_be_disabled()
