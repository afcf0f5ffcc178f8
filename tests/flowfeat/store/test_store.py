"""What is written is read back, any part of it, by us and by any reader of safetensors."""

import hashlib
import json
import os
import pickle
import struct

import numpy as np
import pytest
import torch
from fixture_stores import settings, smooth_flow, write_stored_clip
from safetensors.numpy import load_file

from flowfeat.errors import StoreError
from flowfeat.store import ClipWriter, FlowStore, SourceFacts, StoredClip
from flowfeat.store.encoding import encode_field, encode_rgb, stored_values
from flowfeat.store.quantise import measure
from flowfeat.store.records import claim_store, new_run_file, settings_of_store

ENCODINGS = ["jpeg", "uint8", "float16"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_any_stack_is_read_back_within_its_quantisation(tmp_path, encoding):
    flow, backward = smooth_flow(12), smooth_flow(12, seed=1)
    write_stored_clip(tmp_path, "Punch/v_1", settings(encoding, backward=True), flow, backward)
    clip = FlowStore(tmp_path)["Punch/v_1"]
    tolerance = {"jpeg": 0.9, "uint8": 20 / 127 / 2 + 1e-4, "float16": 0.01}[encoding]
    for direction, expected in [("forward", flow), ("backward", backward)]:
        whole = clip.read(direction=direction)
        assert (whole - expected).abs().max() <= tolerance
        for start, count in [(0, 1), (11, 1), (3, 7), (0, 12), (5, 0)]:
            part = clip.read(start, count, direction)
            assert part.dtype == torch.float32
            assert torch.equal(part, whole[start : start + count])


def test_still_regions_are_exactly_zero_far_from_motion(tmp_path):
    write_stored_clip(tmp_path, "v", settings("jpeg"), torch.zeros(3, 2, 48, 64))
    assert not FlowStore(tmp_path)["v"].read().any()


def test_frames_are_read_one_by_one(tmp_path):
    write_stored_clip(tmp_path, "v", settings(frames=True), smooth_flow(5))
    clip = FlowStore(tmp_path)["v"]
    assert clip.frames == 6
    whole = clip.read_frames()
    assert whole.shape == (6, 3, 48, 64)
    assert torch.equal(clip.read_frames(4, 2), whole[4:])


def test_reading_a_stack_reads_its_bytes_and_not_the_rest(tmp_path):
    """The bytes of the other fields are destroyed: the stack must not notice."""
    write_stored_clip(tmp_path, "v", settings("jpeg"), smooth_flow(40))
    clip = StoredClip(tmp_path / "v.safetensors")
    expected = clip.read(12, 10)
    data = bytearray(clip.path.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    begin = 8 + length + header["forward_jpeg"]["data_offsets"][0]
    ends = load_file(clip.path)["forward_offsets"]
    kept = data[begin + ends[24] : begin + ends[44]]
    data[begin:] = bytes(len(data) - begin)
    data[begin + ends[24] : begin + ends[44]] = kept
    clip.path.write_bytes(data)
    assert torch.equal(StoredClip(clip.path).read(12, 10), expected)
    with pytest.raises(StoreError, match="a JPEG in it is damaged"):
        StoredClip(clip.path).read(0, 1)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_file_can_be_checked_without_the_code_that_made_it(tmp_path, encoding):
    write_stored_clip(tmp_path, "v", settings(encoding), smooth_flow(4))
    data = (tmp_path / "v.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["flowfeat"])
    assert hashlib.sha256(data[8 + length :]).hexdigest() == header["payload_sha256"]
    text = json.dumps(header["settings"], sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == header["fingerprint"]
    tensors = load_file(tmp_path / "v.safetensors")
    if encoding == "jpeg":
        assert tensors["forward_offsets"].shape == (9,)
    else:
        assert tensors["forward"].shape == (4, 2, 48, 64)
    assert header["pairs"] == 4
    assert header["source"]["frames_decoded"] == 5


def test_the_bytes_depend_on_the_flow_alone(tmp_path):
    for folder in ("a", "b"):
        write_stored_clip(tmp_path / folder, "v", settings(frames=True), smooth_flow(4))
    assert (tmp_path / "a/v.safetensors").read_bytes() == (tmp_path / "b/v.safetensors").read_bytes()


def test_a_writer_that_is_left_leaves_nothing(tmp_path):
    source = SourceFacts("v.avi", 1, "0", "r", 2, 2, 0, 0, None, 48, 64)
    with ClipWriter(tmp_path, "deep/v", settings("uint8"), 48, 64) as writer:
        writer.append_fields("forward", [bytes(48 * 64)] * 2)
    assert list(tmp_path.rglob("*")) == []
    with ClipWriter(tmp_path, "deep/v", settings("uint8"), 48, 64) as writer:
        writer.append_fields("forward", [b"\x80" * (48 * 64)] * 2)
        writer.count(measure(torch.zeros(1, 2, 48, 64), 20.0))
        writer.commit(source)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["v.safetensors"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_writer_refuses_planes_of_another_size(tmp_path, encoding):
    of = settings(encoding, frames=True)
    field = stored_values(torch.zeros(1, 2, 64, 48), of)[0]
    with ClipWriter(tmp_path, "v", of, 48, 60) as writer:
        with pytest.raises(ValueError, match=r"v: forward of .* for a file of"):
            writer.append_fields("forward", encode_field(field, of))
        with pytest.raises(ValueError, match=r"v: frames of \(60, 48\) pixels .* for a file of \(48, 60\)"):
            writer.append_frames(encode_rgb(np.zeros((60, 48, 3), np.uint8)))


def test_a_long_clip_is_written_in_bounded_memory(tmp_path):
    """200 MB of planes through a writer that may hold 32 MB of each kind."""
    import tracemalloc

    plane = b"\x80" * (240 * 320)
    facts = measure(torch.zeros(1, 2, 240, 320), 20.0)
    tracemalloc.start()
    with ClipWriter(tmp_path, "long", settings("uint8"), 240, 320) as writer:
        for _ in range(1300):
            writer.append_fields("forward", [plane, plane])
            writer.count(facts)
        writer.commit(SourceFacts("v.avi", 1, "0", "r", 1301, None, 0, 0, None, 240, 320))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "long.safetensors").stat().st_size > 190e6
    assert peak < 90e6


def test_clips_are_found_by_key_or_by_a_stem_that_is_unique(tmp_path):
    for key in ("A/v_1", "B/v_2", "C/v_2"):
        write_stored_clip(tmp_path, key, settings("uint8"), smooth_flow(1))
    store = FlowStore(tmp_path)
    assert list(store) == ["A/v_1", "B/v_2", "C/v_2"]
    assert len(store) == 3
    assert store["v_1"].key == "A/v_1"
    assert "v_1" in store
    assert "v_2" not in store
    assert "B/v_2" in store
    with pytest.raises(KeyError, match="2 clips called 'v_2': B/v_2, C/v_2"):
        store["v_2"]
    with pytest.raises(KeyError, match="holds no clip called 'v_3'; perhaps v_"):
        store["v_3"]
    with pytest.raises(KeyError, match="holds no clip called 'x'; it holds v_1, v_2"):
        store["x"]
    (tmp_path / "none").mkdir()
    with pytest.raises(KeyError, match="holds no clip called 'x'; it holds none"):
        FlowStore(tmp_path / "none")["x"]
    with pytest.raises(StoreError, match="no such store"):
        FlowStore(tmp_path / "nowhere")


def test_what_is_not_there_is_an_error(tmp_path):
    write_stored_clip(tmp_path, "v", settings(), smooth_flow(5))
    clip = FlowStore(tmp_path)["v"]
    for start, count in [(0, 6), (5, 1), (-1, 2), (6, 0)]:
        with pytest.raises(IndexError):
            clip.read(start, count)
    with pytest.raises(StoreError, match="no backward flow is stored; extract with --backward"):
        clip.read(direction="backward")
    with pytest.raises(StoreError, match="no frames are stored; extract with --frames"):
        clip.read_frames()


def test_stores_travel_to_worker_processes(tmp_path):
    write_stored_clip(tmp_path, "v", settings(), smooth_flow(5))
    store = pickle.loads(pickle.dumps(FlowStore(tmp_path)))
    assert torch.equal(store["v"].read(1, 2), FlowStore(tmp_path)["v"].read(1, 2))


def test_a_store_is_claimed_once(tmp_path):
    claim_store(tmp_path, settings("jpeg"))
    claim_store(tmp_path, settings("jpeg"))
    assert settings_of_store(tmp_path) == settings("jpeg")
    with pytest.raises(StoreError, match=r"made with other settings .*encoding jpeg there, uint8 here"):
        claim_store(tmp_path, settings("uint8"))
    assert os.listdir(tmp_path) == ["store.json"]  # noqa: PTH208


def test_runs_take_numbers_of_their_own(tmp_path):
    assert [new_run_file(tmp_path).name for _ in range(3)] == ["0001.json", "0002.json", "0003.json"]


def test_real_flow_within_the_documented_error(data):
    """recognition.md section 6: at bound 20, rounding 0.050 px RMSE and with JPEG 0.052, on real flow."""
    pytest.importorskip("cv2")
    from flowfeat.estimators import load_estimator
    from flowfeat.store.planes import decode_plane, encode_plane
    from flowfeat.store.quantise import dequantise, quantise
    from flowfeat.video import read_clip

    clip = min((data / "ucf101/UCF-101/Lunges").glob("*.avi"))
    frames = torch.from_numpy(read_clip(clip).frames[:31].copy())
    frames = frames.permute(0, 3, 1, 2)
    flow = load_estimator("dis")(torch.stack([frames[:-1], frames[1:]], 1))
    levels = quantise(flow, 20.0).numpy()
    rounded = dequantise(levels, 20.0)
    jpegs = np.stack([[decode_plane(encode_plane(plane, 95), 240, 320) for plane in field] for field in levels])
    inside = (flow.abs() <= 20).numpy()
    rmse = [np.sqrt(np.mean((found - flow.numpy())[inside] ** 2)) for found in (rounded, dequantise(jpegs, 20.0))]
    assert rmse[0] < 0.055
    assert rmse[1] < 0.075
