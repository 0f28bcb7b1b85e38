"""Properties that must hold of every space, checked on random ones with conditions."""

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import (
    SearchSpace,
    fix,
    grid_points,
    is_narrowing,
    load_yaml,
    parse_space,
    size,
    space_fingerprint,
    space_from_mapping,
    space_to_mapping,
)

LABELS = st.one_of(
    st.integers(-3, 20),
    st.booleans(),
    st.none(),
    st.floats(-10, 10).map(lambda number: round(number, 3)),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="'\"\\"), min_size=1, max_size=6),
    st.lists(st.integers(1, 9), max_size=2),
)


@st.composite
def spaces(draw: st.DrawFn, *, finite: bool = False) -> SearchSpace:
    """Up to five parameters, each perhaps conditional on an earlier one."""
    mapping: dict[str, Any] = {}
    for index in range(draw(st.integers(1, 5))):
        parameter = draw(_parameters(finite=finite))
        earlier = SearchSpace({}) if not mapping else space_from_mapping(mapping)
        if mapping and draw(st.booleans()):
            parameter["when"] = draw(_conditions(earlier))
        mapping[f"p{index}"] = parameter
    return space_from_mapping(mapping)


@st.composite
def _parameters(draw: st.DrawFn, *, finite: bool) -> dict[str, Any]:
    kind = draw(
        st.sampled_from(["int", "choice", "ordinal", "stepped"] if finite else ["float", "log", "int", "choice", "ordinal", "stepped"])
    )
    if kind in ("choice", "ordinal"):
        return {kind: draw(st.lists(LABELS, min_size=1, max_size=4, unique_by=lambda value: str(yaml_label(value))))}
    if kind == "int":
        low, step, count = draw(st.integers(-5, 5)), draw(st.integers(1, 3)), draw(st.integers(0, 3))
        return {"int": [low, low + step * count], **({"step": step} if count else {})}
    if kind == "stepped":
        low, count = draw(st.integers(-10, 10)), draw(st.integers(1, 4))
        return {"float": [low / 10, (low + count) / 10], "step": 0.1}
    low_end = draw(st.floats(1e-6, 1.0)) if kind == "log" else draw(st.floats(-5, 5))
    return {"float": [low_end, low_end + draw(st.floats(0, 5))], "log": kind == "log"}


def yaml_label(value: Any) -> str:  # noqa: ANN401
    return space_from_mapping({"x": {"choice": [value]}}).parameters["x"].labels[0]  # type: ignore[union-attr]


@st.composite
def _conditions(draw: st.DrawFn, space: SearchSpace) -> str:
    name = draw(st.sampled_from(sorted(space.parameters)))
    values = space.parameters[name].finite_values()
    value = draw(st.sampled_from(list(values))) if values is not None else space.parameters[name].low  # type: ignore[union-attr]
    text = f"'{value}'" if isinstance(value, str) else repr(value)
    return f"{name} == {text}" if draw(st.booleans()) else f"{name} in [{text}]"


@given(spaces())
@settings(max_examples=150, deadline=None)
def test_a_space_survives_plain_data(space: SearchSpace) -> None:
    mapping = space_to_mapping(space)
    assert space_from_mapping(mapping) == space
    assert space_fingerprint(space_from_mapping(mapping)) == space_fingerprint(space)
    assert is_narrowing(space, space)


@given(spaces(finite=True))
@settings(max_examples=100, deadline=None)
def test_a_grid_holds_every_active_point_once(space: SearchSpace) -> None:
    points = [tuple(point.items()) for point in grid_points(space)]
    everything = itertools.product(*(parameter.finite_values() or () for parameter in space.parameters.values()))
    brute = {tuple(space.active(dict(zip(space.parameters, values, strict=True))).items()) for values in everything}
    assert len(points) == len(set(points)) == size(space)
    assert set(points) == brute


@given(spaces(finite=True), st.data())
@settings(max_examples=60, deadline=None)
def test_fixing_a_parameter_leaves_the_points_that_agree(space: SearchSpace, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(name for name, parameter in space.parameters.items() if parameter.when is None)))
    value = data.draw(st.sampled_from(list(space.parameters[name].finite_values() or ())))
    given_value = getattr(space.parameters[name], "values", {}).get(value, value)
    left = {tuple(point.items()) for point in grid_points(fix(space, name, given_value))}
    agreeing = {tuple((key, found) for key, found in point.items() if key != name) for point in grid_points(space) if point[name] == value}
    assert left == agreeing


@given(st.integers(-1000, 1000), st.integers(1, 999), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_steps_have_no_rounding(low: int, step: int, count: int) -> None:
    parameter = space_from_mapping({"x": {"float": [low / 1000, (low + step * count) / 1000], "step": step / 1000}}).parameters["x"]
    values = parameter.finite_values() or ()
    assert list(values) == [(low + step * index) / 1000 for index in range(count + 1)]
    for index, value in enumerate(values):
        noisy = low / 1000 + index * (step / 1000)
        assert parameter.contains(min(noisy, values[-1]))
        assert parameter.canonical(noisy) == value


def test_parse_space_reads_the_same_from_text() -> None:
    text = "a: {choice: [1, 1.0, 'no', off]}\nb: {float: [1e-5, 1], log: true, when: a == 1.0}\n"
    assert space_from_mapping(space_to_mapping(parse_space(load_yaml(text, "f")))) == parse_space(load_yaml(text, "f"))
