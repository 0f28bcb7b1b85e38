"""The reference systems build at their original size with the documented parameter counts."""

from __future__ import annotations

from trainer.config import TrainConfig
from trainer.network.build import build_model


def settings(**model: object) -> TrainConfig:
    return TrainConfig.model_validate({"data": {"source": "digits"}, "model": model})


def test_simple_cnn_on_200_pixel_rgb_images_has_78_695_746_parameters() -> None:
    config = settings(backbone="simple_cnn", pooling="flatten", dense=[128], dropout=[0.25, 0.5])
    assert build_model(config, (200, 200, 3), 2).model.count_params() == 78_695_746


def test_plain_cnn_with_one_sigmoid_unit_has_2_893_729_parameters() -> None:
    config = settings(backbone="plain_cnn", pooling="flatten", dense=[512, 512], output="sigmoid")
    assert build_model(config, (128, 128, 3), 2).model.count_params() == 2_893_729


def test_resnet50_without_weights_takes_grey_images_as_they_are() -> None:
    built = build_model(settings(backbone="resnet50"), (197, 197, 1), 3)
    assert built.backbone.input_shape == (None, 197, 197, 1)
    assert built.model.output_shape == (None, 3)


def test_the_seven_class_head_has_its_two_dropouts_and_512_wide_layers() -> None:
    built = build_model(settings(backbone="small_resnet", dense=[512, 512], dropout=[0.05, 0.15, 0.0]), (32, 32, 3), 7)
    rates = [float(built.head.get_layer(f"dropout{number}").rate_variable) for number in (1, 2, 3)]
    assert [round(rate, 4) for rate in rates] == [0.05, 0.15, 0.0]
    assert [built.head.get_layer(name).units for name in ("dense1", "dense2", "logits")] == [512, 512, 7]
