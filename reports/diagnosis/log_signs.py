"""What a log shows by itself, whether or not its run swings: epochs on the left-over batch, and input that ran out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.diagnosis.causes import CauseCheck

if TYPE_CHECKING:
    from reports.logs import LoggedRun


def log_signs(run: LoggedRun) -> tuple[CauseCheck, ...]:
    """What a log shows by itself, whether or not the run swings: epochs on the left-over batch, and input that ran out."""
    cause = "every second epoch runs on the left-over batch"
    how = (
        "Leave out steps_per_epoch and validation_steps (Keras counts the batches of a finite data set itself), or let the data set repeat: "
        "dataset.repeat()."
    )
    leftover = run.leftover
    if leftover is None:
        if not run.out_of_data:
            return ()
        finding = "Keras warned that the input ran out of data; the figures do not show which epochs it cut short."
        return (CauseCheck(cause, tested=False, finding=finding, how=how),)
    shown = [run.epoch(index) for index in leftover.at]
    signs = []
    if leftover.num_val is not None:
        whole = f" ({leftover.whole_num_val:,} images in the others)" if leftover.whole_num_val else ""
        signs.append(f"validation accuracy is a multiple of 1/{leftover.num_val}{whole}" if leftover.num_val else "validation saw no image")
    if leftover.num_train is not None:
        signs.append(f"training accuracy is a multiple of 1/{leftover.num_train}" if leftover.num_train else "training saw no image")
    if leftover.seconds is not None:
        signs.append(f"an epoch took {leftover.seconds[0]:.3g} s, against {leftover.seconds[1]:.3g} s of the others")
    if run.out_of_data:
        signs.append("Keras warned that the input ran out of data")
    finding = (
        f"Yes: in epochs {shown[0]}, {shown[1]}, ..., {shown[-1]} {', '.join(signs)} (steps_per_epoch = n // batch with a finite data set). "
        f"{'These epochs are' if leftover.num_val is not None else 'Their training figures are'} left out of best, last, level and findings."
    )
    return (CauseCheck(cause, tested=True, finding=finding, how=how),)
