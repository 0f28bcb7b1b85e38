"""How often chance alone is flagged oscillating, and how surely a real swing is found. Larger runs: ``benchmarks/flags.py``."""

from __future__ import annotations

import numpy as np
import pytest

from reports.flags import find_flags
from reports.flags.swings import alternation_p


def names(curve: np.ndarray, num_val: int) -> set[str]:
    return {flag.name for flag in find_flags({"val_accuracy": curve}, num_val=num_val)}


def flagged(curve: np.ndarray, num_val: int, **counts: np.ndarray) -> bool:
    return any(flag.name == "oscillating" for flag in find_flags({"val_accuracy": curve, **counts}, num_val=num_val))


def steady(epochs: int, shape: str, accuracy: float) -> np.ndarray:
    time = np.arange(epochs)
    return np.full(epochs, accuracy) if shape == "flat" else accuracy - (accuracy - 0.3) * np.exp(-time / max(2.0, epochs / 6))


def paired(rng: np.random.Generator, expected: np.ndarray, num_val: int) -> np.ndarray:
    """The same images every epoch: each keeps its fate unless redrawn, so most answers persist."""
    fate = rng.random(num_val)
    curve = []
    for share in expected:
        redrawn = rng.random(num_val) < 0.3
        fate = np.where(redrawn, rng.random(num_val), fate)
        curve.append((fate < share).mean())
    return np.array(curve)


@pytest.mark.parametrize("num_val", [50, 500, 10_000])
@pytest.mark.parametrize("epochs", [10, 30, 100])
def test_steady_curves_are_rarely_called_oscillating_with_no_word_of_the_images(epochs: int, num_val: int) -> None:
    """Images drawn anew each epoch, the worst case: what looks like a swing is said to be one that the images may explain."""
    rng = np.random.default_rng(epochs + num_val)
    drawn = [
        "oscillating" in (found := names(rng.binomial(num_val, steady(epochs, shape, accuracy)) / num_val, num_val))
        and "noisy_validation" not in found
        for shape in ("flat", "rising")
        for accuracy in (0.6, 0.9, 0.98)
        for _ in range(60)
    ]
    assert np.mean(drawn) <= 0.01 + 2.0 * np.sqrt(0.01 * 0.99 / len(drawn))


@pytest.mark.parametrize("num_val", [50, 200, 500, 10_000])
def test_steady_curves_on_the_same_images_every_epoch_are_hardly_ever_called_oscillating(num_val: int) -> None:
    rng = np.random.default_rng(3)
    drawn = [
        flagged(paired(rng, steady(epochs, shape, accuracy), num_val), num_val)
        for epochs in (10, 30, 100)
        for shape in ("flat", "rising")
        for accuracy in (0.6, 0.85, 0.98)
        for _ in range(10)
    ]
    assert np.mean(drawn) <= 0.01


@pytest.mark.parametrize("num_val", [50, 500, 10_000])
def test_an_alternation_of_two_standard_deviations_peak_to_peak_is_found_in_30_epochs(num_val: int) -> None:
    rng = np.random.default_rng(num_val)
    swing = np.sqrt(0.8 * 0.2 / num_val)
    expected = 0.8 + swing * (-1.0) ** np.arange(30)
    found = [flagged(rng.binomial(num_val, expected) / num_val, num_val) for _ in range(200)]
    assert np.mean(found) >= 0.95


def test_counts_of_gained_and_lost_images_reveal_swings_that_independent_draws_would_explain() -> None:
    rng = np.random.default_rng(5)
    num_val, epochs = 300, 30
    curve = 0.75 + np.round(rng.normal(0.0, 0.022, epochs) * num_val) / num_val
    moved = np.abs(np.diff(curve, prepend=curve[0])) * num_val
    rising = np.diff(curve, prepend=curve[0]) > 0
    gained, lost = np.where(rising, moved + 1, 1.0), np.where(rising, 1.0, moved + 1)
    assert not flagged(curve, num_val)
    assert flagged(curve, num_val, val_gained=gained, val_lost=lost)


@pytest.mark.parametrize("epochs", [8, 12, 30])
def test_a_period_of_two_is_seldom_seen_in_noise_and_seldom_missed(epochs: int) -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0.7, 0.05, (2000, epochs)) + np.linspace(0, 0.1, epochs)
    assert np.mean([alternation_p(curve) < 0.01 for curve in noise]) == pytest.approx(0.01, abs=0.007)
    swing = 0.08 * (np.arange(epochs) % 2) * rng.uniform(0.5, 3.0, (500, epochs))
    assert np.mean([alternation_p(curve) < 0.01 for curve in noise[:500] + swing]) > (0.15 if epochs == 8 else 0.6)
    assert alternation_p(np.full(epochs, 0.9)) == 1.0
