"""Agreement with people on real curves. The figures that count are printed by ``benchmarks/flags.py``; these bounds catch a regression."""

from __future__ import annotations

import csv
import json
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
    return json.loads((DATA / "labelled_curves.json").read_text())


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
        ("oscillating", 0.95, 0.85),
        ("collapsed", 0.8, 0.8),
        ("diverging", 0.6, 1.0),
        ("overfitting", 0.9, 0.95),
        ("unfinished", 0.85, 0.85),
        ("spiking", 0.6, 0.6),
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


def test_the_noise_test_costs_the_two_curves_that_their_images_explain(labelled: list[dict[str, Any]], found: dict[str, set[str]]) -> None:
    missed = {of["id"]: of["num_val"] for of in labelled if of["labels"]["oscillating"] == "yes" and "oscillating" not in found[of["id"]]}
    assert missed == {"dev059": 284, "dev079": 254}
    assert all("noisy_validation" in found[name] for name in missed)


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


def test_the_validation_size_read_off_the_values_is_exact_wherever_it_is_believed(labelled: list[dict[str, Any]]) -> None:
    believed = {of["id"]: infer_num_val(of["val_accuracy"]) for of in labelled if of["num_val"]}
    wrong = {name for name, size in believed.items() if size and size != next(of["num_val"] for of in labelled if of["id"] == name)}
    assert wrong == set()
    assert sum(size is not None for size in believed.values()) >= 49
