"""Headers of epochs that are nested, printed twice, missing or run together, and lines that a terminal wrapped."""

from __future__ import annotations

import pytest

from reports.logs import LoggedRun, read_text

ACCURACIES = [0.3142, 0.4321, 0.4877, 0.4512, 0.5231, 0.5604, 0.5719]


def bar(epoch: int, *, steps: str = "25/25") -> str:
    accuracy = ACCURACIES[epoch - 1]
    return f"{steps} [==============] - 7s 281ms/step - loss: 0.8113 - acc: 0.6{epoch}27 - val_loss: 0.9{epoch}18 - val_acc: {accuracy:.4f}"


def accuracies(run: LoggedRun) -> list[float]:
    return run.curves["val_accuracy"].tolist()


def test_validation_prints_its_own_header_within_the_bar() -> None:
    for gap in ("", " "):
        text = "".join(
            f"Epoch {k}/7\n24/25 [============>.] - ETA: 0s - loss: 0.8214 - acc: 0.6213{gap}Epoch 1/7\n{bar(k)}\n" for k in range(1, 8)
        )

        (run,) = read_text(text)

        assert accuracies(run) == ACCURACIES
        assert (run.first_epoch, run.planned_epochs) == (1, 7)


def test_a_header_before_every_validation() -> None:
    (run,) = read_text("".join(f"Epoch {k}/7\nEpoch 1/7\n{bar(k)}\n" for k in range(1, 8)))

    assert accuracies(run) == ACCURACIES


def test_a_training_that_crashed_and_began_again_is_not_taken_for_validation() -> None:
    crashed = "".join(f"Epoch {k}/7\n{bar(k)}\n" for k in (1, 2, 3)) + "Epoch 4/7\n 3/25 [>....] - ETA: 9s - loss: 0.9000 - acc: 0.2000\n"
    again = "".join(f"Epoch {k}/7\n{bar(k)}\n" for k in range(1, 8))

    first, second = read_text(crashed + again)

    assert (accuracies(first), accuracies(second)) == (ACCURACIES[:3], ACCURACIES)


def test_the_first_header_is_missing() -> None:
    (run,) = read_text(bar(1) + "\n" + "".join(f"Epoch {k}/7\n{bar(k)}\n" for k in range(2, 8)))

    assert accuracies(run) == ACCURACIES
    assert (run.first_epoch, run.num_epochs) == (1, 7)


def test_all_epochs_on_one_line() -> None:
    (run,) = read_text(" ".join(f"Epoch {k}/7 - 31s - {bar(k).split(' - ', 2)[2]}" for k in range(1, 8)))

    assert accuracies(run) == ACCURACIES


def test_a_final_header_printed_again_changes_nothing() -> None:
    text = "".join(f"Epoch {k}/7\n{bar(k)}\n" for k in range(1, 8))

    (empty,) = read_text(text + "Epoch 7/7\n")
    (twice,) = read_text(text + f"Epoch 7/7\n{bar(7)}\n")

    assert accuracies(empty) == accuracies(twice) == ACCURACIES


@pytest.mark.parametrize("width", [40, 57, 80, 92])
def test_lines_that_a_terminal_wrapped(width: int) -> None:
    lines = [line for k in range(1, 8) for line in (f"Epoch {k}/7", bar(k))]
    wrapped = [line[start : start + width] for line in lines for start in range(0, len(line), width)]

    (run,) = read_text("\n".join(wrapped) + "\n")

    assert accuracies(run) == ACCURACIES


def test_epochs_keep_the_numbers_of_the_log() -> None:
    (resumed,) = read_text("".join(f"Epoch {k}/7\n{bar(k)}\n" for k in range(3, 8)))
    (from_zero,) = read_text("epoch,loss,val_acc\n" + "".join(f"{k},0.5,{value}\n" for k, value in enumerate(ACCURACIES)))
    (uncounted,) = read_text("loss,val_acc\n" + "".join(f"0.5,{value}\n" for value in ACCURACIES))

    assert [run.epoch(run.num_epochs - 1) for run in (resumed, from_zero, uncounted)] == [7, 6, 7]


def test_two_epochs_are_no_rhythm() -> None:
    (two,) = read_text("epoch,loss,val_acc\n2,0.5,0.6\n4,0.4,0.7\n")
    (three,) = read_text("epoch,loss,val_acc\n2,0.5,0.6\n4,0.4,0.7\n6,0.3,0.8\n")

    assert two.notes == ()
    assert three.notes == ("The log has every 2nd epoch: 2, 4, 6, ...",)
    assert [three.epoch(index) for index in range(3)] == [2, 4, 6]


def test_a_closing_test_accuracy_is_no_epoch() -> None:
    text = "".join(f"Epoch [{k}/40], Train Loss: {2 / k:.3f}, Train Accuracy: 0.{40 + k}\n" for k in range(10, 41, 10))

    (run,) = read_text(text + "Test Accuracy: 0.3917\n")

    assert "val_accuracy" not in run.curves
    assert any("0.3917" in note and "no epoch" in note for note in run.notes)


def test_a_test_accuracy_beside_a_validation_accuracy() -> None:
    lines = [
        f"Epoch {k}/7 - loss: 0.5 - acc: 0.8 - val_loss: 0.6 - val_acc: {ACCURACIES[k - 1]} - test accuracy: 0.66\n" for k in range(1, 8)
    ]

    (run,) = read_text("".join(lines))

    assert accuracies(run) == ACCURACIES
    assert run.curves["test_accuracy"].tolist() == [0.66] * 7


def test_training_in_percent_and_validation_as_a_fraction() -> None:
    (run,) = read_text("".join(f"Epoch {k}/7 - train_acc: {50 + k}.25% - val_acc: {value}\n" for k, value in enumerate(ACCURACIES, 1)))

    assert accuracies(run) == ACCURACIES
    assert run.curves["accuracy"][0] == pytest.approx(0.5125)
    assert any("Training accuracy is in percent" in note for note in run.notes)
