"""What an exported folder holds, as other readers see it, and when it says that it is whole."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from flowfeat.errors import InputError, StoreError
from flowfeat.store import FlowStore
from flowfeat.store.layouts import LAYOUTS, export_store
from flowfeat.store.layouts import export as export_module
from flowfeat.store.records import new_run_file, settings_of_store, write_run

from .conftest import BOUND, HEIGHT, KEYS, PAIRS, WIDTH, settings_for, write_clip

PLACES = {
    "mmaction2": ("Jump/v_a/flow_x_{:05d}.jpg", "Jump/v_a/flow_y_{:05d}.jpg", "Jump/v_a/img_{:05d}.jpg"),
    "tsn": ("v_a/flow_x_{:05d}.jpg", "v_a/flow_y_{:05d}.jpg", "v_a/img_{:05d}.jpg"),
    "feichtenhofer": (
        "tvl1_flow/u/v_a/frame{:06d}.jpg",
        "tvl1_flow/v/v_a/frame{:06d}.jpg",
        "jpegs_256/v_a/frame{:06d}.jpg",
    ),
}


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("encoding", ["jpeg", "uint8", "float16"])
@pytest.mark.parametrize("layout", list(PLACES))
def test_pillow_and_opencv_find_the_levels_where_the_tools_look(make_store, tmp_path, layout, encoding):
    store = make_store(encoding, frames=True)
    report = export_store(store, layout, tmp_path / "out")
    x, y, img = PLACES[layout]
    clip = FlowStore(store)[KEYS[0]]
    flow = clip.read().numpy()
    for t in range(PAIRS):
        for axis, name in enumerate((x, y)):
            path = tmp_path / "out" / name.format(t + 1)
            picture = Image.open(path)
            assert picture.mode == "L"
            levels = np.asarray(picture)
            assert np.abs(levels.astype(int) - cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)).max() <= 1
            if encoding == "jpeg":
                jpeg = clip.read_jpegs(t, 1)[axis]
                assert path.read_bytes() == bytes(jpeg)
            # Ours and the usual formula agree within a level; a JPEG at quality 95 adds three.
            usual = np.round(255 * (flow[t, axis].clip(-BOUND, BOUND) + BOUND) / (2 * BOUND))
            assert np.abs(levels - usual).max() <= 4
            assert (levels[:8] == 128).all()
    for t in range(PAIRS + 1):
        path = tmp_path / "out" / img.format(t + 1)
        assert path.read_bytes() == bytes(clip.read_frame_jpegs(t, 1)[0])
        assert Image.open(path).size == (WIDTH, HEIGHT)
    assert len(_files(tmp_path / "out")) == report.files + 1 == 2 * (3 * PAIRS + 1) + 1


@pytest.mark.parametrize("encoding", ["jpeg", "uint8", "float16"])
def test_opencv_and_numpy_read_the_float_layouts(make_store, tmp_path, encoding):
    store = make_store(encoding, backward=True, frames=True)
    for layout in ("flo", "npy"):
        assert export_store(store, layout, tmp_path / layout).backward_left_out == 0
    for key, clip in FlowStore(store).items():
        for direction in ("forward", "backward"):
            flow = clip.read(direction=direction).numpy()
            array = np.load(tmp_path / "npy" / key / f"{direction}.npy", allow_pickle=False)
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, flow)
            for t in range(PAIRS):
                field = cv2.readOpticalFlow(str(tmp_path / "flo" / key / direction / f"{t:05d}.flo"))
                np.testing.assert_array_equal(field.transpose(2, 0, 1), flow[t])
        for layout in ("flo", "npy"):
            for t in range(PAIRS + 1):
                path = tmp_path / layout / key / "frames" / f"{t:05d}.jpg"
                assert path.read_bytes() == bytes(clip.read_frame_jpegs(t, 1)[0])


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_the_manifest_says_what_the_files_do_not(make_store, tmp_path, layout):
    store = make_store("jpeg", frames=True)
    report = export_store(store, layout, tmp_path / "out")
    table = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert table["layout"] == layout
    assert table["index_base"] == (1 if layout in PLACES else 0)
    settings = settings_of_store(store)
    assert settings is not None
    assert table["fingerprint"] == settings.fingerprint
    assert table["settings"]["model"] == "dis"
    if layout in PLACES:
        assert table["bound"] == BOUND
        assert table["levels"].startswith("level = 128 + round(127 * flow / bound)")
    else:
        assert table["bound"] is None
    assert [clip["key"] for clip in table["clips"]] == list(KEYS)
    for clip in table["clips"]:
        assert (clip["pairs"], clip["frames"], clip["fps"]) == (PAIRS, PAIRS + 1, 25.0)
        assert (clip["height"], clip["width"]) == (HEIGHT, WIDTH)
        assert clip["source"]["name"] == f"{Path(clip['key']).name}.avi"
        assert len(clip["source"]["sha256"]) == 64
        # The patterns are all one needs to find every file.
        patterns = [(pattern, PAIRS) for pattern in table["patterns"]["forward"]]
        named = [
            pattern.format(clip=clip["folder"], index=index)
            for pattern, count in [*patterns, (table["patterns"]["frames"], PAIRS + 1)]
            for index in range(table["index_base"], table["index_base"] + count)
        ]
        assert all((tmp_path / "out" / name).is_file() for name in named)
        assert len(set(named)) == clip["files"]
    assert report.manifest == str(tmp_path / "out" / "manifest.json")
    assert "2 of 2 clips" in report.describe()


@pytest.mark.parametrize("layout", ["mmaction2", "tsn"])
def test_the_line_for_mmaction2_finds_the_files(make_store, tmp_path, layout):
    export_store(make_store("jpeg", frames=True), layout, tmp_path / "out")
    table = json.loads((tmp_path / "out" / "manifest.json").read_text())
    folder = tmp_path / "out" / table["clips"][0]["folder"]
    flow, rgb = table["mmaction2"]["Flow"], table["mmaction2"]["RGB"]
    for index in range(flow["start_index"], flow["start_index"] + PAIRS):
        assert all((folder / flow["filename_tmpl"].format(axis, index)).is_file() for axis in "xy")
    assert (folder / rgb["filename_tmpl"].format(rgb["start_index"] + PAIRS)).is_file()


def test_backward_flow_without_a_place_is_counted(make_store, tmp_path):
    report = export_store(make_store("jpeg", backward=True), "tsn", tmp_path / "out")
    assert report.backward_left_out == 2 * PAIRS
    assert "backward fields were left out" in report.describe()


def test_stems_that_collide_are_named(make_store, tmp_path):
    store = make_store(keys=("Jump/v_a", "Run/v_a"))
    for layout in ("tsn", "feichtenhofer"):
        with pytest.raises(InputError, match="Jump/v_a and Run/v_a would both"):
            export_store(store, layout, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert export_store(store, "mmaction2", tmp_path / "out").clips == 2


def test_a_clip_in_the_folder_of_another_is_refused(make_store, tmp_path):
    store = make_store(keys=("a", "a/forward"))
    with pytest.raises(InputError, match="a/forward would be written into the folder of another clip, a,"):
        export_store(store, "flo", tmp_path / "out")
    assert export_store(store, "tsn", tmp_path / "out").clips == 2


def test_unusable_requests_are_refused_before_anything_is_written(make_store, tmp_path):
    store = make_store("float16")
    with pytest.raises(InputError, match="no layout called 'tns'; use one of mmaction2, tsn"):
        export_store(store, "tns", tmp_path / "out")
    for bound in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="--bound"):
            export_store(store, "tsn", tmp_path / "out", bound=bound)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="no stored clip is in it"):
        export_store(tmp_path / "empty", "tsn", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_else_in_it_is_left_alone(make_store, tmp_path):
    store = make_store()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match="not empty and holds no export"):
        export_store(store, "tsn", tmp_path / "out")
    with pytest.raises(StoreError, match="not empty and holds no export"):
        export_store(store, "tsn", store)
    assert _files(tmp_path / "out") == ["thesis.tex"]


def test_another_export_in_the_folder_is_refused(make_store, tmp_path):
    store = make_store()
    export_store(store, "tsn", tmp_path / "out")
    with pytest.raises(StoreError, match="layout tsn there, mmaction2 here"):
        export_store(store, "mmaction2", tmp_path / "out")
    with pytest.raises(StoreError, match=r"bound 20.0 there, 32.0 here"):
        export_store(make_store(name="other", bound=32.0), "tsn", tmp_path / "out")
    with pytest.raises(StoreError, match=r"1 clip that the store does not, such as Run/v_b"):
        export_store(make_store(name="fewer", keys=KEYS[:1]), "tsn", tmp_path / "out")
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_a_second_run_keeps_what_is_whole_and_mends_the_rest(make_store, tmp_path):
    store = make_store()
    export_store(store, "tsn", tmp_path / "out")
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    assert export_store(store, "tsn", tmp_path / "out").done_before == 2
    (tmp_path / "out" / "v_a" / "flow_y_00002.jpg").unlink()
    assert export_store(store, "tsn", tmp_path / "out").done_before == 1
    assert (tmp_path / "out" / "v_a" / "flow_y_00002.jpg").is_file()
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
    # A clip that was extracted again is exported again, and one that was added is added.
    settings = settings_for("jpeg", False, False)
    write_clip(store, KEYS[0], settings, seed=9)
    write_clip(store, "Run/v_c", settings, seed=3)
    report = export_store(store, "tsn", tmp_path / "out")
    assert (report.clips, report.done_before) == (3, 1)
    jpeg = FlowStore(store)[KEYS[0]].read_jpegs(0, 1)[0]
    assert (tmp_path / "out" / "v_a" / "flow_x_00001.jpg").read_bytes() == bytes(jpeg)


@pytest.mark.parametrize("layout", ["mmaction2", "feichtenhofer", "npy"])
def test_a_killed_export_has_no_manifest_and_goes_on(make_store, tmp_path, layout, monkeypatch):
    store = make_store(frames=True)

    def killed(*arguments):
        if arguments[0].key == KEYS[1]:
            raise KeyboardInterrupt
        return frame_files(*arguments)

    frame_files = export_module.frame_files
    monkeypatch.setattr(export_module, "frame_files", killed)
    with pytest.raises(KeyboardInterrupt):
        export_store(store, layout, tmp_path / "out")
    left = _files(tmp_path / "out")
    assert "manifest.json" not in left
    assert not any("v_b" in name for name in left)
    monkeypatch.undo()
    report = export_store(store, layout, tmp_path / "out")
    assert report.done_before == 1
    export_store(store, layout, tmp_path / "once")
    assert _files(tmp_path / "out") == _files(tmp_path / "once")
    for name in _files(tmp_path / "once"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()


def test_what_a_killed_export_left_is_cleared_away(make_store, tmp_path):
    store = make_store()
    export_store(store, "mmaction2", tmp_path / "out")
    # As if it was killed while it wrote the second clip, in the middle of a line.
    (tmp_path / "out" / "manifest.json").unlink()
    export_store(store, "mmaction2", tmp_path / "other")
    export_module.write_journal(tmp_path / "out", export_module.read_manifest(tmp_path / "other"))
    journal = tmp_path / "out" / ".export.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    partial = tmp_path / "out" / "Run" / ".v_b.partial"
    partial.mkdir()
    (partial / "flow_x_00001.jpg").write_bytes(b"half")
    assert export_store(store, "mmaction2", tmp_path / "out").done_before == 1
    assert _files(tmp_path / "out") == _files(tmp_path / "other")


def test_a_damaged_clip_is_named_and_the_export_is_not_called_whole(make_store, tmp_path):
    store = make_store()
    path = store / f"{KEYS[0]}.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10] + bytes([whole[-10] ^ 1]) + whole[-9:])
    report = export_store(store, "tsn", tmp_path / "out")
    assert not report.complete
    assert report.manifest is None
    assert "do not match their checksum" in report.failed[KEYS[0]]
    assert "no manifest.json" in report.describe()
    many = replace(report, failed={f"v_{i}": f"v_{i}: damaged" for i in range(23)}).describe().splitlines()
    assert many[-3:-1] == ["  failed: v_19: damaged", "  ... and 3 more"]
    assert not (tmp_path / "out" / "manifest.json").exists()
    path.write_bytes(whole)
    report = export_store(store, "tsn", tmp_path / "out")
    assert report.complete
    assert report.done_before == 1


def test_clips_that_were_planned_and_never_stored_are_told(make_store, tmp_path):
    store = make_store()
    write_run(new_run_file(store), {"planned": [*KEYS, "Run/v_z"], "failed": {}, "state": "finished"})
    report = export_store(store, "tsn", tmp_path / "out")
    assert report.missing == ["Run/v_z"]
    assert "Run/v_z" in report.describe()


def test_progress_counts_clips(make_store, tmp_path):
    seen = []
    export_store(make_store(), "tsn", tmp_path / "out", progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 2), (2, 2)]


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(make_store, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="the export cannot be written"):
        export_store(make_store(), "tsn", tmp_path / "file" / "out")
