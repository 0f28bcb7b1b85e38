"""What the trials of a study computed once for all of them, and what that saved; from their figures and facts alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.records import TrialRecord

FACT, KEPT, EACH_STEP = "frozen_features", "kept: ", "each step: "
"""A trial's fact, and how it begins where activations of the frozen part were kept, and where they were not; the reason follows."""
MOMENTUM_FACT, CARRIED, ALONE = "bn_momentum", "carried by trial ", "alone: "
"""A search trial's fact where the space varies BatchNorm momentum, and how it begins where another's training carried it, and where it carried no other momentum although
it might have; the carrier's number, or the reason, follows."""
HEADS_FACT, TOGETHER = "together", "together"
"""A trial's fact where its worker has slots, and its text where its head was trained in one program with others'; else the reason follows `ALONE`."""
NOTHING_FROZEN = "nothing is frozen"
"""A reason that needs no word."""
MOST_REASONS = 3


def _listed(reasons: Sequence[tuple[str, int]], what: str) -> str:
    """The most frequent reasons, each with how many trials or trainings it holds for."""
    return "; ".join(f"{reason} ({wording.count(number, what)})" for reason, number in reasons[:MOST_REASONS])


@dataclass(frozen=True)
class SharedWork:
    """What became of the frozen part in a study's trials.

    Attributes:
        kept: trials that were fed with activations.
        computed: sets of images whose activations were computed: training images, validation images, or those of one epoch.
        read: sets that were there already.
        seconds: spent on computing, finding and checking them.
        saved: seconds that computing the sets read would have taken; each epoch of a training anew, it would have taken more.
        approximate: whether they were kept as float16.
        each_step: why the other trials ran the frozen part in each step, with how many trials.
        momenta: what became of trials that differ in BatchNorm momentum alone; None where the space does not vary it.
        heads: what became of trials in workers with slots; None where there are none.
    """

    kept: int
    computed: int
    read: int
    seconds: float
    saved: float
    approximate: bool
    each_step: tuple[tuple[str, int], ...]
    momenta: CarriedTrials | None = None
    heads: HeadsTogether | None = None

    @property
    def sentence(self) -> str:
        """What a person is told."""
        parts = []
        if self.kept:
            parts.append(
                f"The frozen layers of {wording.count(self.kept, 'trial')} ran once for each set of images, not in each step: "
                f"{wording.count(self.computed, 'set')} computed in {self.seconds:.0f} s, {wording.count(self.read, 'set')} read from the cache, "
                f"which saved {self.saved:.0f} s or more."
            )
            if self.approximate:
                parts.append("Their outputs were kept as float16, an approximation.")
        reasons = [(reason, number) for reason, number in self.each_step if reason != NOTHING_FROZEN]
        if reasons:
            parts.append(f"The frozen layers {'of other trials ' if self.kept else ''}ran in each step: {_listed(reasons, 'trial')}.")
        return " ".join([*parts, *(more.sentence for more in (self.momenta, self.heads) if more is not None)])


@dataclass(frozen=True)
class HeadsTogether:
    """What became of the trials of workers with slots.

    Attributes:
        together: trials whose head was trained in one program with others'.
        beside: heads that such a program trained at a time, mean over these trials.
        alone: why the others were trained alone, with how many trials.
    """

    together: int
    beside: float
    alone: tuple[tuple[str, int], ...]

    @property
    def sentence(self) -> str:
        """What a person is told."""
        parts = []
        if self.together:
            parts.append(
                f"{wording.count(self.together, 'trial')} trained {'its head' if self.together == 1 else 'their heads'} in one program with others, "
                f"{self.beside:.1f} at a time on average."
            )
        if self.alone:
            parts.append(f"A head was trained alone: {_listed(self.alone, 'trial')}.")
        return " ".join(parts)


def heads_together(trials: Iterable[TrialRecord]) -> HeadsTogether | None:
    """Sum up the trials of workers with slots; None where there are none."""
    told = [trial for trial in trials if trial.facts.get(HEADS_FACT)]
    if not told:
        return None
    beside = [trial.figures.get("trained_beside", 1.0) for trial in told if trial.facts[HEADS_FACT] == TOGETHER]
    alone = Counter(fact.removeprefix(ALONE) for trial in told if (fact := trial.facts[HEADS_FACT]).startswith(ALONE))
    return HeadsTogether(len(beside), float(np.mean(beside)) if beside else 0.0, tuple(alone.most_common()))


@dataclass(frozen=True)
class CarriedTrials:
    """What became of the search trials of a space that varies BatchNorm momentum.

    Attributes:
        carried: trials whose training was another's.
        carriers: trainings that carried them.
        seconds: that this took beside the carriers' own epochs: validation, for the most part.
        saved: seconds that their epochs would have taken alone, less `seconds`.
        alone: why other trainings carried no further momentum, with how many trainings.
    """

    carried: int
    carriers: int
    seconds: float
    saved: float
    alone: tuple[tuple[str, int], ...]

    @property
    def sentence(self) -> str:
        """What a person is told."""
        parts = []
        if self.carried:
            parts.append(
                f"{wording.count(self.carried, 'trial')} that {'differs' if self.carried == 1 else 'differ'} from another in BatchNorm momentum alone "
                f"{'was' if self.carried == 1 else 'were'} carried by {wording.count(self.carriers, 'training')}: {self.seconds:.0f} s, "
                f"mostly for validation, in place of about {self.seconds + self.saved:.0f} s."
            )
        if self.alone:
            parts.append(f"Each BatchNorm momentum was trained alone: {_listed(self.alone, 'training')}.")
        return " ".join(parts)


def carried_trials(trials: Iterable[TrialRecord]) -> CarriedTrials | None:
    """Sum up the trials that another's training carried and those that might have carried some; None where there are neither."""
    every = list(trials)
    siblings = [trial for trial in every if trial.role == "sibling"]
    facts = (trial.facts.get(MOMENTUM_FACT, "") for trial in every if trial.role == "search")
    alone = Counter(fact.removeprefix(ALONE) for fact in facts if fact.startswith(ALONE))
    if not siblings and not alone:
        return None
    took = sum(_total(trial, "carried_seconds") for trial in siblings)
    instead = sum(_total(trial, "seconds") for trial in siblings)
    return CarriedTrials(len(siblings), len({trial.carrier for trial in siblings}), took, instead - took, tuple(alone.most_common()))


def _total(trial: TrialRecord, name: str) -> float:
    """Sum of a figure over a trial's epochs."""
    return float(np.nansum(trial.curves[name], dtype=np.float64)) if name in trial.curves else 0.0


def shared_work(trials: Iterable[TrialRecord]) -> SharedWork | None:
    """Sum up what the trials say of their frozen part and of the momenta that they carried; None where nothing is to be told of either."""
    trials = list(trials)
    momenta, own = carried_trials(trials), [trial for trial in trials if trial.role != "sibling"]
    heads = heads_together(own)
    told = [trial for trial in own if trial.facts.get(FACT)]
    kept = [trial for trial in told if trial.facts[FACT].startswith(KEPT)]
    reasons = Counter(trial.facts[FACT].removeprefix(EACH_STEP) for trial in told if not trial.facts[FACT].startswith(KEPT))
    if not kept and set(reasons) <= {NOTHING_FROZEN}:
        if momenta is None and heads is None:
            return None
        reasons.clear()

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
        momenta=momenta,
        heads=heads,
    )
