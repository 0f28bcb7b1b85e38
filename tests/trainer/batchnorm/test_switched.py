from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.network.batchnorm import batchnorm_layers, by_batch, make_switchable, set_momentum
from trainer.network.head import VariableDropout

IMAGES = np.random.default_rng(0).normal(5.0, 2.0, (8, 4, 4, 2)).astype(np.float32)


def test_one_trace_serves_every_momentum() -> None:
    model = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.BatchNormalization()])
    layers = batchnorm_layers(model)
    assert make_switchable(layers[0]) == 0.99
    traces: list[int] = []

    @tf.function
    def step(images: tf.Tensor) -> tf.Tensor:
        traces.append(1)
        return model(images, training=True)

    for momentum in (0.5, 0.9, 0.0):
        layers[0].moving_mean.assign(np.zeros(2))
        set_momentum(layers, [momentum])
        step(IMAGES)
        assert np.asarray(layers[0].moving_mean) == pytest.approx((1 - momentum) * IMAGES.mean(axis=(0, 1, 2)), rel=1e-4)
    assert len(traces) == 1


def test_a_layer_told_to_normalises_by_the_batch_and_keeps_its_statistics() -> None:
    layer = keras.layers.BatchNormalization()
    layer.build(IMAGES.shape)
    make_switchable(layer)
    layer.trainable = False
    with by_batch([layer]):
        normalised = np.asarray(layer(IMAGES, training=False))
    assert normalised.mean(axis=(0, 1, 2)) == pytest.approx(np.zeros(2), abs=1e-5)
    assert np.array_equal(layer.moving_mean, np.zeros(2))
    assert np.asarray(layer(IMAGES, training=True)).mean() == pytest.approx(IMAGES.mean(), rel=1e-2), "frozen: stored statistics outside"


def test_one_trace_serves_every_dropout_rate_and_rate_zero_changes_nothing() -> None:
    layer = VariableDropout()
    traces: list[int] = []

    @tf.function
    def drop(values: tf.Tensor) -> tf.Tensor:
        traces.append(1)
        return layer(values, training=True)

    ones = np.ones((64, 64), np.float32)
    for rate in (0.0, 0.25, 0.6):
        layer.set_rate(rate)
        out = np.asarray(drop(ones))
        assert np.mean(out == 0) == pytest.approx(rate, abs=0.03)
        assert set(np.unique(out)) <= {np.float32(0), np.float32(1) / (np.float32(1) - np.float32(rate))}
    assert len(traces) == 1
    assert np.array_equal(layer(ones, training=False), ones)
