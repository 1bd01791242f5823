"""A real JupyterLab (and Notebook 7) with a home of its own, and its pages in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import activitysmith_jupyter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Browser, Locator, Page

START_SECONDS: Final = 90.0
PAGE_MILLISECONDS: Final = 60_000

_SERVER_FLAGS: Final = (
    "--allow-root",
    "--no-browser",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port_retries=0",
    "--expose-app-in-browser",
    "--JupyterNotebookApp.expose_app_in_browser=True",
    "--LabApp.news_url=None",
    "--LabApp.extension_manager=readonly",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--ServerApp.tornado_settings={'page_config_data': {'buildCheck': False}}",
)
_DROPPED: Final = ("JUPYTER", "JPY_", "IPYTHON", "PYTEST", "ACTIVITYSMITH_", "XDG_")
_KERNEL_READY: Final = """() => {
  const session = window.jupyterapp?.shell.currentWidget?.context?.sessionContext;
  return !!session && session.isReady && session.session?.kernel?.status === 'idle' &&
         session.session.kernel.connectionStatus === 'connected';
}"""
_RUN_COMMAND: Final = """async ([name, options]) => {
  await window.jupyterapp.commands.execute(name, options ?? {});
}"""
_START_COMMAND: Final = "(name) => { void window.jupyterapp.commands.execute(name); }"
_SET_SOURCES: Final = """(sources) => {
  const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
  for (let i = 0; i < cells.length; i++) cells.get(i).sharedModel.setSource(sources[i] ?? "");
}"""
# JupyterLab's own noise when a page is left while its kernel restarts or ends.
_HARMLESS: Final = re.compile(r"Could not restore the debugger state|Canceled future for ")
# Kernels import the package from where the tests have it, be it installed or a checkout.
_PACKAGE_FOLDER: Final = str(Path(activitysmith_jupyter.__file__).parent.parent)


def _python_path(environment: Mapping[str, str]) -> list[str]:
    return [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]


class Lab:
    """One Jupyter server with its own home, settings and notebooks.

    Parameters
    ----------
    root : Path
        An empty folder.
    environment : mapping, optional
        What kernels find in their environment, beside what this process has.
    """

    def __init__(self, root: Path, environment: Mapping[str, str] | None = None) -> None:
        self.work, self.home = root / "work", root / "home"
        self.work.mkdir(parents=True)
        self.home.mkdir()
        self.token = secrets.token_hex(16)
        self.url = ""
        self._log = root / "server.log"
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        # Only the user's setting stops the question about news.
        self.set("@jupyterlab/apputils-extension", "notification", fetchNews="false")
        self.set("@jupyterlab/docmanager-extension", "plugin", autosave=False)

    def set(self, plugin: str, name: str, **settings: Any) -> None:
        """Write a user setting; a page loaded afterwards has it."""
        folder = self.home / "settings" / plugin
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.jupyterlab-settings"
        path.write_text(json.dumps(settings), encoding="utf-8")

    def use_theme(self, theme: str) -> None:
        """Make pages ``light`` or ``dark`` from now on."""
        name = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[theme]
        self.set("@jupyterlab/apputils-extension", "themes", theme=name)

    def start(self) -> Self:
        """Start the server and wait until it answers."""
        for left in (2, 1, 0):  # a free port can be taken between the probe and the bind
            try:
                self._start()
            except RuntimeError:
                self.stop()
                if not left:
                    raise
            else:
                break
        return self

    def _start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jupyterlab",
                    *_SERVER_FLAGS,
                    f"--ServerApp.port={port}",
                    f"--ServerApp.root_dir={self.work}",
                ],
                cwd=self.work,
                env=self._child_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        given_up = threading.Event()
        timer = threading.Timer(START_SECONDS, given_up.set)
        timer.start()
        try:
            while not self._answers():
                if self._process.poll() is not None or given_up.wait(0.05):
                    raise RuntimeError(f"no server: {self._log.read_text()[-4000:]}")
        finally:
            timer.cancel()

    def _child_environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
        folders = {
            "HOME": "",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        return {
            **own,
            **{name: str(self.home / folder) for name, folder in folders.items()},
            "JUPYTER_PREFER_ENV_PATH": "1",
            "JUPYTER_TOKEN": self.token,
            "PYTHONPATH": os.pathsep.join([_PACKAGE_FOLDER, *_python_path(own)]),
            **self._environment,
        }

    def _answers(self) -> bool:
        try:
            self.api("/api/status")
        except OSError:
            return False
        return True

    def api(self, path: str, method: str = "GET") -> Any:
        """Ask the server itself."""
        request = urllib.request.Request(  # noqa: S310  our own loopback server
            self.url + path, method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  as above
            return json.loads(answer.read() or "null")

    def end_kernels(self, name: str) -> None:
        """End the kernels of a notebook; its pages should be closed by then."""
        for session in self.api("/api/sessions"):
            if session["path"].startswith(name):
                self.api(f"/api/sessions/{session['id']}", "DELETE")

    def stop(self) -> None:
        """End the server, its kernels, and whatever they left behind."""
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own session, nobody else's
        process.wait()
        self._process = None

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook of code cells (or Markdown, where a cell begins with ``md:``)."""
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = new_notebook(metadata={"kernelspec": kernel})
        notebook.cells = [
            new_markdown_cell(cell.removeprefix("md:"))
            if cell.startswith("md:")
            else new_code_cell(cell)
            for cell in cells
        ]
        nbformat.write(notebook, self.work / name)
        return name

    def read(self, name: str) -> Any:
        """Read a notebook as it was saved."""
        return nbformat.read(self.work / name, as_version=4)


class NotebookPage:
    """A notebook in a browser context of its own, and all that went wrong there.

    Parameters
    ----------
    browser : Browser
        Chromium.
    lab : Lab
        The server.
    app : {"lab", "notebook"}, default "lab"
        JupyterLab 4 or Notebook 7.
    width, height : int
        Of the window, in pixels.
    """

    def __init__(
        self,
        browser: Browser,
        lab: Lab,
        *,
        app: str = "lab",
        width: int = 1280,
        height: int = 900,
    ) -> None:
        self.lab = lab
        self.app = app
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.complaints_are_expected = False
        self._name = ""
        self._context = browser.new_context(
            viewport={"width": width, "height": height}, permissions=["clipboard-read"]
        )
        self.page: Page = self._context.new_page()
        self.page.on("request", self._see_request)
        self.page.on("pageerror", lambda error: self.complaints.append(f"pageerror {error.stack}"))
        self.page.on("console", self._hear)

    def _see_request(self, request: Any) -> None:
        if not request.url.startswith((self.lab.url, "data:", "blob:")):
            self.foreign.append(request.url)

    def _hear(self, message: Any) -> None:
        if message.type == "error" and not _HARMLESS.search(message.text):
            self.complaints.append(f"console {message.text} {message.location}")

    def open(self, name: str, *, alone: bool = False) -> Self:
        """Load a notebook and wait for its kernel; `alone` shows nothing but the notebook."""
        self._name = name
        if self.app == "notebook":
            place = f"notebooks/{name}?token={self.lab.token}"
        elif alone:
            place = f"doc/tree/{name}?token={self.lab.token}&reset"
        else:
            # A workspace of its own: no tabs come back from another test.
            workspace = f"w{secrets.token_hex(4)}"
            place = f"lab/workspaces/{workspace}/tree/{name}?token={self.lab.token}&reset"
        self.page.goto(f"{self.lab.url}/{place}")
        self.page.locator(".jp-NotebookPanel .jp-Notebook").wait_for(timeout=PAGE_MILLISECONDS)
        self.page.evaluate("() => window.jupyterapp.restored.then(() => true)")
        self.wait_until_idle()
        # Notebook 7 starts with complaints of its own; before a cell has run, none is ours.
        self.complaints.clear()
        return self

    def wait_until_idle(self) -> Self:
        """Wait until the kernel is there and has nothing to do."""
        self.page.wait_for_function(_KERNEL_READY, timeout=PAGE_MILLISECONDS)
        return self

    def command(self, name: str, **options: Any) -> None:
        """Run a command of the application by its id, to its end."""
        self.page.evaluate(_RUN_COMMAND, [name, options])

    def start(self, name: str) -> None:
        """Start a command of the application without waiting for its end."""
        self.page.evaluate(_START_COMMAND, name)

    def run_all(self) -> Self:
        """Run all cells to their end."""
        self.command("notebook:run-all-cells")
        return self

    def fill(self, *sources: str) -> None:
        """Put sources into the first cells, in the place of what stands there, outputs too."""
        self.command("notebook:clear-all-cell-outputs")
        self.page.evaluate(_SET_SOURCES, list(sources))

    def save(self) -> None:
        """Save the notebook."""
        self.command("docmanager:save")

    def cell(self, index: int) -> Locator:
        """Find a cell, counted from 0."""
        return self.page.locator(f'.jp-Notebook-cell[data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Locator:
        """Find all outputs of a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def close(self) -> None:
        """Leave, and end what runs."""
        self._context.close()
        self.lab.end_kernels(self._name)
