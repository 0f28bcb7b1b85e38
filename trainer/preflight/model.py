"""Checks of the model: loss and output, the frozen part, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.config.settings import loss_name, parse_frozen_layers
from trainer.preflight.findings import Finding, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Evidence, Setup

CATEGORICAL = ("categorical_crossentropy", "sparse_categorical_crossentropy")
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
TWO = 2


@check(loss_output="Loss, output activation, number of outputs and number of classes do not belong together.")
def loss_output(setup: Setup) -> Iterator[Finding]:
    """Name the first mismatch."""
    facts, classes = setup.facts, setup.data.num_classes
    if facts is not None:
        units, activation, loss, logits = facts.output_units, facts.output_activation, facts.loss, facts.loss_from_logits
    else:  # what the settings alone say
        units, activation = (1, "sigmoid") if setup.config.model.output == "sigmoid" else (classes, "softmax")
        loss, logits = loss_name(setup.config.training.loss, units), False
    problem = _problem(units, activation, loss, classes, logits=logits)
    if problem is not None:
        harmless = loss in BINARY and activation == "softmax" and units == TWO
        evidence: dict[str, Evidence] = {"loss": loss, "activation": activation, "outputs": units, "classes": classes}
        yield Finding("loss_output", "warning" if harmless else "error", problem[0], evidence, problem[1])


def _problem(units: int, activation: str, loss: str, classes: int, *, logits: bool) -> tuple[str, str] | None:
    """What is wrong, and what to do about it: the first rule that is broken."""
    effect = (
        "averages over both outputs; on two classes that equals the categorical loss, on more it does not"
        if units == TWO
        else "treats outputs that add up to 1 as independent; its gradients are not those of the task"
    )
    rules = (
        (units == 1 and classes != TWO, f"one output unit tells two classes apart, but there are {classes}", "set model.output: softmax"),
        (units not in {1, classes}, f"the model has {units} outputs for {classes} classes", "give the last layer one unit per class"),
        (units == 1 and activation == "softmax", "a softmax over one unit is always 1", "set model.output: sigmoid"),
        (
            loss in BINARY and activation == "softmax",
            f"{loss} on a {units}-way softmax {effect}",
            "use categorical crossentropy (training.loss: auto), or one sigmoid unit for two classes (model.output: sigmoid)",
        ),
        (
            loss in CATEGORICAL and (units == 1 or activation == "sigmoid"),
            f"{loss} needs a softmax over the classes, but the output is {activation} on {units} unit(s)",
            "set model.output: softmax",
        ),
        (
            activation == "linear" and not logits,
            f"the output is linear, but {loss} takes probabilities",
            "end the model in softmax or sigmoid, or use the loss with from_logits=True",
        ),
        (
            activation in {"softmax", "sigmoid"} and logits,
            f"{loss} applies {activation} itself (from_logits), and the model applies it too",
            "remove one of the two",
        ),
    )
    return next(((message, remedy) for broken, message, remedy in rules if broken), None)


@check(
    frozen_layers="More is to be frozen than the backbone has, or a layer it does not have.",
    frozen_random_weights="Layers with random initial weights are frozen.",
)
def frozen_layers(setup: Setup) -> Iterator[Finding]:
    """Compare `model.frozen_layers` with the built backbone."""
    wanted = setup.config.model.frozen_layers
    facts = setup.facts
    if facts is not None:
        problem = facts.frozen_problem
        form, number = parse_frozen_layers(wanted)
        if problem is None and form == "blocks" and facts.backbone_blocks is not None and int(number) > facts.backbone_blocks:
            problem = f"{number} blocks are to be frozen, but {setup.config.model.backbone} has {facts.backbone_blocks}"
        if problem is not None:
            yield Finding(
                "frozen_layers",
                "error",
                problem,
                {"frozen_layers": wanted, "blocks": facts.backbone_blocks if facts.backbone_blocks is not None else "unknown"},
                f"`steadysweep models --layers {setup.config.model.backbone}` lists its blocks and layers; `all` freezes the backbone",
            )
    if wanted.strip() != "none" and not setup.pretrained:
        yield Finding(
            "frozen_random_weights",
            "warning",
            f"model.frozen_layers is {wanted!r}, but the backbone starts from random weights, which then stay random",
            {"frozen_layers": wanted},
            "set model.weights, or model.frozen_layers: none",
        )


GIGABYTE = 1e9


@check(memory="A training step is estimated to need more memory than the device has.")
def memory(setup: Setup) -> Iterator[Finding]:
    """Compare the model's estimate with the device."""
    facts = setup.facts
    if facts is None or facts.estimated_memory_bytes is None or facts.device_memory_bytes is None:
        return
    if facts.estimated_memory_bytes > facts.device_memory_bytes:
        needed, there = facts.estimated_memory_bytes / GIGABYTE, facts.device_memory_bytes / GIGABYTE
        yield Finding(
            "memory",
            "error",
            f"a step of {setup.config.training.batch_size} images needs about {needed:.1f} GB, but the device has {there:.1f} GB",
            {"estimated_gb": needed, "device_gb": there, "batch_size": setup.config.training.batch_size},
            "use a smaller training.batch_size or data.image_size, or training.mixed_precision",
        )
