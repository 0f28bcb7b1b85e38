"""What a check looks at, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainer.config import TrainConfig
    from trainer.data.images import ImageData
    from trainer.preflight.facts import ModelFacts
    from trainer.preflight.finding import Finding


@dataclass(frozen=True, eq=False)
class Setup:
    """A training before it starts.

    Attributes:
        config: all settings.
        data: the loaded images.
        facts: of the model, where it has been built; checks that need them are silent without.
    """

    config: TrainConfig
    data: ImageData
    facts: ModelFacts | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch that covers the training images once."""
        return -(-len(self.data.train) // self.config.training.batch_size)

    @property
    def pretrained(self) -> bool:
        """Whether the backbone starts from trained weights."""
        return self.config.model.weights is not None


class Check(Protocol):
    """One file of `trainer.preflight.checks`."""

    FINDINGS: Mapping[str, str]
    """Names of the findings it can give, each with a sentence for lists."""

    @staticmethod
    def find(setup: Setup) -> Iterator[Finding]:
        """Look, and yield what is wrong."""
