"""Draws the pictures of ``docs/stability.md`` with the project's own code: ``python docs/figures/stability.py``.

Each picture is one small SVG: the curve, and what the project reads off it.
"""

from __future__ import annotations

import csv
from html import escape
from pathlib import Path

import numpy as np

from reports.flags import find_flags
from reports.stability import stability

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 260, 46, 34, 30
CURVE, LEVEL, STABLE, BEST = "#1f5fa8", "#0a7d4f", "#b45309", "#6b7280"


def drawing(title: str, curve: np.ndarray, *, lines: bool = True, low: float = 0.6, high: float = 1.0) -> str:
    """An SVG of a validation-accuracy curve ``(num_epochs,)`` between `low` and `high`, with level, stable and best."""
    score = stability(curve)
    epochs = curve.size

    def x(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - 120) * (epoch - 1) / max(1, epochs - 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    parts += [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>', '<g font-family="sans-serif" font-size="12" fill="#1f2937">']
    parts.append(f'<text x="{LEFT}" y="18" font-weight="bold">{escape(title)}</text>')
    for tick in np.arange(np.ceil(low * 10) / 10, high + 1e-9, 0.1):
        parts.append(f'<line x1="{LEFT}" x2="{x(epochs):.1f}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.1f}</text>')
    parts.append(f'<text x="{x(1):.1f}" y="{HEIGHT - 10}">epoch 1</text>')
    parts.append(f'<text x="{x(epochs):.1f}" y="{HEIGHT - 10}" text-anchor="end">{epochs}</text>')
    points = " ".join(f"{x(i + 1):.1f},{y(float(v)):.1f}" for i, v in enumerate(curve))
    parts.append(f'<polyline points="{points}" fill="none" stroke="{CURVE}" stroke-width="1.5"/>')
    if lines and score is not None:
        for name, value, colour in (("best", float(curve.max()), BEST), ("level", score.level, LEVEL), ("stable", score.stable, STABLE)):
            parts.append(
                f'<line x1="{LEFT}" x2="{x(epochs) + 8:.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{colour}" stroke-dasharray="5 3"/>'
            )
            parts.append(f'<text x="{x(epochs) + 12:.1f}" y="{y(value) + 4:.1f}" fill="{colour}">{name} {value:.3f}</text>')
    return "\n".join([*parts, "</g>", "</svg>", ""])


def alternating() -> np.ndarray:
    """Validation accuracy of the reference run that alternates, ``(39,)``."""
    with (ROOT / "tests" / "data" / "alternating_plain_cnn.csv").open(encoding="utf-8") as file:
        return np.array([float(row["val_acc"]) for row in csv.DictReader(file)])


def steady_noise(num_val: int) -> np.ndarray:
    """A steady accuracy of .8 measured on `num_val` images drawn anew each epoch, ``(39,)``."""
    return np.random.default_rng(4).binomial(num_val, 0.8, 39) / num_val


def named(curve: np.ndarray, num_val: int) -> str:
    """Names of the flags of a curve, or "no flag"."""
    names = [flag.name for flag in find_flags({"val_accuracy": curve}, num_val=num_val)]
    return ", ".join(names) or "no flag"


def main() -> None:
    """Write every picture beside this file."""
    swinging = alternating()
    small, large = steady_noise(284), steady_noise(10_000)
    rising = 0.93 - 0.33 * np.exp(-np.arange(39) / 9.0)
    spiky = 0.93 - 0.33 * np.exp(-np.arange(39) / 4.0)
    spiky[[21, 30]] -= 0.2
    pictures = {
        "alternating": drawing(f"A real run: {named(swinging, 10_401)}", swinging),
        "few-images": drawing(f"Steady .8 on 284 images: {named(small, 284)}", small),
        "many-images": drawing(f"Steady .8 on 10,000 images: {named(large, 10_000)}", large),
        "rising": drawing(f"Rising: {named(rising, 10_000)}", rising),
        "spiking": drawing(f"Two bad epochs: {named(spiky, 10_000)}", spiky),
    }
    for name, picture in pictures.items():
        (HERE / f"stability-{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
