"""When the frozen part of a training may run once instead of in every step; no TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.config import TrainConfig


def precompute_problem(config: TrainConfig) -> tuple[str, str] | None:
    """Why ``training.frozen_features: precomputed`` would train something else than the images do, and what to change; None where it is exact.

    The activations of the frozen part are those of every epoch only where its inputs do not vary between epochs and it runs in inference mode.
    """
    from trainer.augmentation import policy_from

    model, training = config.model, config.training
    rules = (
        (model.frozen_layers.strip() == "none", "nothing is frozen", "set model.frozen_layers, e.g. all"),
        (
            policy_from(config.data.augmentation).name != "none",
            "random augmentation gives the frozen part other images every epoch",
            "set data.augmentation: none",
        ),
        (
            model.frozen_bn == "batch",
            "frozen BatchNorm layers normalise by the batch, so that an image's activations depend on the images beside it",
            "set model.frozen_bn: inference or reestimate",
        ),
        (training.unfreeze_every is not None, "gradual unfreezing moves the frozen part's end", "leave out training.unfreeze_every"),
    )
    return next(((problem, remedy) for broken, problem, remedy in rules if broken), None)
