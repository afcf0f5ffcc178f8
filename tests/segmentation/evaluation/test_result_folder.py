"""Which part of a run a protocol scores, and which data set the run is of."""

import numpy as np
import pytest
from fixture_results import make_otherwise, write_result
from fixture_tracks import points_of_labels

from flowfeat.errors import InputError
from segmentation.evaluation.result_folder import dataset_of, open_results

LABELS = np.array([[0, 0, 1, 1]])


def tracks(**options):
    return {"cars1": points_of_labels(LABELS, **options)}


def test_points_are_scored_from_tracks_and_pixels_from_masks(tmp_path):
    run = write_result(tmp_path / "run", tmp_path, "davis", tracks(), {"cars1": [LABELS]})
    for protocol, part in (("moseg", "tracks"), ("moseg-strict", "tracks"), ("bms26", "tracks"), ("davis", "masks")):
        found = open_results(run, protocol)
        assert (found.folder, found.shots) == (run / part, ("cars1",))
    # A shot that was never finished has left its folder behind.
    (run / "masks/half").mkdir()
    assert open_results(run, "binary-j").shots == ("cars1",)
    # Any other folder is taken as it is.
    assert open_results(run / "masks", "moseg").folder == run / "masks"
    assert open_results(run / "masks", "moseg").shots == ("cars1", "half")


def test_shots_of_other_settings_are_no_result_of_a_run(tmp_path):
    shots = dict.fromkeys(("cars1", "tennis", "people1"), points_of_labels(LABELS))
    run = write_result(tmp_path / "run", tmp_path, "fbms", shots, {name: [LABELS] for name in shots})
    make_otherwise(run, "tennis")
    for protocol in ("moseg", "binary-j"):
        found = open_results(run, protocol)
        assert (found.shots, found.other_settings) == (("cars1", "people1"), ("tennis",))
    for name in ("cars1", "people1"):
        make_otherwise(run, name)
    with pytest.raises(InputError, match=r"run: no shot of this run is done with its settings \(3 shots with others\)"):
        open_results(run, "moseg")
    (run / "shots/cars1.json").write_text("{")
    with pytest.raises(InputError, match=r"cars1\.json: the record of the shot is damaged"):
        open_results(run, "moseg")


def test_what_a_run_has_not_is_told(tmp_path):
    sparse = write_result(tmp_path / "sparse", tmp_path, "fbms", tracks())
    with pytest.raises(InputError, match=r"sparse: binary-j scores label maps and this run has none; .* --dense"):
        open_results(sparse, "binary-j")
    tracked = write_result(tmp_path / "tracked", tmp_path, "fbms", tracks(segmented=False))
    with pytest.raises(InputError, match="tracked: its shots were tracked and not segmented"):
        open_results(tracked, "moseg")
    (sparse / "shots/cars1.json").unlink()
    with pytest.raises(InputError, match="sparse: no shot of this run is done"):
        open_results(sparse, "moseg")
    (sparse / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run\.json: the record of the run is damaged"):
        open_results(sparse, "moseg")
    with pytest.raises(InputError, match="nowhere: there is no such folder"):
        open_results(tmp_path / "nowhere", "moseg")


def test_a_run_knows_its_data_set(tmp_path):
    one = write_result(tmp_path / "one", tmp_path / "FBMS", "fbms", tracks())
    two = write_result(tmp_path / "two", tmp_path / "FBMS", "fbms", tracks())
    for name in ("FBMS", "masks"):
        (tmp_path / name).mkdir()
    assert dataset_of(None, one, two) == dataset_of("moseg", tmp_path / "masks", two) == tmp_path / "FBMS"


def test_a_data_set_that_is_not_known_is_asked_for(tmp_path):
    one = write_result(tmp_path / "one", tmp_path / "FBMS", "fbms", tracks())
    other = write_result(tmp_path / "other", tmp_path / "DAVIS", "davis", tracks())
    video = write_result(tmp_path / "video", tmp_path / "clip.mp4", "video", tracks())
    with pytest.raises(
        InputError, match=r"one was made of .*FBMS and .*other of .*DAVIS; give results of one data set"
    ):
        dataset_of(None, one, other)
    with pytest.raises(InputError, match=r"FBMS: the data set that .*one was made of is not there; say with --root"):
        dataset_of(None, one)
    with pytest.raises(InputError, match=r"video: it was made of .*clip.mp4, which has no ground truth"):
        dataset_of(None, video)
    (tmp_path / "masks").mkdir()
    with pytest.raises(InputError, match=r"masks: no run wrote this folder, so say with --root"):
        dataset_of(None, tmp_path / "masks")
    with pytest.raises(InputError, match=r"nowhere: there is no such folder; give a result of"):
        dataset_of(None, tmp_path / "nowhere")
    with pytest.raises(InputError, match="bideau scores against corrected ground truth of its own"):
        dataset_of("bideau", one)
