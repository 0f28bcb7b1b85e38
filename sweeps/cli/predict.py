"""``steadysweep predict``: labels of image files by an exported model."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.cli.command import KNOWN_FAILURE, Command, print_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from trainer.exported_model import Prediction


def predict(model: str, images: Sequence[str], *, output_format: str, trust: bool = False) -> int:
    """Print the likeliest class of each image and its probability; 1 where an image could not be read, be it damaged or of a kind that is not read.

    Args:
        model: the folder that ``export`` wrote, or the ``model.keras`` in it.
        images: files, and folders of them.
        output_format: ``text``, ``csv`` or ``json``; the last two hold the probability of every class.
        trust: run the Python code that is in the model file, and that of the module that the settings beside it name.

    Raises:
        DataError: there is no such model or image, or the model cannot be loaded.
    """
    from trainer.exported_model import Classifier, image_files, unread_files

    files = list(image_files(images))
    classifier = Classifier(Path(model).expanduser(), trust=trust)
    refused: list[Path] = []

    def refuse(path: Path, reason: str) -> None:
        refused.append(path)
        print(f"{path} cannot be read: {reason}", file=sys.stderr)

    for path, remedy in unread_files(images):
        refuse(path, f"{path.suffix} is not a kind that is read; {remedy}")
    predictions = classifier.predict(files, refuse)
    if output_format == "json":
        print_json(
            {
                "schema": "steadysweep.predictions/1",
                "labels": classifier.labels,
                "predictions": [
                    {"path": each.path, "label": each.label, "probability": each.probability, "probabilities": dict(each.probabilities)}
                    for each in predictions
                ],
                "unreadable": [str(path) for path in refused],
            }
        )
    elif output_format == "csv":
        _print_csv(classifier.labels, predictions)
    else:
        for each in predictions:
            print(f"{each.path}  {each.label}  {each.probability:.1%}")
    return KNOWN_FAILURE if refused else 0


def _print_csv(labels: Sequence[str], predictions: Iterable[Prediction]) -> None:
    from reports.exports import inert

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(inert, ("path", "label", "probability", *labels)))
    for each in predictions:
        figures = (f"{value:.6f}" for value in (each.probability, *each.probabilities.values()))
        writer.writerow((inert(each.path), inert(each.label), *figures))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a folder that `steadysweep export` wrote, or the model.keras in it")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files, and folders of them")
    parser.add_argument("--format", choices=("text", "csv", "json"), default="text", dest="output_format", help="default: %(default)s")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="run the Python code that the model needs: of its Lambda layers, and of the module with its own layers that the config.yaml beside it names; "
        "without, such a model is refused",
    )


COMMAND = Command(
    name="predict",
    summary="labels of image files by an exported model",
    description="Decodes the images as in training (upright, transparency composited on white, resized) and prints the likeliest class of each with its\n"
    "probability. csv and json hold the probability of every class.",
    examples=(
        ("steadysweep predict flowers-model images/new", "every image in a folder"),
        ("steadysweep predict flowers-model a.jpg b.jpg --format csv", "as a table"),
    ),
    add_arguments=_add_arguments,
    run=predict,
    exit_codes="exit codes: 0 done, 1 an image could not be read, 2 bad input, 3 unexpected.",
)
