"""Pretrained weights: ImageNet's through Keras's own download, or a file."""

from __future__ import annotations

import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import ConfigError, WeightsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

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
            f"Without a network, put the file {file_name} into {folder}, or name it directly: 'weights: /path/to/{file_name}'."
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
            _copy_from_model(backbone, path)
        else:
            _check_count(backbone, path)
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)  # Keras warns, and goes on, where a file lacks a layer
                backbone.load_weights(path)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise ConfigError(
            f"model.weights: {path} does not fit backbone {backbone.name} with {len(backbone.weights)} weights "
            f"({backbone.count_params():,} parameters): {_first_line(error)}. Was it saved with other model.options, or with its head?"
        ) from error


def _check_count(backbone: keras.Model, path: Path) -> None:
    """Refuse a ``.weights.h5`` with more weights than the backbone: Keras would load those that happen to match and ignore the rest."""
    import h5py  # type: ignore[import-untyped]

    found: list[str] = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) and "seed_generator" not in name else None)
    if path.name.endswith(SUFFIXES[0]) and len(found) != len(backbone.weights):
        raise ValueError(f"the file holds {len(found)} weights")


def _copy_from_model(backbone: keras.Model, path: Path) -> None:
    import keras

    source = keras.models.load_model(path, compile=False)
    nested = [layer for layer in source.layers if layer.name == BACKBONE_LAYER]
    weights = (nested[0] if nested else source).get_weights()
    backbone.set_weights(weights)


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
