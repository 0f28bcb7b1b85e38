"""Ray Tune as an executor: ``Tuner.fit`` runs in a thread of its own behind the pull-based protocol.

Tune is given a searcher that hands out tasks, a scheduler that delivers events, and a class trainable that keeps its process from trial to trial.
It proposes nothing, prunes nothing, retries nothing and is never restored: the study does all that.
"""

from __future__ import annotations

import itertools
import logging
import math
import os
import pickle
import shutil
import tempfile
import threading
import time
import traceback
import uuid
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepError
from sweeps.executor import sent
from sweeps.executor.attempt import why_not_sendable
from sweeps.executor.nodes import on_ray
from sweeps.executor.placement import slots
from sweeps.executor.protocol import Cause, Ended
from sweeps.executor.ray_session import close_ray
from sweeps.executor.worker import Mailbox, WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ray.tune import Callback

    from sweeps.executor.factory import ExecutorRequest
    from sweeps.executor.protocol import Event, Executor, TrialTask
    from sweeps.executor.ray_session import RaySession
    from sweeps.executor.sent import Key, Order
    from sweeps.sweep_file.settings import ResourceSettings

TUNE_ENVIRONMENT = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "10",
    "RAY_AIR_NEW_OUTPUT": "0",
}
"""Tune's own files and messages are of no use here; its result files are written by callbacks of ours where a folder is asked for (`tune_callbacks`)."""

TUNE_LOGGERS = ("ray.tune.analysis.experiment_analysis", "ray.tune.tune")
"""They miss the result files that are switched off, and list the trials whose process was retired as failed."""

LAST_WAIT = 20.0
"""Seconds for Tune's thread to end once its workers have been told to leave."""


def make(request: ExecutorRequest) -> Executor:
    """On a Ray of our own, or on a cluster."""
    resources = request.resources
    callbacks: tuple[Callback, ...] = ()
    folder = None
    if request.tune is not None and (request.tune.folder or request.tune.callbacks):
        from sweeps.executor.tune_callbacks import make_callbacks

        folder = request.tune.folder
        callbacks = make_callbacks(request.tune, request.say)
    num_cpus = None
    if request.address is None and resources.concurrent is not None:
        # Tune starts spare processes for as long as there is room, so room is made for the trials alone.
        num_cpus = min(os.cpu_count() or 1, math.ceil(resources.cpu * resources.concurrent))

    def build(worker: WorkerSettings, session: RaySession) -> Executor:
        return RayTuneExecutor(resources, worker=worker, session=session, folder=folder, name=request.name, callbacks=callbacks)

    return on_ray(request, build, num_cpus=num_cpus)


class RayTuneExecutor:
    """Runs tasks as trials of one Tune experiment. Ray must be initialised."""

    def __init__(
        self,
        resources: ResourceSettings,
        *,
        worker: WorkerSettings | None = None,
        session: RaySession | None = None,
        folder: str | None = None,
        name: str = "sweep",
        callbacks: Sequence[Callback] = (),
    ) -> None:
        """Nothing is started before the first task; `session` ends with this executor.

        Args:
            resources: what one trial gets, and how many run at a time.
            worker: what worker processes need.
            session: the Ray that is there.
            folder: folder or URL that keeps the experiment; default: a temporary one, removed at the end.
            name: first part of the experiment's name.
            callbacks: Tune tells them of every epoch.
        """
        self._kept = folder
        self._name = name
        self._callbacks = list(callbacks)
        self._session = session
        self._worker = worker or WorkerSettings()
        self._mailbox = Mailbox()
        self._folder = ""
        self._thread: threading.Thread | None = None
        self._board: Any = None
        self._board_name = f"board-{uuid.uuid4().hex[:12]}"
        self._failure: str | None = None
        self._numbers = itertools.count()
        self._keys: dict[int, Key] = {}
        self._slots = slots(resources, autoscaling=session is not None and session.address is not None)
        self._started = False
        self._closed = False

    def room(self) -> int:
        """Free slots."""
        return 0 if self._closed else max(0, self._slots - len(self._mailbox))

    def submit(self, task: TrialTask) -> None:
        """Hand a task to Tune.

        Raises:
            SweepError: Tune's own loop has failed.
            ValueError: the trial is still running.
        """
        if self._closed:
            raise SweepError(f"trial {task.trial} was submitted to an executor that is closed")
        if self._failure is not None:
            raise SweepError(f"Ray Tune has stopped and runs no more trials:\n{self._failure}")
        self._start()
        self._mailbox.open(task)
        if (problem := why_not_sendable(task)) is not None:
            self._mailbox.put(Ended(task.trial, task.attempt, Cause.EXCEPTION, problem))
            return
        key = self._keys[task.trial] = next(self._numbers)
        self._board.post.remote(key, pickle.dumps(replace(task, slots=1)))  # Tune gives each trial a process
        self._tasks.put(key, task)

    def poll(self, timeout: float) -> Sequence[Event]:
        """Events since the last call."""
        return self._mailbox.take(timeout)

    def stop(self, trial: int) -> None:
        """Ask a trial to stop; one that Tune has not taken yet ends at once."""
        attempt = self._mailbox.live().get(trial)
        if not self._mailbox.silence(trial) or attempt is None:
            return
        if self._tasks.withdraw(trial) is not None:
            self._mailbox.put(Ended(trial, attempt, Cause.STOPPED))
        else:
            self._give(self._keys[trial], "stop")

    def kill(self, trial: int, why: str) -> bool:
        """End the process of a trial: it listens for that beside the training, and Tune starts another."""
        attempt = self._mailbox.live().get(trial)
        if attempt is not None:
            self._mailbox.put(Ended(trial, attempt, Cause.SILENT, why))
            self._give(self._keys[trial], "leave")
        return True

    def close(self, grace: float) -> Sequence[Event]:
        """Stop all trials; those that need longer than `grace` seconds lose their process."""
        self._closed = True
        if self._started:
            self._stop_all(grace)
            self._end_tune()
        if self._session is not None:
            close_ray(self._session)
        return self._mailbox.take()

    def _stop_all(self, grace: float) -> None:
        deadline = time.monotonic() + grace
        self._mailbox.begin_closing()
        for task in self._tasks.close():
            self._mailbox.put(Ended(task.trial, task.attempt, Cause.INTERRUPTED))
        for trial in self._mailbox.live():
            self._give(self._keys[trial], "stop")
        self._mailbox.wait_until_ended(deadline - time.monotonic())
        cut = self._mailbox.live()
        self._mailbox.end_all(Cause.INTERRUPTED, f"did not stop within {grace:g} s")
        for trial in cut:
            self._give(self._keys[trial], "leave")
        if cut:
            self._tasks.close(leave=True)

    def _start(self) -> None:
        if self._started:
            return
        import ray

        from sweeps.executor.tune_hooks import TaskQueue

        self._tasks = TaskQueue()
        board = ray.remote(sent.as_code(sent).Board).options(name=self._board_name, num_cpus=0, max_concurrency=10_000)
        self._board = board.remote(pickle.dumps(self._worker))
        self._folder = tempfile.mkdtemp(prefix="sweep-tune-")
        self._thread = threading.Thread(target=self._fit, name="ray-tune", daemon=True)
        self._thread.start()
        self._started = True

    def _fit(self) -> None:
        try:
            os.environ.update(TUNE_ENVIRONMENT)
            for name in TUNE_LOGGERS:
                logging.getLogger(name).setLevel(logging.CRITICAL)
            self._tuner().fit()
        except BaseException:  # noqa: BLE001 - the thread's end must end every trial, whatever ended it
            self._failure = traceback.format_exc()
        self._mailbox.end_all(Cause.INTERRUPTED, self._failure or "Ray Tune has ended")

    def _tuner(self) -> Any:  # noqa: ANN401 - ray.tune.Tuner
        from ray import tune

        from sweeps.executor import tune_worker
        from sweeps.executor.tune_hooks import EventScheduler, LeaveStopper, TaskSearcher

        own = tune_worker.OWN

        def resources(config: dict[str, Any]) -> Any:  # noqa: ANN401 - a placement group factory
            gpu = {"GPU": config[own]["gpu"]} if config[own]["gpu"] else {}
            return tune.PlacementGroupFactory([{"CPU": config[own]["cpu"], **gpu}])

        kept = self._kept if self._kept is None or "://" in self._kept else str(Path(self._kept).expanduser().absolute())
        return tune.Tuner(
            tune.with_resources(sent.as_code(tune_worker).TaskTrainable, resources),
            tune_config=tune.TuneConfig(
                num_samples=-1,
                search_alg=TaskSearcher(self._tasks, self._board_name, by_epoch=bool(self._callbacks)),
                scheduler=EventScheduler(self._mailbox, self._tasks, lambda key: self._give(key, "over")),
                max_concurrent_trials=self._slots,
                reuse_actors=True,
                trial_dirname_creator=lambda trial: f"trial-{trial.config[own]['trial']}-{trial.config[own]['attempt']}",
            ),
            run_config=tune.RunConfig(
                name=f"{self._name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}",
                storage_path=kept or self._folder,
                callbacks=self._callbacks,
                verbose=0,
                stop=LeaveStopper(self._tasks),
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            ),
        )

    def _give(self, key: Key, order: Order) -> None:
        self._board.give.remote(key, order)

    def _end_tune(self) -> None:
        import ray

        self._started = False
        if self._thread is not None:
            self._thread.join(LAST_WAIT)
        ray.kill(self._board)
        shutil.rmtree(self._folder, ignore_errors=True)
