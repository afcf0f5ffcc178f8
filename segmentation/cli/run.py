"""`flowfeat segmentation run`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from flowfeat.cli import DONE, INCOMPLETE
from flowfeat.cli.output import columns, duration, result, result_json, say
from flowfeat.cli.progress import CountBar
from flowfeat.errors import InputError
from flowfeat.wording import counted
from segmentation.dense import DenseSettings
from segmentation.multicut import MulticutSettings
from segmentation.runs.layout import RunFolder
from segmentation.runs.record import RunRecord, ShotRecord
from segmentation.runs.run import RunOptions, run_segmentation
from segmentation.runs.settings import MaskFrames
from segmentation.runs.sources import SourceChoice
from segmentation.segment import PAPER as PAPER_SEGMENTATION
from segmentation.segment import SegmentationSettings
from segmentation.tracking import PAPER as PAPER_TRACKER
from segmentation.tracking import TrackerSettings

_SHOWN = 20


@dataclass(frozen=True)
class Run:
    """Segment what moves in every shot of a video, a folder or a data set. Run it again to resume: what is done stays.

    flowfeat segmentation run holiday.mp4 --out result --model dis --dense

    flowfeat segmentation run FBMS --out result --flow fbms-flow --sampling 4 --dense

    flowfeat segmentation run DAVIS --out result --shots blackswan libby --dense
    """

    input: Positional[Path]
    """A video, a folder of frames, a folder of videos, or FBMS-59 or DAVIS."""
    out: Path
    """The folder of the results."""
    model: str | None = None
    """A name that `flowfeat models` lists, or files:DIR; +v adds variational refinement."""
    flow: Path | None = None
    """A store of flow in both directions (`flowfeat extract --backward`), in place of a model."""
    weights: Path | None = None
    """A checkpoint, for models that take one; without --model, of the network that it holds."""
    tracks: Path | None = None
    """The result of `segmentation track` or of another run, whose tracks are segmented; in place of flow."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    preset: Literal["ours", "paper"] | None = None
    """ours (the default) was chosen on synthetic scenes and real shots; paper is the published tracker and costs as far
    as they are known, and every cluster an object."""
    sampling: Literal[8, 4] | None = None
    """Pixels between points; 8 if not given, 4 is that of the application table of FlowNet 2.0."""
    method: Literal["multicut", "spectral"] = "multicut"
    """Minimum-cost multicut (Keuper et al. 2015), or spectral clustering (Ochs et al. 2014)."""
    budget: float | None = None
    """Seconds that the multicut's solver may take for a shot, 60 if not given; the best so far is kept."""
    calibration: Path | None = None
    """Weights of the affinities that `segmentation calibrate` fitted."""
    dense: bool = False
    """Also write a label map for every frame, or for annotated ones."""
    frames: MaskFrames | None = None
    """Which frames get a label map: annotated is the default for FBMS-59, all for everything else."""
    dense_method: Literal["nearest", "diffusion", "variation"] | None = None
    """How labels spread from tracks to pixels: the nearest track, diffusion that stops at edges (the default), or
    total variation."""
    shots: tuple[str, ...] = ()
    """Names of shots: only these."""
    workers: int | None = None
    """Shots at a time: one where a network or a GPU computes, otherwise one a processor."""
    json: bool = False
    """Print the record of the run as JSON on standard output."""

    def run(self) -> int:
        if not self.dense and (self.frames or self.dense_method):
            option = "--frames" if self.frames else "--dense-method"
            raise InputError(f"{option} is about label maps, which only --dense makes; add it")
        if self.tracks is not None and self.sampling is not None:
            raise InputError("--sampling cannot change tracks that are there; leave it out, or leave --tracks out")
        if self.method == "spectral" and (self.budget is not None or self.calibration):
            option = "--budget" if self.budget is not None else "--calibration"
            raise InputError(f"{option} is about the multicut; leave it out, or take --method multicut")
        paper = self.preset == "paper"
        segmentation = replace(PAPER_SEGMENTATION if paper else SegmentationSettings(), method=self.method)
        if self.budget is not None:
            segmentation = replace(segmentation, multicut=MulticutSettings(budget=self.budget))
        options = RunOptions(
            out=self.out,
            source=SourceChoice(self.model, self.weights, self.flow, self.tracks, self.device),
            shots=self.shots,
            tracker=with_sampling(PAPER_TRACKER if paper else TrackerSettings(), self.sampling),
            segmentation=segmentation,
            calibration=self.calibration,
            dense=DenseSettings(method=self.dense_method or DenseSettings().method) if self.dense else None,
            frames=self.frames,
            workers=self.workers,
        )
        return report("run", self.input, options, self.json)


def with_sampling(settings: TrackerSettings, sampling: int | None) -> TrackerSettings:
    """The same with points further apart or closer, if that was asked for."""
    return settings if sampling is None else replace(settings, sampling=sampling)


def report(name: str, given: Path, options: RunOptions, as_json: bool) -> int:
    """Run, and tell what came out."""
    with CountBar("frames") as progress:
        record = run_segmentation(given, options, progress)
    result_json(record) if as_json else result(_text(options.out, record))
    if record.this_run.state == "stopped":
        say(f"flowfeat segmentation {name}: interrupted; run again to go on")
    return DONE if record.this_run.state == "finished" and not record.failed else INCOMPLETE


def _text(out: Path, record: RunRecord) -> str:
    this, totals = record.this_run, record.totals
    lines = [
        f"{out}: {counted(len(this.made), 'shot')} made, {len(this.done_before)} were done before, {totals.failed} "
        f"failed, in {duration(this.seconds)}; {counted(totals.frames, 'frame')}, {counted(totals.tracks, 'track')}, "
        f"{counted(totals.masks, 'label map')}"
    ]
    folder = RunFolder(out)
    shots = [folder.record(shot) for shot in record.shots[:_SHOWN]]
    if shots:
        rows = [("shot", "frames", "tracks", "clusters", "objects", "masks"), *map(_row, shots)]
        lines.append(columns(rows, right=range(1, 6)))
    if len(record.shots) > _SHOWN:
        lines.append(f"... and {len(record.shots) - _SHOWN} more in {folder.table_file}")
    lines += [f"  {shot.shot}: {remark}" for shot in shots for remark in shot.remarks]
    lines += [f"  again: {shot}: {reason}" for shot, reason in list(this.redone.items())[:_SHOWN]]
    for shot, failure in list(record.failed.items())[:_SHOWN]:
        stays = "; its result of before stays" if shot in record.shots else ""
        lines.append(f"  failed: {shot}: {failure.reason}{stays}")
    hidden = max(0, len(record.failed) - _SHOWN)
    return "\n".join([*lines, *([f"  ... and {hidden} more failed"] if hidden else []), f"record: {folder.run_file}"])


def _row(shot: ShotRecord) -> tuple[str, ...]:
    segments = shot.segments
    found = ("-", "-") if segments is None else (str(segments.clusters), str(segments.objects))
    return (shot.shot, str(shot.frames), str(shot.tracks), *found, str(shot.masks.written) if shot.masks else "-")
