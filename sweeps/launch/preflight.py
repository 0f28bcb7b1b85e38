"""What is checked before a sweep costs anything: data, model, pre-flight findings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepInputError
from sweeps.launch.limits import MOST_NETWORKS, LimitCheck, corners_of, judge_limits
from sweeps.launch.memory import HeaviestTraining, Packing, heaviest, heaviest_configs, pack, smallest_gpu
from sweeps.launch.model_probe import ModelProbe, probe_models
from sweeps.launch.whole_space import judge_space
from sweeps.study.plan import alike_trials
from sweeps.sweep_file.configuration import absolute_config, train_config
from trainer.backbones import FILE
from trainer.config import TrainConfig
from trainer.data import load_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweeps.sweep_file import SweepFile
    from trainer.data import ImageData
    from trainer.preflight import Finding


EXAMPLES = 3
"""Of a finding, on a terminal; all that are known are in its evidence."""


@dataclass(frozen=True)
class Checked:
    """A sweep that was looked at.

    Attributes:
        config: the file's own settings, paths absolute.
        data: the images.
        probe: what its models are like.
        findings: most severe first.
        limits: which corners of the space break ``search.limits``; None where there are none, or nobody asked.
        memory: of the training that takes most; None where nobody asked.
        packing: how many trials share a GPU, where ``resources.gpu: auto`` asks for that.
    """

    config: TrainConfig
    data: ImageData
    probe: ModelProbe
    findings: tuple[Finding, ...]
    limits: LimitCheck | None = None
    memory: HeaviestTraining | None = None
    packing: Packing | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that would make the results worthless."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def look_at(sweep: SweepFile, *, rehearse: bool = False) -> Checked:
    """Load the data, build the model in a process of its own, run the pre-flight checks; to `rehearse`, also train a few real batches.

    Raises:
        SweepInputError: a setting of the model is impossible.
        TrainerInputError: the data cannot be used.
    """
    config = own_config(sweep)
    data = load_data(config.data)
    limits = sweep.search.limits.given if rehearse else {}
    corners = corners_of(sweep, Path.cwd()) if limits else []
    packs, device = sweep.resources.gpu == "auto", smallest_gpu() if sweep.resources.gpu == "auto" else None
    heavy, left_out = heaviest_configs(sweep, Path.cwd()) if rehearse or device is not None else ([], 0)
    probe = probe_models(
        config,
        data.image_shape,
        data.num_classes,
        frozen_labels(sweep),
        augmentations=_settings(sweep, "augmentation", sweep.data.augmentation),
        trainings=alike_trials(sweep),
        losses=_settings(sweep, "loss", sweep.training.loss),
        rehearse=rehearse,
        networks=[corner.config for corner in corners[:MOST_NETWORKS]],
        memory=heavy,
    )
    findings = judge_space(sweep, config, data, probe.facts, Path.cwd())
    memory = heaviest(heavy, probe.memory, left_out) if heavy else None
    return Checked(
        config,
        data,
        probe,
        findings,
        judge_limits(limits, corners, probe.networks) if limits else None,
        memory,
        pack(None if memory is None else memory.total, device) if packs else None,
    )


def look_at_data(sweep: SweepFile) -> tuple[ImageData, tuple[Finding, ...]]:
    """The images and the findings that need no model.

    Raises:
        TrainerInputError: the data cannot be used.
    """
    config = own_config(sweep)
    data = load_data(config.data)
    return data, judge_space(sweep, config, data, None, Path.cwd())


def own_config(sweep: SweepFile) -> TrainConfig:
    """The file's own settings, nothing searched, paths absolute; of searched backbones the first, as the default may not fit `model.weights`."""
    settings = train_config(sweep, {}, sweep.search.seed).model_dump(mode="json")
    settings["model"]["backbone"] = _values(sweep, "backbone", sweep.model.backbone)[0]
    return TrainConfig(**absolute_config(settings, Path.cwd()))


def check_weights(sweep: SweepFile) -> None:
    """Find a missing file of weights in milliseconds, before data is loaded and a model is built.

    Raises:
        SweepInputError: there is no such file.
    """
    for backbone in _values(sweep, "backbone", sweep.model.backbone):
        if backbone.endswith(FILE) and not Path(backbone).expanduser().is_file():
            raise SweepInputError(f"model.backbone: there is no file {Path(backbone).expanduser()} (looked for from {Path.cwd()}).")
    weights = sweep.model.weights
    if weights in (None, "imagenet", "own"):
        return
    path = Path(str(weights)).expanduser()
    if not path.is_file():
        raise SweepInputError(
            f"model.weights: there is no file {path} (looked for from {Path.cwd()}); expected 'imagenet', 'own', a file of weights, or 'none' for random ones."
        )


def check_before_run(sweep: SweepFile, say: Callable[[str], object]) -> Checked:
    """Look at the sweep; warnings are said, errors stop it.

    Raises:
        SweepInputError: a finding would make the results worthless and is not allowed by name.
    """
    check_weights(sweep)
    checked = look_at(sweep)
    check_resplit(sweep, checked.data)
    for finding in checked.findings:
        if finding.severity == "warning":
            say(finding_text(finding))
    if checked.errors:
        found = "\n".join(finding_text(finding) for finding in checked.errors)
        names = ", ".join(finding.name for finding in checked.errors)
        raise SweepInputError(
            f"the pre-flight checks found what would make the results worthless:\n{found}\nTo go on knowingly, add allow: [{names}] to the sweep file."
        )
    return checked


def check_resplit(sweep: SweepFile, data: ImageData) -> None:
    """Refuse other validation images where the source itself says which ones validate.

    Raises:
        SweepInputError: it does.
    """
    if sweep.confirm.resplit and data.own_validation:
        raise SweepInputError(
            f"confirm.resplit: {sweep.data.source_text} says itself which images validate, so that there are no others to draw. "
            "Leave resplit out, or give a source without a validation part."
        )


def finding_text(finding: Finding) -> str:
    """One finding for a terminal: what, examples, what to change."""
    examples = finding.evidence.get("examples", ())
    shown = [str(each).replace(f"{Path.cwd()}/", "") for each in examples] if isinstance(examples, tuple) else []
    lines = [f"{finding.severity}: {finding.name}: {finding.message}", *(f"  e.g. {each}" for each in shown[:EXAMPLES])]
    return "\n".join([*lines, f"  {finding.remedy}"] if finding.remedy else lines)


def frozen_labels(sweep: SweepFile) -> dict[str, tuple[str, ...]]:
    """Backbone to the ``frozen_layers`` texts that the sweep may use on it."""
    return dict.fromkeys(_values(sweep, "backbone", sweep.model.backbone), _values(sweep, "frozen_layers", sweep.model.frozen_layers))


def _values(sweep: SweepFile, name: str, fixed: str) -> tuple[str, ...]:
    """Values that a text setting of the model takes in a sweep."""
    return tuple(str(value) for value in _settings(sweep, name, fixed))


def _settings(sweep: SweepFile, name: str, fixed: Any) -> tuple[Any, ...]:  # noqa: ANN401 - plain data
    """Values that a setting takes in a sweep."""
    for name_in_space, parameter in sweep.space.parameters.items():
        if name_in_space.rpartition(".")[2] == name and parameter.labels:
            return tuple(parameter.setting(label) for label in parameter.labels)
    return (fixed,)
