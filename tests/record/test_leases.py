"""Drivers that share a study on a server: each trial is written by its owner alone, whoever that is by now."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from large_study import add_trial, new_study
from optuna.trial import TrialState
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from sweeps.record import read_study
from sweeps.record import storage as connections
from sweeps.record.errors import LeaseLostError, StorageTimes, StudyMovedOnError
from sweeps.record.opening import open_study
from sweeps.record.study_record import read_study_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import PostgresServer
    from sqlalchemy.engine import Connection, Engine

    from sweeps.record.recorded_study import RecordedStudy

SHORT = StorageTimes(lease=0.3)
WRITES: dict[str, Callable[[RecordedStudy, int], None]] = {
    "begin_attempt": lambda study, number: study.begin_attempt(number, 7, driver="d", from_epoch=0, gpu=0),
    "set_worker": lambda study, number: study.set_worker(number, 0, "w"),
    "end_attempt": lambda study, number: study.end_attempt(number, 0, "completed"),
    "add_epoch": lambda study, number: study.add_epoch(number, 0, 2, {"val_accuracy": 0.9}, None),
    "show_epoch": lambda study, number: study.show_epoch(number, 1, 0.9, 100),
    "compact": lambda study, number: study.compact(number, {"val_accuracy": [0.9]}),  # type: ignore[dict-item]
    "set_attributes": lambda study, number: study.set_attributes(number, {"cause": "stale"}),
    "tell": lambda study, number: study.tell(number, TrialState.COMPLETE, [0.9]),
}


@pytest.fixture
def server(postgres: PostgresServer) -> str:
    return str(postgres.url)


@pytest.fixture
def opened(server: str, name: str) -> Iterator[Callable[..., RecordedStudy]]:
    """Opens the study of this test as one more driver; the first call makes it."""
    drivers: list[RecordedStudy] = []

    def another(times: StorageTimes | None = None) -> RecordedStudy:
        drivers.append(open_study(server, name, times or StorageTimes()) if drivers else new_study(server, name, times=times))
        drivers[-1].trials()
        return drivers[-1]

    yield another
    for driver in drivers:
        driver.close()


def add(study: RecordedStudy, configuration: str = "c") -> int:
    return add_trial(study, configuration, 7)


def fall_silent(study: RecordedStudy) -> None:
    """Renew nothing any more, as a driver that is stopped."""
    study._ownership._closing.set()  # type: ignore[attr-defined]
    study._ownership._thread.join()  # type: ignore[attr-defined]


def taken(study: RecordedStudy, number: int, within: float = 30.0) -> bool:
    """Whether a driver takes a trial over, as soon as it may."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        (news,) = study.news([number])
        if news.free and study.claim(number, news):
            return True
        time.sleep(0.05)
    return False


def contents(url: str, name: str) -> Any:  # noqa: ANN401 - compared as it is
    return [
        (trial.state, dict(trial.figures), trial.cause, trial.attempts, {key: list(curve) for key, curve in trial.curves.items()})
        for trial in read_study(url, name).trials
    ]


def test_whoever_lost_a_trial_writes_nothing_of_it(opened: Callable[..., RecordedStudy], server: str, name: str) -> None:
    stale, living = opened(SHORT), opened()
    trials = {write: add(stale) for write in WRITES}  # one each: the first refusal already tells the driver
    for number in trials.values():
        stale.begin_attempt(number, 0, driver="d", from_epoch=0, gpu=0)
        stale.add_epoch(number, 0, 1, {"val_accuracy": 0.1}, None)
    fall_silent(stale)
    living.news([])
    assert all(taken(living, number) for number in trials.values())
    before = contents(server, name)
    for write, number in trials.items():
        with pytest.raises(LeaseLostError, match=f"trial {number} was taken over"):
            WRITES[write](stale, number)
    assert contents(server, name) == before
    living.tell(trials["tell"], TrialState.PRUNED, ())
    assert read_study(server, name).trials[trials["tell"]].state == "PRUNED"


def test_a_lease_is_renewed_for_as_long_as_its_owner_lives(opened: Callable[..., RecordedStudy]) -> None:
    owner, other = opened(StorageTimes(lease=3.0)), opened()
    number = add(owner)
    other.news([])
    assert not taken(other, number, within=7.0)
    owner.begin_attempt(number, 0, driver="d", from_epoch=0, gpu=0)
    assert owner.lost() == []


def test_the_owner_learns_of_its_loss_without_writing(opened: Callable[..., RecordedStudy], server: str) -> None:
    owner, other = opened(StorageTimes(lease=1.0)), opened()
    number = add(owner)
    engine = create_engine(server)
    with engine.begin() as connection:  # as after a partition of the network
        trial_id = owner._trial_ids[number]
        connection.execute(text("UPDATE steadysweep_leases SET owner = 'somebody:1#x', fence = 2 WHERE trial_id = :id"), {"id": trial_id})
    engine.dispose()
    deadline = time.monotonic() + 30
    while not (lost := owner.lost()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert lost == [number]
    assert owner.lost() == []
    del other


def test_a_closed_driver_gives_its_trials_back_at_once(opened: Callable[..., RecordedStudy]) -> None:
    first, second = opened(StorageTimes(lease=3600)), opened()
    number = add(first)
    (news,) = second.news([])
    assert not news.free
    assert not second.claim(number, news)
    first.close()
    assert taken(second, number)


def test_one_of_two_takes_a_trial_over(opened: Callable[..., RecordedStudy]) -> None:
    first, second, third = opened(StorageTimes(lease=3600)), opened(), opened()
    number = add(first)
    first.close()
    seen = [driver.news([])[0] for driver in (second, third)]
    assert [driver.claim(number, news) for driver, news in zip((second, third), seen, strict=True)] == [True, False]


def test_a_finished_trial_is_nobody_s(opened: Callable[..., RecordedStudy]) -> None:
    first, second = opened(SHORT), opened()
    number = add(first)
    fall_silent(first)
    second.news([])
    while not (news := second.news([number])[0]).free:
        time.sleep(0.05)
    first.tell(number, TrialState.COMPLETE, 0.5)  # expired, but nobody has taken it: no harm
    assert not second.claim(number, news)
    assert not second.news([number])[0].free
    assert second.news([number])[0].lease is None


def test_the_trials_of_a_process_that_is_known_to_be_dead_are_free_at_once(
    opened: Callable[..., RecordedStudy], server: str, name: str
) -> None:
    living = opened()
    program = (
        "import os, signal\nfrom large_study import add_trial\nfrom sweeps.record.errors import StorageTimes\nfrom sweeps.record.opening import open_study\n"
        f"study = open_study({server!r}, {name!r}, StorageTimes(lease=3600))\nstudy.trials()\n"
        "add_trial(study, 'c', 7)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent, check=False, env={"PYTHONPATH": ":".join(sys.path)})
    (news,) = living.news([])
    assert news.lease is not None
    assert news.lease.left > 3000
    assert living.claim(0, news)


def test_a_server_that_was_down_gives_everybody_the_time_to_renew(opened: Callable[..., RecordedStudy], server: str) -> None:
    owner, other = opened(StorageTimes(lease=3600)), opened()
    number = add(owner)
    engine = create_engine(server)
    with engine.begin() as connection:  # it expired while the server, which has been up for less than an hour, was down
        connection.execute(text("UPDATE steadysweep_leases SET expires = now() - interval '1 hour'"))
    engine.dispose()
    (news,) = other.news([])
    assert not news.free
    assert not other.claim(number, news)


def test_a_trial_is_added_only_by_a_driver_that_knows_all_others(opened: Callable[..., RecordedStudy]) -> None:
    first, second = opened(), opened()
    assert add(first, "a") == 0
    with pytest.raises(StudyMovedOnError):
        add(second, "a")
    assert [news.number for news in second.news([])] == [0]
    assert [add(second, "b"), second.news([])] == [1, []]
    with pytest.raises(StudyMovedOnError):
        add(first, "b")
    (stored,) = first.read([news.number for news in first.news([])])
    assert (stored.number, stored.configuration) == (1, "b")


class CutOff:
    """An engine whose connection breaks after a commit and before its answer, as often as transactions begin and `times` says."""

    def __init__(self, engine: Engine, times: int) -> None:
        self._engine = engine
        self.left = times

    def connect(self) -> Connection:
        return self._engine.connect()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection
        if self.left:
            self.left -= 1
            raise OperationalError("COMMIT", None, Exception("server closed the connection unexpectedly"))


def test_commits_whose_answers_were_lost_are_not_repeated(opened: Callable[..., RecordedStudy], server: str, name: str) -> None:
    study = opened()
    engine = study._transactions._engine

    def cut(times: int = 1) -> CutOff:
        study._transactions._engine = cut_off = CutOff(engine, times)  # type: ignore[assignment]
        return cut_off

    steps: list[Callable[[], object]] = [
        lambda: add(study),
        lambda: study.begin_attempt(0, 0, driver="d", from_epoch=0, gpu=0),
        lambda: study.add_epoch(0, 0, 1, {"val_accuracy": 0.5}, None),
        lambda: study.show_epoch(0, 1, 0.5, 100),
        lambda: study.set_attributes(0, {"figures": {"num_val": 5.0}}),
        lambda: study.update_facts(change="told", num_val=5),
        lambda: study.tell(0, TrialState.COMPLETE, 0.5),
        lambda: add(study, "another"),
    ]
    for step in steps:
        cut_off = cut()
        step()
        assert cut_off.left == 0
    first, second = read_study(server, name).trials
    assert (first.state, first.num_epochs, len(first.attempts), first.figures) == ("COMPLETE", 1, 1, {"num_val": 5.0})
    assert (second.number, second.configuration, second.state) == (1, "another", "RUNNING")
    assert len(read_study_facts(server, name).changes) == 1
    study.begin_attempt(1, 0, driver="d", from_epoch=0, gpu=0)  # its lease is this driver's


def test_changes_of_several_drivers_are_all_in_the_history(opened: Callable[..., RecordedStudy], server: str, name: str) -> None:
    first, second = opened(), opened()
    first.update_facts(change="one", target_trials=11)
    second.update_facts(change="two", num_val=5)
    facts = read_study_facts(server, name)
    assert [change.split(" ", 1)[1] for change in facts.changes] == ["one", "two"]
    assert (facts.target_trials, facts.num_val) == (11, 5)
    second.news([])
    assert second.facts.target_trials == 11


def test_a_driver_that_is_stopped_inside_a_transaction_does_not_stop_the_others(
    server: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 2)
    stopped = new_study(server, name, times=StorageTimes(lease=3600))
    other = open_study(server, name)
    other.trials()
    with stopped._transactions._engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM studies FOR UPDATE"))
        assert add(other) == 0
        with pytest.raises(Exception, match="idle-in-transaction"):
            connection.execute(text("SELECT 1"))
        connection.invalidate()
    stopped.close()
    other.close()
