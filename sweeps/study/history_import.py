"""A new study that begins with the trials of an old one as history.

Imported trials have the role ``history``: they are shown, and they teach; they are never ranked, counted, confirmed or trained again as this study's own.

- Equal epochs: samplers see what each held, the pruner compares with its levels, and its configuration is not trained a second time.
- More epochs: an old trial's figure is that of a shorter training, perhaps with another course of its learning rate. It is kept as *pruned* at its last epoch:
  TPE, which ranks pruned trials below all complete ones and among themselves, learns from it where trainings were promising, until complete trials of the full
  length take its place. The Gaussian process and CMA-ES, which cannot tell lengths apart, do not see it; nor does the pruner, whose levels must be those of
  one schedule. Its configuration may be trained again at the full length.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reports.records import SEARCHED
from sweeps.errors import SweepInputError
from sweeps.record.study_record import HistorySource, read_stored_study
from sweeps.study.kill_points import reach
from sweeps.study.live_trial import point_of
from sweeps.study.state import metric_curve, score_of
from sweeps.sweep_file import SweepFile, sweep_from_text
from sweeps.sweep_file.comparison import history_obstacles
from sweeps.sweep_file.configuration import effective_settings, searchable_values
from sweeps.sweep_file.searchable import setting_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import TrialRecord
    from search_spaces.conditions import PointValue
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.record.study_record import StudyFacts
    from sweeps.study.plan import StudyPlan


OUTSIDE = "outside the new space"
RELABELLED = "values of its labels are no longer known"


def equal_point(
    params: Mapping[str, PointValue], old: SweepFile, new: SweepFile, boundaries: Mapping[str, str]
) -> dict[str, PointValue] | str:
    """The point of a new sweep that trains exactly as `params` did in an old one, or why there is none; `boundaries` as for `import_history`."""
    try:
        values = searchable_values(old, params)
        effective = effective_settings(old, params, boundaries)
    except SweepInputError:
        return RELABELLED
    point: dict[str, PointValue] = {}
    for name, parameter in new.space.parameters.items():
        path = setting_path(name)
        if path is None or not (parameter.when is None or parameter.when.holds(point)):
            continue
        value = parameter.value_of(values[".".join(path)])
        if value is None:
            return OUTSIDE
        point[name] = value
    return point if effective_settings(new, point, boundaries) == effective else OUTSIDE


UNFINISHED = "failed, or not over"


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
    trials: tuple[TrialRecord, ...]
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
    old = sweep_from_text(facts.sweep_file, f"study {source.study}")
    if sweep.search.cost is not None:
        raise SweepInputError(
            f"--from {source.study}: a search for a frontier (search.cost: {sweep.search.cost}) begins with no other study's trials, "
            "whose networks were measured elsewhere; start it without --from, or leave search.cost out."
        )
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
        boundaries: see `sweeps.sweep_file.configuration.effective_settings`.
    """
    source = history.source
    there = {trial.source for trial in record.trials() if trial.role == "history"}
    left_out: Counter[str] = Counter()
    imported = 0
    for trial in history.trials:
        if trial.role not in SEARCHED and trial.role != "history":
            continue
        if trial.state not in ("COMPLETE", "PRUNED") or not trial.num_epochs:
            left_out[UNFINISHED] += 1
            continue
        point = equal_point(point_of(trial), history.sweep, sweep, boundaries)
        if isinstance(point, str):
            left_out[point] += 1
            continue
        origin = trial.source or (source.study, trial.number)  # an imported trial keeps where it came from
        if origin not in there:
            record.import_trial(_imported(trial, record.next_number, origin, point, plan))
        imported += 1
        reach("history-imported")
    if record.facts.num_val is None and history.facts.num_val is not None:
        record.update_facts(num_val=history.facts.num_val)
    record.update_facts(history=replace(source, complete=True, imported=imported, left_out=dict(left_out)))


def _imported(trial: TrialRecord, number: int, origin: tuple[str, int], point: Mapping[str, PointValue], plan: StudyPlan) -> TrialRecord:
    """A trial of the old study as one of the new."""
    started, completed = trial.started or trial.completed, trial.completed or trial.started
    if started is None:
        raise SweepInputError(f"study {origin[0]}: trial {trial.number} is over and has no time; the storage is damaged.")
    score = trial.score or score_of(metric_curve(trial, plan.metric), complete=trial.state == "COMPLETE", maximize=plan.maximize)
    shorter = trial.planned_epochs < plan.planned_epochs
    return replace(
        trial,
        number=number,
        configuration=plan.proposer.configuration_id(point),
        role="history",
        state="COMPLETE" if trial.state == "COMPLETE" and not shorter and score else "PRUNED",
        params=point,
        cause=f"history: a training of {trial.planned_epochs} epochs, not {plan.planned_epochs}" if shorter else trial.cause,
        error=None,
        source=origin,
        carrier=None,
        score=score,
        memory={},
        started=started,
        completed=completed,
    )
