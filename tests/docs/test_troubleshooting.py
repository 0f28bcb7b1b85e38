"""What the page on troubles quotes is what the program says."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SOURCE = "\n".join(
    path.read_text(encoding="utf-8")
    for package in ("sweeps", "trainer", "reports", "search_spaces")
    for path in (ROOT / package).rglob("*")
    if path.suffix in (".py", ".jinja")
)
QUOTED = [code for row in re.findall(r"^\| (.*?) \| ", PAGE, flags=re.MULTILINE) for code in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("quoted", QUOTED)
def test_a_quoted_message_is_in_the_source(quoted: str) -> None:
    """Up to what stands for a name or a number."""
    fixed = [part.strip() for part in re.split(r"\.\.\.|N of M|error:", quoted) if part.strip()]
    assert fixed
    assert all(part in SOURCE for part in fixed)
