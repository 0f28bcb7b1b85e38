"""What each command's help shows: commands as they are typed. A test parses every one of them."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "init": (
        ("steadysweep init images/flowers", "writes sweep.yaml"),
        ("steadysweep init images/flowers -o sweeps/flowers.yaml", "writes another file"),
    ),
    "check": (
        ("steadysweep check sweep.yaml", "findings, and what the sweep will cost"),
        ("steadysweep check sweep.yaml --no-batch", "seconds: file, space and data only"),
        ("steadysweep check sweep.yaml --set backbone=mobilenetv2", "what another backbone would cost"),
    ),
    "run": (
        ("steadysweep run sweep.yaml", "again after a crash: it continues"),
        ("steadysweep run sweep.yaml --set study=try --set search.trials=4 --set training.epochs=5", "a small try, a study of its own"),
        ("steadysweep run sweep.yaml --storage 'postgresql+psycopg://me:${PGPASSWORD}@host/sweeps'", "a shared storage"),
    ),
    "resume": (
        ("steadysweep resume flowers --storage sqlite:///flowers.db", "goes on without the sweep file"),
        ("steadysweep resume flowers --storage sqlite:///flowers.db --trials +20 --time 2h", "20 more configurations, two hours at most"),
    ),
    "status": (
        ("steadysweep status", "the studies of the storage here"),
        ("steadysweep status flowers --storage sqlite:///flowers.db", "progress and leaders of one"),
    ),
    "report": (
        ("steadysweep report flowers", "writes flowers.html"),
        ("steadysweep report flowers --format json", "for a program, to stdout"),
        ("steadysweep report flowers --format html,csv,md -o out/flowers.html", "several formats side by side"),
    ),
    "diagnose": (
        ("steadysweep diagnose train.log", "a verdict for each training in it"),
        ("steadysweep diagnose run1.csv run2.csv -o report.html", "several logs, and an HTML report"),
        ("steadysweep diagnose - < train.log", "standard input"),
    ),
    "export": (
        ("steadysweep export flowers --rank 1 -o flowers-model", "the best configuration's model"),
        ("steadysweep export flowers --rank 3 -o cheaper-model", "the third's"),
    ),
    "train": (
        ("steadysweep train sweep.yaml --set learning_rate=1e-3", "one configuration, same records and report"),
        ("steadysweep train sweep.yaml --set learning_rate=1e-3 --set frozen_layers=75%", "two settings fixed"),
    ),
    "spaces": (
        ("steadysweep spaces", "their names and purposes"),
        ("steadysweep spaces transfer", "one as YAML, with the reasons for its ranges"),
    ),
    "models": (
        ("steadysweep models", "all backbones"),
        ("steadysweep models --layers resnet50", "what freezing means on one"),
    ),
    "augmentations": (("steadysweep augmentations", "policies and their parameters"),),
    "schema": (("steadysweep schema > sweep.schema.json", "for an editor that completes YAML"),),
}


def examples_text(command: str) -> str:
    """The examples of a command, in two columns where they fit."""
    lines = [
        f"  {typed}\n      {meaning}" if len(typed) > WIDEST else f"  {typed:<{WIDEST}}  {meaning}"
        for typed, meaning in EXAMPLES.get(command, ())
    ]
    return "\n".join(["examples:", *lines]) if lines else ""


WIDEST = 44
"""Characters of an example beside which its meaning still fits."""
