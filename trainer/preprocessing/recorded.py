"""The scaling that a weights file was trained with, written into the file beside the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

Recordable = Literal["caffe", "torch", "tf", "rescale", "none"]
"""Scalings that are the same for all images."""
ATTRIBUTE = "steadysweep_preprocessing"
SUFFIX = ".weights.h5"


def record_scaling(path: Path, scaling: Recordable) -> None:
    """Write into a ``.weights.h5`` file what its weights were trained with.

    Raises:
        ValueError: another scaling, such as one by the statistics of some images.
    """
    import h5py  # type: ignore[import-untyped]

    if scaling not in get_args(Recordable):
        raise ValueError(f"preprocessing must be one of {', '.join(get_args(Recordable))}, but got {scaling!r}")
    with h5py.File(path, "r+") as file:
        file.attrs[ATTRIBUTE] = scaling


def recorded_scaling(weights: str | None) -> Recordable | None:
    """What `record_scaling` wrote into the file of ``model.weights``; None for other files, and where there is none."""
    path = Path(weights).expanduser() if weights else None
    if path is None or not path.name.endswith(SUFFIX) or not path.is_file():
        return None
    import h5py

    try:
        with h5py.File(path) as file:
            found = file.attrs.get(ATTRIBUTE)
    except OSError:  # no HDF5 file; loading it says so
        return None
    return next((scaling for scaling in get_args(Recordable) if scaling == found), None)
