"""The typed settings of one training: its images, its network, how it is fitted. No TensorFlow."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from trainer.augmentation import policy_from
from trainer.backbones import backbone_info, brings_weights
from trainer.errors import ConfigError, nearest
from trainer.metric_names import Direction, MetricName, direction_problem, measured_on_demand, metric_named, minimizes
from trainer.places import is_address, parse_address
from trainer.user_code import check_reference, is_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo


class Settings(BaseModel):
    """Base of all settings: immutable, strict about unknown keys, compared by value."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


def setting(default: Any = ..., *, searchable: bool = False, **constraints: Any) -> Any:  # noqa: ANN401 - mirrors pydantic.Field
    """Declare a field of a `Settings` class; its docstring is its documentation.

    Args:
        default: value when the key is absent; ``...`` makes the key required.
        searchable: whether a search space may vary it (DESIGN: a typed allow-list).
        **constraints: passed to `pydantic.Field` (``ge``, ``le``, ``gt``, ``default_factory``, ...).
    """
    if "default_factory" not in constraints:
        constraints["default"] = default
    return Field(json_schema_extra={"searchable": True} if searchable else None, **constraints)


def searchable_settings(settings: type[Settings]) -> Mapping[str, FieldInfo]:
    """The fields of `settings` that a search space may vary, by name."""
    return {
        name: field
        for name, field in settings.model_fields.items()
        if cast("dict[str, Any]", field.json_schema_extra or {}).get("searchable")
    }


@contextlib.contextmanager
def _refused(key: str) -> Iterator[None]:
    """Errors of ours as the `ValueError` that pydantic reports with the key itself."""
    try:
        yield
    except ConfigError as error:
        raise ValueError(str(error).removeprefix(f"{key}: ")) from error


Fraction = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
SourceName = Annotated[str, Field(min_length=1)]
Augmentation = str | dict[str, Any] | tuple[dict[str, Any], ...]


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
    validation_seed: int | None = setting(None, ge=0)
    """Draw training and validation images by this seed in place of `seed`, from all that are not test images; the test images stay those of `seed`.
    Confirmations with `resplit` use it."""
    stratify: bool = setting(default=True)
    """Keep the share of each class equal in every part."""
    folds: int | None = setting(None, ge=2)
    """Divide all images but the test part into so many folds. A training then trains a model for each fold, on the images of the others, and validates it on the fold's;
    its figures are the means over the folds. `train` and `validation` have no meaning then."""
    only_fold: int | None = setting(None, ge=1)
    """Train the model of this one of the `folds` alone, counted from 1."""
    groups: str | None = setting(None, min_length=1)
    """Column of a manifest, a Parquet file or TFRecords, or array of an ``.npz``, that names each image's group (a patient, a scene), which is never divided;
    default: ``group``, or ``groups`` of an ``.npz``, where there is one."""

    @property
    def trains_folds(self) -> bool:
        """Whether a training has a model for each fold."""
        return self.folds is not None and self.only_fold is None

    @model_validator(mode="after")
    def _folds_or_parts(self) -> Self:
        """Refuse what folds leave without a meaning."""
        if self.folds is None:
            if self.only_fold is not None:
                raise ValueError(f"only_fold: {self.only_fold} needs folds, the number of them; e.g. folds: 5")
            return self
        if self.only_fold is not None and self.only_fold > self.folds:
            raise ValueError(f"only_fold: expected 1 to {self.folds}, the number of folds, got {self.only_fold}")
        if self.validation == "train":
            raise ValueError(
                "folds: validation: train has no validation images of its own, so that there are none to take in turn; leave one out"
            )
        for name in ("train", "validation"):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(
                    f"folds: each fold validates in turn and the other {self.folds - 1} train; leave out {name}: {getattr(self, name)}, or folds"
                )
        return self

    @model_validator(mode="before")
    @classmethod
    def _all_images_train(cls, given: Any) -> Any:  # noqa: ANN401 - whatever the file says
        """``validation: train`` holds nothing back unless asked to: every image trains, and there is no test part."""
        if isinstance(given, dict) and given.get("validation") == "train":
            return {"train": 1.0, "test": 0, **given}
        return given


class DataConfig(Settings):
    """The images of a study. Source and split are part of what a study *is* and are never searched."""

    source: SourceName | tuple[SourceName, ...] = setting(min_length=1)
    """A folder of class folders, ``manifest.csv``/``.parquet``, Parquet with image bytes, TFRecord files, ``arrays.npz``, each local or at ``s3://`` or ``gs://``;
    ``digits``, ``keras:NAME`` (mnist, cifar10, ...), ``hf:NAME``, ``tfds:NAME`` or ``package.module:function``; a list joins several."""
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
    augmentation: Augmentation = setting("none", searchable=True)
    """A named policy (``steadysweep augmentations``), a policy with parameters (``{name: rotate, degrees: 30, share: .5}``), or a list of Keras layers with arguments."""
    imbalance: Literal["none", "class_weight", "resample"] = setting("none", searchable=True)
    """Counter class imbalance by loss weights or by resampling the training images."""
    class_weights: dict[str, Annotated[float, Field(ge=0, le=1000)]] = setting(default_factory=dict)
    """Weight of a class's images in the loss, by its name: ``{daisy: 2.0}``; 1 for classes that are not named. What `imbalance` gives is multiplied with it."""
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

    def of_fold(self, fold: int | None) -> DataConfig:
        """The same images for the model of one fold alone, counted from 1; None: for those of all folds."""
        return self.model_copy(update={"split": self.split.model_copy(update={"only_fold": fold})})

    @field_validator("source")
    @classmethod
    def _usable_address(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        """Refuse an address that cannot be used, above all one with credentials in it, and a function whose module ours hides."""
        every = (value,) if isinstance(value, str) else value
        with _refused("data.source"):
            for each in every:
                if is_address(each):
                    parse_address(each, "data.source")
                elif is_reference(each):
                    check_reference(each, "data.source")
            if len(set(every)) < len(every):
                raise ConfigError("data.source: a source is named twice")
        return every[0] if len(every) == 1 else value

    @property
    def sources(self) -> tuple[str, ...]:
        """All sources, usually one."""
        return (self.source,) if isinstance(self.source, str) else self.source

    @property
    def source_text(self) -> str:
        """All sources as a message names them."""
        return " + ".join(self.sources)

    @field_validator("cache_path")
    @classmethod
    def _local_cache(cls, value: str | None) -> str | None:
        """A cache is for one machine."""
        if value is not None and is_address(value):
            raise ValueError("a cache is a folder on a local disk of each machine, not an address")
        return value

    @field_validator("augmentation")
    @classmethod
    def _known_augmentation(cls, value: Augmentation) -> Augmentation:
        """Refuse an unknown policy or parameter while the file's line is still known."""
        with _refused("data.augmentation"):
            policy_from(value)
        return value


FrozenForm = Literal["none", "all", "percent", "blocks", "weighted", "layer"]
_FROZEN_FORMS: Mapping[FrozenForm, str] = {
    "none": r"none",
    "all": r"all",
    "percent": r"(\d+(?:\.\d+)?)\s*%",
    "blocks": r"(\d+)\s+blocks?",
    "weighted": r"weighted:\s*(\d+)",
    "layer": r"([A-Za-z_][\w./-]*)",
}
_ALL_PERCENT = 100


def parse_frozen_layers(given: object) -> tuple[FrozenForm, str]:
    """The form of a ``frozen_layers`` setting, and the number or name in it; `trainer.network.boundary` resolves it on a backbone.

    Args:
        given: ``none``, ``all``, ``75%`` (0 to 100), ``4 blocks``, a layer's name, or ``weighted:20``.

    Raises:
        ValueError: any other form. A bare number is refused: 20 layers are 88 % of VGG19's parameters and .5 % of ResNet50's.
    """
    accepted = "none, all, a share of the blocks such as '75%', '4 blocks', a layer's name, or 'weighted:20'"
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise ValueError(f"expected {accepted}, got {given!r}")  # noqa: TRY004 - pydantic reports ValueError alone
    text = str(given).strip()
    if re.fullmatch(r"[-+]?\d+(?:\.\d*)?", text) or not isinstance(given, str):
        raise ValueError(
            "a bare number means different things in different backbones: write '4 blocks' for blocks from the input, "
            f"'weighted:20' for layers with weights, or a share such as '75%'; got {given!r}"
        )
    for form, pattern in _FROZEN_FORMS.items():
        if match := re.fullmatch(pattern, text):
            value = match[1] if match.groups() else ""
            if form == "percent" and float(value) > _ALL_PERCENT:
                raise ValueError(f"expected a share from 0% to 100%, got {text!r}, which is beyond the backbone")
            return form, value
    raise ValueError(f"expected {accepted}, got {text!r}")


Rate = Annotated[float, Field(ge=0, lt=1)]


class ModelConfig(Settings):
    """The network: a backbone up to its features and a head on top."""

    backbone: str = setting("small_resnet", searchable=True)
    """A name from ``steadysweep models``, ``package.module:function`` returning a Keras model, a ``.keras`` file (its head is dropped) or ``keras_hub:PRESET``."""
    weights: str | None = setting(None)
    """``imagenet``, a file (``.weights.h5``, ``.keras``), ``own`` (what a ``package.module:function`` loaded itself), or nothing, which may be
    written ``none``: random initial weights. A ``.keras`` file or a preset as backbone brings its own."""
    options: dict[str, Any] = setting(default_factory=dict)
    """Arguments of the backbone's builder, e.g. ``{filters: [16, 32]}`` for ``small_resnet`` or ``plain_cnn``."""
    pooling: Literal["avg", "max", "flatten"] = setting("avg", searchable=True)
    """How the backbone's feature map becomes a vector."""
    dense: tuple[Count, ...] = setting((), searchable=True)
    """Widths of the dense layers between the features and the output."""
    activation: str = setting("relu", searchable=True)
    """Activation of the dense layers."""
    dropout: Rate | tuple[Rate, ...] = setting(0.0, searchable=True)
    """Dropout rate before each dense layer and before the output; a list gives each its own, the output's last."""
    head_bn: bool = setting(default=False, searchable=True)
    """BatchNorm after each dense layer of the head (on the features where there is none)."""
    output: Literal["auto", "softmax", "sigmoid"] = setting("auto")
    """``sigmoid`` is one unit for two classes; the loss follows from it. ``auto``: softmax."""
    frozen_layers: Annotated[str, BeforeValidator(lambda given: parse_frozen_layers(given) and given)] = setting("none", searchable=True)
    """``none``, ``all``, ``75%`` (of the blocks, from the input), ``4 blocks``, a layer's name, or ``weighted:20``."""
    bn_momentum: float | None = setting(None, ge=0, lt=1, searchable=True)
    """Momentum of every BatchNorm layer, nested ones too; default: as the backbone defines it."""
    frozen_bn: Literal["inference", "batch", "reestimate"] = setting("inference", searchable=True)
    """What frozen BatchNorm layers normalise by while training: stored statistics (Keras 3), the batch's (Keras 2.x), or statistics re-estimated on these images."""

    @field_validator("weights", mode="before")
    @classmethod
    def _none_is_a_word(cls, value: object) -> object:
        """``none`` is what people write for nothing; YAML's own word is ``null``."""
        return None if value == "none" else value

    @field_validator("backbone")
    @classmethod
    def _known_backbone(cls, value: str) -> str:
        """Refuse an unknown backbone, or one whose module ours hides, while the file's line is still known."""
        with _refused("model.backbone"):
            if backbone_info(value) is None and not brings_weights(value):
                check_reference(value, "model.backbone")
        return value

    @model_validator(mode="after")
    def _its_own_weights(self) -> Self:
        """A backbone that comes with weights keeps them; ``load_weights: false`` asks KerasHub for the architecture alone."""
        if self.weights is None and brings_weights(self.backbone) and self.options.get("load_weights") is not False:
            object.__setattr__(self, "weights", "own")  # frozen from here on
        return self


def _known_metric(value: str) -> str:
    """Refuse an unknown metric while the file's line is still known."""
    with _refused("metric"):
        metric_named(value)
    return value


def _known_loss(value: str) -> str:
    """Refuse an unknown loss while the file's line is still known."""
    if value in LOSSES:
        return value
    if not is_reference(value):
        raise ValueError(f"no loss is called {value!r}{nearest(value, LOSSES)}; expected {', '.join(LOSSES)}, or package.module:function")
    with _refused("training.loss"):
        check_reference(value, "training.loss")
    return value


def _callback(value: str) -> str:
    """Refuse what is no reference to a class."""
    if not is_reference(value):
        raise ValueError(f"expected package.module:Class, a Keras callback of yours, got {value!r}")
    with _refused("training.callbacks"):
        check_reference(value, "training.callbacks")
    return value


def loss_name(setting: str, units: int) -> str:
    """What ``training.loss`` means for a network of so many outputs."""
    return setting if setting != "auto" else "binary_crossentropy" if units == 1 else "categorical_crossentropy"


LOSSES = ("auto", "focal", "binary_crossentropy")
FOCAL_OPTIONS = ("gamma", "alpha")
Metric = Annotated[str, AfterValidator(_known_metric)]


class TrainingConfig(Settings):
    """How the model is fitted. Epochs are never searched; stopping is the pruner's or early stopping's."""

    epochs: int = setting(20, ge=1)
    """Epochs of a complete training."""
    batch_size: int = setting(32, ge=1, searchable=True)
    """Images per optimiser step."""
    accumulate: int = setting(1, ge=1)
    """Micro-batches that a batch is computed in, one after the other: each step is that of the whole batch, with the memory of ``batch_size / accumulate`` images.
    Must divide `batch_size`. The result is the same up to rounding and dropout masks; refused where BatchNorm layers are trained, for which it is not."""
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "lion"] = setting("adam", searchable=True)
    """``sgd`` uses `momentum`."""
    learning_rate: float = setting(1e-3, gt=0, searchable=True)
    """Peak learning rate of the head, and of the backbone unless `backbone_learning_rate_factor` says otherwise."""
    backbone_learning_rate_factor: float = setting(1.0, ge=0, le=10, searchable=True)
    """The backbone's learning rate as a factor of `learning_rate`."""
    momentum: float = setting(0.9, ge=0, lt=1, searchable=True)
    """Momentum of ``sgd`` and ``rmsprop``."""
    schedule: Literal["constant", "cosine", "step", "plateau"] = setting("constant", searchable=True)
    """``cosine`` falls to 0 over the epochs; ``step`` and ``plateau`` multiply by `schedule_factor`."""
    warmup_epochs: float = setting(0.0, ge=0, searchable=True)
    """Epochs of linear warm-up from 0, in steps; fractions allowed."""
    schedule_factor: float = setting(0.5, gt=0, lt=1, searchable=True)
    """Factor of ``step`` and ``plateau``."""
    schedule_patience: int = setting(10, ge=1, searchable=True)
    """Epochs between steps (``step``), or without a better validation loss (``plateau``)."""
    min_learning_rate: float = setting(0.0, ge=0)
    """The schedule never goes below it."""
    weight_decay: float = setting(0.0, ge=0, searchable=True)
    """Decoupled weight decay (AdamW's; for other optimisers the same decay after the step)."""
    label_smoothing: float = setting(0.0, ge=0, lt=1, searchable=True)
    """Share of the target given to all classes alike."""
    gradient_clip: float | None = setting(None, gt=0, searchable=True)
    """Clip the global gradient norm to this."""
    ema: float | None = setting(None, gt=0, lt=1, searchable=True)
    """Momentum of an exponential moving average of the weights that validation and export use."""
    unfreeze_every: int | None = setting(None, ge=1, searchable=True)
    """Gradual unfreezing: thaw one more block, from the output, every so many epochs."""
    frozen_features: Literal["auto", "each_step", "precomputed"] = setting("auto", searchable=True)
    """``precomputed``: the frozen part runs once over the images, and all trainings that freeze the same part train the rest on its activations, which are
    kept on the node. Exact, and refused where it would not be: with random augmentation, `unfreeze_every` or ``frozen_bn: batch``. ``auto``: so wherever it is
    exact and pays, in a search also with random augmentation, epoch by epoch; else ``each_step``."""
    cache_dtype: Literal["float32", "float16"] = setting("float32")
    """Type of activations that are kept. ``float16`` takes half the room and is an approximation: results differ by more than rounding."""
    loss: Annotated[str, AfterValidator(_known_loss)] = setting("auto", searchable=True)
    """``auto``: the cross-entropy that belongs to the output; ``focal``: Keras' focal cross-entropy; ``package.module:function`` of yours, which takes targets and
    probabilities ``(n, classes)`` and returns one loss for each image. ``binary_crossentropy`` on a softmax exists to reproduce a known failure."""
    loss_options: dict[str, Any] = setting(default_factory=dict)
    """Arguments of the loss: ``gamma`` (2.0) and ``alpha`` (0.25) of ``focal``, those that your function takes by name."""
    metrics: tuple[Metric, ...] = setting(())
    """Further metrics that each epoch records: ``[val_auc, val_recall_daisy, my_stuff:cost]``; what the ranked one accepts."""
    callbacks: tuple[Annotated[str, AfterValidator(_callback)], ...] = setting(())
    """Keras callbacks of yours, ``package.module:Class``, made anew for each training. They may look, but not steer: one that changes weights or learning
    rate or sets ``stop_training`` ends its training with a message."""
    arguments: dict[str, dict[str, Any]] = setting(default_factory=dict)
    """Arguments, by name, of metrics and callbacks of yours: ``{"my_stuff:euros": {price: 20}, "my_stuff:Diary": {path: diary.txt}}``."""
    precise_bn: Literal["off", "end", "epoch"] = setting("off", searchable=True)
    """Recompute BatchNorm statistics exactly over the training images after training, or before each validation; weights untouched."""
    early_stopping: int | None = setting(None, ge=1)
    """Stop when the *level* of the metric has not improved for this many epochs."""
    checkpoint_every: int | None = setting(None, ge=1)
    """Epochs between checkpoints; default: every epoch, or as seldom as keeps their cost under 5 %."""
    deterministic: bool | None = setting(None)
    """Bit-exact repeats and resumes; default: on where there is no GPU."""
    mixed_precision: bool = setting(default=False)
    """Compute in float16/bfloat16 with float32 weights."""
    jit_compile: bool | Literal["auto"] = setting("auto")
    """XLA; ``auto``: Keras decides on a GPU, off on a CPU, where it is slower."""
    steps_per_execution: int = setting(1, ge=1)
    """Optimiser steps per call into TensorFlow."""

    @field_validator("accumulate")
    @classmethod
    def _divides(cls, value: int, info: ValidationInfo) -> int:
        """Refuse micro-batches of different sizes."""
        batch_size = info.data.get("batch_size")
        if batch_size is not None and batch_size % value:
            divisors = [str(each) for each in range(1, batch_size + 1) if batch_size % each == 0]
            raise ValueError(
                f"{value} micro-batches do not divide training.batch_size: {batch_size}; expected one of {', '.join(divisors)}"
            )
        return value

    @field_validator("loss_options")
    @classmethod
    def _known_options(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Refuse options that the loss does not take; those of a person's own function are looked at with it."""
        if info.data.get("loss") == "focal":
            wrong = [
                name
                for name, given in value.items()
                if name not in FOCAL_OPTIONS or isinstance(given, bool) or not isinstance(given, (int, float))
            ]
            if wrong:
                raise ValueError(f"expected the numbers {' and '.join(FOCAL_OPTIONS)} for focal, got {wrong[0]}: {value[wrong[0]]!r}")
        return value


def arguments_problem(metric: str, training: TrainingConfig) -> str:
    """Which of ``training.arguments`` belong to no function or class of the person's, in words; empty where all do."""
    named = [each for each in (metric, *training.metrics, *training.callbacks) if is_reference(each)]
    strays = [reference for reference in training.arguments if reference not in named]
    known = " or ".join(map(repr, named)) or "none, since this training has neither a metric nor a callback of yours"
    return f"{strays[0]!r} is no metric or callback of this training; expected {known}" if strays else ""


class TrainConfig(Settings):
    """Everything that determines a training's result."""

    data: DataConfig
    model: ModelConfig = setting(default_factory=ModelConfig)
    training: TrainingConfig = setting(default_factory=TrainingConfig)
    metric: Metric = setting("val_accuracy")
    """The per-epoch metric that early stopping and the choice of the exported checkpoint use."""
    direction: Direction = setting("auto")
    """Which values of the metric are better; a function of yours needs ``maximize`` or ``minimize``."""
    seed: int = setting(0, ge=0)
    """Seed of initial weights and dropout, and of data order and augmentation where `data_seed` is not given."""
    data_seed: int | None = setting(None, ge=0)
    """Seed of data order and augmentation: trainings with the same one see the same augmented images in the same epochs, whatever their `seed`."""
    allow: tuple[str, ...] = setting(())
    """Names of pre-flight findings that are known and accepted."""

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        """Refuse a direction that the metric does not have, and two curves of one name."""
        if problem := direction_problem(self.metric, self.direction):
            raise ValueError(f"direction: {problem}")
        try:
            measured_on_demand(self.metric, self.training.metrics)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        if problem := arguments_problem(self.metric, self.training):
            raise ValueError(f"training.arguments: {problem}")
        return self

    @property
    def metric_name(self) -> str:
        """Name of the metric's curve."""
        return metric_named(self.metric).recorded

    @property
    def maximize(self) -> bool:
        """Whether larger values of the metric are better."""
        return not minimizes(self.metric, self.direction)

    @property
    def measured(self) -> tuple[MetricName, ...]:
        """Metrics of each epoch beside those that every training has."""
        return measured_on_demand(self.metric, self.training.metrics)

    @property
    def stream(self) -> int:
        """The seed that data order and augmentation are drawn from."""
        return self.seed if self.data_seed is None else self.data_seed
