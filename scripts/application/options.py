"""What an application table is asked for, and the settings of each of its measurements."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from application.results import Kind
from flowfeat.errors import InputError
from flowfeat.estimators import FlowEstimator, load_estimator
from flowfeat.extraction import ExtractionOptions
from flowfeat.store.settings import DEFAULT_BOUND, Encoding
from recognition.datasets import open_annotations
from recognition.presets import Preset, find_preset
from segmentation.dense import DenseSettings
from segmentation.segment import PAPER as PAPER_SEGMENTATION
from segmentation.segment import SegmentationSettings
from segmentation.tracking import PAPER as PAPER_TRACKER
from segmentation.tracking import TrackerSettings


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """What is measured, of which methods, on which data.

    Attributes:
        models: the rows, by names that `flowfeat.load_estimator` takes, in their order.
        out: the folder of the table.
        weights: checkpoints of the models that need one, by the model's name.
        ucf101, annotations: the clips, and the lists of the splits; both or none.
        fbms, davis: the data sets.
        truth: name and folder of a data set with true flow, as `flowfeat benchmark` has them.
        resize: of UCF101's frames before their flow is computed, as `shorter:128`, where a method is slow.
        encoding, bound: of UCF101's stored flow, as `flowfeat extract` has them.
        sampling: pixels between tracked points; our settings were chosen at 8, the published table has 4.
        segmentation: `ours`, or the published tracker and costs, every cluster an object (`paper`).
        preset, steps: of the temporal stream; the preset's own number of steps if None.
        split, seeds: the split of UCF101, and of each training.
        device: `cpu`, `cuda` or `auto`.
    """

    models: tuple[str, ...]
    out: Path
    weights: dict[str, Path] = field(default_factory=dict)
    ucf101: Path | None = None
    annotations: Path | None = None
    fbms: Path | None = None
    davis: Path | None = None
    truth: tuple[str, Path] | None = None
    resize: str | None = None
    encoding: Encoding = "jpeg"
    bound: float = DEFAULT_BOUND
    sampling: Literal[4, 8] = 8
    segmentation: Literal["ours", "paper"] = "ours"
    preset: str = "quick"
    steps: int | None = None
    split: int = 1
    seeds: tuple[int, ...] = (0,)
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.models:
            raise InputError("--models: say at least one; `flowfeat models` lists them")
        if len(set(self.models)) < len(self.models):
            raise InputError(f"--models {' '.join(self.models)}: say each once")
        if strange := [name for name in self.weights if name not in self.models]:
            raise InputError(f"--weights {strange[0]}={self.weights[strange[0]]}: {strange[0]} is not among --models")
        if (self.ucf101 is None) != (self.annotations is None):
            raise InputError("--ucf101 and --annotations go together: the clips, and the lists that say what they show")
        if not self.kinds:
            raise InputError("no data is given; say --ucf101 with --annotations, --fbms, --davis, or --truth")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise InputError(f"--seeds {' '.join(map(str, self.seeds))}: say at least one, and each once")
        if self.steps is not None and self.steps < 1:
            raise InputError(f"--steps {self.steps}: say 1 or more")
        self.temporal  # noqa: B018 - raises on a name that is no preset
        self.extraction("zero", self.out, 1)  # raises on a size or a bound that is none
        if self.annotations is not None:
            open_annotations(self.annotations, self.split)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The measurements that the given data allows."""
        return tuple(self._kinds())

    def kinds_of(self, model: str) -> tuple[Kind, ...]:
        """Those of a method: reading flow from files takes no time that would compare with computing it."""
        return tuple(kind for kind in self.kinds if kind != "speed" or not model.startswith("files:"))

    def _kinds(self) -> Iterator[Kind]:
        # Timing needs frames of some data set; single pairs of true flow have none that a clip's would compare with.
        if self.ucf101 or self.fbms or self.davis:
            yield "speed"
        if self.davis:
            yield "davis"
        if self.ucf101:
            yield from ("store", "actions")
        if self.fbms:
            yield "fbms"
        if self.truth:
            yield "errors"

    @property
    def temporal(self) -> Preset:
        """The preset of the temporal stream. Raises InputError where there is none of that name."""
        return find_preset(self.preset, "temporal")

    @property
    def tracker(self) -> TrackerSettings:
        """How points are tracked, on both data sets."""
        return replace(PAPER_TRACKER if self.segmentation == "paper" else TrackerSettings(), sampling=self.sampling)

    @property
    def parting(self) -> SegmentationSettings:
        """How tracks are parted into objects."""
        return PAPER_SEGMENTATION if self.segmentation == "paper" else SegmentationSettings()

    @property
    def dense(self) -> DenseSettings:
        """How labels of tracks spread to pixels, on DAVIS."""
        return DenseSettings()

    def estimator(self, model: str, threads: int) -> FlowEstimator:
        """The method of a row. Raises InputError where it, its weights or the device cannot be had."""
        return load_estimator(model, self.weights.get(model), self.device, threads)

    def extraction(self, model: str, store: Path, threads: int) -> ExtractionOptions:
        """How UCF101's flow is extracted. Raises InputError where `resize` is no size or `bound` none."""
        return ExtractionOptions(
            out=store,
            model=model,
            weights=self.weights.get(model),
            resize=self.resize,
            encoding=self.encoding,
            bound=self.bound,
            workers=threads,
            device=self.device,
        )
