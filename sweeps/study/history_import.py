"""A new study that begins with the trials of an old one as history.

Imported trials have the role ``history``: they are shown, and they teach; they are never ranked, counted, confirmed or trained again as this study's own.

- Equal epochs: samplers see what each held, the pruner compares with its levels, and its configuration is not trained a second time.
- More epochs: an old trial's figure is that of a shorter training, perhaps with another course of its learning rate. It is kept as *pruned* at its last epoch:
  TPE, which ranks pruned trials below all complete ones and among themselves, learns from it where trainings were promising, until complete trials of the full
  length take its place. The Gaussian process and CMA-ES, which cannot tell lengths apart, do not see it; nor does the pruner, whose levels must be those of
  one schedule. Its configuration may be trained again at the full length.

Trials of one study as points of another's space.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps.configuration import effective_settings, searchable_values
from sweeps.errors import SweepInputError
from sweeps.record import HistorySource, read_stored_study
from sweeps.record.reading import Attribute, ImportedTrial, NewTrial, shown_epochs
from sweeps.study.kill_points import reach
from sweeps.study.state import metric_curve, restored_trial
from sweeps.sweep_file import SweepFile, history_obstacles, setting_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from search_spaces import PointValue
    from sweeps.record.facts import StudyFacts
    from sweeps.record.reading import StoredTrial
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.study.plan import StudyPlan


OUTSIDE = "outside the new space"
RELABELLED = "values of its labels are no longer known"


class HistoryPoints:
    """Finds the point of a new sweep that trains exactly as a trial of an old one did.

    Args:
        old: the file of the study that the trials are from.
        new: the file of the new study.
        boundaries: see `sweeps.configuration.effective_settings`.
    """

    def __init__(self, old: SweepFile, new: SweepFile, boundaries: Mapping[str, str]) -> None:
        self._old = old
        self._new = new
        self._boundaries = boundaries

    def find(self, params: Mapping[str, PointValue]) -> dict[str, PointValue] | str:
        """The point of the new space, or why there is none."""
        try:
            values = searchable_values(self._old, params)
            effective = effective_settings(self._old, params, self._boundaries)
        except SweepInputError:
            return RELABELLED
        point: dict[str, PointValue] = {}
        for name, parameter in self._new.space.parameters.items():
            path = setting_path(name)
            if path is None or not (parameter.when is None or parameter.when.holds(point)):
                continue
            value = parameter.value_of(values[".".join(path)])
            if value is None:
                return OUTSIDE
            point[name] = value
        return point if effective_settings(self._new, point, self._boundaries) == effective else OUTSIDE


UNFINISHED = "failed, or not over"
_KEPT = (Attribute.FIGURES, Attribute.FACTS, Attribute.DIAGNOSIS, Attribute.SCORE, Attribute.CAUSE)


@dataclass(frozen=True)
class History:
    """An old study, looked at.

    Attributes:
        source: where it is.
        facts: what it is.
        trials: all its trials.
        sweep: its file.
    """

    source: HistorySource
    facts: StudyFacts
    trials: tuple[StoredTrial, ...]
    sweep: SweepFile


def look_at_history(source: HistorySource, sweep: SweepFile, fingerprint: str | None = None) -> History:
    """Read the study that `sweep` is to begin with.

    Args:
        source: where it is.
        sweep: the new study's file.
        fingerprint: of the new study's data, once known.

    Raises:
        SweepInputError: no such study, or one whose trials say nothing about the new study; the message says why.
    """
    facts, trials = read_stored_study(source.storage, source.study)
    old = SweepFile.from_text(facts.sweep_file, f"study {source.study}")
    obstacles = history_obstacles(old, sweep)
    if obstacles:
        differences = "\n".join(f"  {difference}" for difference in obstacles)
        raise SweepInputError(
            f"--from {source.study}: its trials say nothing about study {sweep.study!r}:\n{differences}\n"
            "Expected the same data, split, model, metric and training; the space may be another one and the epochs may be more."
        )
    for setting, there, here in (
        ("storage_path", old.storage_path, sweep.storage_path),
        ("report.path", old.report.path, sweep.report.path),
    ):
        if here is not None and here == there and old.study != sweep.study:
            raise SweepInputError(
                f"{setting}: {here!r} is that of study {source.study!r}; the new study needs its own. Add --set {setting}=PLACE, or leave the setting out."
            )
    known = facts.facts.get("data_fingerprint")
    if known and fingerprint and known != fingerprint:
        raise SweepInputError(
            f"--from {source.study}: it was trained on other data (fingerprint {known}; this sweep's data has {fingerprint}). "
            "Trials on other data cannot be compared; start the study without --from, or give it the same images and split."
        )
    return History(source, facts, tuple(trials), old)


def import_history(record: RecordedStudy, plan: StudyPlan, sweep: SweepFile, history: History, boundaries: Mapping[str, str]) -> None:
    """Write an old study's trials to a new study; a driver that is killed on the way is continued by the next.

    Args:
        record: the new study.
        plan: of the new study.
        sweep: its file.
        history: the old study.
        boundaries: see `sweeps.configuration.effective_settings`.
    """
    source = history.source
    there = {_origin(trial.attributes[Attribute.SOURCE]) for trial in record.trials() if trial.role == "history"}
    points = HistoryPoints(history.sweep, sweep, boundaries)
    left_out: Counter[str] = Counter()
    imported = 0
    for trial in _candidates(history.trials):
        if trial.state not in ("COMPLETE", "PRUNED") or not trial.epochs:
            left_out[UNFINISHED] += 1
            continue
        point = points.find({name: value for name, value in trial.params.items() if isinstance(value, (int, float, str))})
        if isinstance(point, str):
            left_out[point] += 1
            continue
        origin = trial.attributes.get(Attribute.SOURCE) or {"study": source.study, "trial": trial.number}
        if _origin(origin) not in there:
            record.import_trial(_imported(trial, origin, point, plan, history.facts))
        imported += 1
        reach("history-imported")
    if record.facts.num_val is None and history.facts.num_val is not None:
        record.update_facts(num_val=history.facts.num_val)
    record.update_facts(history=replace(source, complete=True, imported=imported, left_out=dict(left_out)))


def _candidates(trials: Iterable[StoredTrial]) -> list[StoredTrial]:
    """Search trials, and what the old study had imported itself."""
    return [trial for trial in trials if trial.role in ("search", "history")]


def _origin(written: Mapping[str, Any]) -> tuple[str, int]:
    return str(written["study"]), int(written["trial"])


def _imported(
    trial: StoredTrial, origin: Mapping[str, Any], point: Mapping[str, PointValue], plan: StudyPlan, facts: StudyFacts
) -> ImportedTrial:
    """A trial of the old study as one of the new."""
    planned = int(trial.attributes.get(Attribute.PLANNED_EPOCHS, facts.planned_epochs))
    configuration = plan.proposer.configuration_id(point)
    scored = restored_trial(trial, point, plan.metric, maximize=plan.maximize)
    complete = trial.state == "COMPLETE" and planned >= plan.planned_epochs and scored.stable is not None
    attributes: dict[str, Any] = {name: trial.attributes[name] for name in _KEPT if trial.attributes.get(name)}
    attributes[Attribute.SOURCE] = {**origin, "configuration": trial.configuration, "state": trial.state}
    if planned < plan.planned_epochs:
        attributes[Attribute.CAUSE] = f"history: a training of {planned} epochs, not {plan.planned_epochs}"
    curve = metric_curve(trial, plan.metric)
    shown = {epoch: float(curve[epoch - 1]) for epoch in sorted(shown_epochs(planned)) if epoch <= len(curve)}
    started = trial.started or trial.completed
    completed = trial.completed or trial.started
    if started is None or completed is None:
        raise SweepInputError(f"study {origin['study']}: trial {trial.number} is over and has no time; the storage is damaged.")
    seed = int(trial.attributes.get(Attribute.SEED, 0))
    return ImportedTrial(
        trial=NewTrial(point, "history", configuration, seed, int(trial.attributes.get(Attribute.REPLICATE, 0)), planned),
        state="COMPLETE" if complete else "PRUNED",
        value=scored.stable if complete else None,
        attributes=attributes,
        curves={name: np.asarray(values, dtype=np.float32) for name, values in trial.curves.items()},
        shown={epoch: value for epoch, value in shown.items() if np.isfinite(value)},
        started=started,
        completed=completed,
    )
