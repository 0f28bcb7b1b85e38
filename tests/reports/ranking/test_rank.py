from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reports.ranking import rank
from reports.records import StudyRecord, TrialRecord
from reports.stability import stability

if TYPE_CHECKING:
    from reports.ranking import Ranking

EPOCHS = 30


def trial(
    number: int, configuration: str, curve: np.ndarray, *, state: str = "COMPLETE", role: str = "search", seed: int | None = None
) -> TrialRecord:
    return TrialRecord(
        number,
        configuration,
        role,
        state,
        number if seed is None else seed,
        {"learning_rate": 0.001},
        {"val_accuracy": np.asarray(curve, np.float32)},
        EPOCHS,
    )


def study(*trials: TrialRecord, **facts: object) -> StudyRecord:
    return StudyRecord("s", "study", facts.pop("metric", "val_accuracy"), facts.pop("maximize", True), trials, **facts)


def order(ranking: Ranking) -> list[str]:
    return [c.configuration for c in ranking.configurations]


def steady(value: float) -> np.ndarray:
    """A curve that learns for some epochs and then stays; one that never moves is called collapsed."""
    return value - 0.5 * value * np.exp(-2.0 * np.arange(EPOCHS))


def test_a_steady_configuration_beats_one_with_a_higher_best_epoch() -> None:
    alternating = np.tile([0.98, 0.70], EPOCHS // 2)
    ranking = rank(study(trial(0, "swings", alternating), trial(1, "holds", steady(0.9)), num_val=5000))
    first, second = ranking.configurations
    assert [first.configuration, second.configuration] == ["holds", "swings"]
    assert second.best == pytest.approx(0.98)
    assert second.stable == pytest.approx(0.70, abs=0.01)
    assert [flag.name for flag in second.flags] == ["oscillating"]
    assert first.rank == 1


def test_seeds_are_pooled_into_one_configuration() -> None:
    ranking = rank(study(trial(0, "a", steady(0.80)), trial(1, "b", steady(0.85)), trial(2, "a", steady(0.84))))
    a = next(c for c in ranking.configurations if c.configuration == "a")
    assert len(ranking.configurations) == 2
    assert a.stable == pytest.approx(0.82, abs=1e-3)
    assert (a.seeds, a.confirmed) == (2, False)
    assert [t.number for t in a.trials] == [0, 2]


def test_the_figures_of_a_confirmed_configuration_are_those_of_its_fresh_seeds_and_its_expectation_counts_all() -> None:
    fresh = [trial(2, "a", steady(0.84), role="confirmation"), trial(3, "a", steady(0.86), role="confirmation")]
    others = [trial(1, "b", steady(0.80)), trial(5, "c", steady(0.6))]
    lucky = rank(study(trial(0, "a", steady(0.95)), *others, *fresh, num_val=500)).configurations[0]
    plain = rank(study(trial(0, "a", steady(0.84)), *others, *fresh, num_val=500)).configurations[0]
    assert (lucky.configuration, lucky.seeds, lucky.confirmed) == ("a", 2, True)
    assert lucky.stable == pytest.approx(0.85, abs=1e-3)
    assert (lucky.stable, lucky.level, lucky.best, lucky.last) == (plain.stable, plain.level, plain.best, plain.last)
    assert 0.85 < lucky.expected < (0.95 + 0.84 + 0.86) / 3
    assert plain.expected < lucky.expected
    assert [t.number for t in lucky.trials] == [0, 2, 3]
    begun = rank(study(trial(0, "a", steady(0.95)), trial(2, "a", steady(0.1)[:3], role="confirmation", state="RUNNING"))).configurations[0]
    assert (begun.confirmed, begun.stable) == (False, pytest.approx(0.95, abs=1e-3))


def test_an_unconfirmed_lead_counts_only_where_it_is_more_than_luck() -> None:
    def study_with(unconfirmed: float) -> Ranking:
        fresh = [trial(10 + i, "a", steady(0.85 + d), role="confirmation") for i, d in enumerate((-0.01, 0.0, 0.01))]
        fresh += [trial(20 + i, "b", steady(0.84 + d), role="confirmation") for i, d in enumerate((-0.01, 0.0, 0.01))]
        rest = [trial(30 + i, f"c{i}", steady(0.80 + 0.006 * i)) for i in range(8)]
        return rank(study(trial(0, "a", steady(0.86)), trial(1, "b", steady(0.86)), trial(2, "new", steady(unconfirmed)), *fresh, *rest))

    narrow, wide = study_with(0.856), study_with(0.90)
    a, new = (next(row for row in narrow.configurations if row.configuration == name) for name in ("a", "new"))
    assert new.stable > a.stable
    assert (a.rank, new.expected < a.expected) == (1, True)
    assert "new" in a.tied_with
    assert order(wide)[0] == "new"


def test_what_has_not_come_to_its_end_has_a_level_and_holds_nothing() -> None:
    ranking = rank(
        study(
            *(trial(number, f"finished{number}", steady(value)) for number, value in enumerate((0.5, 0.9))),
            trial(2, "running", np.linspace(0.5, 0.99, 12), state="RUNNING"),
            trial(3, "pruned", steady(0.8)[:8], state="PRUNED"),
            trial(4, "better pruned", steady(0.99)[:8], state="PRUNED"),
            num_val=200,
        )
    )
    assert order(ranking) == ["finished1", "finished0", "running", "better pruned", "pruned"]
    for row in ranking.configurations[2:]:
        assert (row.stable, row.expected, row.stable_interval, row.spread, row.tied_with) == (None, None, None, None, ())
        assert row.level == pytest.approx(row.last, abs=0.05)
    assert ranking.oscillating_expected_by_chance == rank(study(*ranking.configurations[0].trials)).oscillating_expected_by_chance * 2


def test_pruned_running_failed_and_short_ones_never_rank_above_a_finished_one() -> None:
    ranking = rank(
        study(
            trial(0, "finished", steady(0.6)),
            trial(1, "pruned", steady(0.99), state="PRUNED"),
            trial(2, "running", steady(0.99), state="RUNNING"),
            trial(3, "failed", steady(0.99), state="FAIL"),
            trial(4, "short", [0.99] * 3),
            trial(5, "waiting", [], state="WAITING"),
        )
    )
    assert order(ranking)[:2] == ["finished", "short"]
    assert {c.configuration: c.state for c in ranking.configurations} == {
        "finished": "finished",
        "short": "provisional",
        "running": "unfinished",
        "waiting": "unfinished",
        "pruned": "pruned",
        "failed": "failed",
    }
    assert next(c for c in ranking.configurations if c.configuration == "waiting").stable is None


def test_one_seed_everywhere_gives_no_interval_for_retraining() -> None:
    ranking = rank(study(trial(0, "a", steady(0.9)), trial(1, "b", steady(0.8))))
    assert ranking.this_run_only
    assert ranking.seed_sd is None
    assert all(c.stable_interval is None for c in ranking.configurations)


def test_two_trainings_with_the_same_seed_show_no_seed_variance() -> None:
    ranking = rank(study(trial(0, "a", steady(0.90), seed=7), trial(1, "a", steady(0.92), seed=7), trial(2, "b", steady(0.8))))
    assert ranking.this_run_only


def test_a_smaller_loss_ranks_first_when_less_is_better() -> None:
    def losses(number: int, name: str, value: float) -> TrialRecord:
        return TrialRecord(number, name, "search", "COMPLETE", number, {}, {"val_loss": np.full(EPOCHS, value, np.float32)}, EPOCHS)

    ranking = rank(study(losses(0, "high", 0.9), losses(1, "low", 0.3), losses(2, "low", 0.32), metric="val_loss", maximize=False))
    assert order(ranking) == ["low", "high"]
    assert ranking.configurations[0].best == pytest.approx(0.3)
    assert ranking.configurations[0].stable_interval is not None


def test_what_the_validation_set_cannot_separate_is_tied() -> None:
    near = study(trial(0, "a", steady(0.900)), trial(1, "b", steady(0.898)), trial(2, "c", steady(0.70)), num_val=500)
    first, second, third = rank(near).configurations
    assert first.tied_with == ("b",)
    assert second.tied_with == ("a",)
    assert third.tied_with == ()


def test_a_lucky_single_seed_does_not_outrank_a_confirmed_configuration() -> None:
    rng = np.random.default_rng(0)
    trials = [trial(i, f"c{i}", steady(0.85 + rng.normal(0, 0.01))) for i in range(20)]
    trials += [trial(20 + i, "confirmed", steady(value), role="confirmation") for i, value in enumerate([0.895, 0.905, 0.90, 0.90])]
    trials += [trial(30 + i, "also", steady(value), role="confirmation") for i, value in enumerate([0.84, 0.88, 0.86])]
    trials.append(trial(40, "lucky", steady(0.903)))
    ranking = rank(study(*trials))
    assert order(ranking)[0] == "confirmed"
    lucky = next(c for c in ranking.configurations if c.configuration == "lucky")
    assert lucky.expected < lucky.stable


def test_a_constant_accuracy_never_ranks_above_a_usable_one_and_is_never_recommended() -> None:
    ranking = rank(study(trial(0, "constant", np.full(EPOCHS, 0.9)), trial(1, "learns", steady(0.7)), trial(2, "short", [0.6, 0.7, 0.8])))
    assert order(ranking) == ["learns", "short", "constant"]
    assert (ranking.configurations[2].unusable, ranking.configurations[2].probability_best) == ("collapsed", None)
    assert ranking.recommended == "learns"
    alone = rank(study(trial(0, "constant", np.full(EPOCHS, 0.9)), trial(2, "short", [0.6, 0.7, 0.8])))
    assert alone.recommended is None


def test_an_empty_study_ranks_nothing() -> None:
    ranking = rank(study())
    assert ranking.configurations == ()
    assert ranking.this_run_only


def test_scores_are_those_of_the_stability_package() -> None:
    curve = 0.9 - 0.4 * np.exp(-np.arange(EPOCHS) / 4)
    ranking = rank(study(trial(3, "a", curve)))
    assert ranking.scores[3] == stability(np.asarray(curve, np.float32))
    assert ranking.configurations[0].stable == ranking.scores[3].stable


def test_ten_thousand_trials_are_ranked_in_seconds() -> None:
    rng = np.random.default_rng(1)
    curves = 0.9 - 0.4 * np.exp(-np.arange(100) / 10) + rng.normal(0, 0.004, (2500, 100)) + rng.normal(0, 0.02, (2500, 1))
    trials = tuple(trial(i, f"c{i // 2}", curve) for i, curve in enumerate(curves))
    start = time.process_time()
    ranking = rank(study(*trials, num_val=2000), flags={})
    assert len(ranking.configurations) == 1250
    assert time.process_time() - start <= 4.0
