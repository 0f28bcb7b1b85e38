"""Search spaces: YAML to typed parameters and back. Knows no other package of the project."""

from search_spaces.conditions import AllOf, AnyOf, Condition, PointValue, When
from search_spaces.errors import KeyPath, Problem, SpaceError, key_text
from search_spaces.label_parameters import ChoiceParameter, OrdinalParameter
from search_spaces.located_yaml import Located, load_yaml, load_yaml_file
from search_spaces.narrowing import Narrowing, fix, is_narrowing
from search_spaces.number_parameters import FloatParameter, IntParameter
from search_spaces.parameters import Parameter
from search_spaces.parsing import load_space, parse_space, space_from_mapping
from search_spaces.space import (
    SearchSpace,
    continuous_parameters,
    grid_points,
    shipped,
    shipped_names,
    shipped_text,
    size,
    space_fingerprint,
    space_to_mapping,
)

__all__ = [
    "AllOf",
    "AnyOf",
    "ChoiceParameter",
    "Condition",
    "FloatParameter",
    "IntParameter",
    "KeyPath",
    "Located",
    "Narrowing",
    "OrdinalParameter",
    "Parameter",
    "PointValue",
    "Problem",
    "SearchSpace",
    "SpaceError",
    "When",
    "continuous_parameters",
    "fix",
    "grid_points",
    "is_narrowing",
    "key_text",
    "load_space",
    "load_yaml",
    "load_yaml_file",
    "parse_space",
    "shipped",
    "shipped_names",
    "shipped_text",
    "size",
    "space_fingerprint",
    "space_from_mapping",
    "space_to_mapping",
]
