"""An augmented image is a function of (seed, epoch, image), to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorflow as tf

from trainer.augmentation import Draws, policies, policy_from

if TYPE_CHECKING:
    from trainer.augmentation.named import Setting

IMAGES = np.random.default_rng(3).integers(0, 256, (24, 19, 23, 3)).astype(np.float32)
SETTINGS: list[Setting] = [
    *policies(),
    ({"name": "RandomRotation", "factor": 0.2}, {"RandomZoom": {"height_factor": 0.3}}, {"name": "RandomBrightness", "factor": 0.2}),
]


def augmented(setting: Setting, rows: np.ndarray, batch: int, seed: int = 7, epoch: int = 2) -> np.ndarray:
    policy = policy_from(setting)
    apply = tf.function(policy.applier(), autograph=False, reduce_retracing=True)
    out = []
    for start in range(0, len(rows), batch):
        chosen = rows[start : start + batch]
        draws = Draws.of_epoch(seed, epoch, chosen)
        drawn: dict[str, Any] = {name: tf.constant(value) for name, value in policy.draw(draws, IMAGES.shape[1:]).items()}
        if policy.mixes:
            drawn["partner"] = tf.constant(IMAGES[draws.integers("partner", len(IMAGES))])
        out.append(np.asarray(apply(tf.constant(IMAGES[chosen]), drawn)))
    return np.concatenate(out)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_neither_batch_nor_order_nor_neighbours_matter(setting: Setting) -> None:
    everything = augmented(setting, np.arange(24), 24)
    order = np.random.default_rng(0).permutation(24)
    assert np.array_equal(augmented(setting, order, 5), everything[order])
    assert np.array_equal(augmented(setting, np.array([11]), 1)[0], everything[11])


@pytest.mark.parametrize("setting", [name for name in SETTINGS if name != "none"], ids=str)
def test_seed_and_epoch_matter(setting: Setting) -> None:
    first = augmented(setting, np.arange(24), 24)
    assert not np.array_equal(first, augmented(setting, np.arange(24), 24, epoch=3))
    assert not np.array_equal(first, augmented(setting, np.arange(24), 24, seed=8))


def test_none_changes_nothing() -> None:
    assert np.array_equal(augmented("none", np.arange(24), 24), IMAGES)


@pytest.mark.parametrize("purpose", ["flip", "rotation", "zoom x"])
def test_draws_are_uniform_and_independent(purpose: str) -> None:
    draws = Draws.of_epoch(0, 1, np.arange(200_000))
    numbers = draws.uniform(purpose)
    assert np.abs(np.histogram(numbers, 20, (0, 1))[0] / 10_000 - 1).max() < 0.05
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.01
    assert abs(np.corrcoef(numbers, draws.uniform("another"))[0, 1]) < 0.01
    assert abs(np.corrcoef(numbers, Draws.of_epoch(0, 2, np.arange(200_000)).uniform(purpose))[0, 1]) < 0.01
    assert abs(np.corrcoef(numbers, Draws.of_epoch(1, 1, np.arange(200_000)).uniform(purpose))[0, 1]) < 0.01


def test_beta_draws_have_the_moments_of_beta() -> None:
    numbers = Draws.of_epoch(0, 1, np.arange(50_000)).beta("weight", 0.2)
    assert numbers.mean() == pytest.approx(0.5, abs=0.01)
    assert numbers.var() == pytest.approx(1 / (4 * (2 * 0.2 + 1)), abs=0.003)
