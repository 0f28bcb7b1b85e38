"""Pre-flight checks judge all that a sweep may train and name the values that spoil it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.launch.preflight import look_at_data
from sweeps.launch.whole_space import judge_space, offending, points_of
from sweeps.sweep_file import sweep_from_text
from trainer.config import TrainConfig
from trainer.preflight import Finding, ModelFacts

HEAD = "study: a\ndata: {source: digits}\n"
RATE = "learning_rate: {float: [1.0e-4, 1.0e-1], log: true}"


def found(text: str) -> dict[str, Finding]:
    return {finding.name: finding for finding in look_at_data(sweep_from_text(HEAD + text))[1]}


def test_frozen_random_weights_that_a_space_reaches_are_found_and_named() -> None:
    finding = found(f"space: {{{RATE}, frozen_layers: {{choice: [none, 50%, all]}}}}\n")["frozen_random_weights"]
    assert finding.severity == "warning"
    assert "the space reaches this with frozen_layers: 50% or frozen_layers: all; there, model.frozen_layers is" in finding.message
    assert finding.evidence["reached_with"] == ("frozen_layers=50%", "frozen_layers=all")
    assert "take the values out of the space" in finding.remedy


def test_a_finding_of_every_point_is_one_of_the_sweep() -> None:
    finding = found(f"model: {{frozen_layers: 50%}}\nspace: {{{RATE}}}\n")["frozen_random_weights"]
    assert finding.message.startswith("model.frozen_layers is '50%'")


def test_an_error_in_a_part_of_the_space_warns_and_the_rest_may_be_trained() -> None:
    finding = found(f"space: {{{RATE}, sampling: {{choice: [every_image, alternating_halves]}}}}\n")["partial_epochs"]
    assert finding.severity == "warning"
    assert finding.evidence["reached_with"] == ("sampling=alternating_halves",)


def test_two_values_that_only_spoil_together_are_named_together() -> None:
    text = f"space: {{{RATE}, frozen_layers: {{choice: [none, all]}}, frozen_bn: {{choice: [inference, batch]}}}}\nmodel: {{backbone: resnet50, weights: imagenet}}\n"
    finding = found(text)["frozen_batch_statistics"]
    assert finding.evidence["reached_with"] == ("frozen_layers=all with frozen_bn=batch",)


def test_a_value_of_the_file_that_the_space_never_reaches_is_not_found() -> None:
    text = f"data: {{source: digits}}\nspace: {{{RATE}, preprocessing: {{choice: [auto, rescale]}}}}\n"
    names = {finding.name for finding in look_at_data(sweep_from_text("study: a\n" + text))[1]}
    assert "input_scaling" not in names


def test_the_momentum_of_each_point_is_judged_with_the_model_s_facts() -> None:
    sweep = sweep_from_text(f"{HEAD}training: {{epochs: 2}}\nspace: {{{RATE}, bn_momentum: {{choice: [0.5, 0.999]}}}}\n")
    data, _ = look_at_data(sweep)
    own = TrainConfig.model_validate({"data": {"source": "digits"}, "training": {"epochs": 2}})
    facts = ModelFacts(
        has_batchnorm=True,
        max_bn_momentum=0.99,
        output_units=10,
        output_activation="softmax",
        loss="categorical_crossentropy",
        parameters=100,
        trainable_parameters=100,
    )
    findings = {finding.name: finding for finding in judge_space(sweep, own, data, facts, Path.cwd())}
    assert findings["bn_updates"].evidence["reached_with"] == ("bn_momentum=0.999",)


@pytest.mark.parametrize("shipped", ["transfer", "scratch_cnn"])
def test_every_value_and_every_pair_is_looked_at(shipped: str) -> None:
    space = sweep_from_text(f"{HEAD}space: {shipped}\n").space
    points = list(points_of(space))
    assert 10 < len(points) <= 1_500
    for name, parameter in space.parameters.items():
        if parameter.labels:
            assert {point[name] for point in points if name in point} == set(parameter.labels)


def test_offending_values_are_those_that_no_sound_point_has() -> None:
    points = [{"a": a, "b": b} for a in (1, 2) for b in (1, 2)]
    assert offending([point for point in points if point["a"] == 2], points) == [(("a", 2),)]
    assert offending([{"a": 2, "b": 2}], points) == [(("a", 2), ("b", 2))]
