"""From real trainings to the report: the images that everybody misses are those whose labels are wrong, and the confusion matrix is the exported file's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reports.exports import to_json
from reports.page import render_report
from reports.verdict import build_report_data
from sweeps.executor.inline import InlineExecutor
from sweeps.image_look import stored_look
from sweeps.launch.whole_models import complete_leaders
from sweeps.record import read_study
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text
from sweeps.thumbnails import hint_of, report_pictures

if TYPE_CHECKING:
    from pathlib import Path

    from reports.verdict import ReportData

WRONG = [5, 21, 34, 50, 68, 90]
"""Rows of the validation images whose label is that of the next digit."""

SWEEP = """
study: digits
storage: sqlite:///{folder}/digits.db
storage_path: {folder}/runs
data: {{source: {folder}/digits.npz}}
model: {{backbone: plain_cnn, options: {{filters: [16], kernel: 3, dropout: 0.0}}}}
training: {{epochs: 14, batch_size: 50, learning_rate: 0.01}}
space: {{dropout: {{ordinal: [0.0, 0.2, 0.4, 0.6]}}}}
search: {{trials: 4, sampler: random, pruner: none}}
confirm: {{top: 1, seeds: 1}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sweep on 600 digits, six of 100 validation labels wrong."""
    from sklearn.datasets import load_digits

    path = tmp_path_factory.mktemp("errs")
    images, labels = load_digits(return_X_y=True)
    pixels = np.rint(images.reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)
    validation = labels[600:700].copy()
    validation[WRONG] = (validation[WRONG] + 1) % 10
    np.savez(path / "digits.npz", x_train=pixels[:600], y_train=labels[:600], x_val=pixels[600:700], y_val=validation)
    outcome = run_study(sweep_from_text(SWEEP.format(folder=path)), InlineExecutor())
    assert outcome.reason == "done"
    return path


@pytest.fixture(scope="module")
def data(folder: Path) -> ReportData:
    return build_report_data(read_study(f"sqlite:///{folder}/digits.db", "digits"))


def test_images_with_a_wrong_label_are_missed_by_all_and_taken_for_what_they_are(data: ReportData) -> None:
    assert data.mistakes is not None
    found = {image.name: image for image in data.mistakes.missed}
    assert {f"row {row}" for row in WRONG} <= found.keys()
    for row in WRONG:
        image = found[f"row {row}"]
        assert image.missed == image.asked == 4
        assert int(image.predicted) == (int(image.label) - 1) % 10
        assert 3 <= image.agreeing <= image.files == 5
    assert len(found) < 25, "a digit that most configurations learn is not listed"


def test_the_confusion_matrix_is_what_the_exported_file_predicts(folder: Path, data: ReportData) -> None:
    import keras

    from trainer.fit.whole import complete

    assert data.mistakes is not None
    file = data.mistakes.file
    assert file is not None
    arrays = np.load(folder / "digits.npz")
    complete(folder / "runs" / f"{file.trial:05d}")
    model = keras.models.load_model(folder / "runs" / f"{file.trial:05d}" / "model.keras")
    predicted = model(arrays["x_val"][..., None].astype(np.float32), training=False).numpy().argmax(axis=1)
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (arrays["y_val"], predicted), 1)
    assert np.array_equal(file.confusion, matrix)
    assert file.right / file.images == pytest.approx(data.configuration(file.configuration).exported)


def test_late_epochs_are_those_of_the_curve(folder: Path) -> None:
    study = read_study(f"sqlite:///{folder}/digits.db", "digits")
    ledgers = study.ledgers.read(trial.number for trial in study.trials)
    assert len(ledgers) == 5
    for number, ledger in ledgers.items():
        assert ledger.epochs.tolist() == list(range(3, 15))
        np.testing.assert_allclose(ledger.right.mean(axis=1), study.trials[number].curves["val_accuracy"][-12:], atol=1e-6)
    assert len({id(ledger.validation) for ledger in ledgers.values()}) == 1


def test_the_page_and_the_json_name_them(data: ReportData) -> None:
    page = render_report(data)
    assert "Where it errs" in page
    assert all(f"row {row}<" in page for row in WRONG)
    names = [image["name"] for image in json.loads(to_json(data))["mistakes"]["missed"]]
    assert {f"row {row}" for row in WRONG} <= set(names)


def test_their_nearest_training_images_say_so_too(folder: Path, data: ReportData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    complete_leaders(data, sweep_from_text(SWEEP.format(folder=folder)), print)
    look = stored_look(data.study)
    assert look is not None
    told = {each.name: each for each in look.neighbours if each.other}
    wrong = [told[f"row {row}"] for row in WRONG if f"row {row}" in told]
    assert len(wrong) >= 5
    assert all(int(each.other) == (int(each.label) - 1) % 10 for each in wrong)
    assert len(told) <= 2 * len(wrong), "most of the images that are named have a wrong label"
    page = render_report(data, thumbnails=report_pictures(data))
    assert all(hint_of(each) in page for each in wrong)
