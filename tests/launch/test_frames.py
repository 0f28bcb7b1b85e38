"""A study as tables of pandas, and as a notebook shows it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from killable import sweep_in
from playwright.sync_api import sync_playwright

from reports.ranking import rank
from sweeps import Sweep
from sweeps.executor.inline import InlineExecutor
from sweeps.record.errors import StudyNotFoundError
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from pathlib import Path

MOMENTA = "{learning_rate: {float: [1.0e-5, 1.0e-1], log: true}, bn_momentum: {choice: [0.5, 0.9]}}"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Two configurations with two momenta each, and two confirmations."""
    text = sweep_in(tmp_path_factory.mktemp("swept"), space=MOMENTA, search="{trials: 2, pruner: none}", confirm="{top: 2, seeds: 1}")
    sweep = Sweep(sweep_from_text(text))
    run_study(sweep.settings, InlineExecutor(), trainable="fast_training:train")
    return sweep


def test_a_row_a_trial_holds_settings_scores_and_figures(swept: Sweep) -> None:
    frame, record = swept.to_frame(), swept.record
    assert list(frame.index) == [trial.number for trial in record.trials] == list(range(6))
    assert frame["role"].value_counts().to_dict() == {"search": 2, "sibling": 2, "confirmation": 2}
    for trial in record.trials:
        row = frame.loc[trial.number]
        assert (row["params_learning_rate"], row["params_bn_momentum"]) == (trial.params["learning_rate"], trial.params["bn_momentum"])
        assert (row["stable"], row["last"]) == (trial.score["stable"], trial.curves["val_accuracy"][-1])
        assert row["exported_val_accuracy"] == trial.figures["exported_val_accuracy"]
        assert row["epochs"] == 5
    assert frame["carrier"].dropna().tolist() == [trial.carrier for trial in record.trials if trial.role == "sibling"]
    assert frame.sort_values("stable").index[-1] in record.to_frame().nlargest(1, "stable").index


def test_a_row_an_epoch_holds_every_curve(swept: Sweep) -> None:
    frame = swept.to_frame(epochs=True)
    assert frame.index.names == ["number", "epoch"]
    for trial in swept.record.trials:
        assert frame.loc[trial.number].index.tolist() == [1, 2, 3, 4, 5]
        for metric, curve in trial.curves.items():
            assert np.array_equal(frame.loc[trial.number][metric], curve)


def test_the_best_is_the_one_to_take(swept: Sweep) -> None:
    assert swept.best is not None
    assert swept.best.configuration == rank(swept.record).recommended


def test_a_notebook_shows_leaders_and_the_report_inline(swept: Sweep, tmp_path: Path) -> None:
    assert swept.best is not None
    shown = swept._repr_html_()
    assert f"(take)</td><td>{swept.best.short}</td>" in shown
    assert "learning_rate=" in shown
    report = swept.report(tmp_path / "page.html")
    page = report.path.read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        try:
            errors: list[str] = []
            notebook = browser.new_page()
            notebook.on("pageerror", lambda error: errors.append(error.message))
            notebook.set_content(f"<body>{report._repr_html_()}</body>")
            frame = notebook.frames[-1]
            frame.wait_for_selector("h1")
            assert frame.title() in page.replace("&#39;", "'")
            frame.wait_for_selector("#explorer svg, #explorer canvas")
            assert errors == []
        finally:
            browser.close()


def test_a_sweep_that_was_not_run_says_so(tmp_path: Path) -> None:
    sweep = Sweep(sweep_from_text(sweep_in(tmp_path)))
    assert "varies learning_rate, dropout" in repr(sweep)
    assert "not run yet" in sweep._repr_html_()
    with pytest.raises(StudyNotFoundError):
        sweep.to_frame()
