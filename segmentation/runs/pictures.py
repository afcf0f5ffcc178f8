"""One picture of a shot's tracks: where they are dense, and where and why they ended."""

import numpy as np
from jaxtyping import Float, UInt8
from scipy.ndimage import gaussian_filter

from flowfeat.visualization import Panel, contact_sheet
from segmentation.runs.stored_tracks import StoredTracks
from segmentation.tracking.reliability import Stop
from segmentation.trajectories import counted_pixels

Colour = tuple[int, int, int]

CAUSES: dict[Stop, tuple[Colour, str]] = {
    Stop.NONE: ((150, 150, 150), "reached the end"),
    Stop.LEFT_FRAME: ((86, 180, 233), "left the frame"),
    Stop.INCONSISTENT: ((213, 94, 0), "inconsistent flow"),
    Stop.MOTION_BOUNDARY: ((240, 228, 66), "motion boundary"),
}
"""The colour of each cause, told apart by the colour-blind too (Okabe and Ito), and its words."""

_DARKENED = 0.35
_RAMP = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""From few to many: the corners of matplotlib's viridis."""

_NEAR = 12.0
"""Standard deviation in pixels of the window that tracks are counted in: some spacings of the grid."""

_PANEL_WIDTH = 480


def tracks_picture(first: UInt8[np.ndarray, "h w 3"], tracks: StoredTracks, caption: str) -> UInt8[np.ndarray, "H W 3"]:
    """Density and ends side by side over the darkened first frame, with a key and counts.

    Args:
        first: frame of the shot, RGB.
        tracks: of the shot.
        caption: over both.
    """
    dark = (_DARKENED * first).astype(np.uint8)
    return contact_sheet([[_density_panel(dark, tracks), _ends_panel(dark, tracks)]], caption, _PANEL_WIDTH)


def density(tracks: StoredTracks) -> Float[np.ndarray, "h w"]:
    """Tracks in 1000 pixels around each pixel, the mean over the frames of the shot."""
    pixel, _ = counted_pixels(tracks.trajectories.xy, tracks.height, tracks.width)
    count = np.bincount(pixel, minlength=tracks.height * tracks.width).astype(np.float64)
    return gaussian_filter(count.reshape(tracks.height, tracks.width), _NEAR) * (1000 / tracks.trajectories.frames)


def _density_panel(dark: UInt8[np.ndarray, "h w 3"], tracks: StoredTracks) -> Panel:
    found = density(tracks)
    most = float(found.max())
    share = found / most if most > 0 else found
    place = share * (len(_RAMP) - 1)
    ramp = np.array(_RAMP, np.float64)
    lower = np.minimum(place.astype(np.int64), len(_RAMP) - 2)
    colour = ramp[lower] + (place - lower)[..., None] * (ramp[lower + 1] - ramp[lower])
    # Where there are no tracks the frame is seen alone.
    opacity = 0.75 * np.clip(share * 8, 0, 1)[..., None]
    blend = np.rint((1 - opacity) * dark + opacity * colour).astype(np.uint8)
    key = tuple((_RAMP[step], f"{most * step / (len(_RAMP) - 1):.1f}") for step in range(0, len(_RAMP), 2))
    return Panel(blend, "Tracks in 1000 pixels, mean over all frames", key if most > 0 else ())


def _ends_panel(dark: UInt8[np.ndarray, "h w 3"], tracks: StoredTracks) -> Panel:
    trajectories = tracks.trajectories
    last = trajectories.xy[trajectories.offset + trajectories.length - 1]
    image = dark.copy()
    for cause in (Stop.NONE, Stop.INCONSISTENT, Stop.MOTION_BOUNDARY, Stop.LEFT_FRAME):  # the rarest on top
        pixel, _ = counted_pixels(last[tracks.cause == cause], tracks.height, tracks.width)
        row, column = np.divmod(np.unique(pixel), tracks.width)
        for down in range(2):
            for right in range(2):
                place = np.minimum(row + down, tracks.height - 1), np.minimum(column + right, tracks.width - 1)
                image[place] = CAUSES[cause][0]
    counts = np.bincount(tracks.cause, minlength=len(Stop))
    key = tuple((colour, f"{words}: {counts[cause]}") for cause, (colour, words) in CAUSES.items())
    return Panel(image, f"Where {len(trajectories)} tracks ended, on the first frame, and why", key)
