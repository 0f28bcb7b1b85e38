from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from search_spaces import load_space, load_yaml, shipped, shipped_names, shipped_text, space_from_mapping, space_to_mapping


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
    comments = sum(line.startswith("#") for line in shipped_text(name).splitlines())
    assert name == "quick" or comments >= 3, "the reasons for the ranges stand beside them"
    assert load_yaml(shipped_text(name), name).value["description"].count("\n\n") == 1


def test_the_wheel_holds_the_spaces() -> None:
    builder = WheelBuilder(str(Path(__file__).parents[2]))
    included = {file.distribution_path for file in builder.recurse_included_files()}
    assert {f"search_spaces/spaces/{name}.yaml" for name in shipped_names()} <= included
