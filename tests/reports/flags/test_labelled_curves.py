"""Agreement with people on real curves. The figures that count are printed by ``benchmarks/flags.py``; these bounds catch a regression."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.flags import find_flags, infer_num_val

if TYPE_CHECKING:
    from typing import Any

DATA = Path(__file__).parents[2] / "data"
NAMES = {"val_acc": "val_accuracy", "acc": "accuracy", "val_loss": "val_loss", "loss": "loss"}


def figures(of: dict[str, Any]) -> dict[str, Any]:
    return {name: of[name] for name in NAMES.values()}


@pytest.fixture(scope="module")
def labelled() -> list[dict[str, Any]]:
    return [of for name in ("labelled_curves.json", "labelled_curves_2.json") for of in json.loads((DATA / name).read_text())]


@pytest.fixture(scope="module")
def found(labelled: list[dict[str, Any]]) -> dict[str, set[str]]:
    return {
        of["id"]: {flag.name for flag in find_flags(figures(of), num_val=of["num_val"], num_classes=of["num_classes"])} for of in labelled
    }


def log(name: str) -> dict[str, list[float]]:
    with (DATA / name).open() as file:
        rows = list(csv.DictReader(file))
    return {NAMES[column]: [float(row[column]) for row in rows] for column in NAMES}


@pytest.mark.parametrize(
    ("flag", "precision", "recall"),
    [
        ("oscillating", 0.95, 0.95),
        ("collapsed", 0.95, 0.95),
        ("diverging", 0.95, 0.95),
        ("overfitting", 0.95, 0.95),
        ("unfinished", 0.85, 0.85),
        ("spiking", 0.85, 0.6),
    ],
)
def test_flags_agree_with_people(
    labelled: list[dict[str, Any]], found: dict[str, set[str]], flag: str, precision: float, recall: float
) -> None:
    judged = [of for of in labelled if of["labels"][flag] != "borderline"]
    hits = sum(of["labels"][flag] == "yes" and flag in found[of["id"]] for of in judged)
    flagged = sum(flag in found[of["id"]] for of in judged)
    wanted = sum(of["labels"][flag] == "yes" for of in judged)
    assert hits / flagged >= precision
    assert hits / wanted >= recall


def test_swings_that_readers_see_on_few_images_carry_both_verdicts(labelled: list[dict[str, Any]], found: dict[str, set[str]]) -> None:
    few = {of["id"]: of["num_val"] for of in labelled if of["labels"]["oscillating"] == "yes" and "noisy_validation" in found[of["id"]]}
    assert few == {"dev059": 284, "dev079": 254, "held036": 200}
    assert all("oscillating" in found[name] for name in few)


def test_sentences_give_accuracies_in_percent_and_their_differences_in_points(labelled: list[dict[str, Any]]) -> None:
    said = {flag.summary for of in labelled for flag in find_flags(figures(of), num_val=of["num_val"], num_classes=of["num_classes"])}
    said = {sentence for sentence in said if "loss rose" not in sentence}
    assert len(said) >= 100
    assert all("points" in sentence or " %" in sentence for sentence in said)
    assert not [sentence for sentence in said if re.search(r"\d\.\d\d", sentence)], "a fraction"


@pytest.mark.parametrize("flag", ["oscillating", "collapsed", "diverging", "overfitting", "unfinished", "spiking"])
def test_the_probability_of_a_flag_is_about_the_share_of_readers(labelled: list[dict[str, Any]], flag: str) -> None:
    """Told shares may be lower: with few positives the calibration leans to the middle."""
    told, agreed = [], []
    for of in labelled:
        for each in find_flags(figures(of), num_val=of["num_val"], num_classes=of["num_classes"]):
            if each.name == flag and each.probability is not None:
                told.append(each.probability)
                agreed.append({"yes": 1.0, "borderline": 0.5, "no": 0.0}[of["labels"][flag]])
    assert len(told) >= 7
    assert sum(told) / len(told) <= sum(agreed) / len(agreed) + 0.1
    assert all(0.1 <= each <= 1.0 for each in told)


def test_the_alternating_reference_run_swings_every_other_epoch_by_about_a_fifth() -> None:
    flag = next(flag for flag in find_flags(log("alternating_plain_cnn.csv"), num_val=10_401) if flag.name == "oscillating")
    assert flag.severity == "high"
    assert flag.evidence["period"] == 2
    assert 0.18 <= flag.evidence["amplitude"] <= 0.25
    assert flag.evidence["epochs"] == (2, 39)
    assert "learning rate" in flag.advice


def test_the_frozen_reference_run_is_stuck_at_chance_with_a_saturated_loss() -> None:
    flags = {flag.name: flag for flag in find_flags(log("frozen_resnet50_erratic.csv"), num_classes=2)}
    assert flags["collapsed"].evidence["chance"] == 0.5
    assert flags["collapsed"].evidence["saturated_loss"] is True
    assert "overfitting" in flags
    assert "oscillating" not in flags


def test_the_validation_size_read_off_the_values_is_that_of_the_images_judged(labelled: list[dict[str, Any]]) -> None:
    sizes = {of["id"]: of["num_val"] for of in labelled if of["num_val"]}
    believed = {of["id"]: size for of in labelled if of["num_val"] and (size := infer_num_val(of["val_accuracy"])) is not None}
    others = {name: size for name, size in believed.items() if size != sizes[name]}
    assert sum(name.startswith("dev") for name in believed) >= 49
    assert all(name.startswith("held") for name in others)
    assert set(others.values()) == {21, 3584, 3616, 3624}, "these runs judged whole batches, and so fewer images than their set has"
    assert all(size < sizes[name] for name, size in others.items())
