"""What a study shows, between records and files: ranking in words, importance and causes as frozen `ReportData`; no HTML, JSON or Markdown."""

from reports.verdict.build import ReportData, as_report_data, build_report_data

__all__ = ["ReportData", "as_report_data", "build_report_data"]
