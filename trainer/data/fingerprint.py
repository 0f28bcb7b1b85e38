"""Content hashes: of one image, and of a whole data set with its labels and split."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from trainer.data.images import Labels
    from trainer.data.sources.collected import Part

DIGEST_BYTES = 16
THREADS = 8
_CHUNK = 1 << 20


def digest_files(paths: Sequence[Path]) -> list[str | OSError]:
    """Hash of each file's bytes, or the error that reading it raised."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(_digest_file, paths))


def digest_array(images: npt.NDArray[Any]) -> list[str]:
    """Hash of each image ``images[i]``: its bytes, shape and type."""
    kind = f"{images.dtype.str}{images.shape[1:]}".encode()

    def one(image: npt.NDArray[Any]) -> str:
        return hashlib.blake2b(kind + image.tobytes(), digest_size=DIGEST_BYTES).hexdigest()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, images, chunksize=256))


def fingerprint(
    digests: Sequence[str],
    labels: Labels,
    class_names: Sequence[str],
    rows: Mapping[Part, npt.NDArray[np.int64]],
    form: str,
) -> str:
    """One hash over every image's content, class and part, and the `form` (size, channels) it is decoded to.

    It does not depend on paths, file names or the order of listing.
    """
    lines = sorted(f"{part} {class_names[labels[row]]} {digests[row]}" for part, chosen in rows.items() for row in chosen)
    text = "\n".join([form, *(f"class {name}" for name in class_names), *lines])
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


def _digest_file(path: Path) -> str | OSError:
    hasher = hashlib.blake2b(digest_size=DIGEST_BYTES)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
    except OSError as error:
        return error
    return hasher.hexdigest()
