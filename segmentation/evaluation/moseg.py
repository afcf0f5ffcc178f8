"""MoSegEval: precision, recall and F of motion segmentation, as all papers on FBMS-59 since 2014 report them.

Ochs, Malik, Brox, "Segmentation of Moving Objects by Long Term Video Analysis", PAMI 2014, section 6, in the version
of precision and recall that was distributed with FBMS-59, with every quirk of it.
"""

from dataclasses import dataclass

import numpy as np

from segmentation.evaluation.matching import UNMATCHED, f_measures, match
from segmentation.evaluation.points import Counts

THRESHOLD = 0.75
"""A region is extracted where its F is above. The official scripts pass it; the program itself defaults to 0.9."""


@dataclass(frozen=True)
class RegionScore:
    """How one visible region fares.

    Attributes:
        region: its index in the definition; 0 is the background.
        label: of its cluster; None where it has none, or one without a point.
        precision, recall, f_measure: of that cluster, fractions; None where the protocol does not define them.
    """

    region: int
    label: int | None
    precision: float | None
    recall: float
    f_measure: float


@dataclass(frozen=True)
class MosegScore:
    """How well clusters of points fit the regions of one shot in one window.

    Attributes:
        protocol: `moseg` is the official one.
        density: points in a region over its area in pixels, both weighted, in percent; mean over the visible regions.
            Of `moseg` several points on one pixel all count, so it can be above 100; of `moseg-strict` they count once.
        precision, recall: fractions, means over the visible regions, the background among them.
        f_measure: their harmonic mean. None where both are 0, and where no point is on the ground truth: then nothing
            can be said of the segmentation and the shot is not evaluated.
        visible: objects that are there. All of these but `visible` and `extracted` are None where nothing is visible.
        extracted: objects that were found.
        window: frames.
        threshold: of F, above which a region is extracted.
        annotated: annotated frames that count.
        outside: points outside the picture, which do not.
        ignored: points on pixels of unknown colour, where these were to be ignored.
        unknown: pixels of ground truth in a colour that the definition does not name.
        without_probabilities: annotated frames whose probability map is not there.
        regions: one by one, the visible ones.
    """

    protocol: str
    density: float | None
    precision: float | None
    recall: float | None
    f_measure: float | None
    visible: int
    extracted: int
    window: int
    threshold: float
    annotated: int
    outside: int
    ignored: int
    unknown: int
    without_probabilities: int
    regions: tuple[RegionScore, ...]

    @property
    def evaluated(self) -> bool:
        """There was something to evaluate, so that the score may have a part in means."""
        return self.f_measure is not None


def score_moseg(counts: Counts, threshold: float = THRESHOLD) -> MosegScore:
    """The official score of one shot.

    Precision is the share of a cluster's points that are on its region; recall is the share of the region's points, not
    of its area, that are in its cluster: F ignores how dense the points are. A region for which no cluster is left
    counts with precision 1 and recall 0, one whose cluster is elsewhere with 0 and 0. One region is taken off the
    extracted ones for the background, even if the background is not among them.

    Args:
        counts: of `count_tracks` or `count_maps`.
        threshold: of F; a region is extracted strictly above.
    """
    visible = counts.visible
    common, size = counts.points[visible], counts.points.sum(axis=0)
    extent = common.sum(axis=1)
    chosen = match(common, size, extent, counts.clusters)
    f_measure = f_measures(common, size, extent)
    regions = []
    for row, column in enumerate(chosen):
        if column == UNMATCHED:
            regions.append(RegionScore(int(visible[row]), None, 1.0, 0.0, 0.0))
        elif column >= len(size) or not common[row, column]:
            label = int(counts.labels[column]) if column < len(size) else None
            regions.append(RegionScore(int(visible[row]), label, 0.0, 0.0, 0.0))
        else:
            precision, recall = common[row, column] / size[column], common[row, column] / extent[row]
            label, f = int(counts.labels[column]), float(f_measure[row, column])
            regions.append(RegionScore(int(visible[row]), label, float(precision), float(recall), f))
    found = sum(region.f_measure > threshold for region in regions)
    return summary("moseg", counts, threshold, tuple(regions), extent, counts.objects, max(0, found - 1))


def summary(
    protocol: str,
    counts: Counts,
    threshold: float,
    regions: tuple[RegionScore, ...],
    covered: np.ndarray,
    visible: int,
    extracted: int,
) -> MosegScore:
    """The means over regions, with what is undefined where nothing is visible or no point is on the ground truth.

    Args:
        covered: weight of each visible region's points, or of its pixels that have any.
    """
    density = precision = recall = f_measure = None
    if regions and counts.empty:
        density = precision = recall = 0.0
    elif regions:
        density = 100 * float(np.mean(covered / counts.area[counts.visible]))
        defined = [region.precision for region in regions if region.precision is not None]
        precision = sum(defined) / len(defined) if defined else 0.0
        recall = sum(region.recall for region in regions) / len(regions)
        f_measure = harmonic_mean(precision, recall)
    return MosegScore(
        protocol=protocol,
        density=density,
        precision=precision,
        recall=recall,
        f_measure=f_measure,
        visible=visible,
        extracted=extracted if not counts.empty else 0,
        window=counts.window,
        threshold=threshold,
        annotated=counts.annotated,
        outside=counts.outside,
        ignored=counts.ignored,
        unknown=counts.unknown,
        without_probabilities=counts.without_probabilities,
        regions=regions,
    )


def harmonic_mean(precision: float, recall: float) -> float | None:
    """2 P R / (P + R); None where both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else None
