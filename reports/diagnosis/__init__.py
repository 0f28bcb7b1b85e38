"""Verdicts on logged runs: as data, as text for a terminal, and as the JSON document ``steadysweep.diagnosis/1``."""

from reports.diagnosis.causes import CauseCheck
from reports.diagnosis.logged_run import CurveFigures, Phases, Verdict, diagnose_run
from reports.diagnosis.text import SCHEMA, to_json, to_text

__all__ = ["SCHEMA", "CauseCheck", "CurveFigures", "Phases", "Verdict", "diagnose_run", "to_json", "to_text"]
