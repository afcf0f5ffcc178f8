"""MoSegEval without its gifts: what the official protocol does not see, or takes away by accident.

Our own variant, to be read beside the official one and never instead of it.
"""

import numpy as np

from segmentation.evaluation.matching import f_measures, match
from segmentation.evaluation.moseg import THRESHOLD, MosegScore, RegionScore, summary
from segmentation.evaluation.points import Counts


def score_strict(counts: Counts, threshold: float = THRESHOLD) -> MosegScore:
    """The strict score of one shot.

    As `score_moseg`, but: recall is measured against the area of a region, so sparse points cannot score high; a pixel
    counts once for a cluster, however many of its points are there; a region whose cluster is elsewhere, or that has
    none, has no precision and stays out of that mean; the background is taken off the extracted regions where it is one
    of them, and off the visible ones where it is visible.

    Args:
        counts: of `count_tracks` or `count_maps`.
        threshold: of F; a region is extracted strictly above.
    """
    visible = counts.visible
    common, size, area = counts.pixels[visible], counts.pixels.sum(axis=0), counts.area[visible]
    f_measure = f_measures(common, size, area)
    regions = []
    for row, column in enumerate(match(common, size, area, counts.clusters)):
        if 0 <= column < len(size) and common[row, column]:
            precision, recall = float(common[row, column] / size[column]), float(common[row, column] / area[row])
            label, f = int(counts.labels[column]), float(f_measure[row, column])
            regions.append(RegionScore(int(visible[row]), label, precision, recall, f))
        else:
            regions.append(RegionScore(int(visible[row]), None, None, 0.0, 0.0))
    extracted = sum(region.f_measure > threshold for region in regions if region.region != 0)
    objects = int(np.count_nonzero(visible))  # the regions that are not number 0
    return summary("moseg-strict", counts, threshold, tuple(regions), counts.covered[visible], objects, extracted)
