from collections.abc import Callable
from pathlib import Path

import pytest

from sweeps.errors import SweepInputError
from sweeps.sweep_file import SweepFile, load_sweep_file

FULL = Path(__file__).parents[1] / "data" / "sweep_file" / "full.yaml"


@pytest.fixture(scope="session")
def full_text() -> str:
    """A sweep file with every key of the schema."""
    return FULL.read_text(encoding="utf-8")


@pytest.fixture
def full() -> SweepFile:
    return load_sweep_file(FULL)


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., SweepFile]:
    """Loads the text of a sweep file from a folder of its own, as sweep.yaml."""

    def loaded(text: str, *overrides: str) -> SweepFile:
        (tmp_path / "sweep.yaml").write_text(text, encoding="utf-8")
        return load_sweep_file(tmp_path / "sweep.yaml", overrides)

    return loaded


@pytest.fixture
def refused(tmp_path: Path, load: Callable[..., SweepFile]) -> Callable[..., str]:
    """The message for a sweep file that must be refused, without its folder."""

    def message(text: str, *overrides: str) -> str:
        with pytest.raises(SweepInputError) as caught:
            load(text, *overrides)
        assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return message
