"""Optical flow made visible: the Middlebury colour code, captioned pictures, and movies."""

from flowfeat.visualization.colour_wheel import colour_wheel, displacement_scale, fill_unknown, flow_to_colour
from flowfeat.visualization.movies import write_movie
from flowfeat.visualization.pictures import (
    Panel,
    check_picture_ending,
    contact_sheet,
    flow_panel,
    flow_picture,
    overlay,
    save_picture,
)

__all__ = [
    "Panel",
    "check_picture_ending",
    "colour_wheel",
    "contact_sheet",
    "displacement_scale",
    "fill_unknown",
    "flow_panel",
    "flow_picture",
    "flow_to_colour",
    "overlay",
    "save_picture",
    "write_movie",
]
