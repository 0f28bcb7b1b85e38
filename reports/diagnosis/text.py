"""Verdicts on logged runs as text for a terminal, and as the JSON document ``steadysweep.diagnosis/1``."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from reports.wording import at_epoch, fields, json_text, plain_score, points

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
    table = [_table(verdicts)] if len(verdicts) > 1 else []
    return "\n\n".join([*table, *(_paragraph(verdict, max(width, _NARROWEST)) for verdict in verdicts)]) + "\n"


def _table(verdicts: Sequence[Verdict]) -> str:
    """One line a run, columns aligned."""
    rows = [("run", "epochs", "stable", "level", "best", "last", "flags")]
    for verdict in verdicts:
        run, figures = verdict.run, verdict.val_accuracy
        stable, level, last = (_score(getattr(figures, name, None)) for name in ("stable", "level", "last"))
        best = f"{_score(figures.best)} @ {figures.best_epoch}" if figures else "-"
        flags = ", ".join(flag.name for flag in verdict.flags) or "none"
        rows.append((f"{run.source}: {run.name}", str(run.num_epochs), stable, level, best, last, flags))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    layout = "  ".join(f"{{:{'<' if column in {0, len(widths) - 1} else '>'}{width}}}" for column, width in enumerate(widths))
    return "\n".join(layout.format(*row).rstrip() for row in rows)


def _paragraph(verdict: Verdict, width: int) -> str:
    """Everything about one run."""
    run, phases = verdict.run, verdict.phases
    parts = [("  ", _headline(verdict))]
    if phases is not None:
        good = (
            f"Its {'odd' if phases.high_is_odd else 'even'} epochs average {plain_score(phases.high)}, the others {plain_score(phases.low)}"
        )
        advice = "the checkpoint of a good epoch may be that good, but neither a retraining nor another stopping epoch will reliably be."
        parts.append(("  ", f"{good}: {advice}"))
    for flag in verdict.flags:
        parts.append((f"  {_SEVERITIES[flag.severity]} ", f"{flag.name} ({flag.severity}): {flag.summary or 'see the evidence'}."))
        parts += [("     ", f"{flag.meaning[0].upper()}{flag.meaning[1:]}.")] if flag.meaning else []
        parts += [("     ", f"Try: {flag.advice}")] if flag.advice else []
    if verdict.causes:
        tested = [
            ("    ", f"- {cause.cause}: {cause.finding}" + (f" {cause.how}" if cause.finding.startswith("Yes") else ""))
            for cause in verdict.causes
            if cause.tested
        ]
        untested = [("    ", f"- {cause.cause}: {cause.finding} {cause.how}") for cause in verdict.causes if not cause.tested]
        parts += [("  ", "Causes that this log can test:" if tested else "No cause can be tested from this log alone."), *tested]
        parts += [("  ", "Not tested, and how to:"), *untested] if untested else []
    parts += [("  ", f"Note: {note}") for note in run.notes]
    return "\n".join([f"{run.source}: {run.name} ({_facts(verdict)})", *(line for part in parts for line in _wrapped(width, *part))])


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
        missing = f"No validation accuracy in this log (it has {', '.join(sorted(verdict.run.names.values()))})"
        loss = verdict.val_loss
        extra = (
            loss
            and f" Validation loss: best {_score(loss.best, 'val_loss')} at epoch {loss.best_epoch}, last {_score(loss.last, 'val_loss')}."
        )
        return f"{missing}, so nothing is said about what the run holds.{extra or ''}"
    if figures.stable is None or figures.level is None:
        return f"Validation accuracy stopped being a number; best {plain_score(figures.best)} at epoch {figures.best_epoch} before."
    run = verdict.run
    worth = "a stop at an arbitrary late epoch is still worth"
    reached = run.epoch(run.num_epochs - 1) + (run.first_epoch == 0)
    if run.planned_epochs is not None and run.planned_epochs > reached:
        said = f"Level {plain_score(figures.level)} {at_epoch(reached, run.planned_epochs)}; so far {worth} {plain_score(figures.stable)} (stable)."
    else:
        said = f"Holds {plain_score(figures.stable)} (stable: what {worth}), {points(figures.spread or 0.0)} less than its level {plain_score(figures.level)}."
    return f"{said} Best {plain_score(figures.best)} at epoch {figures.best_epoch}, last {_score(figures.last)}.{_remark(verdict, figures)}"


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


def _score(value: float | None, metric: str = "val_accuracy") -> str:
    """As every report writes it, or a dash that every terminal has."""
    return "-" if value is None else plain_score(value, metric)


def _wrapped(width: int, indent: str, text: str) -> list[str]:
    """Lines of at most ``width`` columns, the first with ``indent``, the rest below its text; a percent sign stays with its number."""
    rest = " " * (len(indent) + (2 if text.startswith("- ") else 0))
    kept = text.replace(" %", "\u202f%")
    lines = textwrap.wrap(kept, width, initial_indent=indent, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\u202f", " ") for line in lines]


SCHEMA = "steadysweep.diagnosis/1"


def to_json(verdicts: Sequence[Verdict]) -> str:
    """One document for all runs. Accuracies are fractions in [0, 1]; a missing value is null, never NaN."""
    return json_text({"schema": SCHEMA, "runs": [_run(verdict) for verdict in verdicts]})


def _run(verdict: Verdict) -> dict[str, object]:
    """One run's entry."""
    run = verdict.run
    return {
        **fields(run, "source", "name", "format"),
        "epochs": run.num_epochs,
        **fields(run, "planned_epochs", "num_train"),
        **fields(verdict, "num_val", "num_val_source"),
        "metric_names": run.names,
        **fields(verdict, "val_accuracy", "val_loss", "phases"),
        "flags": [{**asdict(flag), "meaning": flag.meaning} for flag in verdict.flags],
        "causes": verdict.causes,
        "notes": run.notes,
        "curves": {name: curve.tolist() for name, curve in run.curves.items()},
    }
