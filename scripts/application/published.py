"""Table 5 of FlowNet 2.0: motion segmentation and action recognition with eight flow methods.

Ilg et al., "FlowNet 2.0: Evolution of Optical Flow Estimation with Deep Networks", CVPR 2017. The numbers stand here
from memory: no readable copy of the table could be had while this was written, so every row carries the mark, and
nothing is tested against them. What could be read is the text around the table: tracks by Ochs et al., segmentation by
Keuper et al., the temporal stream of Simonyan and Zisserman alone, FlowNet2 on a par with the classical methods, and
FlowNetS of no use for segmentation.
"""

from dataclasses import dataclass

SOURCE = "Table 5"
MARK = "memory"
"""Behind every published number, and what it means is `MEANING`."""

MEANING = (
    f"({MARK}): remembered, and confirmed in no readable copy of the paper; a reference to look at, not to test "
    "against."
)

CAPTION = (
    "FlowNet 2.0's Table 5, as far as its caption is remembered: motion segmentation on the training split of FBMS-59 "
    "(29 shots, 65 objects) with points every 4 px, tracks by Ochs et al. and segmentation by Keuper et al.; action "
    "recognition with the temporal stream of Simonyan and Zisserman alone, a stack of L = 5 fields, on UCF101 with all "
    "101 classes. Split, size and quantisation of the flow, and schedule are stated nowhere."
)
"""What the published numbers are of."""


@dataclass(frozen=True)
class Published:
    """A published row.

    Attributes:
        method: as the paper calls it.
        f_measure: of motion segmentation, in percent, as printed there.
        extracted, objects: how many objects were extracted, of how many.
        accuracy: of the temporal stream on UCF101, in percent; None where the table has none.
        shots: of the 29 of the training split, those that the row is of.
        mark: how the numbers are known.
        note: what else has to be known of the row; empty where nothing has.
    """

    method: str
    f_measure: float
    extracted: int
    accuracy: float | None
    objects: int = 65
    shots: int = 29
    mark: str = MARK
    note: str = ""


PUBLISHED = (
    Published("LDOF", 79.51, 28, 79.91),
    Published("DeepFlow", 80.18, 29, 81.89),
    Published("EpicFlow", 78.36, 27, 78.90),
    Published("FlowFields", 79.70, 30, None),
    Published(
        "FlowNetS",
        56.87,
        3,
        55.27,
        objects=62,
        shots=28,
        note="the shot lion02 was left out, as its segmentation did not come to an end",
    ),
    Published("FlowNet2-css-ft-sd", 77.88, 26, None),
    Published("FlowNet2-CSS-ft-sd", 79.52, 30, 79.64),
    Published("FlowNet2", 79.92, 32, 79.51),
)
"""In the order of the table. The lower-case css has 3/8 of the channels; CSS has all of them."""
