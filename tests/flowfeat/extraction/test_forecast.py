"""What lies ahead, whatever the clips are: large, of several sizes, without a count of frames."""

from collections import Counter

import pytest
import torch
from fixture_clips import write_clip

from flowfeat.cli.extract import describe_forecast
from flowfeat.estimators import EstimatorDescription, FlowEstimator
from flowfeat.extraction import ExtractionOptions, extract, forecast
from flowfeat.video import probe


def _options(out, **changed) -> ExtractionOptions:
    return ExtractionOptions(out=out, model="zero", encoding="uint8", workers=1, **changed)


@pytest.mark.parametrize("step", [1, 6, 15])
def test_frames_that_fill_several_chunks_are_a_sample_too(tmp_path, step):
    clip = write_clip(tmp_path / "a.avi", frames=20, height=720, width=960)  # four of them are 8 MiB
    plan = forecast([clip], _options(tmp_path / "flow", step=step))
    assert (plan.pairs, plan.sampled_pairs) == (20 - step, min(8, 20 - step))
    assert plan.seconds > 0
    assert plan.bytes == 2 * 720 * 960 * plan.pairs
    assert not (tmp_path / "flow").exists()


def test_sizes_that_are_mixed_are_counted_by_the_pixel(tmp_path):
    for i in range(4):
        write_clip(tmp_path / f"clips/small_{i}.avi", frames=5, seed=i)
    write_clip(tmp_path / "clips/large.avi", frames=40, height=240, width=320)
    options = _options(tmp_path / "flow")
    plan, report = forecast([tmp_path / "clips"], options), extract([tmp_path / "clips"], options)
    assert plan.pairs == report.pairs == 55
    assert plan.bytes == 2 * (39 * 240 * 320 + 16 * 48 * 64)
    assert plan.bytes_per_pair == pytest.approx(plan.bytes / 55)
    assert plan.bytes == pytest.approx(report.bytes_written, rel=0.02)
    small = forecast([tmp_path / "clips"], _options(tmp_path / "resized", resize="24x32"))
    assert small.bytes == 2 * 55 * 24 * 32


@pytest.mark.parametrize("ending", ["mkv", "webm", "ts"])
def test_a_container_without_a_count_is_counted_by_its_duration(tmp_path, ending):
    codec = {"mkv": "mpeg4", "webm": "libvpx", "ts": "mpeg2video"}[ending]
    clip = write_clip(tmp_path / f"a.{ending}", frames=50, codec=codec)
    assert probe(clip).declared_frames is None, "this test tests nothing"
    plan = forecast([clip], _options(tmp_path / "flow"))
    assert plan.pairs == pytest.approx(49, abs=2)
    assert (plan.uncounted, plan.unreadable) == (0, {})


class OnGPU(FlowEstimator):
    """Stands for a network on a GPU that is not here: it tells what it is called with."""

    fixed_batch = True
    device = torch.device("cuda")

    def __init__(self):
        self.description = EstimatorDescription("on-gpu", "test")
        self.calls: Counter[tuple[int, ...]] = Counter()

    def __call__(self, frames, pairs=None):
        self.calls[len(frames), *frames.shape[-2:]] += 1
        return torch.zeros(len(frames), 2, *frames.shape[-2:])

    def estimate(self, frames, pairs):
        raise NotImplementedError


def test_a_gpu_is_warmed_up_for_every_size_and_computes_batches_of_the_run(tmp_path, monkeypatch):
    for i, height in enumerate((48, 64, 64)):
        write_clip(tmp_path / f"clips/{i}.avi", frames=12, height=height)
    estimator = OnGPU()
    monkeypatch.setattr(ExtractionOptions, "load_estimators", lambda options: [estimator])
    plan = forecast([tmp_path / "clips"], _options(tmp_path / "flow", batch=4))
    assert plan.sampled_pairs == 3 * 8
    assert estimator.calls == {(4, 48, 64): 1 + 2, (4, 64, 64): 1 + 2 + 2}


def test_what_is_told_ends_after_ten_lines_and_says_how_many_there_are(tmp_path):
    for i in range(13):
        write_clip(tmp_path / f"clips/{i:02d}.avi", frames=2)
    options = _options(tmp_path / "flow")
    extract([tmp_path / "clips"], options)
    for path in options.out.glob("*.safetensors"):
        path.write_bytes(b"")
    told = describe_forecast(forecast([tmp_path / "clips"], options)).splitlines()
    assert told[0] == "13 clips: 0 done, 13 to do, 13 pairs by what their containers declare"
    assert [line for line in told if line.startswith("  again:")] == told[1:11]
    assert told[11] == "  ... and 3 more"
    assert told[-1] == "nothing was written into the store (--dry-run)"
