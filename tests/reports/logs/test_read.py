"""Where logs come from, and what is said about those that cannot be read."""

from __future__ import annotations

import gzip
import io
import pickle
import sys
from typing import TYPE_CHECKING

import printed_logs as printed
import pytest

from reports.errors import ReportInputError
from reports.logs import read_log, read_text

if TYPE_CHECKING:
    from pathlib import Path

LOG = printed.keras3_ansi(printed.curve(1.0, 4), 4)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "train.log"
    path.write_bytes(LOG.encode(encoding))

    (run,) = read_log(path)

    assert run.num_epochs == 4


def test_bytes_that_are_no_text_in_between_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_bytes(LOG.encode().replace(b"Epoch 2/4", b"\xff\xfe\x00caf\xe9\nEpoch 2/4"))

    (run,) = read_log(path)

    assert run.num_epochs == 4


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "train.log.gz"
    path.write_bytes(gzip.compress(LOG.encode()))

    (run,) = read_log(path)

    assert run.num_epochs == 4


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LOG.encode())))

    (run,) = read_log("-")

    assert (run.source, run.num_epochs) == ("-", 4)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (pickle.dumps({"loss": [1.0]}), "pickle"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"PK\x03\x04....", "ZIP"),
        (b"\x1f\x8b broken", "cannot be read"),
        (b"Hello,\nthis is a letter.\n", r"first lines: 'Hello,' \| 'this is a letter\.'"),
        (b"name,size\nx,1\n", "name,size"),
        (b"\x00\x01\x02\x03" * 40, "no training found"),
        (b"Epoch 1/10\nEpoch 2/10\n", "no training found"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "train.log"
    path.write_bytes(content)

    with pytest.raises(ReportInputError, match=reason) as error:
        read_log(path)

    assert "train.log" in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ReportInputError, match="No such file"):
        read_log(tmp_path / "nothing.log")


def test_the_message_names_every_format_looked_for() -> None:
    with pytest.raises(ReportInputError, match=r"Keras console log.*CSVLogger.*JSON.*notebook.*TensorBoard"):
        read_text("nothing of interest")
