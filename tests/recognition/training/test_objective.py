import torch
from torch import nn

from recognition.training.objective import Objective


class _Means(nn.Module):
    """Scores are the means of channels."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((2, 3))


def test_a_videos_scores_are_the_mean_over_its_segments():
    stacks = torch.randn(2, 3, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([1, 3])
    loss, scores = Objective(_Means())(stacks, labels)
    expected = stacks.mean((1, 3, 4))
    torch.testing.assert_close(scores, expected)
    torch.testing.assert_close(loss, -expected.log_softmax(1)[[0, 1], labels].mean())
