"""What the documentation shows and the tests do not run as it stands, each with the reason. Everything else is run."""

from __future__ import annotations

VALIDATED: dict[str, str] = {
    "steadysweep check sweep.yaml --set training.epochs=10 --set data.image_size=64": "check is run with the file's own settings",
    "steadysweep check sweep.yaml --set backbone=mobilenetv2": "the tiny images are smaller than it takes; check is run with small_resnet",
    "steadysweep run sweep.yaml --set study=try --set search.trials=4 --set training.epochs=5": "run is run with the file's own settings",
    "steadysweep run sweep.yaml --storage 'postgresql+psycopg://me:${PGPASSWORD}@host/sweeps'": "tests/study runs a study on PostgreSQL",
    "steadysweep resume flowers --storage sqlite:///flowers.db": "resume is run with --trials",
    "steadysweep resume flowers --storage sqlite:///flowers.db --trials +20 --time 2h": "resume is run with --trials",
    "steadysweep confirm flowers --configuration e11d86 4c20aa --seeds 3": "tests/cli/test_confirm.py trains configurations that are there",
    "steadysweep train sweep.yaml --set learning_rate=1e-3 --set frozen_layers=75%": "train is run with one setting",
    "steadysweep train sweep.yaml --set learning_rate=0.003 --set training.epochs=14 --set confirm=off "
    "--set 'data.split={validation: train, train: 0.85, test: 0.15}' --set 'allow=[validation_is_train]'": "train is run with one setting; "
    "tests/trainer/data/test_folds.py compares the images",
    "steadysweep export flowers --configuration e11d86 -o cheaper-model": "tests/cli/test_finished_sweep.py exports one that is there",
    "steadysweep export flowers --format tflite,onnx -o for-phones": "tests/trainer/models/test_exported_model.py writes and runs every format",
    "steadysweep predict flowers-model images/new": "tests/cli/test_finished_sweep.py predicts images that are there",
    "steadysweep predict flowers-model a.jpg b.jpg --format csv": "tests/cli/test_finished_sweep.py predicts images that are there",
    "steadysweep add flowers --set learning_rate=1e-3 --set dropout=0.3": "tests/study/test_foreign_rows.py adds points; here they would be trained",
    "steadysweep add flowers --set frozen_layers=75%": "tests/study/test_foreign_rows.py adds points; here they would be trained",
    "steadysweep stop flowers --trial 12 15": "tests/study/test_steering.py ends trials that run",
    "steadysweep delete old-try": "tests/study/test_steering.py answers at a terminal",
    "steadysweep delete old-try --yes": "tests/study/test_steering.py deletes studies; the pages need theirs",
    "steadysweep export flowers --rank 7 --retrain -o seventh": "tests/cli/test_finished_sweep.py trains a removed model again",
    "steadysweep models --layers resnet50": "tests/cli prints the table of a smaller backbone",
    "steadysweep run flowers.yaml --storage 'postgresql+psycopg://sweeps:${PASSWORD}@db.example/sweeps'": "tests/study runs it on PostgreSQL",
    "steadysweep resume flowers --storage 'postgresql+psycopg://sweeps:${PASSWORD}@db.example/sweeps'": "tests/study runs it on PostgreSQL",
    "steadysweep run wider.yaml --from flowers --from-storage sqlite:///flowers.db": "tests/cli/test_life.py runs --from",
    "steadysweep run --from flowers --set study=flowers-long --set training.epochs=60": "tests/cli/test_life.py runs --from",
}
"""Commands that are checked against the parser only: the same command with other values is run, or it needs what is not here."""

VALIDATED_PAGES: dict[str, str] = {
    "docs/clinics/": "tests/clinics runs the sweeps and figures of these pages in a small form, `make clinics` as they stand",
    "docs/cluster.md": "needs several machines; tests/cluster runs several Ray nodes on one",
}
"""Beginnings of pages whose commands are checked against the parser only, and whose Python and YAML belong to the tests named."""

OTHER_PROGRAMS: dict[str, str] = {
    "make": "targets are compared with the Makefile; `make demo` and `make test` are run by hand and by CI",
    "pip": "installs; tests/docs/test_wheel.py builds the wheel and runs its command elsewhere",
    "python": "programs of the repository have tests of their own",
    "optuna-dashboard": "a server; tests/record/test_dashboard.py starts it on a storage of ours",
}
"""First words of shell lines that call other programs and not ours."""

SUBSTITUTED: dict[str, tuple[tuple[str, str], ...]] = {
    "docs/running.md": (("search.trials=12", "search.trials=3"),),  # the study has three
    # no network for pretrained weights here, and 30 epochs of a large network are no test
    "docs/trainer.md": (
        ('"image_size": 224', '"image_size": 8'),
        ('"backbone": "resnet50", "weights": "imagenet"', '"backbone": "small_resnet"'),
        ('"epochs": 30', '"epochs": 1'),
    ),
}
"""Python of a page that is run with other values."""

RUN_ELSEWHERE: dict[str, str] = {
    "docs/data.md": "tests/trainer/data/test_data_page.py",
}
"""Pages whose Python another test runs."""

OTHER_YAML: dict[str, str] = {}
"""First lines of YAML blocks that are no part of a sweep file."""
