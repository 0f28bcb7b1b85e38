"""Which trials are best run in the same warm process."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPILED = {
    "data": ("source", "image_size", "color", "preprocessing", "augmentation"),
    "model": ("backbone", "weights", "options", "pooling", "dense", "activation", "head_bn", "output", "frozen_layers", "frozen_bn"),
    "training": ("batch_size", "optimizer", "mixed_precision", "jit_compile", "steps_per_execution"),
}
"""Settings that shape the compiled step; all others are values it reads."""


def compile_key(config: Mapping[str, Any]) -> str:
    """Equal for trainings that can share a compiled model.

    Args:
        config: the resolved training settings as plain data.
    """
    shape = {section: {name: config.get(section, {}).get(name) for name in names} for section, names in COMPILED.items()}
    return hashlib.blake2b(json.dumps(shape, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()
