"""A built network in its parts: preprocessing, backbone and head; and cut in two at the end of its frozen part."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from trainer.data import ChannelStatistics
    from trainer.records import FrozenBoundary


@dataclass(frozen=True, eq=False)
class BuiltModel:
    """Raw images → `preprocessing` → `backbone` → `head` → logits; `model` is all of it and ends in probabilities.

    Attributes:
        preprocessing: raw images in [0, 255] to what the backbone takes; no weights.
        backbone: to features.
        head: features to logits.
        model: the whole, sharing the parts' layers; what is exported.
        units: output units: one per class, or 1 for sigmoid.
        pristine: values of every weight of the backbone as loaded from ImageNet or a file, or as a user's function made them, by position;
            None: all are drawn from the seed.
        momenta: momentum of each BatchNorm layer as the backbone defines it, by position among the model's BatchNorm layers.
        statistics: of the training images, where the preprocessing standardises by them.
    """

    preprocessing: keras.Model
    backbone: keras.Model
    head: keras.Model
    model: keras.Model
    units: int
    pristine: tuple[NDArray[np.generic], ...] | None
    momenta: tuple[float, ...] = ()
    statistics: ChannelStatistics | None = None


def all_layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """A layer and every layer below it, depth first, each once; nested models and layers inside layers included."""
    seen: set[int] = set()
    stack = [layer]
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        stack.extend(reversed(list(current._flatten_layers(include_self=False, recursive=False))))  # noqa: SLF001 - Keras has no public way down


def assign(variables: Iterable[Any], values: Iterable[NDArray[Any]]) -> None:
    """Give variables their values, one for each."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def digest_of(variables: Iterable[Any], more: str = "") -> str:
    """Hash of the values of variables in their order, and of a text."""
    digest = hashlib.blake2b(more.encode(), digest_size=16)
    for variable in variables:
        digest.update(np.ascontiguousarray(variable.numpy()).data)
    return digest.hexdigest()


def leaves(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers at or below `layer` that hold no other layer, in building order."""
    return [each for each in all_layers(layer) if not list(each._flatten_layers(include_self=False, recursive=False))]  # noqa: SLF001 - as above


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


_SPLITS: WeakKeyDictionary[BuiltModel, dict[int, Split]] = WeakKeyDictionary()


def split_at(built: BuiltModel, boundary: FrozenBoundary) -> Split:
    """Cut a network at the last cut point that has no trained layer before it; the same boundary gives the same object.

    A boundary inside a block leaves that block's frozen layers in `rest`, where their weights still do not move.
    """
    known = _SPLITS.setdefault(built, {})
    if boundary.index not in known:
        known[boundary.index] = _split(built, boundary)
    return known[boundary.index]


def _split(built: BuiltModel, boundary: FrozenBoundary) -> Split:
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
    frozen = keras.Model(backbone.input, operation.output, name="frozen")
    trained = keras.Model(operation.output, backbone.output, name="trained")
    return Split(built.preprocessing, frozen, trained, built.head, operation.name, share)


def freeze(built: BuiltModel, boundary: FrozenBoundary) -> None:
    """Freeze the backbone's layers up to and with the boundary and thaw all others; takes effect when the training step is next traced.

    Flags go to the leaf layers last, because a container's flag overwrites all below it.
    """
    for part in (built.model, built.backbone, built.head):
        part.trainable = True
    for index, layer in enumerate(built.backbone.layers):
        for leaf in leaves(layer):
            leaf.trainable = index > boundary.index
