"""Clips to a store: nothing lost, nothing twice, and bytes that depend on the clip and the settings alone."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from fixture_clips import frames_by_pyav, write_clip

from flowfeat.errors import InputError, StoreError
from flowfeat.estimators import EstimatorDescription, FlowEstimator, load_estimator
from flowfeat.extraction import ExtractionOptions, extract, forecast, make_plan, repair
from flowfeat.extraction.plan import shard_of
from flowfeat.store import FlowStore
from flowfeat.store.quantise import dequantise, quantise
from flowfeat.store.verify import verify


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for i in range(7):
        size = {"height": 64, "width": 80} if i == 3 else {}
        write_clip(folder / f"Class{i % 2}/v_{i}.avi", frames=5 + 6 * i, seed=i, bf="2", **size)
    return folder


class AsOne(FlowEstimator):
    """Stands for a network: a batch is computed as one, and its values depend on its size as rounding does."""

    fixed_batch = True

    def __init__(self):
        self.description = EstimatorDescription("as-one", "test")
        self.sizes: set[int] = set()

    def estimate(self, frames, pairs):
        self.sizes.add(len(frames))
        grey = frames.float().mean(2)
        return torch.stack([grey[:, 1] - grey[:, 0], grey[:, 0] / 50 + len(frames) / 100], 1)


def hashes(store: Path) -> dict[str, str]:
    return {
        path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in store.rglob("*.safetensors")
    }


def test_every_clip_is_stored_with_the_flow_of_its_frames(clips, tmp_path):
    pytest.importorskip("cv2")
    report = extract([clips], ExtractionOptions(out=tmp_path, model="dis", backward=True, frames=True))
    assert report.complete
    assert (report.clips, report.extracted, report.failed) == (7, 7, {})
    store, estimator = FlowStore(tmp_path), load_estimator("dis")
    assert list(store) == sorted(f"Class{i % 2}/v_{i}" for i in range(7))
    pairs = 0
    for key, clip in store.items():
        source = clips / f"{key}.avi"
        frames = frames_by_pyav(source)
        assert clip.header.source.frames_decoded == len(frames)
        assert clip.header.source.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
        assert (clip.pairs, clip.frames) == (len(frames) - 1, len(frames))
        tensors = torch.from_numpy(frames).permute(0, 3, 1, 2)
        for direction, order in [
            ("forward", (slice(None, -1), slice(1, None))),
            ("backward", (slice(1, None), slice(None, -1))),
        ]:
            flow = estimator(torch.stack([tensors[order[0]], tensors[order[1]]], 1))
            expected = dequantise(quantise(flow, 20.0).numpy(), 20.0)
            assert np.abs(clip.read(direction=direction).numpy() - expected).mean() < 0.05  # JPEG 95
        assert np.abs(clip.read_frames().permute(0, 2, 3, 1).numpy().astype(int) - frames).mean() < 6
        pairs += clip.pairs
    assert report.pairs == pairs
    assert verify(tmp_path).clean


@pytest.mark.parametrize("encoding", ["uint8", "float16"])
def test_flow_without_jpeg_is_exact_within_its_numbers(clips, tmp_path, encoding):
    pytest.importorskip("cv2")
    extract([clips], ExtractionOptions(out=tmp_path, model="dis", encoding=encoding, bound=10.0, step=2))
    clip = FlowStore(tmp_path)["v_1"]
    frames = torch.from_numpy(frames_by_pyav(clips / "Class1/v_1.avi")).permute(0, 3, 1, 2)
    flow = load_estimator("dis")(torch.stack([frames[:-2], frames[2:]], 1))
    expected = dequantise(quantise(flow, 10.0).numpy(), 10.0) if encoding == "uint8" else flow.half().float().numpy()
    assert np.array_equal(clip.read().numpy(), expected)


def test_bytes_do_not_depend_on_batch_workers_or_devices(clips, tmp_path):
    pytest.importorskip("cv2")
    extract([clips], ExtractionOptions(out=tmp_path / "a", model="dis", frames=True))
    expected = hashes(tmp_path / "a")
    assert len(expected) == 7
    for i, changed in enumerate([{"batch": 1}, {"batch": 7, "workers": 1}, {"batch": 64, "workers": 4}]):
        out = tmp_path / f"b{i}"
        extract([clips], ExtractionOptions(out=out, model="dis", frames=True, **changed))
        assert hashes(out) == expected
    out = tmp_path / "devices"
    extract(
        [clips],
        ExtractionOptions(out=out, model="dis", frames=True),
        [load_estimator("dis") for _ in range(3)],
    )
    assert hashes(out) == expected


def test_batches_computed_as_one_have_one_size_and_clips_do_not_feel_their_neighbours(clips, tmp_path):
    options = {"model": "as-one", "encoding": "float16", "batch": 8}
    estimator = AsOne()
    report = extract([clips], ExtractionOptions(out=tmp_path / "all", **options), [estimator])
    assert estimator.sizes == {8}
    # One size of frames holds 6 clips and another 1: each is filled up once, at its end.
    counts = [5 + 6 * i - 1 for i in range(7)]
    by_size = [sum(counts) - counts[3], counts[3]]
    assert report.padded_pairs == sum(-count % 8 for count in by_size)
    expected = hashes(tmp_path / "all")
    for key in FlowStore(tmp_path / "all"):
        extract([clips / f"{key}.avi"], ExtractionOptions(out=tmp_path / "alone", **options), [AsOne()])
    alone = {name: FlowStore(tmp_path / "alone")[name].read() for name in FlowStore(tmp_path / "alone")}
    for key, clip in FlowStore(tmp_path / "all").items():
        assert torch.equal(clip.read(), alone[key.rsplit("/")[-1]])
    assert len(expected) == 7


def test_shards_share_the_clips_whatever_else_is_listed(clips, tmp_path):
    pytest.importorskip("cv2")
    extract([clips], ExtractionOptions(out=tmp_path / "whole", model="dis"))
    planned = []
    for i in (1, 2, 3):
        report = extract([clips], ExtractionOptions(out=tmp_path / "parts", model="dis", shard=f"{i}/3"))
        assert report.done_before == 0
        planned += json.loads(Path(report.run_record).read_text())["planned"]
    assert sorted(planned) == list(FlowStore(tmp_path / "whole"))
    assert hashes(tmp_path / "parts") == hashes(tmp_path / "whole")
    keys = [f"Class/v_{i}" for i in range(3000)]
    sizes = [sum(shard_of(key, 4) == part for key in keys) for part in (1, 2, 3, 4)]
    assert sum(sizes) == 3000
    assert min(sizes) > 650


def test_a_second_run_does_nothing_and_new_or_changed_clips_are_added(tmp_path):
    source, out = tmp_path / "clips", tmp_path / "flow"
    write_clip(source / "a.avi")
    write_clip(source / "b.avi", seed=1)
    options = ExtractionOptions(out=out, model="zero")
    assert extract([source], options).extracted == 2
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")}
    report = extract([source], options)
    assert (report.extracted, report.done_before, report.complete) == (0, 2, True)
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")}
    write_clip(source / "b.avi", frames=20, seed=1)
    write_clip(source / "c.avi", seed=2)
    report = extract([source], options)
    assert (report.extracted, report.done_before) == (2, 1)
    assert report.redone == {"b": "the clip has changed since"}
    assert FlowStore(out)["b"].pairs == 19


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"bound": 32.0}, "bound 20.0 there, 32.0 here"),
        ({"model": "zero+v"}, "model zero there, zero\\+v here"),
        ({"encoding": "uint8"}, "encoding jpeg there, uint8 here"),
        ({"step": 2}, "step 1 there, 2 here"),
        ({"resize": "24x32"}, "resize None there, 24x32 here"),
        ({"frames": True}, "frames False there, True here"),
        ({"backward": True}, "backward False there, True here"),
    ],
)
def test_a_store_of_other_settings_is_refused_before_anything_is_written(tmp_path, changed, difference):
    clip = write_clip(tmp_path / "a.avi")
    out = tmp_path / "flow"
    extract([clip], ExtractionOptions(out=out, model="zero"))
    before = sorted(out.rglob("*"))
    with pytest.raises(StoreError, match=f"made with other settings .*{difference}.*another --out"):
        extract([clip], ExtractionOptions(**{"out": out, "model": "zero", **changed}))
    (out / "store.json").unlink()  # the clips themselves say it too
    with pytest.raises(StoreError, match=f"this file was made with other settings .*{difference}"):
        extract([clip], ExtractionOptions(**{"out": out, "model": "zero", **changed}))
    assert [path for path in before if path.name != "store.json"] == sorted(out.rglob("*"))


def test_kill_at_random_moments_and_resume_gives_the_same_bytes(clips, tmp_path):
    pytest.importorskip("cv2")
    extract([clips], ExtractionOptions(out=tmp_path / "whole", model="farneback+v", frames=True))
    command = [sys.executable, "-m", "flowfeat", "extract", str(clips), "--out", str(tmp_path / "killed")]
    command += ["--model", "farneback+v", "--frames"]
    generator, killed, runs = random.Random(0), 0, 0
    for _ in range(40):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = len(hashes(tmp_path / "killed"))
        deadline = time.monotonic() + 60
        # From the moment its run is recorded the process is at work: kill it a random moment later.
        while process.poll() is None and time.monotonic() < deadline and not _running(tmp_path / "killed", runs):
            time.sleep(0.02)
        time.sleep(generator.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        ended, runs = process.wait() == 0, runs + 1
        assert len(hashes(tmp_path / "killed")) >= before
        killed += not ended
        if killed == 4:
            break
        if ended:  # it was faster: begin anew
            assert hashes(tmp_path / "killed") == hashes(tmp_path / "whole")
            shutil.rmtree(tmp_path / "killed")
            runs = 0
    assert killed == 4, "the run was too fast to be killed: this test tests nothing"
    report = extract([clips], ExtractionOptions(out=tmp_path / "killed", model="farneback+v", frames=True))
    assert report.complete
    assert hashes(tmp_path / "killed") == hashes(tmp_path / "whole")
    assert verify(tmp_path / "killed").clean


def test_an_interrupted_run_says_so_and_can_be_resumed(clips, tmp_path):
    pytest.importorskip("cv2")
    command = [sys.executable, "-m", "flowfeat", "extract", str(clips), "--out", str(tmp_path), "--model", "tvl1"]
    for _ in range(3):
        # Where the tests run in the background SIGINT is ignored, and a child would inherit that.
        process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        while process.poll() is None and not any(
            '"running"' in run.read_text() for run in (tmp_path / "runs").glob("*.json")
        ):
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 1, said
        assert "interrupted; run again to go on" in said
        assert "Traceback" not in said
        assert '"stopped"' in max((tmp_path / "runs").glob("*.json")).read_text()


def _running(store: Path, before: int) -> bool:
    runs = sorted((store / "runs").glob("*.json"))
    return len(runs) > before and any('"running"' in run.read_text() for run in runs[-1:])


def test_repair_makes_again_what_is_wrong_and_nothing_else(clips, tmp_path):
    options = ExtractionOptions(out=tmp_path / "flow", model="zero", encoding="uint8")
    extract([clips], options)
    expected = hashes(options.out)
    damaged, lost, kept = (options.out / f"Class{i % 2}/v_{i}.safetensors" for i in (1, 2, 4))
    data = bytearray(damaged.read_bytes())
    data[-1] ^= 1
    damaged.write_bytes(data)
    lost.unlink()
    (options.out / "Class0/v_2.safetensors.00ff.partial").write_bytes(b"half")
    before = kept.stat().st_mtime_ns
    assert set(verify(options.out).faults) == {"Class1/v_1"}
    done = repair([clips], ExtractionOptions(out=options.out))
    assert done.complete
    assert (done.extraction.extracted, done.partial_files_removed) == (2, 1)
    assert hashes(options.out) == expected
    assert kept.stat().st_mtime_ns == before
    damaged.write_bytes(b"")
    assert not repair([clips / "Class0/v_0.avi"], ExtractionOptions(out=options.out)).complete
    with pytest.raises(StoreError, match="this is no store"):
        repair([clips], ExtractionOptions(out=tmp_path / "nowhere"))


def test_a_forecast_writes_nothing_and_is_near_the_truth(clips, tmp_path):
    pytest.importorskip("cv2")
    options = ExtractionOptions(out=tmp_path / "flow", model="dis", frames=True)
    plan = forecast([clips], options)
    assert not options.out.exists()
    report = extract([clips], options)
    assert (plan.clips, plan.todo, plan.pairs) == (7, 7, report.pairs)
    assert 0.5 < plan.bytes / report.bytes_written < 2
    assert plan.seconds > 0
    again = forecast([clips], options)
    assert (again.done, again.todo, again.pairs) == (7, 0, 0)


def test_progress_ends_with_everything_done(clips, tmp_path):
    seen = []
    extract([clips], ExtractionOptions(out=tmp_path, model="zero"), progress=seen.append)
    assert (seen[-1].clips_done, seen[-1].clips_failed, seen[-1].clips) == (7, 0, 7)
    assert seen[-1].bytes_done == seen[-1].bytes
    assert seen[-1].pairs == sum(5 + 6 * i - 1 for i in range(7))
    assert [progress.pairs for progress in seen] == sorted(progress.pairs for progress in seen)


def test_a_list_restricts_the_clips(clips, tmp_path):
    (tmp_path / "list.txt").write_text("Class0/v_2.avi 1\nv_5\n")
    options = ExtractionOptions(out=tmp_path / "flow", model="zero", clips=tmp_path / "list.txt")
    settings = options.settings(load_estimator("zero"))
    assert make_plan([clips], options, settings).keys == ["Class0/v_2", "Class1/v_5"]


def test_flow_computed_elsewhere_is_taken_in(clips, tmp_path):
    from flowfeat.formats import write_flow

    flows = {}
    for i in (0, 1):
        flows[i] = np.random.default_rng(i).normal(0, 2, (4 + 6 * i, 2, 48, 64)).astype(np.float32)
        for t, flow in enumerate(flows[i]):
            write_flow(tmp_path / f"theirs/v_{i}/{t:05d}.flo", flow)
    inputs = [clips / f"Class{i}/v_{i}.avi" for i in (0, 1, 2)[:2]]
    options = ExtractionOptions(out=tmp_path / "flow", model=f"files:{tmp_path / 'theirs'}", encoding="float16")
    assert extract(inputs, options).complete
    for i in (0, 1):
        assert np.array_equal(
            FlowStore(options.out)[f"v_{i}"].read().numpy(), flows[i].astype(np.float16).astype(np.float32)
        )
    (tmp_path / "theirs/v_1/00009.flo").unlink()
    report = extract(inputs, ExtractionOptions(out=tmp_path / "other", model=options.model, encoding="float16"))
    assert list(report.failed) == ["v_1"]
    assert report.extracted == 1


def test_options_that_cannot_be_are_refused():
    for changed, sentence in [
        ({"shard": "3/2"}, "--shard 3/2: write I/N with I from 1 to N"),
        ({"shard": "0/2"}, "--shard 0/2"),
        ({"shard": "a/b"}, "--shard a/b"),
        ({"bound": 0.0}, "--bound 0.0"),
        ({"bound": float("nan")}, "--bound nan"),
        ({"step": 0}, "--step 0"),
        ({"batch": 0}, "--batch 0"),
        ({"workers": 0}, "--workers 0"),
        ({"resize": "big"}, "--resize 'big'"),
        ({"devices": "0,0"}, "a GPU is named twice"),
        ({"devices": "gpu"}, "--devices gpu"),
    ]:
        with pytest.raises(InputError, match=sentence):
            ExtractionOptions(out=Path("flow"), **changed)


def test_no_process_is_left_behind(clips, tmp_path):
    extract([clips], ExtractionOptions(out=tmp_path, model="zero"))
    children = [
        child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()
    ]
    commands = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children if Path(f"/proc/{child}").exists()]
    assert not [command for command in commands if b"decode_process" in command]
    assert os.getpid()
