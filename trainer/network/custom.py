"""A user's own backbone: ``package.module:function``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import keras


def load_function(reference: str, key: str) -> Callable[..., Any]:
    """The function that ``package.module:function`` names; modules beside the current folder are found too.

    Raises:
        ConfigError: no such module or function.
    """
    module_name, _, function_name = reference.partition(":")
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.append(here)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(
            f"{key}: cannot import {module_name!r} of {reference!r}: {error}. It is looked for on sys.path and in the current folder."
        ) from error
    finally:
        if added:
            sys.path.remove(here)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise ConfigError(f"{key}: module {module_name!r} has no function {function_name!r}.")
    return function  # type: ignore[no-any-return]


def custom_backbone(reference: str, input_shape: tuple[int, int, int], options: Mapping[str, Any]) -> keras.Model:
    """Call a user's builder as ``function(input_shape=(height, width, channels), **options)``.

    Raises:
        ConfigError: it does not return a functional or sequential model with one input and one output of these images.
    """
    import keras

    model = load_function(reference, "model.backbone")(input_shape=input_shape, **options)
    if isinstance(model, keras.Sequential):
        if not model.built:
            model.build((None, *input_shape))
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    if not isinstance(model, keras.Model) or not hasattr(model, "operations"):
        raise ConfigError(
            f"model.backbone: {reference} must return a functional or sequential keras.Model, got {type(model).__name__}; "
            "a subclassed model cannot be cut at a frozen boundary."
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ConfigError(
            f"model.backbone: {reference} must have one input and one output, got {len(model.inputs)} and {len(model.outputs)}."
        )
    if tuple(model.inputs[0].shape[1:]) != input_shape:
        raise ConfigError(
            f"model.backbone: {reference} was asked for input_shape={input_shape} but takes {tuple(model.inputs[0].shape[1:])}."
        )
    return model
