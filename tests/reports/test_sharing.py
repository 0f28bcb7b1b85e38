"""What a study is told of the work that its trials shared."""

from __future__ import annotations

import numpy as np

from reports.records import TrialRecord
from reports.sharing import shared_work


def trial(number: int, fact: str, **figures: float) -> TrialRecord:
    return TrialRecord(number, f"c{number}", "search", "COMPLETE", number, {}, {}, 5, figures=figures, facts={"frozen_features": fact})


def test_what_was_computed_and_read_is_added_up_and_the_rest_has_its_reasons() -> None:
    kept = "kept: activations at conv4_block6_out, those of 5 epochs"
    found = shared_work(
        [
            trial(0, kept, features_computed=6, features_read=0, precomputed_seconds=40.0, features_saved_seconds=0.0),
            trial(1, kept, features_computed=0, features_read=6, precomputed_seconds=1.4, features_saved_seconds=39.0),
            trial(2, "each step: nothing is frozen"),
            trial(3, "each step: nothing is frozen"),
            trial(4, "each step: sharing is off"),
        ]
    )
    assert found is not None
    assert found.sentence == (
        "The frozen layers of 2 trials ran once for each set of images, not in each step: 6 sets computed in 41 s, 6 sets read from the cache, "
        "which saved 39 s or more. The frozen layers of other trials ran in each step: sharing is off (1 trial)."
    )


def test_half_precision_is_called_an_approximation() -> None:
    found = shared_work([trial(0, "kept: activations at pool", features_computed=1, features_float16=1)])
    assert found is not None
    assert "float16, an approximation" in found.sentence


def test_nothing_is_said_where_nothing_is_frozen_or_known() -> None:
    assert shared_work([trial(0, "each step: nothing is frozen")]) is None
    assert shared_work([TrialRecord(0, "c", "search", "COMPLETE", 0, {}, {}, 5)]) is None


def carried(number: int, carrier: int | None, fact: str, **curves: float) -> TrialRecord:
    role = "search" if carrier is None else "sibling"
    values = {name: np.full(4, value, np.float32) for name, value in curves.items()}
    return TrialRecord(
        number, f"c{number}", role, "COMPLETE", 0, {}, values, 4, facts={"bn_momentum": fact} if fact else {}, carrier=carrier
    )


def test_trials_that_a_training_carried_are_told_with_what_they_took_and_what_they_would_have_taken() -> None:
    found = shared_work(
        [
            carried(0, None, "", seconds=10.0),
            carried(1, 0, "carried by trial 0", seconds=10.0, carried_seconds=1.0),
            carried(2, 0, "carried by trial 0", seconds=10.0, carried_seconds=1.5),
            carried(3, None, "alone: early stopping ends a training by its validation figures", seconds=10.0),
        ]
    )
    assert found is not None
    assert found.momenta is not None
    assert (found.momenta.carried, found.momenta.carriers, found.momenta.seconds, found.momenta.saved) == (2, 1, 10.0, 70.0)
    assert found.sentence == (
        "2 trials that differ from another in BatchNorm momentum alone were carried by 1 training: 10 s, mostly for validation, in place of about 80 s. "
        "Each BatchNorm momentum was trained alone: early stopping ends a training by its validation figures (1 training)."
    )


def test_heads_that_trained_in_one_program_are_told_with_how_many_at_a_time() -> None:
    def head(number: int, fact: str, **figures: float) -> TrialRecord:
        return TrialRecord(number, f"c{number}", "search", "COMPLETE", 0, {}, {}, 4, figures=figures, facts={"together": fact})

    found = shared_work(
        [
            head(0, "together", trained_beside=3.0),
            head(1, "together", trained_beside=4.0),
            head(2, "alone: its head has BatchNorm"),
            trial(3, "each step: nothing is frozen"),
        ]
    )
    assert found is not None
    assert found.heads is not None
    assert found.heads.sentence == (
        "2 trials trained their heads in one program with others, 3.5 at a time on average. A head was trained alone: its head has BatchNorm (1 trial)."
    )
    assert found.sentence.endswith(found.heads.sentence)
