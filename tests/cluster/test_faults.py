"""What dies on a cluster, and what becomes of its trials: through the whole study loop, on real nodes and processes."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from local_cluster import wait_for

from sweeps.errors import SweepError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_cluster import LocalCluster, Study


def notes(folder: Path, trial: int) -> list[dict[str, Any]]:
    """What a trial's attempts have noted."""
    return [json.loads(line) for line in (folder / f"runs/{trial:05d}/notes.jsonl").read_text().splitlines()]


def computed(folder: Path, trial: int) -> list[int]:
    """Epochs that any attempt of a trial has computed, in order."""
    return [int(line) for line in (folder / f"runs/{trial:05d}/computed.txt").read_text().split()]


ENDS = {
    0.0: ("COMPLETE", None, ["completed"]),
    0.1: ("FAIL", "exception", ["exception"]),
    0.2: ("FAIL", "worker died (3 attempts)", ["worker died"] * 3),
    0.3: ("COMPLETE", None, ["worker died", "completed"]),
    0.4: ("FAIL", "gpu out of memory", ["gpu out of memory"]),
}
"""What `noted_training.faulty` does at a dropout, and how the trial ends: state, cause, causes of its attempts."""


@pytest.mark.parametrize(("kind", "dropouts"), [("ray-core", [0.0, 0.1, 0.2, 0.3, 0.4]), ("ray-tune", [0.1, 0.3])])
def test_each_fault_of_a_worker_has_its_own_end(
    kind: str, dropouts: list[float], study: Callable[..., Study], executor_of: Callable[..., Any], tmp_path: Path
) -> None:
    search = f"{{trials: {len(dropouts)}, sampler: grid, pruner: none}}"
    given = study(space=f"{{dropout: {{ordinal: {dropouts}}}}}", search=search, resources="{cpu: 1, concurrent: 2}")
    given.start(executor_of(given.sweep, kind), "noted_training:faulty")
    assert given.finish().reason == "done"
    trials = {round(float(trial.params["dropout"]), 1): trial for trial in given.record.trials}
    ends = {dropout: (trial.state, trial.cause, [attempt.cause for attempt in trial.attempts]) for dropout, trial in trials.items()}
    assert ends == {dropout: ENDS[dropout] for dropout in dropouts}
    assert "ValueError: no such layer in trial" in (trials[0.1].error or "")
    first, second = trials[0.3].attempts
    assert first.from_epoch == 0
    assert second.from_epoch in {1, 2}, "what a killed process told last may be lost on its way; the checkpoint tells it again"
    assert trials[0.3].num_epochs == 5
    repeated = sum(count - 1 for count in Counter(computed(tmp_path, trials[0.3].number)).values())
    assert repeated <= 1, "the killed attempt's last epoch at most"
    if kind == "ray-core":
        assert "OOM when allocating tensor" in (trials[0.4].error or "")
        assert len({note["pid"] for note in notes(tmp_path, trials[0.2].number)}) == 3, "each retry runs in a fresh process"


def test_a_cluster_that_grows_from_nothing_loses_a_node_and_trains_each_epoch_once(
    cluster: LocalCluster, study: Callable[..., Study], executor_of: Callable[..., Any], tmp_path: Path
) -> None:
    """No node has room for the trial when it is submitted; the one that joins is lost in mid-training; the next one takes over."""
    given = study(space="{dropout: {choice: [0.0]}}", training="{epochs: 12}", resources="{cpu: 6, concurrent: 1}")
    given.start(executor_of(given.sweep), "noted_training:slow")
    with cluster.node(num_cpus=6) as first:
        wait_for(lambda: given.record.trials and given.record.trials[0].num_epochs >= 3, "three epochs on the node that joined")
        cluster.remove(first)
        with cluster.node(num_cpus=6):
            assert given.finish().reason == "done"
    (trial,) = given.record.trials
    assert trial.state == "COMPLETE"
    *lost, last = [attempt.cause for attempt in trial.attempts]
    assert set(lost) == {"node lost"}, "once more where Ray has not noticed yet that the node is gone, and gives it the trial again"
    assert last == "completed"
    assert trial.attempts[1].from_epoch >= 3
    assert trial.num_epochs == 12
    assert np.isfinite(trial.curves["val_accuracy"]).all()
    assert len({note["node"] for note in notes(tmp_path, 0)}) == 2
    done = computed(tmp_path, 0)
    assert sorted(set(done)) == list(range(1, 13))
    assert len(done) <= 13, "the epoch that was cut at most is computed again"


def test_rays_memory_monitor_is_told_apart_and_ends_after_two_retries(
    cluster: LocalCluster, study: Callable[..., Study], executor_of: Callable[..., Any]
) -> None:
    given = study(space="{dropout: {choice: [0.0]}}", resources="{cpu: 1, gpu: 2, concurrent: 1}")
    full = {"RAY_memory_usage_threshold": "0.01", "RAY_memory_monitor_refresh_ms": "100"}  # its machine is always too full
    with cluster.node(num_cpus=1, num_gpus=2, env_vars=full):
        given.start(executor_of(given.sweep), "noted_training:patient")
        given.finish()
    (trial,) = given.record.trials
    assert (trial.state, trial.cause) == ("FAIL", "out of memory (3 attempts)")
    assert [attempt.cause for attempt in trial.attempts] == ["out of memory"] * 3
    assert "running low on memory" in (trial.error or "")


def test_a_node_with_another_keras_trains_nothing_whether_it_joins_early_or_late(
    cluster: LocalCluster, study: Callable[..., Study], executor_of: Callable[..., Any], tmp_path: Path
) -> None:
    planted = tmp_path / "packages" / "keras-3.14.0.dist-info"
    planted.mkdir(parents=True)
    (planted / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.14.0\n")
    given = study(space="{dropout: {choice: [0.0]}}", resources="{cpu: 1, gpu: 3, concurrent: 1}")
    given.start(executor_of(given.sweep), "noted_training:train")
    with cluster.node(num_cpus=1, num_gpus=3, env_vars={"PYTHONPATH": str(planted.parent)}):
        with pytest.raises(SweepError, match=r"node .* would not train as the driver does: keras 3\.14\.0, the driver has 3\.15"):
            given.finish()
        (trial,) = given.record.trials
        assert trial.state == "RUNNING", "the next run continues it"
        assert not (tmp_path / "runs/00000/computed.txt").exists()
        with pytest.raises(SweepError, match=r"keras 3\.14\.0, the driver has"):
            executor_of(given.sweep)
