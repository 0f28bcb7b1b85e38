"""Backbones that come with their weights: a person's ``.keras`` file, whose head is dropped, and the presets of KerasHub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zipfile import BadZipFile, ZipFile

import numpy as np

from trainer.backbones import PRESET
from trainer.errors import ConfigError, WeightsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras

    from trainer.config import ModelConfig

KERAS_HUB = "pip install 'steadysweep[hub]', or pip install keras-hub"
BACKBONE = "backbone"
"""Name of this part of a model that we exported."""
Scaling = Literal["caffe", "torch", "tf", "rescale", "standardize", "none"]
FIRST_MEAN: dict[Literal["caffe", "torch"], float] = {"caffe": 103.939, "torch": 123.675}
"""Mean of the first channel in these scalings."""
_MAP, _TOKENS = 4, 3
"""Dimensions of a batch of feature maps, and of tokens."""
_CLOSES_MAPS = ("Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D")
_HEAD = ("Dense", "Softmax", "Activation", "Dropout", "BatchNormalization", "LayerNormalization", "ReLU", "LeakyReLU", "Reshape", "Flatten")


def file_backbone(model: ModelConfig, input_shape: tuple[int, int, int]) -> keras.Model:
    """The network of a ``.keras`` file without its head, for images of a shape.

    The head is what comes after the last feature maps: pooling or flattening in the main path and all after it; in a network without maps, the layers from the
    last dense one on. Of a model that we exported it is the part called ``backbone``. Layers get new weights of the same values where the file's images have
    another size.

    Args:
        model: its `backbone` is the file.
        input_shape: height, width, channels.

    Raises:
        WeightsUnavailableError: there is no such file.
        ConfigError: it is no functional or sequential model, holds code, or does not take images of this shape.
    """
    import keras

    path = Path(model.backbone).expanduser()
    if not path.is_file():
        raise WeightsUnavailableError(f"model.backbone: there is no file {path} (looked for from {Path.cwd()}).")
    if model.options:
        raise ConfigError(f"model.options: {path} is a finished network, which takes no options; leave them out.")
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError) as error:
        why = (
            "it holds Python code (a Lambda layer), which loading would run"
            if "safe_mode" in str(error) or "unsafe" in str(error).lower()
            else str(error).strip().split("\n", 1)[0]
        )
        raise ConfigError(
            f"model.backbone: {path} cannot be loaded: {why}. A model with layers of your own needs a function: package.module:function "
            "that builds it and loads its weights, with weights: own."
        ) from error
    network = _functional(next((each for each in _nested(network) if each.name == BACKBONE), network), path)
    features = _without_head(network)
    if tuple(features.inputs[0].shape[1:]) != input_shape:
        features = _for_shape(features, input_shape, path)
    return features


def _nested(network: keras.Model) -> Iterator[keras.Model]:
    """A model and the models inside."""
    import keras

    from trainer.network.parts import all_layers

    return (each for each in all_layers(network) if isinstance(each, keras.Model))


def _functional(network: Any, path: Path) -> keras.Model:  # noqa: ANN401 - whatever was loaded
    import keras

    if isinstance(network, keras.Sequential) and network.built:
        network = keras.Model(network.inputs[0], network.outputs[0], name=network.name)
    if not isinstance(network, keras.Model) or not hasattr(network, "operations") or len(network.inputs) != 1 or len(network.outputs) != 1:
        raise ConfigError(
            f"model.backbone: {path} must hold a functional or sequential keras.Model with one input and one output, got {type(network).__name__}; "
            "a subclassed model cannot be cut at a frozen boundary."
        )
    return network


def _without_head(network: keras.Model) -> keras.Model:
    """Up to the features."""
    import keras

    from trainer.network.parts import cut_points

    operations = list(network.operations)
    cuts = [cut for cut in cut_points(network) if cut > 0]
    maps = [cut for cut in cuts if len(operations[cut].output.shape) == _MAP]
    if maps:
        closing = next((cut for cut in cuts if type(operations[cut]).__name__ in _CLOSES_MAPS), len(operations))
        end = max((cut for cut in maps if cut < closing), default=maps[-1])
        return keras.Model(network.inputs[0], operations[end].output, name=network.name)
    dense = [cut for cut in cuts if type(operations[cut]).__name__ == "Dense"]
    if dense and all(type(each).__name__ in _HEAD for each in operations[dense[-1] :]):
        return keras.Model(network.inputs[0], operations[dense[-1] - 1].output, name=network.name)
    return network


def _for_shape(features: keras.Model, input_shape: tuple[int, int, int], path: Path) -> keras.Model:
    """The same network with the same weights for images of another size."""
    import keras

    own = tuple(features.inputs[0].shape[1:])
    try:
        if own[2:] not in ((None,), input_shape[2:]):
            raise ValueError("other channels")  # noqa: TRY301 - told below
        cloned = keras.models.clone_model(features, input_tensors=keras.Input(input_shape))
        cloned.set_weights(features.get_weights())
    except (ValueError, TypeError) as error:
        height, width, channels = own
        raise ConfigError(
            f"model.backbone: {path} takes images of {height}x{width}x{channels}, got {'x'.join(map(str, input_shape))}. Set data.image_size: "
            f"{height if height == width else [height, width]}{' and data.color: ' + ('grey' if channels == 1 else 'rgb') if channels != input_shape[2] else ''}."
        ) from error
    return cloned


def file_channels(backbone: str) -> int | None:
    """Channels that the network of a ``.keras`` file takes, read without TensorFlow; None where the file does not say."""
    content = _contents(backbone)
    ours = next((layer for layer in _beside_backbone(content) if layer.get("name") == BACKBONE), None)
    try:
        for layer in _layers(content if ours is None else ours):
            if layer.get("class_name") == "InputLayer":
                return int(layer["config"]["batch_shape"][-1])
    except (KeyError, TypeError, IndexError):
        return None
    return None


def scaling_in_file(backbone: str) -> Scaling | None:
    """The scaling that the network of a ``.keras`` file expects, read without TensorFlow; None where nothing tells.

    A file with a scaling layer takes raw pixels: ``none``. Of a model that we exported, whose backbone alone is taken, it is what the layers before that do.
    """
    content = _contents(backbone)
    ours = _beside_backbone(content)
    scaling = [layer for layer in (ours or _layers(content)) if layer.get("class_name") in ("Rescaling", "Normalization")]
    if not ours:
        return "none" if scaling else None
    if not scaling:
        return "none"
    config = scaling[0]["config"]
    if scaling[0]["class_name"] == "Rescaling":
        return "tf" if config.get("offset") else "rescale"
    mean = float(np.ravel(config["mean"])[0])
    return next((kind for kind, first in FIRST_MEAN.items() if abs(mean - first) < 1), "standardize")


def _beside_backbone(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The layers of that model inside a file which has a part called ``backbone``; none where the file has none."""
    layers = content.get("config", {}).get("layers", ())
    if any(layer.get("name") == BACKBONE and layer.get("class_name") == "Functional" for layer in layers):
        return list(layers)
    return next((found for layer in layers if (found := _beside_backbone(layer))), [])


def _contents(backbone: str) -> dict[str, Any]:
    try:
        with ZipFile(Path(backbone).expanduser()) as file:
            content = json.loads(file.read("config.json"))
    except (OSError, KeyError, ValueError, BadZipFile):
        return {}
    return content if isinstance(content, dict) else {}


def _layers(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The layers of a model's configuration, those of models inside too."""
    for layer in content.get("config", {}).get("layers", ()):
        yield layer
        yield from _layers(layer)


def preset_backbone(model: ModelConfig, input_shape: tuple[int, int, int]) -> keras.Model:
    """A backbone of KerasHub; where it puts out tokens, their mean. Its scaling of pixels is the preprocessing's (`preset_scaling`).

    Args:
        model: its `backbone` is ``keras_hub:PRESET``, a name or a local folder; its `options` go to ``Backbone.from_preset``.
        input_shape: height, width, channels.

    Raises:
        WeightsUnavailableError: the preset is not there and cannot be downloaded.
        ConfigError: KerasHub is not installed, or the preset is no network for images of this shape.
    """
    import keras

    preset = model.backbone.removeprefix(PRESET)
    try:
        import keras_hub  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise ConfigError(f"model.backbone: {model.backbone} needs the library KerasHub: {KERAS_HUB} ({error})") from error
    folder = Path(preset).expanduser()
    place = str(folder) if folder.is_dir() else preset
    try:
        network = keras_hub.models.Backbone.from_preset(place, **model.options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"model.backbone: {model.backbone} cannot be built: {str(error).strip().splitlines()[0]}") from error
    except Exception as error:
        raise WeightsUnavailableError(
            f"model.backbone: {model.backbone} cannot be loaded ({type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}). Without a network, save it "
            "where there is one (keras_hub.models.Backbone.from_preset(PRESET).save_to_preset('FOLDER')), copy the folder here and write keras_hub:FOLDER."
        ) from error
    if not hasattr(network, "operations") or len(network.inputs) != 1 or not isinstance(network.output, keras.KerasTensor):
        raise ConfigError(
            f"model.backbone: {model.backbone} is no network from one image to one output; choose an image classifier's backbone."
        )
    wanted = tuple(network.inputs[0].shape[1:])
    if len(wanted) != len(input_shape) or any(own not in (None, side) for own, side in zip(wanted, input_shape, strict=True)):
        sides = "x".join(str(side or "any") for side in wanted)
        raise ConfigError(
            f"model.backbone: {model.backbone} takes images of {sides}, got {'x'.join(map(str, input_shape))}. Set data.image_size and data.color to that, or ask "
            f"for another size with model.options: {{image_shape: [{', '.join(map(str, input_shape))}]}} where the preset allows it."
        )
    plain = keras.Model(network.inputs[0], network.outputs[0], name=network.name)
    if wanted != input_shape:
        plain = _for_shape(plain, input_shape, Path(place))
    if len(plain.output.shape) == _TOKENS:
        plain = keras.Model(plain.inputs[0], keras.layers.GlobalAveragePooling1D(name="mean_of_tokens")(plain.output), name=network.name)
    return plain


def preset_scaling(backbone: str) -> tuple[Any, Any] | None:
    """Scale and offset of raw pixels that the own preprocessing of ``keras_hub:PRESET`` does; None where it has none."""
    import keras_hub  # the backbone was built by it

    place = backbone.removeprefix(PRESET)
    folder = Path(place).expanduser()
    try:
        converter = keras_hub.layers.ImageConverter.from_preset(str(folder) if folder.is_dir() else place)
    except Exception:  # noqa: BLE001 - a preset without one; its errors are of many kinds
        return None
    scale, offset = converter.scale, converter.offset
    return None if scale is None and offset is None else (1.0 if scale is None else scale, 0.0 if offset is None else offset)
