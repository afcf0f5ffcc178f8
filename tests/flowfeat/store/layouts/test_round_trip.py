"""Out of a store and back: what comes back is what went out, within the quantisation that lay between."""

import itertools
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from flowfeat.estimators import load_estimator
from flowfeat.estimators.protocol import Pair
from flowfeat.store import FlowStore
from flowfeat.store.layouts import LAYOUTS, export_store, import_layout
from flowfeat.store.records import settings_of_store
from flowfeat.store.verify import verify

from .conftest import BOUND, HEIGHT, KEYS, PAIRS, WIDTH

# Largest error of one JPEG at quality 95 on these smooth fields, in pixels: measured 0.5, three levels.
JPEG_ERROR = 4 * BOUND / 127
HALF_LEVEL = 0.5 * BOUND / 127 + 1e-5


@pytest.mark.parametrize(
    ("backward", "frames"),
    [(False, False), (True, False), (True, True)],
    ids=["forward", "backward", "backward-frames"],
)
@pytest.mark.parametrize("encoding", ["jpeg", "uint8", "float16"])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_flow_comes_back_as_it_went(make_store, tmp_path, layout, encoding, backward, frames):
    store = make_store(encoding, frames=frames, backward=backward)
    exported = export_store(store, layout, tmp_path / "out")
    report = import_layout(tmp_path / "out", layout, tmp_path / "back")
    json.dumps([asdict(exported), asdict(report)])
    assert report.complete
    assert (report.imported, report.pairs, report.notes) == (2, 2 * PAIRS, [])
    assert verify(tmp_path / "back").clean
    eight_bit = LAYOUTS[layout].eight_bit
    kept_backward = backward and not eight_bit
    assert exported.backward_left_out == (2 * PAIRS if backward and eight_bit else 0)
    if not eight_bit:
        tolerance = 0.0 if encoding == "float16" else 0.004  # float16's rounding at 8 to 16 pixels
    else:
        tolerance = {"jpeg": 0.0, "uint8": JPEG_ERROR, "float16": JPEG_ERROR + HALF_LEVEL}[encoding]
    before, after = FlowStore(store), FlowStore(tmp_path / "back")
    # All layouts but the flat ones keep the keys; with the manifest those have them too.
    assert list(after) == list(KEYS)
    for key in KEYS:
        for direction in ("forward", "backward") if kept_backward else ("forward",):
            was, now = before[key].read(direction=direction), after[key].read(direction=direction)
            torch.testing.assert_close(now, was, rtol=0, atol=tolerance)
            assert (now[:, :, :8] == 0).all()
        assert after[key].header.settings.backward == kept_backward
        assert after[key].frames == (PAIRS + 1 if frames else 0)
        if frames:
            assert [bytes(jpeg) for jpeg in after[key].read_frame_jpegs()] == [
                bytes(jpeg) for jpeg in before[key].read_frame_jpegs()
            ]
        was, now = before[key].header.source, after[key].header.source
        assert now == replace(was, reader=f"import {layout}")


@pytest.mark.parametrize(
    ("layout", "encoding", "backward"),
    [
        *itertools.product(("mmaction2", "tsn", "feichtenhofer"), ["jpeg"], [False]),
        *itertools.product(("flo", "npy"), ["float16"], [False, True]),
    ],
)
def test_what_loses_nothing_gives_the_very_same_payload_and_settings(make_store, tmp_path, layout, encoding, backward):
    store = make_store(encoding, frames=True, backward=backward, largest=25.0)
    export_store(store, layout, tmp_path / "out")
    import_layout(tmp_path / "out", layout, tmp_path / "back")
    assert settings_of_store(tmp_path / "back") == settings_of_store(store)
    for key, clip in FlowStore(store).items():
        header = FlowStore(tmp_path / "back")[key].header
        assert header.payload_sha256 == clip.header.payload_sha256
        assert header.clipped_share == clip.header.clipped_share
        assert header.max_displacement == clip.header.max_displacement
        assert header.mean_displacement == pytest.approx(clip.header.mean_displacement, rel=1e-12)


@pytest.mark.parametrize("encoding", ["uint8", "float16"])
def test_settings_tell_that_values_went_through_eight_bits(make_store, tmp_path, encoding):
    store = make_store("jpeg")
    export_store(store, "tsn", tmp_path / "out")
    import_layout(tmp_path / "out", "tsn", tmp_path / "back", encoding=encoding)
    settings = settings_of_store(tmp_path / "back")
    assert settings is not None
    assert settings.model == "dis"
    assert settings.parameters == {"preset": "medium", "import": "tsn of jpeg, bound 20"}
    assert verify(tmp_path / "back").clean
    for key, clip in FlowStore(store).items():
        now = FlowStore(tmp_path / "back")[key].read()
        torch.testing.assert_close(now, clip.read(), rtol=0, atol=0.0 if encoding == "uint8" else 0.004)


@pytest.mark.parametrize("layout", ["flo", "npy"])
@pytest.mark.parametrize("encoding", ["jpeg", "uint8"])
def test_uint8_survives_float_files_exactly_and_jpeg_is_encoded_again(make_store, tmp_path, layout, encoding):
    store = make_store("uint8", backward=True)
    export_store(store, layout, tmp_path / "out")
    import_layout(tmp_path / "out", layout, tmp_path / "back", encoding=encoding)
    assert verify(tmp_path / "back").clean
    tolerance = 0.0 if encoding == "uint8" else JPEG_ERROR
    for key, clip in FlowStore(store).items():
        now = FlowStore(tmp_path / "back")[key].read(direction="backward")
        torch.testing.assert_close(now, clip.read(direction="backward"), rtol=0, atol=tolerance)
    same = settings_of_store(tmp_path / "back") == settings_of_store(store)
    assert same == (encoding == "uint8")


def test_a_step_of_three_keeps_its_frames(make_store, tmp_path):
    store = make_store("jpeg", frames=True, step=3)
    export_store(store, "mmaction2", tmp_path / "out")
    report = import_layout(tmp_path / "out", "mmaction2", tmp_path / "back")
    assert report.frames == 2 * (PAIRS + 3)
    assert verify(tmp_path / "back").clean
    assert FlowStore(tmp_path / "back")[KEYS[0]].header.settings.step == 3


def test_float16_that_is_clipped_says_so_there_and_back(make_store, tmp_path):
    store = make_store("float16", largest=25.0)
    exported = export_store(store, "tsn", tmp_path / "out", bound=15.0)
    beyond = sum(int((clip.read().abs() > 15).any(1).sum()) for clip in FlowStore(store).values())
    assert exported.clipped_pixels == beyond > 0
    report = import_layout(tmp_path / "out", "tsn", tmp_path / "back")
    assert report.bound == 15.0
    share = beyond / (2 * PAIRS * HEIGHT * WIDTH)
    assert verify(tmp_path / "back").clipped_share == pytest.approx(share)


@pytest.mark.parametrize("encoding", ["jpeg", "float16"])
def test_the_estimator_files_reads_an_exported_flo_folder(make_store, tmp_path, encoding):
    store = make_store(encoding, backward=True)
    export_store(store, "flo", tmp_path / "out")
    estimator = load_estimator(f"files:{tmp_path / 'out'}")
    frames = torch.zeros((2, 2, 3, HEIGHT, WIDTH), dtype=torch.uint8)
    for key, clip in FlowStore(store).items():
        estimator.check_clip(key, PAIRS, True)
        for t in range(PAIRS):
            flow = estimator(frames, [Pair(key, t, t + 1), Pair(key, t + 1, t)])
            torch.testing.assert_close(flow[0], clip.read(t, 1)[0], rtol=0, atol=0)
            torch.testing.assert_close(flow[1], clip.read(t, 1, "backward")[0], rtol=0, atol=0)


def test_an_exported_store_is_not_changed_by_a_round_trip_of_its_export(make_store, tmp_path):
    store = make_store("jpeg")
    export_store(store, "tsn", tmp_path / "out")
    import_layout(tmp_path / "out", "tsn", tmp_path / "back")
    export_store(tmp_path / "back", "tsn", tmp_path / "again")
    for path in (tmp_path / "out").rglob("*.jpg"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(tmp_path / "out")).read_bytes()
    before, after = FlowStore(store), FlowStore(tmp_path / "back")
    assert all(np.array_equal(before[key].read_levels(), after[key].read_levels()) for key in KEYS)
