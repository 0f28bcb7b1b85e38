"""``steadysweep check``: everything that can be known before a sweep costs anything."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sweeps.launch.preflight import finding_text, look_at, look_at_data
from sweeps.progress.wording import duration
from sweeps.sweep_file import load_sweep_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.launch.preflight import Checked
    from sweeps.sweep_file import SweepFile
    from trainer.data import ImageData
    from trainer.preflight import Finding

SCHEMA = "steadysweep.check/1"
BAD_INPUT = 2
MEBIBYTE = 2**20


def check(sweep_file: str, overrides: Sequence[str], *, real_batch: bool, output_format: str) -> int:
    """Validate file, space and data, run the pre-flight checks, rehearse a few batches, estimate.

    Returns:
        0, or 2 when a finding would make the results worthless.

    Raises:
        SweepInputError: the file, the space or the model cannot be used.
        TrainerInputError: the data cannot be used.
    """
    sweep = load_sweep_file(sweep_file, overrides)
    if not real_batch:
        data, findings = look_at_data(sweep)
        document = _document(sweep, data, findings)
    else:
        print("building the model and training a few batches ...", file=sys.stderr)
        checked = look_at(sweep, rehearse=True)
        data, findings = checked.data, checked.findings
        document = {**_document(sweep, data, findings), **_estimates(sweep, checked)}
    if output_format == "json":
        json.dump(document, sys.stdout, indent=1, allow_nan=False)
        print()
    else:
        _print_text(document, findings)
    return BAD_INPUT if any(finding.severity == "error" for finding in findings) else 0


def _document(sweep: SweepFile, data: ImageData, findings: Sequence[Finding]) -> dict[str, Any]:
    from search_spaces import size

    points = size(sweep.space)
    return {
        "schema": SCHEMA,
        "study": sweep.study,
        "data": {
            "images": {name: len(part) for name, part in data.parts()},
            "image_shape": list(data.image_shape),
            "classes": list(data.class_names),
            "skipped": list(data.skipped),
            "fingerprint": data.fingerprint,
        },
        "space": {"name": sweep.space.name, "parameters": list(sweep.space.parameters), "configurations": points},
        "findings": [asdict(finding) for finding in findings],
    }


def _estimates(sweep: SweepFile, checked: Checked) -> dict[str, Any]:
    facts, rehearsal = checked.probe.facts, checked.probe.rehearsal
    assert rehearsal is not None  # noqa: S101 - look_at was asked for it
    at_once = sweep.resources.concurrent or 1
    trials = sweep.search.trials + sweep.confirm.top * sweep.confirm.seeds
    return {
        "model": {"parameters": facts.parameters, "trainable": facts.trainable_parameters, "boundaries": dict(checked.probe.boundaries)},
        "estimates": {
            "start_seconds": rehearsal.start_seconds,
            "epoch_seconds": rehearsal.epoch_seconds,
            "trial_seconds": rehearsal.trial_seconds,
            "sweep_seconds_at_most": rehearsal.start_seconds + rehearsal.trial_seconds * trials / at_once,
            "checkpoint_seconds": rehearsal.checkpoint_seconds,
            "checkpoint_every_epochs": rehearsal.checkpoint_every,
            "images_per_second": rehearsal.images_per_second,
            "peak_memory_mb": rehearsal.peak_memory_mb,
            "step_memory_mb": None if facts.estimated_memory_bytes is None else facts.estimated_memory_bytes / MEBIBYTE,
        },
    }


def _print_text(document: dict[str, Any], findings: Sequence[Finding]) -> None:
    data, space = document["data"], document["space"]
    images = ", ".join(f"{count} {name}" for name, count in data["images"].items())
    height, width, channels = data["image_shape"]
    print(f"study    {document['study']}")
    print(f"data     {images} images of {height}x{width}x{channels}, {len(data['classes'])} classes: {', '.join(data['classes'][:10])}")
    if data["skipped"]:
        print(f"         {len(data['skipped'])} unreadable files skipped, the first: {data['skipped'][0]}")
    points = "infinitely many" if space["configurations"] is None else space["configurations"]
    print(f"space    {space['name']}: {', '.join(space['parameters']) or 'nothing is varied'}; {points} configurations")
    if "model" in document:
        model, estimates = document["model"], document["estimates"]
        print(f"model    {model['parameters']:,} parameters, {model['trainable']:,} of them trained")
        for label, layer in model["boundaries"].items():
            print(f"         frozen_layers {label.partition(':')[2]!r} on {label.partition(':')[0]}: up to {layer}")
        print(
            f"time     about {duration(estimates['trial_seconds'])} a trial without pruning ({estimates['images_per_second']:.0f} images/s, "
            f"{estimates['epoch_seconds']:.2g} s an epoch), at most {duration(estimates['sweep_seconds_at_most'])} for the sweep, "
            f"plus {duration(estimates['start_seconds'])} to start a worker"
        )
        every = estimates["checkpoint_every_epochs"]
        print(
            f"         a checkpoint takes {estimates['checkpoint_seconds']:.2g} s and is written every {'epoch' if every == 1 else f'{every} epochs'}"
        )
        print(f"memory   {estimates['peak_memory_mb']:.0f} MB peak of a worker")
    for finding in findings:
        print(finding_text(finding))
    if not findings:
        print("findings none")
