from pathlib import Path

import pytest

from search_spaces.errors import SpaceError
from search_spaces.label_parameters import ChoiceParameter
from search_spaces.located_yaml import load_yaml
from search_spaces.number_parameters import FloatParameter
from search_spaces.parsing import load_space, parse_space, space_from_mapping
from search_spaces.space import SearchSpace

FILE = "space.yaml"


def parse(text: str, folder: Path | None = None) -> SearchSpace:
    return parse_space(load_yaml(text, FILE), folder=folder)


def refused(text: str, folder: Path | None = None) -> str:
    with pytest.raises(SpaceError) as caught:
        parse(text, folder)
    return str(caught.value)


@pytest.mark.parametrize(
    ("parameter", "where", "message"),
    [
        ("{float: [1.0, 0.1]}", "x.float", "expected low <= high, got [1.0, 0.1]; write [0.1, 1.0]"),
        ("{float: [0.0, 1.0], log: true}", "x.float[0]", "expected a low end above 0 with log: true, got 0.0"),
        ("{float: [-1, 1.0], log: true}", "x.float[0]", "expected a low end above 0"),
        ("{float: [0, 1], log: yes}", "x.log", "expected true or false, got 'yes' (text)"),
        ("{float: [0, a]}", "x.float[1]", "expected a number, got 'a' (text)"),
        ("{float: [0, true]}", "x.float[1]", "expected a number, got true (true or false)"),
        ("{float: [0, .inf]}", "x.float[1]", "expected a number, got inf"),
        ("{float: [0, 1, 2]}", "x.float", "expected the two ends [low, high], got [0, 1, 2] (list)"),
        ("{float: 0.5}", "x.float", "expected the two ends"),
        ("{float: }", "x.float", "expected the two ends [low, high], got nothing"),
        ("{float: [0, 1], step: 2}", "x.step", "expected a step no larger than the range, 1, got 2.0"),
        ("{float: [0, 1], step: 0}", "x.step", "expected a step above 0"),
        ("{float: [0, 1], step: -0.1}", "x.step", "expected a step above 0"),
        ("{float: [0, 1], step: 0.3}", "x.step", "steps of 0.3 from 0.0 end at 0.9, not at 1.0; write [0.0, 0.9]"),
        ("{float: [0.1, 1], step: 0.1, log: true}", "x.step", "log and step exclude each other"),
        ("{float: [0, 1], low: 3}", "x.low", "unknown key; did you mean 'log'?"),
        ("{float: [0, 1], zzz: 3}", "x.zzz", "unknown key; float takes log, step, when, description"),
        ("{choice: [a, b], log: true}", "x.log", "unknown key; choice takes when, description"),
        ("{int: [1, 2.5]}", "x.int[1]", "expected a whole number, got 2.5 (number)"),
        ("{int: [1, 8], step: 0.5}", "x.step", "expected a whole number"),
        ("{int: [1, 8], step: 2}", "x.step", "steps of 2 from 1 end at 7, not at 8"),
        ("{choice: []}", "x.choice", "expected at least one value, got none"),
        ("{choice: {}}", "x.choice", "expected at least one value, got none"),
        ("{choice: adam}", "x.choice", "expected a list of values or a mapping of label to value, got 'adam' (text)"),
        ("{choice: [a, b, a]}", "x.choice[2]", "duplicate label 'a' (the same value twice)"),
        ('{choice: [1, "1"]}', "x.choice[1]", "duplicate label '1' (two values that read alike)"),
        ("{choice: [.nan]}", "x.choice[0]", "expected a finite number"),
        ("{ordinal: [none, none]}", "x.ordinal[1]", "duplicate label 'none'"),
        ("{choice: [a], ordinal: [a]}", "x", "expected a mapping with one of float, int, choice, ordinal, got choice and ordinal"),
        ("{uniform: [0, 1]}", "x", "expected a mapping with one of float, int, choice, ordinal"),
        ("[0, 1]", "x", "expected a mapping with one of float, int, choice, ordinal, got [0, 1] (list)"),
        ("5", "x", "got 5 (whole number)"),
        ("", "x", "got nothing"),
        ("{float: [0, 1], description: 5}", "x.description", "expected text, got 5"),
    ],
)
def test_impossible_parameters_are_refused_at_their_line(parameter: str, where: str, message: str) -> None:
    text = refused(f"first: {{int: [1, 2]}}\nx: {parameter}\n")
    assert text.startswith(f"{FILE}:2: {where}: ")
    assert message in text


def test_labels_are_text_and_values_keep_their_type() -> None:
    space = parse("x: {choice: [1, 1.0, true, false, null, '5', 1e-3, [512, 512], {name: rotate, degrees: 30}, none]}")
    parameter = space.parameters["x"]
    assert isinstance(parameter, ChoiceParameter)
    assert parameter.labels == (
        "1",
        "1.0",
        "true",
        "false",
        "null",
        "5",
        "0.001",
        "[512, 512]",
        '{"name": "rotate", "degrees": 30}',
        "none",
    )
    assert [type(value) for value in parameter.values.values()] == [int, float, bool, bool, type(None), str, float, list, dict, str]


def test_given_labels_name_their_values() -> None:
    parameter = parse("x: {ordinal: {default: null, 0.90: 0.9, true: 1}}").parameters["x"]
    assert dict(parameter.values) == {"default": None, "0.90": 0.9, "true": 1}  # type: ignore[union-attr]


def test_all_problems_of_a_space_are_reported() -> None:
    text = refused("a: {float: [1, 0]}\nb: {choice: []}\nc: {int: [1, 2]}\nname: 5\n")
    assert [line.split(": ")[0] for line in text.splitlines()] == [f"{FILE}:1", f"{FILE}:2", f"{FILE}:4"]


@pytest.mark.parametrize(
    ("points", "where", "message"),
    [
        ("{lr: 1}", "starting_points", "expected a list of points, got"),
        ("[5]", "starting_points[0]", "expected a mapping of parameter to value, got 5"),
        ("[{lr: 1.0e-3}, {lrr: 1.0e-3}]", "starting_points[1].lrr", "no parameter of this space; did you mean 'lr'?"),
        ("[{lr: 2.0}]", "starting_points[0].lr", "expected a number in [0.0001, 0.1], got 2.0 (number)"),
        ("[{drop: 0.15}]", "starting_points[0].drop", "in steps of 0.1 from 0.0, got 0.15"),
        ("[{opt: lion}]", "starting_points[0].opt", "expected one of adam, sgd, got 'lion' (text)"),
        ("[{opt: adam, mom: 0.9}]", "starting_points[0].mom", "is not active in this point (when: opt == sgd)"),
        ("[{units: 1.5}]", "starting_points[0].units", "expected a whole number in [1, 8]"),
    ],
)
def test_starting_points_must_lie_in_the_space(points: str, where: str, message: str) -> None:
    text = refused(
        "lr: {float: [1e-4, 1e-1], log: true}\ndrop: {float: [0.0, 0.6], step: 0.1}\nopt: {choice: [adam, sgd]}\n"
        f"mom: {{choice: [0.8, 0.9], when: opt == sgd}}\nunits: {{int: [1, 8]}}\nstarting_points: {points}\n"
    )
    assert text.startswith(f"{FILE}:6: {where}: ")
    assert message in text


def test_starting_points_are_stored_by_label_and_may_be_partial() -> None:
    space = parse(
        "b: {choice: [16, 32]}\nd: {float: [0, 1]}\nm: {choice: [1, 2], when: b == 16}\nstarting_points: [{b: 16}, {d: 1}, {m: 2}]\n"
    )
    assert space.starting_points == ({"b": "16"}, {"d": 1.0}, {"m": "2"})


def test_extending_replaces_adds_and_keeps_order(tmp_path: Path) -> None:
    base = "a: {int: [1, 4]}\nf: {ordinal: [none, half, all]}\nb: {choice: [x, y], when: f != all}\nstarting_points: [{a: 4, f: all}, {a: 1, f: none}]\n"
    (tmp_path / "base.yaml").write_text(base)
    space = parse("extends: base.yaml\nf: {ordinal: [none, half]}\nc: {float: [0, 1], when: b == x}\n", tmp_path)
    assert list(space.parameters) == ["a", "f", "b", "c"]
    assert space.name == "base"
    condition = space.parameters["b"].when
    assert condition is not None
    assert condition.text == "f in [none, half]", "an inherited condition is put in terms of the labels that are left"
    assert space.starting_points == ({"a": 4}, {"a": 1, "f": "none"}), "what no longer fits leaves the starting points"


def test_extending_drops_what_can_no_longer_be_active(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("f: {choice: [none, all]}\nb: {choice: [x, y], when: f == all}\nc: {int: [1, 2], when: b == x}\n")
    assert list(parse("extends: base.yaml\nf: {choice: [none]}\n", tmp_path).parameters) == ["f"]


def test_extending_with_another_kind_of_parameter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("f: {choice: [none, all]}\nb: {choice: [x, y], when: f == all}\n")
    assert "inherited parameter b: the condition 'f == all' compares f with text" in refused(
        "extends: base.yaml\nf: {int: [1, 3]}\n", tmp_path
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trasnfer", "got 'trasnfer'; did you mean 'transfer'?"),
        ("missing.yaml", "no space file"),
        ("extends: quik\n", "did you mean 'quick'?"),
        ("extends: [quick]\n", "extends: expected a shipped space or a file, got"),
        ("", "expected a shipped space"),
        ("[]", "got an empty list"),
        ("{}", "got an empty mapping"),
        ("description: nothing else\n", "expected at least one parameter"),
        ("extends: loop.yaml\n", "spaces extend each other in a circle: loop.yaml -> loop.yaml"),
    ],
)
def test_bad_references(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").write_text("extends: loop.yaml\na: {int: [1, 2]}\n")
    assert message in refused(text, tmp_path)


def test_problems_of_a_space_file_carry_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("a: {int: [1, 2]}\nb: {float: [2, 1]}\n")
    assert refused("mine.yaml", tmp_path).startswith(f"{tmp_path / 'mine.yaml'}:2: b.float: expected low <= high")


def test_load_space_by_name_and_from_python() -> None:
    assert load_space("quick").name == "quick"
    space = space_from_mapping({"lr": {"float": [1e-4, 1e-2], "log": True}})
    assert space.parameters["lr"] == FloatParameter("lr", 1e-4, 1e-2, log=True)
