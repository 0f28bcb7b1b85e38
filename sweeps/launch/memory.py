"""How much memory the trainings of a sweep take at most, told from their networks, and how many of them share a GPU (``resources.gpu: auto``)."""

from __future__ import annotations

import math
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.keras_trainable import TOTAL_MEMORY
from sweeps.launch.limits import MOST_NETWORKS, corners_of
from sweeps.sweep_file.configuration import setting_values
from trainer.network.memory import SLOTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sweeps.sweep_file import SweepFile
    from trainer.config import TrainConfig
    from trainer.network.memory import Memory

GIGABYTE, MEBIBYTE = 1e9, 2**20

MEASURED = 1.2, 2.0
"""What trainings took at their peak, in times of what was predicted, on a CPU (`benchmarks/memory.py`, docs/memory.md)."""


@dataclass(frozen=True)
class HeaviestTraining:
    """The training of a sweep that takes most memory.

    Attributes:
        total: bytes at its peak; None where it cannot be told.
        weights, optimizer, step, images: see `trainer.network.memory.Memory`.
        setting: what makes it the largest, e.g. ``backbone: resnet50, batch_size: 64, frozen_layers: none``.
        why: why it cannot be told, else empty.
        looked_at: trainings that were compared.
        left_out: architectures of the space's corners that were not.
    """

    total: int | None
    weights: int
    optimizer: int
    step: int | None
    images: int
    setting: str
    why: str
    looked_at: int
    left_out: int

    @property
    def sentence(self) -> str:
        """In words."""
        more = f"; {self.left_out} further architectures were not looked at" if self.left_out else ""
        if self.total is None or self.step is None:
            return f"cannot be told before it is trained: {self.why} ({self.setting}){more}"
        parts = (
            ("weights", self.weights),
            ("optimiser", self.optimizer),
            ("gradients and activations", self.step),
            ("images", self.images),
        )
        listed = ", ".join(f"{name} {gigabytes(size)}" for name, size in parts)
        return (
            f"a training takes about {gigabytes(self.total)} of its device at its peak, as told from the network with {self.setting}"
            f"{', the largest of the space' if self.looked_at > 1 else ''}: {listed}; measured ones took {MEASURED[0]:g} to {MEASURED[1]:g} times that{more}"
        )


def gigabytes(size: float) -> str:
    """Bytes in words."""
    return f"{size / GIGABYTE:.2g} GB" if size >= GIGABYTE else f"{size / 1e6:.0f} MB"


def heaviest_configs(sweep: SweepFile, base: Path) -> tuple[list[TrainConfig], int]:
    """Trainings one of which takes most memory of a sweep.

    They are of each architecture at the corners of its space, with the largest batch, the optimiser that keeps most, and every boundary unless one of them freezes
    nothing.

    Returns:
        At most twelve of them, and how many architectures were left out.
    """
    sizes = [int(value) for value in setting_values(sweep, "batch_size", sweep.training.batch_size)]
    optimizers = setting_values(sweep, "optimizer", sweep.training.optimizer)
    changes = {
        "batch_size": max(sizes),
        "optimizer": max(optimizers, key=lambda name: SLOTS[str(name)]),
        "ema": next((value for value in setting_values(sweep, "ema", sweep.training.ema) if value is not None), None),
    }
    boundaries = [str(value) for value in setting_values(sweep, "frozen_layers", sweep.model.frozen_layers)]
    boundaries = ["none"] if "none" in boundaries else boundaries
    corners = corners_of(sweep, base)
    kept = corners[: max(1, MOST_NETWORKS // len(boundaries))]
    configs = [
        corner.config.model_copy(
            update={
                "training": corner.config.training.model_copy(update=changes),
                "model": corner.config.model.model_copy(update={"frozen_layers": boundary}),
            }
        )
        for corner in kept
        for boundary in boundaries
    ]
    return configs, len(corners) - len(kept)


def heaviest(configs: Sequence[TrainConfig], predicted: Sequence[Memory], left_out: int) -> HeaviestTraining:
    """The one that takes most; where one of them cannot be told, that one."""
    pairs = list(zip(configs, predicted, strict=True))
    config, memory = max(pairs, key=lambda pair: math.inf if pair[1].total is None else pair[1].total)
    training, model = config.training, config.model
    parts = f", accumulate: {training.accumulate}" if training.accumulate > 1 else ""
    setting = f"backbone: {model.backbone}, batch_size: {training.batch_size}{parts}, frozen_layers: {model.frozen_layers}"
    return HeaviestTraining(
        memory.total, memory.weights, memory.optimizer, memory.step, memory.images, setting, memory.why, len(pairs), left_out
    )


MARGIN = 2.0
"""A trial is given so many times what it is predicted to take: as much as predictions were off at most (`MEASURED`)."""
CONTEXT = 0.6e9
"""Bytes that each process takes of a GPU beside TensorFlow's own memory: CUDA's context and libraries. An assumption: no GPU was at hand to measure it."""
MOST_TRIALS = 16
"""That share a GPU, however little each takes: they share its arithmetic too."""


@dataclass(frozen=True)
class Packing:
    """How many trials share a GPU.

    Attributes:
        trials: so many; 0 where there is no GPU.
        gpu: of each, as ``resources.gpu`` has it.
        predicted: bytes that the largest takes; None where it cannot be told.
        device: bytes of the smallest GPU here; None where there is none.
    """

    trials: int
    gpu: float
    predicted: int | None
    device: int | None

    @property
    def sentence(self) -> str:
        """In words."""
        begins = "resources.gpu: auto:"
        if self.device is None:
            return f"{begins} there is no GPU here, so that trials run on the CPU"
        if self.predicted is None:
            return f"{begins} a GPU for each trial, since its memory cannot be told before it is trained"
        needs = f"the largest is predicted to take {gigabytes(self.predicted)} of {gigabytes(self.device)}"
        if self.trials == 1:
            over = "; if that does not fit, it is tried again in micro-batches" if self.predicted > self.device else ""
            return f"{begins} a GPU for each trial; {needs}{over}"
        return f"{begins} {self.trials} trials share a GPU, {self.gpu:g} of it each; {needs}, and each is given {MARGIN:g} times what it takes at least"


def pack(predicted: int | None, device: int | None) -> Packing:
    """How many trials of a sweep share a GPU.

    Args:
        predicted: bytes that the largest takes, or None.
        device: bytes of a GPU, or None for none.
    """
    if device is None:
        return Packing(0, 0.0, predicted, None)
    trials = 1 if predicted is None else max(1, min(MOST_TRIALS, int(device / (MARGIN * predicted + CONTEXT))))
    return Packing(trials, math.floor(1e4 / trials) / 1e4, predicted, device)


def smallest_gpu() -> int | None:
    """Bytes of memory of the smallest GPU of this machine; None where there is none, or nvidia-smi does not say."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None
    try:
        answer = subprocess.run(TOTAL_MEMORY, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - fixed command
        return int(min(float(line) for line in answer.stdout.split()) * MEBIBYTE)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
