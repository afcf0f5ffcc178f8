"""The flow takes the second frame back to the first, and flow and occlusions are those of the scene's formulas."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from flowfeat.ops import warp
from flowfeat.rendering import SETTINGS, Renderer
from flowfeat.rendering.layers import Layers
from flowfeat.rendering.scenes import draw_scenes

HEIGHT, WIDTH, PAIRS = 72, 96, 2


@pytest.fixture(scope="module", params=SETTINGS)
def renderer(request: pytest.FixtureRequest) -> Renderer:
    """Without change of light and noise, so that frames differ by motion alone."""
    settings = replace(SETTINGS[request.param], lighting=0.0, noise=0.0)
    made = Renderer(settings, HEIGHT, WIDTH, seed=3, textures=4, texture_size=64)
    # Nor grain, so that what is left is the flow's error and not that of interpolating between pixels.
    smooth = made._bank.float()
    for _ in range(3):
        smooth = functional.avg_pool2d(smooth, 7, 1, 3, count_include_pad=False)
    made._bank = smooth.round().to(torch.uint8)
    return made


def test_warping_the_second_frame_by_the_flow_gives_the_first(renderer: Renderer):
    pairs = renderer.batch(0, 4)
    error = (warp(pairs.frames[:, 1], pairs.flow) - pairs.frames[:, 0]).abs().mean(1)
    still = (pairs.frames[:, 1] - pairs.frames[:, 0]).abs().mean(1)
    # A pixel next to an edge is a mixture, in another proportion in each frame.
    edges = pairs.occluded.clone()
    for axis in (1, 2):
        jump = functional.pad(pairs.flow.diff(dim=axis + 1).abs().amax(1), (0, axis - 1, 0, 2 - axis))
        edges |= jump > 0.2
    seen = functional.max_pool2d(edges.float(), 5, 1, 2) == 0
    assert seen.float().mean() > 0.3
    assert error[seen].mean() < 1 / 1000
    assert torch.quantile(error[seen], 0.99) < 1 / 100
    assert error[seen].mean() < still[seen].mean() / 10
    # With them it is small still, so few they are.
    assert error[~pairs.occluded].mean() < still[~pairs.occluded].mean() / 4


def test_flow_and_occlusions_are_those_of_the_formulas(renderer: Renderer):
    pairs = renderer.batch(1, PAIRS)
    scene = draw_scenes(
        [np.random.default_rng((3, PAIRS + i)) for i in range(PAIRS)], renderer.settings, HEIGHT, WIDTH, 4
    )
    for number in range(PAIRS):
        layers = [Formulas(each, row) for each in scene for row in (each.scene == number).nonzero()[:, 0].tolist()]
        flow, occluded, edge = by_formulas(layers)
        sure = edge > 0.75  # pixels from an edge, in either frame
        assert sure.mean() > 0.6
        assert np.abs(pairs.flow[number].numpy() - flow).max(0)[sure].max() < 2e-3
        assert (pairs.occluded[number].numpy() == occluded)[sure].all()
        # Along edges, where half a pixel decides, most are right all the same.
        assert (pairs.occluded[number].numpy() != occluded).mean() < 0.02


class Formulas:
    """One layer in float64, point by point: the definitions of `Layers` with nothing shared and nothing saved."""

    def __init__(self, layers: Layers, row: int):
        each = {
            name: value[row].double().numpy() for name, value in vars(layers).items() if name not in ("bent", "scene")
        }
        self.centre, self.linear, self.shift = each["centre"], each["linear"], each["shift"]
        self.height = each["wave_height"] * (row in layers.bent.tolist())
        self.number, self.phase = each["wave_number"], each["wave_phase"]
        self.circle, self.even, self.odd, self.hole = each["circle"], each["even"], each["odd"], float(each["hole"])

    def displaced(self, own: np.ndarray) -> np.ndarray:
        """(n, 2) own coordinates to places in the second frame."""
        return own @ self.linear.T + self.waves(own) + self.centre + self.shift

    def waves(self, own: np.ndarray) -> np.ndarray:
        return np.sin(own @ self.number.T + self.phase) @ self.height

    def origin(self, place: np.ndarray) -> np.ndarray:
        """The own coordinates of what is at these places of the second frame."""
        straight = place - self.centre - self.shift
        own = np.zeros_like(place)
        for _ in range(12):
            own = (straight - self.waves(own)) @ np.linalg.inv(self.linear).T
        return own

    def depth(self, own: np.ndarray) -> np.ndarray:
        """How far inside the outline, as a share of the radius; negative outside."""
        x, y = (own @ self.circle.T).T
        distance = np.hypot(x, y) + 1e-12
        powers = (x / distance)[:, None] ** np.arange(len(self.even))
        share = distance / (powers @ self.even + y / distance * (powers @ self.odd))
        return np.minimum(1 - share, share - self.hole)

    def inside(self, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether points are covered, and about how many pixels they are from the edge."""
        depth, step = self.depth(own), 0.01
        slopes = [(self.depth(own + step * axis) - self.depth(own - step * axis)) / (2 * step) for axis in np.eye(2)]
        return depth > 0, np.abs(depth) / np.maximum(np.hypot(*slopes), 1e-9)


def by_formulas(layers: list[Formulas]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flow, occlusions and distance to the nearest edge in either frame; `layers` from the back to the front."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    pixels = np.stack([x.ravel(), y.ravel()], 1)
    front, later = np.zeros(len(pixels), int), layers[0].displaced(pixels - layers[0].centre)
    edge = np.full(len(pixels), np.inf)
    for place, layer in enumerate(layers[1:], 1):
        own = pixels - layer.centre
        covered, far = layer.inside(own)
        front[covered], later[covered] = place, layer.displaced(own)[covered]
        edge = np.minimum(edge, far)
    bottom, right = HEIGHT - 1, WIDTH - 1
    occluded = (later < 0).any(1) | (later > [right, bottom]).any(1)
    edge = np.minimum(
        edge, np.abs(np.stack([later[:, 0], right - later[:, 0], later[:, 1], bottom - later[:, 1]])).min(0)
    )
    for place, layer in enumerate(layers[1:], 1):
        covered, far = layer.inside(layer.origin(later))
        occluded |= covered & (place > front)
        edge = np.where(place > front, np.minimum(edge, far), edge)
    shape = (HEIGHT, WIDTH)
    return (later - pixels).T.reshape(2, *shape), occluded.reshape(shape), edge.reshape(shape)


def test_a_disc_over_a_still_ground_hides_what_it_moves_onto():
    """A scene whose answer can be drawn by hand: nothing but a disc that moves to the right by 6 pixels."""
    settings = replace(SETTINGS["large"], objects=(1, 1), still=1.0, lighting=0.0, noise=0.0)
    renderer = Renderer(settings, HEIGHT, WIDTH, textures=2, texture_size=32)
    scene = draw_scenes([np.random.default_rng(0)], settings, HEIGHT, WIDTH, 2)
    disc = replace(
        scene[1],
        centre=torch.tensor([[50.0, 40.0]]),
        linear=torch.eye(2)[None],
        inverse=torch.eye(2)[None],
        shift=torch.tensor([[6.0, 0.0]]),
        bent=torch.zeros(0, dtype=torch.long),
        circle=torch.eye(2)[None] / 20,
        even=torch.eye(6)[:1],
        odd=torch.zeros(1, 6),
        hole=torch.tensor([-1.0]),
    )
    _, _, flow, occluded = renderer._compose([scene[0], disc], 1)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    before, after = np.hypot(x - 50, y - 40) < 20, np.hypot(x - 56, y - 40) < 20
    edge = np.minimum(abs(np.hypot(x - 50, y - 40) - 20), abs(np.hypot(x - 56, y - 40) - 20)) < 0.1
    assert ((occluded[0].numpy() == (after & ~before)) | edge).all()
    assert ((flow[0, 0].numpy() == 6 * before) | edge).all()
    assert (flow[0, 1] == 0).all()
