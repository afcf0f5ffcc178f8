"""How many pairs are computed together, and that a run sticks to it."""

import pickle

import pytest
import torch
from fixture_clips import write_clip

from flowfeat.estimators import EstimatorDescription, FlowEstimator, load_estimator
from flowfeat.extraction import ExtractionOptions, batch_size, extract, pipeline
from flowfeat.extraction.batch_size import BatchSizes, choose_batch, largest_batch
from flowfeat.extraction.on_ray import Extractor
from flowfeat.store.records import claim_store
from flowfeat.video import Clip


def test_on_a_cpu_it_is_what_it_was():
    assert choose_batch(load_estimator("zero", device="cpu"), 240, 320) == 16


@pytest.mark.parametrize(
    ("size", "each", "free", "expected"),
    [
        ((256, 320), 50 << 20, 100 << 30, 128),  # no more than keeps a GPU busy
        ((240, 320), 50 << 20, 100 << 30, 128),  # which is about the size inside the networks
        ((480, 854), 200 << 20, 100 << 30, 16),
        ((2160, 3840), 4 << 30, 100 << 30, 1),
        ((256, 320), 50 << 20, 8 << 30, 64),  # half of the memory, and a power of two
        ((256, 320), 50 << 20, 0, 1),
        ((4320, 7680), 0, 1 << 40, 1),
    ],
)
def test_it_follows_from_the_frames_and_from_memory_where_that_is_short(size, each, free, expected):
    assert largest_batch(*size, each, free) == expected


class Counting(FlowEstimator):
    """A network's stand-in."""

    fixed_batch = True

    def __init__(self):
        self.description = EstimatorDescription("counting", "test")
        self.sizes: set[tuple[int, int]] = set()

    def estimate(self, frames, pairs):
        self.sizes.add((len(frames), frames.shape[-2]))
        return torch.zeros(len(frames), 2, *frames.shape[-2:])


def test_each_size_of_frames_has_its_own_and_all_devices_the_same(tmp_path, monkeypatch):
    write_clip(tmp_path / "clips/a.avi", frames=9)
    write_clip(tmp_path / "clips/b.avi", frames=9, height=64, width=80)
    asked: list[int] = []

    def choose(estimator, height, width):
        asked.append(height)
        return {48: 4, 64: 8}[height]

    monkeypatch.setattr(batch_size, "choose_batch", choose)
    estimators = [Counting(), Counting()]
    report = extract([tmp_path / "clips"], ExtractionOptions(out=tmp_path / "out", model="counting"), estimators)
    assert sorted(asked) == [48, 64]
    assert estimators[0].sizes | estimators[1].sizes == {(4, 48), (8, 64)}
    assert report.batches == {"48x64": 4, "64x80": 8}
    report = extract([tmp_path / "clips"], ExtractionOptions(tmp_path / "given", "counting", batch=3), [Counting()])
    assert report.batches == {"48x64": 3, "64x80": 3}


def test_an_actor_of_ray_chooses_once_for_all_its_rows(tmp_path, monkeypatch):
    paths = [write_clip(tmp_path / f"clips/{name}.avi", frames=9) for name in "ab"]
    sizes = iter((4, 8))
    monkeypatch.setattr(batch_size, "choose_batch", lambda *_: next(sizes))
    estimator = Counting()
    monkeypatch.setattr(ExtractionOptions, "load_estimators", lambda options: [estimator])
    options = ExtractionOptions(out=tmp_path / "out", model="counting")
    actor = Extractor(options, options.settings(estimator), ())
    claim_store(options.out, actor.settings)
    for path in paths:
        clip = Clip(path.stem, str(path))
        totals, fault = pickle.loads(actor({"clips": pickle.dumps([(clip, path.stat().st_size)])})["done"])
        assert (totals.extracted, totals.batches, fault) == (1, {"48x64": 4}, None)
    assert estimator.sizes == {(4, 48)}


@pytest.mark.parametrize(("workers", "expected"), [(7, [3, 2, 2]), (1, [1, 1, 1])])
def test_devices_share_the_workers(tmp_path, monkeypatch, workers, expected):
    clip, shares = write_clip(tmp_path / "a.avi"), []

    class Pipeline(pipeline.Pipeline):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            shares.append(self._encoders)

    monkeypatch.setattr(pipeline, "Pipeline", Pipeline)
    options = ExtractionOptions(out=tmp_path / "out", model="counting", workers=workers)
    assert extract([clip], options, [Counting() for _ in range(3)]).complete
    assert shares == expected


@pytest.mark.gpu
def test_a_gpu_takes_as_many_as_keep_it_busy():
    estimator = load_estimator("flownet2-thin", device="cuda")
    sizes = BatchSizes(None)
    chosen = sizes.of(estimator, 240, 320)
    assert chosen == sizes.of(estimator, 240, 320)
    assert 1 <= chosen <= 128
    assert chosen & (chosen - 1) == 0
