"""The last layer, which is new for every set of classes."""

from torch import nn

_DEVIATION = 0.001
"""Of the weights a new classifier begins with, as in TSN's networks: the first scores are nearly even."""


def new_classifier(features: int, classes: int) -> nn.Linear:
    """A linear layer from features to scores before the softmax."""
    layer = nn.Linear(features, classes)
    nn.init.normal_(layer.weight, std=_DEVIATION)
    nn.init.zeros_(layer.bias)
    return layer
