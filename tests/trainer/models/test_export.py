from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from trainer.config import TrainConfig
from trainer.network.batchnorm import SwitchedBatchNorm, batchnorm_layers, set_momentum
from trainer.network.build import build_model
from trainer.network.weights import export_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_an_exported_model_holds_stock_layers_and_predicts_the_same(tmp_path: Path, rate: float) -> None:
    config = TrainConfig.model_validate(
        {
            "data": {"source": "digits", "preprocessing": "rescale"},
            "model": {"options": {"filters": [4, 8], "blocks": 1}, "dense": [6], "dropout": rate, "head_bn": True},
        }
    )
    built = build_model(config, (8, 8, 1), 3)
    norms = batchnorm_layers(built.model)
    set_momentum(norms, [0.625] * len(norms))
    for layer in norms:
        layer.moving_mean.assign(np.linspace(-1, 1, layer.moving_mean.shape[0]))
    images = np.random.default_rng(0).uniform(0, 255, (5, 8, 8, 1)).astype(np.float32)
    ours = np.asarray(built.model(images, training=False))

    export_model(built.model, tmp_path / "model.keras")

    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert "trainer" not in archive.read("config.json").decode()
        assert json.loads(archive.read("metadata.json"))
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(np.asarray(loaded(images, training=False)), ours)
    assert {layer.momentum for layer in batchnorm_layers(loaded)} == {0.625}
    assert loaded.get_layer("head").get_layer("dropout1").rate == pytest.approx(rate)
    assert all(isinstance(layer, SwitchedBatchNorm) for layer in norms), "the model in memory keeps its variables"
    assert np.array_equal(np.asarray(built.model(images, training=False)), ours)
