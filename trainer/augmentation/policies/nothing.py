"""No augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from trainer.augmentation.policy import Drawn, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.augmentation.draws import Draws


@dataclass(frozen=True)
class Nothing(Policy):
    """The images as they are."""

    name: ClassVar[str] = "none"

    def draw(self, draws: Draws, shape: tuple[int, int, int]) -> Drawn:  # noqa: ARG002
        """Draw nothing."""
        return {}

    def apply(self, images: Any, drawn: Mapping[str, Any]) -> Any:  # noqa: ANN401, ARG002
        """Change nothing."""
        return images
