"""What happened while a shot was tracked, in counts that add up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StopCounts:
    """How many points were stopped, for the first cause that held.

    Attributes:
        left_frame: the flow leads out of the frame.
        inconsistent: forward and backward flow contradict each other: an occlusion, or wrong flow.
        motion_boundary: the flow changes too much from pixel to pixel.
    """

    left_frame: int = 0
    inconsistent: int = 0
    motion_boundary: int = 0

    @property
    def total(self) -> int:
        return self.left_frame + self.inconsistent + self.motion_boundary


@dataclass(frozen=True)
class TrackingReport:
    """Counts over all frames of a shot.

    Every point of the grid in every frame but the last was refused or became a seed:
    `grid_points == near_track + below_mean + below_absolute + seeds`; every seed was dropped or became a track:
    `seeds == dropped.total + tracks`; and every track ended: `tracks == stopped.total + reached_end`.

    Attributes:
        frames: of the shot.
        height, width: of its frames.
        grid_points: that were considered for new tracks.
        near_track: of these, refused because a track was closer than the sampling.
        below_mean: refused for a corner strength far below the frame's mean.
        below_absolute: refused for a corner strength below what noise has.
        seeds: accepted.
        dropped: seeds that could not be followed to the next frame, by cause; they are no tracks.
        stopped: tracks that ended before the shot, by cause.
        reached_end: tracks that lived until the shot's last frame.
    """

    frames: int
    height: int
    width: int
    grid_points: int
    near_track: int
    below_mean: int
    below_absolute: int
    seeds: int
    dropped: StopCounts
    stopped: StopCounts
    reached_end: int

    @property
    def tracks(self) -> int:
        return self.stopped.total + self.reached_end
