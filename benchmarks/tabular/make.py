"""Makes the tabular study: every configuration of every space trained to its end with every seed.

    python benchmarks/tabular/make.py            # all that is missing; may be interrupted and typed again
    python benchmarks/tabular/make.py --status   # what there is

One file is one seed of one space, `data/SPACE/seed-N.npz`; it is written whole or not at all. Files that exist are not made again. `few_shot-common`
holds the seeds that are trained a second time with one order and augmentation for all configurations. All of it takes about a quarter of an hour of one core.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from spaces import COMMON_SEEDS, COMMON_SPACE, LATE_EPOCHS, SEEDS, SPACES, Space, space, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DATA = Path(__file__).resolve().parent / "data"
COMMON_SUFFIX = "-common"
ONE_CORE = {
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
"""Environment of TensorFlow here: the matrices are too small for a second core, and the figures are those of a CPU."""


def pieces(names: Sequence[str], seeds: int) -> list[tuple[Space, int, bool]]:
    """Space, seed and whether streams are shared, of every file in the order of making: one seed of every space, then the next."""
    chosen = [each for each in SPACES if each.name in names]
    own = [(each, seed, False) for seed in range(seeds) for each in chosen]
    common = [(space(COMMON_SPACE), seed, True) for seed in range(min(seeds, COMMON_SEEDS)) if COMMON_SPACE in names]
    half = min(seeds, COMMON_SEEDS) * len(chosen)
    return own[:half] + common + own[half:]


def path_of(data: Path, of: Space, seed: int, *, common: bool) -> Path:
    """File of a seed of a space."""
    return data / (of.name + COMMON_SUFFIX * common) / f"seed-{seed}.npz"


def trained(of: Space, seed: int, *, common: bool, limit: int | None, epochs: int | None) -> dict[str, NDArray[Any]]:
    """Train all configurations of a space with a seed; the arrays of its file, as `study.py` describes them."""
    from program import train

    chosen = range(len(of.configurations))[:limit]
    groups: dict[tuple[int, int, bool], list[int]] = {}
    for each in chosen:
        settings = of.configurations[each]
        groups.setdefault((settings.width, settings.batch_size, settings.drop_remainder), []).append(each)
    images = split(of, seed)
    right = images.labels[images.val]
    arrays: dict[str, list[NDArray[Any]]] = {}
    for members in groups.values():
        run = train(of, members, seed, epochs=epochs, common=common)
        correct = run.val_classes == right
        val_correct = correct.sum(axis=2)
        best = val_correct.argmax(axis=1)
        parts = {
            "train_correct": run.train_correct.astype(np.uint16),
            "train_seen": run.train_seen.astype(np.uint16),
            "train_loss": run.train_loss,
            "val_correct": val_correct.astype(np.uint16),
            "val_loss": run.val_loss,
            "val_bits": np.packbits(correct[:, -LATE_EPOCHS:], axis=2),
            "best_epoch": best.astype(np.uint8),
            "best_classes": run.val_classes[np.arange(len(members)), best],
            "last_classes": run.val_classes[:, -1],
            "test_correct": run.test_correct.astype(np.uint16),
            "test_correct_best": run.test_correct_best.astype(np.uint16),
        }
        for name, values in parts.items():
            arrays.setdefault(name, []).append(values)
    order = np.argsort(np.concatenate(list(groups.values())))
    joined = {name: np.concatenate(values)[order] for name, values in arrays.items()}
    about = {
        "space": of.name,
        "about": of.about,
        "num_classes": len(of.classes),
        "num_train": of.num_train,
        "num_val": of.num_val,
        "num_test": int(images.test.size),
        "grid": of.grid,
        "default": of.default_index,
        "common_streams": common,
        "configurations": [asdict(of.configurations[each]) for each in chosen],
    }
    text = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    return joined | {"val_images": images.val.astype(np.uint16), "val_labels": right.astype(np.uint8), "about": text}


def write(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    draft = path.with_suffix(f".{os.getpid()}.part")
    draft.write_bytes(content.getvalue())
    draft.replace(path)


def status(data: Path, names: Sequence[str], seeds: int) -> str:
    """One line a space: files made of those planned, trainings and size."""
    lines, total, size = [], 0, 0
    planned = pieces(names, seeds)
    folders = dict.fromkeys(path_of(data, of, 0, common=common).parent for of, _, common in planned)
    for folder in folders:
        wanted = [
            path_of(data, of, seed, common=common) for of, seed, common in planned if path_of(data, of, 0, common=common).parent == folder
        ]
        made = [each for each in wanted if each.exists()]
        trainings = sum(np.load(each)["best_epoch"].size for each in made)
        kilobytes = sum(each.stat().st_size for each in made) / 1000
        total, size = total + trainings, size + kilobytes
        lines.append(f"{folder.name:24} {len(made)} of {len(wanted)} seeds  {trainings:5} trainings  {kilobytes:7.0f} kB")
    return "\n".join([*lines, f"{total} trainings, {size / 1000:.1f} MB"])


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spaces", nargs="*", metavar="SPACE", help=f"of {', '.join(each.name for each in SPACES)}; all by default")
    parser.add_argument("--status", action="store_true", help="print what there is and end")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="trainings of each configuration (default: %(default)s)")
    parser.add_argument("--configurations", type=int, help="only the first so many of each space")
    parser.add_argument("--epochs", type=int, help="fewer epochs than planned, for a smoke run")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the files (default: beside this program)")
    options = parser.parse_args()
    names = options.spaces or [each.name for each in SPACES]
    if unknown := set(names) - {each.name for each in SPACES}:
        parser.error(f"no space is named {', '.join(sorted(unknown))}; there are {', '.join(each.name for each in SPACES)}")
    if options.status:
        print(status(options.data, names, options.seeds))
        return
    todo = [piece for piece in pieces(names, options.seeds) if not path_of(options.data, piece[0], piece[1], common=piece[2]).exists()]
    os.environ.update(ONE_CORE)
    started, trainings = time.monotonic(), 0
    for number, (of, seed, common) in enumerate(todo, 1):
        arrays = trained(of, seed, common=common, limit=options.configurations, epochs=options.epochs)
        write(path_of(options.data, of, seed, common=common), arrays)
        trainings += arrays["best_epoch"].size
        elapsed = time.monotonic() - started
        left = elapsed / number * (len(todo) - number)
        name = of.name + COMMON_SUFFIX * common
        print(f"{number}/{len(todo)} {name} seed {seed}: {elapsed / trainings:.2f} s a training, {left / 60:.0f} min left", flush=True)
    print(status(options.data, names, options.seeds))


if __name__ == "__main__":
    main()
