import pytest
import torch

from flowfeat.training.losses import downsampled, multiscale_loss


def test_by_hand():
    """Two levels of four cells and one: errors of 5 and of 3 with weights 1 and 10."""
    flow = torch.zeros(1, 2, 4, 4)
    flow[:, 0] = 3.0
    finer = torch.zeros(1, 2, 2, 2)
    finer[:, 1] = 4.0
    coarser = torch.zeros(1, 2, 1, 1)
    valid = torch.ones(1, 4, 4, dtype=torch.bool)
    assert float(multiscale_loss([finer, coarser], flow, valid, (1, 10))) == pytest.approx(4 * 5 + 30)
    assert float(multiscale_loss([finer], flow, valid, (1,), exponent=0.5, epsilon=4.0)) == pytest.approx(4 * 3.0)


def test_unknown_flow_counts_for_nothing():
    flow = torch.full((1, 2, 4, 4), 1.0)
    valid = torch.zeros(1, 4, 4, dtype=torch.bool)
    valid[0, 0, 0] = True
    flow[0, :, 1:] = 1e6
    flow[0, :, 0, 1:] = -1e6
    mean, known = downsampled(flow, valid, (2, 2))
    assert known.tolist() == [[[1, 0], [0, 0]]]
    assert mean[0, :, 0, 0].tolist() == [1, 1]
    level = torch.zeros(1, 2, 2, 2, requires_grad=True)
    loss = multiscale_loss([level], flow, valid, (1.0,))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(2**0.5)
    assert level.grad is not None
    assert level.grad[0, :, 0, 1:].abs().sum() == 0
    assert level.grad[0, :, 1].abs().sum() == 0


def test_nothing_known_is_no_loss():
    valid = torch.zeros(1, 4, 4, dtype=torch.bool)
    assert float(multiscale_loss([torch.ones(1, 2, 1, 1)], torch.ones(1, 2, 4, 4), valid, (1.0,))) == 0
