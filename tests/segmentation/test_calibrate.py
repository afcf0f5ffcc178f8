import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import check_grad

from flowfeat.errors import FormatError, InputError
from segmentation import calibrate as module
from segmentation.affinities import (
    PAPER,
    AffinitySettings,
    CostWeights,
    Distances,
    Neighbourhood,
    join_costs,
    trajectory_graph,
)
from segmentation.calibrate import CalibrationSettings, LabelledShot, calibrate, labelled_shot
from segmentation.calibration_file import read_calibration, write_calibration
from segmentation.trajectories import Trajectories

UNCLIPPED = CostWeights(prior=0.5, clip=math.inf, proof=None)


def drawn_shots(weights: CostWeights, shots: int, pairs: int) -> list[LabelledShot]:
    """Pairs that belong together with just the probability that the weights say."""
    rng = np.random.default_rng(0)
    made = []
    for n in range(shots):
        motion, spatial, colour = rng.gamma(1.5, 1, pairs), rng.uniform(0, 150, pairs), rng.uniform(0, 100, pairs)
        distances = Distances(motion, spatial, colour, np.full(pairs, 5))
        same = rng.random(pairs) < 1 / (1 + np.exp(-join_costs(distances, weights)))
        made.append(LabelledShot(f"shot{n}", distances, same, 7, f"{n:064x}"))
    return made


def test_known_weights_with_the_maximum_are_found_again():
    true = replace(UNCLIPPED, intercept=6.0, motion=-3.0, spatial=-0.04, colour=-0.05, motion_intercept=1.0)
    found = calibrate(drawn_shots(true, 3, 6000), PAPER, CalibrationSettings())
    weights = found.affinities.weights
    assert found.form == "maximum"
    assert weights.intercept == pytest.approx(6, abs=0.6)
    assert weights.motion == pytest.approx(-3, abs=0.3)
    assert weights.spatial == pytest.approx(-0.04, abs=0.006)
    assert weights.colour == pytest.approx(-0.05, abs=0.007)
    assert weights.motion_intercept == pytest.approx(1, abs=0.35)
    assert [score.form for score in found.scores] == ["motion", "linear", "maximum"]
    assert min(score.log_loss for score in found.scores) == found.scores[2].log_loss < found.before.log_loss
    assert found.before.weights == PAPER.weights


def test_known_linear_weights_are_found_again():
    true = replace(UNCLIPPED, intercept=5.0, motion=-2.0, spatial=-0.03, colour=-0.02, motion_intercept=None)
    linear = calibrate(drawn_shots(true, 2, 6000), PAPER, CalibrationSettings()).scores[1].weights
    assert linear.motion_intercept is None
    found = (linear.intercept, linear.motion, linear.spatial * 100, linear.colour * 100)
    np.testing.assert_allclose(found, (5, -2, -3, -2), atol=0.35)


def test_what_tells_nothing_gets_no_reward_for_distance():
    true = replace(UNCLIPPED, intercept=4.0, motion=-3.9, spatial=0.0, colour=0.01, motion_intercept=None)
    found = calibrate(drawn_shots(true, 2, 4000), PAPER, CalibrationSettings())
    for score in found.scores:
        assert score.weights.colour == 0
        assert max(score.weights.motion, score.weights.spatial) <= 0


def test_the_gradient_is_that_of_the_loss():
    shots = drawn_shots(UNCLIPPED, 2, 300)
    pairs = module._drawn(shots, CalibrationSettings())[1]
    at = np.array([5.0, -2.0, -0.03, -0.01, 1.2])
    assert check_grad(lambda x: module._loss(x, pairs)[0], lambda x: module._loss(x, pairs)[1], at) < 1e-4


def test_every_shot_weighs_the_same():
    shots = drawn_shots(UNCLIPPED, 2, 400)
    shots[1] = LabelledShot(
        "small",
        Distances(*(getattr(shots[1].distances, name)[:50] for name in ("motion", "spatial", "colour", "overlap"))),
        shots[1].same[:50],
        0,
        "",
    )
    pairs = module._drawn(shots, CalibrationSettings())[1]
    assert pairs.weight[:400].sum() == pytest.approx(pairs.weight[400:].sum())
    assert pairs.weight.mean() == pytest.approx(1)


def test_a_draw_is_counted_and_repeats_itself():
    shots = drawn_shots(UNCLIPPED, 3, 500)
    settings = CalibrationSettings(most_pairs=200)
    first, second = calibrate(shots, PAPER, settings), calibrate(shots, PAPER, settings)
    assert first == second
    assert [(shot.pairs, shot.not_drawn, shot.unknown) for shot in first.shots] == [(200, 300, 7)] * 3


def test_prior_clip_and_the_way_of_the_distances_are_kept():
    given = AffinitySettings(Neighbourhood(5), PAPER.motion, CostWeights(prior=0.4, clip=9.0))
    found = calibrate(drawn_shots(UNCLIPPED, 2, 500), given, CalibrationSettings()).affinities
    assert (found.neighbourhood, found.motion) == (given.neighbourhood, given.motion)
    assert (found.weights.prior, found.weights.clip) == (0.4, 9.0)


def test_pairs_of_unknown_objects_are_left_out_and_counted():
    tracks = Trajectories(np.zeros(4, np.int64), np.full(4, 2), np.repeat(np.eye(4, 2) * 9, 2, axis=0), 2)
    graph = trajectory_graph(tracks, np.zeros(8), np.zeros((8, 3)), PAPER)
    shot = labelled_shot("a", graph, np.array([0, 0, 1, -1]))
    assert len(graph.pairs) == 6
    assert (shot.same.tolist(), shot.unknown) == ([True, False, False], 3)
    assert shot.sha256 != labelled_shot("a", graph, np.array([0, 1, 1, -1])).sha256
    with pytest.raises(InputError, match="a: 3 objects and 4 trajectories"):
        labelled_shot("a", graph, np.zeros(3, np.int64))


def test_shots_that_no_fit_can_be_made_of_are_errors():
    shots = drawn_shots(UNCLIPPED, 2, 50)
    one_kind = [replace(shot, same=np.ones(50, np.bool_)) for shot in shots]
    nothing = Distances(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    empty = [replace(shot, distances=nothing, same=np.zeros(0, np.bool_)) for shot in shots]
    for bad, wrong in (
        (shots[:1], "needs at least 2 shots with labels, and there are 1"),
        ([shots[0], shots[0]], "two shots have one name"),
        (one_kind, "all 100 pairs are of the same object"),
        (empty, "needs at least 2 shots with labels, and there are 0"),
        ([shots[0], empty[1]], "needs at least 2 shots with labels, and there are 1"),
        ([shots[0], one_kind[1]], "without the shots of one fold"),
    ):
        with pytest.raises(InputError, match=wrong):
            calibrate(bad, PAPER, CalibrationSettings())


@pytest.fixture(scope="module")
def calibration():
    return calibrate(drawn_shots(UNCLIPPED, 2, 300), PAPER, CalibrationSettings())


def test_a_file_gives_back_what_was_written(tmp_path, calibration):
    write_calibration(tmp_path / "weights.json", calibration)
    assert read_calibration(tmp_path / "weights.json") == calibration
    assert calibration.versions["scikit-learn"]


def changed(table, *path, to):
    *way, last = path
    for step in way:
        table = table[step]
    table[last] = to


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda t: changed(t, "kind", to="scores"), "these are no weights of trajectory affinities"),
        (lambda t: changed(t, "schema", to=2), "its schema is 2, and this version reads 1"),
        (lambda t: t.pop("form"), "calibration lacks fields or has unknown ones"),
        (lambda t: changed(t, "affinities", "weights", "motion", to="-4"), "affinities.weights.motion is '-4'"),
        (lambda t: changed(t, "affinities", "weights", "motion", to=True), "affinities.weights.motion is 'True'"),
        (lambda t: changed(t, "affinities", "weights", "motion", to=None), "affinities.weights.motion is 'None'"),
        (lambda t: changed(t, "affinities", "motion", "tau", to=5.5), "affinities.motion.tau is '5.5'"),
        (lambda t: changed(t, "affinities", "motion", "tau", to=0), "tau must be at least 1"),
        (lambda t: changed(t, "affinities", "weights", "clip", to=math.inf), "weights.clip is 'inf'"),
        (lambda t: changed(t, "shots", 1, "pairs", to="many"), r"shots\[1\].pairs is 'many'"),
        (lambda t: changed(t, "form", to="cubic"), "calibration.form is 'cubic'"),
        (lambda t: changed(t, "shots", to={}), "calibration.shots is '{}'"),
    ],
)
def test_a_changed_file_is_told_apart(tmp_path, calibration, change, wrong):
    path = tmp_path / "weights.json"
    write_calibration(path, calibration)
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))
    with pytest.raises(FormatError, match=wrong) as told:
        read_calibration(path)
    assert str(path) in str(told.value)


@pytest.mark.parametrize(("content", "wrong"), [(b"", "not JSON"), (b"\xff{", "not JSON"), (b"[1]", "no weights")])
def test_other_files_are_no_calibration(tmp_path, content, wrong):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(FormatError, match=wrong):
        read_calibration(tmp_path / "a.json")
    with pytest.raises(FormatError, match="cannot be read"):
        read_calibration(tmp_path / "b.json")
