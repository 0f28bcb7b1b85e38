from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from trainer.config import ModelConfig, TrainConfig
from trainer.errors import ConfigError
from trainer.network.batchnorm import batchnorm_layers
from trainer.network.build import build_backbone, build_model
from trainer.network.inspect import resolve_boundary
from trainer.network.weights import initialise

SHAPE = (8, 8, 1)


@pytest.fixture(autouse=True)
def _beside_the_sweep_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's module lies in the current folder, which is not on sys.path."""
    monkeypatch.chdir(Path(__file__).parent)


def test_a_function_beside_the_sweep_file_is_found_and_gets_its_options() -> None:
    backbone = build_backbone(ModelConfig(backbone="own_backbones:sequential", options={"width": 6}), SHAPE)
    assert backbone.output_shape == (None, 4, 4, 12)
    assert resolve_boundary(ModelConfig(backbone="own_backbones:sequential", frozen_layers="first"), SHAPE, 2).layer == "first"


def test_batchnorm_inside_nested_models_is_found() -> None:
    built = build_model(
        TrainConfig.model_validate({"data": {"source": "digits"}, "model": {"backbone": "own_backbones:nested"}}), SHAPE, 10
    )
    assert [layer.name for layer in batchnorm_layers(built.model)] == ["deep"]
    assert built.momenta == pytest.approx((0.97,))


def test_weights_that_the_function_loads_are_kept_only_when_asked() -> None:
    def first_kernel(weights: str | None) -> np.ndarray:
        config = TrainConfig.model_validate(
            {"data": {"source": "digits"}, "model": {"backbone": "own_backbones:with_own_weights", "weights": weights}}
        )
        built = build_model(config, SHAPE, 10)
        initialise(built, seed=3)
        return np.asarray(built.backbone.get_layer("first").kernel)

    assert np.all(first_kernel("own") == 0.125)
    assert not np.all(first_kernel(None) == 0.125)


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("own_backbones:missing", "no function 'missing'"),
        ("no_such_module:build", "cannot import 'no_such_module'"),
        ("own_backbones:subclassed", "functional or sequential"),
    ],
)
def test_what_is_wrong_with_a_function_is_said(reference: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        build_backbone(ModelConfig(backbone=reference), SHAPE)
    assert importlib.util.find_spec("trainer") is not None
    assert str(Path.cwd()) not in sys.path


@pytest.mark.parametrize("options", [{}, {"activation": "linear"}, {"units": 7}, {"units": 1, "activation": "sigmoid"}])
def test_a_whole_classifier_is_no_backbone(options: dict[str, object]) -> None:
    model = {"backbone": "own_backbones:classifier", "options": options}
    with pytest.raises(ConfigError, match=r"returns a whole classifier.*model\.layers\[-2\]\.output"):
        build_model(TrainConfig.model_validate({"data": {"source": "digits"}, "model": model}), SHAPE, 10)


@pytest.mark.parametrize(
    "model",
    [{"backbone": "own_backbones:pooled"}, {"backbone": "own_backbones:classifier", "options": {"units": 32, "activation": "relu"}}],
)
def test_a_vector_of_features_is_a_backbone(model: dict[str, object]) -> None:
    built = build_model(TrainConfig.model_validate({"data": {"source": "digits"}, "model": model}), SHAPE, 10)
    assert built.model.output_shape == (None, 10)
