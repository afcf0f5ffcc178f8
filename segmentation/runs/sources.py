"""Where a shot's tracks come from: an estimator, a store of flow, or an earlier run."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from flowfeat.errors import InputError
from flowfeat.estimators import FlowEstimator, load_estimator
from flowfeat.estimators.protocol import resolve_device
from flowfeat.store import FlowStore
from flowfeat.store.records import settings_of_store
from segmentation.runs.inputs import InputShot, key_in_store
from segmentation.runs.layout import RunFolder, file_sha256, open_run
from segmentation.runs.settings import FlowFacts, facts_of_estimator, facts_of_store
from segmentation.tracking import FlowStep, TrackerSettings, Tracking, estimated_flow, stored_flow, track

_COARSE = 4
"""Pixels of a side that one vector of remembered flow stands for: it only has to bring a solver near its goal."""


@dataclass
class RememberedFlow:
    """The backward flow of a shot, coarse: 100 kB a frame of 854x480.

    To compute it again would take longer than it saves, and to keep it whole a gigabyte for some hundred frames.
    """

    fields: list[Float[Tensor, "2 _ _"]] = field(default_factory=list)

    def append(self, backward: Float[Tensor, "2 h w"]) -> None:
        """The flow from the next frame to the last one so far."""
        pooled = functional.avg_pool2d(backward[None], _COARSE, ceil_mode=True, count_include_pad=False)
        self.fields.append(pooled[0].half().cpu())

    def back(self, frame: int, height: int, width: int, device: torch.device) -> Float[Tensor, "2 h w"] | None:
        """The flow from a frame to the one before, on its pixels; None where it is not remembered."""
        if not 0 < frame <= len(self.fields):
            return None
        coarse = self.fields[frame - 1].to(device).float()
        return functional.interpolate(coarse[None], (height, width), mode="bilinear", align_corners=False)[0]


@dataclass
class Watch:
    """What is seen of a shot while it is tracked.

    Attributes:
        seconds: that frames and flow took.
        progress: called after each frame.
        remembered: the flow, where it is wanted again.
    """

    progress: Callable[[int], None]
    remembered: RememberedFlow | None
    seconds: float = 0.0

    def over(self, steps: Iterator[FlowStep]) -> Iterator[FlowStep]:
        """The same steps."""
        while True:
            begun = time.monotonic()
            step = next(steps, None)
            self.seconds += time.monotonic() - begun
            if step is None:
                return
            if self.remembered is not None and step.backward is not None:
                self.remembered.append(step.backward)
            yield step
            self.progress(1)


class TrackSource(ABC):
    """Tracks of shots.

    Attributes:
        flow: what they follow.
        tracker: the settings they were tracked with already; None where they are tracked now.
        device: where.
        network: whether a network computes their flow, which has the processors for itself.
    """

    flow: FlowFacts
    tracker: TrackerSettings | None = None
    device: torch.device
    network: bool = False

    @abstractmethod
    def hashes(self, shot: InputShot) -> tuple[str | None, str | None]:
        """Of the stored flow, and of the stored tracks, that the shot's tracks are made from."""

    @abstractmethod
    def tracks(self, shot: InputShot, frames_sha256: str, settings: TrackerSettings, watch: Watch) -> Tracking:
        """The tracks of a shot. Raises InputError as reading, flow and tracker do."""


class EstimatedTracks(TrackSource):
    """Along flow that is computed as the frames come in."""

    def __init__(self, estimator: FlowEstimator, device: torch.device):
        self._estimator = estimator
        self.flow, self.device = facts_of_estimator(estimator), device
        self.network = estimator.description.weights_sha256 is not None

    def hashes(self, shot: InputShot) -> tuple[str | None, str | None]:
        return None, None

    def tracks(self, shot: InputShot, frames_sha256: str, settings: TrackerSettings, watch: Watch) -> Tracking:
        return track(watch.over(estimated_flow(self._estimator, shot.frames(), shot.key)), settings, self.device)


class StoredFlowTracks(TrackSource):
    """Along flow from a store."""

    def __init__(self, path: Path, device: torch.device):
        settings = settings_of_store(path)
        if settings is None:
            raise InputError(f"{path}: this is no store of flow (it has no store.json); `flowfeat extract` makes one")
        if not settings.backward:
            raise InputError(f"{path}: no backward flow is stored, which tracks need; extract with --backward")
        if settings.step != 1:
            raise InputError(
                f"{path}: its flow leads {settings.step} frames on; tracks need it from each frame to the next"
            )
        self._store = FlowStore(path)
        self.flow, self.device = facts_of_store(settings), device

    def hashes(self, shot: InputShot) -> tuple[str | None, str | None]:
        return self._store[key_in_store(self._store, shot)].header.payload_sha256, None

    def tracks(self, shot: InputShot, frames_sha256: str, settings: TrackerSettings, watch: Watch) -> Tracking:
        clip = self._store[key_in_store(self._store, shot)]
        return track(watch.over(stored_flow(clip, shot.frames())), settings, self.device)


class GivenTracks(TrackSource):
    """Of `segmentation track`, or of another run."""

    def __init__(self, path: Path, device: torch.device):
        self._folder: RunFolder = open_run(path)
        settings = self._folder.run_record().settings
        self.flow, self.tracker, self.device = settings.flow, settings.tracker, device

    def hashes(self, shot: InputShot) -> tuple[str | None, str | None]:
        self._folder.record(shot.name)  # raises where the shot is not there
        path = self._folder.stored_tracks_file(shot.name)
        if not path.is_file():
            raise InputError(f"{path}: there is no such file of tracks; run `flowfeat segmentation track` again")
        return None, file_sha256(path)

    def tracks(self, shot: InputShot, frames_sha256: str, settings: TrackerSettings, watch: Watch) -> Tracking:
        record = self._folder.record(shot.name)
        if record.inputs.frames_sha256 != frames_sha256:
            raise InputError(
                f"{self._folder.home}: its tracks of {shot.name!r} were made from other frames than those in "
                f"{shot.path}; track them again"
            )
        if record.settings.tracker != self.tracker or record.settings.flow != self.flow:
            raise InputError(
                f"{self._folder.record_file(shot.name)}: the shot was tracked with other settings than its run; track "
                "it again"
            )
        found = self._folder.stored_tracks(shot.name)
        watch.progress(record.frames)
        return Tracking(found.trajectories, found.features, found.cause, record.tracking)


@dataclass(frozen=True)
class SourceChoice:
    """Which source was asked for; it is opened in each process that needs it.

    Attributes:
        model, weights: of an estimator; the default network without either.
        store: of flow.
        tracks: a folder of results.
        device: `cpu`, `cuda`, `cuda:N` or `auto`.
    """

    model: str | None = None
    weights: Path | None = None
    store: Path | None = None
    tracks: Path | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        given = [
            name
            for name, value in (
                ("--model", self.model or self.weights),
                ("--flow", self.store),
                ("--tracks", self.tracks),
            )
            if value
        ]
        if len(given) > 1:
            raise InputError(f"{' and '.join(given)} say where tracks come from each; give one of them")

    def __str__(self) -> str:
        return str(self.tracks or self.store or self.model or self.weights or "default")

    def open(self, threads: int) -> TrackSource:
        """Raises InputError where model, weights, store, tracks or device cannot be had."""
        device = resolve_device(self.device)
        if self.tracks is not None:
            return GivenTracks(self.tracks, device)
        if self.store is not None:
            return StoredFlowTracks(self.store, device)
        return EstimatedTracks(load_estimator(self.model, self.weights, self.device, threads), device)
