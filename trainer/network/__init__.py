"""Networks: building, freezing, BatchNorm, preprocessing, weights and export. Names and keys need no TensorFlow; it is imported when something is built."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from trainer.backbones import BACKBONES, Backbone, available, backbone_info
from trainer.network.compile_key import compile_key

if TYPE_CHECKING:
    from trainer.network.build import build_backbone, build_model
    from trainer.network.inspect import layer_table, model_facts, resolve_boundary
    from trainer.network.parts import BuiltModel, Split, split_at
    from trainer.network.weights import export_model, save_backbone


__all__ = [
    "BACKBONES",
    "Backbone",
    "BuiltModel",
    "Split",
    "available",
    "backbone_info",
    "build_backbone",
    "build_model",
    "compile_key",
    "export_model",
    "layer_table",
    "model_facts",
    "resolve_boundary",
    "save_backbone",
    "split_at",
]

_MODULES = {
    "build": ("build_backbone", "build_model"),
    "inspect": ("layer_table", "model_facts", "resolve_boundary"),
    "parts": ("BuiltModel", "Split", "split_at"),
    "weights": ("export_model", "save_backbone"),
}


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"trainer.network.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
