"""Ray Core actors as an executor: processes of our own that stay warm, tasks routed to the one that is warm for them.

There is no thread on the driver's side: `poll` waits on one pending call per busy process. A process is replaced after an error, after so many attempts,
or when its memory grows (`WorkerSettings`); the next one starts when it is needed.
"""

from __future__ import annotations

import pickle
import threading
import time
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepError
from sweeps.executor import sent
from sweeps.executor.attempt import why_not_sendable
from sweeps.executor.nodes import on_ray
from sweeps.executor.placement import Capacity, Seat, beside, choose
from sweeps.executor.protocol import Cause, Ended
from sweeps.executor.ray_session import cause_of_death, close_ray
from sweeps.executor.worker import Mailbox, WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.executor.factory import ExecutorRequest
    from sweeps.executor.protocol import Event, Executor, TrialTask
    from sweeps.executor.ray_session import RaySession
    from sweeps.executor.worker import Batch
    from sweeps.sweep_file.settings import ResourceSettings


ROUND = 0.05
"""Seconds of one wait inside `close`."""

CONTROL = "control"
"""Concurrency group of the calls that must get through while another waits for events."""


def make(request: ExecutorRequest) -> Executor:
    """On a Ray of our own, or on a cluster."""
    return on_ray(request, lambda worker, session: RayCoreExecutor(request.resources, worker=worker, session=session))


class RayCoreExecutor:
    """Runs tasks in warm actors. Ray must be initialised."""

    def __init__(self, resources: ResourceSettings, *, worker: WorkerSettings | None = None, session: RaySession | None = None) -> None:
        """Args: session: ends with this executor."""
        self._session = session
        self._settings = worker or WorkerSettings()
        self._capacity = Capacity(resources, joined=session is not None and session.address is not None)
        self._mailbox = Mailbox()
        self._seats: list[Seat] = []
        self._waiting: list[TrialTask] = []
        self._calls: dict[Any, Seat] = {}
        self._places: dict[Any, Seat] = {}
        self._rank = 0
        self._slots = 1
        self._closed = False

    def room(self) -> int:
        """Processes that are free or may be started, each with as many slots as the newest task has, and the free slots beside what runs."""
        if self._closed:
            return 0
        processes = self._capacity.slots()
        return max(0, min(processes * self._slots - len(self._mailbox), self._open(processes)))

    def _open(self, processes: int) -> int:
        """Tasks like the newest that would find a place now."""
        taken = [seat for seat in self._seats if seat.tasks]
        free = sum(max(0, min(task.slots for task in seat.tasks.values()) - len(seat.tasks)) for seat in taken if not seat.retiring)
        return free + max(0, processes - len(taken)) * self._slots - len(self._waiting)

    def submit(self, task: TrialTask) -> None:
        """Give a task to a process, or queue it while all are busy.

        Raises:
            SweepError: the executor was closed.
            ValueError: the trial is still running.
        """
        if self._closed:
            raise SweepError(f"trial {task.trial} was submitted to an executor that is closed")
        self._mailbox.open(task)
        if (problem := why_not_sendable(task)) is not None:
            self._mailbox.put(Ended(task.trial, task.attempt, Cause.EXCEPTION, problem))
            return
        self._slots = task.slots
        self._waiting.append(task)
        self._assign()

    def poll(self, timeout: float) -> Sequence[Event]:
        """Events since the last call."""
        deadline = time.monotonic() + timeout
        events = self._mailbox.take()
        while not events:
            left = deadline - time.monotonic()
            if not self._calls:
                return self._mailbox.take(
                    max(0.0, left)
                )  # as long as the protocol allows: only a cause that is being looked for can arrive
            self._listen(max(0.0, left))
            events = self._mailbox.take()
            if left <= 0:
                break
        return events

    def stop(self, trial: int) -> None:
        """Ask a trial to stop; one that no process has taken yet ends at once."""
        if not self._mailbox.silence(trial):
            return
        for task in [task for task in self._waiting if task.trial == trial]:
            self._waiting.remove(task)
            self._mailbox.put(Ended(trial, task.attempt, Cause.STOPPED))
        self._order_stop(trial)

    def kill(self, trial: int, why: str) -> bool:
        """End the process of a trial, and with it the attempts beside it; another takes its place when it is needed."""
        for seat in list(self._seats):
            if trial in seat.tasks:
                for task in seat.tasks.values():
                    cause, text = (
                        (Cause.SILENT, why) if task.trial == trial else (Cause.WORKER_DIED, f"trial {trial} beside it was ended: {why}")
                    )
                    self._mailbox.put(Ended(task.trial, task.attempt, cause, text))
                self._remove(seat)
                self._assign()
                break
        return True  # of one that no process has any more, the end is on its way

    def close(self, grace: float) -> Sequence[Event]:
        """Stop all trials; those that need longer than `grace` seconds lose their process."""
        self._closed = True
        self._mailbox.begin_closing()
        for task in self._waiting:
            self._mailbox.put(Ended(task.trial, task.attempt, Cause.INTERRUPTED))
        self._waiting.clear()
        for trial in self._mailbox.live():
            self._order_stop(trial)
        deadline = time.monotonic() + grace
        while self._calls and len(self._mailbox) and time.monotonic() < deadline:
            self._listen(ROUND)
        self._mailbox.end_all(Cause.INTERRUPTED, f"did not stop within {grace:g} s")
        for seat in list(self._seats):
            self._remove(seat)
        if self._session is not None:
            close_ray(self._session)
        return self._mailbox.take()

    def _assign(self) -> None:
        """Give waiting tasks to idle processes; start processes where there are too few."""
        for task in list(self._waiting):
            seat = choose(self._seats, task) or self._new_seat(task) or beside(self._seats, task)
            if seat is None:
                continue
            self._waiting.remove(task)
            self._rank += 1
            if seat.tasks:  # a call that waits for events is under way
                seat.handle.add.options(concurrency_group=CONTROL).remote(pickle.dumps(task))
            else:
                self._calls[seat.handle.begin.remote(pickle.dumps(task))] = seat
            seat.take(task, self._rank)

    def _new_seat(self, task: TrialTask) -> Seat | None:
        """A new process, in place of an idle one of another shape where there is no room beside it."""
        if len(self._seats) >= max(1, self._capacity.slots()):
            idle = [seat for seat in self._seats if not seat.tasks]
            if not idle:
                return None
            self._remove(min(idle, key=lambda seat: seat.used))
        import ray

        worker = sent.as_code(sent).CoreWorker
        actor = ray.remote(concurrency_groups={CONTROL: 1}, max_restarts=0)(worker).options(num_cpus=task.cpu, num_gpus=task.gpu)
        seat = Seat(actor.remote(pickle.dumps(self._settings)), (task.cpu, task.gpu))
        self._seats.append(seat)
        self._places[seat.handle.place.options(concurrency_group=CONTROL).remote()] = seat
        return seat

    def _listen(self, timeout: float) -> None:
        """Wait for at least one call to return, and deliver what all have brought."""
        import ray

        ready, _ = ray.wait(list(self._calls), num_returns=1, timeout=timeout)
        if ready:
            ready, _ = ray.wait(list(self._calls), num_returns=len(self._calls), timeout=0)
        self._learn_places()
        for call in ready:
            seat = self._calls.pop(call)
            try:
                batch: Batch = ray.get(call)
            except Exception as error:  # noqa: BLE001 - Ray's many ways to say that a worker is gone
                self._report_death(seat, error)
            else:
                self._deliver(seat, batch)
        if ready:
            self._assign()

    def _deliver(self, seat: Seat, batch: Batch) -> None:
        for event in batch.events:
            self._mailbox.put(event)
            if isinstance(event, Ended):
                seat.tasks.pop(event.trial, None)
        seat.retiring = batch.retire is not None
        if seat.tasks:
            self._calls[seat.handle.proceed.remote()] = seat
        elif seat.retiring:
            self._remove(seat)

    def _report_death(self, seat: Seat, error: Exception) -> None:
        """Find out what became of it beside the loop: other trials' epochs must not wait while a machine is called."""
        if seat.tasks:
            threading.Thread(target=self._name_cause, args=(list(seat.tasks.values()), error, seat.node), daemon=True).start()
        self._remove(seat)

    def _name_cause(self, tasks: Sequence[TrialTask], error: Exception, node: str | None) -> None:
        cause = cause_of_death(error, node=node)
        for task in tasks:
            self._mailbox.put(Ended(task.trial, task.attempt, cause, str(error)))

    def _remove(self, seat: Seat) -> None:
        import ray

        self._seats.remove(seat)
        self._calls = {call: other for call, other in self._calls.items() if other is not seat}
        self._places = {call: other for call, other in self._places.items() if other is not seat}
        ray.kill(seat.handle)

    def _learn_places(self) -> None:
        """Note the node of each process: when it dies, whether its node did tells why."""
        import ray

        if not self._places:
            return
        known, _ = ray.wait(list(self._places), num_returns=len(self._places), timeout=0)
        for call in known:
            seat = self._places.pop(call)
            try:
                seat.node = ray.get(call)[1]
            except Exception:  # noqa: BLE001, S112 - the process has died; the call that runs its task tells
                continue

    def _order_stop(self, trial: int) -> None:
        for seat in self._seats:
            if trial in seat.tasks:
                seat.handle.stop.options(concurrency_group=CONTROL).remote(trial, seat.tasks[trial].attempt)
