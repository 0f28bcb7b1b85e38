"""What a model card says of the file beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.ranking import rank
from sweeps.cli.model_card import Delivery, model_card
from tests.reports.synthetic_studies import flowers

if TYPE_CHECKING:
    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord


BESIDE = Delivery("validation.csv", (), (64, 64, 3))


def parts() -> tuple[StudyRecord, RankedConfiguration, TrialRecord]:
    study = flowers()
    best = rank(study).configurations[0]
    return study, best, next(trial for trial in best.trials if trial.state == "COMPLETE")


def test_accuracy_is_that_of_the_file_also_where_statistics_were_recomputed_after_training() -> None:
    study, best, trial = parts()
    figures = {**trial.figures, "exported_val_accuracy": 0.5, "precise_bn_val_accuracy": 0.875}
    card = model_card(study, best, replace(trial, figures=figures), 0.8125, BESIDE)
    assert "| validation accuracy of this file | 87.5 % |" in card
    assert "| test accuracy of this file | 81.2 % |" in card


def test_outputs_are_named_in_their_order() -> None:
    study, best, trial = parts()
    told = replace(trial, facts={"class_names": "daisy, rose"})
    assert "Its outputs are the probabilities of daisy, rose." in model_card(study, best, told, "not measured", BESIDE)
    card = model_card(study, best, told, "not measured", replace(BESIDE, sigmoid=True))
    assert "Its one output is the probability of the second of daisy, rose." in card
    assert "argmax" not in card


def test_curve_flags_and_confidence_are_told() -> None:
    study, best, trial = parts()
    card = model_card(study, best, trial, "not measured: there is no test split", BESIDE)
    assert "## Curve\n\n`" in card
    assert all(f"- {flag.name} ({flag.severity}): " in card for flag in best.flags)
    low, high = best.stable_interval or (0.0, 0.0)
    assert (f"| {100 * low:.1f} to {100 * high:.1f} %" in card) == (best.stable_interval is not None)
    unsure = replace(best, stable_interval=None)
    assert "| a new training, 95 % | " in model_card(study, replace(unsure, seeds=1), trial, "", BESIDE)
    assert "one seed: this run only" in model_card(study, replace(unsure, seeds=1), trial, "", BESIDE)
    assert f"not known from {best.epochs} epochs" in model_card(study, replace(unsure, seeds=3), trial, "", BESIDE)
    assert "Nothing was varied" in model_card(study, replace(best, params={}), trial, "", BESIDE)


def test_the_lines_are_five_at_most_and_parse_whatever_lies_beside_the_card() -> None:
    study, best, trial = parts()
    for delivery in (
        BESIDE,
        replace(BESIDE, sigmoid=True, image_shape=(28, 28, 1)),
        replace(BESIDE, validation="validation.npz", own_layers=("my_net.Squash",)),
        replace(BESIDE, validation=""),
    ):
        code = model_card(study, best, trial, "", delivery).split("```python\n")[1].split("```")[0]
        compile(code, "card", "exec")
        assert len(code.splitlines()) <= 5
        assert "trainer" not in code
        assert "yaml" not in code
        assert ("custom_objects" in code) == bool(delivery.own_layers)


def test_own_layers_and_formats_of_one_size_are_told() -> None:
    study, best, trial = parts()
    card = model_card(study, best, trial, "", replace(BESIDE, own_layers=("my_net.Squash",), formats=("keras", "onnx")))
    assert "layers of your own (my_net.Squash): the code of my_net must be importable" in card
    assert "In onnx the model takes images that are 64x64 already" in card
