"""One configuration of a sweep: its settings, the training they make, and its identity.

A configuration's ID is the hash of its canonical effective settings. These are the searchable settings of ``data``, ``model`` and ``training`` (all others are the
same throughout a study), without those that have their default value and without those that change nothing:

- ``momentum`` unless the optimizer is ``sgd`` or ``rmsprop``;
- ``schedule_factor`` and ``schedule_patience`` unless the schedule is ``step`` or ``plateau``;
- ``activation`` without dense layers;
- ``frozen_features: each_step``, which computes what ``auto`` computes (and was the default before);
- ``frozen_bn`` and ``unfreeze_every`` when nothing is frozen;
- ``backbone_learning_rate_factor`` when the whole backbone is frozen for good;
- ``bn_momentum`` when no BatchNorm layer updates its statistics (the whole backbone is frozen for good and normalises by fixed statistics, and the head has no
  BatchNorm), or when they are recomputed before each validation (``precise_bn: epoch``);
- ``bn_momentum`` that is the backbone's own, e.g. .99 on ResNet50 (with ``head_bn`` also of the head's layers);
- ``bn_momentum``, ``frozen_bn`` and ``precise_bn`` where there is no BatchNorm layer at all (a backbone without it, and none in the head).

So a parameter that is inactive in a point and one that is active with the file's own value are the same, as are ``0%`` and ``none``.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sweeps.errors import SweepInputError
from sweeps.sweep_file.searchable import SECTIONS, SettingPath, not_searchable, setting_path
from trainer.backbones import BACKBONES, FILE, KERAS_MOMENTUM, PRESET
from trainer.config.settings import TrainConfig, searchable_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from search_spaces.conditions import PointValue
    from sweeps.sweep_file.settings import SweepFile

ID_LENGTH = 10
_NOTHING_FROZEN = re.compile(r"none|0+(?:\.0*)?%|0+ blocks?|weighted:0+")
_PATH_SUFFIXES = (".csv", ".parquet", ".npz", ".h5", ".keras")


def point_settings(sweep: SweepFile, point: Mapping[str, PointValue]) -> dict[SettingPath, Any]:
    """What a point gives to which settings: labels resolved to values, steps without rounding, inactive parameters left out.

    Parameters that the point leaves out keep the setting of the file.

    Raises:
        SweepInputError: a parameter that the space does not have, or a label that is gone from it.
    """
    settings: dict[SettingPath, Any] = {}
    unknown = [name for name in point if name not in sweep.space.parameters]
    if unknown:
        raise SweepInputError(f"{', '.join(unknown)}: not in the space, which has {', '.join(sweep.space.parameters) or 'no parameters'}")
    for name, value in sweep.space.active(point).items():
        parameter, path = sweep.space.parameters[name], setting_path(name)
        if path is None:
            raise SweepInputError(f"space.{name}: {not_searchable(name)}")
        if parameter.labels and value not in parameter.labels:
            raise SweepInputError(f"{name}: no label {value!r}, expected one of {', '.join(parameter.labels)}")
        settings[path] = parameter.setting(value)
    return settings


def train_config(
    sweep: SweepFile, point: Mapping[str, PointValue], seed: int, *, data_seed: int | None = None, validation_seed: int | None = None
) -> TrainConfig:
    """The training of one configuration (see `point_settings`) with its seeds (`sweeps.seeds`).

    `validation_seed` draws its training and validation images anew (``confirm: {resplit: true}``); None leaves the file's.

    Raises:
        SweepInputError: the point does not belong to the space, or its settings contradict each other.
    """
    sections = {section: getattr(sweep, section).model_dump() for section in SECTIONS}
    for (section, field), value in point_settings(sweep, point).items():
        sections[section][field] = value
    if validation_seed is not None:
        sections["data"]["split"]["validation_seed"] = validation_seed
    try:
        search = sweep.search
        return TrainConfig(**sections, metric=search.metric, direction=search.direction, seed=seed, data_seed=data_seed, allow=sweep.allow)
    except ValidationError as error:
        messages = [
            f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg'].removeprefix('Value error, ')}".removeprefix(": ")
            for detail in error.errors()
        ]
        raise SweepInputError("; ".join(messages)) from None


def absolute_config(config: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """A `TrainConfig` as plain data, its ``data.source``, ``data.cache_path`` and ``model.weights`` absolute where they are local paths, relative to `base`."""
    data = {**config["data"]}
    given = data["source"]
    data["source"] = absolute_source(given, base) if isinstance(given, str) else [absolute_source(each, base) for each in given]
    if data.get("cache_path"):
        data["cache_path"] = absolute_place(data["cache_path"], base)
    model = {**config["model"]}
    if model.get("weights") and _is_path(model["weights"], base):
        model["weights"] = absolute_place(model["weights"], base)
    model["backbone"] = absolute_backbone(model["backbone"], base)
    return {**config, "data": data, "model": model}


def absolute_backbone(backbone: str, base: Path) -> str:
    """A backbone with its path made absolute, where it is a file or a local preset."""
    if backbone.endswith(FILE):
        return absolute_place(backbone, base)
    preset = backbone.removeprefix(PRESET)
    return f"{PRESET}{absolute_place(preset, base)}" if preset != backbone and (base / Path(preset).expanduser()).is_dir() else backbone


def absolute_source(source: str, base: Path) -> str:
    """A data source with its path made absolute, where it has one: also that of a folder which one of the libraries reads (``hf:FOLDER``)."""
    if is_built_in(source):
        library, colon, name = source.partition(":")
        return (
            f"{library}:{absolute_place(name, base)}"
            if colon and library != "keras" and (base / Path(name).expanduser()).is_dir()
            else source
        )
    return absolute_place(source, base) if _is_path(source, base) else source


def is_built_in(source: str) -> bool:
    """Whether a data source is known by its name, whatever files there are: a folder called ``digits`` is written ``./digits``."""
    return source == "digits" or source.startswith(("keras:", "hf:", "tfds:"))


def absolute_place(place: str, base: Path) -> str:
    """A folder or file as an absolute path; URLs such as ``s3://bucket/prefix`` as they are."""
    if "://" in place:
        return place
    return str((base / Path(place).expanduser()).resolve())


def _is_path(text: str, base: Path) -> bool:
    return "://" not in text and (text.endswith(_PATH_SUFFIXES) or "/" in text or (base / text).exists())


def configuration_id(sweep: SweepFile, point: Mapping[str, PointValue], boundaries: Mapping[str, str] | None = None) -> str:
    """Ten hexadecimal digits that are equal exactly when the `effective_settings` are."""
    text = json.dumps(effective_settings(sweep, point, boundaries), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def effective_settings(sweep: SweepFile, point: Mapping[str, PointValue], boundaries: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What distinguishes a configuration from the defaults, by full path (``training.learning_rate``), in canonical plain data.

    Args:
        sweep: the study's file.
        point: a point of its space.
        boundaries: what ``frozen_layers`` means on the backbone, e.g. ``{"75%": "conv4_block3_out", "4 blocks": "conv3_block1_out"}``; where the backbone is
            searched too, keys are ``BACKBONE:LABEL``. Labels that are missing stand for themselves.

    Raises:
        SweepInputError: the point does not belong to the space.
    """
    settings = searchable_values(sweep, point)
    settings["model.frozen_layers"] = _boundary(settings["model.backbone"], settings["model.frozen_layers"], boundaries or {})
    settings["model.dropout"] = _dropout(settings["model.dropout"], len(settings["model.dense"]))
    idle = frozenset(_without_effect(settings, plain_backbone=not sweep.model.options))
    return {
        f"{section}.{name}": value
        for section, name, default in _searchable()
        if (value := _canonical(settings[f"{section}.{name}"])) != default and f"{section}.{name}" not in idle
    }


def searchable_values(sweep: SweepFile, point: Mapping[str, PointValue]) -> dict[str, Any]:
    """Every searchable setting at a point of the sweep's space, by full path, labels resolved to values.

    Raises:
        SweepInputError: the point does not belong to the space.
    """
    settings = {f"{section}.{name}": getattr(getattr(sweep, section), name) for section, name, _ in _searchable()}
    return settings | {".".join(path): value for path, value in point_settings(sweep, point).items()}


def setting_values(sweep: SweepFile, name: str, fixed: Any) -> tuple[Any, ...]:  # noqa: ANN401 - plain data
    """Values that a setting of this name takes in a sweep, of a range its ends; `fixed` where the space does not vary it."""
    for parameter in sweep.space.parameters.values():
        path = setting_path(parameter.name)
        if path is not None and path[1] == name:
            return tuple(parameter.setting(label) for label in parameter.labels) or (parameter.low, parameter.high)
    return (fixed,)


@cache
def _searchable() -> tuple[tuple[str, str, Any], ...]:
    """Section, field and canonical default of every searchable setting."""
    return tuple(
        (section, name, _canonical(field.get_default(call_default_factory=True)))
        for section, settings in SECTIONS.items()
        for name, field in searchable_settings(settings).items()
    )


def _without_effect(settings: Mapping[str, Any], *, plain_backbone: bool) -> Iterator[str]:
    """Paths of settings that change nothing in the company of the others; the reasons stand at the top of the file."""
    model, training = _section(settings, "model"), _section(settings, "training")
    if training["frozen_features"] == "each_step":
        yield "training.frozen_features"
    if training["optimizer"] not in ("sgd", "rmsprop"):
        yield "training.momentum"
    if training["schedule"] not in ("step", "plateau"):
        yield from ("training.schedule_factor", "training.schedule_patience")
    if not model["dense"]:
        yield "model.activation"
    if model["frozen_layers"] == "none":
        yield from ("model.frozen_bn", "training.unfreeze_every")
    frozen_for_good = model["frozen_layers"] == "all" and training["unfreeze_every"] is None
    if frozen_for_good:
        yield "training.backbone_learning_rate_factor"
    yield from _batchnorm_without_effect(model, training, frozen_for_good=frozen_for_good, plain_backbone=plain_backbone)


def _batchnorm_without_effect(
    model: Mapping[str, Any], training: Mapping[str, Any], *, frozen_for_good: bool, plain_backbone: bool
) -> Iterator[str]:
    fixed_statistics = frozen_for_good and model["frozen_bn"] != "batch" and not model["head_bn"]
    if fixed_statistics or training["precise_bn"] == "epoch":
        yield "model.bn_momentum"
    backbone = BACKBONES.get(model["backbone"])
    if backbone is None or not plain_backbone:
        return
    if backbone.momentum is None:
        yield "model.frozen_bn"
        if not model["head_bn"]:
            yield from ("model.bn_momentum", "training.precise_bn")
    elif model["bn_momentum"] == backbone.momentum and (not model["head_bn"] or backbone.momentum == KERAS_MOMENTUM):
        yield "model.bn_momentum"


def _section(settings: Mapping[str, Any], section: str) -> dict[str, Any]:
    return {path.removeprefix(f"{section}."): value for path, value in settings.items() if path.startswith(f"{section}.")}


def _boundary(backbone: str, label: str, boundaries: Mapping[str, str]) -> str:
    text = boundaries.get(f"{backbone}:{label}", boundaries.get(label, label))
    return "none" if _NOTHING_FROZEN.fullmatch(text) else text


def _dropout(rates: Any, num_dense: int) -> Any:  # noqa: ANN401 - a rate or one for each place
    """One rate where a list gives the same to every dense layer and the output."""
    if isinstance(rates, (list, tuple)) and len(rates) == num_dense + 1 and len(set(rates)) == 1:
        return rates[0]
    return rates


def _canonical(value: Any) -> Any:  # noqa: ANN401 - plain data
    """Plain data in the one form that stands for it: lists for tuples, 1 for 1.0, 0 for -0.0; JSON writes other floats in their shortest form."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    return value
