"""S2: a head on a frozen backbone. BatchNorm in batch mode, as Keras 2 ran frozen layers, trains it on features that prediction never shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from documents import Documents, Outcome, curve, flag, percent
from drawing import BLUE, GREEN, GREY, VERMILION, Line, chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TITLE = "a frozen backbone with BatchNorm: the head learns in training and fails in validation, while precomputed features work"
CHECKS = {"as it was": ("frozen_bn=batch", "backbone=pretrained:resnet"), "impossible": ("frozen_bn=batch", "frozen_features=precomputed")}
SMALL = ("training.epochs=12", "learning_rate=3e-3", "report.every=10m")

BAD_INPUT = 2
FAR = 0.2
"""Accuracy between what repairs and what fails; measured differences are twice as large."""
LUCK = 0.1
"""Accuracy by which two trainings of the same settings may differ: 3.5 standard deviations of a difference near .8 on 400 images, which is .028."""


def validation_fails(documents: Documents) -> Outcome:
    """The failure itself, in the recorded figures."""
    row = documents.baseline
    training, validation, loss = curve(row, "accuracy"), curve(row), curve(row, "val_loss")
    return Outcome(
        "in batch mode training accuracy climbs, validation accuracy stays far below and its loss rises",
        training[-1] - validation[-1] >= 2 * FAR and loss[-1] > min(loss) and row["params"]["frozen_bn"] == "batch",
        f"training {percent(training[-1])}, validation {percent(validation[-1])}, its loss {min(loss):.2f} at its lowest and {loss[-1]:.2f} at the end",
    )


def check_warns(documents: Documents) -> Outcome:
    """It could have been known before the first epoch."""
    found, refused = documents.checks["as it was"].finding("frozen_batch_statistics"), documents.checks["impossible"]
    return Outcome(
        "check warns of batch mode, and refuses to precompute features that depend on their batch",
        found is not None and refused.code == BAD_INPUT and refused.finding("precomputed_features") is not None,
        found["message"] if found else "no finding",
    )


def diagnosis_names_the_cause(documents: Documents) -> Outcome:
    """What the report says about it."""
    gap = flag(documents.baseline, "bn_gap")
    said = gap is not None and bool(gap["evidence"]["frozen_by_batch"]) and "frozen_bn: inference" in gap["advice"]
    others = [row for row in documents.ranking if flag(row, "bn_gap") and not _batch_mode(row)]
    return Outcome(
        "the diagnosis counts the frozen BatchNorm layers that trained by their batch; no other configuration has that gap",
        said and not others,
        gap["summary"] if gap else "no bn_gap",
    )


def repaired_rank_first(documents: Documents) -> Outcome:
    """The sweep's answer."""
    resnets = documents.where(backbone="resnet")
    repaired, failed = ([row for row in resnets if _batch_mode(row) is batch] for batch in (False, True))
    lowest, highest = min(row["stable"] for row in repaired), max(row["stable"] for row in failed)
    best = min(
        row["stable"] for row in documents.where(learning_rate=documents.ranking[0]["params"].get("learning_rate")) if row in repaired
    )
    return Outcome(
        "a repaired configuration ranks first, and every repaired ResNet holds far more than every one in batch mode",
        not _batch_mode(documents.ranking[0]) and best - highest >= FAR and lowest > highest,
        f"repaired ResNets hold {percent(lowest)} to {percent(max(row['stable'] for row in repaired))}, those in batch mode at most {percent(highest)}",
    )


def features_hold_what_images_hold(documents: Documents) -> Outcome:
    """Training on precomputed features is the same training; configurations have seeds of their own, so that they agree to luck only."""
    pairs = [
        (images["stable"], features["stable"])
        for images in documents.ranking
        for features in documents.ranking
        if images["params"].get("frozen_features") == "each_step" and _same_but(images, features, "frozen_features")
    ]
    apart = max((abs(one - other) for one, other in pairs), default=1.0)
    shares = {
        trial["figures"].get("precomputed_share") for row in documents.where(frozen_features="precomputed") for trial in row["trials"]
    }
    return Outcome(
        "heads on precomputed features hold what heads on images hold",
        len(pairs) >= 4 and apart <= LUCK and shares == {1.0},  # noqa: PLR2004 - two backbones, two ways of running them
        f"{len(pairs)} pairs hold the same to {100 * apart:.1f} points; the whole backbone ran once",
    )


def without_batchnorm_either_way(documents: Documents) -> Outcome:
    """The other backbone has nothing that could depend on the batch."""
    plain = documents.where(backbone="vgg")
    held = {mode: max(row["stable"] for row in plain if row["params"]["frozen_bn"] == mode) for mode in ("batch", "inference")}
    failed = max(row["stable"] for row in documents.ranking if _batch_mode(row))
    return Outcome(
        "the VGG-like backbone without BatchNorm works either way",
        abs(held["batch"] - held["inference"]) <= LUCK and held["batch"] - failed >= FAR,
        f"it holds {percent(held['batch'])} in batch mode and {percent(held['inference'])} in inference mode, the ResNet in batch mode {percent(failed)}",
    )


def draw_failure(documents: Documents) -> str:
    """Accuracies of the frozen ResNet in batch mode."""
    row = documents.baseline
    lines = [
        Line("training", curve(row, "accuracy"), BLUE, dashed=True),
        Line("validation, batch statistics", curve(row, "val_batch_accuracy"), GREY, dashed=True),
        Line("validation, as deployed", curve(row), VERMILION),
    ]
    return chart("Frozen BatchNorm in batch mode", lines)


def draw_repairs(documents: Documents) -> str:
    """Validation accuracy of each way to run the frozen part, at the baseline's learning rate."""
    rate = documents.baseline["params"].get("learning_rate")

    def of(backbone: str, mode: str, features: str | None = "each_step") -> Sequence[float]:
        (row,) = documents.where(backbone=backbone, frozen_bn=mode, frozen_features=features, learning_rate=rate)
        return curve(row)

    lines = [
        Line("ResNet, batch", of("resnet", "batch", None), VERMILION),
        Line("ResNet, inference", of("resnet", "inference"), GREEN),
        Line("the same, precomputed", of("resnet", "inference", "precomputed"), "#111827", dashed=True),
        Line("ResNet, re-estimated", of("resnet", "reestimate"), BLUE),
        Line("VGG-like, any mode", of("vgg", "batch", None), GREY),
    ]
    return chart("Validation accuracy by how the frozen part runs", lines)


def _batch_mode(row: Mapping[str, Any]) -> bool:
    return row["params"]["backbone"] == "resnet" and row["params"]["frozen_bn"] == "batch"


def _same_but(one: Mapping[str, Any], other: Mapping[str, Any], *names: str) -> bool:
    """Whether two configurations differ in some of these parameters and in nothing else."""
    keys = {*one["params"], *other["params"]}
    different = {key for key in keys if one["params"].get(key) != other["params"].get(key)}
    return bool(different) and different <= set(names)


FIGURES = {"s2-batch-mode.svg": draw_failure, "s2-repairs.svg": draw_repairs}
OUTCOMES = (
    validation_fails,
    check_warns,
    diagnosis_names_the_cause,
    repaired_rank_first,
    features_hold_what_images_hold,
    without_batchnorm_either_way,
)
