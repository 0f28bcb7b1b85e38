"""The drawer of one configuration: from the address, by mouse and by keyboard; what it says, what it gives to paste, and how it closes."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING

import synthetic_studies as synthetic

from reports.page import render_report
from reports.page.remedies import said_once
from sweeps.cli.parser import build_parser
from sweeps.sweep_file.loading import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from reports.verdict import ReportData


def opened_at(open_page: Callable, text: str, hash_text: str, **options: object) -> Page:
    page: Page = open_page(text, **options).page
    page.goto(f"{page.url}#{hash_text}")
    page.reload()
    page.wait_for_selector("#drawer[open] .drawer-standing")
    return page


def test_opens_from_the_address_and_closes_with_escape(open_page: Callable, text: str, data: ReportData) -> None:
    row = data.configurations[4]
    page = opened_at(open_page, text, f"c={row.short}")
    assert row.short in page.inner_text("#drawer-title")
    page.keyboard.press("Escape")
    assert not page.locator("#drawer").is_visible()
    assert "c=" not in page.url
    assert page.evaluate("document.activeElement.dataset.id") == row.configuration


def test_opens_from_a_row_a_mark_and_a_problem(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    row = data.configurations[2]
    page.locator(f"tr[data-row='{row.configuration}'] .col-stable").click()
    page.wait_for_selector("#drawer[open]")
    assert page.url.endswith(f"#c={row.short}")
    page.click("#drawer-close")
    problem = page.locator("#problems .case-name").first
    problem.click()
    page.wait_for_selector("#drawer[open]")
    assert problem.locator(".id").inner_text() in page.inner_text("#drawer-title")
    page.mouse.click(40, 400)  # beside the drawer
    assert not page.locator("#drawer").is_visible()


def test_keyboard_goes_through_rows_and_drawers(open_page: Callable, text: str, data: ReportData) -> None:
    page = open_page(text).page
    rows = data.configurations
    page.focus("#filter-text")
    stops = []
    for _ in range(14):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.closest('[id]')?.id || ''"))
        if stops[-1] == "curve-metric":
            break
    assert stops[-1] == "curve-metric"  # the curves are a dozen stops away, not one for each row
    page.focus(f"button[data-id='{rows[0].configuration}']")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.id") == rows[2].configuration
    ticked = page.is_checked(f"input[data-id='{rows[2].configuration}']")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    assert page.is_checked(f"input[data-id='{rows[2].configuration}']") != ticked
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("#drawer[open] .drawer-standing")
    page.keyboard.press("j")
    page.wait_for_selector(f"#drawer-title:has-text('{rows[3].short}')")
    page.keyboard.press("k")
    page.wait_for_selector(f"#drawer-title:has-text('{rows[2].short}')")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.id") == rows[2].configuration


def test_says_what_is_on_record_and_why_it_was_pruned(open_page: Callable, text: str, data: ReportData) -> None:
    pruned = next(row for row in data.configurations if row.state == "pruned")
    page = opened_at(open_page, text, f"c={pruned.short}")
    words = page.inner_text("#drawer-body")
    assert "holds nothing yet" in words
    assert "stopped at epoch 9 of 30: level .41 below the top third at epoch 9" in words
    assert str(pruned.trials[0].seed) in words
    confirmed = next(row for row in data.configurations if row.seeds > 1)
    page = opened_at(open_page, text, f"c={confirmed.short}")
    assert page.locator("#drawer .trainings tbody tr").count() == len(confirmed.trials)
    assert page.locator("#drawer .neighbours li").count() == 5
    assert page.locator("#drawer .panel[data-metric=val_accuracy] .series:not(.series-training):not(.series-held)").count() == len(
        confirmed.trials
    )
    neighbour = page.locator("#drawer .neighbours .row-name").first
    name = neighbour.inner_text()
    neighbour.click()
    page.wait_for_selector(f"#drawer-title:has-text('{name}')")


def test_each_flag_is_one_sentence_with_its_figures_folded(open_page: Callable, text: str, data: ReportData) -> None:
    row = next(row for row in data.configurations if row.oscillates)
    page = opened_at(open_page, text, f"c={row.short}")
    assert page.locator("#drawer .finding").count() == len(row.flags)
    figures = page.locator("#drawer .finding details").first
    assert not figures.locator("dl").is_visible()
    figures.locator("summary").click()
    assert figures.locator("dd").count() > 2


def test_the_program_accepts_what_is_copied(open_page: Callable, text: str, data: ReportData) -> None:
    row = data.configurations[0]
    page = opened_at(open_page, text, f"c={row.short}")
    blocks = page.locator("#drawer .copyable code").all_text_contents()
    assert "learning_rate:" in blocks[0]
    train = next(shlex.split(block) for block in blocks if " train " in block)
    sweep = sweep_from_text(synthetic.SWEEP_FILE, "flowers.yaml", build_parser().parse_args(train[1:]).overrides)
    assert sweep.training.learning_rate == row.params["learning_rate"]
    export = next(shlex.split(block) for block in blocks if " export " in block)
    assert build_parser().parse_args(export[1:]).study == data.study.name


def test_swings_are_not_answered_with_what_was_ruled_out(open_page: Callable, text: str, data: ReportData) -> None:
    ruled_out = {check.how for checks in data.cause_checks.values() for check in checks if check.finding.startswith("No:")}
    page = open_page(text).page
    tries = page.locator("#problems .advice").all_inner_texts()
    assert tries
    assert len(tries) == len(set(tries))
    always = [
        how
        for how in ruled_out
        if all(any(c.how == how and c.finding.startswith("No:") for c in checks) for checks in data.cause_checks.values())
    ]
    assert not [advice for advice in tries for how in always if how in advice]


def test_fits_a_phone(open_page: Callable, text: str, data: ReportData) -> None:
    page = opened_at(open_page, text, f"c={data.configurations[1].short}", width=390, height=844)
    assert page.evaluate("document.getElementById('drawer').scrollWidth") <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_hostile_names_stay_text(open_page: Callable) -> None:
    from dataclasses import replace

    study = synthetic.flowers()
    hostile = "<img src=x onerror=alert(1)>"
    trials = tuple(
        replace(trial, params={**trial.params, "augmentation": hostile}, cause=trial.cause and hostile) for trial in study.trials
    )
    text = render_report(replace(study, trials=trials))
    opened = open_page(text)
    opened.page.click("#ranked .row-name >> nth=0")
    opened.page.wait_for_selector("#drawer[open] .drawer-standing")
    assert opened.page.locator("#drawer img").count() == 0
    assert hostile in opened.page.inner_text("#drawer-body")
    assert opened.errors == []


def test_advice_that_goes_on_from_another_is_said_once() -> None:
    advice = Counter({"Lower it.": 2, "Lower it. Where layers are frozen, freeze their statistics.": 5, "Clip gradients.": 1})
    assert said_once(advice) == {"Lower it.": 7, "Where layers are frozen, freeze their statistics.": 5, "Clip gradients.": 1}
