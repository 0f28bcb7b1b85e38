"""What tests of the diagnosis share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def alternating_log() -> Path:
    """The log of reference system S3: validation accuracy alternates every epoch."""
    return DATA / "alternating_plain_cnn.csv"


@pytest.fixture
def frozen_log() -> Path:
    """The log of reference system S0: a frozen backbone that never leaves chance."""
    return DATA / "frozen_resnet50_erratic.csv"


@pytest.fixture
def steady_log(tmp_path: Path) -> Path:
    """A console log of a training that converges and stays, on 2,000 validation images."""
    generator = np.random.default_rng(0)
    lines = ["Train on 8000 samples, validate on 2000 samples"]
    for k in range(1, 31):
        accuracy = 0.92 - 0.3 * math.exp(-k / 4)
        right = round(2000 * accuracy + generator.uniform(-4, 4))
        lines += [
            f"Epoch {k}/30",
            f"8000/8000 - 3s - loss: {1.2 - accuracy:.4f} - acc: {accuracy + 0.01:.4f} - val_loss: {1.21 - accuracy:.4f} - val_acc: {right / 2000:.4f}",
        ]
    path = tmp_path / "steady.log"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def figures_log(tmp_path: Path) -> Callable[[str, list[float]], Path]:
    """Writes a CSV log of validation accuracies under a name."""

    def write(name: str, accuracies: list[float]) -> Path:
        path = tmp_path / name
        path.write_text("epoch,loss,val_acc\n" + "".join(f"{k},{1 / (k + 1):.4f},{value:.4f}\n" for k, value in enumerate(accuracies)))
        return path

    return write
