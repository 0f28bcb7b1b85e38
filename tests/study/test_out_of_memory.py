"""A trial that ran out of memory is trained with the same batches in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from killable import sweep_in

from reports.exports.as_json import to_json
from reports.page.drawer_view import configuration_details
from reports.verdict import build_report_data
from sweeps.cli.status import parts_lines
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.records import StudyRecord

KEYS = {
    "data": '{source: digits, classes: ["0", "1"], split: {train: 40, validation: 60, test: 0}}',
    "model": '{backbone: "hungry_network:net"}',
    "training": "{epochs: 2, batch_size: 8, optimizer: sgd}",
    "space": "{learning_rate: {float: [1.0e-3, 1.0e-1]}}",
    "search": "{trials: 1, pruner: none}",
    "confirm": "off",
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    folder = tmp_path_factory.mktemp("hungry")
    run_study(sweep_from_text(sweep_in(folder, **KEYS)), InlineExecutor())
    return read_study(f"sqlite:///{folder}/fast.db", "fast")


def test_more_micro_batches_until_it_fits(study: StudyRecord) -> None:
    (trial,) = study.trials
    assert (trial.state, trial.num_epochs, trial.accumulate) == ("COMPLETE", 2, 2), trial.error
    assert [attempt.cause for attempt in trial.attempts] == ["out of memory", "completed"]
    assert trial.notices == ("out of memory: tried again with each batch in 2 micro-batches",)


def test_record_card_and_status_say_so(study: StudyRecord) -> None:
    data = build_report_data(study)
    card = configuration_details(data, data.configuration(study.trials[0].configuration), {})
    costs: Any = card["cost"]
    assert dict(costs)["its batches"] == "trained in 2 micro-batches each, after running out of memory"
    assert parts_lines(study)[1] == "each batch trained in micro-batches after running out of memory: trial 0 in 2"
    assert '"accumulate":2' in to_json(study).replace(" ", "")


def test_a_trial_goes_on_from_its_epochs_also_under_another_driver(
    sweep_text: Callable[..., str], record: Callable[[], StudyRecord]
) -> None:
    """The trainable runs out of memory after two epochs with batches in fewer than four parts; its driver ends in between."""
    sweep = sweep_from_text(sweep_text(search="{trials: 1, pruner: none}", training="{epochs: 5, batch_size: 32}"))
    run_study(
        sweep,
        InlineExecutor(),
        trainable="faulty_training:hungry",
        stop_requested=lambda: any(trial.accumulate > 1 for trial in record().trials),
    )
    before = record().trials[0]
    assert (before.state, before.num_epochs, before.accumulate) == ("RUNNING", 2, 2)
    run_study(sweep, InlineExecutor(), trainable="faulty_training:hungry")
    (trial,) = record().trials
    assert (trial.state, trial.num_epochs, trial.accumulate) == ("COMPLETE", 5, 4)
    assert [attempt.from_epoch for attempt in trial.attempts][-2:] == [2, 2]
