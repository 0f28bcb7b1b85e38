"""A loss that does not fit the output layer or the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {"loss_output": "Loss, output activation, number of outputs and number of classes do not belong together."}
CATEGORICAL = ("categorical_crossentropy", "sparse_categorical_crossentropy")
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
TWO = 2


def find(setup: Setup) -> Iterator[Finding]:
    """Name the first mismatch."""
    output = _output(setup)
    problem = _problem(output, setup.data.num_classes)
    if problem is not None:
        harmless = output.loss in BINARY and output.activation == "softmax" and output.units == TWO
        yield Finding(
            "loss_output",
            "warning" if harmless else "error",
            problem[0],
            {
                "loss": output.loss,
                "activation": output.activation,
                "outputs": output.units,
                "classes": setup.data.num_classes,
            },
            problem[1],
        )


class _Output(NamedTuple):
    """The last layer and the loss on it."""

    units: int
    activation: str
    loss: str
    logits: bool


def _output(setup: Setup) -> _Output:
    """Of the built model, or what the settings alone say."""
    facts = setup.facts
    if facts is not None:
        return _Output(facts.output_units, facts.output_activation, facts.loss, facts.loss_from_logits)
    single = setup.config.model.output == "sigmoid"
    own = "binary_crossentropy" if single else "categorical_crossentropy"
    loss = own if setup.config.training.loss == "auto" else setup.config.training.loss
    return _Output(1 if single else setup.data.num_classes, "sigmoid" if single else "softmax", loss, logits=False)


def _problem(output: _Output, classes: int) -> tuple[str, str] | None:
    """What is wrong, and what to do about it: the first rule that is broken."""
    units, activation, loss, logits = output
    effect = (
        "averages over both outputs; on two classes that equals the categorical loss, on more it does not"
        if units == TWO
        else "treats outputs that add up to 1 as independent; its gradients are not those of the task"
    )
    rules = (
        (
            units == 1 and classes != TWO,
            f"one output unit tells two classes apart, but there are {classes}",
            "set model.output: softmax",
        ),
        (
            units not in {1, classes},
            f"the model has {units} outputs for {classes} classes",
            "give the last layer one unit per class",
        ),
        (
            units == 1 and activation == "softmax",
            "a softmax over one unit is always 1",
            "set model.output: sigmoid",
        ),
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
