"""Photograph a report, for the documentation.

python benchmarks/report_screenshot.py REPORT.html IMAGE.png [--width 1400] [--height 900] [--dark] [--whole] [--paper] [--address '#c=e11d86'] [--part '#explorer'].
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

A4 = (794, 1123)
"""CSS pixels of a sheet."""
MARGINS = "@media print { body { padding: 45px; } }"
"""12 mm, which a printer leaves by itself."""


def main() -> int:
    """Open the file in Chromium and write what its first screen (or all of it) looks like."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("--width", type=int, default=1400)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--whole", action="store_true", help="the whole page, not only its first screen")
    parser.add_argument("--paper", action="store_true", help="as it is printed, the first sheet of A4")
    parser.add_argument("--address", default="", help="what follows the file's name, e.g. '#c=e11d86' for a configuration's drawer")
    parser.add_argument("--part", default="", help="a CSS selector: one section instead of the first screen")
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium found: apt-get install chromium", file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(
            viewport={"width": A4[0], "height": A4[1]} if given.paper else {"width": given.width, "height": given.height},
            color_scheme="dark" if given.dark else "light",
            bypass_csp=given.paper or bool(given.part),
        )
        page.goto(given.report.resolve().as_uri() + given.address)
        page.wait_for_selector("html[data-ready=true]", state="attached")
        if given.paper:
            page.add_style_tag(content=MARGINS)
            page.emulate_media(media="print")
        page.wait_for_timeout(500)
        if given.part:
            page.locator(given.part).screenshot(path=given.image, style=".bar { display: none !important; }")
        else:
            page.screenshot(path=given.image, full_page=given.whole)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
