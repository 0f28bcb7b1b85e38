"""Packages of ``runtime.pip``: Ray installs them before the first trial, or the sweep says what pip said."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from sweeps.record import read_study
from sweeps.record.study_record import study_exists

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "words_of_mine-1.0-py3-none-any.whl"
WHEEL_FILES = {
    "words_of_mine.py": "",
    "words_of_mine-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: words-of-mine\nVersion: 1.0\n",
    "words_of_mine-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
RECORD = "words_of_mine-1.0.dist-info/RECORD"

BACKBONE = """
import os
from pathlib import Path


def backbone(input_shape):
    import keras

    try:
        import words_of_mine as words
    except ImportError:
        words = None  # the driver builds the model for its checks
    (Path(os.environ["NOTES"]) / str(os.getpid())).write_text(words.__file__ if words else "not there")
    image = keras.Input(input_shape)
    return keras.Model(image, keras.layers.Conv2D(4, 3)(image))
"""

SWEEP = """
study: packages
data: {{source: digits}}
model: {{backbone: "parts_with_words:backbone"}}
training: {{epochs: 1, batch_size: 200}}
space: {{learning_rate: {{choice: [0.01]}}}}
search: {{trials: 1, sampler: grid}}
resources: {{cpu: 1, concurrent: 1}}
runtime: {{py_modules: [parts_with_words], env: {{NOTES: "{notes}"}}, pip: ["{package}"]}}
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of a virtual environment without packages of its own, since Ray copies the one that it runs in."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True, with_pip=False)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "the_tests_own.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    return folder / "bin" / "python"


def run(python: Path, folder: Path, package: str) -> subprocess.CompletedProcess[str]:
    module = folder / "parts_with_words"
    module.mkdir()
    (module / "__init__.py").write_text(BACKBONE)
    (folder / "notes").mkdir()
    (folder / "sweep.yaml").write_text(SWEEP.format(notes=folder / "notes", package=package))
    environment = {**os.environ, "PIP_NO_INDEX": "1", "RUNTIME_ENV_RETRY_TIMES": "1"}
    command = [str(python), "-m", "sweeps.cli", "run", "sweep.yaml"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_package_is_installed_for_the_trials_alone(python: Path, tmp_path: Path) -> None:
    with ZipFile(tmp_path / WHEEL, "w") as wheel:
        for name, content in WHEEL_FILES.items():
            wheel.writestr(name, content)
        wheel.writestr(RECORD, "".join(f"{name},,\n" for name in (*WHEEL_FILES, RECORD)))
    done = run(python, tmp_path, str(tmp_path / WHEEL))
    assert done.returncode == 0, done.stderr
    assert f"installing {tmp_path / WHEEL} on each machine" in done.stderr
    (trial,) = read_study(f"sqlite:///{tmp_path}/packages.db", "packages").trials
    assert trial.state == "COMPLETE", trial.error
    found = [note.read_text() for note in (tmp_path / "notes").iterdir()]
    assert "not there" in found, "in the driver"
    assert any(place.endswith("words_of_mine.py") for place in found), "in the worker"


def test_a_package_that_pip_does_not_find_is_told_before_any_trial(python: Path, tmp_path: Path) -> None:
    done = run(python, tmp_path, "words-that-nobody-has==1.0")
    assert done.returncode == 1
    assert "ERROR: No matching distribution found for words-that-nobody-has==1.0" in done.stderr
    assert "Traceback" not in done.stderr
    assert not study_exists(f"sqlite:///{tmp_path}/packages.db", "packages")
