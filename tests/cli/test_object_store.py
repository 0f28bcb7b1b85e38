"""A sweep whose data, checkpoints and models lie on an S3-compatible server, as a person runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from sklearn.datasets import load_digits

from trainer.places import open_folder

if TYPE_CHECKING:
    from conftest import S3, Shell

SWEEP = """\
study: stored
storage_path: {url}/checkpoints
data: {{source: {url}/arrays.npz, cache_path: cache, split: {{train: 60, validation: 60, test: 30}}}}
model: {{backbone: small_resnet, options: {{filters: [4, 8]}}, bn_momentum: 0.5}}
training: {{epochs: 6, batch_size: 20}}
space: {{learning_rate: {{choice: [0.001, 0.01]}}}}
search: {{trials: 2, sampler: grid, pruner: none}}
confirm: off
resources: {{cpu: 1, concurrent: 1}}
"""
STORAGE = ("--storage", "sqlite:///stored.db")


def test_a_sweep_on_object_storage_is_checked_run_exported_and_keeps_no_secret(shell: Shell, s3: S3) -> None:
    folder = shell.folder
    digits = load_digits()
    np.savez(folder / "arrays.npz", x=digits.images[:200] * 15, y=digits.target[:200])
    store = open_folder(s3.url, "test")
    store.upload(folder / "arrays.npz", "arrays.npz")
    (folder / "arrays.npz").unlink()
    (folder / "sweep.yaml").write_text(SWEEP.format(url=s3.url))

    checked = shell.run("check", "sweep.yaml", "--no-batch", "--format", "json", **s3.environment)
    assert checked.returncode == 0, checked.stderr
    assert set(store.files()) == {"arrays.npz"}  # nothing is left of the try
    wrong = shell.run("check", "sweep.yaml", "--no-batch", "--set", "storage_path=s3://no-such-bucket-here/x", **s3.environment)
    assert wrong.returncode == 2
    assert "storage_path: checkpoints cannot be written there" in wrong.stderr
    assert "create the bucket" in wrong.stderr

    done = shell.run("run", "sweep.yaml", **s3.environment)
    assert done.returncode == 0, done.stderr
    expected = {"checkpoints/study.json", "checkpoints/data.json.gz"} | {
        f"checkpoints/0000{trial}/{name}" for trial in (0, 1) for name in ("model.keras", "export.json")
    }
    assert {name for name in store.files() if not name.endswith("test.json")} == expected | {"arrays.npz"}
    assert not (folder / "runs").exists()

    exported = shell.run("export", "stored", "--rank", "1", "-o", "best", *STORAGE, **s3.environment)
    assert exported.returncode == 0, exported.stderr
    assert (folder / "best" / "model.keras").stat().st_size > 1000
    status = json.loads(shell.ask("status", "stored", *STORAGE, "--format", "json").stdout)
    assert status["studies"][0]["states"]["COMPLETE"] == 2

    secrets = [s3.environment["AWS_ACCESS_KEY_ID"].encode(), s3.environment["AWS_SECRET_ACCESS_KEY"].encode()]
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert folder / "stored.db" in kept
    assert folder / "stored.html" in kept
    for path in kept:
        assert not any(secret in path.read_bytes() for secret in secrets), path
    for name in store.files():
        assert not any(secret in store.read(name) for secret in secrets), name
    assert not any(secret.decode() in done.stdout + done.stderr for secret in secrets)


def test_a_model_that_is_damaged_on_the_store_is_not_exported(shell: Shell, s3: S3, swept: Shell) -> None:
    """The finished sweep of the other tests, its models moved to the store and one byte changed."""
    place = open_folder(s3.url, "test")
    for path in (swept.folder / "runs" / "tiny-digits").rglob("*"):
        if path.is_file():
            place.upload(path, path.relative_to(swept.folder / "runs" / "tiny-digits").as_posix())
    (shell.folder / "tiny-digits.db").write_bytes((swept.folder / "tiny-digits.db").read_bytes())
    storage = ("--storage", "sqlite:///tiny-digits.db")
    resumed = shell.run("resume", "tiny-digits", *storage, "--set", f"storage_path={s3.url}", "--executor", "inline", **s3.environment)
    assert resumed.returncode == 0, resumed.stderr
    good = shell.run("export", "tiny-digits", "--rank", "1", "-o", "good", *storage, **s3.environment)
    assert good.returncode == 0, good.stderr
    for trial in place.folders():
        model = place.read(f"{trial}/model.keras")
        place.write(f"{trial}/model.keras", model[:-1] + bytes([model[-1] ^ 1]))
    bad = shell.run("export", "tiny-digits", "--rank", "1", "-o", "bad", *storage, **s3.environment)
    assert bad.returncode == 1
    assert "model.keras is damaged: its checksum is not the one in export.json" in bad.stderr
    assert not (shell.folder / "bad").exists()
