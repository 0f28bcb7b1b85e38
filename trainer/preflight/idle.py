"""Settings that act only beside another: given without it they change nothing, which a person who gave them would not guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainer.preflight.findings import Finding, check

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from trainer.config import TrainConfig
    from trainer.preflight.findings import Setup

NAME = "without_effect"
"""Of the finding."""


@dataclass(frozen=True)
class Rule:
    """When a setting acts.

    Attributes:
        path: of the setting, e.g. ``training.momentum``.
        acts: whether it does, beside the other settings of a training.
        needs: what it needs, in words that follow "acts only".
    """

    path: str
    acts: Callable[[TrainConfig], bool]
    needs: str


def _optimizer(config: TrainConfig) -> bool:
    return config.training.optimizer in ("sgd", "rmsprop")


def _steps(config: TrainConfig) -> bool:
    return config.training.schedule in ("step", "plateau")


def _freezes(config: TrainConfig) -> bool:
    return config.model.frozen_layers.strip() != "none"


def _trains_backbone(config: TrainConfig) -> bool:
    return config.model.frozen_layers.strip() not in ("all", "100%") or config.training.unfreeze_every is not None


def _falls(config: TrainConfig) -> bool:
    return config.training.schedule != "constant" or config.training.min_learning_rate > config.training.learning_rate


RULES = (
    Rule("training.momentum", _optimizer, "with training.optimizer: sgd or rmsprop"),
    Rule("training.schedule_factor", _steps, "with training.schedule: step or plateau"),
    Rule("training.schedule_patience", _steps, "with training.schedule: step or plateau"),
    Rule("training.min_learning_rate", _falls, "with a training.schedule other than constant"),
    Rule(
        "training.loss_options",
        lambda config: config.training.loss == "focal" or ":" in config.training.loss,
        "with training.loss: focal or a function of yours",
    ),
    Rule("training.backbone_learning_rate_factor", _trains_backbone, "where some of the backbone is trained (model.frozen_layers)"),
    Rule(
        "training.unfreeze_every",
        lambda config: _freezes(config) and (config.training.unfreeze_every or 1) < config.training.epochs,
        "where layers are frozen (model.frozen_layers) and there are more epochs than that (training.epochs)",
    ),
    Rule(  # precomputed where nothing is frozen is an error of its own
        "training.frozen_features",
        lambda config: _freezes(config) or config.training.frozen_features == "precomputed",
        "where layers are frozen (model.frozen_layers)",
    ),
    Rule(
        "training.cache_dtype",
        lambda config: _freezes(config) and config.training.frozen_features != "each_step",
        "where activations of frozen layers are kept (model.frozen_layers, training.frozen_features)",
    ),
    Rule(
        "training.early_stopping",
        lambda config: (config.training.early_stopping or 0) < config.training.epochs,
        "with more epochs than that (training.epochs)",
    ),
    Rule("model.activation", lambda config: bool(config.model.dense), "with dense layers (model.dense)"),
    Rule("model.frozen_bn", _freezes, "where layers are frozen (model.frozen_layers)"),
    Rule(
        "data.imbalance",
        lambda config: config.data.imbalance != "resample" or config.data.sampling in ("every_image", "leftover_batch"),
        "as resample with data.sampling: every_image",
    ),
    Rule(
        "data.split.stratify",
        lambda config: config.data.split.validation != "train" or config.data.split.test != 0,
        "where images are held back (data.split.validation, data.split.test)",
    ),
    Rule(
        "data.split.validation_seed",
        lambda config: config.data.split.validation != "train",
        "where validation images are drawn (data.split.validation)",
    ),
)
"""Every setting of data, model and training that needs another; a test asks of each further one whether it acts by itself."""


def given_settings(config: TrainConfig) -> dict[str, Any]:
    """Those of `RULES` that a training gives another value than the default, by path."""
    found = {}
    for rule in RULES:
        section: Any = config
        *above, name = rule.path.split(".")
        for part in above:
            section = getattr(section, part)
        value = getattr(section, name)
        if value != type(section).model_fields[name].get_default(call_default_factory=True):
            found[rule.path] = value
    return found


def idle_settings(config: TrainConfig, given: Collection[str]) -> dict[str, str]:
    """Which of the given settings change nothing in a training, with what each needs."""
    return {rule.path: rule.needs for rule in RULES if rule.path in given and not rule.acts(config)}


def idle_finding(idle: Collection[tuple[str, str]]) -> Finding:
    """One finding about all of them; `idle` are paths with what each needs."""
    return Finding(
        NAME,
        "warning",
        "; ".join(f"{path} is given and changes nothing: it acts only {needs}" for path, needs in idle),
        {"settings": tuple(path for path, _ in idle)},
        "leave it out, or give it what it needs" if len(idle) == 1 else "leave them out, or give them what they need",
    )


@check(without_effect="A setting is given that acts only beside another, which is not there.")
def without_effect(setup: Setup) -> Iterator[Finding]:
    """Look at what is given and has no effect."""
    if idle := idle_settings(setup.config, given_settings(setup.config)):
        yield idle_finding(list(idle.items()))
