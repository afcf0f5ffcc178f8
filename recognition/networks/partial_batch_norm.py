"""Partial batch normalisation (TSN, Wang et al. 2016, section 3.2): ImageNet's statistics are kept."""

from torch import nn


def freeze_batch_norms(network: nn.Module) -> None:
    """The scales and shifts of all batch normalisations but the first learn no more.

    The first sees another distribution than colour had, and goes on.
    """
    for norm in _later_norms(network):
        norm.requires_grad_(False)


def begin_training(network: nn.Module, partial_batch_norm: bool) -> None:
    """`network.train()`, after which all batch normalisations but the first still use the statistics they have."""
    network.train()
    if partial_batch_norm:
        for norm in _later_norms(network):
            norm.eval()


def _later_norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)][1:]
