"""One Chromium for all tests of the page; every page notes errors and requests."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import synthetic_studies as synthetic
from playwright.sync_api import sync_playwright

from reports.exports import write_atomically
from reports.page import render_report
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from reports.verdict import ReportData

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Opened:
    """A page with what went wrong on it and what it asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "the report's tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def data() -> ReportData:
    """Report data of the study that most tests open."""
    return build_report_data(synthetic.flowers())


@pytest.fixture(scope="session")
def text(data: ReportData) -> str:
    """Its report."""
    return render_report(data)


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Writes a page to a file and opens it as a reader would."""
    contexts = []

    def open_text(text: str, *, width: int = 1400, height: int = 900, dark: bool = False, scripts: bool = True) -> Opened:
        file = write_atomically(tmp_path / f"report-{len(contexts)}.html", text)
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", java_script_enabled=scripts
        )
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on("console", lambda message: opened.errors.append(message.text) if message.type in {"error", "warning"} else None)
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(file.as_uri())
        if scripts:
            opened.page.wait_for_selector("html[data-ready=true]", state="attached")
        return opened

    yield open_text
    for context in contexts:
        context.close()
