"""A study and its trials as a report sees them, and the settings that each trial was trained with."""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from reports.ledger import NO_LEDGERS
from reports.stability import stability

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd
    from numpy.typing import NDArray

    from reports.ledger import LedgerSource


TrialState = Literal["COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING"]
Role = Literal["search", "sibling", "confirmation", "history"]
"""Why a trial is trained: proposed by the sampler; carried by such a trial's training, from which it differs in BatchNorm momentum alone; trained anew before the
final answer; imported from another study."""
SEARCHED: Final = frozenset({"search", "sibling"})
"""Roles of the trials that a search compares; the proposed ones alone are counted in ``search.trials``."""
ParameterValue = str | int | float | bool | None


@dataclass(frozen=True)
class AttemptRecord:
    """One run of a trial on a worker.

    Attributes:
        attempt: counted from 0.
        driver: its host and process.
        worker: likewise, or empty before it started.
        from_epoch: epochs that were already done when it started.
        started: UTC.
        ended: UTC, or None while running or when the driver died.
        cause: how it ended (`sweeps.executor.protocol.Cause` value), or None.
        gpu: GPUs that it had.
        seen: UTC of the newest record of it, or None when it was not read from a storage.
    """

    attempt: int
    driver: str
    worker: str
    from_epoch: int
    started: datetime | None
    ended: datetime | None
    cause: str | None
    gpu: float = 0.0
    seen: datetime | None = None


class Curves(Mapping[str, "NDArray[np.float32]"]):
    """Metric name to per-epoch values ``(num_epochs,)``, whose length is known before they are decoded."""

    @property
    @abstractmethod
    def num_epochs(self) -> int:
        """Epochs on record."""


@dataclass(frozen=True, repr=False)
class TrialRecord:
    """One training of a configuration with one seed: the one shape of a trial, from the storage to the page.

    Attributes:
        configuration: ID of its configuration.
        role: why it was trained.
        state: Optuna's.
        params: searched parameters that are active, by name.
        curves: metric name to per-epoch values, shape ``(num_epochs,)``, NaN where missing.
        planned_epochs: epochs of a complete training.
        figures: scalars of the trial, e.g. ``exported_val_accuracy``, ``exported_epoch``, ``test_accuracy``, ``num_val``, ``frozen_share``.
        cause: why it ended, for PRUNED and FAIL; of one that runs: why it was pruned although its training goes on, for its siblings.
        error: traceback of a failure.
        attempts: its runs, in order.
        facts: what its training reported in words, e.g. ``class_names`` in the order of the outputs, ``frozen_boundary``.
        notices: what its workers reported that a person should know: checkpoints that were damaged, gone or could not be written.
        source: for ``history``: the study and the number that it had there; None otherwise.
        carrier: of a ``sibling``: number of the trial whose training carries it; None otherwise.
        replicate: 0 in the search, and -1, -2, ... for its duplicates; 1, 2, ... for confirmations.
        validation_seed: seed of its own division of training and validation images, of a confirmation with ``resplit``; None: the study's.
        score: figures of the ranked metric that the driver put on record when the trial ended: ``level``, ``best``, ``last``,
            ``provisional``, of a complete training ``stable``; empty while it runs, and where an earlier rule computed them: the curves are
            there to compute them anew.
        flags: what was wrong with its curves when it ended, the gravest first: name to evidence.
        memory: what the sampler wants to find again at its next proposal; read by drivers alone.
        started, completed: UTC.
        numbering: number of the first epoch, and epochs from one value to the next, as a log counts them.
        accumulate: micro-batches that its batches were computed in because it ran out of memory; 1 where it did not.
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
    facts: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    source: tuple[str, int] | None = None
    carrier: int | None = None
    replicate: int = 0
    validation_seed: int | None = None
    score: Mapping[str, float] = field(default_factory=dict)
    flags: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    memory: Mapping[str, Any] = field(default_factory=dict)
    started: datetime | None = None
    completed: datetime | None = None
    numbering: tuple[int, int] = (1, 1)
    accumulate: int = 1

    def __repr__(self) -> str:
        """What it was and became; not its curves."""
        settings = "".join(
            f", {name}={value:.4g}" if isinstance(value, float) else f", {name}={value}" for name, value in self.params.items()
        )
        return f"<trial {self.number} ({self.role} of {self.configuration}): {self.state} after {self.num_epochs} epochs{settings}>"

    def epoch(self, index: int) -> int:
        """Number of an epoch by its index in a curve."""
        return self.numbering[0] + index * self.numbering[1]

    @property
    def infeasible(self) -> str:
        """Which limit of ``search.limits`` it broke, so that it was refused before its first epoch; empty where none."""
        return self.facts.get("infeasible", "")

    @property
    def num_epochs(self) -> int:
        """Epochs on record."""
        if isinstance(self.curves, Curves):
            return self.curves.num_epochs
        return max((len(curve) for curve in self.curves.values()), default=0)


@dataclass(frozen=True)
class ParameterRecord:
    """One searched parameter.

    Attributes:
        name: as in the sweep file.
        kind: how its values are ordered and drawn.
        log: whether it is drawn on a logarithmic scale.
        low, high: the ends, for ``float`` and ``int``.
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

    @property
    def labelled(self) -> bool:
        """Whether its values are labels."""
        return self.kind in {"choice", "ordinal"}

    def all_labels(self, values: Iterable[object]) -> list[str]:
        """Its labels in their order, then those of trials' `values` that the space no longer has; none for numbers."""
        return [*self.labels, *sorted({str(value) for value in values} - set(self.labels))] if self.labelled else []


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


@dataclass(frozen=True, repr=False)
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
        facts: what else identifies the study (``data_fingerprint``, ``host``, ``owner``, ``command``, ``seed``); texts.
        created: UTC.
        updated: UTC of the newest record.
        history: trials of another study that this one began with; never ranked, counted or tested here.
        history_source: that study's name, or empty.
        peer_winner: of a sweep that another tool ran: the trial that it names as the best; None of this project's own sweeps.
        ledgers: where to read which validation images its trials got right; nothing is read before somebody asks.
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
    ledgers: LedgerSource = field(default=NO_LEDGERS, compare=False, repr=False)

    def __repr__(self) -> str:
        """Its name and how many trials ended how."""
        states = Counter(trial.state.lower() for trial in self.trials)
        return f"<study {self.name!r}, ranked by {self.metric}: {', '.join(f'{count} {state}' for state, count in states.items()) or 'no trials'}>"

    def to_frame(self, *, epochs: bool = False) -> pd.DataFrame:
        """The trials as a table of pandas, trials of another study that this one began with left out.

        Args:
            epochs: one row an epoch, with a column for each metric, in place of one row a trial.

        Returns:
            One row a trial, indexed by its number: settings as ``params_NAME``, as Optuna names them, what its curve holds (``stable``, ``level``, ``best``,
            ``last``), its figures under their own names; or one row an epoch, indexed by number and epoch. Accuracies are fractions in [0, 1], times UTC.
        """
        import pandas as pd

        if not epochs:
            return pd.DataFrame(
                [self._row(trial) for trial in self.trials], index=pd.Index([each.number for each in self.trials], name="number")
            )
        parts = [
            pd.DataFrame({"number": trial.number, "epoch": [trial.epoch(index) for index in range(trial.num_epochs)], **trial.curves})
            for trial in self.trials
            if trial.num_epochs
        ]
        empty = pd.DataFrame({"number": [], "epoch": []}, dtype="int64")
        return (pd.concat(parts) if parts else empty).set_index(["number", "epoch"])

    def _row(self, trial: TrialRecord) -> dict[str, object]:
        curve = trial.curves.get(self.metric, ())
        known = stability(np.asarray(curve, dtype=np.float64), maximize=self.maximize) if len(curve) and not trial.score else None
        score = (
            dict(trial.score)
            if known is None
            else {"level": known.level, **({"stable": known.stable} if trial.state == "COMPLETE" else {})}
        )
        spans = [(run.started, run.ended or run.seen) for run in trial.attempts if run.worker]
        return {
            "configuration": trial.configuration,
            "role": trial.role,
            "state": trial.state,
            **{f"params_{parameter.name}": trial.params.get(parameter.name) for parameter in self.parameters},
            **{f"params_{name}": value for name, value in trial.params.items()},
            **{name: score.get(name, math.nan) for name in ("stable", "level", "best", "last")},
            "flags": ", ".join(trial.flags),
            "epochs": trial.num_epochs,
            "planned_epochs": trial.planned_epochs,
            "seed": trial.seed,
            "replicate": trial.replicate,
            "carrier": trial.carrier,
            "cause": trial.cause,
            "started": trial.started,
            "completed": trial.completed,
            "seconds": sum((end - start).total_seconds() for start, end in spans if start is not None and end is not None),
            **trial.figures,
        }


_SECTIONS: Final = ("data", "model", "training")


class StudySettings:
    """The settings that each trial of a sweep was trained with: its searched parameters over what the resolved sweep file fixes.

    Args:
        study: its record; without a sweep file that reads as YAML only searched settings are known.
    """

    def __init__(self, study: StudyRecord) -> None:
        self._content = _mapping_in(study.sweep_file)
        self._conditions = {parameter.name: parameter.condition or "" for parameter in study.parameters}
        self._belonging: dict[tuple[str, str], bool] = {}

    def section(self, name: str) -> Mapping[str, Any]:
        """A section of the sweep file; empty where there is none."""
        section = self._content.get(name)
        return section if isinstance(section, dict) else {}

    def whole(self) -> Mapping[str, Any]:
        """The sweep file's content; empty where it does not read as YAML."""
        return self._content

    def entry(self, key: str) -> object:
        """A top-level entry of the sweep file that is no section, or None."""
        return self._content.get(key)

    def values(self, params: Mapping[str, ParameterValue]) -> dict[str, object]:
        """Searched settings by name, each with the value that its label stands for.

        Args:
            params: of a trial, or of a configuration.
        """
        return {key: self._value(key, value) for key, value in params.items()}

    def of(self, trial: TrialRecord, section: str, name: str) -> object:
        """The value of ``section.name`` in a trial, or None where it is not known."""
        searched = self.searched(trial, name)
        return self.section(section).get(name) if searched is None else searched

    def searched(self, trial: TrialRecord, name: str) -> object:
        """The value of a searched setting by its short name, or None where it is not searched or not active; a label stands for its value."""
        for key, value in trial.params.items():
            if _short_name(key) == name:
                return self._value(key, value)
        return None

    def is_short_for(self, name: str, key: str) -> bool:
        """Whether `name` is the short name of a parameter."""
        return _short_name(key) == name

    def others(self, name: str, params: Mapping[str, ParameterValue]) -> frozenset[tuple[str, ParameterValue]]:
        """A trial's searched settings but `name` and what depends on it: equal for trials that differ in `name` alone.

        Args:
            name: short name of a setting, or its key in the space.
            params: the trial's active parameters.
        """
        return frozenset((key, value) for key, value in params.items() if not self._belongs(key, name))

    def _belongs(self, key: str, name: str) -> bool:
        """Whether a parameter is `name` or depends on it."""
        known = self._belonging.get((key, name))
        if known is None:
            depends = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", self._conditions.get(key, "")) is not None
            known = self._belonging[key, name] = depends or name in (key, _short_name(key))
        return known

    def _value(self, key: str, label: object) -> object:
        """What a label of a choice or ordinal stands for; an ordinal of numbers has them as labels."""
        entry = self.section("space").get(key)
        if not isinstance(entry, dict):
            return label
        choices = entry.get("choice", entry.get("ordinal"))
        if isinstance(choices, dict):
            return choices.get(label, label)
        return next((choice for choice in choices or () if str(choice) == str(label)), label)


def _short_name(key: str) -> str:
    section, _, name = key.rpartition(".")
    return name if section in _SECTIONS else key


@lru_cache(maxsize=8)
def _mapping_in(text: str) -> Mapping[str, Any]:
    """The sweep file's content, read once however many configurations ask; empty where it does not read as a mapping of YAML."""
    if not text:
        return {}
    from search_spaces.errors import SpaceError
    from search_spaces.located_yaml import load_yaml

    try:
        content = load_yaml(text, "the study's sweep file").value
    except SpaceError:
        return {}
    return content if isinstance(content, dict) else {}
