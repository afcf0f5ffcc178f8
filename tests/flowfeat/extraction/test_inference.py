"""Batches on their way to an estimator and back: the same values as one thing after the other, and nothing lost."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from fixture_clips import write_clip

from flowfeat.errors import InputError
from flowfeat.estimators import EstimatorDescription, FlowEstimator, Pair, load_estimator
from flowfeat.extraction import ExtractionOptions, extract, pipeline
from flowfeat.extraction.inference import Inference
from flowfeat.store.encoding import stored_values
from flowfeat.store.quantise import measure
from flowfeat.store.verify import verify


class Grey(FlowEstimator):
    """Flow that follows from the frames, and from how many pairs are computed together."""

    fixed_batch = True

    def __init__(self):
        self.description = EstimatorDescription("grey", "test")

    def estimate(self, frames, pairs):
        if any(pair.clip.endswith("v_1") for pair in pairs):
            raise InputError("no flow for v_1")
        grey = frames.float().mean(2)
        return torch.stack([grey[:, 1] - grey[:, 0], grey[:, 0] / 20 + len(frames)], 1)


def images(pairs: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (2 * pairs, 12, 16, 3), dtype=np.uint8))


def expected(estimator: FlowEstimator, of: list[np.ndarray], names: list[Pair], size: int, settings):
    given = torch.from_numpy(np.stack(of)).permute(0, 3, 1, 2).unflatten(0, (-1, 2))
    missing = size - len(given)
    filled = torch.cat([given, given[-1:].expand(missing, -1, -1, -1, -1)])
    flow = estimator(filled, names + names[-1:] * missing)[: len(given)]
    return stored_values(flow, settings), measure(flow, settings.bound)


@pytest.mark.parametrize("encoding", ["jpeg", "float16"])
def test_a_batch_is_filled_up_computed_measured_and_quantised(encoding, tmp_path):
    estimator, names = Grey(), [Pair("a", t, t + 1) for t in range(3)]
    settings = ExtractionOptions(tmp_path, encoding=encoding, bound=10.0).settings(estimator)
    inference = Inference(estimator, settings)
    assert inference.ahead == 0
    done = inference.begin(images(3), names, 5)()
    values, facts = expected(estimator, images(3), names, 5, settings)
    assert np.array_equal(done.values, values)
    for name in ("finite", "clipped_pixels", "max_displacement", "mean_displacement"):
        found, wanted = getattr(done.facts, name), getattr(facts, name)
        assert found.dtype == wanted.dtype
        assert torch.equal(found, wanted)


def hashes(store: Path) -> dict[str, str]:
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in store.rglob("*.safetensors")}


class OneAhead(Inference):
    """Results that come a batch later, as a GPU's do."""

    def __init__(self, estimator, settings):
        super().__init__(estimator, settings)
        self.ahead = 1


def test_a_batch_on_its_way_changes_no_byte_and_a_clip_that_fails_takes_none_along(tmp_path, monkeypatch):
    for number in range(4):
        write_clip(tmp_path / f"clips/v_{number}.avi", frames=4 + 5 * number, seed=number)
    options = {"model": "grey", "encoding": "float16", "batch": 4, "backward": True}
    plain = extract([tmp_path / "clips"], ExtractionOptions(tmp_path / "plain", **options), [Grey()])
    monkeypatch.setattr(pipeline, "Inference", OneAhead)
    ahead = extract([tmp_path / "clips"], ExtractionOptions(tmp_path / "ahead", **options), [Grey()])
    assert list(plain.failed) == list(ahead.failed) == ["v_1"]
    assert (plain.pairs, plain.extracted) == (ahead.pairs, ahead.extracted)
    assert hashes(tmp_path / "plain") == hashes(tmp_path / "ahead")
    assert len(hashes(tmp_path / "ahead")) == 3


@pytest.mark.gpu
def test_on_a_gpu_batches_overlap_and_their_values_are_those_of_one_by_one(tmp_path):
    estimator = load_estimator("flownet2-thin", device="cuda")
    settings = ExtractionOptions(tmp_path).settings(estimator)
    inference, names = Inference(estimator, settings), [Pair("a", t, t + 1) for t in range(6)]
    draws = [list(np.random.default_rng(n).integers(0, 256, (12, 60, 80, 3), dtype=np.uint8)) for n in range(5)]
    asked = [inference.begin(draw, names, 8) for draw in draws]
    for draw, wait in zip(draws, asked, strict=True):
        done = wait()
        values, facts = expected(estimator, draw, names, 8, settings)
        assert np.array_equal(done.values, values)
        assert torch.equal(done.facts.max_displacement, facts.max_displacement)


@pytest.mark.gpu
def test_a_gpu_extracts_the_same_bytes_however_the_work_is_cut(tmp_path):
    for number in range(4):
        write_clip(tmp_path / f"clips/v_{number}.avi", frames=4 + 5 * number, seed=number)
    clips = sorted((tmp_path / "clips").iterdir())

    def run(out: str, of: list[Path], **changed) -> dict[str, str]:
        assert extract(of, ExtractionOptions(tmp_path / out, "flownet2-thin", device="cuda", **changed)).complete
        return hashes(tmp_path / out)

    whole = run("whole", clips)
    assert len(whole) == 4
    run("cut", clips[:2], workers=1)
    assert run("cut", clips) == whole
    alone = [run(f"alone{number}", [clip]) for number, clip in enumerate(clips)]
    assert {name: digest for one in alone for name, digest in one.items()} == whole
    assert verify(tmp_path / "whole").clean
