"""TensorBoard event files, written here byte by byte: both value styles, several fits, damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports.errors import ReportInputError
from reports.logs import read_log
from reports.logs.event_files import masked_crc
from tests.reports.logs.event_files import GRAPH, event, simple, tensor, write

if TYPE_CHECKING:
    from pathlib import Path


def test_the_checksum_is_that_of_the_format() -> None:
    # RFC 3720, B.4: CRC-32C of 32 zero bytes is 8A9136AA; masked as record_writer.h does
    crc = 0x8A9136AA
    assert masked_crc(bytes(32)) == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_tensorflow_1_style(tmp_path: Path) -> None:
    figures = [(0.5, 0.25), (0.75, 0.5)]
    path = write(
        tmp_path / "events.out.tfevents.1", GRAPH, *(event(k, simple("acc", a), simple("val_acc", v)) for k, (a, v) in enumerate(figures))
    )

    (run,) = read_log(path)

    assert run.curves["accuracy"].tolist() == [0.5, 0.75]
    assert run.curves["val_accuracy"].tolist() == [0.25, 0.5]
    assert run.format == "TensorBoard events"


@pytest.mark.parametrize("style", ["content", "floats", "doubles", "double content"])
def test_tensorflow_2_style_over_two_folders(tmp_path: Path, style: str) -> None:
    batches = [event(k, tensor("batch_loss", 9.0, style)) for k in range(40)]
    write(
        tmp_path / "train" / "events.out.tfevents.1.v2",
        GRAPH,
        *batches,
        *(event(k, tensor("epoch_loss", 0.5 - k / 8, style)) for k in range(3)),
    )
    evaluations = [event(100 * k, tensor("evaluation_loss_vs_iterations", 9.0, style)) for k in range(3)]
    write(
        tmp_path / "validation" / "events.out.tfevents.2.v2",
        *evaluations,
        *(event(k, tensor("epoch_accuracy", k / 4, style)) for k in range(3)),
    )

    (run,) = read_log(tmp_path)

    assert run.curves["loss"].tolist() == [0.5, 0.375, 0.25]
    assert run.curves["val_accuracy"].tolist() == [0.0, 0.25, 0.5]


def test_several_runs_and_several_fits(tmp_path: Path) -> None:
    for run in ("small", "large"):
        for number in (1, 2):
            events = [event(k, tensor("epoch_loss", number + k)) for k in range(3)]
            write(tmp_path / run / "train" / f"events.out.tfevents.{number}", *events)
            write(tmp_path / run / "validation" / f"events.out.tfevents.{number}", *events)

    runs = read_log(tmp_path)

    assert [run.name for run in runs] == ["large, fit 1", "large, fit 2", "small, fit 1", "small, fit 2"]
    assert all(run.curves["val_loss"].tolist() == run.curves["loss"].tolist() for run in runs)
    assert runs[1].curves["loss"].tolist() == [2, 3, 4]


def test_training_figures_of_every_batch_are_taken_at_validations(tmp_path: Path) -> None:
    events = [event(k, tensor("Loss/train", 1000.0 - k), *([tensor("Accuracy/val", k / 1000)] if k % 50 == 49 else [])) for k in range(200)]
    (run,) = read_log(write(tmp_path / "events.out.tfevents.1", *events))

    assert run.num_epochs == 4
    assert run.curves["val_accuracy"].tolist() == pytest.approx([0.049, 0.099, 0.149, 0.199])
    assert run.curves["loss"].tolist() == [951, 901, 851, 801]


@pytest.mark.parametrize("cut", [3, 9, 20, 40])
def test_a_file_of_a_killed_training_is_read_up_to_its_end(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "events.out.tfevents.1", *(event(k, simple("loss", 1.0 + k)) for k in range(3)))
    path.write_bytes(path.read_bytes()[:-cut])

    (run,) = read_log(path)

    assert run.curves["loss"].tolist() == [1, 2]
    assert "ends within a record" in run.notes[0]


def test_damage_stops_reading_and_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "events.out.tfevents.1", *(event(k, simple("loss", 1.0 + k)) for k in range(3)))
    content = bytearray(path.read_bytes())
    content[-8] ^= 0xFF
    path.write_bytes(bytes(content))

    (run,) = read_log(path)

    assert run.num_epochs == 2
    assert "checksum" in run.notes[0]


def test_a_folder_without_events_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "weights.h5").write_bytes(b"x")

    with pytest.raises(ReportInputError, match=r"without trainings.*no TensorBoard event files.*found weights\.h5"):
        read_log(tmp_path)


def test_events_without_metrics(tmp_path: Path) -> None:
    with pytest.raises(ReportInputError, match="no scalar"):
        read_log(write(tmp_path / "events.out.tfevents.1", event(0, simple("gradients/norm", 1.0))))
