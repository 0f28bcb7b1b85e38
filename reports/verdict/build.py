"""Records to report data: the one place where the statistics are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.flags import study_flags
from reports.ranking import rank
from reports.records import ParameterRecord
from reports.verdict.answer import Answer, find_answer
from reports.verdict.association import Causes
from reports.verdict.causes import find_causes
from reports.verdict.importance import find_importance
from reports.verdict.mistakes import find_mistakes
from reports.verdict.next_steps import NextStep, next_steps
from reports.verdict.progress import summarise
from reports.verdict.sentences import decide
from reports.verdict.swing_causes import check_study_causes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.diagnosis import CauseCheck
    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import StudyRecord
    from reports.verdict.importance import StudyImportance
    from reports.verdict.mistakes import Mistakes
    from reports.verdict.progress import Progress
    from reports.verdict.sentences import Verdict


@dataclass(frozen=True)
class ReportData:
    """Everything that one report shows.

    Attributes:
        ranking: its configurations, those without a complete training last.
        parameters: searched parameters in the order of the space, then any that only older trials have.
        importance: for stable accuracy and for oscillation; empty for logs.
        causes: parameters that go with flags, the surest first, and how common each flag is; empty for logs.
        cause_checks: configuration to the usual causes of swings, as far as its log or its sweep can test them.
        answer: what to take, and what that is worth.
        next_steps: what to do next, at most three.
        mistakes: where the trainings err; None where that cannot be on record (logs, other tools' sweeps), and while nothing is finished.
    """

    study: StudyRecord
    ranking: Ranking
    verdict: Verdict
    progress: Progress
    parameters: tuple[ParameterRecord, ...]
    importance: tuple[StudyImportance, ...]
    causes: Causes
    cause_checks: Mapping[str, Sequence[CauseCheck]]
    answer: Answer
    next_steps: tuple[NextStep, ...] = ()
    mistakes: Mistakes | None = None

    @property
    def configurations(self) -> tuple[RankedConfiguration, ...]:
        """The configurations in the order of the ranking."""
        return self.ranking.configurations

    @property
    def ranked(self) -> tuple[RankedConfiguration, ...]:
        """The configurations that have a complete training, hence a stable figure; they come first."""
        return tuple(row for row in self.configurations if row.stable is not None)

    @property
    def tied(self) -> frozenset[str]:
        """IDs of the leaders, where several cannot be separated."""
        return frozenset(self.verdict.leaders) if self.verdict.kind == "tied" else frozenset()

    def configuration(self, identifier: str) -> RankedConfiguration:
        """The configuration with this ID."""
        return next(row for row in self.configurations if row.configuration == identifier)


def as_report_data(source: StudyRecord | ReportData) -> ReportData:
    """`source` itself when it is report data already: several exports then share one ranking."""
    return source if isinstance(source, ReportData) else build_report_data(source)


def build_report_data(study: StudyRecord, *, cause_checks: Mapping[str, Sequence[CauseCheck]] | None = None) -> ReportData:
    """Rank, diagnose and summarise a study.

    Args:
        study: the records.
        cause_checks: for logs: configuration to what `reports.diagnosis.diagnose_run` found about the usual causes of swings; for sweeps
            `check_study_causes` goes through them.
    """
    flags = study_flags(study)
    ranking = rank(study, flags=flags)
    sweep = study.kind == "study"
    verdict, progress = decide(study, ranking), summarise(study, ranking.scores)
    mistakes = find_mistakes(study, ranking)
    importance = (find_importance(study, ranking, "stable"), find_importance(study, ranking, "oscillation")) if sweep else ()
    return ReportData(
        study=study,
        ranking=ranking,
        verdict=verdict,
        progress=progress,
        parameters=_parameters(study),
        importance=importance,
        causes=find_causes(study, flags=flags) if sweep else Causes((), (), 0),
        cause_checks=check_study_causes(study, flags) if sweep else cause_checks or {},
        answer=find_answer(study, ranking, progress, mistakes),
        next_steps=next_steps(study, ranking, verdict, importance),
        mistakes=mistakes,
    )


def _parameters(study: StudyRecord) -> tuple[ParameterRecord, ...]:
    """Parameters of the space, then those that only some trials have (an older schema)."""
    known = {parameter.name for parameter in study.parameters}
    others = dict.fromkeys(name for trial in study.trials for name in trial.params if name not in known)
    return study.parameters + tuple(_guess(name, [trial.params[name] for trial in study.trials if name in trial.params]) for name in others)


def _guess(name: str, values: Sequence[object]) -> ParameterRecord:
    """How to draw a parameter that the space no longer describes."""
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values):
        return ParameterRecord(name, "float", low=min(numbers), high=max(numbers))
    return ParameterRecord(name, "choice", labels=tuple(sorted({str(value) for value in values})))
