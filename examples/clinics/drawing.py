"""Small line charts of curves as SVG: the figures of the clinics' pages, drawn from what the clinics measured."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 680, 280, 46, 210, 34, 30
BLUE, GREEN, VERMILION, GREY = "#1f5fa8", "#0a7d4f", "#c2410c", "#6b7280"
LABEL_HEIGHT = 14.0


@dataclass(frozen=True)
class Line:
    """One curve of a chart.

    Attributes:
        label: written behind its end.
        values: one an epoch.
        colour: as in SVG.
        dashed: a training curve beside a validation curve.
    """

    label: str
    values: Sequence[float]
    colour: str = BLUE
    dashed: bool = False


def chart(title: str, lines: Sequence[Line], *, low: float = 0.0, high: float = 1.0, step: float = 0.2) -> str:
    """An SVG of curves over epochs.

    Args:
        title: written above, and read to those who do not see it.
        lines: the curves.
        low: lower end of the scale.
        high: its upper end; values beyond are drawn at the end.
        step: between grid lines.
    """
    epochs = max(len(line.values) for line in lines)

    def x(epoch: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / max(1, epochs - 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - min(max(value, low), high)) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        '<g font-family="sans-serif" font-size="12" fill="#1f2937">',
        f'<text x="{LEFT}" y="18" font-weight="bold">{escape(title)}</text>',
    ]
    for number in range(round((high - low) / step) + 1):
        tick = low + number * step
        parts.append(f'<line x1="{LEFT}" x2="{x(epochs):.1f}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.1f}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 10}">epoch 1</text>')
    parts.append(f'<text x="{x(epochs):.1f}" y="{HEIGHT - 10}" text-anchor="end">{epochs}</text>')
    for line in lines:
        points = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in enumerate(line.values, start=1))
        dash = ' stroke-dasharray="5 3"' if line.dashed else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="1.8"{dash}/>')
    for line, place in zip(lines, _apart([y(line.values[-1]) for line in lines]), strict=True):
        parts.append(f'<text x="{x(epochs) + 8:.1f}" y="{place + 4:.1f}" fill="{line.colour}">{escape(line.label)}</text>')
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _apart(places: Sequence[float]) -> list[float]:
    """Heights of labels near `places` that do not overlap, in the order given."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    found = list(places)
    for before, index in itertools.pairwise(order):
        found[index] = max(found[index], found[before] + LABEL_HEIGHT)
    beyond = max(found) - (HEIGHT - BOTTOM)
    return [place - beyond for place in found] if beyond > 0 else found
