"""What is checked before a sweep costs anything: data, model, pre-flight findings."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.errors import SweepInputError
from sweeps.launch.limits import MOST_NETWORKS, LimitCheck, corners_of, judge_limits
from sweeps.launch.memory import HeaviestTraining, Packing, heaviest, heaviest_configs, pack, smallest_gpu
from sweeps.launch.model_probe import ModelProbe, probe_models
from sweeps.launch.runtime import Runtime
from sweeps.launch.whole_space import judge_space
from sweeps.storage_path import check_writable
from sweeps.study.plan import alike_trials
from sweeps.sweep_file.configuration import absolute_config, setting_values, train_config
from sweeps.sweep_file.loading import read_in_part
from sweeps.tracking import check_trackers
from sweeps.trust import own_references
from trainer.backbones import FILE, imagenet_file
from trainer.config import TrainConfig
from trainer.data import load_data
from trainer.errors import TrainerInputError
from trainer.user_code import check_module, import_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sweeps.sweep_file import SweepFile
    from trainer.config import DataConfig
    from trainer.data import ImageData
    from trainer.preflight import Finding


EXAMPLES = 3
"""Of a finding, on a terminal; all that are known are in its evidence."""


@dataclass(frozen=True)
class Checked:
    """A sweep that was looked at, with nothing in its way.

    Attributes:
        config: the file's own settings, paths absolute.
        data: the images.
        probe: what its models are like.
        findings: most severe first.
        packing: how many trials share a GPU, where ``resources.gpu: auto`` asks for that; else None.
    """

    config: TrainConfig
    data: ImageData
    probe: ModelProbe
    findings: tuple[Finding, ...]
    packing: Packing | None = None


@dataclass
class Look:
    """What is known of a sweep so far. Each stage adds to it; one that fails leaves its error, and the next are made as far as they can be without it.

    Attributes:
        problems: errors of the stages, cheapest first.
        unseen: what was not looked at, each with the reason.
        config: the file's own settings, paths absolute.
        data: the images; None where they cannot be loaded.
        probe: what the models are like; None where nobody asked, or they cannot be built.
        findings: most severe first.
        limits: which corners of the space break ``search.limits``; None where there are none, or nobody asked.
        memory: of the training that takes most; None where nobody asked.
        packing: how many trials share a GPU, where ``resources.gpu: auto`` asks for that; else None.
        rehearsable: whether a training can begin as the file says: not where the file is read only in part, or weights are missing.
    """

    problems: list[SweepInputError | TrainerInputError] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    config: TrainConfig | None = None
    data: ImageData | None = None
    probe: ModelProbe | None = None
    findings: tuple[Finding, ...] = ()
    limits: LimitCheck | None = None
    memory: HeaviestTraining | None = None
    packing: Packing | None = None
    rehearsable: bool = True

    @property
    def errors(self) -> tuple[str, ...]:
        """Every error in words: those of the stages, then findings that would make the results worthless."""
        told = [text for error in self.problems for text in texts_of(error)]
        return tuple(dict.fromkeys([*told, *(finding_text(finding, marked=False) for finding in self.error_findings)]))

    @property
    def error_findings(self) -> tuple[Finding, ...]:
        """Findings that would make the results worthless."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @contextmanager
    def stage(self) -> Iterator[None]:
        """What is refused inside is kept, and the look goes on."""
        try:
            yield
        except (SweepInputError, TrainerInputError) as error:
            self.problems.append(error)


def texts_of(error: SweepInputError | TrainerInputError) -> list[str]:
    """Each thing that an error tells."""
    return [str(problem) for problem in getattr(error, "problems", ())] or [str(error)]


LOADED_LATER = ("data.source", "search.metric", "training.metrics")
"""Functions of these are tried on the data, where there is any."""


def look_at_surroundings(look: Look, sweep: SweepFile, *, imports: bool) -> None:
    """The stages that take milliseconds: trackers, storage_path, files of weights; with `imports`, also that modules of one's own are there, none imported."""
    with look.stage():
        check_trackers(sweep)
    with look.stage():
        check_writable(sweep)
    for problem in weights_problems(sweep):
        look.problems.append(SweepInputError(problem))
        look.rehearsable = False
    if imports:
        for reference, key in own_references(sweep):
            if key in LOADED_LATER:
                continue
            with look.stage():
                check_module(reference, key)


def look_at_images(look: Look, sweep: SweepFile) -> None:
    """Load the data and make the checks that need no model; without data those that look at settings alone."""
    look.config = config = own_config(sweep)
    look.data = _images(look, config.data)
    if look.data is not None:
        with look.stage():
            check_resplit(sweep, look.data)
    else:
        look.unseen.append("the images (sizes, classes, copies), because they cannot be loaded")
        for name in config.measured:
            if name.kind == "own":
                with look.stage():
                    import_function(name.text, "search.metric or training.metrics")
    with look.stage():
        look.findings = judge_space(sweep, config, look.data, None, Path.cwd())


def _images(look: Look, settings: DataConfig) -> ImageData | None:
    """The images, or None where they cannot be loaded; why is kept."""
    try:
        return load_data(settings)
    except (SweepInputError, TrainerInputError) as error:
        look.problems.append(error)
        return None


WITHOUT_IMAGES = (224, 224), 2
"""Size of the images and number of classes that a model is built for where the data cannot be loaded and the file does not say."""


def look_at_model(look: Look, sweep: SweepFile, *, rehearse: bool = False) -> None:
    """Build the model in a process of its own and make all checks; to `rehearse`, also train a few real batches. After `look_at_images`."""
    config, data = look.config or own_config(sweep), look.data
    shape, classes = _assumed(config) if data is None else (data.image_shape, data.num_classes)
    limits = sweep.search.limits.given if rehearse else {}
    corners = corners_of(sweep, Path.cwd()) if limits else []
    packs = sweep.resources.gpu == "auto"
    device = smallest_gpu() if packs else None
    heavy, left_out = heaviest_configs(sweep, Path.cwd()) if data is not None and (rehearse or device is not None) else ([], 0)
    try:
        look.probe = probe_models(
            config,
            shape,
            classes,
            frozen_labels(sweep),
            augmentations=setting_values(sweep, "augmentation", sweep.data.augmentation),
            trainings=alike_trials(sweep),
            losses=setting_values(sweep, "loss", sweep.training.loss),
            rehearse=rehearse and look.rehearsable and data is not None,
            networks=[corner.config for corner in corners[:MOST_NETWORKS]],
            memory=heavy,
        )
    except SweepInputError as error:
        look.problems.append(error)
        look.unseen.append(f"{'a real batch, time and memory' if rehearse else 'memory'}, because the model cannot be built")
        return
    facts = look.probe.facts
    if data is None:  # what is known holds of images of the assumed size
        facts = replace(facts, estimated_memory_bytes=None)
        look.unseen.append(f"{'a real batch, time and memory' if rehearse else 'memory'}, because there are no images")
    elif rehearse and look.probe.rehearsal is None:
        look.unseen.append("a real batch, time and memory, because the training cannot begin as the file says")
    with look.stage():
        look.findings = judge_space(sweep, config, data, facts, Path.cwd())
    look.limits = judge_limits(limits, corners, look.probe.networks) if limits and data is not None else None
    look.memory = heaviest(heavy, look.probe.memory, left_out) if heavy else None
    look.packing = pack(None if look.memory is None else look.memory.total, device) if packs else None


def _assumed(config: TrainConfig) -> tuple[tuple[int, int, int], int]:
    """Height, width, channels and classes as far as the settings tell them."""
    given, classes = config.data.image_size, config.data.classes
    height, width = WITHOUT_IMAGES[0] if given is None else (given, given) if isinstance(given, int) else given
    return (height, width, 1 if config.data.color == "grey" else 3), WITHOUT_IMAGES[1] if classes is None else len(classes)


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


def weights_problems(sweep: SweepFile) -> list[str]:
    """Files of weights and of backbones that are not there: found in milliseconds, before data is loaded and a model is built."""
    here = f"(looked for from {Path.cwd()})"
    problems = [
        f"model.backbone: there is no file {Path(backbone).expanduser()} {here}."
        for backbone in _values(sweep, "backbone", sweep.model.backbone)
        if backbone.endswith(FILE) and not Path(backbone).expanduser().is_file()
    ]
    weights = sweep.model.weights
    if weights not in (None, "imagenet", "own") and not Path(str(weights)).expanduser().is_file():
        path = Path(str(weights)).expanduser()
        problems.append(
            f"model.weights: there is no file {path} {here}; expected 'imagenet', 'own', a file of weights, or 'none' for random ones."
        )
    return problems


def downloads(sweep: SweepFile) -> list[str]:
    """What the first trial will have to download: ImageNet weights that are not in Keras' folder on this machine. Looked up by name; no network is used."""
    if sweep.model.weights != "imagenet" or sweep.model.options:  # with other options, other files
        return []
    size = sweep.data.image_size
    side = size if isinstance(size, int) or size is None else size[0] if size[0] == size[1] else None
    folder = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "models"
    files = {name: imagenet_file(name, side) for name in _values(sweep, "backbone", sweep.model.backbone)}
    return [
        f"the ImageNet weights of {name} are not in {folder} and will be downloaded when they are first needed. Without a network, put {file} there, "
        "or name another file: 'weights: /path/to/FILE'; 'weights: none' with 'frozen_layers: none' begins with random weights"
        for name, file in files.items()
        if file is not None and not (folder / file).is_file()
    ]


def check_before_run(sweep: SweepFile, say: Callable[[str], object]) -> Checked:
    """Look at the sweep; warnings are said, errors stop it, all of them together.

    Raises:
        SweepInputError: something cannot be used, or a finding would make the results worthless and is not allowed by name.
        TrainerInputError: the one thing that is wrong with the data.
    """
    look = Look()
    look_at_surroundings(look, sweep, imports=False)
    for line in downloads(sweep):
        say(f"warning: {line}")
    look_at_images(look, sweep)
    look_at_model(look, sweep)
    for finding in look.findings:
        if finding.severity == "warning":
            say(finding_text(finding))
    refuse(look)
    assert look.config is not None  # noqa: S101 - nothing was refused
    assert look.data is not None  # noqa: S101
    assert look.probe is not None  # noqa: S101
    return Checked(look.config, look.data, look.probe, look.findings, look.packing)


def load_for_run(file: str, overrides: Sequence[str]) -> SweepFile:
    """The sweep file of a command that trains. Where it is wrong, what can be judged without a model is told with it.

    Raises:
        SweepInputError: everything that was found.
    """
    read = read_in_part(file, overrides)
    if read.sweep is not None and read.error is None:
        return read.sweep
    assert read.error is not None  # noqa: S101 - the reason
    if read.sweep is None:
        raise read.error
    look = Look([read.error])
    with Runtime(import_paths=(str(Path.cwd()),)).in_this_process():
        look_at_surroundings(look, read.sweep, imports=True)
        look_at_images(look, read.sweep)
    if len(look.problems) == 1 and not look.error_findings:
        raise read.error
    look.unseen.append(f"the model; `steadysweep check {shlex.quote(file)}` looks at it too")
    refuse(look)
    return read.sweep


def refuse(look: Look) -> None:
    """Stop where anything is wrong, and tell all of it.

    Raises:
        SweepInputError: with every error; a single one as it is.
        TrainerInputError: the single one.
    """
    findings = look.error_findings
    if not look.problems and not findings:
        return
    if len(look.problems) == 1 and not findings and len(look.errors) == 1:
        raise look.problems[0]
    allowed = f"To go on knowingly, add allow: [{', '.join(dict.fromkeys(finding.name for finding in findings))}] to the sweep file."
    if not look.problems:
        found = "\n".join(finding_text(finding) for finding in findings)
        raise SweepInputError(f"the pre-flight checks found what would make the results worthless:\n{found}\n{allowed}")
    lines = [f"{len(look.errors)} errors, all told together:", *(f"- {text}" for text in look.errors)]
    lines += [f"not looked at: {text}" for text in look.unseen]
    raise SweepInputError("\n".join([*lines, *([allowed] if findings else [])]))


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


def finding_text(finding: Finding, *, marked: bool = True) -> str:
    """One finding for a terminal: what, examples, what to change; `marked` with its severity."""
    examples = finding.evidence.get("examples", ())
    shown = [str(each).replace(f"{Path.cwd()}/", "") for each in examples] if isinstance(examples, tuple) else []
    lines = [
        f"{f'{finding.severity}: ' if marked else ''}{finding.name}: {finding.message}",
        *(f"  e.g. {each}" for each in shown[:EXAMPLES]),
    ]
    return "\n".join([*lines, f"  {finding.remedy}"] if finding.remedy else lines)


def frozen_labels(sweep: SweepFile) -> dict[str, tuple[str, ...]]:
    """Backbone to the ``frozen_layers`` texts that the sweep may use on it."""
    return dict.fromkeys(_values(sweep, "backbone", sweep.model.backbone), _values(sweep, "frozen_layers", sweep.model.frozen_layers))


def _values(sweep: SweepFile, name: str, fixed: str) -> tuple[str, ...]:
    """Values that a text setting of the model takes in a sweep."""
    return tuple(str(value) for value in setting_values(sweep, name, fixed))
