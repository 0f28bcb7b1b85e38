"""On paper nothing is dark, cut or empty; the appendix is closed, opens by its link, and its axis labels stand at their ticks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import synthetic_studies as synthetic

from reports.page import render_report
from reports.page.sweep_view import sweep_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from reports.verdict import ReportData

PAPER_WIDTH = 700
"""CSS pixels of A4 between its margins."""


@pytest.mark.parametrize("dark", [True, False])
def test_paper_is_light_and_has_every_parameter(open_page: Callable, data: ReportData, text: str, *, dark: bool) -> None:
    page: Page = open_page(text, width=PAPER_WIDTH, dark=dark).page
    if dark:
        page.click("#theme-toggle")
        page.click("#theme-toggle")
    page.emulate_media(media="print", color_scheme="dark" if dark else "light")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 39)"
    headings = page.locator("#ranked thead th.col-param")
    headings.first.wait_for(state="attached")
    assert headings.count() == len(data.parameters)
    assert all(headings.nth(place).is_visible() for place in range(headings.count()))
    assert page.evaluate("document.getElementById('ranked').getBoundingClientRect().right <= innerWidth")
    small = page.evaluate(
        """() => [...document.querySelectorAll("main *")].filter((each) => each.checkVisibility() && each.childNodes.length
          && [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
          && parseFloat(getComputedStyle(each).fontSize) < 10).map((each) => each.outerHTML.slice(0, 90))"""
    )
    assert small == []


def test_nothing_on_screen_is_smaller_than_eleven_pixels(open_page: Callable, text: str) -> None:
    page: Page = open_page(text, width=1440).page
    page.wait_for_timeout(300)
    small = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((each) => each.checkVisibility() && each.childNodes.length
          && [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
          && parseFloat(getComputedStyle(each).fontSize) < 11).map((each) => each.outerHTML.slice(0, 90))"""
    )
    assert small == []


def test_the_appendix_is_closed_and_opens_by_its_link(open_page: Callable, text: str) -> None:
    page: Page = open_page(text).page
    assert not page.locator("#sweep").is_visible()
    page.click("nav a[href='#appendix']")
    page.wait_for_selector("#sweep", state="visible")
    assert page.locator("#reproduce pre").last.is_visible()


def test_axis_labels_of_the_course_stand_at_their_ticks(data: ReportData, text: str) -> None:
    course = sweep_view(data).course
    assert course is not None
    heights = [height for height, _ in course.y_ticks]
    lines = re.search(r'<svg class="course".*?</svg>', text, re.DOTALL)
    labels = re.search(r'<svg class="y-labels".*?</svg>', text, re.DOTALL)
    assert lines
    assert labels
    assert [float(each) for each in re.findall(r'<line class="grid"[^>]*y1="([\d.]+)"', lines.group())] == heights
    assert [float(each) for each in re.findall(r'<text x="48" y="([\d.]+)"', labels.group())] == heights


def test_notes_for_readers_without_scripts_are_not_shown_with_scripts(open_page: Callable) -> None:
    text = render_report(synthetic.many(140, 12))
    assert "Without scripts" not in open_page(text).page.inner_text("main")
    assert "Without scripts the table shows the first 100 rows; 40 more are in the CSV export." in open_page(
        text, scripts=False
    ).page.inner_text("main")
