from __future__ import annotations

import numpy as np
from tiny_trainings import settings

from trainer import EpochRecord, TrainConfig, train
from trainer.data import load_data
from trainer.fit.kept import engine_for


def changed_layers(config: TrainConfig) -> set[str]:
    """Backbone layers whose trained weights a training moves."""
    engine, _ = engine_for(config, load_data(config.data), keep=True)
    engine.start(config)
    weights = [
        (layer.name, weight) for layer in engine.network.built.backbone.layers for weight in layer.weights if "moving" not in weight.name
    ]
    before = [weight.numpy() for _, weight in weights]
    train(config)
    return {name for (name, weight), was in zip(weights, before, strict=True) if not np.array_equal(weight.numpy(), was)}


def test_frozen_layers_do_not_move_and_all_others_do() -> None:
    moved = changed_layers(settings(1, model={"frozen_layers": "stage1_block1"}))
    assert moved
    assert all(name.startswith("stage2") for name in moved)
    assert not changed_layers(settings(1, model={"frozen_layers": "all"}))


def test_gradual_unfreezing_thaws_a_block_every_so_many_epochs() -> None:
    config = settings(4, model={"frozen_layers": "all"}, training={"unfreeze_every": 1})
    engine, _ = engine_for(config, load_data(config.data), keep=True)
    engine.start(config)
    weights = [
        (layer.name, weight) for layer in engine.network.built.backbone.layers for weight in layer.weights if "moving" not in weight.name
    ]
    before = [weight.numpy() for _, weight in weights]
    moved: list[set[str]] = []

    def look(record: EpochRecord) -> None:
        del record
        moved.append(
            {name.split("_")[0] for (name, weight), was in zip(weights, before, strict=True) if not np.array_equal(weight.numpy(), was)}
        )

    train(config, look)
    assert moved == [set(), {"stage2"}, {"stage2", "stage1"}, {"stage2", "stage1", "stem"}]
