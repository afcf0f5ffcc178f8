"""Folders of other tools: numbers, formulas and counts that are right, and those that must be refused."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from flowfeat.errors import InputError, StoreError
from flowfeat.formats import write_flo
from flowfeat.store import FlowStore
from flowfeat.store.layouts import export_store, import_layout
from flowfeat.store.layouts import importing as importing_module
from flowfeat.store.records import settings_of_store
from flowfeat.store.verify import verify

from .conftest import BOUND, HEIGHT, KEYS, PAIRS, WIDTH, rgb_frames, smooth_flow, tsn_levels, write_tsn_clip

LEVEL = BOUND / 127


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("prefix", ["flow_", ""])
@pytest.mark.parametrize(("layout", "folder"), [("tsn", "v_a"), ("mmaction2", "Jump/v_a")])
def test_flow_that_opencv_wrote_comes_in_within_its_quantisation(tmp_path, layout, folder, prefix, first):
    flow = smooth_flow(0)
    names = {axis: f"{prefix}{axis}_{{:05d}}.jpg" for axis in "xy"}
    write_tsn_clip(tmp_path / "in" / folder, flow, first, names["x"], names["y"], frames=PAIRS + 1)
    report = import_layout(tmp_path / "in", layout, tmp_path / "store", bound=BOUND)
    assert report.complete
    assert report.index_base == first
    assert report.patterns[0] == f"{{clip}}/{prefix}x_{{index:05d}}.jpg"
    assert verify(tmp_path / "store").clean
    clip = FlowStore(tmp_path / "store")[folder]
    read = clip.read().numpy()
    # Half a level of theirs, half of ours, and two JPEGs at quality 95.
    assert np.abs(read - flow).max() < 6 * LEVEL
    assert np.abs(read - flow).mean() < LEVEL
    assert (read[:, :, :16] == 0).all()
    header = clip.header
    assert (header.settings.model, header.settings.library) == (f"import:{layout}", "unknown")
    assert (header.source.name, header.source.reader) == ("v_a", f"import {layout}")
    assert header.source.frames_decoded == PAIRS + 1
    assert header.source.bytes == sum(path.stat().st_size for path in (tmp_path / "in" / folder).iterdir())
    assert [bytes(jpeg) for jpeg in clip.read_frame_jpegs()] == rgb_frames(1, PAIRS + 1)


@pytest.mark.parametrize("encoding", ["uint8", "float16"])
def test_levels_are_read_by_the_usual_formula_with_two_zeros(tmp_path, encoding):
    folder = tmp_path / "in" / "v_a"
    folder.mkdir(parents=True)
    # One level a picture, so that JPEG changes nothing.
    levels = [0, 1, 64, 126, 127, 128, 129, 200, 254, 255]
    for number, level in enumerate(levels, 1):
        for axis in "xy":
            cv2.imwrite(str(folder / f"flow_{axis}_{number:05d}.jpg"), np.full((16, 24), level, np.uint8))
    import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND, encoding=encoding)
    assert verify(tmp_path / "store").clean
    clip = FlowStore(tmp_path / "store")["v_a"]
    flow = clip.read().numpy()
    assert (flow == flow[:, :, :1, :1]).all()
    exact = (np.array(levels) - 127.5) * BOUND / 127.5
    exact[[4, 5]] = 0
    np.testing.assert_allclose(flow[:, 0, 0, 0], exact, atol=0.008 if encoding == "float16" else 0.5 * LEVEL)
    assert (flow[4:6] == 0).all()
    assert clip.header.clipped_share == pytest.approx(2 / len(levels))


def test_the_published_archives_of_two_stream_fusion(tmp_path):
    flow = smooth_flow(3)
    for axis, name in enumerate("uv"):
        folder = tmp_path / "in" / "tvl1_flow" / name / "v_a"
        folder.mkdir(parents=True)
        for number, levels in enumerate(tsn_levels(flow)[:, axis], 1):
            cv2.imwrite(str(folder / f"frame{number:06d}.jpg"), levels)
    report = import_layout(tmp_path / "in", "feichtenhofer", tmp_path / "store", bound=BOUND)
    assert (report.complete, report.index_base, report.notes) == (True, 1, [])
    clip = FlowStore(tmp_path / "store")["v_a"]
    assert np.abs(clip.read().numpy() - flow).max() < 6 * LEVEL
    assert not clip.header.settings.frames
    (tmp_path / "in" / "tvl1_flow" / "v" / "v_a" / "frame000002.jpg").unlink()
    with pytest.raises(InputError, match=r"u/v_a/frame000002.jpg: no file tvl1_flow/v/CLIP/frame\*.jpg has"):
        import_layout(tmp_path / "in", "feichtenhofer", tmp_path / "other", bound=BOUND)


@pytest.mark.parametrize("backward", [False, True])
def test_flo_files_of_another_tool(tmp_path, backward):
    flow, back = smooth_flow(0), smooth_flow(1)
    for t in range(PAIRS):
        write_flo(tmp_path / "in" / "Jump" / "v_a" / "forward" / f"{t:05d}.flo", flow[t])
        if backward:
            write_flo(tmp_path / "in" / "Jump" / "v_a" / "backward" / f"{t:05d}.flo", back[t])
    report = import_layout(tmp_path / "in", "flo", tmp_path / "store")
    assert (report.encoding, report.index_base, report.bound) == ("float16", 0, None)
    assert verify(tmp_path / "store").clean
    clip = FlowStore(tmp_path / "store")["Jump/v_a"]
    np.testing.assert_array_equal(clip.read().numpy(), flow.astype(np.float16).astype(np.float32))
    if backward:
        np.testing.assert_array_equal(
            clip.read(direction="backward").numpy(), back.astype(np.float16).astype(np.float32)
        )
    with pytest.raises(InputError, match="float16 flow from flo files has no bound"):
        import_layout(tmp_path / "in", "flo", tmp_path / "store", bound=20.0)
    import_layout(tmp_path / "in", "flo", tmp_path / "uint8", bound=8.0, encoding="uint8")
    header = FlowStore(tmp_path / "uint8")["Jump/v_a"].header
    assert header.settings.bound == 8.0
    both = np.stack([flow, back]) if backward else flow[None]
    assert header.clipped_share == pytest.approx((np.abs(both) > 8).any(2).mean())
    assert verify(tmp_path / "uint8").clean


@pytest.mark.parametrize(
    "array",
    [
        smooth_flow(0),
        smooth_flow(0).astype(np.float64),
        smooth_flow(0).astype(">f4"),
        np.asfortranarray(smooth_flow(0)),
        smooth_flow(0).astype(np.float16),
    ],
    ids=["float32", "float64", "big-endian", "Fortran", "float16"],
)
def test_npy_files_of_another_tool(tmp_path, array):
    (tmp_path / "in" / "Jump" / "v_a").mkdir(parents=True)
    np.save(tmp_path / "in" / "Jump" / "v_a" / "forward.npy", array)
    report = import_layout(tmp_path / "in", "npy", tmp_path / "store")
    assert report.index_base is None
    assert verify(tmp_path / "store").clean
    read = FlowStore(tmp_path / "store")["Jump/v_a"].read().numpy()
    np.testing.assert_array_equal(read, array.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (smooth_flow(0)[0], "expected a float array of shape .pairs, 2, height, width."),
        (smooth_flow(0).astype(np.int32), "expected a float array"),
        (smooth_flow(0)[:0], "promises 0 fields"),
        (np.full((1, 2, 8, 8), np.nan, np.float32), "64 pixels have no flow"),
        (np.full((1, 2, 8, 8), 1e5, np.float32), "float16 cannot hold"),
    ],
    ids=["one field", "int", "empty", "nan", "huge"],
)
def test_npy_files_that_hold_no_flow_fail(tmp_path, array, sentence):
    for key, content in (("good", smooth_flow(0)), ("v_a", array)):
        (tmp_path / "in" / key).mkdir(parents=True)
        np.save(tmp_path / "in" / key / "forward.npy", content)
    report = import_layout(tmp_path / "in", "npy", tmp_path / "store")
    assert report.imported == 1
    with pytest.raises(InputError, match=sentence):
        raise InputError(report.failed["v_a"])


def test_an_npy_file_that_was_cut_short_fails(tmp_path):
    for key in ("good", "v_a"):
        (tmp_path / "in" / key).mkdir(parents=True)
        np.save(tmp_path / "in" / key / "forward.npy", smooth_flow(0))
    path = tmp_path / "in" / "v_a" / "forward.npy"
    path.write_bytes(path.read_bytes()[:-1])
    report = import_layout(tmp_path / "in", "npy", tmp_path / "store")
    assert "copy it again" in report.failed["v_a"]


def test_the_bound_must_be_given_and_be_one(tmp_path):
    write_tsn_clip(tmp_path / "in" / "v_a", smooth_flow(0))
    with pytest.raises(InputError, match=r"give --bound.*the files do not say it"):
        import_layout(tmp_path / "in", "tsn", tmp_path / "store")
    for bound in (0.0, -20.0, float("nan")):
        with pytest.raises(InputError, match="it must be more than 0"):
            import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=bound)
    assert not (tmp_path / "store").exists()


def _y_is_missing(folder):
    (folder / "flow_y_00003.jpg").unlink()


def _y_is_missing_at_the_end(folder):
    (folder / f"flow_y_{PAIRS:05d}.jpg").unlink()


def _y_is_shifted(folder):
    for number in range(PAIRS):
        (folder / f"flow_y_{number + 1:05d}.jpg").rename(folder / f"flow_y_{number:05d}.jpg")


def _gap(folder):
    for axis in "xy":
        (folder / f"flow_{axis}_00003.jpg").unlink()


def _first_is_missing_twice(folder):
    for axis in "xy":
        for number in (1, 2):
            (folder / f"flow_{axis}_{number:05d}.jpg").unlink()


def _double(folder):
    shutil.copy(folder / "flow_x_00002.jpg", folder / "flow_x_2.jpg")


def _both_spellings(folder):
    shutil.copy(folder / "flow_x_00002.jpg", folder / "x_00002.jpg")


def _no_flow(folder):
    for path in folder.glob("flow_*.jpg"):
        path.unlink()
    (folder / "img_00001.jpg").write_bytes(rgb_frames(0, 1)[0])


def _other_size(folder):
    cv2.imwrite(str(folder / "flow_y_00002.jpg"), np.full((HEIGHT, WIDTH + 8), 128, np.uint8))


def _cut_short(folder):
    path = folder / "flow_y_00002.jpg"
    path.write_bytes(path.read_bytes()[:-60])


def _no_jpeg(folder):
    (folder / "flow_x_00001.jpg").write_bytes(b"not a picture")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_y_is_missing, r"flow_x_00003.jpg: no file flow_y_\*.jpg has this number; there are 5 and 4 files"),
        (_y_is_missing_at_the_end, r"flow_x_00005.jpg: no file flow_y_\*.jpg has this number"),
        (_y_is_shifted, r"flow_x_00005.jpg: no file flow_y_\*.jpg has this number; there are 5 and 5 files"),
        (_gap, "v_b: the numbers jump from flow_x_00002.jpg to flow_x_00004.jpg"),
        (_first_is_missing_twice, "flow_x_00003.jpg: this is the first file and numbers begin at 0 or 1"),
        (_double, "v_b: flow_x_00002.jpg and flow_x_2.jpg have one number"),
        (_both_spellings, r"v_b: it holds files flow_x_\*.jpg and flow_y_\*.jpg and files x_\*.jpg and"),
        (_no_flow, r"v_b: no flow file \(flow_x_\*.jpg and flow_y_\*.jpg\) is in it"),
        (_other_size, "flow_y_00002.jpg: the field is 72x48 and the clip's first field is 64x48"),
        (_cut_short, "flow_y_00002.jpg: a JPEG in it is damaged"),
        (_no_jpeg, "flow_x_00001.jpg: this is no whole JPEG"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_a_spoilt_clip_is_named_and_the_others_come_in(tmp_path, spoil, sentence):
    for key in ("v_a", "v_b"):
        write_tsn_clip(tmp_path / "in" / key, smooth_flow(0))
    spoil(tmp_path / "in" / "v_b")
    report = import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    assert (report.imported, report.clips, list(report.failed)) == (1, 2, ["v_b"])
    assert not report.complete
    with pytest.raises(InputError, match=sentence):
        raise InputError(report.failed["v_b"])
    assert "failed: v_b" in report.describe()
    # verify knows from the run's record what was planned.
    found = verify(tmp_path / "store")
    assert (found.faults, found.missing) == ({}, report.failed)
    # Mended, the clip comes in and the other stays.
    shutil.rmtree(tmp_path / "in" / "v_b")
    write_tsn_clip(tmp_path / "in" / "v_b", smooth_flow(0))
    report = import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    assert (report.imported, report.done_before, report.failed) == (1, 1, {})
    assert verify(tmp_path / "store").clean


def test_clips_that_begin_at_different_numbers_are_refused(tmp_path):
    write_tsn_clip(tmp_path / "in" / "v_a", smooth_flow(0), first=1)
    write_tsn_clip(tmp_path / "in" / "v_b", smooth_flow(0), first=0)
    with pytest.raises(InputError, match="files of v_a begin at number 1 and those of v_b at 0"):
        import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    assert not (tmp_path / "store").exists()


def test_clips_spelled_differently_are_refused(tmp_path):
    write_tsn_clip(tmp_path / "in" / "v_a", smooth_flow(0))
    write_tsn_clip(tmp_path / "in" / "v_b", smooth_flow(0), 1, "x_{:05d}.jpg", "y_{:05d}.jpg")
    with pytest.raises(InputError, match=r"v_a are called .*flow_x_.* and those of v_b .*/x_"):
        import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)


def test_stems_that_collide_are_named(tmp_path):
    for key in ("Jump/v_a", "Run/v_a"):
        write_tsn_clip(tmp_path / "in" / key, smooth_flow(0))
    with pytest.raises(InputError, match="two clips have one stem, Jump/v_a and Run/v_a"):
        import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    import_layout(tmp_path / "in", "mmaction2", tmp_path / "store", bound=BOUND)
    assert list(FlowStore(tmp_path / "store")) == ["Jump/v_a", "Run/v_a"]


def test_backward_flow_of_some_clips_alone_is_refused(tmp_path):
    for key in ("v_a", "v_b"):
        write_flo(tmp_path / "in" / key / "forward" / "00000.flo", smooth_flow(0)[0])
    write_flo(tmp_path / "in" / "v_b" / "backward" / "00000.flo", smooth_flow(0)[0])
    with pytest.raises(InputError, match="v_b has backward flow and v_a has none"):
        import_layout(tmp_path / "in", "flo", tmp_path / "store")
    for key in ("v_a", "v_b"):
        write_flo(tmp_path / "in" / key / "forward" / "00001.flo", smooth_flow(0)[0])
        write_flo(tmp_path / "in" / key / "backward" / "00000.flo", smooth_flow(0)[0])
    write_flo(tmp_path / "in" / "v_a" / "backward" / "00001.flo", smooth_flow(0)[0])
    report = import_layout(tmp_path / "in", "flo", tmp_path / "store")
    assert "holds 1 fields from number 0" in report.failed["v_b"]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [(PAIRS, "5 frames for 5 pairs, where 6 are right"), (PAIRS + 2, "7 frames for 5 pairs"), (0, None)],
)
def test_frames_in_another_number_are_left_out_and_noted(tmp_path, frames, reason):
    write_tsn_clip(tmp_path / "in" / "v_a", smooth_flow(0), frames=frames)
    report = import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    assert report.complete
    assert not FlowStore(tmp_path / "store")["v_a"].header.settings.frames
    assert report.notes == [] if reason is None else reason in report.notes[0]
    assert verify(tmp_path / "store").clean


def test_frames_of_another_size_are_left_out_and_noted(tmp_path):
    write_tsn_clip(tmp_path / "in" / "v_a", smooth_flow(0))
    for number, frame in enumerate(rgb_frames(0, PAIRS + 1, 96, 128), 1):
        (tmp_path / "in" / "v_a" / f"img_{number:05d}.jpg").write_bytes(frame)
    report = import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    assert "frames of 128x96 for flow of 64x48" in report.notes[0]


@pytest.mark.parametrize("layout", ["tsn", "mmaction2", "feichtenhofer", "flo", "npy"])
def test_a_folder_without_a_clip_is_refused(tmp_path, layout):
    with pytest.raises(InputError, match="there is no such folder"):
        import_layout(tmp_path / "in", layout, tmp_path / "store", bound=BOUND)
    write_tsn_clip(tmp_path / "in", smooth_flow(0, 1))  # the folder of a clip, in place of the one above it
    with pytest.raises(InputError, match="give the folder above the clips' folders"):
        import_layout(tmp_path / "in", layout, tmp_path / "store", bound=BOUND)


def test_a_contradicted_manifest_is_refused(make_store, tmp_path):
    export_store(make_store(), "tsn", tmp_path / "out")
    with pytest.raises(InputError, match=r"--bound 32.0 contradicts its manifest.json, which says 20.0"):
        import_layout(tmp_path / "out", "tsn", tmp_path / "back", bound=32.0)
    with pytest.raises(InputError, match="exported as tsn and not as mmaction2; give --layout tsn"):
        import_layout(tmp_path / "out", "mmaction2", tmp_path / "back")
    with pytest.raises(InputError, match="exported as tsn and not as flo"):
        import_layout(tmp_path / "out", "flo", tmp_path / "back")
    assert import_layout(tmp_path / "out", "tsn", tmp_path / "back", bound=20.0).complete


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"bound": 32.0}, "bound 32.0 is not that of its levels"),
        ({"bound": None}, "bound None is not that of its levels"),
        ({"index_base": 0}, "its index_base is not what this flowfeat writes"),
        ({"levels": "level = flow"}, "its levels is not"),
        ({"fingerprint": "0"}, "its fingerprint is not"),
        ({"schema": 9}, "it has schema 9"),
        ({"layout": "mine"}, "its layout 'mine' is unknown"),
        ({"clips": {}}, "its list of clips is missing"),
        ({"clips": [{"key": "a"}]}, "an entry of its clips lacks fields"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_manifest_that_was_changed_is_refused(make_store, tmp_path, change, sentence):
    export_store(make_store(), "tsn", tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(StoreError, match=sentence):
        import_layout(tmp_path / "out", "tsn", tmp_path / "back")


@pytest.mark.parametrize("key", ["../v_a", "/v_a", "a/../../v_a", "", "."])
def test_a_manifest_cannot_write_outside_the_store(make_store, tmp_path, key):
    export_store(make_store(), "mmaction2", tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    table = json.loads(path.read_text())
    table["clips"][0]["key"] = table["clips"][0]["folder"] = key
    path.write_text(json.dumps(table))
    with pytest.raises(StoreError, match="is not the name of a clip"):
        import_layout(tmp_path / "out", "mmaction2", tmp_path / "back")


def test_a_manifest_that_is_not_ours_is_no_manifest(tmp_path):
    write_tsn_clip(tmp_path / "in" / "v_a", smooth_flow(0))
    (tmp_path / "in" / "manifest.json").write_text('{"files": []}')
    assert not import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND).exported_by_flowfeat


def test_an_export_that_is_not_whole_is_refused(make_store, tmp_path):
    store = make_store()
    path = store / f"{KEYS[0]}.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    export_store(store, "tsn", tmp_path / "out")
    with pytest.raises(InputError, match="was never finished"):
        import_layout(tmp_path / "out", "tsn", tmp_path / "back", bound=BOUND)


def test_exported_files_that_changed_fail(make_store, tmp_path):
    export_store(make_store(frames=True), "tsn", tmp_path / "out")
    path = tmp_path / "out" / "v_a" / "flow_x_00002.jpg"
    cv2.imwrite(str(path), np.full((HEIGHT, WIDTH), 128, np.uint8))
    report = import_layout(tmp_path / "out", "tsn", tmp_path / "back")
    assert "they were changed or damaged since" in report.failed[KEYS[0]]
    for axis in "xy":
        (tmp_path / "out" / "v_b" / f"flow_{axis}_{PAIRS:05d}.jpg").unlink()
    shutil.rmtree(tmp_path / "back")
    shutil.rmtree(tmp_path / "out" / "v_a")
    with pytest.raises(InputError, match="none of its 2 clips") as told:
        import_layout(tmp_path / "out", "tsn", tmp_path / "back")
    assert "v_a: no flow file" in str(told.value)


def test_a_shift_against_the_manifest_fails(make_store, tmp_path):
    export_store(make_store(), "tsn", tmp_path / "out")
    for axis in "xy":
        for number in range(1, PAIRS + 1):
            path = tmp_path / "out" / "v_a" / f"flow_{axis}_{number:05d}.jpg"
            path.rename(path.with_name(f"flow_{axis}_{number - 1:05d}.jpg"))
    report = import_layout(tmp_path / "out", "tsn", tmp_path / "back")
    assert "number of the first field: 0 is found and manifest.json says 1" in report.failed[KEYS[0]]


def test_folders_beside_the_manifest_are_noted(make_store, tmp_path):
    export_store(make_store(), "tsn", tmp_path / "out")
    write_tsn_clip(tmp_path / "out" / "v_z", smooth_flow(0))
    report = import_layout(tmp_path / "out", "tsn", tmp_path / "back")
    assert report.imported == 2
    assert "not in the manifest and left out, such as v_z" in report.notes[0]


def test_frames_that_were_removed_from_an_export_are_noted(make_store, tmp_path):
    export_store(make_store(frames=True), "tsn", tmp_path / "out")
    (tmp_path / "out" / "v_a" / "img_00001.jpg").unlink()
    report = import_layout(tmp_path / "out", "tsn", tmp_path / "back")
    assert report.complete
    assert "1 of 2 clips have none that fit" in report.notes[0]
    assert verify(tmp_path / "back").clean


def test_a_second_run_skips_what_is_stored_and_takes_what_changed(tmp_path):
    for key in ("v_a", "v_b"):
        write_tsn_clip(tmp_path / "in" / key, smooth_flow(0))
    import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    report = import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    assert (report.done_before, report.imported) == (2, 0)
    write_tsn_clip(tmp_path / "in" / "v_b", smooth_flow(5))
    stored = tmp_path / "store" / "v_a.safetensors"
    stored.write_bytes(stored.read_bytes()[:100])
    report = import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    assert (report.done_before, report.imported) == (0, 2)
    assert verify(tmp_path / "store").clean
    with pytest.raises(StoreError, match="made with other settings"):
        import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=32.0)


def test_a_stored_clip_that_cannot_be_opened_is_left_as_it_is(tmp_path):
    write_tsn_clip(tmp_path / "in" / "v_a", smooth_flow(0))
    import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    stored = tmp_path / "store" / "v_a.safetensors"
    stored.unlink()
    stored.symlink_to(stored.name)  # which nobody can open, root included
    report = import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    assert "the stored clip cannot be opened" in report.failed["v_a"]
    assert stored.is_symlink()


def test_an_imported_export_is_skipped_by_the_second_run(make_store, tmp_path):
    export_store(make_store(), "tsn", tmp_path / "out")
    import_layout(tmp_path / "out", "tsn", tmp_path / "back")
    assert import_layout(tmp_path / "out", "tsn", tmp_path / "back").done_before == 2


def test_a_full_disk_stops_the_run_with_a_sentence(tmp_path, monkeypatch):
    for key in ("v_a", "v_b"):
        write_tsn_clip(tmp_path / "in" / key, smooth_flow(0))

    def full(*_):
        raise OSError(28, "No space left on device", "v_a.safetensors")

    monkeypatch.setattr(importing_module.ClipImporter, "_import_clip", full)
    report = import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND)
    assert not report.complete
    assert "No space left on device" in (report.stopped or "")
    many = replace(report, failed={f"v_{i}": "damaged" for i in range(23)}).describe().splitlines()
    assert many[-3:-1] == ["  failed: v_19: damaged", "  ... and 3 more"]
    monkeypatch.undo()
    assert import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND).complete
    found = verify(tmp_path / "store")
    assert found.clean
    assert found.notes == []


def test_nothing_is_stored_into_the_folder_that_is_read(tmp_path):
    write_tsn_clip(tmp_path / "in" / "v_a", smooth_flow(0))
    with pytest.raises(InputError, match="cannot be made in the folder that is imported"):
        import_layout(tmp_path / "in", "tsn", tmp_path / "in", bound=BOUND)


def test_links_to_folders_are_followed_and_loops_are_not(tmp_path):
    write_tsn_clip(tmp_path / "elsewhere" / "v_a", smooth_flow(0))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Jump").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "in")
    report = import_layout(tmp_path / "in", "mmaction2", tmp_path / "store", bound=BOUND)
    assert (report.clips, list(FlowStore(tmp_path / "store"))) == (1, ["Jump/v_a"])


def test_progress_counts_clips(tmp_path):
    for key in ("v_a", "v_b"):
        write_tsn_clip(tmp_path / "in" / key, smooth_flow(0))
    seen = []
    progress = lambda done, of: seen.append((done, of))  # noqa: E731
    import_layout(tmp_path / "in", "tsn", tmp_path / "store", bound=BOUND, progress=progress)
    assert seen == [(1, 2), (2, 2)]
    settings = settings_of_store(tmp_path / "store")
    assert settings is not None
    assert settings.parameters == {"bound": BOUND}
