"""Where freezing ends: the blocks of a backbone, the layer that a ``frozen_layers`` setting means, and the table of layers to choose it from."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainer.config import parse_frozen_layers
from trainer.errors import ConfigError
from trainer.network.parts import cut_points, layer_index_of
from trainer.records import FrozenBoundary

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras


# How keras.applications and our own backbones name the layers of a block.
_BLOCK_NAME = re.compile(
    r"(stage_?\d+_block_?\d+|conv\d+_block\d+|block\d+_\d+(?=_)|block_?\d+[a-z]?|expanded_conv(?:_\d+)?(?=_)|conv_(?:dw|pw|pad)_(?P<mobilenet>\d+))"
)


@dataclass(frozen=True)
class Block:
    """A run of layers that ends at a cut point.

    Attributes:
        name: from its layers' names (``conv3_block4``), or of its last layer.
        end: index of its last operation in ``model.operations``.
        layer_index: index of its last layer in ``model.layers``.
        layer: name of that layer.
    """

    name: str
    end: int
    layer_index: int
    layer: str


def blocks_of(model: keras.Model) -> tuple[Block, ...]:
    """The blocks of a backbone from its input to its output; each has parameters, the last ends at the output.

    Layers whose names share a block's prefix make a block; where names do not tell, a block ends where branches begin, or at a pool.
    """
    operations: list[Any] = list(model.operations)
    cuts = cut_points(model)
    labels = _labels(operations)
    cut_labels = {labels[cut] for cut in cuts}
    names_tell = len(set(labels)) > 2 and all(label in cut_labels for label in set(labels) if not label.startswith("~"))  # noqa: PLR2004 - more than a stem
    ends = _ends_by_name(cuts, labels) if names_tell and _named_blocks(labels) else _ends_by_shape(operations, cuts)
    return _with_parameters(model, operations, ends, labels if names_tell else None)


def _labels(operations: Sequence[Any]) -> list[str]:
    """A block's name for each operation; "~..." for runs of layers without one. Layers without weights go with what they follow."""
    labels: list[str] = []
    current = "~0"
    for index, operation in enumerate(operations):
        match = _BLOCK_NAME.search(operation.name)
        if match:
            current = f"conv_{match['mobilenet']}" if match["mobilenet"] else match[0]
        elif _weights(operation) and not current.startswith("~"):
            current = f"~{index}"
        labels.append(current)
    return labels


def _named_blocks(labels: Sequence[str]) -> bool:
    return any(not label.startswith("~") for label in labels)


def _ends_by_name(cuts: Sequence[int], labels: Sequence[str]) -> list[int]:
    following = [*cuts[1:], None]
    return [cut for cut, after in zip(cuts, following, strict=True) if after is None or labels[after] != labels[cut]]


def _ends_by_shape(operations: Sequence[Any], cuts: Sequence[int]) -> list[int]:
    """Ends of runs of consecutive cuts (branches begin there), and pools; for a plain chain without pools, before every weighted layer."""
    at = set(cuts)
    ends = [cut for cut in cuts if cut + 1 not in at or "Pooling" in type(operations[cut]).__name__]
    if len(ends) > 1:
        return ends
    return [cut for cut in cuts if cut + 1 == len(operations) or (_is_kernel(operations[cut + 1]) and cut > 0)]


def _with_parameters(model: keras.Model, operations: Sequence[Any], ends: Sequence[int], labels: Sequence[str] | None) -> tuple[Block, ...]:
    """Merge ends between which there are no parameters into the later one."""
    layer_indices = layer_index_of(model)
    blocks: list[Block] = []
    start = 0
    for end in ends:
        if not any(_weights(operation) for operation in operations[start : end + 1]):
            if not blocks:
                continue
            blocks.pop()  # a pool or an activation after a block belongs to it
        index = layer_indices[end]
        layer = model.layers[index].name
        label = labels[end] if labels else "~"
        blocks.append(Block(layer if label.startswith("~") else label, end, index, layer))
        start = end + 1
    return tuple(blocks)


def _weights(operation: Any) -> int:  # noqa: ANN401 - a Keras operation
    return len(getattr(operation, "weights", ()))


def _is_kernel(operation: Any) -> bool:  # noqa: ANN401 - as above
    return any(weight.name == "kernel" or "kernel" in weight.name for weight in getattr(operation, "weights", ()))


NOTHING = FrozenBoundary(None, -1, 0.0)


def find_boundary(backbone: keras.Model, frozen_layers: str) -> FrozenBoundary:
    """Resolve a ``frozen_layers`` setting on a backbone.

    Args:
        backbone: without head, functional.
        frozen_layers: ``none``, ``all``, ``75%`` (of the blocks, from the input, rounded to the nearest), ``4 blocks``, a layer's or block's name, or
            ``weighted:20`` (up to and with the twentieth layer that has weights).

    Raises:
        ConfigError: no such form, more than the backbone has, or an unknown layer (the nearest names are proposed).
    """
    try:
        form, value = parse_frozen_layers(frozen_layers)
    except ValueError as error:
        raise ConfigError(f"model.frozen_layers: {error}") from error
    if form == "none":
        return NOTHING
    if form == "all":
        return _at(backbone, len(backbone.layers) - 1)
    if form == "layer":
        return _named(backbone, value)
    if form == "weighted":
        ends, kind = [index for index, layer in enumerate(backbone.layers) if layer.weights], "layers with weights"
    else:
        ends, kind = [block.layer_index for block in blocks_of(backbone)], "blocks"
    count = int(float(value) / 100 * len(ends) + 0.5) if form == "percent" else int(value)
    if count > len(ends):
        raise ConfigError(
            f"model.frozen_layers: {frozen_layers} is beyond the backbone, which has {len(ends)} {kind}; 'all' freezes them all."
        )
    return _at(backbone, ends[count - 1]) if count else NOTHING


def thawing_stages(backbone: keras.Model, boundary: FrozenBoundary) -> tuple[FrozenBoundary, ...]:
    """The boundaries of gradual unfreezing: `boundary` first, then one block fewer each time, from the output, down to nothing frozen."""
    earlier = [_at(backbone, block.layer_index) for block in blocks_of(backbone) if block.layer_index < boundary.index]
    return (boundary, *reversed(earlier), NOTHING) if boundary.index >= 0 else (boundary,)


def _named(backbone: keras.Model, name: str) -> FrozenBoundary:
    for index, layer in enumerate(backbone.layers):
        if layer.name == name:
            return _at(backbone, index)
    blocks = {block.name: block.layer_index for block in blocks_of(backbone)}
    if name in blocks:
        return _at(backbone, blocks[name])
    near = difflib.get_close_matches(name, [*blocks, *(layer.name for layer in backbone.layers)], n=3, cutoff=0.5)
    hint = f" Nearest: {', '.join(near)}." if near else ""
    raise ConfigError(
        f"model.frozen_layers: expected none, all, '75%', '4 blocks', 'weighted:20' or a layer of the backbone, got {name!r}.{hint} "
        "'steadysweep models --layers NAME' lists the layers."
    )


def _at(backbone: keras.Model, index: int) -> FrozenBoundary:
    total = backbone.count_params()
    before = sum(layer.count_params() for layer in backbone.layers[: index + 1])
    return FrozenBoundary(backbone.layers[index].name, index, before / total if total else 1.0)


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
