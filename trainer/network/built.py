"""A built network in its three parts.

The layers of a Keras model without the containers that hold them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
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
    """

    preprocessing: keras.Model
    backbone: keras.Model
    head: keras.Model
    model: keras.Model
    units: int
    pristine: tuple[NDArray[np.generic], ...] | None
    momenta: tuple[float, ...] = field(default=())


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


def leaves(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers at or below `layer` that hold no other layer, in building order."""
    return [each for each in all_layers(layer) if not list(each._flatten_layers(include_self=False, recursive=False))]  # noqa: SLF001 - as above
