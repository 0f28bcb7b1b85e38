"""Studies beside one another, on a page of their own and in a report's appendix: curves, cost, and the settings in which they differ."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import synthetic_studies as synthetic

from reports.page import render_comparison, render_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.records import StudyRecord

LINES = re.compile(r'<path class="course-line series-(\d)" d="([^"]+)"><title>([^<]+)</title>')


def other() -> StudyRecord:
    """A study that fixes a setting which the first one searches, and trains otherwise."""
    study = synthetic.many(8, 20)
    file = synthetic.SWEEP_FILE.replace("optimizer: adam", "optimizer: sgd, bn_momentum: 0.9").replace(
        "  bn_momentum: {choice", "  # {choice"
    )
    parameters = tuple(parameter for parameter in study.parameters if parameter.name != "bn_momentum")
    trials = tuple(
        replace(trial, params={name: value for name, value in trial.params.items() if name != "bn_momentum"}) for trial in study.trials
    )
    return replace(study, sweep_file=file, parameters=parameters, trials=trials)


def settings(page: object) -> dict[str, list[str]]:
    """Name of each row of the table of settings, and what it says of each study."""
    rows = page.locator("table.spaces tbody tr").all()  # type: ignore[attr-defined]
    return {row.locator("th").inner_text(): [cell.inner_text() for cell in row.locator("td").all()] for row in rows}


def test_comparison_draws_the_curves_and_the_best_so_far_against_gpu_hours(open_page: Callable) -> None:
    text = render_comparison([synthetic.flowers(), other()])
    page = open_page(text, width=1440).page
    curves, course = page.locator("figure:has(#first-curves-title)"), page.locator("figure:has(#best-so-far-title)")
    assert [name.partition(",")[0] for name in curves.locator("li").all_inner_texts()] == ["flowers-transfer", "large"]
    assert course.locator("li").all_inner_texts() == ["flowers-transfer", "large"]
    assert "over GPU-hours of all workers together" in course.inner_text()
    paths = [(place, path) for place, path, name in LINES.findall(text) if "," not in name]
    assert [place for place, _ in paths] == ["1", "2"]
    assert max(float(path.rpartition("H")[2]) for _, path in paths) == 1000.0
    assert "Best so far against what it cost" not in render_comparison([synthetic.flowers()])


def test_trainings_that_share_a_worker_share_its_cores(open_page: Callable) -> None:
    """Half an hour of two cores is an hour, however many trainings went on in it."""
    study = synthetic.many(4, 20)
    file = synthetic.SWEEP_FILE + "resources: {cpu: 2.0}\n"
    attempt = replace(synthetic.attempt(0, 0, 30.0, "completed"), gpu=0.0)
    together = replace(study, sweep_file=file, trials=tuple(replace(trial, attempts=(attempt,)) for trial in study.trials))
    half = replace(together, name="half", sweep_file=synthetic.SWEEP_FILE + "resources: {cpu: 1.0}\n")
    page = open_page(render_comparison([together, half])).page
    figure = page.locator("figure:has(#best-so-far-title)")
    assert "CPU-hours" in figure.inner_text()
    assert figure.locator(".x-ticks text").all_text_contents()[-1] == "1"
    ends = {name: float(path.rpartition("H")[2]) for _, path, name in LINES.findall(page.content()) if "," not in name}
    assert ends == {"large": 1000.0, "half": 500.0}


@pytest.mark.parametrize("in_appendix", [True, False])
def test_settings_that_differ_stand_beside_one_another(open_page: Callable, *, in_appendix: bool) -> None:
    studies = [synthetic.flowers(), other()]
    text = render_report(studies[0], others=studies[1:]) if in_appendix else render_comparison(studies)
    opened = open_page(text)
    if in_appendix:
        assert "1 other study compared" in opened.page.inner_text("#appendix summary")
        opened.page.click("nav a[href='#appendix']")
        opened.page.wait_for_selector("#others", state="visible")
    table = settings(opened.page)
    assert table["training.optimizer"] == ["fixed adam", "fixed sgd"]
    searched, fixed = table["bn_momentum"]
    assert searched.startswith("0.5, 0.9, 0.99")
    assert fixed == "fixed 0.9"
    assert "training.bn_momentum" not in table
    assert "training.epochs" not in table
    assert re.search(r"\d+ settings are fixed alike", opened.page.inner_text("main"))
    assert not opened.errors


def test_the_navigation_calls_each_section_by_its_heading(open_page: Callable, text: str) -> None:
    """Only the first, whose heading is the answer itself, has a name of its own."""
    for page in (open_page(text).page, open_page(render_comparison([synthetic.flowers(), other()])).page):
        names = {link.get_attribute("href"): link.inner_text() for link in page.locator("nav a").all()}
        assert names.pop("#answer") == "Answer"
        assert names == {href: page.inner_text(f"{href} h2 >> nth=0") for href in names}
