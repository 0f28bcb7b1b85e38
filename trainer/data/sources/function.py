"""A user's own function that returns the images: ``package.module:function``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.data.images import ImageData
from trainer.data.sources.arrays import from_arrays, from_parts
from trainer.errors import DataError

if TYPE_CHECKING:
    from trainer.data.collected import Collected

PAIR = 2


def collect_function(name: str) -> Collected:
    """Call the function, without arguments.

    It returns ``(images, labels)``, which are split as `data.split` says, or an `ImageData`, whose parts are kept.

    Raises:
        DataError: it cannot be imported, or returns something else. An error inside the function passes through.
    """
    module_name, _, attribute = name.partition(":")
    try:
        function: Any = importlib.import_module(module_name)
        for step in attribute.split("."):
            function = getattr(function, step)
    except (ImportError, AttributeError, ValueError) as error:
        raise DataError(f"data.source: {name} cannot be imported ({error}); expected package.module:function on the Python path") from error
    if not callable(function):
        raise DataError(f"data.source: {name} is a {type(function).__name__}, not a function")
    result = function()
    if isinstance(result, ImageData):
        parts = {part: (images.images, images.labels) for part, images in result.parts()}
        return from_parts(parts, where=name, class_names=result.class_names)  # type: ignore[arg-type]  # part names are the literals
    if isinstance(result, tuple) and len(result) == PAIR:
        return from_arrays(np.asarray(result[0]), np.asarray(result[1]), where=name)
    raise DataError(f"data.source: {name} returned {type(result).__name__}; expected (images, labels) or trainer.data.ImageData")
