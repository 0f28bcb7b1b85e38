"""Paths of a training, made absolute for workers: they run in folders of their own, and the sweep file means the driver's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH_SUFFIXES = (".csv", ".parquet", ".npz", ".h5", ".keras")


def absolute_config(config: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """The resolved settings of a training with ``data.source``, ``data.cache_path`` and ``model.weights`` absolute where they are local paths.

    Args:
        config: `TrainConfig` as plain data.
        base: folder that relative paths mean.
    """
    data = {**config["data"]}
    data["source"] = absolute_source(data["source"], base)
    if data.get("cache_path"):
        data["cache_path"] = absolute_place(data["cache_path"], base)
    model = {**config["model"]}
    if model.get("weights") and _is_path(model["weights"], base):
        model["weights"] = absolute_place(model["weights"], base)
    return {**config, "data": data, "model": model}


def absolute_source(source: str, base: Path) -> str:
    """A data source that is a local file or folder as an absolute path; ``digits``, ``keras:NAME``, functions and URLs as they are.

    ``digits`` is scikit-learn's images even where a folder of that name is: that one is written ``./digits``.
    """
    return absolute_place(source, base) if not is_built_in(source) and _is_path(source, base) else source


def is_built_in(source: str) -> bool:
    """Whether a data source is known by its name, whatever files there are."""
    return source == "digits" or source.startswith("keras:")


def absolute_place(place: str, base: Path) -> str:
    """A folder or file as an absolute path; URLs such as ``s3://bucket/prefix`` as they are."""
    if "://" in place:
        return place
    return str((base / Path(place).expanduser()).resolve())


def _is_path(text: str, base: Path) -> bool:
    return "://" not in text and (text.endswith(_PATH_SUFFIXES) or "/" in text or (base / text).exists())
