"""How large a report is, how long it takes to build and to open.

    python benchmarks/report.py [CONFIGURATIONS ...]

For each number of configurations (default 1,000 and 10,000; one training of 100 epochs each): CPU and wall seconds to build, by stage, size
of the file, peak memory, and in Chromium the seconds until the page is usable, the longest frame while its table scrolls, and what the reader's
actions cost the page's thread, plots included. Targets: 1,000 built in 5 s, 8 MB, usable in 2 s; 10,000 built in 30 s, 25 MB; an action answered
in 100 ms and 300 ms.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "reports")]

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import CDPSession, Page

T = TypeVar("T")
EPOCHS = 100
FRAMES = 60
TRIES = 5
TYPE = "(() => { const field = document.getElementById('filter-text'); field.value = 'TEXT'; field.dispatchEvent(new Event('input')); })()"
ACTIONS = {
    "filter by figures": TYPE.replace("TEXT", "learning_rate<1e-3 -oscillating state:finished"),
    "filter by a word": TYPE.replace("TEXT", "spik"),
    "clear the filter": TYPE.replace("TEXT", ""),
    "sort by a setting": "document.querySelector('[data-sort^=\"param:augmentation\"]').click()",
    "tick a row": "document.querySelector('#ranked tbody input').click()",
    "open the drawer": "document.getElementById('drawer').close(), setTimeout(() => document.querySelector('#ranked tbody .row-name').click(), 50)",
}
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SCROLL = """async () => {
  const table = document.getElementById("table-scroll");
  table.scrollIntoView();
  let longest = 0, last = performance.now();
  for (let frame = 0; frame < FRAMES; frame++) {
    table.scrollTop += 700;
    await new Promise(requestAnimationFrame);
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }
  return [longest, document.querySelectorAll("#ranked tbody tr").length];
}"""


def main(counts: list[int]) -> None:
    """Print a table for each number of configurations."""
    print(f"import of the builder: {_import_seconds():.2f} s wall in a fresh process")
    for count in counts:
        _measure(count)


def _import_seconds() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import reports.page, reports.exports"], check=True, cwd=ROOT)
    return time.perf_counter() - started


def _measure(count: int) -> None:
    import synthetic_studies

    from reports.exports import to_csv, to_json, to_markdown, write_atomically
    from reports.page import render_report
    from reports.verdict import build_report_data

    study = synthetic_studies.many(count, EPOCHS)
    print(f"\n{count:,} configurations x {EPOCHS} epochs")
    data = _timed("statistics (ranking, flags, causes, importance)", lambda: build_report_data(study))
    text = _timed("HTML from them", lambda: render_report(data))
    _timed("JSON from them", lambda: to_json(data))
    _timed("CSV from them", lambda: to_csv(data))
    _timed("Markdown from them", lambda: to_markdown(data))
    print(f"  file {len(text.encode()) / 1e6:.1f} MB, peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")
    with tempfile.TemporaryDirectory() as folder:
        _open(write_atomically(Path(folder) / "report.html", text))


def _timed(what: str, work: Callable[[], T]) -> T:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    print(f"  {what:<50} {time.process_time() - cpu:6.2f} s CPU {time.perf_counter() - wall:6.2f} s wall")
    return result


def _open(file: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("  no Chromium: opening not measured")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        started = time.perf_counter()
        page.goto(file.as_uri(), wait_until="commit")
        page.wait_for_selector("html[data-ready=true]", state="attached")
        wall = time.perf_counter() - started
        metrics = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
        print(f"  usable after {wall:.2f} s wall, {metrics['TaskDuration']:.2f} s CPU of the page's thread")
        print(f"  script heap {metrics['JSHeapUsedSize'] / 1e6:.0f} MB")
        page.wait_for_timeout(1500)
        longest, rows = page.evaluate(SCROLL.replace("FRAMES", str(FRAMES)))
        print(f"  longest of {FRAMES} frames while the table scrolls: {longest:.0f} ms; {rows} rows in the page")
        for action, script in ACTIONS.items():
            print(
                f"  {action:<20} {1000 * min(_action_seconds(page, session, script) for _ in range(TRIES)):4.0f} ms CPU of the page's thread"
            )
        browser.close()


def _action_seconds(page: Page, session: CDPSession, script: str) -> float:
    """CPU seconds of the page's thread for one action, until nothing is left to do."""
    before = _task_seconds(session)
    page.evaluate(script)
    page.wait_for_timeout(400)
    return _task_seconds(session) - before


def _task_seconds(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


if __name__ == "__main__":
    main([int(count) for count in sys.argv[1:]] or [1000, 10_000])
