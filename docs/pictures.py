"""Make the pictures of the README: the demo on the phone page, running and done.

Run it with the test environment: ``.venv/bin/python docs/pictures.py``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FONTS = Path(__file__).parent.parent / "tests" / "support" / "fonts.conf"
WIDTH, HEIGHT, SCALE = 400, 640, 1.5


def main() -> None:
    """Run the demo for half a minute and take a picture of each stage, in both themes."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    demo = subprocess.Popen(
        [
            sys.executable,
            "-u",
            "-m",
            "activitysmith_jupyter.cli",
            "demo",
            "--seconds",
            "30",
            "--keep",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert demo.stdout is not None
    address = re.search(r"http://\S+", demo.stdout.readline())
    assert address is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=FLAGS, env={"FONTCONFIG_FILE": str(FONTS)}
        )
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE
        )
        page.goto(address[0])
        page.get_by_text("7/10 ·").wait_for(timeout=60_000)
        both(page, address[0], "demo-running", "/10 ·")
        page.get_by_text("Done in").first.wait_for(timeout=60_000)
        both(page, address[0], "demo-done", "Done in")
        browser.close()
    demo.terminate()
    demo.wait()


def both(page: Page, address: str, name: str, text: str) -> None:
    """Take a picture in light and in dark."""
    for theme in ("light", "dark"):
        page.goto(f"{address}?theme={theme}")
        page.get_by_text(text).first.wait_for()
        page.screenshot(path=IMAGES / f"{name}-{theme}.png")


if __name__ == "__main__":
    main()
