"""The middle stage of a report: records in, frozen `ReportData` out; no string of HTML, JSON or Markdown."""

from reports.data.builder import as_report_data, build_report_data
from reports.data.report_data import ReportData

__all__ = ["ReportData", "as_report_data", "build_report_data"]
