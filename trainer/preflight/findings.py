"""What a check looks at, and what it is.

What a pre-flight check finds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainer.config import TrainConfig
    from trainer.data.images import ImageData
    from trainer.network.inspect import ModelFacts


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


Severity = Literal["error", "warning", "info"]
Evidence = str | int | float | tuple[str, ...] | tuple[int, ...] | tuple[float, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that will, or may, spoil a training.

    Attributes:
        name: stable, to be allowed by name in the sweep file, e.g. ``input_scaling``.
        severity: ``error``: the result would be worthless; ``warning``: it may be; ``info``: worth knowing.
        message: what was found, in a sentence.
        evidence: the figures behind it.
        remedy: what to change.
    """

    name: str
    severity: Severity
    message: str
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    remedy: str = ""
