from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sweeps.sweep_file import load_sweep_file
from trainer.config import ModelConfig, TrainConfig
from trainer.data import load_data
from trainer.errors import ConfigError, WeightsUnavailableError
from trainer.network.build import build_backbone, build_model
from trainer.network.preprocessing import preprocessing_kind
from trainer.network.weights import export_model, save_backbone
from trainer.preflight import preflight

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (8, 8, 1)
SMALL = {"backbone": "small_resnet", "options": {"filters": [4, 8], "blocks": 1}}


def test_imagenet_weights_without_a_network_name_the_file_and_where_to_put_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    from keras.src.applications import vgg16

    monkeypatch.setattr(vgg16, "WEIGHTS_PATH_NO_TOP", "http://127.0.0.1:9/another-name.h5")  # nothing listens there
    file = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    with pytest.raises(WeightsUnavailableError, match=f"put the file {file}") as caught:
        build_backbone(ModelConfig(backbone="vgg16", weights="imagenet"), (32, 32, 3))
    assert "models" in str(caught.value)
    assert f"weights: /path/to/{file}" in str(caught.value)
    overrides = re.findall(r"--set ([^ )]+[a-z])", str(caught.value))
    assert overrides == ["model.weights=none", "frozen_layers=none", "model.backbone=small_resnet"]
    (tmp_path / "sweep.yaml").write_text("study: a\ndata: {source: digits}\nmodel: {backbone: vgg16, weights: imagenet}\nspace: transfer\n")
    sweep = load_sweep_file(tmp_path / "sweep.yaml", overrides)
    assert (sweep.model.weights, sweep.model.frozen_layers, sweep.model.backbone) == (None, "none", "small_resnet")
    assert "frozen_layers" not in sweep.space.parameters


def test_a_backbone_saved_by_us_is_loaded_again(tmp_path: Path) -> None:
    source = build_backbone(ModelConfig.model_validate(SMALL), SHAPE)
    file = tmp_path / "digits.weights.h5"
    save_backbone(source, file)
    loaded = build_backbone(ModelConfig.model_validate({**SMALL, "weights": str(file)}), SHAPE)
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(source.get_weights(), loaded.get_weights(), strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["digits.weights.h5"]


def test_a_weights_file_says_what_it_was_trained_on(tmp_path: Path) -> None:
    raw, silent = tmp_path / "raw.weights.h5", tmp_path / "silent.weights.h5"
    source = build_backbone(ModelConfig.model_validate(SMALL), SHAPE)
    save_backbone(source, raw, preprocessing="none")
    save_backbone(source, silent)

    def config(weights: Path, preprocessing: str = "auto") -> TrainConfig:
        return TrainConfig.model_validate(
            {"data": {"source": "digits", "preprocessing": preprocessing}, "model": {**SMALL, "weights": str(weights)}}
        )

    assert preprocessing_kind(config(raw)) == "none"
    assert preprocessing_kind(config(silent)) == "rescale"
    assert preprocessing_kind(config(tmp_path / "absent.weights.h5")) == "rescale"
    (tmp_path / "text.weights.h5").write_text("no HDF5")
    assert preprocessing_kind(config(tmp_path / "text.weights.h5")) == "rescale"
    images = load_data(config(raw).data)
    found = {name: preflight(config(raw, name), images) for name in ("auto", "none", "rescale", "per_image_max")}
    assert {name: [each.name for each in of] for name, of in found.items()} == {
        "auto": [],
        "none": [],
        "rescale": ["input_scaling"],
        "per_image_max": ["input_scaling", "per_image_max"],
    }
    assert found["rescale"][0].severity == "error"
    assert "[0, 255]" in found["rescale"][0].message
    with pytest.raises(ValueError, match="preprocessing must be one of"):
        save_backbone(source, raw, preprocessing="standardize")  # type: ignore[arg-type]


def test_the_backbone_of_an_exported_model_is_loaded_without_its_head(tmp_path: Path) -> None:
    config = TrainConfig.model_validate({"data": {"source": "digits"}, "model": SMALL})
    built = build_model(config, SHAPE, 3)
    export_model(built.model, tmp_path / "model.keras")
    loaded = build_backbone(ModelConfig.model_validate({**SMALL, "weights": str(tmp_path / "model.keras")}), SHAPE)
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(built.backbone.get_weights(), loaded.get_weights(), strict=True))


def test_a_missing_file_a_wrong_kind_and_a_wrong_architecture_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "other.weights.h5"
    save_backbone(build_backbone(ModelConfig.model_validate({**SMALL, "options": {"filters": [6, 12]}}), SHAPE), file)
    with pytest.raises(WeightsUnavailableError, match=r"no file .*absent\.weights\.h5"):
        build_backbone(ModelConfig.model_validate({**SMALL, "weights": str(tmp_path / "absent.weights.h5")}), SHAPE)
    with pytest.raises(ConfigError, match=r"ending in \.weights\.h5"):
        build_backbone(ModelConfig.model_validate({**SMALL, "weights": "weights.pt"}), SHAPE)
    for options in ({"filters": [4, 8], "blocks": 1}, {"filters": [6, 12], "blocks": 1}, {"filters": [6]}):
        with pytest.raises(ConfigError, match="does not fit backbone"):
            build_backbone(ModelConfig.model_validate({**SMALL, "options": options, "weights": str(file)}), SHAPE)


def test_imagenet_weights_of_our_own_backbones_do_not_exist() -> None:
    with pytest.raises(ConfigError, match="no ImageNet weights for small_resnet"):
        build_backbone(ModelConfig(weights="imagenet"), SHAPE)
