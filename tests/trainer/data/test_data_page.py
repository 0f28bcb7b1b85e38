"""docs/data.md names every setting, policy, parameter and finding, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trainer.augmentation import policies
from trainer.config import DataConfig, SplitConfig
from trainer.preflight import finding_names

PAGE = (Path(__file__).parents[3] / "docs" / "data.md").read_text()


@pytest.mark.parametrize(
    "words",
    [
        *(f"| `data.{name}` |" for name in DataConfig.model_fields),
        *(f"| `data.split.{name}` |" for name in SplitConfig.model_fields),
        *(f"| `{name}` | {' '.join(text.split())}".replace("``", "`") for name, text in finding_names().items()),
        *(f"| `{name}` | {text}" for name, (text, _) in policies().items()),
        *(f"`{key}: {value}`" for _, parameters in policies().values() for key, value in parameters.items()),
    ],
)
def test_the_page_says_what_the_types_say(words: str) -> None:
    assert words in PAGE


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(program, "docs/data.md", "exec"), {})  # noqa: S102 - our own page
    assert capsys.readouterr().out.startswith("(8, 8, 1) ('0', '1'")
