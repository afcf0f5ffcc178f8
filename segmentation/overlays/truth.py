"""The ground truth that an overlay shows: that of FBMS-59, or DAVIS's masks read as if they were FBMS-59's.

So one count, one assignment and MoSegEval serve both.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from flowfeat.datasets.layout import subfolders
from segmentation.davis import MERGED, UNSUPERVISED, VOID, Annotations, Davis
from segmentation.fbms import SURE, Shot, TruthFrame, UnknownColours, definition_of, open_shot
from segmentation.formats import Annotation, Definition, read_label_map
from segmentation.formats.label_map import LabelMaps


@dataclass(frozen=True)
class MaskedShot(Shot):
    """A sequence of DAVIS; every frame is annotated.

    Attributes:
        masks: of the sequence.
        annotations: merged ones have a single object, whatever its number, and no void.
    """

    masks: LabelMaps
    annotations: Annotations

    @cached_property
    def images(self) -> list[Path]:
        """The frames of the sequence, in order."""
        home = self.masks.folder.parents[2]
        return Davis(home).frames(self.name)

    def read_truth(self, annotation: Annotation, unknown: UnknownColours = "official") -> TruthFrame:
        """The objects of a frame. Void does not count, nor do objects that the first frame does not have.

        Raises FormatError where the mask cannot be read.
        """
        labels = read_label_map(self.truth_file(annotation))
        objects = len(self.definition.regions) - 1
        region = np.minimum(labels, 1) if self.annotations == MERGED else np.where(labels > objects, -1, labels)
        weight = np.full(labels.shape, SURE, np.uint8)
        return TruthFrame(annotation.frame, region.astype(np.int16), weight, 0, True)


def truth_beside(frames: Path) -> Shot | None:
    """The ground truth of the shot whose frames are in this folder, where it lies as in FBMS-59 or in DAVIS.

    DAVIS's masks of every object are preferred to the merged ones.

    Raises:
        InputError: it is there and cannot be used.
    """
    folder = frames.absolute()
    if (folder / "GroundTruth").is_dir():
        return open_shot(definition_of(folder))
    if folder.parts[-3:-1] == ("JPEGImages", "480p"):
        return _of_davis(Davis(folder.parents[2]), folder.name)
    return None


def _of_davis(davis: Davis, sequence: str) -> MaskedShot | None:
    for annotations in (UNSUPERVISED, MERGED):
        folder = davis.home / annotations.folder
        if folder.is_dir() and sequence in subfolders(folder, "DAVIS"):
            return _masked(sequence, davis.masks(sequence, annotations), annotations)
    return None


def _masked(sequence: str, masks: LabelMaps, annotations: Annotations) -> MaskedShot:
    objects = 1
    if annotations != MERGED:
        first = read_label_map(masks.path(masks.names[0]))
        objects = int(first[first != VOID].max(initial=0))
    listed = tuple(Annotation(frame, f"{name}.png", f"{name}.jpg") for frame, name in enumerate(masks.names))
    definition = Definition(tuple(range(objects + 1)), len(masks), listed)
    return MaskedShot(sequence, masks.folder / f"{sequence}Def.dat", definition, masks, annotations)
