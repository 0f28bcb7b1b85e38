"""Settings that act only beside another are named where they change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sweeps.errors import SweepInputError
from sweeps.launch.preflight import own_config
from sweeps.launch.whole_space import SWEEP_RULES, judge_space
from sweeps.sweep_file import sweep_from_text
from sweeps.sweep_file.searchable import SECTIONS
from sweeps.sweep_file.settings import SweepFile
from trainer.config.settings import Settings, SplitConfig
from trainer.preflight.idle import RULES

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "study: a\ndata: {source: digits}\n"
RATE = "learning_rate: {float: [1.0e-4, 1.0e-1], log: true}"


def idle(text: str, *overrides: str, space: str = RATE) -> set[str]:
    """Settings that are said to change nothing."""
    sweep = sweep_from_text(f"{HEAD}{text}\nspace: {{{space}}}\n", overrides=overrides)
    from pathlib import Path

    found = judge_space(sweep, own_config(sweep), None, None, Path.cwd())
    return {path for finding in found if finding.name == "without_effect" for path in finding.evidence["settings"]}  # type: ignore[union-attr]  # texts


BESIDE = {
    "training.momentum": ("training.momentum=0.5", "training.optimizer=sgd"),
    "training.schedule_factor": ("training.schedule_factor=0.2", "training.schedule=step"),
    "training.schedule_patience": ("training.schedule_patience=3", "training.schedule=plateau"),
    "training.min_learning_rate": ("training.min_learning_rate=1e-6", "training.schedule=cosine"),
    "training.loss_options": ("training.loss_options={gamma: 3}", "training.loss=focal"),
    "training.backbone_learning_rate_factor": ("training.backbone_learning_rate_factor=0.1", "model.frozen_layers=50%"),
    "training.unfreeze_every": ("training.unfreeze_every=2", "model.frozen_layers=all"),
    "training.frozen_features": ("training.frozen_features=each_step", "model.frozen_layers=all"),
    "training.cache_dtype": ("training.cache_dtype=float16", "model.frozen_layers=all"),
    "training.early_stopping": ("training.early_stopping=20", "training.epochs=30"),
    "model.activation": ("model.activation=elu", "model.dense=[8]"),
    "model.frozen_bn": ("model.frozen_bn=batch", "model.frozen_layers=50%"),
    "data.imbalance": ("data.imbalance=resample", "data.sampling=every_image"),
    "data.split.stratify": ("data.split={validation: train, stratify: false}", "data.split.test=0.2"),
    "data.split.validation_seed": ("data.split={validation: train, validation_seed: 3}", "data.split.validation=0.2"),
    "budget.gpu_hours": ("budget.gpu_hours=3", "resources.gpu=1"),
    "notify.headers": ("notify.headers={a: b}", "notify.webhook=http://localhost/x"),
    "notify.on": ("notify.on=[sweep_done]", "notify.command=./tell"),
    "search.duplicates": ("search.duplicates=true", "search.sampler=random"),
}
"""Of each setting with a rule: how it is given, and what makes it act."""
MISSING = {
    "training.backbone_learning_rate_factor": "model.frozen_layers=all",
    "data.imbalance": "data.sampling=with_replacement",
    "search.duplicates": "search.sampler=grid",
}
"""What keeps a setting from acting where the defaults do not."""


@pytest.mark.parametrize("path", [*(rule.path for rule in RULES), *(path for path, _, _ in SWEEP_RULES)])
def test_each_is_named_without_what_it_needs_and_not_with_it(path: str) -> None:
    given, needed = BESIDE[path]
    space = "batch_size: {int: [8, 9]}" if path == "search.duplicates" else RATE
    missing = [MISSING[path]] if path in MISSING else []
    assert idle("", given, *missing, space=space) == {path}
    assert path not in idle("", given, needed, space=space)


ACTS_ALONE = {
    "data": "source image_size color classes split preprocessing augmentation class_weights on_unreadable cache_memory_gb cache_path cache_disk_gb sampling "
    "validation_windows",
    "data.split": "train validation test seed folds fold groups",
    "model": "backbone weights options pooling dense dropout head_bn output frozen_layers bn_momentum",
    "training": "epochs batch_size optimizer learning_rate schedule warmup_epochs weight_decay label_smoothing gradient_clip ema loss metrics callbacks "
    "precise_bn checkpoint_every accumulate deterministic mixed_precision jit_compile steps_per_execution",
    "search": "metric direction sampler sampler_options pruner pruner_options trials seed limits cost",  # of options and direction, those that do not belong are refused
    "budget": "time stop_when_settled",
    "confirm": "budget resplit top seeds",  # refused where they contradict each other
    "resources": "cpu gpu concurrent slots",  # `check` says of slots whether they act
    "runtime": "working_dir py_modules env pip silent_after tune",  # said at the start where the executor does not use it
    "report": "path every images",
    "notify": "command webhook",
    "tracking": "tensorboard mlflow wandb",
}


def test_every_setting_is_known_to_act_alone_or_has_a_rule() -> None:
    """A new setting is put into one of the two, so that none is accepted and ignored."""
    with_rule = set(BESIDE)
    sections: dict[str, type[Settings]] = {**SECTIONS, "data.split": SplitConfig}
    for name, field in SweepFile.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if name not in SECTIONS and isinstance(default, Settings):
            sections[name] = type(default)
    for section, settings in sections.items():
        alone = set(ACTS_ALONE[section].split()) if section in ACTS_ALONE else set()
        unknown = {name for name in settings.model_fields if name not in alone and f"{section}.{name}" not in with_rule}
        assert not unknown, f"{section}: say in this test that they act alone, or give them a rule: {unknown}"


def test_what_acts_somewhere_in_the_space_is_not_named() -> None:
    optimizers = "optimizer: {choice: [adam, sgd]}"
    assert idle("training: {momentum: 0.5}", space=f"{RATE}, {optimizers}") == set()
    assert idle("training: {momentum: 0.5, optimizer: adam}") == {"training.momentum"}


def test_a_searched_setting_that_never_acts_is_named() -> None:
    assert idle("", space=f"{RATE}, momentum: {{float: [0.5, 0.99]}}") == {"training.momentum"}
    assert idle("training: {optimizer: sgd}", space=f"{RATE}, momentum: {{float: [0.5, 0.99]}}") == set()


def test_nothing_is_varied_and_allowing_it_by_name(tmp_path: Path) -> None:
    from sweeps.launch.preflight import look_at_data

    sweep = sweep_from_text(f"{HEAD}training: {{momentum: 0.5}}\nspace: {{}}\n")
    (finding,) = [finding for finding in judge_space(sweep, own_config(sweep), None, None, tmp_path) if finding.name == "without_effect"]
    assert "training.momentum is given and changes nothing: it acts only with training.optimizer: sgd or rmsprop" in finding.message
    assert finding.severity == "warning"
    allowed = sweep_from_text(f"{HEAD}training: {{momentum: 0.5}}\nspace: {{}}\nallow: [without_effect]\n")
    assert "without_effect" not in {each.name for each in look_at_data(allowed)[1]}


@pytest.mark.parametrize(
    ("confirm", "said"),
    [("{seeds: 3}", "say of how many, e.g. {top: 3, seeds: 3}"), ("{budget: 0, resplit: true}", "resplit draws other images")],
)
def test_a_confirmation_that_would_train_nothing_is_refused(confirm: str, said: str) -> None:
    with pytest.raises(SweepInputError, match="confirm") as raised:
        sweep_from_text(f"{HEAD}confirm: {confirm}\nspace: {{{RATE}}}\n")
    assert said in str(raised.value)
    sweep_from_text(f"{HEAD}confirm: {{top: 0, seeds: 3}}\nspace: {{{RATE}}}\n")  # as files of before wrote it


@pytest.mark.parametrize(
    ("executor", "unused"),
    [
        ("inline", {"runtime.tune", "runtime.pip"}),
        ("ray-tune", {"resources.slots"}),
        ("ray-core", {"runtime.tune"}),
    ],
)
def test_what_an_executor_does_not_use_is_said_with_one_that_does(executor: str, unused: set[str]) -> None:
    from sweeps.executor.factory import EXECUTORS
    from sweeps.launch.launch import unused_settings

    text = "resources: {slots: 2, concurrent: 3}\nruntime: {pip: [timm==1.0.9], tune: {folder: tuned}}\nspace: {}\n"
    found = unused_settings(sweep_from_text(HEAD + text), executor)
    assert {key for key, _ in found} == unused
    assert {able for _, able in found} <= EXECUTORS.keys()
    assert unused_settings(sweep_from_text(f"{HEAD}space: {{}}\n"), executor) == []
