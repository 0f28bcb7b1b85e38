"""A learning curve the size of a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.data.thinning import kept_epochs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.html.scale import Scale

WIDTH, HEIGHT, MOST_POINTS = 132, 30, 90
EDGE = 2.5


@dataclass(frozen=True)
class Sparkline:
    """Geometry of a sparkline; `held` and `peak` are positions or None."""

    path: str
    width: int
    height: int
    held: float | None
    peak: tuple[float, float] | None
    unsteady: bool


def sparkline(
    curve: NDArray[np.float32], scale: Scale, *, held: float | None, maximize: bool, unsteady: bool, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Sparkline | None:
    """Draw a curve of shape ``(num_epochs,)``; all rows of a table share one `scale`. None when no epoch has a finite value."""
    finite = np.isfinite(curve)
    if not finite.any():
        return None
    width, height = size
    epochs = kept_epochs(np.where(finite, curve, np.nan).astype(np.float32), MOST_POINTS)
    across = np.linspace(EDGE, width - EDGE, len(curve)) if len(curve) > 1 else np.array([width / 2])

    def down(value: float) -> float:
        return round(height - EDGE - scale.at(value) * (height - 2 * EDGE), 1)

    steps, pen = [], "M"
    for epoch in epochs:
        if not finite[epoch]:
            pen = "M"
            continue
        steps.append(f"{pen}{round(float(across[epoch]), 1):g} {down(float(curve[epoch])):g}")
        pen = "L"
    if len(steps) == 1:
        steps.append(f"h{0.1}")
    masked = np.where(finite, curve, -np.inf if maximize else np.inf)
    best = int(np.argmax(masked) if maximize else np.argmin(masked))
    peak = (round(float(across[best]), 1), down(float(curve[best])))
    return Sparkline("".join(steps), width, height, None if held is None else down(held), peak, unsteady)
