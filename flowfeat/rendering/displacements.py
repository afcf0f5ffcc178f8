"""How far pixels move: shares of them by displacement, as in the supplement of FlowNet 2.0, figure 3."""

import numpy as np
from jaxtyping import Float, Int

EDGES = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Where bins begin, in pixels; each ends where the next begins, and the last has no end."""


def displacement_counts(flow: Float[np.ndarray, "2 *pixels"]) -> Int[np.ndarray, "bins"]:
    """How many pixels of a field, in pixels, fall into each bin of EDGES."""
    return np.histogram(np.hypot(flow[0], flow[1]), [*EDGES, np.inf])[0]


def shares(counts: Int[np.ndarray, "bins"]) -> list[float]:
    """Counts as shares of the whole."""
    return [float(count) / max(1, int(counts.sum())) for count in counts]


def bin_names() -> list[str]:
    """The bins of EDGES in words."""
    ends = [f" to {end:g}" for end in EDGES[1:]]
    return [f"{low:g}{end} px" for low, end in zip(EDGES, ends, strict=False)] + [f"{EDGES[-1]:g} px and more"]
