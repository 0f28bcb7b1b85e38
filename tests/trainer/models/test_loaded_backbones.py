"""Networks that come with their weights: their head goes, their weights stay, and they freeze, share and scale as others do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from trainer.config import ModelConfig, TrainConfig
from trainer.errors import ConfigError, WeightsUnavailableError
from trainer.network.boundary import blocks_of
from trainer.network.build import build_backbone, build_model
from trainer.network.inspect import resolve_boundary
from trainer.network.parts import split_at
from trainer.network.preprocessing import preprocessing_kind
from trainer.network.weights import export_model, initialise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SHAPE = (16, 16, 3)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(backbone: str, **settings: Any) -> TrainConfig:  # noqa: ANN401 - of the model
    return TrainConfig.model_validate({"data": {"source": "digits"}, "model": {"backbone": backbone, **settings}})


def residual(*, scaled: bool = False, head: Sequence[Any] | None = None) -> keras.Model:
    """Two residual blocks with a squeeze (a global pool in a branch) and a head."""
    images = keras.Input(SHAPE)
    x = keras.layers.Rescaling(1 / 255)(images) if scaled else images
    for name in ("block1", "block2"):
        y = keras.layers.Conv2D(4, 3, padding="same", name=f"{name}_conv")(x)
        y = keras.layers.BatchNormalization(name=f"{name}_bn")(y)
        squeeze = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(y)
        y = keras.layers.Multiply(name=f"{name}_out")([y, squeeze])
        x = keras.layers.MaxPooling2D(name=f"{name}_pool")(y)
    layers = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(5), keras.layers.Softmax()] if head is None else head
    for layer in layers:
        x = layer(x)
    return keras.Model(images, x)


def test_the_head_of_a_file_goes_and_its_weights_stay(folder: Path) -> None:
    whole = residual()
    whole.save(folder / "mine.keras")
    built = build_model(config("mine.keras"), SHAPE, 10)
    initialise(built, seed=1)
    assert built.backbone.output_shape == (None, 4, 4, 4)
    images = np.random.default_rng(0).uniform(0, 1, (2, *SHAPE)).astype(np.float32)
    before = keras.Model(whole.inputs[0], whole.get_layer("block2_pool").output)
    np.testing.assert_array_equal(built.backbone.predict(images, verbose=0), before.predict(images, verbose=0))


@pytest.mark.parametrize(
    "head",
    [
        list,
        lambda: [keras.layers.Flatten(), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3, activation="softmax")],
        lambda: [keras.layers.GlobalMaxPooling2D(), keras.layers.Dropout(0.5), keras.layers.Dense(1, activation="sigmoid")],
    ],
)
def test_every_usual_head_is_found(head: Callable[[], list[Any]], folder: Path) -> None:
    residual(head=head()).save(folder / "mine.keras")
    assert build_backbone(ModelConfig(backbone="mine.keras"), SHAPE).output_shape == (None, 4, 4, 4)


def test_a_sequential_network_without_maps_loses_its_last_dense_layer(folder: Path) -> None:
    layers = [keras.layers.Flatten(), keras.layers.Dense(7, activation="relu"), keras.layers.Dense(3), keras.layers.Softmax()]
    keras.Sequential([keras.Input((4, 4, 1)), *layers]).save(folder / "mlp.keras")
    assert build_backbone(ModelConfig(backbone="mlp.keras"), (4, 4, 1)).output_shape == (None, 7)


def test_it_freezes_and_is_cut_like_any_other(folder: Path) -> None:
    residual().save(folder / "mine.keras")
    built = build_model(config("mine.keras"), SHAPE, 10)
    assert len(blocks_of(built.backbone)) == 2
    boundary = resolve_boundary(ModelConfig(backbone="mine.keras", frozen_layers="1 block"), SHAPE, 10)
    assert split_at(built, boundary).frozen is not None


def test_images_of_another_size_are_taken_with_the_same_weights(folder: Path) -> None:
    whole = residual()
    whole.save(folder / "mine.keras")
    backbone = build_backbone(ModelConfig(backbone="mine.keras"), (24, 20, 3))
    assert backbone.output_shape == (None, 6, 5, 4)
    np.testing.assert_array_equal(backbone.get_layer("block1_conv").kernel, whole.get_layer("block1_conv").kernel)


def test_grey_images_are_repeated_for_a_network_of_colours(folder: Path) -> None:
    residual().save(folder / "mine.keras")
    assert build_model(config("mine.keras"), (16, 16, 1), 10).model.predict(np.zeros((1, 16, 16, 1)), verbose=0).shape == (1, 10)


def test_the_scaling_is_that_of_the_file(folder: Path) -> None:
    residual(scaled=True).save(folder / "scaled.keras")
    residual().save(folder / "plain.keras")
    export_model(build_model(config("small_resnet"), SHAPE, 10).model, folder / "ours.keras")
    assert [preprocessing_kind(config(f"{name}.keras")) for name in ("scaled", "plain", "ours")] == ["none", "rescale", "rescale"]


def test_a_model_that_was_exported_here_gives_its_backbone(folder: Path) -> None:
    first = build_model(config("small_resnet"), SHAPE, 10)
    export_model(first.model, folder / "ours.keras")
    second = build_model(config("ours.keras"), SHAPE, 4)
    assert [layer.name for layer in second.backbone.layers[1:]] == [layer.name for layer in first.backbone.layers[1:]]
    for mine, theirs in zip(second.backbone.get_weights(), first.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_what_cannot_be_used_is_told(folder: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match=r"there is no file missing\.keras"):
        build_backbone(ModelConfig(backbone="missing.keras"), SHAPE)
    (folder / "broken.keras").write_text("no model")
    with pytest.raises(ConfigError, match=r"broken\.keras cannot be loaded"):
        build_backbone(ModelConfig(backbone="broken.keras"), SHAPE)
    residual(head=[keras.layers.Lambda(lambda x: x * 2)]).save(folder / "code.keras")
    with pytest.raises(ConfigError, match="holds Python code"):
        build_backbone(ModelConfig(backbone="code.keras"), SHAPE)
    residual().save(folder / "mine.keras")
    with pytest.raises(ConfigError, match="takes no options"):
        build_backbone(ModelConfig(backbone="mine.keras", options={"filters": 3}), SHAPE)
    with pytest.raises(ConfigError, match=r"takes images of 16x16x3, got 16x16x2. Set data.image_size: 16 and data.color: rgb"):
        build_backbone(ModelConfig(backbone="mine.keras"), (16, 16, 2))


def test_its_own_weights_are_the_default() -> None:
    assert ModelConfig(backbone="mine.keras").weights == "own"
    assert ModelConfig(backbone="keras_hub:some_preset").weights == "own"
    assert ModelConfig(backbone="keras_hub:some_preset", options={"load_weights": False}).weights is None


def test_keras_hub_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ConfigError, match=r"needs the library KerasHub: pip install 'steadysweep\[hub\]'"):
        build_backbone(ModelConfig(backbone="keras_hub:resnet_18_imagenet"), SHAPE)


def test_a_local_preset_of_keras_hub(folder: Path) -> None:
    keras_hub = pytest.importorskip("keras_hub", reason="the extra hub is not installed")
    resnet = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 8], stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2], block_type="basic_block", image_shape=(None, None, 3),
    )  # fmt: skip
    resnet.save_to_preset(str(folder / "tiny"))
    keras_hub.layers.ImageConverter(scale=1 / 255, offset=0.0, image_size=(16, 16)).save_to_preset(str(folder / "tiny"))
    built = build_model(config("keras_hub:tiny"), SHAPE, 10)
    images = np.random.default_rng(0).uniform(0, 255, (2, *SHAPE)).astype(np.float32)
    features = keras.Model(built.model.inputs[0], built.backbone(built.preprocessing(built.model.inputs[0])))
    np.testing.assert_allclose(features.predict(images, verbose=0), resnet.predict(images / 255, verbose=0), atol=1e-5)
    assert len(blocks_of(built.backbone)) >= 2
    boundary = resolve_boundary(ModelConfig(backbone="keras_hub:tiny", frozen_layers="1 block"), SHAPE, 10)
    assert split_at(built, boundary).frozen is not None


def test_tokens_of_a_vision_transformer_are_averaged(folder: Path) -> None:
    keras_hub = pytest.importorskip("keras_hub", reason="the extra hub is not installed")
    transformer = keras_hub.models.ViTBackbone(
        image_shape=SHAPE, patch_size=8, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=8, dropout_rate=0.0, attention_dropout=0.0
    )
    transformer.save_to_preset(str(folder / "tiny"))
    built = build_model(config("keras_hub:tiny"), SHAPE, 10)
    assert built.backbone.output_shape == (None, 8)
    with pytest.raises(ConfigError, match=r"takes images of 16x16x3, got 24x24x3"):
        build_backbone(ModelConfig(backbone="keras_hub:tiny"), (24, 24, 3))
