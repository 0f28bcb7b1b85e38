"""What TensorBoard, MLflow and Weights & Biases are told, read back with their own readers."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reports.records import AttemptRecord, TrialRecord
from sweeps.errors import SweepInputError
from sweeps.record import read_study
from sweeps.sweep_file import sweep_from_text
from sweeps.tracking import Tracker, check_trackers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reports.records import TrialState


def test_tensorboard_reads_curves_parameters_scores_and_flags(tmp_path: Path, run_with_companions: Callable[..., list[str]]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    assert run_with_companions(tracking=f"{{tensorboard: {tmp_path}/board}}") == []
    for trial in read_study(f"sqlite:///{tmp_path}/fast.db", "fast").trials:
        events = EventAccumulator(str(tmp_path / "board" / "fast" / f"trial-{trial.number:05d}")).Reload()
        curve = events.Scalars("val_accuracy")
        assert [point.step for point in curve] == [1, 2, 3, 4, 5]
        assert [point.value for point in curve] == pytest.approx(trial.curves["val_accuracy"].tolist())
        assert events.Scalars("final/best")[0].value == pytest.approx(max(trial.curves["val_accuracy"]))
        assert {"final/stable", "final/level", "final/last", "loss"} <= set(events.Tags()["scalars"])
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        told = HParamsPluginData.FromString(content).session_start_info.hparams
        assert {name: value.number_value for name, value in told.items()} == pytest.approx(dict(trial.params))
        (text,) = events.Tensors("trial/text_summary")
        assert f"search of configuration {trial.configuration}: COMPLETE" in text.tensor_proto.string_val[0].decode()
        assert events.Tensors("flags/text_summary")


def test_mlflow_reads_a_run_for_each_trial_with_curves_parameters_and_state(
    tmp_path: Path, run_with_companions: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database of MLflow's takes half a minute to make
    uri = f"file:{tmp_path}/mlruns"
    tracking = f"{{mlflow: '{uri}'}}"
    assert run_with_companions(search="{trials: 1, pruner: none}", tracking=tracking) == []
    assert run_with_companions("faulty_training:sometimes", search="{trials: 4, pruner: none}", tracking=tracking) == []
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("fast")
    assert experiment is not None
    runs = {int(run.data.tags["steadysweep.trial"]): run for run in client.search_runs([experiment.experiment_id])}
    trials = read_study(f"sqlite:///{tmp_path}/fast.db", "fast").trials
    assert sorted(runs) == [trial.number for trial in trials] == [0, 1, 2, 3]
    for trial in trials:
        run = runs[trial.number]
        assert run.info.run_name == f"trial {trial.number}"
        assert run.data.params == {name: str(value) for name, value in trial.params.items()}
        assert run.info.status == {"COMPLETE": "FINISHED", "FAIL": "FAILED"}[trial.state]
        assert run.data.tags["configuration"] == trial.configuration
        told = {point.step: point.value for point in client.get_metric_history(run.info.run_id, "val_accuracy")}
        curve = trial.curves["val_accuracy"].tolist() if trial.num_epochs else []
        assert told == pytest.approx(dict(enumerate(curve, start=1)))
    assert runs[0].data.metrics["stable"] <= runs[0].data.metrics["level"]
    assert "flags" in runs[0].data.tags


@pytest.fixture
def wandb_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """W&B's folder for a person who has no key."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    return tmp_path / "wandb"


@dataclass
class OfflineRun:
    """What W&B's own reader finds in the file of a run that was kept offline."""

    id: str
    name: str
    group: str
    job_type: str
    config: dict[str, Any]
    tags: list[str]
    epochs: list[dict[str, Any]]
    summary: dict[str, Any]
    exit_code: int | None


def read_offline(path: Path) -> OfflineRun:
    from wandb.proto.wandb_internal_pb2 import Record
    from wandb.sdk.internal.datastore import DataStore

    store = DataStore()
    store.open_for_scan(str(path))
    found = OfflineRun("", "", "", "", {}, [], [], {}, None)
    while (data := store.scan_data()) is not None:
        record = Record.FromString(data)
        match record.WhichOneof("record_type"):
            case "run":
                run = record.run
                found.id, found.name, found.group, found.job_type = run.run_id, run.display_name, run.run_group, run.job_type
                found.config |= {item.key: json.loads(item.value_json) for item in run.config.update}
                found.tags = list(run.tags)
            case "history":
                found.epochs.append({item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item})
            case "summary":
                found.summary |= {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.summary.update}
            case "exit":
                found.exit_code = record.exit.exit_code
    return found


def test_wandb_reads_a_run_for_each_trial_kept_offline_where_no_key_is_set(
    tmp_path: Path, run_with_companions: Callable[..., list[str]], wandb_folder: Path
) -> None:
    (said,) = run_with_companions(search="{trials: 1, pruner: none}", tracking="{wandb: flowers}")
    assert said.startswith("Weights & Biases: No API key")
    assert f"Runs are kept in {wandb_folder}; `wandb sync {wandb_folder}/offline-run-*` uploads them." in said
    assert len(run_with_companions("faulty_training:sometimes", search="{trials: 4, pruner: none}", tracking="{wandb: flowers}")) == 1
    runs = {run.config["trial"]: run for run in map(read_offline, wandb_folder.glob("offline-run-*/run-*.wandb"))}
    trials = read_study(f"sqlite:///{tmp_path}/fast.db", "fast").trials
    assert sorted(runs) == [trial.number for trial in trials] == [0, 1, 2, 3]
    assert {trial.state for trial in trials} == {"COMPLETE", "FAIL"}
    assert len({run.id for run in runs.values()}) == len(runs)
    for trial in trials:
        run = runs[trial.number]
        assert (run.name, run.group, run.job_type) == (f"trial {trial.number}", "fast", "search")
        assert {name: run.config[name] for name in trial.params} == pytest.approx(dict(trial.params))
        assert run.config["configuration"] == trial.configuration
        assert [epoch["epoch"] for epoch in run.epochs] == list(range(1, trial.num_epochs + 1))
        curve = trial.curves["val_accuracy"].tolist() if trial.num_epochs else []
        assert [epoch["val_accuracy"] for epoch in run.epochs] == pytest.approx(curve)
        assert (run.summary["state"], run.tags, run.exit_code) == (trial.state, [trial.state.lower()], int(trial.state == "FAIL"))
        assert run.summary["flags"] == (", ".join(trial.flags) or "none")
        if trial.state == "COMPLETE":
            assert run.summary["stable"] == pytest.approx(trial.score["stable"])


@pytest.fixture
def wandb_server(wandb_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """A stand-in for W&B's server, and a key for it."""
    wandb_folder.parent.mkdir(exist_ok=True)
    with WandbServer(("127.0.0.1", 0), WandbAnswers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
        yield server
        server.shutdown()


class WandbServer(ThreadingHTTPServer):
    """Keeps what it is sent: runs by their ID, and lines of their streams."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.runs: dict[str, dict[str, Any]] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.ends: dict[str, dict[str, Any]] = {}
        self.silent = False
        self.released = threading.Event()

    def shutdown(self) -> None:
        self.released.set()
        super().shutdown()


class WandbAnswers(BaseHTTPRequestHandler):
    """The few answers that W&B's library needs."""

    server: WandbServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}") if "/sdk/otel/" not in self.path else {}
        asked, words = said.get("query", ""), said.get("variables") or {}
        answer: dict[str, Any] = {}
        model = {"id": "p", "name": "flowers", "entity": {"id": "e", "name": "us"}}
        known = self.server.history.get(words.get("name", ""))
        if "RunResumeStatus" in asked:
            tail = json.dumps([json.dumps(known[-1])]) if known else "[]"
            lines = {"historyLineCount": len(known or ()), "eventsLineCount": 0, "logLineCount": 0, "historyTail": tail, "eventsTail": "[]"}
            bucket = {
                "id": "b",
                "name": words["name"],
                "summaryMetrics": "{}",
                "displayName": "",
                "config": "{}",
                "tags": [],
                "notes": "",
                **lines,
            }
            answer = {"model": {**model, "bucket": {**bucket, "wandbConfig": '{"t": 1}'} if known else None}}
        elif "upsertBucket" in asked:
            self.server.runs.setdefault(words["name"], {}).update({name: value for name, value in words.items() if value is not None})
            bucket = {"id": "b", "name": words["name"], "displayName": "", "config": "{}", "project": model, "historyLineCount": 0}
            answer = {"upsertBucket": {"bucket": bucket, "inserted": not known}}
        elif "createRunFiles" in asked:
            answer = {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": []}}
        elif self.path.endswith("/file_stream"):
            if self.server.silent:
                self.server.released.wait()
            run = self.path.split("/")[-2]
            for line in said.get("files", {}).get("wandb-history.jsonl", {}).get("content", ()):
                self.server.history.setdefault(run, []).append(json.loads(line))
            if said.get("complete") or said.get("preempting"):
                self.server.ends.setdefault(run, {}).update(said)
        body = json.dumps({"data": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):  # whoever waited may be gone
            self.wfile.write(body)


def trial_with(epochs: int, state: TrialState = "RUNNING") -> TrialRecord:
    """A trial after some epochs."""
    attempt = AttemptRecord(0, "here 1", "", 0, None, None, None)
    curves = {"val_accuracy": np.linspace(0.1, 0.5, 5, dtype=np.float32)[:epochs]}
    score = {"level": 0.3, "best": 0.3, "last": 0.3}
    return TrialRecord(7, "c07", "search", state, 1, {"learning_rate": 0.1}, curves, 5, attempts=(attempt,), score=score)


def test_wandb_continues_the_run_of_a_continued_trial_and_ends_a_pruned_one_as_such(wandb_server: WandbServer) -> None:
    from sweeps.tracking.wandb_log import WandbLog

    said: list[str] = []
    for epochs in ((1, 2), (3,)):
        log = WandbLog("us/flowers", "study", said.append)
        log.on_started(trial_with(epochs[0] - 1))
        for epoch in epochs:
            log.on_epoch(trial_with(epoch), {"val_accuracy": 0.1 * epoch, "loss": math.nan})
        if epochs == (3,):
            log.on_finished(trial_with(3, "PRUNED"))
        log.close()
        (run,) = wandb_server.runs
        assert [line["epoch"] for line in wandb_server.history[run]] == list(range(1, epochs[-1] + 1))
    assert said == []
    assert [line["val_accuracy"] for line in wandb_server.history[run]] == pytest.approx([0.1, 0.2, 0.3])
    sent = wandb_server.runs[run]
    assert (sent["groupName"], sent["displayName"], sent["project"], sent["entity"]) == ("study", "trial 7", "flowers", "us")
    assert sent["tags"] == ["pruned"]
    assert wandb_server.ends[run]["exitcode"] == 0


def test_a_wandb_server_that_falls_silent_does_not_hold_the_sweep(wandb_server: WandbServer) -> None:
    from sweeps.tracking.wandb_log import WandbLog

    said: list[str] = []
    logs: list[WandbLog] = []
    wandb_server.silent = True
    tracker = Tracker("Weights & Biases", lambda: logs.append(WandbLog("flowers", "study", said.append)) or logs[0], said.append)
    tracker.on_started(trial_with(0))
    tracker.on_epoch(trial_with(1), {"val_accuracy": 0.1})
    while not wandb_server.runs:
        time.sleep(0.05)
    start = time.monotonic()
    tracker.close(patience=1.0)
    assert time.monotonic() - start < 5.0
    assert said == ["Weights & Biases: not done after 1 s; given up"]
    assert logs[0]._process.poll() is not None


def test_a_tracker_that_breaks_is_told_once_and_the_sweep_ends_well(tmp_path: Path, run_with_companions: Callable[..., list[str]]) -> None:
    (tmp_path / "board").write_text("a file where a folder is needed")
    (said,) = run_with_companions(tracking=f"{{tensorboard: {tmp_path}/board}}")
    assert said.startswith("TensorBoard: ")
    assert said.endswith("the sweep goes on (reported once)")
    assert [trial.state for trial in read_study(f"sqlite:///{tmp_path}/fast.db", "fast").trials] == ["COMPLETE", "COMPLETE"]


def test_what_is_missing_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from killable import sweep_in

    monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)
    with pytest.raises(SweepInputError, match=r"\$\{NO_SUCH_VARIABLE\}: not set"):
        check_trackers(sweep_from_text(sweep_in(tmp_path, tracking="{mlflow: 'http://${NO_SUCH_VARIABLE}'}")))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SweepInputError, match=r"steadysweep\[tracking\]"):
        check_trackers(sweep_from_text(sweep_in(tmp_path, tracking="{tensorboard: board}")))
