"""The epochs of a training so far: the JSON part of a checkpoint, early stopping on the level, and which epoch is exported.

All are functions of the past curve alone, so that a resumed training needs no state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.stability import level
from trainer.errors import ConfigError
from trainer.fit.ledger import LateEpochs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from trainer.config import TrainConfig


_IRRELEVANT = {
    "data": {"source", "cache_memory_gb", "cache_disk_gb", "cache_path"},  # images are known by their fingerprint, not by where they lie
    # the frozen part's activations are the same wherever they come from; a training goes on in the mode in which it began
    # and in parts or whole a batch makes the same step
    "training": {"checkpoint_every", "early_stopping", "frozen_features", "callbacks", "accumulate"},
}
_SINCE = {
    "training.cache_dtype": "float32",
    "training.loss_options": {},
    "training.metrics": [],
    "data.class_weights": {},
    "direction": "auto",
}
"""Settings that older checkpoints do not name, with what those trainings had."""


@dataclass
class History:
    """State: figures of each epoch, which validation images were right after the last, and what was predicted after the late ones."""

    figures: list[dict[str, float]] = field(default_factory=list)
    correct: NDArray[np.bool_] | None = None
    late: LateEpochs = field(default_factory=LateEpochs)

    def curve(self, metric: str) -> tuple[float, ...]:
        """A figure of every epoch, NaN where it is missing, shape ``(num_epochs,)``."""
        return tuple(float(figures.get(metric, np.nan)) for figures in self.figures)

    def curves(self) -> dict[str, tuple[float, ...]]:
        """All figures."""
        names = dict.fromkeys(name for figures in self.figures for name in figures)
        return {name: self.curve(name) for name in names}

    def to_json(self, identity: Mapping[str, Any], frozen: str = "each_step") -> dict[str, Any]:
        """With what identifies the training and how it treats its frozen part, for a checkpoint."""
        correct = None if self.correct is None else [len(self.correct), np.packbits(self.correct).tobytes().hex()]
        content = {"identity": dict(identity), "figures": self.figures, "correct": correct}
        return {**content, "late": self.late.to_json(), "frozen": frozen}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> History:
        """The history in a checkpoint."""
        correct = None
        if content["correct"] is not None:
            length, packed = content["correct"]
            correct = np.unpackbits(np.frombuffer(bytes.fromhex(packed), np.uint8))[:length].astype(bool)
        return cls(list(content["figures"]), correct, LateEpochs.from_json(content.get("late")))


def identity(config: TrainConfig, fingerprint: str) -> dict[str, Any]:
    """What must be the same for a training to continue from a checkpoint, by key path.

    More epochs are a continuation, except where the schedule depends on their number.
    """
    leave = dict(_IRRELEVANT)
    if config.training.schedule != "cosine":
        leave["training"] = leave["training"] | {"epochs"}
    settings = config.model_dump(mode="json", exclude={**leave, "allow": True})
    for name in ("validation_seed", "folds", "only_fold", "groups"):  # checkpoints of before know no such settings
        if settings["data"]["split"][name] is None:
            del settings["data"]["split"][name]
    flat = {f"{part}.{key}": value for part, values in settings.items() if isinstance(values, dict) for key, value in values.items()}
    flat.update({part: value for part, value in settings.items() if not isinstance(value, dict)})
    return {**flat, "the images": fingerprint}


def mode_of(run: Mapping[str, Any] | None) -> str | None:
    """How the training of a checkpoint treats its frozen part; those of earlier versions say so among their settings. None without a checkpoint."""
    if run is None:
        return None
    older: str = run["identity"].get("training.frozen_features", "each_step")
    return str(run.get("frozen", older))


def check_same_training(checkpoint: Mapping[str, Any], now: Mapping[str, Any], folder: Path | str) -> None:
    """Refuse to continue another training.

    Raises:
        ConfigError: names what differs.
    """
    checkpoint = {**_SINCE, **checkpoint}
    irrelevant = {f"{part}.{key}" for part, keys in _IRRELEVANT.items() for key in keys}
    different = sorted(key for key in {*checkpoint, *now} - irrelevant if checkpoint.get(key) != now.get(key))
    if different:
        changes = "; ".join(f"{key}: checkpoint {checkpoint.get(key)!r}, now {now.get(key)!r}" for key in different[:3])
        raise ConfigError(
            f"checkpoint_dir: {folder} holds checkpoints of another training ({changes}). "
            "Use another folder, or delete this one to train anew."
        )


LATE_EPOCHS = 9
"""How many of the last epochs are late: those of more than 5 % of the newest one's weight e^(-age/3)."""


def level_has_stalled(curve: Sequence[float], patience: int, *, maximize: bool) -> bool:
    """Whether the level of a curve ``(num_epochs,)`` has not improved for `patience` epochs."""
    best, waited = -np.inf, 0
    for end in range(1, len(curve) + 1):
        present = np.asarray(curve[:end], dtype=np.float64)
        if np.isnan(present).all():
            continue
        value = level(present, maximize=maximize) * (1.0 if maximize else -1.0)
        best, waited = (value, 0) if value > best else (best, waited + 1)
    return waited >= patience


def candidates(curve: Sequence[float], epochs: Sequence[int], *, maximize: bool) -> tuple[int, ...]:
    """Which of the checkpointed epochs may still be the one to export, now or after more epochs.

    Args:
        curve: of the metric, shape ``(num_epochs,)``.
        epochs: with a checkpoint, counted from 1.
        maximize: whether higher is better.

    Returns:
        Late epochs that no later checkpointed epoch equals or beats, oldest and best first. The first is the one to export.
    """
    kept: list[int] = []
    best = -np.inf
    for epoch in sorted((each for each in epochs if each > len(curve) - LATE_EPOCHS), reverse=True):
        value = curve[epoch - 1] if maximize else -curve[epoch - 1]
        if value > best or not kept:
            kept.append(epoch)
            best = value if not np.isnan(value) else best
    return tuple(reversed(kept))
