import pytest

from search_spaces.narrowing import is_narrowing
from search_spaces.parsing import space_from_mapping
from search_spaces.space import space_fingerprint

OLD = {
    "lr": {"float": [1e-4, 1e-1], "log": True},
    "drop": {"float": [0.0, 0.6], "step": 0.1},
    "units": {"int": [2, 10], "step": 2},
    "opt": {"choice": ["adam", "sgd", "lion"]},
    "frozen": {"ordinal": ["none", "50%", "75%", "all"]},
    "mom": {"choice": [0.8, 0.9], "when": "opt == sgd"},
}


def narrowing(**changes: object) -> str | bool:
    new = {name: parameter for name, parameter in {**OLD, **changes}.items() if parameter is not None}
    found = is_narrowing(space_from_mapping(OLD), space_from_mapping(new))
    assert bool(found) is not bool(found.reasons)
    return True if found else "; ".join(found.reasons)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lr": {"float": [1e-3, 1e-2], "log": True}},
        {"lr": {"float": [1e-3, 1e-3], "log": True}},
        {"drop": {"float": [0.1, 0.5], "step": 0.2}},
        {"drop": {"float": [0.3, 0.3]}},
        {"units": {"int": [4, 8], "step": 4}},
        {"opt": {"choice": ["sgd", "adam"]}},
        {"frozen": {"ordinal": ["none", "all"]}},
        {"opt": {"choice": ["sgd"]}, "mom": {"choice": [0.8, 0.9]}},
        {"mom": {"choice": [0.9], "when": "opt not in [adam, lion]"}},
        {"starting_points": [{"lr": 0.01}]},
    ],
)
def test_narrower_spaces_may_go_on(changes: dict[str, object]) -> None:
    assert narrowing(**changes) is True


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lr": {"float": [1e-5, 1e-2], "log": True}}, "lr is wider: [1e-05, 0.01] against [0.0001, 0.1]"),
        ({"lr": {"float": [1e-3, 1e-2]}}, "lr is no longer drawn on a logarithmic scale"),
        ({"lr": {"choice": [1e-3]}}, "lr was of kind float and is of kind choice"),
        ({"drop": {"float": [0.0, 0.5]}}, "drop no longer moves in steps of 0.1"),
        ({"drop": {"float": [0.05, 0.45], "step": 0.1}}, "drop has other steps"),
        ({"drop": {"float": [0.0, 0.6], "step": 0.15}}, "drop has other steps"),
        ({"units": {"int": [2, 10]}}, "units has other steps"),
        ({"opt": {"choice": ["adam", "sgd", "rmsprop"]}}, "opt has new labels: rmsprop"),
        ({"opt": {"choice": {"adam": "adamw", "sgd": "sgd"}}}, "opt gives other values to its labels: adam"),
        ({"frozen": {"ordinal": ["all", "none"]}}, "frozen has its labels in another order"),
        ({"mom": None}, "mom is gone; narrow it to one value instead, as in mom: {choice: [0.8]}"),
        ({"new": {"int": [1, 2]}}, "new is new"),
        ({"mom": {"choice": [0.8, 0.9]}}, "mom has another condition: none against opt == sgd"),
        ({"mom": {"choice": [0.8, 0.9], "when": "opt != adam"}}, "mom has another condition"),
    ],
)
def test_anything_wider_is_refused_with_its_reason(changes: dict[str, object], reason: str) -> None:
    assert reason in str(narrowing(**changes))


def test_the_fingerprint_sees_what_changes_proposals_and_nothing_else() -> None:
    first = space_fingerprint(space_from_mapping(OLD))
    same = {
        **OLD,
        "opt": {"choice": ["lion", "sgd", "adam"], "description": "x"},
        "starting_points": [{"lr": 0.01}],
        "description": "y",
        "name": "z",
    }
    assert space_fingerprint(space_from_mapping(same)) == first
    different = [
        {**OLD, "frozen": {"ordinal": ["all", "75%", "50%", "none"]}},
        {**OLD, "opt": {"choice": {"adam": "adamw", "sgd": "sgd", "lion": "lion"}}},
        {**OLD, "mom": {"choice": [0.8, 0.9]}},
        {**OLD, "lr": {"float": [1e-4, 1e-1]}},
    ]
    assert len({first, *(space_fingerprint(space_from_mapping(mapping)) for mapping in different)}) == 5
