"""The model's first layers equal what each backbone was trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from trainer.backbones import BACKBONES, Backbone, backbone_info
from trainer.config import DataConfig, ModelConfig, TrainConfig
from trainer.data import ChannelStatistics, ImageSet, channel_statistics
from trainer.errors import ConfigError
from trainer.network.preprocessing import preprocessing_layers

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = np.random.default_rng(0).uniform(0, 255, (2, 6, 5, 3)).astype(np.float32)
PIXELS[0, 0, 0], PIXELS[0, 0, 1] = 0, 255


def config(backbone: str, preprocessing: str = "auto", **options: object) -> TrainConfig:
    return TrainConfig(
        data=DataConfig(source="digits", preprocessing=preprocessing),  # type: ignore[arg-type]
        model=ModelConfig(backbone=backbone.lower(), options=options),
    )


def run(layers: list[keras.layers.Layer], pixels: np.ndarray = PIXELS) -> np.ndarray:
    out = pixels
    for layer in layers:
        out = layer(out)
    return np.asarray(out)


@pytest.mark.parametrize("backbone", [each for each in BACKBONES.values() if each.family], ids=lambda backbone: backbone.name)
def test_auto_equals_the_familys_own_function(backbone: Backbone) -> None:
    expected = getattr(keras.applications, str(backbone.family)).preprocess_input(PIXELS.copy())
    assert np.abs(run(preprocessing_layers(config(backbone.name))) - expected).max() <= 1e-4


@pytest.mark.parametrize("spelling", ["ResNet50V2", "resnet50_v2"])
def test_another_spelling_of_a_backbone_proposes_ours(spelling: str) -> None:
    with pytest.raises(ConfigError, match="Did you mean resnet50v2"):
        backbone_info(spelling)
    assert backbone_info("resnet50v2") is BACKBONES["resnet50v2"]


@pytest.mark.parametrize("builder", ["EfficientNetV2B0", "MobileNetV3Small", "ConvNeXtTiny"])
def test_what_a_backbone_leaves_out_is_put_in(builder: str) -> None:
    if builder == "ConvNeXtTiny":  # its layers stand in a block of their own
        x = (PIXELS - [123.675, 116.28, 103.53]) / [58.395, 57.12, 57.375]
    else:
        whole = getattr(keras.applications, builder)(weights=None, include_top=False, input_shape=(32, 32, 3))
        x = PIXELS
        for layer in whole.layers[1:]:
            if not isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
                break
            x = layer(x)
    got = run(preprocessing_layers(config(builder, include_preprocessing=False)))
    assert np.abs(got - np.asarray(x)).max() < 0.01


def test_other_backbones_are_rescaled_and_options_obeyed() -> None:
    assert np.allclose(run(preprocessing_layers(config("small_resnet"))), PIXELS / 255)
    assert np.allclose(run(preprocessing_layers(config("resnet50", "rescale"))), PIXELS / 255)
    assert preprocessing_layers(config("resnet50", "none")) == []
    assert preprocessing_layers(config("resnet50", "per_image_max")) == []


def test_standardize_uses_the_training_images() -> None:
    images = ImageSet(PIXELS, np.zeros(2, np.int32))
    statistics = channel_statistics(images)
    assert np.allclose(statistics.mean, PIXELS.mean(axis=(0, 1, 2)), atol=1e-3)
    got = run(preprocessing_layers(config("small_resnet", "standardize"), statistics))
    assert np.allclose(got.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    assert np.allclose(got.std(axis=(0, 1, 2)), 1, atol=1e-4)
    with pytest.raises(ConfigError, match="needs the training images' statistics"):
        preprocessing_layers(config("small_resnet", "standardize"))
    with pytest.raises(ConfigError, match="statistics of 1 channels for images of 3"):
        preprocessing_layers(config("small_resnet", "standardize"), ChannelStatistics((1.0,), (1.0,)))


@pytest.mark.parametrize("backbone", ["vgg19", "densenet121", "mobilenetv2"])
def test_saved_models_hold_stock_layers_alone_and_no_weights(backbone: str, tmp_path: Path) -> None:
    inputs = keras.Input((6, 5, 3))
    outputs = inputs
    for layer in preprocessing_layers(config(backbone)):
        outputs = layer(outputs)
    model = keras.Model(inputs, outputs)
    assert model.count_params() == 0
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert np.array_equal(loaded(PIXELS), model(PIXELS))


def test_one_channel_takes_the_mean_figures() -> None:
    grey = PIXELS[..., :1]
    got = run(preprocessing_layers(config("resnet50"), channels=1), grey)
    assert np.allclose(got, grey - (103.939 + 116.779 + 123.68) / 3, atol=1e-3)


def test_mixed_precision_does_not_reach_the_pixels() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert run(preprocessing_layers(config("vgg16"))).dtype == np.float32
    finally:
        keras.config.set_dtype_policy("float32")
