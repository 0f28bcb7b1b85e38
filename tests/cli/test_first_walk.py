"""From a folder of dirty photographs to a prediction by Keras alone, by what the program prints and writes."""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from sweeps.cli import main
from tests.cli.folders import dirty_photos
from trainer.data.load import forget_data

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

WITHOUT_US = "import sys; sys.modules.update(dict.fromkeys(('sweeps', 'trainer', 'reports', 'search_spaces', 'yaml')))\n"
"""Importing one of these fails from here on."""
TINY = ("model.backbone=small_resnet", "model.options={filters: [8, 16], blocks: 1}", "model.weights=none", "frozen_layers=none")
SMALL = (
    "data.image_size=32",
    "training.epochs=3",
    "search.trials=1",
    "confirm=off",
    "augmentation=none",
    "learning_rate=3e-3",
    "bn_momentum=0.8",
)


def test_dirty_photographs_to_a_prediction_by_keras_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    dirty_photos(tmp_path / "Meine Fotos")
    assert main(["init", "Meine Fotos"]) == 0
    told = capsys.readouterr().err
    for words in (
        "1 of 42 images of Blüte 花 is not read (.cr2)",
        "3 images cannot be read and will be skipped",
        "(fewer than 10): selten 3",
    ):
        assert words in told
    overrides = [word for override in (*TINY, *SMALL) for word in ("--set", override)]
    assert main(["run", "sweep.yaml", "--executor", "inline", *overrides]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == "next: steadysweep export Meine-Fotos -o Meine-Fotos-model"
    if importlib.util.find_spec("tf2onnx") is None:
        assert main(["export", "Meine-Fotos", "--format", "onnx", "-o", "none"]) == 2
        assert (
            capsys.readouterr().err
            == "error: export --format onnx: needs onnx and tf2onnx and onnxruntime; type: pip install onnx tf2onnx onnxruntime\n"
        )
    assert main(["export", "Meine-Fotos", "-o", "Meine-Fotos-model"]) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("next: steadysweep predict Meine-Fotos-model IMAGES...")
    folder = tmp_path / "Meine-Fotos-model"
    card = (folder / "README.md").read_text(encoding="utf-8")
    code = card.split("```python\n")[1].split("```")[0]
    printed = subprocess.run([sys.executable, "-I", "-c", WITHOUT_US + code], cwd=folder, capture_output=True, text=True, check=False)
    assert printed.returncode == 0, printed.stderr
    recorded = card.split("| validation accuracy of this file | ")[1].split(" |")[0]
    assert " ".join(printed.stdout.split()[-2:]) == recorded
    assert json.loads((folder / "labels.json").read_text(encoding="utf-8")) == ["Blüte 花", "Tempel ☕"]
    with (folder / "validation.csv").open(encoding="utf-8") as file:
        labels = {row["path"]: row["label"] for row in csv.DictReader(file)}
    assert {path.rpartition(".")[2] for path in labels} >= {"png", "tif"}, "of the kinds that Keras' own loader reads otherwise"
    assert main(["predict", "Meine-Fotos-model", *labels, "--format", "json"]) == 0
    predictions = json.loads(capsys.readouterr().out)["predictions"]
    hits = sum(each["label"] == labels[each["path"]] for each in predictions)
    assert f"{round(100 * hits / len(labels), 1)} %" == recorded, "predict labels as the card's lines do"
    next(path for path in (tmp_path / "Meine Fotos").rglob("Foto 12*")).unlink()
    forget_data()  # as in another process
    assert main(["export", "Meine-Fotos", "-o", "later"]) == 0
    assert "the images here are not those of the study" in capsys.readouterr().err
    later = (tmp_path / "later" / "README.md").read_text(encoding="utf-8")
    assert "validation images were not there when this was written, or had changed" in later
    assert not (tmp_path / "later" / "validation.csv").exists(), "other images would give another accuracy"
