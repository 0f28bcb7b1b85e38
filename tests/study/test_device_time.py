"""Hours are those in which a worker had the trial."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reports.records import AttemptRecord
from sweeps.study.device_time import DeviceTime

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TAKEN = AttemptRecord(1, "driver:1", "worker:2", 0, BEGAN, BEGAN + timedelta(hours=2), "completed", gpu=4.0, seen=BEGAN)


def test_what_a_trial_waited_for_a_node_is_not_counted() -> None:
    hours = DeviceTime()
    hours.restore(0, [replace(TAKEN, worker="", cause="interrupted"), TAKEN])
    assert hours.trial_hours() == pytest.approx(2.0)
    assert hours.gpu_hours() == pytest.approx(8.0)
    hours.restore(0, [TAKEN])
    assert hours.gpu_hours() == pytest.approx(8.0), "reading a trial again counts it once"


def test_an_attempt_counts_from_the_moment_a_worker_takes_it() -> None:
    hours = DeviceTime()
    hours.end(3)
    assert hours.trial_hours() == 0.0, "it ended before any worker took it"
    hours.begin(3, 1.0)
    hours.end(3)
    assert hours.gpu_hours() > 0.0
