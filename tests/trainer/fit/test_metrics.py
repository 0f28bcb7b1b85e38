"""Metrics on demand agree with scikit-learn; a person's own function is called as documented, and whatever is wrong with it is told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn import metrics as theirs

from reports.metrics import counts_images, is_fraction, limits
from trainer.config import TrainConfig
from trainer.errors import ConfigError, UserCodeError
from trainer.fit.metrics import areas_under_curves, calibration_error, check_own, f_scores, metrics_of, own_value
from trainer.metric_names import direction_problem, metric_named, minimizes

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("daisy", "golden retriever", "rose")


def draws(num_classes: int, count: int = 300, *, missing: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Labels and logits that tell the classes apart somewhat; no label of the class `missing`."""
    draw = np.random.default_rng(num_classes)
    labels = draw.integers(num_classes, size=count)
    if missing is not None:
        labels[labels == missing] = (missing + 1) % num_classes
    return labels, draw.normal(size=(count, num_classes)) + np.eye(num_classes)[labels]


def measured(names: list[str], labels: np.ndarray, logits: np.ndarray, classes: tuple[str, ...]) -> dict[str, float]:
    config = TrainConfig.model_validate({"data": {"source": "digits"}, "training": {"metrics": names}})
    predicted = (logits[:, 0] > 0).astype(int) if logits.shape[1] == 1 else logits.argmax(axis=1)
    return metrics_of(config, classes).measure(logits, labels, predicted)


def shares_of(logits: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("num_classes", [2, 3, 7])
def test_built_in_metrics_agree_with_scikit_learn(num_classes: int) -> None:
    labels, logits = draws(num_classes)
    classes = tuple(f"class-{each}" for each in range(num_classes))
    predicted, shares = logits.argmax(axis=1), shares_of(logits)
    names = [
        "val_auc",
        "val_auc_class_1",
        "val_precision",
        "val_precision_class_1",
        "val_recall",
        "val_recall_class_0",
        "val_f1",
        "val_f0.5_class_1",
        "val_f2",
    ]
    found = measured([*names, "val_top1"], labels, logits, classes)
    auc = theirs.roc_auc_score(labels, shares, multi_class="ovr") if num_classes > 2 else theirs.roc_auc_score(labels, shares[:, 1])
    assert found["val_auc"] == pytest.approx(auc)
    assert found["val_auc_class_1"] == pytest.approx(theirs.roc_auc_score(labels == 1, shares[:, 1]))
    assert found["val_precision"] == pytest.approx(theirs.precision_score(labels, predicted, average="macro"))
    assert found["val_precision_class_1"] == pytest.approx(theirs.precision_score(labels == 1, predicted == 1))
    assert found["val_recall"] == pytest.approx(theirs.balanced_accuracy_score(labels, predicted))
    assert found["val_recall_class_0"] == pytest.approx(theirs.recall_score(labels == 0, predicted == 0))
    assert found["val_f1"] == pytest.approx(theirs.f1_score(labels, predicted, average="macro"))
    assert found["val_f0.5_class_1"] == pytest.approx(theirs.fbeta_score(labels == 1, predicted == 1, beta=0.5))
    assert found["val_f2"] == pytest.approx(theirs.fbeta_score(labels, predicted, beta=2, average="macro"))
    assert found["val_top1"] == theirs.accuracy_score(labels, predicted)
    if num_classes > 3:
        assert measured(["val_top3"], labels, logits, classes)["val_top3"] == pytest.approx(
            theirs.top_k_accuracy_score(labels, logits, k=3)
        )
    tied = np.round(shares, 1)
    assert areas_under_curves(labels, tied)[0] == pytest.approx(theirs.roc_auc_score(labels == 0, tied[:, 0]))


def test_a_sigmoids_single_output_is_measured_as_two_classes() -> None:
    labels, pair = draws(2)
    single = pair[:, 1:] - pair[:, :1]
    names = ["val_auc", "val_recall_b", "val_ece", "val_f2_a"]
    both = measured(names, labels, pair, ("a", "b")), measured(names, labels, single, ("a", "b"))
    for name in ("val_auc", "val_ece"):
        assert both[0][name] == pytest.approx(both[1][name])


def test_a_class_without_images_leaves_its_own_figure_open_and_the_others_as_they_are() -> None:
    labels, logits = draws(3, missing=1)
    found = measured(["val_recall_golden_retriever", "val_auc", "val_auc_rose"], labels, logits, CLASSES)
    assert "val_recall_golden_retriever" not in found
    expected = [theirs.roc_auc_score(labels == each, shares_of(logits)[:, each]) for each in (0, 2)]
    assert found["val_auc"] == pytest.approx(np.mean(expected))
    assert found["val_auc_rose"] == pytest.approx(expected[1])
    assert np.isnan(areas_under_curves(labels, shares_of(logits))[1])
    assert f_scores(np.asarray([0, 0]), np.asarray([0, 2]), 3, 1.0)[2] == 0.0  # predicted, and wrongly so
    assert f_scores(np.asarray([0, 1]), np.asarray([0, 0]), 3, 0.0).tolist()[:2] == [
        0.5,
        0.0,
    ]  # precision of a class that is never predicted


def test_the_calibration_error_is_that_of_its_definition() -> None:
    labels, logits = draws(4)
    shares = shares_of(logits)
    sure, right = shares.max(axis=1), shares.argmax(axis=1) == labels
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (sure > low) & (sure <= low + 1 / 15)
        expected += inside.sum() / len(sure) * abs(right[inside].mean() - sure[inside].mean()) if inside.any() else 0.0
    assert calibration_error(labels, shares) == pytest.approx(expected)
    assert calibration_error(np.asarray([0, 1]), np.eye(2)) == 0.0


@pytest.mark.parametrize(
    ("metric", "is_what"),
    [
        ("val_accuracy", {"smaller": False, "percent": True, "counts": True}),
        ("val_loss", {"smaller": True, "percent": False, "counts": False}),
        ("val_ece", {"smaller": True, "percent": True, "counts": False}),
        ("val_auc", {"smaller": False, "percent": True, "counts": False}),
        ("val_recall", {"smaller": False, "percent": True, "counts": True}),
        ("val_recall_daisy", {"smaller": False, "percent": True, "counts": False}),
        ("val_f0.5_daisy", {"smaller": False, "percent": True, "counts": False}),
        ("val_top3", {"smaller": False, "percent": True, "counts": True}),
    ],
)
def test_a_metrics_name_says_what_is_better_how_it_is_shown_and_what_it_rests_on(metric: str, is_what: dict[str, bool]) -> None:
    assert minimizes(metric, "auto") is is_what["smaller"]
    assert is_fraction(metric) is is_what["percent"]
    assert limits(metric)[1] == (1.0 if is_what["percent"] else math.inf)
    assert counts_images(metric) is is_what["counts"]
    assert direction_problem(metric, "maximize" if is_what["smaller"] else "minimize").startswith(f"of {metric}")


def test_an_own_metric_is_no_share_unless_its_name_says_so() -> None:
    assert metric_named("stuff.costs:euros").recorded == "val_euros"
    assert not is_fraction("val_euros")
    assert is_fraction("val_miss_rate")
    assert not is_fraction("learning_rate")
    assert "maximize" in direction_problem("stuff:euros", "auto")
    assert minimizes("stuff:euros", "minimize")


@pytest.mark.parametrize(
    ("metric", "classes", "said"),
    [
        ("val_auk", CLASSES, "did you mean 'val_auc'"),
        ("accuracy", CLASSES, "did you mean 'val_accuracy'"),
        ("val_f0_rose", CLASSES, "no metric is called"),
        ("val_recall_tulip", CLASSES, "expected one of val_recall_daisy, val_recall_golden_retriever, val_recall_rose"),
        ("val_recall_rosé", CLASSES, "did you mean 'rose'"),
        ("val_recall_a_b", ("a b", "a-b"), "could mean each of the classes 'a b', 'a-b'"),
        ("val_top3", CLASSES, "needs more than 3 classes, the data has 3"),
        ("my_stuff:recall", CLASSES, "Rename the function, e.g. to my_recall"),
    ],
)
def test_a_metric_that_cannot_be_is_told_with_what_to_write(metric: str, classes: tuple[str, ...], said: str) -> None:
    labels, logits = draws(3)
    with pytest.raises((ConfigError, ValueError)) as raised:
        measured([metric], labels, logits, classes)
    assert said in str(raised.value)


OWN = """
import numpy as np

def cost(labels, probabilities):
    assert labels.dtype == np.int64 and probabilities.shape == (len(labels), probabilities.shape[1])
    return float(np.where(probabilities.argmax(axis=1) == labels, 0.0, 10.0 * (labels == 0) + 1.0).mean())

def by_class(labels, probabilities):
    return probabilities.mean(axis=0)

def nothing(labels, probabilities):
    return None

def undefined(labels, probabilities):
    return float("nan")

def three(labels, probabilities, weights):
    return 0.0

def miss_rate(labels, probabilities):
    return 100 * np.mean(probabilities.argmax(axis=1) != labels)

def breaks(labels, probabilities):
    return labels["x"]

def changes(labels, probabilities):
    probabilities[:] = 0
    return 1.0

no_function = 3
"""


def test_an_own_metric_is_called_with_labels_and_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_metrics_a.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    labels, logits = draws(3)
    wrong = logits.argmax(axis=1) != labels
    expected = np.where(wrong, 10.0 * (labels == 0) + 1.0, 0.0).mean()
    assert measured(["own_metrics_a:cost"], labels, logits, CLASSES)["val_cost"] == pytest.approx(expected)
    check_own("own_metrics_a:cost", labels, 3)
    found = own_value("sklearn.metrics:log_loss", labels, shares_of(logits))
    assert found == pytest.approx(theirs.log_loss(labels, shares_of(logits)))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("gone", "has no function 'gone'"),
        ("no_function", "is a int, not a function"),
        ("by_class", r"returned an array of shape \(3,\); expected one finite number"),
        ("nothing", "returned None, a NoneType; expected one finite number"),
        ("undefined", "returned nan; expected one finite number"),
        ("three", r"cannot be called with \(labels, probabilities\): missing a required argument: 'weights'"),
        ("miss_rate", "its name says a share in \\[0, 1\\]"),
        ("breaks", "raised IndexError: .*own_metrics_b.py, line .*The error is in that code"),
        ("changes", "read-only"),
    ],
)
def test_what_is_wrong_with_an_own_metric_is_told(function: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_metrics_b.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserCodeError, match=said):
        check_own(f"own_metrics_b:{function}", draws(3)[0], 3)


def test_two_functions_of_one_name_cannot_both_be_recorded() -> None:
    with pytest.raises(ValueError, match="would both be recorded as val_cost"):
        TrainConfig.model_validate(
            {"data": {"source": "digits"}, "metric": "a:cost", "direction": "minimize", "training": {"metrics": ["b:cost"]}}
        )
