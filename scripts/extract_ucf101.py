"""Optical flow of all of UCF101: from the official files to a verified store.

    python scripts/extract_ucf101.py UCF-101 --annotations ucfTrainTestlist --out ucf101-flow --model dis

UCF-101 holds a folder for each class; ucfTrainTestlist the official lists, which say what must be there:
13,320 clips. Time and disk are forecast first. Run it again to resume. Exit status: 0 done, 1 done but
incomplete, 2 wrong usage or unusable input. With --allow-missing it goes on without the clips that are not there, and
is incomplete; of several shards the ones that those clips belong to are.
"""

import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from flowfeat.cli import DONE, INCOMPLETE, exit_status
from flowfeat.cli.check import describe_verification
from flowfeat.cli.extract import describe_forecast, describe_report
from flowfeat.cli.output import duration, result, result_json, say, size
from flowfeat.cli.progress import CountBar, ProgressBar
from flowfeat.errors import InputError
from flowfeat.extraction import ExtractionOptions, Forecast, extract, forecast
from flowfeat.extraction.plan import shard_of
from flowfeat.store.verify import verify
from flowfeat.video import Clip, find_clips
from flowfeat.wording import counted
from recognition.datasets.ucf101 import canonical_name, expected_clips


@dataclass(frozen=True)
class ExtractUCF101:
    """Extract the flow of UCF101 into a store and verify it. Run it again to resume: what is done stays."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The official folder UCF-101: a folder for each class, with its clips."""
    annotations: Path
    """The official folder ucfTrainTestlist."""
    options: Annotated[ExtractionOptions, tyro.conf.arg(name="")]
    allow_missing: bool = False
    """Go on where clips of the official lists are not there; they are counted and reported, and the exit status is
    1."""
    dry_run: bool = False
    """Say what would be done, the time and the disk it would take, from a measured sample; write nothing."""
    json: bool = False
    """Print the summary as JSON on standard output."""

    def run(self) -> int:
        if self.options.clips:
            raise InputError("--clips: the official lists say which clips are extracted here")
        listed = expected_clips(self.annotations)
        present, left_out = clips_of_lists(self.folder, listed)
        missing = sorted(set(listed) - present.keys())
        part, parts = self.options.part
        lacking = any(shard_of(key, parts) == part for key in missing)
        if left_out:
            say(f"{counted(len(left_out), 'file')} not in the lists and left out: {_few(left_out)}")
        if missing:
            told = f"{len(missing)} of the {len(listed)} clips of the lists are missing: {_few(missing)}"
            if not (self.allow_missing and present):
                raise InputError(f"{self.folder}: {told}; give the whole folder UCF-101, or --allow-missing")
            say(told)
        with tempfile.TemporaryDirectory() as scratch:
            listing = Path(scratch) / "clips.txt"
            listing.write_text("".join(f"{clip.key}\n" for clip in present.values()), encoding="utf-8")
            options = replace(self.options, clips=listing)
            plan = forecast([self.folder], options)
            check_cost(plan, options.out)
            if self.dry_run:
                result_json(plan) if self.json else result(describe_forecast(plan))
                return INCOMPLETE if plan.unreadable or lacking else DONE
            with ProgressBar() as progress:
                report = extract([self.folder], options, progress=progress)
        if report.stopped:
            say(f"extract_ucf101: {report.stopped}")
            return INCOMPLETE
        with CountBar("clips verified") as count:
            found = verify(options.out, progress=count)
        # Clips of other shards may be on their way in other processes: whether they arrive, those will say.
        own = {clip.key for clip in present.values() if shard_of(clip.key, parts) == part}
        found = replace(found, missing={key: why for key, why in found.missing.items() if key in own})
        complete = report.complete and found.clean and not lacking
        if self.json:
            counts = {"clips": found.clips, "pairs": found.pairs, "bytes": found.bytes, "listed": len(listed)}
            counts |= {"missing": len(missing), "failed": len(report.failed), "complete": complete}
            lists = {"missing_clips": missing, "left_out_clips": left_out}
            result_json({**counts, **lists, "extraction": report, "verification": found})
        else:
            result(f"{describe_report(report)}\n{describe_verification(found)}")
            result(
                f"UCF101: {counted(len(listed), 'clip')} listed, {len(missing)} missing, {len(report.failed)} failed; "
                f"{found.clips} stored, {counted(found.pairs, 'pair')}, {size(found.bytes)}"
            )
        return DONE if complete else INCOMPLETE


def clips_of_lists(folder: Path, listed: list[str]) -> tuple[dict[str, Clip], list[str]]:
    """The clips under `folder` that the lists name, by their official names, and the keys of all others."""
    present: dict[str, Clip] = {}
    left_out: list[str] = []
    names = set(listed)
    for clip in find_clips([folder]):
        name = canonical_name(clip.key)
        # HandstandPushups in both spellings would be one clip twice: the first is taken, the other left out.
        if name in names and name not in present:
            present[name] = clip
        else:
            left_out.append(clip.key)
    return present, left_out


def check_cost(plan: Forecast, out: Path) -> None:
    """Say what lies ahead. Raises InputError where the disk has no room for it."""
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    unreadable = f", {len(plan.unreadable)} cannot be read" if plan.unreadable else ""
    say(
        f"{counted(plan.todo, 'clip')} to do, {plan.done} done before{unreadable}; {counted(plan.pairs, 'pair')} "
        f"will take about {duration(plan.seconds)} and {size(plan.bytes)} of disk, of which {size(free)} are free"
    )
    if plan.bytes > free:
        raise InputError(
            f"{out}: {size(free)} of disk are free and the flow will take about {size(plan.bytes)}; "
            "make room, or give another --out"
        )


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + ", ..." * (len(names) > 3)


def main() -> int:
    config = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)
    return exit_status("extract_ucf101", lambda: tyro.cli(ExtractUCF101, config=config).run())


if __name__ == "__main__":
    sys.exit(main())
