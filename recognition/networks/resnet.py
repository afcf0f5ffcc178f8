"""ResNets (He et al., CVPR 2016) as torchvision has them, and a narrow ResNet-18 for processors without a GPU."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models import ResNet, resnet18, resnet50, resnet101, resnet152
from torchvision.models.resnet import BasicBlock

from recognition.networks.classifier import new_classifier

_BUILDERS = {18: resnet18, 50: resnet50, 101: resnet101, 152: resnet152}


def build_resnet(depth: int, channels: int, classes: int, dropout: float) -> ResNet:
    """ResNet-18, -50, -101 or -152 with random weights; dropout stands before its last layer."""
    network = _BUILDERS[depth](weights=None)
    network.conv1 = _stem(channels, 64)
    # torchvision's forward calls what stands here; the paper's network has no dropout.
    network.fc = nn.Sequential(nn.Dropout(dropout), new_classifier(network.fc.in_features, classes))  # type: ignore[assignment]
    return network


class NarrowResNet18(nn.Module):
    """ResNet-18 with 3/8 of the channels of every layer: 24, 48, 96 and 192."""

    def __init__(self, channels: int, classes: int, dropout: float):
        super().__init__()
        self.conv1, self.bn1 = _stem(channels, 24), nn.BatchNorm2d(24)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(BasicBlock(24, 24), BasicBlock(24, 24))
        self.layer2 = _halving_stage(24)
        self.layer3 = _halving_stage(48)
        self.layer4 = _halving_stage(96)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.fc = nn.Sequential(nn.Dropout(dropout), new_classifier(192, classes))

    def forward(self, stacks: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Scores before the softmax."""
        maps = self.pool(torch.relu(self.bn1(self.conv1(stacks))))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return self.fc(maps.mean((2, 3)))


def _stem(channels: int, width: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer


def _halving_stage(width: int) -> nn.Sequential:
    """Two blocks that halve the maps and double the channels."""
    shortcut = nn.Sequential(nn.Conv2d(width, 2 * width, 1, stride=2, bias=False), nn.BatchNorm2d(2 * width))
    return nn.Sequential(BasicBlock(width, 2 * width, 2, shortcut), BasicBlock(2 * width, 2 * width))
