"""Labels that the file's own name contradicts."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {"contradicting_names": "Files whose name says one class and whose label another."}
SHORTEST_NAME = 3
"""Shorter class names turn up in file names by chance."""
AGREEING = 0.5
"""Names are evidence only where at least this share of those that name a class agree with the label."""
SHOWN = 5


def find(setup: Setup) -> Iterator[Finding]:
    """Look for another class's name, as a word, in file names that lack their own's."""
    classes = {name.lower(): name for name in setup.data.class_names if len(name) >= SHORTEST_NAME and not name.isdigit()}
    agreeing, contradicting = 0, []
    parts = dict(setup.data.parts())
    if setup.data.validation is setup.data.train:
        parts.pop("validation")
    for images in parts.values():
        for path, label in zip(images.names or (), images.labels, strict=False):
            own = setup.data.class_names[label]
            named = _named_classes(PurePath(path).stem, classes)
            if own in named:
                agreeing += 1
            elif named:
                contradicting.append(f"{path}: named {min(named)}, labelled {own}")
    if contradicting and agreeing >= AGREEING * (agreeing + len(contradicting)):
        yield Finding(
            "contradicting_names",
            "warning",
            f"{len(contradicting)} files are named after another class than their label, where {agreeing} names agree",
            {"files": len(contradicting), "agreeing": agreeing, "examples": tuple(contradicting[:SHOWN])},
            "look at them and move those that lie in the wrong class",
        )


def _named_classes(stem: str, classes: dict[str, str]) -> set[str]:
    words = re.sub(r"[\W\d_]+", " ", stem.lower()).strip()
    return {name for word, name in classes.items() if re.search(rf"(^| ){re.escape(_spaced(word))}( |$)", words)}


def _spaced(word: str) -> str:
    return re.sub(r"[\W\d_]+", " ", word).strip() or word
