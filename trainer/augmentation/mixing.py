"""Policies that mix images in pairs: mixup averages them, CutMix pastes a rectangle of one into the other; targets are mixed alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from trainer.augmentation.policy import Drawn, Policy, Range, Share

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
    alpha: Annotated[float, Range(0.01, 100)] = 0.2
    share: Share = 1.0

    def draw(self, draws: Draws, shape: tuple[int, int, int]) -> Drawn:  # noqa: ARG002
        """Draw the weight of each image; its partner keeps the rest."""
        weight = draws.beta("weight", self.alpha)
        weight[~draws.chance("share", self.share)] = 1.0
        return {"share": weight.astype(np.float32)}

    def apply(self, images: Any, drawn: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Average with ``drawn["partner"]``."""
        weight = drawn["share"][:, None, None, None]
        return weight * images + (1 - weight) * drawn["partner"]


@dataclass(frozen=True)
class CutMix(Policy):
    """Paste a rectangle of another image and mix the targets by area (CutMix).

    Source: Yun et al. 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", arXiv:1905.04899,
    equations 1 and 2. The weight is the area that is really left, after the rectangle is cut at the border.

    Attributes:
        alpha: the area kept is drawn from Beta(alpha, alpha); 1 is uniform.
        share: probability that an image is mixed at all.
    """

    name: ClassVar[str] = "cutmix"
    mixes: ClassVar[bool] = True
    alpha: Annotated[float, Range(0.01, 100)] = 1.0
    share: Share = 1.0

    def draw(self, draws: Draws, shape: tuple[int, int, int]) -> Drawn:
        """Draw the rectangle of each image: first and last row and column, ends excluded."""
        height, width, _ = shape
        side = np.sqrt(1 - draws.beta("area kept", self.alpha))
        side[~draws.chance("share", self.share)] = 0.0
        top, bottom = _span(draws.uniform("y", 0, height), side * height, height)
        left, right = _span(draws.uniform("x", 0, width), side * width, width)
        kept = 1 - (bottom - top) * (right - left) / (height * width)
        return {"box": np.stack([top, bottom, left, right], axis=1).astype(np.int32), "share": kept.astype(np.float32)}

    def apply(self, images: Any, drawn: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Paste the rectangle of ``drawn["partner"]``."""
        import tensorflow as tf

        top, bottom, left, right = (drawn["box"][:, side, None] for side in range(4))
        rows = tf.range(tf.shape(images)[1])[None, :]
        columns = tf.range(tf.shape(images)[2])[None, :]
        inside = ((rows >= top) & (rows < bottom))[:, :, None] & ((columns >= left) & (columns < right))[:, None, :]
        return tf.where(inside[..., None], drawn["partner"], images)


def _span(centre: np.ndarray, length: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """First and one-past-last pixel of spans about `centre` ``(n,)``, cut at 0 and `limit`."""
    first = np.rint(centre - length / 2).clip(0, limit)
    last = np.rint(centre + length / 2).clip(0, limit)
    return first, last
