"""Checks of what a person adds to a training: metrics on demand, class weights; own losses and callbacks, which need Keras, are tried with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.data.batches import check_class_weights
from trainer.errors import ConfigError
from trainer.fit.metrics import check_own, metrics_of
from trainer.preflight.findings import Finding, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup


@check(
    metrics="A metric cannot be computed on these validation images: a class that the data does not have, or a function of yours that fails on them."
)
def metrics(setup: Setup) -> Iterator[Finding]:
    """Resolve every metric on the classes of the data, and try own functions on the labels of the validation images."""
    data, config = setup.data, setup.config
    try:
        wanted = metrics_of(config, data.class_names)
        for name in wanted.names:
            if name.kind == "own":
                check_own(name.text, data.validation.labels, data.num_classes, config.training.arguments.get(name.text, {}))
    except ConfigError as error:
        yield Finding(
            "metrics",
            "error",
            str(error),
            {"metrics": tuple(name.text for name in config.measured)},
            "correct search.metric or training.metrics",
        )
        return
    counts = np.bincount(data.validation.labels, minlength=data.num_classes)
    for name, label in zip(wanted.names, wanted.labels, strict=True):
        if label is not None and counts[label] < FEWEST:
            ranked = name.recorded == config.metric_name
            yield Finding(
                "metrics",
                "error" if ranked and not counts[label] else "warning",
                f"{name.text} rests on {counts[label]} validation images of class {data.class_names[label]!r}"
                + (", so that it has no value" if not counts[label] else f": one image more or less moves it by {1 / counts[label]:.0%}"),
                {"metric": name.text, "images": int(counts[label])},
                "give the validation part more images of the class (data.split), or rank by search.metric: val_macro_f1",
            )


FEWEST = 10
"""Validation images of a class below which a figure about it says little."""


@check(class_weights="data.class_weights names a class that the data does not have, or gives every class the weight 0.")
def class_weights(setup: Setup) -> Iterator[Finding]:
    """Compare the names with the classes."""
    try:
        check_class_weights(setup.config.data, setup.data.class_names)
    except ConfigError as error:
        yield Finding(
            "class_weights", "error", str(error), {"classes": tuple(setup.config.data.class_weights)}, "correct the name, or leave it out"
        )
