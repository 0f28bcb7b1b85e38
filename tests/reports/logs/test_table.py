"""Tables: CSVLogger and its relatives."""

from __future__ import annotations

import math

import printed_logs as printed
import pytest

from reports.logs import read_text

EPOCHS = printed.curve(1.0, 5)


def csv_of(epochs: list[dict[str, float]], delimiter: str = ",", end: str = "\r\n", first: int | None = 0, comma: bool = False) -> str:  # noqa: FBT001, FBT002
    names = list(epochs[0])
    head = delimiter.join((["epoch"] if first is not None else []) + names)
    lines = [
        delimiter.join(([str(k + first)] if first is not None else []) + [repr(row[name]) for name in names])
        for k, row in enumerate(epochs)
    ]
    return end.join([head, *(line.replace(".", ",") if comma else line for line in lines)]) + end


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n", "\r", "\n\n"])
@pytest.mark.parametrize("first", [0, 1, None])
def test_line_ends_and_epoch_columns(end: str, first: int | None) -> None:
    (run,) = read_text(csv_of(EPOCHS, end=end, first=first))

    for name in EPOCHS[0]:
        assert run.curves[name].tolist() == [epoch[name] for epoch in EPOCHS]
    assert (run.format, run.first_epoch, run.num_epochs) == ("CSV table", first, 5)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("comma", [False, True])
def test_other_delimiters_and_decimal_commas(delimiter: str, comma: bool) -> None:  # noqa: FBT001
    (run,) = read_text(csv_of(EPOCHS, delimiter, comma=comma))

    assert run.curves["val_accuracy"].tolist() == [epoch["val_accuracy"] for epoch in EPOCHS]


def test_a_byte_order_mark_quotes_and_an_unnamed_index() -> None:
    (run,) = read_text('\ufeff"","loss","val_acc"\n"0","0.5","0.25"\n"1","0.4","0.50"\n')

    assert run.curves["val_accuracy"].tolist() == [0.25, 0.5]
    assert run.printed["val_accuracy"] == ("0.25", "0.50")


@pytest.mark.parametrize("repeat_header", [False, True])
def test_appended_fits(repeat_header: bool) -> None:  # noqa: FBT001
    second = csv_of(EPOCHS[:3])
    text = csv_of(EPOCHS) + (second if repeat_header else second.split("\r\n", 1)[1])

    assert [run.num_epochs for run in read_text(text)] == [5, 3]


def test_a_resumed_fit_continues() -> None:
    (run,) = read_text(csv_of(EPOCHS[:3]) + csv_of(EPOCHS[3:], first=3).split("\r\n", 1)[1])

    assert run.num_epochs == 5


def test_missing_values_are_gaps() -> None:
    (run,) = read_text("epoch,loss,val_acc\n0,0.5,NA\n1,0.4,0.8\n2,nan,\n")

    assert [math.isnan(value) for value in run.curves["val_accuracy"]] == [True, False, True]
    assert math.isinf(run.curves["loss"][2])


def test_rows_of_one_epoch_that_complete_each_other_are_merged() -> None:
    text = "epoch,step,train_loss_epoch,train_acc,val_loss,val_acc\n0,9,,,1.0,0.5\n0,9,1.5,0.4,,\n1,19,,,0.8,0.6\n1,19,1.2,0.5,,\n"

    (run,) = read_text(text)

    assert run.curves["val_accuracy"].tolist() == [0.5, 0.6]
    assert run.curves["accuracy"].tolist() == [0.4, 0.5]
    assert run.curves["loss"].tolist() == [1.5, 1.2]


def test_a_test_split_stands_in_for_validation() -> None:
    (run,) = read_text("epoch,train_acc,test_acc\n1,0.5,0.4\n2,0.6,0.5\n")

    assert run.curves["val_accuracy"].tolist() == [0.4, 0.5]
    assert "test set" in run.notes[0]


def test_percentages_need_no_sign() -> None:
    (run,) = read_text("epoch,acc,val_acc\n1,55.25,40.5\n2,65.5,50\n")

    assert run.curves["val_accuracy"].tolist() == [0.405, 0.5]
    assert run.val_accuracy_texts == ("0.405", "0.50")


def test_every_tenth_epoch() -> None:
    (run,) = read_text("epoch,loss,val_acc\n10,0.5,0.1\n20,0.4,0.2\n30,0.3,0.3\n")

    assert run.num_epochs == 3
    assert "every 10th epoch" in run.notes[0]
