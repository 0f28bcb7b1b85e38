"""The model card of an exported configuration: what it holds, how sure that is, how to load it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.ranking.ranked import file_accuracy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord


LOADING = """\
```python
import keras, numpy as np, yaml
from trainer import TrainConfig
from trainer.data import load_data
data = load_data(TrainConfig(**yaml.safe_load(open("config.yaml"))).data).validation
print(np.mean(keras.saving.load_model("model.keras").predict(data.images.astype("float32"), verbose=0).argmax(1) == data.labels))
```"""
SIGMOID = LOADING.replace(".argmax(1)", "[:, 0].round()")
WIDTH = 60
BARS = "▁▂▃▄▅▆▇█"


def model_card(study: StudyRecord, configuration: RankedConfiguration, trial: TrialRecord, test_accuracy: float | str) -> str:
    """Markdown on the exported checkpoint of `trial`; `test_accuracy` is that file's, or why it is not known."""
    figures = trial.figures
    sigmoid = "output: sigmoid" in study.sweep_file
    values = np.asarray(trial.curves.get(study.metric, ()), dtype=np.float64)
    values = values[np.isfinite(values)]
    span = f"{values.min():.4f} to {values.max():.4f}" if len(values) else "no value"
    rows = [
        ("validation accuracy of this file", _figure(file_accuracy(figures))),
        ("its epoch", f"{figures.get('exported_epoch', trial.num_epochs):.0f} of {trial.num_epochs}"),
        ("test accuracy of this file", test_accuracy if isinstance(test_accuracy, str) else _figure(test_accuracy)),
        (f"stable {study.metric} of the configuration", _figure(configuration.stable)),
        ("level", _figure(configuration.level)),
        ("a new training, 95 %", _interval(configuration)),
        ("seeds", str(configuration.seeds)),
    ]
    parts = [
        f"# {study.name}: configuration {configuration.configuration}",
        f"Rank {configuration.rank} of the study, trial {trial.number}, seed {trial.seed}.",
        "| figure | value |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows),
        f"## Curve\n\n`{_curve(values)}`\n\n{study.metric} by epoch, from {span}.",
        "## Flags\n\n" + ("\n".join(f"- {flag.name} ({flag.severity}): {flag.summary}" for flag in configuration.flags) or "None."),
        "## Parameters\n\n"
        + ("\n".join(f"- {name}: {value}" for name, value in configuration.params.items()) or "Nothing was varied: see `config.yaml`."),
        "## Load it\n\nThe model takes raw pixel values from 0 to 255, resized to its input size; preprocessing is part of it. "
        + _outputs(trial.facts.get("class_names"), sigmoid=sigmoid)
        + "These lines, run in this folder where the images are, print the validation accuracy above:\n\n"
        + (SIGMOID if sigmoid else LOADING),
    ]
    return "\n\n".join(parts) + "\n"


def _outputs(classes: str | None, *, sigmoid: bool) -> str:
    """What the outputs mean."""
    if classes is None:
        return ""
    return (
        f"Its one output is the probability of the second of {classes}. "
        if sigmoid
        else f"Its outputs are the probabilities of {classes}. "
    )


def _interval(configuration: RankedConfiguration) -> str:
    if configuration.stable_interval is None:
        return (
            "one seed: this run only" if configuration.seeds == 1 else f"not known from {configuration.epochs} epochs: too few for a score"
        )
    low, high = configuration.stable_interval
    return f"{low:.4f} to {high:.4f}" + (", confirmed with fresh seeds" if configuration.confirmed else "")


def _curve(values: NDArray[np.float64]) -> str:
    """The curve as a row of blocks, thinned to at most `WIDTH` by taking each stretch's lowest value."""
    if not len(values):
        return "no finite epoch"
    lows = np.array([stretch.min() for stretch in np.array_split(values, min(WIDTH, len(values)))])
    low, high = float(lows.min()), float(lows.max())
    steps = np.zeros(len(lows), dtype=int) if high == low else ((lows - low) / (high - low) * (len(BARS) - 1)).round().astype(int)
    return "".join(BARS[step] for step in steps)


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"
