"""Writing a model as stock Keras layers: whoever loads the file needs Keras alone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import keras

from trainer.network.batchnorm import SwitchedBatchNorm, batchnorm_layers
from trainer.network.head import VariableDropout
from trainer.network.parts import all_layers
from trainer.network.preprocessing import record_scaling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import tensorflow as tf

    from trainer.network.preprocessing import Recordable


def export_model(model: keras.Model, path: Path) -> None:
    """Write a ``.keras`` file, atomically; its predictions are those of the model given, from raw images in [0, 255] to probabilities."""
    partial = path.with_name(f".partial-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with stock_layers(model):
        model.save(partial)
    partial.replace(path)


def save_backbone(backbone: keras.Model, path: Path, *, preprocessing: Recordable | None = None) -> None:
    """Write a backbone's weights as ``NAME.weights.h5``, atomically; ``model.weights`` reads them.

    Args:
        backbone: as in `BuiltModel`, or the layer ``backbone`` of an exported model.
        path: ends in ``.weights.h5``.
        preprocessing: the scaling it was trained with, written into the file, so that ``data.preprocessing: auto`` follows and pre-flight checks know;
            None: not recorded.
    """
    partial = path.with_name(f".partial-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    backbone.save_weights(partial)
    if preprocessing is not None:
        record_scaling(partial, preprocessing)
    partial.replace(path)


@contextlib.contextmanager
def stock_layers(model: keras.Model) -> Iterator[None]:
    """Inside, every layer of ours is a stock one with its present momentum or rate; afterwards it is as it was, variables and traces included."""
    norms: list[tuple[keras.layers.BatchNormalization, tf.Variable, bool]] = []
    dropouts: list[VariableDropout] = []
    try:
        for layer in batchnorm_layers(model):
            if isinstance(layer, SwitchedBatchNorm):
                norms.append((layer, layer.momentum, layer.synchronized))
                _become(layer, keras.layers.BatchNormalization, momentum=float(layer.momentum), synchronized=False)
        for layer in all_layers(model):
            if isinstance(layer, VariableDropout):
                dropouts.append(layer)
                _become(layer, keras.layers.Dropout, rate=float(layer.rate_variable))
        yield
    finally:
        for layer, momentum, synchronized in norms:
            _become(layer, SwitchedBatchNorm, momentum=momentum, synchronized=synchronized)
        for layer in dropouts:
            _become(layer, VariableDropout)


def _become(layer: keras.layers.Layer, kind: type[keras.layers.Layer], **attributes: object) -> None:
    """Change a layer's class and attributes past Keras's tracking of them."""
    object.__setattr__(layer, "__class__", kind)
    for name, value in attributes.items():
        object.__setattr__(layer, name, value)
