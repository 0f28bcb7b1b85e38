"""A training that shares activations, for tests to kill: ``python sharing_training.py CACHE FOLDER WEIGHTS SEED ACT``.

It prints ``wants N`` before the N-th set of activations that it looks for: the validation images, then each epoch. With the ACT ``dies`` it kills itself in the
middle of writing the second epoch, with ``stops`` it stays there until it is killed; with ``trains`` it does neither.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tiny_trainings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer import TrainConfig

SECOND_EPOCH = 3
"""Its place among the sets that a training looks for."""


def sharing_config(cache: Path, weights: str, seed: int) -> TrainConfig:
    """Three epochs of two chunks of images each."""
    return settings(
        3,
        {"frozen_layers": "all", "dense": [8], "dropout": 0.2, "weights": weights},
        {"checkpoint_every": 1},
        data={"cache_path": str(cache), "augmentation": "light", "split": {"train": 100, "validation": 50, "test": 40}},
        seed=seed,
        data_seed=7,
    )


def main(cache: Path, folder: Path, weights: str, seed: int, act: str) -> None:
    """Train, and write the curves to ``curves.json`` in the folder."""
    from trainer import train
    from trainer.network import activations, features, frozen_plan

    frozen_plan.PAYS_FROM = 0.0  # the tiny network's activations are as quick to compute as to read
    hold, computed = activations.hold, features.Features._computed
    wanted = 0

    def told_hold(*arguments: Any) -> Any:  # noqa: ANN401 - what it calls
        nonlocal wanted
        wanted += 1
        print(f"wants {wanted}", flush=True)
        return hold(*arguments)

    def deadly(self: features.Features, key: activations.Key, batches: Any) -> Iterator[Any]:  # noqa: ANN401 - what it calls
        for chunk in computed(self, key, batches):
            yield chunk
            if wanted == SECOND_EPOCH and act != "trains":
                print("writes", flush=True)
                os.kill(os.getpid(), signal.SIGKILL if act == "dies" else signal.SIGSTOP)

    activations.hold = told_hold
    features.Features._computed = deadly  # type: ignore[method-assign]
    result = train(sharing_config(cache, weights, seed), checkpoint_dir=folder, trainings=9)
    (folder / "curves.json").write_text(json.dumps({name: list(curve) for name, curve in result.curves.items()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5])
