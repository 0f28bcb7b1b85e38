import pytest

from search_spaces.conditions import ConditionError, parse_condition
from search_spaces.errors import SpaceError
from search_spaces.label_parameters import ChoiceParameter, OrdinalParameter
from search_spaces.number_parameters import FloatParameter, IntParameter
from search_spaces.parsing import space_from_mapping
from search_spaces.space import SearchSpace

EARLIER = {
    "optimizer": ChoiceParameter("optimizer", ("adam", "sgd", "rmsprop")),
    "frozen_layers": OrdinalParameter("frozen_layers", ("none", "4 blocks", "75%", "all")),
    "dropout": FloatParameter("dropout", 0.0, 0.6),
    "units": IntParameter("units", 1, 8),
}
POINT = {"optimizer": "sgd", "frozen_layers": "75%", "dropout": 0.3, "units": 4}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("optimizer == sgd", True),
        ("optimizer != sgd", False),
        ("optimizer in [adam, sgd]", True),
        ("optimizer not in [adam, sgd]", False),
        ("frozen_layers == '4 blocks'", False),
        ('frozen_layers in ["4 blocks", 75%]', True),
        ("frozen_layers < all", True),
        ("frozen_layers >= 75%", True),
        ("frozen_layers < 75%", False),
        ("dropout > 0.25", True),
        ("dropout <= 3e-1", True),
        ("dropout < .3", False),
        ("units == 4", True),
        ("units in [1, 2]", False),
        ("units not in [1, 2]", True),
        ("optimizer == adam and dropout > 0 or units == 4", True),
        ("optimizer == adam and (dropout > 0 or units == 4)", False),
        ("optimizer==sgd and dropout>0", True),
    ],
)
def test_conditions_hold_where_they_should(text: str, *, holds: bool) -> None:
    condition = parse_condition(text, EARLIER)
    assert condition.holds(POINT) is holds
    assert parse_condition(condition.text, EARLIER) == condition, "the text of a condition reads back to the same condition"


@pytest.mark.parametrize("text", ["optimizer == sgd", "optimizer != adam", "optimizer not in [adam]"])
def test_a_comparison_with_an_inactive_parameter_is_false(text: str) -> None:
    assert parse_condition(text, EARLIER).holds({}) is False


def test_names_are_those_it_depends_on() -> None:
    assert parse_condition("units == 4 or optimizer == sgd and units > 2", EARLIER).names == ("units", "optimizer")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optimiser == sgd", "did you mean 'optimizer'"),
        ("momentum == 1", "not a parameter defined above"),
        ("optimizer == sdg", "'sdg' is no label of optimizer; did you mean 'sgd'"),
        ("optimizer < sgd", "compares text by order"),
        ("dropout > much", "expected a number to compare dropout with, got 'much'"),
        ("dropout > 0.6", "never holds"),
        ("dropout == 7", "never holds"),
        ("frozen_layers < none", "never holds"),
        ("optimizer not in [adam, sgd, rmsprop]", "never holds"),
        ("optimizer = sgd", "cannot read"),
        ("optimizer sgd", "expected one of ==, !="),
        ("optimizer ==", "expected a value"),
        ("optimizer == adam sgd", "quote labels that hold spaces"),
        ("optimizer in adam", "expected '\\['"),
        ("optimizer in [adam", "expected '\\]', got the end"),
        ("optimizer not adam", "expected 'in'"),
        ("(optimizer == adam", "expected '\\)'"),
        ("optimizer == adam and", "expected a parameter's name"),
        ("", "expected a parameter's name"),
        ("__import__('os').system('x')", "expected one of ==|not a parameter"),
    ],
)
def test_bad_conditions_say_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ConditionError, match=message):
        parse_condition(text, EARLIER)


def test_inactive_parameters_chain() -> None:
    space = space_from_mapping(
        {
            "a": {"choice": ["on", "off"]},
            "b": {"choice": ["x", "y"], "when": "a == on"},
            "c": {"int": [1, 3], "when": "b != x"},
        }
    )
    assert space.active({"a": "off", "b": "y", "c": 2}) == {"a": "off"}
    assert space.active({"a": "on", "b": "x", "c": 2}) == {"a": "on", "b": "x"}
    assert space.active({"a": "on", "b": "y", "c": 2}) == {"a": "on", "b": "y", "c": 2}


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"a": {"int": [1, 3], "when": "b > 1"}, "b": {"int": [1, 3]}}, "a.when: names 'b', which is defined later; move b above a"),
        (
            {"a": {"int": [1, 3], "when": "b > 1"}, "b": {"int": [1, 3], "when": "a > 1"}},
            "a.when: conditions depend on each other in a circle: a -> b -> a",
        ),
        ({"a": {"int": [1, 3], "when": "a > 1"}}, "a.when: conditions depend on each other in a circle: a -> a"),
        ({"a": {"int": [1, 3], "when": 5}}, "a.when: expected a condition as text, got 5"),
    ],
)
def test_conditions_on_later_parameters(mapping: dict, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        space_from_mapping(mapping)


def test_a_condition_on_a_broken_parameter_is_not_a_second_problem() -> None:
    with pytest.raises(SpaceError) as caught:
        space_from_mapping({"a": {"int": [3, 1]}, "b": {"int": [1, 3], "when": "a > 1"}})
    assert [problem.path for problem in caught.value.problems] == [("a", "int")]


def test_active_ignores_unknown_names() -> None:
    assert SearchSpace({}).active({"a": 1}) == {}
