"""Make what S2 needs, once, in the current folder: seven classes of images, and two backbones trained on other classes and other paper.

python examples/clinics/s2/prepare.py

``paper.npz``: scikit-learn's handwritten digits 3 to 9 as dark ink on grey paper. ``resnet.weights.h5`` and ``vgg.weights.h5``: backbones trained to tell
apart the digits 0, 1 and 2 in light ink on black; ``pretrained.py`` builds them.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
OLD, NEW = (0, 1, 2), (3, 4, 5, 6, 7, 8, 9)
BACKBONES = ("resnet", "vgg")
EPOCHS = 8


def pretrain(folder: Path, name: str) -> float:
    """Train one backbone on the old digits and write its weights; returns its validation accuracy."""
    from trainer import TrainConfig, train
    from trainer.network.weights import save_backbone

    config = TrainConfig.model_validate(
        {
            "data": {"source": "digits", "classes": [str(digit) for digit in OLD], "split": {"train": 0.8, "validation": 0.2, "test": 0}},
            "model": {"backbone": f"pretrained:build_{name}"},
            "training": {"epochs": EPOCHS, "batch_size": 32, "learning_rate": 3e-3, "schedule": "cosine"},
        }
    )
    with tempfile.TemporaryDirectory() as checkpoints:
        result = train(config, checkpoint_dir=Path(checkpoints))
        import keras

        model = keras.models.load_model(result.model_path, compile=False)
        save_backbone(model.get_layer("backbone"), folder / f"{name}.weights.h5")
    return result.figures["exported_val_accuracy"]


def write_images(path: Path) -> None:
    """Write the new digits: 0 is ink, 200 is paper of [0, 255]."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    new = np.isin(digits.target, NEW)
    images = 200.0 - digits.images[new][..., None] / 16.0 * 130.0
    np.savez(path, x=images.astype(np.uint8), y=digits.target[new])


def prepare(folder: Path) -> None:
    """Write what is missing in `folder`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
    shutil.copyfile(HERE / "pretrained.py", folder / "pretrained.py")
    if not (folder / "paper.npz").exists():
        write_images(folder / "paper.npz")
        print("paper.npz: digits 3 to 9, dark ink on grey paper")
    sys.path.insert(0, str(folder))
    for name in BACKBONES:
        if not (folder / f"{name}.weights.h5").exists():
            print(f"{name}.weights.h5: backbone trained on the digits 0 to 2, validation accuracy {pretrain(folder, name):.3f}")


if __name__ == "__main__":
    prepare(Path.cwd())
