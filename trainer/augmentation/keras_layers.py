"""A list of Keras's own random image layers, made to depend on (seed, epoch, image) alone."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the types of a policy's fields are read when it is made
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from trainer.augmentation.policy import Drawn, Policy
from trainer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainer.augmentation.draws import Draws

LARGEST_SEED = 2**31 - 1
_APART = 1009
"""Sets the layers of a list apart; a layer draws far fewer numbers than this."""

MIXING = {"MixUp": "mixup", "CutMix": "cutmix"}


@dataclass(frozen=True)
class KerasLayers(Policy):
    """Apply Keras's random image layers one after another, with their own arguments.

    Keras draws for a whole batch from a counter; here every image is drawn by itself from its own seed, so this is several times slower
    than the named policies.

    Attributes:
        layers: class names in `keras.layers` with their arguments.
    """

    name: ClassVar[str] = "layers"
    at_once: ClassVar[bool] = False  # Keras's arithmetic rounds differently once optimised
    layers: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def draw(self, draws: Draws, shape: tuple[int, int, int]) -> Drawn:  # noqa: ARG002
        """Draw one seed for each image."""
        seeds = [draws.integers(f"seed {half}", LARGEST_SEED) for half in range(2)]
        return {"seed": np.stack(seeds, axis=1).astype(np.int32)}

    def apply(self, images: Any, drawn: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Run the layers on one image after another."""
        return self.applier()(images, drawn)

    def applier(self) -> Callable[[Any, Mapping[str, Any]], Any]:
        """Build the layers: they own variables, which a function being traced may not make."""
        layers = [_build(name, arguments) for name, arguments in self.layers]
        return lambda images, drawn: _one_by_one(layers, images, drawn["seed"])


def _one_by_one(layers: Sequence[Any], images: Any, seeds: Any) -> Any:  # noqa: ANN401 - Keras layers, TensorFlow tensors
    import tensorflow as tf

    shape = images.shape[1:]

    def one(element: tuple[Any, Any]) -> Any:  # noqa: ANN401
        image, seed = element
        image = image[None]
        for number, layer in enumerate(layers):
            generator = _image_seeds(seed + tf.constant([0, _APART * number]))
            image = layer.transform_images(image, layer.get_random_transformation(image, training=True, seed=generator), training=True)
        return tf.ensure_shape(tf.cast(image[0], tf.float32), shape)

    return tf.map_fn(one, (images, seeds), fn_output_signature=tf.TensorSpec(shape, tf.float32))


def _build(name: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a Keras layer
    import keras

    if name in MIXING:
        raise ConfigError(
            f"data.augmentation: {name} mixes whole batches and cannot stand in a list of layers; use the policy {MIXING[name]}"
        )
    layer_class: Any = getattr(keras.layers, name, None)
    if not hasattr(layer_class, "get_random_transformation"):
        known = sorted(other for other in dir(keras.layers) if hasattr(getattr(keras.layers, other), "get_random_transformation"))
        raise ConfigError(f"data.augmentation: {name!r} is no random image layer of Keras; known: {', '.join(known)}")
    try:
        return layer_class(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"data.augmentation: keras.layers.{name}({arguments}) was refused: {error}") from error


def _image_seeds(seed: Any) -> Any:  # noqa: ANN401 - TensorFlow tensors
    """A Keras seed generator without state: its k-th number is a function of the image's seed and k."""
    import keras
    import tensorflow as tf

    class ImageSeeds(keras.random.SeedGenerator):  # type: ignore[misc]
        def __init__(self) -> None:  # no variable: the state of the base class is what makes draws depend on order
            self.drawn = 0

        def next(self, ordered: bool = True) -> Any:  # noqa: ANN401, ARG002, FBT001, FBT002 - Keras's signature
            self.drawn += 1
            return tf.cast(seed + tf.constant([self.drawn, 0]), tf.uint32)

    return ImageSeeds()
