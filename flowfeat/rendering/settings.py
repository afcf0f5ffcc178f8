"""What kind of scenes are rendered."""

from dataclasses import dataclass
from typing import Literal

Setting = Literal["large", "medium", "small", "video"]
"""The names of the kinds of scenes, as `flowfeat render` and configurations of training take them."""


@dataclass(frozen=True)
class SceneSettings:
    """Scenes as distributions; every length is in pixels of the frame.

    Attributes:
        objects: the fewest and the most objects in front of the background.
        radius: the smallest and the largest radius of an object, as a share of the shorter side.
        background_motion: the median displacement of the background, and the spread of its logarithm.
        object_motion: the same for an object, on top of the background's.
        rotation: standard deviation of the rotation from one frame to the next, in radians, for objects; the
            background turns by a quarter of it.
        scaling: standard deviation of the logarithm of the change of size, likewise.
        bending: the steepest that non-rigid motion may be: pixels of change in displacement for a pixel of way.
        plain: share of the backgrounds without texture, as in ChairsSDHom.
        still: share of the backgrounds that do not move at all.
        lighting: standard deviation of the change of brightness and of contrast between the frames.
        noise: the largest standard deviation of the noise in the frames.
    """

    objects: tuple[int, int]
    radius: tuple[float, float]
    background_motion: tuple[float, float]
    object_motion: tuple[float, float]
    rotation: float
    scaling: float
    bending: float
    plain: float
    still: float
    lighting: float = 0.02
    noise: float = 0.03


LARGE = SceneSettings(
    objects=(4, 12),
    radius=(0.05, 0.35),
    background_motion=(4.0, 1.0),
    object_motion=(8.0, 1.0),
    rotation=0.12,
    scaling=0.08,
    bending=0.1,
    plain=0.05,
    still=0.05,
)
"""After FlyingChairs: a histogram of displacements as wide as Sintel's (FlowNet 2015, section 4.2)."""

MEDIUM = SceneSettings(
    objects=(3, 9),
    radius=(0.06, 0.35),
    background_motion=(1.8, 1.0),
    object_motion=(3.0, 1.0),
    rotation=0.08,
    scaling=0.06,
    bending=0.08,
    plain=0.1,
    still=0.1,
)
"""Videos of a quarter of a megapixel and less: displacements as in Middlebury and in clips of moving people."""

SMALL = SceneSettings(
    objects=(2, 8),
    radius=(0.05, 0.35),
    background_motion=(0.3, 1.5),
    object_motion=(1.3, 1.4),
    rotation=0.02,
    scaling=0.015,
    bending=0.05,
    plain=0.4,
    still=0.3,
)
"""After ChairsSDHom: homogeneous backgrounds, more than half of the pixels under 1 px and a tail, as in UCF101.

FlowNet 2.0, section 5. DIS sees 71% under 1 px and 17% over 2 px in clips of eight classes of UCF101; here it is 61%
and 19%.
"""

VIDEO = SceneSettings(
    objects=(0, 4),
    radius=(0.06, 0.4),
    background_motion=(1.0, 1.6),
    object_motion=(1.5, 1.3),
    rotation=0.03,
    scaling=0.02,
    bending=0.05,
    plain=0.03,
    still=0.35,
    lighting=0.01,
    noise=0.015,
)
"""A camera that stands or pans over a textured scene, with few things moving in it: most of what clips of people show.

A still background has a flow of exactly nought, and a pan moves all of a frame alike by up to a tenth of it: two
things that networks trained on many objects alone are bad at.
"""

SETTINGS: dict[str, SceneSettings] = {"large": LARGE, "medium": MEDIUM, "small": SMALL, "video": VIDEO}
"""By their names."""
