"""`flowfeat extract`: flow of every clip of a folder, into a store."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import duration, result, result_json, say, size
from flowfeat.cli.progress import ProgressBar
from flowfeat.errors import InputError
from flowfeat.extraction import ExtractionOptions, ExtractionReport, Forecast, extract, forecast
from flowfeat.wording import counted

_SHOWN = 10


@dataclass(frozen=True)
class Extract:
    """Extract the optical flow of every clip into a store. Run it again to resume: what is done stays.

    flowfeat extract UCF-101/ --out ucf101-flow --model dis

    flowfeat extract UCF-101/ --out ucf101-flow --model dis --dry-run
    """

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...")]
    """Videos, folders of videos (searched recursively), or folders of frames."""
    options: Annotated[ExtractionOptions, tyro.conf.arg(name="")]
    dry_run: bool = False
    """Say what would be done, the time and the disk it would take, from a measured sample; leave the store as it is."""
    json: bool = False
    """Print the report as JSON on standard output."""

    def run(self) -> int:
        if not self.inputs:
            raise InputError("no input was given: name videos, folders of videos, or folders of frames")
        if self.dry_run:
            plan = forecast(self.inputs, self.options)
            result_json(plan) if self.json else result(describe_forecast(plan))
            return INCOMPLETE if plan.unreadable else DONE
        with ProgressBar() as progress:
            report = extract(self.inputs, self.options, progress=progress)
        result_json(report) if self.json else result(describe_report(report))
        if report.stopped:
            say(f"flowfeat extract: {report.stopped}")
        return DONE if report.complete else INCOMPLETE


def describe_forecast(plan: Forecast) -> str:
    """What an extraction would do, in a few lines."""
    lines = [
        f"{counted(plan.clips, 'clip')}: {plan.done} done, {plan.todo} to do, {counted(plan.pairs, 'pair')} by what "
        "their containers declare"
    ]
    if plan.uncounted:
        lines.append(f"{counted(plan.uncounted, 'clip')} of unknown length: their pairs are in no number here")
    lines += _redone(plan.redone)
    lines += _some([f"  would fail: {reason}" for reason in plan.unreadable.values()])
    if plan.seconds:
        lines.append(
            f"time {duration(plan.seconds)} at {plan.pairs_per_second:.1f} pairs/s, disk {size(plan.bytes)} at "
            f"{size(plan.bytes_per_pair)} a pair, measured on {counted(plan.sampled_pairs, 'pair')} of these clips"
        )
    return "\n".join([*lines, "nothing was written into the store (--dry-run)"])


def describe_report(report: ExtractionReport) -> str:
    """What an extraction did, in a few lines."""
    lines = [
        f"{report.store}: {counted(report.extracted, 'clip')} extracted, {report.done_before} were done before, "
        f"{len(report.failed)} failed, of {report.clips}",
        f"{counted(report.pairs, 'pair')} in {duration(report.seconds)} ({report.pairs_per_second:.1f} pairs/s), "
        f"{size(report.bytes_written)}, {report.clipped_share:.3%} of the pixels clipped",
    ]
    if report.padded_pairs:
        lines.append(f"{counted(report.padded_pairs, 'pair')} computed only to fill a batch")
    if report.short:
        lines.append(
            f"{counted(len(report.short), 'clip')} with fewer frames than the container declares (listed in the record)"
        )
    if report.invented_frames:
        lines.append(f"{counted(report.invented_frames, 'frame')} dropped that the decoder would have made up")
    if report.gaps:
        lines.append(f"{counted(len(report.gaps), 'folder')} of frames with numbers left out (listed in the record)")
    lines += _redone(report.redone)
    lines += _some([f"  failed: {reason}" for reason in report.failed.values()])
    return "\n".join([*lines, f"record: {report.run_record}"])


def _redone(redone: dict[str, str]) -> list[str]:
    return _some([f"  again: {key}: {reason}" for key, reason in redone.items()])


def _some(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], f"  ... and {more} more"] if more > 0 else lines
