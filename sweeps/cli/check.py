"""``steadysweep check``: everything that can be known before a sweep costs anything."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.sharing import NOTHING_FROZEN
from sweeps.cli.command import BAD_INPUT, Command, format_argument, print_json, sweep_file_argument

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from sweeps.launch.preflight import Look
    from sweeps.sweep_file import SweepFile
    from sweeps.sweep_file.loading import PartlyRead
    from trainer.data import ImageData


SCHEMA = "steadysweep.check/1"
MEBIBYTE = 2**20
CLASSES = 10
"""Named in the text."""
NEARLY_ALL = 99.5
"""Percent of a training's arithmetic from which on a figure says no more than words."""


def check(sweep_file: str, overrides: Sequence[str], *, real_batch: bool, output_format: str) -> int:
    """Validate file, space and data, run the pre-flight checks, rehearse a few batches, estimate. Every stage adds its errors; all are told together.

    Returns:
        0, or 2 when anything is wrong, a finding would make the results worthless, or every network breaks a limit.

    Raises:
        SweepInputError: so little of the file can be read that nothing else can be looked at.
    """
    from sweeps.launch.preflight import Look
    from sweeps.launch.runtime import Runtime, resolve_runtime
    from sweeps.sweep_file.loading import read_in_part

    read = read_in_part(sweep_file, overrides)
    if read.sweep is None:
        assert read.error is not None  # noqa: S101 - the reason
        raise read.error
    look, runtime = Look(), Runtime(import_paths=(str(Path.cwd()),))
    if read.error is not None:
        look.problems.append(read.error)
        look.rehearsable = False
    with look.stage():
        runtime = resolve_runtime(read.sweep, Path.cwd(), os.environ)
    with runtime.in_this_process():
        return _check(read, look, (sweep_file, *overrides), real_batch=real_batch, text=output_format == "text")


def _check(read: PartlyRead, look: Look, words: Sequence[str], *, real_batch: bool, text: bool) -> int:
    """Look at the sweep where its own modules and variables are at hand."""
    from reports.wording import count
    from sweeps.launch.preflight import look_at_images, look_at_model, look_at_surroundings

    sweep = read.sweep
    assert sweep is not None  # noqa: S101 - asked before
    look_at_surroundings(look, sweep, imports=not real_batch)
    look_at_images(look, sweep)
    document = _document(sweep, look)
    if text:  # before the model is built: what is known of the data is printed even where the model cannot be built
        _print_data(document)
    if real_batch:
        known = f"{count(len(look.problems), 'problem')} found; " if look.problems else ""
        print(f"{known}building the model and training a few batches ...", file=sys.stderr, flush=True)
        look_at_model(look, sweep, rehearse=True)
        document |= {"findings": [asdict(finding) for finding in look.findings], **_estimates(sweep, look)}
    refused = look.limits is not None and look.limits.all_broken
    document |= {"errors": list(look.errors), "not_looked_at": look.unseen, "assumed": list(read.assumed)}
    if text:
        _print_model(document, sweep)
        _print_findings(look)
        _print_verdict(look, read, words, refused=refused)
    else:
        print_json(document)
    return BAD_INPUT if look.errors or refused else 0


def _print_verdict(look: Look, read: PartlyRead, words: Sequence[str], *, refused: bool) -> None:
    """Errors that are no findings, what was not looked at, how many errors there are in all, and what to do next."""
    from reports.wording import count, harmless
    from sweeps.launch.preflight import texts_of

    sweep_file, *overrides = words
    sys.stdout.flush()
    told = [text for error in look.problems for text in texts_of(error)]
    for text in dict.fromkeys(told):
        print(harmless(f"error: {text}"), file=sys.stderr)
    if read.assumed:
        print(f"the rest was looked at with {', '.join(read.assumed)}", file=sys.stderr)
    for text in look.unseen:
        print(f"not looked at: {text}", file=sys.stderr)
    findings = list(dict.fromkeys(finding.name for finding in look.error_findings))
    if told:
        also = f"; what is named {' or '.join(findings)} may be accepted knowingly with allow: [{', '.join(findings)}]" if findings else ""
        print(f"not ready: {count(len(look.errors), 'error')} in {sweep_file}, all told above{also}", file=sys.stderr)
    elif findings:
        print(
            f"not ready: mend what is marked error ({len(look.errors)} in all), or accept it knowingly with allow: [{', '.join(findings)}] in {sweep_file}",
            file=sys.stderr,
        )
    elif refused:
        print("not ready: raise search.limits, or give the space smaller networks", file=sys.stderr)
    else:
        command = ["steadysweep", "run", sweep_file, *(word for override in overrides for word in ("--set", override))]
        print(f"next: {shlex.join(command)}", file=sys.stderr)


def _seen(sweep: SweepFile, data: ImageData) -> list[str]:
    """What `init` would say of the images, and of each folder of class folders among the sources. Findings tell of unreadable files and of two labels."""
    from sweeps.first_look.observations import contents, left_out, structure
    from trainer.data.inspect import inspect_loaded, inspect_structure
    from trainer.data.sources.shards import shards_in

    lines: list[str] = []
    sources = sweep.data.sources
    for source in sources:
        folder = Path(source).expanduser()
        if folder.is_dir() and not shards_in(folder):
            there = inspect_structure(folder)
            told = [*structure(there), *left_out(there, sweep.data.classes)]
            lines += [f"{source}: {line}" if len(sources) > 1 else line for line in told]
    root = f"{Path(sources[0]).expanduser().absolute()}/" if len(sources) == 1 and Path(sources[0]).expanduser().is_dir() else ""
    seen = inspect_loaded(data, root)
    of_one_label = tuple(group for group in seen.duplicates if group not in seen.conflicting_duplicates)
    seen = replace(seen, unreadable=(), duplicates=of_one_label, conflicting_duplicates=())
    return [*lines, *contents(seen, max(data.image_shape[:2]))]


def _document(sweep: SweepFile, look: Look) -> dict[str, Any]:
    """What is known before a model is built; null for what the images alone can tell where they cannot be loaded."""
    from search_spaces.space import size
    from sweeps.launch.preflight import downloads
    from sweeps.study.plan import slots_sentence

    data = look.data
    return {
        "schema": SCHEMA,
        "study": sweep.study,
        "data": None
        if data is None
        else {
            "images": {name: len(part) for name, part in data.divided()},
            "image_shape": list(data.image_shape),
            "classes": list(data.class_names),
            "skipped": list(data.skipped),
            "fingerprint": data.fingerprint,
        },
        "space": {"name": sweep.space.name, "parameters": list(sweep.space.parameters), "configurations": size(sweep.space)},
        "power": None if data is None else _power(sweep, data),
        "momenta": _momenta(sweep),
        "slots": slots_sentence(sweep),
        "seen": [] if data is None else _seen(sweep, data),
        "downloads": downloads(sweep),
        "findings": [asdict(finding) for finding in look.findings],
    }


def _power(sweep: SweepFile, data: ImageData) -> dict[str, Any] | None:
    """What this validation set and budget can tell apart; None where the metric is no share of all validation images."""
    from reports.metrics import counts_images
    from reports.verdict.power import power_of, power_sentences
    from trainer.metric_names import metric_named

    if not counts_images(metric_named(sweep.search.metric).recorded):
        return None
    power = power_of(len(data.validated), _configurations(sweep), _fresh(sweep), num_train=len(data.train))
    return {**asdict(power), "sentences": power_sentences(power)}


def _momenta(sweep: SweepFile) -> dict[str, Any] | None:
    """What trainings carry of BatchNorm momenta; None where the space does not vary it."""
    from sweeps.study.siblings import carried_momenta

    carried = carried_momenta(sweep)
    return None if carried is None else {**asdict(carried), "sentence": carried.sentence}


def _estimates(sweep: SweepFile, look: Look) -> dict[str, Any]:
    """What a built model, and a few real batches, tell; nothing where there are none."""
    if look.probe is None:
        return {}
    facts, rehearsal = look.probe.facts, look.probe.rehearsal
    model = {
        "model": {"parameters": facts.parameters, "trainable": facts.trainable_parameters, "boundaries": dict(look.probe.boundaries)},
        "limits": None if look.limits is None else {**asdict(look.limits), "sentences": look.limits.lines},
        "memory": None if look.memory is None else {**asdict(look.memory), "sentence": look.memory.sentence},
        "packing": None if look.packing is None else {**asdict(look.packing), "sentence": look.packing.sentence},
        "frozen_part": [asdict(part) for part in look.probe.frozen],
    }
    if rehearsal is None:
        return model
    at_once = sweep.resources.concurrent or 1
    fresh = _fresh(sweep)
    trials = sweep.search.trials + fresh
    return {
        **model,
        "estimates": {
            "start_seconds": rehearsal.start_seconds,
            "epoch_seconds": rehearsal.epoch_seconds,
            "trial_seconds": rehearsal.trial_seconds,
            "trainings": trials,
            "trainings_at_a_time": at_once,
            "confirmation": {
                "trainings": fresh,
                "leaders": sweep.confirm.top,
                "ends_early": sweep.confirm.races,
                "resplit": sweep.confirm.resplit,
                "seconds": rehearsal.trial_seconds * fresh / at_once,
            },
            "sweep_seconds_at_most": rehearsal.start_seconds + rehearsal.trial_seconds * trials / at_once,
            "checkpoint_seconds": rehearsal.checkpoint_seconds,
            "checkpoint_every_epochs": rehearsal.checkpoint_every,
            "images_per_second": rehearsal.images_per_second,
            "peak_memory_mb": rehearsal.peak_memory_mb,
            "step_memory_mb": None if facts.estimated_memory_bytes is None else facts.estimated_memory_bytes / MEBIBYTE,
        },
    }


def frozen_lines(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who computes the frozen part of each boundary, and why; augmentations of which the same is true share a line.

    Args:
        parts: `FrozenPart`s as plain data.
    """
    policies: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        if part["kept"]:
            size = f"{1000 * part['gigabytes']:.2g} MB" if part["gigabytes"] < 1 else f"{part['gigabytes']:.2g} GB"
            share = 100 * part["share"]
            what = f"computed once for all trials: {part['reason']}, {size}; saves {'nearly all' if share >= NEARLY_ALL else f'{share:.0f} %'} of a training's arithmetic"
        else:
            what = part["reason"] if part["reason"] == NOTHING_FROZEN else f"computed in each step: {part['reason']}"
        policies.setdefault((part["boundary"], what), []).append(part["augmentation"])
    several = {boundary for boundary, _ in policies if sum(boundary == other for other, _ in policies) > 1}
    return [
        f"frozen_layers {boundary}{f', augmentation {names_of(names)}' if boundary in several else ''}: {what}"
        for (boundary, what), names in policies.items()
    ]


def resplit_words(sweep: SweepFile) -> str:
    """What fresh seeds draw anew, in words that follow them; empty where ``confirm.resplit`` is off."""
    if not sweep.confirm.resplit:
        return ""
    return " and with other folds" if sweep.data.split.folds else " and with other validation images"


def names_of(names: Sequence[str]) -> str:
    """Names as a sentence has them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _fresh(sweep: SweepFile) -> int:
    """Fresh trainings of the confirmation, at most."""
    from sweeps.study.confirmation import most_fresh_trainings

    return most_fresh_trainings(sweep.confirm, _configurations(sweep), sweep.training.epochs)


def _configurations(sweep: SweepFile) -> int:
    """Configurations that will be searched: as many as are wanted, or there are."""
    from search_spaces.space import size

    return min(sweep.search.trials, size(sweep.space) or sweep.search.trials)


def _print_data(document: dict[str, Any]) -> None:
    data, space = document["data"], document["space"]
    print(f"study    {document['study']}")
    if data is not None:
        images = _images_text(data["images"])
        height, width, channels = data["image_shape"]
        more = f" and {len(data['classes']) - CLASSES} more" if len(data["classes"]) > CLASSES else ""
        classes = ", ".join(data["classes"][:CLASSES]) + more
        print(f"data     {images} images of {height}x{width}x{channels}, {len(data['classes'])} classes: {classes}")
        if data["skipped"]:
            print(f"         {len(data['skipped'])} unreadable files skipped, the first: {data['skipped'][0]}")
    points = "infinitely many" if space["configurations"] is None else f"{space['configurations']:,}"
    name = f"{space['name']}: " if space["name"] else ""
    print(f"space    {name}{', '.join(space['parameters']) or 'nothing is varied'}; {points} configurations")
    for place, sentence in enumerate(document["power"]["sentences"] if document["power"] else ()):
        print(f"{'' if place else 'power':<9}{sentence}")
    if document["momenta"] is not None:
        print(f"momenta  {document['momenta']['sentence']}")
    if document["slots"] is not None:
        print(f"slots    {document['slots']}")
    for place, line in enumerate(document["downloads"]):
        print(f"{'' if place else 'weights':<9}{line}")
    for place, line in enumerate(document["seen"]):
        print(f"{'' if place else 'images':<9}{line}")
    sys.stdout.flush()


def _images_text(numbers: Mapping[str, int]) -> str:
    """How many images each part has; folds, which are alike, together."""
    folds = [number for name, number in numbers.items() if name.startswith("fold ")]
    others = [f"{number} {name}" for name, number in numbers.items() if not name.startswith("fold ")]
    if not folds:
        return ", ".join(others)
    each = f"{min(folds)}" if min(folds) == max(folds) else f"{min(folds)} to {max(folds)}"
    return ", ".join([f"{sum(folds)} in {len(folds)} folds of {each}", *others])


def _print_model(document: dict[str, Any], sweep: SweepFile) -> None:
    from sweeps.progress.plain import duration

    model, estimates = document.get("model"), document.get("estimates")
    if model is None:
        return
    print(f"model    {model['parameters']:,} parameters, {model['trainable']:,} of them trained")
    for label, layer in model["boundaries"].items():
        backbone, _, frozen = label.partition(":")
        if frozen != "none":
            print(f"         frozen_layers {frozen} of {backbone}: up to and with layer {layer}")
    for place, line in enumerate(frozen_lines(document["frozen_part"])):
        print(f"{'' if place else 'frozen':<9}{line}")
    for place, line in enumerate(document["limits"]["sentences"] if document["limits"] else ()):
        print(f"{'' if place else 'limits':<9}{line}")
    if estimates is None:
        return
    at_once, prunes = estimates["trainings_at_a_time"], sweep.search.pruner != "none"
    print(
        f"time     about {duration(estimates['trial_seconds'])} a whole training ({estimates['images_per_second']:.0f} images/s, "
        f"{estimates['epoch_seconds']:.2g} s an epoch), plus {duration(estimates['start_seconds'])} to start a worker"
    )
    print(
        f"         at most {duration(estimates['sweep_seconds_at_most'])} for the sweep's {estimates['trainings']} trainings, "
        f"{'one' if at_once == 1 else at_once} at a time{'; as many as fit run at a time, which takes less' if sweep.resources.concurrent is None else ''}"
        f"{'; pruning saves some of it' if prunes else ''}"
    )
    confirmation = estimates["confirmation"]
    if confirmation["trainings"]:
        what = "confirm what may be the best" if confirmation["ends_early"] else f"confirm the leaders ({confirmation['leaders']})"
        print(
            f"         of these {'at most ' if confirmation['ends_early'] else ''}{confirmation['trainings']} {what}, from fresh seeds"
            f"{resplit_words(sweep)}: "
            f"about {duration(confirmation['seconds'])}{', never pruned' if prunes else ''}"
            f"{'; fewer if the best is known before with 95 %; confirm: off trains none' if confirmation['ends_early'] else ''}"
        )
    every = estimates["checkpoint_every_epochs"]
    print(
        f"         a checkpoint takes {estimates['checkpoint_seconds']:.2g} s and is written every {'epoch' if every == 1 else f'{every} epochs'}"
    )
    print(f"memory   {estimates['peak_memory_mb']:.0f} MB peak of a worker that trained a few batches here")
    if document["memory"] is not None:
        print(f"         {document['memory']['sentence']}")
    if document["packing"] is not None:
        print(f"gpu      {document['packing']['sentence']}")


def _print_findings(look: Look) -> None:
    from sweeps.launch.preflight import finding_text

    for finding in look.findings:
        print(finding_text(finding))
    if not look.findings:
        print("findings none")
    sys.stdout.flush()


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    sweep_file_argument(parser)
    parser.add_argument(
        "--no-batch", action="store_false", dest="real_batch", help="skip the real batch and the estimates (no TensorFlow is started)"
    )
    format_argument(parser)


COMMAND = Command(
    name="check",
    summary="validate file, space and data; run one real batch; estimate time and memory",
    description="Validates the sweep file and its space, loads the data, runs the pre-flight checks and\n"
    "one real batch forward and backward, and estimates memory, time per trial and for the sweep,\n"
    "and how far apart two configurations must be for this validation set and budget to tell.\n"
    "With search.limits, builds the networks at the corners of the space and names the values that break a limit.\n"
    "Everything that is wrong is told in one run, cheapest first.\n"
    "Exit code 2 when anything is wrong, a finding would make the sweep's results worthless, or every network breaks a limit.",
    examples=(
        ("steadysweep check sweep.yaml", "findings, and what the sweep will cost"),
        ("steadysweep check sweep.yaml --no-batch", "seconds: file, space and data only"),
        ("steadysweep check sweep.yaml --set backbone=mobilenetv2", "what another backbone would cost"),
    ),
    add_arguments=_add_arguments,
    run=check,
    exit_codes="exit codes: 0 ready, 2 something cannot be used or a finding would make the results worthless, 1, 3.",
)
