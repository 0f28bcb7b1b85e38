from __future__ import annotations

from pathlib import Path

from trainer.config.reference import SECTIONS, options_markdown, updated

PAGE = Path(__file__).parents[3] / "docs" / "trainer.md"


def test_the_page_is_current() -> None:
    page = PAGE.read_text()
    assert updated(page) == page, "run python -m trainer.config.reference docs/trainer.md"


def test_every_option_is_there_with_its_meaning() -> None:
    rows = options_markdown().splitlines()
    for _, prefix, settings in SECTIONS:
        for name in settings.model_fields:
            row = next(row for row in rows if row.startswith(f"| `{prefix}{name}` "))
            assert prefix == "" or row.split("|")[-2].strip(), f"{prefix}{name} has no description"
