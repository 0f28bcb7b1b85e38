"""S3: validation accuracy that goes up one epoch and down the next, by what an epoch trains on and by what it is validated on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from documents import Documents, Outcome, curve, flag, percent
from drawing import BLUE, GREEN, GREY, VERMILION, Line, chart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TITLE = "validation accuracy alternates: epochs of leftover images, and validation windows that move"
CHECKS = {
    "leftover": ("sampling=leftover_batch", "allow=[]"),
    "windows": ("validation_windows=floor_batches", "allow=[]"),
}
SMALL = ("space.learning_rate={ordinal: [3.0e-4, 1.0e-3]}", "training.epochs=20", "training.checkpoint_every=20", "search.trials=16")

PERIOD = 2
WINDOWS, RATE = "each epoch is validated on other images", "the learning rate is too high"
STATISTICS, COVERAGE = "moving statistics", "an epoch does not cover the training data"


def alternates(row: Mapping[str, Any]) -> bool:
    """Whether the report flags a configuration as oscillating with a period of two epochs."""
    found = flag(row, "oscillating")
    return found is not None and found["evidence"]["period"] == PERIOD


def checked(row: Mapping[str, Any], cause: str) -> Mapping[str, Any]:
    """What the report says about one of the usual causes of a configuration's swings."""
    return next((each for each in row["cause_checks"] if each["cause"].startswith(cause)), {"tested": False, "finding": "not looked at"})


def by_windows(documents: Documents) -> Sequence[Mapping[str, Any]]:
    """Configurations in which nothing is wrong but the validation windows, the widest swings first."""
    rows = documents.where(sampling="every_image", validation_windows="floor_batches", bn_momentum="0.9")
    return sorted(rows, key=_amplitude, reverse=True)


def _amplitude(row: Mapping[str, Any]) -> float:
    found = flag(row, "oscillating")
    return found["evidence"]["amplitude"] if found is not None else 0.0


def leftover_alternates(documents: Documents) -> Outcome:
    """The first mechanism, while training looks healthy."""
    row = documents.baseline
    best, last = row["best"], curve(row)[-8:]
    found = flag(row, "oscillating")
    return Outcome(
        "every other epoch trained on one leftover image gives a curve of period 2, which is flagged",
        alternates(row) and row["stable"] < best - 0.15,
        f"{found['summary'] if found else 'no flag'}; best epoch {percent(best)}, the last eight {', '.join(percent(value) for value in last)}",
    )


def windows_alternate(documents: Documents) -> Outcome:
    """The second mechanism: the model is fine, what it is measured on is not."""
    rows = [row for row in by_windows(documents) if alternates(row)]
    return Outcome(
        "validation on moving windows gives a curve of period 2, which is flagged",
        bool(rows),
        flag(rows[0], "oscillating")["summary"] if rows else "no such curve",  # type: ignore[index]
    )


def check_refuses(documents: Documents) -> Outcome:
    """Both could have been known before the first epoch."""
    found = {"partial_epochs": documents.checks["leftover"], "validation_coverage": documents.checks["windows"]}
    return Outcome(
        "check refuses both before anything is trained",
        all(check.code != 0 and check.finding(name) is not None for name, check in found.items()),
        "; ".join(str((check.finding(name) or {"message": "no finding"})["message"]) for name, check in found.items()),
    )


def causes_are_tested(documents: Documents) -> Outcome:
    """The diagnosis goes through the usual causes and blames the right one."""
    leftover, swinging = documents.baseline, [row for row in by_windows(documents) if alternates(row)]
    statistics = checked(leftover, STATISTICS)["finding"]
    blamed = statistics.startswith("Yes") and "With bn_momentum 0.9 and all else equal" in statistics
    excluded = checked(leftover, WINDOWS)["finding"].startswith("No")
    other = (
        bool(swinging)
        and checked(swinging[0], WINDOWS)["finding"].startswith("Yes")
        and checked(swinging[0], COVERAGE)["finding"].startswith("No")
    )
    tested = all(checked(leftover, cause)["tested"] for cause in (WINDOWS, RATE, STATISTICS, COVERAGE))
    return Outcome(
        "the diagnosis says which causes were tested for, and blames BatchNorm in one case, the windows in the other",
        blamed and excluded and other and tested,
        f"{statistics} And: {checked(swinging[0], WINDOWS)['finding'] if swinging else 'no such curve'}",
    )


def steady_ranks_first(documents: Documents) -> Outcome:
    """What the sweep is for."""
    first, params = documents.ranking[0], documents.ranking[0]["params"]
    steady = flag(first, "oscillating") is None and params["bn_momentum"] == "0.9" and params["validation_windows"] == "all"
    peak = max(documents.ranking, key=lambda row: row["best"])
    return Outcome(
        "a steady configuration ranks first: validated on every image, its statistics averaged over several batches",
        steady and first["stable"] > documents.baseline["stable"] + 0.1,
        f"it holds {percent(first['stable'])}; the highest epoch, {percent(peak['best'])}, belongs to rank {peak['rank']}, which holds {percent(peak['stable'])}",
    )


def draw_alternations(documents: Documents) -> str:
    """Both mechanisms beside the steady curve."""
    lines = [
        Line("training, leftover batch", curve(documents.baseline, "accuracy"), GREY, dashed=True),
        Line("leftover batch", curve(documents.baseline), VERMILION),
        Line("steady, ranked first", curve(documents.ranking[0]), GREEN),
    ]
    return chart("Validation accuracy", lines, low=0.4)


def draw_windows(documents: Documents) -> str:
    """The same kind of training, validated on windows and on all images."""
    rows = [row for row in by_windows(documents) if alternates(row)] or list(by_windows(documents))
    windows = rows[0]
    (whole,) = documents.where(**{**windows["params"], "validation_windows": "all"})
    lines = [Line("moving windows", curve(windows), VERMILION), Line("every validation image", curve(whole), BLUE)]
    return chart("Validation accuracy of two trainings alike", lines, low=0.4)


FIGURES = {"s3-alternating.svg": draw_alternations, "s3-windows.svg": draw_windows}
OUTCOMES = (leftover_alternates, windows_alternate, check_refuses, causes_are_tested, steady_ranks_first)
