from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.flags import Flag, find, find_flags, infer_num_val, oscillating_by_chance, study_flags, summarise_flags
from reports.flags.flag import FlagKind
from reports.records import StudyRecord, TrialRecord

if TYPE_CHECKING:
    from typing import Any


DATA = Path(__file__).parents[2] / "data"


def names(curves: dict[str, Any], **facts: object) -> set[str]:
    return {flag.name for flag in find_flags(curves, **facts)}


def learning(epochs: int = 30, top: float = 0.9, start: float = 0.5) -> np.ndarray:
    return top - (top - start) * np.exp(-np.arange(epochs) / 4.0)


def test_a_good_run_has_no_flags() -> None:
    rng = np.random.default_rng(0)
    curve = np.round((learning() + rng.normal(0, 0.004, 30)) * 5000) / 5000
    curves = {"val_accuracy": curve, "accuracy": learning(top=0.92), "val_loss": 1.0 - learning(), "loss": 1.0 - learning(top=0.92)}
    assert names(curves, num_val=5000) == set()


def test_isolated_deep_drops_are_spikes_and_not_oscillation() -> None:
    curve = learning(40)
    curve[[20, 31]] -= 0.3
    assert names({"val_accuracy": curve}, num_val=5000) == {"spiking"}
    flag = find_flags({"val_accuracy": curve}, num_val=5000)[0]
    assert flag.evidence["at"] == (21, 32)


def test_swings_that_few_images_explain_are_noise_and_say_how_much() -> None:
    rng = np.random.default_rng(1)
    curve = rng.binomial(284, 0.75, 30) / 284
    (flag,) = (flag for flag in find_flags({"val_accuracy": curve}, num_val=284) if flag.name == "noisy_validation")
    assert "284 images" in flag.summary
    assert flag.evidence["noise"] == pytest.approx(0.0257, abs=0.002)


def test_one_predicted_class_is_a_collapse_even_when_accuracy_looks_fair() -> None:
    curves = {"val_accuracy": np.full(10, 0.8), "val_predicted_share": np.full(10, 1.0), "accuracy": np.linspace(0.8, 0.99, 10)}
    assert "collapsed" in names(curves, num_val=500)
    curves["val_predicted_share"] = np.full(10, 0.55)
    assert "collapsed" not in names(curves, num_val=500)


def test_an_easy_set_that_is_learnt_at_once_has_no_flags() -> None:
    curves = {
        "val_accuracy": [0.83, 1.0, 1.0, 1.0],
        "accuracy": [0.67, 0.96, 0.86, 0.95],
        "val_loss": [0.39, 0.04, 0.02, 0.01],
        "loss": [1.1, 0.2, 0.3, 0.1],
        "val_predicted_share": [0.44, 0.33, 0.33, 0.33],
    }
    assert names(curves, num_val=18, num_classes=3) == set()
    perfect = {name: values[1:] for name, values in curves.items()}
    assert names(perfect, num_val=18, num_classes=3) == set()
    assert "broken_metric" in names({**perfect, "val_loss": [0.9, 0.4, 0.1], "val_predicted_share": [1.0, 1.0, 1.0]})


def test_chance_level_depends_on_the_number_of_classes() -> None:
    curve = np.full(12, 0.1) + np.linspace(0, 0.004, 12)
    assert "collapsed" in names({"val_accuracy": curve}, num_classes=10)


def test_a_loss_that_is_no_number_any_more_is_divergence_from_that_epoch() -> None:
    loss = np.linspace(1.0, 0.5, 12)
    loss[8:] = np.nan
    curves = {"val_accuracy": learning(12), "accuracy": learning(12), "loss": loss}
    flag = next(flag for flag in find_flags(curves) if flag.name == "diverging")
    assert flag.evidence["epochs"] == (9, 9)
    infinite = {"val_accuracy": learning(12), "val_loss": [0.5] * 11 + [np.inf]}
    assert "diverging" in names(infinite)


def test_missing_figures_are_no_divergence() -> None:
    assert names({"val_accuracy": learning(40), "loss": np.full(40, np.nan)}, num_val=1000) == set()


def test_a_lasting_fall_is_divergence_with_its_first_epoch() -> None:
    curve = np.concatenate([learning(30), np.full(10, 0.4)])
    flag = next(flag for flag in find_flags({"val_accuracy": curve}, num_val=1000) if flag.name == "diverging")
    assert flag.evidence["epochs"] == (31, 40)
    assert flag.severity == "high"


def test_a_rise_to_the_last_epoch_is_unfinished() -> None:
    assert "unfinished" in names({"val_accuracy": np.linspace(0.5, 0.8, 30)}, num_val=2000, planned_epochs=30)
    assert "unfinished" not in names({"val_accuracy": learning(60)}, num_val=2000)


def test_bn_gap_compares_moving_with_batch_statistics() -> None:
    stored, batch = np.full(20, 0.33), learning(20, top=1.0)
    flag = next(f for f in find_flags({"val_accuracy": stored, "val_batch_accuracy": batch}, num_val=300) if f.name == "bn_gap")
    assert flag.severity == "high"
    assert flag.evidence["gap"] == pytest.approx(0.66, abs=0.02)
    assert "bn_gap" not in names({"val_accuracy": batch, "val_batch_accuracy": batch}, num_val=300)


def test_bn_gap_of_three_images_is_seen_and_one_image_of_three_is_not() -> None:
    one, two, all_three = np.full(20, 1 / 3), np.full(20, 2 / 3), np.ones(20)
    assert "bn_gap" in names({"val_accuracy": one, "val_batch_accuracy": all_three}, num_val=3)
    assert "bn_gap" not in names({"val_accuracy": two, "val_batch_accuracy": all_three}, num_val=3)


def test_a_gap_of_moving_statistics_is_no_overfitting_and_no_broken_metric() -> None:
    curves = {
        "val_accuracy": np.full(20, 1 / 3),
        "val_predicted_share": np.ones(20),
        "val_batch_accuracy": learning(20, top=1.0),
        "accuracy": learning(20, top=1.0),
        "val_loss": np.concatenate([np.linspace(2.0, 1.4, 5), np.linspace(1.5, 6.5, 15)]),
        "loss": np.linspace(1.1, 0.01, 20),
    }
    assert names(curves, num_val=300, num_classes=3) == {"bn_gap", "collapsed"}
    without = {name: values for name, values in curves.items() if name != "val_batch_accuracy"}
    assert "overfitting" in names(without, num_val=300, num_classes=3)


def test_an_alternation_of_changing_size_has_period_two() -> None:
    """Real figures: a leftover batch of two images in every other epoch, BatchNorm momentum .01."""
    curve = [
        0.78,
        0.82,
        0.87,
        0.8,
        0.89,
        0.58,
        0.92,
        0.87,
        0.94,
        0.68,
        0.94,
        0.74,
        0.95,
        0.57,
        0.93,
        0.89,
        0.95,
        0.87,
        0.96,
        0.58,
        0.95,
        0.53,
        0.92,
        0.6,
    ]
    (flag,) = (flag for flag in find_flags({"val_accuracy": curve}, num_val=300) if flag.name == "oscillating")
    assert flag.evidence["period"] == 2
    assert flag.evidence["period_p"] == pytest.approx(0.00245, abs=0.003)
    shuffled = np.random.default_rng(0).permutation(curve)
    (flag,) = (flag for flag in find_flags({"val_accuracy": shuffled}, num_val=300) if flag.name == "oscillating")
    assert flag.evidence["period"] is None


@pytest.mark.parametrize(
    ("layers", "cause", "remedy", "useless"),
    [
        (53, "53 frozen BatchNorm layers used the batch's statistics", "Set frozen_bn: inference", "precise_bn: end"),
        (0, "the moving statistics lag by", "precise_bn: end", "frozen"),
        (None, "the moving statistics lag by", "Where BatchNorm layers are frozen", "does nothing"),
    ],
)
def test_bn_gap_names_frozen_layers_that_trained_by_their_batch(layers: int | None, cause: str, remedy: str, useless: str) -> None:
    curves = {"val_accuracy": np.full(10, 0.3), "val_batch_accuracy": np.full(10, 0.8)}
    flag = next(f for f in find_flags(curves, num_val=300, frozen_by_batch=layers) if f.name == "bn_gap")
    assert cause in flag.summary
    assert remedy in flag.advice
    assert useless not in flag.advice
    assert flag.evidence["frozen_by_batch"] == layers


def test_an_accuracy_of_zero_while_the_model_learns_is_a_broken_metric() -> None:
    curves = {"val_accuracy": np.zeros(20), "accuracy": learning(20), "val_loss": np.linspace(1.0, 0.3, 20)}
    assert "broken_metric" in names(curves)
    assert "broken_metric" in names({"val_accuracy": [120.0, 121.0, 122.0, 123.0]})


def test_training_far_above_validation_is_overfitting() -> None:
    assert "overfitting" in names({"val_accuracy": np.full(20, 0.7), "accuracy": learning(20, top=0.99)}, num_val=1000)
    rising = {
        "val_accuracy": np.full(20, 0.95),
        "accuracy": learning(20, top=0.98),
        "val_loss": np.linspace(0.2, 0.6, 20),
        "loss": np.full(20, 0.02),
    }
    assert "overfitting" in names(rising, num_val=1000)


any_curve = st.lists(st.one_of(st.floats(0.0, 1.0), st.just(float("nan")), st.just(float("inf"))), max_size=20)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["val_accuracy", "accuracy", "val_loss", "loss", "val_batch_accuracy", "val_gained", "val_lost", "other"]),
        any_curve,
    ),
    st.sampled_from([None, 1, 50, 10_000]),
)
def test_any_curves_are_judged_without_an_error_and_with_sound_evidence(curves: dict[str, Any], num_val: int | None) -> None:
    found = find_flags(curves, num_val=num_val)
    assert len({flag.name for flag in found}) == len(found)
    length = max((len(values) for values in curves.values()), default=0)
    for flag in found:
        first, last = flag.evidence["epochs"]
        assert 1 <= first <= last <= length
        assert flag.summary
        assert flag.advice


def test_validation_size_comes_from_the_lattice_of_printed_values() -> None:
    rng = np.random.default_rng(2)
    counts = rng.integers(200, 284, 12)
    assert infer_num_val([f"{count / 284:.4f}" for count in counts]) == 284
    assert infer_num_val((counts / 284).astype(np.float32)) == 284
    assert infer_num_val([f"{value:.2f}" for value in rng.random(20)]) is None
    assert infer_num_val([]) is None
    assert infer_num_val([0.0, 1.0, float("nan")]) is None


def trial(number: int, curve: np.ndarray, **facts: object) -> TrialRecord:
    return TrialRecord(
        number, facts.pop("configuration", "a"), "search", "COMPLETE", number, {}, {"val_accuracy": np.asarray(curve, np.float32)}, 30
    )


def test_a_study_flags_its_trials_with_its_validation_size() -> None:
    swinging = 0.8 + 0.1 * (-1.0) ** np.arange(30)
    study = StudyRecord(
        "s", "study", "val_accuracy", maximize=True, trials=(trial(0, swinging), trial(1, learning()), trial(2, [])), num_val=2000
    )
    flags = study_flags(study)
    assert {number: {flag.name for flag in of} for number, of in flags.items()} == {0: {"oscillating"}, 1: set()}
    assert oscillating_by_chance(study) == pytest.approx(0.02)


def test_flags_are_summarised_over_trials_and_not_repeated() -> None:
    mild, grave = Flag("oscillating", "low", {}, "advice", "mild"), Flag("oscillating", "high", {}, "advice", "grave")
    first, second = summarise_flags({4: (mild, Flag("unfinished", "low")), 7: (grave,), 9: ()})
    assert (first.name, first.severity, first.flagged, first.trials) == ("oscillating", "high", (4, 7), 3)
    assert first.summary == "2 of 3 trials: grave"
    assert second.name == "unfinished"


def test_a_curve_is_judged_in_a_millisecond_or_so() -> None:
    curves = [{name: learning(100) for name in ("val_accuracy", "accuracy", "val_loss", "loss", "val_batch_accuracy")} for _ in range(200)]
    find_flags(curves[0], num_val=1000)
    start = time.process_time()
    for of in curves:
        find_flags(of, num_val=1000)
    assert (time.process_time() - start) / len(curves) <= 0.003


def test_a_run_that_the_sweep_cut_is_not_flagged_for_rising() -> None:
    rising = {"val_accuracy": np.linspace(0.2, 0.9, 12)}
    assert "unfinished" in {flag.name for flag in find_flags(rising)}
    assert "unfinished" not in {flag.name for flag in find_flags(rising, cut=True)}


def test_a_curve_that_comes_back_at_its_end_swings_and_has_not_declined_for_good() -> None:
    curve = np.array([72, 52, 80, 64, 79, 54, 81, 80, 80, 70, 79, 80, 82, 78, 80, 66, 83, 50, 82, 52]) / 100.0
    (flag,) = find_flags({"val_accuracy": curve}, num_val=250)
    assert flag.name == "oscillating"
    assert flag.evidence["epochs"][1] == 20  # to its end: no part of it counts as a decline


def test_a_lasting_decline_diverges_and_does_not_oscillate() -> None:
    rng = np.random.default_rng(4)
    curve = np.concatenate([learning(30, top=0.8), np.linspace(0.8, 0.2, 12) + rng.normal(0.0, 0.03, 12)])
    assert names({"val_accuracy": curve}, num_val=8000) == {"diverging"}


def test_small_wiggles_of_a_rising_curve_do_not_oscillate() -> None:
    curve = np.linspace(0.3, 0.9, 12) + 0.012 * (np.arange(12) % 3 == 1)
    assert "oscillating" not in names({"val_accuracy": curve}, num_val=10_000)
    ten = [0.397, 0.351, 0.469, 0.576, 0.604, 0.56, 0.621, 0.618, 0.661, 0.702]
    assert "oscillating" not in names({"val_accuracy": ten}, num_val=10_000)


def test_a_flat_good_curve_is_not_collapsed_and_a_flat_poor_one_is() -> None:
    flat = {"val_accuracy": np.full(15, 0.99), "accuracy": np.full(15, 0.992), "val_loss": np.full(15, 0.03), "loss": np.full(15, 0.02)}
    assert "collapsed" not in names(flat, num_val=4000)
    assert "collapsed" in names({**flat, "val_accuracy": np.full(15, 0.8), "accuracy": np.full(15, 0.79)}, num_val=4000)


def test_a_gap_while_validation_keeps_pace_is_no_overfitting() -> None:
    rise = np.linspace(0.4, 0.66, 20)
    losses = {"val_loss": np.linspace(1.6, 0.9, 20), "loss": np.linspace(1.1, 0.62, 20)}
    assert "overfitting" not in names({"val_accuracy": rise, "accuracy": rise + 0.09, **losses}, num_val=1400)
    memorised = {"val_loss": np.linspace(1.6, 0.9, 20), "loss": np.linspace(1.1, 0.3, 20)}
    assert "overfitting" in names({"val_accuracy": rise, "accuracy": rise + 0.09, **memorised}, num_val=1400)


def test_swings_on_few_images_are_said_to_swing_and_that_the_set_cannot_tell_why() -> None:
    few = json.loads((DATA / "labelled_curves.json").read_text())
    of = next(each for each in few if each["id"] == "dev059")
    flags = {flag.name: flag for flag in find_flags({"val_accuracy": of["val_accuracy"]}, num_val=of["num_val"])}
    assert flags["oscillating"].severity == "low"
    assert "this set cannot tell" in flags["oscillating"].summary
    assert "it swings" in flags["noisy_validation"].summary


def test_a_clearer_case_has_a_higher_probability_and_says_what_it_means() -> None:
    def swing(size: float) -> Flag:
        curve = 0.8 + size * np.sin(np.arange(30) * 1.1) + np.random.default_rng(1).normal(0.0, 0.002, 30)
        return next(flag for flag in find_flags({"val_accuracy": curve}, num_val=20_000) if flag.name == "oscillating")

    mild, strong = swing(0.028), swing(0.08)
    assert 0.3 < mild.probability < strong.probability <= 1.0
    assert mild.forecast.probability < strong.forecast.probability
    assert strong.meaning == (
        "of curves that look like this, 9 in 10 were called oscillating by readers, and 9 in 10 went on to swing in the epochs that followed"
    )
    assert Flag("bn_gap", "high").meaning is None


def test_flags_that_warn_say_what_such_curves_did_next() -> None:
    rising = find_flags({"val_accuracy": np.linspace(0.4, 0.7, 20)}, num_val=5000)
    assert [(flag.name, flag.forecast.event) for flag in rising] == [("unfinished", "gained another point or more")]
    falling = np.concatenate([np.full(12, 0.8), np.full(8, 0.6)])
    assert "below what they held in the epochs that followed" in find_flags({"val_accuracy": falling}, num_val=5000)[0].meaning
    flat = {"val_accuracy": np.full(20, 0.5), "accuracy": np.full(20, 0.5)}
    assert [flag.forecast for flag in find_flags(flat, num_val=4000)] == [None], "collapsed warns of nothing that comes later"


def test_a_strict_alternation_that_no_reader_would_see_has_no_probability() -> None:
    curve = 0.8 + 0.004 * (-1.0) ** np.arange(40)
    (flag,) = (flag for flag in find_flags({"val_accuracy": curve}, num_val=200_000) if flag.name == "oscillating")
    assert flag.probability is None


def test_a_new_flag_is_one_line_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    short = FlagKind("short", lambda run: Flag("short", "low") if run.validation.size < 5 else None, "have hardly begun")
    monkeypatch.setattr(find, "KINDS", (*find.KINDS, short))
    assert names({"val_accuracy": [0.5, 0.6, 0.7]}) == {"short"}
    assert names({"val_accuracy": learning()}) == set()
    assert find.flag_meaning("short") == "have hardly begun"


def test_a_flat_high_curve_alone_is_called_collapsed_only_where_it_does_not_move_at_all() -> None:
    rng = np.random.default_rng(3)
    nearly = 0.898 + rng.choice([0.0, 0.0, 0.0, 0.0025, -0.0025], 20)
    assert "collapsed" not in names({"val_accuracy": nearly}, num_val=4000)
    assert "collapsed" not in names({"val_accuracy": np.full(4, 0.898)}, num_val=4000), "a pruned trial that is as good as its neighbours"
    assert "collapsed" in names({"val_accuracy": np.full(20, 0.7312)}, num_val=4000)
    assert "collapsed" in names({"val_accuracy": nearly, "accuracy": np.full(20, 0.89)}, num_val=4000)


def test_an_accuracy_that_stands_still_on_a_handful_of_images_is_no_collapse() -> None:
    still = {"val_accuracy": [0.6, *[0.8] * 9], "accuracy": np.linspace(0.4, 0.8, 10)}
    assert "collapsed" not in names(still, num_val=5)
    assert "collapsed" in names(still, num_val=500)


def test_the_numbers_of_epochs_change_no_finding() -> None:
    rng = np.random.default_rng(4)
    swinging = learning(40) + np.where(np.arange(40) % 2, 0.08, -0.08)
    swinging[34:] = 0.3 + rng.normal(0.0, 0.01, 6)
    plain, numbered = (
        {flag.name: flag for flag in find_flags({"val_accuracy": swinging}, num_val=5000, numbering=numbering)}
        for numbering in ((1, 1), (50, 5))
    )
    assert plain.keys() == numbered.keys() >= {"diverging", "oscillating"}
    for name, flag in plain.items():
        assert numbered[name].evidence["epochs"] == tuple(50 + 5 * (epoch - 1) for epoch in flag.evidence["epochs"])


def test_what_a_flag_means_can_be_said_of_one_run_and_of_several() -> None:
    assert find.flag_meaning("oscillating").startswith("swing again")
    assert find.flag_meaning("oscillating", 1).startswith("swings again")
    assert find.flag_meaning("diverging", 1) == "ends lastingly below a level that it had"
    assert all(kind.meaning != find.flag_meaning(kind.name, 1) for kind in find.KINDS if kind.meaning.split(" ")[0] in find.SINGULAR)
