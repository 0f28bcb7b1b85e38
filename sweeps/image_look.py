"""What a closer look at a study's images found once it was over: a small file in its storage_path, which the report reads where it is there.

The look needs TensorFlow and the data (`sweeps.launch.closer_look`); the report has neither.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, TypeVar

from reports.records import StudySettings
from sweeps.errors import SweepInputError
from sweeps.variables import expand
from trainer.places import is_address

if TYPE_CHECKING:
    from reports.records import StudyRecord

NAME = "images.json"
"""At the top of a storage_path."""
MOST_FILE_BYTES = 1_000_000
"""Of the file: a larger one is none of ours."""


MOST_PAIRS = 20
"""Near-duplicates of different labels that are told."""


@dataclass(frozen=True)
class Neighbours:
    """What the training images say that are most like a validation image.

    Attributes:
        place: the image's identity.
        name: the image.
        label: its class.
        other: class that most of its nearest training images have instead; empty where its own is among the common ones.
        agreeing: how many have it, of `asked`.
        asked: nearest training images.
        twin: a near-duplicate among the training images, or empty.
        twin_label: class of that.
    """

    place: int
    name: str
    label: str
    other: str = ""
    agreeing: int = 0
    asked: int = 0
    twin: str = ""
    twin_label: str = ""


@dataclass(frozen=True)
class ImageLook:
    """What was found.

    Attributes:
        study: whose images these are.
        data: fingerprint of the images, labels and split; empty where the record has none.
        configuration: ID of the recommended configuration.
        policy: its augmentation, in words; empty where it has none.
        preview: JPEG with training images beside augmented versions of them, or empty.
        preview_note: why there is no preview although there is a policy, or empty.
        trial: whose exported model compared the images.
        compared: validation images that were compared with the training images; 0: none.
        limit: similarity above which two images are near-duplicates; None where the data gives no such limit.
        twins: validation images with a near-duplicate among the training images.
        neighbours: of those missed images of which there is something to say.
        pairs: near-duplicates whose labels differ, the most alike first, at most `MOST_PAIRS`.
        num_pairs: how many there are.
        compared_note: why the images were not compared, or empty.
    """

    study: str
    data: str
    configuration: str
    policy: str = ""
    preview: bytes = b""
    preview_note: str = ""
    trial: int = 0
    compared: int = 0
    limit: float | None = None
    twins: int = 0
    neighbours: tuple[Neighbours, ...] = ()
    pairs: tuple[Neighbours, ...] = ()
    num_pairs: int = 0
    compared_note: str = ""


def to_text(look: ImageLook) -> str:
    """The file's content."""
    return json.dumps({**asdict(look), "preview": base64.b64encode(look.preview).decode()}, ensure_ascii=False)


def from_text(text: str) -> ImageLook:
    """What `to_text` wrote.

    Raises:
        ValueError: the text is something else.
    """
    content = json.loads(text)
    try:
        content["preview"] = base64.b64decode(content["preview"], validate=True)
        for name in ("neighbours", "pairs"):
            content[name] = tuple(_checked(Neighbours(**each)) for each in content[name])
        return _checked(ImageLook(**content))
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f"no closer look at images: {error}") from error


_Record = TypeVar("_Record", Neighbours, ImageLook)


def _checked(record: _Record) -> _Record:
    """A record whose values are of their kinds.

    Raises:
        TypeError: one is not.
    """
    kinds: dict[str, type | tuple[type, ...]] = {"str": str, "int": int, "bytes": bytes, "float | None": (float, NoneType)}
    for each in fields(record):
        if not isinstance(getattr(record, each.name), kinds.get(str(each.type), tuple)):
            raise TypeError(f"{each.name} is no {each.type}")
    return record


def stored_look(study: StudyRecord) -> ImageLook | None:
    """What lies in the storage_path of a study and is about its data; None where there is nothing, or the place is an object store.

    Args:
        study: its record.
    """
    place = StudySettings(study).entry("storage_path")
    try:
        root = expand(place if isinstance(place, str) and place else f"runs/{study.name}", os.environ)
        if is_address(root):
            return None
        path = Path(root).expanduser() / NAME
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_FILE_BYTES:
            return None
        look = from_text(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SweepInputError):  # somebody else's file, or a variable that is not set here
        return None
    return look if (look.study, look.data) == (study.name, study.facts.get("data_fingerprint", "")) else None
