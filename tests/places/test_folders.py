"""One contract for every kind of folder, and what addresses are refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from trainer.errors import ConfigError
from trainer.places import Folder, open_folder, parse_address

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import S3


@pytest.fixture(params=["local", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    place = str(tmp_path / "some" / "folder") if request.param == "local" else request.getfixturevalue("s3").url
    return open_folder(place, "test")


def test_files_are_written_found_read_copied_and_removed_by_name(folder: Folder, tmp_path: Path) -> None:
    assert (dict(folder.files()), folder.folders()) == ({}, ())
    large = bytes(range(256)) * 100_000
    (tmp_path / "large").write_bytes(large)
    folder.write("trial/note.json", b"{}")
    folder.write("top", b"1")
    folder.upload(tmp_path / "large", "trial/deep/large")
    folder.copy("trial/deep/large", "other/copy")
    assert dict(folder.files()) == {"trial/note.json": 2, "top": 1, "trial/deep/large": len(large), "other/copy": len(large)}
    assert folder.folders() == ("other", "trial")
    assert dict(folder.child("trial").files()) == {"note.json": 2, "deep/large": len(large)}
    assert folder.child("trial").read("note.json") == b"{}"
    folder.download("other/copy", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large
    folder.write("top", b"another")
    assert folder.read("top") == b"another"
    folder.remove(["trial/note.json", "trial/deep/large", "never/there"])
    assert folder.folders() == ("other",)
    folder.remove(["other/copy", "top"])
    assert (dict(folder.files()), folder.folders()) == ({}, ())


def test_a_name_that_is_not_there_is_told_apart(folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        folder.read("nothing")
    with pytest.raises(FileNotFoundError):
        folder.download("nothing", tmp_path / "target")


def test_a_store_that_refuses_or_is_away_says_where_and_what_to_do(s3: S3) -> None:
    with pytest.raises(OSError, match=r"s3://no-such-bucket-here/x could not be written: a .*; create the bucket, or correct its name"):
        open_folder("s3://no-such-bucket-here/x", "test").write("a", b"")
    s3.gate.shut()
    with pytest.raises(OSError, match=re.escape(s3.url) + r" could not be listed .*AWS_ENDPOINT_URL"):
        open_folder(s3.url, "test").files()
    s3.gate.reopen()
    assert s3.names() == []


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("s3://AKIA:secret-word@bucket/x", "storage_path: credentials stand in the address"),
        ("s3://bucket/x?endpoint_override=http://secret-word", "storage_path: options stand in the address"),
        ("s4://bucket/x", r"expected a folder, s3://BUCKET/PREFIX .*got s4://\.\.\.; did you mean s3://"),
        ("s3:///x", "names no bucket"),
        ("gs://bucket/a/../b", "take literally"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_secrets(place: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        open_folder(place, "storage_path")
    assert "secret-word" not in str(refused.value)


def test_an_address_is_read_and_written_back() -> None:
    address = parse_address("s3://bucket/a//b/", "test")
    assert str(address / "c") == "s3://bucket/a/b/c"
    assert (address.name, str(address.parent), str(parse_address("gs://bucket", "test") / "x")) == ("b", "s3://bucket/a", "gs://bucket/x")
