"""What is minimised: the cross entropy of a video's scores, which are the mean over its segments."""

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from jaxtyping import Float, Int64
from torch import Tensor, nn


class Objective(nn.Module):
    """A network and its loss in one module, as distributed training wants it."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(
        self, stacks: Float[Tensor, "b s c h w"], labels: Int64[Tensor, "b"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "b classes"]]:
        """The mean loss over videos, and their scores before the softmax.

        Scores are averaged over segments before the softmax (TSN, Wang et al. 2016, section 3.1: the segmental
        consensus); of one segment they are its own.
        """
        images = rearrange(stacks, "b s c h w -> (b s) c h w")
        # Channels last: the layout that the networks' convolutions compute in.
        scores = self.network(images.contiguous(memory_format=torch.channels_last))
        consensus = reduce(scores.float(), "(b s) classes -> b classes", "mean", s=stacks.shape[1])
        return F.cross_entropy(consensus, labels), consensus
