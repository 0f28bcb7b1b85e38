"""Initial weights drawn from a seed, in a model that exists already."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from trainer.models.leaves import all_layers

if TYPE_CHECKING:
    import keras

    from trainer.models.built import BuiltModel


def initialise(built: BuiltModel, seed: int) -> None:
    """Give every weight its value at the start of a training: pretrained where given, else drawn from `seed` and the weight's place.

    A kept model is made new by this in a fraction of the time that building it takes; a model just built and a kept one get the same values.
    """
    if built.pristine is not None:
        for variable, value in zip(built.backbone.weights, built.pristine, strict=True):
            variable.assign(value)
    else:
        draw_weights(built.backbone, seed, place=0)
    draw_weights(built.head, seed, place=1)


def draw_weights(model: keras.Model, seed: int, place: int) -> None:
    """Draw each weight by its layer's own initializer, seeded by (`seed`, `place`, position).

    A weight without an initializer of its name on its layer (a few custom layers) keeps the value that it was built with.
    """
    index = 0
    for layer in all_layers(model):
        for variable in layer._trainable_variables + layer._non_trainable_variables:  # noqa: SLF001 - this layer's own, not its children's
            index += 1
            initializer = getattr(layer, f"{variable.name}_initializer", None)
            if initializer is not None:
                variable.assign(_draw(initializer, variable, derived_seed(seed, place, index)))


def derived_seed(*parts: int) -> int:
    """A seed in [0, 2³¹) that depends on every part: hashed, so neighbouring epochs or layers share nothing."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % 2**31


def _draw(initializer: keras.Initializer, variable: keras.Variable, seed: int) -> np.ndarray:
    settings = initializer.get_config()
    if "seed" in settings:
        initializer = type(initializer).from_config({**settings, "seed": seed})
    return np.asarray(initializer(variable.shape, dtype=variable.dtype))
