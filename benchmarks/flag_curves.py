"""The curves that flags are judged on: labelled ones from public sources, and every training of the tabular study."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.flags.run_curves import RunCurves, run_curves

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "tests" / "data"
METRICS = ("val_accuracy", "accuracy", "val_loss", "loss")

Curve = dict[str, Any]


def labelled_files() -> list[Path]:
    """Both files of labelled curves."""
    return [DATA / "labelled_curves.json", DATA / "labelled_curves_2.json"]


def read_curves(file: Path) -> list[Curve]:
    """Labelled curves of a file."""
    curves: list[Curve] = json.loads(file.read_text(encoding="utf-8"))
    return curves


def tabular_curves() -> list[Curve]:
    """The 3,072 trainings of the tabular study in the same form, without labels; the space is the source."""
    sys.path.insert(0, str(HERE / "tabular"))
    from study import load

    return [
        {
            "id": f"{name}/{configuration}/{seed}",
            "source": f"tabular:{name}",
            "val_accuracy": table.val_accuracy[configuration, seed].tolist(),
            "accuracy": table.train_accuracy[configuration, seed].tolist(),
            "val_loss": table.val_loss[configuration, seed].tolist(),
            "loss": table.train_loss[configuration, seed].tolist(),
            "num_val": int(table.num_val),
            "num_classes": int(table.num_classes),
        }
        for name, table in load().items()
        for configuration in range(table.val_correct.shape[0])
        for seed in range(table.val_correct.shape[1])
    ]


def source(curve: Mapping[str, Any]) -> str:
    """Where a curve comes from: the repository, the thread or the space."""
    return str(curve["source"]).split("@")[0].split("#")[0].split(":", 2)[1] if ":" in curve["source"] else str(curve["source"])


def as_run(curve: Mapping[str, Any], stop: int | None = None) -> RunCurves:
    """A curve as the flags read it, up to an epoch."""
    curves = {name: curve[name][:stop] for name in METRICS if curve.get(name)}
    return run_curves(curves, num_val=curve["num_val"], num_classes=curve["num_classes"])
