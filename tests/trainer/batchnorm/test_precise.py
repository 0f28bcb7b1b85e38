from __future__ import annotations

import keras
import numpy as np
import pytest

from trainer.network.batchnorm import batchnorm_layers, precise, read_statistics, write_statistics

CHANNELS = 3


@pytest.fixture
def model() -> keras.Model:
    """Two BatchNorm layers, the second behind the first and one model down."""
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.Input((4, 4, CHANNELS)), keras.layers.BatchNormalization(name="second")])
    inputs = keras.Input((4, 4, CHANNELS))
    x = keras.layers.BatchNormalization(name="first")(inputs)
    x = keras.layers.Conv2D(CHANNELS, 1, name="conv")(x)
    return keras.Model(inputs, inner(x))


def uneven_batches() -> list[np.ndarray]:
    """Batches whose means and sizes differ, so that averaging batches would be wrong."""
    draw = np.random.default_rng(1)
    return [
        draw.normal(shift, 1 + size / 10, (size, 4, 4, CHANNELS)).astype(np.float32) for shift, size in ((-3.0, 2), (0.5, 7), (4.0, 16))
    ]


def test_the_first_layers_statistics_are_those_of_all_images(model: keras.Model) -> None:
    batches = uneven_batches()
    statistics = precise(model, batches)
    pooled = np.concatenate(batches).astype(np.float64)
    assert statistics.means[0] == pytest.approx(pooled.mean(axis=(0, 1, 2)), abs=1e-6)
    assert statistics.variances[0] == pytest.approx(pooled.var(axis=(0, 1, 2)), rel=1e-5)
    averaged_variance = np.average([batch.var(axis=(0, 1, 2)) for batch in batches], axis=0, weights=[2, 7, 16])
    assert not np.allclose(statistics.variances[0], averaged_variance, rtol=0.1), "the variance of the batches' means counts"


def test_weights_stay_and_only_the_chosen_layers_move(model: keras.Model) -> None:
    before = [np.array(weight) for weight in model.trainable_weights]
    first, second = batchnorm_layers(model)
    precise(model, uneven_batches(), layers=[second])
    assert all(np.array_equal(was, weight) for was, weight in zip(before, model.trainable_weights, strict=True))
    assert np.array_equal(first.moving_mean, np.zeros(CHANNELS))
    assert not np.array_equal(second.moving_mean, np.zeros(CHANNELS))


def test_statistics_are_read_and_written_apart_from_weights(model: keras.Model) -> None:
    precise(model, uneven_batches())
    kept = read_statistics(model)
    for layer in batchnorm_layers(model):
        layer.moving_mean.assign(np.full(CHANNELS, 9.0))
    write_statistics(model, kept)
    assert all(np.array_equal(one, other) for one, other in zip(read_statistics(model).means, kept.means, strict=True))


def test_no_images_is_an_error(model: keras.Model) -> None:
    with pytest.raises(ValueError, match="at least one batch"):
        precise(model, [])
