"""What tests of the importers share."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def real_fits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with what real trainings print and write (see real_fits.py); Keras runs in a process of its own."""
    folder = tmp_path_factory.mktemp("real_fits")
    script = Path(__file__).parent / "real_fits.py"
    done = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder
