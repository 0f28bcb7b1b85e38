from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.conditions import PointValue
from search_spaces.label_parameters import ChoiceParameter, OrdinalParameter
from search_spaces.number_parameters import FloatParameter
from sweeps.sweep_file import sweep_from_text
from sweeps.sweep_file.configuration import configuration_id, effective_settings, train_config

SPACE = """
  learning_rate: {float: [1e-5, 1.0], log: true}
  dropout: {float: [0.0, 0.6], step: 0.1}
  frozen_layers: {ordinal: [none, 0%, 50%, 4 blocks, all]}
  bn_momentum: {choice: {default: null, low: 0.5, none: null, tenth: 0.9, hundredth: 0.99}, when: frozen_layers != 50%}
  optimizer: {choice: [adam, sgd, rmsprop]}
  momentum: {choice: [0.8, 0.9]}
  schedule: {choice: [constant, cosine, plateau, step]}
  schedule_factor: {choice: [0.5, 0.3]}
  schedule_patience: {int: [5, 10], step: 5}
  backbone_learning_rate_factor: {choice: [1, 0.1]}
  frozen_bn: {choice: [inference, reestimate, batch]}
  unfreeze_every: {choice: [null, 2]}
  precise_bn: {choice: [off, end, epoch]}
  head_bn: {choice: [false, true]}
  dense: {choice: [[], [8]]}
  activation: {choice: [relu, elu]}
  backbone: {choice: [small_resnet, vgg16, resnet50]}
  gradient_clip: {choice: {none: null, one: 1, 'one point': 1.0}}
"""
SWEEP = sweep_from_text(f"study: s\ndata: {{source: digits}}\nspace:{SPACE}")
BOUNDARIES = {"50%": "block_2", "4 blocks": "block_2"}


def values(name: str) -> st.SearchStrategy[Any]:
    parameter = SWEEP.space.parameters[name]
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        return st.sampled_from(parameter.labels)
    if isinstance(parameter, FloatParameter):
        return st.sampled_from([1e-3, 1e-2, 1.0]) if parameter.log else st.integers(0, 6).map(lambda step: 0.0 + step * 0.1)
    return st.sampled_from([5, 10])


POINTS = st.fixed_dictionaries({}, optional={name: values(name) for name in SWEEP.space.parameters})


def identity(point: dict[str, PointValue], boundaries: dict[str, str] | None = None) -> str:
    return configuration_id(SWEEP, point, boundaries)


@given(POINTS, POINTS)
@settings(max_examples=200, deadline=None)
def test_ids_are_equal_exactly_when_effective_settings_are(first: dict[str, PointValue], second: dict[str, PointValue]) -> None:
    same = effective_settings(SWEEP, first, BOUNDARIES) == effective_settings(SWEEP, second, BOUNDARIES)
    assert (identity(first, BOUNDARIES) == identity(second, BOUNDARIES)) is same


@given(POINTS, st.data())
@settings(max_examples=150, deadline=None)
def test_small_changes_too(point: dict[str, PointValue], data: st.DataObject) -> None:
    """Two random points are hardly ever equal; neighbours often are."""
    name = data.draw(st.sampled_from(sorted(SWEEP.space.parameters)))
    other = {**point, name: data.draw(values(name))}
    same = effective_settings(SWEEP, point, BOUNDARIES) == effective_settings(SWEEP, other, BOUNDARIES)
    assert (identity(point, BOUNDARIES) == identity(other, BOUNDARIES)) is same
    if train_config(SWEEP, point, 0) == train_config(SWEEP, other, 0):
        assert same, "the same training has the same ID"


@given(POINTS, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_keys_is_irrelevant(point: dict[str, PointValue], random: Any) -> None:  # noqa: ANN401
    names = list(point)
    random.shuffle(names)
    assert identity({name: point[name] for name in names}) == identity(point)


@given(POINTS)
@settings(max_examples=100, deadline=None)
def test_inactive_parameters_are_irrelevant(point: dict[str, PointValue]) -> None:
    assert identity(SWEEP.space.active(point)) == identity(point)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"optimizer": "adam", "momentum": "0.8"}, {"optimizer": "adam", "momentum": "0.9"}),
        ({"schedule": "constant", "schedule_factor": "0.3", "schedule_patience": 5}, {}),
        ({"schedule": "cosine", "schedule_factor": "0.3"}, {"schedule": "cosine"}),
        ({"activation": "elu", "dense": "[]"}, {}),
        ({"frozen_layers": "none", "frozen_bn": "batch", "unfreeze_every": "2"}, {}),
        ({"frozen_layers": "0%"}, {"frozen_layers": "none"}),
        ({"frozen_layers": "50%"}, {"frozen_layers": "4 blocks"}),
        ({"frozen_layers": "all", "backbone_learning_rate_factor": "0.1"}, {"frozen_layers": "all"}),
        ({"frozen_layers": "all", "bn_momentum": "low"}, {"frozen_layers": "all"}),
        ({"frozen_layers": "none", "bn_momentum": "low", "precise_bn": "epoch"}, {"precise_bn": "epoch"}),
        ({"frozen_layers": "none", "bn_momentum": "default"}, {"frozen_layers": "none", "bn_momentum": "none"}),
        ({"frozen_layers": "none", "backbone": "vgg16", "bn_momentum": "low", "precise_bn": "end"}, {"backbone": "vgg16"}),
        ({"frozen_layers": "none", "backbone": "small_resnet", "bn_momentum": "tenth"}, {"backbone": "small_resnet"}),
        ({"frozen_layers": "none", "backbone": "resnet50", "bn_momentum": "hundredth"}, {"backbone": "resnet50"}),
        (
            {"frozen_layers": "none", "backbone": "resnet50", "head_bn": "true", "bn_momentum": "hundredth"},
            {"backbone": "resnet50", "head_bn": "true"},
        ),
        ({"dropout": 0.30000000000000004}, {"dropout": 0.3}),
        ({"dropout": -0.0}, {"dropout": 0.0}),
        ({"learning_rate": 1}, {"learning_rate": 1.0}),
        ({"gradient_clip": "one"}, {"gradient_clip": "one point"}),
        ({"learning_rate": 1e-3}, {}),
    ],
)
def test_points_that_train_alike_are_one_configuration(first: dict, second: dict) -> None:
    assert identity(first, BOUNDARIES) == identity(second, BOUNDARIES)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"optimizer": "sgd", "momentum": "0.8"}, {"optimizer": "sgd", "momentum": "0.9"}),
        ({"schedule": "plateau", "schedule_factor": "0.3"}, {"schedule": "plateau"}),
        ({"activation": "elu", "dense": "[8]"}, {"dense": "[8]"}),
        ({"frozen_layers": "50%", "frozen_bn": "batch"}, {"frozen_layers": "50%"}),
        (
            {"frozen_layers": "all", "unfreeze_every": "2", "backbone_learning_rate_factor": "0.1"},
            {"frozen_layers": "all", "unfreeze_every": "2"},
        ),
        ({"frozen_layers": "all", "frozen_bn": "batch", "bn_momentum": "low"}, {"frozen_layers": "all", "frozen_bn": "batch"}),
        ({"frozen_layers": "all", "head_bn": "true", "bn_momentum": "low"}, {"frozen_layers": "all", "head_bn": "true"}),
        ({"frozen_layers": "none", "backbone": "vgg16", "head_bn": "true", "bn_momentum": "low"}, {"backbone": "vgg16", "head_bn": "true"}),
        ({"frozen_layers": "none", "bn_momentum": "low", "precise_bn": "end"}, {"precise_bn": "end"}),
        ({"frozen_layers": "none", "backbone": "small_resnet", "bn_momentum": "hundredth"}, {"backbone": "small_resnet"}),
        (  # .9 in the network, .99 in the head
            {"frozen_layers": "none", "backbone": "small_resnet", "head_bn": "true", "bn_momentum": "tenth"},
            {"backbone": "small_resnet", "head_bn": "true"},
        ),
        ({"frozen_layers": "none"}, {"frozen_layers": "all"}),
        ({"learning_rate": 1e-2}, {"learning_rate": 1.0000000001e-2}),
    ],
)
def test_points_that_train_otherwise_are_not(first: dict, second: dict) -> None:
    assert identity(first, BOUNDARIES) != identity(second, BOUNDARIES)


def test_labels_without_a_boundary_stand_for_themselves_and_backbones_have_their_own() -> None:
    assert identity({"frozen_layers": "50%"}) != identity({"frozen_layers": "4 blocks"})
    boundaries = {"vgg16:50%": "block3_pool", "50%": "block_2"}
    assert effective_settings(SWEEP, {"frozen_layers": "50%", "backbone": "vgg16"}, boundaries)["model.frozen_layers"] == "block3_pool"
    assert effective_settings(SWEEP, {"frozen_layers": "50%"}, boundaries)["model.frozen_layers"] == "block_2"


def test_an_id_is_short_and_stable() -> None:
    """IDs are on record in people's storages: they must not change between versions without a reason."""
    assert effective_settings(SWEEP, {"learning_rate": 0.01, "dropout": 0.2}) == {"training.learning_rate": 0.01, "model.dropout": 0.2}
    assert identity({}) == "44136fa355"
    assert identity({"learning_rate": 0.01, "dropout": 0.2}) == "29d9e315ff"


def test_what_is_fixed_in_the_file_and_where_the_data_lies_do_not_matter() -> None:
    elsewhere = sweep_from_text(f"study: t\ndata: {{source: keras:mnist, cache_path: x}}\nresources: {{cpu: 3}}\nspace:{SPACE}")
    assert configuration_id(elsewhere, {"learning_rate": 0.01}) == identity({"learning_rate": 0.01})
    fixed = sweep_from_text("study: s\ndata: {source: digits}\ntraining: {learning_rate: 0.01}\nspace: {dropout: {float: [0, 0.5]}}")
    assert configuration_id(fixed, {"dropout": 0.2}) == identity({"learning_rate": 0.01, "dropout": 0.2})


def test_how_the_frozen_part_is_computed_is_no_part_of_the_id_unless_it_was_before() -> None:
    """Studies begun when ``each_step`` was the default find their configurations again."""

    def of(mode: str) -> str:
        return configuration_id(
            sweep_from_text(f"study: s\ndata: {{source: digits}}\ntraining: {{frozen_features: {mode}}}\nspace: {{}}"), {}
        )

    assert of("auto") == of("each_step") != of("precomputed")
