"""Steadysweep on a replayed sweep: its sampler, its race of fresh trainings and its ranking, on a study record made of rows of the table.

The record has what a study's has: curves, roles, seeds, the number of validation images, and the ledgers of the late epochs. What is left out is what has nothing
to do with choosing: workers, storage, files.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from replay import Choice, Contender, Training

from reports.flags import trial_flags
from reports.ledger import Ledger, ValidationImages
from reports.ranking import rank
from reports.ranking.race import next_contender
from reports.records import StudyRecord, TrialRecord
from reports.stability import stability
from search_spaces.parsing import space_from_mapping
from sweeps.search.proposals import Proposer
from sweeps.search.samplers import make_sampler
from sweeps.search.view import SeenTrial
from sweeps.study.confirmation import share_of_search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from replay import Sweep
    from study import Table

    from reports.flags import Flag
    from reports.ranking import Ranking
    from reports.records import Role
    from reports.stability import StabilityScore
    from search_spaces.space import SearchSpace

METRIC = "val_accuracy"


def searched(trainings: int) -> int:
    """Trainings of the search such that it and its confirmation by `confirm: auto` take no more than these."""
    return max(n for n in range(1, trainings + 1) if n + share_of_search(n, 1, n) <= trainings)


@lru_cache(maxsize=16)
def search_space(name: str, grid: tuple[tuple[str, tuple[Any, ...]], ...]) -> SearchSpace:
    """A grid as a sweep file would have it: numbers are ordinals, the others choices."""
    del name
    return space_from_mapping(
        {setting: {"choice" if isinstance(values[0], (str, bool)) else "ordinal": list(values)} for setting, values in grid}
    )


def space_of(table: Table) -> SearchSpace:
    """The search space of a table."""
    return search_space(table.name, tuple((name, tuple(values)) for name, values in table.grid.items()))


class Ledgers:
    """The ledgers of a replayed sweep, read from its table."""

    def __init__(self, table: Table, trainings: Sequence[Training]) -> None:
        self._table = table
        self._trainings = trainings

    def read(self, numbers: Iterable[int]) -> dict[int, Ledger]:
        """Trial number to ledger."""
        table, found = self._table, {}
        epochs = range(table.num_epochs - table.val_bits.shape[2] + 1, table.num_epochs + 1)
        for number in numbers:
            training = self._trainings[number]
            images, order = validation_images(table.name, training.seed if table.resplit else 0, _Hashed(table))
            right = table.val_right[training.configuration, training.seed][:, order]
            found[number] = Ledger.of(images, epochs, right)
        return found


class _Hashed:
    """A table as an argument of a cached function; tables of one name are the same."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __hash__(self) -> int:
        return hash(self.table.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and other.table.name == self.table.name


@lru_cache(maxsize=64)
def validation_images(name: str, seed: int, of: _Hashed) -> tuple[ValidationImages, Any]:
    """The validation images of a seed, and their order in the table."""
    table = of.table
    order = np.argsort(table.val_images[seed])
    places, labels = table.val_images[seed][order].astype(np.int64), table.val_labels[seed][order].astype(np.int64)
    return ValidationImages(name, places, labels, tuple(str(each) for each in range(table.num_classes))), order


class Study:
    """The record of a replayed sweep as it grows.

    Args:
        sweep: the sweep.
        default_first: whether the search starts from the default configuration.
    """

    def __init__(self, sweep: Sweep, *, default_first: bool = False) -> None:
        self.sweep = sweep
        self.space = space_of(sweep.table)
        if default_first:
            settings, grid = sweep.table.configurations[sweep.table.default], sweep.table.grid
            start = {name: parameter.labels[grid[name].index(settings[name])] for name, parameter in self.space.parameters.items()}
            self.space = replace(self.space, starting_points=(start,))
        self._trials: list[TrialRecord] = []
        self._flags: dict[int, tuple[Flag, ...]] = {}
        self._scores: dict[int, StabilityScore | None] = {}

    def train(self, configuration: int, role: Role) -> StabilityScore:
        """Train a configuration to the end and put it on record."""
        training, number = self.sweep.begin(configuration), len(self._trials)
        replicate = sum(each.configuration == _id(configuration) for each in self._trials)
        trial = TrialRecord(
            number=number,
            configuration=_id(configuration),
            role=role,
            state="COMPLETE",
            seed=number,  # a training that is drawn twice counts as two
            params={
                name: str(value) for name, value in self.sweep.table.configurations[configuration].items() if name in self.sweep.table.grid
            },
            curves={METRIC: training.run().astype(np.float32)},
            planned_epochs=self.sweep.table.num_epochs,
            replicate=replicate,
        )
        self._trials.append(trial)
        self._scores[number] = score = stability(training.curve)
        self._flags[number] = trial_flags(trial, self._record())
        if score is None:
            raise RuntimeError(f"{self.sweep.table.name}: configuration {configuration} has no finite epoch")
        return score

    def rank(self) -> Ranking:
        """The ranking of what is on record."""
        return rank(self._record(), flags=self._flags, scores=self._scores)

    def _record(self) -> StudyRecord:
        table = self.sweep.table
        ledgers = Ledgers(table, self.sweep.started)
        return StudyRecord(table.name, "study", METRIC, True, tuple(self._trials), num_val=table.num_val, ledgers=ledgers)  # noqa: FBT003 - more is better


def steadysweep(*, confirm: bool, default_first: bool = False) -> Callable[[Sweep], Choice]:
    """TPE on what runs hold, no pruning, as by default; then the race, or a longer search without one.

    Args:
        confirm: whether there is a race.
        default_first: whether the search starts from the default configuration, as the spaces that Steadysweep ships do.
    """

    def choose(sweep: Sweep) -> Choice:
        study = Study(sweep, default_first=default_first)
        search(study, searched(sweep.trainings) if confirm else sweep.trainings)
        ranking = study.rank()
        left = sweep.trainings - len(sweep.started)
        while left > 0:
            chosen = next_contender(ranking.contenders, num_val=sweep.table.num_val, paired_sd=ranking.paired_sd)
            if chosen is None:
                break
            study.train(int(chosen), "confirmation")
            ranking, left = study.rank(), left - 1
        return said(ranking)

    return choose


def search(study: Study, trainings: int) -> None:
    """Let the sampler propose that many configurations, each trained to its end before the next is proposed."""
    sweep, space = study.sweep, study.space
    places = {name: parameter.labels for name, parameter in space.parameters.items()}
    shape = [len(values) for values in sweep.table.grid.values()]

    def identity(point: Any) -> str:  # noqa: ANN401 - points hold labels
        return _id(int(np.ravel_multi_index([places[name].index(point[name]) for name in sweep.table.grid], shape)))

    proposer = Proposer(space, make_sampler("tpe", {}, space), identity, sweep.seed(8), maximize=True)
    seen: list[SeenTrial] = []
    for number in range(trainings):
        proposal = proposer.next(seen, {each.configuration for each in seen}, number)
        if proposal is None:
            break
        score = study.train(int(proposal.configuration), "search")
        seen.append(
            SeenTrial(number, proposal.configuration, "COMPLETE", proposal.point, score.stable, sweep.table.num_epochs, proposal.memory)
        )


def said(ranking: Ranking) -> Choice:
    """What the verdict says of the configuration that it recommends.

    Its number is what a new training is expected to reach, beside the interval; before any configuration has a second seed, what the one training holds.
    """
    row = next(each for each in ranking.configurations if each.configuration == ranking.recommended)
    members = {ranking.configurations[0].configuration, *ranking.configurations[0].tied_with, row.configuration}
    rows = [each for each in ranking.configurations if each.probability_best is not None]
    printed = row.stable if row.stable_interval is None else row.reaches
    figures = {"holds": row.stable, "expected": row.expected, "level": row.level}
    return Choice(
        int(row.configuration),
        float(printed or 0.0),
        row.stable_interval,
        len(members),
        {int(each.configuration): float(each.probability_best or 0.0) for each in rows},
        {int(each.configuration): float(each.probability_near or 0.0) for each in rows},
        {name: value for name, value in figures.items() if value is not None},
    )


def _id(configuration: int) -> str:
    return f"{configuration:06d}"


CONTENDERS = (
    Contender("Steadysweep", steadysweep(confirm=True), ours=True),
    Contender("Steadysweep from the default", steadysweep(confirm=True, default_first=True), every=2, ours=True),
    Contender("Steadysweep, confirm: off", steadysweep(confirm=False), every=2, ours=True),
)
