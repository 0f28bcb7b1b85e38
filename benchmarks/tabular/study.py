"""The tabular study as typed arrays: what every training of every configuration of every space did.

    sys.path.insert(0, "benchmarks/tabular")
    from study import load
    for table in load().values():
        table.val_accuracy  # (num_configurations, num_seeds, num_epochs)

Reading all of it takes a second. What each space is stands in `README.md`; how the figures came about in `make.py`. Axes are always in this order:
configurations, seeds, epochs, images. *Late* epochs are the last twelve.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Table:
    """All trainings of a space.

    Attributes:
        name: of the space; one that ends in ``-common`` repeats seeds with one order and augmentation for all configurations of a seed.
        about: one line.
        configurations: settings of each, in the order of the grid: the last of `grid` changes fastest.
        grid: choices of each setting that is searched.
        default: place of the configuration that a person would start from.
        num_classes: of the network.
        num_train: training images.
        num_val: validation images.
        num_test: test images, the same for all seeds.
        seeds: ``(num_seeds,)``, of the files there are.
        train_correct: ``(num_configurations, num_seeds, num_epochs)``, of the images seen, in training mode.
        train_seen: ``(num_configurations,)``, training images an epoch.
        train_loss: ``(num_configurations, num_seeds, num_epochs)``, mean over images.
        val_correct: ``(num_configurations, num_seeds, num_epochs)``, images.
        val_loss: ``(num_configurations, num_seeds, num_epochs)``, mean over images.
        val_bits: ``(num_configurations, num_seeds, late_epochs, ceil(num_val / 8))``, correctness packed by `numpy.packbits`; see `val_right`.
        best_epoch: ``(num_configurations, num_seeds)``, first with the highest validation accuracy, from 0 on: the exported one.
        best_classes: ``(num_configurations, num_seeds, num_val)``, predicted at that epoch.
        last_classes: ``(num_configurations, num_seeds, num_val)``, predicted at the last epoch.
        test_correct: ``(num_configurations, num_seeds, late_epochs)``, images.
        test_correct_best: ``(num_configurations, num_seeds)``, images, by the exported epoch.
        val_images: ``(num_seeds, num_val)``, number of each validation image in its source; rows differ where seeds draw their own split.
        val_labels: ``(num_seeds, num_val)``, right class.
    """

    name: str
    about: str
    configurations: tuple[dict[str, Any], ...]
    grid: dict[str, list[Any]]
    default: int
    num_classes: int
    num_train: int
    num_val: int
    num_test: int
    seeds: NDArray[np.int64]
    train_correct: NDArray[np.uint16]
    train_seen: NDArray[np.uint16]
    train_loss: NDArray[np.float32]
    val_correct: NDArray[np.uint16]
    val_loss: NDArray[np.float32]
    val_bits: NDArray[np.uint8]
    best_epoch: NDArray[np.uint8]
    best_classes: NDArray[np.uint8]
    last_classes: NDArray[np.uint8]
    test_correct: NDArray[np.uint16]
    test_correct_best: NDArray[np.uint16]
    val_images: NDArray[np.uint16]
    val_labels: NDArray[np.uint8]

    @property
    def num_epochs(self) -> int:
        """Epochs of each training."""
        return self.val_correct.shape[2]

    @property
    def resplit(self) -> bool:
        """Whether seeds draw their own training and validation images."""
        return bool((self.val_images != self.val_images[0]).any())

    @cached_property
    def train_accuracy(self) -> Floats:
        """``(num_configurations, num_seeds, num_epochs)``, in training mode, fraction."""
        return self.train_correct / self.train_seen[:, None, None].astype(np.float64)

    @cached_property
    def val_accuracy(self) -> Floats:
        """``(num_configurations, num_seeds, num_epochs)``, fraction: the curves."""
        return self.val_correct / float(self.num_val)

    @cached_property
    def val_right(self) -> NDArray[np.bool_]:
        """``(num_configurations, num_seeds, late_epochs, num_val)``: whether each validation image was right at each late epoch."""
        return np.unpackbits(self.val_bits, axis=3, count=self.num_val).astype(np.bool_)

    @cached_property
    def test_accuracy(self) -> Floats:
        """``(num_configurations, num_seeds, late_epochs)``, fraction."""
        return self.test_correct / float(self.num_test)

    @cached_property
    def test_accuracy_best(self) -> Floats:
        """``(num_configurations, num_seeds)``, fraction, of the exported epoch."""
        return self.test_correct_best / float(self.num_test)


_PER_CONFIGURATION = (
    "train_correct",
    "train_loss",
    "val_correct",
    "val_loss",
    "val_bits",
    "best_epoch",
    "best_classes",
    "last_classes",
    "test_correct",
    "test_correct_best",
)


def load(data: Path = DATA, *, common: bool = False) -> dict[str, Table]:
    """The tables of all spaces in the folder, by name.

    Args:
        data: folder that `make.py` writes.
        common: whether the tables with common streams come too.
    """
    folders = sorted(each for each in data.iterdir() if each.is_dir() and (common or not each.name.endswith("-common")))
    tables = {each.name: read(each) for each in folders if any(each.glob("seed-*.npz"))}
    if not tables:
        raise FileNotFoundError(f"{data}: no seed-*.npz in any folder; `python benchmarks/tabular/make.py` makes them")
    return tables


def read(folder: Path) -> Table:
    """The table of one space from its files, one a seed."""
    files = sorted(folder.glob("seed-*.npz"), key=_seed)
    parts = [dict(np.load(each)) for each in files]
    about = json.loads(bytes(parts[0]["about"]))
    return Table(
        name=folder.name,
        about=about["about"],
        configurations=tuple(about["configurations"]),
        grid=about["grid"],
        default=about["default"],
        num_classes=about["num_classes"],
        num_train=about["num_train"],
        num_val=about["num_val"],
        num_test=about["num_test"],
        seeds=np.array([_seed(each) for each in files]),
        train_seen=parts[0]["train_seen"],
        val_images=np.stack([each["val_images"] for each in parts]),
        val_labels=np.stack([each["val_labels"] for each in parts]),
        **{name: np.stack([each[name] for each in parts], axis=1) for name in _PER_CONFIGURATION},
    )


def _seed(path: Path) -> int:
    return int(path.stem.removeprefix("seed-"))
