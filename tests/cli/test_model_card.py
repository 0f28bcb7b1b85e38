"""What a model card says of the file beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.ranking import rank
from sweeps.cli.model_card import model_card
from tests.reports.synthetic_studies import flowers

if TYPE_CHECKING:
    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord


def parts() -> tuple[StudyRecord, RankedConfiguration, TrialRecord]:
    study = flowers()
    best = rank(study).configurations[0]
    return study, best, next(trial for trial in best.trials if trial.state == "COMPLETE")


def test_accuracy_is_that_of_the_file_also_where_statistics_were_recomputed_after_training() -> None:
    study, best, trial = parts()
    figures = {**trial.figures, "exported_val_accuracy": 0.5, "precise_bn_val_accuracy": 0.875}
    card = model_card(study, best, replace(trial, figures=figures), 0.8125)
    assert "| validation accuracy of this file | 0.8750 |" in card
    assert "| test accuracy of this file | 0.8125 |" in card


def test_outputs_are_named_in_their_order() -> None:
    study, best, trial = parts()
    told = replace(trial, facts={"class_names": "daisy, rose"})
    assert "Its outputs are the probabilities of daisy, rose." in model_card(study, best, told, "not measured")
    sigmoid = replace(study, sweep_file="model:\n  output: sigmoid\n")
    card = model_card(sigmoid, best, told, "not measured")
    assert "Its one output is the probability of the second of daisy, rose." in card
    assert "argmax" not in card


def test_curve_flags_and_confidence_are_told() -> None:
    study, best, trial = parts()
    card = model_card(study, best, trial, "not measured: there is no test split")
    assert "## Curve\n\n`" in card
    assert all(f"- {flag.name} ({flag.severity}): " in card for flag in best.flags)
    low, high = best.stable_interval or (0.0, 0.0)
    assert (f"{low:.4f} to {high:.4f}" in card) == (best.stable_interval is not None)
    unsure = replace(best, stable_interval=None)
    assert "| a new training, 95 % | " in model_card(study, replace(unsure, seeds=1), trial, "")
    assert "one seed: this run only" in model_card(study, replace(unsure, seeds=1), trial, "")
    assert f"not known from {best.epochs} epochs" in model_card(study, replace(unsure, seeds=3), trial, "")
    assert "Nothing was varied" in model_card(study, replace(best, params={}), trial, "")
