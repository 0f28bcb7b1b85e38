"""A whole study as a report sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reports.records.trial import TrialRecord


@dataclass(frozen=True)
class ParameterRecord:
    """One searched parameter.

    Attributes:
        name: as in the sweep file.
        kind: how its values are ordered and drawn.
        log: whether it is drawn on a logarithmic scale.
        low: lower end, for ``float`` and ``int``.
        high: upper end, for ``float`` and ``int``.
        labels: the choices in their order, for ``choice`` and ``ordinal``.
        condition: text of its ``when``, or None.
    """

    name: str
    kind: Literal["float", "int", "choice", "ordinal"]
    log: bool = False
    low: float | None = None
    high: float | None = None
    labels: tuple[str, ...] = ()
    condition: str | None = None


@dataclass(frozen=True)
class StudyRecord:
    """Everything a report needs; built by `sweeps` from the storage, or by `diagnose` from logs.

    Attributes:
        name: the study's name, or the log's.
        kind: ``study`` for a sweep, ``logs`` for trainings run elsewhere.
        metric: per-epoch metric that is ranked, e.g. ``val_accuracy``.
        maximize: whether more is better.
        trials: all trials, by number.
        parameters: the searched parameters in the order of the space.
        num_val: validation images, or None when unknown.
        target_trials: configurations that the sweep wants, or None.
        sweep_file: the resolved sweep file as YAML (``${VARIABLES}`` unexpanded), or empty.
        versions: package to version.
        hardware: e.g. ``cpus``, ``gpus``, ``memory``; texts.
        facts: what else identifies the study (``data_fingerprint``, ``space_fingerprint``, ``host``, ``owner``, ``command``, ``seed``); texts.
        created: UTC.
        updated: UTC of the newest record.
        history: trials of another study that this one began with; never ranked, counted or tested here.
        history_source: that study's name, or empty.
    """

    name: str
    kind: Literal["study", "logs"]
    metric: str
    maximize: bool
    trials: tuple[TrialRecord, ...]
    parameters: tuple[ParameterRecord, ...] = ()
    num_val: int | None = None
    target_trials: int | None = None
    sweep_file: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None
    updated: datetime | None = None
    history: tuple[TrialRecord, ...] = ()
    history_source: str = ""
