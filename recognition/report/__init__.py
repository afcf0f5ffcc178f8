"""Reports of action recognition: tables, pictures and one page, with published numbers beside ours."""

from recognition.report.contents import Report, make_report, read_report
from recognition.report.write import WrittenReport, report_json, write_report

__all__ = ["Report", "WrittenReport", "make_report", "read_report", "report_json", "write_report"]
