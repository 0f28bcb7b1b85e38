"""What a reader sees before scrolling: the verdict, its interval or "not confirmed", ties, oscillating configurations."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import synthetic_studies as synthetic
from yaml import safe_load

from reports import wording
from reports.page import render_report
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from reports.records import StudyRecord
    from reports.verdict import ReportData

VISIBLE_TEXT = """() => {
  const parts = [];
  const walker = document.createTreeWalker(document.querySelector(".first-screen"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const box = range.getBoundingClientRect();
    if (box.width && box.bottom <= innerHeight && box.right <= innerWidth && box.left >= 0) parts.push(walker.currentNode.textContent);
  }
  return parts.join(" ").replace(/\\s+/g, " ");
}"""


def plain(text: str) -> str:
    """Narrow spaces as the page's text has them after `VISIBLE_TEXT`."""
    return text.replace("\u202f", " ")


def finished(study: StudyRecord) -> StudyRecord:
    """Nothing under way."""
    return replace(study, trials=tuple(trial for trial in study.trials if trial.state != "RUNNING"))


def test_first_screen_answers_five_questions(open_page: Callable) -> None:
    """Which do I take, with which settings, how sure, what next, where does it err."""
    data = build_report_data(synthetic.with_ledgers(finished(synthetic.flowers())))
    opened = open_page(render_report(data), width=1440)
    seen = opened.page.evaluate(VISIBLE_TEXT)
    winner = data.configuration(data.verdict.recommended)
    assert winner.confirmed
    for words in winner.name.split(" · "):
        assert plain(words) in seen
    assert f"for now: {wording.score(winner.reaches, data.study.metric)} validation accuracy" in opened.page.inner_text("h1")
    assert plain(f"Expect {wording.interval(winner.stable_interval, data.study.metric)} if you train it again.") in seen
    assert plain(f"Best of {len(data.ranking.contenders)} with {wording.probability(winner.probability_best)}") in seen
    assert "from 2 fresh seeds and the search" in seen
    for identifier in data.verdict.leaders:
        assert data.configuration(identifier).short in seen
    assert f"{len(data.verdict.oscillating)} of {len(data.ranked)} finished configurations oscillate" in seen
    assert "The highest peak would have picked" in seen
    assert data.next_steps[0].title in seen
    assert plain(data.next_steps[0].price) in seen
    assert "errs most on" in seen
    assert "always saying" in seen
    assert not opened.errors


def test_first_screen_of_a_phone_has_the_settings_and_what_to_expect(open_page: Callable, data: ReportData, text: str) -> None:
    opened = open_page(text, width=390, height=844)
    seen = opened.page.evaluate(VISIBLE_TEXT)
    winner = data.configuration(data.verdict.recommended)
    for words in (*winner.name.split(" · "), winner.short, "Expect", "may be as good", "under way"):
        assert plain(words) in seen
    assert opened.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 844)])
def test_first_screen_says_when_one_seed_confirms_nothing(open_page: Callable, width: int, height: int) -> None:
    study = synthetic.flowers()
    once = replace(study, trials=tuple(trial for trial in study.trials if trial.role == "search"))
    data = build_report_data(once)
    text = open_page(render_report(data), width=width, height=height).page.evaluate(VISIBLE_TEXT)
    assert "How far a new training may be off is not known before a second seed." in text
    for identifier in data.verdict.leaders[:6]:
        assert data.configuration(identifier).short in text


def test_one_of_a_large_tie_is_recommended_with_how_many_may_be_as_good(open_page: Callable) -> None:
    data = build_report_data(synthetic.alike(12))
    page: Page = open_page(render_report(data)).page
    assert page.inner_text("h1").startswith("Take ")
    assert "11 others of 12 may be as good" in page.inner_text("#answer")
    assert data.verdict.headline == f"{data.configuration(data.verdict.recommended).short} for now; 11 others of 12 may be as good"


def test_a_winner_that_is_not_clearly_above_guessing_says_so_first(open_page: Callable) -> None:
    study = synthetic.flowers()
    low = tuple(replace(trial, curves={**trial.curves, "val_accuracy": 0.2 + trial.curves["val_accuracy"] / 50}) for trial in study.trials)
    low = tuple(replace(trial, figures={**trial.figures, "num_classes": 5.0}) for trial in low if trial.state == "COMPLETE")
    data = build_report_data(replace(study, trials=low, num_val=300))
    if data.answer.state == "take":
        assert data.answer.above_guess is False
        assert open_page(render_report(data)).page.inner_text(".warning").startswith("Not clearly better than guessing")
    assert data.answer.sentence.startswith("Not clearly better than guessing")


def test_all_failed_shows_the_most_frequent_error_whole(open_page: Callable) -> None:
    study = synthetic.flowers()
    error = 'Traceback (most recent call last):\n  File "net.py", line 3\nValueError: no such layer'
    failed = tuple(replace(trial, state="FAIL", curves={}, error=error if trial.number else "Other: once") for trial in study.trials)
    page: Page = open_page(render_report(replace(study, trials=failed))).page
    assert page.inner_text("h1") == "Every training failed"
    assert page.inner_text(".whole-error") == error


def test_few_epochs_give_no_ranking_yet(open_page: Callable) -> None:
    study = synthetic.flowers(epochs=30)
    short = tuple(
        replace(trial, state="RUNNING", role="search", curves={name: curve[:2] for name, curve in trial.curves.items()})
        for trial in study.trials[:4]
    )
    page: Page = open_page(render_report(replace(study, trials=short))).page
    assert page.inner_text("h1") == "No training has come to its end yet"
    assert "of 24 configurations over, 4 under way" in page.inner_text(".progress")


def test_copies_settings_and_the_export_command(open_page: Callable, data: ReportData, text: str) -> None:
    page: Page = open_page(text).page
    winner = data.configuration(data.verdict.recommended)
    assert safe_load(page.text_content("#copied-yaml")) == {**winner.params, "bn_momentum": 0.99}
    assert f" --configuration {winner.short} -o flowers-transfer-{winner.short}" in page.text_content("#copied-export")
    assert f"--set learning_rate={winner.params['learning_rate']}" in page.text_content("#copied-set").replace("'", "")
    page.get_by_role("button", name="YAML").click()
    page.locator(".copy-row button", has_text=re.compile("Copied|Selected")).first.wait_for()


def test_verdict_without_scripts_has_table_sparklines_and_curves(open_page: Callable, text: str) -> None:
    opened = open_page(text, scripts=False)
    page = opened.page
    assert page.locator("#ranked tbody tr").count() == 24
    assert page.locator("#ranked tbody .spark-line").count() >= 23
    assert page.locator(".static-curve").first.is_visible()
    assert not page.locator("#filters").is_visible()
    assert "for now" in page.inner_text("h1")
    assert not page.locator(".copy-row").is_visible()
    assert page.locator("#copied summary").is_visible()
