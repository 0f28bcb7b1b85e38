"""What the study logic needs to know of a sweep: the plan, made from its file, and the options of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reports.records import ParameterRecord
from sweeps.record.errors import StorageTimes
from sweeps.search.proposals import Proposer
from sweeps.search.pruning import make_pruner
from sweeps.search.samplers import make_sampler
from sweeps.seeds import training_seed
from sweeps.storage_path import checkpoint_root
from sweeps.study.siblings import siblings_of
from sweeps.sweep_file.configuration import absolute_config, configuration_id, train_config
from sweeps.sweep_file.searchable import setting_path
from sweeps.sweep_file.settings import NO_CONFIRMATION
from trainer import TrainConfig
from trainer.metric_names import metric_named, minimizes
from trainer.network.compile_key import SLOTS, WHOLE, alone_problem, architecture_key, compile_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.records import Role
    from search_spaces.conditions import PointValue
    from search_spaces.parameters import Parameter
    from sweeps.record.study_record import HistorySource
    from sweeps.search.pruning import Pruner
    from sweeps.study.siblings import Siblings
    from sweeps.sweep_file import SweepFile
    from sweeps.sweep_file.settings import ConfirmSettings


@dataclass(frozen=True)
class StudyPlan:
    """A sweep as the driver runs it.

    Attributes:
        metric: what is ranked.
        maximize: whether more is better.
        seed: the study's.
        trials: search configurations wanted.
        planned_epochs: epochs of a complete training.
        proposer: gives the next configuration.
        pruner: judges each epoch, or None.
        configure: point, training seed, data seed, and seed of an own division of training and validation images → what the trainable is called with
            (plain data); the last two may be None.
        trainable: ``package.module:function``.
        checkpoint_root: folder or URL under which every trial has its own.
        cpu: cores of a trial.
        gpu: GPUs of a trial.
        concurrent: trials at a time, or None for as many as the executor has room for.
        time: seconds of this run, or None.
        gpu_hours: of the study, or None.
        stop_when_settled: end the search once no improvement is credible.
        settled_within: an improvement not worth a search, or None for the best figure's standard error.
        confirm: what is trained again from fresh seeds before the final answer.
        test_roles: roles of trials whose exported checkpoint is measured on the test images: confirmations. The figure is put on record and chooses nothing.
        affinity: what the trainable is called with → trials with the same text share warm workers.
        slots: what the trainable is called with → attempts that one worker may run at a time.
        alike: search trials that will plausibly see the same augmented images as one of them, that one included.
        siblings: which trials a search training carries, where the space varies BatchNorm momentum.
        limits: cost to its limit (``search.limits``).
        cost: of the frontier that is searched (``search.cost``), or None.
        architecture: what the trainable is called with → equal for networks that cost the same to run.
    """

    metric: str
    maximize: bool
    seed: int
    trials: int
    planned_epochs: int
    proposer: Proposer
    pruner: Pruner | None
    configure: Callable[[Mapping[str, PointValue], int, int | None, int | None], Mapping[str, Any]]
    trainable: str
    checkpoint_root: str
    cpu: float = 1.0
    gpu: float = 0.0
    concurrent: int | None = None
    time: float | None = None
    gpu_hours: float | None = None
    stop_when_settled: bool = False
    settled_within: float | None = None
    confirm: ConfirmSettings = NO_CONFIRMATION
    test_roles: frozenset[Role] = frozenset({"confirmation"})
    affinity: Callable[[Mapping[str, Any]], str] = lambda _config: ""
    slots: Callable[[Mapping[str, Any]], int] = lambda _config: 1
    alike: int = 1
    siblings: Siblings | None = None
    silent_after: float | Literal["auto", "off"] = "auto"
    limits: Mapping[str, float] = field(default_factory=dict)
    cost: str | None = None
    architecture: Callable[[Mapping[str, Any]], str] = lambda _config: ""

    def search_seed(self, configuration: str, params: Mapping[str, PointValue], replicate: int) -> int:
        """Training seed of a search trial."""
        return training_seed(self.seed, configuration if self.siblings is None else self.siblings.training(params), replicate)


@dataclass(frozen=True)
class ConfirmationOrder:
    """Fresh trainings that a person asks for beside what the sweep file plans (``steadysweep confirm``).

    Attributes:
        trainings: how many; None: see `seeds`.
        seeds: how many for each contender that is still in the race, or for each of `configurations`; None with `trainings`.
            Where neither is given: what was planned and not trained yet, else as many as ``confirm: auto`` gives.
        configurations: IDs, or their beginnings; empty for a race.
    """

    trainings: int | None = None
    seeds: int | None = None
    configurations: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyOptions:
    """Options of `run_study`.

    Attributes:
        facts: what identifies the study beyond its sweep file (``data_fingerprint``, ``command``); texts.
        versions: package to version.
        hardware: of this host; texts.
        boundaries: what each ``frozen_layers`` label means on the backbone, so that labels that freeze the same layers are one configuration.
        history: the study whose trials a new study begins with.
        grace_seconds: how long running trials may take to save when the run is stopped.
        order: fresh trainings that are asked for; the run then trains nothing else.
        same_failures: so many equal exceptions at the start of a run stop it; 0: never.
        poll_seconds: longest wait for an event.
        times: how long to wait for the storage, and how long a trial stays with a driver that gives no sign of life.
        sharing: whether trials may share work, such as activations of the frozen part; the results are the same.
        data: which images the study trains on (`sweeps.study.data_listing`), to say later what differs; empty: not kept.
        gpu: GPUs of a trial where ``resources.gpu`` leaves it to be found out; None: the file's.
        own_batchnorm: name of a BatchNorm layer of the model that updates its moving statistics in a way of its own, so that no training carries others; or empty.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, str] = field(default_factory=dict)
    boundaries: Mapping[str, str] = field(default_factory=dict)
    history: HistorySource | None = None
    order: ConfirmationOrder | None = None
    grace_seconds: float = 30.0
    same_failures: int = 3
    poll_seconds: float = 0.2
    times: StorageTimes = field(default_factory=StorageTimes)
    sharing: bool = True
    own_batchnorm: str = ""
    gpu: float | None = None
    data: bytes = field(default=b"", repr=False)


def plan_of(sweep: SweepFile, trainable: str, boundaries: Mapping[str, str] | None = None) -> StudyPlan:
    """The plan of a sweep.

    Args:
        sweep: resolved.
        trainable: ``package.module:function``.
        boundaries: what each ``frozen_layers`` label means on the backbone; see `sweeps.sweep_file.configuration.effective_settings`.

    Raises:
        SweepInputError: the sampler or pruner does not accept its options, or cannot search the space.
    """
    search = sweep.search
    maximize = not minimizes(search.metric, search.direction)
    sampler = make_sampler(search.sampler, search.sampler_options, sweep.space)
    confirm = sweep.confirm if sweep.space.parameters or sweep.confirm.top else NO_CONFIRMATION
    single = not sweep.space.parameters and not confirm.wanted  # the one training of a file that varies nothing: there is nothing to choose

    def configuration(point: Mapping[str, PointValue]) -> str:
        return configuration_id(sweep, point, boundaries)

    def configure(
        point: Mapping[str, PointValue], seed: int, data_seed: int | None = None, validation_seed: int | None = None
    ) -> dict[str, Any]:
        config = train_config(sweep, point, seed, data_seed=data_seed, validation_seed=validation_seed)
        return absolute_config(config.model_dump(mode="json"), Path.cwd())

    return StudyPlan(
        metric=metric_named(search.metric).recorded,
        maximize=maximize,
        seed=search.seed,
        trials=search.trials,
        planned_epochs=sweep.training.epochs,
        proposer=Proposer(sweep.space, sampler, configuration, search.seed, maximize, search.duplicates, search.cost is not None),
        pruner=make_pruner(search.pruner, search.pruner_options, sweep.training.epochs),
        configure=configure,
        trainable=trainable,
        checkpoint_root=checkpoint_root(sweep),
        cpu=sweep.resources.cpu,
        gpu=sweep.resources.gpus,
        concurrent=sweep.resources.concurrent,
        time=sweep.budget.time,
        gpu_hours=sweep.budget.gpu_hours,
        stop_when_settled=bool(sweep.budget.stop_when_settled),
        settled_within=None if isinstance(sweep.budget.stop_when_settled, bool) else sweep.budget.stop_when_settled,
        confirm=confirm,
        test_roles=frozenset({"confirmation", "search"} if single else {"confirmation"}),
        affinity=lambda config: compile_key(TrainConfig(**config)),
        slots=lambda config: slots_of(sweep, TrainConfig(**config)),
        alike=alike_trials(sweep),
        siblings=siblings_of(sweep, boundaries),
        silent_after=sweep.runtime.silent_after,
        limits=search.limits.given,
        cost=search.cost,
        architecture=lambda config: architecture_key(TrainConfig(**config)),
    )


TRIALS_FOR_A_SLOT = 10
"""Of the search: of so many trials one at a time, so that the sampler learns from most of the others before it proposes the next."""


def slots_of(sweep: SweepFile, config: TrainConfig) -> int:
    """Attempts like this training that one worker may run at a time."""
    if sweep.resources.gpus or alone_problem(config) is not None:
        return 1
    if sweep.resources.slots != "auto":
        return sweep.resources.slots
    return 1 if sweep.resources.concurrent is not None else max(1, min(sweep.search.trials // TRIALS_FOR_A_SLOT, SLOTS))


def slots_sentence(sweep: SweepFile) -> str | None:
    """What `check` says of them; None where no training of the sweep freezes a whole backbone."""
    own = train_config(sweep, {}, sweep.search.seed, data_seed=sweep.search.seed)
    searched = [values for name, values in sweep.space.parameters.items() if setting_path(name) == ("model", "frozen_layers")]
    frozen = [str(label) for label in searched[0].labels] if searched else [own.model.frozen_layers]
    configs = [own.model_copy(update={"model": own.model.model_copy(update={"frozen_layers": each})}) for each in frozen]
    slots = max(slots_of(sweep, config) for config in configs)
    if slots > 1:
        return f"up to {slots} trials of a worker process train their heads in one program (resources.slots)"
    heads = [alone_problem(config) for config in configs if config.model.frozen_layers in WHOLE]
    if not heads:
        return None
    limits = (
        "on a GPU each trial has a process"
        if sweep.resources.gpus
        else "resources.concurrent is given, or the search has fewer than twenty trials; resources.slots gives it more"
    )
    return f"each trial has a worker process for itself: {heads[0] or limits}"


SEEN_BY_THE_FROZEN_PART = ("backbone", "preprocessing", "augmentation")
"""Searchable settings that change what the frozen part computes of an image."""


def alike_trials(sweep: SweepFile) -> int:
    """Search trials of a sweep that will plausibly see the same augmented images, by how many kinds of images its space has."""
    kinds = 1
    for name, parameter in sweep.space.parameters.items():
        path = setting_path(name)
        if path is not None and path[1] in SEEN_BY_THE_FROZEN_PART:
            kinds *= max(1, len(parameter.labels))
    return max(1, sweep.search.trials // kinds)


def parameter_record(parameter: Parameter) -> ParameterRecord:
    """A searched parameter as the report shows it."""
    shown = {name: getattr(parameter, name) for name in ("labels", "log", "low", "high")}
    return ParameterRecord(parameter.name, parameter.kind, **shown, condition=None if parameter.when is None else parameter.when.text)
