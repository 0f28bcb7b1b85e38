"""The middle stage of a report: records in, frozen `ReportData` out; no string of HTML, JSON or Markdown."""

from reports.verdict.build import as_report_data, build_report_data
from reports.verdict.report_data import ReportData

__all__ = ["ReportData", "as_report_data", "build_report_data"]
