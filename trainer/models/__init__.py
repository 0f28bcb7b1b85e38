"""Backbones, heads, weights, export. Names and keys need no TensorFlow; it is imported when something is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.models.compile_key import compile_key
from trainer.models.registry import BACKBONES, Backbone, available, backbone_info

if TYPE_CHECKING:
    from trainer.freezing.split import Split, split_at
    from trainer.models.build import build_backbone, build_model
    from trainer.models.built import BuiltModel
    from trainer.models.export import export_model, save_backbone
    from trainer.models.inspect import layer_table, model_facts, resolve_boundary

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

_HOME = {
    "BuiltModel": "trainer.models.built",
    "Split": "trainer.freezing.split",
    "split_at": "trainer.freezing.split",
    "build_backbone": "trainer.models.build",
    "build_model": "trainer.models.build",
    "export_model": "trainer.models.export",
    "save_backbone": "trainer.models.export",
    "layer_table": "trainer.models.inspect",
    "model_facts": "trainer.models.inspect",
    "resolve_boundary": "trainer.models.inspect",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        import importlib

        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
