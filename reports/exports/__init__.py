"""The report's data as JSON, CSV and Markdown, and files that are never half-written."""

from reports.exports.as_json import to_json
from reports.exports.atomic import check_place, file_stem, write_atomically
from reports.exports.tables import CsvTables, inert, to_csv, to_markdown

__all__ = ["CsvTables", "check_place", "file_stem", "inert", "to_csv", "to_json", "to_markdown", "write_atomically"]
