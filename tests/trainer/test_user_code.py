"""A person's own functions: a file with the name of one of our packages is told, and errors in their code are told as theirs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydantic import ValidationError

from trainer.config import DataConfig, ModelConfig
from trainer.data import load_data
from trainer.errors import ConfigError, DataError
from trainer.user_code import OUR_PACKAGES, call_function, import_function

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, as beside a sweep file; modules imported from it are forgotten after the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


@pytest.mark.parametrize("package", OUR_PACKAGES)
def test_a_file_that_our_package_hides_is_named_with_the_way_out(package: str, folder: Path) -> None:
    (folder / f"{package}.py").write_text("def net(input_shape):\n    return None\n")
    with pytest.raises(ValidationError, match=rf"installed package '{package}'.*Rename yours, e.g. to my_{package}.py.*my_{package}:net"):
        ModelConfig(backbone=f"{package}:net")
    with pytest.raises(ValidationError, match=rf"my_{package}.loaders:load"):
        DataConfig(source=f"{package}.loaders:load")


def test_a_module_of_ours_can_be_named(folder: Path) -> None:  # noqa: ARG001 - its presence is the point
    assert ModelConfig(backbone="trainer.network.small_networks:small_resnet").backbone.startswith("trainer.")
    assert import_function("trainer.data.split:split", "data.source").__module__ == "trainer.data.split"


def test_files_beside_the_sweep_file_never_hide_ours(tmp_path: Path) -> None:
    for package in OUR_PACKAGES:
        (tmp_path / f"{package}.py").write_text("raise RuntimeError('the person\\'s file was imported in place of ours')\n")
    (tmp_path / "my_data.py").write_text("import numpy as np\ndef load():\n    return np.zeros((20, 4, 4), np.uint8), ['x', 'y'] * 10\n")
    program = (
        "import os, sys\nfrom trainer.config import DataConfig\nfrom trainer.data import load_data\nos.chdir(sys.argv[1])\n"
        "data = load_data(DataConfig(source='my_data:load'))\nimport reports.stability, search_spaces, sweeps\n"
        "print(data.class_names)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout == "('x', 'y')\n", done.stderr


def test_an_error_in_the_function_names_its_file_and_line(folder: Path) -> None:
    (folder / "my_broken.py").write_text(
        "import numpy as np\n\ndef load():\n    return np.zeros(3) + deep()\n\ndef deep():\n    raise KeyError('pixels')\n"
        "\ndef within_numpy():\n    return np.concatenate([])\n"
    )
    with pytest.raises(DataError, match=r"data\.source: 'my_broken:load' raised KeyError: 'pixels' \(.*my_broken\.py, line 7, in deep\)"):
        load_data(DataConfig(source="my_broken:load"))
    with pytest.raises(DataError, match=r"raised ValueError: .*my_broken\.py, line 10, in within_numpy\).* not in Steadysweep"):
        load_data(DataConfig(source="my_broken:within_numpy"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import no_such_package_at_all\n", r"raised ModuleNotFoundError: .*no_such_package_at_all.*line 1"),
        ("def net(:\n", r"raised SyntaxError: .*my_module\.py, line 1"),
        ("x = 1\ny = x / 0\n", r"raised ZeroDivisionError: .*my_module\.py, line 2"),
        ("def other():\n    pass\n", "module 'my_module' has no function 'net'"),
        ("net = 3\n", "is a int, not a function"),
        ("def net(size):\n    return size\n", "unexpected keyword argument 'input_shape'"),
    ],
)
def test_what_is_wrong_with_a_module_is_told_as_theirs(text: str, says: str, folder: Path) -> None:
    (folder / "my_module.py").write_text(text)
    with pytest.raises(ConfigError, match=says):
        call_function("my_module:net", "model.backbone", input_shape=(8, 8, 1))


def test_a_function_may_import_a_neighbour_when_it_is_called(folder: Path) -> None:
    (folder / "my_neighbour.py").write_text("IMAGES = 20\n")
    (folder / "my_lazy.py").write_text(
        "import numpy as np\ndef load():\n    import my_neighbour\n    n = my_neighbour.IMAGES\n"
        "    return np.zeros((n, 4, 4), np.uint8), np.arange(n) % 2\n"
    )
    images, labels = call_function("my_lazy:load", "data.source")
    assert images.shape == (20, 4, 4)
    assert np.array_equal(labels[:2], [0, 1])
    assert str(folder) not in sys.path
