"""`flowfeat segmentation track`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from segmentation.cli.run import report, with_sampling
from segmentation.runs.run import RunOptions
from segmentation.runs.sources import SourceChoice
from segmentation.tracking import PAPER, TrackerSettings


@dataclass(frozen=True)
class Track:
    """Track points through every shot; files of tracks, and pictures of where they are and why they end. Resumes.

    flowfeat segmentation track holiday.mp4 --out tracks --model dis

    flowfeat segmentation run holiday.mp4 --out result --tracks tracks
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
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    preset: Literal["ours", "paper"] = "ours"
    """ours, or paper, the constants of the published tracker."""
    sampling: Literal[8, 4] | None = None
    """Pixels between points; 8 if not given, 4 is that of the application table of FlowNet 2.0."""
    shots: tuple[str, ...] = ()
    """Names of shots: only these."""
    workers: int | None = None
    """Shots at a time: one where a network or a GPU computes, otherwise one a processor."""
    json: bool = False
    """Print the record of the run as JSON on standard output."""

    def run(self) -> int:
        options = RunOptions(
            out=self.out,
            source=SourceChoice(self.model, self.weights, self.flow, None, self.device),
            shots=self.shots,
            tracker=with_sampling(PAPER if self.preset == "paper" else TrackerSettings(), self.sampling),
            segmentation=None,
            workers=self.workers,
        )
        return report("track", self.input, options, self.json)
