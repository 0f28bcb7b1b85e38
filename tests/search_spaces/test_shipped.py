from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from search_spaces import load_space, load_yaml, shipped, shipped_names, shipped_text, space_from_mapping, space_to_mapping
from sweeps.study.plan import plan_of
from sweeps.sweep_file import sweep_from_text, train_config


def test_the_spaces_that_ship() -> None:
    assert shipped_names() == ("augmentation", "bn_rescue", "quick", "scratch_cnn", "transfer")
    assert all(len(text) > 40 and "\n" not in text for text in shipped().values())


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_space_reads_documents_itself_and_has_sane_first_trials(name: str) -> None:
    space = load_space(name)
    assert space.name == name
    assert len(space.starting_points) >= 2
    assert all(parameter.description for parameter in space.parameters.values())
    for point in space.starting_points:
        assert space.active(point) == point
        missing = [
            key
            for key, parameter in space.parameters.items()
            if key not in point and (parameter.when is None or parameter.when.holds(point))
        ]
        assert missing == [], "a starting point leaves nothing to chance"
    assert space_from_mapping(space_to_mapping(space)) == space
    assert load_yaml(shipped_text(name), name).value["description"].count("\n\n") == 1


@pytest.mark.parametrize("name", shipped_names())
def test_every_parameter_s_range_has_its_reason_beside_it(name: str) -> None:
    parts = shipped_text(name).split("\nstarting_points:")[0].split("\n\n")
    for key in load_space(name).parameters:
        (part,) = (part for part in parts if f"\n{key}:" in f"\n{part}")
        assert any(line.strip().startswith("#") for line in part.splitlines()), key


@pytest.mark.parametrize("name", shipped_names())
def test_a_sweep_begins_with_the_starting_points_and_each_can_be_trained(name: str) -> None:
    sweep = sweep_from_text(f"study: s\ndata: {{source: digits}}\nspace: {name}\n")
    plan = plan_of(sweep, "package.module:function")
    taken: set[str] = set()
    for index, point in enumerate(sweep.space.starting_points):
        proposal = plan.proposer.next([], taken, index)
        assert proposal is not None
        assert dict(proposal.point) == dict(point)
        assert proposal.configuration not in taken, "no two of them train alike"
        taken.add(proposal.configuration)
        train_config(sweep, proposal.point, 0)


@pytest.mark.parametrize(
    ("name", "point", "inactive"),
    [
        ("transfer", {"frozen_layers": "all"}, {"backbone_learning_rate_factor", "bn_momentum"}),
        ("bn_rescue", {"frozen_layers": "all"}, {"precise_bn", "bn_momentum"}),
        ("bn_rescue", {"frozen_layers": "none", "precise_bn": "epoch"}, {"frozen_bn", "bn_momentum"}),
        (
            "scratch_cnn",
            {"optimizer": "adam", "schedule": "constant"},
            {"momentum", "weight_decay", "schedule_factor", "schedule_patience"},
        ),
        ("scratch_cnn", {"optimizer": "sgd", "schedule": "plateau"}, set()),
    ],
)
def test_a_parameter_that_makes_no_sense_is_not_searched(name: str, point: dict[str, str], inactive: set[str]) -> None:
    space = load_space(name)
    conditional = {key for key, parameter in space.parameters.items() if parameter.when is not None}
    rest = {key: parameter.labels[0] for key, parameter in space.parameters.items() if parameter.labels}
    numbers = {key: parameter.low for key, parameter in space.parameters.items() if hasattr(parameter, "low")}
    active = space.active({**rest, **numbers, **point})
    assert conditional - set(active) == inactive


def test_the_wheel_holds_the_spaces() -> None:
    builder = WheelBuilder(str(Path(__file__).parents[2]))
    included = {file.distribution_path for file in builder.recurse_included_files()}
    assert {f"search_spaces/spaces/{name}.yaml" for name in shipped_names()} <= included
