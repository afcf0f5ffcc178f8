from dataclasses import replace

import pytest
import torch
from fixture_recognition import labelled, write_single_frame, write_small_store
from fixture_stores import settings, smooth_flow, write_stored_clip

from flowfeat.errors import InputError, StoreError
from flowfeat.store import FlowStore
from recognition.stacks.reading import positions, read_rgb, read_stored


@pytest.mark.parametrize("encoding", ["uint8", "float16", "jpeg"])
def test_x_and_y_take_turns_in_pixels(tmp_path, encoding):
    flow = smooth_flow(12)
    write_stored_clip(tmp_path, "v", settings(encoding), flow)
    stack = read_stored(FlowStore(tmp_path)["v"], 3, 5).in_pixels()
    assert (stack.shape, stack.dtype) == ((10, 48, 64), torch.float32)
    tolerance = {"jpeg": 0.9, "uint8": 20 / 127 / 2 + 1e-4, "float16": 0.01}[encoding]
    for field in range(5):
        assert (stack[2 * field] - flow[3 + field, 0]).abs().max() <= tolerance
        assert (stack[2 * field + 1] - flow[3 + field, 1]).abs().max() <= tolerance


def test_a_clip_that_is_too_short_repeats_its_last_field(tmp_path):
    where = write_small_store(tmp_path)
    clip = where.store["v_Jump_g09_c01"]
    stack, whole = read_stored(clip, 0, 10).in_pixels(), clip.read()
    assert torch.equal(stack[:6], whole.flatten(0, 1))
    assert torch.equal(stack[6:].unflatten(0, (7, 2)), whole[2:].expand(7, -1, -1, -1))
    assert not torch.equal(whole[1], whole[2])


def test_what_is_not_there_is_never_made_up(tmp_path):
    clip = write_small_store(tmp_path).store["v_Jump_g08_c01"]
    with pytest.raises(IndexError):
        read_stored(clip, 11, 10)
    with pytest.raises(IndexError):
        read_stored(clip, -1, 10)
    write_single_frame(tmp_path / "one", "v")
    with pytest.raises(InputError, match=r"v\.safetensors: the clip has a single frame and no flow"):
        read_stored(FlowStore(tmp_path / "one")["v"], 0, 10)


def test_frames_are_read_where_they_are_stored(tmp_path):
    where = write_small_store(tmp_path)
    clip = where.store[where.key(labelled("v_Jump_g08_c01"))]
    assert torch.equal(read_rgb(clip, 20), clip.read_frames()[20])
    assert (positions(clip, "temporal"), positions(clip, "spatial")) == (20, 21)
    write_stored_clip(tmp_path / "bare", "v", replace(settings(), frames=False), smooth_flow(2))
    with pytest.raises(StoreError, match="no frames are stored for the spatial stream; extract with --frames"):
        positions(FlowStore(tmp_path / "bare")["v"], "spatial")
