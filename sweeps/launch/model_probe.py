"""Questions about a sweep's models, answered by a process of its own: building a model needs TensorFlow, and the driver does without it.

As a program it reads ``{"config": TrainConfig, "image_shape": [...], "num_classes": n, "labels": {backbone: [label, ...]},
"rehearse": false}`` from stdin and writes the answer to stdout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepError, SweepInputError
from sweeps.import_order import child_command
from trainer.errors import NonFiniteLossError, TrainerInputError
from trainer.preflight import ModelFacts
from trainer.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainer.config import TrainConfig


@dataclass(frozen=True)
class ModelProbe:
    """What the driver needs to know of a sweep's models.

    Attributes:
        facts: of the model of the file's own settings.
        boundaries: ``BACKBONE:LABEL`` to the last frozen layer's name, or ``none``.
        rehearsal: what a few real batches cost, where that was asked for.
    """

    facts: ModelFacts
    boundaries: Mapping[str, str]
    rehearsal: Rehearsal | None = None


def probe_models(
    config: TrainConfig, image_shape: Sequence[int], num_classes: int, labels: Mapping[str, Sequence[str]], *, rehearse: bool = False
) -> ModelProbe:
    """Build the models and ask.

    Args:
        config: the file's own settings, paths absolute.
        image_shape: height, width, channels.
        num_classes: classes of the data.
        labels: backbone to the ``frozen_layers`` texts that the sweep may use on it.
        rehearse: also train a few real batches.

    Raises:
        SweepInputError: a setting of the model is impossible, or a label means nothing on a backbone.
        SweepError: the process broke.
    """
    question = {
        "config": config.model_dump(mode="json"),
        "image_shape": list(image_shape),
        "num_classes": num_classes,
        "labels": {backbone: list(texts) for backbone, texts in labels.items()},
        "rehearse": rehearse,
    }
    done = subprocess.run(  # noqa: S603 - our own command
        child_command("sweeps.launch.model_probe"),
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if done.returncode:
        raise SweepError(f"building the model to check it failed:\n{done.stderr.strip()}")
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        raise SweepInputError(str(answer["error"]))
    rehearsal = Rehearsal(**answer["rehearsal"]) if answer["rehearsal"] else None
    return ModelProbe(ModelFacts(**answer["facts"]), answer["boundaries"], rehearsal)


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Build the models and answer in plain data; ``error`` for bad input."""
    from trainer.config import TrainConfig
    from trainer.network import model_facts, resolve_boundary

    config = TrainConfig(**question["config"])
    shape: tuple[int, int, int] = tuple(question["image_shape"])
    boundaries: dict[str, str] = {}
    try:
        for backbone, labels in question["labels"].items():
            for label in labels:
                model = config.model.model_copy(update={"backbone": backbone, "frozen_layers": label})
                boundaries[f"{backbone}:{label}"] = resolve_boundary(model, shape, question["num_classes"]).layer or "none"
        facts = asdict(model_facts(config, shape, question["num_classes"]))
        rehearsal = asdict(_rehearsal(config)) if question["rehearse"] else None
    except (TrainerInputError, NonFiniteLossError) as error:
        return {"error": str(error)}
    return {"facts": facts, "boundaries": boundaries, "rehearsal": rehearsal}


def _rehearsal(config: TrainConfig) -> Rehearsal:
    from trainer.data import load_data
    from trainer.rehearsal import rehearse

    return rehearse(config, load_data(config.data))


if __name__ == "__main__":
    print(json.dumps(answer(json.load(sys.stdin))))  # noqa: T201 - the program's answer
