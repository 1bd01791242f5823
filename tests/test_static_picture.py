from __future__ import annotations

import re

import ipywidgets
import pytest

from activitysmith_jupyter import _static_picture
from activitysmith_jupyter._static_picture import StaticPicture


class Shown:
    """What a display call returns: remembers what it was updated with."""

    def __init__(self):
        self.updates = []

    def update(self, what):
        self.updates.append(what.data)


@pytest.fixture
def displayed(monkeypatch):
    """Collect what is displayed, and return the handle that each call gets."""
    calls, handle = [], Shown()

    def display(what, **options):
        calls.append((what, options))
        return handle

    monkeypatch.setattr(_static_picture, "display", display)
    return calls, handle


def test_picture_is_displayed_after_its_widget_and_drawn_anew_in_place(displayed):
    """The picture is an output of its own, whose place every later drawing takes."""
    calls, handle = displayed
    drawings = iter(["<b>one</b>", "<b>two</b>"])
    picture = StaticPicture("Picture of a form.", lambda: next(drawings))
    picture.show({"text/plain": "<Form>"})
    (bundle, raw), (first, placed) = calls
    assert (bundle, raw) == ({"text/plain": "<Form>"}, {"raw": True})
    assert placed == {"display_id": True}
    assert "<p>Picture of a form.</p><b>one</b>" in first.data
    picture.keep()
    assert len(handle.updates) == 1
    assert "<b>two</b>" in handle.updates[0]


def test_picture_that_is_not_displayed_is_not_drawn():
    """A widget inside a layout of somebody else's leaves nothing behind."""
    picture = StaticPicture("", lambda: pytest.fail("drawn"))
    picture.keep()
    picture.keep_soon()


def test_widget_and_picture_know_each_other_and_no_other():
    """Each pair has a name of its own, in the widget's class and in the picture's."""
    names = set()
    for _ in range(2):
        box = ipywidgets.VBox([ipywidgets.Label("a form")])
        picture = StaticPicture("", lambda: "")
        picture.watch(box)
        (live,) = (each for each in box._dom_classes if each.startswith("as-live-"))
        style, label = box.children
        assert label.value == "a form"
        static = live.replace("live", "static")
        assert f"body:has(.{live}:not(.jupyter-widgets-disconnected)) .{static}" in style.value
        assert f'<div class="{static}">' in picture.picture().data
        assert set(re.findall(r"as-(?:live|static)-\w+", picture.picture().data)) == {live, static}
        names.add(live)
    assert len(names) == 2
