"""Verdicts on logged runs as text for a terminal, and as the JSON document ``steadysweep.diagnosis/1``."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from reports.wording import json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.diagnosis.logged_run import CurveFigures, Verdict


_SEVERITIES: Final = {"high": "!!", "medium": " !", "low": "  "}
_NARROWEST: Final = 40
_ENOUGH_TO_BE_STEADY: Final = 10
_STEADY_SPREAD: Final = 0.03


def to_text(verdicts: Sequence[Verdict], *, width: int = 100) -> str:
    """Verdicts as text.

    Args:
        verdicts: in the order of the logs.
        width: columns of the terminal, at least 40.
    """
    paragraphs = [_paragraph(verdict, max(width, _NARROWEST)) for verdict in verdicts]
    table = [_table(verdicts)] if len(verdicts) > 1 else []
    return "\n\n".join([*table, *paragraphs]) + "\n"


def _table(verdicts: Sequence[Verdict]) -> str:
    """One line a run, columns aligned."""
    rows = [("run", "epochs", "stable", "level", "best", "last", "flags")]
    for verdict in verdicts:
        figures = verdict.val_accuracy
        rows.append(
            (
                f"{verdict.run.source}: {verdict.run.name}",
                str(verdict.run.num_epochs),
                _number(figures.stable if figures else None),
                _number(figures.level if figures else None),
                f"{_number(figures.best)} @ {figures.best_epoch}" if figures else "-",
                _number(figures.last if figures else None),
                ", ".join(flag.name for flag in verdict.flags) or "none",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(wide) if column in {0, len(row) - 1} else cell.rjust(wide)
            for column, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _paragraph(verdict: Verdict, width: int) -> str:
    """Everything about one run."""
    run = verdict.run
    lines = [f"{run.source}: {run.name} ({_facts(verdict)})"]
    lines += _wrapped(_headline(verdict), width, "  ")
    if verdict.phases is not None:
        good = "odd" if verdict.phases.high_is_odd else "even"
        lines += _wrapped(
            f"Its {good} epochs average {verdict.phases.high:.3f}, the others {verdict.phases.low:.3f}: the checkpoint of a good epoch may be that good, "
            "but neither a retraining nor another stopping epoch will reliably be.",
            width,
            "  ",
        )
    for flag in verdict.flags:
        lines += _wrapped(
            f"{flag.name} ({flag.severity}): {flag.summary or 'see the evidence'}.", width, f"  {_SEVERITIES[flag.severity]} "
        )
        lines += _wrapped(f"{flag.meaning[0].upper()}{flag.meaning[1:]}.", width, "     ") if flag.meaning else []
        lines += _wrapped(f"Try: {flag.advice}", width, "     ") if flag.advice else []
    if verdict.causes:
        tested = [cause for cause in verdict.causes if cause.tested]
        lines += _wrapped("Causes that this log can test:" if tested else "No cause can be tested from this log alone.", width, "  ")
        for cause in tested:
            fix = f" {cause.how}" if cause.finding.startswith("Yes") else ""
            lines += _wrapped(f"- {cause.cause}: {cause.finding}{fix}", width, "    ")
        lines += _wrapped("Not tested, and how to:", width, "  ") if len(tested) < len(verdict.causes) else []
        for cause in verdict.causes:
            if not cause.tested:
                lines += _wrapped(f"- {cause.cause}: {cause.finding} {cause.how}", width, "    ")
    for note in run.notes:
        lines += _wrapped(f"Note: {note}", width, "  ")
    return "\n".join(lines)


def _facts(verdict: Verdict) -> str:
    """Format, epochs and validation images in a few words."""
    run = verdict.run
    planned = f" of {run.planned_epochs}" if run.planned_epochs is not None and run.planned_epochs != run.num_epochs else ""
    count = f"{run.num_epochs}{planned} epoch{'' if run.num_epochs == 1 and not planned else 's'}"
    if run.epoch(0) > 1 and run.epoch_stride == 1:
        count = f"epochs {run.epoch(0)} to {run.epoch(run.num_epochs - 1)}{f' of {run.planned_epochs}' if run.planned_epochs else ''}"
    how = {"given": "", "log": "", "inferred": " (inferred from the values)", None: ""}[verdict.num_val_source]
    size = f"{verdict.num_val:,} validation images{how}" if verdict.num_val is not None else "number of validation images unknown"
    return f"{run.format}, {count}, {size}"


def _headline(verdict: Verdict) -> str:
    """What the run is worth, in one or two sentences."""
    figures = verdict.val_accuracy
    if figures is None:
        metrics = ", ".join(sorted(verdict.run.names.values()))
        loss = verdict.val_loss
        extra = (
            f" Validation loss: best {_number(loss.best)} at epoch {loss.best_epoch}, last {_number(loss.last)}."
            if loss is not None
            else ""
        )
        return f"No validation accuracy in this log (it has {metrics}), so nothing is said about what the run holds.{extra}"
    if figures.stable is None or figures.level is None:
        return f"Validation accuracy stopped being a number; best {figures.best:.4f} at epoch {figures.best_epoch} before."
    holds = f"Holds {figures.level:.3f}; a stop at an arbitrary late epoch is worth {figures.stable:.3f} (stable), {figures.spread or 0.0:.3f} less."
    return f"{holds} Best {figures.best:.4f} at epoch {figures.best_epoch}, last {_number(figures.last)}.{_remark(verdict, figures)}"


def _remark(verdict: Verdict, figures: CurveFigures) -> str:
    """What to make of it."""
    if figures.provisional:
        return " Fewer than five epochs: provisional."
    names = {flag.name for flag in verdict.flags if not flag.cannot_tell}
    if any(flag.cannot_tell for flag in verdict.flags) and "spiking" not in names:
        return " It swings, but so few validation images cannot tell whether the model does."
    if names & {"oscillating", "spiking"}:
        return " The best epoch is a moment of a curve that swings, not what this configuration holds."
    if verdict.flags:
        return ""
    if verdict.run.num_epochs < _ENOUGH_TO_BE_STEADY:
        return f" No flags, but {verdict.run.num_epochs} epochs are too few to call the curve steady."
    return " No flags: the curve is steady." if (figures.spread or 0.0) < _STEADY_SPREAD else " No flags."


def _number(value: float | None) -> str:
    """Four decimals, or a dash."""
    return "-" if value is None else f"{value:.4f}"


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """Lines of at most ``width`` columns, the first with ``indent``, the rest below its text."""
    rest = " " * (len(indent) + (2 if text.startswith("- ") else 0))
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False) or [
        indent
    ]


SCHEMA = "steadysweep.diagnosis/1"


def to_json(verdicts: Sequence[Verdict]) -> str:
    """One document for all runs. Accuracies are fractions in [0, 1]; a missing value is null, never NaN."""
    document = {"schema": SCHEMA, "runs": [_run(verdict) for verdict in verdicts]}
    return json_text(document)


def _run(verdict: Verdict) -> dict[str, object]:
    """One run's entry."""
    run = verdict.run
    return {
        "source": run.source,
        "name": run.name,
        "format": run.format,
        "epochs": run.num_epochs,
        "planned_epochs": run.planned_epochs,
        "num_train": run.num_train,
        "num_val": verdict.num_val,
        "num_val_source": verdict.num_val_source,
        "metric_names": dict(run.names),
        "val_accuracy": asdict(verdict.val_accuracy) if verdict.val_accuracy else None,
        "val_loss": asdict(verdict.val_loss) if verdict.val_loss else None,
        "phases": asdict(verdict.phases) if verdict.phases else None,
        "flags": [{**asdict(flag), "meaning": flag.meaning} for flag in verdict.flags],
        "causes": [asdict(cause) for cause in verdict.causes],
        "notes": list(run.notes),
        "curves": {name: curve.tolist() for name, curve in run.curves.items()},
    }
