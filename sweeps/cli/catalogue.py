"""``steadysweep spaces``, ``models``, ``augmentations``, ``schema``: what ships."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sweeps.cli.command import Command, format_argument
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence


def spaces(name: str | None, *, output_format: str) -> int:
    """List the shipped search spaces, or print one's YAML.

    Raises:
        SweepInputError: no space of this name ships.
    """
    from search_spaces import shipped, shipped_names, shipped_text

    if name is not None:
        if name not in shipped_names():
            raise SweepInputError(f"spaces: no shipped space {name!r}; expected one of {', '.join(shipped_names())}.")
        sys.stdout.write(shipped_text(name))
        return 0
    descriptions = shipped()
    if output_format == "json":
        return _print_json(
            {"schema": "steadysweep.spaces/1", "spaces": [{"name": key, "description": text} for key, text in descriptions.items()]}
        )
    _print_table(("space", "what it varies, and why"), descriptions.items())
    return 0


def models(*, layers: str | None, image_size: int | None, output_format: str) -> int:
    """List the backbones, or print one's layer table.

    Raises:
        TrainerInputError: no backbone of this name ships.
    """
    from trainer import network as catalogue

    if layers is None:
        rows = list(catalogue.available().items())
        if output_format == "json":
            return _print_json({"schema": "steadysweep.models/1", "models": [{"name": name, "description": text} for name, text in rows]})
        _print_table(("backbone", "description"), rows)
        return 0
    table = catalogue.layer_table(layers, None if image_size is None else (image_size, image_size, 3))
    if output_format == "json":
        return _print_json({"schema": "steadysweep.layers/1", "backbone": layers, "layers": [asdict(row) for row in table]})
    _print_table(
        ("index", "layer", "kind", "ends block", "weighted", "share of parameters", "cut"),
        [
            (row.index, row.name, row.kind, row.block or "", row.weighted or "", f"{row.share:.1%}", "cut" if row.cut else "")
            for row in table
        ],
    )
    return 0


def augmentations(*, output_format: str) -> int:
    """List the augmentation policies with their parameters."""
    from trainer.augmentation import policies

    found = policies()
    if output_format == "json":
        listed = [{"name": name, "description": text, "parameters": dict(parameters)} for name, (text, parameters) in found.items()]
        return _print_json({"schema": "steadysweep.augmentations/1", "augmentations": listed})
    _print_table(
        ("policy", "what it does", "parameters and defaults"),
        [(name, text, "  ".join(f"{key}={value}" for key, value in parameters.items())) for name, (text, parameters) in found.items()],
    )
    return 0


def schema() -> int:
    """Print the JSON Schema of the sweep file."""
    from sweeps.sweep_file.reference import json_schema

    return _print_json(json_schema())


def _print_json(document: dict[str, Any]) -> int:
    json.dump(document, sys.stdout, indent=1, allow_nan=False)
    print()
    return 0


def _print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table)


def _add_spaces_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="of a shipped space; prints it as YAML")
    format_argument(parser)


def _add_models_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--layers", metavar="NAME", help="the layer table of this backbone")
    parser.add_argument("--image-size", type=int, metavar="PX", help="image size for --layers; default: the backbone's own")
    format_argument(parser)


SPACES = Command(
    name="spaces",
    summary="the search spaces that ship",
    description="Lists the shipped spaces; with NAME, prints that space's YAML.",
    examples=(
        ("steadysweep spaces", "their names and purposes"),
        ("steadysweep spaces transfer", "one as YAML, with the reasons for its ranges"),
    ),
    add_arguments=_add_spaces_arguments,
    run=spaces,
)
MODELS = Command(
    name="models",
    summary="the backbones that ship",
    description="Lists the backbones; with --layers, prints a backbone's layers, blocks and what each freezing boundary means.",
    examples=(("steadysweep models", "all backbones"), ("steadysweep models --layers resnet50", "what freezing means on one")),
    add_arguments=_add_models_arguments,
    run=models,
)
AUGMENTATIONS = Command(
    name="augmentations",
    summary="the augmentation policies that ship",
    description="Lists the named policies with their parameters.",
    examples=(("steadysweep augmentations", "policies and their parameters"),),
    add_arguments=format_argument,
    run=augmentations,
)
SCHEMA = Command(
    name="schema",
    summary="the sweep file's JSON Schema, for editors",
    description="Prints the JSON Schema of the sweep file.",
    examples=(("steadysweep schema > sweep.schema.json", "for an editor that completes YAML"),),
    add_arguments=lambda _: None,
    run=schema,
)
