"""How often a checkpoint is written."""

from __future__ import annotations

from dataclasses import dataclass, replace

LARGEST_SHARE = 0.05
"""Of the training time, spent on checkpoints."""
CHEAP_SECONDS = 0.05
"""A write that takes less is done every epoch, however short the epochs."""


@dataclass(frozen=True)
class Pace:
    """What checkpoints have cost.

    Attributes:
        write_seconds: of the last write, 0 before the first.
        trained_seconds: since the last write.
        overdue: whether the last write failed.
    """

    write_seconds: float = 0.0
    trained_seconds: float = 0.0
    overdue: bool = False

    def trained(self, seconds: float) -> Pace:
        """After another epoch."""
        return replace(self, trained_seconds=self.trained_seconds + seconds)

    def failed(self) -> Pace:
        """After a write that failed: the next epoch tries again."""
        return replace(self, overdue=True)

    def due(self, epoch: int, last_epoch: int, every: int | None) -> bool:
        """Whether this epoch is to be written.

        Args:
            epoch: just trained.
            last_epoch: of the training; always written.
            every: ``training.checkpoint_every``; None: each epoch, or as seldom as keeps the cost under 5 %.
        """
        if epoch == last_epoch or self.overdue:
            return True
        if every is not None:
            return epoch % every == 0
        return self.write_seconds <= CHEAP_SECONDS or self.write_seconds <= LARGEST_SHARE * self.trained_seconds
