"""What a compiled model depends on, as text, and when the frozen part of a training may run once; no TensorFlow."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.config import TrainConfig


OUTSIDE = frozenset({"dropout", "bn_momentum", "frozen_layers", "frozen_bn"})
"""Model settings that do not change the network's layers."""


def compile_key(config: TrainConfig) -> str:
    """Text that is equal for trainings that can share one compiled model in a process, so that they are best run in the same one.

    Left out are the variables of the compiled step: learning rate, dropout, BatchNorm momentum, weight decay, label smoothing, clipping, the
    momentum of the weight average, and all of augmentation, schedule and seed.
    """
    data = [config.data.source, config.data.image_size, config.data.color, config.data.classes]
    return json.dumps({"data": data, "architecture": architecture_settings(config), "step": step_settings(config)}, sort_keys=True)


def architecture_key(config: TrainConfig) -> str:
    """Hexadecimal digits that are equal for trainings whose networks have the same layers, and so cost the same to run."""
    data = [config.data.source, config.data.image_size, config.data.color, config.data.classes]
    text = json.dumps({"data": data, "architecture": architecture_settings(config)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def architecture_settings(config: TrainConfig) -> dict[str, Any]:
    """What decides the layers and their initial weights, besides the images' shape and the number of classes."""
    return {
        **config.model.model_dump(mode="json", exclude=set(OUTSIDE)),
        "weights": _file_identity(config.model.weights),
        "preprocessing": config.data.preprocessing,
        "mixed": config.training.mixed_precision,
    }


def step_settings(config: TrainConfig) -> dict[str, Any]:
    """What decides the traced step, besides the network."""
    training, model = config.training, config.model
    return {
        "frozen": [model.frozen_layers, model.frozen_bn],
        "thaw": None if training.unfreeze_every is None else 1 + (training.epochs - 1) // training.unfreeze_every,
        "optimizer": [training.optimizer, training.momentum if training.optimizer in {"sgd", "rmsprop"} else None],
        "batch": training.batch_size if training.accumulate == 1 else [training.batch_size, training.accumulate],
        "average": training.ema is not None,
        "features": training.frozen_features,
        "loss": [training.loss, training.loss_options],
        "call": [training.jit_compile, training.steps_per_execution],
    }


def _file_identity(weights: str | None) -> list[str | int] | str | None:
    """A weights file by path, size and time, so that a changed file is read again."""
    path = Path(weights).expanduser() if weights else None
    if path is None or not path.is_file():
        return weights
    status = path.stat()
    return [str(path.resolve()), status.st_size, status.st_mtime_ns]


def precompute_problem(config: TrainConfig) -> tuple[str, str] | None:
    """Why ``training.frozen_features: precomputed`` would train something else than the images do, and what to change; None where it is exact.

    The activations of the frozen part are those of every epoch only where its inputs do not vary between epochs and it runs in inference mode.
    """
    from trainer.augmentation import policy_from

    varied = (
        policy_from(config.data.augmentation).name != "none",
        "random augmentation gives the frozen part other images every epoch",
        "set data.augmentation: none",
    )
    rules = _rules(config)
    return next(((problem, remedy) for broken, problem, remedy in (rules[0], varied, *rules[1:]) if broken), None)


def frozen_problem(config: TrainConfig) -> str | None:
    """Why activations of the frozen part do not stand for its images, even of one epoch; None where they do."""
    return next((problem for broken, problem, _ in _rules(config) if broken), None)


WHOLE = ("all", "100%")
"""Texts of ``model.frozen_layers`` that freeze a whole backbone."""
SLOTS = 8
"""Heads that train at once in one program."""


def alone_problem(config: TrainConfig) -> str | None:
    """Why a training's head cannot be trained in one program with others', in words that follow "alone: ", as far as its settings tell; None where they do not."""
    from trainer.augmentation import policy_from

    model, data = config.model, config.data
    policy = policy_from(data.augmentation)
    varied, problem = policy.name != "none", frozen_problem(config)
    reasons = (
        (config.data.split.trains_folds, "it has a model for each fold"),
        (config.training.frozen_features == "each_step", "its frozen part runs in each step"),
        (problem is not None, f"{problem}"),
        (model.frozen_layers.strip() not in WHOLE, "part of its backbone is trained"),
        (model.weights is None, "its frozen weights are drawn from its own seed"),
        (model.frozen_bn == "reestimate", "its frozen statistics are its own"),
        (model.head_bn, "its head has BatchNorm"),
        (config.training.mixed_precision, "it computes in mixed precision"),
        (config.training.accumulate > 1, "its batches are computed in parts (training.accumulate)"),
        (config.training.loss not in ("auto", "binary_crossentropy"), f"its loss is {config.training.loss}"),
        (bool(config.training.callbacks), "its callbacks look at a model of its own"),
        (varied and config.data_seed is None, "its augmentation is its own, so that its frozen part runs in each step"),
        (varied and policy.mixes, "its augmentation mixes images, so that its frozen part runs in each step"),
        (data.sampling != "every_image", f"it samples its images by {data.sampling}"),
        (data.validation_windows != "all", "each of its epochs is validated on other images"),
    )
    return next((reason for broken, reason in reasons if broken), None)


def _rules(config: TrainConfig) -> tuple[tuple[bool, str, str], ...]:
    """Whether each is broken, why, and what to change."""
    model, training = config.model, config.training
    return (
        (model.frozen_layers.strip() == "none", "nothing is frozen", "set model.frozen_layers, e.g. all"),
        (
            model.frozen_bn == "batch",
            "frozen BatchNorm layers normalise by the batch, so that an image's activations depend on the images beside it",
            "set model.frozen_bn: inference or reestimate",
        ),
        (training.unfreeze_every is not None, "gradual unfreezing moves the frozen part's end", "leave out training.unfreeze_every"),
    )
