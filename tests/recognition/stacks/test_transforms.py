from dataclasses import replace

import numpy as np
import pytest
import torch
from einops import rearrange
from fixture_clips import moving_texture
from fixture_stores import smooth_flow
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flowfeat.extraction import ExtractionOptions, extract
from flowfeat.formats import write_flo
from flowfeat.store import FlowStore
from flowfeat.store.settings import Encoding
from recognition.presets import ColourInput, FlowInput
from recognition.stacks.reading import StoredStack, read_stored
from recognition.stacks.transforms import colour_input, flip_frames, flip_stack, flow_input
from recognition.stacks.window import Window

STORES = st.sampled_from([20.0, 8.0, None])
INPUTS = st.builds(
    FlowInput,
    bound=st.sampled_from([None, 4.3, 8.0, 20.0, 20.1, 50.0]),
    mean=st.sampled_from(["field", "constant"]),
    scale=st.sampled_from([1.0, 0.1]),
)


def random_stack(seed=0, bound: float | None = 20.0, shape=(6, 40, 52)) -> StoredStack:
    """Levels 0 and 255 are both there; a camera that moves gives each field a mean."""
    rng = np.random.default_rng(seed)
    levels = np.clip(rng.normal(rng.uniform(90, 170, (shape[0], 1, 1)), 60, shape), 0, 255).astype(np.uint8)
    stack = StoredStack(levels, bound)
    return stack if bound else StoredStack((levels - np.float32(128)) * np.float32(0.17), None)


def as_published(stack: StoredStack, of: FlowInput, window: Window, mirrored: bool) -> np.ndarray:
    """In float64 and of whole fields: mirrored, clipped, without the mean, scaled, cut."""
    flow = stack.in_pixels().double().numpy()
    if of.bound is not None:
        flow = np.clip(flow, -of.bound, of.bound)
    if of.mean == "field":
        flow = flow - flow.mean((1, 2), keepdims=True)
    cut = flow[:, window.top : window.top + window.height, window.left : window.left + window.width] * of.scale
    if mirrored:
        cut = cut[..., ::-1] * np.array([-1, 1] * (len(flow) // 2))[:, None, None]
    return cut


@settings(max_examples=60)
@given(st.integers(0, 99), STORES, INPUTS, st.tuples(*[st.integers(0, 9)] * 4), st.booleans())
def test_a_window_is_what_the_whole_fields_would_give(seed, bound, of, edges, mirrored):
    top, left, bottom, right = edges
    window = Window(top, left, 40 - top - bottom, 52 - left - right)
    stack = random_stack(seed, bound)
    before = stack.values.copy()
    got = flow_input(stack, of, window, mirrored)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got.numpy(), as_published(stack, of, window, mirrored), atol=1e-5)
    assert np.array_equal(stack.values, before)
    assert got.movedim(0, -1).is_contiguous()


def test_the_bound_takes_away_what_a_jpeg_adds_to_it():
    """The highest and the lowest value stored are levels 255 and 1; around edges a JPEG may give level 0."""
    stack = StoredStack(np.array([0, 1, 128, 255], np.uint8).reshape(1, 2, 2), 20.0)
    whole = Window(0, 0, 2, 2)
    of = FlowInput(bound=20.0, mean="constant", scale=1.0)
    assert torch.equal(flow_input(stack, of, whole).flatten(), torch.tensor([-20.0, -20.0, 0.0, 20.0]))
    beyond = flow_input(stack, replace(of, bound=None), whole).flatten()
    assert beyond[0] == pytest.approx(-20 * 128 / 127)


@pytest.mark.parametrize("rows", [257, 258])
def test_the_mean_is_exact_however_tall_the_frame(rows):
    levels = np.full((2, rows, 3), 255, np.uint8)
    levels[1, 0] = 0
    of = FlowInput(bound=None, mean="field", scale=1.0)
    got = flow_input(StoredStack(levels, 127.0), of, Window(0, 0, 1, 3))
    assert torch.equal(got[0], torch.zeros(1, 3))
    assert torch.equal(got[1], torch.full((1, 3), -float(np.float32(255 * (rows - 1) / rows))))


def test_without_bound_mean_and_scale_flow_stays_as_it_is():
    stack, of = random_stack(), FlowInput(bound=None, mean="constant", scale=1.0)
    assert torch.equal(flow_input(stack, of, Window(0, 0, 40, 52)), stack.in_pixels())
    mirrored = flow_input(stack, of, Window(0, 0, 40, 52), mirrored=True)
    assert torch.equal(mirrored, flip_stack(stack.in_pixels()))
    assert torch.equal(flip_stack(mirrored), stack.in_pixels())


@settings(max_examples=20)
@given(st.integers(0, 99), st.integers(-40, 40), st.integers(-40, 40))
def test_a_moving_camera_is_taken_away_by_the_mean(seed, x, y):
    still = np.clip(random_stack(seed).values, 60, 190)
    moved = (still + np.array([x, y] * 3)[:, None, None]).astype(np.uint8)
    of, window = FlowInput(bound=None, mean="field", scale=1.0), Window(3, 5, 20, 30)
    shown = [flow_input(StoredStack(levels, 20.0), of, window) for levels in (still, moved)]
    assert (shown[0] - shown[1]).abs().max() < 1e-4


def test_mirroring_negates_x_and_keeps_y():
    stack = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(0))
    mirrored = flip_stack(stack)
    assert torch.equal(mirrored[:, 0], -stack[:, 0].flip(-1))
    assert torch.equal(mirrored[:, 1], stack[:, 1].flip(-1))
    assert torch.equal(mirrored[:, 2], -stack[:, 2].flip(-1))


def test_colour_is_levels_less_the_mean_over_the_deviation():
    frame = torch.randint(0, 256, (3, 4, 5), dtype=torch.uint8)
    got = colour_input(frame, ColourInput(mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 4.0)))
    assert got[2, 1, 1] == (float(frame[2, 1, 1]) - 30) / 4
    assert torch.equal(flip_frames(got)[..., 0], got[..., -1])


def test_flow_of_the_mirrored_clip_is_the_mirrored_stack(tmp_path):
    """Through the whole chain: clips of frames, flow computed elsewhere, extraction, store, reading."""
    frames = np.stack(list(moving_texture(7, 48, 64)))
    flow = smooth_flow(6, largest=25.0).numpy()
    mirrored_flow = flow[..., ::-1] * np.array([-1, 1], np.float32)[:, None, None]
    for clip, pictures, fields in (("seen", frames, flow), ("mirrored", frames[:, :, ::-1], mirrored_flow)):
        (tmp_path / "clips" / clip).mkdir(parents=True)
        (tmp_path / "flow" / clip).mkdir(parents=True)
        for t, picture in enumerate(pictures):
            Image.fromarray(picture).save(tmp_path / f"clips/{clip}/{t:05d}.png")
        for t, field in enumerate(fields):
            write_flo(tmp_path / f"flow/{clip}/{t:05d}.flo", np.ascontiguousarray(field))
    steps: dict[Encoding, float] = {"uint8": 20 / 127, "float16": 2**-6, "jpeg": 20 / 127}
    for encoding, step in steps.items():
        out = tmp_path / encoding
        options = ExtractionOptions(out=out, model=f"files:{tmp_path / 'flow'}", encoding=encoding, workers=1)
        assert extract([tmp_path / "clips"], options).complete
        store = FlowStore(out)
        seen, got = (read_stored(store[name], 1, 4).in_pixels() for name in ("seen", "mirrored"))
        expected = flip_stack(seen)
        inside = rearrange(torch.from_numpy(mirrored_flow[1:5]), "l xy h w -> (l xy) h w").abs() <= 20
        difference = (expected - got)[inside].abs()
        assert got[inside].abs().mean() > 2
        if encoding == "jpeg":
            # The codec's own rounding, of coefficients and of pixels, comes on top of the store's.
            assert difference.mean() <= step / 2
        else:
            assert difference.max() <= step / 2
