from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat.errors import InputError
from segmentation.affinities import (
    PAPER,
    AffinitySettings,
    CostWeights,
    Distances,
    Motion,
    Neighbourhood,
    distances,
    join_costs,
    neighbour_pairs,
    pairwise_distances,
    trajectory_graph,
)
from segmentation.trajectories import Trajectories


def drawn_tracks(rng: np.random.Generator, count: int, frames: int) -> Trajectories:
    start = rng.integers(0, frames, count)
    length = np.array([rng.integers(1, frames - begin + 1) for begin in start], np.int64)
    steps = rng.normal(0, 2, (int(length.sum()), 2))
    return Trajectories(start, length, (100 + np.cumsum(steps, axis=0)).astype(np.float32), frames)


def still(*spans: tuple[int, int], frames: int, xy: np.ndarray | None = None) -> Trajectories:
    """Trajectories over these spans (first frame, length) that stay where they are, by default in a row."""
    start, length = np.array(spans).reshape(-1, 2).T
    where = np.stack([10.0 * np.arange(len(spans)), np.zeros(len(spans))], axis=1) if xy is None else xy
    return Trajectories(start, length, np.repeat(where, length, axis=0), frames)


def plain_distances(tracks, sigma, lab, i, j, tau, floor):
    """Frame by frame, as the formulas stand."""
    position = {(k, int(f)): n for n, (k, f) in enumerate(zip(tracks.owner, tracks.frame, strict=True))}
    common = [f for f in range(tracks.frames) if (i, f) in position and (j, f) in position]
    motion = 0.0
    for f in common[:-1]:
        span = min(tau, common[-1] - f)
        tangents, variances = [], []
        for k in (i, j):
            ahead, here = tracks.xy[position[k, f + span]], tracks.xy[position[k, f]]
            tangents.append((ahead.astype(np.float64) - here) / span)
            variances.append(np.mean([sigma[position[k, f + s]] ** 2 for s in range(span)]))
        motion = max(motion, np.linalg.norm(tangents[0] - tangents[1]) / max(min(variances) ** 0.5, floor))
    here = [(position[i, f], position[j, f]) for f in common]
    spatial = np.mean([np.linalg.norm(tracks.xy[a].astype(np.float64) - tracks.xy[b]) for a, b in here])
    colour = np.mean([np.linalg.norm(lab[a] - lab[b]) for a, b in here])
    return motion, spatial, colour, len(common)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(2, 9), st.integers(1, 6), st.sampled_from([0.1, 0.5]))
def test_distances_are_those_of_the_plain_formulas(seed, count, frames, tau, floor):
    rng = np.random.default_rng(seed)
    tracks = drawn_tracks(rng, count, frames)
    sigma, lab = rng.gamma(1.0, 0.5, len(tracks.xy)), rng.normal(0, 30, (len(tracks.xy), 3))
    i, j = np.triu_indices(count, 1)
    enough = np.minimum(tracks.end[i], tracks.end[j]) - np.maximum(tracks.start[i], tracks.start[j]) >= 2
    pairs = np.stack([i[enough], j[enough]], axis=1)
    found = pairwise_distances(tracks, sigma, lab, pairs, Motion(tau, floor))
    for n, (a, b) in enumerate(pairs):
        expected = np.array(plain_distances(tracks, sigma, lab, a, b, tau, floor))
        got = (found.motion[n], found.spatial[n], found.colour[n], found.overlap[n])
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_parts_of_the_pairs_make_no_difference(monkeypatch):
    rng = np.random.default_rng(1)
    tracks = drawn_tracks(rng, 40, 20)
    sigma, lab = rng.random(len(tracks.xy)), rng.normal(0, 30, (len(tracks.xy), 3))
    pairs = neighbour_pairs(tracks, Neighbourhood())
    whole = pairwise_distances(tracks, sigma, lab, pairs, Motion())
    monkeypatch.setattr(distances, "_FRAMES_AT_ONCE", 7)
    parts = pairwise_distances(tracks, sigma, lab, pairs, Motion())
    assert len(whole) > 100
    for name in ("motion", "spatial", "colour", "overlap"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def two_tracks(second: list[float], sigma: tuple[float, float] = (0.0, 0.0)) -> Distances:
    """One trajectory at rest, and one beside it whose x is given, with constant flow variation each."""
    frames = len(second)
    xy = np.zeros((2 * frames, 2))
    xy[frames:, 0] = second
    tracks = Trajectories(np.zeros(2, np.int64), np.full(2, frames), xy, frames)
    variation = np.repeat(np.array(sigma), frames)
    return pairwise_distances(tracks, variation, np.zeros((2 * frames, 3)), np.array([[0, 1]]), Motion())


def test_two_points_have_one_tangent():
    # 1 px in the only step, in units of the floor of 0.5 px.
    assert two_tracks([3, 4]).motion.tolist() == [2.0]


def test_a_late_start_is_seen_at_its_full_speed():
    # At rest for 8 frames, then 3 px a frame; a tangent of 5 frames is 3, an average over all would be 1.2.
    late = [0.0] * 8 + [3.0 * n for n in range(1, 7)]
    assert two_tracks(late).motion[0] == pytest.approx(3 / 0.5)


def test_the_end_of_the_common_frames_shortens_the_tangent():
    # Frame 3 to 4 jumps by 5 px: over one frame 5, while the tangent over four frames is 1.25.
    assert two_tracks([0, 0, 0, 0, 5]).motion[0] == pytest.approx(5 / 0.5)


def test_the_smaller_variation_counts_and_not_below_the_floor():
    assert two_tracks([3, 4], (2.0, 8.0)).motion.tolist() == [0.5]
    assert two_tracks([3, 4], (0.1, 8.0)).motion.tolist() == [2.0]


def test_variation_is_a_mean_of_squares_over_the_steps_of_a_tangent():
    xy = np.array([[0.0, 0], [0, 0], [0, 0], [0, 0], [2, 0], [4, 0]])
    tracks = Trajectories(np.zeros(2, np.int64), np.array([3, 3]), xy, 3)
    # Over the steps from frames 0 and 1; what the flow does after the last frame is of no matter.
    sigma = np.array([1.0, 7.0, 900.0, 1.0, 7.0, 0.0])
    found = pairwise_distances(tracks, sigma, np.zeros((6, 3)), np.array([[0, 1]]), Motion())
    assert found.motion[0] == pytest.approx(2 / np.sqrt((1 + 49) / 2))


def test_pairs_without_two_common_frames_are_an_error():
    tracks = still((0, 3), (2, 3), frames=5)
    with pytest.raises(InputError, match="trajectories 0 and 1 have 1 frames in common"):
        pairwise_distances(tracks, np.zeros(6), np.zeros((6, 3)), np.array([[0, 1]]), Motion())


@pytest.mark.parametrize(
    ("sigma", "lab", "wrong"),
    [
        (np.zeros(5), np.zeros((5, 3)), "5 flow variations and 5 colours do not belong to the 6 points"),
        (np.array([0, 0, np.nan, 0, 0, 0]), np.zeros((6, 3)), "flow variation is negative or no number"),
        (np.array([0, 0, -1.0, 0, 0, 0]), np.zeros((6, 3)), "flow variation is negative or no number"),
        (np.zeros(6), np.full((6, 3), np.inf), "colour or a position"),
    ],
)
def test_bad_features_are_an_error(sigma, lab, wrong):
    with pytest.raises(InputError, match=wrong):
        trajectory_graph(still((0, 3), (0, 3), frames=3), sigma, lab, PAPER)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(2, 14), st.integers(2, 4), st.integers(1, 5))
def test_pairs_are_the_nearest_in_some_frame_and_overlap(seed, count, frames, overlap, neighbours):
    tracks = drawn_tracks(np.random.default_rng(seed), count, frames)
    chosen = Neighbourhood(neighbours, 3, overlap)
    pairs = neighbour_pairs(tracks, chosen)
    expected = set()
    for frame in range(frames):
        alive = np.flatnonzero((tracks.start <= frame) & (tracks.end >= frame + overlap))
        for i in alive:
            first_sampled = -(-int(tracks.start[i]) // 3) * 3
            missed = first_sampled + overlap > tracks.end[i]
            middle = tracks.start[i] + (tracks.length[i] - overlap) // 2
            if frame % 3 == 0 or (missed and frame == middle):
                others = alive[alive != i]
                here = np.full(len(others), frame)
                gap = tracks.position(others, here) - tracks.position(np.array([i]), np.array([frame]))
                order = others[np.argsort(np.linalg.norm(gap, axis=1))[:neighbours]]
                expected |= {(min(i, j), max(i, j)) for j in order}
    assert [tuple(pair) for pair in pairs] == sorted(expected)


def test_points_at_one_place_are_never_their_own_neighbours():
    tracks = still(*[(0, 2)] * 9, frames=2, xy=np.zeros((9, 2)))
    pairs = neighbour_pairs(tracks, Neighbourhood(neighbours=3))
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert np.bincount(pairs.ravel(), minlength=9).min() >= 3


def test_a_short_life_between_sampled_frames_has_neighbours_too():
    tracks = still((0, 20), (0, 20), (7, 2), (12, 1), frames=20)
    graph = trajectory_graph(tracks, np.zeros(43), np.zeros((43, 3)), PAPER)
    assert graph.pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert (graph.report.too_short, graph.report.alone) == (1, 0)


def test_nothing_and_one_alone_are_graphs():
    empty = Trajectories(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2)), 3)
    graph = trajectory_graph(empty, np.zeros(0), np.zeros((0, 3)), PAPER)
    assert (graph.nodes, graph.report.pairs, graph.report.motion_quantiles) == (0, 0, None)
    graph = trajectory_graph(still((0, 3), frames=3), np.zeros(3), np.zeros((3, 3)), PAPER)
    assert (graph.nodes, graph.report.pairs, graph.report.alone) == (1, 0, 1)


def given_distances(motion: float, spatial: float, colour: float) -> Distances:
    return Distances(np.array([float(motion)]), np.array([float(spatial)]), np.array([float(colour)]), np.array([5]))


@pytest.mark.parametrize(
    ("motion", "spatial", "colour", "cost"),
    [
        (0.5, 10, 20, 6 - 2 - 0.2 - 0.4),
        (0.25, 200, 50, 2 - 1),  # far and of another colour, but of one motion: 6 - 1 - 4 - 1 = 0 is less
        (1.5, 10, 0, 6 - 6 - 0.2),
        (100, 10, 0, -20),  # clipped
    ],
)
def test_costs_by_hand(motion, spatial, colour, cost):
    assert join_costs(given_distances(motion, spatial, colour), PAPER.weights)[0] == pytest.approx(cost)


def test_a_prior_above_one_half_cuts_more():
    cost = join_costs(given_distances(0.5, 10, 20), replace(PAPER.weights, prior=0.75))[0]
    assert cost == pytest.approx(3.4 - np.log(3))


def test_without_the_second_form_distance_parts_equal_motion():
    cost = join_costs(given_distances(0.25, 200, 50), replace(PAPER.weights, motion_intercept=None))[0]
    assert cost == pytest.approx(0, abs=1e-12)


def test_the_defaults_differ_from_the_paper_in_how_much_motion_and_a_single_pair_count():
    ours = CostWeights(motion=-4.0, clip=20.0, proof=None)
    assert replace(AffinitySettings(), weights=ours) == PAPER
    # By default motions may differ by 3 units where the paper's cut at 1.5, and no pair weighs more than equal motion.
    # They have 5 frames in common, 4 from one to the next, of the 10 that prove a pair fully.
    alike, near, far, apart = (join_costs(given_distances(d, 0, 0), CostWeights())[0] for d in (0, 2.99, 3.01, 100))
    assert near > 0 > far
    assert (apart, alike) == pytest.approx((-6, 6 * 0.4))


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: Neighbourhood(neighbours=0), "0 neighbours"),
        (lambda: Neighbourhood(minimum_overlap=1), "overlap of 1 frames holds no motion"),
        (lambda: Motion(tau=0), "tau must be at least 1"),
        (lambda: Motion(floor=0.0), "floor must be above 0"),
        (lambda: CostWeights(prior=1.0), "prior cut probability of 1.0"),
        (lambda: CostWeights(clip=0.0), "clip must be above 0"),
        (lambda: CostWeights(proof=0), "proof must be at least 1"),
    ],
)
def test_settings_that_cannot_be_are_errors(make, wrong):
    with pytest.raises(InputError, match=wrong):
        make()


def test_the_report_says_what_the_graph_is_like():
    # Three columns of nine points; the last column runs away by 6 px a frame.
    x, y = np.meshgrid([0.0, 8, 16], 8.0 * np.arange(9))
    where = np.stack([x.ravel(), y.ravel()], axis=1)
    xy = np.stack([where, where + np.where(where[:, :1] == 16, [[6.0, 0.0]], 0)], axis=1).reshape(-1, 2)
    tracks = Trajectories(np.zeros(27, np.int64), np.full(27, 2), xy, 2)
    graph = trajectory_graph(tracks, np.zeros(54), np.zeros((54, 3)), PAPER)
    runs = where[:, 0] == 16
    apart = runs[graph.pairs[:, 0]] != runs[graph.pairs[:, 1]]
    assert graph.report.joining == int((~apart).sum()) == int((graph.costs > 0).sum())
    assert graph.report.clipped == int(apart.sum())  # 6 - 4 * 12 is below -20
    low, _, median, _, high = graph.report.motion_quantiles or (None,) * 5
    assert (low, median, high) == (0, 0, 12)
