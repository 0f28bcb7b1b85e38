"""The report's data as JSON, CSV and Markdown, and files that are never half-written."""

from reports.exports.as_csv import CsvTables, to_csv
from reports.exports.as_json import to_json
from reports.exports.as_markdown import to_markdown
from reports.exports.atomic import write_atomically

__all__ = ["CsvTables", "to_csv", "to_json", "to_markdown", "write_atomically"]
