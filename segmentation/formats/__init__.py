"""Files of motion segmentation: `Def.dat`, `.bmf` lists, track files, label maps."""

from segmentation.formats.definition import Annotation, Definition, read_definition
from segmentation.formats.image_list import listed_images, read_image_list
from segmentation.formats.label_map import read_label_map, write_label_map
from segmentation.formats.track_file import LabelledTracks, read_tracks, read_window, write_tracks

__all__ = [
    "Annotation",
    "Definition",
    "LabelledTracks",
    "listed_images",
    "read_definition",
    "read_image_list",
    "read_label_map",
    "read_tracks",
    "read_window",
    "write_label_map",
    "write_tracks",
]
