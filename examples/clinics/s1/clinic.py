"""S1: three images, ResNet50 from scratch. Training accuracy 1.0, prediction one class, because BatchNorm's moving statistics never arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from documents import Documents, Outcome, curve

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE = "perfect in training, one class in prediction: BatchNorm's moving statistics lag behind"
CHECKS = {"as it was": ("precise_bn=off", "bn_momentum=0.99", "allow=[validation_is_train]")}
TRAININGS = {"end": ("precise_bn=end", "bn_momentum=0.99", "learning_rate=1e-3")}
SMALL = ("model.backbone=small_resnet", "data.image_size=16")

CHANCE = 1 / 3
FAST_ENOUGH = (0.5, 0.01)
"""Momenta that replace the initial statistics within 20 updates: .5^20 is nothing, .9^20 is 12 % and .99^20 is 82 %."""
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
        f"training accuracy {training:.2f}, accuracy on the same images {validation:.2f}, share of the predicted class {share:.2f}",
    )


def check_warns(documents: Documents) -> Outcome:
    """It could have been known before the first epoch."""
    found = documents.checks["as it was"].finding("bn_updates")
    return Outcome("check refuses the momentum before anything is trained", found is not None, found["message"] if found else "no finding")


def weights_were_right(documents: Documents) -> Outcome:
    """The failed training's weights with exact statistics."""
    figures = documents.trainings["end"]["ranking"][0]["trials"][0]["figures"]
    before, after = figures["exported_val_accuracy"], figures["precise_bn_val_accuracy"]
    return Outcome(
        "recomputing the statistics repairs the failed model without training it",
        after >= RIGHT > before,
        f"the same weights go from {before:.2f} to {after:.2f}",
    )


def repaired_rank_first(documents: Documents) -> Outcome:
    """Three images cannot separate more than right from wrong."""
    worst_repaired = max(row["rank"] for row in documents.ranking if repaired(row))
    best_failed = min(row["rank"] for row in documents.ranking if not repaired(row))
    lowest = min(row["stable"] for row in documents.ranking if repaired(row))
    highest = max(row["stable"] for row in documents.ranking if not repaired(row))
    return Outcome(
        "every repaired configuration ranks above every other",
        worst_repaired < best_failed and documents.ranking[0]["stable"] >= RIGHT,
        f"ranks 1 to {worst_repaired} hold {lowest:.2f} or more, the others {highest:.2f} or less",
    )


OUTCOMES = (fits_and_fails, check_warns, weights_were_right, repaired_rank_first)
