"""BMS-26: clustering errors of point tracks, as papers on the Berkeley data set reported them from 2010 to 2014.

Brox and Malik, "Object Segmentation by Long Term Analysis of Point Trajectories", ECCV 2010, section 5. Written from
the paper's words, without its program at hand: what the words leave open is said where it is decided.
"""

from dataclasses import dataclass

import numpy as np

from segmentation.evaluation.points import Counts


@dataclass(frozen=True)
class Bms26Score:
    """How well clusters of points fit the regions of one shot in one window; percent.

    Attributes:
        protocol: `bms26`.
        density: points over pixels; several points on one pixel all count, so it can be above 100.
        overall_error: of all points, those that are not on the region of their cluster.
        average_error: the same within each region, mean over the visible regions that have points.
        over_segmentation: clusters that had to be merged: those with points less the regions that got any.
        extracted: regions with an error below 10 %, less one for the background.
        visible: visible regions less one.
        window: frames.
        annotated: annotated frames that count.
        outside: points outside the picture, which do not count.
        ignored: points on pixels of unknown colour, where these were to be ignored.
        unknown: pixels of ground truth in a colour that the definition does not name.
        without_probabilities: annotated frames whose probability map is not there.

    The errors and the over-segmentation are None without a point on the ground truth, the density too without any
    visible region.
    """

    protocol: str
    density: float | None
    overall_error: float | None
    average_error: float | None
    over_segmentation: int | None
    extracted: int
    visible: int
    window: int
    annotated: int
    outside: int
    ignored: int
    unknown: int
    without_probabilities: int

    @property
    def evaluated(self) -> bool:
        """There was something to evaluate, so that the score may have a part in means."""
        return self.overall_error is not None


def score_bms26(counts: Counts) -> Bms26Score:
    """The score of one shot.

    Every cluster goes to the region that most of its points are on, so several may go to one region. Which of two
    equally good regions it is, the paper leaves open; here it is the first of the definition.

    Args:
        counts: of `count_tracks` or `count_maps`.
    """
    visible = counts.visible
    points = counts.points[visible]
    area, covered = counts.area[visible].sum(), points.sum(axis=1)
    overall = average = merged = None
    extracted = 0
    if not counts.empty:
        region = points.argmax(axis=0)
        good = np.zeros(len(visible), np.int64)
        np.add.at(good, region, points.max(axis=0))
        error = 1 - good[covered > 0] / covered[covered > 0]
        overall, average = 100 * float(1 - good.sum() / covered.sum()), 100 * float(error.mean())
        merged = len(region) - len(np.unique(region))
        # Below 10 %, in whole numbers, because 1 - 0.9 is less than 0.1 in floating point.
        few = 10 * (covered - good) < covered
        extracted = max(0, int(np.count_nonzero(few)) - 1)
    return Bms26Score(
        protocol="bms26",
        density=100 * float(covered.sum() / area) if len(visible) else None,
        overall_error=overall,
        average_error=average,
        over_segmentation=merged,
        extracted=extracted,
        visible=counts.objects,
        window=counts.window,
        annotated=counts.annotated,
        outside=counts.outside,
        ignored=counts.ignored,
        unknown=counts.unknown,
        without_probabilities=counts.without_probabilities,
    )
