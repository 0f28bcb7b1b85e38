"""The same image in two parts."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from trainer.data.fingerprint import digest_array
from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.data.images import ImageSet
    from trainer.preflight.findings import Setup

FINDINGS = {
    "validation_is_train": "Validation images are the training images: the figures say what is memorised, not what generalises.",
    "shared_images": "The same image, by its pixels, is in two parts.",
}
SERIOUS = 0.01
"""Share of the smaller part's images from which a figure measured on it is not to be trusted."""
SHOWN = 3


def find(setup: Setup) -> Iterator[Finding]:
    """Compare content hashes of decoded pixels, so that copies under another name or in another format are found too."""
    validation_is_train = setup.config.data.split.validation == "train" or setup.data.validation is setup.data.train
    if validation_is_train:
        yield Finding(
            "validation_is_train",
            "error",
            f"the {len(setup.data.validation)} validation images are the training images, so that validation accuracy measures memory",
            {"images": len(setup.data.validation)},
            "give validation images of its own, or, where memorisation is what you study, allow this by name: allow: [validation_is_train]",
        )
    parts = [(name, images) for name, images in setup.data.parts() if not (validation_is_train and name == "validation")]
    digests = {name: digest_array(images.images) for name, images in parts}
    for (first, of_first), (second, of_second) in combinations(parts, 2):
        where = {digest: row for row, digest in enumerate(digests[first])}
        shared = [(where[digest], row) for row, digest in enumerate(digests[second]) if digest in where]
        if shared:
            count, smaller = len(shared), min(len(of_first), len(of_second))
            differing = sum(of_first.labels[a] != of_second.labels[b] for a, b in shared)
            yield Finding(
                "shared_images",
                "error" if count / smaller >= SERIOUS else "warning",
                f"{count} of {len(of_second)} {second} images are also {first} images"
                + (f", {differing} of them with another label" if differing else ""),
                {
                    "parts": (first, second),
                    "images": count,
                    "with_another_label": int(differing),
                    "examples": tuple(f"{_name(of_first, a)} = {_name(of_second, b)}" for a, b in shared[:SHOWN]),
                },
                "remove the copies, or keep copies together with a group column in a manifest",
            )


def _name(images: ImageSet, row: int) -> str:
    return images.names[row] if images.names is not None else f"image {row}"
