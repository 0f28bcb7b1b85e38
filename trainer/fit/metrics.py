"""Metrics that are measured on demand, from the labels and probabilities of the whole validation set (NumPy, SciPy's ranks), and a person's own functions.

What counts right and wrong images uses the classes that the ledger keeps: the same predictions, image by image.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.metrics import is_fraction
from trainer.errors import ConfigError, UserCodeError
from trainer.metric_names import label_of
from trainer.user_code import call_function, import_function

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from trainer.config import TrainConfig
    from trainer.metric_names import MetricName

ECE_BINS = 15
"""Of equal width, as Guo et al. 2017 use."""


@dataclass(frozen=True)
class Predictions:
    """What a network said of images.

    Attributes:
        labels: right classes, ``(n,)``.
        logits: ``(n, classes)``.
        predicted: classes, ``(n,)``.
    """

    labels: NDArray[np.integer]
    logits: NDArray[np.floating]
    predicted: NDArray[np.integer]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Softmax of the logits, ``(n, classes)``; rows sum to 1."""
        shares = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Metrics:
    """The metrics of one training beside those that every epoch has.

    Attributes:
        names: of the metrics.
        labels: class that each is about, None for all.
        arguments: of own functions that have some, by reference.
    """

    names: tuple[MetricName, ...] = ()
    labels: tuple[int | None, ...] = ()
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def measure(self, logits: NDArray[np.floating], labels: NDArray[np.integer], predicted: NDArray[np.integer]) -> dict[str, float]:
        """Each metric by its recorded name; one that these images leave open (the recall of a class without images) is left out.

        Args:
            logits: ``(n, classes)``, or ``(n, 1)`` for a sigmoid's single unit.
            labels: ``(n,)``.
            predicted: ``(n,)``.

        Raises:
            UserCodeError: an own function raised an error or did not return a number.
        """
        if not self.names:
            return {}
        pairs: NDArray[np.float64] = np.asarray(logits, np.float64)
        if pairs.shape[1] == 1:
            pairs = np.concatenate([np.zeros_like(pairs), pairs], axis=1)
        said = Predictions(np.asarray(labels, np.int64), pairs, predicted)
        values = {
            name.recorded: _value(name, label, said, self.arguments.get(name.text, {}))
            for name, label in zip(self.names, self.labels, strict=True)
        }
        return {name: value for name, value in values.items() if not math.isnan(value)}


def metrics_of(config: TrainConfig, class_names: Sequence[str]) -> Metrics:
    """The metrics that a training's settings ask for.

    Raises:
        ConfigError: one is about a class that the data does not have, or needs more classes.
    """
    names = config.measured
    for name in names:
        if name.kind == "top" and len(class_names) <= name.top:
            raise ConfigError(f"metric: {name.text} needs more than {name.top} classes, the data has {len(class_names)}; use val_accuracy.")
    labels = tuple(None if name.of is None else label_of(name.of, class_names, name.text) for name in names)
    return Metrics(names, labels, config.training.arguments)


def _value(name: MetricName, label: int | None, said: Predictions, arguments: Mapping[str, Any]) -> float:
    if name.kind == "own":
        return own_value(name.text, said.labels, said.probabilities, arguments)
    if name.kind == "ece":
        return calibration_error(said.labels, said.probabilities)
    if name.kind == "top":
        own = said.logits[np.arange(len(said.labels)), said.labels]
        return float(np.mean((said.logits > own[:, None]).sum(axis=1) < name.top))
    if name.kind == "auc":
        return _of_class(areas_under_curves(said.labels, said.probabilities), label)
    beta = {"precision": 0.0, "recall": math.inf}.get(name.kind, name.beta)
    return _of_class(f_scores(said.labels, said.predicted, said.logits.shape[1], beta), label)


def _of_class(values: NDArray[np.float64], label: int | None) -> float:
    """The value of a class, or the mean of those that are known; NaN where there is none."""
    if label is not None:
        return float(values[label])
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def f_scores(labels: NDArray[np.integer], predicted: NDArray[np.integer], num_classes: int, beta: float) -> NDArray[np.float64]:
    """F-beta of each class, ``(num_classes,)``: precision for 0, recall for infinity; NaN where it is open.

    Args:
        labels: ``(n,)``.
        predicted: ``(n,)``.
        num_classes: of the data.
        beta: how many times recall counts as much as precision, in [0, inf].

    Source: scikit-learn's ``fbeta_score``, ``precision_score`` and ``recall_score`` with ``zero_division=0``. Of a single class without images they say 0 where we
    say nothing; their mean over the classes is over those that occur or are predicted, and of recall here over those that occur, which is balanced accuracy.
    """
    hits = np.bincount(labels[predicted == labels], minlength=num_classes)
    occurring, named = np.bincount(labels, minlength=num_classes), np.bincount(predicted, minlength=num_classes)
    only_recall = math.isinf(beta)
    whole = occurring.astype(np.float64) if only_recall else beta**2 * occurring + named
    known = occurring > 0 if only_recall else (occurring + named) > 0
    factor = 1.0 if only_recall else 1.0 + beta**2
    values: NDArray[np.float64] = np.divide(factor * hits, whole, out=np.zeros(num_classes), where=whole > 0)
    values[~known] = np.nan
    return values


def areas_under_curves(labels: NDArray[np.integer], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area under the ROC curve of each class against all others, ``(classes,)``; NaN where only the class or only others occur.

    Args:
        labels: ``(n,)``.
        probabilities: ``(n, classes)``.

    Source: the Mann-Whitney statistic; equals scikit-learn's ``roc_auc_score`` one-vs-rest, ties at half.
    """
    from scipy.stats import rankdata

    count, classes = probabilities.shape
    values = np.full(classes, np.nan)
    positives = np.bincount(labels, minlength=classes).astype(np.float64)
    for label in np.flatnonzero((positives > 0) & (positives < count)):
        ranks = rankdata(probabilities[:, label])
        own = positives[label]
        values[label] = (ranks[labels == label].sum() - own * (own + 1) / 2) / (own * (count - own))
    return values


def calibration_error(labels: NDArray[np.integer], probabilities: NDArray[np.float64]) -> float:
    """Expected calibration error: how far the probability of the predicted class lies from the share that is right, on average over the images.

    Args:
        labels: ``(n,)``.
        probabilities: ``(n, classes)``.

    Returns:
        In [0, 1], over `ECE_BINS` bins of equal width.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3; it is biased upwards by a few hundred images.
    """
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.clip(np.ceil(sure * ECE_BINS).astype(np.int64) - 1, 0, ECE_BINS - 1)
    gaps = np.bincount(bins, right - sure, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def own_value(
    reference: str, labels: NDArray[np.integer], probabilities: NDArray[np.float64], arguments: Mapping[str, Any] = MappingProxyType({})
) -> float:
    """What a person's own function says of predictions.

    Args:
        reference: ``package.module:function``.
        labels: right classes, ``(n,)``.
        probabilities: ``(n, classes)``; rows sum to 1.
        arguments: further ones, by name.

    Raises:
        UserCodeError: it cannot be found, raised an error, or did not return one finite number.
    """
    given = labels.copy(), probabilities.copy()
    for array in given:
        array.setflags(write=False)  # the next metric is given the same predictions
    return _checked(call_function(reference, "metric", *given, **arguments), reference)


def _checked(value: Any, reference: str) -> float:  # noqa: ANN401 - whatever a person's function returns
    expected = "expected one finite number for all images together, e.g. float(np.mean(...))"
    shape = np.shape(value)
    if shape:
        raise UserCodeError(f"metric: {reference!r} returned an array of shape {shape}; {expected}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UserCodeError(f"metric: {reference!r} returned {value!r}, a {type(value).__name__}; {expected}") from None
    if not math.isfinite(number):
        raise UserCodeError(f"metric: {reference!r} returned {number}; {expected}, also where a class has no image or is never predicted")
    recorded = f"val_{reference.rpartition(':')[2].rpartition('.')[2]}"
    if is_fraction(recorded) and not 0.0 <= number <= 1.0:
        raise UserCodeError(
            f"metric: {reference!r} returned {number:.4g}, but its name says a share in [0, 1] and would be shown in percent; rename the function, e.g. to my_score"
        )
    return number


def check_own(reference: str, labels: NDArray[np.integer], num_classes: int, arguments: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Try a person's metric on the labels of the validation images, with probabilities that are undecided, drawn, and right.

    Args:
        reference: ``package.module:function``.
        labels: of the validation images, ``(n,)``.
        num_classes: of the data.
        arguments: further ones, by name.

    Raises:
        UserCodeError: it cannot be found or called, or does not return one finite number.
    """
    function = import_function(reference, "metric")
    given: NDArray[np.int64] = np.asarray(labels, np.int64)
    drawn = np.random.default_rng(0).dirichlet(np.ones(num_classes), len(labels))
    try:
        inspect.signature(function).bind(given, drawn, **arguments)
    except TypeError as error:
        named = ", ".join(["labels", "probabilities", *arguments])
        raise UserCodeError(
            f"metric: {reference!r} cannot be called with ({named}): {error}. Expected def {reference.rpartition(':')[2]}({named}), "
            "with labels (n,) and probabilities (n, classes); further arguments are written in training.arguments"
        ) from None
    except ValueError:
        pass  # a function of another language, which does not tell its arguments
    right = np.eye(num_classes)[given]
    for probabilities in (np.full_like(drawn, 1 / num_classes), drawn, right):
        own_value(reference, given, probabilities, arguments)
