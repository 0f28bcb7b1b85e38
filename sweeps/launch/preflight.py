"""What is checked before a sweep costs anything: data, model, pre-flight findings.

Questions about a sweep's models, answered by a process of its own: building a model needs TensorFlow, and the driver shall not hold it.

As a program it reads ``{"config": TrainConfig, "image_shape": [...], "num_classes": n, "labels": {backbone: [label, ...]},
"rehearse": false}`` from stdin and writes the answer to stdout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepError, SweepInputError
from sweeps.import_order import child_command
from sweeps.paths import absolute_config
from sweeps.sweep_file import train_config
from trainer.config import TrainConfig
from trainer.data import load_data
from trainer.errors import NonFiniteLossError, TrainerInputError
from trainer.preflight import Finding, ModelFacts, preflight
from trainer.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sweeps.sweep_file import SweepFile
    from trainer.data import ImageData


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
        child_command("sweeps.launch.preflight"),
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


EXAMPLES = 3
"""Of a finding, on a terminal; all that are known are in its evidence."""


@dataclass(frozen=True)
class Checked:
    """A sweep that was looked at.

    Attributes:
        config: the file's own settings, paths absolute.
        data: the images.
        probe: what its models are like.
        findings: most severe first.
    """

    config: TrainConfig
    data: ImageData
    probe: ModelProbe
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that would make the results worthless."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def look_at(sweep: SweepFile, *, rehearse: bool = False) -> Checked:
    """Load the data, build the model in a process of its own, run the pre-flight checks.

    Args:
        sweep: resolved.
        rehearse: also train a few real batches.

    Raises:
        SweepInputError: a setting of the model is impossible.
        TrainerInputError: the data cannot be used.
    """
    config = _own_config(sweep)
    data = load_data(config.data)
    probe = probe_models(config, data.image_shape, data.num_classes, frozen_labels(sweep), rehearse=rehearse)
    return Checked(config, data, probe, preflight(config, data, probe.facts))


def look_at_data(sweep: SweepFile) -> tuple[ImageData, tuple[Finding, ...]]:
    """The images and the findings that need no model.

    Raises:
        TrainerInputError: the data cannot be used.
    """
    config = _own_config(sweep)
    data = load_data(config.data)
    return data, preflight(config, data)


def _own_config(sweep: SweepFile) -> TrainConfig:
    """The file's own settings, nothing searched, paths absolute; of searched backbones the first, as the default may not fit `model.weights`."""
    settings = train_config(sweep, {}, sweep.search.seed).model_dump(mode="json")
    settings["model"]["backbone"] = _values(sweep, "backbone", sweep.model.backbone)[0]
    return TrainConfig(**absolute_config(settings, Path.cwd()))


def check_before_run(sweep: SweepFile, say: Callable[[str], object]) -> Checked:
    """Look at the sweep; warnings are said, errors stop it.

    Raises:
        SweepInputError: a finding would make the results worthless and is not allowed by name.
    """
    checked = look_at(sweep)
    for finding in checked.findings:
        if finding.severity == "warning":
            say(finding_text(finding))
    if checked.errors:
        found = "\n".join(finding_text(finding) for finding in checked.errors)
        names = ", ".join(finding.name for finding in checked.errors)
        raise SweepInputError(
            f"the pre-flight checks found what would make the results worthless:\n{found}\nTo go on knowingly, add allow: [{names}] to the sweep file."
        )
    return checked


def finding_text(finding: Finding) -> str:
    """One finding for a terminal: what, examples, what to change."""
    examples = finding.evidence.get("examples", ())
    shown = [str(each).replace(f"{Path.cwd()}/", "") for each in examples] if isinstance(examples, tuple) else []
    lines = [f"{finding.severity}: {finding.name}: {finding.message}", *(f"  e.g. {each}" for each in shown[:EXAMPLES])]
    return "\n".join([*lines, f"  {finding.remedy}"] if finding.remedy else lines)


def frozen_labels(sweep: SweepFile) -> dict[str, tuple[str, ...]]:
    """Backbone to the ``frozen_layers`` texts that the sweep may use on it."""
    return dict.fromkeys(_values(sweep, "backbone", sweep.model.backbone), _values(sweep, "frozen_layers", sweep.model.frozen_layers))


def _values(sweep: SweepFile, name: str, fixed: str) -> tuple[str, ...]:
    """Values that a text setting of the model takes in a sweep."""
    for each in (name, f"model.{name}"):
        parameter = sweep.space.parameters.get(each)
        if parameter is not None and parameter.labels:
            return tuple(str(parameter.setting(label)) for label in parameter.labels)
    return (fixed,)
