"""The section `runtime`: what it refuses, and that no secret of it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = "study: s\ndata: {source: digits}\nspace: quick\n"
CANARY = "canary-51c0-not-for-disk"


@pytest.mark.parametrize(
    ("runtime", "words"),
    [
        ("{working_dir: 's3://bucket/code.zip'}", "expected a folder that the driver can read"),
        ("{tune: {callbacks: [my_callbacks]}}", "expected package.module:Class, got 'my_callbacks'"),
        ("{tune: {folder: 's3://me:secret@host/tuned'}}", "a password stands here in the clear"),
        ("{py_modules: ['https://host/a.whl']}", "name a package of an index under runtime.pip"),
        ("{pip: ['  ']}", "expected a requirement such as"),
        ("{pip: ['--index-url https://me:word@host/simple']}", "Ray writes it to its logs"),
        ("{pip: ['pkg @ https://${TOKEN}@host/pkg.whl']}", "Ray writes it to its logs"),
        ("{env: {CUDA_VISIBLE_DEVICES: '0'}}", "see resources.gpu"),
        ("{env: {PYTHONPATH: lib}}", "use runtime.working_dir"),
        ("{env: {LD_LIBRARY_PATH: /opt/cuda}}", "set it on the nodes"),
        ("{env: {RAY_memory_usage_threshold: '0.9'}}", "set it on the nodes"),
        ("{env: {9LIVES: 'yes'}}", "no name of an environment variable"),
        ("{env: {OMP_NUM_THREADS: 4}}", "write it in quotes: OMP_NUM_THREADS: '4'"),
        ("{env: [A, B]}", "expected a mapping"),
        ("{modules: [a]}", "unknown key; did you mean 'py_modules'?"),
    ],
)
def test_what_cannot_travel_is_refused_at_its_line(runtime: str, words: str, refused: Callable[..., str]) -> None:
    message = refused(BASE + f"runtime: {runtime}\n")
    assert words in message
    assert ":4: runtime" in message


@pytest.mark.parametrize(
    "env",
    [
        f"{{WANDB_API_KEY: {CANARY}}}",
        f"{{HF_TOKEN: {CANARY}}}",
        f"{{AWS_SECRET_ACCESS_KEY: '{CANARY}${{REST}}'}}",
        f"{{DATABASE: 'postgresql://me:{CANARY}@host/db'}}",
        "{MY_PASSWORD: 5151}",
    ],
)
def test_a_secret_in_the_clear_is_refused_and_not_repeated(env: str, refused: Callable[..., str]) -> None:
    message = refused(BASE + f"runtime: {{env: {env}}}\n")
    assert "a secret stands here in the clear" in message
    assert CANARY not in message
    assert "5151" not in message


def test_variables_are_stored_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", CANARY)
    env = "{HF_TOKEN: '${HF_TOKEN}', TOKENIZERS_PARALLELISM: 'false', KEY_FILE: /etc/key, TOKEN_PATH: /etc/token}"
    sweep = sweep_from_text(BASE + f"runtime: {{env: {env}}}\n")
    assert sweep.runtime.env["HF_TOKEN"].startswith("${")
    assert CANARY not in sweep.to_yaml()
    assert sweep_from_text(sweep.to_yaml()) == sweep


@pytest.mark.parametrize("gpu", [0.25, 1, 2])
def test_a_share_of_a_gpu_or_whole_gpus(gpu: float) -> None:
    assert sweep_from_text(BASE + f"resources: {{gpu: {gpu}}}\n").resources.gpu == gpu


def test_a_gpu_and_a_half_is_refused(refused: Callable[..., str]) -> None:
    assert "a whole number of GPUs, got 1.5" in refused(BASE + "resources: {gpu: 1.5}\n")
