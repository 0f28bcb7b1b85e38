"""What the trials of a study computed once for all of them, and what that saved; from their figures and facts alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.records import TrialRecord

FACT, KEPT, EACH_STEP = "frozen_features", "kept: ", "each step: "
"""A trial's fact, and how it begins where activations of the frozen part were kept, and where they were not; the reason follows."""
MOST_REASONS = 3


@dataclass(frozen=True)
class SharedWork:
    """What became of the frozen part in a study's trials.

    Attributes:
        kept: trials that were fed with activations.
        computed: sets of activations that were computed: of a part of the images, or of one epoch.
        read: sets that were there already.
        seconds: spent on computing, finding and checking them.
        saved: seconds that computing the sets read would have taken.
        approximate: whether they were kept as float16.
        each_step: why the other trials ran the frozen part in each step, with how many trials.
    """

    kept: int
    computed: int
    read: int
    seconds: float
    saved: float
    approximate: bool
    each_step: tuple[tuple[str, int], ...]

    @property
    def sentence(self) -> str:
        """What a person is told."""
        parts = []
        if self.kept:
            parts.append(
                f"In {wording.count(self.kept, 'trial')} activations of the frozen part were kept: computed {wording.count(self.computed, 'time')} "
                f"({self.seconds:.0f} s), read {wording.count(self.read, 'time')} instead, which saved about {self.saved:.0f} s."
            )
            if self.approximate:
                parts.append("They were kept as float16, an approximation.")
        if self.each_step:
            shown = "; ".join(f"{reason} ({wording.count(number, 'trial')})" for reason, number in self.each_step[:MOST_REASONS])
            parts.append(f"The frozen part ran in each step: {shown}.")
        return " ".join(parts)


def shared_work(trials: Iterable[TrialRecord]) -> SharedWork | None:
    """Sum up the trials that say what became of their frozen part; None where none does, or no trial freezes anything."""
    told = [trial for trial in trials if trial.facts.get(FACT)]
    kept = [trial for trial in told if trial.facts[FACT].startswith(KEPT)]
    reasons = Counter(trial.facts[FACT].removeprefix(EACH_STEP) for trial in told if not trial.facts[FACT].startswith(KEPT))
    if not kept and set(reasons) <= {"nothing is frozen"}:
        return None

    def total(name: str) -> float:
        return sum(trial.figures.get(name, 0.0) for trial in kept)

    return SharedWork(
        kept=len(kept),
        computed=int(total("features_computed")),
        read=int(total("features_read")),
        seconds=total("precomputed_seconds"),
        saved=total("features_saved_seconds"),
        approximate=total("features_float16") > 0,
        each_step=tuple(reasons.most_common()),
    )
