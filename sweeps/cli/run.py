"""``steadysweep run``: run a sweep, or continue it where it was left."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.cli.command import (
    INTERRUPTED,
    KNOWN_FAILURE,
    TRAINING_EXIT_CODES,
    Command,
    execution_arguments,
    overrides_argument,
    storage_argument,
    storage_url,
    trust_argument,
)
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from reports.records import StudyRecord
    from reports.verdict.sentences import Verdict
    from sweeps.launch import LaunchResult
    from sweeps.sweep_file import SweepFile


def run(
    sweep_file: str | None,
    overrides: Sequence[str],
    *,
    storage: str | None,
    source: str | None,
    source_storage: str | None,
    trust: bool,
    **options: Any,  # noqa: ANN401 - each has its own type in LaunchOptions
) -> int:
    """Run the study of a sweep file to its end.

    Args:
        sweep_file: the YAML file; None, with `source`: that study's own file.
        overrides: ``KEY=VALUE`` texts.
        storage: URL, or None for the file's.
        source: a study whose trials a new study begins with, or None.
        source_storage: its URL, or None for the new study's storage, or the default.
        trust: with `source` and no file: that file may do what `sweeps.trust` asks about.
        options: fields of `sweeps.launch.LaunchOptions`.

    Raises:
        SweepInputError: the file, the storage or the data cannot be used.
    """
    from sweeps.cli.new_study import history_source, sweep_of_study, with_hint
    from sweeps.launch import LaunchOptions, launch
    from sweeps.launch.preflight import load_for_run
    from sweeps.record.study_record import read_study_facts
    from sweeps.study.running import SWEEP_FOLDER, OtherSweepError, storage_of

    if source is None and source_storage is not None:
        raise SweepInputError("--from-storage: says where the study of --from is; add --from STUDY.")
    if sweep_file is None and source is None:
        raise SweepInputError(
            "run: expected SWEEP.yaml (`steadysweep init DATA_DIR` writes one), or --from STUDY for a new study from an old one's file."
        )
    given = None if storage is None else storage_url(storage, source)
    history = None
    if sweep_file is None:
        history = history_source(str(source), source_storage, given)
        sweep = sweep_of_study(history, overrides, given, trust=trust)
        folder = read_study_facts(history.storage, history.study).facts.get(SWEEP_FOLDER, "")
    else:
        folder = str(Path(sweep_file).resolve().parent)
        sweep = load_for_run(sweep_file, overrides)
        if given is not None:
            sweep = sweep.model_copy(update={"storage": given})
        if source is not None:
            history = history_source(source, source_storage, storage_of(sweep))
    try:
        result = launch(sweep, LaunchOptions(**options, history=history, folder=folder))
    except OtherSweepError as error:
        raise with_hint(error, sweep, [] if sweep_file is None else [sweep_file], overrides) from None
    return finish(sweep, result)


def finish(sweep: SweepFile, result: LaunchResult, *, again: str = "resume") -> int:
    """The last words of a run: why it ended, leaders, the verdict, how to go on, where the report is. Returns the exit code.

    Args:
        sweep: that was run.
        result: of the run.
        again: the command that goes on with it.
    """
    from rich.console import Console

    from reports.wording import harmless
    from sweeps.cli.study_lines import leader_lines
    from sweeps.progress.plain import counts
    from sweeps.standing import standing
    from sweeps.study.running import storage_of

    console = Console(stderr=True, highlight=False)
    outcome, data = result.outcome, result.data
    study = f"{sweep.study} --storage '{storage_of(sweep)}'"
    console.print(f"{outcome.reason if result.ran else f'nothing to do ({outcome.reason})'}: {counts(outcome.snapshot)}", soft_wrap=True)
    print(harmless("\n".join(leader_lines(data.study, standing(data.study, data.ranking)))), flush=True)
    print_verdict(data.verdict, sweep.study, storage_of(sweep))
    if outcome.note:
        console.print(f"  {outcome.note}", soft_wrap=True)
    if outcome.unfinished:
        numbers = ", ".join(str(number) for number in outcome.unfinished)
        console.print(f"unfinished: {numbers}; continue with: steadysweep {again} {study}", soft_wrap=True)
    elif not result.ran:
        console.print(
            f"search more configurations with: steadysweep resume {study} --trials +{max(1, sweep.search.trials // 2)}", soft_wrap=True
        )
    failures, useless = failure_text(data.study)
    if failures:
        console.print(harmless(failures), soft_wrap=True, markup=False)
    console.print("report:")
    print(result.report, flush=True)
    if outcome.reason == "interrupted":
        return INTERRUPTED
    if useless:
        return KNOWN_FAILURE
    if outcome.snapshot.leaders:
        words = shlex.join(["steadysweep", "export", sweep.study, "-o", f"{sweep.study}-model"])
        console.print(f"next: {words}{_elsewhere(sweep.study, storage_of(sweep))}", soft_wrap=True, markup=False)
    return 0


def print_verdict(verdict: Verdict, study: str, storage: str) -> None:
    """Which configuration to take, how sure that is, and what knowing more would cost; `storage` is its URL, which the command for more needs."""
    from reports.wording import harmless

    price = f"{verdict.price}{_elsewhere(study, storage) if ' confirm ' in verdict.price else ''}"
    print(harmless("\n".join(line for line in (verdict.probability or verdict.headline, price) if line)))


def _elsewhere(study: str, storage: str) -> str:
    """What a command must say of a storage that it would not find by itself."""
    return "" if storage == f"sqlite:///./{study}.db" else f" --storage '{storage}'"


def failure_text(record: StudyRecord) -> tuple[str, bool]:
    """What a person must know of a study's failed trials, and whether nothing but failures is on record.

    Some failures among successes are counted, with the last line of the most frequent error; where every trial failed, that error is told whole.
    """
    trials = [trial for trial in record.trials if trial.role != "history"]
    errors = [(trial.error or trial.cause or "without a message").strip() for trial in trials if trial.state == "FAIL"]
    if not errors:
        return "", False
    lasts = Counter(error.splitlines()[-1] for error in errors)
    last, number = lasts.most_common(1)[0]
    if any(trial.state in {"COMPLETE", "PRUNED"} for trial in trials):
        return f"{len(errors)} of {len(trials)} trials failed; most often ({number}): {last}", False
    whole = next(error for error in errors if error.splitlines()[-1] == last)
    return f"error: no trial of this study can be used: all {len(errors)} failed, most often ({number}) with:\n{whole}", True


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep_file", metavar="SWEEP.yaml", nargs="?", help="the sweep file; with --from it may be left out")
    overrides_argument(parser)
    parser.add_argument("--from", dest="source", metavar="STUDY", help="begin a new study with this one's trials as history")
    parser.add_argument("--from-storage", dest="source_storage", metavar="URL", help="where that study is, if not in the new one's storage")
    storage_argument(parser)
    trust_argument(parser)
    execution_arguments(parser)


COMMAND = Command(
    name="run",
    summary="run a sweep, or continue it where it was left",
    description="Runs the sweep; if its study exists in the storage it is continued: nothing finished is lost,\n"
    "interrupted trials go on from their checkpoints. Ctrl-C once: checkpoint and stop; twice: stop at once.\n"
    "With --from, a new study begins with the trials of an old one: a wider space, more epochs, another sampler.",
    examples=(
        ("steadysweep run sweep.yaml", "again after a crash: it continues"),
        ("steadysweep run sweep.yaml --set study=try --set search.trials=4 --set training.epochs=5", "a small try, a study of its own"),
        ("steadysweep run sweep.yaml --storage 'postgresql+psycopg://me:${PGPASSWORD}@host/sweeps'", "a shared storage"),
    ),
    add_arguments=_add_arguments,
    run=run,
    exit_codes=TRAINING_EXIT_CODES,
)
