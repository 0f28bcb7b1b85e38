"""`broken_metric`: validation accuracy 0 or constant while the loss shows learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.flags.flag import Flag, FlagKind

if TYPE_CHECKING:
    from reports.flags.run_curves import RunCurves

TRAINING_GAIN = 0.2
"""Training accuracy gained while validation accuracy did not move at all."""
SEVERAL_CLASSES_SHARE = 0.99
"""Share of the most-predicted class below which several classes are predicted."""
LOSS_FALL = 0.2
"""Share by which the validation loss fell while validation accuracy did not move at all."""
SHORTEST = 3


def find_broken_metric(run: RunCurves) -> Flag | None:
    """Flag an accuracy that cannot be what it says: exactly 0 or constant, or outside [0, 1], while the model learns."""
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    outside = float(curve.min()) < 0.0 or float(curve.max()) > 1.0
    constant = bool((curve == curve[0]).all())
    training, loss = run.curve("accuracy"), run.curve("val_loss")
    trained = training is not None and float(training.max() - training[0]) >= TRAINING_GAIN
    fell = loss is not None and float(loss[0] - loss.min()) >= LOSS_FALL * abs(float(loss[0]))
    zero = constant and float(curve[0]) == 0.0
    if constant and 0.0 < float(curve[0]) < 1.0 and _predicts_one(run):
        return None  # that class's share of the images: `collapsed`
    if constant and float(curve[0]) == 1.0 and _predicts_several(run):
        return None  # every image is right, of whatever class: the images are easy
    if not (outside or (constant and (fell or (zero and trained) or (trained and float(curve[0]) == 1.0)))):
        return None
    what = "lies outside [0, 1]" if outside else f"stays at exactly {curve[0]:.3f} while the model learns"
    return Flag(
        "broken_metric",
        "high",
        {"value": float(curve[0]), "training_learns": trained, "val_loss_falls": fell, "epochs": (int(run.epochs[0]), int(run.epochs[-1]))},
        "Check that the metric fits output and labels (one-hot against integers, sigmoid against softmax) and that the validation images "
        "come from the same classes, in the same order, as the training images.",
        f"validation accuracy {what}",
    )


def _predicts_several(run: RunCurves) -> bool:
    """Whether the record says that more than one class is predicted in every epoch."""
    share = run.curve("val_predicted_share")
    return share is not None and float(share.max()) < SEVERAL_CLASSES_SHARE


def _predicts_one(run: RunCurves) -> bool:
    """Whether the record says that one class is predicted for all images in every epoch."""
    share = run.curve("val_predicted_share")
    return share is not None and float(share.min()) == 1.0


BROKEN_METRIC = FlagKind("broken_metric", find_broken_metric, "validation accuracy does not move while the loss learns")
