"""Two results on small data sets, with scores worked by hand."""

import numpy as np
import pytest
from fixture_fbms import along, points, write_shot
from fixture_formats import write_label_maps

from flowfeat.errors import InputError
from segmentation.evaluation.comparison import compare, default_protocol
from segmentation.evaluation.paired import ResamplingSettings
from segmentation.evaluation.result_folder import open_results
from segmentation.formats import write_tracks
from segmentation.formats.label_map import write_label_map

TWO = np.array([[0] * 6 + [255] * 4])
FAST = ResamplingSettings(resamples=200)
PERFECT = points({0: along(0, range(6)), 1: along(0, range(6, 10))})
ALONE = points({0: along(0, range(10))})
NOTHING = points({0: [(0.0, 99.0)]})


@pytest.fixture
def fbms(tmp_path):
    for name in ("cars1", "cars4", "tennis", "people1"):
        write_shot(tmp_path / f"FBMS/Testset/{name}", (0, 255), {0: TWO})
    return tmp_path / "FBMS"


def results(folder, **shots):
    for name, tracks in shots.items():
        (folder / name).mkdir(parents=True)
        write_tracks(folder / name / "tracks.dat", tracks)
    return folder


def compared(root, first, second, protocol, **options):
    return compare(root, open_results(first, protocol), open_results(second, protocol), protocol, FAST, **options)


def test_moseg_compares_the_f_of_the_means_and_the_sum_of_objects(fbms, tmp_path):
    first = results(tmp_path / "a", cars1=PERFECT, cars4=PERFECT, tennis=NOTHING, only=ALONE)
    second = results(tmp_path / "b", cars1=ALONE, cars4=PERFECT, tennis=PERFECT, people1=ALONE)
    found = compared(fbms, first, second, "moseg")
    f, extracted = found.measures
    # One cluster has P = (6/10 + 1)/2 = 0.8 and R = 1/2, as test_moseg.py works out, so F = 8/13. Tennis is in no
    # number, since nothing of it can be evaluated in the first result.
    assert (found.shots, found.not_evaluated) == (2, ("tennis",))
    assert (found.only_first, found.only_second) == (("only",), ("people1",))
    assert [(shot.name, shot.first, shot.second) for shot in f.shots] == [
        ("cars1", 1, pytest.approx(8 / 13)),
        ("cars4", 1, 1),
    ]
    # Means of the second: P = 0.9 and R = 0.75, so F = 9/11.
    assert (f.paired.first, f.paired.second) == (1, pytest.approx(9 / 11))
    assert f.paired.difference == pytest.approx(2 / 11)
    # Draws: cars1 twice, 5/13; both, 2/11; cars4 twice, 0.
    assert f.paired.interval == pytest.approx((0, 5 / 13))
    assert f.paired.second_better == 0
    assert (extracted.paired.first, extracted.paired.second, extracted.unit) == (2, 1, "count")
    assert f.one_cluster == pytest.approx((8 / 13, 8 / 13))
    assert compared(fbms, first, first, "moseg").measures[0].paired.difference == 0


def test_shots_are_in_the_order_of_their_difference(fbms, tmp_path):
    first = results(tmp_path / "a", cars1=ALONE, cars4=PERFECT, tennis=PERFECT)
    second = results(tmp_path / "b", cars1=PERFECT, cars4=ALONE, tennis=PERFECT)
    for protocol in ("moseg", "moseg-strict"):
        f = compared(fbms, first, second, protocol).measures[0]
        assert [shot.name for shot in f.shots] == ["cars4", "tennis", "cars1"]
        assert [np.sign(shot.difference) for shot in f.shots] == [1, 0, -1]
    # Errors: one cluster has 4 of 10 points wrong. Less is better, so A is better in cars4.
    error = compared(fbms, first, second, "bms26").measures[0]
    assert [(shot.name, shot.difference) for shot in error.shots] == [
        ("cars1", pytest.approx(40)),
        ("tennis", 0),
        ("cars4", pytest.approx(-40)),
    ]
    assert not error.higher_is_better
    assert error.unit == "percent"


def test_results_may_be_label_maps_or_tracks(fbms, tmp_path):
    first = results(tmp_path / "a", cars1=PERFECT)
    write_label_map(tmp_path / "b/cars1/00000.png", (TWO > 0).astype(np.int64))
    assert compared(fbms, first, tmp_path / "b", "moseg").measures[0].paired.difference == 0


def test_davis_counts_objects_and_not_sequences(tmp_path):
    one, two = np.zeros((20, 30), np.int64), np.zeros((20, 30), np.int64)
    one[2:18, 2:14] = 1
    two[2:18, 2:14], two[2:18, 16:28] = 1, 2
    for name, labels in {"bear": one, "dog": two, "empty": one * 0}.items():
        write_label_maps(tmp_path / "DAVIS/Annotations_unsupervised/480p" / name, [labels] * 2)
        write_label_maps(tmp_path / "a" / name, [labels] * 2)
        write_label_maps(tmp_path / "b" / name, [labels * (labels == 1)] * 2)
    found = compared(tmp_path / "DAVIS", tmp_path / "a", tmp_path / "b", "davis")
    (both,) = found.measures
    # B lacks the second object of dog: J&F is 1, 1 and 0 over three objects; a sequence without object has no score.
    assert found.not_evaluated == ("empty",)
    assert (both.paired.first, both.paired.second) == (1, pytest.approx(2 / 3))
    assert {shot.name: shot.second for shot in both.shots} == {"bear": 1, "dog": pytest.approx(1 / 2)}
    # Dog twice, 1/2; both, 1/3; bear twice, 0.
    assert both.paired.interval == pytest.approx((0, 1 / 2))


def test_binary_j_of_davis_and_of_fbms(fbms, tmp_path):
    truth, half = np.array([[1, 1, 0, 0]]), np.array([[1, 0, 0, 0]])
    for name, second in {"bear": truth, "dog": half}.items():
        write_label_maps(tmp_path / "DAVIS/Annotations/480p" / name, [truth] * 3)
        write_label_maps(tmp_path / "a" / name, [truth] * 3)
        write_label_maps(tmp_path / "b" / name, [second] * 3)
    (j,) = compared(tmp_path / "DAVIS", tmp_path / "a", tmp_path / "b", "binary-j").measures
    assert (j.paired.first, j.paired.second, j.one_cluster) == (1, 0.75, (0.5, 0.5))
    assert {shot.name: shot.difference for shot in j.shots} == {"dog": 0.5, "bear": 0}
    for name in ("c", "d"):
        write_label_map(tmp_path / f"{name}/cars1/00000.png", (TWO > 0).astype(np.int64))
    (j,) = compared(fbms, tmp_path / "c", tmp_path / "d", "binary-j").measures
    assert (j.paired.first, j.paired.second, j.paired.shots) == (1, 1, 1)


def test_bideau_takes_its_own_truth_and_the_pictures(tmp_path):
    truth = np.array([[0, 0, 1, 1]])
    for name in ("cars1", "cars4"):
        (tmp_path / "frames" / name).mkdir(parents=True)
        for number in (12, 13):
            (tmp_path / f"frames/{name}/{name}_{number}.jpg").touch()
        write_label_map(tmp_path / f"truth/{name}/00012.png", truth)
        write_label_maps(tmp_path / "a" / name, [truth])
        write_label_maps(tmp_path / "b" / name, [truth * 0])
    found = compared(tmp_path / "truth", tmp_path / "a", tmp_path / "b", "bideau", frames=tmp_path / "frames")
    # The background with P = 1/2 and R = 1, F = 2/3, over two labels 1/3: as one segment has it.
    assert (found.measures[0].paired.first, found.measures[0].paired.second) == (1, pytest.approx(1 / 3))
    assert found.measures[0].one_cluster == pytest.approx((1 / 3, 1 / 3))


def test_shots_that_are_shorter_than_the_window_are_named(fbms, tmp_path):
    for name in ("long", "short"):
        write_shot(tmp_path / f"many/Testset/{name}", (0, 255), {0: TWO}, frames=60 if name == "long" else 20)
    tracks = points({0: along(0, range(6)), 1: along(0, range(6, 10))}, window=50)
    first = results(tmp_path / "a", long=tracks, short=tracks)
    found = compared(tmp_path / "many", first, first, "moseg", window=50)
    assert (found.shots, found.shorter, found.not_evaluated) == (1, ("short",), ())


def test_what_cannot_be_compared_is_told(fbms, tmp_path):
    a, b = results(tmp_path / "a", cars1=ALONE), results(tmp_path / "b", tennis=ALONE)
    other, empty = results(tmp_path / "c", bear=ALONE), results(tmp_path / "d", cars1=NOTHING)
    with pytest.raises(InputError, match=r"a and .*b have no shot in common \(cars1 and tennis\)"):
        compared(fbms, a, b, "moseg")
    with pytest.raises(InputError, match=r"FBMS: none of the 1 shots that both results have is in it \(bear\)"):
        compared(fbms, other, other, "moseg")
    with pytest.raises(InputError, match="of the 1 shots that both have, 0 are shorter than the window"):
        compared(fbms, a, empty, "moseg")
    with pytest.raises(InputError, match="neither Trainingset nor Testset is here"):
        compared(tmp_path, a, a, "moseg")


def test_the_data_set_decides_the_protocol(fbms, tmp_path):
    (tmp_path / "DAVIS/Annotations/480p").mkdir(parents=True)
    assert default_protocol(fbms) == "moseg"
    assert default_protocol(tmp_path / "DAVIS") == "binary-j"
    with pytest.raises(InputError, match="cars1: this is neither FBMS-59 nor DAVIS; give one of them"):
        default_protocol(fbms / "Testset/cars1")
