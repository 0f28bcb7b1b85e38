"""Setting which layers are trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.models.leaves import leaves

if TYPE_CHECKING:
    from trainer.models.built import BuiltModel
    from trainer.records import FrozenBoundary


def freeze(built: BuiltModel, boundary: FrozenBoundary) -> None:
    """Freeze the backbone's layers up to and with the boundary and thaw all others; takes effect when the training step is next traced.

    Flags go to the leaf layers last, because a container's flag overwrites all below it.
    """
    built.model.trainable = True
    built.backbone.trainable = True
    built.head.trainable = True
    for index, layer in enumerate(built.backbone.layers):
        for leaf in leaves(layer):
            leaf.trainable = index > boundary.index
