"""Console logs in every format, with everything that overwriting, colours and callbacks do to them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import printed_logs as printed
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.logs import read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.logs import LoggedRun

KERAS_2_NAMES = {"accuracy": "acc", "val_accuracy": "val_acc"}


def figures(run: LoggedRun, name: str) -> list[float]:
    return run.curves[name].tolist()


@pytest.mark.parametrize("write", printed.CONSOLE_FORMATS, ids=lambda write: write.__name__)
def test_every_format_gives_the_printed_figures(write: Callable[..., str]) -> None:
    epochs = printed.curve(1.0)

    (run,) = read_text(write(epochs, 20))

    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert figures(run, name) == [printed.read_back(epoch[name]) for epoch in epochs], name
    assert run.printed["val_accuracy"] == tuple(printed.keras_number(epoch["val_accuracy"]) for epoch in epochs)
    assert (run.num_epochs, run.planned_epochs, run.first_epoch, run.format) == (8, 20, 1, "console log")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    write=st.sampled_from(printed.CONSOLE_FORMATS),
    rows=st.lists(
        st.fixed_dictionaries(
            {name: st.floats(0, 1e4, width=32) for name in ("loss", "val_loss")}
            | {name: st.floats(0, 1, width=32) for name in ("acc", "val_acc")}
        ),
        min_size=2,
        max_size=6,
    ),
)
def test_any_figures_are_read_exactly(write: Callable[..., str], rows: list[dict[str, float]]) -> None:
    (run,) = read_text(write(rows, 6))

    for ours, name in (("loss", "loss"), ("val_loss", "val_loss"), ("accuracy", "acc"), ("val_accuracy", "val_acc")):
        assert figures(run, ours) == [printed.read_back(row[name]) for row in rows]


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_pieces_of_any_size_give_the_same_runs(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reports.logs import console, source

    text = printed.keras3_ansi(printed.curve(2.0), 8) + printed.keras2_terminal(printed.curve(3.0), 9)
    whole = console.read_console([text])

    assert console.read_console(text[start : start + size] for start in range(0, len(text), size)) == whole
    assert [len(fit.rows) for fit in whole] == [8, 8]
    monkeypatch.setattr(source, "_CHUNK_BYTES", size)
    monkeypatch.setattr(source, "HEAD_BYTES", 64)
    path = tmp_path / "train.log"
    path.write_bytes(text.encode())
    with source.open_log(str(path)) as log:
        assert log.text() == text


@pytest.mark.parametrize(
    "name", ["acc", "accuracy", "categorical_accuracy", "binary_accuracy", "sparse_categorical_accuracy", "acc_1", "masked_accuracy"]
)
def test_names_of_accuracy(name: str) -> None:
    epochs = printed.curve(1.0)

    (run,) = read_text(printed.keras3_verbose2(epochs, 8, {"accuracy": name, "val_accuracy": f"val_{name}"}))

    assert run.names["val_accuracy"] == f"val_{name}"
    assert figures(run, "val_accuracy") == [printed.read_back(epoch["val_accuracy"]) for epoch in epochs]


def test_top_k_accuracy_is_not_taken_for_accuracy() -> None:
    epochs = [{**epoch, "top_5_accuracy": 0.99, "val_top_5_accuracy": 0.98} for epoch in printed.curve(1.0)]

    (run,) = read_text(printed.keras3_verbose2(epochs, 8))

    assert run.names["val_accuracy"] == "val_accuracy"
    assert figures(run, "val_top_5_accuracy") == [0.98] * 8


def test_several_fits_and_their_sizes() -> None:
    text = printed.keras2_terminal(printed.curve(1.0, 3), 3, KERAS_2_NAMES) + printed.keras3_verbose2(printed.curve(2.0, 5), 10)

    first, second = read_text(text)

    assert (first.name, first.num_epochs, first.num_train, first.num_val, first.whole_set) == ("fit 1", 3, 320, 64, True)
    assert (second.name, second.num_epochs, second.planned_epochs, second.num_val, second.whole_set) == ("fit 2", 5, 10, None, False)


def test_a_continued_fit_is_one_run_and_a_repeated_epoch_another() -> None:
    epochs = printed.curve(1.0, 6)
    continued = printed.keras3_verbose2(epochs[:3], 3) + printed.keras3_verbose2(epochs, 6).split("Epoch 4/6", 1)[1].join(["Epoch 4/6", ""])

    (run,) = read_text(continued)
    assert (run.num_epochs, run.planned_epochs) == (6, 6)
    assert [run.num_epochs for run in read_text(printed.keras3_verbose2(epochs, 6) * 2)] == [6, 6]


def test_an_epoch_that_crashed_and_was_repeated_counts_once() -> None:
    lines = printed.keras3_verbose2(printed.curve(1.0, 4), 4).splitlines(keepends=True)
    crashed = [
        *lines[:4],
        "Epoch 3/4\n",
        "\r 12/70 ━━━━ 3s 20ms/step - accuracy: 0.1111 - loss: 9.0000\nTraceback (most recent call last):\n",
        *lines[4:],
    ]

    (run,) = read_text("".join(crashed))

    assert run.num_epochs == 4
    assert 9.0 not in figures(run, "loss")


def test_an_interrupted_last_epoch_is_left_out() -> None:
    text = printed.keras3_ansi(printed.curve(1.0, 4), 9)

    (run,) = read_text(text + "Epoch 5/9\n\r\x1b[1m 12/449\x1b[0m ━━━ \x1b[1m3s\x1b[0m 20ms/step - accuracy: 0.9911 - loss: 0.0100")

    assert run.num_epochs == 4


def test_an_epoch_whose_validation_was_interrupted_is_left_out_and_said() -> None:
    (run,) = read_text(printed.keras3_verbose2([*printed.curve(1.0, 4), printed.training_part(printed.curve(1.0, 1)[0])], 9))

    assert run.num_epochs == 4
    assert "interrupted" in run.notes[0]


def test_evaluations_within_and_after_a_fit_change_nothing() -> None:
    bar = "\r25/25 [==============================] - 1s 3ms/step - loss: 9.0000 - accuracy: 0.1000\n"
    epochs = [printed.training_part(epoch) for epoch in printed.curve(1.0, 4)]
    text = printed.keras2_terminal(epochs, 4)
    with_bars = text.replace("Epoch 3/4\n", f"{bar}Epoch 3/4\n") + bar + "25/25 [====] - 0s\nTest accuracy: 0.1\n"

    (run,) = read_text(with_bars)

    assert figures(run, "loss") == [printed.read_back(epoch["loss"]) for epoch in epochs]
    assert "val_accuracy" not in run.curves


def test_lines_whose_headers_were_cut_away_are_still_epochs() -> None:
    text = "".join(
        line for line in printed.keras3_verbose2(printed.curve(1.0, 5), 5).splitlines(keepends=True) if not line.startswith("Epoch")
    )

    (run,) = read_text(text)

    assert (run.num_epochs, run.planned_epochs, run.first_epoch) == (5, None, None)


def test_fits_of_one_epoch_in_a_loop_are_one_run() -> None:
    text = "".join(printed.keras3_verbose2([epoch], 1) for epoch in printed.curve(1.0, 6))

    (run,) = read_text(text)

    assert run.num_epochs == 6
    assert "6 fits of one epoch" in run.notes[0]


def test_validation_every_second_epoch_leaves_gaps() -> None:
    epochs = [epoch if k % 2 else printed.training_part(epoch) for k, epoch in enumerate(printed.curve(1.0, 7))]

    (run,) = read_text(printed.keras3_verbose2(epochs, 7))

    assert [math.isnan(value) for value in figures(run, "val_accuracy")] == [True, False, True, False, True, False, True]
    assert not any(math.isnan(value) for value in figures(run, "accuracy"))


def test_a_loss_that_is_no_number_is_a_failed_epoch_not_a_missing_one() -> None:
    epochs = printed.curve(1.0, 3)
    epochs[2] |= {"loss": math.nan, "val_loss": math.nan}

    (run,) = read_text(printed.keras3_verbose2(epochs, 3))

    assert math.isinf(figures(run, "loss")[2])
    assert run.printed["loss"][2] == "nan"


def test_a_multi_output_model_gives_a_run_for_each_classifier() -> None:
    rows = [
        {
            "loss": 3.0,
            "color_loss": 1.0,
            "color_accuracy": 0.5 + k / 10,
            "box_loss": 2.0,
            "val_loss": 3.5,
            "val_color_loss": 1.5,
            "val_color_accuracy": 0.4 + k / 10,
        }
        for k in range(3)
    ]

    (run,) = read_text(printed.keras3_verbose2(rows, 3))

    assert run.name == "fit 1, output color"
    assert figures(run, "val_accuracy") == [0.4, 0.5, 0.6]
    assert figures(run, "val_loss") == [1.5] * 3


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Found 2000 images belonging to 2 classes.\nFound 1000 images belonging to 2 classes.\n", (1000, 2)),
        ("Found 2000 images belonging to 2 classes.\nFound 999 images belonging to 2 classes.\n", (None, 2)),  # the figures are no k/999
        ("Found 3670 files belonging to 5 classes.\nUsing 2936 files for training.\nUsing 734 files for validation.\n", (734, 5)),
    ],
)
def test_sizes_that_data_loaders_print(header: str, expected: tuple[int | None, int]) -> None:
    rows = [{"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": value} for value in (0.522, 0.613, 0.599, 0.518)]

    (run,) = read_text(header + printed.keras3_verbose2(rows, 4))

    assert (run.num_val, run.num_classes) == expected


@pytest.mark.parametrize(
    "line",
    [
        "epoch [{k}]: training loss: {loss:.2f} - acc: {acc:.2f} - val_loss: {val_loss:.2f} - val_acc: {val_acc:.2f}\n",
        "Epoch {k}/5, Train Loss: {loss:.2f}, Train Acc: {acc:.0%}, Val Loss: {val_loss:.2f}, Val Acc: {val_acc:.0%}\n",
        "Epoch: {k} | train_loss={loss:.2f} | train_acc={acc:.2f} | val_loss={val_loss:.2f} | val_acc={val_acc:.2f}\n",
        "2024-01-01 10:00:00 INFO epoch {k} {{'loss': {loss:.2f}, 'accuracy': {acc:.2f}, 'val_loss': {val_loss:.2f}, 'val_accuracy': {val_acc:.2f}}}\n",
        "Epoch {k}/5\n----------\ntrain Loss: {loss:.2f} Acc: {acc:.2f}\nval Loss: {val_loss:.2f} Acc: {val_acc:.2f}\n\n",
        (
            "Epoch {k}/5:  31%|███   | 97/313 [00:04<00:00, 70.1it/s, loss=9.00]\rEpoch {k}/5: 100%|██████| 313/313 [00:09<00:00, 70.1it/s, "
            "loss={loss:.2f}, acc={acc:.2f}, val_loss={val_loss:.2f}, val_acc={val_acc:.2f}]\n"
        ),
    ],
    ids=["colon", "percent", "pipes", "logging", "two lines", "tqdm"],
)
def test_lines_of_someones_own(line: str) -> None:
    rows = [{"loss": 2.5 - k / 4, "acc": 0.5 + k / 20, "val_loss": 3.25 - k / 4, "val_acc": 0.4 + k / 20} for k in range(5)]

    (run,) = read_text("".join(line.format(k=k, **row) for k, row in enumerate(rows, 1)))

    for ours, name in (("loss", "loss"), ("accuracy", "acc"), ("val_loss", "val_loss"), ("val_accuracy", "val_acc")):
        assert figures(run, ours) == pytest.approx([round(row[name], 2) for row in rows], abs=1e-9), name
    assert run.num_epochs == 5


def test_percentages_become_fractions_and_keep_their_digits() -> None:
    text = "".join(f"Epoch {k}: train_acc={80 + k}.00% val_acc={70 + k}.50%\n" for k in range(1, 6))

    (run,) = read_text(text)

    assert figures(run, "val_accuracy") == pytest.approx([0.715, 0.725, 0.735, 0.745, 0.755])
    assert run.val_accuracy_texts[0] == "0.7150"
    assert run.percent


def test_a_callbacks_own_lines_do_not_disturb_the_bars() -> None:
    lines = printed.keras3_verbose2(printed.curve(1.0, 4), 4).splitlines(keepends=True)
    noisy = "".join(
        f"Epoch {k // 2}: lr = 0.001\n{line}" if k % 2 == 0 else f"{line}Epoch {k // 2}: val_f1: 0.5, loss = 7.0\n"
        for k, line in enumerate(lines)
    )

    (run,) = read_text(noisy)

    assert run.num_epochs == 4
    assert 7.0 not in figures(run, "loss")
