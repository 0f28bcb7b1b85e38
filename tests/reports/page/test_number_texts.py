"""A number reads the same wherever it stands on the page: Python wrote it, the scripts only show it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import synthetic_studies as synthetic

from reports import wording
from reports.page import render_report
from reports.page.parameters_view import parameter_plots
from reports.page.payload import value_texts
from reports.page.ranking_view import cell_note, cell_text, columns
from reports.records import ParameterRecord, StudyRecord, TrialRecord
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

AWKWARD = (0.8125, 1.234e-05, 0.99995, 0.0, 1.0, 0.3125, 0.00000012345, float("nan"))
"""Ties between two decimals, exponents, what rounds up to a whole, and what is no number."""
SPACE = (ParameterRecord("learning_rate", "float", log=True, low=1.25e-5, high=0.5), ParameterRecord("dropout", "float", low=0.0, high=0.6))


def study(metric: str) -> StudyRecord:
    """One configuration for each awkward value, which it holds in all epochs, and one that goes through them."""
    curves = [*(np.full(12, value, dtype=np.float32) for value in AWKWARD), np.resize(np.array(AWKWARD, dtype=np.float32), 12)]
    trials = []
    for number, curve in enumerate(curves):
        params = {"learning_rate": 1.25e-5 * 10**number if number < 5 else 0.03125, "dropout": 0.3125}
        trials.append(TrialRecord(number, f"configuration{number}", "search", "COMPLETE", number, params, {metric: curve}, 12))
    return StudyRecord("awkward", "study", metric, maximize=metric != "val_loss", trials=tuple(trials), parameters=SPACE, num_val=2000)


def test_what_has_not_come_to_its_end_enters_no_map_and_says_the_epoch_of_its_level() -> None:
    whole = study("val_accuracy")
    pruned = [
        replace(
            trial,
            number=100 + trial.number,
            configuration=f"pruned{trial.number}",
            state="PRUNED",
            curves={"val_accuracy": np.full(6, 0.999, dtype=np.float32)},
        )
        for trial in whole.trials[:3]
    ]
    data, before = (build_report_data(replace(whole, trials=trials)) for trials in ((*whole.trials, *pruned), whole.trials))
    assert len(data.configurations) == len(before.configurations) + 3
    assert parameter_plots(data) == parameter_plots(before)
    assert [row.configuration for row in data.ranked] == [row.configuration for row in before.ranked]
    assert [item.configurations for item in data.importance] == [item.configurations for item in before.importance]
    shown = {column.key: column for column in columns(data)}
    for row in data.configurations:
        if row.configuration.startswith("pruned"):
            assert cell_text(row, shown["stable"], "val_accuracy") == cell_text(row, shown["rank"], "val_accuracy") == wording.MISSING
            assert cell_text(row, shown["level"], "val_accuracy") == "99.9"
            assert cell_note(row, shown["level"], "val_accuracy") == "at epoch 6 of 12"


def test_figures_behind_a_flag_are_on_the_scale_of_its_sentence() -> None:
    assert wording.evidence(0.1234, "amplitude") == "12.3 points"
    assert wording.evidence(0.31, "val_accuracy") == "31.0 %"
    assert wording.evidence(float("nan"), "noise") == "not finite"
    assert wording.evidence(0.2174, "val_loss_rise") == "22 %"
    assert wording.evidence(4.5, "loss_ratio") == "4.5"
    assert wording.points(0.25, "val_loss") == "0.25"


def cells(page: Page) -> list[list[str]]:
    script = "() => [...document.querySelectorAll('#ranked tbody tr')].map(row => [...row.querySelectorAll('td:not(.col-check), th')].map(cell => cell.innerText.trim()))"
    drawn: list[list[str]] = page.evaluate(script)
    return drawn


@pytest.mark.parametrize("metric", ["val_accuracy", "val_loss"])
def test_awkward_values_read_alike_in_table_tooltips_and_axes(open_page: Callable, metric: str) -> None:
    record = study(metric)
    text = render_report(record)
    static = cells(open_page(text, scripts=False).page)
    opened = open_page(text)
    page = opened.page
    assert cells(page) == static
    held = {row[1]: row[3].split("\n")[0] for row in static}
    assert [held[f"configuration{number}"] for number in range(len(AWKWARD))] == [
        wording.score(float(np.float32(value)), metric, unit=False) for value in AWKWARD
    ]

    page.wait_for_selector("#marginals .scatter")
    page.focus("#marginals [data-parameter='0'] .scatter")
    marks = set()
    for key in ["Home", *["ArrowRight"] * len(AWKWARD)]:
        page.keyboard.press(key)
        name, _, rest = page.inner_text("#marginals-readout").partition(" ")
        marks.add(name)
        assert rest.endswith(f": holds {held[name]}"), rest
    assert len(marks) == sum(value != wording.MISSING for value in held.values())

    for number in range(len(AWKWARD) + 1):
        box = page.locator(f"input[data-id='configuration{number}']")
        if not box.is_checked():
            box.check()
    page.focus("#curve-chart .curve-chart-area")
    for epoch, key in enumerate(["Home", *["ArrowRight"] * (len(AWKWARD) - 1)]):
        page.keyboard.press(key)
        read = dict(part.rsplit(" ", 1) for part in page.inner_text("#curve-readout").partition(": ")[2].split("; "))
        expected = {
            trial.configuration: wording.score(float(trial.curves[metric][epoch]), metric, unit=False)
            for trial in record.trials
            if np.isfinite(trial.curves[metric][epoch])
        }
        assert read == expected
        tip = dict(line.split("\t") for line in page.inner_text("#curve-chart .tip table").strip().split("\n")[1:])
        assert {name: value for name, value in tip.items() if value != wording.MISSING} == expected
    assert opened.errors == []


@pytest.mark.parametrize(("metric", "low", "high"), [("val_accuracy", 0.8, 0.85), ("val_loss", 1.2e-05, 9e-05), ("val_loss", 0.0, 4000.0)])
def test_axis_texts_are_pythons(open_page: Callable, metric: str, low: float, high: float) -> None:
    curve = np.linspace(low, high, 30).astype(np.float32)
    page = open_page(
        render_report(
            replace(
                synthetic.single(curve), metric=metric, trials=(TrialRecord(0, "only", "search", "COMPLETE", 0, {}, {metric: curve}, 30),)
            )
        )
    ).page
    texts = page.locator("#curve-chart .tick-value").all_text_contents()
    factor = 100 if wording.is_fraction(metric) else 1
    values = [float(text) / factor for text in texts]
    step = values[1] - values[0]
    assert 3 <= len(texts) <= 12
    assert np.allclose(np.diff(values), step)
    assert texts == [wording.tick(value, float(f"{step:.6g}"), metric) for value in values]


def test_every_value_has_the_text_of_the_last_start_below_it() -> None:
    values = np.unique(
        np.concatenate([np.random.default_rng(0).uniform(0, 1, 3000), np.arange(0, 1.0001, 0.0625), AWKWARD[:-1]]).astype("<f4")
    )
    for metric in ("val_accuracy", "val_loss"):
        import base64

        table = value_texts(values, metric)
        starts = np.frombuffer(base64.b64decode(str(table["starts"])), dtype="<f4")
        texts = list(table["texts"])  # type: ignore[call-overload]  # a list of texts
        assert len(texts) == len(starts)
        for value in values:
            assert texts[int(np.searchsorted(starts, value, side="right")) - 1] == wording.score(float(value), metric, unit=False)
