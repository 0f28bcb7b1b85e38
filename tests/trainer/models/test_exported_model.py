"""The model that a person takes away: resized as in training, loaded with their layers, the same in every format."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from PIL import Image

from trainer.data.pixels import decode
from trainer.errors import DataError
from trainer.exported_model import (
    Classifier,
    FormatError,
    fixed_size,
    image_files,
    image_size,
    load_model,
    own_layers,
    unread_files,
    with_resizing,
    write_formats,
)

if TYPE_CHECKING:
    from pathlib import Path


def network(side: tuple[int, int] = (24, 20), channels: int = 3, units: int = 3) -> keras.Model:
    keras.utils.set_random_seed(3)
    images = keras.Input((*side, channels), name="image")
    x = keras.layers.Rescaling(1 / 255)(images)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(x))
    return keras.Model(images, keras.layers.Dense(units, activation="sigmoid" if units == 1 else "softmax")(x))


def photo(height: int, width: int, seed: int = 0) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (max(height // 6, 2), max(width // 6, 2), 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("size", [(37, 53), (301, 199), (24, 20), (5, 7), (20, 24), (640, 481)])
def test_the_model_resizes_as_the_loader_does(tmp_path: Path, size: tuple[int, int]) -> None:
    photo(*size).save(tmp_path / "a.png")
    whole = with_resizing(network())
    resized = keras.Model(whole.inputs[0], whole.operations[2].output)
    raw = np.asarray(Image.open(tmp_path / "a.png"), np.float32)[None]
    difference = np.abs(np.asarray(resized(raw))[0] - decode(tmp_path / "a.png", (24, 20), 3))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.25
    if size == (24, 20):
        assert difference.max() == 0


def test_predictions_are_those_of_the_network_on_loaded_images(tmp_path: Path) -> None:
    inner = network()
    whole = with_resizing(inner)
    for seed, size in enumerate([(37, 53), (301, 199), (24, 20)]):
        photo(*size, seed=seed).save(tmp_path / "a.png")
        loaded = np.asarray(inner(decode(tmp_path / "a.png", (24, 20), 3)[None].astype(np.float32)))
        raw = np.asarray(Image.open(tmp_path / "a.png"), np.float32)[None]
        np.testing.assert_allclose(np.asarray(whole(raw)), loaded, atol=0.01)
    whole.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")  # Keras alone, safe mode
    np.testing.assert_array_equal(np.asarray(again(raw)), np.asarray(whole(raw)))
    assert image_size(again) == (24, 20)
    assert own_layers(again) == ()


def test_a_model_of_images_by_their_own_maximum_divides_them_itself() -> None:
    inner = network()
    whole = with_resizing(inner, by_own_maximum=True)
    raw = np.random.default_rng(0).integers(0, 200, (2, 24, 20, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(whole(raw)), np.asarray(inner(raw / raw.max(axis=(1, 2, 3), keepdims=True))), atol=1e-6)
    assert np.isfinite(np.asarray(whole(np.zeros((1, 9, 9, 3), np.float32)))).all()


@pytest.mark.parametrize("units", [1, 3])
def test_each_format_answers_as_the_model_does(tmp_path: Path, units: int) -> None:
    whole = with_resizing(network(units=units))
    write_formats(whole, ("keras", "savedmodel", "tflite"), tmp_path)  # each is run on images while it is written
    assert {path.name for path in tmp_path.iterdir()} == {"model.keras", "model.savedmodel", "model.tflite"}
    assert fixed_size(whole).inputs[0].shape[1:] == (24, 20, 3)
    raw = np.random.default_rng(1).integers(0, 256, (3, 24, 20, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(fixed_size(whole)(raw)), np.asarray(whole(raw)), atol=1e-6)


def test_onnx_is_written_and_run_or_the_packages_are_named(tmp_path: Path) -> None:
    whole = with_resizing(network())
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import tf2onnx  # noqa: F401
    except ImportError:
        with pytest.raises(FormatError, match=r"pip install .*onnx"):
            write_formats(whole, ("onnx",), tmp_path)
    else:
        write_formats(whole, ("onnx",), tmp_path)
        assert (tmp_path / "model.onnx").is_file()


def test_a_file_that_answers_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.exported_model._RUNNERS", {"savedmodel": lambda _, images: np.full((len(images), 3), 1 / 3)})
    with pytest.raises(FormatError, match="other probabilities"):
        write_formats(with_resizing(network()), ("savedmodel",), tmp_path)


OWN = """
import keras


class Squash(keras.layers.Layer):
    def call(self, x):
        return keras.ops.tanh(x)


def net(input_shape):
    images = keras.Input(input_shape)
    return keras.Model(images, Squash()(keras.layers.Conv2D(4, 3)(images)))
"""


def test_a_person_s_own_layers_are_loaded_by_their_module_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_squash.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    import my_squash  # type: ignore[import-not-found]

    images = keras.Input((24, 20, 3))
    x = keras.layers.GlobalAveragePooling2D()(my_squash.net((24, 20, 3))(images))
    keras.Model(images, keras.layers.Dense(2, activation="softmax")(x)).save(tmp_path / "model.keras")
    del sys.modules["my_squash"]
    model = load_model(tmp_path / "model.keras", "my_squash:net")
    assert own_layers(model) == ("my_squash.Squash",)


def test_a_folder_is_classified_and_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "images" / "@eaDir").mkdir(parents=True)
    for number in range(5):
        photo(30 + number, 41, seed=number).save(tmp_path / "images" / f"{number}.png")
    photo(5, 5).save(tmp_path / "images" / "@eaDir" / "thumb.png")
    (tmp_path / "images" / "broken.png").write_bytes(b"no image")
    (tmp_path / "images" / "raw.CR2").write_bytes(b"II*")
    assert [(path.name, remedy) for path, remedy in unread_files([str(tmp_path / "images")])] == [("raw.CR2", "convert them")]
    whole = with_resizing(network())
    whole.save(tmp_path / "model.keras")
    (tmp_path / "labels.json").write_text(json.dumps(["daisy", "rose", "tulip"]))
    files = list(image_files([str(tmp_path / "images")]))
    assert [path.name for path in files] == ["0.png", "1.png", "2.png", "3.png", "4.png", "broken.png"]
    refused: list[str] = []
    predictions = list(Classifier(tmp_path).predict(files, lambda path, _: refused.append(path.name), batch=2))
    assert refused == ["broken.png"]
    assert len(predictions) == 5
    for each in predictions:
        assert each.probability == max(each.probabilities.values())
        assert sum(each.probabilities.values()) == pytest.approx(1)
        raw = np.asarray(Image.open(each.path), np.float32)[None]
        assert each.label == ["daisy", "rose", "tulip"][int(np.asarray(whole(raw)).argmax())]
    (tmp_path / "labels.json").write_text(json.dumps(["daisy"]))
    with pytest.raises(DataError, match="1 class names for a model of 3 outputs"):
        Classifier(tmp_path)
    with pytest.raises(DataError, match="no such image or folder"):
        list(image_files([str(tmp_path / "nowhere.png")]))
