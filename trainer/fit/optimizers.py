"""Keras optimisers by name, one for each group of weights that has its own rate or its own start.

Weights that are trained, in groups with a learning rate and a start of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from trainer.config import TrainingConfig
    from trainer.network.parts import BuiltModel
    from trainer.records import FrozenBoundary


DECAYS_FIRST = frozenset({"adamw"})
"""Optimisers whose weight decay comes before the step, as Loshchilov & Hutter define it; the others decay after it."""


def create_optimizer(training: TrainingConfig) -> keras.optimizers.Optimizer:
    """A new optimiser without weight decay, clipping or averaging: the step does these, with variables.

    Momentum of SGD and RMSprop is part of the traced step. ``adamw`` is Adam here; its decay is the step's.
    """
    import keras

    rate = training.learning_rate
    if training.optimizer in {"adam", "adamw"}:
        return keras.optimizers.Adam(rate)
    if training.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=training.momentum)
    if training.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(rate, momentum=training.momentum)
    return keras.optimizers.Lion(rate)


@dataclass(frozen=True)
class Group:
    """Some weights and their optimiser.

    Attributes:
        stage: from which stage of gradual unfreezing on they are trained.
        backbone: whether `backbone_learning_rate_factor` applies.
        variables: the weights.
        optimizer: its count of steps starts when the group does, so that a thawed block begins like a new training.
    """

    stage: int
    backbone: bool
    variables: tuple[Any, ...]
    optimizer: keras.optimizers.Optimizer
    initial: tuple[np.ndarray, ...]

    def reset(self) -> None:
        """Forget all steps and moments."""
        for variable, value in zip(self.optimizer.variables, self.initial, strict=True):
            variable.assign(value)


def make_groups(built: BuiltModel, stages: Sequence[FrozenBoundary], training: TrainingConfig) -> tuple[Group, ...]:
    """The head, the backbone's part that is trained from the start, and one group for each block thawed later.

    Args:
        built: the network.
        stages: frozen boundaries, each above the next.
        training: which optimiser.
    """
    groups = []
    head = tuple(built.head.trainable_variables)
    if head:
        groups.append(_group(0, head, training, backbone=False))
    above = len(built.backbone.layers)
    for stage, boundary in enumerate(stages):
        layers = built.backbone.layers[boundary.index + 1 : above]
        variables = tuple(variable for layer in layers for variable in layer.trainable_variables)
        if variables:
            groups.append(_group(stage, variables, training, backbone=True))
        above = boundary.index + 1
    return tuple(groups)


def _group(stage: int, variables: tuple[Any, ...], training: TrainingConfig, *, backbone: bool) -> Group:
    optimizer = create_optimizer(training)
    optimizer.build(variables)
    return Group(stage, backbone, variables, optimizer, tuple(np.asarray(variable.numpy()) for variable in optimizer.variables))
