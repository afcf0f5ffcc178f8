"""Endpoint error, outliers and times on the data sets that papers report: FlowNet 2.0's Tables 1 to 4."""

from flowfeat.benchmarks.columns import COLUMNS, COLUMNS_OF
from flowfeat.benchmarks.measured import measured_errors
from flowfeat.benchmarks.plots import plot_records
from flowfeat.benchmarks.published import Published, published_rows
from flowfeat.benchmarks.record import BenchmarkRecord, Measured, read_record, write_record
from flowfeat.benchmarks.run import benchmark
from flowfeat.benchmarks.submission import Submission, write_submission

__all__ = [
    "COLUMNS",
    "COLUMNS_OF",
    "BenchmarkRecord",
    "Measured",
    "Published",
    "Submission",
    "benchmark",
    "measured_errors",
    "plot_records",
    "published_rows",
    "read_record",
    "write_record",
    "write_submission",
]
