"""One Jupyter server, one Chromium and one emulated phone for all tests in here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import chromium
from support.canary import assert_no_key
from support.lab import Lab, NotebookPage

from activitysmith_jupyter.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from playwright.sync_api import Browser, Locator

IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"
# Where pictures of failures go, for whoever looks for the cause.
FAILURES = os.environ.get("FAILURE_PICTURES", "")
STAND_STILL = """() => {
  const put = (selector, text) => document.querySelectorAll(selector).forEach(
    (element) => { element.textContent = text; });
  put(".ph-time", "9:41");
  put(".ph-date", "Tuesday, June 3");
  put(".as-when", "9:41");
  put("time[data-as-clock]:not(.as-when)", "9:41");
}"""


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[Emulator]:
    """Serve one emulator, whose key the kernels find in their environment."""
    with Emulator(metrics=None, rate_limits="off") as emulator:
        yield emulator


def _started(tmp_path_factory: pytest.TempPathFactory, shared_emulator: Emulator) -> Iterator[Lab]:
    environment = {
        "ACTIVITYSMITH_API_KEY": shared_emulator.api_key,
        "ACTIVITYSMITH_BASE_URL": shared_emulator.base_url,
    }
    root = tmp_path_factory.mktemp("lab")
    lab = Lab(root, environment)
    try:
        yield lab.start()
    finally:
        lab.stop()
    # Notebooks, checkpoints, histories, workspaces, connection files, the server's log.
    assert_no_key(root, key=shared_emulator.api_key)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, shared_emulator: Emulator) -> Iterator[Lab]:
    """Start one Jupyter server."""
    yield from _started(tmp_path_factory, shared_emulator)


@pytest.fixture(scope="session")
def notebook_server(
    tmp_path_factory: pytest.TempPathFactory, shared_emulator: Emulator
) -> Iterator[Lab]:
    """Start a server for Notebook 7 alone.

    Both applications have files of the same name, and a server that has found one for the one
    refuses it to the other.
    """
    yield from _started(tmp_path_factory, shared_emulator)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start one Chromium, with fonts that look like a desktop's."""
    os.environ["FONTCONFIG_FILE"] = str(Path(__file__).parent.parent / "support" / "fonts.conf")
    with chromium.launched() as browser:
        yield browser


@pytest.fixture
def emulator(shared_emulator: Emulator) -> Emulator:
    """Give the test a fresh account."""
    shared_emulator.reset()
    return shared_emulator


@pytest.fixture
def open_notebook(
    browser: Browser, lab: Lab, emulator: Emulator, request: pytest.FixtureRequest
) -> Iterator[Callable[..., NotebookPage]]:
    """Return a function that writes cells into a notebook, opens it and runs it.

    At the end of the test nothing may have gone wrong in the page.
    """
    pages: list[NotebookPage] = []
    failed_before = request.session.testsfailed
    name = request.node.originalname.removeprefix("test_")[:60] + ".ipynb"

    def open_it(
        *cells: str, run: bool = True, alone: bool = False, name: str = name, **options: Any
    ) -> NotebookPage:
        is_other = options.get("app") == "notebook"
        server = request.getfixturevalue("notebook_server") if is_other else lab
        page = NotebookPage(browser, server, **options)
        pages.append(page)
        page.open(server.write(name, *cells) if cells else name, alone=alone)
        return page.run_all() if run else page

    yield open_it
    failed = request.session.testsfailed > failed_before
    for page in pages:
        if failed and FAILURES:
            page.page.screenshot(path=Path(FAILURES) / f"FAILED_{request.node.name}.png")
        page.close()
    lab.use_theme("light")
    emulator.check()
    for page in pages:
        # A widget whose kernel is gone complains of it; a test that opens such a page says so.
        assert page.complaints_are_expected or page.complaints == []
        assert page.foreign == []


@pytest.fixture(scope="session")
def workbench_page(browser: Browser, lab: Lab, shared_emulator: Emulator) -> Iterator[NotebookPage]:
    """Open one page of JupyterLab for all tests that need no page of their own."""
    shared_emulator.reset()
    page = NotebookPage(browser, lab)
    page.open(lab.write("workbench.ipynb", "", ""))
    yield page
    page.close()
    assert page.foreign == []


@pytest.fixture
def workbench(
    workbench_page: NotebookPage, emulator: Emulator, request: pytest.FixtureRequest
) -> Iterator[Callable[..., NotebookPage]]:
    """Return a function that runs up to two cells on the shared page, in a fresh kernel state."""
    failed_before = request.session.testsfailed
    page = workbench_page
    page.complaints.clear()

    def run(*cells: str) -> NotebookPage:
        page.fill(*cells)
        return page.run_all()

    yield run
    if request.session.testsfailed > failed_before and FAILURES:
        page.page.screenshot(path=Path(FAILURES) / f"FAILED_{request.node.name}.png")
    emulator.check()
    assert page.complaints == []


@pytest.fixture(scope="session")
def picture() -> Callable[[Locator, str], None]:
    """Return a function that writes a picture of something on a page for the documentation."""

    def write(locator: Locator, name: str) -> None:
        IMAGES.mkdir(parents=True, exist_ok=True)
        locator.page.mouse.move(0, 0)
        # The clock of a phone in a picture stands still.
        locator.page.evaluate(STAND_STILL)
        locator.screenshot(path=IMAGES / f"{name}.png", animations="disabled")

    return write
