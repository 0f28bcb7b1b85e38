"""What TensorBoard and MLflow are told, read back with their own readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sweeps.errors import SweepInputError
from sweeps.record import read_study
from sweeps.sweep_file import sweep_from_text
from sweeps.tracking import check_trackers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
