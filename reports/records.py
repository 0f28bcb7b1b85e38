"""One trial of a study as a report sees it.

A whole study as a report sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray


TrialState = Literal["COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING"]
Role = Literal["search", "confirmation", "sibling", "history"]
ParameterValue = str | int | float | bool | None


@dataclass(frozen=True)
class AttemptRecord:
    """One run of a trial on a worker.

    Attributes:
        attempt: counted from 0.
        driver: host and process of the driver.
        worker: host and process of the worker, or empty before it started.
        from_epoch: epochs that were already done when it started.
        started: UTC.
        ended: UTC, or None while running or when the driver died.
        cause: how it ended (`sweeps.executor.Cause` value), or None.
        gpu: GPUs that it had.
    """

    attempt: int
    driver: str
    worker: str
    from_epoch: int
    started: datetime | None
    ended: datetime | None
    cause: str | None
    gpu: float = 0.0


@dataclass(frozen=True)
class TrialRecord:
    """One training of a configuration with one seed.

    Attributes:
        number: the trial's number in the study.
        configuration: ID of its configuration.
        role: why it was trained.
        state: Optuna's state.
        seed: training seed.
        params: searched parameters that are active, by name.
        curves: metric name to per-epoch values, shape ``(num_epochs,)``, NaN where missing.
        planned_epochs: epochs of a complete training.
        figures: scalars of the trial, e.g. ``exported_val_accuracy``, ``exported_epoch``, ``test_accuracy``, ``num_val``, ``frozen_share``.
        cause: why it ended, for PRUNED and FAIL.
        error: traceback of a failure.
        attempts: its runs, in order.
        shared: what this trial shared with others ("frozen prefix", "compiled model"), name to description.
        facts: what its training told in words, e.g. ``class_names`` in the order of the outputs, ``frozen_boundary``.
        notices: what its workers told that a person should know: checkpoints that were damaged, gone or could not be written.
        source: for ``history``: the study and the number that it had there; None otherwise.
    """

    number: int
    configuration: str
    role: Role
    state: TrialState
    seed: int
    params: Mapping[str, ParameterValue]
    curves: Mapping[str, NDArray[np.float32]]
    planned_epochs: int
    figures: Mapping[str, float] = field(default_factory=dict)
    cause: str | None = None
    error: str | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    shared: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    source: tuple[str, int] | None = None

    @property
    def num_epochs(self) -> int:
        """Epochs on record."""
        return max((len(curve) for curve in self.curves.values()), default=0)


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
class PeerWinner:
    """The trial that another tool names as the best of its sweep.

    Attributes:
        tool: e.g. ``Optuna``; empty where a table sorted by `rule` stands for it, because the tool names no winner.
        configuration: ID of the trial's configuration.
        trial: the trial as the tool names it.
        value: the figure that it was chosen by.
        rule: what that figure is, e.g. ``its last value``.
    """

    tool: str
    configuration: str
    trial: str
    value: float
    rule: str


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
        peer_winner: of a sweep that another tool ran: the trial that it names as the best; None of this project's own sweeps.
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
    peer_winner: PeerWinner | None = None
