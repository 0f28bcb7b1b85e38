"""The settings of a sweep file, section by section, and the resolved file as YAML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from reports.costs import COSTS
from reports.metrics import counts_images
from search_spaces.errors import SpaceError, key_text
from search_spaces.located_yaml import scalar
from search_spaces.parsing import load_space, space_from_mapping
from search_spaces.space import SearchSpace, space_to_mapping
from sweeps.record.storage import check_storage
from sweeps.search.pruning import PRUNERS
from sweeps.search.samplers import SAMPLERS
from sweeps.sweep_file.runtime import RuntimeSettings, parse_duration
from sweeps.sweep_file.searchable import SECTIONS, parts_messages, setting_path, space_messages
from sweeps.variables import IN_THE_CLEAR, VARIABLE, has_literal_password
from trainer.config.settings import DataConfig, Metric, ModelConfig, Settings, TrainingConfig, arguments_problem, setting
from trainer.errors import ConfigError
from trainer.metric_names import Direction, direction_problem, metric_named
from trainer.network.compile_key import SLOTS
from trainer.places import is_address, parse_address

SPACE_OF_CONTEXT = "@space"  # stands for the space that the loader has read already and passes beside the document


def _space(given: Any, info: ValidationInfo) -> SearchSpace:  # noqa: ANN401 - unchecked input
    if given == SPACE_OF_CONTEXT and info.context:
        given = info.context["space"]
    if isinstance(given, SearchSpace):
        return given
    if given == {}:
        return SearchSpace({})
    try:
        return load_space(given) if isinstance(given, str) else space_from_mapping(given)
    except SpaceError as error:
        raise ValueError(str(error)) from None


def _without_password(location: str) -> str:
    if has_literal_password(location):
        raise ValueError(IN_THE_CLEAR)
    return location


def _folder_or_prefix(place: str) -> str:
    if is_address(place) and not VARIABLE.search(place):
        try:
            parse_address(place, "")
        except ConfigError as error:
            raise ValueError(str(error).removeprefix(": ")) from None
    return place


def _http(location: str) -> str:
    if not location.startswith(("http://", "https://", "${")):
        raise ValueError("expected an address that begins with http:// or https://, or one in ${VARIABLES}")
    return location


def _without_token(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if name.lower() in ("authorization", "cookie", "x-api-key") and VARIABLE.search(value) is None:
            raise ValueError(
                f"the value of {name} would be stored with the study; write it as ${{VARIABLE}} and set that in the environment"
            )
    return headers


def _whole_above_one(gpu: float) -> float:
    if gpu > 1 and gpu != int(gpu):
        raise ValueError(f"expected a fraction of one GPU or a whole number of GPUs, got {gpu:g}")
    return gpu


Duration = Annotated[float, BeforeValidator(parse_duration)]
Storage = Annotated[str, AfterValidator(check_storage)]
Location = Annotated[str, AfterValidator(_without_password)]
Place = Annotated[Location, AfterValidator(_folder_or_prefix)]
if TYPE_CHECKING:
    from collections.abc import Iterator

    from search_spaces.errors import KeyPath

    Space = SearchSpace
    SamplerName = str
    PrunerName = str
    CostName = str
else:
    CostName = Literal[tuple(COSTS)]
    SamplerName = Literal[tuple(SAMPLERS)]
    PrunerName = Literal[tuple(PRUNERS)]
    # pydantic would otherwise take the dataclass apart
    Space = Annotated[Any, PlainValidator(_space), PlainSerializer(space_to_mapping, return_type=dict), WithJsonSchema({"title": "Space"})]


class LimitSettings(Settings):
    """What a network may cost; one that breaks a limit is not trained."""

    parameters: float | None = setting(None, gt=0)
    """Weights in all, e.g. ``5e6``."""
    file_mb: float | None = setting(None, gt=0)
    """Megabytes of its ``.keras`` file."""
    latency_ms: float | None = setting(None, gt=0)
    """Milliseconds of a prediction of one image, on the device of the trials."""
    latency_ms_32: float | None = setting(None, gt=0)
    """Milliseconds of a prediction of 32 images at once."""

    @property
    def given(self) -> dict[str, float]:
        """Cost to limit, of those that are set."""
        return {name: float(limit) for name, limit in self.__dict__.items() if limit is not None}


class SearchSettings(Settings):
    """What is searched for, and how."""

    metric: Metric = setting("val_accuracy")
    """What is ranked: ``val_accuracy``, ``val_balanced_accuracy``, ``val_macro_f1``, ``val_top5`` (or another number), ``val_auc``, ``val_precision``,
    ``val_recall``, ``val_f2`` (or another beta), the last four also of one class (``val_recall_daisy``), ``val_loss``, ``val_ece`` (calibration), or
    ``package.module:function`` of yours on (labels, probabilities). `training.metrics` records others beside it."""
    direction: Direction = setting("auto")
    """Which values of the metric are better. ``auto``: smaller ones of ``val_loss`` and ``val_ece``, larger ones of the others that are built in; a function of
    yours needs ``maximize`` or ``minimize``."""
    sampler: SamplerName = setting("tpe")
    """Who proposes configurations."""
    sampler_options: dict[str, Any] = setting(default_factory=dict)
    """Arguments of the sampler, e.g. ``{n_startup_trials: 8}``."""
    pruner: PrunerName = setting("none")
    """Who stops trials early, judging the *level* at equal epochs; ``asha`` saves some two fifths of the epochs, see the page on search for what it may cost."""
    pruner_options: dict[str, Any] = setting(default_factory=dict)
    """Arguments of the pruner: ``grace`` (epochs), ``reduction`` (asha), ``startup_trials`` (median)."""
    trials: int = setting(24, ge=1)
    """Search configurations; confirmations and attempts are not counted."""
    seed: int = setting(0, ge=0)
    """Seed of the study: proposals and training seeds follow from it."""
    duplicates: bool = setting(default=False)
    """Train a proposal that equals an earlier configuration once more, from another seed; otherwise another is drawn in its place."""
    limits: LimitSettings = setting(default_factory=LimitSettings)
    """What a network may cost, e.g. ``{parameters: 5e6, latency_ms: 10, file_mb: 20}``: it is measured before the first epoch, and one above a limit is refused."""
    cost: CostName | None = setting(None)
    """Search for the frontier: the most that is held at each cost, rather than the most alone. Nothing is pruned then."""


class BudgetSettings(Settings):
    """When to stop, besides the number of trials."""

    time: Duration | None = setting(None, gt=0)
    """Wall-clock seconds of this run; ``8h``, ``30m`` and ``90s`` are understood."""
    gpu_hours: float | None = setting(None, gt=0)
    """GPU-hours of the study over all its runs."""

    stop_when_settled: bool | Annotated[float, Field(gt=0)] = setting(default=False)
    """End the search once no untried configuration can credibly hold more than the best. A number says which improvement, in the metric's units, is not worth a
    search; ``true`` takes the standard error of the best figure on this validation set."""


def settling_problem(budget: BudgetSettings, metric: str) -> str:
    """Why ``stop_when_settled`` cannot be used as it is given, or empty."""
    name = metric_named(metric).recorded
    if budget.stop_when_settled is True and not counts_images(name):
        return f"expected a number for {name}, whose standard error is not known: the improvement that is not worth a search, e.g. 0.01"
    return ""


def frontier_problem(search: SearchSettings, budget: BudgetSettings) -> tuple[str, str]:
    """Which key cannot be used beside ``search.cost``, and why; both empty where all can."""
    if search.cost is None:
        return "", ""
    if search.pruner != "none":
        return "search.pruner", (
            f"a search for a frontier (search.cost: {search.cost}) prunes nothing: a training that holds less than others may still be the best "
            "at its cost; expected none"
        )
    if not SAMPLERS[search.sampler].frontier:
        able = ", ".join(name for name, entry in SAMPLERS.items() if entry.frontier)
        return "search.sampler", f"{search.sampler} searches for one figure, not for a frontier (search.cost); expected one of {able}"
    if budget.stop_when_settled:
        return "budget.stop_when_settled", "it asks for the best alone, not for a frontier (search.cost); leave it out"
    return "", ""


class ConfirmSettings(Settings):
    """Fresh trainings before the final answer, from seeds that nothing was chosen by. `auto`, `off`, or a mapping of these keys."""

    budget: Literal["auto"] | Annotated[int, Field(ge=0)] | None = setting(None)
    """Fresh trainings at most. Each goes to the contender where it helps most to tell which one is best; the confirmation ends early once the best, or one
    within half a point of it, is known with 95 %. ``auto``, the default: as many as 15 % of the epochs that the search trained; 0: none."""
    resplit: bool = setting(default=False)
    """Draw training and validation images anew for each fresh seed, so that the answer speaks of other images too. The test images stay as they are."""
    top: int | None = setting(None, ge=0)
    """In place of `budget`: so many leaders are trained again, each as often, whatever becomes known meanwhile."""
    seeds: int | None = setting(None, ge=1)
    """With `top`: fresh trainings of each leader; 3 where it is left out."""

    @property
    def wanted(self) -> bool:
        """Whether anything is trained again."""
        return bool(self.budget or self.top)

    @property
    def races(self) -> bool:
        """Whether each fresh training is given to where it helps most."""
        return bool(self.budget)

    @property
    def text(self) -> str:
        """The setting on one line."""
        return json.dumps(_confirm_in_file(self)).replace('"', "")


NO_CONFIRMATION = ConfirmSettings(budget=0)
LEADERS_SEEDS = 3


def _confirm_settled(given: Literal["auto", "off"] | ConfirmSettings) -> ConfirmSettings:
    """One form for each meaning: a race has a `budget`, a fixed number of seeds has `top` and `seeds`, nothing is `NO_CONFIRMATION`."""
    if given == "off":
        return NO_CONFIRMATION
    if given == "auto":
        return ConfirmSettings(budget="auto")
    fixed = given.top is not None or given.seeds is not None
    if fixed and given.budget is not None:
        raise ValueError(
            "budget and top contradict each other: budget gives each training to where it helps most, top gives all leaders equally many; leave one out"
        )
    if given.seeds is not None and given.top is None:
        raise ValueError(f"seeds counts the trainings of each leader: say of how many, e.g. {{top: 3, seeds: {given.seeds}}}")
    if given.resplit and not given.top and given.budget == 0:
        raise ValueError("resplit draws other images for fresh trainings, of which budget: 0 asks none; leave one of the two out")
    if fixed and not given.top:
        return NO_CONFIRMATION  # as files of before wrote it: {top: 0, seeds: 3}
    if given.top:
        return ConfirmSettings(top=given.top, seeds=given.seeds or LEADERS_SEEDS, resplit=given.resplit)
    budget = "auto" if given.budget is None else given.budget
    return ConfirmSettings(budget=budget, resplit=given.resplit) if budget else NO_CONFIRMATION


def _confirm_in_file(confirm: ConfirmSettings) -> str | dict[str, Any]:
    """As a sweep file writes it, in the shortest form."""
    if not confirm.wanted:
        return "off"
    given = {name: value for name, value in confirm.__dict__.items() if value not in (None, False)}
    return "auto" if given == {"budget": "auto"} else given


if TYPE_CHECKING:
    Confirm = ConfirmSettings
else:
    Confirm = Annotated[Literal["auto", "off"] | ConfirmSettings, AfterValidator(_confirm_settled), PlainSerializer(_confirm_in_file)]


def resplit_problem(confirm: ConfirmSettings, data: DataConfig) -> str:
    """Why ``resplit`` cannot be used as it is given, or empty."""
    if confirm.resplit and data.split.validation == "train":
        return "there are no other validation images to draw: data.split.validation is train; leave resplit out"
    return ""


class ResourceSettings(Settings):
    """What one trial gets."""

    cpu: float = setting(1.0, gt=0)
    """CPU cores of a trial."""
    gpu: Annotated[float, Field(ge=0), AfterValidator(_whole_above_one)] | Literal["auto"] = setting(0.0)
    """GPUs of a trial: a fraction of one, which limits its memory to that share, or a whole number, over which the training is then spread. ``auto``: as many trials
    share a GPU as fit by the memory that the largest of them is predicted to take (`memory.md`); none where there is no GPU."""
    concurrent: int | None = setting(None, ge=1)
    """Trials at a time; default: as many as fit. On a cluster that grows on demand: as many as it shall grow for."""
    slots: Annotated[int, Field(ge=1, le=SLOTS)] | Literal["auto"] = setting("auto")
    """Trials in one worker process at a time, where they train heads on one frozen part: their steps run in one program (`sharing.md`). ``auto``: with
    ``--executor ray-core`` one for every ten trials of the search, at most 8; one where `concurrent` is given, or where it does not pay."""

    @property
    def gpus(self) -> float:
        """GPUs of a trial as a number; none where they are still to be found out (`sweeps.launch.memory`)."""
        return 0.0 if self.gpu == "auto" else self.gpu


class ReportSettings(Settings):
    """The HTML report that a run keeps up to date."""

    path: str | None = setting(None, min_length=1)
    """Default: ``STUDY.html`` beside the sweep file."""
    every: Duration = setting(300.0, gt=0)
    """Seconds between refreshes; ``5m`` is understood."""
    images: bool = setting(default=True)
    """Whether the report shows up to twelve of the validation images that most configurations miss (400 kB in all), and eight training images as the recommended
    augmentation varies them (100 kB). Without it the study's end does not compare images with each other either."""


class NotifySettings(Settings):
    """Who is told when something happens: a command, a webhook, or both. Neither can stall or break the sweep."""

    command: str | tuple[str, ...] | None = setting(None, min_length=1)
    """A program with its arguments; it gets the event as JSON on its standard input and in ``STEADYSWEEP_*`` variables. No shell reads it."""
    webhook: Annotated[Location, AfterValidator(_http)] | None = setting(None)
    """An ``http(s)://`` address that the event is sent to as JSON; write secrets in it as ``${VARIABLES}``."""
    headers: Annotated[dict[str, str], AfterValidator(_without_token)] = setting(default_factory=dict)
    """Headers of the webhook, e.g. ``{Authorization: "Bearer ${TOKEN}"}``."""
    on: tuple[Literal["trial_failed", "sweep_done", "sweep_stopped"], ...] = setting(("trial_failed", "sweep_done", "sweep_stopped"))
    """Which events: a trial failed; the sweep ended by itself; it was stopped by a budget, a signal or an error."""


class TrackingSettings(Settings):
    """Other tools that are told every figure, beside the record (``pip install 'steadysweep[tracking]'``)."""

    tensorboard: Location | None = setting(None, min_length=1)
    """A folder for ``tensorboard --logdir``."""
    mlflow: Location | None = setting(None, min_length=1)
    """MLflow's tracking address, e.g. ``http://host:5000`` or ``sqlite:///mlflow.db``."""
    wandb: str | None = setting(None, pattern=r"^([A-Za-z0-9_-]+/)?[^/\\\\#?%:]{1,128}$")
    """A project of Weights & Biases, ``PROJECT`` or ``ENTITY/PROJECT``. Without a key (``WANDB_API_KEY``, or ``wandb login``) runs are kept in ``./wandb`` for
    ``wandb sync``."""


def combination_problems(sweep: SweepFile) -> Iterator[tuple[KeyPath, str]]:
    """Settings that are right each for itself and wrong together: the keys that lead to the one that is refused, and why."""
    if problem := settling_problem(sweep.budget, sweep.search.metric):
        yield ("budget", "stop_when_settled"), problem
    if problem := direction_problem(sweep.search.metric, sweep.search.direction):
        yield ("search", "direction"), problem
    if problem := arguments_problem(sweep.search.metric, sweep.training):
        yield ("training", "arguments"), problem
    if problem := resplit_problem(sweep.confirm, sweep.data):
        yield ("confirm", "resplit"), problem
    key, problem = frontier_problem(sweep.search, sweep.budget)
    if problem:
        yield tuple(key.split(".")), problem
    for name, problem in parts_messages(sweep.space, sweep.training):
        yield ("space", name), problem


class SweepFile(Settings):
    """A resolved sweep file.

    Read by `load_sweep_file` and `sweep_from_text`, or built by hand; either way the space is checked against the settings that it varies.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # a refused storage URL may hold a password

    study: str = setting(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    """Name of the study in its storage: letters, digits, dots, dashes, underscores."""
    storage: Storage | None = setting(None)
    """``sqlite:///FILE.db`` or ``postgresql+psycopg://...``; default ``sqlite:///./STUDY.db``. ``${VARIABLES}`` are expanded at use and stored unexpanded."""
    storage_path: Place | None = setting(None, min_length=1)
    """Checkpoints and models: a folder or ``s3://bucket/prefix``; default ``runs/STUDY``."""
    data: DataConfig
    """Images, split, preparation, augmentation."""
    model: ModelConfig = setting(default_factory=ModelConfig)
    """Backbone, head, freezing, BatchNorm."""
    training: TrainingConfig = setting(default_factory=TrainingConfig)
    """Optimiser, schedule, epochs."""
    space: Space
    """What is varied."""
    search: SearchSettings = setting(default_factory=SearchSettings)
    """Metric, sampler, pruner, number of trials."""
    budget: BudgetSettings = setting(default_factory=BudgetSettings)
    """Time and GPU-hours."""
    confirm: Confirm = setting("auto", validate_default=True)
    """Fresh trainings before the final answer: ``auto`` spends 15 % of the search's epochs on them, ``off`` none."""
    resources: ResourceSettings = setting(default_factory=ResourceSettings)
    """CPU, GPU, concurrency."""
    runtime: RuntimeSettings = setting(default_factory=RuntimeSettings)
    """Your own code, variables and packages on the workers."""
    report: ReportSettings = setting(default_factory=ReportSettings)
    """Where the report goes."""
    notify: NotifySettings = setting(default_factory=NotifySettings)
    """Who is told what happens."""
    tracking: TrackingSettings = setting(default_factory=TrackingSettings)
    """TensorBoard, MLflow, Weights & Biases."""
    allow: tuple[str, ...] = setting(())
    """Pre-flight findings that are known and accepted, by name."""

    @model_validator(mode="after")
    def _check_space(self, info: ValidationInfo) -> Self:
        """Check a sweep that was built by hand; the loader does the same with the places of the file."""
        if not info.context:
            messages = space_messages(self.space, self.search.sampler, {name: getattr(self, name) for name in SECTIONS})
            if messages:
                raise ValueError("\n".join(f"space.{name}: {message}" for name, message in messages))
            for keys, message in combination_problems(self):
                raise ValueError(f"{key_text(keys)}: {message}")
        return self

    def with_gpu(self, gpu: float) -> Self:
        """The sweep with a number of GPUs for each trial."""
        return self.model_copy(update={"resources": self.resources.model_copy(update={"gpu": gpu})})

    def to_yaml(self) -> str:
        """The resolved file: every setting spelled out but those that the space varies, the space inline, ``${VARIABLES}`` as written.

        `sweep_from_text` reads it back to an equal sweep.
        """
        data: dict[str, Any] = self.model_dump(mode="json", exclude={"space"})
        for name in self.space.parameters:
            if path := setting_path(name):
                data[path[0]].pop(path[1], None)
        return yaml_text({key: space_to_mapping(self.space) if key == "space" else data[key] for key in type(self).model_fields})


def yaml_text(data: Any) -> str:  # noqa: ANN401 - plain data
    """Plain data as YAML that `search_spaces.located_yaml.load_yaml` reads back unchanged."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.2 would read as something else, which PyYAML, writing YAML 1.1, leaves plain (``1e-5``)."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's signature
        return True


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    style = None if isinstance(scalar(data), str) else "'"
    if not data.isprintable():  # line breaks of all kinds would be folded
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _text)
