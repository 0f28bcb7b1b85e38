"""Scaling of raw pixels for the backbone, as layers of the model."""

from trainer.preprocessing.families import FAMILIES, Family, family_of
from trainer.preprocessing.kind import Kind, expected_kind, preprocessing_kind
from trainer.preprocessing.layers import preprocessing_layers

__all__ = ["FAMILIES", "Family", "Kind", "expected_kind", "family_of", "preprocessing_kind", "preprocessing_layers"]
