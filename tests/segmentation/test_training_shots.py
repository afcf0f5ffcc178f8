"""Which shots weights may be fitted to, and the pairs that are made of them."""

import numpy as np
import pytest
from fixture_fbms import write_shot
from fixture_formats import write_label_maps
from fixture_results import make_otherwise, write_result
from fixture_tracks import points_of_labels, stored_tracks

from flowfeat.errors import InputError
from segmentation.affinities import AffinitySettings
from segmentation.runs.layout import file_sha256, open_run
from segmentation.training_shots import DAVIS_VALIDATION, labelled_shots, training_shots
from segmentation.trajectories import Trajectories

TWO = np.array([[0] * 6 + [255] * 4])
POINTS = points_of_labels(TWO > 0)


@pytest.fixture
def fbms(tmp_path):
    for split, name in (
        ("Trainingset", "cars2"),
        ("Trainingset", "cars3"),
        ("Trainingset", "mine"),
        ("Testset", "cars1"),
    ):
        write_shot(tmp_path / f"FBMS/{split}/{name}", (0, 255), {0: TWO})
    return tmp_path / "FBMS"


def test_test_shots_of_fbms_must_be_named(fbms, tmp_path):
    run = open_run(write_result(tmp_path / "run", fbms, "fbms", dict.fromkeys(("cars1", "cars2", "mine"), POINTS)))
    found = training_shots(fbms, run)
    assert (found.dataset, found.names, found.test, found.without_tracks) == (
        "FBMS-59",
        ("cars2", "mine"),
        (),
        ("cars3",),
    )
    # In the order of the data set, each once.
    named = training_shots(fbms, run, ["cars1", "cars2", "cars1"])
    assert (named.names, named.test, named.without_tracks) == (("cars2", "cars1"), ("cars1",), ())
    # A test shot is one wherever its folder is.
    (fbms / "Testset/cars1").rename(fbms / "Trainingset/cars1")
    assert training_shots(fbms, run).names == ("cars2", "mine")


def test_validation_sequences_of_davis_must_be_named(tmp_path):
    for name in ("bear", "libby", "camel"):
        write_label_maps(tmp_path / "DAVIS/Annotations/480p" / name, [TWO])
    run = open_run(write_result(tmp_path / "run", tmp_path, "davis", dict.fromkeys(("bear", "libby"), POINTS)))
    found = training_shots(tmp_path / "DAVIS", run)
    assert (found.dataset, found.names, found.test, found.without_tracks) == ("DAVIS", ("bear",), (), ())
    assert training_shots(tmp_path / "DAVIS", run, ["libby"]).test == ("libby",)
    assert [labels.max() for _, labels in found.truth("bear")] == [1]
    assert len(set(DAVIS_VALIDATION)) == 30


def test_shots_that_cannot_be_had_are_told(fbms, tmp_path):
    run = open_run(write_result(tmp_path / "run", fbms, "fbms", {"cars1": POINTS}))
    with pytest.raises(InputError, match=r"run: none of the 3 shots of the training split of FBMS-59 in .* has tracks"):
        training_shots(fbms, run)
    with pytest.raises(InputError, match="Testset: none of its 1 shots is of FBMS-59's training split; get that, or"):
        training_shots(fbms / "Testset", run)
    with pytest.raises(InputError, match="FBMS: the shot lion02 is not here; there are cars2, cars3, cars1, mine"):
        training_shots(fbms, run, ["lion02"])
    with pytest.raises(InputError, match="run: the shot cars2 has no tracks here"):
        training_shots(fbms, run, ["cars1", "cars2"])


def test_tracks_of_two_trackers_are_not_mixed(fbms, tmp_path):
    run = open_run(write_result(tmp_path / "run", fbms, "fbms", dict.fromkeys(("cars2", "cars3", "mine"), POINTS)))
    make_otherwise(run.home, "cars3")
    for named in (None, ["cars2", "cars3"]):
        with pytest.raises(InputError, match=r"cars3\.json: the shot was tracked with other settings than its run"):
            training_shots(fbms, run, named)
    assert training_shots(fbms, run, ["cars2", "mine"]).names == ("cars2", "mine")


def test_pairs_are_of_neighbours_whose_objects_are_known(fbms, tmp_path):
    # Four tracks side by side through both frames: two on the background, one on the object, one outside.
    xy = np.repeat(np.array([[0, 0], [5, 0], [8, 0], [90, 0]], np.float32), 2, axis=0)
    four = Trajectories(np.zeros(4, np.int64), np.full(4, 2), xy, 10)
    run = open_run(write_result(tmp_path / "run", fbms, "fbms", {"cars2": stored_tracks(four, 1, 10)}))
    steps = []
    (shot,), origin = labelled_shots(
        training_shots(fbms, run), run, AffinitySettings(), lambda done, total: steps.append((done, total))
    )
    # Of 6 pairs, 3 have the track that is outside; of the others one is of two tracks of the background.
    assert (shot.name, shot.same.tolist(), shot.unknown) == ("cars2", [True, False, False], 3)
    assert shot.distances.spatial.tolist() == [5, 8, 3]
    (facts,) = origin.shots
    assert (facts.name, facts.tracks, facts.known, facts.unseen, facts.crossing) == ("cars2", 4, 3, 1, 0)
    assert facts.sha256 == file_sha256(run.stored_tracks_file("cars2"))
    assert (origin.dataset, origin.flow, origin.without_tracks) == ("FBMS-59", "dis", ("cars3", "mine"))
    assert steps == [(0, 1), (1, 1)]


def test_tracks_of_another_shot_or_a_damaged_file_are_told(fbms, tmp_path):
    shots = {"cars2": points_of_labels(np.zeros((2, 3))), "mine": POINTS}
    run = open_run(write_result(tmp_path / "run", fbms, "fbms", shots))
    with pytest.raises(InputError, match="cars2: the tracks are on 3x2 pixels, the ground truth on 10x1"):
        labelled_shots(training_shots(fbms, run), run, AffinitySettings())
    path = run.stored_tracks_file("mine")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match=r"mine/tracks\.safetensors: this file of tracks is damaged"):
        labelled_shots(training_shots(fbms, run, ["mine"]), run, AffinitySettings())
