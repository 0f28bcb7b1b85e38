"""The layers of a Keras model without the containers that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras


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
