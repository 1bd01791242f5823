from __future__ import annotations

from io import StringIO

import pytest
from support.shell import Notebook

from activitysmith_jupyter import Composer, Phone, _barcard, tqdm
from activitysmith_jupyter._embedded import embedded_emulator


@pytest.fixture
def notebook():
    notebook = Notebook()
    yield notebook
    notebook.close()


def test_composer_command_shows_a_form_for_the_key(notebook):
    """%activity composer KEY is Composer(KEY)."""
    form = notebook.run("%activity composer nightly").result
    assert isinstance(form, Composer)
    assert form.stream_key == "nightly"


def test_phone_command_shows_the_phone_of_the_settings(notebook):
    """%activity phone shows what reached the emulator that everything goes to."""
    notebook.run('%activity push "Half way"')
    notebook.emulator.wait_for(lambda: notebook.emulator.phone.pushes)
    shown = notebook.run("%activity phone").result
    assert isinstance(shown, Phone)
    shown.refresh()
    assert "Half way" in shown.html


def test_emulator_command_is_the_one_that_forms_use(notebook):
    """The switch starts and ends the process's one emulator."""
    notebook.run("%activity emulator on")
    assert embedded_emulator() is not None
    notebook.run("%activity emulator off")
    assert embedded_emulator() is None


def test_end_command_takes_a_dismissal_for_a_card_fed_by_code(notebook, monkeypatch):
    """%activity end shows the given last words and dismissal on a bar's card, too."""
    monkeypatch.setattr(_barcard, "should_open", lambda *_: True)
    bar = tqdm(total=4, activity="fed", file=StringIO())
    bar.update()
    notebook.clock.advance(1)
    notebook.emulator.wait_for(lambda: notebook.emulator.phone.cards)
    refused = notebook.run("%activity end fed --field percentage=7").shown
    assert "fed by code of its own" in refused
    notebook.run('%activity end fed --subtitle "by hand" --dismiss 30s')
    ended = notebook.emulator.wait_for(
        lambda: [card for card in notebook.emulator.phone.cards if card["status"] == "ended"]
    )
    assert ended[0]["content_state"]["subtitle"] == "by hand"
    assert round(ended[0]["dismiss_at"] - ended[0]["ended_at"]) == 30
    bar.close()
