"""S0: a frozen backbone under images far from those it was trained on. Its features do not hold the classes, and its input path hid that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from documents import Documents, Outcome, curve, flag, percent
from drawing import BLUE, GREEN, GREY, VERMILION, Line, chart

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE = "validation accuracy stays at chance over a frozen backbone, while training accuracy climbs"

AS_IT_WAS = (
    "data.preprocessing=per_image_max",
    "data.sampling=with_replacement",
    "data.validation_windows=floor_batches",
    "training.loss=binary_crossentropy",
    "frozen_bn=batch",
    "frozen_layers=all",
    "dropout=0",
    "head_bn=false",
    "learning_rate=1e-3",
    "augmentation=rotate",
)
"""The training that went wrong, mistake by mistake; the frozen BatchNorm of the Keras of its time among them."""
MISTAKES = {"input_scaling", "per_image_max", "sampling_with_replacement", "validation_coverage", "loss_output", "frozen_batch_statistics"}
"""Pre-flight findings that name them."""
CHECKS = {"as it was": AS_IT_WAS}
TRAININGS = {"as-it-was": (*AS_IT_WAS, f"allow=[{', '.join(sorted(MISTAKES))}]")}
SMALL = ("data.split.train=500", "data.split.validation=300", "training.epochs=8", "search.trials=4", "report.every=10m")

BAD_INPUT = 2
LEARNT, CHANCE_BAND = 0.1, 0.1
"""Accuracy gained in training; and around one half in validation, where one class is predicted and each window holds another share of it."""
ONE_CLASS = 0.95
"""Share of the predicted class, late in the training."""
WORTH_IT = 0.04
"""Accuracy by which unfreezing beats the frozen backbone."""


def check_refuses(documents: Documents) -> Outcome:
    """Every mistake of the input path is known before the first epoch."""
    check = documents.checks["as it was"]
    found = {finding["name"] for finding in check.document["findings"]}
    return Outcome(
        "check names every mistake of the training as it was and refuses it; the repaired sweep file passes",
        check.code == BAD_INPUT and found >= MISTAKES and documents.checks["sweep"].code == 0,
        f"exit code {check.code}: {', '.join(sorted(found))}",
    )


def stays_at_chance(documents: Documents) -> Outcome:
    """The failure itself, in the recorded figures."""
    row = _as_it_was(documents)
    training, validation, share = (curve(row, name) for name in ("accuracy", "val_accuracy", "val_predicted_share"))
    return Outcome(
        "as it was, training accuracy climbs and one class is predicted for all validation images",
        max(training) - training[0] >= LEARNT
        and max(abs(value - 0.5) for value in validation) <= CHANCE_BAND
        and min(share[len(share) // 2 :]) >= ONE_CLASS,
        f"training {percent(training[0])} to {percent(training[-1])}, validation between {percent(min(validation))} and {percent(max(validation))}, "
        f"one class predicted for {percent(share[-1])} of the images",
    )


def diagnosis_names_the_cause(documents: Documents) -> Outcome:
    """What the report says about it."""
    collapsed, gap = (flag(_as_it_was(documents), name) for name in ("collapsed", "bn_gap"))
    named = collapsed is not None and "inputs are scaled" in collapsed["advice"] and "frozen_layers" in collapsed["advice"]
    by_batch = gap is not None and bool(gap["evidence"]["frozen_by_batch"])
    return Outcome(
        "the diagnosis calls it collapsed and blames input scaling and the frozen BatchNorm layers",
        named and by_batch,
        gap["summary"] if gap else "no bn_gap",
    )


def unfreezing_wins(documents: Documents) -> Outcome:
    """The sweep's answer: with the input path repaired, depth decides."""
    first = documents.ranking[0]
    frozen = max(row["stable"] for row in documents.ranking if row["params"]["frozen_layers"] == "all")
    return Outcome(
        "an unfrozen configuration ranks first, well above every one with the whole backbone frozen",
        first["params"]["frozen_layers"] in ("none", "50%") and first["stable"] - frozen >= WORTH_IT,
        f"frozen_layers {first['params']['frozen_layers']} holds {percent(first['stable'])}, the best of all frozen {percent(frozen)}",
    )


def depth_matters_most(documents: Documents) -> Outcome:
    """What the report says matters, and the starting points that differ in depth alone."""
    held = {depth: max((row["stable"] for row in documents.where(frozen_layers=depth)), default=None) for depth in ("all", "none")}
    found = next((item["parameters"] for item in documents.report["importance"] if item["target"] == "stable"), {})
    importance = {name: share for name, share in found.items() if share is not None}
    most = max(importance, key=lambda name: importance[name]) if importance else "too few trials to say"
    return Outcome(
        "the deeper the backbone is trained, the more it holds",
        held["none"] is not None and held["all"] is not None and held["none"] > held["all"],
        f"all frozen holds at most {percent(held['all'])}, nothing frozen {percent(held['none'])}; most important: {most}",
    )


def draw_failure(documents: Documents) -> str:
    """Training and validation accuracy as it was."""
    row = _as_it_was(documents)
    return chart(
        "As it was: accuracy in training and in validation",
        [Line("training", curve(row, "accuracy"), BLUE, dashed=True), Line("validation", curve(row), VERMILION)],
        low=0.4,
        step=0.1,
    )


def draw_depths(documents: Documents) -> str:
    """Validation accuracy of the starting points that differ in depth alone."""
    start = documents.baseline["params"]
    same = [row for row in documents.ranking if {**row["params"], "frozen_layers": None} == {**start, "frozen_layers": None}]
    colours = {"none": GREEN, "50%": BLUE, "75%": GREY, "all": VERMILION}
    lines = [Line(f"frozen: {row['params']['frozen_layers']}", curve(row), colours[row["params"]["frozen_layers"]]) for row in same]
    return chart("The input path repaired: validation accuracy by what is frozen", lines, low=0.4, step=0.1)


def _as_it_was(documents: Documents) -> Mapping[str, Any]:
    row: Mapping[str, Any] = documents.trainings["as-it-was"]["ranking"][0]
    return row


FIGURES = {"s0-as-it-was.svg": draw_failure, "s0-depths.svg": draw_depths}
OUTCOMES = (check_refuses, stays_at_chance, diagnosis_names_the_cause, unfreezing_wins, depth_matters_most)
