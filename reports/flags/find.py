"""All flags of one training.

Flags of every trial of a study, and how many of them chance alone would raise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.flags.bn_gap import BN_GAP
from reports.flags.broken_metric import BROKEN_METRIC
from reports.flags.collapsed import COLLAPSED
from reports.flags.diverging import DIVERGING
from reports.flags.flag import SEVERITIES, by_name, gravest_of
from reports.flags.oscillating import NOISY_VALIDATION, OSCILLATING
from reports.flags.overfitting import OVERFITTING
from reports.flags.run_curves import infer_num_val, run_curves
from reports.flags.spiking import SPIKING
from reports.flags.unfinished import UNFINISHED
from reports.folds import by_fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from reports.flags.flag import Flag, FlagKind, FlagName
    from reports.flags.run_curves import RunCurves
    from reports.records import StudyRecord, TrialRecord


KINDS: tuple[FlagKind, ...] = (
    COLLAPSED,
    DIVERGING,
    BROKEN_METRIC,
    OSCILLATING,
    NOISY_VALIDATION,
    SPIKING,
    BN_GAP,
    OVERFITTING,
    UNFINISHED,
)
"""Every finding; a new one is its own file and a line here."""


SINGULAR = {"swing": "swings", "predict": "predicts", "fit": "fits", "have": "has", "end": "ends", "they": "it"}
"""Words of the meanings that read otherwise of one run."""


def flag_meaning(name: FlagName, number: int = 2) -> str:
    """What so many runs that carry a flag do, for "3 configurations ..."; empty for a name of another version."""
    meaning = next((kind.meaning for kind in KINDS if kind.name == name), "")
    return " ".join(SINGULAR.get(word, word) for word in meaning.split(" ")) if number == 1 else meaning


def find_flags(
    curves: Mapping[str, ArrayLike],
    *,
    num_val: int | None = None,
    planned_epochs: int | None = None,
    num_classes: int | None = None,
    frozen_by_batch: int | None = None,
    cut: bool = False,
    numbering: tuple[int, int] = (1, 1),
) -> tuple[Flag, ...]:
    """Find what is wrong with a training, the gravest first.

    Each fold of a training with folds is judged by its own curves: their mean hides that one of them swings. A finding is named that `folds_needed` of them show.

    Args:
        curves: metric name to per-epoch values ``(num_epochs,)``, NaN where missing. Read are ``val_accuracy``, ``accuracy``, ``val_loss``,
            ``loss``, ``val_batch_accuracy``, ``val_predicted_share`` (fractions) and ``val_gained``, ``val_lost`` (counts); others are
            ignored and any may be absent.
        num_val: validation images, of all folds together; None when unknown (`infer_num_val` may read it off the values).
        planned_epochs: epochs of a complete training.
        num_classes: classes, for the chance level.
        frozen_by_batch: frozen BatchNorm layers that normalise by the batch while training; None when unknown, as of a log.
        cut: the sweep stopped it or it is still running: that it was still rising is no finding about it.
        numbering: number of the first epoch, and epochs from one value to the next: how the findings name epochs.

    Returns:
        Flags ordered by severity, each name at most once; none when nothing can be said.
    """
    folds = by_fold(curves)
    if folds:
        of_fold = None if num_val is None else num_val // len(folds)
        found_in = {
            fold: find_flags(
                own,
                num_val=of_fold,
                planned_epochs=planned_epochs,
                num_classes=num_classes,
                frozen_by_batch=frozen_by_batch,
                cut=cut,
                numbering=numbering,
            )
            for fold, own in folds.items()
        }
        return _over_folds(found_in)
    run = run_curves(
        curves,
        num_val=num_val,
        planned_epochs=planned_epochs,
        num_classes=num_classes,
        frozen_by_batch=frozen_by_batch,
        numbering=numbering,
    )
    found = [flag for kind in KINDS if (kind.of_cut_runs or not cut) and (flag := kind.find(run)) is not None]
    return tuple(sorted(_without_consequences(found, run), key=lambda flag: SEVERITIES.index(flag.severity)))


OF_THE_MEAN: tuple[FlagName, ...] = ("broken_metric", "collapsed")
"""Findings that make a figure mean nothing: a mean of folds means something while most of them do."""


def folds_needed(name: FlagName, folds: int) -> int:
    """In how many folds a finding must be seen to be one of their training.

    Two, so that what one fold shows by chance is none; half of them where it makes the mean worthless.
    """
    return max(2, -(-folds // 2)) if name in OF_THE_MEAN else 2


def _over_folds(found: Mapping[int, tuple[Flag, ...]]) -> tuple[Flag, ...]:
    """The findings of a training, of those of its folds: each as the fold shows it where it is gravest, with the folds that show it."""
    named = []
    for name, shown in by_name(found).items():
        if len(shown) < folds_needed(name, len(found)):
            continue
        fold, gravest = gravest_of(shown)
        where = f"in {len(shown)} of {len(found)} folds"
        summary = f"{where}; fold {fold}: {gravest.summary}" if gravest.summary else where
        named.append(
            replace(gravest, summary=summary, evidence={**gravest.evidence, "folds": f"{len(shown)} of {len(found)}", "fold": fold})
        )
    return tuple(sorted(named, key=lambda flag: SEVERITIES.index(flag.severity)))


def _without_consequences(found: list[Flag], run: RunCurves) -> list[Flag]:
    """Findings without those that another explains: a figure that is broken is no sign of overfitting, nor one after NaN of a collapse."""
    names = {flag.name for flag in found}
    explained: set[str] = {"overfitting"} if "broken_metric" in names else set()
    if any("other_level" in flag.evidence for flag in found):
        explained |= {
            "spiking",
            "oscillating",
            "noisy_validation",
            "diverging",
            "unfinished",
        }  # the one class changes, not the model's skill
    failed = next((flag for flag in found if flag.name == "diverging" and "non_finite" in flag.evidence), None)
    if failed is not None and failed.evidence["epochs"] > (run.numbering[0], run.numbering[0]):  # type: ignore[operator]  # a tuple of two
        explained.add("collapsed")
    return [flag for flag in found if flag.name not in explained]


NULL_RATE = 0.01
"""Upper bound on the share of steady runs, judged on the same images every epoch, that are flagged oscillating (``benchmarks/flags.py``)."""


def study_flags(study: StudyRecord) -> Mapping[int, tuple[Flag, ...]]:
    """Flags of each trial that has epochs on record, by trial number."""
    return {trial.number: trial_flags(trial, study) for trial in study.trials if trial.num_epochs > 0}


def trial_flags(trial: TrialRecord, study: StudyRecord) -> tuple[Flag, ...]:
    """Flags of one trial; the validation set's size is the trial's, the study's, or read off the values of a log."""
    num_val = int(trial.figures["num_val"]) if trial.figures.get("num_val", 0) > 0 else study.num_val
    if num_val is None and study.kind == "logs" and "val_accuracy" in trial.curves:
        num_val = infer_num_val(float(str(value)) for value in trial.curves["val_accuracy"])
    classes, frozen = trial.figures.get("num_classes"), trial.figures.get("frozen_by_batch")
    return find_flags(
        trial.curves,
        num_val=num_val,
        planned_epochs=trial.planned_epochs,
        num_classes=int(classes) if classes else None,
        frozen_by_batch=None if frozen is None else int(frozen),
        cut=trial.state in ("PRUNED", "RUNNING"),
        numbering=trial.numbering,
    )


def oscillating_by_chance(study: StudyRecord) -> float:
    """Most complete trials that would be flagged oscillating if every one were steady: their number times `NULL_RATE`."""
    return NULL_RATE * sum(trial.num_epochs > 0 and trial.state == "COMPLETE" for trial in study.trials)
