"""Ground truth beside the frames, of either data set."""

import numpy as np
import pytest
from fixture_overlays import write_fbms
from PIL import Image

from flowfeat.errors import InputError
from segmentation.formats import write_label_map
from segmentation.overlays.truth import MaskedShot, truth_beside

MASK = np.zeros((6, 8), np.int64)
MASK[1:4, 1:4] = 1
MASK[4, 5:7] = 2


def _davis(root, annotations, masks):
    frames = root / "JPEGImages/480p/bear"
    frames.mkdir(parents=True, exist_ok=True)
    for number, labels in enumerate(masks):
        Image.new("RGB", (8, 6)).save(frames / f"{number:05d}.jpg")
        write_label_map(root / annotations / "480p/bear" / f"{number:05d}.png", labels)
    return frames


def test_fbms_is_found_by_its_folder(tmp_path):
    shot = truth_beside(write_fbms(tmp_path / "FBMS") / "Testset/cars1")
    assert shot
    assert (shot.name, [a.frame for a in shot.definition.annotations], len(shot.definition.regions)) == (
        "cars1",
        [0, 4],
        3,
    )


def test_frames_alone_have_no_truth(tmp_path):
    assert truth_beside(tmp_path) is None
    frames = _davis(tmp_path, "Annotations", [MASK])
    (frames.parent / "lynx").mkdir()
    assert truth_beside(frames.parent / "lynx") is None


def test_merged_masks_have_one_object_whatever_its_number(tmp_path):
    shot = truth_beside(_davis(tmp_path, "Annotations", [MASK, 255 * MASK.clip(0, 1)]))
    assert isinstance(shot, MaskedShot)
    assert (shot.definition.regions, shot.definition.frames) == ((0, 1), 2)
    for annotation, labels in zip(shot.definition.annotations, (MASK, MASK.clip(0, 1)), strict=True):
        np.testing.assert_array_equal(shot.read_truth(annotation).region, labels > 0)
    assert [path.name for path in shot.images] == ["00000.jpg", "00001.jpg"]


def test_masks_of_every_object_are_preferred_and_void_and_late_objects_do_not_count(tmp_path):
    second = MASK.copy()
    second[0, 0], second[0, 1] = 255, 3
    _davis(tmp_path, "Annotations", [MASK, MASK])
    shot = truth_beside(_davis(tmp_path, "Annotations_unsupervised", [MASK, second]))
    assert isinstance(shot, MaskedShot)
    assert shot.definition.regions == (0, 1, 2)
    region = shot.read_truth(shot.definition.annotations[1]).region
    assert region[0, :3].tolist() == [-1, -1, 0]
    np.testing.assert_array_equal(region[1:], MASK[1:])


def test_missing_files_have_their_sentence(tmp_path):
    shot = write_fbms(tmp_path / "FBMS") / "Testset/cars1"
    (shot / "GroundTruth/cars1Def.dat").unlink()
    with pytest.raises(InputError, match=r"cars1Def.dat: the file is missing"):
        truth_beside(shot)
    frames = _davis(tmp_path, "Annotations", [MASK, MASK])
    (tmp_path / "Annotations/480p/bear/00001.png").unlink()
    with pytest.raises(InputError, match="there are 1 masks for 2 frames"):
        truth_beside(frames)


def test_real_sequences(data):
    root = data / "segmentation"
    cars = truth_beside(root / "FBMS/Testset/cars1")
    swan = truth_beside(root / "DAVIS/JPEGImages/480p/blackswan")
    assert cars
    assert swan
    assert (cars.definition.regions, swan.definition.regions) == ((0, 128, 255), (0, 1))
    region = swan.read_truth(swan.definition.annotations[3]).region
    assert region.shape == (480, 854)
    assert 0.05 < region.mean() < 0.3
