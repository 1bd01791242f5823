from __future__ import annotations

import pytest
from support.shell import Notebook

from activitysmith_jupyter import Composer, Phone
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
