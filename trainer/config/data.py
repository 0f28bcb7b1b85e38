"""Where images come from, how they are split, prepared and augmented."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from trainer.augmentation import policy_from
from trainer.config.base import Settings, setting
from trainer.errors import ConfigError
from trainer.places import is_address, parse_address
from trainer.user_code import check_reference, is_reference

Fraction = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class SplitConfig(Settings):
    """How images are divided; ignored for the parts that the source already gives."""

    train: Fraction | Count = setting(0.7)
    """A fraction in (0, 1) of the images, or a whole number of images."""
    validation: Fraction | Count | Literal["train"] = setting(0.15)
    """A fraction, a number of images, or ``train``: validate on the training images, all of them unless `train` or `test` are given too
    (a study of memorisation; the pre-flight finding must be allowed by name)."""
    test: Annotated[float, Field(ge=0, lt=1)] | Annotated[int, Field(ge=0)] = setting(0.15)
    """A fraction, a number of images, or 0 for no test split."""
    seed: int = setting(0, ge=0)
    """Seed of the split; the same for every trial of a study."""
    stratify: bool = setting(default=True)
    """Keep the share of each class equal in every part."""

    @model_validator(mode="before")
    @classmethod
    def _all_images_train(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the file says
        """``validation: train`` holds nothing back unless asked to: every image trains, and there is no test part."""
        if isinstance(given, dict) and given.get("validation") == "train":
            return {"train": 1.0, "test": 0, **given}
        return given


class DataConfig(Settings):
    """The images of a study. Source and split are part of what a study *is* and are never searched."""

    source: str = setting(min_length=1)
    """A folder of class folders, ``manifest.csv``/``.parquet``, ``arrays.npz``, each local or at ``s3://`` or ``gs://``;
    ``digits``, ``keras:NAME`` (mnist, cifar10, ...) or ``package.module:function``."""
    image_size: Count | tuple[Count, Count] | None = setting(None)
    """Height and width in pixels, one number for a square; default: the size of the source's images, which must then agree."""
    color: Literal["auto", "grey", "rgb"] = setting("auto")
    """Channels given to the model: as in the files, one, or three."""
    classes: tuple[str, ...] | None = setting(None)
    """Use only these classes, in this order; default: all, sorted."""
    split: SplitConfig = setting(default_factory=SplitConfig)
    """How images are divided into training, validation and test."""
    preprocessing: Literal["auto", "rescale", "standardize", "none", "per_image_max"] = setting("auto", searchable=True)
    """``auto``: what the backbone was trained with, else ``rescale`` (1/255). ``per_image_max`` exists to reproduce a known failure."""
    augmentation: str | dict[str, Any] | tuple[dict[str, Any], ...] = setting("none", searchable=True)
    """A named policy (``steadysweep augmentations``), a policy with parameters (``{name: rotate, degrees: 30, share: .5}``), or a list of Keras layers with arguments."""
    imbalance: Literal["none", "class_weight", "resample"] = setting("none", searchable=True)
    """Counter class imbalance by loss weights or by resampling the training images."""
    on_unreadable: Literal["fail", "skip"] = setting("fail")
    """What an unreadable image file does: stop with its name, or be skipped and counted."""
    cache_memory_gb: float = setting(2.0, ge=0)
    """Decoded images are kept in memory up to this many GB a process, else on disk."""
    cache_path: str | None = setting(None)
    """Node-local folder for decoded images, data brought from object storage and checkpoints on their way there; default: the user's cache folder."""
    cache_disk_gb: float = setting(50.0, gt=0)
    """Decoded images and data brought from object storage, least recently used first and none that is in use, are removed from that folder beyond this many GB."""
    sampling: Literal["every_image", "with_replacement", "alternating_halves", "leftover_batch"] = setting("every_image", searchable=True)
    """Training images of an epoch. All but ``every_image`` reproduce input paths that are known to fail: ``with_replacement`` draws at random and never covers the data,
    ``alternating_halves`` shows one half in odd epochs and the other in even ones, ``leftover_batch`` all full batches in odd epochs, the partial one in even ones."""
    validation_windows: Literal["all", "floor_batches"] = setting("all", searchable=True)
    """``all``: every validation image each epoch. ``floor_batches``: another window each epoch, as a generator does that keeps its counter between epochs."""

    @field_validator("source")
    @classmethod
    def _usable_address(cls, value: str) -> str:
        """Refuse an address that cannot be used, above all one with credentials in it, and a function whose module ours hides."""
        try:
            if is_address(value):
                parse_address(value, "data.source")
            elif is_reference(value) and not value.startswith("keras:"):
                check_reference(value, "data.source")
        except ConfigError as error:
            raise ValueError(str(error).removeprefix("data.source: ")) from None
        return value

    @field_validator("cache_path")
    @classmethod
    def _local_cache(cls, value: str | None) -> str | None:
        """A cache is for one machine."""
        if value is not None and is_address(value):
            raise ValueError("a cache is a folder on a local disk of each machine, not an address")
        return value

    @field_validator("augmentation")
    @classmethod
    def _known_augmentation(
        cls, value: str | dict[str, Any] | tuple[dict[str, Any], ...]
    ) -> str | dict[str, Any] | tuple[dict[str, Any], ...]:
        """Refuse an unknown policy or parameter while the file's line is still known."""
        try:
            policy_from(value)
        except ConfigError as error:
            raise ValueError(str(error).removeprefix("data.augmentation: ")) from error
        return value
