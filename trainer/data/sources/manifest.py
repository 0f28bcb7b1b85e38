"""A CSV or Parquet table with columns ``path`` and ``label``, and optionally ``split`` and ``group``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainer.data.sources.collected import Collected, Part, index_labels, parse_part
from trainer.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("path", "label", "split", "group")
REQUIRED = COLUMNS[:2]


def collect_manifest(path: Path) -> Collected:
    """Read the table; relative paths are relative to the table's folder. Rows keep their order.

    Raises:
        DataError: the table cannot be read, lacks a column, or a row lacks a path, a label or, where others have one, a split or group.
    """
    table = _read(path)
    missing = [column for column in REQUIRED if column not in table.columns]
    if missing:
        got = ", ".join(str(column) for column in table.columns)
        raise DataError(f"{path}: column {missing[0]!r} is missing; expected path, label and optionally split and group, got {got}")
    if table.empty:
        raise DataError(f"{path}: the table has no rows")
    for column in COLUMNS:
        if column in table.columns and bool(table[column].isna().any()):
            row = int(table[column].isna().to_numpy().argmax())
            raise DataError(f"{path}: row {row + 1} has no {column}; fill it in or remove the {'row' if column in REQUIRED else 'column'}")
    labels, class_names = index_labels(table["label"].to_numpy(), f"{path}: label")
    files = tuple(_resolve(path.parent, str(name)) for name in table["path"])
    parts = tuple(_part(value, row, path) for row, value in enumerate(table["split"])) if "split" in table.columns else None
    groups = tuple(str(value) for value in table["group"]) if "group" in table.columns else None
    return Collected(files, labels, class_names, parts, groups)


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        if path.suffix == ".csv":
            return pd.read_csv(path, dtype={"path": str, "split": str, "group": str})
        return pd.read_parquet(path)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a readable table ({error})") from error


def _resolve(folder: Path, name: str) -> Path:
    file = Path(name).expanduser()
    return file if file.is_absolute() else folder / file


def _part(value: object, row: int, path: Path) -> Part:
    part = parse_part(str(value))
    if part is None:
        raise DataError(f"{path}: row {row + 1}: split {value!r} is unknown; expected train, validation or test")
    return part
