"""Scores in captions are those of the evaluators."""

import numpy as np
import pytest
from fixture_formats import write_label_maps
from fixture_overlays import FRAMES, found, tracks_on, truth, write_fbms
from PIL import Image

from flowfeat.errors import FormatError
from segmentation.evaluation.binary import evaluate_binary_davis, evaluate_binary_fbms
from segmentation.evaluation.davis import evaluate_davis
from segmentation.evaluation.fbms_results import evaluate_tracks
from segmentation.formats import LabelledTracks, write_tracks
from segmentation.formats.label_map import write_label_map
from segmentation.overlays.scores import mask_score, track_score
from segmentation.overlays.truth import truth_beside


@pytest.fixture
def fbms(tmp_path):
    return write_fbms(tmp_path / "FBMS")


def _labelled():
    stored = tracks_on(found())
    assert stored.object is not None
    return LabelledTracks(stored.trajectories, stored.object, FRAMES)


def _davis(root, annotations, masks):
    for number, labels in enumerate(masks):
        folder = root / "JPEGImages/480p/bear"
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", labels.shape[::-1]).save(folder / f"{number:05d}.jpg")
        write_label_map(root / annotations / "480p/bear" / f"{number:05d}.png", labels)
    return truth_beside(root / "JPEGImages/480p/bear")


def test_tracks_on_fbms(fbms, tmp_path):
    write_tracks(tmp_path / "tracks.dat", _labelled())
    official = evaluate_tracks(fbms / "Testset/cars1/GroundTruth/cars1Def.dat", tmp_path / "tracks.dat", "moseg").score
    told = track_score(_labelled(), truth_beside(fbms / "Testset/cars1"))
    assert told == f"moseg: F {100 * official.f_measure:.1f}%, {official.extracted} of 2 objects extracted"


def test_tracks_on_davis_say_whose_masks_they_were_scored_on(tmp_path):
    told = track_score(_labelled(), _davis(tmp_path, "Annotations", [truth()] * FRAMES))
    assert told.startswith("moseg on DAVIS: F ")
    assert told.endswith(" of 1 objects extracted")


def test_nothing_to_score_is_undefined(fbms):
    stored = tracks_on(found())
    nothing = LabelledTracks(stored.trajectories.select(np.zeros(192, bool)), np.empty(0, np.int64), FRAMES)
    assert track_score(nothing, truth_beside(fbms / "Testset/cars1")) == "moseg: F undefined, 0 of 2 objects extracted"


def test_masks_on_fbms_and_on_merged_davis_have_binary_j(fbms, tmp_path):
    write_label_maps(tmp_path / "fbms/cars1", [found()] * FRAMES)
    official = evaluate_binary_fbms(fbms, tmp_path / "fbms").J.mean
    told = mask_score(tmp_path / "fbms/cars1", truth_beside(fbms / "Testset/cars1"), 3)
    assert told == f"binary-j: J {100 * official:.1f}%"

    davis = _davis(tmp_path / "DAVIS", "Annotations", [truth(), truth() * 0, truth()])
    write_label_maps(tmp_path / "davis/bear", [found(), found(), truth()])
    official = evaluate_binary_davis(tmp_path / "DAVIS", tmp_path / "davis").J.mean
    assert mask_score(tmp_path / "davis/bear", davis, 3) == f"binary-j: J {100 * official:.1f}%"
    # Of two frames neither is scored.
    short = _davis(tmp_path / "short", "Annotations", [truth()] * 2)
    assert mask_score(tmp_path / "davis/bear", short, 3) == ""


def test_masks_on_davis_with_objects_have_j_and_f(tmp_path):
    shot = _davis(tmp_path / "DAVIS", "Annotations_unsupervised", [truth()] * 4)
    write_label_maps(tmp_path / "davis/bear", [found()] * 4)
    official = evaluate_davis(tmp_path / "DAVIS", tmp_path / "davis").overall.JF_mean
    assert official is not None
    assert mask_score(tmp_path / "davis/bear", shot, 3) == f"davis: J&F {100 * official:.1f}%"
    assert mask_score(tmp_path / "davis/bear", shot, 21) == "davis: no score, 21 objects are more than the 20 it allows"


def test_masks_of_another_size_have_their_sentence(fbms, tmp_path):
    write_label_maps(tmp_path / "cars1", [found().T] * FRAMES)
    with pytest.raises(FormatError, match=r"expected 64 x 48 pixels as its ground truth, got 48 x 64"):
        mask_score(tmp_path / "cars1", truth_beside(fbms / "Testset/cars1"), 3)
