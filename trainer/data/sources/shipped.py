"""Data sets of others: scikit-learn's digits, which need no network and no file, and those of `keras.datasets` by name."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.sources.arrays import from_parts
from trainer.data.sources.collected import Collected
from trainer.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BRIGHTEST = 16


def collect_digits() -> Collected:
    """The digits, their values 0..16 scaled to 0..255.

    Source: https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_digits.html
    """
    images, labels = _digits()
    pixels = np.rint(images.reshape(-1, 8, 8, 1) * (255 / BRIGHTEST)).astype(np.uint8)
    return Collected(pixels, labels.astype(np.int32), tuple(str(digit) for digit in range(10)))


def _digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What scikit-learn's ``load_digits`` gives, read from its file: importing ``sklearn.datasets`` takes longer than a small training.

    Returns:
        Images ``(1797, 64)``, values 0..16, and labels ``(1797,)``.
    """
    package = find_spec("sklearn")
    for place in (package and package.submodule_search_locations) or ():
        file = Path(place) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            table = np.loadtxt(file, delimiter=",")
            return table[:, :-1], table[:, -1].astype(np.int64)
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return images, labels


CLOTHES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
VEHICLES_AND_ANIMALS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

FILES = {
    "mnist": ("mnist.npz",),
    "fashion_mnist": tuple(
        f"datasets/fashion-mnist/{name}-ubyte.gz"
        for name in ("train-labels-idx1", "train-images-idx3", "t10k-labels-idx1", "t10k-images-idx3")
    ),
    "cifar10": ("cifar-10-batches-py-target_archive",),
    "cifar100": ("cifar-100-python-target_archive",),
}
"""Data set to the files Keras looks for in its cache."""

ARCHIVES = {"cifar10": "cifar-10-python.tar.gz", "cifar100": "cifar-100-python.tar.gz"}

CLASS_NAMES = {"fashion_mnist": CLOTHES, "cifar10": VEHICLES_AND_ANIMALS}


def collect_keras_dataset(name: str) -> Collected:
    """Load a data set of `keras.datasets`; its test images are the test part.

    Raises:
        DataError: the name is unknown, or the set is neither in Keras's cache nor downloadable.
    """
    if name not in FILES:
        raise DataError(f"data.source: keras:{name} is unknown; expected keras: and one of {', '.join(FILES)}")
    import keras

    try:
        train, test = getattr(keras.datasets, name).load_data()
    except Exception as error:  # the download raises bare Exception, URLError or OSError
        raise DataError(
            f"data.source: keras:{name} could not be downloaded ({error}). Without a network, put it where Keras keeps it: {_advice(name)}"
        ) from error
    return from_parts({"train": train, "test": test}, where=f"keras:{name}", class_names=CLASS_NAMES.get(name))


def _advice(name: str) -> str:
    """Where Keras looks, and what to put there. Source: keras.src.utils.file_utils.get_file."""
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    places = [str(folder / (file if file.startswith("datasets/") else f"datasets/{file}")) for file in FILES[name]]
    return ", ".join(places) + (f" ({ARCHIVES[name]} under this name)" if name in ARCHIVES else "")
