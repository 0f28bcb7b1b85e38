"""How well verdicts agree with a truth: precision, recall, F1, their intervals by source, and the other rules that ours are held against."""

from __future__ import annotations

import numpy as np

Verdict = np.ndarray


def published_share(values: np.ndarray, threshold: float = 0.03) -> float:
    """AUTOTRAINER's figure of oscillation: share of epochs at which the i-th local maximum exceeds the i-th local minimum by the threshold."""
    inner, before, after = values[1:-1], values[:-2], values[2:]
    highs = inner[(inner >= before) & (inner >= after)]
    lows = inner[(inner <= before) & (inner <= after)]
    pairs = min(highs.size, lows.size)
    return float((highs[:pairs] - lows[:pairs] >= threshold).sum()) / values.size


def published_rule(values: np.ndarray, share: float = 0.2) -> bool:
    """AUTOTRAINER's rule on validation accuracy: differences of at least .03 for at least a fifth of the epochs.

    Source: Zhang et al., ICSE 2021.
    """
    return published_share(values) >= share


def late_sd(values: np.ndarray) -> float:
    """Standard deviation of the second half."""
    return float(np.std(values[values.size // 2 :]))


def turning_share(values: np.ndarray) -> float:
    """Share of epochs of the second half at which the curve changes direction."""
    steps = np.diff(values[values.size // 2 :])
    return float(np.mean(steps[1:] * steps[:-1] < 0)) if steps.size > 1 else 0.0


def f1(truth: Verdict, said: Verdict) -> tuple[float, float, float]:
    """Precision, recall and F1 of boolean arrays; NaN where undefined."""
    hits = float((truth & said).sum())
    precision = hits / said.sum() if said.any() else float("nan")
    recall = hits / truth.sum() if truth.any() else float("nan")
    total = truth.sum() + said.sum()
    return precision, recall, 2 * hits / total if total else float("nan")


def bootstrap(truth: Verdict, verdicts: list[Verdict], groups: np.ndarray, repeats: int) -> np.ndarray:
    """F1 of each verdict over resampled sources, ``(repeats, num_verdicts)``: sources are drawn, not curves."""
    _, of_curve = np.unique(groups, return_inverse=True)

    def by_source(which: Verdict) -> np.ndarray:
        return np.bincount(of_curve, which.astype(np.float64))

    weights = resampled_sources(groups, repeats)
    positives = weights @ by_source(truth)
    drawn = []
    for said in verdicts:
        total = positives + weights @ by_source(said)
        drawn.append(np.divide(2.0 * (weights @ by_source(truth & said)), total, out=np.full(repeats, np.nan), where=total > 0))
    return np.column_stack(drawn)


def resampled_sources(groups: np.ndarray, repeats: int) -> np.ndarray:
    """How often each source is drawn, ``(repeats, num_sources)``, in the order of `numpy.unique`."""
    number = np.unique(groups).size
    return np.random.default_rng(0).multinomial(number, np.full(number, 1.0 / number), size=repeats).astype(np.float64)


def cross_validated(scores: np.ndarray, truth: Verdict, groups: np.ndarray, grid: np.ndarray) -> Verdict:
    """Verdicts of "score at least t", t chosen on the other sources by F1 (the middle of the best)."""
    said = np.zeros(truth.size, dtype=bool)
    for name in np.unique(groups):
        held = groups == name
        fits = np.array([f1(truth[~held], scores[~held] >= t)[2] for t in grid])
        best = grid[fits >= np.nanmax(fits) - 1e-12]
        said[held] = scores[held] >= best[best.size // 2]
    return said


def show(name: str, truth: Verdict, said: Verdict, groups: np.ndarray, repeats: int, note: str = "") -> None:
    """Print one line of agreement."""
    precision, recall, score = f1(truth, said)
    low, high = np.nanquantile(bootstrap(truth, [said], groups, repeats)[:, 0], [0.025, 0.975]) if truth.any() else (float("nan"),) * 2
    print(f"  {name:42s} P {precision:.3f}  R {recall:.3f}  F1 {score:.3f} [{low:.3f}, {high:.3f}]  {note}")


def difference(name: str, truth: Verdict, ours: Verdict, theirs: Verdict, groups: np.ndarray, repeats: int) -> None:
    """Print the difference of two rules' F1 with its paired interval."""
    drawn = bootstrap(truth, [ours, theirs], groups, repeats)
    low, high = np.nanquantile(drawn[:, 0] - drawn[:, 1], [0.025, 0.975])
    print(f"  {name}, paired bootstrap by source: {f1(truth, ours)[2] - f1(truth, theirs)[2]:+.3f} [{low:+.3f}, {high:+.3f}]")
