"""The search spaces of the tabular study: which images, which settings, how many seeds.

Every space is a full grid, so that whatever a sampler proposes from the choices stands in the table. The images come with scikit-learn: handwritten
digits (1,797 of 8x8 pixels) and two photographs, cut into tiles that do not overlap.
"""

from __future__ import annotations

import itertools
import zlib
from dataclasses import dataclass, field, fields
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEEDS = 8
"""Trainings of each configuration."""
LATE_EPOCHS = 12
"""Last epochs of which the correctness of each validation image and the test accuracy are kept."""
MOST_TEST = 1_000
"""Test images at most."""
PIXELS = 8


@dataclass(frozen=True)
class Settings:
    """Settings of one training; a grid overrides some of them.

    Attributes:
        learning_rate: of the first epoch.
        optimizer: Adam, or SGD with momentum .9.
        schedule: of the learning rate: constant, or cosine to 0 over the planned steps.
        weight_decay: decoupled, times the learning rate, at each step.
        dropout: share of the features before the last layer.
        bn_momentum: of both BatchNormalization layers.
        shift: pixels by which each training image is moved at most, each way; from 1 on photographs are also mirrored at random.
        frozen: convolutions (with their BatchNormalization, then in inference mode) that are not trained, from the input on.
        width: filters of the first convolution; the second has twice as many.
        batch_size: training images a step.
        drop_remainder: whether the incomplete last batch of an epoch is left out.
    """

    learning_rate: float = 1e-3
    optimizer: Literal["adam", "sgd"] = "adam"
    schedule: Literal["constant", "cosine"] = "constant"
    weight_decay: float = 0.0
    dropout: float = 0.0
    bn_momentum: float = 0.99
    shift: int = 0
    frozen: int = 0
    width: int = 8
    batch_size: int = 16
    drop_remainder: bool = False


@dataclass(frozen=True)
class Space:
    """A search space and the images it is trained on.

    Attributes:
        name: also the folder of its data.
        about: what it stands for, one line.
        images: their source.
        classes: labels of the source that take part, in the order of the network's outputs.
        num_train: training images.
        num_val: validation images; of the others up to `MOST_TEST` are the test set.
        grid: choices of each setting.
        default: the choice of each setting that a person would start from.
        base: settings outside the grid.
        epochs: of each training.
        label_noise: share of training images with a wrong label.
        resplit: whether each seed draws its own training and validation images (the test set stays).
        pretrained: whether the convolutions start from a network trained on the digits 0 to 4.
    """

    name: str
    about: str
    images: Literal["digits", "photographs"]
    classes: tuple[int, ...]
    num_train: int
    num_val: int
    grid: dict[str, tuple[float | str, ...]]
    default: dict[str, float | str]
    base: Settings = field(default_factory=Settings)
    epochs: int = 30
    label_noise: float = 0.0
    resplit: bool = False
    pretrained: bool = False

    @cached_property
    def configurations(self) -> tuple[Settings, ...]:
        """Every combination of the grid, the last setting changing fastest."""
        rest = {each.name: getattr(self.base, each.name) for each in fields(Settings)}
        return tuple(Settings(**{**rest, **dict(zip(self.grid, chosen, strict=True))}) for chosen in itertools.product(*self.grid.values()))

    @property
    def default_index(self) -> int:
        """Place of the default among `configurations`."""
        return list(itertools.product(*self.grid.values())).index(tuple(self.default[name] for name in self.grid))

    @property
    def moved(self) -> int:
        """Pixels by which the space moves an image at most."""
        return max(each.shift for each in self.configurations)

    @property
    def key(self) -> int:
        """The space's part of every seed."""
        return zlib.crc32(self.name.encode())


DIGITS = tuple(range(10))
_RATES = (1e-3, 3e-3, 1e-2, 3e-2)

SPACES: tuple[Space, ...] = (
    Space(
        name="few_shot",
        about="ten images a digit",
        images="digits",
        classes=DIGITS,
        num_train=100,
        num_val=200,
        grid={"learning_rate": _RATES, "dropout": (0.0, 0.3, 0.6), "bn_momentum": (0.9, 0.99), "shift": (0, 1)},
        default={"learning_rate": 3e-3, "dropout": 0.3, "bn_momentum": 0.99, "shift": 0},
        base=Settings(batch_size=10),
    ),
    Space(
        name="small_validation",
        about="120 validation images, drawn anew with the training images for each seed",
        images="digits",
        classes=DIGITS,
        num_train=160,
        num_val=120,
        grid={"learning_rate": _RATES, "dropout": (0.0, 0.4), "shift": (0, 1, 2), "schedule": ("constant", "cosine")},
        default={"learning_rate": 3e-3, "dropout": 0.4, "shift": 0, "schedule": "constant"},
        base=Settings(bn_momentum=0.95),
        resplit=True,
    ),
    Space(
        name="swinging",
        about="SGD with rates up to far too high and quick moving statistics",
        images="digits",
        classes=DIGITS,
        num_train=200,
        num_val=250,
        grid={
            "learning_rate": (0.03, 0.1, 0.3, 1.0),
            "bn_momentum": (0.1, 0.9, 0.99),
            "dropout": (0.0, 0.4),
            "schedule": ("constant", "cosine"),
        },
        default={"learning_rate": 0.1, "bn_momentum": 0.99, "dropout": 0.0, "schedule": "constant"},
        base=Settings(optimizer="sgd"),
    ),
    Space(
        name="transfer",
        about="convolutions learnt on the digits 0 to 4, trained on on 5 to 9",
        images="digits",
        classes=(5, 6, 7, 8, 9),
        num_train=60,
        num_val=150,
        grid={"learning_rate": _RATES, "frozen": (0, 1, 2), "dropout": (0.0, 0.5), "bn_momentum": (0.9, 0.99)},
        default={"learning_rate": 3e-3, "frozen": 2, "dropout": 0.0, "bn_momentum": 0.99},
        base=Settings(batch_size=12),
        pretrained=True,
    ),
    Space(
        name="photographs",
        about="from which quarter of which of two photographs a tile was cut",
        images="photographs",
        classes=tuple(range(8)),
        num_train=400,
        num_val=300,
        grid={"learning_rate": _RATES, "width": (8, 16), "dropout": (0.0, 0.3, 0.6), "shift": (0, 1)},
        default={"learning_rate": 3e-3, "width": 8, "dropout": 0.3, "shift": 0},
        base=Settings(batch_size=20, bn_momentum=0.95),
    ),
    Space(
        name="late_risers",
        about="moving statistics so slow that accuracy by them rises late",
        images="digits",
        classes=DIGITS,
        num_train=160,
        num_val=250,
        grid={"learning_rate": _RATES, "bn_momentum": (0.9, 0.99, 0.995, 0.999), "dropout": (0.0, 0.3, 0.6)},
        default={"learning_rate": 3e-3, "bn_momentum": 0.99, "dropout": 0.3},
        base=Settings(batch_size=10),
        epochs=40,
    ),
    Space(
        name="label_noise",
        about="three training labels in ten are wrong",
        images="digits",
        classes=DIGITS,
        num_train=300,
        num_val=200,
        grid={"learning_rate": _RATES, "dropout": (0.0, 0.25, 0.5), "weight_decay": (0.0, 0.1), "shift": (0, 1)},
        default={"learning_rate": 3e-3, "dropout": 0.25, "weight_decay": 0.0, "shift": 0},
        base=Settings(batch_size=20, bn_momentum=0.95),
        label_noise=0.3,
    ),
    Space(
        name="leftover_batches",
        about="161 images in batches of 8, 16 or 32: one image is left over",
        images="digits",
        classes=DIGITS,
        num_train=161,
        num_val=200,
        grid={
            "learning_rate": (3e-3, 1e-2),
            "batch_size": (8, 16, 32),
            "bn_momentum": (0.01, 0.5, 0.9, 0.99),
            "drop_remainder": (False, True),
        },
        default={"learning_rate": 3e-3, "batch_size": 32, "bn_momentum": 0.99, "drop_remainder": False},
        base=Settings(dropout=0.3),
    ),
)
"""In the order in which they are trained: the most telling first."""
COMMON_SPACE, COMMON_SEEDS = "few_shot", 4
"""Space whose first seeds are trained a second time with one order and augmentation for all configurations of a seed."""


def space(name: str) -> Space:
    """The space of that name."""
    return next(each for each in SPACES if each.name == name)


@dataclass(frozen=True)
class Images:
    """Images of a source and all their moved forms.

    Attributes:
        source: its name.
        table: ``(num_images * num_forms, 8, 8, channels)``, float32 within ±1; form ``f`` of image ``i`` stands at ``i * num_forms + f``.
        labels: ``(num_images,)``.
        farthest: pixels by which an image is moved at most, each way.
        num_forms: ``(2 * farthest + 1) ** 2``, twice as many where images are also mirrored.
    """

    source: str
    table: NDArray[np.float32]
    labels: NDArray[np.int64]
    farthest: int
    num_forms: int

    def rows(
        self,
        images: NDArray[np.int64],
        down: NDArray[np.int64] | int,
        right: NDArray[np.int64] | int,
        *,
        mirrored: NDArray[np.int64] | int = 0,
    ) -> NDArray[np.int64]:
        """Rows of the table: these images, moved down and right by so many pixels and mirrored where `mirrored` is 1."""
        side = 2 * self.farthest + 1
        return images * self.num_forms + (down + self.farthest) * side + right + self.farthest + side**2 * mirrored

    def plain(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of the images as they are."""
        return self.rows(images, 0, 0)


@lru_cache(maxsize=8)
def load_images(source: str, farthest: int) -> Images:
    """The images of a source and all their forms moved by up to `farthest` pixels, edges repeated; photographs also mirrored."""
    if source == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        pictures, labels = digits.images[..., None] / 8.0 - 1.0, digits.target.astype(np.int64)
    else:
        pictures, labels = _tiles()
    padded = np.pad(pictures, ((0, 0), (farthest,) * 2, (farthest,) * 2, (0, 0)), mode="edge")
    steps = range(2 * farthest, -1, -1)  # the window moves up where the picture moves down
    forms = [padded[:, up : up + PIXELS, left : left + PIXELS] for up in steps for left in steps]
    if source == "photographs":
        forms += [form[:, :, ::-1] for form in forms]
    table = np.stack(forms, axis=1).astype(np.float32)
    return Images(source, table.reshape(-1, *table.shape[2:]), labels, farthest, len(forms))


def _tiles() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Tiles of 16 pixels of both photographs, halved to 8, and the quarter each was cut from, ``photograph * 4 + quarter``."""
    from sklearn.datasets import load_sample_image

    tiles, labels = [], []
    for number, name in enumerate(("china.jpg", "flower.jpg")):
        photograph = load_sample_image(name).astype(np.float64) / 127.5 - 1.0
        rows, columns = photograph.shape[0] // 16, photograph.shape[1] // 16
        cut = photograph[: rows * 16, : columns * 16].reshape(rows, PIXELS, 2, columns, PIXELS, 2, 3).mean(axis=(2, 5))
        tiles.append(cut.transpose(0, 2, 1, 3, 4).reshape(-1, PIXELS, PIXELS, 3))
        row, column = np.divmod(np.arange(rows * columns), columns)
        labels.append(number * 4 + (row >= rows / 2) * 2 + (column >= columns / 2))
    return np.concatenate(tiles), np.concatenate(labels).astype(np.int64)


@dataclass(frozen=True)
class Split:
    """Which images a training uses; images are numbered as in the source.

    Attributes:
        train: ``(num_train,)``.
        val: ``(num_val,)``.
        test: ``(num_test,)``; the same for every seed.
        labels: ``(num_images,)``, output of the network that is right; -1 for classes that do not take part.
        train_labels: as `labels`, some training images with a wrong one where the space has label noise.
    """

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    test: NDArray[np.int64]
    labels: NDArray[np.int64]
    train_labels: NDArray[np.int64]


def split(of: Space, seed: int) -> Split:
    """The split that a seed of a space trains on. Training images have equally many of each class, to within one."""
    source = load_images(of.images, of.moved).labels
    labels = np.full(source.size, -1)
    for output, label in enumerate(of.classes):
        labels[source == label] = output
    draw = np.random.default_rng([of.key, 10])
    images = draw.permutation(np.flatnonzero(labels >= 0))
    pool, test = images[: of.num_train + of.num_val], images[of.num_train + of.num_val :][:MOST_TEST]
    if of.resplit:
        pool = np.random.default_rng([of.key, 11, seed]).permutation(pool)
    rank = np.empty(pool.size, dtype=np.int64)  # place of an image among those of its class
    for output in range(len(of.classes)):
        members = labels[pool] == output
        rank[members] = np.arange(members.sum())
    chosen = np.argsort(rank, kind="stable")[: of.num_train]
    train, val = pool[np.sort(chosen)], np.delete(pool, chosen)
    noisy = labels.copy()
    if of.label_noise:
        wrong = draw.choice(train, round(of.label_noise * train.size), replace=False)
        noisy[wrong] = (noisy[wrong] + draw.integers(1, len(of.classes), wrong.size)) % len(of.classes)
    return Split(train, val, test, labels, noisy)
