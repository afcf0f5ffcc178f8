"""ResNets (He et al., CVPR 2016) as torchvision has them."""

from torch import nn
from torchvision.models import ResNet, resnet18, resnet50, resnet101, resnet152

from recognition.networks.classifier import new_classifier

_BUILDERS = {18: resnet18, 50: resnet50, 101: resnet101, 152: resnet152}


def build_resnet(depth: int, channels: int, classes: int, dropout: float) -> ResNet:
    """ResNet-18, -50, -101 or -152 with random weights; dropout stands before its last layer."""
    network = _BUILDERS[depth](weights=None)
    network.conv1 = _stem(channels, 64)
    # torchvision's forward calls what stands here; the paper's network has no dropout.
    network.fc = nn.Sequential(nn.Dropout(dropout), new_classifier(network.fc.in_features, classes))  # type: ignore[assignment]
    return network


def _stem(channels: int, width: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
