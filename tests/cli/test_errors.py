"""Wrong input: what a person is told, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.conftest import SWEEP

if TYPE_CHECKING:
    from tests.cli.conftest import Shell


def test_unknown_key_is_placed_and_the_nearest_is_proposed(shell: Shell) -> None:
    (shell.folder / "sweep.yaml").write_text(SWEEP.replace("epochs: 6", "epoks: 6"))
    done = shell.run("run", "sweep.yaml")
    assert done.returncode == 2
    assert "sweep.yaml:7: training.epoks" in done.stderr
    assert "did you mean 'epochs'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(shell.folder.glob("*.db*")), "nothing is written for a wrong file"


def test_missing_sweep_file(shell: Shell) -> None:
    done = shell.ask("check", "nowhere.yaml")
    assert done.returncode == 2
    assert "nowhere.yaml" in done.stderr


def test_password_on_the_command_line_is_refused_and_not_repeated(shell: Shell) -> None:
    done = shell.ask("status", "--storage", "postgresql://me:hunter2@localhost/db")
    assert done.returncode == 2
    assert "${VARIABLE}" in done.stderr
    assert "hunter2" not in done.stderr


def test_no_storage_to_be_told(shell: Shell) -> None:
    done = shell.ask("status")
    assert done.returncode == 2
    assert "--storage" in done.stderr


def test_unknown_study_lists_those_that_are_there(swept: Shell) -> None:
    done = swept.ask("report", "tiny-digit", "--storage", "sqlite:///tiny-digits.db")
    assert done.returncode == 2
    assert "tiny-digits" in done.stderr


def test_changed_settings_need_a_new_study(swept: Shell) -> None:
    (swept.folder / "other.yaml").write_text(SWEEP.replace("batch_size: 20", "batch_size: 10"))
    done = swept.ask("run", "other.yaml", "--executor", "inline")
    assert done.returncode == 2
    assert "training.batch_size: 20 -> 10" in done.stderr


def test_worthless_setup_is_found_before_anything_is_trained(shell: Shell) -> None:
    (shell.folder / "sweep.yaml").write_text(SWEEP.replace("validation: 100", "validation: train"))
    done = shell.run("run", "sweep.yaml", "--executor", "inline")
    assert done.returncode == 2
    assert "allow: [" in done.stderr
    assert not list(shell.folder.glob("*.db*"))


def test_unexpected_error_keeps_its_traceback_in_a_file(shell: Shell) -> None:
    (shell.folder / "sweep.yaml").mkdir()
    done = shell.run("train", "sweep.yaml")
    assert done.returncode in (2, 3)
    assert "Traceback (most recent call last)" not in done.stderr
