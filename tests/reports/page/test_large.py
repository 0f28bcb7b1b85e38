"""Many configurations: rows in sight alone are in the page, any row can be reached, the file stays small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import synthetic_studies as synthetic

from reports.page import render_report
from reports.verdict import build_report_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.verdict import ReportData


CONFIGURATIONS = 300
MOST_BYTES = 250_000 + 7_000 * CONFIGURATIONS
"""8 MB at 1,000 configurations, with room; what does not grow with them aside."""


@pytest.fixture(scope="module")
def data() -> ReportData:
    return build_report_data(synthetic.many(CONFIGURATIONS, 100))


def test_rows_are_rendered_on_demand(open_page: Callable, data: ReportData) -> None:
    text = render_report(data)
    assert len(text.encode()) < MOST_BYTES
    opened = open_page(text)
    page = opened.page
    assert page.locator("#ranked tbody tr").count() < 80
    assert page.get_attribute("#ranked", "aria-rowcount") == str(CONFIGURATIONS + 1)
    page.evaluate("document.getElementById('table-scroll').scrollTop = 1e7")
    last = data.configurations[-1]
    page.wait_for_selector(f"#ranked [data-id='{last.configuration}']")
    assert page.locator("#ranked tbody tr").count() < 80
    page.check(f"#ranked [data-id='{last.configuration}']")
    assert last.short in page.inner_text("#curve-legend")
    page.fill("#filter-text", data.configurations[150].configuration)
    assert page.locator("#ranked tbody tr").count() == 1
    assert opened.errors == []
