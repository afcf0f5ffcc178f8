"""What came out of a shot, as its record tells it."""

from collections.abc import Iterator

import numpy as np

from segmentation.multicut import Multicut
from segmentation.runs.record import (
    BackgroundRecord,
    ClusterRecord,
    MasksRecord,
    MulticutRecord,
    SegmentsRecord,
    SpectralRecord,
)
from segmentation.segment import SegmentationSettings, SegmentedTracks


def segments_record(segmented: SegmentedTracks, settings: SegmentationSettings) -> SegmentsRecord:
    """What a shot's tracks were parted into, how, and why."""
    solution, background = segmented.solution, segmented.background
    # Clusters are numbered by falling size, so those that are large enough come first; each is of one object.
    size = np.bincount(segmented.cluster, minlength=len(background.background))
    number = segmented.object[np.unique(segmented.cluster, return_index=True)[1][: len(background.background)]]
    clusters = tuple(
        ClusterRecord(int(tracks), int(of), float(border), float(residual) if np.isfinite(residual) else None)
        for tracks, of, border, residual in zip(
            size[: len(number)], number, background.border, background.residual, strict=True
        )
    )
    multicut = spectral = None
    if isinstance(solution, Multicut):
        multicut = MulticutRecord(
            greedy_energy=float(solution.greedy_energy),
            greedy_clusters=int(solution.greedy_labels.max(initial=-1)) + 1,
            energy=float(solution.energy),
            rounds=solution.rounds,
            stopped=solution.stopped,
            budget=settings.multicut.budget,
            budget_hit=solution.stopped == "budget",
        )
    else:
        spectral = SpectralRecord(solution.parts, solution.small_parts, solution.before_merging)
    return SegmentsRecord(
        clusters=solution.clusters,
        objects=segmented.objects,
        left_out=segmented.left_out,
        graph=segmented.graph,
        multicut=multicut,
        spectral=spectral,
        background=BackgroundRecord(
            first=background.first if len(number) else None, unmodelled=background.unmodelled, clusters=clusters
        ),
    )


def remarks(tracks: int, segmented: SegmentedTracks | None, masks: MasksRecord | None) -> Iterator[str]:
    """What a person should know of a shot, in sentences."""
    if not tracks:
        yield "no point could be followed: the frames have no texture, or the flow cannot be relied on anywhere"
    elif segmented is not None and not len(segmented.background.background):
        yield "every cluster is too small to be an object or the background"
    elif segmented is not None and not segmented.objects:
        yield "nothing moves by itself: every cluster that is large enough moves with the camera"
    if segmented is not None and isinstance(segmented.solution, Multicut) and segmented.solution.stopped == "budget":
        yield "the time for the local search ended before it did, so the labels depend on the machine"
    if masks is not None and masks.without_tracks:
        yield (
            f"{len(masks.without_tracks)} of {masks.written} masks are all background, because no track with an object "
            "runs through their frames"
        )
