"""Whether a study may go on under a sweep file, and what of that is written to its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.errors import SweepInputError
from sweeps.study.plan import parameter_record
from sweeps.sweep_file import Comparison, SweepFile, compare, history_obstacles, sweep_from_text

if TYPE_CHECKING:
    from sweeps.record.facts import HistorySource, StudyFacts
    from sweeps.record.recorded_study import RecordedStudy


class OtherSweepError(SweepInputError):
    """The study exists and was made from another sweep file.

    Attributes:
        importable: whether a new study made from the file could begin with this one's trials (``--from``).
    """

    def __init__(self, message: str, *, importable: bool) -> None:
        super().__init__(message)
        self.importable = importable


def check_continues(study: str, facts: StudyFacts, sweep: SweepFile) -> Comparison:
    """Compare a sweep with the file of its study.

    Raises:
        OtherSweepError: it is another sweep; the message lists the differences.
    """
    stored = sweep_from_text(facts.sweep_file, f"study {study}")
    comparison = compare(stored, sweep)
    if comparison.verdict == "refused":
        differences = "\n".join(f"  {difference}" for difference in comparison.refused)
        raise OtherSweepError(
            f"study {study!r} exists and was made from another sweep file:\n{differences}\n"
            "Expected the same settings (resources, runtime, budget, report, confirmation, more trials or a narrowed space may differ). "
            "Give the new sweep another name (study: NAME), or restore the settings.",
            importable=not history_obstacles(stored, sweep),
        )
    return comparison


def check_data(study: str, facts: StudyFacts, fingerprint: str | None) -> None:
    """Compare the data with the study's.

    Raises:
        SweepInputError: it is other data.
    """
    known = facts.facts.get("data_fingerprint")
    if known and fingerprint and known != fingerprint:
        raise SweepInputError(
            f"study {study!r}: the data is not the study's (fingerprint {fingerprint}, expected {known}). "
            "Restore the images and their split, or start a new study."
        )


def check_history(study: str, facts: StudyFacts, wanted: HistorySource | None) -> None:
    """Compare ``--from`` with what an existing study began with.

    Raises:
        SweepInputError: it began without, or with another study.
    """
    if wanted is None:
        return
    there = facts.history
    if there is None or (there.study, there.storage) != (wanted.study, wanted.storage):
        began = "without another study's trials" if there is None else f"with those of {there.study!r} in {there.storage}"
        raise SweepInputError(
            f"--from {wanted.study}: study {study!r} exists and began {began}; history is only imported into a new study. "
            "Give the new sweep another name (study: NAME, or --set study=NAME)."
        )


def record_changes(record: RecordedStudy, sweep: SweepFile, fingerprint: str | None) -> None:
    """Let a study go on under `sweep`: write what changed to its history.

    Raises:
        SweepInputError: it is another sweep, or other data.
    """
    comparison = check_continues(record.name, record.facts, sweep)
    check_data(record.name, record.facts, fingerprint)
    if any(difference.path == "space" for difference in comparison.differences) and (others := record.other_drivers()):
        raise SweepInputError(
            f"space: narrowed while {', '.join(others)} {'is' if len(others) == 1 else 'are'} running study {record.name!r} in the wider one. "
            "Stop the study there first, or join it with the space that it has."
        )
    if comparison.verdict == "continues":
        record.update_facts(
            change="; ".join(str(difference) for difference in comparison.differences),
            sweep_file=sweep.to_yaml(),
            target_trials=sweep.search.trials,
            settled="" if _asks_for_more(comparison) else record.facts.settled,
            parameters=tuple(parameter_record(parameter) for parameter in sweep.space.parameters.values()),
        )
    if fingerprint and not record.facts.facts.get("data_fingerprint"):
        record.update_facts(facts={**record.facts.facts, "data_fingerprint": fingerprint})


def _asks_for_more(comparison: Comparison) -> bool:
    """Whether what changed reopens a search that was settled: more trials, another limit, another space."""
    return any(each.path in ("search.trials", "budget.stop_when_settled", "space") for each in comparison.differences)
