"""Trainings that differ from another in BatchNorm momentum alone, and that it carries.

Momentum shapes the moving statistics and nothing else of a training: weights, batches and gradients are the same. So one training holds a set of moving statistics
for each momentum (`trainer.network.batchnorm.MovingSets`), validates each after every epoch, and gives what each of the trainings alone would have given.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainer.checkpoints import open_checkpoints
from trainer.checkpoints.local import Checkpoints, warn
from trainer.errors import ConfigError
from trainer.fit.history import History

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from trainer.config import TrainConfig


CARRIED_SECONDS = "carried_seconds"
"""Figure of a sibling's epoch: what it took beside its carrier's. Its ``seconds`` are the carrier's: what the epoch takes alone."""


@dataclass(frozen=True)
class Sibling:
    """A training that another one carries.

    Attributes:
        bn_momentum: its ``model.bn_momentum``; None: as the backbone was built. All other settings are the carrier's, its seeds included.
        checkpoint_dir: where its model is exported, see `trainer.train`; None: nowhere. Its checkpoints are part of the carrier's.
    """

    bn_momentum: float | None
    checkpoint_dir: Path | str | Checkpoints | None = None


@dataclass
class Course:
    """State: what one momentum of a training has given so far.

    Attributes:
        config: with this momentum.
        place: where its model is exported, or None; a sibling's is opened when the training has ended.
        folder: of a sibling: what `place` is opened from, or None.
        index: of its set of moving statistics; None for the training's own.
        history: its epochs.
    """

    config: TrainConfig
    place: Checkpoints | None
    index: int | None = None
    folder: Path | str | Checkpoints | None = None
    history: History = field(default_factory=History)

    def open(self, opened: ExitStack, say: Callable[[str], object] | None) -> None:
        """Open the place of a sibling's model; where that cannot be, it is said, and the model is not exported.

        Args:
            opened: closes it.
            say: told; default: a warning.
        """
        if self.folder is None or self.place is not None:
            return
        if isinstance(self.folder, Checkpoints):
            self.place = self.folder
            return
        try:
            self.place = opened.enter_context(open_checkpoints(self.folder, cache_path=self.config.data.cache_path, say=say))
        except OSError as error:
            text = f"the model of bn_momentum {self.momentum} could not be written to {self.folder} ({error.strerror or error}); the training's figures stand"
            (say or warn)(text)

    @property
    def momentum(self) -> float | None:
        """Its ``model.bn_momentum``."""
        return self.config.model.bn_momentum


def why_not_carried(config: TrainConfig, devices: int = 1) -> str:
    """Why a training cannot carry siblings: what it does would depend on which of them it looks at; empty where it can."""
    training = config.training
    if config.data.split.trains_folds:
        return "it has a model for each fold"
    if training.early_stopping is not None:
        return "early stopping ends a training by its validation figures"
    if training.schedule == "plateau":
        return "the schedule plateau sets the learning rate by the validation loss"
    if training.callbacks:
        return "its callbacks see one training, not those that it carries"
    if devices > 1:
        return "several devices share each batch"
    return ""


def courses_of(config: TrainConfig, siblings: Iterable[Sibling], own: Checkpoints | None, devices: int) -> list[Course]:
    """A training's own course, then those of its siblings.

    Raises:
        ConfigError: it cannot carry them, or a momentum is there twice.
    """
    courses = [Course(config, own)]
    for index, sibling in enumerate(siblings):
        model = config.model.model_copy(update={"bn_momentum": sibling.bn_momentum})
        courses.append(Course(config.model_copy(update={"model": model}), None, index, sibling.checkpoint_dir))
    reason = why_not_carried(config, devices) if len(courses) > 1 else ""
    if reason:
        raise ConfigError(f"siblings: this training cannot carry others: {reason}. Train each momentum alone.")
    for one, other in itertools.combinations(courses, 2):
        if one.momentum == other.momentum:
            raise ConfigError(
                f"siblings: bn_momentum {one.momentum} occurs twice; expected each momentum once, the training's own included"
            )
    return courses


def momenta_of(courses: Sequence[Course]) -> list[float | None]:
    """The siblings' momenta."""
    return [course.momentum for course in courses[1:]]


def histories_to_json(courses: Sequence[Course]) -> dict[str, Any]:
    """The siblings' epochs, for a checkpoint; empty without siblings."""
    if len(courses) == 1:
        return {}
    return {"siblings": [{"bn_momentum": course.momentum, **course.history.to_json({})} for course in courses[1:]]}


def take_back(courses: Sequence[Course], run: Mapping[str, Any], place: Path | str) -> None:
    """Give each course its epochs from a checkpoint's JSON.

    Raises:
        ConfigError: a sibling is not among those that the checkpoint's training carried.
    """
    known = {entry["bn_momentum"]: entry for entry in run.get("siblings", ())}
    courses[0].history = History.from_json(run)
    for course in courses[1:]:
        if course.momentum not in known:
            carried = ", ".join(str(momentum) for momentum in known) or "none"
            raise ConfigError(
                f"siblings: bn_momentum {course.momentum} was not carried by the training whose checkpoints {place} holds (it carried: {carried}). "
                "Leave it out, or use another folder to train anew."
            )
        course.history = History.from_json(known[course.momentum])
