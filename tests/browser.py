"""Debian's chromium, driven by playwright: open a file, and record what a page must not do."""

import os
import shutil
from dataclasses import dataclass, field
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *(
        ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    ),  # chromium's sandbox refuses root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Browser:
    """Opens pages; ``misdeeds`` collects console errors, exceptions, dialogs and requests that leave the page."""

    chromium: Any
    misdeeds: list[str] = field(default_factory=list)

    def open(self, file, *, width=1280, height=900, color_scheme="light", fragment=""):
        """Open the page in a new window and wait for its list of items."""
        window = self.chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=color_scheme
        )
        page = window.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.misdeeds.append(f"exception: {error}"))
        page.on("dialog", self._dialog)
        page.on("request", self._request)
        page.goto(file.absolute().as_uri() + fragment)
        page.wait_for_selector("#count:not(:empty)")
        return page

    def _console(self, message):
        if message.type in {"error", "warning"}:
            self.misdeeds.append(f"console: {message.text}")

    def _dialog(self, dialog):
        self.misdeeds.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request):
        if not request.url.startswith(("file:", "data:")):
            self.misdeeds.append(f"request: {request.url}")


@pytest.fixture(scope="module")
def chromium():
    """One browser per module: playwright keeps an event loop running, which would disturb other modules' tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra: dev)")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium):
    """A browser; the test fails if a page does one of the ``misdeeds``."""
    browser = Browser(chromium)
    yield browser
    for window in chromium.contexts:
        window.close()
    assert [] == browser.misdeeds
