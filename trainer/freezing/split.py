"""A model in two parts: up to the frozen boundary, and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from trainer.freezing.graph import cut_points, layer_index_of

if TYPE_CHECKING:
    from trainer.models.built import BuiltModel
    from trainer.records import FrozenBoundary


SPATIAL = 3  # height, width, channels


@dataclass(frozen=True)
class Split:
    """`prefix` then `rest` is the whole network up to its logits; both share the model's layers.

    Attributes:
        cut: name of the operation after which the network is cut, or None when the prefix is the preprocessing alone.
        share: fraction of the backbone's parameters in the prefix.
    """

    preprocessing: keras.Model
    frozen: keras.Model | None
    trained: keras.Model | None
    head: keras.Model
    cut: str | None
    share: float

    def prefix(self, images: Any) -> Any:  # noqa: ANN401 - tensors
        """Raw images ``(n, height, width, channels)`` in [0, 255] to activations at the cut; inference mode, as frozen layers must not drop anything."""
        x = self.preprocessing(images, training=False)
        return x if self.frozen is None else self.frozen(x, training=False)

    @property
    def fed_shape(self) -> tuple[int, ...]:
        """Height, width, channels of one image's activations at the cut as `rest` takes them from a pipeline; a flat cut has height and width 1."""
        part = self.preprocessing if self.frozen is None else self.frozen
        shape: tuple[int, ...] = tuple(part.output.shape[1:])
        return shape if len(shape) == SPATIAL else (1, 1, int(np.prod(shape)))

    def rest(self, activations: Any, *, training: bool) -> Any:  # noqa: ANN401 - tensors
        """Activations at the cut, as `prefix` gives them or as `fed_shape`, to logits ``(n, units)``, float32."""
        wanted = (self.head if self.trained is None else self.trained).input.shape
        if len(activations.shape) != len(wanted):
            activations = keras.ops.reshape(activations, (-1, *wanted[1:]))
        x = activations if self.trained is None else self.trained(activations, training=training)
        return keras.ops.cast(self.head(x, training=training), "float32")


def split_at(built: BuiltModel, boundary: FrozenBoundary) -> Split:
    """Cut a network at the last cut point that has no trained layer before it.

    A boundary inside a block leaves that block's frozen layers in `rest`, where their weights still do not move.
    """
    backbone = built.backbone
    indices = layer_index_of(backbone)
    possible = [cut for cut in cut_points(backbone) if cut > 0 and indices[cut] <= boundary.index]
    if not possible:
        return Split(built.preprocessing, None, backbone, built.head, None, 0.0)
    cut = max(possible)
    operation = backbone.operations[cut]
    total = backbone.count_params()
    share = sum(layer.count_params() for layer in backbone.layers[: indices[cut] + 1]) / total if total else 1.0
    if cut == len(backbone.operations) - 1:
        return Split(built.preprocessing, backbone, None, built.head, operation.name, share)
    tensor = operation.output
    frozen = keras.Model(backbone.input, tensor, name="frozen")
    trained = keras.Model(tensor, backbone.output, name="trained")
    return Split(built.preprocessing, frozen, trained, built.head, operation.name, share)
