"""Files of strangers never run code where nobody asked for it: Lambda layers in a model, pickled objects in arrays."""

from __future__ import annotations

import importlib
import json
import pickle
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from sweeps.cli.main import main
from trainer.checkpoints.layout import EXPORT, TRAINED, checksum, read_arrays
from trainer.config import DataConfig
from trainer.data import load_data
from trainer.errors import ConfigError, DataError, TrainerInputError
from trainer.exported_model import load_model
from trainer.fit.whole import complete
from trainer.network.weights import load_backbone_weights


@pytest.fixture
def wicked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose Lambda layer creates the file ``owned`` in its folder wherever it is run from now on."""
    images = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(lambda x: (__import__("pathlib").Path(__import__("os").environ.get("OWNED", "/dev/null")).touch(), x)[1])(
        images
    )
    outputs = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    keras.Model(images, outputs).save(tmp_path / "model.keras")
    (tmp_path / "labels.json").write_text(json.dumps(["daisy", "=1+1"]))
    Image.new("RGB", (8, 8)).save(tmp_path / "+a.png")
    monkeypatch.setenv("OWNED", str(tmp_path / "owned"))
    return tmp_path


def test_a_model_with_a_lambda_layer_is_refused_until_it_is_trusted(wicked: Path) -> None:
    with pytest.raises(DataError, match=r"holds Python code \(a Lambda layer\).*--trust"):
        load_model(wicked / "model.keras")
    assert not (wicked / "owned").exists()
    load_model(wicked / "model.keras", trust=True)
    assert (wicked / "owned").exists()


def test_predict_refuses_it_too_and_takes_the_remedy_that_it_names(wicked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["predict", str(wicked), str(wicked / "+a.png"), "--format", "csv"]
    assert main(words) == 2
    assert "--trust" in capsys.readouterr().err
    assert not (wicked / "owned").exists()
    assert main([*words, "--trust"]) == 0
    assert (wicked / "owned").exists()


def test_a_module_that_the_settings_beside_a_model_name_is_run_when_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "strange.py").write_text(
        "import keras, pathlib\npathlib.Path('owned').touch()\nclass Strange(keras.layers.Layer):\n    def call(self, x):\n        return x\n"
        "def net(input_shape):\n    pass\n"
    )
    layer = importlib.import_module("strange").Strange()
    images = keras.Input((8, 8, 3))
    outputs = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(layer(images)))
    keras.Model(images, outputs).save("model.keras")
    Path("labels.json").write_text('["daisy", "rose"]')
    Path("config.yaml").write_text("model: {backbone: 'strange:net'}")
    Image.new("RGB", (8, 8)).save("a.png")
    Path("owned").unlink()
    words = ["predict", "model.keras", "a.png"]

    monkeypatch.delitem(sys.modules, "strange")
    assert main(words) == 2
    said = capsys.readouterr().err
    assert f"would run {tmp_path / 'strange.py'}" in said
    assert "--trust" in said
    assert not Path("owned").exists()
    assert main([*words, "--trust"]) == 0
    assert Path("owned").exists()

    Path("owned").unlink()
    monkeypatch.delitem(sys.modules, "strange")
    keras.Sequential([images, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, activation="softmax")]).save("model.keras")
    assert main(words) == 0, "a model without own layers needs no module"
    assert not Path("owned").exists()


def test_predicted_tables_hold_no_formula(wicked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(wicked)
    assert main(["predict", ".", "+a.png", "--format", "csv", "--trust"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header == "path,label,probability,daisy,'=1+1"
    path, label, *figures = row.split(",")
    assert path == "'+a.png"
    assert label in ("daisy", "'=1+1")
    assert sum(map(float, figures[1:])) == pytest.approx(1, abs=1e-5)


def test_weights_of_a_backbone_from_it_are_refused(wicked: Path) -> None:
    backbone = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(ConfigError, match=r"Lambda layer.*save_weights"):
        load_backbone_weights(backbone, str(wicked / "model.keras"))
    assert not (wicked / "owned").exists()


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + bytes(40)])
def test_what_is_no_model_is_said_in_one_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(DataError, match="cannot be loaded as a Keras model"):
        load_model(tmp_path / "model.keras")
    with pytest.raises(TrainerInputError):
        load_backbone_weights(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)]), str(tmp_path / "model.keras"))


class Wicked:
    """Its pickle raises where it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('owned')",)


def test_arrays_with_objects_are_refused_in_every_place_that_reads_arrays(tmp_path: Path) -> None:
    objects = np.array([Wicked(), Wicked()], dtype=object)
    source = tmp_path / "arrays.npz"
    np.savez(source, x=objects, y=np.array([0, 1]))
    with pytest.raises(DataError, match=r"plain arrays.*numpy\.savez"):
        load_data(DataConfig(source=str(source)))
    np.savez(source, x=np.zeros((2, 4, 4, 3), np.uint8), y=objects)
    with pytest.raises(DataError, match="plain arrays"):
        load_data(DataConfig(source=str(source)))
    source.write_bytes(pickle.dumps(Wicked()))
    with pytest.raises(DataError, match="plain arrays"):
        load_data(DataConfig(source=str(source)))
    np.savez(source, objects)
    with pytest.raises(ValueError, match="allow_pickle"):
        read_arrays(source)  # of a checkpoint


def test_the_weights_of_a_stranger_s_training_are_refused_with_objects_in_them(tmp_path: Path) -> None:
    np.savez(tmp_path / TRAINED, recipe=np.array([Wicked()], dtype=object))
    note = {"epoch": 1, "epochs": 1, "file": TRAINED, "sha256": checksum(tmp_path / TRAINED)}
    (tmp_path / EXPORT).write_text(json.dumps(note))
    with pytest.raises(DataError, match="no file of a training"):
        complete(tmp_path)
