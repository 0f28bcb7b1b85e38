"""Which scaling a configuration means; no TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from trainer.preprocessing.families import family_of
from trainer.preprocessing.recorded import recorded_scaling

if TYPE_CHECKING:
    from trainer.config import TrainConfig

Kind = Literal["caffe", "torch", "tf", "rescale", "standardize", "none"]


def preprocessing_kind(config: TrainConfig) -> Kind:
    """The scaling that the model's first layers do to raw pixels in [0, 255].

    ``auto`` is what the backbone was trained with, ``none`` where it scales inside, and ``rescale`` for all other backbones.
    ``per_image_max`` is done while batches are made, so that nothing is left for the model.
    """
    setting = config.data.preprocessing
    if setting == "auto":
        return expected_kind(config)
    return "none" if setting == "per_image_max" else setting


def expected_kind(config: TrainConfig) -> Kind:
    """The scaling that suits the backbone: what its weights file says, what its ImageNet weights were trained with, else ``rescale``."""
    recorded = recorded_scaling(config.model.weights)
    if recorded is not None:
        return recorded
    family = family_of(config.model.backbone)
    if family is None:
        return "rescale"
    if family.scaling != "inside":
        return family.scaling
    if config.model.options.get("include_preprocessing", True):
        return "none"
    # what the left-out layers would have done
    return _left_out(family.module, config.model.backbone)


def _left_out(module: str, backbone: str) -> Kind:
    """Scaling of a family that was told to leave its own out. Source: `keras.applications.{convnext, efficientnet_v2, mobilenet_v3}`."""
    if module == "efficientnet_v2" and backbone.lower().rsplit("v2", 1)[-1].strip("_-").startswith("b"):
        return "torch"
    return "torch" if module == "convnext" else "tf"
