"""Questions about a sweep's models, answered by a process of its own: building a model needs TensorFlow, and the driver does without it.

As a program it reads ``{"config": TrainConfig, "image_shape": [...], "num_classes": n, "labels": {backbone: [label, ...]}, "augmentations": [policy, ...],
"trainings": n, "rehearse": false, "networks": [TrainConfig, ...], "memory": [TrainConfig, ...]}`` from stdin and writes the answer to stdout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from search_spaces.errors import Problem
from sweeps.errors import SweepError, SweepInputError
from sweeps.import_order import child_command
from sweeps.launch.known_models import keep_answer, known_answer
from trainer.errors import ConfigError, NonFiniteLossError, TrainerInputError
from trainer.network.memory import Memory
from trainer.preflight import ModelFacts
from trainer.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trainer.config import TrainConfig
    from trainer.data import ImageData


@dataclass(frozen=True)
class MeasuredNetwork:
    """A network that was built to be measured.

    Attributes:
        figures: its costs (`reports.costs`); empty where it cannot be built.
        problem: why not, or empty.
    """

    figures: Mapping[str, float]
    problem: str = ""


@dataclass(frozen=True)
class ModelProbe:
    """What the driver needs to know of a sweep's models.

    Attributes:
        facts: of the model of the file's own settings.
        boundaries: ``BACKBONE:LABEL`` to the last frozen layer's name, or ``none``.
        rehearsal: what a few real batches cost, where that was asked for.
        frozen: what becomes of the frozen part, where a rehearsal was asked for.
        networks: costs of the networks that were asked for, in their order.
        memory: of the trainings that were asked for, in their order.
    """

    facts: ModelFacts
    boundaries: Mapping[str, str]
    rehearsal: Rehearsal | None = None
    frozen: tuple[FrozenPart, ...] = ()
    networks: tuple[MeasuredNetwork, ...] = ()
    memory: tuple[Memory, ...] = ()


@dataclass(frozen=True)
class FrozenPart:
    """What the trials of one boundary and one augmentation do with their frozen part.

    Attributes:
        boundary: text of ``frozen_layers``.
        augmentation: text of the policy.
        kept: whether its activations are kept.
        reason: which, or why not.
        gigabytes: that they take.
        share: fraction of a training's multiply-adds that reading them replaces.
    """

    boundary: str
    augmentation: str
    kept: bool
    reason: str
    gigabytes: float
    share: float


def probe_models(  # noqa: PLR0913 - one question of many parts
    config: TrainConfig,
    image_shape: Sequence[int],
    num_classes: int,
    labels: Mapping[str, Sequence[str]],
    *,
    augmentations: Sequence[Any] = (),
    trainings: int = 1,
    losses: Sequence[str] = (),
    rehearse: bool = False,
    networks: Sequence[TrainConfig] = (),
    memory: Sequence[TrainConfig] = (),
) -> ModelProbe:
    """Build the models and ask.

    Args:
        config: the file's own settings, paths absolute.
        image_shape: height, width, channels.
        num_classes: classes of the data.
        labels: backbone to the ``frozen_layers`` texts that the sweep may use on it.
        augmentations: policies that the sweep may use.
        trainings: of the search that will plausibly see the same augmented images.
        losses: that the sweep may use; a person's own are tried.
        rehearse: also train a few real batches.
        networks: also build and measure these.
        memory: also tell the memory of these trainings.

    Raises:
        SweepInputError: with each setting of the model that is impossible, and each label that means nothing on a backbone.
        SweepError: the process broke.
    """
    question = {
        "config": config.model_dump(mode="json"),
        "image_shape": list(image_shape),
        "num_classes": num_classes,
        "labels": {backbone: list(texts) for backbone, texts in labels.items()},
        "augmentations": list(augmentations),
        "trainings": trainings,
        "losses": list(losses),
        "rehearse": rehearse,
        "networks": [each.model_dump(mode="json") for each in networks],
        "memory": [each.model_dump(mode="json") for each in memory],
    }
    answer = known_answer(question)
    if answer is None:
        answer = _asked(question)
        keep_answer(question, answer)
    if answer["errors"]:
        raise SweepInputError.of(Problem("", (), text) for text in answer["errors"])
    rehearsal = Rehearsal(**answer["rehearsal"]) if answer["rehearsal"] else None
    return ModelProbe(
        ModelFacts(**answer["facts"]),
        answer["boundaries"],
        rehearsal,
        tuple(FrozenPart(**each) for each in answer["frozen"]),
        tuple(MeasuredNetwork(**each) for each in answer["networks"]),
        tuple(Memory(**each) for each in answer["memory"]),
    )


def _asked(question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a new process."""
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
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Build the models and answer in plain data; ``errors`` has everything that is bad input."""
    from trainer.config import TrainConfig
    from trainer.data import load_data
    from trainer.fit.callbacks import check_callbacks
    from trainer.fit.losses import check_own_loss
    from trainer.network.inspect import model_facts, resolve_boundary
    from trainer.rehearsal import rehearse

    config = TrainConfig(**question["config"])
    shape, num_classes = tuple(question["image_shape"]), question["num_classes"]
    errors: dict[str, None] = {}
    boundaries: dict[str, str] = {}

    def tried(part: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - plain data
        """What a part of the answer says, or None where it is bad input."""
        try:
            return part(*arguments)
        except (TrainerInputError, NonFiniteLossError) as error:
            errors[str(error)] = None
            return None

    for callback in config.training.callbacks:
        tried(check_callbacks, [callback], config.training.arguments)
    for loss in question["losses"]:
        tried(check_own_loss, config.model_copy(update={"training": config.training.model_copy(update={"loss": loss})}), num_classes)
    for backbone, labels in question["labels"].items():
        for label in labels:
            model = config.model.model_copy(update={"backbone": backbone, "frozen_layers": label})
            boundary = tried(resolve_boundary, model, shape, num_classes)
            boundaries[f"{backbone}:{label}"] = "none" if boundary is None else boundary.layer or "none"
    facts = tried(model_facts, config, shape, num_classes)
    tried(_check_parts, config, question["labels"], shape, num_classes)
    told: dict[str, Any] = {"facts": facts and asdict(facts), "boundaries": boundaries, "rehearsal": None, "frozen": []}
    told |= {"networks": [], "memory": []}
    if not errors:
        data = tried(load_data, config.data) if question["rehearse"] else None
        rehearsal = None if data is None else tried(rehearse, config, data)
        told["rehearsal"] = rehearsal and asdict(rehearsal)
        told["frozen"] = [] if data is None else tried(_frozen_parts, config, question, data)
        told["networks"] = [asdict(_measured(TrainConfig(**each), shape, num_classes)) for each in question["networks"]]
        told["memory"] = [asdict(_memory_of(TrainConfig(**each), shape, num_classes)) for each in question["memory"]]
    return {**told, "errors": list(errors)}


def _check_parts(config: TrainConfig, labels: Mapping[str, Sequence[str]], shape: tuple[int, int, int], num_classes: int) -> None:
    """Refuse micro-batches where a backbone and a boundary of the space would make them another training.

    Raises:
        ConfigError: names backbone and boundary.
    """
    from trainer.network.inspect import model_facts

    if config.training.accumulate == 1:
        return
    for backbone, texts in labels.items():
        for text in texts:
            model = config.model.model_copy(update={"backbone": backbone, "frozen_layers": text})
            try:
                model_facts(config.model_copy(update={"model": model}), shape, num_classes)
            except ConfigError as error:
                raise ConfigError(f"{error} This is so with model.backbone: {backbone} and model.frozen_layers: {text}.") from None


def _measured(config: TrainConfig, shape: tuple[int, int, int], num_classes: int) -> MeasuredNetwork:
    """A network with its costs, which weights do not change: pretrained ones are neither loaded nor downloaded."""
    import keras

    from trainer.data.pixels import ChannelStatistics
    from trainer.network.build import build_model
    from trainer.network.costs import latency_figures, size_figures

    keras.backend.clear_session()
    weights = "own" if config.model.weights == "own" else None
    plain = config.model_copy(update={"model": config.model.model_copy(update={"weights": weights})})
    channels = shape[-1]
    try:
        model = build_model(plain, shape, num_classes, ChannelStatistics((0.0,) * channels, (1.0,) * channels)).model
    except TrainerInputError as error:
        return MeasuredNetwork({}, str(error))
    return MeasuredNetwork({**size_figures(model), **latency_figures(model)})


def _memory_of(config: TrainConfig, shape: tuple[int, int, int], num_classes: int) -> Memory:
    """Memory of a training, without loading its weights."""
    import keras

    from trainer.network.inspect import memory_of

    keras.backend.clear_session()
    try:
        return memory_of(config, shape, num_classes)
    except TrainerInputError as error:
        return Memory(why=str(error))


def _frozen_parts(config: TrainConfig, question: Mapping[str, Any], data: ImageData) -> list[dict[str, Any]]:
    """What becomes of the frozen part at each boundary of the config's backbone, with each augmentation; plain data."""
    from trainer.data import channel_statistics
    from trainer.network.build import build_model
    from trainer.network.frozen_plan import plan_frozen

    statistics = channel_statistics(data.train) if config.data.preprocessing == "standardize" else None
    built = build_model(config, data.image_shape, data.num_classes, statistics)
    found = []
    for label in question["labels"].get(config.model.backbone, ()):
        for policy in question["augmentations"] or [config.data.augmentation]:
            own = {"model": config.model.model_copy(update={"frozen_layers": label}), "data_seed": 0}
            one = config.model_copy(update={**own, "data": config.data.model_copy(update={"augmentation": policy})})
            plan = plan_frozen(built, one, len(data.train), len(data.validation), question["trainings"])
            text = policy if isinstance(policy, str) else json.dumps(policy)
            found.append(asdict(FrozenPart(label, text, plan.fed, plan.reason, plan.gigabytes, plan.share)))
    return found


if __name__ == "__main__":
    print(json.dumps(answer(json.load(sys.stdin))))  # noqa: T201 - the program's answer
