"""Every estimator keeps the one promise: uint8 pairs in, flow in pixels with x first out."""

import numpy as np
import pytest
import torch
from fixture_clips import moving_texture

from flowfeat.errors import InputError
from flowfeat.estimators import (
    DEFAULT_MODEL,
    EstimatorDescription,
    FlowEstimator,
    load_estimator,
    model_entries,
)
from flowfeat.estimators.protocol import resolve_device

OPENCV = ["dis", "tvl1", "farneback", "deepflow", "pcaflow", "dis+v", "zero+v"]


def _pairs(count: int = 3, height: int = 96, width: int = 128, seed: int = 0) -> torch.Tensor:
    frames = torch.from_numpy(np.stack(list(moving_texture(count + 1, height, width, seed)))).permute(0, 3, 1, 2)
    return torch.stack([frames[:-1], frames[1:]], 1)


@pytest.mark.parametrize("name", ["dis", "tvl1", "farneback", "deepflow", "pcaflow", "dis+v"])
def test_flow_is_in_pixels_x_first_from_the_first_frame_to_the_second(name):
    pytest.importorskip("cv2")
    flow = load_estimator(name)(_pairs())
    assert flow.dtype == torch.float32
    assert flow.shape == (3, 2, 96, 128)
    middle = flow[:, :, 24:-24, 32:-32].mean(dim=(0, 2, 3))
    assert middle.tolist() == pytest.approx([-2.0, -1.0], abs=0.15)


@pytest.mark.parametrize("name", OPENCV)
def test_a_field_depends_on_its_pair_alone(name):
    """Not on the batch, its order, the number of threads, or what was computed before."""
    pytest.importorskip("cv2")
    pairs = _pairs(4, 64, 80)
    together = load_estimator(name, threads=3)(pairs)
    one_by_one = load_estimator(name, threads=1)
    backwards = torch.cat([one_by_one(pairs[i : i + 1]) for i in (3, 2, 1, 0)]).flip(0)
    assert torch.equal(together, backwards)


@pytest.mark.parametrize("name", ["dis", "tvl1", "farneback", "deepflow"])
def test_small_frames_leave_nothing_behind(name):
    """DIS changes its scales for frames of less than 44 pixels and keeps them."""
    pytest.importorskip("cv2")
    small, large = _pairs(3, 32, 43), _pairs(1, 64, 80)
    estimator = load_estimator(name, threads=1)
    alone = torch.cat([load_estimator(name, threads=1)(small[i : i + 1]) for i in range(3)])
    assert torch.equal(estimator(small), alone)
    assert torch.equal(estimator(large), load_estimator(name, threads=1)(large))


def test_refinement_moves_flow_towards_the_truth():
    pytest.importorskip("cv2")
    from flowfeat.estimators.opencv import Refined

    truth = torch.tensor([-2.0, -1.0])[:, None, None]

    class NearTheTruth(FlowEstimator):
        description = EstimatorDescription("near", "none")

        def estimate(self, frames, pairs):
            noise = torch.randn(len(frames), 2, *frames.shape[-2:], generator=torch.Generator().manual_seed(0))
            return 0.9 * truth + 0.5 * noise

    inside = (..., slice(16, -16), slice(16, -16))
    start, refined = (
        (estimator(_pairs()) - truth).norm(dim=1)[inside].mean()
        for estimator in (NearTheTruth(), Refined(NearTheTruth(), 2))
    )
    assert refined < 0.3 * start


def test_refinement_is_described():
    pytest.importorskip("cv2")
    description = load_estimator("dis+v").description
    assert description.model == "dis+v"
    assert description.parameters["v_fixed_point_iterations"] == description.parameters["v_sor_iterations"] == 10
    assert description != load_estimator("dis").description


def test_opencv_threads_are_put_back():
    cv2 = pytest.importorskip("cv2")
    before = cv2.getNumThreads()
    load_estimator("dis")(_pairs())
    assert cv2.getNumThreads() == before


def test_zero_is_zero():
    assert not load_estimator("zero", device="cpu")(_pairs()).any()


@pytest.mark.parametrize(
    "frames",
    [
        torch.zeros(1, 2, 3, 8, 8),
        torch.zeros(2, 3, 8, 8, dtype=torch.uint8),
        torch.zeros(1, 3, 2, 8, 8, dtype=torch.uint8),
    ],
)
def test_frames_of_another_kind_are_refused(frames, monkeypatch):
    # Users run without the tests' shape checks; the estimator's own check has to speak.
    from jaxtyping import config

    config.update("jaxtyping_disable", True)
    try:
        with pytest.raises(ValueError, match=r"frames must be uint8 of shape \(b, 2, 3, h, w\), not"):
            load_estimator("zero", device="cpu")(frames)
    finally:
        config.update("jaxtyping_disable", False)


def test_frames_too_small_for_a_method_are_a_sentence():
    pytest.importorskip("cv2")
    with pytest.raises(InputError, match="dis needs frames of at least 16x16 pixels, not 10x12"):
        load_estimator("dis")(torch.zeros(1, 2, 3, 12, 10, dtype=torch.uint8))


def test_without_a_model_it_is_the_default():
    assert load_estimator(device="cpu").description.model == DEFAULT_MODEL


@pytest.mark.parametrize(
    ("model", "weights", "device", "sentence"),
    [
        ("flownet9", None, "cpu", "no model called 'flownet9'; these work without weights: .*, dis"),
        ("zero", "w.pth", "cpu", "the model zero has no weights"),
        ("files:/nowhere", None, "cpu", "/nowhere: there is no such folder"),
        ("zero", None, "tpu", "no device called 'tpu'"),
        ("zero", None, "mps", "no device called 'mps'"),
        ("zero", None, "cuda:7", "GPU 7 was asked for and"),
    ],
)
def test_what_cannot_be_had_is_a_sentence(model, weights, device, sentence):
    with pytest.raises(InputError, match=sentence):
        load_estimator(model, weights, device)


def test_a_gpu_where_there_is_none_is_a_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="GPU 0 was asked for and no GPU is here"):
        resolve_device("cuda")
    assert resolve_device("auto") == torch.device("cpu")


def test_missing_opencv_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(InputError, match=r"pip install 'flowfeat\[opencv\]'"):
        load_estimator("dis")


def test_every_entry_is_described():
    for name, entry in model_entries().items():
        assert entry.method, name
        assert entry.needs, name


def test_an_estimator_of_ones_own_is_a_few_lines():
    class Constant(FlowEstimator):
        description = EstimatorDescription("constant", "none", {"x": 1.5})

        def estimate(self, frames, pairs):
            return torch.full((len(frames), 2, *frames.shape[-2:]), 1.5)

    assert Constant()(_pairs()).unique().tolist() == [1.5]


@pytest.mark.gpu
def test_flow_stays_on_the_gpu():
    assert load_estimator("zero", device="cuda")(_pairs()).device.type == "cuda"
