"""Hostile names and odd studies: everything renders, nothing runs, nothing is requested."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import synthetic_studies as synthetic

from reports.page import render_comparison, render_report
from reports.records import ParameterRecord, StudyRecord

if TYPE_CHECKING:
    from collections.abc import Callable

NASTY = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>'\"`{{7*7}}&amp;\u2028\u202e\u05d0\u05d1\U0001f600"


def hostile() -> StudyRecord:
    """Every text that a user or a file can bring is hostile."""
    study = synthetic.flowers()
    trials = tuple(
        replace(
            trial,
            configuration=f"{trial.configuration}{NASTY}" if trial.number % 5 == 0 else trial.configuration,
            params={f"{name}{NASTY}": (NASTY if isinstance(value, str) else value) for name, value in trial.params.items()},
            cause=NASTY,
            error=f"Traceback\n{NASTY}" if trial.state == "FAIL" else None,
            attempts=tuple(replace(run, worker=NASTY, driver=NASTY) for run in trial.attempts),
        )
        for trial in study.trials
    )
    return replace(
        study,
        name=NASTY,
        trials=trials,
        parameters=tuple(replace(p, name=f"{p.name}{NASTY}", labels=tuple(NASTY for _ in p.labels)) for p in study.parameters),
        sweep_file=NASTY,
        versions={NASTY: NASTY},
        hardware={NASTY: NASTY},
        facts={NASTY: NASTY, "command": NASTY},
    )


def crowded() -> StudyRecord:
    """200 parameters."""
    study = synthetic.many(6, 12)
    names = [f"parameter_{index:03d}" for index in range(200)]
    return replace(
        study,
        parameters=tuple(ParameterRecord(name, "float", low=0.0, high=1.0) for name in names),
        trials=tuple(
            replace(trial, params={name: ((trial.number * 7 + i) % 10) / 10 for i, name in enumerate(names)}) for trial in study.trials
        ),
    )


def states_only(state: str) -> StudyRecord:
    study = synthetic.flowers()
    return replace(study, trials=tuple(replace(trial, state=state, curves={}, attempts=(), error="boom") for trial in study.trials[:4]))


def gappy() -> StudyRecord:
    """NaN, infinities and missing epochs."""
    curve = np.linspace(0.2, 0.9, 20, dtype=np.float32)
    curve[[3, 4, 11]] = np.nan
    curve[15] = np.inf
    return synthetic.single(curve)


def old_schema() -> StudyRecord:
    """Parameters and curves that the study no longer describes; no figures, attempts or times."""
    study = synthetic.flowers()
    old = tuple(
        replace(
            trial, params={"lr": 0.01, "pooling": "avg"}, figures={}, attempts=(), curves={"val_accuracy": trial.curves["val_accuracy"]}
        )
        for trial in study.trials[:5]
    )
    return replace(study, trials=old + study.trials[5:], versions={}, hardware={}, facts={}, created=None, updated=None, sweep_file="")


def loss_ranked() -> StudyRecord:
    return replace(synthetic.flowers(), metric="val_loss", maximize=False)


STUDIES = {
    "no trials": lambda: replace(synthetic.flowers(), trials=()),
    "one trial": lambda: synthetic.single(synthetic.val_accuracy("steady", 20, 0.9, np.random.default_rng(0))),
    "one epoch": lambda: synthetic.single(np.array([0.5], dtype=np.float32)),
    "only failed": lambda: states_only("FAIL"),
    "only running": lambda: states_only("RUNNING"),
    "only waiting": lambda: states_only("WAITING"),
    "all missing": lambda: synthetic.single(np.full(9, np.nan, dtype=np.float32)),
    "gaps and infinities": gappy,
    "10,000 epochs": lambda: synthetic.single(synthetic.val_accuracy("oscillating", 10_000, 0.8, np.random.default_rng(1))),
    "200 parameters": crowded,
    "older schema": old_schema,
    "ranked by loss": loss_ranked,
    "log": lambda: synthetic.single(
        synthetic.val_accuracy("oscillating", 39, 0.8, np.random.default_rng(1)), name="train.log", kind="logs"
    ),
    "hostile names": hostile,
}


@pytest.mark.parametrize("name", STUDIES)
def test_renders(open_page: Callable, name: str) -> None:
    opened = open_page(render_report(STUDIES[name]()))
    page = opened.page
    page.wait_for_timeout(60)
    assert page.inner_text("h1")
    assert "hacked" not in page.evaluate("Object.keys(window)")
    assert opened.errors == []
    assert all(url.startswith(("file:", "data:")) for url in opened.requests)
    assert "nan" not in page.inner_text(".first-screen").lower()
    assert "undefined" not in page.inner_text("main")


def test_hostile_names_are_shown_as_they_are(open_page: Callable) -> None:
    page = open_page(render_report(hostile())).page
    assert page.locator("img").count() == 0
    assert page.text_content(".eyebrow bdi") == NASTY
    assert NASTY in (page.text_content("#reproduce pre") or "")
    page.fill("#filter-text", "<script>")
    assert page.locator("#ranked tbody tr").count() > 0


def test_a_short_dip_of_a_long_curve_is_still_drawn(open_page: Callable) -> None:
    curve = np.full(10_000, 0.9, dtype=np.float32)
    curve[6_321] = 0.1
    page = open_page(render_report(synthetic.single(curve))).page
    path = page.get_attribute(".curve-chart-area .series:not(.series-training):not(.series-held)", "d")
    assert path
    heights = [float(point.split(" ")[1]) for point in re.split("[ML]", path) if point]
    assert len(heights) <= 500
    assert max(heights) - heights[0] > 190  # of 218


def test_comparison_of_odd_studies(open_page: Callable) -> None:
    opened = open_page(render_comparison([synthetic.flowers(), hostile(), STUDIES["no trials"](), loss_ranked()]))
    assert "holds most" in opened.page.inner_text("h1")
    assert "different metrics" in opened.page.inner_text("#answer")
    assert opened.page.locator("#studies tbody tr").count() == 4
    assert opened.errors == []
    assert opened.page.evaluate("typeof window.hacked") == "undefined"
