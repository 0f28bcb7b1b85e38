"""Keras is imported without scikit-learn, and its wrappers are there for whoever asks for one."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import trainer
import keras
from trainer.data.sources.shipped import collect_digits
images = collect_digits().content
print([name for name in ("sklearn", "scipy.stats") if name in sys.modules])
from keras.wrappers import SKLearnClassifier
import numpy as np
from sklearn.datasets import load_digits
print(SKLearnClassifier.__name__, np.array_equal(images[..., 0], np.rint(load_digits().images * (255 / 16))))
"""


def test_scikit_learn_is_imported_when_a_wrapper_is_asked_for_and_the_digits_are_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]", "SKLearnClassifier True"]
