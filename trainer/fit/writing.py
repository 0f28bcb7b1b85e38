"""Which checkpoint a training goes on from, when it writes one, and what happens where it cannot: a full disk or a store that does not answer costs no result."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from trainer.checkpoints.local import Pace
from trainer.fit.history import check_same_training

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from trainer.checkpoints.layout import Arrays
    from trainer.checkpoints.local import Checkpoint, Checkpoints
    from trainer.config import TrainingConfig


class CheckpointWriter:
    """State: what checkpoints of a training have cost, and why the last one could not be written."""

    def __init__(self, checkpoints: Checkpoints | None) -> None:
        """Args: checkpoints: where they go; None: nowhere."""
        self._checkpoints = checkpoints
        self._pace = Pace()
        self._unwritten = ""

    def newest(self, own: Mapping[str, Any]) -> Checkpoint | None:
        """What a training with this identity goes on from, later checkpoints forgotten; None where it starts.

        Raises:
            ConfigError: the checkpoints are those of another training.
        """
        checkpoints = self._checkpoints
        if checkpoints is None:
            return None
        checkpoint = checkpoints.newest()
        if checkpoint is not None:
            check_same_training(checkpoint.run["identity"], own, checkpoints.place)
        checkpoints.forget_after(0 if checkpoint is None else checkpoint.epoch)
        return checkpoint

    def due(self, epoch: int, training: TrainingConfig, seconds: float) -> bool:
        """Whether an epoch, which took so many seconds, is to be written."""
        self._pace = self._pace.trained(seconds)
        return self._pace.due(epoch, training.epochs, training.checkpoint_every)

    def write(
        self, epoch: int, content: tuple[Arrays, Arrays, dict[str, Any]], candidates: Callable[[], Collection[int]], clock: float
    ) -> Path | str | None:
        """Write a checkpoint; where it could not be written it is said, and tried again after the next epoch.

        Args:
            epoch: counted from 1.
            content: weights, state and JSON.
            candidates: gives the epochs whose weights may still be exported, once this one is there.
            clock: when its cost began.

        Returns:
            Where it lies; None where it could not be written.
        """
        checkpoints = self._checkpoints
        if checkpoints is None:
            return None
        place: Path | str | None = None
        try:
            place = checkpoints.write(epoch, *content)
        except OSError as error:
            self._say_unwritten(checkpoints, epoch, f"{error.strerror or error}")
        with contextlib.suppress(OSError):  # what could not be removed or mirrored now is so after the next epoch
            checkpoints.retain(candidates())
        if place is None:
            self._pace = self._pace.failed()
            return None
        if self._unwritten:
            checkpoints.say(f"epoch {epoch}: checkpoints are written again")
            self._unwritten = ""
        self._pace = Pace(time.monotonic() - clock)
        return place

    def _say_unwritten(self, checkpoints: Checkpoints, epoch: int, cause: str) -> None:
        """Once for each cause."""
        if cause == self._unwritten:
            return
        self._unwritten = cause
        last = max((each for each in checkpoints.epochs() if each < epoch), default=0)
        kept = f"the one of epoch {last} is kept" if last else "there is none yet"
        checkpoints.say(
            f"epoch {epoch}: its checkpoint could not be written to {checkpoints.place} ({cause}); {kept}. "
            "The training goes on and tries again after each epoch; an interruption before that costs the epochs since."
        )
