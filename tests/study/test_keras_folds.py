"""A real Keras sweep with folds: search, folds drawn anew for the fresh seed, record, report, export and retraining."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from killable import sweep_in

from reports.folds import by_fold
from reports.page.drawer_view import configuration_details
from reports.verdict import build_report_data
from sweeps.cli.export import export
from sweeps.errors import SweepInputError
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from pathlib import Path

    from reports.records import StudyRecord

KEYS = {
    "data": '{source: digits, classes: ["0", "1"], split: {folds: 3, test: 200}}',
    "model": "{backbone: small_resnet, options: {filters: [4], blocks: 1}}",
    "training": "{epochs: 5, batch_size: 20, checkpoint_every: 1}",
    "space": "{learning_rate: {float: [1.0e-3, 1.0e-1], log: true}}",
    "search": "{trials: 2, pruner: none}",
    "confirm": "{top: 1, seeds: 1, resplit: true}",
}


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyRecord, Path]:
    folder = tmp_path_factory.mktemp("folds")
    assert run_study(sweep_from_text(sweep_in(folder, **KEYS)), InlineExecutor()).reason == "done"
    return read_study(f"sqlite:///{folder}/fast.db", "fast"), folder


def test_a_configuration_is_the_mean_of_its_folds_and_each_fold_is_on_record(studied: tuple[StudyRecord, Path]) -> None:
    study = studied[0]
    assert [trial.role for trial in study.trials] == ["search", "search", "confirmation"]
    assert study.num_val == 160
    for trial in study.trials:
        of_folds = by_fold(trial.curves)
        sizes = [by_fold(trial.figures)[fold]["num_val"] for fold in of_folds]
        assert sum(sizes) == trial.figures["num_val"] == 160
        assert len(of_folds) == 3
        mean = np.average([own["val_accuracy"] for own in of_folds.values()], axis=0, weights=sizes)
        assert trial.curves["val_accuracy"] == pytest.approx(mean, abs=1e-6)
    for number, ledger in study.ledgers.read(range(3)).items():
        assert len(ledger.images) == 160
        assert ledger.right.mean(axis=1) == pytest.approx(study.trials[number].curves["val_accuracy"], abs=1e-6)
    assert len({trial.facts["data_fingerprint"] for trial in study.trials}) == 2, "the fresh seed has folds of its own"
    assert study.trials[2].validation_seed is not None


def test_the_report_tells_the_folds_of_a_configuration(studied: tuple[StudyRecord, Path]) -> None:
    data = build_report_data(studied[0])
    figures = configuration_details(data, data.configurations[0], {})["figures"]
    told = [(text, note) for label, text, note in figures if label.startswith("folds of trial")]
    assert told
    assert all(text.count(",") == 2 and "no margin of error" in note for text, note in told)


def test_the_exported_model_is_the_first_fold_s_with_its_own_accuracy_and_is_retrained_to_it(
    studied: tuple[StudyRecord, Path], tmp_path: Path
) -> None:
    import keras

    folder = studied[1]
    options = {"storage": f"sqlite:///{folder}/fast.db", "wanted": 1, "configuration": None, "formats": "keras", "trust": True}
    assert export("fast", output=str(tmp_path / "first"), **options) == 0
    card = (tmp_path / "first" / "README.md").read_text()
    assert "the model of fold 1 of 3" in card
    validation = np.load(tmp_path / "first" / "validation.npz")
    model = keras.saving.load_model(tmp_path / "first" / "model.keras")
    right = model.predict(validation["images"].astype("float32"), verbose=0).argmax(1) == validation["labels"]
    assert f"| validation accuracy of this file | {100 * right.mean():.1f} %" in card.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert json.loads((tmp_path / "first" / "labels.json").read_text()) == ["0", "1"]
    shutil.rmtree(folder / "runs")
    assert export("fast", output=str(tmp_path / "again"), retrain=True, **options) == 0
    again = keras.saving.load_model(tmp_path / "again" / "model.keras")
    assert all((one == other).all() for one, other in zip(model.get_weights(), again.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("{only_fold: 2}", "data.split: only_fold: 2 needs folds"),
        ("{flods: 5}", "data.split.flods: unknown key; did you mean 'folds'?"),
        ("{folds: 1}", "data.split.folds: expected a whole number >= 2"),
        ("{folds: 5, validation: 0.2}", "data.split: folds: each fold validates in turn"),
    ],
)
def test_what_a_sweep_file_says_of_folds_is_refused_at_its_key(tmp_path: Path, split: str, words: str) -> None:
    with pytest.raises(SweepInputError) as refused:
        sweep_from_text(sweep_in(tmp_path, data=f"{{source: digits, split: {split}}}"))
    assert words in str(refused.value)
