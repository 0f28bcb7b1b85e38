"""The blocks of a backbone: the units in which people freeze."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainer.freezing.graph import cut_points, layer_index_of

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
    ends = _ends_by_name(cuts, labels) if names_tell and _named(labels) else _ends_by_shape(operations, cuts)
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


def _named(labels: Sequence[str]) -> bool:
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
