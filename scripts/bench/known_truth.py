"""Tracks against ground truth that is in memory: a shot as the evaluators take it, and its scores for a record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from segmentation.evaluation.baseline import one_cluster
from segmentation.evaluation.moseg import score_moseg
from segmentation.evaluation.points import Counts, count_tracks
from segmentation.evaluation.strict import score_strict
from segmentation.fbms import SURE, Shot, TruthFrame, UnknownColours
from segmentation.formats.definition import Annotation, Definition
from segmentation.formats.track_file import LabelledTracks
from segmentation.segment import SegmentedTracks
from segmentation.trajectories import Trajectories


@dataclass(frozen=True)
class KnownShot(Shot):
    """A shot whose truth was rendered, or read before.

    Attributes:
        labels: of every frame, the region that each pixel belongs to; 0 is the background.
    """

    labels: UInt8[np.ndarray, "t h w"]

    def read_truth(self, annotation: Annotation, unknown: UnknownColours = "official") -> TruthFrame:
        region = self.labels[annotation.frame].astype(np.int16)
        return TruthFrame(annotation.frame, region, np.full(region.shape, SURE, np.uint8), 0, False)


def known_shot(name: str, labels: UInt8[np.ndarray, "t h w"]) -> KnownShot:
    """A shot that is annotated in every frame."""
    annotations = tuple(Annotation(frame, f"{frame}.pgm", f"{frame}.jpg") for frame in range(len(labels)))
    definition = Definition(tuple(range(int(labels.max()) + 1)), len(labels), annotations)
    return KnownShot(name, Path(f"{name}Def.dat"), definition, labels)


def score_tracks(shot: Shot, tracks: Trajectories, segmented: SegmentedTracks) -> dict[str, Any]:
    """Scores of clusters as the multicut leaves them, of objects, and of all tracks as one cluster."""
    frames = shot.definition.frames
    clusters = count_tracks(LabelledTracks(tracks, segmented.cluster, frames), shot)
    objects = count_tracks(LabelledTracks(tracks, object_labels(segmented), frames), shot)
    return {
        "tracks": len(tracks),
        "clusters": int(segmented.cluster.max(initial=-1)) + 1,
        "large_clusters": len(segmented.background.background),
        "objects": segmented.objects,
        "without_object": segmented.left_out,
        "by_cluster": scores(clusters),
        "by_object": scores(objects),
        "one_cluster": scores(one_cluster(clusters)),
    }


def object_labels(segmented: SegmentedTracks) -> Int[np.ndarray, " n"]:
    """Objects, 0 the background; clusters that are too small for one follow with a label each."""
    small = segmented.object < 0
    return np.where(small, segmented.objects + 1 + segmented.cluster, segmented.object)


def scores(counts: Counts) -> dict[str, float | int | None]:
    """The official score and the strict F."""
    official = score_moseg(counts)
    return {
        "density": official.density,
        "precision": official.precision,
        "recall": official.recall,
        "f_measure": official.f_measure,
        "strict_f_measure": score_strict(counts).f_measure,
        "visible": official.visible,
        "extracted": official.extracted,
    }
