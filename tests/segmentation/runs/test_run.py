"""Runs over shots from their frames to their files: complete, the same every time, and resumed wherever they end."""

import json
import multiprocessing
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fixture_fbms import write_shot
from fixture_runs import FRAMES, HEIGHT, WIDTH, files_of, write_clips, write_frames
from PIL import Image

from flowfeat.errors import InputError
from flowfeat.formats import write_flow
from segmentation.affinities import AffinitySettings, CostWeights
from segmentation.dense import DenseSettings
from segmentation.evaluation.fbms_results import evaluate_fbms
from segmentation.evaluation.result_folder import open_results
from segmentation.formats import read_label_map, read_tracks
from segmentation.multicut import MulticutSettings
from segmentation.runs.layout import open_run
from segmentation.runs.run import RunOptions, run_segmentation
from segmentation.runs.sources import SourceChoice
from segmentation.segment import SegmentationSettings
from segmentation.synthetic import synthesise
from segmentation.tracking import PAPER, TrackerSettings
from segmentation.tracking.reliability import Stop

CLOSE = TrackerSettings(sampling=4)


QUICK = SegmentationSettings(multicut=MulticutSettings(budget=None))
"""Without a process for the solver."""


def options(
    folder: Path, name: str = "result", workers: int = 1, segmentation: SegmentationSettings | None = QUICK, **more
) -> RunOptions:
    source = SourceChoice(store=folder / "flow", device="cpu")
    return RunOptions(folder / name, source, (), CLOSE, segmentation, workers=workers, **more)


def test_from_frames_and_flow_to_all_files(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B")
    told: list[tuple[int, int | None]] = []
    record = run_segmentation(
        clips,
        options(tmp_path, segmentation=SegmentationSettings(), dense=DenseSettings()),
        lambda done, total: told.append((done, total)),
    )
    assert (record.shots, record.failed, record.kind, record.this_run.state) == (("a",), {}, "folder", "finished")
    assert told[-1] == (2 * FRAMES, 2 * FRAMES)
    result = open_run(tmp_path / "result")
    assert result.run_record() == record
    shot = result.record("a")
    assert shot.settings == record.settings
    assert (shot.frames, shot.height, shot.width, shot.device) == (FRAMES, HEIGHT, WIDTH, "cpu")
    assert shot.settings.flow.store is not None
    assert shot.inputs.flow_sha256 is not None
    segments = shot.segments
    assert segments is not None
    assert segments.objects >= 2
    assert segments.multicut is not None
    assert segments.multicut.energy <= segments.multicut.greedy_energy < 0
    assert not segments.multicut.budget_hit

    tracks = result.stored_tracks("a")
    assert len(tracks.trajectories) == shot.tracks == shot.tracking.tracks
    assert np.array_equal(tracks.cause == Stop.NONE, tracks.trajectories.end == FRAMES)
    stopped = np.bincount(tracks.cause, minlength=len(Stop))
    counts = shot.tracking.stopped
    assert stopped.tolist() == [
        shot.tracking.reached_end, counts.left_frame, counts.inconsistent, counts.motion_boundary
    ]  # fmt: skip
    assert tracks.cluster is not None
    assert tracks.object is not None
    sizes = np.bincount(tracks.cluster)
    for number, cluster in enumerate(segments.background.clusters):
        assert cluster.tracks == sizes[number]
        assert (tracks.object[tracks.cluster == number] == cluster.object).all()
    assert (tracks.object < 0).sum() == segments.left_out

    # The official file: an object is a label, the tracks of each cluster that is too small have one of their own.
    file = read_tracks(result.tracks_file("a"))
    assert file.window == FRAMES
    kept = tracks.object >= 0
    assert np.array_equal(file.labels[kept], tracks.object[kept])
    assert (file.labels[~kept] > segments.objects).all()
    assert len(set(file.labels[~kept])) == len(set(tracks.cluster[~kept]))
    np.testing.assert_array_equal(file.trajectories.xy.astype(np.float32), tracks.trajectories.xy)

    truth = synthesise("B", HEIGHT, WIDTH, frames=FRAMES, seed=3).labels
    for frame in range(FRAMES):
        mask = read_label_map(result.mask_folder("a") / f"{frame:05d}.png")
        both, either = ((mask > 0) & (truth[frame] > 0)).sum(), ((mask > 0) | (truth[frame] > 0)).sum()
        assert both > 0.6 * either
    assert shot.masks is not None
    assert (shot.masks.written, shot.masks.without_tracks) == (FRAMES, ())
    with Image.open(result.picture("a")) as picture:
        assert picture.size[0] > 900
    header, row = (tmp_path / "result/shots.csv").read_text().splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["objects"] == str(segments.objects)


def test_again_makes_nothing_and_other_settings_make_it_again(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B", b="A")
    first = run_segmentation(clips, options(tmp_path, dense=DenseSettings("nearest")))
    assert (first.this_run.made, first.this_run.done_before) == (("a", "b"), ())
    before = files_of(tmp_path / "result")
    again = run_segmentation(clips, options(tmp_path, dense=DenseSettings("nearest")))
    assert (again.this_run.made, again.this_run.done_before, again.this_run.redone) == ((), ("a", "b"), {})
    assert files_of(tmp_path / "result") == before

    spectral = options(tmp_path, segmentation=SegmentationSettings(method="spectral"))
    with pytest.raises(InputError, match=r"its results of 'b' were made with other settings .*segmentation.method"):
        run_segmentation(clips, replace(spectral, shots=("a",)))
    assert files_of(tmp_path / "result") == before
    other = run_segmentation(clips, spectral)
    assert "segmentation.method multicut there, spectral here" in other.this_run.redone["a"]
    assert not list((tmp_path / "result").rglob("masks/*/*.png"))
    found = open_run(tmp_path / "result").record("b").segments
    assert found is not None
    assert found.multicut is None
    assert found.spectral is not None

    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(clips / "b/00001.png")
    changed = run_segmentation(clips, spectral)
    assert changed.this_run.redone == {"b": "its frames changed since"}
    (tmp_path / "result/pictures/a.png").unlink()
    (tmp_path / "result/shots/b.json").write_text("{")
    mended = run_segmentation(clips, spectral).this_run.redone
    assert mended["a"] == "some of its files were missing"
    assert "damaged" in mended["b"]


class Killed(BaseException):
    """What no code expects, like SIGKILL."""


def test_killed_anywhere_and_run_again_gives_the_same_files(tmp_path: Path, monkeypatch):
    clips, _ = write_clips(tmp_path, a="B", b="A")
    dense = DenseSettings("nearest")
    run_segmentation(clips, options(tmp_path, "whole", dense=dense))
    whole = files_of(tmp_path / "whole")
    rename, renames = Path.replace, 0

    def counting(path: Path, target: Path) -> Path:
        nonlocal renames
        renames += 1
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", counting)
    run_segmentation(clips, options(tmp_path, "counted", dense=dense))
    every = renames
    assert every >= len(whole)
    for last in (3, 5, 8, every - 2):
        left = last

        def dying(path: Path, target: Path) -> Path:
            nonlocal left
            left -= 1
            if left < 0:
                shutil.copy(path, f"{target}.0123.partial")  # as SIGKILL leaves it
                raise Killed
            return rename(path, target)

        monkeypatch.setattr(Path, "replace", dying)
        result = tmp_path / f"killed{last}"
        with pytest.raises(Killed):
            run_segmentation(clips, options(tmp_path, result.name, dense=dense))
        monkeypatch.setattr(Path, "replace", rename)
        record = run_segmentation(clips, options(tmp_path, result.name, dense=dense))
        assert record.this_run.redone == {}
        assert files_of(result) == whole


def test_interrupted_is_told_and_resumed(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B", b="A", c="A")

    def interrupt(done: int, total: int | None) -> None:
        if done > FRAMES:
            raise KeyboardInterrupt

    record = run_segmentation(clips, options(tmp_path), interrupt)
    assert (record.this_run.state, record.shots) == ("stopped", ("a",))
    assert run_segmentation(clips, options(tmp_path)).this_run.made == ("b", "c")
    # Stopped with other settings, it leaves what it has not begun, which is no result of it and is not scored.
    other = options(tmp_path, segmentation=replace(QUICK, smallest=20))
    assert run_segmentation(clips, other, interrupt).shots == ("a",)
    found = open_results(tmp_path / "result", "moseg")
    assert (found.shots, found.other_settings) == (("a",), ("c",))


def test_workers_change_nothing_and_one_that_dies_costs_its_shot_alone(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B", b="A", c="C")
    run_segmentation(clips, options(tmp_path, "alone", dense=DenseSettings("nearest")))
    killed: list[int] = []

    def kill_one(done: int, total: int | None) -> None:
        if not killed:
            victim = multiprocessing.active_children()[0]
            assert victim.pid is not None
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)

    both = options(tmp_path, "both", workers=2, dense=DenseSettings("nearest"))
    record = run_segmentation(clips, both, kill_one)
    assert record.this_run.workers == 2
    assert len(record.failed) == 1
    (failure,) = record.failed.values()
    assert "its process was ended by SIGKILL" in failure.reason
    assert len(record.shots) == 2
    assert not multiprocessing.active_children()
    run_segmentation(clips, replace(both, workers=1))
    assert files_of(tmp_path / "both") == files_of(tmp_path / "alone")


def test_where_nothing_moves_there_is_one_background(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="still")
    record = run_segmentation(clips, options(tmp_path, dense=DenseSettings()))
    assert record.failed == {}
    result = open_run(tmp_path / "result")
    shot = result.record("a")
    assert shot.segments is not None
    assert shot.segments.objects == 0
    assert shot.remarks[0].startswith("nothing moves by itself")
    assert not any(read_label_map(path).any() for path in result.mask_folder("a").iterdir())


def test_frames_without_texture_have_no_tracks_and_empty_masks(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B")
    for path in (clips / "a").iterdir():
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)).save(path)
    textured = replace(PAPER, sampling=4)
    run_segmentation(clips, replace(options(tmp_path, dense=DenseSettings()), tracker=textured))
    result = open_run(tmp_path / "result")
    shot = result.record("a")
    assert (shot.tracks, shot.masks and shot.masks.without_tracks) == (0, tuple(range(FRAMES)))
    assert "no point could be followed" in shot.remarks[0]
    assert f"{FRAMES} of {FRAMES} masks are all background" in shot.remarks[1]
    assert not read_label_map(result.mask_folder("a") / "00000.png").any()
    assert result.stored_tracks("a").object is not None
    text = (tmp_path / "result/run.json").read_text() + result.record_file("a").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text


def test_tracks_of_before_are_segmented_as_if_just_tracked(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B")
    tracked = run_segmentation(clips, options(tmp_path, "tracks", segmentation=None))
    assert tracked.command == "track"
    kept = open_run(tmp_path / "tracks")
    assert kept.stored_tracks("a").object is None
    assert not read_tracks(kept.tracks_file("a")).labels.any()
    run_segmentation(clips, options(tmp_path, "direct"))
    given = RunOptions(
        tmp_path / "given", SourceChoice(tracks=tmp_path / "tracks", device="cpu"), segmentation=QUICK, workers=1
    )
    record = run_segmentation(clips, given)
    assert record.settings.tracker == CLOSE
    direct, later = open_run(tmp_path / "direct"), open_run(tmp_path / "given")
    for file in ("tracks.dat", "tracks.safetensors"):
        assert (later.tracks_folder("a") / file).read_bytes() == (direct.tracks_folder("a") / file).read_bytes()
    assert later.record("a").segments == direct.record("a").segments
    assert later.record("a").tracking == direct.record("a").tracking

    with pytest.raises(InputError, match="it is --out too"):
        RunOptions(tmp_path / "tracks", SourceChoice(tracks=tmp_path / "tracks"))
    path = kept.stored_tracks_file("a")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    again = run_segmentation(clips, replace(given, out=tmp_path / "damaged"))
    assert "this file of tracks is damaged" in again.failed["a"].reason
    assert again.failed["a"].traceback is None
    path.unlink()
    again = run_segmentation(clips, replace(given, out=tmp_path / "damaged"))
    assert "there is no such file of tracks" in again.failed["a"].reason


def test_tracks_of_other_frames_are_refused(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B")
    run_segmentation(clips, options(tmp_path, "tracks", segmentation=None))
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(clips / "a/00002.png")
    given = RunOptions(tmp_path / "given", SourceChoice(tracks=tmp_path / "tracks", device="cpu"))
    failed = run_segmentation(clips, given).failed
    assert "its tracks of 'a' were made from other frames" in failed["a"].reason


def test_annotated_frames_of_fbms_are_scored(tmp_path: Path):
    shot = synthesise("A", HEIGHT, WIDTH, frames=10, seed=4)
    truth = {frame: shot.labels[frame].astype(np.int64) * 80 for frame in (0, 6)}
    home = tmp_path / "FBMS/Testset/cars1"
    write_shot(home, (0, 80, 160, 240), truth, frames=10)
    shutil.copytree(home / "GroundTruth", tmp_path / "GroundTruth")
    shutil.rmtree(home)
    write_frames(home, shot)
    shutil.move(tmp_path / "GroundTruth", home / "GroundTruth")
    for direction, fields in (("forward", shot.forward), ("backward", shot.backward)):
        for pair, field in enumerate(fields):
            path = tmp_path / f"files/cars1/{direction}/{pair:05d}.flo"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_flow(path, field.numpy())
    source = SourceChoice(model=f"files:{tmp_path / 'files'}", device="cpu")
    asked = RunOptions(tmp_path / "result", source, (), CLOSE, QUICK, dense=DenseSettings())
    record = run_segmentation(tmp_path / "FBMS", asked)
    assert (record.kind, record.settings.frames, record.settings.warm) == ("fbms", "annotated", False)
    assert open_run(tmp_path / "result").record("cars1").inputs.annotated == (0, 6)
    assert sorted(path.name for path in (tmp_path / "result/masks/cars1").iterdir()) == ["00000.png", "00006.png"]
    for results in ("tracks", "masks"):
        score = evaluate_fbms(tmp_path / "FBMS", tmp_path / "result" / results).shots["cars1"].score
        assert score.f_measure is not None
        assert score.f_measure > 0.85


def test_the_calibration_and_the_budget_are_in_the_record(tmp_path: Path, monkeypatch):
    clips, _ = write_clips(tmp_path, a="B")
    weights = AffinitySettings(weights=CostWeights(motion=-2.5))
    (tmp_path / "weights.json").write_text("fitted")
    monkeypatch.setattr(
        "segmentation.runs.run.read_calibration", lambda path: type("Calibration", (), {"affinities": weights})
    )
    none = SegmentationSettings(multicut=MulticutSettings(budget=0.0))
    record = run_segmentation(clips, options(tmp_path, calibration=tmp_path / "weights.json", segmentation=none))
    assert record.settings.segmentation is not None
    assert record.settings.segmentation.affinities == weights
    assert record.calibration_sha256 is not None
    shot = open_run(tmp_path / "result").record("a")
    assert shot.segments is not None
    assert shot.segments.multicut is not None
    assert shot.segments.multicut.budget_hit
    assert "the labels depend on the machine" in shot.remarks[0]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter.txt").write_text("dear")
    with pytest.raises(InputError, match="this folder has other things in it"):
        run_segmentation(clips, options(tmp_path, "home"))
    with pytest.raises(InputError, match="this is a file, and results are a folder"):
        run_segmentation(clips, options(tmp_path, "home/letter.txt"))
    run_segmentation(clips, options(tmp_path, segmentation=None))
    (tmp_path / "others").mkdir()
    shutil.move(clips / "a", tmp_path / "others/z")
    with pytest.raises(InputError, match=r"it has results of 'a' .*which is no shot of .*others"):
        run_segmentation(tmp_path / "others", options(tmp_path, segmentation=None))


def test_what_is_done_is_found_where_its_frames_have_moved(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B")
    run_segmentation(clips, options(tmp_path, segmentation=None))
    shutil.move(clips, tmp_path / "moved")
    record = run_segmentation(tmp_path / "moved", options(tmp_path, segmentation=None))
    assert record.this_run.done_before == ("a",)
    assert open_run(tmp_path / "result").record("a").source == str(tmp_path / "moved/a")


def test_a_shot_that_cannot_be_read_again_keeps_its_result_but_not_beside_other_settings(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B")
    run_segmentation(clips, options(tmp_path, segmentation=None))
    (clips / "a/00001.png").unlink()
    record = run_segmentation(clips, options(tmp_path, segmentation=None))
    assert record.shots == ("a",)
    assert "a frame is missing between 00000.png and 00002.png" in record.failed["a"].reason
    row = (tmp_path / "result/shots.csv").read_text().splitlines()[1]
    assert row.startswith(f"a,{FRAMES},")
    assert "a frame is missing" in row
    other = run_segmentation(clips, options(tmp_path))
    assert (other.shots, tuple(other.failed)) == ((), ("a",))
    assert set(files_of(tmp_path / "result")) == {"run.json", "shots.csv"}


def test_masks_depend_on_where_the_solver_begins_by_its_tolerance_alone(tmp_path: Path):
    clips, _ = write_clips(tmp_path, a="B")
    run_segmentation(clips, options(tmp_path, "warm", dense=DenseSettings()))
    source = SourceChoice(tracks=tmp_path / "warm", device="cpu")
    run_segmentation(clips, RunOptions(tmp_path / "cold", source, segmentation=QUICK, dense=DenseSettings(), workers=1))
    warm, cold = open_run(tmp_path / "warm"), open_run(tmp_path / "cold")
    assert warm.record("a").settings.warm
    assert not cold.record("a").settings.warm
    for frame in range(FRAMES):
        name = f"{frame:05d}.png"
        first, second = (read_label_map(run.mask_folder("a") / name) for run in (warm, cold))
        assert (first != second).mean() < 2e-3
    masks = [run.record("a").masks for run in (warm, cold)]
    assert masks[0] is not None
    assert masks[1] is not None
    assert masks[0].iterations[0] == masks[1].iterations[0]
    assert sum(masks[0].iterations) < sum(masks[1].iterations)


def test_no_result_is_told(tmp_path: Path):
    for path, told in ((tmp_path / "no", "there is no such folder"), (tmp_path, "it has no run.json")):
        with pytest.raises(InputError, match=rf"no result of `flowfeat segmentation run` or `track` \({told}\)"):
            open_run(path)
    (tmp_path / "run.json").write_text(json.dumps({"schema": 1}))
    with pytest.raises(InputError, match=r"run.json: record of the run lacks fields"):
        open_run(tmp_path)
    clips, _ = write_clips(tmp_path, a="B")
    run_segmentation(clips, options(tmp_path, segmentation=None))
    with pytest.raises(InputError, match="there is no shot 'b' in this result; it has a"):
        open_run(tmp_path / "result").record("b")


def test_a_real_sequence(data: Path, tmp_path: Path):
    pictures = data / "segmentation/DAVIS/JPEGImages/480p/car-shadow"
    (tmp_path / "car").mkdir()
    for frame in range(3):
        with Image.open(pictures / f"{frame:05d}.jpg") as picture:
            picture.resize((284, 160)).save(tmp_path / f"car/{frame:05d}.png")
    source = SourceChoice(model="dis", device="cpu")
    asked = RunOptions(tmp_path / "result", source, segmentation=QUICK, dense=DenseSettings("nearest"))
    record = run_segmentation(tmp_path / "car", asked)
    assert (record.kind, record.failed) == ("frames", {})
    shot = open_run(tmp_path / "result").record("car")
    assert shot.tracks > 100
    assert shot.settings.flow.model == "dis"
    assert shot.masks is not None
    assert shot.masks.written == 3
