"""What a pre-flight check is, what it looks at, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trainer.config import TrainConfig
    from trainer.data.images import ImageData
    from trainer.records import ModelFacts


class NoImagesError(Exception):
    """A check needs the images, and there are none: they could not be loaded."""


@dataclass(frozen=True, eq=False)
class Setup:
    """A training before it starts.

    Attributes:
        config: all settings.
        images: the loaded images; None where they cannot be loaded, so that settings alone are judged.
        facts: of the model, where it has been built; checks that need them are silent without.
    """

    config: TrainConfig
    images: ImageData | None
    facts: ModelFacts | None = None

    @property
    def data(self) -> ImageData:
        """The loaded images.

        Raises:
            NoImagesError: there are none; the check that asks is left out.
        """
        if self.images is None:
            raise NoImagesError
        return self.images

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch that covers the training images once."""
        return -(-len(self.data.train) // self.config.training.batch_size)

    @property
    def pretrained(self) -> bool:
        """Whether the backbone starts from trained weights."""
        return self.config.model.weights is not None


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


@dataclass(frozen=True)
class Check:
    """A look at a set-up, with the names of what it can find.

    Attributes:
        findings: names of the findings it can give, each with a sentence for lists.
        find: looks, and yields what is wrong.
    """

    findings: Mapping[str, str]
    find: Callable[[Setup], Iterator[Finding]]


def check(**findings: str) -> Callable[[Callable[[Setup], Iterator[Finding]]], Check]:
    """Make a function a check; `findings` are the names that it can give, each with a sentence about it."""
    return lambda find: Check(findings, find)
