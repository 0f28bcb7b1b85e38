"""Train tiny models with every logger that Keras has, into a folder; run by the `real_fits` fixture in a process of its own."""

import contextlib
import json
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf
import tensorflow.summary as tf_summary


def write_scalar(name: str, data: object, step: object = None) -> object:
    """What TensorBoard's `scalar` does; it is not installed here, and the writer below it is TensorFlow's own."""
    return tf_summary.write(name, tf.cast(data, tf.float32), step=step)


tf_summary.scalar = write_scalar


def model(learning_rate: float = 0.5) -> keras.Model:
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    network.compile(keras.optimizers.SGD(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def two_outputs() -> keras.Model:
    inputs = keras.Input((4,))
    outputs = {
        "color": keras.layers.Dense(3, activation="softmax", name="color")(inputs),
        "shape": keras.layers.Dense(2, activation="softmax", name="shape")(inputs),
    }
    network = keras.Model(inputs, outputs)
    losses = dict.fromkeys(outputs, "sparse_categorical_crossentropy")
    network.compile("sgd", losses, metrics={name: ["accuracy"] for name in outputs})
    return network


def main(folder: Path) -> None:
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(60, 4)).astype("float32"), random.integers(0, 3, 60)
    x_val, y_val = x[:30] + 0.1, y[:30]
    common = {"batch_size": 10, "validation_data": (x_val, y_val)}
    histories = {}

    def fit(name: str, network: keras.Model, y: object = y, **settings: object) -> None:
        with (folder / f"{name}.txt").open("a", encoding="utf-8", newline="") as file, contextlib.redirect_stdout(file):
            history = network.fit(x, y, **settings)
        histories.setdefault(name, []).append({key: [float(value) for value in values] for key, values in history.history.items()})

    callbacks = [
        keras.callbacks.CSVLogger(folder / "logger.csv"),
        keras.callbacks.TensorBoard(folder / "board", write_graph=False),
        keras.callbacks.ModelCheckpoint(folder / "best.keras", save_best_only=True, verbose=1),
        keras.callbacks.ReduceLROnPlateau(patience=1, min_delta=10, verbose=1),
    ]
    network = model()
    fit("verbose1", network, epochs=4, callbacks=callbacks, **common)
    with (folder / "verbose1.txt").open("a", encoding="utf-8", newline="") as file, contextlib.redirect_stdout(file):
        network.evaluate(x_val, y_val, batch_size=10)  # bars that are no epochs
        network.predict(x_val, batch_size=10)
    fit("verbose2", model(), epochs=3, verbose=2, callbacks=[keras.callbacks.CSVLogger(folder / "appended.csv")], **common)
    fit("verbose2", model(), epochs=2, verbose=2, callbacks=[keras.callbacks.CSVLogger(folder / "appended.csv", append=True)], **common)
    fit("no_validation", model(), epochs=3, batch_size=10)
    fit("not_finite", model(1e38), epochs=3, verbose=2, **common)
    labels = {"color": y, "shape": y % 2}
    fit(
        "two_outputs",
        two_outputs(),
        labels,
        epochs=3,
        verbose=2,
        batch_size=10,
        validation_data=(x_val, {"color": y_val, "shape": y_val % 2}),
    )
    (folder / "histories.json").write_text(json.dumps(histories), encoding="utf-8")
    (folder / "history.json").write_text(json.dumps(histories["verbose1"][0]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
