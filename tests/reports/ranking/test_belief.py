"""The belief: probabilities that are right as often as they say, from one training each or several, for any number of configurations."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.ledger import Ledger, ValidationImages
from reports.ranking.belief import NEAR, Contender, belief
from reports.ranking.paired import paired_sd

SEED_SD = 0.012


def contenders(*figures: float | tuple[float, ...]) -> list[Contender]:
    """One a configuration; a tuple is a search figure and fresh ones."""
    tuples = [each if isinstance(each, tuple) else (each,) for each in figures]
    return [Contender(f"c{i}", of[:1], of[1:]) for i, of in enumerate(tuples)]


FIGURES = st.lists(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4).map(tuple), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(figures=FIGURES, num_val=st.one_of(st.none(), st.integers(1, 10_000)), paired=st.one_of(st.none(), st.floats(1e-4, 0.1)))
def test_probabilities_fit_together_whatever_the_figures(
    figures: list[tuple[float, ...]], num_val: int | None, paired: float | None
) -> None:
    known = belief(contenders(*figures), num_val=num_val, paired_sd=paired)
    assert known.probability_best.sum() == pytest.approx(1.0)
    assert (known.probability_near >= known.probability_best - 1e-12).all()
    assert np.isfinite(known.mean).all()
    assert (known.sd > 0.0).all()
    assert known.mean[known.leader] == known.mean.max()
    tie = known.may_be_best
    assert tie[0] == known.leader
    assert int(known.probability_best.argmax()) in tie
    assert all(known.probability_best[other] < 0.1 * known.probability_best.max() for other in range(len(figures)) if other not in tie)
    low, high = min(map(min, figures)), max(map(max, figures))
    assert low - 0.5 <= known.mean.min() <= known.mean.max() <= high + 0.5


def test_the_same_figures_give_the_same_belief() -> None:
    rows = contenders(0.9, (0.88, 0.9), 0.85, 0.8)
    first, second = belief(rows, num_val=300), belief(rows, num_val=300)
    assert first.probability_best.tolist() == second.probability_best.tolist()
    assert first.mean.tolist() == second.mean.tolist()


def test_nothing_to_compare_is_no_belief_and_one_configuration_is_the_best() -> None:
    assert belief([]) is None
    alone = belief(contenders(0.9), num_val=200)
    assert (alone.probability_best[0], alone.probability_near[0], alone.mean[0]) == (1.0, 1.0, pytest.approx(0.9))


@pytest.mark.parametrize(("fresh", "num_val"), [(0, 500), (2, 500), (2, None)])
def test_printed_probabilities_come_true_and_the_winners_lead_is_not_believed(fresh: int, num_val: int | None) -> None:
    rng = np.random.default_rng(fresh)
    said, came, off = [], [], []
    for _ in range(250):
        truth = rng.normal(0.85, 0.012, 20) - 0.1 * (rng.random(20) < 0.2)
        figures = truth[:, None] + rng.normal(0, SEED_SD, (20, 1 + fresh))
        known = belief(contenders(*map(tuple, figures.tolist())), num_val=num_val)
        best = known.leader
        said.append((known.probability_best[best], known.probability_near[best]))
        came.append((truth[best] == truth.max(), truth[best] >= truth.max() - NEAR))
        off.append((known.mean[best] - truth[best], figures[best].mean() - truth[best]))
    assert np.mean(said, axis=0) == pytest.approx(np.mean(came, axis=0), abs=0.07)
    believed, raw = np.mean(off, axis=0)
    assert abs(believed) < 0.5 * raw


def test_a_fresh_training_that_repeats_the_lead_makes_it_surer() -> None:
    others = [0.86, 0.85, 0.85, 0.84, 0.84, 0.83, 0.82, 0.80]
    once = belief(contenders(0.88, *others), num_val=400)
    again = belief(contenders((0.88, 0.88, 0.88), *others), num_val=400)
    disappointed = belief(contenders((0.88, 0.85, 0.85), *others), num_val=400)
    assert again.probability_best[0] > once.probability_best[0] > disappointed.probability_best[0]
    assert again.sd[0] < once.sd[0]


def test_ten_thousand_configurations_are_believed_in_less_than_a_second() -> None:
    rng = np.random.default_rng(0)
    rows = contenders(*rng.normal(0.8, 0.03, 10_000).tolist())
    start = time.process_time()
    known = belief(rows, num_val=1000)
    assert time.process_time() - start < 1.0
    assert known.probability_best.sum() == pytest.approx(1.0)


def _ledger(images: ValidationImages, right: np.ndarray) -> Ledger:
    return Ledger.of(images, [29, 30], np.stack([right, right]))


def test_paired_noise_leaves_out_what_all_trainings_share() -> None:
    """Images that everyone misses, or gets, say nothing about noise, and neither does a configuration that is better throughout."""
    rng = np.random.default_rng(0)
    images = ValidationImages("data", np.arange(2000), np.zeros(2000, np.int64), ("a", "b"))
    easy = rng.random(2000) < 0.7
    trainings = [_ledger(images, np.where(easy, True, rng.random(2000) < share)) for share in (0.5, 0.5, 0.6, 0.6)]  # noqa: FBT003 - right
    hard = 1.0 - easy.mean()
    assert paired_sd(trainings) == pytest.approx((hard * 0.25 / 2000) ** 0.5, rel=0.08)
    assert paired_sd(trainings[:2]) is None
    other = ValidationImages("data", np.arange(5000, 7000), np.zeros(2000, np.int64), ("a", "b"))
    assert paired_sd([*trainings, _ledger(other, easy)]) is None


def test_paired_noise_is_what_a_difference_rests_on_before_any_second_seed() -> None:
    rows = contenders(0.90, 0.88, 0.87, 0.86, 0.85, 0.84, 0.83)
    quiet, loud = (belief(rows, num_val=400, paired_sd=sd) for sd in (0.002, 0.02))
    assert quiet.probability_best[0] > 0.9
    assert loud.probability_best[0] < 0.6
