"""Heads that train in one program: each result is that of its training alone, whoever else trains, joins, leaves or fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_trainings import pretrained, settings

from trainer import TrainConfig, TrainResult, train, train_together
from trainer.errors import NonFiniteLossError
from trainer.fit import together
from trainer.fit.head_program import HeadProgram
from trainer.fit.optimizers import epoch_rates
from trainer.network.features import forget_networks

if TYPE_CHECKING:
    from pathlib import Path

CURVES = ("loss", "accuracy", "val_loss", "val_accuracy", "gradient_norm")


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Frozen weights that no seed draws, and a cache of activations of its own."""
    folder = tmp_path_factory.mktemp("frozen")
    FROZEN.update(weights=pretrained(folder / "tiny.weights.h5"))
    CACHE.update(cache_path=str(folder / "cache"))
    forget_networks()
    return FROZEN


FROZEN: dict[str, Any] = {"frozen_layers": "all", "dense": [8], "dropout": [0.1, 0.2]}
CACHE: dict[str, Any] = {}


def head(
    seed: int,
    epochs: int = 3,
    model: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    **training: Any,  # noqa: ANN401 - settings
) -> TrainConfig:
    """Sixty-four images in batches of 20: the last batch is partial."""
    chosen = {"batch_size": 20, "frozen_features": "precomputed", **training}
    return settings(epochs, {**FROZEN, **(model or {})}, chosen, data={**CACHE, **(data or {})}, seed=seed)


def varied(seed: int) -> TrainConfig:
    """Heads that differ in all that heads of one program may differ in."""
    return head(
        seed,
        model={"dropout": [(0.0, 0.1, 0.4)[seed % 3], (0.3, 0.0)[seed % 2]]},
        learning_rate=0.003 * (1 + seed),
        weight_decay=(0.0, 0.02)[seed % 2],
        label_smoothing=0.1 * (seed % 3),
        gradient_clip=(None, 0.5)[seed // 2 % 2],
        schedule=("constant", "cosine", "plateau")[seed % 3],
        warmup_epochs=0.5 * (seed % 2),
    )


def finished(results: list[TrainResult | Exception]) -> list[TrainResult]:
    for each in results:
        if isinstance(each, Exception):
            raise each
    return [each for each in results if isinstance(each, TrainResult)]


def equal(one: TrainResult, other: TrainResult) -> bool:
    return all(one.curves[name] == other.curves[name] for name in CURVES) and one.exported_epoch == other.exported_epoch


@pytest.mark.parametrize(
    ("model", "training"),
    [
        ({}, {}),
        ({"dense": [], "dropout": 0.3}, {"optimizer": "adamw", "weight_decay": 0.05}),
        ({"dense": [6, 5], "dropout": [0.0, 0.2, 0.1], "activation": "gelu"}, {"optimizer": "sgd", "label_smoothing": 0.1}),
        ({"dense": [], "dropout": 0.0}, {"optimizer": "sgd", "momentum": 0.0, "gradient_clip": 0.3}),
        ({}, {"optimizer": "rmsprop", "ema": 0.9, "weight_decay": 0.01}),
        ({"pooling": "max"}, {"optimizer": "rmsprop", "momentum": 0.0, "loss": "binary_crossentropy"}),
        ({"pooling": "flatten"}, {"optimizer": "lion", "learning_rate": 0.001, "schedule": "cosine", "warmup_epochs": 1}),
    ],
)
def test_a_head_beside_others_is_the_head_alone_up_to_rounding(model: dict[str, Any], training: dict[str, Any]) -> None:
    configs = [head(seed, 4, model, imbalance, **training) for seed, imbalance in enumerate([{}, {"imbalance": "class_weight"}, {}])]
    for config, beside in zip(configs, finished(train_together(configs)), strict=True):
        alone = train(config)
        assert (beside.together, alone.together) == ("together", "")
        assert list(beside.curves) == list(alone.curves), "the same figures in each epoch"
        assert beside.curves["loss"][0] == pytest.approx(alone.curves["loss"][0], rel=1e-5)
        for name in ("loss", "val_loss", "gradient_norm"):
            assert beside.curves[name] == pytest.approx(alone.curves[name], rel=2e-3), name
        assert beside.curves["learning_rate"] == alone.curves["learning_rate"]
        assert set(alone.figures) | {"trained_beside"} == set(beside.figures)


def test_two_classes_on_one_sigmoid_train_beside_others() -> None:
    data = {"classes": ["5", "6"], "split": {"train": 50, "validation": 40, "test": 20}}
    configs = [head(seed, 3, {"output": "sigmoid"}, data, label_smoothing=0.1 * seed) for seed in range(2)]
    for config, beside in zip(configs, finished(train_together(configs)), strict=True):
        alone = train(config)
        assert beside.together == "together"
        for name in ("loss", "accuracy", "val_loss"):
            assert beside.curves[name] == pytest.approx(alone.curves[name], rel=1e-3), name


def test_the_first_steps_loss_is_that_of_the_head_alone() -> None:
    configs = [head(seed, 1, batch_size=64, label_smoothing=0.1) for seed in range(3)]
    for config, beside in zip(configs, finished(train_together(configs)), strict=True):
        alone = train(config)
        for name in ("loss", "gradient_norm"):
            assert beside.curves[name][0] == pytest.approx(alone.curves[name][0], rel=1e-6), name


def test_over_seeds_rounding_leans_to_neither_side() -> None:
    from scipy.stats import wilcoxon

    configs = [head(seed, 6, {"dense": [8], "dropout": 0.2}, learning_rate=0.01) for seed in range(16)]
    beside = np.array([each.curves["val_loss"][-1] for each in finished(train_together(configs))])
    alone = np.array([train(config).curves["val_loss"][-1] for config in configs])
    differences = beside - alone
    assert np.abs(differences).max() < 0.01 * alone.std(), "far below what seeds differ by"
    if np.count_nonzero(differences):
        assert wilcoxon(differences, zero_method="zsplit").pvalue > 0.01


def test_no_result_depends_on_how_many_train_beside_it() -> None:
    configs = [varied(seed) for seed in range(5)]
    five = finished(train_together(configs))
    pairs = [
        *finished(train_together(configs[:2])),
        *finished(train_together(configs[3:1:-1]))[::-1],
        *finished(train_together(configs[4:])),
    ]
    assert all(equal(one, other) for one, other in zip(five, pairs, strict=True))
    assert pairs[-1].figures["trained_beside"] == 1
    assert five[0].figures["trained_beside"] > 1


def test_more_trainings_than_slots_take_the_places_of_those_that_end() -> None:
    configs = [head(seed, epochs=1 + seed % 3) for seed in range(11)]
    many = finished(train_together(configs, at_once=3))
    assert [len(each.curves["loss"]) for each in many] == [1 + seed % 3 for seed in range(11)]
    assert all(equal(many[seed], finished(train_together([configs[seed]]))[0]) for seed in (0, 5, 10))


def test_a_training_that_fails_or_is_stopped_touches_no_other() -> None:
    configs = [varied(0), head(1, learning_rate=1e38), varied(2), varied(3)]
    results = train_together(configs, lambda place, record: place == 2 and record.epoch == 1)
    assert isinstance(results[1], NonFiniteLossError)
    stopped = results[2]
    assert isinstance(stopped, TrainResult)
    assert stopped.stopped == "requested"
    for place in (0, 3):
        (alone,) = finished(train_together([configs[place]]))
        beside = results[place]
        assert isinstance(beside, TrainResult)
        assert equal(beside, alone)


def test_an_error_of_the_whole_program_reaches_only_the_training_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    configs = [varied(seed) for seed in range(3)]
    expected = finished(train_together(configs))
    run = HeadProgram.train

    def fails_with_the_second(self: HeadProgram, states: Any, epochs: Any) -> Any:  # noqa: ANN401 - as the method's
        if any(epoch.rates[0] == second for epoch in epochs):
            raise MemoryError("no room for this one")
        return run(self, states, epochs)

    second = epoch_rates(configs[1].training, 1, 4, ())[0]
    monkeypatch.setattr(HeadProgram, "train", fails_with_the_second)
    results = train_together(configs)
    assert isinstance(results[1], MemoryError)
    for place in (0, 2):
        beside = results[place]
        assert isinstance(beside, TrainResult)
        assert equal(beside, expected[place])


@pytest.mark.parametrize("later", ["alone in the program", "beside others", "by itself"])
def test_a_training_goes_on_from_its_checkpoint_in_any_company(tmp_path: Path, later: str) -> None:
    configs = [varied(seed) for seed in range(3)]
    whole = finished(train_together(configs, checkpoint_dirs=[tmp_path / f"whole{place}" for place in range(3)]))
    folders = [tmp_path / str(place) for place in range(3)]
    train_together(configs, lambda place, record: record.epoch == 1 + place % 2, checkpoint_dirs=folders)
    if later == "beside others":
        resumed = finished(train_together(configs[::-1], checkpoint_dirs=folders[::-1]))[::-1]
    elif later == "alone in the program":
        resumed = [finished(train_together([config], checkpoint_dirs=[folder]))[0] for config, folder in zip(configs, folders, strict=True)]
    else:
        resumed = [train(config, checkpoint_dir=folder) for config, folder in zip(configs, folders, strict=True)]
    for one, other in zip(whole, resumed, strict=True):
        if later == "by itself":
            assert one.curves["loss"] == pytest.approx(other.curves["loss"], rel=1e-3)
        else:
            assert equal(one, other)


def test_the_exported_model_is_the_trainings_own(tmp_path: Path) -> None:
    import keras

    from trainer.data import load_data

    configs = [varied(seed) for seed in range(3)]
    folders = [tmp_path / str(place) for place in range(3)]
    results = finished(train_together(configs, checkpoint_dirs=folders))
    images = load_data(configs[0].data).validation
    for config, result in zip(configs, results, strict=True):
        model = keras.models.load_model(result.model_path, compile=False)
        accuracy = float(np.mean(model.predict(np.asarray(images.images, np.float32), verbose=0).argmax(1) == images.labels))
        assert accuracy == pytest.approx(result.figures["exported_val_accuracy"], abs=1e-6)
        dropouts = [layer.rate for layer in model.get_layer("head").layers if isinstance(layer, keras.layers.Dropout)]
        assert dropouts == pytest.approx(list(config.model.dropout))


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (lambda: head(0, model={"frozen_layers": "stage1_block1"}), "part of its backbone is trained"),
        (lambda: head(0, frozen_features="each_step"), "its frozen part runs in each step"),
        (lambda: head(0, model={"head_bn": True}), "its head has BatchNorm"),
        (lambda: head(0, model={"dense": [3000, 3000], "dropout": 0.0}), "a head of"),
        (lambda: head(0, model={"weights": None}), "its frozen weights are drawn from its own seed"),
        (lambda: head(0, data={"sampling": "leftover_batch"}), "it samples its images by leftover_batch"),
    ],
)
def test_what_the_program_does_not_cover_is_trained_alone_and_told(config: Any, reason: str) -> None:  # noqa: ANN401 - makes settings
    first, second = finished(train_together([config(), head(1)]))
    assert first.together.startswith(f"alone: {reason}")
    assert second.together == "together"
    assert first.curves["loss"] == train(config()).curves["loss"]


def test_a_training_that_waits_for_another_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "SECONDS_OF_SILENCE", 0.05)
    said: list[str] = []
    free = threading.Event()

    def hold() -> None:
        with together.turn(None):
            holding.set()
            free.wait(30)

    holding = threading.Event()
    other = threading.Thread(target=hold)
    other.start()
    holding.wait(30)

    def say(text: str) -> None:
        said.append(text)
        free.set()

    with together.turn(say):
        pass
    other.join()
    assert said[0].startswith("waits for the training of another trial")


def test_early_stopping_and_augmented_epochs_work_beside_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.network import frozen_plan

    monkeypatch.setattr(frozen_plan, "PAYS_FROM", 0.0)
    configs = [
        settings(
            6, FROZEN, {"early_stopping": 1 + seed, "learning_rate": 0.02}, data={**CACHE, "augmentation": "light"}, seed=seed, data_seed=7
        )
        for seed in range(3)
    ]
    results = finished(train_together(configs, trainings=9))
    for config, beside in zip(configs, results, strict=True):
        alone = train(config, trainings=9)
        assert beside.together == "together"
        assert (beside.stopped, len(beside.curves["loss"])) == (alone.stopped, len(alone.curves["loss"]))
        assert beside.curves["loss"] == pytest.approx(alone.curves["loss"], rel=1e-3)
