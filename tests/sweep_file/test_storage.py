from collections.abc import Callable

import pytest
from pydantic import ValidationError

from sweeps.errors import SweepInputError
from sweeps.record.storage import check_storage
from sweeps.sweep_file import SweepFile, sweep_from_text
from sweeps.variables import expand, has_literal_password, masked
from trainer.config import DataConfig

CANARY = "c4n4ry-s3cret"
BASE = "study: s\ndata: {source: digits}\nspace: quick\n"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///study.db",
        "sqlite:////tmp/study.db",
        "postgresql://db/studies",
        "postgresql+psycopg://me@db:5432/studies",
        "postgresql+psycopg://me:${PASSWORD}@db/studies",
        "postgresql+psycopg://${USER}:${PASSWORD}@${HOST}/studies?sslmode=require",
        "${DATABASE_URL}",
    ],
)
def test_storages_that_can_be_stored_in_the_clear(url: str) -> None:
    assert check_storage(url) == url
    assert not has_literal_password(url)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{CANARY}@db/studies",
        f"postgresql+psycopg://me:{CANARY}/x@y@db/studies",
        f"postgresql+psycopg://me:${{PART}}{CANARY}@db/studies",
        f"postgresql://db/studies?password={CANARY}",
        f"postgresql://db/studies?user=me&password={CANARY}&sslmode=require",
        f"mysql://me:{CANARY}@db/studies",
        f"postgresql://me:{CANARY}@db:a:b/studies",
    ],
)
def test_passwords_are_refused_and_appear_nowhere(url: str, refused: Callable[..., str]) -> None:
    for message in (refused(BASE + f"storage: '{url}'\n"), refused(BASE, f"storage={url}"), masked(url)):
        assert CANARY not in message
    assert "a password stands in the URL" in refused(BASE + f"storage: '{url}'\n")
    with pytest.raises(ValidationError) as caught:
        SweepFile(study="s", data=DataConfig(source="digits"), space="quick", storage=url)  # type: ignore[arg-type]
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("key", ["storage_path", "data.source", "data.cache_path"])
def test_a_password_for_other_places_is_refused(key: str, refused: Callable[..., str]) -> None:
    message = refused(BASE, f"{key}=s3://me:{CANARY}@bucket/prefix")
    assert message.startswith(f"--set {key}: ")
    assert "a password stands in the URL" in message
    assert CANARY not in message


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://db/studies", "expected sqlite:///FILE.db or postgresql"),
        ("study.txt", "expected a URL"),
        ("sqlite://", "expected a file, as in sqlite:///study.db"),
        ("sqlite:///:memory:", "a study in memory cannot be continued"),
        ("sqlite://study.db", "expected a file"),
        ("postgres://db/x", "got postgres://..."),
        (f"5{CANARY}", "got text without '://'"),
    ],
)
def test_other_storages_are_refused(url: str, message: str, refused: Callable[..., str]) -> None:
    found = refused(BASE + f"storage: '{url}'\n")
    assert found.startswith("sweep.yaml:4: storage: ")
    assert message in found
    assert CANARY not in found


def test_variables_are_expanded_apart_and_stored_as_written(load: Callable[..., SweepFile]) -> None:
    sweep = load(BASE + "storage: postgresql+psycopg://me:${PASSWORD}@db/x\nstorage_path: ${HOME}/runs\n")
    assert "${PASSWORD}" in sweep.to_yaml()
    assert expand(str(sweep.storage), {"PASSWORD": CANARY}) == f"postgresql+psycopg://me:{CANARY}@db/x"
    assert expand("plain $HOME ${A}${B}", {"A": "1", "B": "${A}"}) == "plain $HOME 1${A}"
    with pytest.raises(SweepInputError, match=r"\$\{PASSWORD\}, \$\{OTHER\}: not set in the environment.*export PASSWORD="):
        expand("${PASSWORD}${OTHER}${HOME}", {"HOME": CANARY})


@pytest.mark.parametrize(
    ("written", "url"), [("flowers.db", "sqlite:///flowers.db"), ("/data/flowers.sqlite3", "sqlite:////data/flowers.sqlite3")]
)
def test_a_sqlite_file_may_be_written_as_its_path(written: str, url: str) -> None:
    assert sweep_from_text(BASE + f"storage: '{written}'\n").storage == url
