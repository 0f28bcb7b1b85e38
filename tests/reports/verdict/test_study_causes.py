"""For a configuration that swings, the report of a sweep says which usual causes its settings exclude and what its neighbours show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reports.exports import to_json
from reports.page import render_report
from reports.records import ParameterRecord, StudyRecord, TrialRecord
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.diagnosis import CauseCheck
    from reports.records import ParameterValue

EPOCHS = 24
STEADY = (0.9 - 0.3 * np.exp(-np.arange(EPOCHS) / 4)).astype(np.float32)
SWINGING = (STEADY - 0.2 * (np.arange(EPOCHS) % 2)).astype(np.float32)
SWEEP_FILE = """
data: {validation_windows: all, sampling: every_image}
training: {precise_bn: off, learning_rate: 0.001}
space:
  sampling: {choice: {whole: every_image, leftover: leftover_batch}}
  learning_rate: {ordinal: {"0.001": 0.001, "0.003": 0.003}}
"""
PARAMETERS = (
    ParameterRecord("sampling", "choice", labels=("whole", "leftover")),
    ParameterRecord("learning_rate", "ordinal", labels=("0.001", "0.003")),
)


def trial(number: int, curve: NDArray[np.float32], batch: NDArray[np.float32] | None = None, **params: ParameterValue) -> TrialRecord:
    curves = {"val_accuracy": curve, "learning_rate": np.full(EPOCHS, 1e-3, np.float32)}
    if batch is not None:
        curves["val_batch_accuracy"] = batch
    return TrialRecord(number, f"configuration{number}", "search", "COMPLETE", number, params, curves, EPOCHS)


def study(*trials: TrialRecord, sweep_file: str = SWEEP_FILE) -> StudyRecord:
    return StudyRecord(
        "s", "study", "val_accuracy", maximize=True, trials=trials, parameters=PARAMETERS, num_val=2000, sweep_file=sweep_file
    )


def checks(record: StudyRecord, configuration: str = "configuration0") -> dict[str, CauseCheck]:
    found = build_report_data(record).cause_checks[configuration]
    return dict(zip(("windows", "rate", "statistics", "coverage"), found, strict=True))


def test_a_setting_that_excludes_a_cause_excludes_it_and_a_neighbour_proves_another() -> None:
    record = study(
        trial(0, SWINGING, STEADY, sampling="leftover", learning_rate="0.003"),
        trial(1, STEADY, STEADY, sampling="whole", learning_rate="0.003"),
        trial(2, SWINGING, STEADY, sampling="leftover", learning_rate="0.001"),
    )
    found = checks(record)
    assert all(check.tested for check in found.values())
    assert found["windows"].finding == "No: every epoch was validated on all 2,000 validation images."
    assert found["coverage"].finding.startswith("Yes: epochs train on different parts of the images (sampling: leftover_batch).")
    assert "With sampling every_image and all else equal it moves by 0.000 an epoch" in found["coverage"].finding
    assert "calm: 1 of 1 such configurations" in found["coverage"].finding
    assert found["rate"].finding.startswith("Not this alone: the learning rate is 0.003. With learning_rate 0.001")
    assert found["statistics"].finding.startswith("Yes: of the same weights accuracy moves by 0.183 an epoch")
    assert set(build_report_data(record).cause_checks) == {"configuration0", "configuration2"}, "steady ones need none"


def test_without_neighbours_and_statistics_nothing_is_claimed() -> None:
    found = checks(study(trial(0, SWINGING, sampling="leftover", learning_rate="0.003")))
    assert not found["coverage"].tested
    assert found["coverage"].finding.startswith("Possible: ")
    assert not found["rate"].tested
    assert found["statistics"].finding == "No: the model has no batch normalisation."


def test_statistics_that_swing_as_much_are_not_blamed() -> None:
    found = checks(study(trial(0, SWINGING, SWINGING, sampling="whole", learning_rate="0.003")))
    assert found["statistics"].finding.startswith("Unlikely")
    assert found["coverage"].finding == "No: every epoch trained on every training image."


def test_a_momentum_that_calms_is_named_and_windows_leave_statistics_open() -> None:
    slow = trial(1, STEADY, STEADY, sampling="leftover", learning_rate="0.003", bn_momentum="0.9")
    fast = trial(0, SWINGING, STEADY, sampling="leftover", learning_rate="0.003", bn_momentum="0.01")
    assert "With bn_momentum 0.9 and all else equal it moves by 0.000" in checks(study(fast, slow))["statistics"].finding
    windows = study(fast, sweep_file=SWEEP_FILE.replace("validation_windows: all", "validation_windows: floor_batches"))
    assert not checks(windows)["statistics"].tested


@pytest.mark.parametrize("text", ["", "data: [", "data: 3"])
def test_a_record_without_a_readable_sweep_file_says_what_it_does_not_know(text: str) -> None:
    found = checks(study(trial(0, SWINGING), sweep_file=text))
    assert not found["windows"].tested
    assert not found["coverage"].tested
    assert "record does not say" in found["windows"].finding


def test_the_checks_are_on_the_page_and_in_the_document() -> None:
    data = build_report_data(study(trial(0, SWINGING, STEADY, sampling="leftover", learning_rate="0.003")))
    (row,) = json.loads(to_json(data))["ranking"]
    assert [check["cause"] for check in row["cause_checks"]] == [
        "each epoch is validated on other images",
        "the learning rate is too high",
        "moving statistics of batch normalisation lag behind the weights",
        "an epoch does not cover the training data",
    ]
    page = render_report(data)
    assert "Usual causes of swings" in page
    assert "every epoch was validated on all 2,000 validation images" in page
