"""Routing of tasks to warm processes."""

from __future__ import annotations

from sweeps.executor.placement import REMEMBERED, Seat, beside, choose
from sweeps.executor.protocol import TrialTask


def task(affinity: str = "", *, cpu: float = 1.0, gpu: float = 0.0, trial: int = 0, slots: int = 1) -> TrialTask:
    return TrialTask(trial, 0, "m:f", {}, "", cpu=cpu, gpu=gpu, affinity=affinity, slots=slots)


def seats(*warm_for: list[str]) -> list[Seat[str]]:
    return [Seat(f"process {index}", (1.0, 0.0), warm_for=list(warm), used=index) for index, warm in enumerate(warm_for)]


def test_a_task_goes_where_its_model_is_compiled() -> None:
    pool = seats(["a"], ["b", "c"], ["d"])
    assert choose(pool, task("b")) is pool[1]


def test_of_several_warm_ones_the_last_used_is_taken() -> None:
    pool = seats(["a"], ["a"], ["b"])
    assert choose(pool, task("a")) is pool[1]


def test_a_new_model_goes_where_the_fewest_are_kept() -> None:
    pool = seats(["a", "b"], [], ["c"])
    assert choose(pool, task("x")) is pool[1]


def test_a_new_model_spares_the_process_used_last() -> None:
    pool = seats(["a"], ["b"])
    assert choose(pool, task("x")) is pool[0]


def test_a_busy_warm_process_is_not_waited_for() -> None:
    pool = seats(["a"], ["b"])
    pool[0].take(task("a"), 5)
    assert choose(pool, task("a")) is pool[1]


def test_a_process_with_another_share_of_the_machine_is_not_taken() -> None:
    assert choose(seats(["a"]), task("a", gpu=0.5)) is None
    assert choose([], task("a")) is None


def test_a_process_is_taken_to_be_warm_for_its_last_models_only() -> None:
    (seat,) = seats([])
    for number in range(REMEMBERED + 3):
        seat.take(task(f"model {number}"), number)
    assert len(seat.warm_for) == REMEMBERED
    assert seat.warm_for[-1] == f"model {REMEMBERED + 2}"
    seat.take(task(), 99)
    assert len(seat.warm_for) == REMEMBERED


def test_tasks_of_one_affinity_share_a_process_up_to_its_slots() -> None:
    pool = seats([], [])
    for trial in (0, 1):
        pool[0].take(task("a", trial=trial, slots=3), trial)
    pool[1].take(task("a", trial=2, slots=3), 2)
    assert beside(pool, task("a", trial=3, slots=3)) is pool[1], "the one with fewer"
    assert beside(pool, task("b", trial=3, slots=3)) is None
    assert beside(pool, task("a", trial=3)) is None, "it wants a process of its own"
    pool[1].retiring = True
    assert beside(pool, task("a", trial=3, slots=3)) is pool[0]
    pool[0].take(task("a", trial=3, slots=3), 3)
    assert beside(pool, task("a", trial=4, slots=3)) is None
    assert beside(seats([]), task("a", slots=3)) is None, "an idle process is chosen first"
