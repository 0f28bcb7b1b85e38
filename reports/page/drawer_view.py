"""One configuration in full, as the drawer shows it: figures, settings, commands, trainings, cost, flags, causes; compressed, as few readers open many."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from reports import commands, wording
from reports.costs import COSTS, LATENCIES, cost_of, spread_of
from reports.flags import flag_meaning
from reports.folds import by_fold
from reports.page.cost_view import seconds_text
from reports.page.ranking_view import TRIAL_WORDS
from reports.page.remedies import is_suspect, is_swing
from reports.ranking.recommendation import num_parameters, peak_memory_mb, seconds_per_epoch
from reports.stability import stability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.ranking import RankedConfiguration
    from reports.records import ParameterValue, TrialRecord
    from reports.verdict import ReportData

CHUNK = 64
"""Configurations that are unpacked together."""
LEVEL = 6
FOLDS_NOTE = "one model a fold; they share training images, so that their spread is no margin of error of the mean"
LEAST_ODDS = 0.01
"""Lower ones say nothing."""


def pack_details(data: ReportData) -> dict[str, object]:
    """Details of all configurations in their order: base64 of deflated JSON, `size` of them in each of `chunks`."""
    taken = data.ranking.recommended
    best = {} if taken is None else data.configuration(taken).params
    chunks = []
    for start in range(0, len(data.configurations), CHUNK):
        chunk = [configuration_details(data, row, best) for row in data.configurations[start : start + CHUNK]]
        chunks.append(base64.b64encode(zlib.compress(wording.json_text(chunk, compact=True).encode(), LEVEL)).decode())
    return {"size": CHUNK, "chunks": chunks}


def configuration_details(data: ReportData, row: RankedConfiguration, best: Mapping[str, ParameterValue]) -> dict[str, object]:
    """What the drawer says of a configuration, every number as text.

    Args:
        data: of the report.
        row: the configuration.
        best: settings of the recommended one.
    """
    own = commands.own_sweep(data.study)
    export = commands.export_command(data.study, row) if own else ""
    return {
        "standing": _standing(data, row),
        "why": list(dict.fromkeys(_why(trial) for trial in row.trials if trial.state in {"PRUNED", "FAIL"})),
        "figures": _figures(data, row),
        "settings": [
            (name, wording.parameter(value), "" if best.get(name, value) == value else wording.parameter(best[name]))
            for name, value in row.params.items()
        ],
        "yaml": commands.settings_yaml(data.study, row.params) if row.params else "",
        "commands": [
            *([("Train it again", commands.train_command(data.study, row.params))] if own and row.params else []),
            *([("Export its model", export)] if export else []),
        ],
        "trainings": [_training(data, trial) for trial in row.trials],
        "cost": _cost(row),
        "flags": _flags(data, row),
        "causes": [
            ("tested" if check.tested else "not tested", check.cause, check.finding, check.how if is_suspect(check) else "")
            for check in data.cause_checks.get(row.configuration, ())
        ],
    }


def _standing(data: ReportData, row: RankedConfiguration) -> str:
    """Where it stands among the others, in one sentence."""
    metric = data.study.metric
    if row.unusable:
        return f"It can never be recommended: {row.unusable}."
    if row.stable is None:
        words = {
            "unfinished": "Still training",
            "pruned": "Stopped early",
            "infeasible": "Refused before an epoch",
            "failed": "Failed",
        }.get(row.state, "Not finished")
        if row.level is None:
            return f"{words}; no epoch is on record."
        return f"{words}: {wording.score(row.level, metric)} {wording.at_epoch(row.epochs, row.planned_epochs)}. It holds nothing yet."
    held = f"It holds {wording.score(row.stable, metric)}"
    if row.provisional:
        return f"{held}; provisional, from fewer than five epochs."
    expected = (
        f"; another training is expected from {wording.interval(row.stable_interval, metric)}" if row.stable_interval is not None else ""
    )
    probable = row.probability_best if row.probability_best is not None and row.probability_best >= LEAST_ODDS else None
    odds = f" The best with a probability of {wording.probability(probable)}." if probable is not None else ""
    return f"{held}{expected}.{odds}"


def _why(trial: TrialRecord) -> str:
    """Why a training ended before its last epoch."""
    what = "refused" if trial.infeasible else "stopped" if trial.state == "PRUNED" else "failed"
    reason = trial.cause or "the record does not say why"
    last = (trial.error or "").strip().rsplit("\n", 1)[-1] if trial.state == "FAIL" else ""
    return f"Trial {trial.number} {what} {wording.at_epoch(trial.num_epochs, trial.planned_epochs)}: {reason}{f' ({last})' if last else ''}"


def _figures(data: ReportData, row: RankedConfiguration) -> list[tuple[str, str, str]]:
    """Label, text and note of each figure that is on record."""
    metric = data.study.metric
    entries = (
        ("holds (stable)", row.stable, metric, "what a stop at an arbitrary late epoch is still worth"),
        ("level", row.level, metric, "the centre of its late epochs"),
        ("spread", row.spread, metric, "level less stable"),
        ("best epoch", row.best, metric, f"epoch {row.best_epoch}, always optimistic" if row.best_epoch else ""),
        ("last epoch", row.last, metric, ""),
        ("its file on validation", row.exported, "accuracy", "chosen by these images"),
        ("its file on test", row.test, "accuracy", "images that nothing was chosen by"),
    )
    shown = [(label, wording.score(value, name), note) for label, value, name, note in entries if value is not None]
    return [*shown, *_folds(data, row)]


def _folds(data: ReportData, row: RankedConfiguration) -> list[tuple[str, str, str]]:
    """What each fold's model of a training holds, for each complete training with folds."""
    metric, shown = data.study.metric, []
    for trial in row.trials:
        if trial.state != "COMPLETE":
            continue
        scores = [
            stability(np.asarray(own.get(metric, ()), dtype=np.float64), maximize=data.study.maximize)
            for own in by_fold(trial.curves).values()
        ]
        held = [score.stable for score in scores if score is not None]
        if held:
            texts = ", ".join(wording.score(value, metric, unit=value is held[-1]) for value in held)
            shown.append((f"folds of trial {trial.number} hold", texts, FOLDS_NOTE))
    return shown


def _training(data: ReportData, trial: TrialRecord) -> tuple[str, ...]:
    """Number, role, seed, state, epochs, what it holds or its level so far, best, seconds."""
    score = data.ranking.scores.get(trial.number)
    curve = np.asarray(trial.curves.get(data.study.metric, ()), dtype=np.float64)
    finite = curve[np.isfinite(curve)]
    best = float(finite.max() if data.study.maximize else finite.min()) if finite.size else None
    complete = trial.state == "COMPLETE"
    value = None if score is None else score.stable if complete else score.level
    return (
        str(trial.number),
        {"search": "search", "sibling": "search", "confirmation": "fresh seed", "history": "history"}[trial.role],
        str(trial.seed),
        TRIAL_WORDS[trial.state],
        f"{trial.num_epochs}" if trial.num_epochs >= trial.planned_epochs else f"{trial.num_epochs} of {trial.planned_epochs}",
        wording.score(value, data.study.metric) + ("" if complete or value is None else " so far"),
        wording.score(best, data.study.metric),
        wording.duration(_trained_seconds(trial)),
    )


def _trained_seconds(trial: TrialRecord) -> float | None:
    """Seconds that its workers spent on it, lost attempts included; by its epochs where no attempt is on record."""
    attempts = [each for each in trial.attempts if each.started is not None]
    if attempts:
        spans = [(each.ended or each.seen or datetime.now(UTC)) - each.started for each in attempts if each.started is not None]
        return sum(max(0.0, span.total_seconds()) for span in spans)
    seconds = np.asarray(trial.curves.get("seconds", ()), dtype=np.float64)
    return float(np.nansum(seconds)) if seconds.size else None


def _cost(row: RankedConfiguration) -> list[tuple[str, str]]:
    """What it cost so far, and what its network costs."""
    each = seconds_per_epoch(row)
    spent = [seconds for trial in row.trials if (seconds := _trained_seconds(trial)) is not None]
    hours = sum(
        attempt.gpu * (attempt.ended - attempt.started).total_seconds() / wording.HOUR
        for trial in row.trials
        for attempt in trial.attempts
        if attempt.started is not None and attempt.ended is not None
    )
    memory, parameters = peak_memory_mb(row), num_parameters(row)
    frozen = next((trial.figures["frozen_share"] for trial in row.trials if "frozen_share" in trial.figures), None)
    entries = (
        ("an epoch", None if each is None else seconds_text(each)),
        ("all its trainings", wording.duration(sum(spent)) if spent else None),
        ("GPU-hours", f"{hours:.2g}" if hours > 0 else None),
        ("parameters", None if parameters is None else f"{parameters:,}"),
        ("of these frozen", None if frozen is None else wording.score(frozen, "share")),
        ("peak memory", None if memory is None else wording.memory(memory)),
        ("its batches", _parts(row)),
        *((COSTS[name].label.removesuffix(", ms"), _latency(row, name)) for name in LATENCIES),
        ("its file", None if (size := cost_of(row, "file_mb")) is None else COSTS["file_mb"].text(size)),
    )
    return [(label, text) for label, text in entries if text is not None]


def _parts(row: RankedConfiguration) -> str | None:
    """In how many parts its batches were computed; None where they were whole."""
    most = max((trial.accumulate for trial in row.trials), default=1)
    return None if most == 1 else f"trained in {most} micro-batches each, after running out of memory"


def _latency(row: RankedConfiguration, name: str) -> str | None:
    """A latency with its quartiles."""
    value, spread = cost_of(row, name), spread_of(row, name)
    if value is None:
        return None
    return COSTS[name].text(value) + ("" if spread is None else f" (half of the predictions: {spread[0]:.3g} to {spread[1]:.3g})")


def _flags(data: ReportData, row: RankedConfiguration) -> list[tuple[str, str, str, str, list[tuple[str, str]]]]:
    """Name, severity, one sentence, what to try, and the figures behind it."""
    checked = bool(data.cause_checks.get(row.configuration))
    return [
        (
            flag.name,
            flag.severity,
            sentence(flag.summary or flag_meaning(flag.name)),
            "" if checked and is_swing(flag.name) else flag.example.advice,
            [
                *([("reading", flag.example.meaning)] if flag.example.meaning else []),
                *(
                    (wording.words(key), wording.evidence(value, key))
                    for key, value in flag.example.evidence.items()
                    if value is not None and value is not False
                ),
            ],
        )
        for flag in row.flags
    ]


def sentence(text: str) -> str:
    """A summary with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else ""
