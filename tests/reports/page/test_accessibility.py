"""axe-core finds nothing serious, in either theme and on a phone; the page prints."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import synthetic_studies as synthetic

from reports.page import render_comparison, render_report
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page


def findings(page: Page) -> list[str]:
    """Serious and critical findings of axe-core, as text."""
    spec = importlib.util.find_spec("axe_core_python")
    assert spec
    assert spec.origin
    script = (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(script)
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{found['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for found in result["violations"]
        if found["impact"] in {"serious", "critical"}
        for node in found["nodes"][:3]
    ]


@pytest.mark.parametrize(("width", "dark"), [(1400, True), (390, False)])
def test_report_has_no_serious_findings(open_page: Callable, text: str, width: int, *, dark: bool) -> None:
    page = open_page(text, width=width, dark=dark).page
    page.wait_for_selector("#marginals .scatter")
    for fold in page.locator("#parameters .fold > summary").all():
        fold.click()
    page.wait_for_selector("#heatmap td")
    assert findings(page) == []
    page.locator("#ranked .row-name").first.click()
    page.wait_for_selector("#drawer .drawer-standing")
    assert findings(page) == []


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_where_it_errs_has_no_serious_findings_and_fits_the_page(open_page: Callable, width: int, *, dark: bool) -> None:
    data = build_report_data(synthetic.with_ledgers(synthetic.flowers()))
    page = open_page(render_report(data, thumbnails=synthetic.closer_look(data)), width=width, dark=dark).page
    page.click("#mistakes summary")
    assert page.locator("#mistakes .pictures em").count() == 1
    assert page.locator("#mistakes .preview").is_visible()
    assert page.locator("#mistakes .confusion tbody tr").count() == 5
    assert page.locator("#mistakes .missed tbody tr").count() > 7
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_comparison_has_no_serious_findings_and_fits_the_page(open_page: Callable, width: int, *, dark: bool) -> None:
    page = open_page(render_comparison([synthetic.flowers(), synthetic.many(8, 20)]), width=width, dark=dark).page
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_everything_can_be_reached_by_keyboard(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("[data-sort=stable]")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.sort") == "stable"
    assert page.get_attribute("th:has([data-sort=stable])", "aria-sort") == "descending"
    box = page.locator("#ranked tbody input").nth(7)
    ticked = box.is_checked()
    box.focus()
    page.keyboard.press("Space")
    assert box.is_checked() != ticked
    assert page.evaluate("document.activeElement.type") == "checkbox"


def test_prints_the_whole_table_without_tools(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert not page.locator(".bar").is_visible()
    assert page.locator("#ranked tbody tr").count() == 24
    assert len(page.pdf()) > 20_000
