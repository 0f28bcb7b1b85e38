"""Weights of a network: pretrained ones read, initial ones drawn from a seed, trained ones written for others.

A written model has stock Keras layers alone, so that Keras loads it without this package.
"""

from __future__ import annotations

import contextlib
import hashlib
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary
from zipfile import BadZipFile

import keras
import numpy as np

from trainer.errors import ConfigError, WeightsUnavailableError
from trainer.network.batchnorm import SwitchedBatchNorm, batchnorm_layers
from trainer.network.head import VariableDropout
from trainer.network.parts import all_layers
from trainer.network.preprocessing import record_scaling

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    import tensorflow as tf

    from trainer.network.parts import BuiltModel
    from trainer.network.preprocessing import Recordable


SUFFIXES = (".weights.h5", ".keras", ".h5")
BACKBONE_LAYER = "backbone"


def with_imagenet_weights(build: Callable[[], keras.Model], backbone: str) -> keras.Model:
    """Call a ``keras.applications`` builder that downloads weights, and explain a download that fails.

    Raises:
        WeightsUnavailableError: names the file to provide and the folder where Keras looks for it.
    """
    try:
        return build()
    except Exception as error:
        file_name, folder, url = _wanted_file(error)
        if file_name is None:
            raise
        raise WeightsUnavailableError(
            f"model.weights: imagenet weights of {backbone} could not be downloaded from {url} ({_first_line(error)}). "
            f"Without a network, put the file {file_name} into {folder}, or name it directly: 'weights: /path/to/{file_name}'. "
            "Or begin with random weights and more epochs: 'weights: none' and 'frozen_layers: none', on the command line "
            "--set model.weights=none --set frozen_layers=none; backbone small_resnet (--set model.backbone=small_resnet) is made for that."
        ) from error


def load_backbone_weights(backbone: keras.Model, file: str) -> None:
    """Load a backbone's weights from a ``.weights.h5``, a ``.keras`` (a backbone, or a whole model that we exported) or a Keras ``.h5``.

    Raises:
        WeightsUnavailableError: there is no such file.
        ConfigError: the file is of another kind or another architecture.
    """
    path = Path(file).expanduser()
    if not path.name.endswith(SUFFIXES):
        raise ConfigError(f"model.weights: expected 'imagenet' or a file ending in {', '.join(SUFFIXES)}, got {file!r}.")
    if not path.is_file():
        raise WeightsUnavailableError(f"model.weights: there is no file {path} (looked for from {Path.cwd()}).")
    try:
        if path.suffix == ".keras":
            source = keras.models.load_model(path, compile=False, safe_mode=True)
            backbone.set_weights(next((layer for layer in source.layers if layer.name == BACKBONE_LAYER), source).get_weights())
        else:
            _check_count(backbone, path)
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)  # Keras warns, and goes on, where a file lacks a layer
                backbone.load_weights(path)
    except (ValueError, TypeError, OSError, KeyError, BadZipFile, UserWarning) as error:
        if is_refused_code(error):
            raise ConfigError(
                f"model.weights: {path} holds Python code (a Lambda layer), which loading would run; it is refused. "
                "Save the weights alone, with model.save_weights('backbone.weights.h5'), and name that file."
            ) from error
        raise ConfigError(
            f"model.weights: {path} does not fit backbone {backbone.name} with {len(backbone.weights)} weights "
            f"({backbone.count_params():,} parameters): {_first_line(error)}. Was it saved with other model.options, or with its head?"
        ) from error


def is_refused_code(error: BaseException) -> bool:
    """Whether Keras refused a file in safe mode, since it holds Python code; Keras has no exception of its own for it."""
    return "safe_mode" in str(error) or "unsafe" in str(error).lower()


def _check_count(backbone: keras.Model, path: Path) -> None:
    """Refuse a ``.weights.h5`` with more weights than the backbone: Keras would load those that happen to match and ignore the rest."""
    import h5py  # type: ignore[import-untyped]

    datasets: list[str] = []
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: datasets.append(name) if isinstance(item, h5py.Dataset) and "seed_generator" not in name else None
        )
    if path.name.endswith(SUFFIXES[0]) and len(datasets) != len(backbone.weights):
        raise ValueError(f"the file holds {len(datasets)} weights")


def _wanted_file(error: BaseException) -> tuple[str | None, str, str]:
    """File name, folder and URL that `keras.utils.get_file` was after when it failed, read from its frame."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "get_file":
            local: dict[str, Any] = frame.f_locals
            target = Path(str(local.get("download_target") or local.get("fpath") or local.get("fname") or ""))
            folder = target.parent if target.is_absolute() else Path("~/.keras/models").expanduser()
            return str(local.get("fname") or target.name), str(folder), str(local.get("origin"))
    return None, "", ""


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0]


def initialise(built: BuiltModel, seed: int, stale: Container[int] | None = None) -> None:
    """Give every weight its value at the start of a training: pretrained where given, else drawn from `seed` and the weight's place.

    A kept model is made new by this in a fraction of the time that building it takes; a model just built and a kept one get the same values.

    Args:
        built: the model.
        seed: of the training.
        stale: ids of the variables that do not have these values yet; None: all. The others are left alone.
    """
    if built.pristine is not None:
        for variable, value in zip(built.backbone.weights, built.pristine, strict=True):
            if stale is None or id(variable) in stale:
                variable.assign(value)
    else:
        draw_weights(built.backbone, seed, 0, stale)
    draw_weights(built.head, seed, 1, stale)


def draw_weights(model: keras.Model, seed: int, place: int, stale: Container[int] | None = None) -> None:
    """Draw each weight by its layer's own initializer, seeded by (`seed`, `place`, position); of `stale` only, where that is given.

    A trainable weight whose initializer its layer does not name (a few custom layers) gets the value that it was built with.
    """
    as_built = _AS_BUILT.setdefault(model, {})
    index = 0
    for layer in all_layers(model):
        for variable in layer._trainable_variables + layer._non_trainable_variables:  # noqa: SLF001 - this layer's own, not its children's
            index += 1
            if stale is not None and id(variable) not in stale:
                continue
            initializer = _initializer_of(layer, variable.name)
            if initializer is None:
                if variable.trainable:
                    variable.assign(as_built.setdefault(index, variable.numpy()))
            else:
                settings = initializer.get_config()
                if "seed" in settings:
                    initializer = type(initializer).from_config({**settings, "seed": derived_seed(seed, place, index)})
                variable.assign(np.asarray(initializer(variable.shape, dtype=variable.dtype)))


_AS_BUILT: WeakKeyDictionary[keras.Model, dict[int, Any]] = WeakKeyDictionary()
"""Values of weights without an initializer when their model was first drawn, by position: a kept model holds those of its last training."""


def _initializer_of(layer: keras.Layer, weight: str) -> Any:  # noqa: ANN401 - an initializer of Keras
    """The initializer of a layer's weight, or None where the layer has none under a name that Keras uses.

    ``bias`` has ``bias_initializer``, ``depthwise_kernel`` and ``recurrent_kernel`` drop the *kernel*, and a depthwise convolution calls its only one ``kernel``.
    """
    names = [weight, weight.removesuffix("_kernel"), *(["depthwise"] if weight == "kernel" else [])]
    return next((found for name in names if (found := getattr(layer, f"{name}_initializer", None)) is not None), None)


def derived_seed(*parts: int) -> int:
    """A seed in [0, 2³¹) that depends on every part: hashed, so neighbouring epochs or layers share nothing."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=4).digest(), "big") % 2**31


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
