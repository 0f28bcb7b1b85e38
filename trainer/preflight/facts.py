"""What the checks need to know about a model, free of TensorFlow; the model builder fills it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelFacts:
    """Figures of a built model.

    Attributes:
        has_batchnorm: whether any layer is BatchNorm.
        max_bn_momentum: largest momentum of a BatchNorm layer whose statistics are trained; None where there is none.
        min_image_size: smallest height and width the backbone accepts, in pixels; None where unknown.
        parameters: weights in all.
        trainable_parameters: weights that are trained.
        backbone_blocks: blocks that can be frozen; None where unknown.
        output_units: units of the last layer.
        output_activation: of the last layer, e.g. ``softmax``, ``sigmoid``, ``linear``.
        loss: the loss's name, e.g. ``categorical_crossentropy``, ``binary_crossentropy``.
        loss_from_logits: whether the loss applies softmax or sigmoid itself.
        estimated_memory_bytes: weights, gradients, optimiser state and activations of one training step.
        device_memory_bytes: of the device the training will use; None where unknown.
    """

    has_batchnorm: bool
    output_units: int
    output_activation: str
    loss: str
    parameters: int
    trainable_parameters: int
    max_bn_momentum: float | None = None
    min_image_size: int | None = None
    backbone_blocks: int | None = None
    loss_from_logits: bool = False
    estimated_memory_bytes: int | None = None
    device_memory_bytes: int | None = None
    frozen_problem: str | None = None
    """Why `model.frozen_layers` cannot be resolved on this backbone, where it cannot."""
