"""What a closer look at a study's images found once it was over: a small file in its storage_path, which the report reads where it is there.

The look needs TensorFlow and the data (`sweeps.launch.closer_look`); the report has neither.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    """

    study: str
    data: str
    configuration: str
    policy: str = ""
    preview: bytes = b""
    preview_note: str = ""


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
        return ImageLook(
            **{name: _text(content, name) for name in ("study", "data", "configuration", "policy", "preview_note")},
            preview=base64.b64decode(_text(content, "preview"), validate=True),
        )
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"no closer look at images: {error}") from error


def _text(content: Any, name: str) -> str:  # noqa: ANN401 - whatever a file holds
    value = content[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


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
