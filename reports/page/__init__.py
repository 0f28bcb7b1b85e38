"""The report as one self-contained HTML file: data → view → template, one template and one style sheet a section."""

from reports.page.comparison import render_comparison
from reports.page.report import render_report

__all__ = ["render_comparison", "render_report"]
