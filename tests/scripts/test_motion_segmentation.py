"""The measurement of motion segmentation: its scores by hand, its shots, and the record that it adds to."""

import json
from pathlib import Path

import known_truth
import motion_segmentation
import numpy as np
import pytest
import segmentation_quality
import segmentation_speed
import torch

from flowfeat.errors import InputError
from segmentation.segment import SegmentationSettings, segment_tracks
from segmentation.synthetic import SCENES, synthesise
from segmentation.tracking import TrackerSettings, track

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tracked():
    shot = synthesise("B", 96, 128, frames=6, seed=3)
    tracking = track(shot.steps(), TrackerSettings(sampling=4))
    return shot, tracking, segment_tracks(tracking, SegmentationSettings())


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A shot of four small frames as files, in place of the forty large ones."""
    for name, value in (("HEIGHT", 60), ("WIDTH", 80), ("FRAMES", 4)):
        monkeypatch.setattr(segmentation_speed, name, value)
    segmentation_speed.write_shot(tmp_path)
    return tmp_path


def test_nothing_here_has_the_name_of_a_package():
    """`scripts/bench` comes before the packages where its scripts run: they would import each other for them."""
    names = {path.stem for path in (ROOT / "scripts/bench").glob("*.py")}
    assert not names & {"flowfeat", "recognition", "segmentation"}


def test_scores_of_clusters_objects_and_one_cluster(tracked):
    shot, tracking, segmented = tracked
    found = known_truth.score_tracks(known_truth.known_shot("B", shot.labels), tracking.trajectories, segmented)
    assert found["tracks"] == len(segmented.cluster)
    assert found["objects"] == segmented.objects
    assert found["by_object"]["visible"] == found["one_cluster"]["visible"] == 3
    assert found["by_cluster"]["f_measure"] > 0.9 > 0.5 > found["one_cluster"]["f_measure"]
    # Recall is against tracks, or against the whole area.
    assert found["by_object"]["strict_f_measure"] < found["by_object"]["f_measure"]
    assert found["one_cluster"]["recall"] == pytest.approx(1 / 4)


def test_tracks_without_an_object_keep_their_cluster(tracked):
    _, tracking, segmented = tracked
    largest = int(np.bincount(segmented.cluster).max())
    none = segment_tracks(tracking, SegmentationSettings(smallest=largest))
    labels = known_truth.object_labels(none)
    of_none = none.object < 0
    assert of_none.any()
    assert labels[~of_none].tolist() == none.object[~of_none].tolist()
    assert not set(labels[of_none]) & set(labels[~of_none])
    assert len(set(labels[of_none])) == len(set(none.cluster[of_none]))


def test_every_scene_is_reported_under_seeds_that_nothing_was_chosen_on(monkeypatch):
    monkeypatch.setattr(segmentation_quality, "SCENES", {"A": SCENES["A"]})
    found = segmentation_quality.measure_synthetic(2, 72, 96)
    assert [row["seed"] for row in found["scenes"]["A"]] == [200, 201]
    scores = [row["by_cluster"] for row in found["scenes"]["A"]]
    assert all(score["visible"] == 3 for score in scores)
    assert found["least_f_measure_of_a_to_e"] == min(score["f_measure"] for score in scores)
    assert found["missed_objects_of_a_to_e"] == 6 - sum(score["extracted"] for score in scores)


def test_real_shots_have_their_truth(data):
    shots = segmentation_quality.real_shots(data / "segmentation", 20)
    assert [(shot.name, len(shot.images)) for shot in shots] == [
        ("cars1", 19),
        ("car-shadow", 20),
        ("blackswan", 20),
        ("libby", 20),
    ]
    cars, *davis = shots
    assert (cars.truth.definition.regions, list(cars.masks)) == ((0, 128, 255), [0])
    for shot in davis:
        assert shot.truth.definition.frames == len(shot.masks) == 20
        (frame,) = (each for each in shot.truth.definition.annotations if each.frame == 7)
        assert np.array_equal(shot.truth.read_truth(frame).region > 0, shot.masks[7])


def test_a_shot_that_is_scored_on_all_frames_must_be_whole(data):
    with pytest.raises(InputError, match="cars1 has 19 frames"):
        segmentation_quality.real_shots(data / "segmentation", 10)


def test_there_and_back():
    assert segmentation_speed.there_and_back(4, 9) == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert segmentation_speed.there_and_back(4, 2) == [0, 1]


def test_on_the_way_back_flow_is_turned_round(small):
    shot = synthesise(segmentation_speed.SCENE, 60, 80, 4, segmentation_speed.SEED)
    steps = list(segmentation_speed._Steps(small, 6))
    assert [torch.equal(step.frame, shot.frames[t]) for step, t in zip(steps, (0, 1, 2, 3, 2, 1), strict=True)] == [
        True
    ] * 6
    assert torch.equal(steps[1].forward, shot.forward[1])
    assert torch.equal(steps[1].backward, shot.backward[1])
    assert torch.equal(steps[3].forward, shot.backward[2])
    assert torch.equal(steps[3].backward, shot.forward[2])
    assert steps[5].forward is None


@pytest.mark.parametrize("variation", segmentation_speed.VARIATIONS)
def test_the_stages_of_a_run(small, variation):
    threads = torch.get_num_threads()
    found = segmentation_speed.run_stages(small, 6, variation, threads)
    assert found.total == found.tracking + found.costs + found.solver
    assert min(found.tracking, found.costs, found.solver, found.processor) > 0
    assert found.points >= 2 * found.tracks > 0
    assert 50e6 < found.peak < 16e9


def test_davis_and_the_solver_are_what_they_are_said_to_be():
    labels = segmentation_speed.labels_of(0, 48, 86, 0)
    assert np.unique(labels).tolist() == [0, 1, 2, 3, 4, 5]
    assert len(segmentation_speed.measure_davis(2, 3, 48, 86)["wall"]) == 2
    pairs, costs = segmentation_speed.contradictory(2000)
    assert len(pairs) == len(costs)
    found = segmentation_speed.measure_solver(0.0, 2000)
    assert (found["stopped"], found["energy"]) == ("budget", found["greedy_energy"])
    assert found["over_budget"] == found["seconds_for_all"]


def test_labels_of_the_dense_measurement():
    mask = np.zeros((48, 64), np.uint8)
    mask[:, :32] = 1
    xy, labels = segmentation_speed.seeds_of(mask)
    assert set(labels[xy[:, 0] < 32]) == {1}
    assert set(labels[xy[:, 0] > 32]) == {2}
    assert 0.7 * 11 * 14 < len(xy) < 0.9 * 11 * 14


def test_sections_that_are_not_asked_for_stay(monkeypatch, tmp_path):
    out = tmp_path / "record.json"
    arguments = motion_segmentation.Arguments(tmp_path, out, ("davis",), threads=torch.get_num_threads())
    monkeypatch.setattr(motion_segmentation, "measure_davis", lambda repetitions: {"frames": repetitions})
    out.write_text(json.dumps({"solver": {"budget": 7}, "davis": {"frames": 0}}))
    motion_segmentation.main(arguments)
    record = json.loads(out.read_text())
    assert record["bench"] == "segmentation"
    assert record["solver"] == {"budget": 7}
    assert record["davis"]["frames"] == arguments.repetitions
    assert {"date", "seconds", "threads", "load_before", "load_after"} < record["davis"].keys()
    assert "speed" not in record
