"""Dense point tracking through a shot, frame by frame (Sundaram, Brox and Keutzer, ECCV 2010)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from flowfeat.errors import InputError
from segmentation.tracking.features import TrackFeatures, lab
from segmentation.tracking.flow_source import FlowStep
from segmentation.tracking.gaussian import gaussian
from segmentation.tracking.reliability import Stop, bilinear, stop_causes
from segmentation.tracking.report import StopCounts, TrackingReport
from segmentation.tracking.seeding import seeds
from segmentation.tracking.settings import TrackerSettings
from segmentation.tracking.texture import corner_strength
from segmentation.tracking.variation import flow_variation
from segmentation.trajectories import Trajectories


@dataclass(frozen=True, eq=False)
class Tracking:
    """The tracks of a shot, in the order in which they began; what is known at their points; and what happened.

    Attributes:
        cause: why each track ended, a `Stop`; NONE where it reached the shot's last frame.
    """

    trajectories: Trajectories
    features: TrackFeatures
    cause: UInt8[np.ndarray, " n"]
    report: TrackingReport


def track(
    steps: Iterable[FlowStep],
    settings: TrackerSettings = TrackerSettings(),  # noqa: B008 - frozen
    device: torch.device = torch.device("cpu"),  # noqa: B008 - as immutable
) -> Tracking:
    """Track points through a shot.

    In every frame the free points of a grid become tracks, and all tracks follow the flow of their nearest pixel until
    that pixel's flow cannot be relied on. A point that was lost may be found again, as a new track. A seed that cannot
    be followed once is no track. Beside the result only two frames and their flow are held.

    Args:
        steps: the shot, see `flow_source.py`.
        settings: all constants.
        device: where it is computed. The same device gives the same tracks.

    Raises:
        InputError: where the shot has fewer than two frames, or flow or frames are not of one size or not finite.
    """
    points, live = _Points(), _Live.none(device)
    dropped, stopped = torch.zeros(len(Stop), dtype=torch.long), torch.zeros(len(Stop), dtype=torch.long)
    grid = near = weak = flat = begun = reached_end = frames = height = width = 0
    arrived = None
    with torch.inference_mode():
        for frames, step in enumerate(_checked(steps), 1):
            frame = step.frame.to(device)
            height, width = frame.shape[1:]
            smoothed = gaussian(frame.float(), settings.smoothing)
            if step.forward is None or step.backward is None:
                reached_end = len(live.track)
                # No flow leaves the last frame, but the flow back to the one before is on its pixels.
                if arrived is not None:
                    points.append(live, _features(live.xy, smoothed, arrived, settings))
                continue
            forward, backward = step.forward.to(device), step.backward.to(device)
            corner = None if settings.texture == "none" else corner_strength(smoothed, settings.tensor_smoothing)
            new = seeds(live.xy, corner, height, width, settings)
            grid += len(new.xy) + new.near_track + new.below_mean + new.below_absolute
            near, weak, flat = near + new.near_track, weak + new.below_mean, flat + new.below_absolute
            begun += len(new.xy)

            moved, cause = advance(live.xy, forward, backward, settings)
            stopped += _counts(cause)
            points.end(live.track, cause)
            moved_seeds, cause_of_seeds = advance(new.xy, forward, backward, settings)
            dropped += _counts(cause_of_seeds)
            goes_on, begins = cause == Stop.NONE, cause_of_seeds == Stop.NONE

            here = live.joined_by(points.begin(frames - 1, int(begins.sum())), new.xy[begins])
            points.append(here, _features(here.xy, smoothed, forward, settings))
            live = _Live(
                torch.cat([live.track[goes_on], here.track[len(live.track) :]]),
                torch.cat([moved[goes_on], moved_seeds[begins]]),
            )
            arrived = backward
    ends = points.causes()
    trajectories, features = points.assembled(frames)
    report = TrackingReport(
        frames=frames,
        height=height,
        width=width,
        grid_points=grid,
        near_track=near,
        below_mean=weak,
        below_absolute=flat,
        seeds=begun,
        dropped=_named(dropped),
        stopped=_named(stopped),
        reached_end=reached_end,
    )
    return Tracking(trajectories, features, ends, report)


def advance(
    xy: Float[Tensor, "n 2"],
    forward: Float[Tensor, "2 h w"],
    backward: Float[Tensor, "2 h w"],
    settings: TrackerSettings,
) -> tuple[Float[Tensor, "n 2"], UInt8[Tensor, " n"]]:
    """Where points go, and the `Stop` of those that do not: their new position means nothing.

    The sub-pixel part of a position is kept; it is the displacement that is the nearest pixel's.

    Args:
        xy: positions whose nearest pixel is in the frame.
        forward, backward: the flow between this frame and the next, in pixels.
        settings: for the constants.
    """
    pixels = nearest_pixel(xy)
    cause = stop_causes(forward, backward, pixels, settings)
    if settings.interpolation == "bilinear":
        moved = xy + bilinear(forward, xy)
    else:
        moved = xy + forward[:, pixels[:, 1], pixels[:, 0]].T
    height, width = forward.shape[1:]
    rounded = nearest_pixel(moved)
    outside = (rounded < 0).any(1) | (rounded >= torch.tensor([width, height], device=xy.device)).any(1)
    cause[outside & (cause == Stop.NONE)] = int(Stop.LEFT_FRAME)
    return moved, cause


def nearest_pixel(xy: Float[Tensor, "n 2"]) -> Int[Tensor, "n 2"]:
    """The pixel a position is in; halves go up, as in the reference."""
    return (xy + 0.5).floor().long()


@dataclass(frozen=True, eq=False)
class _Live:
    """The tracks that are alive in a frame, in their order, and where they are."""

    track: Int[Tensor, " n"]
    xy: Float[Tensor, "n 2"]

    @classmethod
    def none(cls, device: torch.device) -> "_Live":
        return cls(torch.empty(0, dtype=torch.long, device=device), torch.empty(0, 2, device=device))

    def joined_by(self, track: Int[np.ndarray, " k"], xy: Float[Tensor, "k 2"]) -> "_Live":
        return _Live(torch.cat([self.track, torch.from_numpy(track).to(xy.device)]), torch.cat([self.xy, xy]))


@dataclass
class _Points:
    """The points of all tracks as they come in, frame by frame, until they are put in the order of the tracks."""

    tracks: int = 0
    starts: list[Int[np.ndarray, " n"]] = field(default_factory=list)
    chunks: list[tuple[np.ndarray, ...]] = field(default_factory=list)
    ends: list[tuple[Int[np.ndarray, " n"], UInt8[np.ndarray, " n"]]] = field(default_factory=list)

    def begin(self, frame: int, count: int) -> Int[np.ndarray, " count"]:
        """The numbers of `count` new tracks that begin in a frame."""
        self.starts.append(np.full(count, frame, np.int64))
        self.tracks += count
        return np.arange(self.tracks - count, self.tracks)

    def end(self, track: Int[Tensor, " n"], cause: UInt8[Tensor, " n"]) -> None:
        """Those of the tracks that have a cause end in this frame."""
        stopped = cause != Stop.NONE
        self.ends.append((track[stopped].cpu().numpy(), cause[stopped].cpu().numpy()))

    def causes(self) -> UInt8[np.ndarray, " n"]:
        """Why each track ended."""
        cause = np.full(self.tracks, int(Stop.NONE), np.uint8)
        for track, why in self.ends:
            cause[track] = why
        return cause

    def append(self, live: _Live, features: tuple[Tensor, Tensor]) -> None:
        """The points of the next frame."""
        # Numbers of tracks stay below 2^31, and half the bytes of a shot of 800 frames are worth it.
        values = (live.track.int(), live.xy, *features)
        self.chunks.append(tuple(value.cpu().numpy() for value in values))

    def assembled(self, frames: int) -> tuple[Trajectories, TrackFeatures]:
        """Every chunk goes to where its tracks want it, and is forgotten."""
        start = np.concatenate([*self.starts, np.empty(0, np.int64)])
        length = np.zeros(self.tracks, np.int64)
        for which, *_ in self.chunks:
            length[which] += 1
        offset = np.cumsum(length) - length
        total = int(length.sum())
        xy, sigma = np.empty((total, 2), np.float32), np.empty(total, np.float32)
        colour = np.empty((total, 3), np.float32)
        while self.chunks:
            which, *values = self.chunks.pop()
            place = offset[which] + len(self.chunks) - start[which]  # the chunk's number is its frame
            xy[place], sigma[place], colour[place] = values
        return Trajectories(start, length, xy, frames), TrackFeatures(sigma, colour)


def _features(
    xy: Float[Tensor, "n 2"], smoothed: Float[Tensor, "3 h w"], flow: Float[Tensor, "2 h w"], settings: TrackerSettings
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 3"]]:
    pixels = nearest_pixel(xy)
    return flow_variation(flow, pixels, settings), lab(smoothed[:, pixels[:, 1], pixels[:, 0]].T)


def _counts(cause: UInt8[Tensor, " n"]) -> Int[Tensor, " causes"]:
    return torch.bincount(cause, minlength=len(Stop)).cpu()


def _named(counts: Int[Tensor, " causes"]) -> StopCounts:
    return StopCounts(
        left_frame=int(counts[Stop.LEFT_FRAME]),
        inconsistent=int(counts[Stop.INCONSISTENT]),
        motion_boundary=int(counts[Stop.MOTION_BOUNDARY]),
    )


def _checked(steps: Iterable[FlowStep]) -> Iterator[FlowStep]:
    """The same steps. Raises InputError where they are no shot."""
    before, ended, count = None, False, 0
    for t, step in enumerate(steps):
        size, count = step.frame.shape[1:], t + 1
        if ended:
            raise InputError(f"frame {t - 1} has no flow to frame {t}; only the last frame of a shot has none")
        if before is not None and size != before:
            raise InputError(f"frame {t} is {_size(size)} and those before are {_size(before)}")
        before, ended = size, step.forward is None or step.backward is None
        for direction, flow in (("forward", step.forward), ("backward", step.backward)):
            if flow is None:
                continue
            if flow.shape[1:] != size:
                raise InputError(
                    f"the {direction} flow between frames {t} and {t + 1} is {_size(flow.shape[1:])} and the frames "
                    f"are {_size(size)}; compute the flow on the frames that are tracked, or resize them to it"
                )
            if not bool(flow.isfinite().all()):
                bad = int((~flow.isfinite()).any(0).sum())
                raise InputError(
                    f"the {direction} flow between frames {t} and {t + 1} is no number at {bad} of its "
                    f"{flow[0].numel()} pixels; points can only follow flow that is known everywhere"
                )
        yield step
    if count < 2:
        held = "1 frame" if count else "no frames"
        raise InputError(f"the shot has {held}; nothing can be tracked through less than two")
    if not ended:
        raise InputError(f"the flow leads on to frame {count}, which is not there")


def _size(shape: torch.Size) -> str:
    return f"{shape[1]}x{shape[0]}"
