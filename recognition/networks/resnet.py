"""ResNets (He et al., CVPR 2016) as torchvision has them."""

from torch import nn

from recognition.networks.classifier import new_classifier


def build_resnet(depth: int, channels: int, classes: int, dropout: float) -> nn.Module:
    """ResNet-18 or -50 with random weights; dropout stands before its last layer."""
    from torchvision import models  # takes seconds to import

    network = {18: models.resnet18, 50: models.resnet50}[depth]()
    network.conv1 = _stem(channels, 64)
    # torchvision's forward calls what stands here; the paper's network has no dropout.
    network.fc = nn.Sequential(nn.Dropout(dropout), new_classifier(network.fc.in_features, classes))  # type: ignore[assignment]
    return network


def _stem(channels: int, width: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer
