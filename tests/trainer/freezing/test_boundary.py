from __future__ import annotations

import pytest

from trainer.config import ModelConfig
from trainer.errors import ConfigError
from trainer.network.boundary import find_boundary, thawing_stages
from trainer.network.build import build_backbone
from trainer.network.inspect import resolve_boundary
from trainer.records import FrozenBoundary

SHAPE = (8, 8, 1)


def resolve(frozen: str) -> FrozenBoundary:
    return resolve_boundary(ModelConfig(frozen_layers=frozen), SHAPE, 10)


@pytest.mark.parametrize(
    ("frozen", "layer"),
    [
        ("none", None),
        ("0%", None),
        ("50%", "stage2_block1_out"),  # 3.5 of 7 blocks, rounded up
        ("75%", "stage2_block2_out"),
        ("100%", "stage3_block2_out"),
        ("all", "stage3_block2_out"),
        ("1 block", "stem_relu"),
        ("4 blocks", "stage2_block1_out"),
        ("stage1_block2", "stage1_block2_out"),
        ("stage1_block2_1_bn", "stage1_block2_1_bn"),
        ("weighted:2", "stem_bn"),
    ],
)
def test_every_way_to_say_it_resolves_to_a_layer(frozen: str, layer: str | None) -> None:
    assert resolve(frozen).layer == layer


def test_the_share_of_parameters_is_recorded() -> None:
    none, half, whole = resolve("none"), resolve("50%"), resolve("all")
    assert none == FrozenBoundary(None, -1, 0.0)
    assert 0.0 < half.share < 0.5 < whole.share == 1.0
    assert whole.index == 49


@pytest.mark.parametrize(
    ("frozen", "says"),
    [
        ("8 blocks", "8 blocks is beyond the backbone, which has 7"),
        ("weighted:31", "weighted:31 is beyond the backbone, which has 30"),
        ("stage3_block2_outt", "Nearest: stage3_block2_out"),
    ],
)
def test_more_than_there_is_and_unknown_layers_are_errors(frozen: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        resolve(frozen)


def test_a_bare_number_and_more_than_all_are_refused_even_past_the_settings() -> None:
    backbone = build_backbone(ModelConfig(), SHAPE)
    with pytest.raises(ConfigError, match="bare number"):
        find_boundary(backbone, "20")
    with pytest.raises(ConfigError, match="beyond the backbone"):
        find_boundary(backbone, "120%")


def test_gradual_unfreezing_thaws_block_by_block_from_the_output() -> None:
    backbone = build_backbone(ModelConfig(), SHAPE)
    stages = thawing_stages(backbone, find_boundary(backbone, "3 blocks"))
    assert [stage.layer for stage in stages] == ["stage1_block2_out", "stage1_block1_out", "stem_relu", None]
