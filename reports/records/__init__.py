"""What a report is made from: a study as frozen data, free of any storage."""

from reports.records.study import ParameterRecord, StudyRecord
from reports.records.trial import AttemptRecord, Role, TrialRecord, TrialState

__all__ = ["AttemptRecord", "ParameterRecord", "Role", "StudyRecord", "TrialRecord", "TrialState"]
