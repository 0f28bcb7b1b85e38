"""What a reader sees before scrolling: the verdict, its interval or "not confirmed", ties, oscillating configurations."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import synthetic_studies as synthetic

from reports.page import render_report
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from reports.verdict import ReportData

VISIBLE_TEXT = """() => {
  const parts = [];
  const walker = document.createTreeWalker(document.getElementById("verdict"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const box = range.getBoundingClientRect();
    if (box.width && box.bottom <= innerHeight && box.right <= innerWidth && box.left >= 0) parts.push(walker.currentNode.textContent);
  }
  return parts.join(" ").replace(/\\s+/g, " ");
}"""


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
def test_first_screen_of_a_confirmed_winner(open_page: Callable, data: ReportData, text: str, width: int, height: int) -> None:
    opened = open_page(text, width=width, height=height)
    seen = opened.page.evaluate(VISIBLE_TEXT)
    winner = data.configuration(data.verdict.recommended)
    assert winner.confirmed
    assert winner.short in seen
    assert re.search(r"A new training: [\d.]+ to [\d.]+\s*%, from 2 fresh seeds and the search", seen)
    assert re.search(
        rf"{winner.short} is the best of {len(data.ranking.contenders)} with \d+\s*%, within half a point of the best with \d+\s*%", seen
    )
    for identifier in data.verdict.leaders:
        assert data.configuration(identifier).short in seen
    assert len(data.ranked) < len(data.configurations) == 24
    assert f"{len(data.verdict.oscillating)} of {len(data.ranked)} finished configurations oscillate" in seen
    assert "expected by chance" in seen
    for identifier in data.verdict.oscillating:
        assert data.configuration(identifier).short in seen
    assert "best epoch would have picked" in seen
    assert not opened.errors


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
def test_first_screen_says_when_one_seed_confirms_nothing(open_page: Callable, width: int, height: int) -> None:
    study = synthetic.flowers()
    once = replace(study, trials=tuple(trial for trial in study.trials if trial.role == "search"))
    data = build_report_data(once)
    text = open_page(render_report(data), width=width, height=height).page.evaluate(VISIBLE_TEXT)
    assert re.search("One seed( each)?: not confirmed", text)
    assert "oscillate" in text
    for identifier in data.verdict.leaders[:8]:
        assert data.configuration(identifier).short in text


def test_one_of_a_large_tie_is_recommended_with_how_many_may_be_as_good(open_page: Callable) -> None:
    data = build_report_data(synthetic.alike(12))
    page: Page = open_page(render_report(data)).page
    assert page.inner_text("h1") == f"{data.configuration(data.verdict.recommended).short} for now; 11 others of 12 may be as good"
    assert page.locator(".settings").count() == 1


def test_verdict_without_scripts_has_table_sparklines_and_curves(open_page: Callable, text: str) -> None:
    opened = open_page(text, scripts=False)
    page = opened.page
    assert page.locator("#ranked tbody tr").count() == 24
    assert page.locator("#ranked tbody .spark-line").count() >= 23
    assert page.locator(".static-curve").first.is_visible()
    assert not page.locator("#filters").is_visible()
    assert "for now" in page.inner_text("h1")
