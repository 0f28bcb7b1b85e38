"""W&B's process: ``python -m sweeps.tracking.wandb_writer PROJECT STUDY`` reads what to do as lines of JSON and answers each with a line."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

INIT_SECONDS = 30
"""How long a server may take to answer when a run is opened; then runs are kept offline."""
ORPHAN_SECONDS = 5.0
"""What is left of a process whose sweep is gone."""


class Runs:
    """The open runs of a study. Where the server cannot be had, runs are kept in W&B's folder for ``wandb sync``.

    Args:
        project: ``PROJECT`` or ``ENTITY/PROJECT``.
        study: name of the group.
    """

    def __init__(self, project: str, study: str) -> None:
        import wandb

        self._wandb = wandb
        self._entity, _, self._project = project.rpartition("/")
        self._study = study
        self._runs: dict[int, Any] = {}
        mode = wandb.setup().settings.mode  # online, unless WANDB_MODE or `wandb offline` say otherwise
        self._online = mode == "online"
        self._otherwise = "offline" if self._online else mode
        self.said = ""

    def do(self, order: Mapping[str, Any]) -> None:
        """Open a run, log an epoch, finish a run, or close them all."""
        number = order["trial"]
        if order["do"] == "open":
            self._open(number, order)
        elif order["do"] == "epoch":
            self._log(number, order["epoch"], order["figures"])
        elif order["do"] == "finish":
            run = self._runs.pop(number)
            run.tags = tuple(dict.fromkeys((*(run.tags or ()), order["state"])))
            run.summary.update(order["summary"])
            run.finish(exit_code=int(order["failed"]))
        else:
            self._close()

    def _open(self, number: int, order: Mapping[str, Any]) -> None:
        run = self._started(number, order)
        self._runs[number] = run
        known = run.starting_step  # the server has those before; offline it is 0, and each folder is whole by itself
        for epoch, figures in enumerate(order["before"], start=1):
            if epoch >= known:
                self._log(number, epoch, figures)

    def _log(self, number: int, epoch: int, figures: Mapping[str, float]) -> None:
        self._runs[number].log({"epoch": epoch, **figures}, step=epoch)

    def _started(self, number: int, order: Mapping[str, Any]) -> Any:  # noqa: ANN401 - W&B's run
        """The trial's run, online where that works."""
        if self._online:
            try:
                return self._begun(number, order, online=True)
            except Exception as error:  # noqa: BLE001 - no key, no network, no permission: each has a class of its own
                self._online = False
                reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        else:
            reason = ""
        run = self._begun(number, order, online=False)
        if reason:
            folder = Path(run.dir).parents[1]
            self.said = f"{reason} Runs are kept in {folder}; `wandb sync {folder}/offline-run-*` uploads them."
        return run

    def _begun(self, number: int, order: Mapping[str, Any], *, online: bool) -> Any:  # noqa: ANN401 - as above
        wandb = self._wandb
        settings = wandb.Settings(
            init_timeout=INIT_SECONDS,
            disable_git=True,
            disable_code=True,
            x_disable_stats=True,  # they would be the driver's, not the worker's
            x_disable_meta=True,
            x_disable_machine_info=True,
            x_save_requirements=False,
        )
        return wandb.init(
            entity=self._entity or None,
            project=self._project,
            group=self._study,
            job_type=order["config"]["role"],
            name=f"trial {number}",
            id=order["id"],
            config=order["config"],
            resume="allow" if online else None,
            reinit="create_new",
            settings=settings,
            mode="online" if online else self._otherwise,
        )

    def _close(self) -> None:
        """Runs of trials that are to be continued."""
        while self._runs:
            _, run = self._runs.popitem()
            run.mark_preempting()
            run.finish(exit_code=1)


def serve(project: str, study: str) -> None:
    """Answer lines until there are no more."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever else prints goes to the errors
    orders: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(orders,), daemon=True).start()
    runs: Runs | None = None
    while line := orders.get():
        answer: dict[str, str] = {}
        try:
            runs = runs or Runs(project, study)
            runs.do(json.loads(line))
            answer["say"], runs.said = runs.said, ""
        except Exception as error:  # noqa: BLE001 - told to the sweep
            answer["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), file=answers)


def _read(orders: queue.Queue[str]) -> None:
    """Hand lines on; when there are no more, the sweep is gone and this process ends soon, whatever W&B waits for."""
    for line in sys.stdin:
        orders.put(line)
    orders.put("")
    time.sleep(ORPHAN_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    serve(*sys.argv[1:])
