"""What the doctor finds: one thing broken at a time."""

import shutil

import numpy as np
import pytest
from fixture_fbms import write_shot
from fixture_formats import write_image_list
from PIL import Image

from flowfeat.errors import InputError
from segmentation.doctor import check_dataset, check_davis, check_fbms
from segmentation.formats import write_label_map

RED, WHITE = 0xFF0000, 0xFFFFFF
TRUTH = np.array([[WHITE, RED, RED], [WHITE, WHITE, RED]])


@pytest.fixture
def fbms(tmp_path):
    sure = {frame: np.full(TRUTH.shape, 255) for frame in (0, 4)}
    write_shot(tmp_path / "Testset/tennis", (WHITE, RED), {0: TRUTH, 4: TRUTH}, 6, sure, coloured=True)
    return tmp_path


@pytest.fixture
def davis(tmp_path):
    for frame in range(3):
        labels = np.array([[0, 1, 2], [0, 0, 1]])
        picture = tmp_path / f"JPEGImages/480p/bear/{frame:05d}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(picture)
        write_label_map(tmp_path / f"Annotations/480p/bear/{frame:05d}.png", (labels > 0) * 255)
        write_label_map(tmp_path / f"Annotations_unsupervised/480p/bear/{frame:05d}.png", labels)
    return tmp_path


def _told(found):
    return [(finding.kind, finding.fault, finding.path.name, finding.told) for finding in found.findings]


def test_the_real_copies_have_no_fault(data):
    found = check_fbms(data / "segmentation/FBMS")
    assert (found.shots, found.frames, found.annotated, found.healthy) == (1, 19, 1, True)
    assert [finding.kind for finding in found.findings] == ["list"]
    assert "29 of 30 shots are not here: cars4, cars5, cars10, marple2, marple4 and 24 more" in found.findings[0].told
    # DAVIS of our copy takes seconds to read in full; its smallest sequence is enough here.
    assert check_dataset(data / "segmentation/FBMS/Testset").dataset == "FBMS-59"


def test_one_real_sequence_of_davis_has_no_fault(data, tmp_path):
    for folder in ("JPEGImages/480p", "Annotations/480p"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "libby").symlink_to(data / "segmentation/DAVIS" / folder / "libby")
    found = check_davis(tmp_path)
    assert (found.shots, found.frames, found.annotated, found.healthy) == (1, found.annotated, found.frames, True)


def test_a_good_shot_has_the_remark_that_others_are_missing(fbms):
    found = check_dataset(fbms)
    assert (found.dataset, found.shots, found.frames, found.annotated) == ("FBMS-59", 1, 6, 2)
    assert [(kind, fault) for kind, fault, _, _ in _told(found)] == [("list", False)]


def _shot(fbms):
    return fbms / "Testset/tennis"


def _rewrite(path, old, new):
    path.write_text(path.read_text().replace(old, new, 1))


BROKEN = {
    "stranger": (
        lambda fbms: shutil.copytree(_shot(fbms), fbms / "Testset/bmx-bumps"),
        ("list", True, "bmx-bumps", "FBMS-59 has no shot of this name"),
    ),
    "other split": (
        lambda fbms: shutil.copytree(_shot(fbms), fbms / "Testset/cars2"),
        ("list", True, "cars2", "the shot belongs to Trainingset"),
    ),
    "no definition": (
        lambda fbms: (_shot(fbms) / "GroundTruth/tennisDef.dat").unlink(),
        ("missing", True, "tennisDef.dat", "the file is missing"),
    ),
    "definition cut short": (
        lambda fbms: (_shot(fbms) / "GroundTruth/tennisDef.dat").write_text("x"),
        ("definition", True, "tennisDef.dat", "cut short"),
    ),
    "frame in a gap": (
        lambda fbms: (_shot(fbms) / "tennis_0003.jpg").unlink(),
        ("missing", True, "tennis", "the frames numbered 3 are not here"),
    ),
    "last frame": (
        lambda fbms: (_shot(fbms) / "tennis_0006.jpg").unlink(),
        ("missing", True, "tennis", "5 frames are here and tennisDef.dat says 6"),
    ),
    "frame of another size": (
        lambda fbms: Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(_shot(fbms) / "tennis_0003.jpg"),
        ("size", True, "tennis_0003.jpg", "the frames of one shot differ in size: 5 of 3x2, 1 of 9x9"),
    ),
    "damaged frame": (
        lambda fbms: (_shot(fbms) / "tennis_0003.jpg").write_bytes(b"x"),
        ("unreadable", True, "tennis_0003.jpg", "cannot be decoded"),
    ),
    "annotated twice": (
        lambda fbms: _rewrite(_shot(fbms) / "GroundTruth/tennisDef.dat", "number:\n4", "number:\n0"),
        ("definition", True, "tennisDef.dat", "frame 0 is annotated 2 times"),
    ),
    "annotated behind the end": (
        lambda fbms: _rewrite(_shot(fbms) / "GroundTruth/tennisDef.dat", "number:\n4", "number:\n6"),
        ("definition", True, "tennisDef.dat", "frame 6 is annotated and the shot has 6"),
    ),
    "another frame": (
        lambda fbms: _rewrite(_shot(fbms) / "GroundTruth/tennisDef.dat", "tennis_0005.jpg", "tennis_0004.jpg"),
        ("definition", False, "tennisDef.dat", "frame 4 is said to be tennis_0004.jpg and is tennis_0005.jpg"),
    ),
    "no truth": (
        lambda fbms: (_shot(fbms) / "GroundTruth/005_gt.ppm").unlink(),
        ("missing", True, "005_gt.ppm", "the annotated frame is missing"),
    ),
    "damaged truth": (
        lambda fbms: (_shot(fbms) / "GroundTruth/005_gt.ppm").write_bytes(b"P6 3 2 255 x"),
        ("unreadable", True, "005_gt.ppm", "cannot be decoded"),
    ),
    "no probabilities": (
        lambda fbms: (_shot(fbms) / "GroundTruth/005_gt.pgm").unlink(),
        ("missing", True, "005_gt.pgm", "the probability map is not here"),
    ),
    "unknown colour": (
        lambda fbms: _rewrite(_shot(fbms) / "GroundTruth/tennisDef.dat", str(RED), str(RED + 1)),
        ("colours", False, "001_gt.ppm", "3 pixels have a colour that tennisDef.dat does not name"),
    ),
    "a region nowhere": (
        lambda fbms: _rewrite(_shot(fbms) / "GroundTruth/tennisDef.dat", str(RED), str(RED + 1)),
        ("definition", False, "tennisDef.dat", "no annotated frame has the regions 1"),
    ),
    "truth of another size": (
        lambda fbms: [
            Image.fromarray(np.full((5, 5, 3), 255, np.uint8)).save(_shot(fbms) / "GroundTruth/005_gt.ppm"),
            Image.fromarray(np.full((5, 5), 255, np.uint8)).save(_shot(fbms) / "GroundTruth/005_gt.pgm"),
        ],
        ("size", True, "005_gt.ppm", "it is 5x5 and the frames are 3x2"),
    ),
    "list of other frames": (
        lambda fbms: write_image_list(_shot(fbms) / "tennis.bmf", ["tennis_0001.ppm"]),
        ("list", True, "tennis.bmf", "1 images are listed and 6 are here"),
    ),
    "list of missing frames": (
        lambda fbms: write_image_list(_shot(fbms) / "tennis.bmf", ["tennis_0100.ppm"]),
        ("list", True, "tennis.bmf", "tennis_0100.ppm"),
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_broken_in_fbms_is_found(fbms, broken):
    harm, (kind, fault, name, told) = BROKEN[broken]
    harm(fbms)
    found = check_fbms(fbms)
    fitting = [each for each in _told(found) if each[:3] == (kind, fault, name) and told in each[3]]
    assert len(fitting) == 1, _told(found)
    assert found.healthy != any(finding.fault for finding in found.findings)


def test_a_shot_in_both_splits_is_found_and_not_fatal(fbms):
    shutil.copytree(fbms / "Testset", fbms / "Trainingset")
    assert ("list", True, "tennis", "the shot belongs to Testset") in _told(check_fbms(fbms))


def test_a_good_davis_has_nothing_to_say(davis):
    found = check_dataset(davis)
    assert (found.dataset, found.shots, found.frames, found.annotated, _told(found)) == ("DAVIS", 1, 3, 6, [])


def _lists(davis, text):
    (davis / "ImageSets/2017").mkdir(parents=True)
    (davis / "ImageSets/2017/val.txt").write_text(text)


BROKEN_DAVIS = {
    "frame": (
        lambda davis: (davis / "JPEGImages/480p/bear/00001.jpg").unlink(),
        ("missing", True, "00001.jpg", "the frame is missing"),
    ),
    "mask": (
        lambda davis: (davis / "Annotations/480p/bear/00002.png").unlink(),
        ("missing", True, "bear", "2 masks for 3 frames"),
    ),
    "damaged mask": (
        lambda davis: (davis / "Annotations/480p/bear/00002.png").write_bytes(b"x"),
        ("unreadable", True, "00002.png", "no PNG"),
    ),
    "masks alone": (
        lambda davis: shutil.rmtree(davis / "JPEGImages/480p/bear"),
        ("missing", True, "bear", "the sequence has masks and no frames"),
    ),
    "frames alone": (
        lambda davis: shutil.rmtree(davis / "Annotations/480p/bear"),
        ("missing", False, "bear", "the sequence has frames and no masks here"),
    ),
    "size": (
        lambda davis: [
            Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(davis / f"JPEGImages/480p/bear/{frame:05d}.jpg")
            for frame in range(3)
        ],
        ("size", True, "bear", "the masks are 3x2 and the frames 6x4"),
    ),
    "late object": (
        lambda davis: write_label_map(
            davis / "Annotations_unsupervised/480p/bear/00002.png", np.array([[3, 0, 255]] * 2)
        ),
        ("labels", False, "bear", "the objects 3 come later and no evaluator counts them"),
    ),
    "gap": (
        lambda davis: write_label_map(
            davis / "Annotations_unsupervised/480p/bear/00000.png", np.array([[2, 0, 255]] * 2)
        ),
        ("labels", False, "bear", "the first frame has no object 1, and each would count as one"),
    ),
    "list": (
        lambda davis: _lists(davis, "bear\nwolf\n"),
        ("list", True, "val.txt", "1 of the 2 sequences in this list have no masks"),
    ),
}


@pytest.mark.parametrize("broken", BROKEN_DAVIS)
def test_what_is_broken_in_davis_is_found(davis, broken):
    harm, (kind, fault, name, told) = BROKEN_DAVIS[broken]
    harm(davis)
    found = check_davis(davis)
    fitting = [each for each in _told(found) if each[:3] == (kind, fault, name) and told in each[3]]
    assert fitting, _told(found)


def test_a_folder_of_something_else_is_neither(tmp_path):
    with pytest.raises(InputError, match=r"neither FBMS-59, .* nor DAVIS"):
        check_dataset(tmp_path)
