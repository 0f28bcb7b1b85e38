"""The model card of an exported configuration: what it holds, how sure that is, how to load it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.folds import by_fold
from reports.ranking.ranked import file_accuracy
from reports.wording import plain_score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord


OPENING = """\
```python
import {imports}, numpy as np{pillow}
model, labels = keras.saving.load_model("model.keras"{objects}), json.load(open("labels.json", encoding="utf-8"))
"""
OF_FILES = (
    'def upright(path): i = Image.open(path); i.draft("{mode}", {draft}); i = ImageOps.exif_transpose(i); '
    'return Image.fromarray((np.asarray(i) / 257 + 0.5).astype("uint8")) if i.mode[0] == "I" else i\n'
    'def label(path): i = upright(path).convert("RGBA"); i = Image.alpha_composite(Image.new("RGBA", i.size, "white"), i); '
    'return labels[int(np.asarray(model(np.asarray(i.convert("{mode}"), "float32")[None{axis}])){choice})]\n'
    'print(round(100 * np.mean([label(row["path"]) == row["label"] for row in csv.DictReader(open("validation.csv", encoding="utf-8"))]), 1), "%")\n'
    "```"
)
"""Images as the trainer decodes them: large JPEGs at a fraction of their size, upright, 16-bit grey in 8 bits, white behind what is transparent."""
OF_ARRAYS = """\
data = np.load("validation.npz")
print(round(100 * np.mean(np.asarray(model(data["images"].astype("float32"))){choices} == data["labels"]), 1), "%")
```"""
WIDTH = 60
BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Delivery:
    """What lies beside a card.

    Attributes:
        validation: file with the validation images, ``validation.csv`` or ``validation.npz``; empty where there is none.
        own_layers: ``module.Class`` of a person's own layers in the model.
        image_shape: height, width and channels of the training's images.
        formats: in which the model was written.
        sigmoid: whether the model has one output.
        heic: whether there are HEIC files among the validation images, which Pillow reads with a plug-in.
    """

    validation: str = ""
    own_layers: tuple[str, ...] = ()
    image_shape: tuple[int, int, int] = (0, 0, 3)
    formats: tuple[str, ...] = ("keras",)
    sigmoid: bool = False
    heic: bool = False

    @property
    def modules(self) -> list[str]:
        """Modules of a person's own layers."""
        return sorted({name.rpartition(".")[0] for name in self.own_layers})


def model_card(
    study: StudyRecord, configuration: RankedConfiguration, trial: TrialRecord, test_accuracy: float | str, delivery: Delivery
) -> str:
    """Markdown on the exported checkpoint of `trial`; `test_accuracy` is that file's, or why it is not known, `delivery` what lies beside the card."""
    figures = trial.figures
    values = np.asarray(trial.curves.get(study.metric, ()), dtype=np.float64)
    values = values[np.isfinite(values)]
    span = (
        f"{plain_score(float(values.min()), study.metric, unit=False)} to {plain_score(float(values.max()), study.metric)}"
        if len(values)
        else "no value"
    )
    rows = [
        ("validation accuracy of this file", _figure(file_accuracy(figures))),
        ("its epoch", f"{figures.get('exported_epoch', trial.num_epochs):.0f} of {trial.num_epochs}"),
        ("test accuracy of this file", test_accuracy if isinstance(test_accuracy, str) else _figure(test_accuracy)),
        (f"stable {study.metric} of the configuration", _figure(configuration.stable, study.metric)),
        ("level", _figure(configuration.level, study.metric)),
        ("a new training, 95 %", _interval(configuration, study.metric)),
        ("seeds", str(configuration.seeds)),
    ]
    parts = [
        f"# {study.name}: configuration {configuration.configuration}",
        f"Rank {configuration.rank} of the study, trial {trial.number}, seed {trial.seed}.{_of_folds(figures)}",
        "| figure | value |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows),
        f"## Curve\n\n`{_curve(values)}`\n\n{study.metric} by epoch, from {span}.",
        "## Flags\n\n" + ("\n".join(f"- {flag.name} ({flag.severity}): {flag.summary}" for flag in configuration.flags) or "None."),
        "## Parameters\n\n"
        + ("\n".join(f"- {name}: {value}" for name, value in configuration.params.items()) or "Nothing was varied: see `config.yaml`."),
        "## Use it\n\n" + _use(trial.facts.get("class_names"), delivery),
    ]
    return "\n\n".join(parts) + "\n"


def _of_folds(figures: Mapping[str, float]) -> str:
    """Which of the models of a training with folds the file is, and how far their accuracies lie apart; empty without folds."""
    each = [accuracy for own in by_fold(figures).values() if (accuracy := file_accuracy(own)) is not None]
    if not each:
        return ""
    low, high = plain_score(min(each), "val_accuracy", unit=False), plain_score(max(each), "val_accuracy")
    return (
        f"\n\nThis file is the model of fold 1 of {len(each)}: it was trained on the images of the other folds and validated on those of fold 1. "
        "It was taken for its place, not for its accuracy. "
        f"The models of all folds, each on its own fold's images, reach {low} to {high}. "
        "Stable, level, curve and interval below are those of the mean over the folds."
    )


def _use(classes: str | None, delivery: Delivery) -> str:
    """How to load the model and what it takes and gives."""
    height, width, channels = delivery.image_shape
    kind = "grey" if channels == 1 else "RGB"
    texts = [
        (
            f"`model.keras` takes raw {kind} pixels from 0 to 255 of an image of any size: resizing to {width}x{height} and preprocessing are its first layers. "
            f"{_outputs(classes, sigmoid=delivery.sigmoid)}`labels.json` holds their names in this order."
        ),
        "`steadysweep predict FOLDER IMAGES...` gives labels of image files, turned upright and composited on white as in training.",
    ]
    if delivery.own_layers:
        texts.append(
            f"It has layers of your own ({', '.join(delivery.own_layers)}): the code of {', '.join(delivery.modules)} must be importable where it is loaded."
        )
    fixed = [name for name in delivery.formats if name in ("onnx", "tflite")]
    if fixed:
        texts.append(
            f"In {' and '.join(fixed)} the model takes images that are {width}x{height} already: these formats have no resizing with anti-aliasing. "
            "Resize bilinearly with anti-aliasing, as Pillow's `Image.BILINEAR` does."
        )
    lines = _lines(delivery)
    texts.append(
        f"Keras alone, run in this folder where the images are, prints the validation accuracy above:\n\n{lines}"
        if delivery.validation
        else f"The study's validation images were not there when this was written, or had changed; Keras alone gives the label of one image:\n\n{lines}"
    )
    return "\n\n".join(texts)


def _lines(delivery: Delivery) -> str:
    """Python that loads the model and measures it, or labels one image, with Keras, NumPy and Pillow."""
    from_arrays = delivery.validation.endswith(".npz")
    objects = ", ".join(f'"{name.rpartition(".")[2]}": {name}' for name in delivery.own_layers)
    head = OPENING.format(
        imports=", ".join(["csv"] * (not from_arrays) + ["json", "keras", *["pillow_heif"] * delivery.heic, *delivery.modules]),
        pillow="" if from_arrays else "; from PIL import Image, ImageOps" + "; pillow_heif.register_heif_opener()" * delivery.heic,
        objects=f", custom_objects={{{objects}}}" if objects else "",
    )
    if from_arrays:
        return head + OF_ARRAYS.format(choices=".squeeze(1).round()" if delivery.sigmoid else ".argmax(1)")
    height, width, channels = delivery.image_shape
    body = OF_FILES.format(
        mode="L" if channels == 1 else "RGB",
        draft=(2 * width, 2 * height),
        axis=", ..., None" if channels == 1 else "",
        choice=".item() > 0.5" if delivery.sigmoid else ".argmax()",
    )
    if not delivery.validation:
        body = body.rpartition("print(")[0] + 'print(label("photo.jpg"))\n```'
    return head + body


def _outputs(classes: str | None, *, sigmoid: bool) -> str:
    """What the outputs mean."""
    if classes is None:
        return ""
    return (
        f"Its one output is the probability of the second of {classes}. "
        if sigmoid
        else f"Its outputs are the probabilities of {classes}. "
    )


def _interval(configuration: RankedConfiguration, metric: str) -> str:
    """Where a new training is expected, or why that is not known."""
    if configuration.stable_interval is None:
        return (
            "one seed: this run only" if configuration.seeds == 1 else f"not known from {configuration.epochs} epochs: too few for a score"
        )
    low, high = configuration.stable_interval
    return f"{plain_score(low, metric, unit=False)} to {plain_score(high, metric)}" + (
        ", confirmed with fresh seeds" if configuration.confirmed else ""
    )


def _curve(values: NDArray[np.float64]) -> str:
    """The curve as a row of blocks, thinned to at most `WIDTH` by taking each stretch's lowest value."""
    if not len(values):
        return "no finite epoch"
    lows = np.array([stretch.min() for stretch in np.array_split(values, min(WIDTH, len(values)))])
    low, high = float(lows.min()), float(lows.max())
    steps = np.zeros(len(lows), dtype=int) if high == low else ((lows - low) / (high - low) * (len(BARS) - 1)).round().astype(int)
    return "".join(BARS[step] for step in steps)


def _figure(value: float | None, metric: str = "val_accuracy") -> str:
    return "unknown" if value is None else plain_score(value, metric)
