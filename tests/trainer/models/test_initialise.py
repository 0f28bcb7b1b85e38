from __future__ import annotations

import keras
import numpy as np

from trainer.config import TrainConfig
from trainer.network.build import build_model
from trainer.network.weights import derived_seed, draw_weights, initialise

CONFIG = TrainConfig.model_validate({"data": {"source": "digits"}, "model": {"options": {"filters": [4, 8], "blocks": 1}, "dense": [5]}})


def test_a_kept_model_and_a_new_one_start_from_the_same_weights() -> None:
    kept, new = build_model(CONFIG, (8, 8, 1), 3), build_model(CONFIG, (8, 8, 1), 3)
    for weight in kept.model.weights:
        weight.assign(np.full(weight.shape, 7.0) if weight.dtype == "float32" else weight)
    initialise(kept, seed=11)
    initialise(new, seed=11)
    assert all(np.array_equal(one, other) for one, other in zip(kept.backbone.get_weights(), new.backbone.get_weights(), strict=True))
    heads = zip(kept.head.weights, new.head.weights, strict=True)
    assert all(np.array_equal(one, other) for one, other in heads)


class Scaled(keras.layers.Layer):
    """A layer of someone's own, which names no initializer."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.scale = self.add_weight(shape=(input_shape[-1],), name="scale", initializer="random_normal")

    def call(self, inputs: object) -> object:
        return inputs * self.scale  # type: ignore[operator]


def test_kernels_of_every_kind_of_layer_are_those_of_the_seed_whatever_was_trained_before() -> None:
    layers = [keras.layers.DepthwiseConv2D(3), keras.layers.SeparableConv2D(4, 3), Scaled()]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    draw_weights(model, 1, 0)
    first = model.get_weights()
    for weight in model.weights:
        weight.assign(np.full(weight.shape, 7.0))
    draw_weights(model, 2, 0)
    drawn = {weight.path: np.array(weight) for weight in model.weights}
    differ = [weight.name for weight, before in zip(model.weights, first, strict=True) if not np.array_equal(drawn[weight.path], before)]
    assert differ == ["kernel", "depthwise_kernel", "pointwise_kernel"]
    draw_weights(model, 1, 0)
    assert all(np.array_equal(one, other) for one, other in zip(model.get_weights(), first, strict=True))


def test_another_seed_gives_other_kernels_and_the_same_constants() -> None:
    built = build_model(CONFIG, (8, 8, 1), 3)
    initialise(built, seed=1)
    before = {weight.path: np.array(weight) for weight in built.backbone.weights}
    initialise(built, seed=2)
    for weight in built.backbone.weights:
        changed = not np.array_equal(before[weight.path], np.array(weight))
        assert changed == (weight.name == "kernel"), weight.path


def test_derived_seeds_depend_on_every_part() -> None:
    seeds = {derived_seed(seed, epoch, index) for seed in range(4) for epoch in range(4) for index in range(4)}
    assert len(seeds) == 64
