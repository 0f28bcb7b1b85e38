"""From settings to a network: preprocessing, a backbone that ships or a person's own, and a head."""

from __future__ import annotations

import contextlib
import importlib
import random
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.backbones import FILE, PRESET, backbone_info
from trainer.errors import ConfigError
from trainer.network.batchnorm import batchnorm_layers, make_switchable
from trainer.network.head import build_head, output_units
from trainer.network.loaded_backbones import file_backbone, file_channels, preset_backbone
from trainer.network.parts import BuiltModel
from trainer.network.weights import BACKBONE_LAYER, load_backbone_weights, with_imagenet_weights
from trainer.user_code import call_function

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras

    from trainer.backbones import Backbone
    from trainer.config import ModelConfig, TrainConfig
    from trainer.data import ChannelStatistics


IMAGENET, OWN_WEIGHTS = "imagenet", "own"
_AUTO_NAMES = {"Conv2D": "conv2d", "DepthwiseConv2D": "depthwise_conv2d", "SeparableConv2D": "separable_conv2d", "ReLU": "re_lu"}
"""Keras's snake case where it differs from the plain rule."""


def build_model(
    config: TrainConfig, image_shape: tuple[int, int, int], num_classes: int, statistics: ChannelStatistics | None = None
) -> BuiltModel:
    """Build preprocessing, backbone and head for images of a shape.

    Random weights are Keras's own draws here; `trainer.network.weights` draws them again from the training's seed.

    Args:
        config: the training.
        image_shape: height, width, channels of the data.
        num_classes: classes of the data.
        statistics: of the training images, for ``preprocessing: standardize``.

    Raises:
        ConfigError: an impossible setting.
        WeightsUnavailableError: pretrained weights that cannot be had.
    """
    import keras

    from trainer.network.preprocessing import preprocessing_kind, preprocessing_layers

    with dtype_policy(compute_dtype_policy() if config.training.mixed_precision else "float32"):
        shape = backbone_input_shape(config.model, image_shape)
        backbone = build_backbone(config.model, shape)
        _refuse_classifier(config.model.backbone, backbone, num_classes)
        images = keras.Input(image_shape, name="image", dtype="float32")
        x: Any = images
        own = preprocessing_kind(config) == "standardize"  # by statistics of the images' own channels, so before these are repeated
        if not own:
            x = _repeat_grey(x, shape)
        for layer in preprocessing_layers(config, statistics, int(x.shape[-1])):
            x = layer(x)
        x = _repeat_grey(x, shape)
        preprocessing = keras.Model(images, x, name="preprocessing")
        head = build_head(config.model, tuple(backbone.output.shape[1:]), num_classes)
        units = output_units(config.model, num_classes)
        activation = "sigmoid" if units == 1 else "softmax"
        outputs = keras.layers.Activation(activation, dtype="float32", name="probabilities")(head(backbone(x)))
        model = keras.Model(images, outputs, name="classifier")
    pristine = None if config.model.weights is None else tuple(backbone.get_weights())
    momenta = tuple(make_switchable(layer) for layer in batchnorm_layers(model))
    return BuiltModel(preprocessing, backbone, head, model, units, pristine, momenta, statistics)


def _refuse_classifier(reference: str, backbone: keras.Model, num_classes: int) -> None:
    """Make sure that a person's backbone ends in features: on a whole classifier a second head would learn from probabilities.

    Raises:
        ConfigError: its last layer gives class probabilities, or one figure for each class.
    """
    import keras

    if backbone_info(reference) is not None or len(backbone.outputs[0].shape) != 2:  # noqa: PLR2004 - (images, features)
        return
    last, units = backbone.layers[-1], int(backbone.outputs[0].shape[-1] or 0)
    activation = getattr(getattr(last, "activation", None), "__name__", "")
    gives_probabilities = activation in ("softmax", "sigmoid") or isinstance(last, keras.layers.Softmax)
    if gives_probabilities or (isinstance(last, keras.layers.Dense) and units == num_classes):
        what = f"{activation or 'softmax'} probabilities" if gives_probabilities else f"one output for each of the {num_classes} classes"
        raise ConfigError(
            f"model.backbone: {reference} returns a whole classifier: its last layer {last.name!r} gives {what}, and a second head would be put on it. "
            "Return the model without that head, e.g. keras.Model(model.input, model.layers[-2].output): the head is built for you "
            "(model.dense, model.dropout, model.output)."
        )


def _repeat_grey(x: Any, shape: tuple[int, int, int]) -> Any:  # noqa: ANN401 - Keras tensors have no type
    """Grey images as three equal channels where the backbone takes three."""
    import keras

    if x.shape[-1] == shape[2]:
        return x
    return keras.layers.Concatenate(dtype="float32", name="grey_to_rgb")([x, x, x])


def build_backbone(model: ModelConfig, input_shape: tuple[int, int, int]) -> keras.Model:
    """The backbone alone, named ``backbone``, with its pretrained weights if any."""
    import keras

    info = backbone_info(model.backbone)
    if model.weights == IMAGENET and (info is None or not info.pretrained):
        raise ConfigError(
            f"model.weights: there are no ImageNet weights for {model.backbone}; give a file, or leave the key out for random weights."
        )
    if model.weights == OWN_WEIGHTS and info is not None:
        raise ConfigError(
            f"model.weights: 'own' keeps what a package.module:function loaded itself; {model.backbone} needs 'imagenet', a file or nothing."
        )
    backbone = _backbone_without_record(model, input_shape) if info is None else _shipped_backbone(info, input_shape, model)
    if model.weights not in {None, IMAGENET, OWN_WEIGHTS}:
        load_backbone_weights(backbone, model.weights)
    _name_by_place(backbone)
    return keras.Model(backbone.inputs[0], backbone.outputs[0], name=BACKBONE_LAYER)


def _name_by_place(backbone: keras.Model) -> None:
    """Give layers that Keras named by a count over the whole process (``add_17``) the name they have in a new process (``add_3``).

    A frozen boundary is recorded by name, and must mean the same layer everywhere.
    """
    counts: Counter[str] = Counter()
    for layer in backbone.layers:
        base = _AUTO_NAMES.get(type(layer).__name__) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()
        if re.fullmatch(rf"{base}(_\d+)?", layer.name):
            layer.name = f"{base}_{counts[base]}" if counts[base] else base
            counts[base] += 1


def backbone_input_shape(model: ModelConfig, image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """What the backbone takes: grey images are repeated to three channels for a pretrained ``keras.applications`` backbone, else left as they are."""
    if model.backbone.startswith(PRESET):
        return (*image_shape[:2], 3)
    if model.backbone.endswith(FILE):
        return (*image_shape[:2], 3) if image_shape[2] == 1 and file_channels(model.backbone) == 3 else image_shape  # noqa: PLR2004 - RGB
    info = backbone_info(model.backbone)
    three = info is not None and info.pretrained and (model.weights is not None or info.scaling == "inside")
    return (*image_shape[:2], 3) if three and image_shape[2] == 1 else image_shape


def compute_dtype_policy() -> str:
    """Mixed precision of this machine: float16 on GPUs before Ampere, which have no bfloat16 units, else bfloat16."""
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        major, _ = tf.config.experimental.get_device_details(gpu).get("compute_capability", (8, 0))
        if major < 8:  # noqa: PLR2004 - Ampere is compute capability 8.0
            return "mixed_float16"
    return "mixed_bfloat16"


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Build layers under a dtype policy and put the former one back."""
    import keras

    former = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(former)


@contextlib.contextmanager
def _process_as_before() -> Iterator[None]:
    """Undo what a person's model function sets of its process: what it returns counts, and the next training of a warm worker must not feel it.

    Keras' dtype policy, float type, epsilon and image format, and the states of Python's and NumPy's global generators.
    """
    import keras

    config = keras.config
    policy, kind, epsilon, layout = config.dtype_policy(), config.floatx(), config.epsilon(), config.image_data_format()
    numbers, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - what a function may have set
    try:
        yield
    finally:
        config.set_floatx(kind)
        config.set_dtype_policy(policy)
        config.set_epsilon(epsilon)
        config.set_image_data_format(layout)
        random.setstate(numbers)
        np.random.set_state(arrays)  # noqa: NPY002 - as above


def _shipped_backbone(backbone: Backbone, input_shape: tuple[int, int, int], model: ModelConfig) -> keras.Model:
    """One from the table, without its top."""
    module, _, function = backbone.builder.partition(":")
    arguments: dict[str, Any] = {"input_shape": input_shape}
    imagenet = model.weights == IMAGENET
    if backbone.family is not None:
        if min(input_shape[:2]) < backbone.min_side:
            raise ConfigError(
                f"data.image_size: {backbone.name} needs images of at least {backbone.min_side}x{backbone.min_side} pixels, "
                f"got {input_shape[0]}x{input_shape[1]}."
            )
        arguments |= {"include_top": False, "weights": model.weights if imagenet else None}
    arguments |= model.options
    builder = getattr(importlib.import_module(module), function)
    try:
        return with_imagenet_weights(lambda: builder(**arguments), backbone.name) if imagenet else builder(**arguments)
    except TypeError as error:
        raise ConfigError(f"model.options: {function} does not accept {model.options}: {error}") from error


def _backbone_without_record(model: ModelConfig, input_shape: tuple[int, int, int]) -> keras.Model:
    """One that is not in the table: of a file, of KerasHub, or of a person's function."""
    if model.backbone.endswith(FILE):
        return file_backbone(model, input_shape)
    return preset_backbone(model, input_shape) if model.backbone.startswith(PRESET) else _custom_backbone(model, input_shape)


def _custom_backbone(model: ModelConfig, input_shape: tuple[int, int, int]) -> keras.Model:
    """Call a person's builder as ``function(input_shape=(height, width, channels), **options)``."""
    import keras

    reference = model.backbone
    with _process_as_before():
        backbone = call_function(reference, "model.backbone", input_shape=input_shape, **model.options)
    if isinstance(backbone, keras.Sequential):
        if not backbone.built:
            backbone.build((None, *input_shape))
        backbone = keras.Model(backbone.inputs[0], backbone.outputs[0], name=backbone.name)
    if not isinstance(backbone, keras.Model) or not hasattr(backbone, "operations"):
        raise ConfigError(
            f"model.backbone: {reference} must return a functional or sequential keras.Model, got {type(backbone).__name__}; "
            "a subclassed model cannot be cut at a frozen boundary."
        )
    if len(backbone.inputs) != 1 or len(backbone.outputs) != 1:
        raise ConfigError(
            f"model.backbone: {reference} must have one input and one output, got {len(backbone.inputs)} and {len(backbone.outputs)}."
        )
    if tuple(backbone.inputs[0].shape[1:]) != input_shape:
        raise ConfigError(
            f"model.backbone: {reference} was asked for input_shape={input_shape} but takes {tuple(backbone.inputs[0].shape[1:])}."
        )
    return backbone
