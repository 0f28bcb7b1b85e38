from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from reports.flags import Flag
from reports.records import ParameterRecord, StudyRecord, TrialRecord
from reports.verdict.causes import find_causes
from reports.verdict.permutation import holm

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SPACE = (
    ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-2),
    ParameterRecord("dropout", "float", low=0.0, high=0.6),
    ParameterRecord("bn_momentum", "choice", labels=("0.5", "0.9", "0.99")),
    ParameterRecord("frozen_layers", "ordinal", labels=("none", "50%", "75%", "all")),
    ParameterRecord("augmentation", "choice", labels=("none", "flip", "light")),
)


def draw(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "learning_rate": float(10 ** rng.uniform(-5, -2)),
        "dropout": float(rng.uniform(0, 0.6)),
        "bn_momentum": str(rng.choice(SPACE[2].labels)),
        "frozen_layers": str(rng.choice(SPACE[3].labels)),
        "augmentation": str(rng.choice(SPACE[4].labels)),
    }


def simulated(
    seed: int, chance_of_oscillation: Callable[[dict[str, Any]], float], num_trials: int = 40
) -> tuple[StudyRecord, dict[int, tuple[Flag, ...]]]:
    rng = np.random.default_rng(seed)
    trials, flags = [], {}
    for number in range(num_trials):
        params = draw(rng)
        trials.append(TrialRecord(number, f"c{number}", "search", "COMPLETE", number, params, {}, 30))
        found = [Flag("overfitting", "medium")] if rng.random() < 0.3 else []
        if rng.random() < chance_of_oscillation(params):
            found.append(Flag("oscillating", "high", {"amplitude": float(rng.uniform(0.05, 0.25))}))
        flags[number] = tuple(found)
    return StudyRecord("s", "study", "val_accuracy", maximize=True, trials=tuple(trials), parameters=SPACE), flags


def test_a_planted_cause_is_named_in_at_least_four_of_five_studies() -> None:
    def planted(params: dict[str, Any]) -> float:
        return 0.85 if params["learning_rate"] > 1e-3 else 0.03

    named = 0
    for seed in range(50):
        study, flags = simulated(seed, planted)
        found = find_causes(study, flags=flags).associations
        named += bool(found) and (found[0].parameter, found[0].flag, found[0].worse) == ("learning_rate", "oscillating", "above")
    assert named >= 40


def test_without_a_cause_hardly_any_study_claims_one() -> None:
    claimed = sum(
        bool(find_causes(*[simulated(seed, lambda _: 0.3)[0]], flags=simulated(seed, lambda _: 0.3)[1]).associations) for seed in range(50)
    )
    assert claimed <= 2


def test_the_sentence_states_an_association_with_its_figures() -> None:
    study, flags = simulated(1, lambda params: 0.95 if params["learning_rate"] > 1e-3 else 0.0, num_trials=60)
    finding = find_causes(study, flags=flags).associations[0]
    assert not finding.tested
    assert "oscillation falls from" in finding.sentence
    assert "below learning_rate" in finding.sentence
    assert "60 trials" in finding.sentence
    assert "association" in finding.sentence
    assert finding.threshold == pytest.approx(1e-3, rel=0.7)


def test_a_cause_is_called_tested_only_where_configurations_differ_in_it_alone() -> None:
    rng = np.random.default_rng(4)
    trials, flags = [], {}
    for pair in range(8):
        params = draw(rng)
        for label in ("0.5", "0.99"):
            number = len(trials)
            trials.append(TrialRecord(number, f"c{number}", "search", "COMPLETE", pair, {**params, "bn_momentum": label}, {}, 30))
            flags[number] = (Flag("oscillating", "high", {"amplitude": 0.2}),) if label == "0.99" else ()
    study = StudyRecord("s", "study", "val_accuracy", maximize=True, trials=tuple(trials), parameters=SPACE)
    finding = find_causes(study, flags=flags).associations[0]
    assert (finding.parameter, finding.worse, finding.tested) == ("bn_momentum", "0.99", True)
    assert (finding.matched, finding.consistent) == (8, 8)
    assert "differ in bn_momentum alone" in finding.sentence


def test_the_batchnorm_clinic_names_its_momentum() -> None:
    """Clinic S1: three rates, four momenta or exact statistics; two momenta are too slow for 24 updates."""
    space = (
        ParameterRecord("precise_bn", "choice", labels=("end", "epoch")),
        ParameterRecord("bn_momentum", "ordinal", labels=("0.999", "0.99", "0.5", "0.01"), condition="precise_bn == end"),
        ParameterRecord("learning_rate", "ordinal", labels=("0.0003", "0.0006", "0.001")),
    )
    rows: list[dict[str, Any]] = []
    for rate in space[2].labels:
        rows += [{"precise_bn": "end", "bn_momentum": momentum, "learning_rate": rate} for momentum in space[1].labels]
        rows.append({"precise_bn": "epoch", "learning_rate": rate})
    trials = tuple(TrialRecord(i, f"c{i}", "search", "COMPLETE", i, row, {}, 24) for i, row in enumerate(rows))
    slow = {i: row.get("bn_momentum") in ("0.999", "0.99") for i, row in enumerate(rows)}
    flags = {i: (Flag("collapsed", "high"), Flag("bn_gap", "high")) if bad else () for i, bad in slow.items()}
    study = StudyRecord("s", "study", "val_accuracy", maximize=True, trials=trials, parameters=space)
    found = {(each.flag, each.parameter): each for each in find_causes(study, flags=flags).associations}
    momentum = found["bn_gap", "bn_momentum"]
    assert momentum.tested
    assert (momentum.matched, momentum.consistent) == (6, 6)
    assert "tested: 6 pairs of configurations differ in bn_momentum alone and 6 of them agree, p = 0.0" in momentum.sentence


def test_two_pairs_are_not_called_a_test() -> None:
    rng = np.random.default_rng(8)
    rows = [draw(rng) for _ in range(40)]
    rows += [{**row, "learning_rate": row["learning_rate"] / 30} for row in rows if row["learning_rate"] > 3e-3][:2]
    trials = tuple(TrialRecord(i, f"c{i}", "search", "COMPLETE", i, row, {}, 24) for i, row in enumerate(rows))
    flags = {i: (Flag("oscillating", "high", {"amplitude": 0.2}),) if row["learning_rate"] > 1e-3 else () for i, row in enumerate(rows)}
    finding = find_causes(
        StudyRecord("s", "study", "val_accuracy", maximize=True, trials=trials, parameters=SPACE), flags=flags
    ).associations[0]
    assert (finding.parameter, finding.matched, finding.tested) == ("learning_rate", 2, False)
    assert (
        "association, not tested: 2 pairs of configurations differ in learning_rate alone and 2 of them agree, where three are needed"
        in finding.sentence
    )


def test_seeds_of_one_configuration_are_one_observation() -> None:
    rng = np.random.default_rng(5)
    few = [draw(rng) for _ in range(5)]
    trials = tuple(TrialRecord(i, f"c{i % 5}", "confirmation", "COMPLETE", i, few[i % 5], {}, 30) for i in range(50))
    flags = {i: (Flag("oscillating", "high"),) if i % 5 == 0 else () for i in range(50)}
    assert (
        find_causes(StudyRecord("s", "study", "val_accuracy", maximize=True, trials=trials, parameters=SPACE), flags=flags).associations
        == ()
    )


def test_counts_stand_beside_chance_and_admit_when_nothing_is_supported() -> None:
    study, flags = simulated(3, lambda _: 0.3)
    count = next(count for count in find_causes(study, flags=flags).counts if count.flag == "oscillating")
    assert count.expected_by_chance == pytest.approx(0.4)
    assert "expected by chance" in count.sentence
    assert "no parameter" in count.sentence


def test_the_same_study_gives_the_same_answer() -> None:
    study, flags = simulated(2, lambda params: 0.9 if params["dropout"] < 0.2 else 0.05)
    assert find_causes(study, flags=flags) == find_causes(study, flags=flags)


def test_an_empty_study_has_no_causes() -> None:
    causes = find_causes(StudyRecord("s", "study", "val_accuracy", maximize=True, trials=(), parameters=SPACE))
    assert (causes.associations, causes.counts, causes.tests) == ((), (), 0)


def test_holm_adjusts_stepwise() -> None:
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([])).size == 0
