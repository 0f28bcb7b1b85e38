from __future__ import annotations

import pytest

from trainer.config import ModelConfig
from trainer.network import build_backbone, layer_table
from trainer.network.boundary import blocks_of
from trainer.network.parts import cut_points


@pytest.mark.parametrize(
    ("backbone", "layers", "cuts", "blocks", "some"),
    [
        ("resnet50", 175, 38, 17, {"pool1_pool", "conv3_block4_out", "conv5_block3_out"}),
        ("vgg19", 22, 21, 5, {"block1_pool", "block5_pool"}),
        ("mobilenetv2", 154, 73, 19, {"expanded_conv_project_BN", "block_2_add", "out_relu"}),
        ("small_resnet", 50, 15, 7, {"stem_relu", "stage1_block2_out", "stage3_block2_out"}),
    ],
)
def test_blocks_end_where_people_freeze(backbone: str, layers: int, cuts: int, blocks: int, some: set[str]) -> None:
    model = build_backbone(ModelConfig(backbone=backbone), (64, 64, 3))
    found = blocks_of(model)
    assert len(model.layers) == layers
    assert len(cut_points(model)) - 1 == cuts, "the input is not counted"
    assert len(found) == blocks
    assert some <= {block.layer for block in found}
    assert found[-1].layer_index == layers - 1


def test_an_operation_that_is_no_layer_ends_a_block_too() -> None:
    """ConvNeXt adds its shortcut with a plain operation."""
    model = build_backbone(ModelConfig(backbone="convnexttiny"), (32, 32, 3))
    assert [block.name for block in blocks_of(model)][1:4] == [f"stage_0_block_{number}" for number in range(3)]


def test_names_that_keras_counts_over_the_process_are_made_the_same_everywhere() -> None:
    first = build_backbone(ModelConfig(backbone="mobilenetv3small"), (32, 32, 3))
    again = build_backbone(ModelConfig(backbone="mobilenetv3small"), (32, 32, 3))
    assert [layer.name for layer in first.layers] == [layer.name for layer in again.layers]
    assert len({layer.name for layer in first.layers}) == len(first.layers)


def test_the_layer_table_adds_up() -> None:
    rows = layer_table("small_resnet", (8, 8, 1))
    assert rows[-1].share == 1.0
    assert [row.index for row in rows] == list(range(50))
    assert sum(row.block is not None for row in rows) == 7
    assert max(row.weighted or 0 for row in rows) == 30
    assert all(row.cut for row in rows if row.block)
