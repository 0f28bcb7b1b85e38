"""Settings of trainings that take a second, and the arrays of two easy classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainer import TrainConfig
from trainer.data import ImageData, ImageSet

if TYPE_CHECKING:
    from pathlib import Path

TINY = {"backbone": "small_resnet", "options": {"filters": [4, 8], "blocks": 1}}


def settings(epochs: int = 3, model: dict[str, Any] | None = None, training: dict[str, Any] | None = None, **rest: Any) -> TrainConfig:  # noqa: ANN401
    """Sixty-four digits to train on, fifty to validate on, five classes."""
    data = {
        "source": "digits",
        "classes": ["5", "6", "7", "8", "9"],
        "split": {"train": 64, "validation": 50, "test": 40},
        **rest.pop("data", {}),
    }
    return TrainConfig.model_validate(
        {
            "data": data,
            "model": {**TINY, **(model or {})},
            "training": {"epochs": epochs, "batch_size": 16, "learning_rate": 0.01, **(training or {})},
            **rest,
        }
    )


def pretrained(path: Path, seed: int = 0) -> str:
    """A file of the tiny backbone's weights, moving statistics included."""
    import keras

    from trainer.network.build import build_backbone
    from trainer.network.weights import save_backbone

    keras.utils.set_random_seed(seed)
    backbone = build_backbone(TrainConfig.model_validate({"data": {"source": "digits"}, "model": TINY}).model, (8, 8, 1))
    backbone.set_weights([value + np.float32(0.01) for value in backbone.get_weights()])
    save_backbone(backbone, path)
    return str(path)


def own_backbone(input_shape: tuple[int, int, int]) -> Any:  # noqa: ANN401 - a Keras model
    """A network as a person writes one: a custom layer, a model within the model, a shortcut, BatchNorm, and weights of its own."""
    import keras

    @keras.saving.register_keras_serializable("tiny_trainings")
    class Scaled(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:  # noqa: ANN401 - Keras's own
            self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

        def call(self, inputs: Any) -> Any:  # noqa: ANN401 - tensors
            return inputs * self.scale

    inner = keras.Sequential(
        [keras.Input((None, None, 6)), keras.layers.Conv2D(6, 3, padding="same"), keras.layers.BatchNormalization()], name="inner"
    )
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(6, 3, name="first")(inputs)
    x = keras.layers.ReLU(name="before")(keras.layers.BatchNormalization(name="norm")(x))
    x = keras.layers.Add(name="joined")([x, inner(x)])
    x = Scaled(name="scaled")(x)
    x = keras.layers.ReLU(name="last")(keras.layers.BatchNormalization(name="last_norm")(keras.layers.Conv2D(8, 3, name="second")(x)))
    model = keras.Model(inputs, x)
    draw = np.random.default_rng(0)
    model.set_weights([value + draw.normal(0, 0.1, value.shape).astype(np.float32) ** 2 for value in model.get_weights()])
    return model


def arrays(images: np.ndarray, labels: np.ndarray, validation: tuple[np.ndarray, np.ndarray] | None = None) -> ImageData:
    """Image data from arrays; validated on the training images unless others are given."""
    classes = int(labels.max()) + 1
    train = ImageSet(images, labels.astype(np.int32), None, classes)
    other = train if validation is None else ImageSet(validation[0], validation[1].astype(np.int32), None, classes)
    return ImageData(train, other, None, tuple(f"class {number}" for number in range(classes)), f"arrays {images.sum()} {len(other)}")
