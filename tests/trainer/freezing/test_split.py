from __future__ import annotations

import numpy as np
import pytest

from trainer.config import TrainConfig
from trainer.network import BuiltModel, build_model, split_at
from trainer.network.boundary import find_boundary
from trainer.network.parts import freeze, leaves

IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 8, 8, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def built() -> BuiltModel:
    return build_model(TrainConfig.model_validate({"data": {"source": "digits"}, "model": {"dense": [4]}}), (8, 8, 1), 10)


@pytest.mark.parametrize(
    ("frozen", "cut"),
    [
        ("none", None),
        ("1 block", "stem_relu"),
        ("75%", "stage2_block2_out"),
        ("all", "stage3_block2_out"),
        ("stage2_block2_1_bn", "stage2_block1_out"),  # inside a block: cut before it
    ],
)
def test_prefix_and_rest_are_the_whole(built: BuiltModel, frozen: str, cut: str | None) -> None:
    split = split_at(built, find_boundary(built.backbone, frozen))
    logits = np.asarray(split.rest(split.prefix(IMAGES), training=False))
    whole = np.asarray(built.head(built.backbone(built.preprocessing(IMAGES), training=False), training=False))
    assert split.cut == cut
    assert np.array_equal(logits, whole)


@pytest.mark.parametrize("frozen", ["none", "50%", "stage2_block2_1_bn", "all"])
def test_exactly_the_weights_after_the_boundary_are_trained(built: BuiltModel, frozen: str) -> None:
    boundary = find_boundary(built.backbone, frozen)
    freeze(built, boundary)
    trained = {id(weight) for weight in built.backbone.trainable_variables}
    for index, layer in enumerate(built.backbone.layers):
        own = {id(weight) for leaf in leaves(layer) for weight in leaf.trainable_variables}
        assert (own <= trained) if index > boundary.index else not own
    assert len(built.head.trainable_variables) == 4
