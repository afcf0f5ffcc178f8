"""Each measurement on small data: what a cell holds is what the package's own commands say."""

import os
import shutil

import pytest
import torch
from application.actions import measure_actions, measure_store
from application.cells import _MEASURE, complete, keep, made_of, measure, method_of, read_cell, stands
from application.layout import Layout
from application.motion import measure_davis, measure_fbms
from application.options import TableOptions
from application.results import KINDS, Actions, Masks, Row, Tracks
from application.speed import measure_speed
from application.truth import measure_errors
from fixture_application import actions as actions_of
from fixture_application import make_row, tracks
from fixture_clips import write_clip
from fixture_table_data import inputs_of, table_options, write_table_data

from flowfeat.errors import FormatError, InputError
from flowfeat.store import FlowStore
from recognition.metrics import evaluate
from recognition.scores import read_scores
from segmentation.evaluation.fbms_results import evaluate_fbms
from segmentation.runs.layout import open_run

MADE = {"method": "zero", "resize": "shorter:64", "encoding": "jpeg", "bound": "20"}
"""What decides the flow of the clips."""


def silent(done: int, total: int | None, what: str) -> None:
    assert total is None or 0 <= done <= total
    assert what


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_table_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def actions(root, tmp_path_factory) -> tuple[TableOptions, Actions]:
    options = table_options(root, tmp_path_factory.mktemp("actions"), resize="shorter:64", seeds=(0, 1))
    store = measure_store(options, "zero", MADE, silent)
    flow = FlowStore(options.out / store.folder)
    assert flow.path == Layout(options.out).store("zero", MADE | {"ucf101": "of whatever clips"})
    assert flow.path != Layout(options.out).store("zero", MADE | {"resize": ""})
    assert (store.clips, store.pairs, store.failed) == (8, 8 * 12, {})
    assert (store.height, store.width, store.resize) == (64, 85, "shorter:64")
    assert store.bytes == sum(flow[key].path.stat().st_size for key in flow)
    assert store.pairs_timed == store.pairs
    assert store.seconds > 0
    return options, measure_actions(options, "zero", MADE, silent)


def test_speed(root, tmp_path):
    speed = measure_speed(table_options(root, tmp_path), "zero", silent)
    assert (speed.pairs, speed.height, speed.width, speed.device) == (8, 48, 64, "cpu")
    assert 0 < speed.milliseconds < 1000
    of_shots = measure_speed(table_options(root, tmp_path, ucf101=None, annotations=None), "zero", silent)
    assert (of_shots.pairs, of_shots.height) == (1, 48)


def test_errors_are_those_of_the_benchmark(root, tmp_path):
    errors = measure_errors(table_options(root, tmp_path), "zero", silent)
    # The pairs move by 5 pixels and by 1.
    assert errors.columns["EPE"] == pytest.approx(3)
    assert errors.columns["edges"] is None or errors.columns["edges"] >= 0
    assert (errors.dataset, errors.pairs) == ("middlebury", 2)


def test_tracks_are_scored_as_the_command_scores_them(root, tmp_path):
    options = table_options(root, tmp_path, models=("dis",))
    tracks = measure_fbms(options, "dis", silent)
    run = open_run(Layout(tmp_path).segments("dis", "fbms"))
    expected = evaluate_fbms(root / "FBMS", run.home / "tracks")
    (shot,) = tracks.shots
    assert (shot.name, shot.frames, shot.tracks) == ("cars1", 5, run.record("cars1").tracks)
    assert shot.f_measure == expected.shots["cars1"].score.f_measure  # type: ignore[union-attr]
    assert (tracks.f_measure, tracks.extracted, tracks.visible) == (
        expected.means.f_measure,  # type: ignore[union-attr]
        expected.means.extracted,
        expected.means.visible,
    )
    assert (tracks.sampling, tracks.of_shots, tracks.failed) == (8, 30, {})


@pytest.mark.parametrize("objects", [False, True], ids=["all that moves", "objects"])
def test_masks_of_davis(root, tmp_path, objects):
    options = table_options(root, tmp_path / "out", models=("dis",))
    if objects:
        davis = tmp_path / "DAVIS"
        (davis / "Annotations_unsupervised").mkdir(parents=True)
        (davis / "JPEGImages").symlink_to(root / "DAVIS/JPEGImages")
        (davis / "Annotations_unsupervised/480p").symlink_to(root / "DAVIS/Annotations/480p")
        options = table_options(root, tmp_path / "out", models=("dis",), davis=davis)
    masks = measure_davis(options, "dis", silent)
    assert ("unsupervised" in masks.protocol) == objects
    (sequence,) = masks.sequences
    assert (sequence.name, sequence.frames) == ("bear", 5)
    assert masks.J == sequence.J
    assert masks.J is not None
    assert 0 <= masks.J <= 1
    assert (masks.of_sequences, masks.failed) == (1, {})


def test_a_shot_that_cannot_be_segmented_is_told(root, tmp_path):
    folder = tmp_path / "FBMS/Testset/cars1"
    folder.mkdir(parents=True)
    for file in (root / "FBMS/Testset/cars1").iterdir():
        if not file.name.endswith("_02.png"):
            (folder / file.name).symlink_to(file)
    with pytest.raises(InputError, match=r"there are 4 frames, and cars1Def\.dat says 5"):
        measure_fbms(table_options(root, tmp_path / "out", fbms=tmp_path / "FBMS"), "zero", silent)


def test_actions_are_those_of_the_score_files(actions):
    options, found = actions
    (home,) = (options.out / "work/zero").glob("actions-*")
    expected = [evaluate(read_scores(home / f"split1/temporal-seed{seed}.npz")) for seed in (0, 1)]
    assert found.accuracies == tuple(each.accuracy for each in expected)
    assert found.accuracy == sum(found.accuracies) / 2
    assert found.confusion == tuple(map(tuple, expected[0].confusion.tolist()))
    assert found.interval[0] <= found.accuracy <= found.interval[1]
    assert found.baseline is not None
    # Of the third class there is no clip, so it is left out, and told.
    assert found.classes == ("Up", "Down")
    assert (found.clips_trained, found.clips, found.of_clips_trained, found.of_clips) == (4, 4, 6, 6)
    assert (found.steps, found.seeds, found.failed) == (2, (0, 1), {})


def test_a_store_is_of_the_clips_that_there_are(root, tmp_path):
    clips = tmp_path / "clips"
    shutil.copytree(root / "clips", clips)
    options = table_options(root, tmp_path / "out", ucf101=clips)
    assert measure_store(options, "zero", MADE, silent).clips == 8
    (clips / "Up/v_Up_g01_c01.avi").unlink()
    fewer = measure_store(options, "zero", MADE, silent)
    assert (fewer.clips, fewer.pairs) == (7, 7 * 12)
    assert "Up/v_Up_g01_c01" not in FlowStore(options.out / fewer.folder)
    # One more goes into the same store, and the others are not made again.
    write_clip(clips / "Up/v_Up_g09_c01.avi", frames=5)
    more = measure_store(options, "zero", MADE, silent)
    assert (more.folder, more.clips, more.pairs) == (fewer.folder, 8, 7 * 12 + 4)
    assert more.pairs_timed == 8 * 12 + 4


def test_recomputed_flow_of_files_is_other_flow(root, tmp_path):
    files = tmp_path / "flow/bear"
    files.mkdir(parents=True)
    (files / "00000.flo").write_bytes(b"some flow")
    name = f"files:{tmp_path / 'flow'}"
    options = table_options(root, tmp_path / "out", models=(name,))
    assert "speed" not in options.kinds_of(name)
    inputs, method = inputs_of(options), method_of(name, options.estimator(name, 1))
    before = made_of("store", method, options, inputs)
    os.utime(files / "00000.flo", ns=(1, 1))
    after = made_of("store", method, options, inputs)
    assert before != after
    assert Layout(tmp_path).store(name, before) != Layout(tmp_path).store(name, after)


def test_one_class_is_not_enough(actions, root, tmp_path):
    options, _ = actions
    lists = tmp_path / "lists"
    lists.mkdir()
    for file in (root / "lists").iterdir():
        lines = file.read_text().splitlines()
        (lists / file.name).write_text("".join(f"{line}\n" for line in lines if "Down" not in line))
    (lists / "classInd.txt").write_text("1 Up\n2 Never\n")
    (lists / "trainlist01.txt").write_text((lists / "trainlist01.txt").read_text().replace(" 3", " 2"))
    with pytest.raises(InputError, match="of 1 classes of UCF101 split 1 there are both training and test clips"):
        measure_actions(table_options(root, options.out, annotations=lists), "zero", MADE, silent)


def test_a_measurement_is_kept_and_read_again(root, tmp_path):
    options = table_options(root, tmp_path, fbms=None, davis=None)
    inputs, method = inputs_of(options), method_of("zero", options.estimator("zero", 1))
    assert (inputs.fbms, inputs.davis) == (None, None)
    decided_by = made_of("errors", method, options, inputs)
    cell = measure("errors", method, decided_by, options, silent)
    path = Layout(tmp_path).cell("zero", "errors")
    assert read_cell(path) == cell
    assert stands(cell, decided_by)
    assert not stands(cell, decided_by | {"truth": "another"})
    assert not stands(None, decided_by)
    path.write_text(path.read_text().replace('"pairs": 2', '"pairs": "two"'))
    with pytest.raises(
        FormatError, match=r"errors\.json: the record is damaged .* remove it, and it is measured again"
    ):
        read_cell(path)


def test_what_goes_wrong_is_in_the_record(root, tmp_path, monkeypatch):
    options = table_options(root, tmp_path, fbms=tmp_path)
    method = method_of("zero", options.estimator("zero", 1))
    cell = measure("fbms", method, {}, options, silent)
    assert cell.result is None
    assert cell.failed == f"{tmp_path}: no video (.avi, .mp4, .mkv, .mov, ...) and no folder of frames is in it"
    assert read_cell(Layout(tmp_path).cell("zero", "fbms")) == cell

    def faulty(*_):
        raise ZeroDivisionError("of ours")

    monkeypatch.setitem(_MEASURE, "fbms", faulty)
    assert measure("fbms", method, {}, options, silent).failed == "ZeroDivisionError: of ours"


def test_a_row_is_complete_where_nothing_failed_or_is_missing():
    whole = make_row("dis", fbms=tracks(0.5), actions=actions_of(9))
    assert complete(whole)
    assert not complete(make_row("dis", fbms="no memory"))
    assert not complete(make_row("dis", fbms=tracks(0.5, failed={"cars1": "a frame is missing"})))
    assert not complete(make_row("dis", actions=actions_of(9, missing=3)))
    assert not complete(Row("dis", {}, "there is no such model"))


def test_what_failed_in_part_does_not_stand(root, tmp_path):
    empty = Tracks(8, "moseg", (), 30, None, None, None, None, 0, 0, None, {})
    options = table_options(root, tmp_path)
    method = method_of("zero", options.estimator("zero", 1))
    whole = keep(options, "fbms", method, {"a": "b"}, "2026-11-22", 1.0, empty, None)
    part = keep(
        options, "fbms", method, {"a": "b"}, "2026-11-22", 1.0, Tracks(**{**vars(empty), "failed": {"x": "y"}}), None
    )
    assert stands(whole, {"a": "b"})
    assert not stands(part, {"a": "b"})
    assert set(KINDS) == {"speed", "errors", "fbms", "davis", "store", "actions"}
    assert Masks in KINDS.values()


def test_inputs_are_known_by_what_they_hold(root, tmp_path):
    before = inputs_of(table_options(root, tmp_path))
    assert inputs_of(table_options(root, tmp_path)) == before
    clip = root / "clips/Up/v_Up_g01_c01.avi"
    content = clip.read_bytes()
    try:
        clip.write_bytes(content + b"\0")
        after = inputs_of(table_options(root, tmp_path))
    finally:
        clip.write_bytes(content)
    assert after.ucf101 != before.ucf101
    assert (after.annotations, after.fbms, after.davis, after.truth) == (
        before.annotations,
        before.fbms,
        before.davis,
        before.truth,
    )
    with pytest.raises(InputError, match="this is not FBMS-59"):
        inputs_of(table_options(root, tmp_path, fbms=root / "DAVIS"))


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
