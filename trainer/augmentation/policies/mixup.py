"""Mixup: weighted averages of pairs of images and of their targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from trainer.augmentation.policy import Drawn, Policy, as_float32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.augmentation.draws import Draws


@dataclass(frozen=True)
class Mixup(Policy):
    """Average each image with another one and their targets alike (mixup).

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", arXiv:1710.09412, equation 1.

    Attributes:
        alpha: the weight is drawn from Beta(alpha, alpha); small values leave most images nearly alone.
        share: probability that an image is mixed at all.
    """

    name: ClassVar[str] = "mixup"
    mixes: ClassVar[bool] = True
    alpha: float = 0.2
    share: float = 1.0

    def __post_init__(self) -> None:
        self._require("alpha", 0.01, 100)
        self._require("share", 0, 1)

    def draw(self, draws: Draws, shape: tuple[int, int, int]) -> Drawn:  # noqa: ARG002
        """Draw the weight of each image; its partner keeps the rest."""
        weight = draws.beta("weight", self.alpha)
        weight[~draws.chance("share", self.share)] = 1.0
        return {"share": as_float32(weight)}

    def apply(self, images: Any, drawn: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Average with ``drawn["partner"]``."""
        weight = drawn["share"][:, None, None, None]
        return weight * images + (1 - weight) * drawn["partner"]
