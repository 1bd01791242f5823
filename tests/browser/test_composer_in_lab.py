"""The composer in real notebooks: by mouse and by keyboard, what it sends, says and leaves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from activitysmith_jupyter.composer._catalogue import KIND_NAMES

pytestmark = pytest.mark.browser

COMPOSER = "from activitysmith_jupyter.composer import Composer\nComposer()"
PHONE = "from activitysmith_jupyter.phone import Phone\nPhone()"
HOSTILE = (
    '"><img src=x onerror="window.harmed=1"><script>window.harmed=1</script>'
    "' & \u202eevil\u202c مرحبا 👩‍👩‍👧 " + "x" * 10_000
)
RESTART = """() => window.jupyterapp.shell.currentWidget.context.sessionContext.session
  .kernel.restart()"""
# Into all fields at once, as pasting does: one by one would draw the form anew for each.
TYPE_EVERYWHERE = """(form, text) => [...form.querySelectorAll("input, textarea")]
  .filter((one) => one.checkVisibility() && !one.labels[0].innerText.startsWith("Code"))
  .map((one) => {
    one.value = text;
    one.dispatchEvent(new Event("input", { bubbles: true }));
    one.dispatchEvent(new Event("change", { bubbles: true }));
    return one.labels[0].innerText;
  })"""
FITS = "(one) => one.scrollWidth <= one.clientWidth + 1"
FOCUSED = """() => {
  const one = document.activeElement;
  return ((one.labels && one.labels[0] && one.labels[0].innerText) || one.innerText || one.title)
    .trim();
}"""
TITLES = {kind: f"{name} by hand" for kind, name in KIND_NAMES.items()}


def choose(page, kind):
    """Click on the picture's button of a kind."""
    page.output(0).get_by_role("button", name=KIND_NAMES[kind]).first.click()
    expect(chosen(page, kind)).to_be_visible()


def chosen(page, kind):
    """Find the picture of a kind, once it is the chosen one."""
    return page.output(0).locator(".as-chosen", has_text=KIND_NAMES[kind])


def press(page, name):
    """Click a button and wait for the answer."""
    page.output(0).get_by_role("button", name=name).last.click()


def tab_to(page, name, *, backwards=False):
    """Press Tab until something of that name has the focus."""
    for _ in range(120):
        if page.page.evaluate(FOCUSED) == name:
            return
        page.page.keyboard.press("Shift+Tab" if backwards else "Tab")
    raise AssertionError(f"{name} is not reached by Tab")


def names_of_controls(form):
    """Ask Chromium for the names under which a screen reader hears a form's controls."""
    page = form.page.context.new_cdp_session(form.page)
    form.evaluate("(form) => form.setAttribute('data-heard', '')")
    root = page.send("DOM.getDocument")["root"]["nodeId"]
    node = page.send("DOM.querySelector", {"nodeId": root, "selector": "[data-heard]"})["nodeId"]
    found = [
        each
        for role in ("button", "textbox", "combobox")
        for each in page.send("Accessibility.queryAXTree", {"nodeId": node, "role": role})["nodes"]
    ]
    return [each["name"].get("value", "") for each in found if not each["ignored"]]


def title_of(record):
    """Return the title that a request carries."""
    return (record.body.get("content_state") or record.body)["title"]


def test_every_kind_is_sent_updated_and_ended_by_mouse(workbench, emulator):
    """Of each kind, what the form says reaches the phone, changes there, and ends."""
    page = workbench(COMPOSER, PHONE)
    form, phone = page.output(0), page.output(1).locator(".widget-vbox")
    answer = form.locator(".as-answer.as-good")
    for kind, title in TITLES.items():
        choose(page, kind)
        form.get_by_label("Title", exact=True).fill(title)
        if kind != "push":
            form.get_by_label("Stream key").fill(f"mouse-{kind}")
        expect(form.locator(".as-preview .as-title")).to_have_text(title)
        press(page, "Send")
        expect(answer).to_contain_text("1 device notified")
        form.get_by_label("Title", exact=True).fill(f"{title}, changed")
        expect(form.locator(".as-preview .as-title")).to_have_text(f"{title}, changed")
        if kind == "push":
            press(page, "Replace")
            expect(answer).to_contain_text("Replaced")
            continue
        press(page, "Update")
        expect(answer).to_contain_text("Updated.")
        press(page, "End")
        expect(answer).to_contain_text("Ended.")
        assert emulator.phone.cards[0]["status"] == "ended"
        assert emulator.phone.cards[0]["content_state"]["type"] == kind
    for title in TITLES.values():
        expect(phone.locator(".as-title", has_text=f"{title}, changed")).to_be_visible()


def test_every_kind_is_sent_by_keyboard_alone(workbench, emulator):
    """Tab and Enter reach and use everything, and every field has a name."""
    page = workbench(COMPOSER)
    keyboard = page.page.keyboard
    page.output(0).get_by_role("button", name="Push").focus()
    for kind, title in TITLES.items():
        tab_to(page, KIND_NAMES[kind], backwards=kind != "push")
        keyboard.press("Enter")
        expect(chosen(page, kind)).to_be_visible()
        tab_to(page, "Title")
        keyboard.press("Control+A")
        keyboard.type(title)
        tab_to(page, "Send")
        expect(page.output(0).locator(".as-preview .as-title")).to_have_text(title)
        keyboard.press("Enter")
        expect(page.output(0).locator(".as-answer.as-good")).to_contain_text("1 device notified")
        assert title_of(emulator.requests[-1]) == title
        if kind != "push":
            tab_to(page, "End")
            keyboard.press("Enter")
            expect(page.output(0).locator(".as-answer.as-good")).to_contain_text("Ended.")


def test_every_part_of_the_form_is_reached_by_tab_and_has_a_name(workbench):
    """No field is for the mouse only, and none is without a label."""
    page = workbench(
        "from activitysmith_jupyter.composer import Composer\n"
        "Composer({'content_state': {'type': 'metrics', 'title': 'T', 'metrics': [\n"
        "    {'label': 'A', 'value': 1}, {'label': 'B', 'value': 2}]}})"
    )
    form = page.output(0)
    for fold in ("Icon and badge", "Buttons", "Recipients and labels", "More", "Copy as code"):
        form.get_by_role("button", name=fold).click()
    form.get_by_role("button", name="Add the button").first.click()
    expect(form.get_by_label("Button says")).to_be_visible()
    usable = form.evaluate(
        """(form) => [...form.querySelectorAll("input, select, textarea, button, a[href]")]
           .filter((one) => one.checkVisibility() && !one.disabled && !one.closest("[inert]"))
           .map((one) => { one.dataset.reached = "no"; return 1; }).length"""
    )
    form.get_by_role("button", name="Push").focus()
    for _ in range(usable + 5):
        page.page.evaluate("() => { document.activeElement.dataset.reached = 'yes'; }")
        page.page.keyboard.press("Tab")
    missed = form.evaluate(
        "(form) => [...form.querySelectorAll('[data-reached=no]')].map((one) => one.outerHTML)"
    )
    assert missed == []
    heard = names_of_controls(form)
    assert len(heard) >= usable
    assert [name for name in heard if not re.search("[A-Za-z]{2}", name)] == []


def test_mistake_is_said_beside_its_field_and_nothing_is_sent(workbench, emulator):
    """Limits are checked as one types, and what is wrong is said in words, never a traceback."""
    page = workbench(COMPOSER)
    form = page.output(0)
    box = form.locator(".as-field", has=page.page.get_by_label("Percentage"))
    form.get_by_label("Percentage").press("End")
    form.get_by_label("Percentage").press_sequentially("0")
    expect(box.get_by_role("alert")).to_have_text("Must be between 0 and 100")
    form.get_by_label("Stream key").fill("my run")
    key_box = form.locator(".as-field", has=page.page.get_by_label("Stream key"))
    expect(key_box.get_by_role("alert")).to_contain_text("For example 'my-run'")
    press(page, "Send")
    expect(form.locator(".as-answer.as-bad")).to_contain_text("Stream key, Percentage")
    assert emulator.requests == []
    form.get_by_label("Percentage").fill("99")
    form.get_by_label("Stream key").fill("my-run")
    expect(form.get_by_role("alert")).to_have_count(0)
    emulator.faults.add(
        "status", times=1, status=401, body={"error": "Invalid API key", "message": "No such key"}
    )
    press(page, "Send")
    expect(form.locator(".as-answer.as-bad")).to_contain_text("The service refused it.")
    press(page, "Send")
    expect(form.locator(".as-answer.as-good")).to_contain_text("Started")


def test_metrics_are_added_moved_and_removed(workbench, emulator):
    """Rows keep their text wherever they go, and the card follows."""
    page = workbench(COMPOSER)
    form = page.output(0)
    choose(page, "stats")
    form.get_by_role("button", name="Add a metric").click()
    row = form.locator(".as-edit").nth(2)
    row.get_by_label("Label").fill("Loss")
    row.get_by_label("Value").fill("0.02")
    row.get_by_label("Colour").select_option("red")
    labels = form.locator(".as-preview .as-card .as-label")
    expect(labels).to_have_text(["Revenue", "Orders", "Loss"])
    form.get_by_title("Move row 3 up").click()
    expect(labels).to_have_text(["Revenue", "Loss", "Orders"])
    form.get_by_title("Remove row 1").click()
    expect(labels).to_have_text(["Loss", "Orders"])
    press(page, "Send")
    expect(form.locator(".as-answer.as-good")).to_contain_text("Started")
    sent = emulator.requests[-1].body["content_state"]["metrics"]
    assert sent == [
        {"label": "Loss", "value": 0.02, "color": "red"},
        {"label": "Orders", "value": 37},
    ]


def test_hostile_text_is_text_in_composer_and_phone(workbench, emulator):
    """Markup, scripts, other directions and endless words are shown as they are, and do nothing."""
    page = workbench(COMPOSER, PHONE)
    form, phone = page.output(0), page.output(1).locator(".widget-vbox")
    choose(page, "alert")
    for label in ("Title", "Subtitle", "Message"):
        form.get_by_label(label, exact=True).fill(HOSTILE)
    form.get_by_label("Message", exact=True).fill(f"one\n\ntwo {HOSTILE}")
    for fold in ("Icon and badge", "Recipients and labels"):
        form.get_by_role("button", name=fold).click()
    form.get_by_label("Icon", exact=True).fill(HOSTILE)
    form.get_by_label("Badge", exact=True).fill(HOSTILE)
    form.get_by_label("Tags").fill(HOSTILE)
    form.get_by_label("Metadata").fill(HOSTILE)
    form.get_by_label("Stream key").fill(HOSTILE)
    expect(form.get_by_role("alert")).to_have_count(3)
    form.get_by_label("Tags").fill("")
    form.get_by_label("Metadata").fill("")
    form.get_by_label("Stream key").fill("hostile")
    expect(form.get_by_role("alert")).to_have_count(0)
    press(page, "Send")
    expect(form.locator(".as-answer.as-good")).to_contain_text("Started")
    expect(phone.locator(".as-title")).to_contain_text("<script>")
    expect(form.locator(".as-preview .as-title")).to_contain_text("<script>")
    assert page.page.evaluate("() => window.harmed") is None
    assert page.page.locator("img[src=x]").count() == 0
    for shown in (form.locator(".as-composer"), phone.locator(".ph-screen")):
        assert shown.evaluate(FITS)


def test_hostile_text_in_every_field_of_every_kind_is_text(workbench):
    """Whatever is typed wherever, the form shows it, keeps its width, and runs nothing."""
    page = workbench(COMPOSER)
    form = page.output(0)
    for fold in ("Icon and badge", "Buttons", "Recipients and labels", "More", "Presets"):
        form.get_by_role("button", name=fold).click()
    filled = set()
    for kind in KIND_NAMES:
        choose(page, kind)
        for add in form.get_by_role("button", name=re.compile("^.?.?Add ")).all():
            if add.is_visible() and add.is_enabled():
                add.click()
        expect(form.locator(".as-edit")).not_to_have_count(0)
        filled.update(form.evaluate(TYPE_EVERYWHERE, HOSTILE))
        expect(form.locator(".as-preview .as-title")).to_contain_text("<script>")
        expect(form.get_by_role("alert").first).to_be_visible()
        assert form.locator(".as-composer").evaluate(FITS), kind
    assert {"Title", "Label", "Unit", "Button says", "Link", "Message", "Payload"} <= filled
    assert page.page.evaluate("() => window.harmed") is None
    assert page.page.locator("img[src=x]").count() == 0


def test_copied_code_runs_and_the_saved_notebook_keeps_the_card_but_no_key(
    open_notebook, emulator, lab
):
    """What was copied sends the same; reopened without its kernel, the card is still there."""
    page = open_notebook(COMPOSER, "")
    form = page.output(0)
    form.get_by_label("Title", exact=True).fill("Kept for later")
    form.get_by_role("button", name="Copy as code").click()
    expect(form.get_by_label("Code, without the key")).to_have_value(re.compile("Kept for later"))
    code = form.get_by_label("Code, without the key").input_value()
    press(page, "Send")
    expect(form.locator(".as-answer.as-good")).to_contain_text("Started")
    sent = emulator.requests[-1].body
    page.cell(1).locator(".cm-content").click()
    page.page.keyboard.insert_text(code)
    page.page.keyboard.press("Shift+Enter")
    expect(page.output(1)).to_contain_text("StreamResult")
    assert emulator.requests[-1].body == sent
    form.get_by_role("button", name="Push").first.click()
    choose(page, "progress")
    # The picture for later follows a moment after the last change.
    expect(form.locator("[class^=as-static] .as-title")).to_have_text("Kept for later")
    page.save()
    name = next(lab.work.glob("copied*.ipynb")).name
    text = (lab.work / name).read_text(encoding="utf-8")
    assert emulator.api_key not in text
    assert "Kept for later" in text
    page.close()
    again = open_notebook(run=False)
    again.complaints_are_expected = True
    static = again.output(0).locator("[class^=as-static]")
    expect(static.locator(".as-title")).to_be_visible()
    expect(static.locator(".as-title")).to_have_text("Kept for later")
    # JupyterLab's own words in the place of the form: there, and put away.
    expect(again.page.get_by_text("model not found")).to_have_count(1)
    expect(again.page.get_by_text("model not found")).to_be_hidden()
    expect(static).to_contain_text("Run the cell to get the form itself.")


def test_form_whose_kernel_is_gone_gives_way_to_its_picture(open_notebook):
    """A form that nobody answers any more is put away, each for its own picture."""
    page = open_notebook(COMPOSER, COMPOSER, PHONE)
    first, second, phone = page.output(0), page.output(1), page.output(2)
    first.get_by_label("Title", exact=True).fill("Of the first alone")
    expect(first.locator("[class^=as-static] .as-title")).to_have_text("Of the first alone")
    for output in (first, second, phone):
        expect(output.locator("[class^=as-static]")).to_be_hidden()
    page.page.evaluate(RESTART)
    page.wait_until_idle()
    for output in (first, second):
        expect(output.locator(".as-composer")).to_be_hidden()
        expect(output.locator("[class^=as-static] .as-card")).to_be_visible()
    expect(first.locator("[class^=as-static] .as-title")).to_have_text("Of the first alone")
    expect(second.locator("[class^=as-static] .as-title")).to_have_text("Training")
    expect(phone.locator(".ph-phone >> visible=true")).to_have_count(1)
    expect(phone.get_by_text("Run the cell to see it live.")).to_be_visible()
    page.run_all()
    expect(first.locator(".as-composer")).to_be_visible()
    expect(first.locator("[class^=as-static]")).to_be_hidden()


def test_symbol_is_found_by_a_word_and_chosen_by_its_picture(workbench, emulator):
    """Nobody has to know the names of SF Symbols."""
    page = workbench(COMPOSER)
    form = page.output(0)
    form.get_by_role("button", name="Icon and badge").click()
    form.get_by_label("Icon", exact=True).fill("uptrend")
    expect(form.locator(".as-match >> visible=true")).to_have_count(1)
    form.get_by_role("button", name="chart.line.uptrend.xyaxis").click()
    expect(form.get_by_label("Icon", exact=True)).to_have_value("chart.line.uptrend.xyaxis")
    expect(form.locator(".as-preview .as-icon")).to_have_attribute(
        "title", "chart.line.uptrend.xyaxis"
    )
    press(page, "Send")
    expect(form.locator(".as-answer.as-good")).to_contain_text("Started")
    icon = emulator.requests[-1].body["content_state"]["icon"]
    assert icon == {"symbol": "chart.line.uptrend.xyaxis"}


def test_without_a_key_the_emulator_is_one_click_away(open_notebook):
    """Somebody without an account sees how to set a key, and can try everything at once."""
    page = open_notebook(
        "import os\nfor name in ('ACTIVITYSMITH_API_KEY', 'ACTIVITYSMITH_BASE_URL'):\n"
        "    del os.environ[name]",
        COMPOSER,
    )
    form = page.output(1)
    expect(form.locator(".as-note")).to_contain_text("No API key yet")
    form.get_by_role("button", name="Send").click()
    expect(form.locator(".as-answer.as-bad")).to_contain_text("Nothing was sent.")
    form.get_by_role("button", name="Use the emulator").click()
    expect(form.locator(".as-note")).to_have_count(0)
    form.get_by_role("button", name="Send").click()
    expect(form.locator(".as-answer.as-good")).to_contain_text("Started")
    expect(form.locator(".ph-phone .as-title")).to_have_text("Training")
