"""Where a functional model can be cut in two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def cut_points(model: keras.Model) -> tuple[int, ...]:
    """Indices into ``model.operations`` after which one tensor holds all that the rest needs.

    A cut is an index i such that every edge from ≤ i to > i starts at i; the input (0) and the output (the last) are cuts.
    """
    operations: list[Any] = list(model.operations)
    place = {id(operation): index for index, operation in enumerate(operations)}
    last_use = list(range(len(operations)))
    for nodes in model._nodes_by_depth.values():  # noqa: SLF001 - Keras has no public way to a model's edges
        for node in nodes:
            for tensor in node.input_tensors:
                source = place[id(tensor._keras_history.operation)]  # noqa: SLF001 - as above
                last_use[source] = max(last_use[source], place[id(node.operation)])
    cuts = []
    reach = 0  # the furthest use of anything before this operation
    for index in range(len(operations)):
        if reach <= index:
            cuts.append(index)
        reach = max(reach, last_use[index])
    return tuple(cuts)


def layer_index_of(model: keras.Model) -> tuple[int, ...]:
    """For each of ``model.operations``, the index in ``model.layers`` of the last layer at or before it, -1 before the first."""
    layer_ids = {id(layer) for layer in model.layers}
    indices, current = [], -1
    for operation in model.operations:
        current += id(operation) in layer_ids
        indices.append(current)
    return tuple(indices)
