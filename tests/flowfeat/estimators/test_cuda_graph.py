"""Which shapes are recorded, kept and dropped, by a stand-in for recording; what graphs compute, on a GPU."""

import logging

import pytest
import torch
from torch import Tensor

from flowfeat.estimators import load_estimator
from flowfeat.estimators.cuda_graph import CudaGraphs
from flowfeat.estimators.flownet import _FULL_PRECISION


def forward(frames: Tensor) -> Tensor:
    return frames.float().mean((2,)).clone()


def frames(height: int, value: int = 1, pairs: int = 2) -> Tensor:
    return torch.full((pairs, 2, 3, height, 8), value, dtype=torch.uint8)


class Recorder:
    """Records by keeping `forward`; tells what was recorded and released, and has memory for so many shapes."""

    def __init__(self, room: int = 9):
        self.told: list[tuple[str, int]] = []
        self.room = room

    def __call__(self, of, like: Tensor):
        if self.room == 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.room -= 1
        recorder, height = self, like.shape[-2]
        self.told.append(("recorded", height))

        class Kept:
            def __call__(self, given: Tensor) -> Tensor:
                return of(given)

            def release(self) -> None:
                recorder.room += 1
                recorder.told.append(("released", height))

        return Kept()


def test_each_shape_is_recorded_once_and_gives_what_forward_gives():
    recorder = Recorder()
    graphs = CudaGraphs(forward, recorder)
    for value in (1, 5, 9):
        for height in (8, 16):
            assert torch.equal(graphs(frames(height, value)), forward(frames(height, value)))
    assert recorder.told == [("recorded", 8), ("recorded", 16)]
    graphs(frames(8, pairs=3))
    assert recorder.told[2:] == [("recorded", 8)], "another size of batch is another shape"


def test_the_shape_used_least_recently_is_dropped_with_its_memory():
    recorder = Recorder()
    graphs = CudaGraphs(forward, recorder, shapes=2)
    for height in (8, 16, 8, 24, 8, 16):
        graphs(frames(height))
    assert recorder.told == [
        *(("recorded", 8), ("recorded", 16)),
        *(("released", 16), ("recorded", 24)),
        *(("released", 24), ("recorded", 16)),
    ]
    graphs.release()
    assert recorder.told[6:] == [("released", 8), ("released", 16)]


def test_where_recording_fails_forward_computes_and_one_line_says_why(caplog):
    tried = []

    def record(of, like):
        tried.append(like.shape)
        raise RuntimeError("operation not permitted when stream is capturing\nand much more")

    graphs = CudaGraphs(forward, record)
    with caplog.at_level(logging.WARNING):
        for height in (8, 16, 8):
            assert torch.equal(graphs(frames(height, 7)), forward(frames(height, 7)))
    assert len(tried) == 1
    (line,) = caplog.messages
    assert line.endswith("operation not permitted when stream is capturing")


def test_where_memory_is_short_the_other_shapes_make_room():
    recorder = Recorder(room=2)
    graphs = CudaGraphs(forward, recorder)
    for height in (8, 16, 24):
        graphs(frames(height))
    assert recorder.told[2:] == [("released", 8), ("released", 16), ("recorded", 24)]
    with pytest.raises(torch.OutOfMemoryError):
        CudaGraphs(forward, Recorder(room=0))(frames(8))


@pytest.mark.gpu
def test_a_graph_computes_what_the_kernels_compute():
    weights = torch.randn(2, 6, 3, 3, generator=torch.Generator().manual_seed(0)).cuda()

    def convolved(given: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(given.float().flatten(1, 2), weights, padding=1)

    graphs = CudaGraphs(convolved, shapes=2)
    draw = torch.Generator().manual_seed(1)
    kept = []
    for height in (8, 16, 8, 24, 8):
        given = torch.randint(0, 256, (2, 2, 3, height, 8), generator=draw, dtype=torch.uint8).cuda()
        kept.append((graphs(given), convolved(given)))
    assert not graphs.fails
    for found, wanted in kept:  # a replay that wrote over what an earlier one gave would be far off
        torch.testing.assert_close(found, wanted, rtol=1e-2, atol=1.0)


@pytest.mark.gpu
def test_what_waits_for_the_gpu_is_computed_without_a_graph(caplog):
    def waits(given: Tensor) -> Tensor:
        return given.float().mean(2) * given.float().max().item()

    graphs = CudaGraphs(waits)
    given = torch.ones(2, 2, 3, 8, 8, dtype=torch.uint8, device="cuda")
    assert float(graphs(given).sum()) == 2 * 2 * 64
    assert len(caplog.messages) == 1
    torch.cuda.empty_cache()  # PyTorch's memory is as usable as before
    assert torch.ones(1 << 24, device="cuda").sum() == 1 << 24


@pytest.mark.gpu
def test_the_default_network_is_recorded_and_gives_the_bits_of_kernels_one_by_one():
    estimator = load_estimator("flownet2-thin", device="cuda")
    given = torch.randint(0, 256, (4, 2, 3, 60, 70), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    flow = estimator(given)
    compute = estimator._for_inference().compute
    assert isinstance(compute, CudaGraphs)
    assert not compute.fails
    with torch.inference_mode(), _FULL_PRECISION:
        assert torch.equal(compute.forward(given.cuda()), flow)
