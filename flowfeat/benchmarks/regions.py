"""Parts of a frame that errors are told apart by: how far it moves, what is hidden, edges of the motion, bare surfaces.

All are of the first frame and of the truth, so they are the same for every method.
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import binary_dilation, distance_transform_edt

_JUMP = 1.0
"""Pixels of displacement between neighbours that make an edge of the motion; a surface at a slant has far less."""

_EDGE_BOX, _TEXTURE_BOX = np.ones((9, 9), np.bool_), np.ones((3, 3), np.bool_)

_TEXTURE = 4.0
"""Grey levels from one pixel to the next that make texture; noise of a camera stays mostly below."""


def motion_boundaries(flow: Float[np.ndarray, "2 h w"], known: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pixels within 4 pixels of an edge of the true motion.

    The gradient of the true flow, thresholded and dilated with a box of 9x9, as Middlebury's mask "disc" (Baker et
    al., IJCV 2011). Its threshold was not published; here neighbours differ by more than 1 pixel.

    Args:
        flow: the truth in pixels.
        known: where it is; edges are seen between known neighbours alone.
    """
    edge = np.zeros(known.shape, np.bool_)
    for axis in (0, 1):
        before, after = [slice(None)] * 2, [slice(None)] * 2
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        first, second = tuple(before), tuple(after)
        jump = np.hypot(*(flow[(slice(None), *second)] - flow[(slice(None), *first)])) > _JUMP
        jump &= known[first] & known[second]
        edge[first] |= jump
        edge[second] |= jump
    return np.asarray(binary_dilation(edge, _EDGE_BOX))


def textured(frame: UInt8[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
    """Pixels beside which the picture changes; the others are homogeneous.

    The gradient of the grey picture, thresholded and dilated with a box of 3x3, as Middlebury's mask "untext" (Baker et
    al., IJCV 2011). Its threshold was not published; here it is 4 grey levels a pixel.
    """
    grey = frame @ np.array([0.299, 0.587, 0.114])
    rows, columns = np.zeros(grey.shape), np.zeros(grey.shape)
    rows[:-1], columns[:, :-1] = np.diff(grey, axis=0), np.diff(grey, axis=1)
    return np.asarray(binary_dilation(np.hypot(rows, columns) > _TEXTURE, _TEXTURE_BOX))


def distance_to_occlusions(occluded: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Pixels from each pixel to the nearest edge of an occlusion, on either side of it; infinite without any.

    As MPI-Sintel's columns d0-10, d10-60 and d60-140 want it.
    """
    edge = np.zeros(occluded.shape, np.bool_)
    rows, columns = occluded[1:] != occluded[:-1], occluded[:, 1:] != occluded[:, :-1]
    edge[1:] |= rows
    edge[:-1] |= rows
    edge[:, 1:] |= columns
    edge[:, :-1] |= columns
    if not edge.any():
        return np.full(occluded.shape, np.inf)
    return np.asarray(distance_transform_edt(~edge), np.float64)
