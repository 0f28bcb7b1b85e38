"""One training carries those that differ in BatchNorm momentum alone: each gets, to the last bit, what training it alone gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_trainings import settings

from trainer import EpochRecord, TrainConfig, TrainResult, train
from trainer.checkpoints.layout import MODEL, TRAINED
from trainer.errors import ConfigError
from trainer.fit.siblings import CARRIED_SECONDS, Sibling
from trainer.fit.whole import complete

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOMENTA: tuple[float | None, ...] = (0.5, None, 0.01)
OF_THE_CLOCK = {"seconds", "images_per_second", "peak_memory_mb"}


def with_momentum(config: TrainConfig, momentum: float | None) -> TrainConfig:
    return config.model_copy(update={"model": config.model.model_copy(update={"bn_momentum": momentum})})


def carried(config: TrainConfig, folder: Path, momenta: Sequence[float | None] = MOMENTA, **options: Any) -> TrainResult:  # noqa: ANN401
    siblings = [Sibling(momentum, folder / f"sibling-{index}") for index, momentum in enumerate(momenta)]
    return train(config, checkpoint_dir=folder / "carrier", siblings=siblings, **options)


def weights_of(path: Path) -> list[Any]:
    import keras

    return list(keras.models.load_model(path, compile=False).get_weights())


def assert_same(one: TrainResult, other: TrainResult) -> None:
    for name, curve in other.curves.items():
        if name not in {*OF_THE_CLOCK, CARRIED_SECONDS}:
            assert one.curves[name] == curve, name
    assert one.exported_epoch == other.exported_epoch
    for name, value in other.figures.items():
        if name.startswith(("exported_", "precise_", "test_")):
            assert one.figures[name] == value, name
    assert one.ledger is not None
    assert other.ledger is not None
    assert np.array_equal(one.ledger.right, other.ledger.right)
    assert np.array_equal(one.ledger.classes, other.ledger.classes)
    for mine, alone in zip(weights_of(one.model_path), weights_of(other.model_path), strict=True):
        assert np.array_equal(mine, alone)


@pytest.mark.parametrize(
    ("model", "training"),
    [
        ({}, {}),
        ({"frozen_layers": "stage1_block1", "dense": [6], "head_bn": True, "dropout": 0.3}, {"ema": 0.8, "precise_bn": "end"}),
        ({"frozen_layers": "stage1_block1", "frozen_bn": "batch"}, {"unfreeze_every": 2, "frozen_features": "each_step"}),
        ({"frozen_layers": "all", "frozen_bn": "reestimate", "dense": [6], "head_bn": True}, {"frozen_features": "precomputed"}),
        ({"frozen_layers": "all"}, {}),
        ({}, {"precise_bn": "epoch"}),
    ],
)
def test_each_sibling_is_the_training_alone_to_the_last_bit(tmp_path: Path, model: dict[str, Any], training: dict[str, Any]) -> None:
    config = settings(4, {"bn_momentum": 0.8, **model}, {"checkpoint_every": 1, **training})
    together = carried(config, tmp_path, evaluate_test=True)
    results = (together, *together.siblings)
    assert together.frozen_features
    assert not any(sibling.frozen_features for sibling in together.siblings), "the frozen part ran once for all of them"
    for index, (momentum, result) in enumerate(zip((0.8, *MOMENTA), results, strict=True)):
        alone = train(with_momentum(config, momentum), checkpoint_dir=tmp_path / f"alone-{index}", evaluate_test=True)
        assert_same(result, alone)
    if model.get("frozen_layers") != "all" and training.get("precise_bn") != "epoch":
        assert len({result.curves["val_loss"] for result in results}) == len(results), "the momenta differ"


def test_a_keras_application_carries_its_siblings(tmp_path: Path) -> None:
    config = settings(
        2,
        {"backbone": "mobilenetv2", "options": {"alpha": 0.35}, "bn_momentum": 0.9, "frozen_layers": "block_15_add"},
        {"checkpoint_every": 1},
        data={"image_size": [32, 32], "color": "rgb"},
    )
    together = carried(config, tmp_path, (0.3,))
    for momentum, result in zip((0.9, 0.3), (together, *together.siblings), strict=True):
        assert_same(result, train(with_momentum(config, momentum), checkpoint_dir=tmp_path / f"alone-{momentum}"))


def test_an_interrupted_training_goes_on_with_those_of_its_siblings_that_are_wanted(tmp_path: Path) -> None:
    config = settings(5, {"bn_momentum": 0.9}, {"checkpoint_every": 1})
    whole = carried(config, tmp_path / "whole")
    seen: list[EpochRecord] = []

    def stop(record: EpochRecord) -> bool:
        return record.epoch == 2

    cut = carried(config, tmp_path / "cut", on_epoch_end=stop)
    assert cut.stopped == "requested"
    left = [Sibling(momentum, tmp_path / "cut" / f"sibling-{index}") for index, momentum in enumerate(MOMENTA) if momentum != 0.5]
    resumed = train(config, seen.append, checkpoint_dir=tmp_path / "cut" / "carrier", siblings=left)
    assert [record.replayed for record in seen] == [True, True, False, False, False]
    assert all(len(record.siblings) == 2 for record in seen)
    assert_same(resumed, whole)
    for mine, expected in zip(resumed.siblings, whole.siblings[1:], strict=True):
        assert_same(mine, expected)
        assert mine.curves["val_loss"] == tuple(record.siblings[resumed.siblings.index(mine)]["val_loss"] for record in seen)
    alone = train(config, checkpoint_dir=tmp_path / "cut" / "carrier")  # without siblings: its end is there already
    assert_same(alone, whole)
    with pytest.raises(ConfigError, match=r"bn_momentum 0\.77 was not carried by the training"):
        carried(config, tmp_path / "cut", (0.77,))


def test_a_siblings_model_lies_in_its_own_folder_and_is_made_whole_from_it(tmp_path: Path) -> None:
    import keras

    config = settings(2, {"bn_momentum": 0.9, "frozen_layers": "stage1_block1"}, {"checkpoint_every": 1})
    result = carried(config, tmp_path, (0.3,), whole_model=False)
    assert result.siblings[0].model_path == tmp_path / "sibling-0" / TRAINED
    alone = train(with_momentum(config, 0.3), checkpoint_dir=tmp_path / "alone")
    whole = complete(tmp_path / "sibling-0")
    assert whole.name == MODEL
    for mine, other in zip(weights_of(whole), weights_of(alone.model_path), strict=True):
        assert np.array_equal(mine, other)
    norms = [layer for layer in keras.models.load_model(whole, compile=False)._flatten_layers() if hasattr(layer, "moving_mean")]
    assert [layer.momentum for layer in norms] == pytest.approx([0.3] * len(norms))


@pytest.mark.parametrize(
    ("training", "momenta", "words"),
    [
        ({"early_stopping": 3}, (0.5,), "early stopping"),
        ({"schedule": "plateau"}, (0.5,), "plateau"),
        ({}, (0.9,), "occurs twice"),
    ],
)
def test_what_reads_validation_while_it_trains_carries_nobody(
    tmp_path: Path, training: dict[str, Any], momenta: tuple[float, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        carried(settings(2, {"bn_momentum": 0.9}, training), tmp_path, momenta)


def test_the_step_is_traced_once_for_all_values_of_the_momenta(tmp_path: Path) -> None:
    from trainer.fit.engine import TRACES
    from trainer.fit.kept import forget_compiled

    forget_compiled()
    TRACES.clear()
    for index, momenta in enumerate([(0.5, 0.1), (0.3, None)]):
        carried(settings(1, {"bn_momentum": 0.9 + index / 100}), tmp_path / str(index), momenta)
    assert sum(TRACES.values()) == 1


def test_without_a_folder_each_gets_the_last_epoch_as_alone() -> None:
    config = settings(2, {"bn_momentum": 0.9}, {"precise_bn": "end"})
    together = train(config, siblings=[Sibling(0.3), Sibling(0.6)])
    for momentum, result in zip((0.9, 0.3, 0.6), (together, *together.siblings), strict=True):
        alone = train(with_momentum(config, momentum))
        assert result.curves["val_loss"] == alone.curves["val_loss"]
        assert result.figures["precise_bn_val_accuracy"] == alone.figures["precise_bn_val_accuracy"]
        assert (result.exported_epoch, result.model_path) == (2, None)
