"""The constants of trajectory affinities and their sources: Keuper et al., ICCV 2015, unless said otherwise."""

from dataclasses import dataclass

from flowfeat.errors import InputError


@dataclass(frozen=True)
class Neighbourhood:
    """Which pairs of trajectories have an edge.

    Attributes:
        neighbours: nearest trajectories of each one, in each sampled frame. 12 as remembered of the original; more
            distant partners made results worse, because a translation is the wrong model between far points of one
            rotating or zooming surface.
        frame_step: frames from one sampled frame to the next. The original's is not known; 5, as `Motion.tau`.
        minimum_overlap: frames that two trajectories must have in common, at least 2. Public re-implementations ask
            for 4 or 5; with 2 the short trajectories that bad flow leaves keep their edges.
    """

    neighbours: int = 12
    frame_step: int = 5
    minimum_overlap: int = 2

    def __post_init__(self) -> None:
        if self.neighbours < 1 or self.frame_step < 1:
            raise InputError(
                f"{self.neighbours} neighbours in every {self.frame_step}th frame: both numbers must be at least 1"
            )
        if self.minimum_overlap < 2:
            raise InputError(
                f"an overlap of {self.minimum_overlap} frames holds no motion; two trajectories need at least 2"
            )


@dataclass(frozen=True)
class Motion:
    """How the motion of two trajectories is compared.

    Attributes:
        tau: frames a tangent spans, shorter at the end of the common frames. 5 (Brox & Malik, ECCV 2010).
        floor: the least variation of the flow that differences are measured in, pixels per frame. Without one exact
            flow varies by nothing and a rotating object falls to pieces; 0.5 is our choice, measured on synthetic
            scenes. Where flow was computed on frames of another size it scales with them.
    """

    tau: int = 5
    floor: float = 0.5

    def __post_init__(self) -> None:
        if self.tau < 1:
            raise InputError(f"a tangent over {self.tau} frames is none; tau must be at least 1")
        if not 0 < self.floor < float("inf"):
            raise InputError(f"differences of motion cannot be measured in {self.floor} px; the floor must be above 0")


@dataclass(frozen=True)
class CostWeights:
    """The log odds that two trajectories belong together, from their distances.

    max(intercept + motion d_motion + spatial d_spatial + colour d_colour, motion_intercept + motion d_motion). The
    second form lets equal motion join what is far or of another colour.

    Attributes:
        intercept, motion, spatial, colour: of the first form. Published are 6 and -4, -0.02, -0.02, but not which
            weight belongs to which distance; this reading kept all our synthetic scenes whole, others did not. With -2
            for motion real water, foliage and parallax fall into fewer pieces; with -1.5 objects that start late stay
            with the background.
        motion_intercept: of the second form, 2; None where there is no second form.
        prior: the probability that a pair is cut, before anything is seen. 0.5; more gives more segments.
        clip: the largest magnitude of a cost. 6, as much as equal motion is worth: some trajectories cross objects or
            drift, so that no pair may weigh more than a few others. Without one, costs of -170 were seen.
        proof: moving alike for so many frames, from one to the next, counts fully towards joining, and for fewer in
            proportion; to move differently counts at once. None where every positive cost counts fully. 10: the short
            tracks around an object that starts late have never seen it move, and would hold it to the background.
    """

    intercept: float = 6.0
    motion: float = -2.0
    spatial: float = -0.02
    colour: float = -0.02
    motion_intercept: float | None = 2.0
    prior: float = 0.5
    clip: float = 6.0
    proof: int | None = 10

    def __post_init__(self) -> None:
        if not 0 < self.prior < 1:
            raise InputError(f"a prior cut probability of {self.prior} decides everything; it must lie between 0 and 1")
        if not self.clip > 0:
            raise InputError(f"costs clipped to {self.clip} say nothing; the clip must be above 0")
        if self.proof is not None and self.proof < 1:
            raise InputError(f"{self.proof} frames prove nothing; the proof must be at least 1 frame to the next")


@dataclass(frozen=True)
class AffinitySettings:
    """Everything that decides the graph of trajectories and its costs."""

    neighbourhood: Neighbourhood = Neighbourhood()
    motion: Motion = Motion()
    weights: CostWeights = CostWeights()


PAPER = AffinitySettings(
    Neighbourhood(neighbours=12, frame_step=5, minimum_overlap=2),
    Motion(tau=5, floor=0.5),
    CostWeights(
        intercept=6.0, motion=-4.0, spatial=-0.02, colour=-0.02, motion_intercept=2.0, prior=0.5, clip=20.0, proof=None
    ),
)
"""Keuper et al. as far as it is known, and our measured choices where it is not. It stays when defaults move."""
