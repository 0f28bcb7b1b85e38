"""S1: three images, ResNet50 from scratch. Training accuracy 1.0, prediction one class, because BatchNorm's moving statistics never arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from documents import Documents, Outcome, curve, flag, percent
from drawing import BLUE, GREEN, GREY, VERMILION, Line, chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TITLE = "perfect in training, one class in prediction: BatchNorm's moving statistics lag behind"
CHECKS = {"as it was": ("precise_bn=off", "bn_momentum=0.99", "allow=[validation_is_train]")}
SMALL = ("model.backbone=small_resnet", "model.options={blocks: 4}", "data.image_size=16")

CHANCE = 1 / 3
FAST_ENOUGH = (0.5, 0.01)
"""Momenta that replace the initial statistics within 24 updates: .5^24 is nothing, .99^24 is 79 %."""
RIGHT = 0.99


def repaired(row: Mapping[str, Any]) -> bool:
    """Whether a configuration's statistics can arrive: exact ones before each validation, or a momentum that fits the number of updates."""
    return row["params"]["precise_bn"] == "epoch" or float(row["params"]["bn_momentum"]) in FAST_ENOUGH


def fits_and_fails(documents: Documents) -> Outcome:
    """The failure itself, in the recorded figures."""
    row = documents.baseline
    training, validation, share = (curve(row, name)[-1] for name in ("accuracy", "val_accuracy", "val_predicted_share"))
    return Outcome(
        "the three images are learnt by heart and one class is predicted for all of them",
        training == 1.0 and share == 1.0 and abs(validation - CHANCE) < 0.01,  # noqa: PLR2004
        f"training accuracy {percent(training)}, accuracy on the same images {percent(validation)}, share of the predicted class {percent(share)}",
    )


def names_the_gap(documents: Documents) -> Outcome:
    """The flag that names BatchNorm."""
    found = flag(documents.baseline, "bn_gap")
    return Outcome(
        "the report flags the BatchNorm gap and says what to change",
        found is not None and "bn_momentum" in found["advice"] and "precise_bn" in found["advice"],
        found["summary"] if found else "no such flag",
    )


def check_warns(documents: Documents) -> Outcome:
    """It could have been known before the first epoch."""
    found = documents.checks["as it was"].finding("bn_updates")
    return Outcome("check refuses the momentum before anything is trained", found is not None, found["message"] if found else "no finding")


def weights_were_right(documents: Documents) -> Outcome:
    """The failed training's weights with exact statistics."""
    figures = documents.baseline["trials"][0]["figures"]
    before, after = figures["exported_val_accuracy"], figures["precise_bn_val_accuracy"]
    return Outcome(
        "recomputing the statistics repairs the failed model without training it",
        after >= RIGHT > before,
        f"the same weights go from {percent(before)} to {percent(after)}",
    )


def repaired_rank_first(documents: Documents) -> Outcome:
    """Three images cannot separate more than right from wrong."""
    worst_repaired = max(row["rank"] for row in documents.ranking if repaired(row))
    best_failed = min(row["rank"] for row in documents.ranking if not repaired(row))
    lowest = min(row["stable"] for row in documents.ranking if repaired(row))
    highest = max(row["stable"] for row in documents.ranking if not repaired(row))
    return Outcome(
        "every repaired configuration ranks above every other",
        worst_repaired < best_failed and all(curve(row)[-1] == 1.0 for row in documents.ranking if repaired(row)),
        f"ranks 1 to {worst_repaired} end at 100 % and hold {percent(lowest)} or more, the others hold {percent(highest)} or less",
    )


def names_the_parameter(documents: Documents) -> Outcome:
    """What the sweep as a whole shows."""
    tested = [
        each
        for each in documents.report["causes"]
        if each["flag"] in {"bn_gap", "collapsed"} and each["parameter"] == "bn_momentum" and each["tested"]
    ]
    return Outcome(
        "the sweep names the momentum as tested cause of the gap or of the collapse that it leads to",
        bool(tested),
        tested[0]["sentence"] if tested else "no tested cause",
    )


def draw_gap(documents: Documents) -> str:
    """The same three images and the same weights, three ways."""
    row = documents.baseline
    lines = [
        Line("training", curve(row, "accuracy"), GREY, dashed=True),
        Line("prediction, batch statistics", curve(row, "val_batch_accuracy"), BLUE),
        Line("prediction, as deployed", curve(row), VERMILION),
    ]
    return chart("Accuracy on the same three images", lines)


def draw_repairs(documents: Documents) -> str:
    """Prediction by how fast BatchNorm's statistics follow, at the failure's learning rate."""
    rate = documents.baseline["params"]["learning_rate"]

    def of(**params: object) -> Sequence[float]:
        (row,) = documents.where(learning_rate=rate, **params)
        return curve(row)

    lines = [
        Line("momentum 0.99", of(bn_momentum="0.99"), VERMILION),
        Line("momentum 0.5", of(bn_momentum="0.5"), BLUE),
        Line("momentum 0.01", of(bn_momentum="0.01"), GREY),
        Line("precise statistics", of(precise_bn="epoch"), GREEN),
    ]
    return chart("Accuracy of prediction", lines)


FIGURES = {"s1-gap.svg": draw_gap, "s1-repaired.svg": draw_repairs}
OUTCOMES = (fits_and_fails, names_the_gap, check_warns, weights_were_right, repaired_rank_first, names_the_parameter)
