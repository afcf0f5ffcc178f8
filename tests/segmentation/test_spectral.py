import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flowfeat.errors import InputError
from segmentation.affinities import AffinitySettings, Distances, trajectory_graph
from segmentation.spectral import SpectralSettings, spectral_clusters
from segmentation.spectral.eigenvectors import affinities, normalised_cut
from segmentation.spectral.merging import _misfit, _moments, merge_by_affine_motion
from segmentation.spectral.smoothed_kmeans import _energy, smoothed_kmeans
from segmentation.trajectories import Trajectories

FRAMES = 10


def scene(motions, turn: float = 0.0, late: int = 0, noise: float = 0.1, frames: int = FRAMES):
    """A background with a disc and a box, points 8 px apart, each moving on its own: pixels a frame, turns in radians.

    The box begins to move in frame `late`. Returns the trajectories and the object of each.
    """
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.arange(24) * 8.0, np.arange(18) * 8.0)
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    objects = np.zeros(len(points), np.int64)
    objects[np.hypot(*(points - [56, 56]).T) < 30] = 1
    objects[(np.abs(points - [136, 90]) < [22, 30]).all(axis=1)] = 2
    time = np.arange(frames)
    gone = np.maximum(time - late * (objects == 2)[:, None], 0)
    centre = np.array([[92.0, 68.0], [56.0, 56.0], [136.0, 90.0]])[objects]
    angle = np.array([0.3, 1.0, -1.0])[objects][:, None] * turn * time
    off = points - centre
    turned = [
        off[:, :1] * np.cos(angle) - off[:, 1:] * np.sin(angle),
        off[:, :1] * np.sin(angle) + off[:, 1:] * np.cos(angle),
    ]
    xy = centre[:, None] + np.stack(turned, axis=2) + np.array(motions, np.float64)[objects][:, None] * gone[..., None]
    xy += np.cumsum(rng.normal(0, noise, xy.shape), axis=1)
    count = len(points)
    tracks = Trajectories(np.zeros(count, np.int64), np.full(count, frames), xy.reshape(-1, 2), frames)
    return tracks, objects


def clustered(tracks: Trajectories, chosen: SpectralSettings):
    points = len(tracks.xy)
    graph = trajectory_graph(tracks, np.zeros(points), np.zeros((points, 3)), AffinitySettings())
    return spectral_clusters(tracks, graph, 5, chosen)


@pytest.mark.parametrize(
    "options", [{}, {"noise": 0.2}, {"late": 6}, {"turn": 0.01}], ids=["plain", "noisy", "late", "turning"]
)
def test_three_motions_are_three_clusters(options):
    tracks, objects = scene([(0, 0), (2, 0), (0, -2)], **options)
    found = clustered(tracks, SpectralSettings())
    assert found.clusters == 3
    sizes = [np.bincount(objects[found.labels == cluster], minlength=3) for cluster in range(3)]
    assert all(size.max() / size.sum() > 0.98 for size in sizes)
    assert sorted(int(size.argmax()) for size in sizes) == [0, 1, 2]


@pytest.mark.parametrize("turn", [0.0, 0.008])
def test_one_motion_is_one_cluster(turn):
    tracks, _ = scene([(1, 0)] * 3)
    angle = turn * tracks.frame
    x, y = (tracks.xy - [90, 70]).T
    turned = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=1)
    found = clustered(Trajectories(tracks.start, tracks.length, turned, tracks.frames), SpectralSettings())
    assert found.clusters == 1


def test_the_same_input_gives_the_same_labels():
    tracks, _ = scene([(0, 0), (2, 0), (0, -2)])
    np.testing.assert_array_equal(
        clustered(tracks, SpectralSettings()).labels, clustered(tracks, SpectralSettings()).labels
    )


def test_without_edges_every_trajectory_is_its_own_cluster():
    for count in (0, 1):
        tracks = Trajectories(np.zeros(count, np.int64), np.full(count, 3), np.zeros((3 * count, 2)), 3)
        found = clustered(tracks, SpectralSettings())
        assert (found.clusters, found.parts, found.small_parts) == (count, count, count)


def test_an_affinity_by_hand():
    distances = Distances(np.array([2.0]), np.array([10.0]), np.array([0.0]), np.array([5]))
    # d^2 = 10 * 2^2 / 5 = 8
    assert affinities(distances, 0.1, 5)[0] == pytest.approx(np.exp(-0.8))


@pytest.mark.parametrize("nodes", [40, 500])
def test_eigenvectors_satisfy_the_normalised_cut(nodes):
    """Few nodes are solved densely, many by Lanczos."""
    rng = np.random.default_rng(0)
    pairs = np.concatenate([np.stack([np.arange(nodes - k), np.arange(k, nodes)], axis=1) for k in (1, 2, 3)])
    weights = rng.uniform(0.5, 1, len(pairs))
    dense = np.zeros((nodes, nodes))
    dense[pairs[:, 0], pairs[:, 1]] = weights
    dense += dense.T
    degree = dense.sum(axis=1)
    found = normalised_cut(nodes, pairs, weights, 0.5, 4)
    assert len(found.values) == 4
    assert (np.diff(found.values) >= 0).all()
    assert found.values[0] > 1e-6, "the constant is left out"
    for value, vector in zip(found.values, found.vectors.T, strict=True):
        np.testing.assert_allclose(degree * vector - dense @ vector, value * degree * vector, atol=2e-3 * degree.max())
    weighted = found.vectors.T * degree @ found.vectors / degree.sum()
    np.testing.assert_allclose(weighted, np.eye(4), atol=1e-2)


def test_eigenvalues_above_the_largest_are_left_out():
    pairs = np.stack(np.triu_indices(30, 1), axis=1)
    assert normalised_cut(30, pairs, np.ones(len(pairs)), 0.2, 5).vectors.shape == (30, 0)  # all are 30 / 29


def two_cliques(bridge: float):
    pairs = np.stack(np.triu_indices(40, 1), axis=1)
    side = pairs // 20
    pairs = pairs[(side[:, 0] == side[:, 1]) | (pairs[:, 0] + 20 == pairs[:, 1])]
    weights = np.where(pairs[:, 0] // 20 == pairs[:, 1] // 20, 1.0, bridge)
    return pairs, normalised_cut(40, pairs, weights, 0.2, 4)


def test_two_cliques_with_a_thin_bridge_are_two_clusters():
    pairs, spectrum = two_cliques(0.01)
    labels = smoothed_kmeans(spectrum, pairs, SpectralSettings())
    assert labels.max() == 1
    assert len(set(labels[:20])) == len(set(labels[20:])) == 1


def test_smoothness_keeps_them_together():
    pairs, spectrum = two_cliques(0.01)
    # Apart, 20 edges are cut between -1 and 1: 20 / 4 = 5 times the smoothness, against the 40 of one cluster.
    apart = np.repeat([0, 1], 20)
    jump = np.square(spectrum.vectors[pairs[:, 0]] - spectrum.vectors[pairs[:, 1]]).sum(axis=1)
    assert _energy(spectrum.vectors, apart, pairs, 1 / np.maximum(jump, 1e-4)) == pytest.approx(5, rel=0.01)
    assert _energy(spectrum.vectors, 0 * apart, pairs, 1 / np.maximum(jump, 1e-4)) == pytest.approx(40, rel=0.01)
    assert smoothed_kmeans(spectrum, pairs, SpectralSettings(smoothness=7.5)).max() == 1
    assert smoothed_kmeans(spectrum, pairs, SpectralSettings(smoothness=8.5)).max() == 0


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(4, 30))
def test_the_misfit_is_that_of_least_squares(seed, count):
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 9, count)
    length = np.array([rng.integers(2, 14 - begin) for begin in start], np.int64)
    xy = np.repeat(rng.uniform(0, 300, (count, 2)), length, axis=0) + rng.normal(0, 3, (int(length.sum()), 2))
    tracks = Trajectories(start, length, xy, 13)
    labels = rng.integers(0, 2, count)
    labels[:2] = 0, 1

    def fit(window, clusters):
        rows, moves = [], []
        for k in np.flatnonzero(np.isin(labels, clusters)):
            begin = max(int(start[k]), 5 * window)
            span = min(int(tracks.end[k]) - 1 - begin, 5)
            if begin // 5 == window and span > 0:
                here = xy[tracks.offset[k] + begin - start[k]]
                rows.append([1, *here])
                moves.append((xy[tracks.offset[k] + begin + span - start[k]] - here) / span)
        if not rows:
            return 0.0, 0
        design = np.array(rows)
        # Of points that lie in a line to a tenth of a pixel, the ridge of the fit decides.
        assume(len(rows) < 3 or np.linalg.svd(design[:, 1:] - design[:, 1:].mean(axis=0))[1][1] > 0.1)
        model = np.linalg.lstsq(design, np.array(moves))[0]
        return float(np.square(rows @ model - moves).sum()), len(rows)

    expected = np.inf
    for window in range(3):
        (first, a), (second, b), (together, _) = fit(window, [0]), fit(window, [1]), fit(window, [0, 1])
        if a and b:
            worst = max(together - first - second, 0) / min(a, b)
            expected = worst if np.isinf(expected) else max(expected, worst)
    found = _misfit(_moments(tracks, labels, 5), np.array([[0, 1]]))[0]
    # The ridge moves it a little where points are few.
    assert found == pytest.approx(np.sqrt(expected), rel=0.02, abs=0.1)


def test_pieces_of_one_turning_surface_are_merged_and_others_are_not():
    tracks, objects = scene([(0, 0), (2, 0), (0, -2)], turn=0.01)
    points = len(tracks.xy)
    graph = trajectory_graph(tracks, np.zeros(points), np.zeros((points, 3)), AffinitySettings())
    column = np.arange(len(tracks)) % 24
    pieces = objects * 4 + column // 6
    merged = merge_by_affine_motion(tracks, graph.pairs, pieces, SpectralSettings())
    assert len(np.unique(np.stack([merged, objects]), axis=1).T) == 3
    assert merged.max() == 2


def test_clusters_that_do_not_touch_or_never_live_together_stay_apart():
    start, length = np.array([0, 0, 5, 5]), np.full(4, 4)
    tracks = Trajectories(start, length, np.repeat(np.arange(8.0).reshape(4, 2), 4, axis=0), 10)
    chosen = SpectralSettings(window=5)
    none, every = np.zeros((0, 2), np.int64), np.stack(np.triu_indices(4, 1), axis=1)
    assert merge_by_affine_motion(tracks, none, np.arange(4), chosen).tolist() == [0, 1, 2, 3]
    assert np.unique(merge_by_affine_motion(tracks, every, np.arange(4), chosen)).tolist() == [0, 1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: SpectralSettings(scale=0.0),
        lambda: SpectralSettings(most_vectors=0),
        lambda: SpectralSettings(smoothness=-1.0),
        lambda: SpectralSettings(least_affinity=0.0),
    ],
)
def test_settings_out_of_range_are_errors(make):
    with pytest.raises(InputError, match="out of their range"):
        make()
