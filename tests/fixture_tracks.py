"""Stored tracks that a test makes: a point on each pixel of one frame, or tracks with no features to speak of."""

import numpy as np

from segmentation.runs.stored_tracks import StoredTracks
from segmentation.tracking.features import TrackFeatures
from segmentation.trajectories import Trajectories


def stored_tracks(
    trajectories: Trajectories, height: int, width: int, cluster: np.ndarray | None = None
) -> StoredTracks:
    """These trajectories, segmented where there are clusters, which are objects as well."""
    points, count = len(trajectories.xy), len(trajectories)
    features = TrackFeatures(np.zeros(points, np.float32), np.zeros((points, 3), np.float32))
    return StoredTracks(trajectories, features, np.zeros(count, np.uint8), height, width, cluster, cluster)


def points_of_labels(labels: np.ndarray, frames: int = 10, segmented: bool = True) -> StoredTracks:
    """A track of one point on each pixel of the first frame, its cluster the pixel's label."""
    rows, columns = np.indices(labels.shape).reshape(2, -1)
    count = len(rows)
    xy = np.stack([columns, rows], axis=1).astype(np.float32)
    trajectories = Trajectories(np.zeros(count, np.int64), np.ones(count, np.int64), xy, frames)
    cluster = labels.ravel().astype(np.int64) if segmented else None
    return stored_tracks(trajectories, *labels.shape, cluster)
