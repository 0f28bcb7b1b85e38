"""``steadysweep spaces``, ``models``, ``augmentations``, ``schema``: what ships."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sweeps.cli.command import Command, format_argument, print_json
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence


def spaces(name: str | None, *, output_format: str) -> int:
    """List the shipped search spaces, or print one's YAML.

    Raises:
        SweepInputError: no space of this name ships.
    """
    from search_spaces.space import shipped, shipped_names, shipped_text

    if name is not None:
        if name not in shipped_names():
            raise SweepInputError(f"spaces: no shipped space {name!r}; expected one of {', '.join(shipped_names())}.")
        sys.stdout.write(shipped_text(name))
        return 0
    rows = shipped().items()
    document = {"schema": "steadysweep.spaces/1", "spaces": [{"name": key, "description": text} for key, text in rows]}
    return _answer(output_format, document, ("space", "what it varies, and why"), rows)


def models(*, layers: str | None, image_size: int | None, output_format: str) -> int:
    """List the backbones, or print one's layer table.

    Raises:
        TrainerInputError: no backbone of this name ships.
    """
    if layers is None:
        from trainer.backbones import available

        rows = available().items()
        document = {"schema": "steadysweep.models/1", "models": [{"name": name, "description": text} for name, text in rows]}
        return _answer(output_format, document, ("backbone", "description"), rows)
    from trainer.network.inspect import layer_table

    table = layer_table(layers, None if image_size is None else (image_size, image_size, 3))
    return _answer(
        output_format,
        {"schema": "steadysweep.layers/1", "backbone": layers, "layers": [asdict(row) for row in table]},
        ("index", "layer", "kind", "ends block", "weighted", "share of parameters", "cut"),
        [
            (row.index, row.name, row.kind, row.block or "", row.weighted or "", f"{row.share:.1%}", "cut" if row.cut else "")
            for row in table
        ],
    )


def augmentations(*, output_format: str) -> int:
    """List the augmentation policies with their parameters."""
    from trainer.augmentation import policies

    found = [(name, text, dict(parameters)) for name, (text, parameters) in policies().items()]
    return _answer(
        output_format,
        {
            "schema": "steadysweep.augmentations/1",
            "augmentations": [{"name": name, "description": text, "parameters": parameters} for name, text, parameters in found],
        },
        ("policy", "what it does", "parameters and defaults"),
        [(name, text, "  ".join(f"{key}={value}" for key, value in parameters.items())) for name, text, parameters in found],
    )


def schema() -> int:
    """Print the JSON Schema of the sweep file."""
    from sweeps.sweep_file.reference import json_schema

    print_json(json_schema())
    return 0


def _answer(output_format: str, document: dict[str, Any], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Print the document, or the same as a table."""
    if output_format == "json":
        print_json(document)
        return 0
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table)
    return 0


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
