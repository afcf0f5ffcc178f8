"""From a shot's flow to its objects, on small synthetic scenes with exact and with noisy flow."""

from dataclasses import replace

import numpy as np
import pytest

from segmentation.affinities import PAPER as PAPER_AFFINITIES
from segmentation.dense import DenseSettings
from segmentation.segment import PAPER, SegmentationSettings, mask_of_frame, segment_tracks
from segmentation.spectral import PAPER as PAPER_SPECTRAL
from segmentation.spectral import SpectralSettings
from segmentation.synthetic import synthesise
from segmentation.tracking.settings import TrackerSettings
from segmentation.tracking.tracker import track

HEIGHT, WIDTH = 120, 160


def _tracked(scene: str, frames: int = 8, seed: int = 3):
    shot = synthesise(scene, HEIGHT, WIDTH, frames=frames, seed=seed)
    return shot, track(shot.steps(), TrackerSettings(sampling=4))


@pytest.mark.parametrize(("method", "least"), [("multicut", 3), ("spectral", 2)])
def test_objects_before_a_panning_background(method, least):
    shot, tracking = _tracked("B")
    found = segment_tracks(tracking, SegmentationSettings(method=method))
    assert least <= found.objects <= 3
    dense = mask_of_frame(tracking, found, 4, shot.frames[4], DenseSettings())
    assert dense is not None
    mask, truth = dense.labels.numpy(), shot.labels[4]
    overlaps = [
        max(((mask == own) & (truth == label)).sum() / ((mask == own) | (truth == label)).sum() for own in (1, 2, 3))
        for label in (1, 2, 3)
    ]
    assert sum(overlap > 0.9 for overlap in overlaps) >= least


def test_the_published_settings_are_those_of_both_methods():
    assert PAPER.affinities == PAPER_AFFINITIES
    assert PAPER.spectral == PAPER_SPECTRAL
    assert (PAPER_SPECTRAL.scale, PAPER_SPECTRAL.smoothness) == (0.1, 0.5)
    assert SpectralSettings() != PAPER_SPECTRAL


def test_counts_add_up_and_small_clusters_have_no_object():
    _, tracking = _tracked("B")
    every = segment_tracks(tracking, SegmentationSettings(smallest=1))
    large = segment_tracks(tracking, SegmentationSettings(smallest=40))
    sizes = np.bincount(large.cluster)
    assert np.array_equal(every.cluster, large.cluster)
    assert (sizes[:-1] >= sizes[1:]).all()
    assert (every.object >= 0).all()
    assert every.left_out == 0
    assert large.left_out == sizes[sizes < 40].sum() == (large.object < 0).sum()
    assert len(large.background.background) == (sizes >= 40).sum()
    assert large.objects == (~large.background.background).sum()


def test_where_nothing_moves_there_is_no_object():
    shot, tracking = _tracked("still")
    found = segment_tracks(tracking, SegmentationSettings())
    assert found.objects == 0
    dense = mask_of_frame(tracking, found, 3, shot.frames[3], DenseSettings())
    assert dense is not None
    assert not dense.labels.any()


def test_a_frame_without_tracks_that_have_an_object_has_no_mask():
    shot, tracking = _tracked("B")
    found = segment_tracks(tracking, SegmentationSettings())
    none = replace(found, object=np.full_like(found.object, -1))
    assert mask_of_frame(tracking, none, 4, shot.frames[4], DenseSettings()) is None


def test_the_same_tracks_give_the_same_objects():
    _, tracking = _tracked("B")
    first, second = (segment_tracks(tracking, SegmentationSettings()) for _ in range(2))
    assert np.array_equal(first.object, second.object)
