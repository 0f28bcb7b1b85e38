"""How many images a log says it trains and validates on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.logs.fit import RawFit

_TRAIN_ON = re.compile(r"Train on (\d{1,12}) (?:samples|steps)(?:, validate on (\d{1,12}) (samples|steps))?")
_FOUND = re.compile(r"Found (\d{1,12}) (?:validated |non-validated )?(?:images|image filenames|image|files)\b(?:.*? (\d{1,6}) classes)?")
_USING = re.compile(r"Using (\d{1,12}) files for (training|validation)")


class DataSizes:
    """Collects the lines in which Keras states sizes, and gives what it knows to each fit that follows."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._stated: tuple[int | None, int | None] | None = None
        self._using: dict[str, int] = {}
        self._found: list[int] = []
        self._classes: int | None = None

    def feed(self, line: str) -> None:
        """Look at one line."""
        text = line.lstrip()
        if not text.startswith(("Train on", "Found ", "Using ")):
            return
        train_on, found, using = _TRAIN_ON.match(text), _FOUND.match(text), _USING.match(text)
        if train_on:
            samples = " samples" in train_on[0].partition(",")[0]
            validated = int(train_on[2]) if train_on[2] and train_on[3] == "samples" else None
            self._stated = (int(train_on[1]) if samples else None, validated)
        elif found:
            self._classes = int(found[2]) if found[2] else self._classes
            if " files" not in text:  # image_dataset_from_directory splits them afterwards: "Using n files for validation"
                self._found.append(int(found[1]))
        elif using:
            self._using[using[2]] = int(using[1])

    def describe(self, fit: RawFit) -> None:
        """Give a fit the sizes known so far; ``Train on n samples`` speaks of one fit alone, the others of all that follow."""
        stated = self._stated or (None, None)
        self._stated = None
        fit.num_train = stated[0] or self._using.get("training")
        fit.num_classes = self._classes
        fit.whole_set = stated[1] is not None
        fit.num_val = stated[1] or self._using.get("validation")
        if fit.num_val is None and len(self._found) > 1:
            fit.maybe_num_val = self._found[1] or None
