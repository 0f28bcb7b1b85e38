"""What a study is, besides its trials: kept in a table of ours, a JSON value a key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from reports.records import ParameterRecord
from sweeps.record.schema import FACTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import Connection


@dataclass(frozen=True)
class HistorySource:
    """The study whose trials a study began with.

    Attributes:
        study: its name.
        storage: its URL, ``${VARIABLES}`` unexpanded.
        complete: whether all its trials were imported; until then the next run goes on importing.
        imported: trials that were taken over.
        left_out: reason to number of trials that were not.
    """

    study: str
    storage: str
    complete: bool = False
    imported: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class StudyFacts:
    """Everything that identifies a study.

    Attributes:
        metric: what is ranked.
        maximize: whether more is better.
        seed: the study's seed.
        target_trials: search configurations wanted; grows with ``--trials +N``.
        planned_epochs: epochs of a complete training.
        sweep_file: the resolved sweep file as YAML, ``${VARIABLES}`` unexpanded.
        parameters: the space as it is now (it may be narrowed).
        distributions: name to Optuna's JSON, frozen when the study was made.
        num_val: validation images, once a trial has reported them.
        versions: package to version.
        hardware: of the driver's host; texts.
        facts: fingerprints, owner, host, command; texts.
        created: UTC.
        changes: what later runs changed, oldest first: time and text.
        history: the study whose trials it began with, or None.
        exhausted: whether every configuration of the space was proposed.
        settled: why the search ended before its last trial, in words, or empty.
        leaders: configurations that are confirmed, best first; fixed when confirmation begins.
        leaders_after: how many search configurations they were chosen from.
    """

    metric: str
    maximize: bool
    seed: int
    target_trials: int | None
    planned_epochs: int
    sweep_file: str = ""
    parameters: tuple[ParameterRecord, ...] = ()
    distributions: Mapping[str, str] = field(default_factory=dict)
    num_val: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None
    changes: tuple[str, ...] = ()
    history: HistorySource | None = None
    exhausted: bool = False
    settled: str = ""
    leaders: tuple[str, ...] = ()
    leaders_after: int = 0


def read_facts(connection: Connection, study_id: int) -> StudyFacts | None:
    """The facts of a study, or None when it is not one of ours."""
    rows = connection.execute(select(FACTS.c.key, FACTS.c.value_json).where(FACTS.c.study_id == study_id))
    stored: dict[str, Any] = {key: json.loads(value) for key, value in rows}
    if not stored:
        return None
    known = {each.name for each in fields(StudyFacts)}
    values = {key: value for key, value in stored.items() if key in known}
    values["parameters"] = tuple(ParameterRecord(**{**each, "labels": tuple(each["labels"])}) for each in stored.get("parameters", ()))
    values["changes"] = tuple(stored.get("changes", ()))
    values["leaders"] = tuple(stored.get("leaders", ()))
    values["created"] = datetime.fromisoformat(stored["created"]) if stored.get("created") else None
    values["history"] = HistorySource(**stored["history"]) if stored.get("history") else None
    return StudyFacts(**values)


def write_facts(connection: Connection, study_id: int, facts: StudyFacts) -> None:
    """Replace the facts of a study."""
    connection.execute(delete(FACTS).where(FACTS.c.study_id == study_id))
    rows = [{"study_id": study_id, "key": each.name, "value_json": _json(getattr(facts, each.name))} for each in fields(StudyFacts)]
    connection.execute(insert(FACTS), rows)


def _json(value: object) -> str:
    """`value` as JSON: records as objects, times in ISO 8601."""

    def plain(other: object) -> object:
        if isinstance(other, datetime):
            return other.isoformat()
        if isinstance(other, ParameterRecord | HistorySource):
            return {each.name: getattr(other, each.name) for each in fields(other)}
        if hasattr(other, "items"):
            return dict(other.items())
        raise TypeError(f"a study fact holds a {type(other).__name__}; expected JSON values, a time or a ParameterRecord")

    return json.dumps(value, default=plain)
