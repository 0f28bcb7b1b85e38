"""Trials that differ in BatchNorm momentum alone are one training of the search: each is a trial of the study all the same."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import fast_training
import numpy as np
import pytest
from killable import sweep_in

from reports.ranking import rank
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.search.samplers.optuna_samplers import OptunaSampler
from sweeps.seeds import BY_TRAINING, SEEDS
from sweeps.study.plan import StudyOptions
from sweeps.study.running import run_study
from sweeps.study.siblings import siblings_of, spaced
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.records import StudyRecord, TrialRecord
    from sweeps.observer import StudyOutcome

SPACE = "{learning_rate: {float: [1.0e-5, 1.0e-1], log: true}, bn_momentum: {choice: [0.5, 0.9, 0.99]}}"
KEYS = {"space": SPACE, "search": "{trials: 4, sampler_options: {n_startup_trials: 2}, pruner: none}"}
PRUNED = {**KEYS, "search": "{trials: 5, sampler_options: {n_startup_trials: 2}, pruner: asha, pruner_options: {grace: 2}}"}
GRID = {
    "space": "{learning_rate: {choice: [0.001, 0.01]}, bn_momentum: {choice: [0.5, 0.9, 0.99]}}",
    "search": "{trials: 6, sampler: grid, pruner: none}",
}


def computed(folder: Path) -> dict[str, list[str]]:
    """Trial folder to the epochs that were ever computed in it."""
    return {path.parent.name: path.read_text().split() for path in folder.glob("runs/*/computed.txt")}


def families(study: StudyRecord) -> dict[int, list[TrialRecord]]:
    """Number of each carrier to it and its siblings."""
    found: dict[int, list[TrialRecord]] = {}
    for trial in study.trials:
        if trial.role in ("search", "sibling"):
            found.setdefault(trial.number if trial.carrier is None else trial.carrier, []).append(trial)
    return found


def test_each_proposal_carries_the_other_momenta_and_each_is_a_trial_of_its_own(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    outcome = run(**KEYS)
    assert (outcome.reason, outcome.snapshot.done, outcome.snapshot.target) == ("done", 4, 4)
    study = record()
    assert Counter(trial.role for trial in study.trials) == {"search": 4, "sibling": 8}
    for carrier, family in families(study).items():
        assert {trial.params["bn_momentum"] for trial in family} == {"0.5", "0.9", "0.99"}
        assert len({(trial.params["learning_rate"], trial.seed) for trial in family}) == 1
        assert len({trial.configuration for trial in family}) == 3
        assert [trial.carrier for trial in family] == [None, carrier, carrier]
        for trial in family:
            config = {"training": {"learning_rate": trial.params["learning_rate"]}, "model": {"dropout": 0.0}}
            config["model"]["bn_momentum"] = float(str(trial.params["bn_momentum"]))
            alone = fast_training.curve(config, trial.seed, 5)
            assert np.array_equal(trial.curves["val_accuracy"], np.float32(alone)), "what the momentum alone gives"
            assert trial.state == "COMPLETE"
            assert trial.figures["exported_val_accuracy"] == max(alone)
            assert study.ledgers.read([trial.number])
        assert family[1].facts["bn_momentum"] == f"carried by trial {carrier}"
    assert set(computed(tmp_path)) == {f"{carrier:05d}" for carrier in families(study)}, "siblings compute nothing"
    ranked = rank(study).configurations
    assert len(ranked) == 12, "siblings are ranked as any configuration"


def test_the_sampler_is_told_siblings_with_their_values(sweep_text: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    propose = OptunaSampler.propose

    def watched(self: OptunaSampler, question: Any) -> Any:  # noqa: ANN401 - a Question
        seen.append(question.trials)
        return propose(self, question)

    monkeypatch.setattr(OptunaSampler, "propose", watched)
    run_study(sweep_from_text(sweep_text(**KEYS)), InlineExecutor(1), trainable="fast_training:train")
    assert [len(trials) for trials in seen] == [0, 3, 6, 9]
    last = seen[-1]
    assert [trial.state for trial in last] == ["COMPLETE"] * 9
    assert [trial.point["bn_momentum"] for trial in last[:3]] != [last[0].point["bn_momentum"]] * 3
    assert all(trial.score is not None and 0 < trial.score < 1 for trial in last)


def test_a_grid_is_over_when_the_carriers_have_carried_it(run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    outcome = run(**GRID)
    assert outcome.reason == "space exhausted"
    study = record()
    assert Counter(trial.role for trial in study.trials) == {"search": 2, "sibling": 4}
    assert len({trial.configuration for trial in study.trials}) == 6


def test_without_sharing_each_configuration_has_the_same_result(tmp_path: Path) -> None:
    curves = {}
    for sharing in (True, False):
        folder = tmp_path / str(sharing)
        folder.mkdir()
        sweep = sweep_from_text(sweep_in(folder, **GRID))
        run_study(sweep, InlineExecutor(1), trainable="fast_training:train", options=StudyOptions(sharing=sharing))
        study = read_study(f"sqlite:///{folder}/fast.db", "fast")
        curves[sharing] = {trial.configuration: (trial.seed, np.asarray(trial.curves["val_accuracy"]).tolist()) for trial in study.trials}
    assert curves[True] == curves[False]
    assert {trial.role for trial in study.trials} == {"search"}
    assert {trial.facts["bn_momentum"] for trial in study.trials} == {"alone: sharing is off"}


def test_a_pruned_sibling_closes_at_its_epoch_and_the_training_ends_with_the_last(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    run(**PRUNED)
    study = record()
    states = {carrier: [trial.state for trial in family] for carrier, family in families(study).items()}
    assert {"COMPLETE", "PRUNED"} <= {state for of_family in states.values() for state in of_family}
    lengths = {carrier: [trial.num_epochs for trial in family] for carrier, family in families(study).items()}
    assert any(len(set(each)) > 1 for each in lengths.values()), "siblings end at epochs of their own"
    for carrier, family in families(study).items():
        assert len(computed(tmp_path).get(f"{carrier:05d}", ())) in (0, max(lengths[carrier])), "cleared, or trained as far as its last"
        for trial in family:
            assert (trial.num_epochs == 5) == (trial.state == "COMPLETE")
            if trial.state == "PRUNED":
                assert "asha: level" in (trial.cause or "")
                assert not [name for name in trial.figures if name.startswith("exported_")]
    models = {path.parent.name for path in tmp_path.glob("runs/*/model.keras")}
    complete = {f"{trial.number:05d}" for trial in study.trials if trial.state == "COMPLETE"}
    assert models == complete, "what a training exported of its pruned siblings is removed again"
    pruned_carriers = [
        family for family in families(study).values() if family[0].state == "PRUNED" and max(t.num_epochs for t in family) == 5
    ]
    assert pruned_carriers, "a carrier is pruned while its training goes on"


def test_confirmations_train_alone(run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    run(**KEYS, confirm="{top: 2, seeds: 2}")
    fresh = [trial for trial in record().trials if trial.role == "confirmation"]
    assert len(fresh) == 4
    assert len({trial.seed for trial in fresh}) == 4
    assert all(trial.carrier is None for trial in record().trials if trial.role != "sibling")


def essence(study: StudyRecord) -> list[dict[str, Any]]:
    """What must not depend on how often the driver died."""
    ledgers = study.ledgers.read(trial.number for trial in study.trials)
    assert ledgers.keys() == {trial.number for trial in study.trials if trial.state == "COMPLETE"}
    names = ("number", "role", "state", "configuration", "carrier", "seed", "cause")
    return [
        {
            **{name: getattr(trial, name) for name in names},
            "params": dict(trial.params),
            "curve": np.asarray(trial.curves["val_accuracy"]).tolist(),
            "figures": dict(trial.figures) if trial.state == "COMPLETE" else {},  # of a pruned one they may be lost with the driver
            "right": ledgers[trial.number].right.tolist() if trial.number in ledgers else None,
        }
        for trial in study.trials
    ]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, driver_process: Callable[..., int]) -> list[dict[str, Any]]:
    """The same sweep without a kill."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert driver_process(sweep_in(folder, **PRUNED)) == 0
    return essence(read_study(f"sqlite:///{folder}/fast.db", "fast"))


@pytest.mark.parametrize(
    "point",
    [
        "trial-written:2",
        "sibling-written:1",
        "sibling-written:4",
        "attempt-written:2",
        "started:2",
        "curve-written:7",
        "epoch-written:4",
        "epoch-written:11",
        "mid-checkpoint:7",
        "curves-compacted:3",
        "attributes-set:2",
        "told:1",
        "told:2",
        "told:4",
        "told:5",
        "told:8",
        "ended-received:2",
        "prune-decided:1",
    ],
)
def test_a_killed_driver_loses_and_repeats_nothing_of_a_family(
    tmp_path: Path, driver_process: Callable[..., int], uninterrupted: list[dict[str, Any]], point: str
) -> None:
    text = sweep_in(tmp_path, **PRUNED)
    assert driver_process(text, point) == -signal.SIGKILL
    killed = families(read_study(f"sqlite:///{tmp_path}/fast.db", "fast"))
    on_record = {f"{carrier:05d}": max(trial.num_epochs for trial in family) for carrier, family in killed.items()}
    assert driver_process(text) == 0
    study = read_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    assert essence(study) == uninterrupted
    lost = 0
    for folder, epochs in computed(tmp_path).items():
        repeated = {int(epoch) for epoch, count in Counter(epochs).items() if count > 1}
        assert all(epoch > on_record.get(folder, 0) for epoch in repeated), f"{folder} repeats epochs that were on record"
        lost += len(epochs) - len(set(epochs))
    assert lost <= 1, "no more than the epoch that was being trained, or whose checkpoint was being written, at the kill"


def test_a_study_begun_with_a_seed_for_each_momentum_goes_on_with_them(
    sweep_text: Callable[..., str], record: Callable[[], StudyRecord]
) -> None:
    options = StudyOptions(facts={SEEDS: "by configuration"})  # as a study of before has none
    assert options.facts[SEEDS] != BY_TRAINING
    run_study(sweep_from_text(sweep_text(**GRID)), InlineExecutor(1), trainable="fast_training:train", options=options)
    study = record()
    assert Counter(trial.role for trial in study.trials) == {"search": 6}
    assert len({trial.seed for trial in study.trials}) == 6
    assert all(trial.facts["bn_momentum"].startswith("alone: the study was begun by a version") for trial in study.trials)


@pytest.mark.parametrize(
    ("space", "more", "point", "momenta", "reason"),
    [
        ("{bn_momentum: {choice: [0.5, 0.9]}}", "", {"bn_momentum": "0.9"}, ["0.5"], ""),
        ("{bn_momentum: {choice: {as built: null, low: 0.1}}}", "", {"bn_momentum": "low"}, ["as built"], ""),
        ("{bn_momentum: {float: [0.5, 0.99]}}", "", {"bn_momentum": 0.8}, [0.5, 0.9293, 0.99], ""),
        ("{bn_momentum: {float: [0.5, 0.99]}}", "", {"bn_momentum": 0.505}, [0.9293, 0.99], ""),
        ("{bn_momentum: {float: [0.01, 0.9], log: true}}", "", {"bn_momentum": 0.2}, [0.01, 0.0949, 0.9], ""),
        ("{bn_momentum: {float: [0.5, 0.9], step: 0.05}}", "", {"bn_momentum": 0.6}, [0.5, 0.8, 0.9], ""),
        ("{bn_momentum: {float: [0.7, 0.9], step: 0.1}}", "", {"bn_momentum": 0.8}, [0.7, 0.9], ""),
        ("{bn_momentum: {choice: [0.5, 0.9]}}", "training: {early_stopping: 3}", {"bn_momentum": "0.9"}, [], "early stopping"),
        (
            "{schedule: {choice: [constant, plateau]}, bn_momentum: {choice: [0.5, 0.9]}}",
            "",
            {"schedule": "plateau", "bn_momentum": "0.9"},
            [],
            "plateau",
        ),
        ("{bn_momentum: {choice: [0.5, 0.9]}}", "model: {backbone: vgg16}", {"bn_momentum": "0.9"}, [], "no effect"),
        (
            "{bn_momentum: {choice: [0.5, 0.9]}, dropout: {choice: [0, 0.5], when: bn_momentum == 0.5}}",
            "",
            {"bn_momentum": "0.9"},
            [],
            "dropout depends on it",
        ),
    ],
)
def test_which_momenta_a_training_carries(
    sweep_text: Callable[..., str], space: str, more: str, point: dict[str, Any], momenta: list[Any], reason: str
) -> None:
    keys = {"space": space, **({more.partition(":")[0]: more.partition(": ")[2]} if more else {})}
    siblings = siblings_of(sweep_from_text(sweep_text(**keys)))
    assert siblings is not None
    assert [each["bn_momentum"] for each in siblings.points(point)] == momenta
    assert reason in siblings.why_alone(point)
    assert bool(siblings.why_alone(point)) == (not momenta)


def test_a_range_is_spaced_evenly_in_the_logarithm_of_what_a_batch_adds() -> None:
    assert spaced(0.9, 0.999) == [0.9, 0.99, 0.999]
    assert spaced(0.0, 0.99) == [0.0, 0.9, 0.99]
