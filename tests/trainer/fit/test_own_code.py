"""Metrics on demand, own losses, callbacks and class weights in trainings: with siblings, heads in one program, and after a cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_trainings import pretrained, settings

from trainer import train, train_together
from trainer.data import load_data
from trainer.errors import ConfigError, UserCodeError
from trainer.fit.callbacks import check_callbacks
from trainer.fit.metrics import check_own
from trainer.fit.siblings import Sibling, why_not_carried
from trainer.network.compile_key import alone_problem

if TYPE_CHECKING:
    from pathlib import Path

    from trainer import EpochRecord, TrainConfig

CODE = """
import keras
import numpy as np

def misses(labels, probabilities):
    return int((probabilities.argmax(axis=1) != labels).sum())

def euros(labels, probabilities, price):
    return price * misses(labels, probabilities)

def first_scores(labels, probabilities):
    return float(probabilities[labels == 0, 0].mean())

def plain(targets, probabilities):
    return -keras.ops.sum(targets * keras.ops.log(probabilities + 1e-7), axis=-1)

def weighted(targets, probabilities, factor=1.0):
    return factor * plain(targets, probabilities)

def one_number(targets, probabilities):
    return keras.ops.mean(plain(targets, probabilities))

def in_numpy(targets, probabilities):
    return -np.log(np.sum(np.asarray(targets) * np.asarray(probabilities), axis=-1))

class Looks(keras.callbacks.Callback):
    seen = []
    def __init__(self, word="begin"):
        super().__init__()
        self.word = word
    def on_train_begin(self, logs=None):
        self.seen.append((self.word, self.params["epochs"]))
    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(("epoch", epoch))
    def on_test_end(self, logs=None):
        self.seen.append(("validated", round(logs["val_accuracy"], 6)))
    def on_epoch_end(self, epoch, logs=None):
        rate = float(self.model.optimizer.learning_rate)
        shape = self.model.predict(np.zeros((1, 8, 8, 1)), verbose=0).shape
        self.seen.append((epoch, round(logs["val_accuracy"], 6), rate, shape))
    def on_train_end(self, logs=None):
        self.seen.append("end")

class Stops(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True

class Warms(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.5

class Moves(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.set_weights([each + 0.1 for each in self.model.get_weights()])

class Freezes(keras.callbacks.Callback):
    def on_test_begin(self, logs=None):
        self.model.layers[-1].trainable = False

class Breaks(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["nothing"]

class Batches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass
"""


@pytest.fixture(scope="module", autouse=True)
def _own_code(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    """A module of a person's own in the current folder."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_code.py").write_text(CODE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


METRICS = {
    "metrics": ["val_auc", "val_recall_7", "val_ece", "own_code:misses", "own_code:euros"],
    "arguments": {"own_code:euros": {"price": 2.5}},
}


def changed(config: TrainConfig, **training: Any) -> TrainConfig:  # noqa: ANN401
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


def test_metrics_are_recorded_each_epoch_exported_and_tested_and_agree_with_the_ledger(tmp_path: Path) -> None:
    config = settings(3, training=METRICS, metric="own_code:misses", direction="minimize")
    result = train(config, checkpoint_dir=tmp_path, evaluate_test=True)
    for name in ("val_auc", "val_recall_7", "val_ece", "val_misses"):
        assert len(result.curves[name]) == 3
        assert result.figures[f"exported_{name}"] == result.curves[name][result.exported_epoch - 1]
        assert name.replace("val_", "test_") in result.figures
    assert result.curves["val_misses"] == pytest.approx([50 * (1 - each) for each in result.curves["val_accuracy"]])
    assert result.curves["val_euros"] == tuple(2.5 * each for each in result.curves["val_misses"])
    assert result.ledger is not None
    assert result.curves["val_misses"] == tuple((~result.ledger.right).sum(axis=1))
    assert result.curves["val_misses"][result.exported_epoch - 1] == min(result.curves["val_misses"])
    sevens = result.ledger.labels == 2
    assert result.curves["val_recall_7"] == pytest.approx(result.ledger.right[:, sevens].mean(axis=1))


def test_a_cut_training_continues_with_its_metrics(tmp_path: Path) -> None:
    config = settings(3, training=METRICS, metric="val_recall_7")
    whole = train(config)
    train(config, lambda record: record.epoch == 2, checkpoint_dir=tmp_path)
    told: list[EpochRecord] = []
    result = train(config, told.append, checkpoint_dir=tmp_path)
    assert [record.replayed for record in told] == [True, True, False]
    assert all("val_auc" in record.figures for record in told)
    for name in ("val_auc", "val_recall_7", "val_ece", "val_misses", "loss"):
        assert result.curves[name] == whole.curves[name]
    with pytest.raises(ConfigError, match=r"training.metrics: checkpoint .*val_auc.*now \[\]"):
        train(changed(config, metrics=()), checkpoint_dir=tmp_path)


def test_siblings_have_metrics_of_their_own_statistics() -> None:
    config = settings(2, training={**METRICS, "loss": "own_code:plain"}, model={"bn_momentum": 0.9})
    carrier = train(config, siblings=[Sibling(0.1)])
    alone = train(config.model_copy(update={"model": config.model.model_copy(update={"bn_momentum": 0.1})}))
    for name in ("val_auc", "val_recall_7", "val_ece", "val_misses", "loss"):
        assert carrier.siblings[0].curves[name] == alone.curves[name]
    assert carrier.curves["val_ece"] != alone.curves["val_ece"]


def test_heads_in_one_program_record_metrics_and_those_with_own_losses_or_callbacks_train_alone(tmp_path: Path) -> None:
    frozen = {"frozen_layers": "all", "dense": [8], "weights": pretrained(tmp_path / "tiny.weights.h5")}
    chosen = {"frozen_features": "precomputed", **METRICS}
    data = {"cache_path": str(tmp_path / "cache")}
    heads = [settings(2, frozen, chosen, data=data, seed=seed) for seed in (1, 2)]
    alone = [changed(heads[0], loss="focal"), changed(heads[0], callbacks=("own_code:Looks",))]
    results = train_together([*heads, *alone])
    for config, result in zip(heads, results, strict=False):
        assert not isinstance(result, Exception)
        assert result.together == "together"
        single = train(config, trainings=2)
        assert result.curves["val_misses"] == single.curves["val_misses"]
        assert result.curves["val_auc"] == pytest.approx(single.curves["val_auc"], abs=1e-6)
    assert [getattr(each, "together", each) for each in results[2:]] == [
        "alone: its loss is focal",
        "alone: its callbacks look at a model of its own",
    ]
    assert alone_problem(heads[0]) is None
    assert "callbacks" in why_not_carried(alone[1])


def test_an_own_loss_equals_the_built_in_one_that_it_writes_out_and_options_reach_it() -> None:
    plain, own = train(settings(2)), train(settings(2, training={"loss": "own_code:plain"}))
    assert own.curves["loss"] == pytest.approx(plain.curves["loss"], rel=1e-3)
    doubled = train(
        settings(1, training={"loss": "own_code:weighted", "loss_options": {"factor": 2.0}, "optimizer": "sgd", "learning_rate": 1e-6})
    )
    single = train(settings(1, training={"loss": "own_code:weighted", "optimizer": "sgd", "learning_rate": 1e-6}))
    assert doubled.curves["loss"][0] == pytest.approx(2 * single.curves["loss"][0], rel=1e-3)
    assert doubled.curves["val_loss"] == pytest.approx(single.curves["val_loss"], rel=1e-3)  # comparable, whatever is trained by


def test_focal_is_that_of_keras() -> None:
    import keras

    from trainer.fit.losses import focal

    draw = np.random.default_rng(0)
    logits, targets = draw.normal(size=(6, 3)).astype(np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own = (shares * targets).sum(axis=1)
    assert np.asarray(focal({"gamma": 3.0})(logits, targets, 0.0)) == pytest.approx(-0.25 * (1 - own) ** 3 * np.log(own), rel=1e-4)
    single = logits[:, :1]
    pair = np.stack([1 - targets[:, 0], targets[:, 0]], axis=1)
    expected = keras.losses.binary_focal_crossentropy(pair[:, 1:], single, from_logits=True)
    assert np.asarray(focal({})(keras.ops.convert_to_tensor(single), keras.ops.convert_to_tensor(pair), 0.0)) == pytest.approx(
        np.asarray(expected), rel=1e-5
    )
    assert train(settings(1, training={"loss": "focal", "loss_options": {"gamma": 1.0}})).curves["loss"][0] > 0


@pytest.mark.parametrize(
    ("loss", "options", "said"),
    [
        ("own_code:gone", {}, "has no function 'gone'"),
        ("own_code:weighted", {"fctor": 1}, r"cannot be called with \(targets, probabilities, fctor\)"),
        ("own_code:one_number", {}, "expected one loss for each image"),
        ("own_code:in_numpy", {}, "not a tensor: nothing can be learnt"),
    ],
)
def test_what_is_wrong_with_an_own_loss_is_found_before_training(loss: str, options: dict[str, float], said: str) -> None:
    from trainer.fit.losses import check_own_loss

    with pytest.raises(UserCodeError, match=said):
        check_own_loss(settings(training={"loss": loss, "loss_options": options}), 3)
    check_own_loss(settings(training={"loss": "own_code:weighted", "loss_options": {"factor": 2.0}}), 3)


def test_callbacks_look_at_model_and_figures_and_change_nothing(tmp_path: Path) -> None:
    import own_code

    own_code.Looks.seen.clear()
    config = settings(2, training={"callbacks": ["own_code:Looks"], "arguments": {"own_code:Looks": {"word": "started"}}})
    result, plain = train(config, checkpoint_dir=tmp_path), train(settings(2))
    assert result.curves["loss"] == plain.curves["loss"]
    values = [round(each, 6) for each in result.curves["val_accuracy"]]
    shown = [pytest.approx(0.01), (1, 5)]
    each = [item for epoch in (0, 1) for item in (("epoch", epoch), ("validated", values[epoch]), (epoch, values[epoch], *shown))]
    assert own_code.Looks.seen == [("started", 2), *each, "end"]
    own_code.Looks.seen.clear()
    train(changed(config, epochs=3), checkpoint_dir=tmp_path)
    assert [item for item in own_code.Looks.seen if item[0] == "epoch"] == [("epoch", 2)]  # goes on; earlier epochs are not told again


@pytest.mark.parametrize(
    ("callback", "said"),
    [
        ("Stops", "set model.stop_training in on_epoch_end.*use training.early_stopping or search.pruner"),
        ("Warms", "changed the learning rate in on_epoch_begin.*use training.schedule"),
        ("Moves", "changed the weights in on_epoch_end"),
        ("Freezes", "changed which layers are trained in on_test_begin"),
        ("Breaks", "raised KeyError in on_epoch_end: 'nothing'"),
        ("Batches", "defines on_train_batch_end, which is not called"),
        ("plain", "is no subclass of keras.callbacks.Callback"),
    ],
)
def test_a_callback_that_steers_or_breaks_ends_its_training_with_what_to_use_instead(callback: str, said: str) -> None:
    with pytest.raises(UserCodeError, match=said):
        train(settings(2, training={"callbacks": [f"own_code:{callback}"]}), keep_compiled=False)


def test_arguments_belong_to_a_metric_or_callback_that_takes_them() -> None:
    with pytest.raises(ValueError, match="'own_code:euros' is no metric or callback of this training; expected 'own_code:misses'"):
        settings(training={"metrics": ["own_code:misses"], "arguments": {"own_code:euros": {"price": 2.5}}})
    with pytest.raises(UserCodeError, match=r"'own_code:Looks' cannot be made with \(name\): got an unexpected keyword argument 'name'"):
        check_callbacks(["own_code:Looks"], {"own_code:Looks": {"name": "x"}})
    with pytest.raises(
        UserCodeError, match=r"'own_code:euros' cannot be called with \(labels, probabilities\): missing .*'price'.*training\.arguments"
    ):
        check_own("own_code:euros", np.array([0, 1]), 2)


def test_class_weights_of_ones_own_weigh_the_loss_and_multiply_with_imbalance() -> None:
    from trainer.data.batches import class_weights, rows_and_weights

    config = settings(data={"class_weights": {"7": 3.0, "5": 0.0}, "imbalance": "class_weight"})
    data = load_data(config.data)
    rows, weights = rows_and_weights(data.train.labels, data.class_names, config, 1)
    expected = class_weights(data.train.labels, 5) * [0.0, 1.0, 3.0, 1.0, 1.0]
    assert weights == pytest.approx(expected[data.train.labels[rows]])
    still = {"optimizer": "sgd", "learning_rate": 1e-9}
    only = train(settings(1, training=still, data={"class_weights": {"5": 0.0, "6": 0.0, "8": 0.0, "9": 0.0}}))
    assert 0 < only.curves["loss"][0] < 0.5 * train(settings(1, training=still)).curves["loss"][0]
    for wrong, said in (({"77": 2.0}, "no class '77'; did you mean '7'"), (dict.fromkeys("56789", 0.0), "every class has the weight 0")):
        with pytest.raises(ConfigError, match=said):
            train(settings(1, data={"class_weights": wrong}))


def test_preflight_tells_of_classes_that_are_missing_or_few_and_of_functions_that_fail() -> None:
    from trainer.preflight import preflight

    def found(**options: Any) -> dict[str, tuple[str, str]]:  # noqa: ANN401
        config = settings(**options)
        data = load_data(config.data)
        return {each.name: (each.severity, each.message) for each in preflight(config, data) if each.name in {"metrics", "class_weights"}}

    assert found(training=METRICS) == {}
    severity, message = found(metric="val_recall_3")["metrics"]
    assert severity == "error"
    assert "expected one of val_recall_5, val_recall_6" in message
    assert "has no function 'gone'" in found(training={"metrics": ["own_code:gone"]})["metrics"][1]
    assert found(metric="val_recall_7", data={"split": {"train": 64, "validation": 20, "test": 0}})["metrics"][0] == "warning"
    assert "no class 'seven'" in found(data={"class_weights": {"seven": 2.0}})["class_weights"][1]
