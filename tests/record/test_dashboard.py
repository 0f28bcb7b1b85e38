"""Optuna Dashboard opens our storage as it is."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest
from large_study import make_large_study

from sweeps.record import read_study
from sweeps.record.reading import shown_epochs

PATIENCE = 150.0
"""Seconds for the dashboard to come up on a busy machine."""


def answer(address: str, process: subprocess.Popen[bytes]) -> object:
    """What the dashboard says, once it is up."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "the dashboard ended"
        try:
            with urllib.request.urlopen(address, timeout=5) as reply:  # noqa: S310 - our own child
                return json.loads(reply.read())
        except URLError:
            time.sleep(0.2)
    return pytest.fail(f"no answer from {address}")


def test_the_dashboard_lists_the_study_with_values_names_and_curves(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shown.db"
    make_large_study(url, "shown in the dashboard", 5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("optuna-dashboard")
    process = subprocess.Popen(
        [program, url, "--host", "127.0.0.1", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        listed = answer(f"http://127.0.0.1:{port}/api/studies", process)
        shown = answer(f"http://127.0.0.1:{port}/api/studies/1?after=0", process)
    finally:
        process.terminate()
        process.wait(20)
    assert isinstance(listed, dict)
    assert isinstance(shown, dict)
    assert [study["study_name"] for study in listed["study_summaries"]] == ["shown in the dashboard"]
    assert shown["objective_names"] == ["stable val_accuracy"]
    assert len(shown["trials"]) == 5
    first = shown["trials"][0]
    (record, *_) = read_study(url, "shown in the dashboard").trials
    curve = record.curves["val_accuracy"]
    points = {point["step"]: point["value"] for point in first["intermediate_values"]}
    assert sorted(points) == sorted(shown_epochs(100))
    assert list(points.values()) == pytest.approx([curve[epoch - 1] for epoch in points])
    assert {param["name"] for param in first["params"]} == {"learning_rate", "dropout", "weight_decay", "label_smoothing", "augmentation"}
    assert {param["param_external_value"] for param in first["params"]} >= {"flip"}
    assert {"role", "configuration", "seed"} <= {attribute["key"] for attribute in shown["trials"][0]["user_attrs"]}
