"""The constants of spectral clustering: Ochs, Malik & Brox, TPAMI 2014, as remembered, and our own where it says so."""

from dataclasses import dataclass

from flowfeat.errors import InputError


@dataclass(frozen=True)
class SpectralSettings:
    """How trajectories are clustered by the eigenvectors of their affinities.

    Attributes:
        scale: lambda of the affinity exp(-lambda d^2). 0.1 in the paper; 0.4, ours, for a graph of neighbours whose
            motion is measured in at least 0.5 px: 1.5 px a frame between points 8 px apart is then 3e-3, not 0.24.
        largest_eigenvalue: of the normalised Laplacian, up to which eigenvectors say something, 0.2.
        most_vectors: 16, ours. The original's graph joined all pairs and had few small eigenvalues; one of neighbours
            has many, of slow waves over one surface.
        smoothness: the weight of cut edges against distances to cluster centres. 0.5 in the paper; 0.1, ours, because
            here distances do not grow with the number of eigenvectors.
        most_clusters: of one connected part, 20, ours; k-means is tried with every number up to it.
        least_affinity: edges below hold nothing together, 1e-3, ours.
        smallest_part: connected parts of fewer trajectories are not clustered any further, 20, ours.
        merge_misfit: clusters that touch become one where one affine motion misfits the smaller by less, root mean
            square, than this in every window; 0.25 pixels per frame, ours.
        window: frames of a window of the affine motion, 5, the span of a tangent.
        seed: of k-means.
    """

    scale: float = 0.4
    largest_eigenvalue: float = 0.2
    most_vectors: int = 16
    smoothness: float = 0.1
    most_clusters: int = 20
    least_affinity: float = 1e-3
    smallest_part: int = 20
    merge_misfit: float = 0.25
    window: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        positive = (self.scale, self.largest_eigenvalue, self.least_affinity)
        counts = (self.most_vectors, self.most_clusters, self.smallest_part, self.window)
        if min(positive) <= 0 or min(self.smoothness, self.merge_misfit) < 0 or min(counts) < 1:
            raise InputError(f"settings of spectral clustering are out of their range: {self}")


PAPER = SpectralSettings(scale=0.1, largest_eigenvalue=0.2, smoothness=0.5)
"""Ochs et al. as far as it is known; it stays when defaults move."""
