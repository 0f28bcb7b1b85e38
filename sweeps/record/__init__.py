"""The record of a study: Optuna's storage, our curves, attempts and facts beside it, and its reading, which does not import Optuna."""

from sweeps.record.study_record import list_studies, read_study

__all__ = ["list_studies", "read_study"]
