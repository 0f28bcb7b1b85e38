from typing import Any

import pytest

from search_spaces.narrowing import fix
from search_spaces.parsing import space_from_mapping

SPACE = space_from_mapping(
    {
        "opt": {"choice": ["adam", "sgd", "rmsprop"]},
        "frozen": {"ordinal": {"nothing": "none", "half": "50%", "everything": "all"}},
        "drop": {"float": [0.0, 0.6]},
        "mom": {"choice": [0.8, 0.9], "when": "opt == sgd or opt == rmsprop and frozen < everything"},
        "nesterov": {"choice": [True, False], "when": "mom == 0.9"},
        "factor": {"float": [0.1, 1.0], "when": "frozen != everything and drop > 0.1"},
        "starting_points": [{"opt": "sgd", "mom": 0.9, "nesterov": True, "drop": 0.2}, {"opt": "adam", "drop": 0.2}],
    }
)


def conditions(name: str, value: Any) -> dict[str, str | None]:  # noqa: ANN401
    return {key: parameter.when.text if parameter.when else None for key, parameter in fix(SPACE, name, value).parameters.items()}


def test_true_conditions_vanish_and_false_ones_take_their_parameter_along() -> None:
    assert conditions("opt", "sgd") == {
        "frozen": None, "drop": None, "mom": None, "nesterov": "mom == 0.9", "factor": "frozen != everything and drop > 0.1",
    }  # fmt: skip
    assert conditions("opt", "adam") == {"frozen": None, "drop": None, "factor": "frozen != everything and drop > 0.1"}
    assert conditions("opt", "rmsprop")["mom"] == "frozen < everything"


def test_values_are_recognised_by_their_label() -> None:
    assert "factor" not in conditions("frozen", "all")
    assert conditions("frozen", "50%")["factor"] == "drop > 0.1"
    assert conditions("frozen", "25%")["factor"] == "drop > 0.1", "a value that the space would not have tried"


@pytest.mark.parametrize(("value", "text"), [(0.05, None), (0.5, "frozen != everything"), (0, None)])
def test_numbers_are_compared(value: float, text: str | None) -> None:
    assert conditions("drop", value).get("factor") == text


def test_starting_points_lose_what_left() -> None:
    assert fix(SPACE, "opt", "adam").starting_points == ({"drop": 0.2},)
    assert fix(SPACE, "opt", "sgd").starting_points == ({"drop": 0.2, "mom": "0.9", "nesterov": "true"}, {"drop": 0.2})
