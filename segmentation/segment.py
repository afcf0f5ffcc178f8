"""A shot's tracks to objects: clusters by their motion, one of them the background, and masks of single frames."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from segmentation.affinities import PAPER as PAPER_AFFINITIES
from segmentation.affinities import AffinitySettings, GraphReport, trajectory_graph
from segmentation.background import Background, BackgroundSettings, find_background
from segmentation.dense import Dense, DenseSettings, densify
from segmentation.multicut import Multicut, MulticutSettings, solve_multicut
from segmentation.objects import ObjectSettings, join_parts
from segmentation.spectral import PAPER as PAPER_SPECTRAL
from segmentation.spectral import SpectralClusters, SpectralSettings, spectral_clusters
from segmentation.tracking.tracker import Tracking


@dataclass(frozen=True)
class SegmentationSettings:
    """All that decides which objects a shot's tracks are.

    Attributes:
        method: minimum-cost multicut (Keuper et al., ICCV 2015), or spectral clustering (Ochs et al., PAMI 2014).
        affinities: which tracks are compared, how, and what it costs to part them.
        multicut, spectral: of either method.
        smallest: tracks of a cluster that counts as an object or as a part of the background; the tracks of smaller
            ones have a cluster but no object.
        background: what counts as moving with the camera.
        objects: which clusters are parts of one object.
    """

    method: Literal["multicut", "spectral"] = "multicut"
    affinities: AffinitySettings = field(default_factory=AffinitySettings)
    multicut: MulticutSettings = field(default_factory=MulticutSettings)
    spectral: SpectralSettings = field(default_factory=SpectralSettings)
    smallest: int = 10
    background: BackgroundSettings = field(default_factory=BackgroundSettings)
    objects: ObjectSettings = field(default_factory=ObjectSettings)


PAPER = SegmentationSettings(affinities=PAPER_AFFINITIES, spectral=PAPER_SPECTRAL, objects=ObjectSettings(alike=0))
"""Keuper et al., ICCV 2015, and Ochs et al., PAMI 2014, for the spectral method, as far as they are known: every
cluster that is not background is an object."""


@dataclass(frozen=True, eq=False)
class SegmentedTracks:
    """What each track of a shot belongs to.

    Attributes:
        cluster: by motion, from 0 by falling size.
        object: 0 is the background, then objects by falling size; -1 for tracks of clusters that are too small.
        graph: of the affinities.
        solution: of the method.
        background: which of the large clusters are, and why.
        left_out: tracks of clusters that are too small.
    """

    cluster: Int[np.ndarray, " n"]
    object: Int[np.ndarray, " n"]
    graph: GraphReport
    solution: Multicut | SpectralClusters
    background: Background
    left_out: int

    @property
    def objects(self) -> int:
        """How many there are, without the background."""
        return max(0, int(self.object.max(initial=0)))


def segment_tracks(tracking: Tracking, settings: SegmentationSettings) -> SegmentedTracks:
    """Clusters and objects of a shot's tracks. No tracks are no clusters.

    Raises InputError as the parts do.
    """
    tracks, features = tracking.trajectories, tracking.features
    graph = trajectory_graph(tracks, features.sigma, features.lab, settings.affinities)
    if settings.method == "multicut":
        solution = solve_multicut(graph.nodes, graph.pairs, graph.costs, settings.multicut)
    else:
        solution = spectral_clusters(tracks, graph, settings.affinities.motion.tau, settings.spectral)
    cluster = solution.labels
    sizes = np.bincount(cluster, minlength=1)
    large = np.flatnonzero(sizes >= settings.smallest)
    number = np.full(len(sizes), -1)
    number[large] = np.arange(len(large))
    labels = number[cluster] if len(cluster) else cluster
    size = tracking.report.height, tracking.report.width
    background = find_background(tracks, labels, features.sigma, size, settings.affinities.motion, settings.background)
    of_cluster = join_parts(
        tracks,
        features.sigma,
        labels,
        background.background,
        background.residual,
        size,
        settings.affinities.motion,
        settings.objects,
    )
    objects = np.where(labels >= 0, of_cluster[labels], -1) if len(large) else labels
    return SegmentedTracks(cluster, objects, graph.report, solution, background, int((labels < 0).sum()))


def mask_of_frame(
    tracking: Tracking,
    segmented: SegmentedTracks,
    frame: int,
    image: UInt8[Tensor, "3 h w"],
    settings: DenseSettings,
    start: Float[Tensor, "k h w"] | None = None,
) -> Dense | None:
    """The object at every pixel of a frame; None where no track with an object runs through it."""
    which, xy = tracking.trajectories.at(frame)
    kept = segmented.object[which] >= 0
    if not kept.any():
        return None
    return densify(image, xy[kept], segmented.object[which[kept]], segmented.objects + 1, settings, start)
