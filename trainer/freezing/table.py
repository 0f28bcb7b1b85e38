"""The layers of a backbone as a table, to choose a boundary from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainer.freezing.blocks import blocks_of
from trainer.freezing.graph import cut_points, layer_index_of

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class LayerRow:
    """One layer of a backbone.

    Attributes:
        index: in the backbone's layers.
        name: what ``frozen_layers`` may name.
        kind: class of the layer.
        parameters: of this layer.
        share: fraction of the backbone's parameters at or before it.
        cut: whether one tensor holds all that later layers need.
        block: name of the block that ends here, or None.
        weighted: its number among the layers with weights, counted from 1, or None.
    """

    index: int
    name: str
    kind: str
    parameters: int
    share: float
    cut: bool
    block: str | None
    weighted: int | None


def table_of(backbone: keras.Model) -> tuple[LayerRow, ...]:
    """One row a layer, from input to output."""
    indices = layer_index_of(backbone)
    cuts = {indices[cut] for cut in cut_points(backbone)}
    ends = {block.layer_index: block.name for block in blocks_of(backbone)}
    total = backbone.count_params()
    rows: list[LayerRow] = []
    before = weighted = 0
    for index, layer in enumerate(backbone.layers):
        parameters = layer.count_params()
        before += parameters
        weighted += bool(layer.weights)
        rows.append(
            LayerRow(
                index,
                layer.name,
                type(layer).__name__,
                parameters,
                before / total if total else 1.0,
                index in cuts,
                ends.get(index),
                weighted if layer.weights else None,
            )
        )
    return tuple(rows)
