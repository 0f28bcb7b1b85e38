"""The model that a person takes away: with its resizing inside, loaded with their own layers, run on image files, and written in other formats.

A training exports its network for images of one size. What is delivered begins with a Keras operation that resizes any image as the loader does, so that nobody has to
know how the training images were made. TensorFlow is imported when a model is touched.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from trainer.data.pixels import CONVERTIBLE, SUFFIXES, decode
from trainer.data.sources.files import is_seen
from trainer.errors import DataError, TrainerInputError
from trainer.user_code import import_function, is_reference, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import keras
    from numpy.typing import NDArray

LABELS = "labels.json"
"""Class names in the order of the outputs, beside the model."""
SETTINGS = "config.yaml"
"""The training's settings, beside the model."""


def with_resizing(model: keras.Model, *, by_own_maximum: bool = False) -> keras.Model:
    """A model for images of any size, of one that takes images of one size.

    Resizing is bilinear with anti-aliasing and rounds to whole levels, as `trainer.data.pixels.decode` does; the two differ by at most one level of 255,
    where Pillow rounds between its two passes. It is an operation and not the layer `Resizing`: the default ``training=True`` of that layer (Keras 3.15)
    reaches all layers after it when a person calls ``model(images)``, so that BatchNorm and dropout would act as in training.

    Args:
        model: takes raw pixels in [0, 255], ``(n, height, width, channels)``.
        by_own_maximum: images are divided by their own maximum first (``preprocessing: per_image_max``).
    """
    import keras

    height, width, channels = model.inputs[0].shape[1:]
    images = keras.Input((None, None, channels), name="image", dtype="float32")
    x = keras.ops.round(keras.ops.image.resize(images, (height, width), interpolation="bilinear", antialias=True))
    return keras.Model(images, model(own_maximum(x) if by_own_maximum else x), name="classifier")


def own_maximum(images: Any) -> Any:  # noqa: ANN401 - a Keras tensor
    """Images divided by their own maximum; a black one stays black."""
    import keras

    return images / keras.ops.maximum(keras.ops.max(images, axis=(1, 2, 3), keepdims=True), 1e-12)


def fixed_size(model: keras.Model) -> keras.Model:
    """A model of `with_resizing` without its resizing, for formats that have no such operation: takes images of the training's size."""
    import keras

    height, width = image_size(model)
    channels = model.inputs[0].shape[-1]
    images = keras.Input((height, width, channels), name="image", dtype="float32")
    rounding = model.operations[_resizing(model) + 1]
    rest = keras.Model(rounding.output, model.outputs[0])
    return keras.Model(images, rest(images), name="classifier")


def image_size(model: keras.Model) -> tuple[int, int]:
    """Height and width to which a model resizes, or that it takes."""
    height, width = model.inputs[0].shape[1:3]
    if height is not None and width is not None:
        return int(height), int(width)
    height, width = model.operations[_resizing(model)].output.shape[1:3]
    return int(height), int(width)


def _resizing(model: keras.Model) -> int:
    """Place of the resizing among a model's operations.

    Raises:
        DataError: it has none.
    """
    for place, step in enumerate(model.operations):
        if type(step).__name__ == "Resize":
            return place
    raise DataError("the model takes images of any size and does not resize them; expected a model of `steadysweep export`")


WIDEST_GRID_FEATURES = 2048
"""Features of an image up to which they keep where in the image they were found, in quarters."""


def feature_model(model: keras.Model) -> keras.Model:
    """A model that gives what a training's exported model hands to its head, ``(n, width)``: the mean of each quarter of the feature map, or of all of a wide one.

    Args:
        model: as a training exports it: its last two parts are the head and the probabilities.
    """
    import keras

    origin = model.layers[-1].input._keras_history  # noqa: SLF001 - Keras has no public way to what a nested model was called on
    x = origin.operation._inbound_nodes[origin.node_index].input_tensors[0]  # noqa: SLF001 - as above
    if len(x.shape) == 4:  # noqa: PLR2004 - images, height, width, channels
        height, width, channels = x.shape[1:]
        if min(height, width) > 1 and 4 * channels <= WIDEST_GRID_FEATURES:
            x = keras.layers.AveragePooling2D((-(-height // 2), -(-width // 2)), padding="same")(x)
            x = keras.layers.Flatten()(x)
        else:
            x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(model.inputs[0], x, name="features")


def own_layers(model: keras.Model) -> tuple[str, ...]:
    """``module.Class`` of the layers in a model that are a person's own, sorted; Keras alone cannot load them."""
    from trainer.network.parts import all_layers

    kinds = {type(layer) for layer in all_layers(model)}
    return tuple(sorted(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds if kind.__module__.partition(".")[0] != "keras"))


def load_model(path: Path, backbone: str | None = None, *, trust: bool = False, foreign: bool = False) -> keras.Model:
    """Load a ``.keras`` file, a person's own layers included.

    Args:
        path: of the file.
        backbone: ``model.backbone`` of its training; where it is ``package.module:function``, the classes of that module may be in the model.
        trust: run the Python code that is in the file itself (the functions of Lambda layers), and import the module of a foreign backbone.
        foreign: whether `backbone` was read from a file that may be a stranger's, and is no setting of the person's own.

    Raises:
        DataError: it cannot be loaded, or needs code and is not trusted.
        UserCodeError: the module of the backbone cannot be imported.
    """
    from trainer.fit.process import import_tensorflow_quietly

    import_tensorflow_quietly()
    import keras

    from trainer.network.weights import is_refused_code

    objects: dict[str, Any] = {}
    has_module = backbone is not None and is_reference(backbone)
    if backbone is not None and has_module and (trust or not foreign):
        import_function(backbone, "model.backbone")
        objects = own_classes(importlib.import_module(backbone.partition(":")[0]).__name__)
    try:
        return keras.saving.load_model(path, custom_objects=objects, compile=False, safe_mode=not trust)
    except (OSError, ValueError, TypeError, KeyError, BadZipFile) as error:
        if is_refused_code(error):
            raise DataError(
                f"{path} holds Python code (a Lambda layer), which loading would run; it is refused. Where you trust the file, add --trust; "
                "in a model function of yours, a layer class in place of the Lambda layer needs no trust."
            ) from error
        if backbone is not None and has_module and not objects and "Could not locate class" in str(error):
            raise DataError(
                f"{path} has layers of the module {backbone.partition(':')[0]!r}, which {path.with_name(SETTINGS)} names: loading would run {place_of(backbone)}. "
                "It is refused. Where you trust that file, add --trust."
            ) from error
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        hint = (
            "" if backbone else f" Where it has layers of your own, keep {SETTINGS} beside it and run the command where their module lies."
        )
        raise DataError(f"{path} cannot be loaded as a Keras model: {reason}.{hint}") from error


def own_classes(module: str) -> dict[str, Any]:
    """Name to class of the Keras objects that a module of a person's, or one that it imports from beside it, defines."""
    import keras

    folder = Path(getattr(sys.modules[module], "__file__", "") or "").parent
    near = [
        each
        for each in list(sys.modules.values())
        if getattr(each, "__file__", None) and Path(str(each.__file__)).is_relative_to(folder) and "site-packages" not in str(each.__file__)
    ]
    kinds = (keras.layers.Layer, keras.initializers.Initializer, keras.regularizers.Regularizer, keras.constraints.Constraint)
    return {
        name: value
        for each in near
        for name, value in vars(each).items()
        if isinstance(value, type) and issubclass(value, kinds) and value.__module__ == each.__name__
    }


@dataclass(frozen=True)
class Prediction:
    """What a model says of an image.

    Attributes:
        path: of the image.
        label: the likeliest class.
        probability: of it, fraction.
        probabilities: class to probability, in the order of the outputs.
    """

    path: str
    label: str
    probability: float
    probabilities: Mapping[str, float]


class Classifier:
    """A delivered model with its labels.

    Args:
        place: the folder that ``steadysweep export`` wrote, or the model file in it.
        trust: run the Python code that is in the file itself, and that of the module that the settings beside it name.

    Raises:
        DataError: there is no such model, its labels are missing or do not fit it, or it cannot be loaded.
    """

    def __init__(self, place: Path, *, trust: bool = False) -> None:
        path = place / FORMATS["keras"] if place.is_dir() else place
        if not path.is_file():
            raise DataError(f"{path}: no such file; expected a folder that `steadysweep export` wrote, or the model.keras in it")
        self.labels = _labels(path.with_name(LABELS))
        self.model = load_model(path, _backbone(path.with_name(SETTINGS)), trust=trust, foreign=True)
        units = int(self.model.outputs[0].shape[-1])
        if len(self.labels) != (2 if units == 1 else units):
            raise DataError(
                f"{path.with_name(LABELS)}: {len(self.labels)} class names for a model of {units} outputs; expected one for each"
            )

    def predict(self, paths: Iterable[Path], refused: Callable[[Path, str], object], batch: int = 32) -> Iterator[Prediction]:
        """Predictions of image files, in their order.

        Args:
            paths: the files.
            refused: told of each file that cannot be read, and why.
            batch: images at a time.
        """
        size, channels = image_size(self.model), int(self.model.inputs[0].shape[-1])
        waiting: list[tuple[Path, NDArray[np.uint8]]] = []
        for path in paths:
            try:
                waiting.append((path, decode(path, size, channels)))
            except (OSError, ValueError, SyntaxError) as error:
                refused(path, str(error).split(" '", 1)[0] or type(error).__name__)
            if len(waiting) == batch:
                yield from self._predict(waiting)
                waiting = []
        if waiting:
            yield from self._predict(waiting)

    def _predict(self, images: list[tuple[Path, NDArray[np.uint8]]]) -> Iterator[Prediction]:
        rows = probabilities(self.model, np.stack([pixels for _, pixels in images]).astype(np.float32))
        for (path, _), row in zip(images, rows, strict=True):
            best = int(row.argmax())
            yield Prediction(str(path), self.labels[best], float(row[best]), dict(zip(self.labels, row.tolist(), strict=True)))


def probabilities(model: Callable[..., Any], images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Class probabilities ``(n, num_classes)`` of raw images ``(n, height, width, channels)``; a sigmoid's single unit becomes two columns."""
    rows = np.asarray(model(images), dtype=np.float64)
    return np.concatenate([1 - rows, rows], axis=1) if rows.shape[1] == 1 else rows


def unread_files(places: Iterable[str]) -> list[tuple[Path, str]]:
    """Images in folders whose kind is not read, with what makes it readable: a person would miss them among the predictions."""
    return [
        (path, CONVERTIBLE[path.suffix.lower()])
        for place in map(Path, places)
        if place.is_dir()
        for path in sorted(place.rglob("*"))
        if path.suffix.lower() in CONVERTIBLE and is_seen(path, place)
    ]


def image_files(places: Iterable[str]) -> Iterator[Path]:
    """Image files as they are named, and those in folders, sorted, without hidden ones.

    Raises:
        DataError: there is no such file or folder, or a folder without an image.
    """
    for place in map(Path, places):
        if place.is_dir():
            files = sorted(path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES and is_seen(path, place))
            if not files:
                raise DataError(f"{place}: no image in this folder; {', '.join(SUFFIXES)} are read")
            yield from files
        elif place.exists():
            yield place
        else:
            raise DataError(f"{place}: no such image or folder")


def _labels(path: Path) -> list[str]:
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected the class names beside the model, as `steadysweep export` writes them") from None
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); expected a list of class names") from None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise DataError(f"{path}: expected a list of class names in the order of the model's outputs")
    return labels


def _backbone(path: Path) -> str | None:
    """The backbone that the settings beside a model name; None where there are none."""
    import yaml

    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        return str(settings["model"]["backbone"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return None


FORMATS = {"keras": "model.keras", "savedmodel": "model.savedmodel", "onnx": "model.onnx", "tflite": "model.tflite"}
"""Format of an exported model to its name in the folder."""
FIXED_SIZE = ("onnx", "tflite")
"""Formats without an operation that resizes with anti-aliasing: their models take images of the training's size."""
_LARGEST_DIFFERENCE = 1e-3
"""Of probabilities, between a model and the same one in another format: float32 in another order of operations, far below what changes a class."""
_CHECKED = 4


class FormatError(TrainerInputError):
    """A model cannot be written in a format, or gives other answers in it."""


def write_formats(model: keras.Model, formats: Iterable[str], folder: Path) -> None:
    """Write a model of `with_resizing` by Keras' own exporters, and run each file on images to see that it answers as the model does.

    Raises:
        FormatError: a package is missing, or the file gives other answers.
    """
    for name in formats:
        place = folder / FORMATS[name]
        if name == "keras":
            model.save(place)
            continue
        require_packages((name,))
        delivered = fixed_size(model) if name in FIXED_SIZE else model
        delivered(np.zeros((1, *_image_shape(delivered)), np.float32))  # Keras' exporter to ONNX takes only a model that was called
        try:
            delivered.export(str(place), format={"savedmodel": "tf_saved_model", "onnx": "onnx", "tflite": "litert"}[name], verbose=False)
        except Exception as error:  # exporters raise whatever their libraries raise
            raise FormatError(f"export --format {name}: Keras could not write it ({type(error).__name__}: {error}).") from error
        _compare(name, delivered, place)


PACKAGES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "savedmodel": (),
    "onnx": (("onnx", "onnx"), ("tf2onnx", "tf2onnx"), ("onnxruntime", "onnxruntime")),
    "tflite": (),
}
"""Modules that a format needs beside TensorFlow, and the packages that hold them; the last one of ONNX runs the file."""


def require_packages(formats: Iterable[str]) -> None:
    """Look for what formats need beside TensorFlow, before anything costs time.

    Raises:
        FormatError: a package is missing.
    """
    for name in formats:
        missing = [package for module, package in PACKAGES.get(name, ()) if importlib.util.find_spec(module) is None]
        if missing:
            raise FormatError(f"export --format {name}: needs {' and '.join(missing)}; type: pip install {' '.join(missing)}")


def _compare(name: str, model: keras.Model, place: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (_CHECKED, *_image_shape(model))).astype(np.float32)
    wanted = np.asarray(model(images, training=False), dtype=np.float64)
    got = np.concatenate([_RUNNERS[name](place, image[None]) for image in images])
    difference = float(np.abs(got - wanted).max())
    if not difference <= _LARGEST_DIFFERENCE:
        raise FormatError(
            f"export --format {name}: the written model gives other probabilities (by up to {difference:.3g}); use model.keras, and please report this."
        )


def _image_shape(model: keras.Model) -> tuple[int, int, int]:
    """Height, width and channels of images for a model: of its size, or, where it resizes, twice as large."""
    height, width, channels = model.inputs[0].shape[1:]
    if height is None or width is None:
        height, width = (2 * side for side in image_size(model))
    return int(height), int(width), int(channels)


def _run_savedmodel(place: Path, images: NDArray[np.float32]) -> NDArray[np.float64]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(place))  # its functions do not keep it alive
    return np.asarray(loaded.serve(images), dtype=np.float64)


def _run_onnx(place: Path, images: NDArray[np.float32]) -> NDArray[np.float64]:
    import onnxruntime  # type: ignore[import-not-found]

    session = onnxruntime.InferenceSession(str(place), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: images})[0], dtype=np.float64)


def _run_tflite(place: Path, images: NDArray[np.float32]) -> NDArray[np.float64]:
    import warnings

    if importlib.util.find_spec("ai_edge_litert") is not None:
        from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-not-found]
    else:
        import tensorflow as tf

        Interpreter = tf.lite.Interpreter  # noqa: N806 - a class
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's own interpreter has a successor
        interpreter = Interpreter(model_path=str(place))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), dtype=np.float64)


_RUNNERS: Mapping[str, Callable[[Path, NDArray[np.float32]], NDArray[np.float64]]] = {
    "savedmodel": _run_savedmodel,
    "onnx": _run_onnx,
    "tflite": _run_tflite,
}
