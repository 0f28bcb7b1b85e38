"""What to do next: each step has evidence, a price, and a command that the program takes."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import synthetic_studies as synthetic

from reports.records import ParameterRecord, StudyRecord, TrialRecord
from reports.verdict import build_report_data
from reports.verdict.next_steps import pruned_among_first
from sweeps.cli.parser import build_parser
from sweeps.sweep_file.comparison import compare
from sweeps.sweep_file.loading import sweep_from_text

if TYPE_CHECKING:
    from reports.verdict.next_steps import NextStep

SWEEP = """study: my study
storage: sqlite:///elsewhere/my.db
data: {source: digits, split: {train: 150, validation: 120, test: 0.2, seed: 0}}
model: {backbone: small_resnet}
training: {epochs: 16, batch_size: 16}
space:
  learning_rate: {float: [1.0e-5, 1.0e-2], log: true}
  dropout: {float: [0.0, 0.6], step: 0.05}
search: {trials: 24, seed: 0}
""".replace("my study", "my-study")
SPACE = (ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-2), ParameterRecord("dropout", "float", low=0.0, high=0.6))


def study(rates: list[float], accuracies: list[float], *, num_val: int = 5000, epochs: int = 16) -> StudyRecord:
    """One finished training for each learning rate, with what it holds."""
    rng = np.random.default_rng(2)
    trials = tuple(
        TrialRecord(
            number,
            f"{number:02d}".ljust(12, "a"),
            "search",
            "COMPLETE",
            number,
            {"learning_rate": rate, "dropout": round(0.05 * (number % 12), 2)},
            {"val_accuracy": (accuracy + rng.normal(0, 0.0005, epochs)).astype(np.float32)},
            epochs,
            attempts=(synthetic.attempt(0, 0, 2.0, "completed"),),
        )
        for number, (rate, accuracy) in enumerate(zip(rates, accuracies, strict=True))
    )
    return StudyRecord(
        "my-study",
        "study",
        "val_accuracy",
        maximize=True,
        trials=trials,
        parameters=SPACE,
        num_val=num_val,
        target_trials=24,
        sweep_file=SWEEP,
    )


def steps(record: StudyRecord) -> dict[str, NextStep]:
    found = build_report_data(record).next_steps
    assert len(found) <= 3
    return {step.kind: step for step in found}


def accepted(step: NextStep) -> list[str]:
    """The command's words, once the program's parser has taken them; the settings that it changes are read too."""
    words = shlex.split(step.command)
    assert words[0] == "steadysweep"
    given = build_parser().parse_args(words[1:])
    if getattr(given, "overrides", None):
        changed = sweep_from_text(SWEEP, "my-study", given.overrides)
        if words[1] == "resume":
            assert compare(sweep_from_text(SWEEP, "my-study"), changed).verdict != "refused"
    return words


RATES = [float(f"{10**power:.4g}") for power in np.linspace(-4.95, -2.05, 16)]


def test_the_best_at_the_end_of_a_range_are_searched_beyond_it() -> None:
    step = steps(study(RATES, [0.6 + 0.02 * place for place in range(16)]))["widen"]
    words = accepted(step)
    assert words[:4] == ["steadysweep", "run", "--from", "my-study"]
    assert "--storage" in words
    (entry,) = [word for word in words if word.startswith("space.learning_rate=")]
    changed = sweep_from_text(SWEEP, "my-study", [entry]).space.parameters["learning_rate"]
    assert changed.low == 1e-5
    assert changed.high == pytest.approx(10**-0.5, rel=0.01)
    assert "goes with what is held more than chance explains" in step.why
    assert step.price == "12 trainings, about 24 min of training"


def test_the_better_half_lying_together_narrows_the_space() -> None:
    record = study(RATES, [0.9 - 0.02 * abs(place - 7) for place in range(16)])
    step = steps(record)["narrow"]
    words = accepted(step)
    assert words[:3] == ["steadysweep", "resume", "my-study"]
    (entry,) = [word for word in words if word.startswith("space.learning_rate=")]
    changed = sweep_from_text(SWEEP, "my-study", [entry]).space.parameters["learning_rate"]
    assert 1e-5 < changed.low < changed.high < 1e-2
    for row in build_report_data(record).ranked[:8]:
        assert changed.low <= row.params["learning_rate"] <= changed.high


def test_a_stepped_range_keeps_its_grid() -> None:
    record = study(RATES, [0.9] * 16)
    dropouts = [0.0, 0.25, 0.6, 0.3, 0.05, 0.35, 0.55, 0.3] * 2
    trials = tuple(
        replace(
            trial,
            params={**trial.params, "dropout": dropout},
            curves={"val_accuracy": trial.curves["val_accuracy"] - 0.4 * abs(dropout - 0.3)},
        )
        for trial, dropout in zip(record.trials, dropouts, strict=True)
    )
    step = steps(replace(record, trials=trials))["narrow"]
    (entry,) = [word for word in accepted(step) if word.startswith("space.dropout=")]
    changed = sweep_from_text(SWEEP, "my-study", [entry]).space.parameters["dropout"]
    assert round(changed.low / 0.05, 6) == round(changed.low / 0.05)
    assert "step: 0.05" in entry


def test_nothing_is_said_of_the_space_where_chance_explains_it() -> None:
    rng = np.random.default_rng(0)
    assert not {"widen", "narrow"} & steps(study(RATES, list(0.8 + rng.normal(0, 0.01, 16)))).keys()


def test_leaders_that_cannot_be_told_apart_are_trained_again() -> None:
    record = study(RATES, [0.8 + 0.002 * (place % 3) for place in range(16)], num_val=400)
    data = build_report_data(record)
    step = steps(record)["confirm"]
    words = accepted(step)
    asked = int(words[words.index("--trainings") + 1])
    assert words[1:3] == ["confirm", "my-study"]
    assert f"{len(data.verdict.leaders) - 1} others may be as good" in step.why
    assert step.price == f"{asked} trainings, about {2 * asked} min of training"


def test_once_the_best_is_known_its_model_is_taken() -> None:
    step = steps(study(RATES, [0.5] * 15 + [0.95]))["take"]
    words = accepted(step)
    assert words[1] == "export"
    assert words[words.index("--configuration") + 1] == "15aaaa"


def pruned(record: StudyRecord, number: int, epochs: int) -> StudyRecord:
    def cut(trial: TrialRecord) -> TrialRecord:
        return replace(trial, state="PRUNED", curves={name: curve[:epochs] for name, curve in trial.curves.items()})

    return replace(record, trials=tuple(cut(trial) if trial.number == number else trial for trial in record.trials))


def test_a_pruned_training_that_was_third_is_trained_to_the_end() -> None:
    record = pruned(study(RATES, [0.6 + 0.02 * place for place in range(16)]), 13, 8)
    found = pruned_among_first(record)
    assert found is not None
    assert (found.trial.number, found.epoch, found.place, found.beside) == (13, 8, 3, 16)
    step = steps(record)["finish"]
    words = accepted(step)
    assert words[1:3] == ["confirm", "my-study"]
    assert words[words.index("--configuration") + 1] == "13aaaa"
    assert "third of the 16 that came to epoch 8" in step.why


def test_a_pruned_training_that_was_behind_is_left_alone() -> None:
    record = study(RATES, [0.6 + 0.02 * place for place in range(16)])
    assert pruned_among_first(pruned(record, 9, 8)) is None
    assert pruned_among_first(record) is None


def test_few_validation_images_are_what_limits() -> None:
    record = study(RATES, [0.8 + 0.002 * (place % 3) for place in range(16)], num_val=120)
    step = steps(record)["images"]
    assert "confirm={budget: 6, resplit: true}" in accepted(step)
    assert "With 120 validation images" in step.why
    assert "images" not in steps(replace(record, num_val=2000))


def test_leaders_that_still_improve_are_trained_for_longer() -> None:
    record = study(RATES, [0.5] * 15 + [0.8])
    rising = np.linspace(0.3, 0.95, 16).astype(np.float32)
    record = replace(record, trials=(*record.trials[:-1], replace(record.trials[-1], curves={"val_accuracy": rising})))
    step = steps(record)["longer"]
    assert "training.epochs=32" in accepted(step)


def test_interrupted_trainings_come_first_and_running_ones_leave_nothing_to_do() -> None:
    record = study(RATES, [0.8] * 16)
    interrupted = replace(record.trials[0], state="RUNNING", attempts=(synthetic.attempt(0, 0, 1.0, "stopped"),))
    assert list(steps(replace(record, trials=(interrupted, *record.trials[1:])))) == ["resume"]
    running = replace(interrupted, attempts=(synthetic.attempt(0, 0, 1.0, None),))
    assert steps(replace(record, trials=(running, *record.trials[1:]))) == {}


def test_sweeps_of_other_tools_have_no_commands() -> None:
    assert steps(replace(study(RATES, [0.8] * 16), sweep_file="")) == {}
