"""Dense labels: each method against a slow plain form of what it says it computes."""

import numpy as np
import pytest
import scipy.sparse as sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.sparse.linalg import spsolve

from segmentation.dense import DenseSettings, densify
from segmentation.dense.diffusion import diffuse
from segmentation.dense.seeds import Conductance, conductance, plant
from segmentation.dense.total_variation import minimise_variation


def _case(seed: int, height: int, width: int, count: int = 3, tracks: int = 25):
    rng = np.random.default_rng(seed)
    image = torch.from_numpy(rng.integers(0, 256, (3, height, width)).astype(np.uint8))
    xy = (rng.random((tracks, 2)) * [width - 1, height - 1]).astype(np.float32)
    return image, xy, rng.integers(0, count, tracks)


def _matrix(weight: np.ndarray, spread: Conductance, alpha: float) -> sparse.csr_matrix:
    """C + alpha L, pixel by pixel."""
    height, width = weight.shape
    matrix = sparse.lil_matrix((height * width, height * width))
    for y in range(height):
        for x in range(width):
            here = y * width + x
            matrix[here, here] += weight[y, x]
            for there, inside, g in (
                (here + 1, x + 1 < width, spread.right[y, x] if x + 1 < width else 0),
                (here + width, y + 1 < height, spread.down[y, x] if y + 1 < height else 0),
            ):
                if inside:
                    g = alpha * float(g)
                    for a, b in ((here, there), (there, here)):
                        matrix[a, a] += g
                        matrix[a, b] -= g
    return matrix.tocsr()


@given(st.integers(0, 1000), st.integers(9, 23), st.integers(9, 23))
@settings(max_examples=8)
def test_diffusion_solves_its_linear_system(seed, height, width):
    image, xy, labels = _case(seed, height, width)
    seeds, spread = plant(xy, labels, 3, (height, width)), conductance(image, 60.0, 1e-3)
    solved = diffuse(seeds, spread, 5.0, tolerance=1e-6, most=200)
    right = seeds.share.double().numpy().reshape(3, -1).T
    exact = spsolve(_matrix(seeds.weight.numpy(), spread, 5.0).tocsc(), right).T.reshape(3, height, width)
    assert np.abs(solved.u.numpy() - exact).max() < 1e-3
    assert solved.residual <= 1e-6


def test_labels_that_do_not_occur_spread_nowhere():
    image, xy, labels = _case(2, 17, 21)
    spread = conductance(image, 60.0, 1e-3)
    few = plant(xy, np.where(labels == 0, 1, 3), 5, (17, 21))
    solved = diffuse(few, spread, 5.0, tolerance=1e-6, most=200)
    right = few.share.double().numpy().reshape(5, -1).T
    exact = spsolve(_matrix(few.weight.numpy(), spread, 5.0).tocsc(), right).T.reshape(5, 17, 21)
    assert np.abs(solved.u.numpy() - exact).max() < 1e-3
    assert not solved.u[[0, 2, 4]].any()
    alone = diffuse(plant(xy, np.full_like(labels, 3), 5, (17, 21)), spread, 5.0)
    assert (alone.iterations, alone.residual) == (0, 0.0)
    assert (alone.u[3] == 1).all()
    assert not alone.u[[0, 1, 2, 4]].any()


def test_diffusion_takes_few_iterations_whatever_the_size():
    taken = []
    for height, width in ((60, 80), (240, 320)):
        rng = np.random.default_rng(1)
        texture = gaussian_filter(rng.normal(0, 1, (3, height, width)), (0, 5, 5)) * 900 + 128
        image = torch.from_numpy((texture + rng.normal(0, 3, texture.shape)).clip(0, 255).astype(np.uint8))
        _, xy, labels = _case(1, height, width, tracks=height * width // 64)
        seeds = plant(xy, labels, 3, (height, width))
        taken.append(diffuse(seeds, conductance(image, 12.0, 1e-3), 2.0).iterations)
    assert max(taken) <= 30


def test_a_start_changes_the_work_and_not_the_result():
    image, xy, labels = _case(3, 40, 50)
    seeds, spread = plant(xy, labels, 3, (40, 50)), conductance(image, 30.0, 1e-3)
    cold = diffuse(seeds, spread, 2.0, tolerance=1e-6, most=200)
    warm = diffuse(seeds, spread, 2.0, start=cold.u + 1e-4, tolerance=1e-6, most=200)
    assert warm.iterations < cold.iterations
    assert torch.allclose(warm.u, cold.u, atol=1e-3)


def test_variation_lowers_its_energy_below_that_of_any_change_of_single_labels():
    image, xy, labels = _case(5, 14, 16, tracks=12)
    seeds, spread = plant(xy, labels, 3, (14, 16)), conductance(image, 60.0, 0.05)
    start = diffuse(seeds, spread, 1.0).u
    solved = minimise_variation(seeds, spread, 1.0, start, changing=-1.0, most=4000).u

    def energy(u: torch.Tensor) -> float:
        total = (seeds.weight * u.square() - 2 * seeds.share * u).sum()
        right, down = torch.zeros_like(u), torch.zeros_like(u)
        right[:, :, :-1], down[:, :-1] = u[:, :, 1:] - u[:, :, :-1], u[:, 1:] - u[:, :-1]
        g = torch.ones(14, 16)
        g[:, :-1] = spread.right
        g[:-1] = torch.minimum(g[:-1], spread.down)
        return float(total + (g * (right.square() + down.square()).sum(0).sqrt()).sum())

    lowest = energy(solved)
    assert lowest < energy(start)
    generator = torch.Generator().manual_seed(0)
    for size in (1e-1, 1e-2):
        for _ in range(50):
            assert energy(solved + size * torch.randn(solved.shape, generator=generator)) > lowest - 1e-3


def test_nearest_by_brute_force():
    image, xy, labels = _case(7, 19, 23)
    dense = densify(image, xy, labels, 3, DenseSettings("nearest"))
    pixels = np.trunc(xy + 0.5)
    y, x = np.mgrid[:19, :23]
    distance = (x[..., None] - pixels[:, 0]) ** 2 + (y[..., None] - pixels[:, 1]) ** 2
    found = dense.labels.numpy()
    for row in range(19):
        for column in range(23):
            near = distance[row, column] == distance[row, column].min()
            assert found[row, column] in labels[near]


@pytest.mark.parametrize("method", ["diffusion", "variation"])
def test_a_disc_is_found_to_its_edge_from_a_few_tracks(method):
    y, x = np.mgrid[:96, :128]
    disc = (x - 60) ** 2 + (y - 45) ** 2 < 25**2
    rng = np.random.default_rng(0)
    colours = np.where(disc, 150.0, 90.0)[None] + rng.normal(0, 5, (3, 96, 128))
    rows, columns = np.mgrid[4:96:8, 4:128:8]
    kept = rng.random(rows.shape) < 0.7
    xy = np.stack([columns[kept], rows[kept]], 1).astype(np.float32)
    labels = disc[rows[kept], columns[kept]].astype(np.int64)
    dense = densify(torch.from_numpy(colours.clip(0, 255).astype(np.uint8)), xy, labels, 2, DenseSettings(method))
    mask = dense.labels.numpy() == 1
    assert (mask & disc).sum() / (mask | disc).sum() > 0.97


def test_points_outside_are_left_out_and_several_on_a_pixel_all_count():
    xy = np.array([[-0.6, 0], [1.4, 1.5], [1.0, 2.0], [0.9, 2.2], [9.6, 0]], np.float32)
    seeds = plant(xy, np.array([0, 0, 1, 1, 0]), 2, (5, 10))
    # trunc(-0.6 + 0.5) is 0: the evaluators count it; trunc(9.6 + 0.5) is 10, outside.
    assert seeds.weight[0, 0] == 1
    assert seeds.weight[2, 1] == 3
    assert seeds.share[:, 2, 1].tolist() == [1, 2]
    assert seeds.weight.sum() == 4


def test_a_frame_without_tracks_is_said_to_be_one():
    with pytest.raises(ValueError, match="no track runs through the frame"):
        densify(
            torch.zeros(3, 8, 8, dtype=torch.uint8),
            np.zeros((0, 2), np.float32),
            np.zeros(0, np.int64),
            1,
            DenseSettings(),
        )
