"""The tabular study: its maker runs, its data load and agree with the spaces, and a slot trains as Keras does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from spaces import Space

FOLDER = Path(__file__).parents[3] / "benchmarks" / "tabular"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The programs' modules `spaces`, `study` and `program`, imported as the programs import them."""
    import importlib

    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("spaces", "study", "program"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return {name: importlib.import_module(name) for name in ("spaces", "study", "program")}


def make(*words: str) -> str:
    done = subprocess.run([sys.executable, str(FOLDER / "make.py"), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_what_is_made_is_not_made_again(tmp_path: Path, modules: dict[str, ModuleType]) -> None:
    words = ("few_shot", "--configurations", "2", "--epochs", "2", "--data", str(tmp_path))
    make("--seeds", "1", *words)
    first = tmp_path / "few_shot" / "seed-0.npz"
    written = first.stat().st_mtime_ns
    make("--seeds", "2", *words)
    assert first.stat().st_mtime_ns == written
    table = modules["study"].load(tmp_path)["few_shot"]
    assert table.val_accuracy.shape == table.train_accuracy.shape == (2, 2, 2)
    assert table.val_right.shape == (2, 2, 2, table.num_val)
    assert np.array_equal(table.val_right.sum(axis=3), table.val_correct)
    assert np.array_equal(table.last_classes == table.val_labels, table.val_right[:, :, -1])
    assert "2 of 2 seeds" in make("--status", "--seeds", "2", *words)


def test_shipped_data_are_those_of_the_spaces(modules: dict[str, ModuleType]) -> None:
    tables = modules["study"].load(common=True)
    spaces = {each.name: each for each in modules["spaces"].SPACES}
    assert {*spaces, "few_shot-common"} == tables.keys()
    assert sum(each.stat().st_size for each in (FOLDER / "data").rglob("*.npz")) < 25e6
    for name, table in tables.items():
        space = spaces[name.removesuffix("-common")]
        assert table.val_accuracy.shape[0] == len(space.configurations) >= 48
        assert table.val_accuracy.shape[1:] == (4 if name != space.name else 8, space.epochs)
        assert [each["learning_rate"] for each in table.configurations] == [each.learning_rate for each in space.configurations]
        late = table.val_bits.shape[2]
        assert np.array_equal(table.val_right.sum(axis=3), table.val_correct[:, :, -late:])
        exported = np.take_along_axis(table.val_correct, table.best_epoch[..., None].astype(int), axis=2)[..., 0]
        assert np.array_equal((table.best_classes == table.val_labels).sum(axis=2), exported)
        assert np.array_equal(exported, table.val_correct.max(axis=2))
        assert table.resplit == space.resplit
        assert table.test_accuracy.mean() > 2 / table.num_classes
        assert np.corrcoef(table.test_accuracy[:, :, -1].ravel(), table.val_accuracy[:, :, -1].ravel())[0, 1] > 0.8


def test_every_rule_is_scored_on_every_space(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(FOLDER.parent / "scores.py"), "--smoke", "--json", str(tmp_path / "figures.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "figures.json").read_text())
    figures = np.array(written["figures"])
    assert figures.shape == (len(written["features"]), len(written["rules"]), 8)
    assert np.isfinite(figures).all()
    rank, error, regret = (figures[written["features"].index(name)] for name in ("rank", "error", "regret"))
    assert (rank.mean(axis=1) > 0.5).all()
    assert (error > 0).all()
    assert (regret >= 0).all()


def test_a_split_leaves_the_test_images_alone(modules: dict[str, ModuleType]) -> None:
    spaces = modules["spaces"]
    for space in spaces.SPACES:
        first, second = spaces.split(space, 0), spaces.split(space, 1)
        parts = np.concatenate([first.train, first.val, first.test])
        assert np.unique(parts).size == parts.size
        assert np.array_equal(first.test, second.test)
        assert np.array_equal(first.train, second.train) != space.resplit
        counts = np.bincount(first.labels[first.train])
        assert counts.max() - counts.min() <= 1
        wrong = (first.labels != first.train_labels)[first.train].mean()
        assert wrong == pytest.approx(space.label_noise)
        assert np.array_equal(first.labels[first.test], first.train_labels[first.test])


def test_a_moved_image_is_the_image_moved(modules: dict[str, ModuleType]) -> None:
    images = modules["spaces"].load_images("digits", 1)
    which = np.array([7])
    plain, moved = images.table[images.plain(which)][0], images.table[images.rows(which, 1, -1)][0]
    assert np.array_equal(moved[1:, :-1], plain[:-1, 1:])


@pytest.fixture
def op_by_op() -> Iterator[None]:
    """Functions of TensorFlow run without being compiled, which takes longer than a few steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(run_eagerly=True)
    yield
    tf.config.run_functions_eagerly(run_eagerly=False)


@pytest.mark.usefixtures("op_by_op")
@pytest.mark.parametrize(("space", "configuration"), [("transfer", 21), ("swinging", 34), ("label_noise", 30), ("leftover_batches", 0)])
def test_a_slot_trains_as_keras_does(
    modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, space: str, configuration: int
) -> None:
    program = modules["program"]
    monkeypatch.setattr(program, "pretrained", lambda: program.initial(modules["spaces"].space("few_shot"), [0], 0))  # any weights will do
    of = modules["spaces"].space(space)
    chosen = of.configurations[configuration]
    alike = [
        each
        for each, other in enumerate(of.configurations)
        if (other.batch_size, other.drop_remainder) == (chosen.batch_size, chosen.drop_remainder)
    ]
    members = sorted({configuration, *alike[:3]})
    slot = members.index(configuration)
    beside, alone = program.train(of, members, 1, epochs=2), program.train(of, [configuration], 1, epochs=2)
    train_loss, val_loss, classes = keras_training(program, of, configuration, epochs=2)
    for run, place in ((beside, slot), (alone, 0)):
        assert run.train_loss[place] == pytest.approx(train_loss, rel=1e-4)
        assert run.val_loss[place] == pytest.approx(val_loss, rel=1e-3)
        assert (run.val_classes[place] == classes).mean() > 0.99


def keras_training(
    program: ModuleType, of: Space, configuration: int, epochs: int
) -> tuple[list[float], list[float], np.ndarray[Any, Any]]:
    """The same training with Keras' layers and optimisers: training loss, validation loss and predicted classes of each epoch."""
    import keras
    import tensorflow as tf

    group, start = program.group(of, [configuration], 1), program.initial(of, [configuration], 1)
    settings, images, split = group.settings[0], group.images, group.split
    layers = [keras.Input((8, 8, images.table.shape[-1]))]
    for number in (1, 2):
        layers += [
            keras.layers.Conv2D(number * settings.width, 3, padding="same", use_bias=False, trainable=settings.frozen < number),
            keras.layers.BatchNormalization(momentum=settings.bn_momentum, trainable=settings.frozen < number),
            keras.layers.ReLU(),
            keras.layers.MaxPool2D(2),
        ]
    front, dense = keras.Sequential([*layers, keras.layers.Flatten()]), keras.layers.Dense(len(of.classes))
    dense.build((None, 8 * settings.width))
    dense.set_weights([start["dense"][0], start["bias"][0]])
    for number, first in ((1, 0), (2, 4)):
        kernel = start[f"kernel_{number}"][0]
        front.layers[first].set_weights([kernel.reshape(3, 3, -1, kernel.shape[-1])])
        front.layers[first + 1].set_weights([start[f"{name}_{number}"][0] for name in ("gamma", "beta", "mean", "variance")])
    if settings.optimizer == "adam":
        optimizer = keras.optimizers.Adam(settings.learning_rate, weight_decay=settings.weight_decay or None)
    else:
        optimizer = keras.optimizers.SGD(settings.learning_rate, momentum=0.9)
    weights = front.trainable_variables + dense.trainable_variables
    optimizer.build(weights)
    train_loss, val_loss, classes, rates = [], [], [], group.learning_rates()
    right = split.labels[split.val]
    for epoch in range(epochs):
        summed = 0.0
        for rows, uniforms, block_rates in program.batches(group, rates, epoch):
            for batch, noise, rate in zip(rows[:, 0], uniforms[:, 0], block_rates[:, 0], strict=True):
                optimizer.learning_rate = float(rate)
                with tf.GradientTape() as tape:
                    features = front(images.table[batch], training=True)
                    logits = dense(tf.where(noise >= settings.dropout, features / (1.0 - settings.dropout), 0.0))
                    labels = split.train_labels[batch // images.num_forms]
                    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
                optimizer.apply(tape.gradient(loss, weights), weights)
                summed += float(loss) * batch.size
        train_loss.append(summed / group.num_train)
        logits = dense(front(images.table[images.plain(split.val)], training=False)).numpy()
        val_loss.append(float(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(right, logits))))
        classes.append(logits.argmax(axis=1))
    return train_loss, val_loss, np.stack(classes)
