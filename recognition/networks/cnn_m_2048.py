"""CNN-M-2048 (Chatfield et al., BMVC 2014, table 1), the network of the first two-stream system (figure 1)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from recognition.networks.classifier import new_classifier


class CnnM2048(nn.Module):
    """Five convolutions and two hidden layers, the second of 2048 units; made for crops of 224 pixels.

    The layers have the names of the authors' Caffe network.
    """

    def __init__(self, channels: int, classes: int, dropout: float, second_normalisation: bool):
        """
        Args:
            channels: of the input.
            classes: scores that are given.
            dropout: before the second hidden layer and before the last.
            second_normalisation: responses are normalised after conv2 too; the temporal network does without, to save
                memory (Simonyan and Zisserman 2014, section 5).
        """
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 96, 7, stride=2)
        self.conv2 = nn.Conv2d(96, 256, 5, stride=2, padding=1)
        self.conv3 = nn.Conv2d(256, 512, 3, padding=1)
        self.conv4 = nn.Conv2d(512, 512, 3, padding=1)
        self.conv5 = nn.Conv2d(512, 512, 3, padding=1)
        self.fc6 = nn.Linear(512 * 6 * 6, 4096)
        self.fc7 = nn.Linear(4096, 2048)
        # Caffe's alpha is of the sum of squares over 5 channels, divided by 5; so is PyTorch's.
        self.normalise = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
        self.second_normalisation = second_normalisation
        # Caffe rounds the size of a pooled map up: 13x13 before conv3, where rounding down gives 12x12.
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        # Does nothing to the 6x6 maps of a crop of 224 pixels; other crops can be seen too.
        self.to_6x6 = nn.AdaptiveAvgPool2d(6)
        self.drop = nn.Dropout(dropout)
        # The published deviation, the same for all layers, needs levels of 0..255; flow is in pixels. He et al.'s
        # keeps the size of any signal.
        for layer in (*self._convolutions(), self.fc6, self.fc7):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        self.fc8 = new_classifier(2048, classes)

    def _convolutions(self) -> tuple[nn.Conv2d, ...]:
        return self.conv1, self.conv2, self.conv3, self.conv4, self.conv5

    def forward(self, stacks: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Scores before the softmax."""
        maps = self.pool(self.normalise(functional.relu(self.conv1(stacks))))
        maps = functional.relu(self.conv2(maps))
        maps = self.pool(self.normalise(maps) if self.second_normalisation else maps)
        maps = functional.relu(self.conv3(maps))
        maps = functional.relu(self.conv4(maps))
        maps = self.pool(functional.relu(self.conv5(maps)))
        features = self.drop(functional.relu(self.fc6(torch.flatten(self.to_6x6(maps), 1))))
        return self.fc8(self.drop(functional.relu(self.fc7(features))))
