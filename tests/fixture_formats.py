"""Files that the package reads and others write: `Def.dat`, `.bmf` lists; and the label maps of a whole shot."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Integer

from segmentation.formats import Definition, write_label_map
from segmentation.formats.label_map import ENDING, frame_name


def write_definition(path: Path, definition: Definition) -> None:
    """A `Def.dat` in the official words; every confusion of two regions has the penalty 1."""
    count = len(definition.regions)
    lines = ["Ground truth definition file; do not change!", "", "Total number of regions:", str(count)]
    for region, code in enumerate(definition.regions):
        lines += [f"Scale of region {region}:", str(code)]
    lines += ["", "Confusion penalty matrix:"]
    lines += [" ".join(str(int(row != column)) for column in range(count)) for row in range(count)]
    lines += ["", "Total number of frames in this shot:", str(definition.frames)]
    lines += ["Total number of labeled frames for this shot:", str(len(definition.annotations))]
    for annotation in definition.annotations:
        lines += ["Frame number:", str(annotation.frame)]
        lines += ["File name:", annotation.truth, "Input file name:", annotation.image]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


def write_image_list(path: Path, names: Sequence[str]) -> None:
    """A `.bmf`."""
    path.write_bytes("".join(f"{line}\n" for line in (f"{len(names)} 1", *names)).encode())


def write_label_maps(folder: Path, maps: Iterable[Integer[np.ndarray, "h w"] | Bool[np.ndarray, "h w"]]) -> None:
    """A shot's label maps as `00000.png`, `00001.png` and so on."""
    for index, labels in enumerate(maps):
        write_label_map(folder / f"{frame_name(index)}{ENDING}", labels)
