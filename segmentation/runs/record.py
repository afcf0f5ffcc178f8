"""The records of a run and of its shots: what was done with what, and what came out, for programs to read.

All but `ShotRecord.timing` and `RunRecord.this_run` is the same whenever the same is done again.
"""

from dataclasses import dataclass
from typing import Literal

from segmentation.affinities import GraphReport
from segmentation.runs.settings import RunSettings
from segmentation.tracking import TrackingReport

SCHEMA = 1

InputKind = Literal["video", "frames", "folder", "fbms", "davis"]
"""A video, a folder of frames, a folder of either, a data set."""


@dataclass(frozen=True)
class ShotInputs:
    """What a shot was made from.

    Attributes:
        frames_sha256: of the video file, or of the names and contents of its frames.
        bytes: of these.
        flow_sha256: of the stored flow; None where it was computed.
        tracks_sha256: of the stored tracks; None where it was tracked.
        annotated: the frames with ground truth, which decide where masks are; None where that is not asked.
    """

    frames_sha256: str
    bytes: int
    flow_sha256: str | None
    tracks_sha256: str | None
    annotated: tuple[int, ...] | None


@dataclass(frozen=True)
class MulticutRecord:
    """What the solver did; see `segmentation.multicut.Multicut`.

    Attributes:
        greedy_energy, greedy_clusters: before local search.
        energy: after it.
        rounds: of local search.
        stopped: why it ended.
        budget: seconds it was given; None without limit.
        budget_hit: whether its time ended first, so that the labels depend on the machine.
    """

    greedy_energy: float
    greedy_clusters: int
    energy: float
    rounds: int
    stopped: Literal["greedy", "converged", "rounds", "budget"]
    budget: float | None
    budget_hit: bool


@dataclass(frozen=True)
class SpectralRecord:
    """What spectral clustering did; see `segmentation.spectral.SpectralClusters`."""

    parts: int
    small_parts: int
    before_merging: int


@dataclass(frozen=True)
class ClusterRecord:
    """A cluster of enough tracks.

    Attributes:
        tracks: of it.
        object: 0 where it is background, otherwise the object's number.
        border: its share of the points at the frame's border.
        residual: the median over its tracks of their largest difference to the background's motion, in units of the
            flow's variation; null where none could be measured.
    """

    tracks: int
    object: int
    border: float
    residual: float | None


@dataclass(frozen=True)
class BackgroundRecord:
    """Which clusters are background, and why; see `segmentation.background`.

    Attributes:
        first: the cluster that most of the border belongs to; null without clusters.
        unmodelled: frames in which the background has too few tracks for a model.
        clusters: by falling size.
    """

    first: int | None
    unmodelled: int
    clusters: tuple[ClusterRecord, ...]


@dataclass(frozen=True)
class SegmentsRecord:
    """What the tracks were parted into.

    Attributes:
        clusters: of any size.
        objects: without the background.
        left_out: tracks of clusters that are too small to be an object.
        graph: of affinities.
        multicut, spectral: of the method that was used.
        background: which clusters are.
    """

    clusters: int
    objects: int
    left_out: int
    graph: GraphReport
    multicut: MulticutRecord | None
    spectral: SpectralRecord | None
    background: BackgroundRecord


@dataclass(frozen=True)
class MasksRecord:
    """The dense masks.

    Attributes:
        written: how many.
        without_tracks: frames through which no track with an object runs; their masks are all background.
        iterations: of the solver, for each mask.
    """

    written: int
    without_tracks: tuple[int, ...]
    iterations: tuple[int, ...]


@dataclass(frozen=True)
class Timing:
    """Seconds of wall clock, which are never the same twice.

    Attributes:
        flow: frames and flow.
        tracking: without these.
        segmentation: affinities, clusters and background.
        masks, pictures: as they say.
        threads: of PyTorch.
    """

    flow: float
    tracking: float
    segmentation: float
    masks: float
    pictures: float
    total: float
    threads: int


@dataclass(frozen=True)
class ShotRecord:
    """What was done with a shot.

    Attributes:
        shot: its name.
        source: the video, or the folder of its frames.
        device: where it was computed, as `cpu` or `cuda`.
        tracks_sha256: of the file of its tracks.
        segments: None where it was only tracked.
        masks: None without.
        remarks: what a person should know, in sentences.
    """

    schema: int
    shot: str
    source: str
    settings: RunSettings
    fingerprint: str
    inputs: ShotInputs
    versions: dict[str, str]
    device: str
    frames: int
    height: int
    width: int
    tracks: int
    points: int
    tracking: TrackingReport
    tracks_sha256: str
    segments: SegmentsRecord | None
    masks: MasksRecord | None
    remarks: tuple[str, ...]
    timing: Timing


@dataclass(frozen=True)
class Failure:
    """Why a shot has no result; the traceback is there where it should not have happened."""

    reason: str
    traceback: str | None = None


@dataclass(frozen=True)
class Totals:
    """Over all shots that are done."""

    shots: int
    failed: int
    frames: int
    tracks: int
    points: int
    clusters: int
    objects: int
    masks: int


@dataclass(frozen=True)
class ThisRun:
    """What the last run over the folder did, which another run of the same would not do again.

    Attributes:
        state: running (or killed), stopped early, or finished.
        made: shots made now.
        done_before: shots found done.
        redone: shots made again, and why.
    """

    state: Literal["running", "stopped", "finished"]
    started: str
    seconds: float
    workers: int
    threads: int
    machine: dict[str, str | int | None]
    made: tuple[str, ...]
    done_before: tuple[str, ...]
    redone: dict[str, str]


@dataclass(frozen=True)
class RunRecord:
    """A folder of results.

    Attributes:
        command: `run` or `track`.
        input, kind: what was given, and what it is.
        flow: the model, store or tracks that were given.
        calibration, calibration_sha256: the file of weights; None without.
        settings: of all its shots.
        shots: that are done, sorted.
        failed: those that could not be made or checked; one that is among `shots` too was done before.
    """

    schema: int
    command: Literal["run", "track"]
    input: str
    kind: InputKind
    flow: str
    calibration: str | None
    calibration_sha256: str | None
    settings: RunSettings
    fingerprint: str
    versions: dict[str, str]
    shots: tuple[str, ...]
    failed: dict[str, Failure]
    totals: Totals
    this_run: ThisRun
