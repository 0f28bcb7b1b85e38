"""Data sets by their name in other people's collections: Hugging Face's (``hf:NAME``) and TensorFlow Datasets (``tfds:NAME``), also from a local folder.

Both libraries are extras. Images are read as the files they were, and decoded like those of a folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.data.packed import Packed, Spool
from trainer.data.sources.collected import Collected, named_labels, parse_part
from trainer.data.sources.functions import little_gpu_memory
from trainer.data.sources.shards import LABEL_COLUMNS, content_of
from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainer.data.images import Part

HUGGING_FACE = "pip install 'steadysweep[hf]', or pip install datasets"
TENSORFLOW_DATASETS = "pip install 'steadysweep[tfds]', or pip install tensorflow-datasets"


def collect_hugging_face(name: str) -> Collected:
    """Load a data set by Hugging Face's library: ``NAME``, ``NAME:CONFIGURATION``, or a local folder (`save_to_disk`'s, or one that `load_dataset` reads).

    Raises:
        DataError: the library or the data set is missing, or it holds no labelled images.
    """
    try:
        import datasets  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise DataError(f"data.source: hf:{name} needs the library datasets: {HUGGING_FACE}") from error
    folder = Path(name).expanduser()
    try:
        if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
            loaded = datasets.load_from_disk(str(folder))
        elif folder.is_dir():
            loaded = datasets.load_dataset(str(folder))
        else:
            loaded = datasets.load_dataset(*name.split(":", 1))
    except Exception as error:  # its errors are of many kinds, those of the network among them
        raise DataError(
            f"data.source: hf:{name} cannot be loaded ({type(error).__name__}: {_line(error)}). Without a network, save it where there is one "
            "(datasets.load_dataset(NAME).save_to_disk('FOLDER')), copy the folder here and write hf:FOLDER"
        ) from error
    splits = dict(loaded) if isinstance(loaded, datasets.DatasetDict) else {"train": loaded}
    features = next(iter(splits.values())).features
    image = _feature(features, datasets.Image, ("image", "img"), "images", f"hf:{name}")
    label, class_names = _label(features, datasets.ClassLabel, f"hf:{name}")
    content: list[Packed] = []
    labels: list[Any] = []
    counts: dict[str, int] = {}
    for split, each in splits.items():
        encoded = each.cast_column(image, datasets.Image(decode=False))
        content += [Packed(f"{split}#{row}", _row_reader(encoded, row, image, folder)) for row in range(len(each))]
        labels += each[label][:] if len(each) else []
        counts[split] = len(each)
    return _of_splits(f"hf:{name}", content, labels, class_names, counts)


def _row_reader(encoded: Any, row: int, image: str, folder: Path) -> Any:  # noqa: ANN401 - a data set, and a function
    return lambda: content_of(encoded[row][image], folder)


def collect_tensorflow_dataset(name: str, scratch: Path | None) -> Collected:
    """Load a data set by TensorFlow Datasets: ``NAME``, ``NAME/CONFIGURATION:VERSION``, or the local folder of a prepared one.

    Args:
        name: of the data set.
        scratch: folder on a local disk for its images, which are read from their beginning.

    Raises:
        DataError: the library or the data set is missing, or it holds no labelled images.
    """
    try:
        with little_gpu_memory():
            import tensorflow_datasets as tfds  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise DataError(f"data.source: tfds:{name} needs the library tensorflow_datasets: {TENSORFLOW_DATASETS}") from error
    folder = Path(name).expanduser()
    with little_gpu_memory():
        try:
            if folder.is_dir():
                builder = tfds.builder_from_directory(str(folder))
            else:
                builder = tfds.builder(name)
                builder.download_and_prepare()
        except Exception as error:  # as above
            raise DataError(
                f"data.source: tfds:{name} cannot be loaded ({type(error).__name__}: {_line(error)}). Without a network, prepare it where there is one "
                "(tfds.builder(NAME).download_and_prepare()), copy its folder NAME/VERSION here and write tfds:FOLDER"
            ) from error
        features = builder.info.features
        image = _feature(features, tfds.features.Image, ("image",), "images", f"tfds:{name}")
        label, class_names = _label(features, tfds.features.ClassLabel, f"tfds:{name}")
        spool = Spool(scratch)
        content: list[Packed] = []
        labels: list[Any] = []
        counts: dict[str, int] = {}
        in_order = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
        for split in builder.info.splits:
            elements = builder.as_dataset(split, decoders={image: tfds.decode.SkipDecoding()}, shuffle_files=False, read_config=in_order)
            counts[split] = 0
            for element in elements.as_numpy_iterator():
                content.append(spool.add(f"{split}#{counts[split]}", element[image]))
                labels.append(int(element[label]))
                counts[split] += 1
    return _of_splits(f"tfds:{name}", content, labels, class_names, counts)


def _feature(features: Mapping[str, Any], kind: type, likely: Sequence[str], what: str, where: str) -> str:
    """The feature of a kind; of several, the one with a likely name."""
    names = [name for name, feature in features.items() if isinstance(feature, kind)]
    chosen = next((name for name in likely if name in names), names[0] if len(names) == 1 else None)
    if chosen is None:
        raise DataError(
            f"data.source: {where} has {'no' if not names else 'several'} features of {what} (it has {', '.join(features)}); "
            "choose by a function of yours that returns (images, labels) or a tf.data.Dataset"
        )
    return chosen


def _label(features: Mapping[str, Any], kind: type, where: str) -> tuple[str, tuple[str, ...] | None]:
    """The feature with the class, and the classes' names where it has them."""
    if not any(isinstance(feature, kind) for feature in features.values()):
        plain = next((name for name in LABEL_COLUMNS if name in features), None)
        if plain is not None:
            return plain, None
    label = _feature(features, kind, LABEL_COLUMNS, "labels", where)
    return label, tuple(features[label].names)


UNLABELLED = -1
"""What both collections write where the class is kept secret."""


def _of_splits(
    where: str, content: Sequence[Packed], labels: Sequence[Any], class_names: tuple[str, ...] | None, counts: Mapping[str, int]
) -> Collected:
    """One set of all splits: parts where there are several. A split without labels, as a competition's test images, is left out."""
    given = [split for split, count in counts.items() for _ in range(count)]
    splits = [split for split in counts if any(label != UNLABELLED for label, own in zip(labels, given, strict=True) if own == split)]
    strangers = [split for split in splits if parse_part(split) is None]
    if len(splits) > 1 and (strangers or "train" not in map(parse_part, splits)):
        raise DataError(
            f"data.source: {where} has the splits {', '.join(splits)}; expected train, and validation or test beside it. "
            "Choose by a function of yours that returns a mapping {train: ..., validation: ...} of data sets"
        )
    rows = [row for row, split in enumerate(given) if split in splits]
    if not rows:
        raise DataError(f"data.source: {where} holds no labelled images")
    if any(labels[row] in (UNLABELLED, None) for row in rows):
        raise DataError(f"data.source: {where}: some images have no label; choose by a function of yours")
    numbers, names = named_labels(np.asarray([labels[row] for row in rows]), class_names, f"data.source: {where}")
    parts: tuple[Part, ...] | None = None
    if len(splits) > 1:
        parts = tuple(part for row in rows if (part := parse_part(given[row])) is not None)
    return Collected(tuple(content[row] for row in rows), numbers, names, parts)


def _line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")
