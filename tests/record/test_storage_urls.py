"""Which storages are accepted, and what is refused with what advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.record import Storage, StorageUnavailableError, StorageUrlError, list_studies
from sweeps.record.ownership import lock_file
from sweeps.record.storage import filesystem_type, refuse_network_file
from sweeps.variables import has_literal_password

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
//server/share /mnt/my\\040share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sqlite:///study.db", "sqlite:///study.db"),
        ("sqlite:////data/study.db", "sqlite:////data/study.db"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:***@h/d"),
    ],
)
def test_sqlite_files_and_postgresql_are_accepted(text: str, expected: str) -> None:
    assert Storage(text).place == expected


@pytest.mark.parametrize(
    "text", ["mysql://h/d", "postgresql+psycopg2://h/d", "sqlite://", "sqlite:///:memory:", "study.db", "oracle+x://a:secretword@h"]
)
def test_other_storages_are_refused_with_those_that_work(text: str) -> None:
    with pytest.raises(StorageUrlError, match=r"sqlite:///FILE\.db or postgresql\+psycopg") as caught:
        _ = Storage(text).url
    assert "secretword" not in str(caught.value)


def test_variables_are_expanded_at_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEP_PW", "hunter2")
    storage = Storage("postgresql://u:${SWEEP_PW}@h/d")
    assert storage.url.password == "hunter2"  # noqa: S105 - of nothing
    assert "hunter2" not in f"{storage!r} {storage} {storage.place}"
    monkeypatch.delenv("SWEEP_PW")
    with pytest.raises(StorageUrlError, match=r"SWEEP_PW.*not set"):
        _ = Storage("postgresql://u:${SWEEP_PW}@h/d").url


def test_passwords_in_plain_are_known_from_variables() -> None:
    assert has_literal_password("postgresql://u:p@h/d")
    assert "secretword" not in f"{Storage('postgresql://u:secretword@h/d')} {Storage('postgresql://u:secretword@h/d')!r}"
    assert not has_literal_password("postgresql://u:${PW}@h/d")
    assert not has_literal_password("postgresql://u@h/d")
    assert not has_literal_password("sqlite:///a.db")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/home/a/b.db", "nfs4"), ("/home/local/b.db", "ext4"), ("/tmp/b.db", "ext4"), ("/mnt/my share/b.db", "cifs")],  # noqa: S108
)
def test_the_file_system_of_a_path_is_that_of_its_nearest_mount(path: str, kind: str) -> None:
    assert filesystem_type(Path(path), MOUNTS) == kind


def test_a_network_file_system_is_refused_with_the_line_to_use(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs rw 0 0\n")
    with pytest.raises(StorageUrlError, match=r"network file system \(nfs\)(.|\n)*storage: postgresql\+psycopg://"):
        refuse_network_file(tmp_path / "a.db", mounts)
    mounts.write_text("/dev/sda1 / ext4 rw 0 0\n")
    refuse_network_file(tmp_path / "a.db", mounts)


def test_a_server_that_does_not_answer_and_a_file_that_is_no_database_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailableError, match="the server does not answer") as caught:
        list_studies("postgresql://u:secretword@127.0.0.1:1/d")
    assert "secretword" not in str(caught.value)
    (tmp_path / "notes.db").write_text("these are notes, " * 100)
    with pytest.raises(StorageUnavailableError, match=r"notes\.db is no SQLite database"):
        list_studies(f"sqlite:///{tmp_path}/notes.db")


def test_studies_that_share_a_file_have_locks_of_their_own() -> None:
    names = {lock_file(Path("/a/b.db"), study).name for study in ("flowers", "flowers 2", "flowers-2", "é/è", "è/é")}
    assert len(names) == 5
    assert "b.db.flowers.lock" in names
