"""One file: no request, a policy that allows none, scripts that are what was tested."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from reports.page.report import scripts, security_policy, styles

if TYPE_CHECKING:
    from collections.abc import Callable


def test_nothing_is_requested_while_everything_is_used(open_page: Callable, text: str) -> None:
    opened = open_page(text)
    page = opened.page
    page.wait_for_selector("#marginals .scatter")
    for fold in page.locator("#parameters .fold > summary").all():
        fold.click()
    page.wait_for_selector("#heatmap td")
    page.locator("#ranked .row-name").first.click()
    page.wait_for_selector("#drawer .drawer-standing")
    page.click("#drawer-close")
    page.click("[data-sort=best]")
    page.select_option("#curve-metric", "loss")
    page.mouse.wheel(0, 20_000)
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in opened.requests if url.startswith("file:")]) == 1
    assert opened.errors == []


def test_the_policy_stops_what_a_hostile_text_would_do(open_page: Callable, text: str) -> None:
    page = open_page(text).page
    blocked = page.evaluate(
        """async () => {
          const tried = document.createElement("script");
          tried.textContent = "window.ran = 1";
          document.body.append(tried);
          const fetched = await fetch("https://example.org/").then(() => true, () => false);
          return [window.ran === undefined, fetched === false];
        }"""
    )
    assert blocked == [True, True]


def test_source_names_no_remote_resource(text: str) -> None:
    assert not re.findall(r"(?:src|href)=\"?https?:", text)
    assert "@import" not in styles()
    assert "url(" not in styles()
    assert "innerHTML" not in scripts()
    assert "unsafe" not in security_policy()


def test_every_script_is_typed_and_bundled() -> None:
    from importlib import resources

    folder = resources.files("reports.page") / "scripts"
    files = {file.name.removesuffix(".js") for file in folder.iterdir() if file.name.endswith(".js")}
    assert all(f"const module_{name} = " in scripts() for name in files)
    for name in files:
        source = (folder / f"{name}.js").read_text(encoding="utf-8")
        assert source.startswith("// @ts-check\n")
        assert len(source.splitlines()) < 360


def test_builder_loads_neither_tensorflow_nor_ray() -> None:
    program = (
        "import sys, reports.page, reports.exports;"
        "print(sorted({'tensorflow', 'keras', 'ray', 'torch', 'pandas', 'plotly', 'sklearn', 'optuna'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
