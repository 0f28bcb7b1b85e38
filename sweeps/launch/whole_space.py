"""The pre-flight checks on a whole space: every value of every parameter, each pair of values, and the corners, not the file's own settings alone.

A finding that every point has is one of the sweep. One that only some points have names the values that bring it, and warns: the other trainings are sound.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sweeps.errors import SweepInputError
from sweeps.sweep_file.configuration import absolute_config, train_config
from sweeps.sweep_file.searchable import setting_path
from sweeps.sweep_file.settings import NotifySettings
from trainer.config import TrainConfig
from trainer.config.settings import loss_name
from trainer.preflight import idle as idle_checks
from trainer.preflight import preflight

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from search_spaces.conditions import PointValue
    from search_spaces.space import SearchSpace
    from sweeps.sweep_file import SweepFile
    from trainer.data import ImageData
    from trainer.preflight import Finding, ModelFacts

    Point = Mapping[str, PointValue]
    Values = tuple[tuple[str, PointValue], ...]

MOST_POINTS = 1_500
"""Looked at; a space of more pairs is looked at in as many of them, drawn always alike."""
MOST_CAUSES = 4
"""Combinations of values that a message names."""


def judge_space(sweep: SweepFile, own: TrainConfig, data: ImageData | None, facts: ModelFacts | None, base: Path) -> tuple[Finding, ...]:
    """Findings of the pre-flight checks on all that a sweep may train, most severe first.

    Args:
        sweep: the file.
        own: its own settings, nothing searched.
        data: the images; None: only the checks that look at settings alone.
        facts: of the model of `own`, where it was built.
        base: folder that paths are relative to.

    Raises:
        ConfigError: `allow` names a finding that does not exist.
    """
    points = list(points_of(sweep.space))
    idle = _Idle(sweep)
    if not points:
        idle.look(own, {})
        found_alone = [finding for finding in preflight(own, data, facts) if finding.name != idle_checks.NAME]
        return _by_severity([*found_alone, *idle.findings(sweep.allow)])
    of_images = preflight(own, data, facts, settings=False)
    found: dict[str, tuple[Finding, list[Point]]] = {}
    looked_at: list[Point] = []
    for point in points:
        try:
            config = TrainConfig(**absolute_config(train_config(sweep, point, own.seed).model_dump(mode="json"), base))
        except SweepInputError:
            continue  # settings that contradict each other: such a trial fails with that message
        looked_at.append(point)
        idle.look(config, point)
        for finding in preflight(config, data, _facts_at(config, own, facts), settings=True):
            if finding.name == idle_checks.NAME:
                continue  # of one point; `idle` knows what changes nothing anywhere
            found.setdefault(finding.name, (finding, []))[1].append(point)
    judged = [_judged(finding, at, looked_at) for finding, at in found.values()] + idle.findings(sweep.allow)
    return _by_severity([*of_images, *judged])


def _by_severity(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    order = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.severity]))


SWEEP_RULES: tuple[tuple[str, Callable[[SweepFile], bool], str], ...] = (
    (
        "budget.gpu_hours",
        lambda sweep: sweep.budget.gpu_hours is not None and not sweep.resources.gpu,
        "with resources.gpu above 0: else no GPU-hours are counted",
    ),
    ("notify.headers", lambda sweep: bool(sweep.notify.headers) and sweep.notify.webhook is None, "with notify.webhook"),
    (
        "notify.on",
        lambda sweep: sweep.notify.on != NotifySettings().on and sweep.notify.webhook is None and sweep.notify.command is None,
        "with notify.command or notify.webhook",
    ),
    (
        "search.duplicates",
        lambda sweep: sweep.search.duplicates and sweep.search.sampler == "grid",
        "with a search.sampler other than grid, which proposes each point once",
    ),
)
"""Settings outside a training that act only beside another: path, whether it is given and idle, what it needs."""


class _Idle:
    """Settings that are given, or searched, and change nothing at any point of the space where they are given."""

    def __init__(self, sweep: SweepFile) -> None:
        paths = {name: setting_path(name) for name in sweep.space.parameters}
        self._sweep = sweep
        self._searched = {name: ".".join(path) for name, path in paths.items() if path is not None}
        self._idle: dict[str, str] = {}
        self._acting: set[str] = set()

    def look(self, config: TrainConfig, point: Point) -> None:
        """Look at one training of the space."""
        searched = set(self._searched.values())
        given = {path for path in idle_checks.given_settings(config) if path not in searched}
        given |= {path for name, path in self._searched.items() if name in point}
        idle = idle_checks.idle_settings(config, given)
        self._idle |= idle
        self._acting |= given - idle.keys()

    def findings(self, allow: Collection[str]) -> list[Finding]:
        """One finding, or none."""
        idle = [(path, needs) for path, needs in self._idle.items() if path not in self._acting]
        idle += [(path, needs) for path, is_idle, needs in SWEEP_RULES if is_idle(self._sweep)]
        return [idle_checks.idle_finding(idle)] if idle and idle_checks.NAME not in allow else []


def points_of(space: SearchSpace) -> Iterator[Point]:
    """Points that hold every value of every label, both ends of every range, and each pair of them; inactive parameters left out, each point once."""
    values = {name: _extremes(space, name) for name in space.parameters}
    names = list(values)
    if not names:
        return
    given = [{first: a, second: b} for first, second in itertools.combinations(names, 2) for a in values[first] for b in values[second]]
    given = given or [{names[0]: value} for value in values[names[0]]]
    generator = np.random.default_rng(0)
    if len(given) > MOST_POINTS:
        given = [given[index] for index in generator.permutation(len(given))[:MOST_POINTS].tolist()]
    seen: set[Values] = set()
    for part in given:
        others = {name: values[name][int(generator.integers(len(values[name])))] for name in names if name not in part}
        point = space.active({name: {**part, **others}[name] for name in names})
        key = tuple(point.items())
        if key not in seen:
            seen.add(key)
            yield point


def _extremes(space: SearchSpace, name: str) -> Sequence[PointValue]:
    """All labels of a parameter, or both ends of its range."""
    parameter = space.parameters[name]
    if parameter.labels:
        return parameter.labels
    return (parameter.canonical(parameter.low), parameter.canonical(parameter.high))


def _facts_at(config: TrainConfig, own: TrainConfig, facts: ModelFacts | None) -> ModelFacts | None:
    """What is known of the model at a point from that of the file's own settings; nothing of another backbone."""
    if facts is None or (config.model.backbone, config.model.options) != (own.model.backbone, own.model.options):
        return None
    known = facts
    if config.model.frozen_layers != own.model.frozen_layers:
        known = replace(known, frozen_problem=None)
    if config.training.loss != own.training.loss:
        known = replace(known, loss=loss_name(config.training.loss, known.output_units))
    if config.model.bn_momentum is not None and facts.has_batchnorm:
        known = replace(known, max_bn_momentum=config.model.bn_momentum)
    return known


def _judged(finding: Finding, at: list[Point], looked_at: list[Point]) -> Finding:
    """A finding of some points, as one of the space."""
    if len(at) == len(looked_at):
        return finding
    causes = offending(at, looked_at)
    named = " or ".join(" with ".join(f"{name}: {value}" for name, value in cause) for cause in causes[:MOST_CAUSES])
    more = f" and {len(causes) - MOST_CAUSES} more" if len(causes) > MOST_CAUSES else ""
    where = f"{named}{more}" if causes else f"some points, e.g. {', '.join(f'{name}: {value}' for name, value in at[0].items())}"
    return replace(
        finding,
        severity="warning" if finding.severity == "error" else finding.severity,
        message=f"the space reaches this with {where}; there, {finding.message}",
        evidence={**finding.evidence, "reached_with": tuple(" with ".join(f"{name}={value}" for name, value in cause) for cause in causes)},
        remedy=f"{finding.remedy}; or take the values out of the space",
    )


def offending(at: list[Point], looked_at: list[Point]) -> list[Values]:
    """The fewest values, alone or in pairs, that account for the offending points and that no sound point has; those that account for most come first.

    A pair that no sound point happens to have is not named where another explanation covers the same points.
    """
    inside = {tuple(point.items()) for point in at}
    sound = [set(point.items()) for point in looked_at if tuple(point.items()) not in inside]
    open_points = [set(point.items()) for point in at]
    causes: list[Values] = []
    for size in (1, 2):
        candidates = {cause for point in at for cause in itertools.combinations(point.items(), size) if set(point.items()) in open_points}
        guilty = [cause for cause in candidates if not any(set(cause) <= point for point in sound)]
        while open_points and guilty:
            covered = {cause: sum(set(cause) <= point for point in open_points) for cause in guilty}
            best = min(guilty, key=lambda cause: (-covered[cause], str(cause)))
            if not covered[best]:
                break
            causes.append(best)
            open_points = [point for point in open_points if not set(best) <= point]
    return causes
