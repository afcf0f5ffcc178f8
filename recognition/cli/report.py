"""`flowfeat recognition report`."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import columns, result, result_json, say
from flowfeat.wording import counted
from recognition.report.contents import Report as Contents
from recognition.report.contents import read_report
from recognition.report.tables import summary_tables
from recognition.report.write import WrittenReport, report_json, write_report


@dataclass(frozen=True)
class Report:
    """Score files as a folder of tables and pictures and one page, published numbers beside them.

    flowfeat recognition report temporal.npz spatial.npz fused.npz --out report

    flowfeat recognition report split1.npz split2.npz split3.npz --out report
    """

    scores: Positional[tuple[Path, ...]]
    """What `recognition test` or `recognition fuse` wrote, of one data set. Three splits of one method have their mean,
    several seeds of it theirs; every two files of the same clips are compared."""
    out: Path
    """The folder to write."""
    store: Path | None = None
    """The flow that confusions are shown by; if not given, where it was when the clips were tested."""
    flow_errors: tuple[Path, ...] = ()
    """Records of `flowfeat benchmark --out` of the models whose flow was used, to stand beside the accuracy."""
    json: bool = False
    """Print the numbers as JSON on standard output: the first file's at the top, each file's under `files`."""

    def run(self) -> int:
        found = read_report(self.scores, self.flow_errors)
        written = write_report(found, self.out, self.store)
        if self.json:
            result_json({**report_json(found), "out": written.folder})
        else:
            result(_text(found, written))
        for name, why in written.without_thumbnails.items():
            say(f"{name}: its confusions have no pictures: {why}")
        if written.absent:
            absent = counted(len(written.absent), "clip")
            say(f"not shown, because not in the store: {absent}, such as {written.absent[0]}")
        return INCOMPLETE if any(entry.evaluation.missing for entry in found.entries) else DONE


def _text(found: Contents, written: WrittenReport) -> str:
    accuracy = summary_tables(found)[0]
    rows = columns([accuracy.head, *accuracy.rows], right=accuracy.numbers)
    return "\n".join([rows, *found.remarks, f"{written.folder / 'index.html'}"])
