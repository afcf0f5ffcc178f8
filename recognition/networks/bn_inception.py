"""BN-Inception (Ioffe and Szegedy, ICML 2015, figure 5) as TSN's Caffe network has it.

It differs from the paper's table: 4c projects its pool to 128 channels, so that 4c, 4d and 4e give 608, 608 and 1056.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recognition.networks.classifier import new_classifier

_STRIDE = 32


class _ConvNorm(nn.Sequential):
    """Convolution, batch normalisation, ReLU. The convolution has a bias, though what follows removes it: files do."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        # Caffe's 0.9 is the share of the old mean; PyTorch's momentum is that of the new.
        self.bn = nn.BatchNorm2d(outputs, eps=1e-5, momentum=0.1)
        self.relu = nn.ReLU(inplace=True)
        nn.init.xavier_uniform_(self.conv.weight)
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)


@dataclass(frozen=True)
class _Table:
    """A row of the table: output channels of every layer of a module.

    Attributes:
        one: of 1x1; 0 where the module halves the maps, and has no such branch.
        three: of the branch 3x3, its reduction first.
        double: of the branch with two 3x3, its reduction first; both have the same number.
        pool, project: how the last branch pools, and to how many channels it projects; 0 for none.
    """

    one: int
    three: tuple[int, int]
    double: tuple[int, int]
    pool: Literal["average", "max"]
    project: int


_MODULES = {
    "3a": _Table(64, (64, 64), (64, 96), "average", 32),
    "3b": _Table(64, (64, 96), (64, 96), "average", 64),
    "3c": _Table(0, (128, 160), (64, 96), "max", 0),
    "4a": _Table(224, (64, 96), (96, 128), "average", 128),
    "4b": _Table(192, (96, 128), (96, 128), "average", 128),
    "4c": _Table(160, (128, 160), (128, 160), "average", 128),
    "4d": _Table(96, (128, 192), (160, 192), "average", 128),
    "4e": _Table(0, (128, 192), (192, 256), "max", 0),
    "5a": _Table(352, (192, 320), (160, 224), "average", 128),
    "5b": _Table(352, (192, 320), (192, 224), "max", 128),
}


class _Inception(nn.Module):
    """Branches side by side, whose maps are joined."""

    def __init__(self, inputs: int, table: _Table):
        super().__init__()
        stride = 1 if table.one else 2
        (reduced, three), (reduced_double, double) = table.three, table.double
        self.one = _ConvNorm(inputs, table.one, 1) if table.one else None
        self.three = nn.Sequential(_ConvNorm(inputs, reduced, 1), _ConvNorm(reduced, three, 3, stride))
        self.double_three = nn.Sequential(
            _ConvNorm(inputs, reduced_double, 1),
            _ConvNorm(reduced_double, double, 3),
            _ConvNorm(double, double, 3, stride),
        )
        if stride == 2:
            self.pooled = nn.Sequential(nn.MaxPool2d(3, stride=2, ceil_mode=True))
        else:
            pool = nn.MaxPool2d if table.pool == "max" else nn.AvgPool2d
            self.pooled = nn.Sequential(pool(3, stride=1, padding=1), _ConvNorm(inputs, table.project, 1))
        self.outputs = table.one + three + double + (table.project or inputs)

    def forward(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h2 w2"]:
        branches = [self.three(maps), self.double_three(maps), self.pooled(maps)]
        return torch.cat(branches if self.one is None else [self.one(maps), *branches], 1)


class BnInception(nn.Module):
    """A stack or a frame to scores. Sides are multiples of 32."""

    def __init__(self, channels: int, classes: int, dropout: float):
        super().__init__()
        self.conv1_7x7_s2 = _ConvNorm(channels, 64, 7, 2)
        self.conv2_3x3_reduce = _ConvNorm(64, 64, 1)
        self.conv2_3x3 = _ConvNorm(64, 192, 3)
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        width = 192
        for name, table in _MODULES.items():
            module = _Inception(width, table)
            self.add_module(f"inception_{name}", module)
            width = module.outputs
        self.drop = nn.Dropout(dropout)
        self.fc = new_classifier(width, classes)

    def forward(self, stacks: Float[Tensor, "n c h w"]) -> Float[Tensor, "n classes"]:
        """Scores before the softmax. Raises ValueError where a side is no multiple of 32."""
        if stacks.shape[-2] % _STRIDE or stacks.shape[-1] % _STRIDE:
            # Caffe's pooling rounds up and its convolution down: branches would differ in size.
            raise ValueError(
                f"BN-Inception takes sides that are multiples of {_STRIDE}, not {tuple(stacks.shape[-2:])}"
            )
        maps = self.pool(self.conv1_7x7_s2(stacks))
        maps = self.pool(self.conv2_3x3(self.conv2_3x3_reduce(maps)))
        for name in _MODULES:
            maps = self.get_submodule(f"inception_{name}")(maps)
        return self.fc(self.drop(maps.mean((2, 3))))


_PUBLISHED_LAYERS = {
    "one": "1x1",
    "three.0": "3x3_reduce",
    "three.1": "3x3",
    "double_three.0": "double_3x3_reduce",
    "double_three.1": "double_3x3_1",
    "double_three.2": "double_3x3_2",
    "pooled.1": "pool_proj",
}


def published_name(name: str) -> str:
    """What the TSN authors' files, and copies of them, call a tensor of `BnInception`.

    `inception_3a.three.1.bn.bias` is `inception_3a_3x3_bn.bias` there, and `conv2_3x3.conv.weight` `conv2_3x3.weight`.
    """
    *layer, part, tensor = name.split(".")
    if part not in ("conv", "bn"):
        return name
    module, *branch = layer
    published = "_".join([module, _PUBLISHED_LAYERS[".".join(branch)]] if branch else [module])
    return f"{published}_bn.{tensor}" if part == "bn" else f"{published}.{tensor}"
