"""The types of the sweep file."""

from __future__ import annotations

from typing import Any, Literal

from search_spaces.space import SearchSpace
from trainer.config import DataConfig, ModelConfig, Settings, TrainingConfig, setting
from trainer.config.train import Metric


class SearchSettings(Settings):
    """What is searched for, and how."""

    metric: Metric = setting("val_accuracy")
    """What is ranked; ``val_loss`` is minimised, all others maximised."""
    sampler: Literal["tpe", "random", "grid", "gp", "cmaes", "qmc"] = setting("tpe")
    """Who proposes configurations."""
    sampler_options: dict[str, Any] = setting(default_factory=dict)
    """Arguments of the sampler, e.g. ``{n_startup_trials: 8}``."""
    pruner: Literal["asha", "median", "none"] = setting("asha")
    """Who stops trials early, judging the *level* at equal epochs."""
    pruner_options: dict[str, Any] = setting(default_factory=dict)
    """Arguments of the pruner: ``grace`` (epochs), ``reduction`` (asha), ``startup_trials`` (median)."""
    trials: int = setting(24, ge=1)
    """Search configurations; siblings, confirmations and attempts are not counted."""
    seed: int = setting(0, ge=0)
    """Seed of the study: proposals and training seeds follow from it."""


class BudgetSettings(Settings):
    """When to stop, besides the number of trials."""

    time: float | None = setting(None, gt=0)
    """Wall-clock seconds of this run; ``8h``, ``30m`` and ``90s`` are understood."""
    gpu_hours: float | None = setting(None, gt=0)
    """GPU-hours of the study over all its runs."""


class ConfirmSettings(Settings):
    """Re-training of the leaders from fresh seeds before the final ranking."""

    top: int = setting(0, ge=0)
    """How many leaders; 0: none."""
    seeds: int = setting(3, ge=1)
    """Fresh trainings of each."""


class ResourceSettings(Settings):
    """What one trial gets."""

    cpu: float = setting(1.0, gt=0)
    """CPU cores of a trial."""
    gpu: float = setting(0.0, ge=0)
    """GPUs of a trial, fractions allowed."""
    concurrent: int | None = setting(None, ge=1)
    """Trials at a time; default: as many as fit."""


class ReportSettings(Settings):
    """The HTML report that a run keeps up to date."""

    path: str | None = setting(None)
    """Default: ``STUDY.html`` beside the sweep file."""
    every: float = setting(300.0, gt=0)
    """Seconds between refreshes; ``5m`` is understood."""


class SweepFile(Settings):
    """A resolved sweep file."""

    study: str = setting(min_length=1)
    """Name of the study in its storage."""
    storage: str | None = setting(None)
    """``sqlite:///FILE.db`` or ``postgresql+psycopg://...``; default ``sqlite:///./STUDY.db``. ``${VARIABLES}`` are expanded at use and stored unexpanded."""
    storage_path: str | None = setting(None)
    """Checkpoints and models: a folder or ``s3://bucket/prefix``; default ``runs/STUDY``."""
    data: DataConfig
    """Images, split, preparation, augmentation."""
    model: ModelConfig = setting(default_factory=ModelConfig)
    """Backbone, head, freezing, BatchNorm."""
    training: TrainingConfig = setting(default_factory=TrainingConfig)
    """Optimiser, schedule, epochs."""
    space: SearchSpace
    """What is varied."""
    search: SearchSettings = setting(default_factory=SearchSettings)
    """Metric, sampler, pruner, number of trials."""
    budget: BudgetSettings = setting(default_factory=BudgetSettings)
    """Time and GPU-hours."""
    confirm: ConfirmSettings = setting(default_factory=ConfirmSettings)
    """Re-training of the leaders."""
    resources: ResourceSettings = setting(default_factory=ResourceSettings)
    """CPU, GPU, concurrency."""
    report: ReportSettings = setting(default_factory=ReportSettings)
    """Where the report goes."""
    allow: tuple[str, ...] = setting(())
    """Pre-flight findings that are known and accepted, by name."""
