"""Make what S0 needs, once, below the current folder: images of one kind, and a backbone that was trained on images of another.

python examples/clinics/s0/prepare.py

``images/even`` and ``images/odd``: scikit-learn's 1,797 handwritten digits as colour images, written in light or dark ink on photographed surfaces.
``photographs.weights.h5``: a small residual network that tells apart eight places in scikit-learn's two sample photographs, on raw pixels as ImageNet's
ResNet50. It was trained to look at the surfaces; the task is in the strokes.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 16
ZOOM = 3
"""A cut from a photograph is so many times larger than the image that it becomes."""
PLACES = 8
"""Four quarters of two photographs."""
CUTS = 2400
EPOCHS = 6
WEIGHTS = "photographs.weights.h5"


def cuts(number: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Small pictures of places in the photographs.

    Returns:
        Images ``(number, 16, 16, 3)`` and the place of each, ``(number,)``, in [0, 8).
    """
    from sklearn.datasets import load_sample_images

    photographs = [np.asarray(each) for each in load_sample_images().images]
    draw = np.random.default_rng(seed)
    place = np.arange(number) % PLACES
    wide = SIDE * ZOOM
    found = np.empty((number, SIDE, SIDE, 3), np.uint8)
    for index, where in enumerate(place):
        photograph = photographs[where % 2]
        height, width = photograph.shape[0] // 2, photograph.shape[1] // 2
        top = where // 4 * height + draw.integers(height - wide)
        left = where // 2 % 2 * width + draw.integers(width - wide)
        cut = Image.fromarray(photograph[top : top + wide, left : left + wide])
        found[index] = np.asarray(cut.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return found, place


def writing(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Digits on surfaces: images ``(1797, 16, 16, 3)`` and the digit of each, ``(1797,)``."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    small = [Image.fromarray((image * 15.9).astype(np.uint8)) for image in digits.images]
    strokes = np.stack([np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for image in small])[..., None] / 255.0
    surface, _ = cuts(len(strokes), seed)
    ink = np.random.default_rng(seed).choice([-1.0, 1.0], (len(strokes), 1, 1, 1))  # dark or light
    mixed = np.clip(surface / 255.0 * 0.5 + 0.25 + ink * 0.45 * strokes, 0.0, 1.0)
    return (mixed * 255).astype(np.uint8), digits.target


def write_images(folder: Path) -> None:
    """Write class folders of PNG files."""
    images, digits = writing(seed=1)
    for number, (image, digit) in enumerate(zip(images, digits, strict=True)):
        path = folder / ("odd" if digit % 2 else "even") / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def pretrain(weights: Path) -> float:
    """Train the backbone on the photographs and write its weights; returns its validation accuracy."""
    from trainer import TrainConfig, train
    from trainer.network.weights import save_backbone

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "photographs.npz"
        images, place = cuts(CUTS, seed=0)
        np.savez(source, x=images, y=place)
        config = TrainConfig.model_validate(
            {
                "data": {"source": str(source), "preprocessing": "none", "split": {"train": 0.8, "validation": 0.2, "test": 0}},
                "model": {"backbone": "small_resnet", "options": {"filters": [8, 16, 32], "blocks": 1}},
                "training": {"epochs": EPOCHS, "batch_size": 64, "learning_rate": 1e-2, "schedule": "cosine"},
                "allow": ["input_scaling"],
            }
        )
        result = train(config, checkpoint_dir=Path(folder))
        import keras

        model = keras.models.load_model(result.model_path, compile=False)
        save_backbone(model.get_layer("backbone"), weights, preprocessing="none")
    return result.figures["exported_val_accuracy"]


def prepare(folder: Path) -> None:
    """Write what is missing below `folder`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
    images, weights = folder / "images", folder / WEIGHTS
    if not images.exists():
        write_images(images)
        print("images/even, images/odd: handwritten digits on photographed surfaces")
    if not weights.exists():
        print(f"{WEIGHTS}: backbone trained on photographs, validation accuracy {pretrain(weights):.3f}")


if __name__ == "__main__":
    prepare(Path())
