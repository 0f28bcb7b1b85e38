"""Verdicts as data: figures, sizes, phases and what a log can test."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reports.diagnosis import diagnose_run, to_text
from reports.logs import LoggedRun, read_log, read_text
from reports.stability import stability

if TYPE_CHECKING:
    from pathlib import Path


def run_of(accuracy: list[float], rate: list[float] | None = None, **settings: object) -> LoggedRun:
    curves = {"val_accuracy": np.array(accuracy), "accuracy": np.linspace(0.6, 0.9, len(accuracy))}
    if rate is not None:
        curves["learning_rate"] = np.array(rate)
    printed = {"val_accuracy": tuple(f"{value:.4f}" for value in accuracy)}
    return LoggedRun("x.csv", "fit 1", "CSV table", curves, printed, **settings)


def test_figures_are_those_of_the_curve(alternating_log: Path) -> None:
    (run,) = read_log(alternating_log)
    verdict = diagnose_run(run, num_val=10401)

    figures = verdict.val_accuracy
    score = stability(run.curves["val_accuracy"])
    assert (figures.best, figures.best_epoch, figures.last) == (0.9877, 23, 0.9861)
    assert (figures.level, figures.stable, figures.spread) == (score.level, score.stable, score.spread)
    assert (verdict.num_val, verdict.num_val_source) == (10401, "given")
    assert verdict.val_loss.best == min(run.curves["val_loss"])
    assert verdict.val_loss.stable >= verdict.val_loss.level


def test_the_phases_of_an_alternating_run(alternating_log: Path) -> None:
    (run,) = read_log(alternating_log)

    phases = diagnose_run(run).phases

    assert phases.high == pytest.approx(0.984, abs=0.003)
    assert phases.high_is_odd
    assert phases.low < 0.85


def test_a_steady_run_has_neither_flags_nor_causes(steady_log: Path) -> None:
    (run,) = read_log(steady_log)

    verdict = diagnose_run(run)

    assert verdict.flags == ()
    assert verdict.causes == ()
    assert verdict.phases is None
    assert (verdict.num_val, verdict.num_val_source) == (2000, "log")


def test_the_size_of_the_validation_set_is_read_off_the_values() -> None:
    rows = "".join(f"{k},0.5,{round(k * 0.71 + 200) / 284:.4f}\n" for k in range(12))
    (run,) = read_text("epoch,loss,val_acc\n" + rows)

    verdict = diagnose_run(run)

    assert verdict.num_val_source == "inferred"
    assert 284 % verdict.num_val == 0


def test_a_log_without_validation() -> None:
    (run,) = read_text("epoch,loss,acc\n0,0.5,0.5\n1,0.4,0.6\n")

    verdict = diagnose_run(run)

    assert (verdict.val_accuracy, verdict.val_loss, verdict.num_val) == (None, None, None)


def test_a_run_whose_loss_failed_is_diverging() -> None:
    (run,) = read_text(
        "epoch,loss,acc,val_loss,val_acc\n"
        + "".join(f"{k},{'nan' if k > 5 else 0.5},0.5,{'nan' if k > 5 else 0.6},0.5\n" for k in range(9))
    )

    verdict = diagnose_run(run)

    diverging = next(flag for flag in verdict.flags if flag.name == "diverging")
    assert diverging.evidence["epochs"][0] == 6, "as the log numbers it"
    assert verdict.val_loss.last is None


def test_a_calmer_curve_after_a_lower_rate_is_told_and_called_no_test() -> None:
    """A third of the swinging runs whose rate never falls calm as much by themselves."""
    swings = [0.8 + (0.1 if k % 2 else -0.1) for k in range(14)]
    calmer = [0.88 + (0.02 if k % 2 else -0.02) for k in range(12)]

    falling = {cause.cause: cause for cause in diagnose_run(run_of(swings + calmer, [1e-3] * 14 + [1e-4] * 12)).causes}
    constant = {cause.cause: cause for cause in diagnose_run(run_of(swings * 2, [1e-3] * 28)).causes}

    rate = falling["the learning rate is too high"]
    assert not rate.tested
    assert rate.finding.startswith(
        "Accuracy moved by 20.0 points an epoch before the learning rate reached 0.0001 at epoch 15, by 4.0 points after."
    )
    assert "That is no test" in rate.finding
    assert not constant["the learning rate is too high"].tested


def test_fit_on_arrays_rules_out_windows_and_coverage() -> None:
    verdict = diagnose_run(run_of([0.8 + (0.1 if k % 2 else -0.1) for k in range(20)], whole_set=True, num_train=4000, num_val=1000))

    tested = {cause.cause: cause.finding for cause in verdict.causes if cause.tested}
    assert tested["each epoch is validated on other images"].startswith("No: ")
    assert tested["an epoch does not cover the training data"].startswith("No: ")


def test_values_of_fewer_images_than_the_set_has_show_windows() -> None:
    verdict = diagnose_run(run_of([(240 + (37 if k % 2 else -41) + round(k * 0.7)) / 320 for k in range(20)]), num_val=999)

    windows = verdict.causes[0]
    assert windows.tested
    assert "320 of 999" in windows.finding


def test_values_of_a_divisor_of_the_stated_images_show_windows() -> None:
    counts = [13, 13, 10, 15, 13, 14, 15, 17, 18, 14, 16, 14, 14, 17, 19, 14, 17, 16, 17, 18]
    causes = {cause.cause: cause for cause in diagnose_run(run_of([k / 21 for k in counts], num_val=651)).causes}
    assert "an epoch saw 21 of 651 images" in causes["each epoch is validated on other images"].finding


def test_nothing_is_claimed_tested_without_evidence(alternating_log: Path) -> None:
    (run,) = read_log(alternating_log)

    causes = diagnose_run(run, num_val=10401).causes

    assert len(causes) == 4
    assert not any(cause.tested for cause in causes)
    assert all(cause.how for cause in causes)
    assert "Training accuracy moves by" in causes[2].finding
    assert not any(math.isnan(value) for value in run.curves["val_accuracy"])


def test_a_resumed_run_that_reached_its_planned_end_holds_and_one_that_was_cut_has_a_level() -> None:
    accuracies = [0.7, 0.72, 0.74, 0.75, 0.76, 0.76, 0.76]
    resumed = run_of(accuracies, planned_epochs=10, first_epoch=4)
    cut = run_of(accuracies, planned_epochs=10, first_epoch=1)
    assert "Holds 7" in to_text([diagnose_run(resumed)])
    assert "Level 75." in to_text([diagnose_run(cut)])
    assert "at epoch 7 of 10" in to_text([diagnose_run(cut)])
