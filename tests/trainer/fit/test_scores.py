from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from trainer.fit.scores import scores


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_scores_agree_with_scikit_learn(num_classes: int) -> None:
    draw = np.random.default_rng(num_classes)
    labels = draw.integers(num_classes, size=200)
    logits = draw.normal(size=(200, num_classes)) + 1.5 * np.eye(num_classes)[labels]
    predicted = logits.argmax(axis=1)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = scores(logits, labels, num_classes)
    assert found.loss == pytest.approx(metrics.log_loss(labels, probabilities, labels=range(num_classes)))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert found.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(labels, predicted))
    assert found.macro_f1 == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))
    if num_classes > 5:
        assert found.top5 == pytest.approx(metrics.top_k_accuracy_score(labels, logits, k=5))
    else:
        assert found.top5 is None


def test_a_sigmoids_single_logit_scores_like_its_softmax_pair() -> None:
    labels = np.asarray([0, 1, 1, 0])
    single = np.asarray([[-1.0], [2.0], [-0.5], [3.0]])
    pair = np.concatenate([np.zeros_like(single), single], axis=1)
    one, two = scores(single, labels, 2), scores(pair, labels, 2)
    assert (one.loss, one.accuracy, one.macro_f1) == (two.loss, two.accuracy, two.macro_f1)
    assert one.accuracy == 0.5


def test_one_predicted_class_shows_as_its_share_and_a_missing_class_does_not_count() -> None:
    found = scores(np.asarray([[5.0, 0.0, 0.0]] * 4), np.asarray([0, 0, 1, 1]), 3)
    assert found.predicted_share == 1.0
    assert found.balanced_accuracy == 0.5
    assert found.macro_f1 == pytest.approx((2 * 2 / (2 + 4) + 0) / 2)


def test_saturated_logits_give_a_finite_loss() -> None:
    assert scores(np.asarray([[1000.0, -1000.0]]), np.asarray([1]), 2).loss == 2000.0
