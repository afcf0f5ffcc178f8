import numpy as np
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
from recognition.presets import ColourInput, FlowInput
from recognition.stacks.reading import read_stack
from recognition.stacks.transforms import colour_input, flip_frames, flip_stack, flow_input


def random_stack(seed=0, shape=(6, 5, 7)):
    return 10 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_flow_is_clipped_then_loses_each_fields_mean_then_is_scaled():
    stack = random_stack()
    got = flow_input(stack.clone(), FlowInput(bound=8.0, mean="field", scale=0.5))
    for channel in range(6):
        clipped = np.clip(stack[channel].numpy(), -8, 8)
        np.testing.assert_allclose(got[channel].numpy(), (clipped - clipped.mean()) * 0.5, atol=1e-5)
    assert stack.abs().max() > 8


def test_without_bound_mean_and_scale_flow_stays_as_it_is():
    stack = random_stack()
    assert torch.equal(flow_input(stack.clone(), FlowInput(bound=None, mean="constant", scale=1.0)), stack)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.floats(-5, 5), st.floats(-5, 5))
def test_a_moving_camera_is_taken_away_by_the_mean(seed, x, y):
    stack = random_stack(seed)
    moved = stack.clone()
    moved[0::2] += x
    moved[1::2] += y
    of = FlowInput(bound=None, mean="field", scale=1.0)
    assert (flow_input(moved, of) - flow_input(stack, of)).abs().max() < 1e-4


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 99),
    st.sampled_from([0.1, 1.0]),
    st.sampled_from([5.0, None]),
    st.sampled_from(["field", "constant"]),
)
def test_mirroring_and_values_do_not_mind_their_order(seed, scale, bound, mean):
    stack, of = random_stack(seed), FlowInput(bound=bound, mean=mean, scale=scale)
    assert torch.allclose(flip_stack(flow_input(stack.clone(), of)), flow_input(flip_stack(stack), of), atol=1e-5)
    assert torch.equal(flip_stack(flip_stack(stack)), stack)


def test_mirroring_negates_x_and_keeps_y():
    stack = random_stack(shape=(2, 4, 3, 5))
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
    steps = {"uint8": 20 / 127, "float16": 2**-6, "jpeg": 20 / 127}
    for encoding, step in steps.items():
        out = tmp_path / encoding
        options = ExtractionOptions(out=out, model=f"files:{tmp_path / 'flow'}", encoding=encoding, workers=1)
        assert extract([tmp_path / "clips"], options).complete
        store = FlowStore(out)
        expected, got = flip_stack(read_stack(store["seen"], 1, 4)), read_stack(store["mirrored"], 1, 4)
        inside = rearrange(torch.from_numpy(mirrored_flow[1:5]), "l xy h w -> (l xy) h w").abs() <= 20
        difference = (expected - got)[inside].abs()
        assert got[inside].abs().mean() > 2
        if encoding == "jpeg":
            # The codec's own rounding, of coefficients and of pixels, comes on top of the store's.
            assert difference.mean() <= step / 2
        else:
            assert difference.max() <= step / 2
