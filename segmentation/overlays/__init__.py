"""A segmentation made visible: tracks, masks, ground truth and errors over their frames, as movies and as sheets."""

from segmentation.overlays.colours import object_colours
from segmentation.overlays.errors import Verdict, draw_mask_errors, draw_track_errors, track_verdicts, verdicts
from segmentation.overlays.masks import draw_masks
from segmentation.overlays.movie import write_shot_movie
from segmentation.overlays.sheet import shots_sheet
from segmentation.overlays.shot import SegmentedShot
from segmentation.overlays.tracks import draw_tracks

__all__ = [
    "SegmentedShot",
    "Verdict",
    "draw_mask_errors",
    "draw_masks",
    "draw_track_errors",
    "draw_tracks",
    "object_colours",
    "shots_sheet",
    "track_verdicts",
    "verdicts",
    "write_shot_movie",
]
