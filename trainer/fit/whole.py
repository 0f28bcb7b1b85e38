"""A model in two forms: whole (``model.keras``), and as what training changed of it (``trained.npz``), from which the whole one is made when somebody wants it.

Most trials of a study end among those that nobody wants. Writing the whole model takes longer than training a head on a frozen backbone, and most of the file is
the backbone as it was loaded.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from trainer.backbones import backbone_info
from trainer.checkpoints.layout import EXPORT, MODEL, PARTIAL, TRAINED, checksum
from trainer.checkpoints.local import Checkpoints
from trainer.config import TrainConfig
from trainer.data.pixels import ChannelStatistics
from trainer.errors import DataError
from trainer.fit.engine import Engine
from trainer.fit.network import Network
from trainer.fit.replicas import replicas_of
from trainer.network.build import build_model
from trainer.network.weights import export_model

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.data import ImageData


RECIPE = "recipe"
"""The array of ``trained.npz`` that is no weight: JSON in UTF-8, how to make the rest."""


def can_be_made(config: TrainConfig) -> bool:
    """Whether the rest of a model follows from its settings: not where a person's function makes the backbone, which may make another tomorrow."""
    return backbone_info(config.model.backbone) is not None


def write_trained(engine: Engine, config: TrainConfig, data: ImageData, path: Path) -> None:
    """Write what training changed of a network as it stands, atomically, and how to make the rest.

    Args:
        engine: its network holds the weights to keep, its averages swapped in.
        config: of the training, paths absolute.
        data: its images.
        path: of the file.
    """
    statistics = engine.network.built.statistics
    recipe = {
        "config": config.model_dump(mode="json"),
        "image_shape": data.image_shape,
        "num_classes": data.num_classes,
        "statistics": None if statistics is None else [statistics.mean, statistics.variance],
        "untouched": engine.untouched(config.seed),
    }
    arrays = {f"{index:05d}": variable.numpy() for index, variable in enumerate(engine.changing)}
    partial = path.with_name(f"{PARTIAL}{path.name}")
    with partial.open("wb") as file:
        np.savez(file, **{RECIPE: np.frombuffer(json.dumps(recipe).encode(), np.uint8)}, **arrays)  # type: ignore[arg-type]
    partial.replace(path)


def complete(folder: Path) -> Path:
    """Make the whole ``model.keras`` in a folder that holds ``trained.npz``, put it in its place, and return its path.

    Nothing happens where the whole model is there already. It predicts what the trained network predicted, to the last bit on the same machine.

    Raises:
        DataError: the file is damaged, or the backbone's weights are no longer what they were.
        TrainerInputError: the backbone's weights cannot be had.
        OSError: the folder cannot be written.
    """
    checkpoints = Checkpoints(folder)
    if checkpoints.exported() != TRAINED:
        return folder / MODEL
    source, note = folder / TRAINED, checkpoints.read_note(EXPORT)
    if note.get("sha256") != checksum(source):
        raise DataError(f"{source} is damaged: its checksum is not the one in {EXPORT}; restore the file, or train the configuration again")
    try:
        with np.load(source, allow_pickle=False) as archive:
            recipe = json.loads(archive[RECIPE].tobytes())
            weights = [archive[name] for name in sorted(set(archive.files) - {RECIPE})]
    except (ValueError, KeyError, BadZipFile) as error:  # its note may be a stranger's as well
        raise DataError(f"{source} is no file of a training ({error}); restore the file, or train the configuration again") from error
    checkpoints.export(note["epoch"], note["epochs"], lambda path: _write_whole(recipe, weights, path, source))
    return folder / MODEL


def _write_whole(recipe: dict[str, Any], weights: list[Any], path: Path, source: Path) -> None:
    config = TrainConfig(**recipe["config"])
    statistics = None if recipe["statistics"] is None else ChannelStatistics(*(tuple(values) for values in recipe["statistics"]))
    network = Network(build_model(config, tuple(recipe["image_shape"]), recipe["num_classes"], statistics), replicas_of(1))
    engine = Engine(network, config, fed=False)
    network.start(config.model, config.seed, engine.changing)
    if engine.untouched(config.seed) != recipe["untouched"]:
        weights_file = config.model.weights or "the random weights of its frozen layers"
        raise DataError(
            f"{source}: the whole model cannot be made of it: {weights_file} changed since the training; restore what it was, "
            "or train the configuration again"
        )
    engine.restore(weights)
    export_model(network.built.model, path)
