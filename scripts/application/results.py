"""What the cells of the table hold, as they are kept on disk. A row is a flow method, a cell one measurement of it."""

from dataclasses import dataclass, field
from typing import Literal

from recognition.metrics import Interval

SCHEMA = 1

Kind = Literal["speed", "errors", "fbms", "davis", "store", "actions"]
"""Flow alone; its endpoint error; tracks on FBMS-59; masks on DAVIS; flow of UCF101 on disk; action recognition."""


@dataclass(frozen=True)
class Speed:
    """The flow of single pairs, with nothing else running.

    Attributes:
        milliseconds: for a pair, the median.
        pairs: how many were timed.
        left_out: clips whose pair was not, as it cannot be decoded or has another size.
        height, width: of the frames.
        device: as `cpu` or `cuda`.
        threads: of PyTorch.
    """

    milliseconds: float
    pairs: int
    left_out: int
    height: int
    width: int
    device: str
    threads: int


@dataclass(frozen=True)
class Errors:
    """Endpoint errors where the true flow is known.

    Attributes:
        dataset, split: as `flowfeat benchmark` calls them.
        pairs: how many.
        columns: of `flowfeat.benchmarks.columns`: `EPE` in pixels, `<1px` a fraction, `s0-1` and `edges` in pixels;
            None where no pixel counts.
    """

    dataset: str
    split: str
    pairs: int
    columns: dict[str, float | None]


@dataclass(frozen=True)
class ShotTracks:
    """One shot of FBMS-59. Density in percent; precision, recall and F as fractions, None where undefined.

    Attributes:
        name: of the shot.
        frames: of it.
        tracks: that were followed.
        points: of all tracks; over tracks, the mean length in frames.
        density, precision, recall, f_measure, extracted, visible: MoSegEval's, over the whole shot.
        one_cluster: F of the same tracks as one cluster.
        seconds: of flow, tracking and segmentation.
        budget_hit: the solver's time ended before it did, so that the numbers depend on the machine.
    """

    name: str
    frames: int
    tracks: int
    points: int
    density: float | None
    precision: float | None
    recall: float | None
    f_measure: float | None
    extracted: int
    visible: int
    one_cluster: float | None
    seconds: float
    budget_hit: bool


@dataclass(frozen=True)
class Tracks:
    """Motion segmentation on FBMS-59, the points of tracks scored by MoSegEval.

    Attributes:
        sampling: pixels between points.
        protocol: `moseg`.
        shots: those that were scored.
        of_shots: how many the data set has in the splits that are in question.
        density, precision, recall, f_measure: means over the shots as MoSegEval takes them.
        extracted, visible: sums.
        one_cluster: the F that one single cluster would have.
        failed: shots that could not be segmented, and why.
    """

    sampling: int
    protocol: str
    shots: tuple[ShotTracks, ...]
    of_shots: int
    density: float | None
    precision: float | None
    recall: float | None
    f_measure: float | None
    extracted: int
    visible: int
    one_cluster: float | None
    failed: dict[str, str]


@dataclass(frozen=True)
class SequenceMasks:
    """One sequence of DAVIS; J and F are fractions, None without an object."""

    name: str
    frames: int
    J: float | None
    F: float | None
    one_cluster: float | None


@dataclass(frozen=True)
class Masks:
    """Dense motion segmentation on DAVIS.

    Attributes:
        protocol: in words; J and F of what moves against everything else, or of objects.
        sequences: those that were scored.
        of_sequences: how many the copy has ground truth of.
        J, F: means.
        one_cluster: the J of taking the whole picture for the object.
        failed: sequences that could not be segmented, and why.
    """

    protocol: str
    sequences: tuple[SequenceMasks, ...]
    of_sequences: int
    J: float | None
    F: float | None
    one_cluster: float | None
    failed: dict[str, str]


@dataclass(frozen=True)
class Store:
    """The flow of UCF101's clips on disk.

    Attributes:
        folder: of the store, below the table's.
        clips: in the store.
        pairs: of all clips.
        resize: of frames before their flow was computed, as `shorter:128`; None where they keep their size.
        height, width: of the flow.
        bytes: of all files.
        clipped_share: of all pixels, those with a component beyond the bound.
        seconds, pairs_timed: that extraction took, in all sessions that came to an end, and what it made in them.
        failed: clips that could not be extracted, and why.
        fingerprint: of the store's settings.
    """

    folder: str
    clips: int
    pairs: int
    resize: str | None
    height: int
    width: int
    bytes: int
    clipped_share: float
    seconds: float
    pairs_timed: int
    failed: dict[str, str]
    fingerprint: str


@dataclass(frozen=True)
class Actions:
    """The temporal stream on UCF101, trained and tested on one split; shares are fractions.

    Attributes:
        preset: of `recognition.presets`.
        steps: of training.
        split: its number.
        seeds: of each training.
        accuracies, mean_class_accuracies: of each seed, in the same order.
        accuracy: their mean.
        interval: of that, Wilson's for the number of clips.
        top5: the mean.
        baseline: the accuracy of a histogram of flow and an SVM; None where it failed.
        clips_trained, clips: of training and of test.
        of_clips_trained, of_clips: what the whole split has.
        missing: clips of these classes that are in the lists and not in the store.
        classes: their names, in order.
        confusion: clips by true class (row) and class said (column), of the first seed.
        failed: parts that could not be made, and why.
    """

    preset: str
    steps: int
    split: int
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    mean_class_accuracies: tuple[float, ...]
    accuracy: float
    interval: Interval
    top5: float
    baseline: float | None
    clips_trained: int
    clips: int
    of_clips_trained: int
    of_clips: int
    missing: int
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    failed: dict[str, str]


Result = Speed | Errors | Tracks | Masks | Store | Actions

KINDS: dict[Kind, type[Result]] = {
    "speed": Speed,
    "errors": Errors,
    "fbms": Tracks,
    "davis": Masks,
    "store": Store,
    "actions": Actions,
}


@dataclass(frozen=True)
class Method:
    """A flow method, as its row is called, and what decides its flow: `flowfeat.estimators.EstimatorDescription`."""

    name: str
    model: str
    library: str
    parameters: dict[str, str | int | float | bool]
    weights_sha256: str | None


@dataclass(frozen=True)
class Cell:
    """A measurement, done or failed.

    Attributes:
        kind: which.
        method: whose.
        made_of: what decides it, by name: settings as text, inputs as SHA-256. A cell stands while these are the same.
        result: of the kind; None where it failed.
        failed: why, in one sentence; None where there is a result.
        begun: when, in ISO format.
        seconds: that it took in its last session.
        machine, versions: that it was made on and by.
    """

    kind: Kind
    method: Method
    made_of: dict[str, str]
    result: Result | None
    failed: str | None
    begun: str
    seconds: float
    machine: dict[str, str | int | None]
    versions: dict[str, str]
    schema: int = SCHEMA


@dataclass(frozen=True)
class Row:
    """A method and its cells. Kinds that were not asked for are absent; a method that could not be opened has none."""

    name: str
    cells: dict[Kind, Cell] = field(default_factory=dict)
    failed: str | None = None
